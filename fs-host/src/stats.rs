//! Counts and times per operation, without allocation while serving.
//!
//! Times go into a log-linear histogram: eight steps per power of two of nanoseconds, so a percentile is known to an
//! eighth. A request's time is from its arrival in this process to its reply's acceptance by the kernel.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::wire::{OP_LIMIT, Op};

/// Steps per power of two.
const STEPS: usize = 8;
/// Powers of two that are told apart; 2^40 ns are 18 minutes.
const POWERS: usize = 40;

struct Counter {
    count: AtomicU64,
    errors: AtomicU64,
    total_ns: AtomicU64,
    histogram: Option<Box<[AtomicU32]>>,
}

/// Statistics of one server.
pub struct Stats {
    timed: bool,
    counters: Box<[Counter]>,
}

fn bucket(ns: u64) -> usize {
    if ns < STEPS as u64 {
        return ns as usize;
    }
    let power = 63 - ns.leading_zeros() as usize;
    let step = (ns >> (power - 3)) as usize & (STEPS - 1);
    ((power - 2) * STEPS + step).min(POWERS * STEPS - 1)
}

/// The lower bound of a bucket.
fn floor(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let power = bucket / STEPS + 2;
    ((STEPS + bucket % STEPS) as u64) << (power - 3)
}

impl Stats {
    /// Empty statistics; without `timed`, only counts.
    pub fn new(timed: bool) -> Stats {
        let counter = || Counter {
            count: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            total_ns: AtomicU64::new(0),
            histogram: timed.then(|| (0..POWERS * STEPS).map(|_| AtomicU32::new(0)).collect()),
        };
        Stats { timed, counters: (0..OP_LIMIT).map(|_| counter()).collect() }
    }

    /// Whether times are taken.
    pub fn is_timed(&self) -> bool {
        self.timed
    }

    /// Counts one operation. Row 0 takes the opcodes that have no row.
    pub fn record(&self, opcode: u32, error: bool, ns: u64) {
        let counter = self.counters.get(opcode as usize).unwrap_or(&self.counters[0]);
        counter.count.fetch_add(1, Relaxed);
        if error {
            counter.errors.fetch_add(1, Relaxed);
        }
        if let Some(histogram) = &counter.histogram {
            counter.total_ns.fetch_add(ns, Relaxed);
            histogram[bucket(ns)].fetch_add(1, Relaxed);
        }
    }

    /// How many operations of this kind were counted, and how many of them were errors.
    pub fn count(&self, opcode: u32) -> (u64, u64) {
        self.counters
            .get(opcode as usize)
            .map_or((0, 0), |counter| (counter.count.load(Relaxed), counter.errors.load(Relaxed)))
    }

    /// A percentile of an operation's times in nanoseconds; `None` without times.
    pub fn percentile(&self, opcode: u32, percent: u64) -> Option<u64> {
        let counter = self.counters.get(opcode as usize)?;
        let histogram = counter.histogram.as_ref()?;
        let total: u64 = histogram.iter().map(|n| u64::from(n.load(Relaxed))).sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        histogram
            .iter()
            .position(|n| {
                seen += u64::from(n.load(Relaxed));
                seen >= rank
            })
            .map(floor)
    }
}

impl fmt::Display for Stats {
    /// A table, busiest operations first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:>12} {:>10} {:>12} {:>12}", "operation", "count", "errors", "mean us", "p99 us")?;
        let mut rows: Vec<(u32, u64)> =
            (0..OP_LIMIT as u32).map(|op| (op, self.count(op).0)).filter(|(_, count)| *count > 0).collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (op, count) in rows {
            let counter = &self.counters[op as usize];
            write!(f, "{:<18} {count:>12} {:>10}", Op::of(op).name, counter.errors.load(Relaxed))?;
            match self.percentile(op, 99) {
                Some(p99) => {
                    let mean = counter.total_ns.load(Relaxed) as f64 / count as f64 / 1000.0;
                    writeln!(f, " {mean:>12.1} {:>12.1}", p99 as f64 / 1000.0)?;
                }
                None => writeln!(f, " {:>12} {:>12}", "-", "-")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn buckets_hold_their_bounds() {
        for ns in (0..4000u64).chain([1 << 20, (1 << 20) + 12345, 1 << 39, u64::MAX]) {
            let at = bucket(ns);
            assert!(floor(at) <= ns, "{ns}");
            if at + 1 < POWERS * STEPS {
                assert!(ns < floor(at + 1), "{ns} belongs before {}", floor(at + 1));
            }
        }
    }

    #[test]
    fn the_table_shows_counts_errors_and_percentiles() {
        let stats = Stats::new(true);
        for i in 0..100 {
            stats.record(wire::GETATTR, i % 10 == 0, if i < 95 { 1000 } else { 1_000_000 });
        }
        stats.record(9999, true, 5);
        assert_eq!(stats.count(wire::GETATTR), (100, 10));
        assert_eq!(stats.percentile(wire::GETATTR, 50), Some(floor(bucket(1000))));
        assert_eq!(stats.percentile(wire::GETATTR, 99), Some(floor(bucket(1_000_000))));
        let text = stats.to_string();
        assert!(text.lines().nth(1).unwrap().starts_with("GETATTR"), "{text}");
        assert!(text.contains("UNKNOWN"));
        assert_eq!(Stats::new(false).percentile(wire::GETATTR, 99), None);
    }
}
