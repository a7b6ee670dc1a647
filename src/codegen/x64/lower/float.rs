//! Float arithmetic.
//!
//! Bitwise operations read 16 bytes from memory, so that they take registers and constants of the pool only.

use super::{Lower, Rhs, wide};
use crate::codegen::x64::inst::{Amode, FloatBits, FloatOp, FloatUnary, Inst};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{BinaryKind, UnaryKind};
use regalloc2::{Operand, VReg};

/// The sign bit.
fn sign(wide: bool) -> u64 {
    if wide { 1 << 63 } else { 1 << 31 }
}

/// All bits but the sign.
fn magnitude(wide: bool) -> u64 {
    if wide { !(1 << 63) } else { 0x7fff_ffff }
}

impl Lower<'_> {
    /// A float as a right operand.
    pub(super) fn float_rhs(&mut self, value: Value, fold: bool) -> Rhs {
        if let Some(bits) = self.s.constant(value).filter(|&bits| bits != 0) {
            let am = Amode::pool(self.pool.low(bits));
            return super::Addr::of(am).rhs();
        }
        match self.memory_operand(value, fold) {
            Some(addr) => addr.rhs(),
            None => Rhs::reg(self.reg(value)),
        }
    }

    pub(super) fn float_unary(&mut self, data: &InstData, kind: UnaryKind) {
        let d = self.s.demand(data.results[0]);
        let a = data.args[0];
        let wide = wide(self.ty(a));
        let op = match kind {
            UnaryKind::Abs => return self.float_mask(d, FloatBits::And, a, magnitude(wide)),
            UnaryKind::Neg => return self.float_mask(d, FloatBits::Xor, a, sign(wide)),
            UnaryKind::Sqrt => FloatUnary::Sqrt,
            // Bit 3: no inexact exception.
            UnaryKind::Nearest => FloatUnary::Round(8),
            UnaryKind::Floor => FloatUnary::Round(9),
            UnaryKind::Ceil => FloatUnary::Round(10),
            UnaryKind::Trunc => FloatUnary::Round(11),
            _ => unreachable!("{kind:?} of a float"),
        };
        let rhs = self.float_rhs(a, true);
        self.emit_unary(Inst::FloatUnary { op, wide, src: rhs.src }, d, &rhs);
    }

    fn float_mask(&mut self, d: VReg, op: FloatBits, a: Value, mask: u64) {
        let a = self.reg(a);
        let pool = Some(self.pool.low(mask));
        self.emit(Inst::FloatBits { op, pool }, &[Operand::reg_reuse_def(d, 1), Operand::reg_use(a)]);
    }

    pub(super) fn float_binary(&mut self, data: &InstData, kind: BinaryKind) {
        let d = self.s.demand(data.results[0]);
        let (mut a, mut b) = (data.args[0], data.args[1]);
        let wide = wide(self.ty(a));
        let op = match kind {
            BinaryKind::Add => FloatOp::Add,
            BinaryKind::Sub => FloatOp::Sub,
            BinaryKind::Mul => FloatOp::Mul,
            BinaryKind::Div => FloatOp::Div,
            BinaryKind::Min | BinaryKind::Max => {
                let (a, b) = (self.reg(a), self.reg(b));
                let inst = Inst::FloatMinMax { max: kind == BinaryKind::Max, wide };
                return self.emit(inst, &[Operand::reg_reuse_def(d, 1), Operand::reg_use(a), Operand::reg_use(b)]);
            }
            BinaryKind::Copysign => return self.copysign(d, a, b, wide),
            _ => unreachable!("{kind:?} of floats"),
        };
        let commutes = matches!(op, FloatOp::Add | FloatOp::Mul);
        if commutes && self.s.constant(b).is_none() && (self.s.constant(a).is_some() || self.is_memory_operand(a)) {
            (a, b) = (b, a);
        }
        let rhs = self.float_rhs(b, true);
        let a = self.reg(a);
        let inst = Inst::Float { op, wide, src: rhs.src };
        if self.env.options.features.avx {
            let mut operands = super::Operands::from_slice(&[Operand::reg_def(d), Operand::reg_use(a)]);
            rhs.push(&mut operands);
            self.emit(inst, &operands);
        } else {
            self.emit_binary(inst, d, a, &rhs);
        }
    }

    fn copysign(&mut self, d: VReg, a: Value, b: Value, wide: bool) {
        let (size, bit) = (self.float(), self.float());
        self.float_mask(size, FloatBits::And, a, magnitude(wide));
        self.float_mask(bit, FloatBits::And, b, sign(wide));
        let operands = [Operand::reg_reuse_def(d, 1), Operand::reg_use(size), Operand::reg_use(bit)];
        self.emit(Inst::FloatBits { op: FloatBits::Or, pool: None }, &operands);
    }
}
