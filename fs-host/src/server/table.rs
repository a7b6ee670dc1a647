//! The requests that wait for a reply, and what each worker is doing.
//!
//! One small hash table with linear probing and a fixed number of slots: requests come and go without allocation.
//! Kernel uniques rise in steps of two, so halving them spreads them perfectly.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::sys::ThreadHandle;
use crate::{Interrupt, wire};

/// Requests that may wait at once. The kernel holds background requests far below this (`max_background`), and every
/// other one has a waiting thread behind it; more than this are answered with ENOMEM.
pub const MAX_PENDING: usize = 1024;
const SLOTS: usize = 2 * MAX_PENDING;

/// Interrupts that may wait for their request, see [`EarlyInterrupts`].
const MAX_EARLY: usize = 32;
/// Milliseconds that one waits. Those that came after the reply wait in vain, so it is no longer than a worker may need
/// from its read to its look at the table.
const EARLY_MS: u64 = 1000;

/// Interrupts of requests that are not known: where several workers read, one may read the interrupt and be faster than the
/// one that read the request. When there are too many, the oldest is dropped.
#[derive(Default)]
struct EarlyInterrupts {
    /// Uniques, and when each came.
    entries: VecDeque<(u64, u64)>,
}

impl EarlyInterrupts {
    fn add(&mut self, unique: u64, now: u64) {
        if self.entries.len() >= MAX_EARLY {
            self.entries.pop_front();
        }
        self.entries.push_back((unique, now));
    }

    /// Whether there was one for this request.
    fn take(&mut self, unique: u64, now: u64) -> bool {
        while self.entries.front().is_some_and(|(_, since)| now.saturating_sub(*since) > EARLY_MS) {
            self.entries.pop_front();
        }
        let found = self.entries.iter().position(|entry| entry.0 == unique);
        found.and_then(|at| self.entries.remove(at)).is_some()
    }
}

/// One request that wants a reply, with what its reply is checked against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    pub unique: u64,
    /// How many bytes it asked for.
    pub asked: u64,
    /// The clock at its arrival, when statistics are timed.
    pub start_ns: u64,
    pub arrived_ms: u64,
    /// When its caller gave up; 0 when it did not.
    pub interrupted_ms: u64,
    pub opcode: u32,
    /// The file type that a replied entry must have, 0 for any.
    pub kind: u32,
    /// The channel that it was read from and must be answered on.
    pub channel: u32,
    /// Read by the standby and not dispatched yet.
    pub queued: bool,
}

/// How a running dispatch was asked to end, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Nothing,
    Interrupt(u64),
    Stop(u64),
}

/// One worker.
pub struct Running {
    /// What it is at: a request's unique, an odd number that no request has, or 0 for nothing.
    pub unique: u64,
    pub asked: Asked,
    /// Its guest is still being made: that counts as one call, and ends when the server does.
    pub starting: bool,
    /// The worker's thread while it is in the serve loop.
    pub thread: Option<ThreadHandle>,
    pub interrupter: Option<Arc<dyn Interrupt>>,
}

/// The table and the workers, behind one lock.
pub struct Table {
    slots: Box<[Pending]>,
    len: usize,
    pub workers: Vec<Running>,
    early: EarlyInterrupts,
    /// Dispatches begun so far.
    pub begun: u64,
    /// The control thread sleeps until a dispatch begins.
    pub parked: bool,
}

fn home(unique: u64) -> usize {
    (unique >> 1) as usize % SLOTS
}

