//! Permutations, lanes and splats.

use super::{Lower, Rhs};
use crate::codegen::x64::inst::{Ext, Inst, Src};
use crate::codegen::x64::sse::*;
use crate::ir::func::{InstData, Value};
use crate::ir::simd::{Shape, VectorOp};
use regalloc2::{Operand, VReg};

/// What interleaving gives, by element size in bytes: low halves, then high halves.
const INTERLEAVES: [(u8, Sse, Sse); 4] =
    [(1, PUNPCKLBW, PUNPCKHBW), (2, PUNPCKLWD, PUNPCKHWD), (4, PUNPCKLDQ, PUNPCKHDQ), (8, PUNPCKLQDQ, PUNPCKHQDQ)];

/// The selector of a permutation of 32-bit lanes, if it is one; lanes count from 0 to 7.
fn words(lanes: &[u8; 16]) -> Option<[u8; 4]> {
    let mut words = [0; 4];
    for (n, word) in words.iter_mut().enumerate() {
        let first = lanes[4 * n];
        let whole = first.is_multiple_of(4) && (1..4).all(|at| lanes[4 * n + at as usize] == first + at);
        *word = if whole { first / 4 } else { return None };
    }
    Some(words)
}

/// The two-bit fields of `pshufd` and `shufps`.
fn fields(words: [u8; 4]) -> u8 {
    words.iter().rev().fold(0, |imm, word| imm << 2 | word & 3)
}

/// The byte number by which both vectors, one behind the other, are shifted.
fn alignment(lanes: &[u8; 16]) -> Option<u8> {
    let first = lanes[0];
    (first < 16 && lanes.iter().enumerate().all(|(n, lane)| *lane == first + n as u8)).then_some(first)
}

/// The instruction that interleaves the vectors so, if one does.
fn interleave(lanes: &[u8; 16]) -> Option<Sse> {
    INTERLEAVES.iter().find_map(|&(bytes, low, high)| {
        let is = |base: u8| {
            lanes.iter().enumerate().all(|(n, lane)| {
                let (element, at) = (n as u8 / bytes, n as u8 % bytes);
                *lane == base + element / 2 * bytes + at + 16 * (element % 2)
            })
        };
        if is(0) {
            Some(low)
        } else if is(8) {
            Some(high)
        } else {
            None
        }
    })
}

/// The mask of `pblendw`, if every lane stays where it is.
fn blend(lanes: &[u8; 16]) -> Option<u8> {
    let mut mask = 0;
    for n in 0..8 {
        let (a, b) = (lanes[2 * n], lanes[2 * n + 1]);
        let stays = usize::from(a % 16) == 2 * n && b == a + 1;
        mask |= u8::from(a >= 16) << n;
        if !stays {
            return None;
        }
    }
    Some(mask)
}

