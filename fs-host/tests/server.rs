//! The server against a kernel of the test's own, with guests that behave and guests that do not.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use common::{Kernel, PATIENCE, Script, attr_out, raw};
use fs_host::memfs::MemFs;
use fs_host::wire::{self, Wire};
use fs_host::{End, Error, FaultKind, GuestFault, Interrupt, OnTrap, Replies, ServerConfig};

fn config() -> ServerConfig {
    ServerConfig::default()
}

fn quick(on_trap: OnTrap) -> ServerConfig {
    ServerConfig { timeout: Some(Duration::from_millis(300)), on_trap, ..config() }
}

/// Answers GETATTR well; what a script does when it wants to show that it still works.
fn behave(unique: u64, replies: &Replies) {
    replies.data(unique, attr_out().bytes()).unwrap();
}

/// An interrupter that sets flags.
#[derive(Default)]
struct Flags {
    interrupted: AtomicU64,
    stopped: AtomicBool,
    cleared: AtomicU32,
}

impl Interrupt for Flags {
    fn interrupt(&self, unique: u64) {
        self.interrupted.store(unique, Ordering::SeqCst);
    }
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }
    fn clear(&self) {
        self.interrupted.store(0, Ordering::SeqCst);
        self.stopped.store(false, Ordering::SeqCst);
        self.cleared.fetch_add(1, Ordering::SeqCst);
    }
}

/// Sends something in reply to a request.
type Answer = dyn Fn(u64, &Replies) -> Result<(), i32> + Send;

/// Computes until it is stopped.
fn loop_until_stopped(flags: &Flags) -> Result<(), GuestFault> {
    let start = Instant::now();
    while !flags.stopped.load(Ordering::SeqCst) {
        assert!(start.elapsed() < PATIENCE, "nobody stopped the loop");
        std::thread::sleep(Duration::from_millis(1));
    }
    Err(GuestFault::stopped("stopped in a loop"))
}

#[test]
fn a_native_guest_serves_files() {
    let (mut kernel, serving) = Kernel::serving(ServerConfig { stats: true, ..config() }, MemFs::new());
    assert_eq!(kernel.call(wire::LOOKUP, 1, b"a\0"), Err(libc::ENOENT));
    let create = wire::CreateIn { mode: 0o100644, ..Default::default() };
    let created = kernel.call(wire::CREATE, 1, &[create.bytes(), b"a\0"].concat()).unwrap();
    let node = wire::EntryOut::read(&created).unwrap().nodeid;
    let data = vec![7u8; 100_000];
    let write = wire::WriteIn { size: data.len() as u32, ..Default::default() };
    kernel.call(wire::WRITE, node, &[write.bytes(), &data].concat()).unwrap();
    let read = wire::ReadIn { size: 1 << 17, ..Default::default() };
    assert_eq!(kernel.call(wire::READ, node, read.bytes()).unwrap(), data);
    let listed = kernel.call(wire::READDIRPLUS, 1, wire::ReadIn { size: 4096, ..Default::default() }.bytes());
    assert!(listed.unwrap().windows(3).any(|w| w == b"a\0\0"));
    let server = serving.unmount(kernel);
    assert_eq!(server.stats().count(wire::READ), (1, 0));
    assert_eq!(server.stats().count(wire::LOOKUP), (1, 1));
    assert!(server.stats().percentile(wire::READ, 99).is_some());
}

