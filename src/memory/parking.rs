//! Where threads wait for each other: `memory.atomic.wait` and `notify`.
//!
//! Waiters stand in queues by the host address that they wait at, oldest first. A queue's lock is held while a waiter compares the
//! memory with what it expects and joins the queue, and while a notification takes waiters out: none is missed.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a wait ended; the numbers are those that the instruction gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// A notification ended it.
    Woken = 0,
    /// The memory held another value.
    NotEqual = 1,
    /// Its time was over.
    TimedOut = 2,
    /// The guest is asked to stop.
    Interrupted = 3,
}

/// How often a waiter looks at its interrupt flag, which signal handlers set and which therefore wakes nobody.
const LOOK: Duration = Duration::from_millis(10);

/// Independent tables of queues, so that unrelated waits rarely meet.
const TABLES: usize = 64;

#[derive(Default)]
struct Waiter {
    woken: Mutex<bool>,
    changed: Condvar,
}

type Table = Mutex<HashMap<usize, VecDeque<Arc<Waiter>>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn table(address: usize) -> &'static Table {
    static ALL: std::sync::LazyLock<[Table; TABLES]> =
        std::sync::LazyLock::new(|| std::array::from_fn(|_| Table::default()));
    &ALL[(address >> 2 ^ address >> 12) % TABLES]
}

impl Waiter {
    /// Sleeps until woken, or until the time or the guest is over.
    fn sleep(&self, deadline: Option<Instant>, interrupt: Option<&AtomicU32>) -> Waited {
        let mut woken = lock(&self.woken);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if *woken {
                return Waited::Woken;
            } else if interrupt.is_some_and(|flag| flag.load(Ordering::Acquire) != 0) {
                return Waited::Interrupted;
            } else if left.is_some_and(|left| left.is_zero()) {
                return Waited::TimedOut;
            }
            let nap = interrupt.map_or(left, |_| Some(left.map_or(LOOK, |left| left.min(LOOK))));
            woken = match nap {
                Some(nap) => self.changed.wait_timeout(woken, nap).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(woken).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// Waits at an address while `expected` holds there, until a notification, or for a time (`None`: forever), or until the
/// flag is set, if there is one.
pub fn wait(
    address: *const u8,
    expected: impl FnOnce() -> bool,
    timeout: Option<Duration>,
    interrupt: Option<&AtomicU32>,
) -> Waited {
    let key = address as usize;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let waiter = Arc::new(Waiter::default());
    {
        let mut queues = lock(table(key));
        if !expected() {
            return Waited::NotEqual;
        }
        queues.entry(key).or_default().push_back(waiter.clone());
    }
    let outcome = waiter.sleep(deadline, interrupt);
    if outcome == Waited::Woken {
        return outcome;
    }
    let mut queues = lock(table(key));
    if let Some(queue) = queues.get_mut(&key) {
        let found = queue.iter().position(|other| Arc::ptr_eq(other, &waiter));
        found.map(|at| queue.remove(at));
        if queue.is_empty() {
            queues.remove(&key);
        }
        // Who is not in the queue any more has been counted by a notification.
        return if found.is_some() { outcome } else { Waited::Woken };
    }
    Waited::Woken
}

/// Wakes up to `count` of the threads that wait at an address; gives their number.
pub fn notify(address: *const u8, count: u32) -> u32 {
    let key = address as usize;
    let mut queues = lock(table(key));
    let Some(queue) = queues.get_mut(&key) else { return 0 };
    let count = (count as usize).min(queue.len());
    for waiter in queue.drain(..count) {
        *lock(&waiter.woken) = true;
        waiter.changed.notify_one();
    }
    if queue.is_empty() {
        queues.remove(&key);
    }
    count as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_for_every_reason() {
        let (word, calm, urgent) = (AtomicU32::new(7), AtomicU32::new(0), AtomicU32::new(1));
        let at = (&raw const word).cast::<u8>();
        let short = Some(Duration::from_millis(3));
        assert_eq!(wait(at, || word.load(Ordering::SeqCst) == 8, None, Some(&calm)), Waited::NotEqual);
        assert_eq!(wait(at, || true, short, None), Waited::TimedOut);
        assert_eq!(wait(at, || true, None, Some(&urgent)), Waited::Interrupted);
        assert_eq!(notify(at, u32::MAX), 0, "none is left behind");
        std::thread::scope(|scope| {
            let waiters: Vec<_> = (0..3)
                .map(|_| {
                    let address = at as usize;
                    scope.spawn(move || wait(address as *const u8, || true, None, None))
                })
                .collect();
            let mut woken = 0;
            while woken < 3 {
                woken += notify(at, 1);
            }
            assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap() == Waited::Woken));
        });
    }
}
