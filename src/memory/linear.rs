//! The address space of one linear memory.

use std::io;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::abi::vmctx::MemoryDesc;
use crate::sys::mapping::Reservation;

/// Bytes of a page of WebAssembly.
pub const PAGE_BYTES: u64 = 64 << 10;

/// Most pages that a 32-bit memory can have.
pub const MAX_PAGES: u64 = 1 << 16;

/// Most pages that a 64-bit memory can have here: so much address space is reserved for one that declares no maximum.
pub const MAX_PAGES_64: u64 = 1 << 20;

/// Bytes of address space from a memory's first byte that hold the memory itself.
pub const RESERVED_BYTES: u64 = 4 << 30;

/// Inaccessible bytes on both sides of the reserved ones: an access with a constant offset below 2 GiB cannot leave them.
pub const GUARD_BYTES: u64 = (2 << 30) + PAGE_BYTES;

/// Reservations that are kept for the next memory.
const POOLED: usize = 16;

/// Most committed bytes of a memory that is kept: clearing more costs more than a new reservation.
const POOLED_BYTES: u64 = 16 << 20;

static POOL: Mutex<Vec<Reservation>> = Mutex::new(Vec::new());

fn pool() -> std::sync::MutexGuard<'static, Vec<Reservation>> {
    POOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// A linear memory. Its first byte never moves; bytes that were never written are zero.
#[derive(Debug)]
pub struct LinearMemory {
    reservation: Option<Reservation>,
    /// Owned; several threads read a shared memory's.
    desc: NonNull<MemoryDesc>,
    limit: u64,
    /// Somebody else's pages were put in place of its own.
    given_away: AtomicBool,
}

// SAFETY: the descriptor's pointer is into the reservation that the memory owns.
unsafe impl Send for LinearMemory {}
// SAFETY: the descriptor's length is read and written atomically, its base never changes, and growth is exclusive.
unsafe impl Sync for LinearMemory {}

impl LinearMemory {
    /// Reserves a memory of `pages` pages that can grow to `limit` pages.
    ///
    /// # Errors
    /// If the address space or the memory cannot be had, or `pages` exceeds `limit`.
    pub fn new(pages: u64, limit: u64) -> io::Result<LinearMemory> {
        let limit = limit.min(MAX_PAGES_64) * PAGE_BYTES;
        let reserved = limit.max(RESERVED_BYTES);
        let pooled = if reserved == RESERVED_BYTES { pool().pop() } else { None };
        let reservation = match pooled {
            Some(reservation) => reservation,
            None => Reservation::new((GUARD_BYTES + reserved + GUARD_BYTES) as usize)?,
        };
        let base = reservation.base().as_ptr().wrapping_add(GUARD_BYTES as usize);
        let desc = NonNull::from(Box::leak(Box::new(MemoryDesc { base, bytes: 0, shared: false })));
        let given_away = AtomicBool::new(false);
        let mut memory = LinearMemory { reservation: Some(reservation), desc, limit, given_away };
        match memory.grow(pages) {
            Some(_) => Ok(memory),
            None => Err(io::ErrorKind::OutOfMemory.into()),
        }
    }

    /// Current size in pages.
    pub fn pages(&self) -> u64 {
        self.len() / PAGE_BYTES
    }

    fn length(&self) -> &AtomicU64 {
        // SAFETY: the descriptor lives as long as the memory, and everybody uses its length atomically.
        unsafe { AtomicU64::from_ptr(&raw mut (*self.desc.as_ptr()).bytes) }
    }

    /// Most pages that it may have.
    pub fn limit_pages(&self) -> u64 {
        self.limit / PAGE_BYTES
    }

    /// Current size in bytes.
    pub fn len(&self) -> u64 {
        self.length().load(Ordering::Acquire)
    }

    /// Whether the memory has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds pages; returns the previous size in pages, or `None` if the limit or the system forbids it.
    pub fn grow(&mut self, pages: u64) -> Option<u64> {
        // SAFETY: `self` is borrowed mutably.
        unsafe { self.extend(pages) }
    }

