//! The meaning of numeric operations: the one place that knows it.
//!
//! Values travel as bits in a `u64`; the upper half of a 32-bit value is zero on the way out and ignored on the way
//! in. Constant folding calls these functions, and compiled code is tested against them. Spec: "Numerics".

pub mod vector;

use super::ops::{BinaryKind, CompareKind, ConvertKind, UnaryKind};
use super::types::Type;
use crate::abi::trap::TrapCode;

fn f32_of(bits: u64) -> f32 {
    f32::from_bits(bits as u32)
}

fn f64_of(bits: u64) -> f64 {
    f64::from_bits(bits)
}

fn of_f32(value: f32) -> u64 {
    u64::from(value.to_bits())
}

fn of_f64(value: f64) -> u64 {
    value.to_bits()
}

/// The result of a unary operation.
pub fn unary(ty: Type, kind: UnaryKind, a: u64) -> u64 {
    match ty {
        Type::I32 => u64::from(unary_i32(kind, a as u32)),
        Type::I64 | Type::Ref => unary_i64(kind, a),
        Type::F32 => unary_f32(kind, a as u32),
        Type::F64 => unary_f64(kind, a),
        Type::V128 => unreachable!("{kind:?} has no vector form"),
    }
}

fn unary_i32(kind: UnaryKind, a: u32) -> u32 {
    match kind {
        UnaryKind::Clz => a.leading_zeros(),
        UnaryKind::Ctz => a.trailing_zeros(),
        UnaryKind::Popcnt => a.count_ones(),
        UnaryKind::Extend8 => a as i8 as u32,
        UnaryKind::Extend16 => a as i16 as u32,
        _ => unreachable!("{kind:?} has no i32 form"),
    }
}

fn unary_i64(kind: UnaryKind, a: u64) -> u64 {
    match kind {
        UnaryKind::Clz => u64::from(a.leading_zeros()),
        UnaryKind::Ctz => u64::from(a.trailing_zeros()),
        UnaryKind::Popcnt => u64::from(a.count_ones()),
        UnaryKind::Extend8 => a as i8 as u64,
        UnaryKind::Extend16 => a as i16 as u64,
        UnaryKind::Extend32 => a as i32 as u64,
        _ => unreachable!("{kind:?} has no i64 form"),
    }
}

fn unary_f32(kind: UnaryKind, bits: u32) -> u64 {
    let a = f32::from_bits(bits);
    match kind {
        // Abs and neg are operations on the sign bit, NaN or not.
        UnaryKind::Abs => u64::from(bits & 0x7fff_ffff),
        UnaryKind::Neg => u64::from(bits ^ 0x8000_0000),
        UnaryKind::Sqrt => of_f32(a.sqrt()),
        UnaryKind::Ceil => of_f32(quiet32(a, a.ceil())),
        UnaryKind::Floor => of_f32(quiet32(a, a.floor())),
        UnaryKind::Trunc => of_f32(quiet32(a, a.trunc())),
        UnaryKind::Nearest => of_f32(quiet32(a, a.round_ties_even())),
        _ => unreachable!("{kind:?} has no f32 form"),
    }
}

fn unary_f64(kind: UnaryKind, bits: u64) -> u64 {
    let a = f64::from_bits(bits);
    match kind {
        UnaryKind::Abs => bits & !(1 << 63),
        UnaryKind::Neg => bits ^ (1 << 63),
        UnaryKind::Sqrt => of_f64(a.sqrt()),
        UnaryKind::Ceil => of_f64(quiet64(a, a.ceil())),
        UnaryKind::Floor => of_f64(quiet64(a, a.floor())),
        UnaryKind::Trunc => of_f64(quiet64(a, a.trunc())),
        UnaryKind::Nearest => of_f64(quiet64(a, a.round_ties_even())),
        _ => unreachable!("{kind:?} has no f64 form"),
    }
}

/// A rounding operation's NaN result is the quieted operand, as the processor has it.
fn quiet32(operand: f32, result: f32) -> f32 {
    if operand.is_nan() { f32::from_bits(operand.to_bits() | 0x0040_0000) } else { result }
}

fn quiet64(operand: f64, result: f64) -> f64 {
    if operand.is_nan() { f64::from_bits(operand.to_bits() | 1 << 51) } else { result }
}

/// The result of a binary operation, or its trap.
pub fn binary(ty: Type, kind: BinaryKind, a: u64, b: u64) -> Result<u64, TrapCode> {
    match ty {
        Type::I32 => binary_i32(kind, a as u32, b as u32).map(u64::from),
        Type::I64 | Type::Ref => binary_i64(kind, a, b),
        Type::F32 => Ok(binary_f32(kind, f32_of(a), f32_of(b))),
        Type::F64 => Ok(binary_f64(kind, f64_of(a), f64_of(b))),
        Type::V128 => unreachable!("{kind:?} has no vector form"),
    }
}

