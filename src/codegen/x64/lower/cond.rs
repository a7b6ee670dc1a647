//! Comparisons, and what uses their flags.

use super::{Lower, Operands, Rhs, early_def, wide};
use crate::codegen::x64::inst::{Cc, Cond, Inst, Src, Store};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{BinaryKind, CompareKind, LoadKind, Op};
use crate::ir::types::Type;
use regalloc2::Operand;

/// Comparisons of comparisons with zero that are looked through: a chain of them must not make selection recurse deeply
/// or take quadratic time.
const NESTED_CONDITIONS: u32 = 4;

/// The condition code of an integer comparison.
fn int_cc(kind: CompareKind) -> Cc {
    match kind {
        CompareKind::Eq => Cc::E,
        CompareKind::Ne => Cc::Ne,
        CompareKind::LtS => Cc::L,
        CompareKind::LtU => Cc::B,
        CompareKind::GtS => Cc::G,
        CompareKind::GtU => Cc::A,
        CompareKind::LeS => Cc::Le,
        CompareKind::LeU => Cc::Be,
        CompareKind::GeS => Cc::Ge,
        CompareKind::GeU => Cc::Ae,
        _ => unreachable!("{kind:?} of integers"),
    }
}

/// The comparison with its operands exchanged.
fn swapped(kind: CompareKind) -> CompareKind {
    match kind {
        CompareKind::LtS => CompareKind::GtS,
        CompareKind::LtU => CompareKind::GtU,
        CompareKind::GtS => CompareKind::LtS,
        CompareKind::GtU => CompareKind::LtU,
        CompareKind::LeS => CompareKind::GeS,
        CompareKind::LeU => CompareKind::GeU,
        CompareKind::GeS => CompareKind::LeS,
        CompareKind::GeU => CompareKind::LeU,
        other => other,
    }
}

/// The width of an integer comparison.
fn width(ty: Type) -> Store {
    if wide(ty) { Store::B8 } else { Store::B4 }
}

