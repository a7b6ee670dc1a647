//! The meaning of vector operations, lane by lane.
//!
//! Scalar operands and results are the low bits. The relaxed operations, which may differ between implementations, mean here the
//! same on every CPU:
//! - `relaxed_swizzle` selects by the low four bits of an index whose top bit is clear;
//! - `relaxed_trunc` of what does not fit: signed gives the smallest number, unsigned saturates;
//! - `relaxed_madd` and `relaxed_nmadd` round twice; `relaxed_laneselect` is `bitselect`;
//! - `relaxed_min` and `relaxed_max` give the second operand if one is a NaN or both are zero;
//! - `relaxed_q15mulr_s` wraps; `relaxed_dot` takes its second operand as unsigned and saturates pairs to 16 bits.

use super::*;
use crate::ir::simd::VectorOp;

macro_rules! shapes {
    ($($get:ident $put:ident $map:ident $zip:ident $lane:ty, $count:literal;)*) => {$(
        fn $get(vector: u128) -> [$lane; $count] {
            std::array::from_fn(|n| (vector >> (n * <$lane>::BITS as usize)) as $lane)
        }

        fn $put(lanes: [$lane; $count]) -> u128 {
            lanes.iter().rev().fold(0, |vector, lane| vector << (<$lane>::BITS - 1) << 1 | u128::from(*lane))
        }

        fn $map(a: u128, f: impl Fn($lane) -> $lane) -> u128 {
            $put($get(a).map(f))
        }

        fn $zip(a: u128, b: u128, f: impl Fn($lane, $lane) -> $lane) -> u128 {
            let (a, b) = ($get(a), $get(b));
            $put(std::array::from_fn(|n| f(a[n], b[n])))
        }
    )*};
}

shapes! {
    get8 put8 map8 zip8 u8, 16;
    get16 put16 map16 zip16 u16, 8;
    get32 put32 map32 zip32 u32, 4;
    get64 put64 map64 zip64 u64, 2;
}

/// The result of a vector operation.
pub fn vector(op: VectorOp, args: &[u128]) -> u128 {
    let (a, b) = (args[0], args.get(1).copied().unwrap_or(0));
    let c = args.get(2).copied().unwrap_or(0);
    bitwise(op, a, b, c)
        .or_else(|| bytes(op, a, b))
        .or_else(|| halves(op, a, b))
        .or_else(|| words(op, a, b))
        .or_else(|| doubles(op, a, b))
        .or_else(|| float_op(op, a, b))
        .or_else(|| conversion(op, a))
        .or_else(|| relaxed(op, a, b, c))
        .unwrap_or_else(|| unreachable!("{op:?} has a meaning"))
}

fn bitwise(op: VectorOp, a: u128, b: u128, c: u128) -> Option<u128> {
    use VectorOp::*;
    Some(match op {
        V128Not => !a,
        V128And => a & b,
        V128AndNot => a & !b,
        V128Or => a | b,
        V128Xor => a ^ b,
        V128Bitselect => a & c | b & !c,
        V128AnyTrue => u128::from(a != 0),
        I8x16Splat => map8(0, |_| a as u8),
        I16x8Splat => map16(0, |_| a as u16),
        I32x4Splat | F32x4Splat => map32(0, |_| a as u32),
        I64x2Splat | F64x2Splat => map64(0, |_| a as u64),
        I8x16Swizzle => map8(b, |index| if index < 16 { get8(a)[index as usize] } else { 0 }),
        _ => return None,
    })
}

/// All bits of a lane if it holds.
macro_rules! truth {
    ($holds:expr, $lane:ty) => {
        if $holds { <$lane>::MAX } else { 0 }
    };
}

