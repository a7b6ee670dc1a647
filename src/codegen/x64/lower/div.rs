//! Integer division: by constants without dividing, else by the machine's instruction.

use super::{Lower, Rhs, late_use};
use crate::codegen::x64::inst::{Alu, Inst, Shift, Src};
use crate::codegen::x64::regs::{RAX, RDX};
use crate::ir::func::Value;
use crate::ir::ops::BinaryKind;
use regalloc2::{Operand, PRegSet, VReg};

/// `x / d = (x * multiplier) >> (width + shift)`; the multiplier may have one bit more than the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Magic {
    multiplier: u128,
    shift: u8,
}

/// The smallest multiplier that is exact for all dividends below 2^bits; `d` is no power of two and at most 2^(width-1).
fn magic(d: u64, width: u32, bits: u32) -> Magic {
    // The error e = multiplier * d - 2^(width + shift) grows with the dividend to e * 2^bits at most, which must stay
    // below one unit, 2^(width + shift).
    let slack = width - bits;
    (0..width)
        .map(|shift| {
            let power = 1u128 << (width + shift);
            let multiplier = power.div_ceil(d as u128);
            (Magic { multiplier, shift: shift as u8 }, multiplier * d as u128 - power, 1u128 << (shift + slack))
        })
        .find(|(_, error, bound)| error <= bound)
        .expect("a shift by the divisor's length suffices")
        .0
}

