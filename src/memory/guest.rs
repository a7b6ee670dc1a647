//! Checked access to a guest's memory.
//!
//! Every address and length is a number that a hostile guest chose: sums are made in 64 bits and compared with the memory's
//! size once, here. `read*` and `copy*` copy out and in; `slice*` borrow; `bytes`, `cstr` and `fill_with` borrow where nobody else can
//! write, and copy where other threads can.
//!
//! # Shared memories
//!
//! Other threads of a guest may write while the host reads, so no reference to their bytes ever exists: they are copied through raw
//! pointers, each value once, and what was copied is what is checked and used. A copy that races with a writer is a mixture of old and new
//! bytes, which a guest could have put there anyway; nothing in the host relies on what they are, only on their number.

use std::borrow::Cow;
use std::ffi::CStr;
use std::hint::black_box;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::abi::vmctx::MemoryDesc;

/// A guest passed an address range outside of its memory. Host ABIs answer it as EFAULT or as a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFault {
    /// First address of the range.
    pub address: u32,
    /// Length of the range in bytes.
    pub len: u64,
}

impl std::fmt::Display for MemoryFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "guest address {:#x} with {} bytes is outside of its memory", self.address, self.len)
    }
}

impl std::error::Error for MemoryFault {}

/// Types that any bytes make a valid value of.
///
/// # Safety
/// Every bit pattern is valid, and there is no padding.
pub unsafe trait Pod: Copy + 'static {}

macro_rules! pod {
    ($($ty:ty)*) => {$(
        // SAFETY: numbers have no invalid patterns and no padding.
        unsafe impl Pod for $ty {}
    )*};
}
pod!(u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 f32 f64);

// SAFETY: an array has the elements' properties.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

/// A buffer of a scatter/gather list, as guests store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct IoVec {
    /// Address of the buffer.
    pub ptr: u32,
    /// Length in bytes.
    pub len: u32,
}

// SAFETY: two numbers without padding.
unsafe impl Pod for IoVec {}

/// A view of a guest's memory.
#[derive(Debug)]
pub struct GuestMemory<'a> {
    base: *mut u8,
    bytes: u64,
    /// Other threads may be writing: bytes are copied, never borrowed.
    shared: bool,
    _memory: PhantomData<&'a mut [u8]>,
}

