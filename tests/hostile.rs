//! Hostile guests break only their own mount: callers get an error in bounded time, the server lives, and the
//! mount goes away when asked.

mod common;
#[path = "common/hostile.rs"]
mod guests;

use common::*;
use guests::{behaviours, guest};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

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

behaviours!(hostile);

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
