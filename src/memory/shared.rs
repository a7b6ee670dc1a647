//! Memories that threads share.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::linear::LinearMemory;
use crate::abi::vmctx::MemoryDesc;

/// A linear memory that instances of several stores, on several threads, use at once.
///
/// Clones are handles to the same memory, which lives as long as one of them or a store that it was put into. It is reserved at its full
/// size, so that it never moves; it grows under a lock, and its length is read and written atomically.
#[derive(Clone, Debug)]
pub struct SharedMemory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    memory: LinearMemory,
    /// Held by whoever grows the memory.
    growth: Mutex<Growth>,
    max: u64,
}

/// Who else has to agree when a memory grows: is called with the new size in pages.
type Consent = dyn Fn(u64) -> bool + Send + Sync;

#[derive(Default)]
struct Growth(Option<Box<Consent>>);

impl fmt::Debug for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Growth")
    }
}

impl SharedMemory {
    /// Reserves a memory of `min` pages that can grow to `max` pages of 64 KiB.
    ///
    /// # Errors
    /// If the address space or the memory cannot be had, or `min` exceeds `max`.
    pub fn new(min: u64, max: u64) -> io::Result<SharedMemory> {
        SharedMemory::with_limit(min, max, max)
    }

    /// As [`SharedMemory::new`], but growth ends at `limit` pages already.
    pub(crate) fn with_limit(min: u64, max: u64, limit: u64) -> io::Result<SharedMemory> {
        let mut memory = LinearMemory::new(min, max.min(limit))?;
        memory.share();
        Ok(SharedMemory(Arc::new(Shared { memory, growth: Mutex::default(), max })))
    }

    /// Current size in pages.
    pub fn pages(&self) -> u64 {
        self.0.memory.pages()
    }

    /// Most pages that it was declared with.
    pub fn max(&self) -> u64 {
        self.0.max
    }

    /// Adds pages; returns the previous size in pages, or `None` if the limit or the system forbids it.
    pub fn grow(&self, pages: u64) -> Option<u64> {
        let growth = self.0.growth.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = self.pages().checked_add(pages).filter(|wanted| *wanted <= self.limit_pages())?;
        if pages > 0 && growth.0.as_ref().is_some_and(|consent| !consent(wanted)) {
            return None;
        }
        // SAFETY: the lock makes this the only growth; lengths are read atomically.
        unsafe { self.0.memory.extend(pages) }
    }

    /// Most pages that it may have.
    pub(crate) fn limit_pages(&self) -> u64 {
        self.0.memory.limit_pages()
    }

    /// Notes that its pages belong to somebody else, who is asked before it grows, with the new size in pages.
    pub(crate) fn give_away(&self, consent: impl Fn(u64) -> bool + Send + Sync + 'static) {
        self.0.memory.give_away();
        self.0.growth.lock().unwrap_or_else(PoisonError::into_inner).0 = Some(Box::new(consent));
    }

    /// Whether both are handles to one memory.
    pub fn same(&self, other: &SharedMemory) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The descriptor that compiled code reads. Its address is constant.
    pub(crate) fn desc(&self) -> *mut MemoryDesc {
        self.0.memory.descriptor()
    }
}
