//! Reachability and dominators.

use crate::ir::func::{Block, Function};

/// A step of a walk of the dominator tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To a block; what it dominates follows.
    Enter(Block),
    /// Back from the block that was entered last and not left yet.
    Leave,
}

/// Which blocks can be reached from block 0, the entry, by index.
pub fn reachable(func: &Function) -> Vec<bool> {
    let mut seen = vec![false; func.blocks.len()];
    let mut work = vec![Block(0)];
    seen[0] = true;
    while let Some(block) = work.pop() {
        for target in func.block(block).term.targets() {
            if !std::mem::replace(&mut seen[target.block.index()], true) {
                work.push(target.block);
            }
        }
    }
    seen
}

/// The dominator tree, answered in constant time by an interval numbering.
pub struct Dominators {
    /// Immediate dominator of each block; the entry's is itself.
    parent: Vec<Option<Block>>,
    /// Preorder interval of each block's subtree.
    interval: Vec<(u32, u32)>,
    /// Children of each block, in the function's order.
    children: Vec<Vec<Block>>,
}

impl Dominators {
    /// Computes the tree (Cooper, Harvey and Kennedy: "A Simple, Fast Dominance Algorithm").
    pub fn new(func: &Function) -> Dominators {
        let mut number = vec![u32::MAX; func.blocks.len()];
        for (n, block) in func.order.iter().enumerate() {
            number[block.index()] = n as u32;
        }
        let mut preds: Vec<Vec<u32>> = vec![vec![]; func.order.len()];
        for (n, block) in func.order.iter().enumerate() {
            for target in func.block(*block).term.targets() {
                preds[number[target.block.index()] as usize].push(n as u32);
            }
        }
        let idom = immediate(&preds);
        let mut parent = vec![None; func.blocks.len()];
        let mut children = vec![vec![]; func.blocks.len()];
        for (n, block) in func.order.iter().enumerate() {
            let up = func.order[idom[n] as usize];
            parent[block.index()] = Some(up);
            if n > 0 {
                children[up.index()].push(*block);
            }
        }
        let interval = intervals(func.entry(), &children, func.blocks.len());
        Dominators { parent, interval, children }
    }

    /// Whether every way to `b` leads through `a` (a block dominates itself).
    pub fn dominates(&self, a: Block, b: Block) -> bool {
        let ((from, to), (at, _)) = (self.interval[a.index()], self.interval[b.index()]);
        from <= at && at < to
    }

    /// The blocks whose immediate dominator is `block`.
    pub fn children(&self, block: Block) -> &[Block] {
        &self.children[block.index()]
    }

    /// A walk from a block down, depth first, children in the function's order.
    pub fn walk(&self, from: Block) -> Vec<Step> {
        let (mut steps, mut work) = (Vec::new(), vec![Step::Enter(from)]);
        while let Some(step) = work.pop() {
            steps.push(step);
            if let Step::Enter(block) = step {
                work.push(Step::Leave);
                work.extend(self.children(block).iter().rev().map(|&child| Step::Enter(child)));
            }
        }
        steps
    }

    /// The immediate dominator; none for the entry and for blocks that are not in the order.
    pub fn parent(&self, block: Block) -> Option<Block> {
        self.parent[block.index()].filter(|up| *up != block)
    }
}

/// Immediate dominators by position in the order, which is a reverse postorder but for its ties.
fn immediate(preds: &[Vec<u32>]) -> Vec<u32> {
    const NONE: u32 = u32::MAX;
    let mut idom = vec![NONE; preds.len()];
    idom[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for n in 1..preds.len() {
            let mut new = NONE;
            for pred in preds[n].iter().copied().filter(|p| idom[*p as usize] != NONE) {
                new = if new == NONE { pred } else { meet(&idom, new, pred) };
            }
            if new != idom[n] {
                idom[n] = new;
                changed = true;
            }
        }
    }
    idom
}

fn meet(idom: &[u32], mut a: u32, mut b: u32) -> u32 {
    while a != b {
        while a > b {
            a = idom[a as usize];
        }
        while b > a {
            b = idom[b as usize];
        }
    }
    a
}

fn intervals(entry: Block, children: &[Vec<Block>], blocks: usize) -> Vec<(u32, u32)> {
    let mut interval = vec![(0, 0); blocks];
    let mut next = 0;
    let mut work = vec![(entry, 0usize)];
    while let Some((block, child)) = work.pop() {
        if child == 0 {
            interval[block.index()].0 = next;
            next += 1;
        }
        match children[block.index()].get(child) {
            Some(down) => {
                work.push((block, child + 1));
                work.push((*down, 0));
            }
            None => interval[block.index()].1 = next,
        }
    }
    interval
}