/// What the integer shapes have in common: gives `None` for other shapes' operations.
macro_rules! integers {
    ($name:ident, $rest:ident, $get:ident $map:ident $zip:ident $lane:ty, $signed:ty;
     $abs:ident $neg:ident $all:ident $mask:ident $shl:ident $shr_s:ident $shr_u:ident $add:ident $sub:ident
     $eq:ident $ne:ident $lt:ident $gt:ident $le:ident $ge:ident) => {
        fn $name(op: VectorOp, a: u128, b: u128) -> Option<u128> {
            type S = $signed;
            Some(match op {
                VectorOp::$abs => $map(a, |a| (a as S).wrapping_abs() as $lane),
                VectorOp::$neg => $map(a, <$lane>::wrapping_neg),
                VectorOp::$all => u128::from($get(a).iter().all(|lane| *lane != 0)),
                VectorOp::$mask => {
                    let signs = $get(a).into_iter().enumerate();
                    signs.fold(0, |mask, (n, lane)| mask | u128::from((lane as S) < 0) << n)
                }
                VectorOp::$shl => $map(a, |a| a.wrapping_shl(b as u32)),
                VectorOp::$shr_s => $map(a, |a| (a as S).wrapping_shr(b as u32) as $lane),
                VectorOp::$shr_u => $map(a, |a| a.wrapping_shr(b as u32)),
                VectorOp::$add => $zip(a, b, <$lane>::wrapping_add),
                VectorOp::$sub => $zip(a, b, <$lane>::wrapping_sub),
                VectorOp::$eq => $zip(a, b, |a, b| truth!(a == b, $lane)),
                VectorOp::$ne => $zip(a, b, |a, b| truth!(a != b, $lane)),
                VectorOp::$lt => $zip(a, b, |a, b| truth!((a as S) < b as S, $lane)),
                VectorOp::$gt => $zip(a, b, |a, b| truth!(a as S > b as S, $lane)),
                VectorOp::$le => $zip(a, b, |a, b| truth!(a as S <= b as S, $lane)),
                VectorOp::$ge => $zip(a, b, |a, b| truth!(a as S >= b as S, $lane)),
                _ => return $rest(op, a, b),
            })
        }
    };
}

integers!(bytes, more_bytes, get8 map8 zip8 u8, i8;
    I8x16Abs I8x16Neg I8x16AllTrue I8x16Bitmask I8x16Shl I8x16ShrS I8x16ShrU I8x16Add I8x16Sub
    I8x16Eq I8x16Ne I8x16LtS I8x16GtS I8x16LeS I8x16GeS);
integers!(halves, more_halves, get16 map16 zip16 u16, i16;
    I16x8Abs I16x8Neg I16x8AllTrue I16x8Bitmask I16x8Shl I16x8ShrS I16x8ShrU I16x8Add I16x8Sub
    I16x8Eq I16x8Ne I16x8LtS I16x8GtS I16x8LeS I16x8GeS);
integers!(words, more_words, get32 map32 zip32 u32, i32;
    I32x4Abs I32x4Neg I32x4AllTrue I32x4Bitmask I32x4Shl I32x4ShrS I32x4ShrU I32x4Add I32x4Sub
    I32x4Eq I32x4Ne I32x4LtS I32x4GtS I32x4LeS I32x4GeS);
integers!(doubles, more_doubles, get64 map64 zip64 u64, i64;
    I64x2Abs I64x2Neg I64x2AllTrue I64x2Bitmask I64x2Shl I64x2ShrS I64x2ShrU I64x2Add I64x2Sub
    I64x2Eq I64x2Ne I64x2LtS I64x2GtS I64x2LeS I64x2GeS);

/// Lanes of two vectors, one behind the other, each narrowed.
fn narrow16(a: u128, b: u128, low: i16, high: i16) -> u128 {
    let lanes: Vec<u8> =
        get16(a).into_iter().chain(get16(b)).map(|lane| (lane as i16).clamp(low, high) as u8).collect();
    put8(std::array::from_fn(|n| lanes[n]))
}

fn narrow32(a: u128, b: u128, low: i32, high: i32) -> u128 {
    let lanes: Vec<u16> =
        get32(a).into_iter().chain(get32(b)).map(|lane| (lane as i32).clamp(low, high) as u16).collect();
    put16(std::array::from_fn(|n| lanes[n]))
}

