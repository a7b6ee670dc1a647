//! Calls with handlers, exceptions and tags.

use super::{Addr, Lower};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{EXCEPTION_CELL_BYTES, offset};
use crate::codegen::x64::abi::Signature;
use crate::codegen::x64::inst::{Amode, Cc, Inst, Store};
use crate::codegen::x64::regs::clobbered_by_throws;
use crate::ir::func::{Block, InstData, Value};
use crate::ir::ops::Op;
use crate::ir::types::Type;
use regalloc2::Operand;

impl Lower<'_> {
    /// Selects the beginning of a successor of a block that ends in a call: of the first, the results; of the second, the
    /// arrival of a throw. The block itself is selected right after both.
    pub(super) fn behind_guarded_call(&mut self, from: Block, succ: u32) {
        self.frame.lands = true;
        self.frame.keeps_ctx = true;
        if succ == 1 {
            return self.emit(Inst::Landing, &[]);
        }
        let func = self.s.func;
        let call = func.block(from).insts.last().map(|&inst| func.inst(inst)).expect("the block ends in a call");
        let module = self.env.module;
        let (signature, clean) = match call.op {
            Op::Call(callee) => {
                let clean = if module.is_imported(callee) { self.knows_steady() } else { !module.foreign_tail_calls };
                (Signature::new(module.func_type(callee)), clean)
            }
            Op::CallIndirect(_, ty) => (Signature::new(&module.types[ty.index()]), self.knows_steady()),
            op => unreachable!("{op:?} is no call"),
        };
        let (defs, clobbers, after) = self.call_results(&signature, call, clean, clobbered_by_throws());
        self.defined = Some((defs, clobbers));
        self.take_results(after);
    }

    pub(super) fn exception(&mut self, data: &InstData) {
        let pending = || Addr::of(Amode::ctx(offset::EXCEPTION));
        match data.op {
            Op::ExceptionPending => self.read_result(data, Type::Ref, pending()),
            Op::ExceptionPend => {
                let exception = self.reg(data.args[0]);
                self.test_reg(exception);
                self.emit(Inst::TrapIf(Cc::E, TrapCode::NullException), &[]);
                let store = Inst::Store { store: Store::B8, am: Amode::ctx(offset::EXCEPTION), imm: None };
                self.emit(store, &[Operand::reg_use(exception)]);
            }
            Op::ExceptionTag => {
                let exception = self.reg(data.args[0]);
                self.read_result(data, Type::Ref, Addr::behind(exception, offset::EXCEPTION_TAG));
            }
            Op::ExceptionGet(ty, number) => {
                let cell = self.exception_cell(data.args[0], number);
                self.read_result(data, ty, cell);
            }
            Op::ExceptionSet(ty, number) => {
                let exception = data.args[0];
                self.write(data.args[1], super::memory::stored(ty), |lower| lower.exception_cell(exception, number));
            }
            Op::Tag(tag) => {
                let addr = Addr::of(Amode::ctx(self.env.layout.tag(tag.0)));
                self.read_result(data, Type::Ref, addr);
            }
            op => unreachable!("{op:?} is no operation on exceptions"),
        }
    }

    fn exception_cell(&mut self, exception: Value, number: u32) -> Addr {
        let exception = self.reg(exception);
        let values = self.load64(Addr::behind(exception, offset::EXCEPTION_VALUES));
        // A tag has at most a thousand values.
        Addr::behind(values, number as i32 * EXCEPTION_CELL_BYTES as i32)
    }

    fn read_result(&mut self, data: &InstData, ty: Type, addr: Addr) {
        let d = self.s.demand(data.results[0]);
        self.read(d, ty, addr);
    }
}