#[test]
fn bad_replies_become_errors_and_are_not_repeated() {
    let cases: Vec<(&str, Box<Answer>)> = vec![
        ("short body", Box::new(|unique, r| r.data(unique, &[0; 10]))),
        ("long body", Box::new(|unique, r| r.data(unique, &[0; 105]))),
        ("wrong length", Box::new(|unique, r| raw(r, 200, 0, unique, attr_out().bytes()))),
        ("error and body", Box::new(|unique, r| raw(r, 24, -2, unique, &[0; 8]))),
        ("positive error", Box::new(|unique, r| raw(r, 16, 2, unique, &[]))),
        ("huge error", Box::new(|unique, r| raw(r, 16, -4095, unique, &[]))),
        ("no type", Box::new(|unique, r| r.data(unique, &[0; 104]))),
        ("too large", Box::new(|unique, r| r.data(unique, &vec![0; 3 << 20]))),
    ];
    for (what, act) in cases {
        let guest = Script::new(move |header, _, replies| {
            if header.opcode == wire::STATFS {
                return replies.data(header.unique, &[0; 80]).map_err(|e| GuestFault::trap(e.to_string()));
            }
            assert_eq!(act(header.unique, replies), Err(libc::EINVAL), "the guest hears about it");
            assert_eq!(replies.error(header.unique, libc::ENOENT), Err(libc::ENOENT), "it was answered");
            Ok(())
        });
        let (mut kernel, serving) = Kernel::serving(config(), guest);
        assert_eq!(kernel.getattr(), Err(libc::EIO), "{what}");
        assert!(kernel.call(wire::STATFS, 1, &[]).is_ok(), "{what}: it goes on");
        serving.unmount(kernel);
    }
}

