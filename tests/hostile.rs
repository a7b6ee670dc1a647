//! Hostile guests break only their own mount: callers get an error in bounded time, the server lives, and the
//! mount goes away when asked.

mod common;

use common::*;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A filesystem that mounts itself properly and answers every other request with `$behave` (request at local `$req`, its unique in `$unique`).
fn guest(behave: &str) -> String {
    format!(
        r#"(module
    (import "wasmjit_fuse" "mount" (func $mount (param i32 i32) (result i32)))
    (import "wasmjit_fuse" "serve" (func $serve (result i32)))
    (import "wasmjit_fuse" "send" (func $send (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 64)
    (func (export "_start")
        (if (call $mount (i32.const 0) (i32.const 0)) (then (call $exit (i32.const 9))))
        (drop (call $serve)))
    (func (export "wasmjit_fuse_buffer") (param i32 i32) (result i32) (i32.const 0x10000))
    (func $send_bytes (param $at i32) (param $len i32)
        (i32.store (i32.const 0x100) (local.get $at))
        (i32.store (i32.const 0x104) (local.get $len))
        (drop (call $send (i32.const 0x100) (i32.const 1))))
    (func $header (param $len i32) (param $error i32) (param $unique i64)
        (i32.store (i32.const 0x200) (local.get $len))
        (i32.store (i32.const 0x204) (local.get $error))
        (i64.store (i32.const 0x208) (local.get $unique)))
    (func $reply (param $unique i64) (param $error i32) (param $body i32)
        (call $header (i32.add (local.get $body) (i32.const 16)) (local.get $error) (local.get $unique))
        (call $send_bytes (i32.const 0x200) (i32.add (local.get $body) (i32.const 16))))
    (func $recurse (param i32) (result i32) (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func (export "wasmjit_fuse_dispatch") (param $req i32) (param $len i32) (local $op i32) (local $unique i64)
        (local.set $op (i32.load offset=4 (local.get $req)))
        (local.set $unique (i64.load offset=8 (local.get $req)))
        (if (i32.eq (local.get $op) (i32.const 26)) (then
            (i32.store (i32.const 0x210) (i32.const 7))
            (i32.store (i32.const 0x214) (i32.const 31))
            (i32.store (i32.const 0x224) (i32.const 0x20000))
            (call $reply (local.get $unique) (i32.const 0) (i32.const 64))
            (return)))
        ;; FORGET, BATCH_FORGET and INTERRUPT have no reply.
        (br_if 0 (i32.eq (local.get $op) (i32.const 2)))
        (br_if 0 (i32.eq (local.get $op) (i32.const 42)))
        (br_if 0 (i32.eq (local.get $op) (i32.const 36)))
        {behave}))"#
    )
}

/// Mounts the guest, calls it, and checks what callers and the system see.
fn survives(name: &str, behave: &str) {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new(&format!("hostile-{name}"));
    let file = temp.0.join("guest.wasm");
    std::fs::write(&file, wat::parse_str(guest(behave)).unwrap()).unwrap();
    let dir = temp.dir("mnt");
    let before = device(&temp.0);
    let args = ["--timeout", "1s", "--memory-limit", "64M", "--no-cache"];
    let mut mounted = Mounted::start(&dir, file.to_str().unwrap(), &args, &[]);
    for path in [dir.clone(), dir.join("x")] {
        refused(&path);
    }
    assert!(mounted.server.try_wait().unwrap().is_none(), "{name}: the server ended");
    // The mount must not be dead: its callers get an error of the filesystem, not of a lost connection.
    let error = std::fs::metadata(&dir).unwrap_err();
    assert_ne!(error.raw_os_error(), Some(libc::ENOTCONN), "{name}: {error}");
    let status = Command::new("umount").arg(&dir).status().unwrap();
    assert!(status.success(), "{name}: umount");
    assert!(mounted.wait(Duration::from_secs(10)).is_some(), "{name}: the server did not end after umount");
    assert_eq!(device(&dir), before, "{name}: something is still mounted");
}

/// A call on the filesystem fails, and within a bounded time.
fn refused(path: &Path) {
    let start = Instant::now();
    let status = Command::new("timeout").args(["-k", "1", "15", "stat"]).arg(path).output().unwrap().status;
    assert_eq!(status.code(), Some(1), "stat {path:?} should fail by itself");
    assert!(start.elapsed() < Duration::from_secs(10), "stat {path:?} took {:?}", start.elapsed());
}

macro_rules! hostile {
    ($($name:ident: $behave:expr;)*) => {$(
        #[test]
        fn $name() {
            survives(stringify!($name), $behave);
        }
    )*};
}

hostile! {
    length_beyond_the_message: "(call $header (i32.const 5000) (i32.const 0) (local.get $unique)) (call $send_bytes (i32.const 0x200) (i32.const 120))";
    shorter_than_a_header: "(call $header (i32.const 8) (i32.const 0) (local.get $unique)) (call $send_bytes (i32.const 0x200) (i32.const 8))";
    body_of_the_wrong_size: "(call $reply (local.get $unique) (i32.const 0) (i32.const 7))";
    garbage: "(memory.fill (i32.const 0x200) (i32.const 0xa7) (i32.const 4096)) (call $send_bytes (i32.const 0x200) (i32.const 144))";
    garbage_attributes: "(memory.fill (i32.const 0x210) (i32.const 0xa7) (i32.const 4096)) (call $reply (local.get $unique) (i32.const 0) (i32.const 104))";
    unknown_request: "(call $reply (i64.xor (local.get $unique) (i64.const 0x55550)) (i32.const 0) (i32.const 0))";
    positive_error: "(call $reply (local.get $unique) (i32.const 5) (i32.const 0))";
    huge_error: "(call $reply (local.get $unique) (i32.const -1000000) (i32.const 0))";
    error_with_a_body: "(call $reply (local.get $unique) (i32.const -2) (i32.const 104))";
    answer_twice: "(call $reply (local.get $unique) (i32.const -2) (i32.const 0)) (call $reply (local.get $unique) (i32.const -2) (i32.const 0))";
    no_answer: "";
    endless_loop: "(loop (br 0))";
    trap: "(unreachable)";
    out_of_bounds: "(drop (i32.load (i32.const 0x7fffffff)))";
    stack_overflow: "(drop (call $recurse (i32.const 0)))";
    vectors_outside_memory: "(drop (call $send (i32.const 0xfffffff0) (i32.const 3)))";
    vectors_without_end: "(drop (call $send (i32.const 0x100) (i32.const -1)))";
    bytes_outside_memory: "(call $send_bytes (i32.const 0xffffff00) (i32.const 0x1000))";
    serve_again: "(drop (call $serve))";
    mount_again: "(drop (call $mount (i32.const 0) (i32.const 0)))";
    notification_of_unknown_kind: "(call $header (i32.const 16) (i32.const 99) (i64.const 0)) (call $send_bytes (i32.const 0x200) (i32.const 16))";
    memory_to_the_cap: "(loop (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1)) (then
        (memory.fill (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)) (i32.const 1) (i32.const 65536)) (br 1))))
        (call $reply (local.get $unique) (i32.const -12) (i32.const 0))";
}

