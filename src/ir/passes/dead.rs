//! Removes instructions whose results nothing needs.

use crate::ir::func::{Function, Value, ValueDef};

/// Eliminates dead instructions.
pub(super) fn eliminate(func: &mut Function) {
    let mut live = vec![false; func.values.len()];
    let mut work: Vec<Value> = Vec::new();
    for block in &func.order {
        let data = func.block(*block);
        for inst in &data.insts {
            let inst = func.inst(*inst);
            if !inst.op.is_removable() {
                work.extend(&inst.args);
            }
        }
        data.term.for_each_use(|value| work.push(value));
    }
    while let Some(value) = work.pop() {
        if std::mem::replace(&mut live[value.index()], true) {
            continue;
        }
        if let ValueDef::Result(inst, _) = func.value(value).def {
            work.extend(&func.inst(inst).args);
        }
    }
    for block in func.order.clone() {
        let insts = std::mem::take(&mut func.blocks[block.index()].insts);
        let needed = |inst: &crate::ir::func::Inst| {
            let inst = func.inst(*inst);
            !inst.op.is_removable() || inst.results.iter().any(|r| live[r.index()])
        };
        let insts = insts.into_iter().filter(needed).collect();
        func.blocks[block.index()].insts = insts;
    }
}
