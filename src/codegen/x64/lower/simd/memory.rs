//! Loads and stores of vectors and of lanes.

use super::super::{Addr, Operands};
use super::Lower;
use super::shuffle::insertion;
use crate::codegen::x64::inst::{Ext, Inst, Src};
use crate::codegen::x64::sse::*;
use crate::ir::func::{InstData, Value};
use crate::ir::ops::LoadKind;
use crate::ir::simd::Shape;
use regalloc2::{Operand, VReg};

impl Lower<'_> {
    /// `d = op memory`
    pub(in super::super) fn sse_load(&mut self, d: VReg, op: Sse, addr: Addr) {
        let mut operands = Operands::from_slice(&[Operand::reg_def(d)]);
        addr.push(&mut operands);
        self.emit(Inst::Sse1 { op, src: Src::Mem(addr.am) }, &operands);
    }

    /// Writes what `op` takes from a register.
    pub(in super::super) fn sse_store(&mut self, value: VReg, op: Sse, addr: Addr) {
        let mut operands = Operands::from_slice(&[Operand::reg_use(value)]);
        addr.push(&mut operands);
        self.emit(Inst::SseStore { op, am: addr.am }, &operands);
    }

    pub(in super::super) fn vector_load(&mut self, d: VReg, kind: LoadKind, addr: Addr) {
        let op = match kind {
            LoadKind::V128 => MOVUPS,
            LoadKind::V128S8x8 => PMOVSXBW,
            LoadKind::V128U8x8 => PMOVZXBW,
            LoadKind::V128S16x4 => PMOVSXWD,
            LoadKind::V128U16x4 => PMOVZXWD,
            LoadKind::V128S32x2 => PMOVSXDQ,
            LoadKind::V128U32x2 => PMOVZXDQ,
            LoadKind::V128Splat64 => MOVDDUP,
            LoadKind::V128Zero32 => MOVSS,
            LoadKind::V128Zero64 => MOVSD,
            LoadKind::V128Splat32 => {
                let lane = self.float();
                self.sse_load(lane, MOVSS, addr);
                return self.splat_reg(d, Shape::F32x4, lane);
            }
            _ => {
                let byte = kind == LoadKind::V128Splat8;
                let lane = self.int();
                self.load_ext(lane, if byte { Ext::Zero8 } else { Ext::Zero16 }, false, addr);
                return self.splat_reg(d, if byte { Shape::I8x16 } else { Shape::I16x8 }, lane);
            }
        };
        self.sse_load(d, op, addr);
    }

    pub(in super::super) fn vector_store(&mut self, index: Value, value: Value, offset: u32) {
        let value = self.reg(value);
        let addr = self.address(index, offset, 16);
        self.sse_store(value, MOVUPS_STORE, addr);
    }

    pub(in super::super) fn load_lane(&mut self, data: &InstData, shape: Shape, lane: u8, offset: u32) {
        let d = self.s.demand(data.results[0]);
        let value = self.reg(data.args[1]);
        let addr = self.address(data.args[0], offset, shape.lane_bytes());
        self.sse_to(d, insertion(shape, lane), value, &addr.rhs());
    }

    pub(in super::super) fn store_lane(&mut self, data: &InstData, shape: Shape, lane: u8, offset: u32) {
        let value = self.reg(data.args[1]);
        let addr = self.address(data.args[0], offset, shape.lane_bytes());
        let op = match (shape, lane) {
            (Shape::I8x16, _) => PEXTRB.imm(lane),
            (Shape::I16x8, _) => PEXTRW.imm(lane),
            (Shape::I32x4 | Shape::F32x4, 0) => MOVSS_STORE,
            (Shape::I32x4 | Shape::F32x4, _) => PEXTRD.imm(lane),
            (_, 0) => MOVLPS_STORE,
            (..) => MOVHPS_STORE,
        };
        self.sse_store(value, op, addr);
    }
}
