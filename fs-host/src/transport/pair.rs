//! A socket pair in the device's place, so that tests can play the kernel inside one process.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use super::Transport;
use crate::sys::{self, Errno, RawSlice};

/// One end of a [`pair`].
#[derive(Debug)]
pub struct PairTransport(OwnedFd);

/// Two connected ends of a message channel. When one is closed, the other reads ENODEV as after an unmount.
pub fn pair() -> io::Result<(PairTransport, PairTransport)> {
    let mut fds = [0i32; 2];
    // SAFETY: the call writes two descriptors into the array; they are fresh, so each gets one owner.
    let (a, b) = unsafe {
        if libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) < 0 {
            return Err(io::Error::last_os_error());
        }
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    };
    for fd in [&a, &b] {
        let bytes: libc::c_int = 4 << 20;
        for option in [libc::SO_SNDBUF, libc::SO_SNDBUFFORCE] {
            // SAFETY: the option's value is one int. Failure leaves the smaller default, which is harmless.
            unsafe {
                libc::setsockopt(fd.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const bytes).cast(), 4);
            }
        }
    }
    Ok((PairTransport(a), PairTransport(b)))
}

impl PairTransport {
    /// The descriptor, for a peer that wants only that.
    pub fn into_fd(self) -> OwnedFd {
        self.0
    }
}

impl Transport for PairTransport {
    unsafe fn read(&self, iov: &[RawSlice]) -> Result<usize, Errno> {
        // SAFETY: passed on to the caller.
        at_end(unsafe { sys::readv(self.0.as_fd(), iov) })
    }

    unsafe fn read_nowait(&self, iov: &[RawSlice]) -> Result<usize, Errno> {
        // SAFETY: passed on to the caller.
        at_end(unsafe { sys::recv_nowait(self.0.as_fd(), iov) })
    }

    unsafe fn write(&self, iov: &[RawSlice]) -> Result<(), Errno> {
        // SAFETY: passed on to the caller.
        match unsafe { sys::writev(self.0.as_fd(), iov) } {
            Err(libc::EPIPE) => Err(libc::ENODEV),
            other => other.map(drop),
        }
    }

    fn duplicate(&self) -> io::Result<Arc<dyn Transport>> {
        Ok(Arc::new(PairTransport(self.0.try_clone()?)))
    }

    fn poll_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A closed socket looks to its peer like an unmounted device.
fn at_end(result: Result<usize, Errno>) -> Result<usize, Errno> {
    match result {
        Ok(0) | Err(libc::ECONNRESET) => Err(libc::ENODEV),
        other => other,
    }
}
