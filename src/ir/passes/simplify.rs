//! Local simplification of one instruction from its operands' definitions.
//!
//! The builder calls it on every instruction, and value numbering again when operands have changed.

use crate::ir::eval;
use crate::ir::func::{Function, Value};
use crate::ir::ops::{BinaryKind, CompareKind, ConvertKind, Op, UnaryKind};
use crate::ir::simd::VectorOp;
use crate::ir::types::Type;
use smallvec::{SmallVec, smallvec};

/// What an instruction may become.
pub enum Simplified {
    /// Nothing better is known.
    Keep,
    /// An existing value.
    Value(Value),
    /// A constant.
    Const(Type, u64),
    /// Another pure operation on existing values and, where `None` stands, the constant.
    Op(Op, SmallVec<[Operand; 3]>),
}

/// An operand of a replacement.
#[derive(Clone, Copy)]
pub enum Operand {
    /// An existing value.
    Value(Value),
    /// A constant still to be made.
    Const(Type, u64),
}

/// Finds a simpler form of `op` on `args` (resolved values).
pub fn simplify(func: &Function, op: Op, args: &[Value]) -> Simplified {
    match op {
        Op::Unary(ty, kind) => unary(func, ty, kind, args[0]),
        Op::Binary(ty, kind) => binary(func, ty, kind, args[0], args[1]),
        Op::Compare(ty, kind) => compare(func, ty, kind, args[0], args[1]),
        Op::Convert(kind) => convert(func, kind, args[0]),
        Op::Select(_) => select(func, args),
        Op::Vector(op) => splat(func, op, args[0]),
        _ => Simplified::Keep,
    }
}

/// A number in all lanes of a vector is a constant if the number is.
fn splat(func: &Function, op: VectorOp, a: Value) -> Simplified {
    use VectorOp::*;
    let splats = matches!(op, I8x16Splat | I16x8Splat | I32x4Splat | I64x2Splat | F32x4Splat | F64x2Splat);
    match func.constant(a).filter(|_| splats) {
        Some(0) => Simplified::Const(Type::V128, 0),
        Some(bits) => {
            let vector = eval::vector::vector(op, &[bits.into()]);
            Simplified::Op(Op::VectorConst(vector.to_le_bytes()), smallvec![])
        }
        None => Simplified::Keep,
    }
}