    /// As [`LinearMemory::grow`].
    ///
    /// # Safety
    /// Nobody else grows the memory meanwhile.
    pub(super) unsafe fn extend(&self, pages: u64) -> Option<u64> {
        let old = self.len();
        let added = pages.checked_mul(PAGE_BYTES)?;
        let new = old.checked_add(added).filter(|new| *new <= self.limit)?;
        let offset = (GUARD_BYTES + old) as usize;
        self.reservation.as_ref()?.commit(offset, added as usize).ok()?;
        self.length().store(new, Ordering::Release);
        Some(old / PAGE_BYTES)
    }

    /// The descriptor that compiled code reads. Its address is constant.
    pub fn desc(&mut self) -> *mut MemoryDesc {
        self.descriptor()
    }

    /// Says that threads share it, before any has it.
    pub(super) fn share(&mut self) {
        // SAFETY: the descriptor is this memory's, and `self` is borrowed mutably.
        unsafe { (*self.desc.as_ptr()).shared = true };
    }

    /// Notes that somebody else's pages are put in place of its own: no other memory may have the reservation later.
    pub(super) fn give_away(&self) {
        self.given_away.store(true, Ordering::Relaxed);
    }

    pub(super) fn descriptor(&self) -> *mut MemoryDesc {
        self.desc.as_ptr()
    }
}

impl Drop for LinearMemory {
    fn drop(&mut self) {
        let bytes = self.len();
        // SAFETY: it came from a box, and nobody uses the memory any more.
        drop(unsafe { Box::from_raw(self.desc.as_ptr()) });
        let Some(reservation) = self.reservation.take() else { return };
        if bytes > POOLED_BYTES
            || *self.given_away.get_mut()
            || self.limit > RESERVED_BYTES
            || reservation.decommit(GUARD_BYTES as usize, bytes as usize).is_err()
        {
            return;
        }
        let mut pool = pool();
        if pool.len() < POOLED {
            pool.push(reservation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::GuestMemory;

    fn view(memory: &mut LinearMemory) -> GuestMemory<'_> {
        // SAFETY: the descriptor describes the memory, which is borrowed as long as the view.
        unsafe { GuestMemory::from_desc(memory.desc()) }
    }

    #[test]
    fn memory_grows_to_its_limit_in_place_and_zeroed() {
        let mut memory = LinearMemory::new(1, 3).unwrap();
        let base = view(&mut memory).base();
        view(&mut memory).write(0, 0xdead_beef_u32).unwrap();
        assert_eq!(memory.grow(2), Some(1));
        assert_eq!(memory.grow(1), None);
        assert_eq!(memory.grow(0), Some(3));
        assert_eq!(memory.grow(u64::MAX), None);
        let guest = view(&mut memory);
        assert_eq!(guest.base(), base);
        assert_eq!(guest.read::<u32>(0).unwrap(), 0xdead_beef);
        assert_eq!(guest.read::<u64>(3 * 65536 - 8).unwrap(), 0);
        assert!(guest.read::<u64>(3 * 65536 - 7).is_err());
    }

    #[test]
    fn a_64_bit_memory_is_larger() {
        let mut memory = LinearMemory::new(1, u64::MAX).unwrap();
        assert_eq!(memory.grow(MAX_PAGES_64), None);
        assert_eq!(memory.grow(MAX_PAGES), Some(1));
        let last = view(&mut memory).check_wide(RESERVED_BYTES + PAGE_BYTES - 1, 1).unwrap();
        // SAFETY: the check has found the byte in the memory.
        unsafe { last.write(7) };
    }

    #[test]
    fn a_reused_reservation_is_zero() {
        for _ in 0..40 {
            let mut memory = LinearMemory::new(2, 2).unwrap();
            assert_eq!(view(&mut memory).read::<u64>(70_000).unwrap(), 0);
            view(&mut memory).write(70_000, u64::MAX).unwrap();
        }
    }

    #[test]
    fn the_full_size_is_possible() {
        let mut memory = LinearMemory::new(0, MAX_PAGES).unwrap();
        assert_eq!(memory.grow(MAX_PAGES), Some(0));
        assert_eq!(memory.len(), RESERVED_BYTES);
        view(&mut memory).write(u32::MAX, 7_u8).unwrap();
        assert_eq!(view(&mut memory).read::<u8>(u32::MAX).unwrap(), 7);
        assert!(view(&mut memory).read::<u16>(u32::MAX).is_err());
    }
}
