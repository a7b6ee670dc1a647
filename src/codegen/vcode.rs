//! Machine instructions over virtual registers, in the form that the register allocator reads.

use crate::ir::func::WasmOffset;
use regalloc2::{Block, Inst, InstRange, Operand, PRegSet, RegClass, VReg};
use std::ops::Range;

/// A basic block of machine instructions; the last one is its only branch.
#[derive(Debug, Default)]
pub struct VBlock {
    /// Its instructions.
    pub insts: Range<u32>,
    /// Where it may go.
    pub succs: Vec<Block>,
    /// Where it may come from.
    pub preds: Vec<Block>,
    /// Registers that each predecessor's branch gives values to.
    pub params: Vec<VReg>,
    /// Arguments of the branch, for each successor.
    pub args: Vec<Vec<VReg>>,
    /// Whether it is rarely reached: it is then placed behind the others.
    pub cold: bool,
}

/// A function of machine instructions `I`.
///
/// Instructions name no registers: their operands lie in one array, in an order that each instruction's documentation
/// gives, and the allocator's answer has the same order.
#[derive(Debug)]
pub struct VCode<I> {
    /// The instructions, block after block.
    pub insts: Vec<I>,
    /// Where each instruction comes from.
    pub locs: Vec<WasmOffset>,
    /// Range of each instruction's operands.
    pub ranges: Vec<(u32, u32)>,
    /// All operands.
    pub operands: Vec<Operand>,
    /// Index of each instruction's clobbers in `clobber_sets`.
    pub clobbers: Vec<u16>,
    /// The distinct sets of clobbers; the first is empty.
    pub clobber_sets: Vec<PRegSet>,
    /// The blocks; the first is the entry.
    pub blocks: Vec<VBlock>,
    /// Number of virtual registers.
    pub vregs: usize,
    /// Whether float registers hold vectors: they are then spilled whole, to two slots.
    pub wide_floats: bool,
}

impl<I> regalloc2::Function for VCode<I> {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> Block {
        Block::new(0)
    }

    fn block_insns(&self, block: Block) -> InstRange {
        let range = &self.blocks[block.index()].insts;
        InstRange::new(Inst::new(range.start as usize), Inst::new(range.end as usize))
    }

    fn block_succs(&self, block: Block) -> &[Block] {
        &self.blocks[block.index()].succs
    }

    fn block_preds(&self, block: Block) -> &[Block] {
        &self.blocks[block.index()].preds
    }

    fn block_params(&self, block: Block) -> &[VReg] {
        &self.blocks[block.index()].params
    }

    fn is_ret(&self, insn: Inst) -> bool {
        self.last_of(insn).is_some_and(|block| block.succs.is_empty())
    }

    fn is_branch(&self, insn: Inst) -> bool {
        self.last_of(insn).is_some_and(|block| !block.succs.is_empty())
    }

    fn branch_blockparams(&self, block: Block, _insn: Inst, succ_idx: usize) -> &[VReg] {
        &self.blocks[block.index()].args[succ_idx]
    }

    fn inst_operands(&self, insn: Inst) -> &[Operand] {
        let (start, end) = self.ranges[insn.index()];
        &self.operands[start as usize..end as usize]
    }

    fn inst_clobbers(&self, insn: Inst) -> PRegSet {
        self.clobber_sets[self.clobbers[insn.index()] as usize]
    }

    fn num_vregs(&self) -> usize {
        self.vregs
    }

    fn spillslot_size(&self, regclass: RegClass) -> usize {
        if self.wide_floats && regclass == RegClass::Float { 2 } else { 1 }
    }
}

impl<I> VCode<I> {
    /// The block that ends with this instruction, if one does.
    fn last_of(&self, insn: Inst) -> Option<&VBlock> {
        let index = insn.index() as u32;
        let at = self.blocks.partition_point(|block| block.insts.end <= index);
        self.blocks.get(at).filter(|block| block.insts.end == index + 1)
    }
}