impl Lower<'_> {
    pub(in super::super) fn vector_shuffle(&mut self, data: &InstData, lanes: [u8; 16]) {
        let d = self.s.demand(data.results[0]);
        let (a, b) = (self.s.func.resolve(data.args[0]), self.s.func.resolve(data.args[1]));
        if a == b || lanes.iter().all(|lane| *lane < 16) {
            return self.permute(d, a, lanes.map(|lane| lane % 16));
        }
        if lanes.iter().all(|lane| *lane >= 16) {
            return self.permute(d, b, lanes.map(|lane| lane - 16));
        }
        let (a, b) = (self.reg(a), self.reg(b));
        if let Some(op) = interleave(&lanes) {
            return self.sse_to(d, op, a, &Rhs::reg(b));
        }
        let exchanged = lanes.map(|lane| lane ^ 16);
        if let Some(op) = interleave(&exchanged) {
            return self.sse_to(d, op, b, &Rhs::reg(a));
        }
        if let Some(mask) = blend(&lanes) {
            return self.sse_to(d, PBLENDW.imm(mask), a, &Rhs::reg(b));
        }
        if let Some(count) = alignment(&lanes) {
            return self.sse_to(d, PALIGNR.imm(count), b, &Rhs::reg(a));
        }
        if let Some(count) = alignment(&exchanged) {
            return self.sse_to(d, PALIGNR.imm(count), a, &Rhs::reg(b));
        }
        match words(&lanes) {
            Some(words @ [0..4, 0..4, 4..8, 4..8]) => {
                self.sse_to(d, SHUFPS.imm(fields(words)), a, &Rhs::reg(b));
            }
            Some(words @ [4..8, 4..8, 0..4, 0..4]) => {
                self.sse_to(d, SHUFPS.imm(fields(words)), b, &Rhs::reg(a));
            }
            _ => {
                // An index with the top bit gives zero.
                let first = self.sse_const(PSHUFB, a, lanes.map(|lane| if lane < 16 { lane } else { 0x80 }));
                let second = self.sse_const(PSHUFB, b, lanes.map(|lane| if lane < 16 { 0x80 } else { lane - 16 }));
                self.sse_to(d, POR, first, &Rhs::reg(second));
            }
        }
    }

    /// A shuffle of one vector.
    fn permute(&mut self, d: VReg, a: Value, lanes: [u8; 16]) {
        let a = self.reg(a);
        match words(&lanes) {
            Some(words) => self.sse_unary_to(d, PSHUFD.imm(fields(words)), a),
            None => {
                let mask = self.pool_rhs(lanes);
                self.sse_to(d, PSHUFB, a, &mask);
            }
        }
    }

    pub(super) fn splat(&mut self, d: VReg, op: VectorOp, a: Value) -> bool {
        let shape = match op {
            VectorOp::I8x16Splat => Shape::I8x16,
            VectorOp::I16x8Splat => Shape::I16x8,
            VectorOp::I32x4Splat => Shape::I32x4,
            VectorOp::I64x2Splat => Shape::I64x2,
            VectorOp::F32x4Splat => Shape::F32x4,
            VectorOp::F64x2Splat => Shape::F64x2,
            _ => return false,
        };
        let a = self.low(a);
        self.splat_reg(d, shape, a);
        true
    }

    /// Puts a lane's value into all lanes.
    pub(super) fn splat_reg(&mut self, d: VReg, shape: Shape, a: VReg) {
        match shape {
            Shape::I8x16 => {
                let lane = self.sse_unary(MOVD, a);
                let zero = self.zero_vector();
                self.sse_to(d, PSHUFB, lane, &Rhs::reg(zero));
            }
            Shape::I16x8 => {
                let lane = self.sse_unary(MOVD, a);
                let low = self.sse_unary(PSHUFLW.imm(0), lane);
                self.sse_unary_to(d, PSHUFD.imm(0), low);
            }
            Shape::I32x4 => {
                let lane = self.sse_unary(MOVD, a);
                self.sse_unary_to(d, PSHUFD.imm(0), lane);
            }
            Shape::I64x2 => {
                let lane = self.sse_unary(MOVQ, a);
                self.sse_unary_to(d, PSHUFD.imm(0x44), lane);
            }
            Shape::F32x4 => self.sse_unary_to(d, PSHUFD.imm(0), a),
            Shape::F64x2 => self.sse_unary_to(d, MOVDDUP, a),
        }
    }

    pub(in super::super) fn extract_lane(&mut self, data: &InstData, shape: Shape, signed: bool, lane: u8) {
        let d = self.s.demand(data.results[0]);
        let a = self.reg(data.args[0]);
        let op = match shape {
            Shape::I8x16 => PEXTRB.imm(lane),
            Shape::I16x8 => PEXTRW.imm(lane),
            Shape::I32x4 if lane == 0 => MOVD_OUT,
            Shape::I32x4 => PEXTRD.imm(lane),
            Shape::I64x2 if lane == 0 => MOVQ_OUT,
            Shape::I64x2 => PEXTRQ.imm(lane),
            Shape::F32x4 | Shape::F64x2 if lane == 0 => {
                return self.emit(Inst::FloatMov, &[Operand::reg_def(d), Operand::reg_use(a)]);
            }
            Shape::F32x4 => return self.sse_unary_to(d, PSHUFD.imm(lane), a),
            Shape::F64x2 => return self.sse_unary_to(d, PSHUFD.imm(0xee), a),
        };
        let extract = |d| [Operand::reg_def(d), Operand::reg_use(a)];
        if !signed {
            return self.emit(Inst::SseExtract(op), &extract(d));
        }
        let raw = self.int();
        self.emit(Inst::SseExtract(op), &extract(raw));
        let ext = if shape == Shape::I8x16 { Ext::Sign8 } else { Ext::Sign16 };
        self.emit(Inst::Ext { ext, wide: false, src: Src::Reg }, &[Operand::reg_def(d), Operand::reg_use(raw)]);
    }

    pub(in super::super) fn replace_lane(&mut self, data: &InstData, shape: Shape, lane: u8) {
        let d = self.s.demand(data.results[0]);
        let a = self.reg(data.args[0]);
        let value = self.low(data.args[1]);
        let op = match shape {
            Shape::F32x4 => INSERTPS.imm(lane << 4),
            Shape::F64x2 if lane == 0 => MOVSD,
            Shape::F64x2 => MOVLHPS,
            _ => insertion(shape, lane),
        };
        self.sse_to(d, op, a, &Rhs::reg(value));
    }
}

/// The instruction that puts an integer into a lane.
pub(super) fn insertion(shape: Shape, lane: u8) -> Sse {
    match shape {
        Shape::I8x16 => PINSRB.imm(lane),
        Shape::I16x8 => PINSRW.imm(lane),
        Shape::I32x4 | Shape::F32x4 => PINSRD.imm(lane),
        Shape::I64x2 | Shape::F64x2 => PINSRQ.imm(lane),
    }
}
