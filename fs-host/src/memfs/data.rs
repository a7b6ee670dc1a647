//! A file's bytes: chunks that exist only where something was written.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Bytes per chunk. A chunk's vector holds no more than was written into it.
pub const CHUNK: usize = 64 << 10;
static ZEROES: [u8; CHUNK] = [0; CHUNK];

/// The chunks by number.
#[derive(Default)]
pub struct Data {
    chunks: BTreeMap<u64, Vec<u8>>,
    held: u64,
}

fn split(offset: u64) -> (u64, usize) {
    (offset / CHUNK as u64, (offset % CHUNK as u64) as usize)
}

impl Data {
    /// Bytes of memory in use.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Upper bound of the memory that a write of this range would add.
    pub fn growth(&self, offset: u64, len: u64) -> u64 {
        let mut at = offset;
        let end = offset + len;
        let mut grows = 0;
        while at < end {
            let (chunk, within) = split(at);
            let step = (CHUNK - within).min((end - at) as usize);
            let have = self.chunks.get(&chunk).map_or(0, Vec::len);
            grows += (within + step).saturating_sub(have) as u64;
            at += step as u64;
        }
        grows
    }

    /// Visits the bytes of a range in pieces; holes are zeroes.
    pub fn pieces<'a>(&'a self, offset: u64, len: usize, mut visit: impl FnMut(&'a [u8])) {
        let mut at = offset;
        let end = offset + len as u64;
        while at < end {
            let (chunk, within) = split(at);
            let step = (CHUNK - within).min((end - at) as usize);
            let bytes = self.chunks.get(&chunk).map_or(&[][..], Vec::as_slice);
            let known = bytes.get(within..).map_or(&[][..], |tail| &tail[..tail.len().min(step)]);
            if !known.is_empty() {
                visit(known);
            }
            if known.len() < step {
                visit(&ZEROES[..step - known.len()]);
            }
            at += step as u64;
        }
    }

    /// Writes bytes.
    pub fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (chunk, within) = split(at);
            let step = (CHUNK - within).min(rest.len());
            let target = self.chunks.entry(chunk).or_default();
            let before = target.len();
            if before < within + step {
                target.resize(within + step, 0);
            }
            self.held += (target.len() - before) as u64;
            target[within..within + step].copy_from_slice(&rest[..step]);
            rest = &rest[step..];
            at += step as u64;
        }
    }

    /// Makes a range read as zeroes, giving memory back where it can.
    pub fn clear(&mut self, offset: u64, end: u64) {
        if offset >= end {
            return;
        }
        let first = split(offset).0;
        let last = split(end - 1).0;
        let touched: Vec<u64> = self.chunks.range(first..=last).map(|(chunk, _)| *chunk).collect();
        for chunk in touched {
            let start = chunk * CHUNK as u64;
            let from = offset.saturating_sub(start) as usize;
            let to = (end - start).min(CHUNK as u64) as usize;
            let Some(bytes) = self.chunks.get_mut(&chunk) else {
                continue;
            };
            let before = bytes.len();
            if to >= before {
                bytes.truncate(from);
                bytes.shrink_to_fit();
            } else if from < to {
                bytes[from..to].fill(0);
            }
            let after = bytes.len();
            self.held -= (before - after) as u64;
            if after == 0 {
                self.chunks.remove(&chunk);
            }
        }
    }

    /// Where data, or a hole, begins at or after `offset`, for a file of `size` bytes.
    pub fn seek(&self, offset: u64, size: u64, want_data: bool) -> Option<u64> {
        let mut at = offset;
        while at < size {
            let (chunk, _) = split(at);
            let is_data = self.chunks.contains_key(&chunk);
            if is_data == want_data {
                return Some(at);
            }
            at = if is_data {
                (chunk + 1) * CHUNK as u64
            } else {
                let next = self.chunks.range((Bound::Excluded(chunk), Bound::Unbounded)).next();
                next.map_or(size, |(next, _)| next * CHUNK as u64)
            };
        }
        if want_data { None } else { Some(size) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &Data, offset: u64, len: usize) -> Vec<u8> {
        let mut out = Vec::new();
        data.pieces(offset, len, |piece| out.extend_from_slice(piece));
        out
    }

    #[test]
    fn random_writes_and_holes_agree_with_a_vector() {
        let mut data = Data::default();
        let mut model = vec![0u8; 5 * CHUNK];
        let mut seed = 3u64;
        let mut next = |below: usize| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) as usize % below
        };
        for round in 0..400 {
            let at = next(4 * CHUNK);
            let len = next(CHUNK) + 1;
            if round % 3 == 0 {
                data.clear(at as u64, (at + len) as u64);
                model[at..at + len].fill(0);
            } else {
                let bytes = vec![round as u8; len];
                let growth = data.growth(at as u64, len as u64);
                let held = data.held();
                data.write(at as u64, &bytes);
                assert_eq!(data.held(), held + growth);
                model[at..at + len].copy_from_slice(&bytes);
            }
            let at = next(4 * CHUNK);
            assert_eq!(read(&data, at as u64, CHUNK), model[at..at + CHUNK]);
        }
        data.clear(0, u64::MAX);
        assert_eq!(data.held(), 0);
    }

    #[test]
    fn holes_are_found() {
        let mut data = Data::default();
        let chunk = CHUNK as u64;
        data.write(2 * chunk, b"x");
        assert_eq!(data.seek(0, 4 * chunk, true), Some(2 * chunk));
        assert_eq!(data.seek(2 * chunk, 4 * chunk, false), Some(3 * chunk));
        assert_eq!(data.seek(3 * chunk, 4 * chunk, true), None);
    }
}
