//! Branch folding: decided branches, jumps to jumps, and straight lines of blocks.

use super::dominators::reachable;
use super::simplify::inverse;
use crate::ir::func::{Block, BlockCall, Function, Terminator, ValueDef};
use crate::ir::ops::{CompareKind, Op};
use crate::ir::types::Type;

/// Folds branches; blocks that cannot be reached any more leave the order.
pub(super) fn fold(func: &mut Function) {
    for block in func.order.clone() {
        decide(func, block);
        thread(func, block);
        same_targets(func, block);
    }
    sweep(func);
    merge(func);
    sweep(func);
    func.resolve_all();
}

fn sweep(func: &mut Function) {
    let seen = reachable(func);
    func.order.retain(|block| seen[block.index()]);
}

/// Turns a branch on a constant into a jump, and a branch on "is zero" into one with its targets exchanged.
fn decide(func: &mut Function, block: Block) {
    let term = &func.block(block).term;
    let new = match term {
        Terminator::Branch { cond, then, otherwise } => {
            let cond = func.resolve(*cond);
            match func.constant(cond) {
                Some(bits) => Terminator::Jump(if bits as u32 != 0 { then.clone() } else { otherwise.clone() }),
                None => {
                    let Some((inner, keep)) = tested(func, cond) else { return };
                    let (then, otherwise) = if keep { (then, otherwise) } else { (otherwise, then) };
                    Terminator::Branch { cond: inner, then: then.clone(), otherwise: otherwise.clone() }
                }
            }
        }
        Terminator::Switch { index, targets, default } => match func.constant(func.resolve(*index)) {
            Some(bits) => Terminator::Jump(targets.get(bits as u32 as usize).unwrap_or(default).clone()),
            None if targets.is_empty() => Terminator::Jump(default.clone()),
            None => return,
        },
        _ => return,
    };
    func.blocks[block.index()].term = new;
}

/// For a condition that compares an i32 with zero: the i32, and whether it is true where the condition is.
fn tested(func: &Function, cond: crate::ir::func::Value) -> Option<(crate::ir::func::Value, bool)> {
    let inst = func.def_inst(cond)?;
    let Op::Compare(Type::I32, kind @ (CompareKind::Eq | CompareKind::Ne)) = inst.op else { return None };
    let zero = func.constant(func.resolve(inst.args[1]))?;
    debug_assert!(inverse(kind).is_some());
    (zero as u32 == 0).then(|| (func.resolve(inst.args[0]), kind == CompareKind::Ne))
}

/// Longest chain of empty blocks that a jump is led through.
const MAX_THREAD: usize = 16;

/// Leads jumps past blocks that do nothing but jump on.
fn thread(func: &mut Function, block: Block) {
    let mut term = func.block(block).term.clone();
    let mut changed = false;
    for target in term.targets_mut() {
        for _ in 0..MAX_THREAD {
            let data = func.block(target.block);
            // Parameters of a block that is left out must not be needed behind it.
            let Terminator::Jump(next) = &data.term else { break };
            if !data.insts.is_empty() || !data.params.is_empty() || next.block == target.block {
                break;
            }
            *target = BlockCall { block: next.block, args: next.args.clone() };
            changed = true;
        }
    }
    if changed {
        func.blocks[block.index()].term = term;
    }
}

/// A branch whose targets are the same is a jump.
fn same_targets(func: &mut Function, block: Block) {
    if let Terminator::Branch { then, otherwise, .. } = &func.block(block).term
        && then == otherwise
    {
        func.blocks[block.index()].term = Terminator::Jump(then.clone());
    }
}

/// Appends a block to its only predecessor where that has no other successor.
fn merge(func: &mut Function) {
    let mut preds = vec![0u32; func.blocks.len()];
    for block in &func.order {
        for target in func.block(*block).term.targets() {
            preds[target.block.index()] += 1;
        }
    }
    let entry = func.entry();
    for block in func.order.clone() {
        while let Terminator::Jump(next) = &func.block(block).term {
            let next = next.clone();
            if preds[next.block.index()] != 1 || next.block == block || next.block == entry {
                break;
            }
            let data = &mut func.blocks[next.block.index()];
            let params = std::mem::take(&mut data.params);
            let insts = std::mem::take(&mut data.insts);
            let term = std::mem::replace(&mut data.term, Terminator::Return(Default::default()));
            let term_loc = data.term_loc;
            preds[next.block.index()] = 0;
            for (param, arg) in params.into_iter().zip(next.args) {
                let arg = func.resolve(arg);
                func.values[param.index()].def = ValueDef::Alias(arg);
            }
            let data = &mut func.blocks[block.index()];
            data.insts.extend(insts);
            data.term = term;
            data.term_loc = term_loc;
        }
    }
}
