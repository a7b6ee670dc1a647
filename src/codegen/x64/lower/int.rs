//! Integer arithmetic.

use super::{Lower, Rhs, early_def, wide};
use crate::codegen::x64::inst::{Alu, Amode, Base, Bits, Ext, Inst, Shift, Src};
use crate::codegen::x64::regs::RCX;
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{BinaryKind, Op, UnaryKind};
use regalloc2::{Operand, VReg};

/// Terms of a sum that one `lea` computes.
#[derive(Default)]
struct Sum {
    base: Option<Value>,
    index: Option<(Value, u8)>,
    disp: i32,
}

impl Lower<'_> {
    pub(super) fn int_unary(&mut self, data: &InstData, kind: UnaryKind) {
        let d = self.s.demand(data.results[0]);
        let a = data.args[0];
        let wide = wide(self.ty(a));
        let features = self.env.options.features;
        match kind {
            UnaryKind::Extend8 => self.extend(d, Ext::Sign8, wide, a),
            UnaryKind::Extend16 => self.extend(d, Ext::Sign16, wide, a),
            UnaryKind::Extend32 => self.extend(d, Ext::Sign32, wide, a),
            UnaryKind::Clz if features.lzcnt => self.count(d, Bits::Lzcnt, wide, a),
            UnaryKind::Ctz if features.bmi1 => self.count(d, Bits::Tzcnt, wide, a),
            UnaryKind::Popcnt if features.popcnt => self.count(d, Bits::Popcnt, wide, a),
            UnaryKind::Clz => self.count_slowly(d, Inst::ClzSlow(wide), a),
            UnaryKind::Ctz => self.count_slowly(d, Inst::CtzSlow(wide), a),
            UnaryKind::Popcnt => self.popcnt_slowly(d, wide, a),
            _ => unreachable!("{kind:?} of an integer"),
        }
    }

    fn extend(&mut self, d: VReg, ext: Ext, wide: bool, a: Value) {
        let rhs = Rhs::reg(self.low(a));
        self.emit_unary(Inst::Ext { ext, wide, src: Src::Reg }, d, &rhs);
    }

    fn count(&mut self, d: VReg, op: Bits, wide: bool, a: Value) {
        let rhs = match self.memory_operand(a, true) {
            Some(addr) => addr.rhs(),
            None => Rhs::reg(self.low(a)),
        };
        self.emit_unary(Inst::Bits { op, wide, src: rhs.src }, d, &rhs);
    }

    fn count_slowly(&mut self, d: VReg, inst: Inst, a: Value) {
        let (a, t) = (self.low(a), self.int());
        self.emit(inst, &[early_def(d), early_def(t), Operand::reg_use(a)]);
    }

    /// Adds neighbouring groups of bits, then sums the bytes by a multiplication.
    fn popcnt_slowly(&mut self, d: VReg, wide: bool, a: Value) {
        let repeat = |byte: u64| if wide { byte * 0x0101_0101_0101_0101 } else { byte * 0x0101_0101 };
        let a = self.low(a);
        let halves = self.masked_shift(a, wide, 1, repeat(0x55));
        let pairs = self.alu(Alu::Sub, wide, a, halves);
        let high = self.masked_shift(pairs, wide, 2, repeat(0x33));
        let low = self.masked_shift(pairs, wide, 0, repeat(0x33));
        let nibbles = self.alu(Alu::Add, wide, high, low);
        let high = self.masked_shift(nibbles, wide, 4, u64::MAX);
        let sum = self.alu(Alu::Add, wide, nibbles, high);
        let bytes = self.masked_shift(sum, wide, 0, repeat(0x0f));
        let ones = self.constant_int(repeat(0x01));
        let product = self.int();
        self.emit_binary(Inst::Mul { wide, src: Src::Reg }, product, bytes, &Rhs::reg(ones));
        self.shift_imm(d, Shift::Shr, wide, product, if wide { 56 } else { 24 });
    }

    /// `(a >> count) & mask`
    fn masked_shift(&mut self, a: VReg, wide: bool, count: u8, mask: u64) -> VReg {
        let shifted = if count == 0 {
            a
        } else {
            let shifted = self.int();
            self.shift_imm(shifted, Shift::Shr, wide, a, count);
            shifted
        };
        if mask == u64::MAX {
            return shifted;
        }
        let mask = self.constant_int(mask);
        self.alu(Alu::And, wide, shifted, mask)
    }

    pub(super) fn constant_int(&mut self, bits: u64) -> VReg {
        self.constant(crate::ir::types::Type::I64, bits)
    }

    pub(super) fn alu(&mut self, op: Alu, wide: bool, a: VReg, b: VReg) -> VReg {
        let d = self.int();
        self.emit_binary(Inst::Alu { op, wide, src: Src::Reg }, d, a, &Rhs::reg(b));
        d
    }

    pub(super) fn shift_imm(&mut self, d: VReg, op: Shift, wide: bool, a: VReg, count: u8) {
        let inst = Inst::Shift { op, wide, count: Some(count) };
        self.emit(inst, &[Operand::reg_reuse_def(d, 1), Operand::reg_use(a)]);
    }

    pub(super) fn int_binary(&mut self, data: &InstData, kind: BinaryKind) {
        let d = self.s.demand(data.results[0]);
        let (a, b) = (data.args[0], data.args[1]);
        let wide = wide(self.ty(data.results[0]));
        match kind {
            BinaryKind::Add => self.add(d, a, b, wide),
            BinaryKind::Sub => self.sub(d, a, b, wide),
            BinaryKind::Mul => self.mul(d, a, b, wide),
            BinaryKind::And => self.and(d, a, b, wide),
            BinaryKind::Or => self.commutative(Alu::Or, d, a, b, wide),
            BinaryKind::Xor if self.imm(b) == Some(-1) => {
                let a = self.low(a);
                self.emit(Inst::Not(wide), &[Operand::reg_reuse_def(d, 1), Operand::reg_use(a)]);
            }
            BinaryKind::Xor => self.commutative(Alu::Xor, d, a, b, wide),
            BinaryKind::Shl => self.shift(Shift::Shl, d, a, b, wide),
            BinaryKind::ShrS => self.shift(Shift::Sar, d, a, b, wide),
            BinaryKind::ShrU => self.shift(Shift::Shr, d, a, b, wide),
            BinaryKind::Rotl => self.shift(Shift::Rol, d, a, b, wide),
            BinaryKind::Rotr => self.shift(Shift::Ror, d, a, b, wide),
            BinaryKind::DivS | BinaryKind::DivU | BinaryKind::RemS | BinaryKind::RemU => {
                self.divide(d, a, b, wide, kind);
            }
            _ => unreachable!("{kind:?} of integers"),
        }
    }

    /// Constants and reads of memory go to the right.
    fn sorted(&self, a: Value, b: Value) -> (Value, Value) {
        let swap = self.imm(b).is_none()
            && (self.s.constant(a).is_some() || (self.is_memory_operand(a) && !self.is_memory_operand(b)));
        if swap { (b, a) } else { (a, b) }
    }

    fn commutative(&mut self, op: Alu, d: VReg, a: Value, b: Value, wide: bool) {
        let (a, b) = self.sorted(a, b);
        let rhs = self.rhs(b, true);
        let a = self.low(a);
        self.emit_binary(Inst::Alu { op, wide, src: rhs.src }, d, a, &rhs);
    }

    fn and(&mut self, d: VReg, a: Value, b: Value, wide: bool) {
        let (a, b) = self.sorted(a, b);
        let ext = match self.s.constant(b) {
            Some(0xff) => Some(Ext::Zero8),
            Some(0xffff) => Some(Ext::Zero16),
            Some(0xffff_ffff) if wide => Some(Ext::Zero32),
            _ => None,
        };
        if let Some(ext) = ext {
            return self.extend(d, ext, false, a);
        }
        // A mask without upper half needs no more than a 32-bit operation.
        if let Some(mask) = self.s.constant(b).filter(|&mask| wide && mask >> 32 == 0) {
            let a = self.low(a);
            let src = Src::Imm(mask as i32);
            return self.emit_binary(Inst::Alu { op: Alu::And, wide: false, src }, d, a, &Rhs::imm(mask as i32));
        }
        self.commutative(Alu::And, d, a, b, wide);
    }

    /// The operands of a binary operation that is only used here.
    fn nested(&self, value: Value, kind: BinaryKind) -> Option<(Value, Value)> {
        let (_, data) = self.s.def(value)?;
        match data.op {
            Op::Binary(_, found) if found == kind && self.s.is_single_use(value) => Some((data.args[0], data.args[1])),
            _ => None,
        }
    }

    /// A value as an index with its shift.
    fn scaled(&self, value: Value) -> (Value, u8) {
        if let Some((x, count)) = self.nested(value, BinaryKind::Shl)
            && let Some(count @ 1..=3) = self.imm(count)
        {
            return (x, count as u8);
        }
        (value, 0)
    }

    /// Splits a constant off a sum.
    fn split_constant(&self, value: Value) -> (Value, i32) {
        match self.nested(value, BinaryKind::Add) {
            Some((x, c)) => match (self.imm(c), self.imm(x)) {
                (Some(imm), None) => (x, imm),
                (None, Some(imm)) => (c, imm),
                _ => (value, 0),
            },
            None => (value, 0),
        }
    }

    fn sum(&self, a: Value, b: Value) -> Sum {
        let mut sum = Sum::default();
        if let Some(disp) = self.imm(b) {
            sum.disp = disp;
            match self.nested(a, BinaryKind::Add) {
                Some((x, y)) if self.imm(y).is_none() && self.imm(x).is_none() => {
                    (sum.base, sum.index) = self.terms(x, y);
                }
                _ => match self.scaled(a) {
                    (x, 0) => sum.base = Some(x),
                    (x, shift) => sum.index = Some((x, shift)),
                },
            }
            return sum;
        }
        let (a, disp) = self.split_constant(a);
        let (b, other) = if disp == 0 { self.split_constant(b) } else { (b, 0) };
        sum.disp = disp | other;
        (sum.base, sum.index) = self.terms(a, b);
        sum
    }

    /// Two terms as base and index.
    fn terms(&self, a: Value, b: Value) -> (Option<Value>, Option<(Value, u8)>) {
        match (self.scaled(a), self.scaled(b)) {
            ((_, 0), scaled) => (Some(a), Some(scaled)),
            (scaled, _) => (Some(b), Some(scaled)),
        }
    }

    fn add(&mut self, d: VReg, a: Value, b: Value, wide: bool) {
        let (a, b) = self.sorted(a, b);
        if self.s.constant(b).is_some_and(|_| self.imm(b).is_none()) || self.is_memory_operand(b) {
            return self.commutative(Alu::Add, d, a, b, wide);
        }
        let sum = self.sum(a, b);
        let base = sum.base.map(|base| self.low(base));
        let index = sum.index.map(|(index, _)| self.low(index));
        let am = Amode {
            base: if base.is_some() { Base::Reg } else { Base::Zero },
            index: sum.index.map(|(_, shift)| shift),
            disp: sum.disp,
        };
        let regs: smallvec::SmallVec<[VReg; 2]> = base.into_iter().chain(index).collect();
        self.lea(d, wide, am, &regs);
    }

    fn sub(&mut self, d: VReg, a: Value, b: Value, wide: bool) {
        if self.s.constant(a) == Some(0) {
            let b = self.low(b);
            return self.emit(Inst::Neg(wide), &[Operand::reg_reuse_def(d, 1), Operand::reg_use(b)]);
        }
        if let Some(negated) = self.imm(b).and_then(i32::checked_neg) {
            let a = self.low(a);
            return self.lea(d, wide, Amode::reg(negated), &[a]);
        }
        let rhs = self.rhs(b, true);
        let a = self.low(a);
        self.emit_binary(Inst::Alu { op: Alu::Sub, wide, src: rhs.src }, d, a, &rhs);
    }

    fn mul(&mut self, d: VReg, a: Value, b: Value, wide: bool) {
        let (a, b) = self.sorted(a, b);
        if let Some(factor) = self.s.constant(b) {
            let factor = if wide { factor } else { factor as u32 as u64 };
            if factor.is_power_of_two() {
                let a = self.low(a);
                return self.shift_imm(d, Shift::Shl, wide, a, factor.trailing_zeros() as u8);
            }
            if let 3 | 5 | 9 = factor {
                let a = self.low(a);
                let am = Amode { base: Base::Reg, index: Some((factor - 1).trailing_zeros() as u8), disp: 0 };
                return self.lea(d, wide, am, &[a, a]);
            }
        }
        if let Some(imm) = self.imm(b) {
            let rhs = self.rhs_without_imm(a);
            return self.emit_unary(Inst::MulImm { wide, src: rhs.src, imm }, d, &rhs);
        }
        let rhs = self.rhs(b, true);
        let a = self.low(a);
        self.emit_binary(Inst::Mul { wide, src: rhs.src }, d, a, &rhs);
    }

    /// As [`Lower::rhs`], for instructions whose source is not an immediate.
    pub(super) fn rhs_without_imm(&mut self, value: Value) -> Rhs {
        match self.memory_operand(value, true) {
            Some(addr) => addr.rhs(),
            None => Rhs::reg(self.low(value)),
        }
    }

    /// A shift count without masking that the machine does anyway.
    fn count_value(&self, count: Value, wide: bool) -> Value {
        let needed = if wide { 63 } else { 31 };
        match self.s.def(count).map(|(_, data)| (data.op, data)) {
            Some((Op::Binary(_, BinaryKind::And), data)) => match self.s.constant(data.args[1]) {
                Some(mask) if mask & needed == needed => data.args[0],
                _ => count,
            },
            _ => count,
        }
    }

    fn shift(&mut self, op: Shift, d: VReg, a: Value, count: Value, wide: bool) {
        let bmi2 = self.env.options.features.bmi2;
        if let Some(count) = self.s.constant(count) {
            let count = count as u8 & if wide { 63 } else { 31 };
            if bmi2 && matches!(op, Shift::Rol | Shift::Ror) {
                let bits = if wide { 64 } else { 32 };
                let count = if op == Shift::Rol { (bits - count) % bits } else { count };
                let rhs = self.rhs_without_imm(a);
                return self.emit_unary(Inst::RorX { wide, src: rhs.src, count }, d, &rhs);
            }
            let a = self.low(a);
            return self.shift_imm(d, op, wide, a, count);
        }
        let count = self.count_value(count, wide);
        let count = self.low(count);
        if bmi2 && !matches!(op, Shift::Rol | Shift::Ror) {
            let rhs = self.rhs_without_imm(a);
            let mut operands = super::Operands::from_slice(&[Operand::reg_def(d), Operand::reg_use(count)]);
            rhs.push(&mut operands);
            return self.emit(Inst::ShiftX { op, wide, src: rhs.src }, &operands);
        }
        let a = self.low(a);
        let operands = [Operand::reg_reuse_def(d, 1), Operand::reg_use(a), Operand::reg_fixed_use(count, RCX.preg())];
        self.emit(Inst::Shift { op, wide, count: None }, &operands);
    }
}
