//! Emission of vector instructions: VEX forms if the CPU has AVX, so that no instruction asks for aligned memory.

use super::{Allocs, Emitter};
use crate::codegen::x64::encode::Rm;
use crate::codegen::x64::inst::Inst;
use crate::codegen::x64::sse::Sse;
use dynasmrt::DynasmApi;

impl Emitter<'_> {
    pub(super) fn simd(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::Sse2 { op, src } => {
                let (d, a) = (allocs.xmm(), allocs.xmm());
                let src = self.src(src, allocs);
                self.sse(op, d.0, a.0, src);
            }
            Inst::Sse1 { op, src } => {
                // The destination may be any register, the source, too.
                let d = allocs.xmm();
                let src = self.src(src, allocs);
                self.sse(op, d.0, 0, src);
            }
            Inst::SseShift { op, digit } => {
                let (d, a) = (allocs.xmm(), allocs.xmm());
                // The VEX form names the destination in its additional field.
                if self.options.features.avx {
                    self.sse(op, digit, d.0, Rm::Reg(a.0));
                } else {
                    self.sse(op, digit, 0, Rm::Reg(d.0));
                }
            }
            Inst::SseFlags(op) | Inst::SseToInt(op) => {
                let first = allocs.rm_reg();
                let second = allocs.rm();
                self.sse(op, first, 0, second);
            }
            Inst::SseExtract(op) => {
                let (d, s) = (allocs.gpr(), allocs.xmm());
                self.sse(op, s.0, 0, Rm::Reg(d.0));
            }
            Inst::SseStore { op, am } => {
                let value = allocs.xmm();
                let mem = self.mem(am, allocs);
                self.sse(op, value.0, 0, Rm::Mem(mem));
            }
            _ => unreachable!("{inst:?} is no vector instruction"),
        }
    }

    fn sse(&mut self, op: Sse, reg: u8, second: u8, rm: Rm) {
        if self.options.features.avx {
            self.buf.vex(op.opcode(), reg, second, rm);
        } else {
            self.buf.op(op.opcode(), reg, rm);
        }
        if let Some(imm) = op.imm {
            self.buf.push(imm);
        }
    }
}
