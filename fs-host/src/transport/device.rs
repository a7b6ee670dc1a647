//! `/dev/fuse`.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::Transport;
use crate::sys::{self, Errno, RawSlice};

/// An open `/dev/fuse` that belongs to a connection.
#[derive(Debug)]
pub struct DevFuse(OwnedFd);

impl DevFuse {
    /// Takes a descriptor that a mount was made with.
    pub fn new(fd: OwnedFd) -> Self {
        DevFuse(fd)
    }

    /// Whether the connection is over: the filesystem unmounted, or the connection aborted.
    pub fn is_dead(&self) -> bool {
        sys::poll([Some(self.0.as_fd())], 0)[0] & libc::POLLERR != 0
    }
}

impl AsFd for DevFuse {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Transport for DevFuse {
    unsafe fn read(&self, iov: &[RawSlice]) -> Result<usize, Errno> {
        // SAFETY: passed on to the caller.
        unsafe { sys::readv(self.0.as_fd(), iov) }
    }

    unsafe fn read_nowait(&self, iov: &[RawSlice]) -> Result<usize, Errno> {
        // Opening the device again for a nonblocking channel may not be permitted; the flag always works, and since
        // nobody else reads meanwhile, nobody sees it.
        sys::set_nonblocking(self.0.as_fd(), true)?;
        // SAFETY: passed on to the caller.
        let result = unsafe { sys::readv(self.0.as_fd(), iov) };
        sys::set_nonblocking(self.0.as_fd(), false)?;
        result
    }

    unsafe fn write(&self, iov: &[RawSlice]) -> Result<(), Errno> {
        // SAFETY: passed on to the caller. The device takes a message whole or not at all.
        unsafe { sys::writev(self.0.as_fd(), iov) }.map(drop)
    }

    fn duplicate(&self) -> io::Result<Arc<dyn Transport>> {
        let fd = sys::open_dev_fuse()?;
        sys::clone_dev_fuse(fd.as_fd(), self.0.as_fd())?;
        Ok(Arc::new(DevFuse(fd)))
    }

    fn poll_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
