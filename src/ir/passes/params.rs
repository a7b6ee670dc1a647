//! Removes block parameters that always receive one value, or whose value is never used.

use crate::ir::func::{Block, Function, Value, ValueDef};
use std::collections::HashSet;

/// Prunes parameters until none can go.
pub(super) fn prune(func: &mut Function) {
    while redundant(func) {}
    unused(func);
}

/// Replaces parameters that receive one value on every edge (besides themselves) by that value.
fn redundant(func: &mut Function) -> bool {
    // For each parameter: the one value seen so far, or none once there were two.
    let mut only: Vec<Option<Option<Value>>> = vec![None; func.values.len()];
    for block in &func.order {
        for target in func.block(*block).term.targets() {
            for (param, arg) in func.block(target.block).params.iter().zip(&target.args) {
                let arg = func.resolve(*arg);
                if arg == *param {
                    continue;
                }
                let seen = &mut only[param.index()];
                *seen = match *seen {
                    None => Some(Some(arg)),
                    Some(Some(old)) if old == arg => *seen,
                    _ => Some(None),
                };
            }
        }
    }
    let mut gone = HashSet::new();
    for block in func.order.clone() {
        for param in func.block(block).params.clone() {
            if let Some(Some(value)) = only[param.index()] {
                // Two parameters may each name the other as their only value once the first is gone.
                let value = func.resolve(value);
                if value != param {
                    func.values[param.index()].def = ValueDef::Alias(value);
                    gone.insert(param);
                }
            }
        }
    }
    remove(func, &gone);
    !gone.is_empty()
}

/// Removes parameters whose value reaches nothing but dead parameters.
fn unused(func: &mut Function) {
    let mut live = vec![false; func.values.len()];
    let mut work = Vec::new();
    let mut mark = |value: Value, work: &mut Vec<Value>| {
        if !std::mem::replace(&mut live[value.index()], true) {
            work.push(value);
        }
    };
    // Edges by target and parameter, so that a live parameter wakes its arguments.
    let mut edges: Vec<Vec<(Block, usize)>> = vec![vec![]; func.blocks.len()];
    for block in &func.order {
        let data = func.block(*block);
        for inst in &data.insts {
            for arg in &func.inst(*inst).args {
                mark(*arg, &mut work);
            }
        }
        use crate::ir::func::Terminator;
        match &data.term {
            Terminator::Branch { cond, .. } => mark(*cond, &mut work),
            Terminator::Switch { index, .. } => mark(*index, &mut work),
            Terminator::Return(values) => values.iter().for_each(|v| mark(*v, &mut work)),
            Terminator::TailCall { args, .. } => args.iter().for_each(|v| mark(*v, &mut work)),
            Terminator::Jump(_) | Terminator::Call { .. } | Terminator::Trap(_) => {}
        }
        for (slot, target) in data.term.targets().iter().enumerate() {
            if !target.args.is_empty() {
                edges[target.block.index()].push((*block, slot));
            }
        }
    }
    while let Some(value) = work.pop() {
        let ValueDef::Param(block, position) = func.value(value).def else { continue };
        for (from, slot) in &edges[block.index()] {
            let arg = func.block(*from).term.target(*slot).args[position as usize];
            mark(arg, &mut work);
        }
    }
    let entry = func.entry();
    let params = func.order.iter().filter(|b| **b != entry).flat_map(|b| &func.block(*b).params);
    let gone: HashSet<Value> = params.copied().filter(|p| !live[p.index()]).collect();
    remove(func, &gone);
}

/// Takes parameters and their arguments out, resolves aliases, and numbers the rest anew.
fn remove(func: &mut Function, gone: &HashSet<Value>) {
    if gone.is_empty() {
        return;
    }
    let keep: Vec<Option<Vec<bool>>> = func
        .blocks
        .iter()
        .map(|data| {
            let keep: Vec<bool> = data.params.iter().map(|p| !gone.contains(p)).collect();
            keep.contains(&false).then_some(keep)
        })
        .collect();
    for block in func.order.clone() {
        let mut term = std::mem::replace(
            &mut func.blocks[block.index()].term,
            crate::ir::func::Terminator::Return(Default::default()),
        );
        for target in term.targets_mut() {
            if let Some(keep) = &keep[target.block.index()] {
                let mut kept = keep.iter();
                target.args.retain(|_| *kept.next().expect("one flag per argument"));
            }
        }
        func.blocks[block.index()].term = term;
        if let Some(keep) = &keep[block.index()] {
            let mut kept = keep.iter();
            func.blocks[block.index()].params.retain(|_| *kept.next().expect("one flag per parameter"));
            for (n, param) in func.block(block).params.clone().into_iter().enumerate() {
                func.values[param.index()].def = ValueDef::Param(block, n as u32);
            }
        }
    }
    func.resolve_all();
}