/// Expands the integer operations for one width.
macro_rules! integer_binary {
    ($name:ident, $unsigned:ty, $signed:ty) => {
        fn $name(kind: BinaryKind, a: $unsigned, b: $unsigned) -> Result<$unsigned, TrapCode> {
            let (sa, sb) = (a as $signed, b as $signed);
            let count = b as u32 % <$unsigned>::BITS;
            if matches!(kind, BinaryKind::DivS | BinaryKind::DivU | BinaryKind::RemS | BinaryKind::RemU) && b == 0 {
                return Err(TrapCode::IntegerDivideByZero);
            }
            Ok(match kind {
                BinaryKind::Add => a.wrapping_add(b),
                BinaryKind::Sub => a.wrapping_sub(b),
                BinaryKind::Mul => a.wrapping_mul(b),
                BinaryKind::DivS => sa.checked_div(sb).ok_or(TrapCode::IntegerOverflow)? as $unsigned,
                BinaryKind::DivU => a / b,
                BinaryKind::RemS => sa.wrapping_rem(sb) as $unsigned,
                BinaryKind::RemU => a % b,
                BinaryKind::And => a & b,
                BinaryKind::Or => a | b,
                BinaryKind::Xor => a ^ b,
                BinaryKind::Shl => a << count,
                BinaryKind::ShrS => (sa >> count) as $unsigned,
                BinaryKind::ShrU => a >> count,
                BinaryKind::Rotl => a.rotate_left(count),
                BinaryKind::Rotr => a.rotate_right(count),
                _ => unreachable!("{kind:?} has no integer form"),
            })
        }
    };
}

integer_binary!(binary_i32, u32, i32);
integer_binary!(binary_i64, u64, i64);

/// Expands the float operations for one width.
macro_rules! float_binary {
    ($name:ident, $float:ty, $of:ident) => {
        fn $name(kind: BinaryKind, a: $float, b: $float) -> u64 {
            $of(match kind {
                BinaryKind::Add => a + b,
                BinaryKind::Sub => a - b,
                BinaryKind::Mul => a * b,
                BinaryKind::Div => a / b,
                BinaryKind::Min | BinaryKind::Max if a.is_nan() || b.is_nan() => a + b,
                BinaryKind::Min if a == b => <$float>::from_bits(a.to_bits() | b.to_bits()),
                BinaryKind::Max if a == b => <$float>::from_bits(a.to_bits() & b.to_bits()),
                BinaryKind::Min => a.min(b),
                BinaryKind::Max => a.max(b),
                BinaryKind::Copysign => a.copysign(b),
                _ => unreachable!("{kind:?} has no float form"),
            })
        }
    };
}

float_binary!(binary_f32, f32, of_f32);
float_binary!(binary_f64, f64, of_f64);

/// The result of a comparison.
pub fn compare(ty: Type, kind: CompareKind, a: u64, b: u64) -> bool {
    match ty {
        Type::I32 => compare_int(kind, (u64::from(a as u32), u64::from(b as u32)), (a as i32 as i64, b as i32 as i64)),
        Type::I64 | Type::Ref => compare_int(kind, (a, b), (a as i64, b as i64)),
        Type::F32 => compare_float(kind, f64::from(f32_of(a)), f64::from(f32_of(b))),
        Type::F64 => compare_float(kind, f64_of(a), f64_of(b)),
        Type::V128 => unreachable!("{kind:?} has no vector form"),
    }
}

fn compare_int(kind: CompareKind, (a, b): (u64, u64), (sa, sb): (i64, i64)) -> bool {
    match kind {
        CompareKind::Eq => a == b,
        CompareKind::Ne => a != b,
        CompareKind::LtS => sa < sb,
        CompareKind::LtU => a < b,
        CompareKind::GtS => sa > sb,
        CompareKind::GtU => a > b,
        CompareKind::LeS => sa <= sb,
        CompareKind::LeU => a <= b,
        CompareKind::GeS => sa >= sb,
        CompareKind::GeU => a >= b,
        _ => unreachable!("{kind:?} has no integer form"),
    }
}

fn compare_float(kind: CompareKind, a: f64, b: f64) -> bool {
    match kind {
        CompareKind::Eq => a == b,
        CompareKind::Ne => a != b,
        CompareKind::Lt => a < b,
        CompareKind::Gt => a > b,
        CompareKind::Le => a <= b,
        CompareKind::Ge => a >= b,
        _ => unreachable!("{kind:?} has no float form"),
    }
}