fn more_bytes(op: VectorOp, a: u128, b: u128) -> Option<u128> {
    use VectorOp::*;
    Some(match op {
        I8x16LtU => zip8(a, b, |a, b| truth!(a < b, u8)),
        I8x16GtU => zip8(a, b, |a, b| truth!(a > b, u8)),
        I8x16LeU => zip8(a, b, |a, b| truth!(a <= b, u8)),
        I8x16GeU => zip8(a, b, |a, b| truth!(a >= b, u8)),
        I8x16Popcnt => map8(a, |a| a.count_ones() as u8),
        I8x16NarrowI16x8S => narrow16(a, b, -128, 127),
        I8x16NarrowI16x8U => narrow16(a, b, 0, 255),
        I8x16AddSatS => zip8(a, b, |a, b| (a as i8).saturating_add(b as i8) as u8),
        I8x16AddSatU => zip8(a, b, u8::saturating_add),
        I8x16SubSatS => zip8(a, b, |a, b| (a as i8).saturating_sub(b as i8) as u8),
        I8x16SubSatU => zip8(a, b, u8::saturating_sub),
        I8x16MinS => zip8(a, b, |a, b| (a as i8).min(b as i8) as u8),
        I8x16MinU => zip8(a, b, u8::min),
        I8x16MaxS => zip8(a, b, |a, b| (a as i8).max(b as i8) as u8),
        I8x16MaxU => zip8(a, b, u8::max),
        I8x16AvgrU => zip8(a, b, |a, b| (u16::from(a) + u16::from(b)).div_ceil(2) as u8),
        _ => return None,
    })
}

/// Lanes of half the width as numbers: `high` half, sign-extended if `signed`.
fn wide8(a: u128, high: bool, signed: bool) -> [i32; 8] {
    let lanes = get8(a);
    std::array::from_fn(|n| {
        let lane = lanes[n + 8 * usize::from(high)];
        if signed { i32::from(lane as i8) } else { i32::from(lane) }
    })
}

fn wide16(a: u128, high: bool, signed: bool) -> [i64; 4] {
    let lanes = get16(a);
    std::array::from_fn(|n| {
        let lane = lanes[n + 4 * usize::from(high)];
        if signed { i64::from(lane as i16) } else { i64::from(lane) }
    })
}

fn wide32(a: u128, high: bool, signed: bool) -> [i128; 2] {
    let lanes = get32(a);
    std::array::from_fn(|n| {
        let lane = lanes[n + 2 * usize::from(high)];
        if signed { i128::from(lane as i32) } else { i128::from(lane) }
    })
}

fn extend8(a: u128, high: bool, signed: bool) -> u128 {
    put16(wide8(a, high, signed).map(|lane| lane as u16))
}

fn multiply8(a: u128, b: u128, high: bool, signed: bool) -> u128 {
    let (a, b) = (wide8(a, high, signed), wide8(b, high, signed));
    put16(std::array::from_fn(|n| (a[n] * b[n]) as u16))
}

/// Sums of neighbouring lanes.
fn pairs8(a: u128, signed: bool) -> u128 {
    let lanes = [wide8(a, false, signed), wide8(a, true, signed)].concat();
    put16(std::array::from_fn(|n| (lanes[2 * n] + lanes[2 * n + 1]) as u16))
}

fn q15(a: u16, b: u16) -> i32 {
    (i32::from(a as i16) * i32::from(b as i16) + 0x4000) >> 15
}

