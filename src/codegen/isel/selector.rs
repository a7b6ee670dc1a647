//! What a machine builds its instructions with.

use super::checks::Checks;
use super::joined::Joined;
use super::usage::Usage;
use crate::codegen::vcode::{VBlock, VCode};
use crate::ir::func::{Block, Function, Inst, InstData, Value, ValueDef, WasmOffset};
use crate::ir::ops::Op;
use regalloc2::{Operand, OperandConstraint, PRegSet, RegClass, VReg};

/// An instruction that was selected.
struct Selected<I> {
    inst: I,
    loc: WasmOffset,
    operands: (u32, u32),
    clobbers: u16,
}

/// State of a function's selection.
pub struct Selector<'a, I> {
    /// The function.
    pub func: &'a Function,
    /// Location given to emitted instructions.
    pub loc: WasmOffset,
    usage: Usage,
    joined: Joined,
    regs: Vec<VReg>,
    sunk: Vec<bool>,
    epoch: u32,
    checks: Checks,
    /// The instruction whose access is selected now.
    accessing: Option<Inst>,
    /// Instructions of what is being selected, first to last.
    sequence: Vec<Selected<I>>,
    /// Instructions of what has been selected, last to first.
    done: Vec<Selected<I>>,
    operands: Vec<Operand>,
    clobber_sets: Vec<PRegSet>,
    vregs: usize,
}

impl<'a, I> Selector<'a, I> {
    /// Prepares the selection of a function.
    pub fn new(func: &'a Function, checks: Checks) -> Selector<'a, I> {
        Selector {
            func,
            loc: 0,
            usage: Usage::new(func),
            joined: Joined::default(),
            regs: vec![VReg::invalid(); func.values.len()],
            sunk: vec![false; func.insts.len()],
            epoch: 0,
            checks,
            accessing: None,
            sequence: Vec::new(),
            done: Vec::new(),
            operands: Vec::new(),
            clobber_sets: vec![PRegSet::empty()],
            vregs: 0,
        }
    }

    /// How many instructions have been selected.
    pub fn emitted(&self) -> u32 {
        self.done.len() as u32
    }

    /// A fresh virtual register.
    pub fn vreg(&mut self, class: RegClass) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs - 1, class)
    }

    /// The register of a value that is defined by an instruction or as a parameter: asks for its definition.
    pub fn demand(&mut self, value: Value) -> VReg {
        let value = self.func.resolve(value);
        if self.regs[value.index()] == VReg::invalid() {
            let class = if self.func.ty(value).is_float() { RegClass::Float } else { RegClass::Int };
            self.regs[value.index()] = self.vreg(class);
        }
        self.regs[value.index()]
    }

    /// Whether somebody asked for the value.
    pub fn is_demanded(&self, value: Value) -> bool {
        self.regs[value.index()] != VReg::invalid()
    }

    /// Appends an instruction to what is being selected.
    pub fn emit(&mut self, inst: I, operands: &[Operand], clobbers: PRegSet) {
        for operand in operands {
            if let OperandConstraint::Reuse(input) = operand.constraint() {
                self.joined.join(operand.vreg().vreg(), operands[input].vreg().vreg(), true);
            }
        }
        let start = self.operands.len() as u32;
        self.operands.extend_from_slice(operands);
        let set = self.clobber_sets.iter().position(|&set| set == clobbers).unwrap_or_else(|| {
            self.clobber_sets.push(clobbers);
            self.clobber_sets.len() - 1
        });
        let operands = (start, self.operands.len() as u32);
        self.sequence.push(Selected { inst, loc: self.loc, operands, clobbers: set as u16 });
    }

    /// Notes that a register is passed to a block's parameter; if it answers no, a copy should be passed instead.
    pub fn join(&mut self, reg: VReg, param: VReg) -> bool {
        self.joined.join(reg.vreg(), param.vreg(), false)
    }

    /// Exchanges the last two instructions of what is being selected.
    pub fn swap_last(&mut self) {
        let len = self.sequence.len();
        self.sequence.swap(len - 1, len - 2);
    }

    /// Ends the selection of one thing.
    pub fn flush(&mut self) {
        self.done.extend(self.sequence.drain(..).rev());
    }

    /// Begins a block that stands for an edge.
    pub fn begin_edge(&mut self) {
        self.epoch = 0;
    }

    /// Begins a block's terminator.
    pub fn begin_terminator(&mut self, block: Block) {
        self.epoch = self.usage.end(block);
        self.accessing = None;
        self.loc = self.func.block(block).term_loc;
    }

    /// Begins an instruction; says whether it must be selected at all.
    pub fn begin_inst(&mut self, inst: Inst) -> bool {
        let data = self.func.inst(inst);
        self.epoch = self.usage.epoch(inst);
        self.accessing = Some(inst);
        self.loc = data.loc;
        if self.sunk[inst.index()] {
            return false;
        }
        !data.op.is_removable() || data.results.iter().any(|&result| self.is_demanded(result))
    }

    /// The instruction that defines a value, unless it is a block parameter.
    pub fn def(&self, value: Value) -> Option<(Inst, &'a InstData)> {
        let value = self.func.resolve(value);
        match self.func.value(value).def {
            ValueDef::Result(inst, _) => Some((inst, self.func.inst(inst))),
            _ => None,
        }
    }

    /// Bits of a value that is a constant.
    pub fn constant(&self, value: Value) -> Option<u64> {
        match self.def(value)?.1.op {
            Op::Const(_, bits) => Some(bits),
            _ => None,
        }
    }

    /// Whether the value has one use, so that folding it into its user makes its definition unnecessary.
    pub fn is_single_use(&self, value: Value) -> bool {
        self.usage.uses(self.func.resolve(value)) == 1
    }

    /// The read that defines a value, if its only use may perform it: nothing stands between them that it must not cross.
    pub fn sinkable(&self, value: Value) -> Option<(Inst, &'a InstData)> {
        let (inst, data) = self.def(value)?;
        let reads = matches!(data.op, Op::Load(..) | Op::GlobalGet(_));
        (reads
            && self.is_single_use(value)
            && self.usage.epoch(inst) == self.epoch
            && !self.checks.is_relied_on(inst)
            && !self.is_demanded(self.func.resolve(value)))
        .then_some((inst, data))
    }

    /// Notes that a read found by [`Selector::sinkable`] is performed by what is being selected.
    pub fn sink(&mut self, inst: Inst) {
        self.sunk[inst.index()] = true;
        self.accessing = Some(inst);
        self.loc = self.func.inst(inst).loc;
    }

    /// Whether what is being selected accesses linear memory where a check has been made already (see [`Checks`]).
    pub fn is_checked(&self) -> bool {
        self.accessing.is_some_and(|inst| self.checks.is_needless(inst))
    }

    pub(super) fn into_vcode(self, blocks: Vec<VBlock>) -> VCode<I> {
        let count = self.done.len();
        let mut code = VCode {
            insts: Vec::with_capacity(count),
            locs: Vec::with_capacity(count),
            ranges: Vec::with_capacity(count),
            operands: self.operands,
            clobbers: Vec::with_capacity(count),
            clobber_sets: self.clobber_sets,
            blocks,
            vregs: self.vregs,
            wide_floats: false,
        };
        for selected in self.done.into_iter().rev() {
            code.insts.push(selected.inst);
            code.locs.push(selected.loc);
            code.ranges.push(selected.operands);
            code.clobbers.push(selected.clobbers);
        }
        code
    }
}