impl Lower<'_> {
    /// Sets the flags so that the condition says whether `value` is not zero. `fold`: reads of memory may be moved here.
    pub(super) fn cond(&mut self, value: Value, fold: bool) -> Cond {
        let fold = fold && self.s.is_single_use(value);
        if let Some((_, data)) = self.s.def(value) {
            match data.op {
                Op::Vector(_) if self.s.is_single_use(value) => {
                    if let Some(cc) = self.vector_condition(data) {
                        return Cond::Cc(cc);
                    }
                }
                Op::Compare(ty, kind) if ty.is_float() => return self.float_compare(data, ty, kind, fold),
                Op::Compare(ty, kind) => return self.int_compare(data, ty, kind, fold),
                Op::Binary(Type::I32, BinaryKind::And) if self.s.is_single_use(value) => {
                    return self.test(data, Type::I32, fold);
                }
                _ => {}
            }
        }
        self.compare_zero(value, fold);
        Cond::Cc(Cc::Ne)
    }

    /// Compares a value with zero.
    fn compare_zero(&mut self, value: Value, fold: bool) {
        let ty = self.ty(value);
        if self.compare_memory(value, 0, CompareKind::Eq, fold) {
            return;
        }
        let reg = self.low(value);
        let inst = Inst::Cmp { width: width(ty), test: true, src: Src::Reg };
        self.emit(inst, &[Operand::reg_use(reg), Operand::reg_use(reg)]);
    }

    /// Compares memory with an immediate, if the value is a read that may move here.
    fn compare_memory(&mut self, value: Value, imm: i32, kind: CompareKind, fold: bool) -> bool {
        if fold && let Some((inst, data)) = self.s.sinkable(value) {
            let signed = matches!(kind, CompareKind::LtS | CompareKind::GtS | CompareKind::LeS | CompareKind::GeS);
            if let Op::Load(LoadKind::I32U8 | LoadKind::I64U8, offset) = data.op
                && (0..=255).contains(&imm)
                && !signed
            {
                self.s.sink(inst);
                let addr = self.address(data.args[0], offset, 1);
                let mut operands = Operands::new();
                addr.push(&mut operands);
                let imm = Some(imm as u8 as i8 as i32);
                self.emit(Inst::CmpMem { width: Store::B1, am: addr.am, imm }, &operands);
                return true;
            }
        }
        let ty = self.ty(value);
        let Some(addr) = self.memory_operand(value, fold) else { return false };
        let mut operands = Operands::new();
        addr.push(&mut operands);
        self.emit(Inst::CmpMem { width: width(ty), am: addr.am, imm: Some(imm) }, &operands);
        true
    }

    /// Tests the bits of an `and`.
    fn test(&mut self, data: &InstData, ty: Type, fold: bool) -> Cond {
        let (mut a, mut b) = (data.args[0], data.args[1]);
        if self.imm(a).is_some() {
            (a, b) = (b, a);
        }
        let rhs = self.rhs(b, fold);
        let a = self.low(a);
        self.emit_flags(Inst::Cmp { width: width(ty), test: true, src: rhs.src }, a, &rhs);
        Cond::Cc(Cc::Ne)
    }

    fn int_compare(&mut self, data: &InstData, ty: Type, mut kind: CompareKind, fold: bool) -> Cond {
        let (mut a, mut b) = (data.args[0], data.args[1]);
        if self.imm(b).is_none()
            && (self.s.constant(a).is_some() || (fold && self.is_memory_operand(a) && !self.is_memory_operand(b)))
        {
            (a, b, kind) = (b, a, swapped(kind));
        }
        if let Some(imm) = self.imm(b) {
            return self.compare_imm(a, imm, ty, kind, fold);
        }
        let rhs = self.rhs(b, fold);
        let a = self.low(a);
        self.emit_flags(Inst::Cmp { width: width(ty), test: false, src: rhs.src }, a, &rhs);
        Cond::Cc(int_cc(kind))
    }

    fn compare_imm(&mut self, a: Value, imm: i32, ty: Type, kind: CompareKind, fold: bool) -> Cond {
        let against_zero = imm == 0 && matches!(kind, CompareKind::Eq | CompareKind::Ne);
        if against_zero && let Some((_, inner)) = self.s.def(a) {
            let inner_fold = fold && self.s.is_single_use(a);
            let cond = match inner.op {
                Op::Compare(..) if self.nested_conditions < NESTED_CONDITIONS => {
                    self.nested_conditions += 1;
                    let cond = self.cond(a, inner_fold);
                    self.nested_conditions -= 1;
                    Some(cond)
                }
                Op::Vector(_) if self.s.is_single_use(a) => self.vector_condition(inner).map(Cond::Cc),
                Op::Binary(ty, BinaryKind::And) if self.s.is_single_use(a) => Some(self.test(inner, ty, inner_fold)),
                _ => None,
            };
            if let Some(cond) = cond {
                return if kind == CompareKind::Eq { cond.invert() } else { cond };
            }
        }
        if self.compare_memory(a, imm, kind, fold) {
            return Cond::Cc(int_cc(kind));
        }
        if imm == 0 {
            self.compare_zero(a, false);
        } else {
            let a = self.low(a);
            let inst = Inst::Cmp { width: width(ty), test: false, src: Src::Imm(imm) };
            self.emit(inst, &[Operand::reg_use(a)]);
        }
        Cond::Cc(int_cc(kind))
    }

    /// Less is computed as greater of the exchanged operands: only "above" is false on NaN.
    fn float_compare(&mut self, data: &InstData, ty: Type, kind: CompareKind, fold: bool) -> Cond {
        let (mut a, mut b) = (data.args[0], data.args[1]);
        let cond = match kind {
            CompareKind::Eq => Cond::FloatEq,
            CompareKind::Ne => Cond::FloatNe,
            CompareKind::Gt | CompareKind::Lt => Cond::Cc(Cc::A),
            CompareKind::Ge | CompareKind::Le => Cond::Cc(Cc::Ae),
            _ => unreachable!("{kind:?} of floats"),
        };
        if matches!(kind, CompareKind::Lt | CompareKind::Le) {
            (a, b) = (b, a);
        }
        let rhs = self.float_rhs(b, fold);
        let a = self.reg(a);
        self.emit_flags(Inst::FloatCmp { wide: wide(ty), src: rhs.src }, a, &rhs);
        cond
    }

    /// A comparison whose result is wanted as a number.
    pub(super) fn compare_value(&mut self, data: &InstData, ty: Type, kind: CompareKind) {
        let d = self.s.demand(data.results[0]);
        if ty.is_float() && matches!(kind, CompareKind::Eq | CompareKind::Ne) {
            let (a, b) = (self.reg(data.args[0]), self.reg(data.args[1]));
            let t = self.float();
            let inst = Inst::FloatSetEq { wide: wide(ty), ne: kind == CompareKind::Ne };
            return self.emit(inst, &[Operand::reg_def(d), early_def(t), Operand::reg_use(a), Operand::reg_use(b)]);
        }
        let cond = if ty.is_float() {
            self.float_compare(data, ty, kind, true)
        } else {
            self.int_compare(data, ty, kind, true)
        };
        match cond {
            Cond::Cc(cc) => self.emit(Inst::Set(cc), &[Operand::reg_def(d)]),
            // A comparison of a float comparison with zero.
            Cond::FloatEq | Cond::FloatNe => {
                let (when_equal, when_not) = if cond == Cond::FloatEq { (1, 0) } else { (0, 1) };
                let (f, t) = (self.int(), self.int());
                self.emit_before_flags(Inst::Imm(when_equal), f);
                self.emit_before_flags(Inst::Imm(when_not), t);
                let operands = [Operand::reg_reuse_def(d, 1), Operand::reg_use(f), Operand::any_use(t)];
                self.emit(Inst::CMov { cond: Cond::FloatNe, wide: false }, &operands);
            }
        }
    }

    /// Puts a constant in a register before the instruction that was emitted last.
    fn emit_before_flags(&mut self, inst: Inst, d: regalloc2::VReg) {
        self.emit(inst, &[Operand::reg_def(d)]);
        self.s.swap_last();
    }

    pub(super) fn select(&mut self, data: &InstData) {
        let d = self.s.demand(data.results[0]);
        let ty = self.ty(data.results[0]);
        // Registers first: putting a constant in one changes the flags.
        let (mut t, mut f) = (self.reg(data.args[0]), self.reg(data.args[1]));
        let mut cond = self.cond(data.args[2], true);
        if cond == Cond::FloatEq {
            (t, f, cond) = (f, t, Cond::FloatNe);
        }
        if ty.is_float() {
            let operands = [Operand::reg_reuse_def(d, 1), Operand::reg_use(f), Operand::reg_use(t)];
            return self.emit(Inst::FloatSelect(cond), &operands);
        }
        self.emit_binary(Inst::CMov { cond, wide: wide(ty) }, d, f, &Rhs::reg(t));
    }
}