fn more_halves(op: VectorOp, a: u128, b: u128) -> Option<u128> {
    use VectorOp::*;
    Some(match op {
        I16x8LtU => zip16(a, b, |a, b| truth!(a < b, u16)),
        I16x8GtU => zip16(a, b, |a, b| truth!(a > b, u16)),
        I16x8LeU => zip16(a, b, |a, b| truth!(a <= b, u16)),
        I16x8GeU => zip16(a, b, |a, b| truth!(a >= b, u16)),
        I16x8ExtAddPairwiseI8x16S => pairs8(a, true),
        I16x8ExtAddPairwiseI8x16U => pairs8(a, false),
        I16x8Q15MulrSatS => zip16(a, b, |a, b| q15(a, b).clamp(-32768, 32767) as u16),
        I16x8NarrowI32x4S => narrow32(a, b, -32768, 32767),
        I16x8NarrowI32x4U => narrow32(a, b, 0, 65535),
        I16x8ExtendLowI8x16S => extend8(a, false, true),
        I16x8ExtendHighI8x16S => extend8(a, true, true),
        I16x8ExtendLowI8x16U => extend8(a, false, false),
        I16x8ExtendHighI8x16U => extend8(a, true, false),
        I16x8AddSatS => zip16(a, b, |a, b| (a as i16).saturating_add(b as i16) as u16),
        I16x8AddSatU => zip16(a, b, u16::saturating_add),
        I16x8SubSatS => zip16(a, b, |a, b| (a as i16).saturating_sub(b as i16) as u16),
        I16x8SubSatU => zip16(a, b, u16::saturating_sub),
        I16x8Mul => zip16(a, b, u16::wrapping_mul),
        I16x8MinS => zip16(a, b, |a, b| (a as i16).min(b as i16) as u16),
        I16x8MinU => zip16(a, b, u16::min),
        I16x8MaxS => zip16(a, b, |a, b| (a as i16).max(b as i16) as u16),
        I16x8MaxU => zip16(a, b, u16::max),
        I16x8AvgrU => zip16(a, b, |a, b| (u32::from(a) + u32::from(b)).div_ceil(2) as u16),
        I16x8ExtMulLowI8x16S => multiply8(a, b, false, true),
        I16x8ExtMulHighI8x16S => multiply8(a, b, true, true),
        I16x8ExtMulLowI8x16U => multiply8(a, b, false, false),
        I16x8ExtMulHighI8x16U => multiply8(a, b, true, false),
        _ => return None,
    })
}

fn extend16(a: u128, high: bool, signed: bool) -> u128 {
    put32(wide16(a, high, signed).map(|lane| lane as u32))
}

fn multiply16(a: u128, b: u128, high: bool, signed: bool) -> u128 {
    let (a, b) = (wide16(a, high, signed), wide16(b, high, signed));
    put32(std::array::from_fn(|n| (a[n] * b[n]) as u32))
}

fn pairs16(a: u128, signed: bool) -> u128 {
    let lanes = [wide16(a, false, signed), wide16(a, true, signed)].concat();
    put32(std::array::from_fn(|n| (lanes[2 * n] + lanes[2 * n + 1]) as u32))
}

fn dot16(a: u128, b: u128) -> u128 {
    let products: Vec<i64> =
        get16(a).into_iter().zip(get16(b)).map(|(a, b)| i64::from(a as i16) * i64::from(b as i16)).collect();
    put32(std::array::from_fn(|n| (products[2 * n] + products[2 * n + 1]) as u32))
}

fn more_words(op: VectorOp, a: u128, b: u128) -> Option<u128> {
    use VectorOp::*;
    Some(match op {
        I32x4LtU => zip32(a, b, |a, b| truth!(a < b, u32)),
        I32x4GtU => zip32(a, b, |a, b| truth!(a > b, u32)),
        I32x4LeU => zip32(a, b, |a, b| truth!(a <= b, u32)),
        I32x4GeU => zip32(a, b, |a, b| truth!(a >= b, u32)),
        I32x4ExtAddPairwiseI16x8S => pairs16(a, true),
        I32x4ExtAddPairwiseI16x8U => pairs16(a, false),
        I32x4ExtendLowI16x8S => extend16(a, false, true),
        I32x4ExtendHighI16x8S => extend16(a, true, true),
        I32x4ExtendLowI16x8U => extend16(a, false, false),
        I32x4ExtendHighI16x8U => extend16(a, true, false),
        I32x4Mul => zip32(a, b, u32::wrapping_mul),
        I32x4MinS => zip32(a, b, |a, b| (a as i32).min(b as i32) as u32),
        I32x4MinU => zip32(a, b, u32::min),
        I32x4MaxS => zip32(a, b, |a, b| (a as i32).max(b as i32) as u32),
        I32x4MaxU => zip32(a, b, u32::max),
        I32x4DotI16x8S => dot16(a, b),
        I32x4ExtMulLowI16x8S => multiply16(a, b, false, true),
        I32x4ExtMulHighI16x8S => multiply16(a, b, true, true),
        I32x4ExtMulLowI16x8U => multiply16(a, b, false, false),
        I32x4ExtMulHighI16x8U => multiply16(a, b, true, false),
        _ => return None,
    })
}

