//! Conversions between types.

use super::{Lower, Rhs, early_def, wide};
use crate::codegen::x64::inst::{Ext, FloatUnary, Inst, Src};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{ConvertKind, LoadKind, Op};
use regalloc2::{Operand, VReg};

impl Lower<'_> {
    pub(super) fn convert(&mut self, data: &InstData, kind: ConvertKind) {
        use ConvertKind::*;
        let d = self.s.demand(data.results[0]);
        let a = data.args[0];
        let (from, to) = (wide(kind.from()), wide(kind.to()));
        match kind {
            WrapI64 => {
                let rhs = self.rhs_without_imm(a);
                match rhs.src {
                    // The low half of memory.
                    Src::Mem(_) => self.emit_unary(Inst::Ext { ext: Ext::Zero32, wide: false, src: rhs.src }, d, &rhs),
                    _ => self.emit_unary(Inst::Mov(false), d, &rhs),
                }
            }
            ExtendI32S => self.extend_i32_s(d, a),
            ExtendI32U => unreachable!("uses take the operand's register"),
            ConvertI32SF32 | ConvertI64SF32 | ConvertI32SF64 | ConvertI64SF64 => self.int_to_float(d, a, from, to),
            // The upper half is clear: the value is a positive 64-bit integer.
            ConvertI32UF32 | ConvertI32UF64 => {
                let a = self.reg(a);
                self.emit_unary(Inst::IntToFloat { int_wide: true, wide: to, src: Src::Reg }, d, &Rhs::reg(a));
            }
            ConvertI64UF32 | ConvertI64UF64 => {
                let (a, t, u) = (self.reg(a), self.int(), self.int());
                self.emit(Inst::U64ToFloat(to), &[early_def(d), early_def(t), early_def(u), Operand::reg_use(a)]);
            }
            DemoteF64 | PromoteF32 => {
                let rhs = self.float_rhs(a, true);
                self.emit_unary(Inst::FloatUnary { op: FloatUnary::Convert, wide: from, src: rhs.src }, d, &rhs);
            }
            ReinterpretF32 | ReinterpretF64 => {
                let a = self.reg(a);
                self.emit(Inst::ToInt(to), &[Operand::reg_def(d), Operand::reg_use(a)]);
            }
            ReinterpretI32 | ReinterpretI64 => {
                let a = self.low(a);
                self.emit(Inst::ToFloat(to), &[Operand::reg_def(d), Operand::reg_use(a)]);
            }
            _ => {
                let signed = matches!(
                    kind,
                    TruncF32SI32
                        | TruncF64SI32
                        | TruncF32SI64
                        | TruncF64SI64
                        | SatF32SI32
                        | SatF64SI32
                        | SatF32SI64
                        | SatF64SI64
                );
                let inst = Inst::FloatToInt { wide: from, int_wide: to, signed, saturate: !kind.traps() };
                let (a, t, u) = (self.reg(a), self.float(), self.int());
                self.emit(inst, &[early_def(d), early_def(t), early_def(u), Operand::reg_use(a)]);
            }
        }
    }

    fn extend_i32_s(&mut self, d: VReg, a: Value) {
        // A narrow read extends to 64 bits as well.
        if let Some((inst, data)) = self.s.sinkable(a)
            && let Op::Load(kind @ (LoadKind::I32S8 | LoadKind::I32S16 | LoadKind::I32), offset) = data.op
        {
            self.s.sink(inst);
            let addr = self.address(data.args[0], offset, kind.bytes());
            let ext = match kind {
                LoadKind::I32S8 => Ext::Sign8,
                LoadKind::I32S16 => Ext::Sign16,
                _ => Ext::Sign32,
            };
            return self.load_ext(d, ext, true, addr);
        }
        let rhs = Rhs::reg(self.low(a));
        self.emit_unary(Inst::Ext { ext: Ext::Sign32, wide: true, src: Src::Reg }, d, &rhs);
    }

    fn int_to_float(&mut self, d: VReg, a: Value, int_wide: bool, wide: bool) {
        let rhs = self.rhs_without_imm(a);
        self.emit_unary(Inst::IntToFloat { int_wide, wide, src: rhs.src }, d, &rhs);
    }
}
