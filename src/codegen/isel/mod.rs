//! Instruction selection, the part that no machine decides.
//!
//! Blocks are selected last to first and instructions within a block likewise, so that every use of a value is seen before
//! its definition: a definition whose value nobody asked for (because each user folded it) is not emitted at all.
//! A machine implements [`Machine`] and builds its instructions with a [`Selector`].

mod checks;
mod joined;
mod order;
mod selector;
mod usage;

pub use checks::Checks;
pub use order::{Order, OrderedBlock, Origin};
pub use selector::Selector;

use super::options::CodegenError;
use super::vcode::{VBlock, VCode};
use crate::ir::func::{Block, BlockCall, Function, Inst, Terminator, Value};

/// What a machine supplies: one callback per thing to select.
pub trait Machine<'a> {
    /// Its instructions.
    type Inst;

    /// The selector that it builds with.
    fn selector(&mut self) -> &mut Selector<'a, Self::Inst>;

    /// Selects an instruction: all of it, its results are asked for or it has an effect.
    fn inst(&mut self, inst: Inst) -> Result<(), CodegenError>;

    /// The register of a value that a jump passes on.
    fn argument(&mut self, value: Value) -> regalloc2::VReg;

    /// A copy of a register.
    fn copy(&mut self, reg: regalloc2::VReg) -> regalloc2::VReg;

    /// Selects a jump to the block's only successor.
    fn jump(&mut self);

    /// Selects a branch to the first successor if `cond` is not zero, else to the second.
    fn branch(&mut self, cond: Value);

    /// Selects a switch: case `n` goes to successor `cases[n]`, anything else to successor `default`.
    fn switch(&mut self, index: Value, cases: &[u32], default: u32);

    /// Selects a return, a tail call or a trap.
    fn leave(&mut self, term: &Terminator);

    /// Notes that the block's last instruction is a call that ends it.
    fn guarded_call(&mut self);

    /// Selects what stands at the beginning of successor `succ` of a block that ends in a call.
    fn after_call(&mut self, from: Block, succ: u32);

    /// Selects the definition of the function's parameters (values that nobody asked for may be left out).
    fn entry(&mut self, params: &[Value]);
}

/// Selects a whole function.
pub fn select<'a, M: Machine<'a>>(
    machine: &mut M,
    func: &'a Function,
    order: &Order,
) -> Result<Vec<VBlock>, CodegenError> {
    let mut blocks: Vec<VBlock> = Vec::with_capacity(order.blocks.len());
    for ordered in order.blocks.iter().rev() {
        let before = machine.selector().emitted();
        let mut out = VBlock { cold: ordered.cold, ..VBlock::default() };
        out.succs = ordered.succs.iter().map(|&succ| regalloc2::Block::new(succ as usize)).collect();
        match ordered.origin {
            Origin::Edge { from, succ } => {
                machine.selector().begin_edge();
                let call = order.call(func, from, succ);
                out.args.push(branch_args(machine, func, call));
                machine.jump();
                machine.selector().flush();
                if matches!(func.block(from).term, Terminator::Call { .. }) {
                    machine.after_call(from, succ);
                    machine.selector().flush();
                }
            }
            Origin::Block(block) => {
                terminator(machine, func, order, ordered, block, &mut out);
                body(machine, func, block)?;
                if block == func.entry() {
                    machine.entry(&func.block(block).params);
                    machine.selector().flush();
                } else {
                    let selector = machine.selector();
                    out.params = func.block(block).params.iter().map(|&param| selector.demand(param)).collect();
                }
            }
        }
        out.insts = before..machine.selector().emitted();
        blocks.push(out);
    }
    blocks.reverse();
    Ok(blocks)
}

/// The registers of a jump's arguments.
fn branch_args<'a, M: Machine<'a>>(machine: &mut M, func: &'a Function, call: &BlockCall) -> Vec<regalloc2::VReg> {
    let pass = |(&arg, &param): (&Value, &Value)| {
        let reg = machine.argument(arg);
        let selector = machine.selector();
        let param = selector.demand(param);
        if selector.join(reg, param) { reg } else { machine.copy(reg) }
    };
    call.args.iter().zip(&func.block(call.block).params).map(pass).collect()
}

fn terminator<'a, M: Machine<'a>>(
    machine: &mut M,
    func: &'a Function,
    order: &Order,
    ordered: &OrderedBlock,
    block: Block,
    out: &mut VBlock,
) {
    let data = func.block(block);
    machine.selector().begin_terminator(block);
    let calls = order.calls(func, block);
    for (succ, call) in calls.iter().enumerate() {
        // A split edge's arguments travel with the edge's own jump.
        let split = matches!(order.blocks[ordered.succs[succ] as usize].origin, Origin::Edge { .. });
        out.args.push(if split { Vec::new() } else { branch_args(machine, func, call) });
    }
    match &data.term {
        _ if calls.len() == 1 => machine.jump(),
        Terminator::Jump(_) => machine.jump(),
        Terminator::Call { .. } => machine.guarded_call(),
        Terminator::Branch { cond, .. } => machine.branch(func.resolve(*cond)),
        Terminator::Switch { index, .. } => {
            let (cases, default) = order.cases(block);
            machine.switch(func.resolve(*index), cases, default);
        }
        Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Trap(_) => machine.leave(&data.term),
    }
    machine.selector().flush();
}

fn body<'a, M: Machine<'a>>(machine: &mut M, func: &'a Function, block: Block) -> Result<(), CodegenError> {
    for &inst in func.block(block).insts.iter().rev() {
        if machine.selector().begin_inst(inst) {
            machine.inst(inst)?;
            machine.selector().flush();
        }
    }
    Ok(())
}

/// Puts the selected blocks and instructions together.
pub fn finish<I>(selector: Selector<'_, I>, mut blocks: Vec<VBlock>) -> VCode<I> {
    let total = selector.emitted();
    for block in &mut blocks {
        block.insts = total - block.insts.end..total - block.insts.start;
    }
    for index in 0..blocks.len() {
        for succ in std::mem::take(&mut blocks[index].succs) {
            blocks[succ.index()].preds.push(regalloc2::Block::new(index));
            blocks[index].succs.push(succ);
        }
    }
    selector.into_vcode(blocks)
}
