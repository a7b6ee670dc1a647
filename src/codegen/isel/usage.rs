//! Who uses a value how often, and what lies between two instructions.

use crate::ir::func::{Block, Function, Inst, Value};
use crate::ir::ops::Op;

/// Facts about a function that folding asks for.
pub struct Usage {
    uses: Vec<u32>,
    epochs: Vec<u32>,
    ends: Vec<u32>,
}

/// Whether memory reads must not be moved over this operation.
fn is_barrier(op: Op) -> bool {
    !(op.is_removable() || matches!(op, Op::Load(..)))
}

impl Usage {
    /// Looks at every instruction once.
    pub fn new(func: &Function) -> Usage {
        let mut usage = Usage {
            uses: vec![0; func.values.len()],
            epochs: vec![0; func.insts.len()],
            ends: vec![0; func.blocks.len()],
        };
        let mut epoch = 0;
        for &block in &func.order {
            let data = func.block(block);
            epoch += 1;
            for &inst in &data.insts {
                usage.epochs[inst.index()] = epoch;
                let data = func.inst(inst);
                for &arg in &data.args {
                    usage.uses[func.resolve(arg).index()] += 1;
                }
                epoch += is_barrier(data.op) as u32;
            }
            usage.ends[block.index()] = epoch;
            data.term.for_each_use(|value| usage.uses[func.resolve(value).index()] += 1);
        }
        usage
    }

    /// How many operands are this value.
    pub fn uses(&self, value: Value) -> u32 {
        self.uses[value.index()]
    }

    /// Two points with equal epochs are in one block with nothing between them that a load must not cross.
    pub fn epoch(&self, inst: Inst) -> u32 {
        self.epochs[inst.index()]
    }

    /// The epoch of a block's terminator.
    pub fn end(&self, block: Block) -> u32 {
        self.ends[block.index()]
    }
}
