//! Log lines about misbehaving guests, at a rate that cannot fill a disk.

use std::sync::{Mutex, PoisonError};

use log::warn;

use crate::sys;

/// Lines per second; what is above is counted and told with the next line.
pub const LINES_PER_SECOND: u32 = 10;

#[derive(Default)]
struct State {
    second: u64,
    lines: u32,
    dropped: u64,
}

/// A limiter.
#[derive(Default)]
pub struct LogLimit(Mutex<State>);

impl LogLimit {
    /// Whether a line may be written now, and how many were dropped since the last.
    fn admit(&self, second: u64) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.second != second {
            state.second = second;
            state.lines = 0;
        }
        if state.lines >= LINES_PER_SECOND {
            state.dropped += 1;
            return None;
        }
        state.lines += 1;
        Some(std::mem::take(&mut state.dropped))
    }

    /// Logs a line unless there were too many.
    pub fn warn(&self, line: std::fmt::Arguments<'_>) {
        match self.admit(sys::now_ns() / 1_000_000_000) {
            None => {}
            Some(0) => warn!("{line}"),
            Some(dropped) => warn!("{line} ({dropped} such lines were left out)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_limited_per_second_and_the_rest_is_counted() {
        let limit = LogLimit::default();
        let admitted = (0..100).filter(|_| limit.admit(5).is_some()).count();
        assert_eq!(admitted, LINES_PER_SECOND as usize);
        assert_eq!(limit.admit(6), Some(90));
        assert_eq!(limit.admit(6), Some(0));
    }
}