/// Whether the bits are a NaN of a float type: its payload is the processor's choice and is not folded.
fn is_nan(ty: Type, bits: u64) -> bool {
    match ty {
        Type::F32 => f32::from_bits(bits as u32).is_nan(),
        Type::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

fn constant(ty: Type, bits: u64) -> Simplified {
    if is_nan(ty, bits) { Simplified::Keep } else { Simplified::Const(ty, bits) }
}

/// `op` on one value and one constant.
fn with_const(op: Op, a: Value, ty: Type, bits: u64) -> Simplified {
    Simplified::Op(op, smallvec![Operand::Value(a), Operand::Const(ty, bits)])
}

fn unary(func: &Function, ty: Type, kind: UnaryKind, a: Value) -> Simplified {
    if let Some(bits) = func.constant(a) {
        return constant(ty, eval::unary(ty, kind, bits));
    }
    // A narrower extension after a wider one of the same value.
    if let Some(inst) = func.def_inst(a)
        && let Op::Unary(_, UnaryKind::Extend8 | UnaryKind::Extend16 | UnaryKind::Extend32) = inst.op
        && inst.op == Op::Unary(ty, kind)
    {
        return Simplified::Value(a);
    }
    Simplified::Keep
}

/// All bits of an integer type.
fn mask(ty: Type) -> u64 {
    if ty == Type::I32 { u64::from(u32::MAX) } else { u64::MAX }
}

fn is_commutative(kind: BinaryKind) -> bool {
    matches!(kind, BinaryKind::Add | BinaryKind::Mul | BinaryKind::And | BinaryKind::Or | BinaryKind::Xor)
}

fn binary(func: &Function, ty: Type, kind: BinaryKind, a: Value, b: Value) -> Simplified {
    let (ca, cb) = (func.constant(a), func.constant(b));
    if let (Some(x), Some(y)) = (ca, cb) {
        return match eval::binary(ty, kind, x, y) {
            Ok(bits) => constant(ty, bits),
            Err(_) => Simplified::Keep,
        };
    }
    if ty.is_float() {
        return Simplified::Keep;
    }
    if let (Some(bits), None, true) = (ca, cb, is_commutative(kind)) {
        return with_const(Op::Binary(ty, kind), b, ty, bits);
    }
    if let Some(bits) = cb {
        return binary_const(func, ty, kind, a, bits & mask(ty));
    }
    if a == b {
        return match kind {
            BinaryKind::Sub | BinaryKind::Xor => Simplified::Const(ty, 0),
            BinaryKind::And | BinaryKind::Or => Simplified::Value(a),
            _ => Simplified::Keep,
        };
    }
    Simplified::Keep
}

/// Integer operation with a constant on the right.
fn binary_const(func: &Function, ty: Type, kind: BinaryKind, a: Value, c: u64) -> Simplified {
    use BinaryKind::*;
    let width = if ty == Type::I32 { 32 } else { 64 };
    match (kind, c) {
        (Add | Sub | Or | Xor, 0) | (Mul | DivU | DivS, 1) => return Simplified::Value(a),
        (Shl | ShrS | ShrU | Rotl | Rotr, c) if c % width == 0 => return Simplified::Value(a),
        (And | Mul, 0) | (RemU, 1) => return Simplified::Const(ty, 0),
        (And, c) if c == mask(ty) => return Simplified::Value(a),
        (Or, c) if c == mask(ty) => return Simplified::Const(ty, c),
        (Sub, c) => return with_const(Op::Binary(ty, Add), a, ty, c.wrapping_neg() & mask(ty)),
        (Mul, c) if c.is_power_of_two() => {
            return with_const(Op::Binary(ty, Shl), a, ty, u64::from(c.trailing_zeros()));
        }
        (DivU, c) if c.is_power_of_two() => {
            return with_const(Op::Binary(ty, ShrU), a, ty, u64::from(c.trailing_zeros()));
        }
        (RemU, c) if c.is_power_of_two() => return with_const(Op::Binary(ty, And), a, ty, c - 1),
        _ => {}
    }
    let Some(inner) = func.def_inst(a) else { return Simplified::Keep };
    let Op::Binary(_, inner_kind) = inner.op else { return Simplified::Keep };
    let (x, Some(d)) = (func.resolve(inner.args[0]), func.constant(func.resolve(inner.args[1]))) else {
        return Simplified::Keep;
    };
    let d = d & mask(ty);
    match (inner_kind, kind) {
        (Add, Add) => with_const(Op::Binary(ty, Add), x, ty, d.wrapping_add(c) & mask(ty)),
        (And, And) => with_const(Op::Binary(ty, And), x, ty, c & d),
        (Or, Or) => with_const(Op::Binary(ty, Or), x, ty, c | d),
        (Xor, Xor) => with_const(Op::Binary(ty, Xor), x, ty, c ^ d),
        // The pairs of shifts that stand for extensions in code built without sign-extension instructions.
        (Shl, ShrS) if c == d && c == width - 8 => {
            Simplified::Op(Op::Unary(ty, UnaryKind::Extend8), smallvec![Operand::Value(x)])
        }
        (Shl, ShrS) if c == d && c == width - 16 => {
            Simplified::Op(Op::Unary(ty, UnaryKind::Extend16), smallvec![Operand::Value(x)])
        }
        (Shl, ShrS) if c == d && c == 32 => {
            Simplified::Op(Op::Unary(ty, UnaryKind::Extend32), smallvec![Operand::Value(x)])
        }
        (Shl, ShrU) if c == d && c < width => with_const(Op::Binary(ty, And), x, ty, mask(ty) >> c),
        _ => Simplified::Keep,
    }
}

/// The comparison that is true when `kind` is false; none for float orderings, which are false on NaN.
pub(super) fn inverse(kind: CompareKind) -> Option<CompareKind> {
    use CompareKind::*;
    Some(match kind {
        Eq => Ne,
        Ne => Eq,
        LtS => GeS,
        LtU => GeU,
        GtS => LeS,
        GtU => LeU,
        LeS => GtS,
        LeU => GtU,
        GeS => LtS,
        GeU => LtU,
        Lt | Gt | Le | Ge => return None,
    })
}

/// The comparison with its operands exchanged.
fn mirrored(kind: CompareKind) -> CompareKind {
    use CompareKind::*;
    match kind {
        Eq | Ne => kind,
        LtS => GtS,
        LtU => GtU,
        GtS => LtS,
        GtU => LtU,
        LeS => GeS,
        LeU => GeU,
        GeS => LeS,
        GeU => LeU,
        Lt => Gt,
        Gt => Lt,
        Le => Ge,
        Ge => Le,
    }
}

fn compare(func: &Function, ty: Type, kind: CompareKind, a: Value, b: Value) -> Simplified {
    let (ca, cb) = (func.constant(a), func.constant(b));
    if let (Some(x), Some(y)) = (ca, cb) {
        return Simplified::Const(Type::I32, u64::from(eval::compare(ty, kind, x, y)));
    }
    if ty.is_float() {
        return Simplified::Keep;
    }
    if let (Some(bits), None) = (ca, cb) {
        return with_const(Op::Compare(ty, mirrored(kind)), b, ty, bits);
    }
    if a == b {
        use CompareKind::*;
        return Simplified::Const(Type::I32, u64::from(matches!(kind, Eq | LeS | LeU | GeS | GeU)));
    }
    if cb == Some(0) {
        return compare_zero(func, ty, kind, a);
    }
    Simplified::Keep
}

fn compare_zero(func: &Function, ty: Type, kind: CompareKind, a: Value) -> Simplified {
    match kind {
        CompareKind::LtU => return Simplified::Const(Type::I32, 0),
        CompareKind::GeU => return Simplified::Const(Type::I32, 1),
        CompareKind::GtU => return with_const(Op::Compare(ty, CompareKind::Ne), a, ty, 0),
        CompareKind::LeU => return with_const(Op::Compare(ty, CompareKind::Eq), a, ty, 0),
        _ => {}
    }
    // A comparison's result compared with zero is the comparison or its inverse.
    if let Some(inst) = func.def_inst(a)
        && let Op::Compare(inner_ty, inner) = inst.op
    {
        let operands = inst.args.iter().map(|v| Operand::Value(func.resolve(*v))).collect();
        match kind {
            CompareKind::Ne => return Simplified::Value(a),
            CompareKind::Eq if inner_ty.is_float() && !matches!(inner, CompareKind::Eq | CompareKind::Ne) => {}
            CompareKind::Eq => {
                if let Some(inverse) = inverse(inner) {
                    return Simplified::Op(Op::Compare(inner_ty, inverse), operands);
                }
            }
            _ => {}
        }
    }
    Simplified::Keep
}

fn convert(func: &Function, kind: ConvertKind, a: Value) -> Simplified {
    if let Some(bits) = func.constant(a) {
        return match eval::convert(kind, bits) {
            // A reinterpreted constant keeps its bits, NaN or not.
            Ok(bits) if matches!(kind, ConvertKind::ReinterpretI32 | ConvertKind::ReinterpretI64) => {
                Simplified::Const(kind.to(), bits)
            }
            Ok(bits) => constant(kind.to(), bits),
            Err(_) => Simplified::Keep,
        };
    }
    let Some(inst) = func.def_inst(a) else { return Simplified::Keep };
    let Op::Convert(inner) = inst.op else { return Simplified::Keep };
    use ConvertKind::*;
    match (inner, kind) {
        (ExtendI32S | ExtendI32U, WrapI64)
        | (ReinterpretF32, ReinterpretI32)
        | (ReinterpretF64, ReinterpretI64)
        | (ReinterpretI32, ReinterpretF32)
        | (ReinterpretI64, ReinterpretF64) => Simplified::Value(func.resolve(inst.args[0])),
        _ => Simplified::Keep,
    }
}

fn select(func: &Function, args: &[Value]) -> Simplified {
    match func.constant(args[2]) {
        Some(bits) if bits as u32 != 0 => Simplified::Value(args[0]),
        Some(_) => Simplified::Value(args[1]),
        None if args[0] == args[1] => Simplified::Value(args[0]),
        None => Simplified::Keep,
    }
}