#[test]
fn a_guest_that_never_serves_leaves_no_mount() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("hostile-quits");
    let file = temp.0.join("guest.wasm");
    let text = guest("").replace("(drop (call $serve))", "");
    std::fs::write(&file, wat::parse_str(text).unwrap()).unwrap();
    let dir = temp.dir("mnt");
    let before = device(&dir);
    let output = Command::new("timeout")
        .args(["20"])
        .arg(env!("CARGO_BIN_EXE_wasmjit"))
        .args(["mount", "-f", "--no-cache"])
        .args([&file, &dir])
        .output()
        .unwrap();
    assert_ne!(output.status.code(), Some(124), "the command hangs");
    assert_eq!(device(&dir), before);
}

#[test]
fn a_guest_that_exits_in_a_request_takes_its_mount_along() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("hostile-exits");
    let file = temp.0.join("guest.wasm");
    std::fs::write(&file, wat::parse_str(guest("(call $exit (i32.const 3))")).unwrap()).unwrap();
    let dir = temp.dir("mnt");
    let before = device(&dir);
    let mut mounted = Mounted::start(&dir, file.to_str().unwrap(), &["--no-cache"], &[]);
    // The very first request ends it, so this one may find the mount or not.
    let _ = Command::new("timeout").args(["-k", "1", "15", "stat"]).arg(dir.join("x")).output().unwrap();
    assert!(mounted.wait(Duration::from_secs(10)).is_some(), "the server goes on without a guest");
    assert_eq!(device(&dir), before, "something is still mounted");
}