#[test]
fn unknown_and_repeated_replies_do_not_reach_the_kernel() {
    let guest = Script::new(|header, _, replies| {
        assert_eq!(replies.data(9998, attr_out().bytes()), Err(libc::ENOENT));
        behave(header.unique, replies);
        assert_eq!(replies.data(header.unique, attr_out().bytes()), Err(libc::ENOENT));
        assert_eq!(raw(replies, 3, 0, header.unique, &[]), Err(libc::ENOENT));
        assert_eq!(replies.send(&[]), Err(libc::EINVAL));
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    assert!(kernel.getattr().is_ok());
    assert!(kernel.receive_for(Duration::from_millis(100)).is_none());
    serving.unmount(kernel);
}

#[test]
fn a_missing_reply_is_an_error_after_the_timeout() {
    let guest = Script::new(|header, _, replies| {
        if header.opcode == wire::STATFS {
            behave_statfs(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(quick(OnTrap::Poison), guest);
    let start = Instant::now();
    assert_eq!(kernel.getattr(), Err(libc::EIO));
    assert!(start.elapsed() >= Duration::from_millis(250));
    assert!(kernel.call(wire::STATFS, 1, &[]).is_ok(), "a missing reply is no fault");
    // Locks wait as long as they must.
    let lock = kernel.send(wire::SETLKW, 1, &[0; 48]);
    assert!(kernel.receive_for(Duration::from_millis(700)).is_none());
    kernel.interrupt(lock);
    assert_eq!(kernel.receive().error, -libc::EINTR);
    serving.unmount(kernel);
}

fn behave_statfs(unique: u64, replies: &Replies) {
    replies.data(unique, wire::Kstatfs::default().bytes()).unwrap();
}

#[test]
fn replies_may_come_later_and_from_other_threads() {
    let guest = Script::new(|header, _, replies| {
        let (unique, replies) = (header.unique, replies.clone());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(if unique % 4 == 0 { 60 } else { 10 }));
            behave(unique, &replies);
        });
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    let sent: Vec<u64> = (0..8).map(|_| kernel.send(wire::GETATTR, 1, &[0; 16])).collect();
    let mut seen: Vec<u64> = (0..8)
        .map(|_| kernel.receive())
        .map(|s| {
            assert_eq!(s.error, 0);
            s.unique
        })
        .collect();
    assert_ne!(seen, sent, "in the order of the answers");
    seen.sort();
    assert_eq!(seen, sent);
    serving.unmount(kernel);
}

#[test]
fn an_endless_loop_ends_by_timeout() {
    for on_trap in [OnTrap::Continue, OnTrap::Poison] {
        let flags = Arc::new(Flags::default());
        let inner = flags.clone();
        let guest = Script::new(move |header, _, replies| match header.opcode {
            wire::READLINK => loop_until_stopped(&inner),
            _ => {
                behave(header.unique, replies);
                Ok(())
            }
        });
        let (mut kernel, serving) = Kernel::serving(quick(on_trap), guest.interrupted_by(flags.clone()));
        let looping = kernel.send(wire::READLINK, 1, &[]);
        let waiting = kernel.send(wire::GETATTR, 1, &[0; 16]);
        let first = kernel.receive();
        assert_eq!((first.unique, first.error), (looping, -libc::EIO));
        // The other one waited behind it for about as long, so it may have timed out as well.
        assert_eq!(kernel.receive().unique, waiting);
        let expected = if on_trap == OnTrap::Continue { Ok(attr_out().bytes().to_vec()) } else { Err(libc::EIO) };
        std::thread::sleep(Duration::from_millis(1500));
        assert_eq!(kernel.getattr(), expected);
        assert!(flags.cleared.load(Ordering::SeqCst) >= 1);
        serving.unmount(kernel);
    }
}

#[test]
fn an_endless_loop_in_a_request_without_reply_ends_too() {
    let flags = Arc::new(Flags::default());
    let inner = flags.clone();
    let guest = Script::new(move |header, _, replies| match header.opcode {
        wire::FORGET | wire::NOTIFY_REPLY => loop_until_stopped(&inner),
        _ => {
            behave(header.unique, replies);
            Ok(())
        }
    });
    let (mut kernel, serving) = Kernel::serving(quick(OnTrap::Continue), guest.interrupted_by(flags));
    kernel.send(wire::FORGET, 1, &[0; 8]);
    // A guest chooses this message's unique itself.
    kernel.send_as(0, wire::NOTIFY_REPLY, 1, &[0; 40]);
    let start = Instant::now();
    while kernel.getattr().is_err() {
        assert!(start.elapsed() < PATIENCE);
    }
    serving.unmount(kernel);
}

#[test]
fn a_guest_that_ignores_being_stopped_does_not_hang_callers() {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let guest = Script::new(move |header, _, replies| {
        match header.opcode {
            wire::READLINK => drop(released.lock().unwrap().recv()),
            _ => behave(header.unique, replies),
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(quick(OnTrap::Continue), guest);
    assert_eq!(kernel.call(wire::READLINK, 1, &[]), Err(libc::EIO));
    std::thread::sleep(Duration::from_millis(2500));
    let start = Instant::now();
    assert_eq!(kernel.getattr(), Err(libc::EIO), "refused, because the guest is lost");
    assert!(start.elapsed() < Duration::from_millis(280), "without waiting for the timeout");
    drop(release);
    let start = Instant::now();
    while kernel.getattr().is_err() {
        assert!(start.elapsed() < PATIENCE, "it came back and serves again");
    }
    serving.unmount(kernel);
}

fn trapping() -> Script {
    Script::new(|header, _, replies| match header.opcode {
        wire::READLINK => Err(GuestFault::trap("unreachable\n  0: readlink")),
        wire::RMDIR => {
            behave_empty(header.unique, replies);
            Err(GuestFault::trap("after the reply"))
        }
        wire::UNLINK => Err(GuestFault::exited(3)),
        // Never answered.
        wire::ACCESS => Ok(()),
        _ => {
            behave(header.unique, replies);
            Ok(())
        }
    })
}

fn behave_empty(unique: u64, replies: &Replies) {
    replies.error(unique, 0).unwrap();
}

#[test]
fn a_trap_is_an_error_for_its_caller_and_then_by_policy() {
    let (mut kernel, serving) = Kernel::serving(ServerConfig { on_trap: OnTrap::Continue, ..config() }, trapping());
    assert_eq!(kernel.call(wire::READLINK, 1, &[]), Err(libc::EIO));
    assert!(kernel.getattr().is_ok());
    assert!(kernel.call(wire::RMDIR, 1, b"x\0").is_ok(), "the reply went out before the trap");
    assert!(kernel.getattr().is_ok());
    serving.unmount(kernel);

    let (mut kernel, serving) = Kernel::serving(ServerConfig { on_trap: OnTrap::Poison, ..config() }, trapping());
    let asynchronous = kernel.send(wire::ACCESS, 1, &[0; 8]);
    assert!(kernel.getattr().is_ok());
    let trapped = kernel.send(wire::READLINK, 1, &[]);
    let mut seen = [kernel.receive(), kernel.receive()];
    seen.sort_by_key(|s| s.unique);
    assert_eq!(seen.each_ref().map(|s| s.unique), [asynchronous, trapped]);
    assert!(seen.iter().all(|s| s.error == -libc::EIO));
    for _ in 0..3 {
        assert_eq!(kernel.getattr(), Err(libc::EIO));
    }
    kernel.send(wire::FORGET, 1, &[0; 8]);
    assert_eq!(kernel.getattr(), Err(libc::EIO));
    serving.unmount(kernel);
}

#[test]
fn a_restarted_guest_takes_over_where_the_first_failed() {
    let (mut kernel, mut server) = Kernel::with_server(ServerConfig { on_trap: OnTrap::Restart, ..config() });
    let thread = std::thread::spawn(move || {
        let first = server.run(&mut trapping()).unwrap();
        assert!(matches!(&first, End::Faulted(fault) if fault.kind == FaultKind::Trap), "{first:?}");
        std::thread::sleep(Duration::from_millis(100));
        let second = server.run(&mut trapping()).unwrap();
        assert!(matches!(second, End::Unmounted), "{second:?}");
    });
    kernel.init();
    assert_eq!(kernel.call(wire::READLINK, 1, &[]), Err(libc::EIO));
    assert!(kernel.getattr().is_ok(), "the request waited for the second guest, which saw INIT again");
    drop(kernel);
    thread.join().unwrap();
}

#[test]
fn a_guest_that_exits_ends_serving() {
    let (mut kernel, serving) = Kernel::serving(config(), trapping());
    assert_eq!(kernel.call(wire::UNLINK, 1, b"x\0"), Err(libc::EIO));
    let (_, end) = serving.end();
    assert!(matches!(end, Ok(End::Faulted(fault)) if fault.kind == FaultKind::Exited(3)));

    let guest = Script::new(|header, _, replies| {
        replies.exit();
        behave(header.unique, replies);
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    assert!(kernel.getattr().is_ok());
    assert!(matches!(serving.end().1, Ok(End::Exited)));
}

#[test]
fn exit_from_another_thread_wakes_the_worker() {
    let guest = Script::new(|header, _, replies| {
        let later = replies.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            later.exit();
        });
        behave(header.unique, replies);
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    assert!(kernel.getattr().is_ok());
    assert!(matches!(serving.end().1, Ok(End::Exited)));
}

/// Blocks in a system call until somebody interrupts it.
fn block_in_a_system_call(flags: &Flags) -> bool {
    let start = Instant::now();
    let (_keep, silent) = std::os::unix::net::UnixStream::pair().unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let error = std::io::Read::read(&mut &silent, &mut [0]).unwrap_err();
    assert!(start.elapsed() < PATIENCE, "the wake signal came");
    error.kind() == std::io::ErrorKind::Interrupted && flags.interrupted.load(Ordering::SeqCst) != 0
}

#[test]
fn an_interrupt_reaches_a_blocked_guest() {
    let flags = Arc::new(Flags::default());
    let inner = flags.clone();
    let guest = Script::new(move |header, _, replies| {
        if header.opcode == wire::READLINK {
            assert!(block_in_a_system_call(&inner));
            replies.error(header.unique, libc::EINTR).unwrap();
        } else {
            assert_eq!(inner.interrupted.load(Ordering::SeqCst), 0, "a later dispatch is not hit");
            behave(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest.interrupted_by(flags));
    for _ in 0..3 {
        let blocked = kernel.send(wire::READLINK, 1, &[]);
        let behind = kernel.send(wire::GETATTR, 1, &[0; 16]);
        std::thread::sleep(Duration::from_millis(50));
        kernel.interrupt(blocked);
        let start = Instant::now();
        let seen = kernel.receive();
        assert_eq!((seen.unique, seen.error), (blocked, -libc::EINTR));
        assert!(start.elapsed() < Duration::from_millis(900), "the guest answered, not the host");
        let seen = kernel.receive();
        assert_eq!((seen.unique, seen.error), (behind, 0));
    }
    serving.unmount(kernel);
}

#[test]
fn an_interrupt_that_overtakes_its_request_is_kept() {
    let guest = |flags: Arc<Flags>| {
        let inner = flags.clone();
        let script = Script::new(move |header, _, replies| {
            if header.opcode == wire::READLINK {
                assert!(block_in_a_system_call(&inner));
                replies.error(header.unique, libc::EINTR).unwrap();
            } else {
                behave(header.unique, replies);
            }
            Ok(())
        });
        script.interrupted_by(flags)
    };
    let (mut kernel, mut server) = Kernel::with_server(ServerConfig { workers: 2, ..config() });
    let thread = std::thread::spawn(move || {
        let mut guests = [guest(Arc::default()), guest(Arc::default())];
        server.run_workers(&mut guests).map(|end| matches!(end, End::Unmounted))
    });
    kernel.init();
    for _ in 0..3 {
        assert!(kernel.getattr().is_ok());
        let late = kernel.upcoming();
        kernel.interrupt(late);
        std::thread::sleep(Duration::from_millis(50));
        let start = Instant::now();
        assert_eq!(kernel.send(wire::READLINK, 1, &[]), late);
        let seen = kernel.receive();
        assert_eq!((seen.unique, seen.error), (late, -libc::EINTR));
        assert!(start.elapsed() < Duration::from_millis(900), "the guest answered, not the host");
    }
    drop(kernel);
    assert!(thread.join().unwrap().unwrap());
}

#[test]
fn an_interrupt_ends_the_wait_for_a_guest_that_ignores_it() {
    let late = Arc::new(Mutex::new(None));
    let result = late.clone();
    let guest = Script::new(move |header, _, replies| {
        if header.opcode == wire::READLINK {
            std::thread::sleep(Duration::from_millis(2000));
            *result.lock().unwrap() = Some(replies.data(header.unique, b"target"));
        } else {
            behave(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    let slow = kernel.send(wire::READLINK, 1, &[]);
    let queued = kernel.send(wire::GETATTR, 1, &[0; 16]);
    let other = kernel.send(wire::GETATTR, 1, &[0; 16]);
    std::thread::sleep(Duration::from_millis(300));
    kernel.interrupt(queued);
    let seen = kernel.receive();
    assert_eq!((seen.unique, seen.error), (queued, -libc::EINTR), "it was not even begun");
    kernel.interrupt(slow);
    let seen = kernel.receive();
    assert_eq!((seen.unique, seen.error), (slow, -libc::EINTR));
    let seen = kernel.receive();
    assert_eq!((seen.unique, seen.error), (other, 0));
    assert_eq!(*late.lock().unwrap(), Some(Err(libc::ENOENT)), "the late reply went nowhere");
    serving.unmount(kernel);
}

#[test]
fn an_asynchronous_guest_sees_the_interrupt_message() {
    let waiting = Mutex::new(0);
    let guest = Script::new(move |header, body, replies| {
        if header.opcode == wire::SETLKW {
            *waiting.lock().unwrap() = header.unique;
        } else if header.opcode == wire::INTERRUPT {
            let target = wire::InterruptIn::read(body).unwrap().unique;
            assert_eq!(target, *waiting.lock().unwrap());
            replies.error(target, libc::EINTR).unwrap();
            // libfuse answers interrupts that it cannot place; that is fine and goes nowhere.
            replies.error(header.unique, libc::EAGAIN).unwrap();
        } else {
            behave(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    let lock = kernel.send(wire::SETLKW, 1, &[0; 48]);
    assert!(kernel.getattr().is_ok());
    kernel.interrupt(lock);
    let seen = kernel.receive();
    assert_eq!((seen.unique, seen.error), (lock, -libc::EINTR));
    kernel.interrupt(lock);
    assert!(kernel.getattr().is_ok(), "an interrupt for an answered request is dropped");
    serving.unmount(kernel);
}

#[test]
fn requests_behind_a_slow_one_keep_their_order() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let seen = order.clone();
    let guest = Script::new(move |header, _, replies| {
        if header.opcode == wire::READLINK {
            std::thread::sleep(Duration::from_millis(400));
            replies.data(header.unique, b"x").unwrap();
        } else {
            seen.lock().unwrap().push(header.unique);
            behave(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    for _ in 0..3 {
        order.lock().unwrap().clear();
        kernel.send(wire::READLINK, 1, &[]);
        let sent: Vec<u64> = (0..50).map(|_| kernel.send(wire::GETATTR, 1, &[0; 16])).collect();
        for _ in 0..51 {
            assert_eq!(kernel.receive().error, 0);
        }
        assert_eq!(*order.lock().unwrap(), sent);
    }
    serving.unmount(kernel);
}

#[test]
fn an_idle_server_sleeps_and_wakes_with_the_right_time() {
    let guest = Script::new(|header, _, replies| {
        if header.opcode == wire::READLINK {
            std::thread::sleep(Duration::from_millis(200));
            replies.data(header.unique, b"x").unwrap();
        } else {
            behave(header.unique, replies);
        }
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(quick(OnTrap::Poison), guest);
    assert!(kernel.getattr().is_ok());
    // Long enough for the control thread to stop looking at the clock.
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(kernel.call(wire::READLINK, 1, &[]).as_deref(), Ok(&b"x"[..]), "not taken for an old request");
    serving.unmount(kernel);
}

#[test]
fn random_messages_never_reach_the_kernel_unsound() {
    let mut seed = 0xbad_5eed_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed >> 24
    };
    let guest = Script::new(move |header, _, replies| {
        for _ in 0..next() % 4 {
            let len = [0, 4, 16, 24, 104, 120, 144, 400][next() as usize % 8];
            let mut message: Vec<u8> = (0..len).map(|_| next() as u8).collect();
            if len >= 16 && next() % 2 == 0 {
                message[..4].copy_from_slice(&(len as u32).to_le_bytes());
                message[8..16].copy_from_slice(&header.unique.to_le_bytes());
                if next() % 2 == 0 {
                    message[4..8].fill(0);
                }
            }
            let cut = next() as usize % (len + 1);
            let _ = replies.send(&[std::io::IoSlice::new(&message[..cut]), std::io::IoSlice::new(&message[cut..])]);
        }
        if next() % 8 == 0 {
            return Err(GuestFault::trap("at random"));
        }
        // Whatever was not answered is, so that the test need not wait for timeouts.
        let _ = replies.error(header.unique, libc::EPERM);
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(ServerConfig { on_trap: OnTrap::Continue, ..config() }, guest);
    let opcodes = [wire::GETATTR, wire::READ, wire::READDIR, wire::STATFS, wire::LOOKUP, wire::OPEN, 200];
    for round in 0..5000 {
        let opcode = opcodes[round % opcodes.len()];
        let read = wire::ReadIn { size: 100, ..Default::default() };
        let unique = kernel.send(opcode, 1, read.bytes());
        let seen = loop {
            let seen = kernel.receive();
            // Notifications may be among the random messages.
            if seen.unique != 0 {
                break seen;
            }
        };
        assert_eq!(seen.unique, unique, "one reply to each request, in order");
        assert!((-511..=0).contains(&seen.error));
        match (opcode, seen.error) {
            (wire::GETATTR, 0) => assert_eq!(seen.body.len(), 104),
            (wire::READ, 0) => assert!(seen.body.len() <= 100),
            (_, 0) => {}
            _ => assert!(seen.body.is_empty()),
        }
    }
    serving.unmount(kernel);
}

#[test]
fn a_guest_without_room_is_a_fault_and_not_a_hang() {
    let mut guest = Script::new(|_, _, _| Ok(()));
    guest.room = 8192;
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    for _ in 0..3 {
        assert_eq!(kernel.getattr(), Err(libc::EIO));
    }
    serving.unmount(kernel);
}

#[test]
fn init_may_be_refused_or_missed_or_trap() {
    let cases: [(Result<wire::InitOut, i32>, i32); 3] = [
        (Err(libc::EACCES), -libc::EACCES),
        (Err(0), -libc::EIO),
        (Ok(wire::InitOut { major: 7, minor: 8, ..Default::default() }), -libc::EIO),
    ];
    for (init, expected) in cases {
        let (mut kernel, mut server) = Kernel::with_server(quick(OnTrap::Poison));
        let mut guest = Script::new(|_, _, _| Ok(()));
        guest.init = init;
        let thread = std::thread::spawn(move || server.run(&mut guest).unwrap_err());
        assert_eq!(kernel.try_init().error, expected);
        let error = thread.join().unwrap();
        assert!(matches!(error, Error::InitRefused(_) | Error::Handshake(_)), "{error:?}");
    }
}

#[test]
fn the_ready_hook_comes_after_init() {
    let (ready, is_ready): (Sender<()>, _) = channel();
    let hook = ServerConfig { on_ready: Some(Box::new(move || ready.send(()).unwrap())), ..config() };
    let (mut kernel, mut server) = Kernel::with_server(hook);
    let thread = std::thread::spawn(move || server.run(&mut MemFs::new()).map(|end| matches!(end, End::Unmounted)));
    assert!(is_ready.recv_timeout(Duration::from_millis(200)).is_err());
    let out = kernel.init();
    assert_eq!((out.major, out.max_write), (7, 1 << 20));
    is_ready.recv_timeout(PATIENCE).unwrap();
    drop(kernel);
    assert!(thread.join().unwrap().unwrap());
}

#[test]
fn workers_run_in_parallel() {
    let meeting = Arc::new(Barrier::new(2));
    let guest = |meeting: Arc<Barrier>| {
        Script::new(move |header, _, replies| {
            meeting.wait();
            behave(header.unique, replies);
            Ok(())
        })
    };
    let (mut kernel, mut server) = Kernel::with_server(ServerConfig { workers: 2, ..config() });
    let thread = std::thread::spawn(move || {
        let mut guests = [guest(meeting.clone()), guest(meeting)];
        server.run_workers(&mut guests).map(|end| matches!(end, End::Unmounted))
    });
    kernel.init();
    for _ in 0..100 {
        let sent = [kernel.send(wire::GETATTR, 1, &[0; 16]), kernel.send(wire::GETATTR, 1, &[0; 16])];
        let mut seen = [kernel.receive().unique, kernel.receive().unique];
        seen.sort();
        assert_eq!(seen, sent, "each needed the other to run");
    }
    drop(kernel);
    assert!(thread.join().unwrap().unwrap());
}

#[test]
fn copies_of_a_guest_each_see_init() {
    // An answer that only a started guest gives: each counts the INITs that it saw.
    struct Copy(Script, u32);
    impl fs_host::Guest for Copy {
        fn attach(&mut self, replies: Replies) {
            self.0.attach(replies);
        }
        fn request_buffer(&mut self, size: usize) -> Result<fs_host::RequestBuffer<'_>, GuestFault> {
            self.0.request_buffer(size)
        }
        fn dispatch(&mut self, len: usize) -> Result<(), GuestFault> {
            let mut header = [0; 40];
            self.0.request_buffer(len)?.copy_to(&mut header);
            let opcode = wire::InHeader::read(&header).map_or(0, |header| header.opcode);
            if opcode == wire::INIT {
                self.1 += 1;
                // Long enough for the INITs of all copies to meet.
                std::thread::sleep(Duration::from_millis(50));
            }
            assert_eq!(self.1, 1, "INIT comes first and once");
            self.0.dispatch(len)
        }
        fn interrupter(&self) -> Arc<dyn Interrupt> {
            self.0.interrupter()
        }
    }
    const COPIES: usize = 4;
    let meeting = Arc::new(Barrier::new(COPIES));
    let guest = || {
        let meeting = meeting.clone();
        let script = Script::new(move |header, _, replies| {
            meeting.wait();
            behave(header.unique, replies);
            Ok(())
        });
        Copy(script, 0)
    };
    let (mut kernel, mut server) = Kernel::with_server(ServerConfig { workers: COPIES, replicated: true, ..config() });
    let mut guests = [(); COPIES].map(|()| guest());
    let thread = std::thread::spawn(move || {
        let end = server.run_workers(&mut guests).map(|end| matches!(end, End::Unmounted));
        (end.unwrap(), guests.map(|guest| guest.1))
    });
    kernel.init();
    let sent = [(); COPIES].map(|()| kernel.send(wire::GETATTR, 1, &[0; 16]));
    let mut seen = [(); COPIES].map(|()| kernel.receive());
    seen.sort_by_key(|seen| seen.unique);
    assert_eq!(seen.map(|seen| (seen.unique, seen.error)), sent.map(|unique| (unique, 0)));
    drop(kernel);
    assert_eq!(thread.join().unwrap(), (true, [1; COPIES]));
}

#[test]
fn notifications_pass_when_they_are_sound() {
    let guest = Script::new(|header, _, replies| {
        let inval = wire::NotifyInvalInode { ino: 5, off: 0, len: -1 };
        assert_eq!(raw(replies, 40, wire::NOTIFY_INVAL_INODE, 0, inval.bytes()), Ok(()));
        assert_eq!(raw(replies, 39, wire::NOTIFY_INVAL_INODE, 0, &inval.bytes()[1..]), Err(libc::EINVAL));
        assert_eq!(raw(replies, 16, 7, 0, &[]), Err(libc::EINVAL), "resending would repeat requests");
        behave(header.unique, replies);
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    let unique = kernel.send(wire::GETATTR, 1, &[0; 16]);
    let notified = kernel.receive();
    assert_eq!((notified.unique, notified.error, notified.body.len()), (0, wire::NOTIFY_INVAL_INODE, 24));
    assert_eq!(kernel.receive().unique, unique);
    serving.unmount(kernel);
}

#[test]
fn traces_tell_requests_and_replies() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let trace = ServerConfig {
        trace: Some(Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_owned()))),
        ..config()
    };
    let (mut kernel, serving) = Kernel::serving(trace, MemFs::new());
    let long = [&[b'n'; 200][..], b"\0"].concat();
    assert_eq!(kernel.call(wire::LOOKUP, 1, &long), Err(libc::ENOENT));
    serving.unmount(kernel);
    let text = lines.lock().unwrap().join("\n");
    assert!(text.contains(&"n".repeat(200)), "{text}");
    assert!(text.contains("opcode: LOOKUP (1)") && text.contains("error: -2"), "{text}");
    assert!(text.contains("INIT"), "{text}");
}

#[test]
fn replies_after_the_servers_end_are_harmless() {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let guest = Script::new(move |header, _, replies| {
        *keep.lock().unwrap() = Some((header.unique, replies.clone()));
        Ok(())
    });
    let (mut kernel, serving) = Kernel::serving(config(), guest);
    kernel.send(wire::GETATTR, 1, &[0; 16]);
    while kept.lock().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(serving.unmount(kernel));
    let (unique, replies) = kept.lock().unwrap().take().unwrap();
    assert_eq!(replies.data(unique, attr_out().bytes()), Err(libc::ENODEV));
    replies.exit();
    replies.unmount();
}
