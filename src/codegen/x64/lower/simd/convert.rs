//! Conversions between vectors of floats and of integers.

use super::{Lower, Rhs, lanes32, lanes64};
use crate::codegen::x64::sse::*;
use crate::ir::simd::VectorOp;
use regalloc2::VReg;

impl Lower<'_> {
    pub(super) fn vector_convert(&mut self, d: VReg, op: VectorOp, a: VReg) -> bool {
        use VectorOp::*;
        match op {
            I32x4TruncSatF32x4S => self.trunc_f32_s(d, a),
            I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => self.trunc_f32_u(d, a),
            I32x4TruncSatF64x2SZero => {
                // NaNs become zero; what is too large becomes the largest; what is too small, the machine makes the smallest.
                let ordered = self.sse(CMPPD.imm(0), a, a);
                let bound = self.sse_const(ANDPD, ordered, lanes64(2_147_483_647.0f64.to_bits()));
                let bounded = self.sse(MINPD, a, bound);
                self.sse_unary_to(d, CVTTPD2DQ, bounded);
            }
            I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => {
                let zero = self.zero_vector();
                let positive = self.sse(MAXPD, a, zero);
                let bounded = self.sse_const(MINPD, positive, lanes64(4_294_967_295.0f64.to_bits()));
                let whole = self.sse_unary(ROUNDPD.imm(11), bounded);
                // Added to 2^52, the number stands in the low bits of the mantissa.
                let shifted = self.sse_const(ADDPD, whole, lanes64(4_503_599_627_370_496.0f64.to_bits()));
                self.sse_to(d, SHUFPS.imm(0x88), shifted, &Rhs::reg(zero));
            }
            F32x4ConvertI32x4U => self.convert_u32(d, a),
            F64x2ConvertLowI32x4U => {
                // The number becomes the low half of a double whose high half says 2^52.
                let joined = self.sse_const(UNPCKLPS, a, lanes32(0x4330_0000));
                let offset = self.pool_rhs(lanes64(4_503_599_627_370_496.0f64.to_bits()));
                self.sse_to(d, SUBPD, joined, &offset);
            }
            _ => return false,
        }
        true
    }

    /// The machine gives the smallest integer for what does not fit: turned round where the number was positive.
    fn trunc_f32_s(&mut self, d: VReg, a: VReg) {
        let ordered = self.sse(CMPPS.imm(0), a, a);
        let number = self.sse(ANDPS, a, ordered);
        let positive = self.sse(PXOR, ordered, number);
        let converted = self.sse_unary(CVTTPS2DQ, number);
        let wrong = self.sse(PAND, positive, converted);
        let wrong = self.sse_shift(SHIFT_D, 4, wrong, 31);
        self.sse_to(d, PXOR, converted, &Rhs::reg(wrong));
    }

    /// The sum of two signed conversions: of the number, and of what it has above 2^31.
    fn trunc_f32_u(&mut self, d: VReg, a: VReg) {
        let zero = self.zero_vector();
        let positive = self.sse(MAXPS, a, zero);
        let limit = self.vector_constant(lanes32(2_147_483_648.0f32.to_bits()));
        let above = self.sse(SUBPS, positive, limit);
        let too_large = self.sse(CMPPS.imm(2), limit, above);
        let rest = self.sse_unary(CVTTPS2DQ, above);
        let rest = self.sse(PXOR, rest, too_large);
        let rest = self.sse(PMAXSD, rest, zero);
        let low = self.sse_unary(CVTTPS2DQ, positive);
        self.sse_to(d, PADDD, low, &Rhs::reg(rest));
    }

    /// Both halves are exact: only their sum rounds.
    fn convert_u32(&mut self, d: VReg, a: VReg) {
        let low = self.sse_const(PAND, a, lanes32(0xffff));
        let high = self.sse(PSUBD, a, low);
        let high = self.sse_shift(SHIFT_D, 2, high, 1);
        let (low, high) = (self.sse_unary(CVTDQ2PS, low), self.sse_unary(CVTDQ2PS, high));
        let high = self.sse(ADDPS, high, high);
        self.sse_to(d, ADDPS, high, &Rhs::reg(low));
    }
}