impl Table {
    pub fn new(workers: usize) -> Table {
        let idle = || Running { unique: 0, asked: Asked::Nothing, starting: false, thread: None, interrupter: None };
        Table {
            slots: vec![Pending::default(); SLOTS].into_boxed_slice(),
            len: 0,
            workers: (0..workers).map(|_| idle()).collect(),
            early: EarlyInterrupts::default(),
            begun: 0,
            parked: false,
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    fn find(&self, unique: u64) -> Option<usize> {
        let mut at = home(unique);
        while self.slots[at].unique != 0 {
            if self.slots[at].unique == unique {
                return Some(at);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }

    /// Adds a request; false when the table is full or the unique is not a request's.
    pub fn insert(&mut self, pending: Pending) -> bool {
        if self.len >= MAX_PENDING || pending.unique == 0 || pending.unique & wire::INTERRUPT_BIT != 0 {
            return false;
        }
        let mut at = home(pending.unique);
        while self.slots[at].unique != 0 {
            if self.slots[at].unique == pending.unique {
                return false;
            }
            at = (at + 1) % SLOTS;
        }
        self.slots[at] = pending;
        self.len += 1;
        true
    }

    pub fn get_mut(&mut self, unique: u64) -> Option<&mut Pending> {
        let at = self.find(unique)?;
        Some(&mut self.slots[at])
    }

    /// Removes a request: whoever gets it answers it.
    pub fn take(&mut self, unique: u64) -> Option<Pending> {
        if unique == 0 {
            return None;
        }
        let mut hole = self.find(unique)?;
        let taken = self.slots[hole];
        // Close the gap: move back every entry of the run whose home is not behind the hole.
        let mut at = hole;
        loop {
            at = (at + 1) % SLOTS;
            let entry = self.slots[at];
            if entry.unique == 0 {
                break;
            }
            let from_home = (at + SLOTS - home(entry.unique)) % SLOTS;
            let from_hole = (at + SLOTS - hole) % SLOTS;
            if from_home >= from_hole {
                self.slots[hole] = entry;
                hole = at;
            }
        }
        self.slots[hole] = Pending::default();
        self.len -= 1;
        Some(taken)
    }

    /// Notes that a worker runs a request or, with 0, something that has no reply.
    pub fn run(&mut self, worker: usize, unique: u64) {
        self.begun += 1;
        self.workers[worker].unique =
            if unique == 0 { 1 << 63 | self.begun << 1 | wire::INTERRUPT_BIT } else { unique };
    }

    /// Keeps an interrupt until its request comes. A single worker reads them in order.
    pub fn interrupt_early(&mut self, unique: u64, now: u64) {
        if self.workers.len() > 1 {
            self.early.add(unique, now);
        }
    }

    /// Whether the interrupt of this request came before it.
    pub fn was_interrupted_early(&mut self, unique: u64, now: u64) -> bool {
        !self.early.entries.is_empty() && self.early.take(unique, now)
    }

    /// The first request that the predicate picks.
    pub fn pick(&self, mut wanted: impl FnMut(&Pending) -> bool) -> Option<Pending> {
        if self.len == 0 {
            return None;
        }
        self.slots.iter().find(|entry| entry.unique != 0 && wanted(entry)).copied()
    }

    /// The worker that runs a request.
    pub fn runner(&mut self, unique: u64) -> Option<&mut Running> {
        self.workers.iter_mut().find(|worker| worker.unique == unique)
    }
}

impl Running {
    /// Passes an interruption on. The caller holds the table's lock, so the dispatch cannot end meanwhile.
    pub fn interrupt(&mut self, now: u64) {
        if self.asked == Asked::Nothing {
            self.asked = Asked::Interrupt(now);
            if let Some(interrupter) = &self.interrupter {
                interrupter.interrupt(self.unique);
            }
        }
    }

    /// Demands the end.
    pub fn stop(&mut self, now: u64) {
        if !matches!(self.asked, Asked::Stop(_)) {
            self.asked = Asked::Stop(now);
            if let Some(interrupter) = &self.interrupter {
                interrupter.stop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(unique: u64) -> Pending {
        Pending { unique, ..Pending::default() }
    }

    #[test]
    fn requests_come_and_go_across_collisions() {
        let mut table = Table::new(1);
        // Four that share a home, and one that is displaced by them.
        let step = 2 * SLOTS as u64;
        let same: Vec<u64> = (0..4).map(|i| 10 + i * step).collect();
        for &unique in &same {
            assert!(table.insert(request(unique)));
        }
        assert!(table.insert(request(12)));
        assert!(!table.insert(request(12)), "a unique is there once");
        assert_eq!(table.take(same[1]).unwrap().unique, same[1]);
        assert!(table.take(same[1]).is_none());
        for unique in [same[0], same[2], same[3], 12] {
            assert!(table.get_mut(unique).is_some(), "{unique} was lost by closing the gap");
            assert!(table.take(unique).is_some());
        }
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn random_use_agrees_with_a_map() {
        let mut table = Table::new(1);
        let mut model = std::collections::HashSet::new();
        let mut seed = 7u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let unique = ((seed >> 33) % 6000 + 1) * 2;
            if seed >> 63 == 0 {
                let fits = model.len() < MAX_PENDING && !model.contains(&unique);
                assert_eq!(table.insert(request(unique)), fits);
                if fits {
                    model.insert(unique);
                }
            } else {
                assert_eq!(table.take(unique).is_some(), model.remove(&unique));
            }
            assert_eq!(table.len(), model.len());
        }
    }

    #[test]
    fn early_interrupts_are_few_and_short_lived() {
        let mut table = Table::new(2);
        for i in 1..=MAX_EARLY as u64 + 1 {
            table.interrupt_early(2 * i, 7);
        }
        assert!(!table.was_interrupted_early(2, 7), "the oldest had to go");
        assert!(table.was_interrupted_early(4, 7));
        assert!(!table.was_interrupted_early(4, 7), "once");
        assert!(table.was_interrupted_early(6, 7 + EARLY_MS));
        assert!(!table.was_interrupted_early(8, 8 + EARLY_MS));
        assert!(table.early.entries.is_empty());
        let mut single = Table::new(1);
        single.interrupt_early(2, 7);
        assert!(!single.was_interrupted_early(2, 7));
    }

    #[test]
    fn the_table_is_bounded_and_takes_requests_only() {
        let mut table = Table::new(1);
        for i in 1..=MAX_PENDING as u64 {
            assert!(table.insert(request(2 * i)));
        }
        assert!(!table.insert(request(1 << 40)));
        assert!(!Table::new(1).insert(request(0)));
        assert!(!Table::new(1).insert(request(3)));
    }
}
