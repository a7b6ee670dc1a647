//! A socket pair in the device's place, so that tests can play the kernel inside one process.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;

use super::Transport;
use crate::sys::{self, Errno, RawSlice};

/// One end of a [`pair`].
#[derive(Debug)]
pub struct PairTransport {
    fd: OwnedFd,
    nonblocking: bool,
}

/// Two connected ends of a message channel. When one is closed, the other reads ENODEV as after an unmount.
pub fn pair() -> io::Result<(PairTransport, PairTransport)> {
    let mut fds = [0i32; 2];
    // SAFETY: the call writes two descriptors into the array; they are fresh, so each gets one owner.
    let (a, b) = unsafe {
        if libc::socketpair(
            libc::AF_UNIX,
            libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC,
            0,
            fds.as_mut_ptr(),
        ) < 0
        {
            return Err(io::Error::last_os_error());
        }
        (OwnedFd::from_raw_fd(fds[0]), OwnedFd::from_raw_fd(fds[1]))
    };
    for fd in [&a, &b] {
        let bytes: libc::c_int = 4 << 20;
        for option in [libc::SO_SNDBUF, libc::SO_SNDBUFFORCE] {
            // SAFETY: the option's value is one int. Failure leaves the smaller default, which is harmless.
            unsafe {
                libc::setsockopt(
                    fd.as_raw_fd(),
                    libc::SOL_SOCKET,
                    option,
                    (&raw const bytes).cast(),
                    4,
                );
            }
        }
    }
    Ok((
        PairTransport {
            fd: a,
            nonblocking: false,
        },
        PairTransport {
            fd: b,
            nonblocking: false,
        },
    ))
}

impl PairTransport {
    /// The descriptor, for a peer that wants only that.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

impl Transport for PairTransport {
    unsafe fn read(&self, iov: &[RawSlice]) -> Result<usize, Errno> {
        // SAFETY: passed on to the caller.
        let result = unsafe {
            if self.nonblocking {
                sys::recv_nowait(self.fd.as_fd(), iov)
            } else {
                sys::readv(self.fd.as_fd(), iov)
            }
        };
        match result {
            Ok(0) | Err(libc::ECONNRESET) => Err(libc::ENODEV),
            other => other,
        }
    }

    unsafe fn write(&self, iov: &[RawSlice]) -> Result<(), Errno> {
        // SAFETY: passed on to the caller.
        match unsafe { sys::writev(self.fd.as_fd(), iov) } {
            Err(libc::EPIPE) => Err(libc::ENODEV),
            other => other.map(drop),
        }
    }

    fn duplicate(&self, nonblocking: bool) -> io::Result<Arc<dyn Transport>> {
        Ok(Arc::new(PairTransport {
            fd: self.fd.try_clone()?,
            nonblocking,
        }))
    }

    fn poll_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