/// The result of a conversion, or its trap.
pub fn convert(kind: ConvertKind, a: u64) -> Result<u64, TrapCode> {
    use ConvertKind::*;
    Ok(match kind {
        WrapI64 => u64::from(a as u32),
        ExtendI32S => a as i32 as u64,
        ExtendI32U => u64::from(a as u32),
        TruncF32SI32 | TruncF32UI32 | TruncF32SI64 | TruncF32UI64 => return truncate(kind, f64::from(f32_of(a))),
        TruncF64SI32 | TruncF64UI32 | TruncF64SI64 | TruncF64UI64 => return truncate(kind, f64_of(a)),
        // Rust's casts saturate and turn NaN into 0, as the saturating conversions do.
        SatF32SI32 => u64::from(f32_of(a) as i32 as u32),
        SatF32UI32 => u64::from(f32_of(a) as u32),
        SatF64SI32 => u64::from(f64_of(a) as i32 as u32),
        SatF64UI32 => u64::from(f64_of(a) as u32),
        SatF32SI64 => f32_of(a) as i64 as u64,
        SatF32UI64 => f32_of(a) as u64,
        SatF64SI64 => f64_of(a) as i64 as u64,
        SatF64UI64 => f64_of(a) as u64,
        ConvertI32SF32 => of_f32(a as i32 as f32),
        ConvertI32UF32 => of_f32(a as u32 as f32),
        ConvertI64SF32 => of_f32(a as i64 as f32),
        ConvertI64UF32 => of_f32(a as f32),
        ConvertI32SF64 => of_f64(f64::from(a as i32)),
        ConvertI32UF64 => of_f64(f64::from(a as u32)),
        ConvertI64SF64 => of_f64(a as i64 as f64),
        ConvertI64UF64 => of_f64(a as f64),
        DemoteF64 => of_f32(f64_of(a) as f32),
        PromoteF32 => of_f64(f64::from(f32_of(a))),
        ReinterpretF32 | ReinterpretI32 => u64::from(a as u32),
        ReinterpretF64 | ReinterpretI64 => a,
    })
}

/// Truncation that traps. An f32 is exact as an f64, so one function serves both.
fn truncate(kind: ConvertKind, a: f64) -> Result<u64, TrapCode> {
    use ConvertKind::*;
    if a.is_nan() {
        return Err(TrapCode::InvalidConversionToInteger);
    }
    let whole = a.trunc();
    let (low, high) = match kind {
        TruncF32SI32 | TruncF64SI32 => (-2147483648.0, 2147483648.0),
        TruncF32UI32 | TruncF64UI32 => (0.0, 4294967296.0),
        TruncF32SI64 | TruncF64SI64 => (-9223372036854775808.0, 9223372036854775808.0),
        _ => (0.0, 18446744073709551616.0),
    };
    if whole < low || whole >= high {
        return Err(TrapCode::IntegerOverflow);
    }
    Ok(match kind {
        TruncF32SI32 | TruncF64SI32 => u64::from(whole as i32 as u32),
        TruncF32UI32 | TruncF64UI32 => u64::from(whole as u32),
        TruncF32SI64 | TruncF64SI64 => whole as i64 as u64,
        _ => whole as u64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_traps_as_the_spec_says() {
        let min = u64::from(i32::MIN as u32);
        let minus_one = u64::from(u32::MAX);
        assert_eq!(binary(Type::I32, BinaryKind::DivS, min, minus_one), Err(TrapCode::IntegerOverflow));
        assert_eq!(binary(Type::I32, BinaryKind::RemS, min, minus_one), Ok(0));
        assert_eq!(binary(Type::I64, BinaryKind::DivU, 1, 0), Err(TrapCode::IntegerDivideByZero));
    }

    #[test]
    fn the_upper_half_of_a_32_bit_value_does_not_matter() {
        let dirty = 0xdead_beef_0000_0005;
        assert_eq!(binary(Type::I32, BinaryKind::Add, dirty, 1), Ok(6));
        assert!(compare(Type::I32, CompareKind::Eq, dirty, 5));
        assert_eq!(convert(ConvertKind::ExtendI32U, dirty), Ok(5));
    }

    #[test]
    fn float_extremes() {
        let (zero, minus_zero) = (0.0f64.to_bits(), (-0.0f64).to_bits());
        assert_eq!(binary(Type::F64, BinaryKind::Min, zero, minus_zero), Ok(minus_zero));
        assert_eq!(binary(Type::F64, BinaryKind::Max, zero, minus_zero), Ok(zero));
        let above = 4294967296.0f64.to_bits();
        assert_eq!(convert(ConvertKind::TruncF64UI32, above), Err(TrapCode::IntegerOverflow));
        assert_eq!(convert(ConvertKind::TruncF64UI32, (-0.9f64).to_bits()), Ok(0));
        assert_eq!(convert(ConvertKind::SatF64UI32, above), Ok(0xffff_ffff));
        let nan = f32::NAN.to_bits().into();
        assert_eq!(convert(ConvertKind::TruncF32SI32, nan), Err(TrapCode::InvalidConversionToInteger));
    }
}
