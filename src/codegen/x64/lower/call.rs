//! Calls, parameters, results.

use super::{Addr, FrameNeeds, Lower, Operands};
use crate::abi::builtins::Builtin;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::offset;
use crate::codegen::options::MemoryPolicy;
use crate::codegen::x64::abi::{INT_ARGS, Place, Signature};
use crate::codegen::x64::inst::{Amode, Callee, Calling, Cc, Inst, Store, Tail};
use crate::codegen::x64::regs::{R11, RAX, clobbered_by_calls};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::Op;
use crate::ir::types::Type;
use crate::wasm::{FuncIndex, TableIndex, TypeIndex};
use regalloc2::{Operand, PReg, PRegSet, VReg};

/// A result to be taken: how, where to, where from.
type Unfinished = (Inst, VReg, Option<VReg>);

impl Lower<'_> {
    /// Defines the function's parameters that somebody uses.
    pub(super) fn parameters(&mut self, params: &[Value]) {
        let signature = Signature::new(&self.s.func.ty);
        let mut operands = Operands::new();
        for (&param, &(place, _)) in params.iter().zip(&signature.params) {
            if self.s.is_demanded(param) {
                let reg = self.s.demand(param);
                match place {
                    Place::Int(gpr) => operands.push(Operand::reg_fixed_def(reg, gpr.preg())),
                    Place::Float(xmm) => operands.push(Operand::reg_fixed_def(reg, xmm.preg())),
                    Place::Stack(_) => {}
                }
            }
        }
        self.emit(Inst::Args, &operands);
        for (&param, &(place, ty)) in params.iter().zip(&signature.params) {
            if let Place::Stack(slot) = place
                && self.s.is_demanded(param)
            {
                let reg = self.s.demand(param);
                self.emit(Inst::StackParam(slot, ty), &[Operand::reg_def(reg)]);
            }
        }
    }

    pub(super) fn return_values(&mut self, values: &[Value]) {
        let signature = Signature::new(&self.s.func.ty);
        let mut operands = Operands::new();
        for (&value, &(place, ty)) in values.iter().zip(&signature.results) {
            let reg = self.reg(value);
            match place {
                Place::Int(gpr) => operands.push(Operand::reg_fixed_use(reg, gpr.preg())),
                Place::Float(xmm) => operands.push(Operand::reg_fixed_use(reg, xmm.preg())),
                Place::Stack(slot) => self.emit(Inst::ReturnSlot(slot, ty), &[Operand::reg_use(reg)]),
            }
        }
        self.emit(Inst::Return, &operands);
    }

    /// Whether calls tell the callees that leave the pinned registers as they are from others: those of the same instance, which are most of
    /// those that are called indirectly, and those of the host, which are most of those that are imported. In the kernel all calls go through
    /// a slot, and memory may move.
    pub(super) fn knows_steady(&self) -> bool {
        let options = self.env.options;
        !self.env.module.foreign_tail_calls && !options.thunks && options.memory == MemoryPolicy::Guard
    }

    /// Emits a call. `clean`: I32 results are known to be zero-extended.
    fn emit_call(&mut self, callee: Callee, signature: &Signature, data: &InstData, extra: &[Operand], clean: bool) {
        let uses = self.arguments(signature, &data.args, extra);
        let foreign = matches!(callee, Callee::Import(_) | Callee::Indirect) || self.env.module.foreign_tail_calls;
        self.frame.keeps_ctx |= foreign;
        let narrow = |&(place, ty): &(Place, Type)| match place {
            Place::Int(gpr) if ty == Type::I32 => 1 << gpr.0,
            _ => 0,
        };
        let steady_first = (matches!(callee, Callee::Import(_) | Callee::Indirect) && self.knows_steady())
            .then(|| signature.results.iter().map(narrow).fold(0, |set: u16, reg: u16| set | reg));
        let calling = Calling { callee, pops: signature.param_slots > 0, foreign, steady_first };
        if std::mem::take(&mut self.guarded) {
            let (mut operands, clobbers) = self.defined.take().expect("the successor was selected before");
            operands.extend(uses);
            return self.s.emit(Inst::GuardedCall(calling), &operands, clobbers);
        }
        let (mut operands, clobbers, after) = self.call_results(signature, data, clean, clobbered_by_calls());
        operands.extend(uses);
        self.s.emit(Inst::Call(calling), &operands, clobbers);
        self.take_results(after);
    }

    /// Puts stack arguments where they belong; gives the uses of the others behind `extra`.
    fn arguments(&mut self, signature: &Signature, args: &[Value], extra: &[Operand]) -> Operands {
        let needs = self.frame;
        self.frame = FrameNeeds { outgoing: needs.outgoing.max(signature.slots), calls: true, ..needs };
        let mut uses = Operands::from_slice(extra);
        for (&arg, &(place, ty)) in args.iter().zip(&signature.params) {
            let reg = self.reg(arg);
            match place {
                Place::Int(gpr) => uses.push(Operand::reg_fixed_use(reg, gpr.preg())),
                Place::Float(xmm) => uses.push(Operand::reg_fixed_use(reg, xmm.preg())),
                Place::Stack(slot) => self.emit(Inst::StackArg(slot, ty), &[Operand::reg_use(reg)]),
            }
        }
        uses
    }

    pub(super) fn tail_call(&mut self, op: Op, args: &[Value]) {
        let module = self.env.module;
        let (callee, signature, extra) = match op {
            Op::Call(func) if module.is_imported(func) => {
                let callee = Callee::Import(self.env.layout.func_ref(func.0));
                (callee, Signature::new(module.func_type(func)), None)
            }
            Op::Call(func) => (Callee::Direct(func), Signature::new(module.func_type(func)), None),
            Op::CallIndirect(table, ty) => {
                let callee = self.indirect_callee(*args.last().expect("there is an index"), table, ty);
                let extra = Operand::reg_fixed_use(callee, R11.preg());
                (Callee::Indirect, Signature::new(&module.types[ty.index()]), Some(extra))
            }
            op => unreachable!("{op:?} is no call"),
        };
        self.frame.keeps_ctx |= !matches!(callee, Callee::Direct(_));
        let uses = self.arguments(&signature, args, extra.as_slice());
        let tail = Tail { callee, params: signature.param_slots, results: signature.slots - signature.param_slots };
        self.emit(Inst::TailCall(tail), &uses);
    }

    /// What an indirect call calls, once its type has been compared.
    fn indirect_callee(&mut self, index: Value, table: TableIndex, ty: TypeIndex) -> VReg {
        let entry = self.entry_of(table, index, TrapCode::UndefinedElement);
        let callee = self.load64(entry);
        // Where faults are traps, reading the type's id of null is one.
        let faults = !self.env.options.thunks;
        if !faults {
            self.test_reg(callee);
            self.emit(Inst::TrapIf(Cc::E, TrapCode::UninitializedElement), &[]);
        }
        let ids = self.load64(Addr::of(Amode::ctx(offset::TYPE_IDS)));
        let expected = self.load32(Addr::behind(ids, 4 * ty.0 as i32));
        if faults {
            self.emit(Inst::CmpTypeId, &[Operand::reg_use(expected), Operand::reg_use(callee)]);
        } else {
            let found = Addr::behind(callee, offset::FUNC_TYPE_ID).rhs();
            self.emit_flags(Inst::Cmp { width: Store::B4, test: false, src: found.src }, expected, &found);
        }
        self.emit(Inst::TrapIf(Cc::Ne, TrapCode::IndirectCallTypeMismatch), &[]);
        callee
    }

    /// Definitions of a call, what it clobbers besides them, and what must be done to the results behind it.
    pub(super) fn call_results(
        &mut self,
        signature: &Signature,
        data: &InstData,
        clean: bool,
        mut clobbers: PRegSet,
    ) -> (Operands, PRegSet, Vec<Unfinished>) {
        let mut operands = Operands::new();
        let mut after: Vec<Unfinished> = Vec::new();
        for (&result, &(place, ty)) in data.results.iter().zip(&signature.results) {
            if !self.s.is_demanded(result) {
                continue;
            }
            let wanted = self.s.demand(result);
            let mut fixed = |lower: &mut Self, preg: PReg| {
                clobbers.remove(preg);
                let mut reg = wanted;
                if !clean && ty == Type::I32 {
                    reg = lower.int();
                    after.push((Inst::Mov(false), wanted, Some(reg)));
                }
                operands.push(Operand::reg_fixed_def(reg, preg));
            };
            match place {
                Place::Int(gpr) => fixed(self, gpr.preg()),
                Place::Float(xmm) => fixed(self, xmm.preg()),
                Place::Stack(slot) => after.push((Inst::StackResult(slot, ty), wanted, None)),
            }
        }
        (operands, clobbers, after)
    }

    /// Takes the results that a call leaves elsewhere, or that must be cleared above.
    pub(super) fn take_results(&mut self, after: Vec<Unfinished>) {
        for (inst, d, s) in after {
            let mut operands = Operands::from_slice(&[Operand::reg_def(d)]);
            operands.extend(s.map(Operand::any_use));
            self.emit(inst, &operands);
        }
    }

    pub(super) fn call(&mut self, data: &InstData, func: FuncIndex) {
        let signature = Signature::new(self.env.module.func_type(func));
        if self.env.module.is_imported(func) {
            self.frame.keeps_ctx = true;
            let callee = Callee::Import(self.env.layout.func_ref(func.0));
            self.emit_call(callee, &signature, data, &[], self.knows_steady());
        } else {
            let clean = !self.env.module.foreign_tail_calls;
            self.emit_call(Callee::Direct(func), &signature, data, &[], clean);
        }
    }

    pub(super) fn call_indirect(&mut self, data: &InstData, table: TableIndex, ty: TypeIndex) {
        self.frame.keeps_ctx = true;
        let index = *data.args.last().expect("an indirect call has an index");
        let callee = self.indirect_callee(index, table, ty);
        let signature = Signature::new(&self.env.module.types[ty.index()]);
        let extra = [Operand::reg_fixed_use(callee, R11.preg())];
        self.emit_call(Callee::Indirect, &signature, data, &extra, self.knows_steady());
    }

    /// Operations that the runtime performs.
    pub(super) fn builtin(&mut self, data: &InstData) {
        let (builtin, indices): (Builtin, &[u32]) = match data.op {
            Op::MemoryGrow(memory) => (Builtin::memory_grow, &[memory.0]),
            Op::MemoryFill(memory) => (Builtin::memory_fill, &[memory.0]),
            Op::MemoryCopy(to, from) => (Builtin::memory_copy, &[to.0, from.0]),
            Op::MemoryInit(memory, segment) => (Builtin::memory_init, &[memory.0, segment.0]),
            Op::DataDrop(segment) => (Builtin::data_drop, &[segment.0]),
            Op::TableGrow(table) => (Builtin::table_grow, &[table.0]),
            Op::TableFill(table) => (Builtin::table_fill, &[table.0]),
            Op::TableCopy(to, from) => (Builtin::table_copy, &[to.0, from.0]),
            Op::TableInit(table, segment) => (Builtin::table_init, &[table.0, segment.0]),
            Op::ElemDrop(segment) => (Builtin::elem_drop, &[segment.0]),
            Op::ExceptionNew(tag) => (Builtin::exception_new, &[tag.0]),
            Op::Throw => (Builtin::throw, &[]),
            op => unreachable!("{op:?} is no builtin"),
        };
        self.frame.calls = true;
        let mut uses = Operands::new();
        for &index in indices {
            let reg = self.constant_int(index as u64);
            uses.push(Operand::reg_fixed_use(reg, INT_ARGS[uses.len()].preg()));
        }
        for &arg in &data.args {
            let reg = self.reg(arg);
            uses.push(Operand::reg_fixed_use(reg, INT_ARGS[uses.len()].preg()));
        }
        debug_assert_eq!(uses.len(), builtin.args().len());
        let mut clobbers = clobbered_by_calls();
        let mut operands = Operands::new();
        let result = data.results.first().copied().filter(|&result| self.s.is_demanded(result));
        let raw = self.int();
        if result.is_some() {
            clobbers.remove(RAX.preg());
            operands.push(Operand::reg_fixed_def(raw, RAX.preg()));
        }
        operands.extend(uses);
        let calling = Calling { callee: Callee::Builtin(builtin), pops: false, foreign: false, steady_first: None };
        self.s.emit(Inst::Call(calling), &operands, clobbers);
        if let Some(result) = result {
            // An I32 is the low half of an I64, which the convention leaves open above.
            let d = self.s.demand(result);
            self.emit(Inst::Mov(self.ty(result).is_64()), &[Operand::reg_def(d), Operand::any_use(raw)]);
        }
    }
}
