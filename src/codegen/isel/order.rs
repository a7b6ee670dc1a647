//! The order of blocks, with an own block on each critical edge and on the edges behind calls.

use crate::codegen::options::CodegenError;
use crate::ir::func::{Block, BlockCall, Function, Terminator};
use smallvec::SmallVec;
use std::collections::HashMap;

/// What an ordered block stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A block of the function.
    Block(Block),
    /// The edge from a block to its successor of that number.
    Edge {
        /// Where the edge begins.
        from: Block,
        /// Which of its successors it leads to.
        succ: u32,
    },
}

/// A block in the order of selection.
#[derive(Debug)]
pub struct OrderedBlock {
    /// What it stands for.
    pub origin: Origin,
    /// Its successors, as indices of the order.
    pub succs: SmallVec<[u32; 2]>,
    /// Whether it only leads to a trap, or only exceptions lead to it.
    pub cold: bool,
}

/// Distinct successors of a switch.
#[derive(Debug, Default)]
struct Cases {
    /// Successor of each case.
    cases: Vec<u32>,
    /// Successor of any other index.
    default: u32,
    /// Case (or `cases.len()` for the default) that each successor's arguments are taken from.
    first: Vec<u32>,
}

/// The order: a reverse postorder in which a loop's blocks stand together, edges behind the block where they begin.
#[derive(Debug, Default)]
pub struct Order {
    /// The blocks; the first is the entry.
    pub blocks: Vec<OrderedBlock>,
    switches: HashMap<Block, Cases>,
}

impl Order {
    /// Orders a function's blocks.
    pub fn new(func: &Function) -> Result<Order, CodegenError> {
        let mut order = Order::default();
        let postorder = postorder(func);
        let mut preds = vec![0u32; func.blocks.len()];
        for &block in &postorder {
            if let Terminator::Switch { targets, default, .. } = &func.block(block).term {
                order.switches.insert(block, distinct(targets, default));
            }
            for call in order.calls(func, block) {
                preds[call.block.index()] += 1;
            }
        }
        if preds[func.entry().index()] != 0 {
            return Err(CodegenError::Internal(format!("function {}: a jump to the entry block", func.index.0)));
        }
        let index = order.place(func, &postorder, &preds);
        order.connect(func, &index, &preds);
        Ok(order)
    }

    /// A block's distinct jumps, one per successor.
    pub fn calls<'f>(&self, func: &'f Function, block: Block) -> SmallVec<[&'f BlockCall; 2]> {
        match &func.block(block).term {
            Terminator::Switch { targets, default, .. } => {
                let first = &self.switches[&block].first;
                first.iter().map(|&at| targets.get(at as usize).unwrap_or(default)).collect()
            }
            term => term.targets(),
        }
    }

    /// One of [`Order::calls`].
    pub fn call<'f>(&self, func: &'f Function, block: Block, succ: u32) -> &'f BlockCall {
        let term = &func.block(block).term;
        match term {
            Terminator::Switch { .. } => term.target(self.switches[&block].first[succ as usize] as usize),
            _ => term.target(succ as usize),
        }
    }

    /// Of a block that ends in a switch: the successor of each case, and of anything else.
    pub fn cases(&self, block: Block) -> (&[u32], u32) {
        let cases = &self.switches[&block];
        (&cases.cases, cases.default)
    }

    /// Lays the blocks and the critical edges out; gives the place of each block.
    fn place(&mut self, func: &Function, postorder: &[Block], preds: &[u32]) -> Vec<u32> {
        let mut index = vec![u32::MAX; func.blocks.len()];
        let warm = self.warm(func, postorder);
        for &block in postorder.iter().rev() {
            index[block.index()] = self.blocks.len() as u32;
            let traps = matches!(func.block(block).term, Terminator::Trap(_)) && block != func.entry();
            let cold = traps || !warm[block.index()];
            self.blocks.push(OrderedBlock { origin: Origin::Block(block), succs: SmallVec::new(), cold });
            let calls = self.calls(func, block);
            if calls.len() < 2 {
                continue;
            }
            for (succ, call) in calls.iter().enumerate() {
                if is_split(func, block, preds[call.block.index()]) {
                    let unwind = is_unwind(func, block, succ);
                    let cold =
                        unwind || !warm[block.index()] || matches!(func.block(call.block).term, Terminator::Trap(_));
                    let origin = Origin::Edge { from: block, succ: succ as u32 };
                    self.blocks.push(OrderedBlock { origin, succs: SmallVec::new(), cold });
                }
            }
        }
        index
    }

    /// Which blocks are reached without an exception, by block.
    fn warm(&self, func: &Function, postorder: &[Block]) -> Vec<bool> {
        let mut warm = vec![false; func.blocks.len()];
        warm[func.entry().index()] = true;
        for &block in postorder.iter().rev() {
            if warm[block.index()] {
                for (succ, call) in self.calls(func, block).iter().enumerate() {
                    warm[call.block.index()] |= !is_unwind(func, block, succ);
                }
            }
        }
        warm
    }

    /// Fills in the successors.
    fn connect(&mut self, func: &Function, index: &[u32], preds: &[u32]) {
        for at in 0..self.blocks.len() {
            let succs = match self.blocks[at].origin {
                Origin::Edge { from, succ } => {
                    let target = self.call(func, from, succ).block;
                    SmallVec::from_slice(&[index[target.index()]])
                }
                Origin::Block(block) => {
                    let calls = self.calls(func, block);
                    // The edges that were split stand right behind the block, in the order of its successors.
                    let mut edge = at as u32;
                    let many = calls.len() > 1;
                    let mut place = |call: &&BlockCall| {
                        let split = many && is_split(func, block, preds[call.block.index()]);
                        edge += split as u32;
                        if split { edge } else { index[call.block.index()] }
                    };
                    calls.iter().map(&mut place).collect()
                }
            };
            self.blocks[at].succs = succs;
        }
    }
}

