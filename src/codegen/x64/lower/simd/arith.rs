//! Integer and float arithmetic that takes several instructions.

use super::{Lower, Rhs, lanes32, lanes64};
use crate::codegen::x64::inst::{Alu, Inst, Src};
use crate::codegen::x64::sse::*;
use crate::ir::func::InstData;
use crate::ir::simd::VectorOp;
use regalloc2::VReg;

/// How many bits each byte's value below 16 has.
const NIBBLE_COUNTS: [u8; 16] = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

/// Which way a shift goes.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Left,
    Logical,
    Arithmetic,
}

impl Way {
    /// The digit of the form with an immediate.
    fn digit(self) -> u8 {
        match self {
            Way::Left => 6,
            Way::Logical => 2,
            Way::Arithmetic => 4,
        }
    }
}

impl Lower<'_> {
    pub(super) fn vector_shift(&mut self, d: VReg, op: VectorOp, data: &InstData) -> bool {
        use VectorOp::*;
        let (way, bits) = match op {
            I8x16Shl => (Way::Left, 8),
            I8x16ShrS => (Way::Arithmetic, 8),
            I8x16ShrU => (Way::Logical, 8),
            I16x8Shl => (Way::Left, 16),
            I16x8ShrS => (Way::Arithmetic, 16),
            I16x8ShrU => (Way::Logical, 16),
            I32x4Shl => (Way::Left, 32),
            I32x4ShrS => (Way::Arithmetic, 32),
            I32x4ShrU => (Way::Logical, 32),
            I64x2Shl => (Way::Left, 64),
            I64x2ShrS => (Way::Arithmetic, 64),
            I64x2ShrU => (Way::Logical, 64),
            _ => return false,
        };
        match self.s.constant(data.args[1]) {
            Some(count) => {
                let a = self.reg(data.args[0]);
                self.shift_by(d, way, bits, a, (count % u64::from(bits)) as u8);
            }
            None => {
                let a = self.reg(data.args[0]);
                let count = self.low(data.args[1]);
                self.shift_by_register(d, way, bits, a, count);
            }
        }
        true
    }

    fn shift_by(&mut self, d: VReg, way: Way, bits: u32, a: VReg, count: u8) {
        match (bits, way) {
            (8, Way::Arithmetic) => {
                // Each byte in the upper half of a word, so that the sign is right.
                let (low, high) = (self.sse(PUNPCKLBW, a, a), self.sse(PUNPCKHBW, a, a));
                let low = self.sse_shift(SHIFT_W, way.digit(), low, count + 8);
                let high = self.sse_shift(SHIFT_W, way.digit(), high, count + 8);
                self.sse_to(d, PACKSSWB, low, &Rhs::reg(high));
            }
            (8, _) => {
                let shifted = self.sse_shift(SHIFT_W, way.digit(), a, count);
                let mask = if way == Way::Left { 0xff << count } else { 0xff >> count };
                let mask = self.pool_rhs([mask; 16]);
                self.sse_to(d, PAND, shifted, &mask);
            }
            (64, Way::Arithmetic) => {
                let shifted = self.sse_shift(SHIFT_Q, 2, a, count);
                let sign = lanes64((1 << 63) >> count);
                let flipped = self.sse_const(PXOR, shifted, sign);
                let sign = self.pool_rhs(sign);
                self.sse_to(d, PSUBQ, flipped, &sign);
            }
            (16, _) => self.sse_shift_to(d, SHIFT_W, way.digit(), a, count),
            (32, _) => self.sse_shift_to(d, SHIFT_D, way.digit(), a, count),
            _ => self.sse_shift_to(d, SHIFT_Q, way.digit(), a, count),
        }
    }

    fn shift_by_register(&mut self, d: VReg, way: Way, bits: u32, a: VReg, count: VReg) {
        let masked = self.int();
        let mask = bits as i32 - 1;
        let and = Inst::Alu { op: Alu::And, wide: false, src: Src::Imm(mask) };
        self.emit_binary(and, masked, count, &Rhs::imm(mask));
        let count = self.sse_unary(MOVD, masked);
        let op = match (bits, way) {
            (8, _) => return self.shift_bytes(d, way, a, count),
            (64, Way::Arithmetic) => {
                let sign = self.vector_constant(lanes64(1 << 63));
                let sign = self.sse(PSRLQ, sign, count);
                let shifted = self.sse(PSRLQ, a, count);
                let flipped = self.sse(PXOR, shifted, sign);
                return self.sse_to(d, PSUBQ, flipped, &Rhs::reg(sign));
            }
            (16, Way::Left) => PSLLW,
            (16, Way::Logical) => PSRLW,
            (16, Way::Arithmetic) => PSRAW,
            (32, Way::Left) => PSLLD,
            (32, Way::Logical) => PSRLD,
            (32, Way::Arithmetic) => PSRAD,
            (_, Way::Left) => PSLLQ,
            (..) => PSRLQ,
        };
        self.sse_to(d, op, a, &Rhs::reg(count));
    }

    fn shift_bytes(&mut self, d: VReg, way: Way, a: VReg, count: VReg) {
        if way == Way::Arithmetic {
            let (low, high) = (self.sse(PUNPCKLBW, a, a), self.sse(PUNPCKHBW, a, a));
            let (low, high) = (self.sse_shift(SHIFT_W, 4, low, 8), self.sse_shift(SHIFT_W, 4, high, 8));
            let (low, high) = (self.sse(PSRAW, low, count), self.sse(PSRAW, high, count));
            return self.sse_to(d, PACKSSWB, low, &Rhs::reg(high));
        }
        let op = if way == Way::Left { PSLLW } else { PSRLW };
        let shifted = self.sse(op, a, count);
        // The low byte of each shifted 00ff tells which bits stayed in their byte.
        let ones = self.vector_constant(lanes32(0x00ff_00ff));
        let mask = self.sse(op, ones, count);
        let zero = self.zero_vector();
        let mask = self.sse(PSHUFB, mask, zero);
        self.sse_to(d, PAND, shifted, &Rhs::reg(mask));
    }

    pub(super) fn vector_arithmetic(&mut self, d: VReg, op: VectorOp, args: &[VReg]) -> bool {
        use VectorOp::*;
        let a = args[0];
        match op {
            V128Not => self.complement(d, a),
            V128Bitselect
            | I8x16RelaxedLaneselect
            | I16x8RelaxedLaneselect
            | I32x4RelaxedLaneselect
            | I64x2RelaxedLaneselect => {
                let (b, c) = (args[1], args[2]);
                let (chosen, other) = (self.sse(PAND, a, c), self.sse(PANDN, c, b));
                self.sse_to(d, POR, chosen, &Rhs::reg(other));
            }
            I8x16Popcnt => self.popcnt_bytes(d, a),
            I8x16Swizzle => {
                // Saturation sets the top bit of indices of 16 and more.
                let index = self.sse_const(PADDUSB, args[1], [0x70; 16]);
                self.sse_to(d, PSHUFB, a, &Rhs::reg(index));
            }
            I64x2Abs => {
                let zero = self.zero_vector();
                let sign = self.sse(PCMPGTQ, zero, a);
                let flipped = self.sse(PXOR, a, sign);
                self.sse_to(d, PSUBQ, flipped, &Rhs::reg(sign));
            }
            I16x8ExtAddPairwiseI8x16S => {
                let ones = self.vector_constant([1; 16]);
                self.sse_to(d, PMADDUBSW, ones, &Rhs::reg(a));
            }
            I16x8ExtAddPairwiseI8x16U => {
                let ones = self.pool_rhs([1; 16]);
                self.sse_to(d, PMADDUBSW, a, &ones);
            }
            I32x4ExtAddPairwiseI16x8S => {
                let ones = self.pool_rhs(lanes32(0x0001_0001));
                self.sse_to(d, PMADDWD, a, &ones);
            }
            I32x4ExtAddPairwiseI16x8U => {
                // As signed numbers each is 2^15 less.
                let signed = self.sse_const(PXOR, a, lanes32(0x8000_8000));
                let sums = self.sse_const(PMADDWD, signed, lanes32(0x0001_0001));
                let offset = self.pool_rhs(lanes32(0x0001_0000));
                self.sse_to(d, PADDD, sums, &offset);
            }
            _ => return false,
        }
        true
    }

    fn popcnt_bytes(&mut self, d: VReg, a: VReg) {
        let low = self.sse_const(PAND, a, [15; 16]);
        let high = self.sse_shift(SHIFT_W, 2, a, 4);
        let high = self.sse_const(PAND, high, [15; 16]);
        let table = self.vector_constant(NIBBLE_COUNTS);
        let (low, high) = (self.sse(PSHUFB, table, low), self.sse(PSHUFB, table, high));
        self.sse_to(d, PADDB, low, &Rhs::reg(high));
    }

    pub(super) fn vector_multiply(&mut self, d: VReg, op: VectorOp, args: &[VReg]) -> bool {
        use VectorOp::*;
        let (a, b) = (args[0], args.get(1).copied().unwrap_or(args[0]));
        match op {
            I16x8ExtMulLowI8x16S => self.multiply_extended(d, PMOVSXBW, false, a, b),
            I16x8ExtMulHighI8x16S => self.multiply_extended(d, PMOVSXBW, true, a, b),
            I16x8ExtMulLowI8x16U => self.multiply_extended(d, PMOVZXBW, false, a, b),
            I16x8ExtMulHighI8x16U => self.multiply_extended(d, PMOVZXBW, true, a, b),
            I32x4ExtMulLowI16x8S => self.multiply_halves(d, PMULHW, PUNPCKLWD, a, b),
            I32x4ExtMulHighI16x8S => self.multiply_halves(d, PMULHW, PUNPCKHWD, a, b),
            I32x4ExtMulLowI16x8U => self.multiply_halves(d, PMULHUW, PUNPCKLWD, a, b),
            I32x4ExtMulHighI16x8U => self.multiply_halves(d, PMULHUW, PUNPCKHWD, a, b),
            I64x2ExtMulLowI32x4S => self.multiply_spread(d, PMULDQ, 0x50, a, b),
            I64x2ExtMulHighI32x4S => self.multiply_spread(d, PMULDQ, 0xfa, a, b),
            I64x2ExtMulLowI32x4U => self.multiply_spread(d, PMULUDQ, 0x50, a, b),
            I64x2ExtMulHighI32x4U => self.multiply_spread(d, PMULUDQ, 0xfa, a, b),
            I64x2Mul => self.multiply_64(d, a, b),
            I16x8Q15MulrSatS => {
                // Only -1 times -1 is out of range, and gives the smallest number instead of the largest.
                let product = self.sse(PMULHRSW, a, b);
                let wrong = self.sse_const(PCMPEQW, product, lanes32(0x8000_8000));
                self.sse_to(d, PXOR, product, &Rhs::reg(wrong));
            }
            I32x4RelaxedDotI8x16I7x16AddS => {
                let pairs = self.sse(PMADDUBSW, b, a);
                let sums = self.sse_const(PMADDWD, pairs, lanes32(0x0001_0001));
                self.sse_to(d, PADDD, sums, &Rhs::reg(args[2]));
            }
            _ => return false,
        }
        true
    }

    fn multiply_extended(&mut self, d: VReg, extend: Sse, high: bool, a: VReg, b: VReg) {
        let half = |lower: &mut Self, v| {
            let v = if high { lower.sse_unary(PSHUFD.imm(0xee), v) } else { v };
            lower.sse_unary(extend, v)
        };
        let (a, b) = (half(self, a), half(self, b));
        self.sse_to(d, PMULLW, a, &Rhs::reg(b));
    }

    /// Lower and upper halves of the products, interleaved.
    fn multiply_halves(&mut self, d: VReg, upper: Sse, interleave: Sse, a: VReg, b: VReg) {
        let (low, high) = (self.sse(PMULLW, a, b), self.sse(upper, a, b));
        self.sse_to(d, interleave, low, &Rhs::reg(high));
    }

    fn multiply_spread(&mut self, d: VReg, multiply: Sse, lanes: u8, a: VReg, b: VReg) {
        let (a, b) = (self.sse_unary(PSHUFD.imm(lanes), a), self.sse_unary(PSHUFD.imm(lanes), b));
        self.sse_to(d, multiply, a, &Rhs::reg(b));
    }

    fn multiply_64(&mut self, d: VReg, a: VReg, b: VReg) {
        let (a_high, b_high) = (self.sse_shift(SHIFT_Q, 2, a, 32), self.sse_shift(SHIFT_Q, 2, b, 32));
        let (left, right) = (self.sse(PMULUDQ, a_high, b), self.sse(PMULUDQ, b_high, a));
        let middle = self.sse(PADDQ, left, right);
        let middle = self.sse_shift(SHIFT_Q, 6, middle, 32);
        let low = self.sse(PMULUDQ, a, b);
        self.sse_to(d, PADDQ, low, &Rhs::reg(middle));
    }

    pub(super) fn vector_float(&mut self, d: VReg, op: VectorOp, args: &[VReg]) -> bool {
        use VectorOp::*;
        let (a, b) = (args[0], args.get(1).copied().unwrap_or(args[0]));
        let magnitude64 = lanes64(!(1 << 63));
        let (and, constant) = match op {
            F32x4Abs => (ANDPS, lanes32(0x7fff_ffff)),
            F64x2Abs => (ANDPD, magnitude64),
            F32x4Neg => (XORPS, lanes32(1 << 31)),
            F64x2Neg => (XORPD, lanes64(1 << 63)),
            F32x4Min => return self.vector_min(d, [MINPS, ORPS, CMPPS, ANDNPS], (SHIFT_D, 10), a, b),
            F64x2Min => return self.vector_min(d, [MINPD, ORPD, CMPPD, ANDNPD], (SHIFT_Q, 13), a, b),
            F32x4Max => return self.vector_max(d, [MAXPS, XORPS, ORPS, SUBPS, CMPPS, ANDNPS], (SHIFT_D, 10), a, b),
            F64x2Max => return self.vector_max(d, [MAXPD, XORPD, ORPD, SUBPD, CMPPD, ANDNPD], (SHIFT_Q, 13), a, b),
            F32x4RelaxedMadd => return self.multiply_then(d, MULPS, ADDPS, args, false),
            F32x4RelaxedNmadd => return self.multiply_then(d, MULPS, SUBPS, args, true),
            F64x2RelaxedMadd => return self.multiply_then(d, MULPD, ADDPD, args, false),
            F64x2RelaxedNmadd => return self.multiply_then(d, MULPD, SUBPD, args, true),
            _ => return false,
        };
        let constant = self.pool_rhs(constant);
        self.sse_to(d, and, a, &constant);
        true
    }

    fn multiply_then(&mut self, d: VReg, multiply: Sse, then: Sse, args: &[VReg], negate: bool) -> bool {
        let product = self.sse(multiply, args[0], args[1]);
        let (left, right) = if negate { (args[2], product) } else { (product, args[2]) };
        self.sse_to(d, then, left, &Rhs::reg(right));
        true
    }

    /// Both orders joined have the union of zeros' signs and of NaNs' bits; a NaN's payload is then cleared.
    fn vector_min(&mut self, d: VReg, ops: [Sse; 4], clear: (Sse, u8), a: VReg, b: VReg) -> bool {
        let [min, or, compare, and_not] = ops;
        let (first, second) = (self.sse(min, a, b), self.sse(min, b, a));
        let joined = self.sse(or, first, second);
        let nan = self.sse(compare.imm(3), joined, joined);
        let joined = self.sse(or, joined, nan);
        let payload = self.sse_shift(clear.0, 2, nan, clear.1);
        self.sse_to(d, and_not, payload, &Rhs::reg(joined));
        true
    }

    /// Where both orders differ are zeros of both signs or a NaN: joined and with the difference subtracted they
    /// become positive zeros and quiet NaNs, whose payload is cleared.
    fn vector_max(&mut self, d: VReg, ops: [Sse; 6], clear: (Sse, u8), a: VReg, b: VReg) -> bool {
        let [max, xor, or, sub, compare, and_not] = ops;
        let (first, second) = (self.sse(max, a, b), self.sse(max, b, a));
        let difference = self.sse(xor, first, second);
        let joined = self.sse(or, first, difference);
        let result = self.sse(sub, joined, difference);
        let nan = self.sse(compare.imm(3), result, result);
        let payload = self.sse_shift(clear.0, 2, nan, clear.1);
        self.sse_to(d, and_not, payload, &Rhs::reg(result));
        true
    }
}
