//! Emission of float instructions.

use super::{Allocs, ColdConversion, Emitter};
use crate::abi::trap::TrapCode;
use crate::codegen::x64::encode::{Map, Mem, Opcode, Rm};
use crate::codegen::x64::inst::{Cc, Cond, FloatUnary, Inst, Src};
use crate::codegen::x64::regs::{Gpr, Xmm};
use dynasmrt::DynasmApi;

/// The prefix that tells scalar single from double.
fn scalar(wide: bool) -> u8 {
    if wide { 0xf2 } else { 0xf3 }
}

/// The prefix of comparisons.
fn packed(wide: bool) -> u8 {
    if wide { 0x66 } else { 0 }
}

/// Powers of two as floats, by their bits.
fn power_of_two(exponent: u64, wide: bool) -> u64 {
    if wide { (1023 + exponent) << 52 } else { (127 + exponent) << 23 }
}

/// The sign bit of a float.
fn sign(wide: bool) -> u64 {
    if wide { 1 << 63 } else { 1 << 31 }
}

impl Emitter<'_> {
    /// Arithmetic and comparisons.
    pub(super) fn float(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::Float { op, wide, src } => {
                let (d, a) = (allocs.xmm(), allocs.xmm());
                let src = self.src(src, allocs);
                let op = Opcode::two(op as u8).prefix(scalar(wide));
                if d == a { self.buf.op(op, d.0, src) } else { self.buf.vex(op, d.0, a.0, src) }
            }
            Inst::FloatUnary { op, wide, src } => {
                let d = allocs.xmm();
                let src = self.src(src, allocs);
                self.break_dependency(d, src);
                match op {
                    FloatUnary::Sqrt => self.buf.op(Opcode::two(0x51).prefix(scalar(wide)), d.0, src),
                    FloatUnary::Convert => self.buf.op(Opcode::two(0x5a).prefix(scalar(wide)), d.0, src),
                    FloatUnary::Round(mode) => {
                        let op = Opcode::one(0x0a | wide as u8).map(Map::ThreeA).prefix(0x66).imm(1);
                        self.buf.op(op, d.0, src);
                        self.buf.push(mode);
                    }
                }
            }
            Inst::FloatBits { op, pool } => {
                let (d, _) = (allocs.xmm(), allocs.xmm());
                let src = match pool {
                    Some(pool) => Rm::Mem(Mem::label(self.pool[pool as usize])),
                    None => Rm::Reg(allocs.xmm().0),
                };
                self.buf.op(Opcode::two(op as u8), d.0, src);
            }
            Inst::FloatMinMax { max, wide } => {
                let (d, _, b) = (allocs.xmm(), allocs.xmm(), allocs.xmm());
                self.min_max(max, wide, d, b);
            }
            Inst::FloatCmp { wide, src } => {
                let a = allocs.xmm();
                let src = self.src(src, allocs);
                self.buf.op(Opcode::two(0x2e).prefix(packed(wide)), a.0, src);
            }
            Inst::FloatSetEq { wide, ne } => {
                let (d, t, a, b) = (allocs.gpr(), allocs.xmm(), allocs.xmm(), allocs.xmm());
                self.move_float(t, a);
                self.buf.op(Opcode::two(0xc2).prefix(scalar(wide)).imm(1), t.0, Rm::Reg(b.0));
                self.buf.push(if ne { 4 } else { 0 });
                self.bits_of_float(false, d, t);
                self.buf.op(Opcode::one(0x83).imm(1), 4, Rm::Reg(d.0));
                self.buf.push(1);
            }
            Inst::FloatSelect(cond) => self.select(cond, allocs),
            _ => unreachable!("{inst:?} is no float arithmetic"),
        }
    }

    /// Moves and conversions.
    pub(super) fn float_move(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::FloatImm { pool, wide } => {
                let d = allocs.xmm();
                match pool {
                    None => self.zero(d),
                    Some(pool) => {
                        let mem = Rm::Mem(Mem::label(self.pool[pool as usize]));
                        self.buf.op(Opcode::two(0x10).prefix(scalar(wide)), d.0, mem);
                    }
                }
            }
            Inst::FloatMov => {
                let (d, s) = (allocs.xmm(), allocs.xmm());
                self.move_float(d, s);
            }
            Inst::FloatLoad { wide, am } => {
                let d = allocs.xmm();
                let mem = Rm::Mem(self.mem(am, allocs));
                self.buf.op(Opcode::two(0x10).prefix(scalar(wide)), d.0, mem);
            }
            Inst::IntToFloat { int_wide, wide, src } => {
                let d = allocs.xmm();
                let src = match src {
                    Src::Mem(am) => {
                        // The trap site is the conversion, not what stands before it.
                        self.zero(d);
                        Rm::Mem(self.mem(am, allocs))
                    }
                    _ => {
                        self.zero(d);
                        allocs.rm()
                    }
                };
                self.buf.op(Opcode::two(0x2a).prefix(scalar(wide)).wide(int_wide), d.0, src);
            }
            Inst::U64ToFloat(wide) => {
                let (d, t, u, s) = (allocs.xmm(), allocs.gpr(), allocs.gpr(), allocs.gpr());
                self.u64_to_float(wide, d, t, u, s);
            }
            Inst::ToFloat(wide) => {
                let (d, s) = (allocs.xmm(), allocs.gpr());
                self.float_from_bits(wide, d, s);
            }
            Inst::ToInt(wide) => {
                let (d, s) = (allocs.gpr(), allocs.xmm());
                self.bits_of_float(wide, d, s);
            }
            Inst::FloatToInt { .. } => self.float_to_int(inst, allocs),
            _ => unreachable!("{inst:?} moves no float"),
        }
    }

    fn zero(&mut self, d: Xmm) {
        self.buf.op(Opcode::two(0x57), d.0, Rm::Reg(d.0));
    }

    /// Instructions that leave the upper part of their destination wait for its old value; a cleared one is at hand.
    fn break_dependency(&mut self, d: Xmm, src: Rm) {
        if matches!(src, Rm::Reg(reg) if reg != d.0) {
            self.zero(d);
        }
    }

    fn float_from_bits(&mut self, wide: bool, d: Xmm, s: Gpr) {
        self.buf.op(Opcode::two(0x6e).prefix(0x66).wide(wide), d.0, Rm::Reg(s.0));
    }

    fn bits_of_float(&mut self, wide: bool, d: Gpr, s: Xmm) {
        self.buf.op(Opcode::two(0x7e).prefix(0x66).wide(wide), s.0, Rm::Reg(d.0));
    }

    fn float_cmp(&mut self, wide: bool, a: Xmm, b: Xmm) {
        self.buf.op(Opcode::two(0x2e).prefix(packed(wide)), a.0, Rm::Reg(b.0));
    }

    fn scalar_op(&mut self, code: u8, wide: bool, d: Xmm, s: Xmm) {
        self.buf.op(Opcode::two(code).prefix(scalar(wide)), d.0, Rm::Reg(s.0));
    }

    /// The machine's minimum takes its second operand if they are equal (so that zeros' signs are lost) or unordered.
    fn min_max(&mut self, max: bool, wide: bool, d: Xmm, b: Xmm) {
        let (differ, nan, done) = (self.buf.label(), self.buf.label(), self.buf.label());
        self.float_cmp(wide, d, b);
        self.buf.jump(Some(Cc::Ne as u8), differ);
        self.buf.jump(Some(Cc::P as u8), nan);
        // Equal: the same bits, or zeros, of which the minimum has the union of the signs.
        self.buf.op(Opcode::two(if max { 0x54 } else { 0x56 }), d.0, Rm::Reg(b.0));
        self.buf.jump(None, done);
        self.buf.bind(nan);
        self.scalar_op(0x58, wide, d, b);
        self.buf.jump(None, done);
        self.buf.bind(differ);
        self.scalar_op(if max { 0x5f } else { 0x5d }, wide, d, b);
        self.buf.bind(done);
    }

    fn select(&mut self, cond: Cond, allocs: &mut Allocs<'_>) {
        let (d, _, t) = (allocs.xmm(), allocs.xmm(), allocs.xmm());
        let skip = self.buf.label();
        match cond {
            Cond::Cc(cc) => self.buf.jump(Some(cc.invert() as u8), skip),
            Cond::FloatNe => {
                let take = self.buf.label();
                self.buf.jump(Some(Cc::Ne as u8), take);
                self.buf.jump(Some(Cc::Np as u8), skip);
                self.buf.bind(take);
            }
            Cond::FloatEq => unreachable!("selection exchanges the operands"),
        }
        self.move_float(d, t);
        self.buf.bind(skip);
    }

    /// Numbers of 2^63 and more are halved, keeping the lowest bit for rounding, converted and doubled.
    fn u64_to_float(&mut self, wide: bool, d: Xmm, t: Gpr, u: Gpr, s: Gpr) {
        let (large, done) = (self.buf.label(), self.buf.label());
        self.zero(d);
        self.buf.op(Opcode::one(0x85).wide(true), s.0, Rm::Reg(s.0));
        self.buf.jump(Some(Cc::S as u8), large);
        let convert = Opcode::two(0x2a).prefix(scalar(wide)).wide(true);
        self.buf.op(convert, d.0, Rm::Reg(s.0));
        self.buf.jump(None, done);
        self.buf.bind(large);
        self.buf.op(Opcode::one(0x8b).wide(true), t.0, Rm::Reg(s.0));
        self.buf.op(Opcode::one(0xd1).wide(true), 5, Rm::Reg(t.0));
        self.buf.op(Opcode::one(0x8b), u.0, Rm::Reg(s.0));
        self.buf.op(Opcode::one(0x83).imm(1), 4, Rm::Reg(u.0));
        self.buf.push(1);
        self.buf.op(Opcode::one(0x0b).wide(true), t.0, Rm::Reg(u.0));
        self.buf.op(convert, d.0, Rm::Reg(t.0));
        self.scalar_op(0x58, wide, d, d);
        self.buf.bind(done);
    }

    fn convert(&mut self, wide: bool, int_wide: bool, d: Gpr, s: Xmm) {
        self.buf.op(Opcode::two(0x2c).prefix(scalar(wide)).wide(int_wide), d.0, Rm::Reg(s.0));
    }

    /// The machine answers the smallest integer for what it cannot convert; only then the reason is looked for.
    fn float_to_int(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        let Inst::FloatToInt { wide, int_wide, signed, .. } = inst else { unreachable!("{inst:?} converts nothing") };
        let regs @ (d, t, u, s) = (allocs.gpr(), allocs.xmm(), allocs.gpr(), allocs.xmm());
        let entries = [self.buf.label(), self.buf.label()];
        let done = self.buf.label();
        match (signed, int_wide) {
            (true, _) => {
                self.convert(wide, int_wide, d, s);
                self.buf.op(Opcode::one(0x83).wide(int_wide).imm(1), 7, Rm::Reg(d.0));
                self.buf.push(1);
                self.buf.jump(Some(Cc::O as u8), entries[0]);
            }
            (false, false) => {
                // A 64-bit conversion, whose result must have no upper half.
                self.convert(wide, true, d, s);
                self.buf.op(Opcode::one(0x8b), u.0, Rm::Reg(d.0));
                self.buf.op(Opcode::one(0x3b).wide(true), u.0, Rm::Reg(d.0));
                self.buf.jump(Some(Cc::Ne as u8), entries[0]);
            }
            (false, true) => {
                // From 2^63 on, that is subtracted first. NaN is not above.
                self.imm(u, power_of_two(63, wide));
                self.float_from_bits(wide, t, u);
                self.float_cmp(wide, s, t);
                self.buf.jump(Some(Cc::Ae as u8), entries[1]);
                self.convert(wide, true, d, s);
                self.buf.op(Opcode::one(0x85).wide(true), d.0, Rm::Reg(d.0));
                self.buf.jump(Some(Cc::S as u8), entries[0]);
            }
        }
        self.buf.bind(done);
        self.cold.push(ColdConversion { inst, regs, entries, done, loc: self.loc });
    }

    pub(super) fn cold_conversion(&mut self, cold: &ColdConversion) {
        let Inst::FloatToInt { wide, int_wide, signed, saturate } = cold.inst else {
            unreachable!("{:?} has no slow part", cold.inst)
        };
        let (_, t, u, s) = cold.regs;
        self.buf.bind(cold.entries[1]);
        if !signed && int_wide {
            self.cold_large(cold, wide, saturate);
        }
        self.buf.bind(cold.entries[0]);
        if saturate {
            return self.cold_saturate(cold, wide, int_wide, signed);
        }
        self.float_cmp(wide, s, s);
        let nan = self.stub(TrapCode::InvalidConversionToInteger);
        self.buf.jump(Some(Cc::P as u8), nan);
        let overflow = self.stub(TrapCode::IntegerOverflow);
        if !signed {
            return self.buf.jump(None, overflow);
        }
        // Only numbers that truncate to the smallest integer are left, and those beyond. The bound is exact except for
        // doubles and 32 bits, where everything above the smallest integer less one will do.
        let exact = !wide || int_wide;
        let bound = match (exact, int_wide) {
            (true, true) => power_of_two(63, wide) | sign(wide),
            (true, false) => power_of_two(31, wide) | sign(wide),
            (false, _) => (-2_147_483_649.0f64).to_bits(),
        };
        self.imm(u, bound);
        self.float_from_bits(wide, t, u);
        self.float_cmp(wide, s, t);
        self.buf.jump(Some(if exact { Cc::B } else { Cc::Be } as u8), overflow);
        self.zero(t);
        self.float_cmp(wide, s, t);
        self.buf.jump(Some(Cc::A as u8), overflow);
        self.buf.jump(None, cold.done);
    }

    /// 2^63 and more as an unsigned 64-bit integer.
    fn cold_large(&mut self, cold: &ColdConversion, wide: bool, saturate: bool) {
        let (d, t, u, s) = cold.regs;
        self.imm(u, power_of_two(63, wide) | sign(wide));
        self.float_from_bits(wide, t, u);
        self.scalar_op(0x58, wide, t, s);
        self.convert(wide, true, d, t);
        self.buf.op(Opcode::one(0x85).wide(true), d.0, Rm::Reg(d.0));
        let too_large = if saturate { self.buf.label() } else { self.stub(TrapCode::IntegerOverflow) };
        self.buf.jump(Some(Cc::S as u8), too_large);
        self.imm(u, 1 << 63);
        self.buf.op(Opcode::one(0x0b).wide(true), d.0, Rm::Reg(u.0));
        self.buf.jump(None, cold.done);
        if saturate {
            self.buf.bind(too_large);
            self.imm(d, u64::MAX);
            self.buf.jump(None, cold.done);
        }
    }

    fn cold_saturate(&mut self, cold: &ColdConversion, wide: bool, int_wide: bool, signed: bool) {
        let (d, t, _, s) = cold.regs;
        if !signed && int_wide {
            // NaN and negative numbers are left.
            self.imm(d, 0);
            return self.buf.jump(None, cold.done);
        }
        let zero = self.buf.label();
        self.zero(t);
        self.float_cmp(wide, s, t);
        self.buf.jump(Some(Cc::P as u8), zero);
        if signed {
            // The smallest integer is right for negative numbers; its complement is the largest.
            self.buf.jump(Some(Cc::B as u8), cold.done);
            self.buf.op(Opcode::one(0xf7).wide(int_wide), 2, Rm::Reg(d.0));
        } else {
            self.buf.jump(Some(Cc::B as u8), zero);
            self.imm(d, u32::MAX as u64);
        }
        self.buf.jump(None, cold.done);
        self.buf.bind(zero);
        self.imm(d, 0);
        self.buf.jump(None, cold.done);
    }
}
