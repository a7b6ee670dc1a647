//! Scatter/gather lists of guests, checked and turned into the host's form without an allocation.

use super::errno::Errno;
use crate::memory::{GuestMemory, IoVec};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// Most buffers that one call may name, as on Linux.
pub const MAX_BUFFERS: u32 = 1024;

/// Most bytes that one call may move: what fits the guest's signed result.
pub const MAX_BYTES: u64 = i32::MAX as u64;

/// Buffers that are kept on the stack.
const INLINE: usize = 8;

/// One buffer in guest memory, checked to lie in it, for the kernel to read or fill: nothing of it is borrowed, as other threads may write.
#[derive(Clone, Copy)]
pub struct GuestBuf<'m> {
    start: *mut u8,
    len: usize,
    memory: PhantomData<&'m [u8]>,
}

impl<'m> GuestBuf<'m> {
    /// Checks a buffer.
    #[inline(always)]
    pub fn new(memory: &'m GuestMemory<'_>, ptr: u32, len: u32) -> Result<GuestBuf<'m>, Errno> {
        let start = memory.check(ptr, u64::from(len))?;
        Ok(GuestBuf { start, len: len as usize, memory: PhantomData })
    }

    /// Reads the list of the only buffer that a call names, and checks both.
    #[inline(always)]
    pub fn only(memory: &'m GuestMemory<'_>, list: u32) -> Result<GuestBuf<'m>, Errno> {
        let iov: IoVec = memory.read(list)?;
        GuestBuf::new(memory, iov.ptr, iov.len)
    }

    /// The same, and checks with the list the place of a number that the call is to store. `None` for whatever is wrong.
    #[inline(always)]
    pub(super) fn only_and(memory: &'m GuestMemory<'_>, list: u32, out: u32) -> Option<GuestBuf<'m>> {
        // Of two ends the farther, so that there is one branch. Neither sum has more than 33 bits.
        let end = (u64::from(list) + size_of::<IoVec>() as u64).max(u64::from(out) + size_of::<u32>() as u64);
        if end > memory.len() {
            return None;
        }
        GuestBuf::only(memory, list).ok()
    }

    /// For a system call.
    #[inline(always)]
    pub(super) fn as_ptr(self) -> *mut u8 {
        self.start
    }

    /// Its bytes.
    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.len
    }
}

/// Buffers in guest memory, each checked to lie in it. The memory stays borrowed as long as the list lives.
pub struct GuestIov<'m> {
    list: SmallVec<[libc::iovec; INLINE]>,
    memory: PhantomData<&'m mut [u8]>,
}

impl<'m> GuestIov<'m> {
    /// Reads and checks a list of `count` buffers at `ptr`.
    #[inline]
    pub fn gather(memory: &'m mut GuestMemory<'_>, ptr: u32, count: u32) -> Result<GuestIov<'m>, Errno> {
        if count > MAX_BUFFERS {
            return Err(Errno::EINVAL);
        }
        let mut list = SmallVec::new();
        let mut bytes = 0u64;
        for index in 0..count {
            let at = u64::from(ptr) + u64::from(index) * size_of::<IoVec>() as u64;
            let at = u32::try_from(at).map_err(|_| Errno::EFAULT)?;
            let iov: IoVec = memory.read(at)?;
            let base = memory.check(iov.ptr, u64::from(iov.len))?;
            bytes += u64::from(iov.len);
            list.push(libc::iovec { iov_base: base.cast(), iov_len: iov.len as usize });
        }
        if bytes > MAX_BYTES {
            return Err(Errno::EINVAL);
        }
        Ok(GuestIov { list, memory: PhantomData })
    }

    /// The list for a system call.
    pub(super) fn as_ptr(&self) -> *const libc::iovec {
        self.list.as_ptr()
    }

    /// How many buffers there are.
    pub(super) fn count(&self) -> i32 {
        self.list.len() as i32
    }
}
