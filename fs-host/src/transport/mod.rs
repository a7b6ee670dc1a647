//! The way messages come and go: the device, or something that behaves like it.
//!
//! One message per read and one per write, as on `/dev/fuse`. Errors are errno numbers with the device's meanings:
//! ENODEV after an unmount, ECONNABORTED after an abort, ENOENT for a request that is gone.

mod device;
mod pair;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

pub use device::DevFuse;
pub use pair::{PairTransport, pair};

use crate::sys::{Errno, RawSlice};

/// One channel to a FUSE client.
///
/// Requests that were read from a channel must be answered on it. [`Transport::duplicate`] makes further channels
/// of the same connection, which take requests from one common queue.
#[allow(unsafe_code)]
pub trait Transport: Send + Sync {
    /// Waits for a message and puts it into the slices. A signal ends the wait with EINTR.
    ///
    /// # Safety
    /// The slices are writable memory on whose contents nothing relies until the call returns.
    unsafe fn read(&self, iov: &[RawSlice]) -> Result<usize, Errno>;

    /// Takes a message if there is one, else EAGAIN. Nobody else may be reading from the same channel.
    ///
    /// # Safety
    /// As for [`Transport::read`].
    unsafe fn read_nowait(&self, iov: &[RawSlice]) -> Result<usize, Errno>;

    /// Writes one message.
    ///
    /// # Safety
    /// The slices are readable memory until the call returns.
    unsafe fn write(&self, iov: &[RawSlice]) -> Result<(), Errno>;

    /// A further channel.
    fn duplicate(&self) -> io::Result<Arc<dyn Transport>>;

    /// What to poll for the arrival of a message.
    fn poll_fd(&self) -> BorrowedFd<'_>;
}

/// Writes a message from ordinary memory.
#[allow(unsafe_code)]
pub(crate) fn write_bytes(channel: &dyn Transport, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the slice is borrowed, so it is readable across the call.
    unsafe { channel.write(&[RawSlice::new(bytes.as_ptr(), bytes.len())]) }
}

/// Reads a message into ordinary memory.
#[allow(unsafe_code)]
pub(crate) fn read_bytes(channel: &dyn Transport, bytes: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the slice is borrowed mutably, so it is ours across the call.
    unsafe { channel.read(&[RawSlice::new(bytes.as_mut_ptr(), bytes.len())]) }
}

/// Takes a message into ordinary memory if there is one.
#[allow(unsafe_code)]
pub(crate) fn read_bytes_nowait(channel: &dyn Transport, bytes: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: as in `read_bytes`.
    unsafe { channel.read_nowait(&[RawSlice::new(bytes.as_mut_ptr(), bytes.len())]) }
}