/// Whether a block's edge to a target with that many predecessors gets a block of its own. The edges of a call always do:
/// what follows the call stands there.
fn is_split(func: &Function, from: Block, preds: u32) -> bool {
    preds > 1 || matches!(func.block(from).term, Terminator::Call { .. })
}

/// Whether an exception takes this edge.
fn is_unwind(func: &Function, from: Block, succ: usize) -> bool {
    succ == 1 && matches!(func.block(from).term, Terminator::Call { .. })
}

/// The distinct jumps of a switch.
fn distinct(targets: &[BlockCall], default: &BlockCall) -> Cases {
    let mut known: HashMap<(Block, &[crate::ir::func::Value]), u32> = HashMap::new();
    let mut first = Vec::new();
    let mut number = |at: usize, call| -> u32 {
        let call: &BlockCall = call;
        *known.entry((call.block, &call.args[..])).or_insert_with(|| {
            first.push(at as u32);
            first.len() as u32 - 1
        })
    };
    let cases = targets.iter().enumerate().map(|(at, call)| number(at, call)).collect();
    let default = number(targets.len(), default);
    Cases { cases, default, first }
}

/// Postorder by a depth-first search that leaves loops as early as it can: what is visited first is placed last, so that
/// a loop's exit stands behind its body.
fn postorder(func: &Function) -> Vec<Block> {
    let mut visited = vec![false; func.blocks.len()];
    let mut postorder = Vec::with_capacity(func.order.len());
    let mut stack: Vec<(Block, SmallVec<[Block; 4]>)> = Vec::new();
    let sorted_targets = |block: Block| {
        let data = func.block(block);
        let mut targets: SmallVec<[Block; 4]> = data.term.targets().iter().map(|call| call.block).collect();
        // Popped from the end: the shallowest first, in the written order among equals.
        targets.reverse();
        targets.sort_by_key(|&to| std::cmp::Reverse(func.block(to).loop_depth));
        targets
    };
    visited[func.entry().index()] = true;
    stack.push((func.entry(), sorted_targets(func.entry())));
    while let Some((block, targets)) = stack.last_mut() {
        match targets.pop() {
            Some(to) if visited[to.index()] => {}
            Some(to) => {
                visited[to.index()] = true;
                let targets = sorted_targets(to);
                stack.push((to, targets));
            }
            None => {
                postorder.push(*block);
                stack.pop();
            }
        }
    }
    postorder
}
