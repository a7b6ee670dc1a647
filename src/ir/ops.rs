//! The operation tables.
//!
//! An operation's type says at which width it works: `Binary(I32, Add)` and `Binary(F64, Add)` are one kind.
//! Comparisons and tests give an `I32` that is 0 or 1.

use super::simd::{Shape, VectorOp};
use super::types::Type;
use crate::wasm::{DataIndex, ElemIndex, FuncIndex, GlobalIndex, TableIndex, TypeIndex};

/// Declares a kind enum with the name of each row in the text form.
macro_rules! kinds {
    ($(#[$outer:meta])* $enum:ident { $($(#[$doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($(#[$doc])* $name,)* }

        impl $enum {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [$enum] = &[$($enum::$name,)*];

            /// Name in the text form.
            pub fn name(self) -> &'static str {
                match self { $($enum::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// One operand, result of the same type.
    UnaryKind {
        /// Count leading zeros (integers).
        Clz = "clz",
        /// Count trailing zeros (integers).
        Ctz = "ctz",
        /// Count ones (integers).
        Popcnt = "popcnt",
        /// Sign-extend the low 8 bits (integers).
        Extend8 = "extend8",
        /// Sign-extend the low 16 bits (integers).
        Extend16 = "extend16",
        /// Sign-extend the low 32 bits (I64).
        Extend32 = "extend32",
        /// Clear the sign bit (floats).
        Abs = "abs",
        /// Flip the sign bit (floats).
        Neg = "neg",
        /// Square root (floats).
        Sqrt = "sqrt",
        /// Round up (floats).
        Ceil = "ceil",
        /// Round down (floats).
        Floor = "floor",
        /// Round towards zero (floats).
        Trunc = "trunc",
        /// Round to nearest, ties to even (floats).
        Nearest = "nearest",
    }
}

kinds! {
    /// Two operands, result of the same type.
    BinaryKind {
        /// Addition (integers wrap).
        Add = "add",
        /// Subtraction.
        Sub = "sub",
        /// Multiplication.
        Mul = "mul",
        /// Float division.
        Div = "div",
        /// Signed integer division; traps.
        DivS = "div_s",
        /// Unsigned integer division; traps.
        DivU = "div_u",
        /// Signed remainder; traps on zero.
        RemS = "rem_s",
        /// Unsigned remainder; traps on zero.
        RemU = "rem_u",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// Shift left, count modulo width.
        Shl = "shl",
        /// Arithmetic shift right, count modulo width.
        ShrS = "shr_s",
        /// Logical shift right, count modulo width.
        ShrU = "shr_u",
        /// Rotate left, count modulo width.
        Rotl = "rotl",
        /// Rotate right, count modulo width.
        Rotr = "rotr",
        /// Float minimum (NaN wins, -0 < 0).
        Min = "min",
        /// Float maximum (NaN wins, -0 < 0).
        Max = "max",
        /// Magnitude of the first, sign of the second.
        Copysign = "copysign",
    }
}

kinds! {
    /// What an atomic read-modify-write makes of the old value and its operand.
    RmwKind {
        /// Sum.
        Add = "add",
        /// Difference.
        Sub = "sub",
        /// Bitwise and.
        And = "and",
        /// Bitwise or.
        Or = "or",
        /// Bitwise exclusive or.
        Xor = "xor",
        /// The operand.
        Xchg = "xchg",
    }
}

kinds! {
    /// Two operands of one type, result I32 (0 or 1).
    CompareKind {
        /// Equal (any type).
        Eq = "eq",
        /// Not equal (any type).
        Ne = "ne",
        /// Signed less.
        LtS = "lt_s",
        /// Unsigned less.
        LtU = "lt_u",
        /// Signed greater.
        GtS = "gt_s",
        /// Unsigned greater.
        GtU = "gt_u",
        /// Signed less or equal.
        LeS = "le_s",
        /// Unsigned less or equal.
        LeU = "le_u",
        /// Signed greater or equal.
        GeS = "ge_s",
        /// Unsigned greater or equal.
        GeU = "ge_u",
        /// Float less (false on NaN).
        Lt = "lt",
        /// Float greater (false on NaN).
        Gt = "gt",
        /// Float less or equal (false on NaN).
        Le = "le",
        /// Float greater or equal (false on NaN).
        Ge = "ge",
    }
}

/// Declares the conversions: row name, operand type, result type, text form.
macro_rules! conversions {
    ($($(#[$doc:meta])* $name:ident : $from:ident -> $to:ident = $text:literal,)*) => {
        /// One operand of another type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ConvertKind { $($(#[$doc])* $name,)* }

        impl ConvertKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [ConvertKind] = &[$(ConvertKind::$name,)*];

            /// Name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(ConvertKind::$name => $text,)* }
            }

            /// Type of the operand.
            pub fn from(self) -> Type {
                match self { $(ConvertKind::$name => Type::$from,)* }
            }

            /// Type of the result.
            pub fn to(self) -> Type {
                match self { $(ConvertKind::$name => Type::$to,)* }
            }
        }
    };
}

conversions! {
    /// Low 32 bits.
    WrapI64: I64 -> I32 = "i32.wrap_i64",
    /// Sign extension.
    ExtendI32S: I32 -> I64 = "i64.extend_i32_s",
    /// Zero extension.
    ExtendI32U: I32 -> I64 = "i64.extend_i32_u",
    /// Truncation that traps on NaN and overflow.
    TruncF32SI32: F32 -> I32 = "i32.trunc_f32_s",
    /// Truncation that traps on NaN and overflow.
    TruncF32UI32: F32 -> I32 = "i32.trunc_f32_u",
    /// Truncation that traps on NaN and overflow.
    TruncF64SI32: F64 -> I32 = "i32.trunc_f64_s",
    /// Truncation that traps on NaN and overflow.
    TruncF64UI32: F64 -> I32 = "i32.trunc_f64_u",
    /// Truncation that traps on NaN and overflow.
    TruncF32SI64: F32 -> I64 = "i64.trunc_f32_s",
    /// Truncation that traps on NaN and overflow.
    TruncF32UI64: F32 -> I64 = "i64.trunc_f32_u",
    /// Truncation that traps on NaN and overflow.
    TruncF64SI64: F64 -> I64 = "i64.trunc_f64_s",
    /// Truncation that traps on NaN and overflow.
    TruncF64UI64: F64 -> I64 = "i64.trunc_f64_u",
    /// Saturating truncation.
    SatF32SI32: F32 -> I32 = "i32.trunc_sat_f32_s",
    /// Saturating truncation.
    SatF32UI32: F32 -> I32 = "i32.trunc_sat_f32_u",
    /// Saturating truncation.
    SatF64SI32: F64 -> I32 = "i32.trunc_sat_f64_s",
    /// Saturating truncation.
    SatF64UI32: F64 -> I32 = "i32.trunc_sat_f64_u",
    /// Saturating truncation.
    SatF32SI64: F32 -> I64 = "i64.trunc_sat_f32_s",
    /// Saturating truncation.
    SatF32UI64: F32 -> I64 = "i64.trunc_sat_f32_u",
    /// Saturating truncation.
    SatF64SI64: F64 -> I64 = "i64.trunc_sat_f64_s",
    /// Saturating truncation.
    SatF64UI64: F64 -> I64 = "i64.trunc_sat_f64_u",
    /// Signed integer to float.
    ConvertI32SF32: I32 -> F32 = "f32.convert_i32_s",
    /// Unsigned integer to float.
    ConvertI32UF32: I32 -> F32 = "f32.convert_i32_u",
    /// Signed integer to float.
    ConvertI64SF32: I64 -> F32 = "f32.convert_i64_s",
    /// Unsigned integer to float.
    ConvertI64UF32: I64 -> F32 = "f32.convert_i64_u",
    /// Signed integer to float.
    ConvertI32SF64: I32 -> F64 = "f64.convert_i32_s",
    /// Unsigned integer to float.
    ConvertI32UF64: I32 -> F64 = "f64.convert_i32_u",
    /// Signed integer to float.
    ConvertI64SF64: I64 -> F64 = "f64.convert_i64_s",
    /// Unsigned integer to float.
    ConvertI64UF64: I64 -> F64 = "f64.convert_i64_u",
    /// Rounding to the smaller float.
    DemoteF64: F64 -> F32 = "f32.demote_f64",
    /// Exact widening.
    PromoteF32: F32 -> F64 = "f64.promote_f32",
    /// Same bits.
    ReinterpretF32: F32 -> I32 = "i32.reinterpret_f32",
    /// Same bits.
    ReinterpretF64: F64 -> I64 = "i64.reinterpret_f64",
    /// Same bits.
    ReinterpretI32: I32 -> F32 = "f32.reinterpret_i32",
    /// Same bits.
    ReinterpretI64: I64 -> F64 = "f64.reinterpret_i64",
}

/// Declares access kinds: row name, value type, bytes in memory, text form.
macro_rules! accesses {
    ($(#[$outer:meta])* $enum:ident { $($name:ident : $ty:ident, $bytes:literal = $text:literal,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $enum { $($name,)* }

        impl $enum {
            /// Type of the value in the register.
            pub fn ty(self) -> Type {
                match self { $($enum::$name => Type::$ty,)* }
            }

            /// Bytes accessed.
            pub fn bytes(self) -> u32 {
                match self { $($enum::$name => $bytes,)* }
            }

            /// Name in the text form.
            pub fn name(self) -> &'static str {
                match self { $($enum::$name => $text,)* }
            }
        }
    };
}

accesses! {
    /// Loads from linear memory; narrow ones extend as their name says.
    LoadKind {
        I32: I32, 4 = "i32.load",
        I64: I64, 8 = "i64.load",
        F32: F32, 4 = "f32.load",
        F64: F64, 8 = "f64.load",
        I32S8: I32, 1 = "i32.load8_s",
        I32U8: I32, 1 = "i32.load8_u",
        I32S16: I32, 2 = "i32.load16_s",
        I32U16: I32, 2 = "i32.load16_u",
        I64S8: I64, 1 = "i64.load8_s",
        I64U8: I64, 1 = "i64.load8_u",
        I64S16: I64, 2 = "i64.load16_s",
        I64U16: I64, 2 = "i64.load16_u",
        I64S32: I64, 4 = "i64.load32_s",
        I64U32: I64, 4 = "i64.load32_u",
        V128: V128, 16 = "v128.load",
        V128S8x8: V128, 8 = "v128.load8x8_s",
        V128U8x8: V128, 8 = "v128.load8x8_u",
        V128S16x4: V128, 8 = "v128.load16x4_s",
        V128U16x4: V128, 8 = "v128.load16x4_u",
        V128S32x2: V128, 8 = "v128.load32x2_s",
        V128U32x2: V128, 8 = "v128.load32x2_u",
        V128Splat8: V128, 1 = "v128.load8_splat",
        V128Splat16: V128, 2 = "v128.load16_splat",
        V128Splat32: V128, 4 = "v128.load32_splat",
        V128Splat64: V128, 8 = "v128.load64_splat",
        V128Zero32: V128, 4 = "v128.load32_zero",
        V128Zero64: V128, 8 = "v128.load64_zero",
    }
}

accesses! {
    /// Stores to linear memory; narrow ones keep the low bits.
    StoreKind {
        I32: I32, 4 = "i32.store",
        I64: I64, 8 = "i64.store",
        F32: F32, 4 = "f32.store",
        F64: F64, 8 = "f64.store",
        I32As8: I32, 1 = "i32.store8",
        I32As16: I32, 2 = "i32.store16",
        I64As8: I64, 1 = "i64.store8",
        I64As16: I64, 2 = "i64.store16",
        I64As32: I64, 4 = "i64.store32",
        V128: V128, 16 = "v128.store",
    }
}

/// An instruction's operation. Operands are in `args` in the order given here; results in `results`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `() -> ty`: a constant by its bits (upper half zero for 32-bit types; null is `Ref` 0; a vector of zeros is `V128` 0).
    Const(Type, u64),
    /// `(ty) -> ty`
    Unary(Type, UnaryKind),
    /// `(ty, ty) -> ty`
    Binary(Type, BinaryKind),
    /// `(ty, ty) -> i32`
    Compare(Type, CompareKind),
    /// `(from) -> to`
    Convert(ConvertKind),
    /// `(ty if non-zero, ty if zero, i32) -> ty`
    Select(Type),
    /// `(i32 address) -> value`; the effective address is the 33-bit sum with the offset.
    Load(LoadKind, u32),
    /// `(i32 address, value) -> ()`
    Store(StoreKind, u32),
    /// As its row says.
    Vector(VectorOp),
    /// `() -> v128`: a constant that is not zero.
    VectorConst([u8; 16]),
    /// `(v128, v128) -> v128`: bytes of both by their numbers.
    Shuffle([u8; 16]),
    /// `(v128) -> lane`: a lane, sign-extended if asked for and narrow.
    ExtractLane(Shape, bool, u8),
    /// `(v128, lane) -> v128`
    ReplaceLane(Shape, u8),
    /// `(i32 address, v128) -> v128`: replaces a lane by what is read.
    LoadLane(Shape, u8, u32),
    /// `(i32 address, v128) -> ()`: writes a lane.
    StoreLane(Shape, u8, u32),
    /// `(i32 address) -> value`: sequentially consistent, as all atomic accesses; narrow ones extend with zeros.
    AtomicLoad(LoadKind, u32),
    /// `(i32 address, value) -> ()`
    AtomicStore(StoreKind, u32),
    /// `(i32 address, value) -> old value`; the kind names width and type.
    AtomicRmw(RmwKind, LoadKind, u32),
    /// `(i32 address, expected, replacement) -> old value`
    AtomicCmpxchg(LoadKind, u32),
    /// `() -> ()`
    AtomicFence,
    /// `(i32 address, expected, i64 timeout) -> i32`: waits on 32 or 64 bits.
    AtomicWait(Type, u32),
    /// `(i32 address, i32 count) -> i32`
    AtomicNotify(u32),
    /// `() -> ty`
    GlobalGet(GlobalIndex),
    /// `(ty) -> ()`
    GlobalSet(GlobalIndex),
    /// `(args...) -> results...`
    Call(FuncIndex),
    /// `(args..., i32 index) -> results...`; the type is that of the module's type section.
    CallIndirect(TableIndex, TypeIndex),
    /// `() -> ref`
    RefFunc(FuncIndex),
    /// `() -> i32` in pages
    MemorySize,
    /// `(i32 pages) -> i32`
    MemoryGrow,
    /// `(dst, value, len) -> ()`
    MemoryFill,
    /// `(dst, src, len) -> ()`
    MemoryCopy,
    /// `(dst, src, len) -> ()`
    MemoryInit(DataIndex),
    /// `() -> ()`
    DataDrop(DataIndex),
    /// `(i32) -> ref`
    TableGet(TableIndex),
    /// `(i32, ref) -> ()`
    TableSet(TableIndex),
    /// `() -> i32`
    TableSize(TableIndex),
    /// `(ref, i32) -> i32`
    TableGrow(TableIndex),
    /// `(dst, ref, len) -> ()`
    TableFill(TableIndex),
    /// `(dst, src, len) -> ()`: destination table first.
    TableCopy(TableIndex, TableIndex),
    /// `(dst, src, len) -> ()`
    TableInit(TableIndex, ElemIndex),
    /// `() -> ()`
    ElemDrop(ElemIndex),
    /// `() -> ()`: traps if the interrupt flag is set; stands at loop heads if polling was asked for.
    Poll,
}

impl Op {
    /// Whether two instances with equal operands give equal results, with no effect and no trap.
    pub fn is_pure(self) -> bool {
        match self {
            Op::Binary(_, kind) => {
                !matches!(kind, BinaryKind::DivS | BinaryKind::DivU | BinaryKind::RemS | BinaryKind::RemU)
            }
            Op::Convert(kind) => !kind.traps(),
            Op::Const(..) | Op::Unary(..) | Op::Compare(..) | Op::Select(_) | Op::RefFunc(_) => true,
            Op::Vector(_) | Op::VectorConst(_) | Op::Shuffle(_) | Op::ExtractLane(..) | Op::ReplaceLane(..) => true,
            _ => false,
        }
    }

    /// Whether the instruction may be dropped when its results are not used.
    pub fn is_removable(self) -> bool {
        self.is_pure() || matches!(self, Op::GlobalGet(_) | Op::MemorySize | Op::TableSize(_))
    }
}

impl ConvertKind {
    /// Whether the conversion traps on some operands.
    pub fn traps(self) -> bool {
        use ConvertKind::*;
        matches!(
            self,
            TruncF32SI32
                | TruncF32UI32
                | TruncF64SI32
                | TruncF64UI32
                | TruncF32SI64
                | TruncF32UI64
                | TruncF64SI64
                | TruncF64UI64
        )
    }
}
