//! Which virtual registers the allocator will try to put in one place.
//!
//! It joins a jump's argument with the parameter, and an instruction's reused input with its result. The time that it
//! takes to join grows with what has been joined, so that a variable that passes through tens of thousands of blocks would
//! take quadratic time. Here chains are followed while they are made, and are cut by a copy where they become long.

/// Registers that are joined at most.
const LIMIT: u32 = 192;

/// Disjoint sets of registers.
#[derive(Default)]
pub struct Joined {
    parents: Vec<u32>,
    sizes: Vec<u32>,
}

impl Joined {
    fn find(&mut self, reg: usize) -> usize {
        while self.parents.len() <= reg {
            self.parents.push(self.parents.len() as u32);
            self.sizes.push(1);
        }
        let mut at = reg;
        while self.parents[at] as usize != at {
            // Halving the path keeps later searches short.
            self.parents[at] = self.parents[self.parents[at] as usize];
            at = self.parents[at] as usize;
        }
        at
    }

    /// Joins two registers, unless their sets are large (`force`: even then); says whether they are joined.
    pub fn join(&mut self, a: usize, b: usize, force: bool) -> bool {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return true;
        }
        let size = self.sizes[a] + self.sizes[b];
        if size > LIMIT && !force {
            return false;
        }
        let (large, small) = if self.sizes[a] >= self.sizes[b] { (a, b) } else { (b, a) };
        self.parents[small] = large as u32;
        self.sizes[large] = size;
        true
    }
}
