//! Vector instructions.
//!
//! - `table`: what is one machine instruction;
//! - `arith`: sequences for the other operations;
//! - `convert`: between floats and integers;
//! - `shuffle`: permutations, lanes, splats;
//! - `memory`: loads and stores.
//!
//! With AVX, a whole vector in memory or in a spill slot may be the right operand of an instruction; without, it would have to be
//! aligned, so that only constants of the pool (which are) are. Instructions that read less than a vector from memory fold nothing:
//! the access that the guest asked for must be checked whole.

mod arith;
mod convert;
mod memory;
mod shuffle;
mod table;

use super::{Addr, Lower, Operands, Rhs};
use crate::codegen::x64::inst::{Amode, Cc, Inst, Src};
use crate::codegen::x64::sse::*;
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{LoadKind, Op};
use crate::ir::simd::VectorOp;
use regalloc2::{Operand, VReg};
use table::{Form, form};

/// A vector whose 32-bit lanes are this.
fn lanes32(lane: u32) -> [u8; 16] {
    (0..4).fold(0u128, |vector, n| vector | u128::from(lane) << (32 * n)).to_le_bytes()
}

/// A vector whose 64-bit lanes are this.
fn lanes64(lane: u64) -> [u8; 16] {
    (u128::from(lane) | u128::from(lane) << 64).to_le_bytes()
}

