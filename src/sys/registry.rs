//! Which addresses are generated code, and why they may fault.
//!
//! Writers copy the sorted list under a lock and publish the copy; readers, signal handlers among them, follow one pointer.
//! An old list is freed once no reader is inside.

use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// An instruction that may fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultSite {
    /// Offset of the instruction in the code.
    pub offset: u32,
    /// Where it comes from, for the owner.
    pub location: u32,
    /// Trap code that a fault here means.
    pub code: u8,
}

/// Code of a fault site that is a stub: the fault is that of the call whose return address is on top of the stack.
pub const FAULTS_FOR_CALLER: u8 = u8::MAX;

/// What the registry knows of one piece of code.
#[derive(Debug)]
pub struct CodeRange {
    /// Addresses of the code.
    pub addresses: Range<usize>,
    /// Instructions that may fault, sorted by offset.
    pub sites: Vec<FaultSite>,
    /// Offsets of calls' return addresses, sorted, and of where exceptions that leave these calls arrive.
    pub landings: Vec<(u32, u32)>,
    /// The owner's number for it.
    pub tag: u64,
}

impl CodeRange {
    /// The row of the instruction at address `pc`.
    pub fn site_at(&self, pc: usize) -> Option<FaultSite> {
        let offset = u32::try_from(pc.checked_sub(self.addresses.start)?).ok()?;
        let at = self.sites.binary_search_by_key(&offset, |site| site.offset).ok()?;
        self.sites.get(at).copied()
    }

    /// Where exceptions arrive that leave the call which returns to `pc`.
    pub fn landing_at(&self, pc: usize) -> Option<usize> {
        let offset = u32::try_from(pc.checked_sub(self.addresses.start)?).ok()?;
        let at = self.landings.binary_search_by_key(&offset, |landing| landing.0).ok()?;
        self.landings.get(at).map(|landing| self.addresses.start + landing.1 as usize)
    }
}

type List = Vec<Arc<CodeRange>>;

static CURRENT: AtomicPtr<List> = AtomicPtr::new(std::ptr::null_mut());
static READERS: AtomicUsize = AtomicUsize::new(0);
static WRITER: Mutex<()> = Mutex::new(());

/// Keeps a range registered; dropping it takes the range out.
#[derive(Debug)]
pub struct Registration(Arc<CodeRange>);

/// Publishes a range of code. The addresses must stay mapped until the registration is dropped.
pub fn register(range: CodeRange) -> Registration {
    let range = Arc::new(range);
    update(|list| {
        let at = list.partition_point(|other| other.addresses.start < range.addresses.start);
        list.insert(at, range.clone());
    });
    Registration(range)
}

impl Drop for Registration {
    fn drop(&mut self) {
        update(|list| list.retain(|other| !Arc::ptr_eq(other, &self.0)));
    }
}

fn update(change: impl FnOnce(&mut List)) {
    let _guard = WRITER.lock().unwrap_or_else(PoisonError::into_inner);
    let old = CURRENT.load(Ordering::SeqCst);
    // SAFETY: lists are freed only below, by the holder of the lock, which we are.
    let mut list = if old.is_null() { List::new() } else { unsafe { (*old).clone() } };
    change(&mut list);
    CURRENT.store(Box::into_raw(Box::new(list)), Ordering::SeqCst);
    while READERS.load(Ordering::SeqCst) != 0 {
        std::thread::yield_now();
    }
    if !old.is_null() {
        // SAFETY: the list came from `Box::into_raw`, is not published any more, and a reader that
        // may have loaded it had counted itself before and has left since.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// Calls `f` with the range that holds `pc`. Async-signal-safe if `f` is; `f` must not register or unregister code.
pub fn with_range<R>(pc: usize, f: impl FnOnce(&CodeRange) -> R) -> Option<R> {
    READERS.fetch_add(1, Ordering::SeqCst);
    let list = CURRENT.load(Ordering::SeqCst);
    let result = if list.is_null() {
        None
    } else {
        // SAFETY: a published list lives while a reader is counted.
        find(unsafe { &*list }, pc).map(f)
    };
    READERS.fetch_sub(1, Ordering::SeqCst);
    result
}

fn find(list: &List, pc: usize) -> Option<&CodeRange> {
    let at = list.partition_point(|range| range.addresses.start <= pc).checked_sub(1)?;
    let range = list.get(at)?;
    range.addresses.contains(&pc).then_some(&**range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_while_registered() {
        let sites = vec![FaultSite { offset: 3, location: 70, code: 9 }];
        let first = register(CodeRange { addresses: 16..32, sites, landings: Vec::new(), tag: 1 });
        let second = register(CodeRange { addresses: 32..40, sites: Vec::new(), landings: Vec::new(), tag: 2 });
        assert_eq!(with_range(31, |range| range.tag), Some(1));
        assert_eq!(with_range(32, |range| range.tag), Some(2));
        assert_eq!(with_range(19, |range| range.site_at(19).map(|site| site.code)), Some(Some(9)));
        assert_eq!(with_range(20, |range| range.site_at(20)), Some(None));
        drop(first);
        assert_eq!(with_range(31, |range| range.tag), None);
        drop(second);
        assert_eq!(with_range(32, |range| range.tag), None);
    }

    #[test]
    fn readers_and_writers_agree() {
        std::thread::scope(|scope| {
            for thread in 0..4_usize {
                scope.spawn(move || {
                    for round in 0..200_usize {
                        let start = (1 << 50) + thread * 1_000_000 + round * 16;
                        let held = register(CodeRange {
                            addresses: start..start + 16,
                            sites: Vec::new(),
                            landings: Vec::new(),
                            tag: round as u64,
                        });
                        assert_eq!(with_range(start + 15, |range| range.tag), Some(round as u64));
                        drop(held);
                    }
                });
            }
        });
    }
}
