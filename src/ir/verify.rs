//! Checks what every pass must leave true. Run in tests and debug builds; the message names the offender.

use super::func::*;
use super::ops::Op;
use super::types::Type;
use crate::wasm::Module;

/// Verifies a function of `module`.
pub fn verify(module: &Module, func: &Function) -> Result<(), String> {
    let mut verifier = Verifier { module, func, position: vec![None; func.values.len()] };
    verifier.definitions()?;
    let dominators = super::passes::Dominators::new(func);
    for block in &func.order {
        verifier.block(*block, &dominators)?;
    }
    Ok(())
}

struct Verifier<'a> {
    module: &'a Module,
    func: &'a Function,
    /// Where each value is defined: block and position in it (parameters at 0).
    position: Vec<Option<(Block, usize)>>,
}

impl Verifier<'_> {
    fn definitions(&mut self) -> Result<(), String> {
        let func = self.func;
        for block in &func.order {
            let data = func.block(*block);
            for param in &data.params {
                self.define(*param, *block, 0)?;
            }
            for (n, inst) in data.insts.iter().enumerate() {
                for result in &func.inst(*inst).results {
                    self.define(*result, *block, n + 1)?;
                }
            }
        }
        Ok(())
    }

    fn define(&mut self, value: Value, block: Block, at: usize) -> Result<(), String> {
        if matches!(self.func.value(value).def, ValueDef::Alias(_)) {
            return Err(format!("{value:?} is defined in {block:?} and an alias"));
        }
        match self.position[value.index()].replace((block, at)) {
            Some(_) => Err(format!("{value:?} is defined twice")),
            None => Ok(()),
        }
    }

    fn block(&self, block: Block, dominators: &super::passes::Dominators) -> Result<(), String> {
        let data = self.func.block(block);
        let check = |value: Value, at: usize| -> Result<(), String> {
            let Some((home, defined)) = self.position[value.index()] else {
                return Err(format!("{value:?} is used in {block:?} and never defined"));
            };
            let good = if home == block { defined <= at } else { dominators.dominates(home, block) };
            if good {
                Ok(())
            } else {
                Err(format!("{value:?} is used in {block:?} and not defined on every way there"))
            }
        };
        for (n, inst) in data.insts.iter().enumerate() {
            for arg in &self.func.inst(*inst).args {
                check(*arg, n)?;
            }
            self.inst(*inst)?;
        }
        let mut result = Ok(());
        data.term.for_each_use(|value| {
            if result.is_ok() {
                result = check(value, data.insts.len());
            }
        });
        result?;
        for target in data.term.targets() {
            self.call(block, target)?;
        }
        Ok(())
    }

    fn call(&self, from: Block, call: &BlockCall) -> Result<(), String> {
        if !self.func.order.contains_block(call.block, self.func) {
            return Err(format!("{from:?} jumps to {:?}, which is not in the order", call.block));
        }
        let params = &self.func.block(call.block).params;
        let types = |values: &[Value]| values.iter().map(|v| self.func.ty(*v)).collect::<Vec<_>>();
        if types(params) == types(&call.args) {
            return Ok(());
        }
        Err(format!("{from:?} jumps to {:?} with {:?} for {:?}", call.block, types(&call.args), types(params)))
    }

    fn inst(&self, inst: Inst) -> Result<(), String> {
        let data = self.func.inst(inst);
        let args: Vec<Type> = data.args.iter().map(|v| self.func.ty(*v)).collect();
        let results: Vec<Type> = data.results.iter().map(|v| self.func.ty(*v)).collect();
        let (want_args, want_results) = self.signature(data.op);
        if (&args, &results) == (&want_args, &want_results) {
            return Ok(());
        }
        Err(format!("{inst:?} {:?}: {args:?} -> {results:?} instead of {want_args:?} -> {want_results:?}", data.op))
    }

    /// Types that an operation takes and gives.
    fn signature(&self, op: Op) -> (Vec<Type>, Vec<Type>) {
        use Type::{I32, I64, Ref, V128};
        let wasm = |types: &[crate::wasm::ValType]| types.iter().map(|ty| Type::from(*ty)).collect::<Vec<_>>();
        match op {
            Op::Const(ty, _) => (vec![], vec![ty]),
            Op::Unary(ty, _) => (vec![ty], vec![ty]),
            Op::Binary(ty, _) => (vec![ty, ty], vec![ty]),
            Op::Compare(ty, _) => (vec![ty, ty], vec![I32]),
            Op::Convert(kind) => (vec![kind.from()], vec![kind.to()]),
            Op::Select(ty) => (vec![ty, ty, I32], vec![ty]),
            Op::Load(kind, _) => (vec![I32], vec![kind.ty()]),
            Op::Store(kind, _) => (vec![I32, kind.ty()], vec![]),
            Op::Vector(op) => (op.args().to_vec(), vec![op.result()]),
            Op::VectorConst(_) => (vec![], vec![V128]),
            Op::Shuffle(_) => (vec![V128, V128], vec![V128]),
            Op::ExtractLane(shape, ..) => (vec![V128], vec![shape.lane()]),
            Op::ReplaceLane(shape, _) => (vec![V128, shape.lane()], vec![V128]),
            Op::LoadLane(..) => (vec![I32, V128], vec![V128]),
            Op::StoreLane(..) => (vec![I32, V128], vec![]),
            Op::AtomicLoad(kind, _) => (vec![I32], vec![kind.ty()]),
            Op::AtomicStore(kind, _) => (vec![I32, kind.ty()], vec![]),
            Op::AtomicRmw(_, kind, _) => (vec![I32, kind.ty()], vec![kind.ty()]),
            Op::AtomicCmpxchg(kind, _) => (vec![I32, kind.ty(), kind.ty()], vec![kind.ty()]),
            Op::AtomicFence => (vec![], vec![]),
            Op::AtomicWait(ty, _) => (vec![I32, ty, I64], vec![I32]),
            Op::AtomicNotify(_) => (vec![I32, I32], vec![I32]),
            Op::GlobalGet(index) => (vec![], vec![self.module.globals[index.index()].content.into()]),
            Op::GlobalSet(index) => (vec![self.module.globals[index.index()].content.into()], vec![]),
            Op::Call(func) => {
                let ty = self.module.func_type(func);
                (wasm(&ty.params), wasm(&ty.results))
            }
            Op::CallIndirect(_, ty) => {
                let ty = &self.module.types[ty.index()];
                let mut args = wasm(&ty.params);
                args.push(I32);
                (args, wasm(&ty.results))
            }
            Op::RefFunc(_) => (vec![], vec![Ref]),
            Op::MemorySize | Op::TableSize(_) => (vec![], vec![I32]),
            Op::MemoryGrow => (vec![I32], vec![I32]),
            Op::MemoryFill | Op::MemoryCopy | Op::MemoryInit(_) | Op::TableCopy(..) | Op::TableInit(..) => {
                (vec![I32, I32, I32], vec![])
            }
            Op::DataDrop(_) | Op::ElemDrop(_) | Op::Poll => (vec![], vec![]),
            Op::TableGet(_) => (vec![I32], vec![Ref]),
            Op::TableSet(_) => (vec![I32, Ref], vec![]),
            Op::TableGrow(_) => (vec![Ref, I32], vec![I32]),
            Op::TableFill(_) => (vec![I32, Ref, I32], vec![]),
        }
    }
}

/// Membership of a block in the order.
trait ContainsBlock {
    fn contains_block(&self, block: Block, func: &Function) -> bool;
}

impl ContainsBlock for Vec<Block> {
    fn contains_block(&self, block: Block, func: &Function) -> bool {
        // The order is ascending in block numbers: the builder makes it so and passes only remove blocks.
        block.index() < func.blocks.len() && self.binary_search(&block).is_ok()
    }
}
