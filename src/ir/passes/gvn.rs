//! Global value numbering: one instruction for equal pure computations, with simplification of what changes by it.
//!
//! Walks the dominator tree with a scoped table, so that a value found is defined on every way to its new use.

use super::dominators::{Dominators, Step};
use super::scoped::Scoped;
use super::simplify::{Operand, Simplified, simplify};
use crate::ir::func::{Block, Function, Inst, Value, ValueDef};
use crate::ir::ops::Op;
use crate::ir::types::Type;
use smallvec::SmallVec;

type Key = (Op, SmallVec<[Value; 3]>);

/// Numbers the values of a function.
pub(super) fn number(func: &mut Function) {
    let dominators = Dominators::new(func);
    let mut pass = Pass { func, table: Scoped::default() };
    for step in dominators.walk(pass.func.entry()) {
        match step {
            Step::Enter(block) => {
                pass.table.enter();
                pass.block(block);
            }
            Step::Leave => pass.table.leave(),
        }
    }
    func.resolve_all();
}

struct Pass<'f> {
    func: &'f mut Function,
    table: Scoped<Key, Value>,
}

impl Pass<'_> {
    fn block(&mut self, block: Block) {
        let old = std::mem::take(&mut self.func.blocks[block.index()].insts);
        let mut insts = Vec::with_capacity(old.len());
        for inst in old {
            for n in 0..self.func.inst(inst).args.len() {
                let arg = self.func.resolve(self.func.insts[inst.index()].args[n]);
                self.func.insts[inst.index()].args[n] = arg;
            }
            if self.func.inst(inst).op.is_pure() {
                self.pure(inst, &mut insts);
            } else if !self.is_repeated(inst) {
                insts.push(inst);
            }
        }
        self.func.blocks[block.index()].insts = insts;
    }

    /// A division or conversion that may trap gives the same again once it has not trapped: it need not be repeated.
    fn is_repeated(&mut self, inst: Inst) -> bool {
        let data = self.func.inst(inst);
        if !matches!(data.op, Op::Binary(..) | Op::Convert(_)) {
            return false;
        }
        let key = (data.op, data.args.clone());
        let result = data.results[0];
        let known = self.table.get(&key);
        match known {
            Some(value) => self.func.values[result.index()].def = ValueDef::Alias(value),
            None => self.table.insert(key, result),
        }
        known.is_some()
    }

    fn pure(&mut self, inst: Inst, out: &mut Vec<Inst>) {
        let data = self.func.inst(inst);
        let (op, args, result, loc) = (data.op, data.args.clone(), data.results[0], data.loc);
        let ty = self.func.ty(result);
        let value = self.value(op, args, ty, loc, Some(inst), out);
        if value != result {
            self.func.values[result.index()].def = ValueDef::Alias(value);
        }
    }

    /// The value of a pure operation: found, simplified, or computed by an instruction (`reuse`, if it is given).
    fn value(
        &mut self,
        op: Op,
        args: SmallVec<[Value; 3]>,
        ty: Type,
        loc: u32,
        reuse: Option<Inst>,
        out: &mut Vec<Inst>,
    ) -> Value {
        match simplify(self.func, op, &args) {
            Simplified::Value(value) => return value,
            Simplified::Const(ty, bits) => return self.constant(ty, bits, loc, out),
            Simplified::Op(op, operands) => {
                let args = operands
                    .iter()
                    .map(|operand| match *operand {
                        Operand::Value(value) => value,
                        Operand::Const(ty, bits) => self.constant(ty, bits, loc, out),
                    })
                    .collect();
                return self.value(op, args, ty, loc, None, out);
            }
            Simplified::Keep => {}
        }
        let key = (op, args);
        if let Some(value) = self.table.get(&key) {
            return value;
        }
        let inst = reuse.unwrap_or_else(|| self.func.add_inst(key.0, key.1.clone(), ty, loc));
        out.push(inst);
        let value = self.func.inst(inst).results[0];
        self.table.insert(key, value);
        value
    }

    fn constant(&mut self, ty: Type, bits: u64, loc: u32, out: &mut Vec<Inst>) -> Value {
        self.value(Op::Const(ty, bits), SmallVec::new(), ty, loc, None, out)
    }
}
