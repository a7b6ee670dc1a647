//! Every host function with random arguments, fixed seeds: none may panic, block for good, touch anything outside of the grant,
//! or leak a descriptor. One test only, as it counts the descriptors of the process.
//!
//! `WASMJIT_FUZZ_SECONDS` makes it go on with other seeds for so long; each is printed, and `WASMJIT_FUZZ_SEED` begins with one.
#![allow(unsafe_code)]

mod host_rig;

use host_rig::fuzz::*;
use host_rig::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmjit::host::{HasHost, Role, Row};

/// Calls of each function.
const ROUNDS: usize = 2000;

/// Calls of each function that waits, or flushes a disk.
const SLOW_ROUNDS: usize = 12;

/// How often a waiting call is interrupted.
const TICK: Duration = Duration::from_millis(10);

/// Functions that wait for time or disks.
const SLOW: &[&str] = &["sleep", "poll", "select", "sync", "pause", "suspend"];

/// Calls of each function that waits for a peer, if it is called well.
const PEER_ROUNDS: usize = 200;

/// Functions that wait for a peer.
const PEER: &[&str] = &["recv", "accept", "getaddrinfo", "name"];

/// How often a function is called.
fn rounds(name: &str) -> usize {
    let is = |list: &[&str]| list.iter().any(|part| name.contains(part));
    if is(SLOW) {
        SLOW_ROUNDS
    } else if is(PEER) && !name.contains("path") {
        PEER_ROUNDS
    } else {
        ROUNDS
    }
}

/// Addresses of sockets.
const ADDRESSES: &[&[u8]] = &[
    &[2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    &[2, 0, 0, 1, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    &[2, 0, 0, 9, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0],
    &[10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
    b"\x01\0/data/socket\0",
    b"\x01\0/data/dir/socket\0",
    b"\x01\0\0abstract",
    b"\x01\0/ro/socket\0",
];

/// A message header with two buffers and a control message that carries a descriptor.
fn message(random: &mut Random, rig: &mut Rig) -> i64 {
    let words = |list: &[u32]| list.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let at = rig.room(64);
    let iov = rig.bytes(&words(&[at as u32, 16, at as u32 + 16, random.next() as u32 & 63]));
    let control = rig.bytes(&words(&[16, 1, 1, random.next() as u32 & 15, 0, 0, 0, 0]));
    let address = random.pick(ADDRESSES);
    let name = if random.below(2) == 0 { 0 } else { rig.bytes(address) };
    let control_len = random.pick(&[0u32, 12, 16, 17, 32, 4096]);
    rig.bytes(&words(&[name as u32, address.len() as u32, iov as u32, 2, control as u32, control_len, 0, 0]))
}

/// What epoll, timers and signals take: a structure of small numbers with a wild one among them.
fn event(random: &mut Random, rig: &mut Rig) -> i64 {
    let mut words = [0u32; 16];
    words.iter_mut().for_each(|word| *word = random.pick(&[0, 0, 0, 1, 2, 4, 10, 17, 0x8000_0001, 999_999_999]));
    words[random.below(16)] = random.next() as u32;
    rig.bytes(&words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>())
}

fn argument(random: &mut Random, rig: &mut Rig, role: Role) -> i64 {
    let wild = random.below(8) == 0;
    match role {
        _ if wild => random.next() as i64,
        Role::Fd => random.pick(&[-100, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 63]),
        Role::Str => {
            let path = random.pick(PATHS);
            rig.str(path)
        }
        Role::Ptr => match random.below(8) {
            0 => 0,
            6 => {
                let address = random.pick(ADDRESSES);
                rig.bytes(address)
            }
            7 => message(random, rig),
            1 => i64::from(MEMORY) - random.below(64) as i64,
            2 => {
                // A list of small numbers: buffers, times, sets of descriptors.
                let words: Vec<u8> = (0..24).flat_map(|_| (random.next() as u32 & 0x1ffff).to_le_bytes()).collect();
                rig.bytes(&words)
            }
            4 => event(random, rig),
            3 => {
                let words: Vec<u8> = (0..24).flat_map(|_| (random.next() as u32 & 7).to_le_bytes()).collect();
                rig.bytes(&words)
            }
            _ => random.below(MEMORY as usize) as i64,
        },
        Role::Len => random.pick(&[0, 1, 2, 3, 8, 24, 64, 88, 100, 1024, 4096, 65536, 1 << 20, i64::from(u32::MAX)]),
        Role::Int | Role::Float => random.pick(NUMBERS),
        Role::Off | Role::Wide => random.pick(&[0, 1, 100, 4096, 1 << 20, 1 << 31, 1 << 40, -1, i64::MAX, i64::MIN]),
    }
}

/// Interrupts waiting calls of the calling thread until it is dropped.
struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

extern "C" fn ignore(_: i32) {}

impl Watchdog {
    fn new() -> Watchdog {
        // SAFETY: installs a handler that does nothing, without SA_RESTART, so that waiting calls end with EINTR.
        let me = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = ignore as *const () as usize;
            libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut());
            libc::pthread_self()
        };
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(TICK);
                // SAFETY: the thread waits for this one before it ends.
                unsafe { libc::pthread_kill(me, libc::SIGUSR2) };
            }
        });
        Watchdog { stop, thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the watchdog");
        }
    }
}

fn round(rig: &mut Rig, random: &mut Random, row: &Row, func: wasmjit::runtime::Func) {
    let mut args: Vec<i64> = row.params.iter().map(|(_, role)| argument(random, rig, *role)).collect();
    if reserves_room(row) {
        args[1] &= !KEEP_SIZE;
    }
    // A trap is an answer, too: of exit(), abort(), or where a result has no place for an error.
    let _ = rig.call_func(func, &args);
    let host = rig.store.data_mut().host();
    assert!(host.fds.open_count() <= host.fds.max(), "{}", row.name);
}

#[test]
fn random_arguments() {
    limit_file_size(1 << 20);
    let _watchdog = Watchdog::new();
    let before = open_descriptors();
    let (seconds, first) = (number("WASMJIT_FUZZ_SECONDS"), number("WASMJIT_FUZZ_SEED").unwrap_or(1));
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    for seed in first.. {
        if seconds.is_some() {
            eprintln!("seed {seed}");
        }
        one_guest(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        assert_eq!(open_descriptors(), before, "descriptors leaked");
        if seed >= first + 3 && Instant::now() >= end {
            break;
        }
    }
}

/// Fuzzes one guest in a directory of its own, and looks whether what lies around is as it was.
fn one_guest(seed: u64) {
    let ground = Ground::new();
    let mut rig = Rig::new(&ground.policy());
    let handle = rig.store.interrupt_handle();
    handle.interrupt();
    rig.store.data_mut().host().interrupt = Some(handle);
    let mut random = Random(seed);
    let funcs = rig.funcs.clone();
    for index in 0..ROUNDS {
        for (row, func) in &funcs {
            if SKIPPED.contains(&row.name) || index >= rounds(row.name) {
                continue;
            }
            round(&mut rig, &mut random, row, *func);
        }
    }
    drop(rig);
    ground.check();
}