impl Lower<'_> {
    fn has_avx(&self) -> bool {
        self.env.options.features.avx
    }

    /// `d = a op rhs`
    fn sse_to(&mut self, d: VReg, op: Sse, a: VReg, rhs: &Rhs) {
        let inst = Inst::Sse2 { op, src: rhs.src };
        let avx = self.has_avx();
        let mut operands = Operands::new();
        operands.push(if avx { Operand::reg_def(d) } else { Operand::reg_reuse_def(d, 1) });
        operands.push(Operand::reg_use(a));
        operands.extend(rhs.regs.iter().map(|&reg| Operand::reg_use(reg)));
        self.emit(inst, &operands);
    }

    /// `a op b` in a fresh register.
    fn sse(&mut self, op: Sse, a: VReg, b: VReg) -> VReg {
        let d = self.float();
        self.sse_to(d, op, a, &Rhs::reg(b));
        d
    }

    /// `a op constant` in a fresh register.
    fn sse_const(&mut self, op: Sse, a: VReg, constant: [u8; 16]) -> VReg {
        let d = self.float();
        let rhs = self.pool_rhs(constant);
        self.sse_to(d, op, a, &rhs);
        d
    }

    /// `d = op a`
    fn sse_unary_to(&mut self, d: VReg, op: Sse, a: VReg) {
        self.emit(Inst::Sse1 { op, src: Src::Reg }, &[Operand::reg_def(d), Operand::reg_use(a)]);
    }

    fn sse_unary(&mut self, op: Sse, a: VReg) -> VReg {
        let d = self.float();
        self.sse_unary_to(d, op, a);
        d
    }

    /// Shifts each lane by a constant; the digit says how.
    fn sse_shift_to(&mut self, d: VReg, op: Sse, digit: u8, a: VReg, count: u8) {
        let def = if self.has_avx() { Operand::reg_def(d) } else { Operand::reg_reuse_def(d, 1) };
        self.emit(Inst::SseShift { op: op.imm(count), digit }, &[def, Operand::reg_use(a)]);
    }

    fn sse_shift(&mut self, op: Sse, digit: u8, a: VReg, count: u8) -> VReg {
        let d = self.float();
        self.sse_shift_to(d, op, digit, a, count);
        d
    }

    fn pool_rhs(&mut self, constant: [u8; 16]) -> Rhs {
        Addr::of(Amode::pool(self.pool.number(constant))).rhs()
    }

    /// A vector constant in a register.
    pub(super) fn vector_constant(&mut self, constant: [u8; 16]) -> VReg {
        let d = self.float();
        let rhs = self.pool_rhs(constant);
        self.emit(Inst::Sse1 { op: MOVUPS, src: rhs.src }, &[Operand::reg_def(d)]);
        d
    }

    fn zero_vector(&mut self) -> VReg {
        let d = self.float();
        self.emit(Inst::FloatImm { pool: None, wide: true }, &[Operand::reg_def(d)]);
        d
    }

    /// Whether [`Lower::vector_rhs`] would give memory.
    fn is_vector_memory(&self, value: Value) -> bool {
        let constant = self.s.def(value).is_some_and(|(_, data)| matches!(data.op, Op::VectorConst(_)));
        let load = |data: &InstData| matches!(data.op, Op::Load(LoadKind::V128, _));
        constant || self.has_avx() && self.s.sinkable(value).is_some_and(|(_, data)| load(data))
    }

    /// A vector as a right operand.
    fn vector_rhs(&mut self, value: Value) -> Rhs {
        if let Some((_, InstData { op: Op::VectorConst(bytes), .. })) = self.s.def(value) {
            return self.pool_rhs(*bytes);
        }
        if self.has_avx()
            && let Some((inst, data)) = self.s.sinkable(value)
            && let Op::Load(kind @ LoadKind::V128, offset) = data.op
        {
            self.s.sink(inst);
            return self.address(data.args[0], offset, kind.bytes()).rhs();
        }
        Rhs::reg(self.reg(value))
    }

    /// `d = a op b`, with `b` from memory if possible.
    fn vector_binary(&mut self, d: VReg, op: Sse, a: Value, b: Value) {
        let rhs = self.vector_rhs(b);
        let a = self.reg(a);
        self.sse_to(d, op, a, &rhs);
    }

    pub(super) fn vector(&mut self, data: &InstData, op: VectorOp) {
        let d = self.s.demand(data.results[0]);
        let a = data.args[0];
        let b = data.args.get(1).copied().unwrap_or(a);
        match form(op) {
            Form::Commutative(op) if self.is_vector_memory(a) && !self.is_vector_memory(b) => {
                self.vector_binary(d, op, b, a);
            }
            Form::Commutative(op) | Form::Binary(op) => self.vector_binary(d, op, a, b),
            Form::Swapped(op) => self.vector_binary(d, op, b, a),
            Form::Inverted(op) => self.inverted(d, op, a, b),
            Form::SwappedInverted(op) => self.inverted(d, op, b, a),
            Form::SameAsFirst(op, compare) => {
                let (a, b) = (self.reg(a), self.reg(b));
                let least = self.sse(op, a, b);
                self.sse_to(d, compare, least, &Rhs::reg(a));
            }
            Form::NotFirst(op, compare) => {
                let (a, b) = (self.reg(a), self.reg(b));
                let least = self.sse(op, a, b);
                let same = self.sse(compare, least, a);
                self.complement(d, same);
            }
            Form::Unary(op) => {
                let a = self.reg(a);
                self.sse_unary_to(d, op, a);
            }
            Form::UnaryHigh(op) => {
                let a = self.reg(a);
                let high = self.sse_unary(PSHUFD.imm(0xee), a);
                self.sse_unary_to(d, op, high);
            }
            Form::FromZero(op) => {
                let zero = self.zero_vector();
                let rhs = self.vector_rhs(a);
                self.sse_to(d, op, zero, &rhs);
            }
            Form::Other => self.vector_other(d, op, data),
        }
    }

    fn complement(&mut self, d: VReg, a: VReg) {
        let ones = self.pool_rhs([0xff; 16]);
        self.sse_to(d, PXOR, a, &ones);
    }

    fn inverted(&mut self, d: VReg, op: Sse, a: Value, b: Value) {
        let same = self.float();
        self.vector_binary(same, op, a, b);
        self.complement(d, same);
    }

    /// Sets the flags by a vector: zero if all of its bits are.
    fn test_vector(&mut self, a: VReg) {
        self.emit(Inst::SseFlags(PTEST), &[Operand::reg_use(a), Operand::reg_use(a)]);
    }

    /// The condition of a test of a vector, if the value is one; sets the flags for it.
    pub(super) fn vector_condition(&mut self, data: &InstData) -> Option<Cc> {
        let Op::Vector(op) = data.op else { return None };
        let compare = match op {
            VectorOp::V128AnyTrue => {
                let a = self.reg(data.args[0]);
                self.test_vector(a);
                return Some(Cc::Ne);
            }
            VectorOp::I8x16AllTrue => PCMPEQB,
            VectorOp::I16x8AllTrue => PCMPEQW,
            VectorOp::I32x4AllTrue => PCMPEQD,
            VectorOp::I64x2AllTrue => PCMPEQQ,
            _ => return None,
        };
        let zero = self.zero_vector();
        let a = self.reg(data.args[0]);
        let zeros = self.sse(compare, zero, a);
        self.test_vector(zeros);
        Some(Cc::E)
    }

    fn read_signs(&mut self, d: VReg, op: Sse, a: VReg) {
        self.emit(Inst::SseToInt(op), &[Operand::reg_def(d), Operand::reg_use(a)]);
    }

    fn vector_other(&mut self, d: VReg, op: VectorOp, data: &InstData) {
        if let Some(cc) = self.vector_condition(data) {
            return self.emit(Inst::Set(cc), &[Operand::reg_def(d)]);
        }
        if self.vector_shift(d, op, data) || self.splat(d, op, data.args[0]) {
            return;
        }
        let args: Vec<VReg> = data.args.iter().map(|&arg| self.reg(arg)).collect();
        let done = self.mask_of(d, op, args[0])
            || self.vector_arithmetic(d, op, &args)
            || self.vector_multiply(d, op, &args)
            || self.vector_float(d, op, &args)
            || self.vector_convert(d, op, args[0]);
        debug_assert!(done, "{op:?} is selected");
    }

    /// The signs of the lanes.
    fn mask_of(&mut self, d: VReg, op: VectorOp, a: VReg) -> bool {
        match op {
            VectorOp::I8x16Bitmask => self.read_signs(d, PMOVMSKB, a),
            VectorOp::I16x8Bitmask => {
                let zero = self.zero_vector();
                let narrow = self.sse(PACKSSWB, a, zero);
                self.read_signs(d, PMOVMSKB, narrow);
            }
            VectorOp::I32x4Bitmask => self.read_signs(d, MOVMSKPS, a),
            VectorOp::I64x2Bitmask => self.read_signs(d, MOVMSKPD, a),
            _ => return false,
        }
        true
    }
}