fn extend32(a: u128, high: bool, signed: bool) -> u128 {
    put64(wide32(a, high, signed).map(|lane| lane as u64))
}

fn multiply32(a: u128, b: u128, high: bool, signed: bool) -> u128 {
    let (a, b) = (wide32(a, high, signed), wide32(b, high, signed));
    put64(std::array::from_fn(|n| (a[n] * b[n]) as u64))
}

fn more_doubles(op: VectorOp, a: u128, b: u128) -> Option<u128> {
    use VectorOp::*;
    Some(match op {
        I64x2ExtendLowI32x4S => extend32(a, false, true),
        I64x2ExtendHighI32x4S => extend32(a, true, true),
        I64x2ExtendLowI32x4U => extend32(a, false, false),
        I64x2ExtendHighI32x4U => extend32(a, true, false),
        I64x2Mul => zip64(a, b, u64::wrapping_mul),
        I64x2ExtMulLowI32x4S => multiply32(a, b, false, true),
        I64x2ExtMulHighI32x4S => multiply32(a, b, true, true),
        I64x2ExtMulLowI32x4U => multiply32(a, b, false, false),
        I64x2ExtMulHighI32x4U => multiply32(a, b, true, false),
        _ => return None,
    })
}

/// Lane-wise operations on floats are the scalar ones.
fn float_op(op: VectorOp, a: u128, b: u128) -> Option<u128> {
    use VectorOp::*;
    let unary = |ty, kind| match ty {
        Type::F32 => Some(map32(a, |a| super::unary(ty, kind, u64::from(a)) as u32)),
        _ => Some(map64(a, |a| super::unary(ty, kind, a))),
    };
    let binary = |ty, kind| match ty {
        Type::F32 => Some(zip32(a, b, |a, b| super::binary(ty, kind, a.into(), b.into()).unwrap_or(0) as u32)),
        _ => Some(zip64(a, b, |a, b| super::binary(ty, kind, a, b).unwrap_or(0))),
    };
    let compare = |ty, kind| match ty {
        Type::F32 => Some(zip32(a, b, |a, b| truth!(super::compare(ty, kind, a.into(), b.into()), u32))),
        _ => Some(zip64(a, b, |a, b| truth!(super::compare(ty, kind, a, b), u64))),
    };
    match op {
        F32x4Eq => compare(Type::F32, CompareKind::Eq),
        F32x4Ne => compare(Type::F32, CompareKind::Ne),
        F32x4Lt => compare(Type::F32, CompareKind::Lt),
        F32x4Gt => compare(Type::F32, CompareKind::Gt),
        F32x4Le => compare(Type::F32, CompareKind::Le),
        F32x4Ge => compare(Type::F32, CompareKind::Ge),
        F64x2Eq => compare(Type::F64, CompareKind::Eq),
        F64x2Ne => compare(Type::F64, CompareKind::Ne),
        F64x2Lt => compare(Type::F64, CompareKind::Lt),
        F64x2Gt => compare(Type::F64, CompareKind::Gt),
        F64x2Le => compare(Type::F64, CompareKind::Le),
        F64x2Ge => compare(Type::F64, CompareKind::Ge),
        F32x4Ceil => unary(Type::F32, UnaryKind::Ceil),
        F32x4Floor => unary(Type::F32, UnaryKind::Floor),
        F32x4Trunc => unary(Type::F32, UnaryKind::Trunc),
        F32x4Nearest => unary(Type::F32, UnaryKind::Nearest),
        F32x4Abs => unary(Type::F32, UnaryKind::Abs),
        F32x4Neg => unary(Type::F32, UnaryKind::Neg),
        F32x4Sqrt => unary(Type::F32, UnaryKind::Sqrt),
        F32x4Add => binary(Type::F32, BinaryKind::Add),
        F32x4Sub => binary(Type::F32, BinaryKind::Sub),
        F32x4Mul => binary(Type::F32, BinaryKind::Mul),
        F32x4Div => binary(Type::F32, BinaryKind::Div),
        F32x4Min => binary(Type::F32, BinaryKind::Min),
        F32x4Max => binary(Type::F32, BinaryKind::Max),
        F64x2Ceil => unary(Type::F64, UnaryKind::Ceil),
        F64x2Floor => unary(Type::F64, UnaryKind::Floor),
        F64x2Trunc => unary(Type::F64, UnaryKind::Trunc),
        F64x2Nearest => unary(Type::F64, UnaryKind::Nearest),
        F64x2Abs => unary(Type::F64, UnaryKind::Abs),
        F64x2Neg => unary(Type::F64, UnaryKind::Neg),
        F64x2Sqrt => unary(Type::F64, UnaryKind::Sqrt),
        F64x2Add => binary(Type::F64, BinaryKind::Add),
        F64x2Sub => binary(Type::F64, BinaryKind::Sub),
        F64x2Mul => binary(Type::F64, BinaryKind::Mul),
        F64x2Div => binary(Type::F64, BinaryKind::Div),
        F64x2Min => binary(Type::F64, BinaryKind::Min),
        F64x2Max => binary(Type::F64, BinaryKind::Max),
        F32x4PMin => Some(zip32(a, b, |a, b| if f32::from_bits(b) < f32::from_bits(a) { b } else { a })),
        F32x4PMax => Some(zip32(a, b, |a, b| if f32::from_bits(a) < f32::from_bits(b) { b } else { a })),
        F64x2PMin => Some(zip64(a, b, |a, b| if f64::from_bits(b) < f64::from_bits(a) { b } else { a })),
        F64x2PMax => Some(zip64(a, b, |a, b| if f64::from_bits(a) < f64::from_bits(b) { b } else { a })),
        _ => None,
    }
}