impl<'a> GuestMemory<'a> {
    /// The memory that a descriptor describes.
    ///
    /// # Safety
    /// The descriptor is true, and the memory neither goes away nor is borrowed mutably by anyone else during `'a`. (Other
    /// threads may change the bytes of a shared memory at any time, as a hostile guest may: nothing relies on them.)
    pub unsafe fn from_desc(desc: *const MemoryDesc) -> GuestMemory<'a> {
        // SAFETY: by contract the descriptor can be read.
        let (base, bytes, shared) = unsafe {
            // Of a shared memory, another thread may be changing the length.
            let bytes = AtomicU64::from_ptr((&raw const (*desc).bytes).cast_mut());
            ((*desc).base, bytes.load(Ordering::Acquire), (*desc).shared)
        };
        GuestMemory { base, bytes, shared, _memory: PhantomData }
    }

    /// The same where it is known that threads do not share the memory.
    ///
    /// # Safety
    /// As for [`GuestMemory::from_desc`], and the descriptor says so, too.
    #[inline(always)]
    pub unsafe fn from_unshared(desc: *const MemoryDesc) -> GuestMemory<'a> {
        // SAFETY: by contract.
        let (base, bytes) = unsafe { ((*desc).base, (*desc).bytes) };
        GuestMemory { base, bytes, shared: false, _memory: PhantomData }
    }

    /// A memory without bytes.
    pub fn empty() -> GuestMemory<'a> {
        GuestMemory { base: std::ptr::NonNull::dangling().as_ptr(), bytes: 0, shared: false, _memory: PhantomData }
    }

    /// Size in bytes.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// Whether the memory has no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Address of byte 0 in the host.
    pub fn base(&self) -> *mut u8 {
        self.base
    }

    /// A shorter-lived view of the same memory.
    pub fn reborrow(&mut self) -> GuestMemory<'_> {
        GuestMemory { base: self.base, bytes: self.bytes, shared: self.shared, _memory: PhantomData }
    }

    /// Checks a range and gives its host address: the one place where guest pointers are checked.
    #[inline]
    pub fn check(&self, ptr: u32, len: u64) -> Result<*mut u8, MemoryFault> {
        self.check_wide(u64::from(ptr), len).ok_or(MemoryFault { address: ptr, len })
    }

    /// The same for the addresses of 64-bit memories.
    #[inline]
    pub fn check_wide(&self, ptr: u64, len: u64) -> Option<*mut u8> {
        match ptr.checked_add(len) {
            Some(end) if end <= self.bytes => Some(self.base.wrapping_add(ptr as usize)),
            _ => None,
        }
    }

    /// As `check`, for ranges that are to be borrowed.
    fn check_borrow(&self, ptr: u32, len: u64) -> Result<*mut u8, MemoryFault> {
        if self.shared { Err(MemoryFault { address: ptr, len }) } else { self.check(ptr, len) }
    }

    /// Borrows `len` bytes. Those of a memory that threads share cannot be borrowed: copy them ([`GuestMemory::read_bytes`]).
    #[inline]
    pub fn slice(&self, ptr: u32, len: u32) -> Result<&[u8], MemoryFault> {
        let start = self.check_borrow(ptr, u64::from(len))?;
        // SAFETY: `check` has placed the range inside of the accessible memory, which `self` borrows and no other thread has.
        Ok(unsafe { std::slice::from_raw_parts(start, len as usize) })
    }

    /// Borrows `len` bytes for writing; of a memory that threads share, none.
    #[inline]
    pub fn slice_mut(&mut self, ptr: u32, len: u32) -> Result<&mut [u8], MemoryFault> {
        let start = self.check_borrow(ptr, u64::from(len))?;
        // SAFETY: as in `slice`; `self` is borrowed mutably.
        Ok(unsafe { std::slice::from_raw_parts_mut(start, len as usize) })
    }

    /// The bytes that may be borrowed: all, or none of a memory that threads share.
    fn borrowable(&self) -> usize {
        if self.shared { 0 } else { self.bytes as usize }
    }

    /// The whole memory, or nothing of one that threads share.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `bytes` bytes from `base` are accessible, and no other thread has them.
        unsafe { std::slice::from_raw_parts(self.base, self.borrowable()) }
    }

    /// The same, for writing.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`; `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.base, self.borrowable()) }
    }

    /// Copies a value out. No alignment is needed.
    #[inline]
    pub fn read<T: Pod>(&self, ptr: u32) -> Result<T, MemoryFault> {
        let at = self.check(ptr, size_of::<T>() as u64)?;
        // SAFETY: the bytes are accessible, and any bytes are a valid `T`.
        let value = unsafe { at.cast::<T>().read_unaligned() };
        // A value that others may change must not be read again behind a check of it.
        Ok(if self.shared { black_box(value) } else { value })
    }

    /// Copies a value in. No alignment is needed.
    #[inline]
    pub fn write<T: Pod>(&mut self, ptr: u32, value: T) -> Result<(), MemoryFault> {
        let at = self.check(ptr, size_of::<T>() as u64)?;
        // SAFETY: the bytes are accessible.
        unsafe { at.cast::<T>().write_unaligned(value) };
        Ok(())
    }

    /// Copies a byte out.
    pub fn read_u8(&self, ptr: u32) -> Result<u8, MemoryFault> {
        self.read(ptr)
    }

    /// Copies a little-endian number out.
    pub fn read_u16(&self, ptr: u32) -> Result<u16, MemoryFault> {
        self.read(ptr).map(u16::from_le)
    }

    /// Copies a little-endian number out.
    pub fn read_u32(&self, ptr: u32) -> Result<u32, MemoryFault> {
        self.read(ptr).map(u32::from_le)
    }

    /// Copies a little-endian number out.
    pub fn read_i32(&self, ptr: u32) -> Result<i32, MemoryFault> {
        self.read(ptr).map(i32::from_le)
    }

    /// Copies a little-endian number out.
    pub fn read_u64(&self, ptr: u32) -> Result<u64, MemoryFault> {
        self.read(ptr).map(u64::from_le)
    }

    /// Copies a byte in.
    pub fn write_u8(&mut self, ptr: u32, value: u8) -> Result<(), MemoryFault> {
        self.write(ptr, value)
    }

    /// Copies a little-endian number in.
    pub fn write_u16(&mut self, ptr: u32, value: u16) -> Result<(), MemoryFault> {
        self.write(ptr, value.to_le())
    }

    /// Copies a little-endian number in.
    pub fn write_u32(&mut self, ptr: u32, value: u32) -> Result<(), MemoryFault> {
        self.write(ptr, value.to_le())
    }

    /// Copies a little-endian number in.
    pub fn write_i32(&mut self, ptr: u32, value: i32) -> Result<(), MemoryFault> {
        self.write(ptr, value.to_le())
    }

    /// Copies a little-endian number in.
    pub fn write_u64(&mut self, ptr: u32, value: u64) -> Result<(), MemoryFault> {
        self.write(ptr, value.to_le())
    }

    /// Copies bytes out into `target`.
    pub fn copy_out(&self, ptr: u32, target: &mut [u8]) -> Result<(), MemoryFault> {
        let start = self.check(ptr, target.len() as u64)?;
        // SAFETY: the range is accessible; a host buffer never overlaps guest memory that is borrowed by `self`.
        unsafe { std::ptr::copy_nonoverlapping(start, target.as_mut_ptr(), target.len()) };
        Ok(())
    }

    /// Copies `source` in.
    pub fn copy_in(&mut self, ptr: u32, source: &[u8]) -> Result<(), MemoryFault> {
        let start = self.check(ptr, source.len() as u64)?;
        // SAFETY: as in `copy_out`.
        unsafe { std::ptr::copy_nonoverlapping(source.as_ptr(), start, source.len()) };
        Ok(())
    }

    /// Copies `len` bytes out.
    pub fn read_bytes(&self, ptr: u32, len: u32) -> Result<Vec<u8>, MemoryFault> {
        // First the check, so that a wrong length allocates nothing.
        self.check(ptr, u64::from(len))?;
        let mut bytes = vec![0; len as usize];
        self.copy_out(ptr, &mut bytes)?;
        Ok(bytes)
    }

    /// Sets `len` bytes.
    pub fn fill(&mut self, ptr: u32, len: u32, value: u8) -> Result<(), MemoryFault> {
        let start = self.check(ptr, u64::from(len))?;
        // SAFETY: `check` has placed the range inside of the accessible memory.
        unsafe { start.write_bytes(value, len as usize) };
        Ok(())
    }

    /// Copies `len` bytes from one place to another; the ranges may overlap.
    pub fn copy_within(&mut self, target: u32, source: u32, len: u32) -> Result<(), MemoryFault> {
        let (to, from) = (self.check(target, u64::from(len))?, self.check(source, u64::from(len))?);
        // SAFETY: `check` has placed both ranges inside of the accessible memory.
        unsafe { std::ptr::copy(from, to, len as usize) };
        Ok(())
    }

    /// Copies an array of values out.
    pub fn read_array<T: Pod>(&self, ptr: u32, count: u32) -> Result<Vec<T>, MemoryFault> {
        let size = size_of::<T>() as u64;
        let start = self.check(ptr, u64::from(count) * size)?.cast::<T>();
        // SAFETY: the range of `count` values is accessible, and any bytes are a valid `T`.
        Ok((0..count as usize).map(|index| unsafe { start.add(index).read_unaligned() }).collect())
    }

    /// Copies a scatter/gather list out. The buffers themselves are not checked yet.
    pub fn read_iovecs(&self, ptr: u32, count: u32) -> Result<Vec<IoVec>, MemoryFault> {
        self.read_array(ptr, count)
    }

    /// `len` bytes: borrowed, or a copy where other threads may write.
    #[inline]
    pub fn bytes(&self, ptr: u32, len: u32) -> Result<Cow<'_, [u8]>, MemoryFault> {
        if self.shared { self.read_bytes(ptr, len).map(Cow::Owned) } else { self.slice(ptr, len).map(Cow::Borrowed) }
    }

    /// Lets `fill` write the first bytes of a range, and say how many it wrote. Where other threads may write, it writes to a buffer,
    /// of at most [`MAX_BUFFER`] bytes, that is copied in afterwards.
    #[inline]
    pub fn fill_with<E: From<MemoryFault>>(
        &mut self,
        ptr: u32,
        len: u32,
        fill: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        if !self.shared {
            return fill(self.slice_mut(ptr, len)?);
        }
        self.check(ptr, u64::from(len))?;
        let mut buffer = vec![0; len.min(MAX_BUFFER) as usize];
        let count = fill(&mut buffer)?.min(buffer.len());
        self.copy_in(ptr, &buffer[..count])?;
        Ok(count)
    }

    /// Whether other threads may write.
    #[inline]
    pub fn is_shared(&self) -> bool {
        self.shared
    }

    /// A string that a zero byte ends, where it lies; `None` where other threads may write, where it is not at most `max` bytes with its
    /// end, and where it leaves the memory.
    pub fn c_str(&self, ptr: u32, max: u32) -> Option<&CStr> {
        let available = self.bytes.checked_sub(u64::from(ptr))?.min(u64::from(max)) as u32;
        CStr::from_bytes_until_nul(self.slice(ptr, available).ok()?).ok()
    }

    /// A string that a zero byte ends, without that byte: borrowed, or a copy where other threads may write. At most `max` bytes are
    /// searched.
    ///
    /// # Errors
    /// If no zero byte lies within `max` bytes or the rest of the memory.
    pub fn cstr(&self, ptr: u32, max: u32) -> Result<Cow<'_, [u8]>, MemoryFault> {
        let fault = MemoryFault { address: ptr, len: u64::from(max) };
        if self.shared {
            let available = self.bytes.checked_sub(u64::from(ptr)).ok_or(fault)?.min(u64::from(max)) as u32;
            return self.copy_cstr(ptr, available)?.map(Cow::Owned).ok_or(fault);
        }
        self.c_str(ptr, max).map(|text| Cow::Borrowed(text.to_bytes())).ok_or(fault)
    }

    /// A string within `available` bytes, copied piece by piece; `None` if it does not end.
    fn copy_cstr(&self, ptr: u32, available: u32) -> Result<Option<Vec<u8>>, MemoryFault> {
        let mut text = Vec::new();
        let mut piece = [0; 128];
        while (text.len() as u64) < u64::from(available) {
            let piece = &mut piece[..(available as usize - text.len()).min(128)];
            self.copy_out(ptr + text.len() as u32, piece)?;
            let end = piece.iter().position(|byte| *byte == 0);
            text.extend_from_slice(&piece[..end.unwrap_or(piece.len())]);
            if end.is_some() {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }
}

/// Most bytes that [`GuestMemory::fill_with`] hands over for a memory that threads share.
pub const MAX_BUFFER: u32 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_memory(len: usize, test: impl FnOnce(GuestMemory<'_>)) {
        with_memory_of(len, false, test);
    }

    fn with_memory_of(len: usize, shared: bool, test: impl FnOnce(GuestMemory<'_>)) {
        let mut bytes = vec![0_u8; len];
        let desc = MemoryDesc { base: bytes.as_mut_ptr(), bytes: len as u64, shared };
        // SAFETY: the descriptor describes `bytes`, which outlives the view and is not used meanwhile.
        test(unsafe { GuestMemory::from_desc(&desc) });
    }

    #[test]
    fn ranges_are_checked_in_64_bits() {
        with_memory(100, |mut memory| {
            assert!(memory.slice(0, 100).is_ok());
            assert!(memory.slice(100, 0).is_ok());
            assert!(memory.slice(101, 0).is_err());
            assert!(memory.slice(1, 100).is_err());
            assert!(memory.slice(u32::MAX, u32::MAX).is_err());
            assert!(memory.slice(1, u32::MAX).is_err());
            assert!(memory.read_array::<u64>(8, u32::MAX).is_err());
            assert!(memory.write(97, 1_u32).is_err());
            assert_eq!(memory.read_u64(93), Err(MemoryFault { address: 93, len: 8 }));
        });
    }

    #[test]
    fn strings_end_inside_of_the_memory() {
        for shared in [false, true] {
            with_memory_of(8, shared, check_strings);
        }
    }

    fn check_strings(mut memory: GuestMemory<'_>) {
        memory.copy_in(0, b"abc\0wxyz").unwrap();
        assert_eq!(&*memory.cstr(0, 100).unwrap(), b"abc");
        assert_eq!(&*memory.cstr(3, 100).unwrap(), b"");
        assert_eq!(&*memory.cstr(0, 4).unwrap(), b"abc");
        assert!(memory.cstr(0, 3).is_err());
        assert!(memory.cstr(4, 100).is_err());
        assert!(memory.cstr(8, 100).is_err());
        assert!(memory.cstr(9, 100).is_err());
    }

    #[test]
    fn shared_bytes_are_copied() {
        with_memory_of(1000, true, |mut memory| {
            assert!(memory.slice(0, 1).is_err() && memory.slice_mut(0, 1).is_err());
            assert!(memory.as_slice().is_empty() && memory.as_mut_slice().is_empty());
            memory.fill(0, 999, b'x').unwrap();
            assert_eq!(memory.cstr(1, 1000).unwrap().len(), 998);
            assert!(memory.cstr(1, 998).is_err());
            let filled = memory.fill_with(10, 4, |bytes| {
                bytes.fill(b'y');
                Ok::<_, MemoryFault>(2)
            });
            assert_eq!(filled, Ok(2));
            assert_eq!(&*memory.bytes(9, 5).unwrap(), b"xyyxx");
            assert!(memory.bytes(999, 2).is_err());
            assert!(memory.fill_with(999, 2, |_| Ok::<_, MemoryFault>(0)).is_err());
        });
    }

    #[test]
    fn vectors_are_copied_out() {
        with_memory(32, |mut memory| {
            memory.write(4, IoVec { ptr: 1, len: 2 }).unwrap();
            memory.write(12, IoVec { ptr: 3, len: 4 }).unwrap();
            assert_eq!(memory.read_iovecs(4, 2).unwrap(), [IoVec { ptr: 1, len: 2 }, IoVec { ptr: 3, len: 4 }]);
            assert!(memory.read_iovecs(20, 2).is_err());
        });
    }
}
