//! Values that are kept for the length of one host call.
//!
//! What threads share may be replaced at any time, so a host call that looks something up keeps what it found until it returns: a
//! descriptor that another thread closes meanwhile stays open for the call, as it does on Linux.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

/// Entries of the first chunk; every further one has twice as many as the one before.
const FIRST: usize = 8;

/// Chunks: more entries than one call can look up.
const CHUNKS: usize = 28;

/// A list that grows while its entries are borrowed.
#[derive(Debug)]
pub struct Pins<V> {
    chunks: [OnceCell<Box<[OnceCell<Arc<V>>]>>; CHUNKS],
    count: Cell<usize>,
}

impl<V> Default for Pins<V> {
    fn default() -> Pins<V> {
        Pins { chunks: [const { OnceCell::new() }; CHUNKS], count: Cell::new(0) }
    }
}

impl<V> Pins<V> {
    /// Keeps a value until [`Pins::clear`].
    pub fn keep(&self, value: Arc<V>) -> &Arc<V> {
        let index = self.count.get();
        self.count.set(index + 1);
        let chunk = (index / FIRST + 1).ilog2() as usize;
        let first = FIRST * ((1 << chunk) - 1);
        let cells =
            self.chunks[chunk].get_or_init(|| std::iter::repeat_with(OnceCell::new).take(FIRST << chunk).collect());
        cells[index - first].get_or_init(|| value)
    }

    /// Lets all values go.
    pub fn clear(&mut self) {
        let mut left = self.count.take();
        for chunk in &mut self.chunks {
            let Some(cells) = chunk.get_mut() else { break };
            for cell in cells.iter_mut().take(left) {
                cell.take();
            }
            left = left.saturating_sub(cells.len());
            if left == 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_where_they_are_until_they_go() {
        let value = Arc::new(());
        let mut pins = Pins::default();
        for count in [1, 8, 9, 1000] {
            let kept: Vec<&Arc<()>> = (0..count).map(|_| pins.keep(value.clone())).collect();
            assert!(kept.iter().all(|other| Arc::ptr_eq(other, &value)));
            assert_eq!(Arc::strong_count(&value), count + 1);
            pins.clear();
            assert_eq!(Arc::strong_count(&value), 1);
        }
    }
}