/// The low half of a vector by scalar conversions of its two lanes.
fn low_pair(a: u128, kind: ConvertKind) -> u128 {
    let lanes = get64(a).map(|lane| super::convert(kind, lane).unwrap_or(0) as u32);
    put32([lanes[0], lanes[1], 0, 0])
}

fn wide_pair(a: u128, kind: ConvertKind) -> u128 {
    let lanes = get32(a);
    put64([lanes[0], lanes[1]].map(|lane| super::convert(kind, lane.into()).unwrap_or(0)))
}

fn conversion(op: VectorOp, a: u128) -> Option<u128> {
    use VectorOp::*;
    let each = |kind| map32(a, |lane| super::convert(kind, lane.into()).unwrap_or(0) as u32);
    Some(match op {
        I32x4TruncSatF32x4S => each(ConvertKind::SatF32SI32),
        I32x4TruncSatF32x4U | I32x4RelaxedTruncF32x4U => each(ConvertKind::SatF32UI32),
        F32x4ConvertI32x4S => each(ConvertKind::ConvertI32SF32),
        F32x4ConvertI32x4U => each(ConvertKind::ConvertI32UF32),
        I32x4TruncSatF64x2SZero => low_pair(a, ConvertKind::SatF64SI32),
        I32x4TruncSatF64x2UZero | I32x4RelaxedTruncF64x2UZero => low_pair(a, ConvertKind::SatF64UI32),
        F64x2ConvertLowI32x4S => wide_pair(a, ConvertKind::ConvertI32SF64),
        F64x2ConvertLowI32x4U => wide_pair(a, ConvertKind::ConvertI32UF64),
        F32x4DemoteF64x2Zero => low_pair(a, ConvertKind::DemoteF64),
        F64x2PromoteLowF32x4 => wide_pair(a, ConvertKind::PromoteF32),
        _ => return None,
    })
}

