//! Floats that are only carried from one place in memory to another are carried as integers.
//!
//! The bits are the same, and what never computes with floats then uses no float register: in the kernel these cost time to obtain.

use crate::ir::func::{Function, InstData, Value, ValueDef};
use crate::ir::ops::{ConvertKind, LoadKind, Op, StoreKind};
use crate::ir::types::Type;
use smallvec::SmallVec;

/// The integer type with as many bits.
fn carrier(ty: Type) -> Option<Type> {
    match ty {
        Type::F32 => Some(Type::I32),
        Type::F64 => Some(Type::I64),
        _ => None,
    }
}

/// The store of a float's bits that an integer holds.
fn carried(kind: StoreKind) -> Option<StoreKind> {
    match kind {
        StoreKind::F32 => Some(StoreKind::I32),
        StoreKind::F64 => Some(StoreKind::I64),
        _ => None,
    }
}

/// Whether an instruction only takes the bits of its operand with that number.
fn takes_bits(data: &InstData, operand: usize) -> bool {
    match data.op {
        Op::Store(kind, _) => operand == 1 && carried(kind).is_some(),
        Op::Convert(kind) => matches!(kind, ConvertKind::ReinterpretF32 | ConvertKind::ReinterpretF64),
        _ => false,
    }
}

/// Carries floats as integers where it can be.
pub(super) fn as_integers(func: &mut Function) {
    if !func.values.iter().any(|value| carrier(value.ty).is_some()) {
        return;
    }
    let computed = computed(func);
    // By value: the integer that has its bits.
    let mut bits: Vec<Option<Value>> = vec![None; func.values.len()];
    for n in 0..func.order.len() {
        let block = func.order[n].index();
        let old = std::mem::take(&mut func.blocks[block].insts);
        let mut insts = Vec::with_capacity(old.len());
        for inst in old {
            insts.push(inst);
            let data = func.inst(inst);
            let (op, result) = (data.op, data.results.first().copied());
            let ty = result.and_then(|result| carrier(func.ty(result)));
            match (op, result, ty) {
                (Op::Load(kind @ (LoadKind::F32 | LoadKind::F64), offset), Some(result), Some(ty))
                    if !computed[result.index()] =>
                {
                    let kind = if kind == LoadKind::F32 { LoadKind::I32 } else { LoadKind::I64 };
                    func.insts[inst.index()].op = Op::Load(kind, offset);
                    func.values[result.index()].ty = ty;
                    bits[result.index()] = Some(result);
                }
                (Op::Const(_, value), Some(result), Some(ty)) => {
                    let loc = func.inst(inst).loc;
                    let constant = func.add_inst(Op::Const(ty, value), SmallVec::new(), ty, loc);
                    insts.push(constant);
                    bits[result.index()] = Some(func.inst(constant).results[0]);
                }
                (Op::Convert(ConvertKind::ReinterpretI32 | ConvertKind::ReinterpretI64), Some(result), _) => {
                    bits[result.index()] = Some(func.inst(inst).args[0]);
                }
                (Op::Convert(ConvertKind::ReinterpretF32 | ConvertKind::ReinterpretF64), Some(result), _) => {
                    if let Some(integer) = bits[func.inst(inst).args[0].index()] {
                        func.values[result.index()].def = ValueDef::Alias(integer);
                        insts.pop();
                    }
                }
                (Op::Store(kind, offset), ..) => {
                    let integer = bits.get(func.inst(inst).args[1].index()).copied().flatten();
                    if let (Some(kind), Some(integer)) = (carried(kind), integer) {
                        let data = &mut func.insts[inst.index()];
                        (data.op, data.args[1]) = (Op::Store(kind, offset), integer);
                    }
                }
                _ => {}
            }
        }
        func.blocks[block].insts = insts;
    }
    func.resolve_all();
}

/// Which values somebody uses for more than their bits.
fn computed(func: &Function) -> Vec<bool> {
    let mut computed = vec![false; func.values.len()];
    for &block in &func.order {
        let data = func.block(block);
        for &inst in &data.insts {
            let data = func.inst(inst);
            for (operand, arg) in data.args.iter().enumerate() {
                computed[arg.index()] |= !takes_bits(data, operand);
            }
        }
        data.term.for_each_use(|value| computed[value.index()] = true);
    }
    computed
}
