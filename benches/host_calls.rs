//! What a host call costs beyond the system call that it makes: a guest's loop and a native loop, side by side in one run.
//!
//! `read+write` is two calls: a byte into a pipe and out of it.
//!
//! The second table has a byte's way through a pipe (`fd_write` and `fd_read`) and the clock in programs that the command and other
//! runtimes run, those that are found, by turns with a native loop: medians of the rounds, and what is beyond native in the same round.
//!
//! Says nothing about calls that take paths, whose confined resolution adds system calls of its own.
#![allow(unsafe_code, missing_docs)]

mod common;
#[path = "common/peers.rs"]
mod peers;

use common::median;
use std::os::fd::AsRawFd;
use std::time::Instant;
use wasmjit::host::{self, HasHost, Host, Policy};
use wasmjit::runtime::{Config, Engine, Linker, Module, Store};

struct Data(Host);

impl HasHost for Data {
    fn host(&mut self) -> &mut Host {
        &mut self.0
    }
}

/// Calls per measurement, and measurements of which the best counts.
const CALLS: i32 = 200_000;
const REPEATS: usize = 7;

const GUEST: &str = r#"(module
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (import "env" "__syscall_fstat64" (func $fstat (param i32 i32) (result i32)))
  (import "env" "__syscall_openat" (func $openat (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "env" "clock_gettime" (func $clock (param i32 i32) (result i32)))
  (import "env" "__syscall_pipe2" (func $pipe2 (param i32 i32) (result i32)))
  (import "env" "emscripten_notify_memory_growth" (func $nothing (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "/data/file\00")
  (data (i32.const 32) "\00\01\00\00\04\00\00\00")
  (data (i32.const 48) "\00\01\00\00\01\00\00\00")
  (func (export "pipe") (result i32) (call $pipe2 (i32.const 80) (i32.const 0)))
  (func (export "read+write") (param $n i32) (param $fd i32)
    (loop $l
      (drop (call $write (i32.load (i32.const 84)) (i32.const 48) (i32.const 1) (i32.const 64)))
      (drop (call $read (i32.load (i32.const 80)) (i32.const 48) (i32.const 1) (i32.const 64)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "clock") (param $n i32) (param $fd i32)
    (loop $l (drop (call $clock (i32.const 1) (i32.const 1024)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "time") (param $n i32) (param $fd i32)
    (loop $l (drop (call $time (i32.const 1) (i64.const 0) (i32.const 1024)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "open") (result i32) (call $openat (i32.const -100) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "nothing") (param $n i32) (param $fd i32)
    (loop $l (call $nothing (i32.const 0)) (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "pread") (param $n i32) (param $fd i32)
    (loop $l (drop (call $pread (local.get $fd) (i32.const 32) (i32.const 1) (i64.const 0) (i32.const 64)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "seek") (param $n i32) (param $fd i32)
    (loop $l (drop (call $seek (local.get $fd) (i64.const 0) (i32.const 0) (i32.const 64)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "fstat") (param $n i32) (param $fd i32)
    (loop $l (drop (call $fstat (local.get $fd) (i32.const 1024)))
      (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

fn best(mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    (0..REPEATS).map(|_| once(&mut run)).fold(f64::INFINITY, f64::min)
}

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::write(dir.path().join("file"), "content").expect("a file");
    let mut policy = Policy::new();
    policy.dir(dir.path(), "/data", true).expect("a grant");
    let engine = Engine::new(&Config::new());
    let module = Module::new(&engine, &wat::parse_str(GUEST).expect("text")).expect("a module");
    let mut linker = Linker::new();
    host::link(&mut linker, &module).expect("imports");
    let mut store = Store::new(&engine, Data(Host::new(&policy).expect("a host")));
    let instance = linker.instantiate(&mut store, &module).expect("an instance");
    let open = instance.get_typed_func::<(), i32>(&store, "open").expect("open");
    let fd = open.call(&mut store, ()).expect("no trap");
    assert!(fd >= 0, "open failed: {fd}");
    let pipe = instance.get_typed_func::<(), i32>(&store, "pipe").expect("pipe");
    assert_eq!(pipe.call(&mut store, ()).expect("no trap"), 0);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (read_end, write_end) = (reader.as_raw_fd(), writer.as_raw_fd());
    let file = std::fs::File::open(dir.path().join("file")).expect("a file");
    let native = file.as_raw_fd();
    let mut byte = [0u8; 4];
    let mut native_call = |name: &str| {
        for _ in 0..CALLS {
            // SAFETY: a live descriptor and buffers of the lengths that are passed.
            unsafe {
                match name {
                    "pread" => drop(libc::pread(native, byte.as_mut_ptr().cast(), byte.len(), 0)),
                    "seek" => drop(libc::lseek(native, 0, libc::SEEK_SET)),
                    "read+write" => {
                        libc::write(write_end, byte.as_ptr().cast(), 1);
                        libc::read(read_end, byte.as_mut_ptr().cast(), 1);
                    }
                    "clock" | "time" => {
                        let mut time = std::mem::zeroed();
                        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
                    }
                    "fstat" => {
                        let mut stat = std::mem::zeroed();
                        libc::fstat(native, &mut stat);
                    }
                    _ => {
                        std::hint::black_box(0);
                    }
                }
            }
        }
    };
    println!("{:<10} {:>10} {:>10} {:>10}", "ns a call", "guest", "native", "beyond");
    for name in ["nothing", "clock", "time", "seek", "pread", "fstat", "read+write"] {
        let func = instance.get_typed_func::<(i32, i32), ()>(&store, name).expect("a loop");
        let guest = best(|| func.call(&mut store, (CALLS, fd)).expect("no trap"));
        let host = best(|| native_call(name));
        println!("{name:<10} {guest:>10.1} {host:>10.1} {:>10.1}", guest - host);
    }
    compare_runtimes(dir.path());
}

/// Rounds of the comparison.
const ROUNDS: usize = 9;

/// The native loops of [`peers`]: nanoseconds of a byte's way, and of a look at the clock.
fn native_loops() -> [f64; 2] {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut byte = [0u8; 1];
    let timed = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..peers::CALLS).for_each(|_| run());
        start.elapsed().as_nanos() as f64 / f64::from(peers::CALLS)
    };
    // SAFETY: live descriptors, and buffers of the lengths that are passed.
    let pipe = timed(&mut || unsafe {
        libc::write(writer.as_raw_fd(), byte.as_ptr().cast(), 1);
        libc::read(reader.as_raw_fd(), byte.as_mut_ptr().cast(), 1);
    });
    // SAFETY: the call fills the structure that it is given.
    let clock = timed(&mut || unsafe {
        let mut time = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
    });
    [pipe, clock]
}

fn compare_runtimes(dir: &std::path::Path) {
    println!();
    let peers = peers::all(dir);
    let mut native: Vec<[f64; 2]> = Vec::new();
    let mut times: Vec<Vec<[f64; 2]>> = vec![Vec::new(); peers.len()];
    for _ in 0..ROUNDS {
        native.push(native_loops());
        for (peer, times) in peers.iter().zip(&mut times) {
            times.push(peer.run().unwrap_or([f64::NAN; 2]));
        }
    }
    println!("{:<18} {:>12} {:>10} {:>10} {:>10}", "ns", "write+read", "beyond", "clock", "beyond");
    let column = |times: &[[f64; 2]], at: usize| median(times.iter().map(|time| time[at]).collect());
    println!("{:<18} {:>12.1} {:>10} {:>10.1}", "native", column(&native, 0), "", column(&native, 1));
    for (peer, times) in peers.iter().zip(&times) {
        let beyond = |at: usize| median(times.iter().zip(&native).map(|(own, native)| own[at] - native[at]).collect());
        println!(
            "{:<18} {:>12.1} {:>10.1} {:>10.1} {:>10.1}",
            peer.name,
            column(times, 0),
            beyond(0),
            column(times, 1),
            beyond(1)
        );
    }
}