/// A truncated number, or the smallest integer if it does not fit.
fn trunc_or_min(value: f64) -> u32 {
    let whole = value.trunc();
    if (-2147483648.0..2147483648.0).contains(&whole) { whole as i32 as u32 } else { 1 << 31 }
}

/// Products of neighbouring bytes, the second operand's unsigned, summed and saturated.
fn dot8(a: u128, b: u128) -> [i16; 8] {
    let products: Vec<i32> = get8(a).into_iter().zip(get8(b)).map(|(a, b)| i32::from(a as i8) * i32::from(b)).collect();
    std::array::from_fn(|n| (products[2 * n] + products[2 * n + 1]).clamp(-32768, 32767) as i16)
}

fn relaxed(op: VectorOp, a: u128, b: u128, c: u128) -> Option<u128> {
    use VectorOp::*;
    let then = |first, second: VectorOp, flip: bool| {
        let product = vector(first, &[a, b]);
        if flip { vector(second, &[c, product]) } else { vector(second, &[product, c]) }
    };
    Some(match op {
        I8x16RelaxedSwizzle => map8(b, |index| if index < 128 { get8(a)[index as usize % 16] } else { 0 }),
        I32x4RelaxedTruncF32x4S => map32(a, |lane| trunc_or_min(f32::from_bits(lane).into())),
        I32x4RelaxedTruncF64x2SZero => {
            let lanes = get64(a).map(|lane| trunc_or_min(f64::from_bits(lane)));
            put32([lanes[0], lanes[1], 0, 0])
        }
        F32x4RelaxedMadd => then(F32x4Mul, F32x4Add, false),
        F32x4RelaxedNmadd => then(F32x4Mul, F32x4Sub, true),
        F64x2RelaxedMadd => then(F64x2Mul, F64x2Add, false),
        F64x2RelaxedNmadd => then(F64x2Mul, F64x2Sub, true),
        I8x16RelaxedLaneselect | I16x8RelaxedLaneselect | I32x4RelaxedLaneselect | I64x2RelaxedLaneselect => {
            a & c | b & !c
        }
        F32x4RelaxedMin => zip32(a, b, |a, b| if f32::from_bits(a) < f32::from_bits(b) { a } else { b }),
        F32x4RelaxedMax => zip32(a, b, |a, b| if f32::from_bits(a) > f32::from_bits(b) { a } else { b }),
        F64x2RelaxedMin => zip64(a, b, |a, b| if f64::from_bits(a) < f64::from_bits(b) { a } else { b }),
        F64x2RelaxedMax => zip64(a, b, |a, b| if f64::from_bits(a) > f64::from_bits(b) { a } else { b }),
        I16x8RelaxedQ15mulrS => zip16(a, b, |a, b| q15(a, b) as u16),
        I16x8RelaxedDotI8x16I7x16S => put16(dot8(a, b).map(|lane| lane as u16)),
        I32x4RelaxedDotI8x16I7x16AddS => {
            let (dot, c) = (dot8(a, b), get32(c));
            put32(std::array::from_fn(|n| {
                (i32::from(dot[2 * n]) + i32::from(dot[2 * n + 1])).wrapping_add(c[n] as i32) as u32
            }))
        }
        _ => return None,
    })
}

/// A vector of the bytes of two by their numbers.
pub fn shuffle(lanes: [u8; 16], a: u128, b: u128) -> u128 {
    let bytes = [get8(a), get8(b)].concat();
    put8(lanes.map(|lane| bytes[lane as usize]))
}
