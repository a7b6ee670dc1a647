//! `auto_unmount`: a process that outlives this one and takes the mount away.
//!
//! It is forked, keeps nothing but one end of a pipe, and waits for the other end to close. That happens when this
//! process ends, however it ends. An orderly end writes a byte first, and then there is nothing to do.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use crate::sys::{self, MountId};

/// The watching process. Dropping it dismisses it.
#[derive(Debug)]
pub struct Watcher {
    pipe: OwnedFd,
    pid: libc::pid_t,
}

impl Watcher {
    /// Starts watching for the mount at `path`. With a helper, that unmounts; else the process does it itself.
    pub fn start(path: &CStr, identity: MountId, helper: Option<&Path>) -> io::Result<Watcher> {
        let helper = helper.and_then(sys::c_path);
        let mut fds = [0i32; 2];
        // SAFETY: the call writes two fresh descriptors into the array; each gets one owner.
        let (read, write) = unsafe {
            if libc::pipe2(fds.as_mut_ptr(), libc::O_CLOEXEC) < 0 {
                return Err(io::Error::last_os_error());
            }
            (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
        };
        // SAFETY: the child calls async-signal-safe functions only, allocates nothing and never returns.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => watch(read.as_raw_fd(), path, identity, helper.as_ref()),
            pid => Ok(Watcher { pipe: write, pid }),
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // SAFETY: writes one byte of a static; then waits for our own child, which ends at once.
        unsafe {
            libc::write(self.pipe.as_raw_fd(), b"q".as_ptr().cast(), 1);
            libc::waitpid(self.pid, std::ptr::null_mut(), 0);
        }
    }
}

/// The child. Only async-signal-safe calls from here on: another thread may have held any lock at the fork.
fn watch(pipe: i32, path: &CStr, identity: MountId, helper: Option<&CString>) -> ! {
    // SAFETY: system calls on integers and C strings that were made before the fork.
    unsafe {
        libc::setsid();
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1] {
            libc::signal(signal, libc::SIG_IGN);
        }
        // The pipe becomes descriptor 0 and everything else is closed, above all the device: while it is open, the
        // connection lives.
        libc::dup2(pipe, 0);
        libc::syscall(libc::SYS_close_range, 1u32, u32::MAX, 0u32);
        libc::chdir(c"/".as_ptr());
        let mut byte = 0u8;
        loop {
            let n = libc::read(0, (&raw mut byte).cast(), 1);
            if n > 0 {
                libc::_exit(0);
            }
            if n == 0 || *libc::__errno_location() != libc::EINTR {
                break;
            }
        }
        if sys::mount_id(path) == Ok(identity) {
            match helper {
                None => {
                    libc::umount2(path.as_ptr(), libc::MNT_DETACH | libc::UMOUNT_NOFOLLOW);
                }
                Some(helper) => {
                    let args = [
                        helper.as_ptr(),
                        c"-u".as_ptr(),
                        c"-q".as_ptr(),
                        c"-z".as_ptr(),
                        c"--".as_ptr(),
                        path.as_ptr(),
                        std::ptr::null(),
                    ];
                    libc::execv(helper.as_ptr(), args.as_ptr());
                }
            }
        }
        libc::_exit(0)
    }
}