impl Lower<'_> {
    pub(super) fn divide(&mut self, d: VReg, a: Value, b: Value, wide: bool, kind: BinaryKind) {
        let signed = matches!(kind, BinaryKind::DivS | BinaryKind::RemS);
        let rem = matches!(kind, BinaryKind::RemS | BinaryKind::RemU);
        let constant = self.s.constant(b).map(|bits| if wide { bits } else { bits as u32 as u64 });
        let all_ones = if wide { u64::MAX } else { u32::MAX as u64 };
        match constant {
            Some(0) | None => self.divide_by_register(d, a, b, (wide, signed, rem), false),
            Some(divisor) if divisor == all_ones && signed => {
                self.divide_by_register(d, a, b, (wide, signed, rem), false);
            }
            Some(divisor) if signed => {
                let divisor = if wide { divisor as i64 } else { divisor as i32 as i64 };
                self.divide_signed(d, a, divisor, wide, rem);
            }
            Some(divisor) if divisor > all_ones / 2 + 1 => {
                self.divide_by_register(d, a, b, (wide, signed, rem), true);
            }
            Some(divisor) => self.divide_unsigned(d, a, divisor, wide, rem),
        }
    }

    fn divide_by_register(&mut self, d: VReg, a: Value, b: Value, how: (bool, bool, bool), safe: bool) {
        let (wide, signed, rem) = how;
        let (a, b) = (self.low(a), self.low(b));
        let (result, other) = if rem { (RDX, RAX) } else { (RAX, RDX) };
        let operands = [Operand::reg_fixed_def(d, result.preg()), Operand::reg_fixed_use(a, RAX.preg()), late_use(b)];
        let clobbers = PRegSet::empty().with(other.preg());
        self.s.emit(Inst::Div { wide, signed, rem, safe }, &operands, clobbers);
    }

    /// Multiplies a register by a constant.
    fn times(&mut self, d: VReg, a: VReg, factor: u64, wide: bool) {
        match i32::try_from(factor as i64) {
            Ok(imm) => self.emit_unary(Inst::MulImm { wide, src: Src::Reg, imm }, d, &Rhs::reg(a)),
            Err(_) => {
                let factor = self.constant_int(factor);
                self.emit_binary(Inst::Mul { wide, src: Src::Reg }, d, a, &Rhs::reg(factor));
            }
        }
    }

    /// The upper half of a 64-bit product.
    fn times_high(&mut self, a: VReg, factor: u64, signed: bool) -> VReg {
        let factor = self.constant_int(factor);
        let d = self.int();
        let operands =
            [Operand::reg_fixed_def(d, RDX.preg()), Operand::reg_fixed_use(a, RAX.preg()), Operand::any_use(factor)];
        self.s.emit(Inst::MulHigh { wide: true, signed }, &operands, PRegSet::empty().with(RAX.preg()));
        d
    }

    fn shifted(&mut self, op: Shift, wide: bool, a: VReg, count: u8) -> VReg {
        let d = self.int();
        self.shift_imm(d, op, wide, a, count);
        d
    }

    /// `d = a - b`
    fn minus(&mut self, d: VReg, a: VReg, b: VReg, wide: bool) {
        self.emit_binary(Inst::Alu { op: Alu::Sub, wide, src: Src::Reg }, d, a, &Rhs::reg(b));
    }

    /// `d = a - quotient * divisor`
    fn remainder(&mut self, d: VReg, a: VReg, quotient: VReg, divisor: u64, wide: bool) {
        let product = self.int();
        self.times(product, quotient, divisor, wide);
        self.minus(d, a, product, wide);
    }

    fn divide_unsigned(&mut self, d: VReg, a: Value, divisor: u64, wide: bool, rem: bool) {
        let a = self.reg(a);
        if divisor.is_power_of_two() {
            if !rem {
                return self.shift_imm(d, Shift::Shr, wide, a, divisor.trailing_zeros() as u8);
            }
            let mask = divisor - 1;
            return match i32::try_from(mask) {
                Ok(mask) => {
                    let inst = Inst::Alu { op: Alu::And, wide: false, src: Src::Imm(mask) };
                    self.emit_binary(inst, d, a, &Rhs::imm(mask));
                }
                Err(_) => {
                    let mask = self.constant_int(mask);
                    self.emit_binary(Inst::Alu { op: Alu::And, wide: true, src: Src::Reg }, d, a, &Rhs::reg(mask));
                }
            };
        }
        let quotient = if rem { self.int() } else { d };
        let bits = if wide { 64 } else { 32 };
        let magic = magic(divisor, bits, bits);
        match u64::try_from(magic.multiplier) {
            Ok(multiplier) if wide => {
                let high = self.times_high(a, multiplier, false);
                self.shift_imm(quotient, Shift::Shr, true, high, magic.shift);
            }
            // A 32-bit dividend and multiplier: the product fits one register.
            Ok(multiplier) if multiplier >> 32 == 0 => {
                let product = self.int();
                self.times(product, a, multiplier, true);
                self.shift_imm(quotient, Shift::Shr, true, product, 32 + magic.shift);
            }
            _ => {
                // The multiplier's top bit is added by hand: a + high halves without overflow as (a - high) / 2 + high.
                let low = (magic.multiplier - (1u128 << bits)) as u64;
                let high = if wide {
                    self.times_high(a, low, false)
                } else {
                    let product = self.int();
                    self.times(product, a, low, true);
                    self.shifted(Shift::Shr, true, product, 32)
                };
                let difference = self.int();
                self.minus(difference, a, high, wide);
                let half = self.shifted(Shift::Shr, wide, difference, 1);
                let sum = self.alu(Alu::Add, wide, half, high);
                self.shift_imm(quotient, Shift::Shr, wide, sum, magic.shift - 1);
            }
        }
        if rem {
            self.remainder(d, a, quotient, divisor, wide);
        }
    }

    fn divide_signed(&mut self, d: VReg, a: Value, divisor: i64, wide: bool, rem: bool) {
        let a = self.low(a);
        let size = divisor.unsigned_abs();
        if size.is_power_of_two() {
            return self.divide_signed_power(d, a, divisor, wide, rem);
        }
        let quotient = if rem { self.int() } else { d };
        let positive = if divisor < 0 { self.int() } else { quotient };
        let magic = if wide { magic(size, 64, 63) } else { magic(size, 32, 31) };
        let (high, sign) = if wide { self.signed_high_64(a, magic) } else { self.signed_high_32(a, magic) };
        self.minus(positive, high, sign, wide);
        if divisor < 0 {
            self.emit(Inst::Neg(wide), &[Operand::reg_reuse_def(quotient, 1), Operand::reg_use(positive)]);
        }
        if rem {
            let divisor = if wide { divisor as u64 } else { divisor as i32 as i64 as u64 };
            self.remainder(d, a, quotient, divisor, wide);
        }
    }

    /// The shifted product and the dividend's sign (0 or -1).
    fn signed_high_32(&mut self, a: VReg, magic: Magic) -> (VReg, VReg) {
        let extended = self.int();
        let inst = Inst::Ext { ext: crate::codegen::x64::inst::Ext::Sign32, wide: true, src: Src::Reg };
        self.emit_unary(inst, extended, &Rhs::reg(a));
        let product = self.int();
        self.times(product, extended, magic.multiplier as u64, true);
        let high = self.shifted(Shift::Sar, true, product, 32 + magic.shift);
        (high, self.shifted(Shift::Sar, true, extended, 63))
    }

    fn signed_high_64(&mut self, a: VReg, magic: Magic) -> (VReg, VReg) {
        let multiplier = magic.multiplier as u64;
        let mut high = self.times_high(a, multiplier, true);
        if multiplier >> 63 != 0 {
            // The machine took the multiplier for multiplier - 2^64.
            high = self.alu(Alu::Add, true, high, a);
        }
        (self.shifted(Shift::Sar, true, high, magic.shift), self.shifted(Shift::Sar, true, a, 63))
    }

    /// Rounding towards zero: negative dividends are raised by size - 1 first.
    fn divide_signed_power(&mut self, d: VReg, a: VReg, divisor: i64, wide: bool, rem: bool) {
        let log = divisor.unsigned_abs().trailing_zeros() as u8;
        let width = if wide { 64 } else { 32 };
        if log == 0 {
            // By one (by -1 traps on overflow and is done by the machine).
            return if rem {
                self.emit(Inst::Imm(0), &[Operand::reg_def(d)]);
            } else {
                self.emit_unary(Inst::Mov(wide), d, &Rhs::reg(a));
            };
        }
        let sign = if log == 1 { a } else { self.shifted(Shift::Sar, wide, a, width - 1) };
        let bias = self.shifted(Shift::Shr, wide, sign, width - log);
        let raised = self.alu(Alu::Add, wide, a, bias);
        if rem {
            let cleared = self.shifted(Shift::Sar, wide, raised, log);
            let multiple = self.shifted(Shift::Shl, wide, cleared, log);
            return self.minus(d, a, multiple, wide);
        }
        if divisor > 0 {
            return self.shift_imm(d, Shift::Sar, wide, raised, log);
        }
        let quotient = self.shifted(Shift::Sar, wide, raised, log);
        self.emit(Inst::Neg(wide), &[Operand::reg_reuse_def(d, 1), Operand::reg_use(quotient)]);
    }
}

#[cfg(test)]
mod tests {
    use super::magic;

    /// Division by the multiplier is exact at the ends of each quotient's range.
    #[test]
    fn multipliers_are_exact() {
        for d in (3..2000).chain([641, 10_000_001, 0x7fff_ffff, 0x5555_5555]).filter(|d: &u64| !d.is_power_of_two()) {
            let wide = magic(d, 64, 64);
            let narrow = magic(d, 32, 32);
            let top = (u32::MAX as u64 / d) * d;
            for x in [0, 1, d - 1, d, d + 1, 2 * d - 1, top - 1, top, u32::MAX as u64] {
                assert_eq!((x as u128 * narrow.multiplier) >> (32 + narrow.shift), (x / d) as u128, "{x} / {d}");
            }
            let top = (u64::MAX / d) * d;
            for x in [d, 2 * d - 1, top - 1, top, u64::MAX] {
                let (low, high) = (x as u128 * (wide.multiplier as u64 as u128), (wide.multiplier >> 64) * x as u128);
                let quotient = ((low >> 64) + high) >> wide.shift;
                assert_eq!(quotient, (x / d) as u128, "{x} / {d}");
            }
        }
    }
}
