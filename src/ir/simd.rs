//! The vector operations without immediates: one row each.
//!
//! Rows have the names that the parser gives the operators, so that one table serves translation, selection, meaning
//! ([`super::eval::vector`]) and tests. Operations with lanes or constants are rows of [`super::ops::Op`].

use super::types::Type;

/// Declares the operations: row name, operand types, result type, text form.
macro_rules! vector_ops {
    ($($name:ident ($($arg:ident),*) -> $result:ident = $text:literal;)*) => {
        /// A vector operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum VectorOp { $($name,)* }

        impl VectorOp {
            /// Every operation, in the order of the table.
            pub const ALL: &'static [VectorOp] = &[$(VectorOp::$name,)*];

            /// Name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(VectorOp::$name => $text,)* }
            }

            /// Types of the operands.
            pub fn args(self) -> &'static [Type] {
                match self { $(VectorOp::$name => &[$(Type::$arg),*],)* }
            }

            /// Type of the result.
            pub fn result(self) -> Type {
                match self { $(VectorOp::$name => Type::$result,)* }
            }
        }
    };
}

/// How a vector is divided into lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Shape {
    I8x16,
    I16x8,
    I32x4,
    I64x2,
    F32x4,
    F64x2,
}

impl Shape {
    /// Type of a lane outside of the vector.
    pub fn lane(self) -> Type {
        match self {
            Shape::I8x16 | Shape::I16x8 | Shape::I32x4 => Type::I32,
            Shape::I64x2 => Type::I64,
            Shape::F32x4 => Type::F32,
            Shape::F64x2 => Type::F64,
        }
    }

    /// Bytes of a lane.
    pub fn lane_bytes(self) -> u32 {
        match self {
            Shape::I8x16 => 1,
            Shape::I16x8 => 2,
            Shape::I32x4 | Shape::F32x4 => 4,
            Shape::I64x2 | Shape::F64x2 => 8,
        }
    }
}

// The relaxed operations come last. Their choices are the same on every CPU: see `eval::vector`.
/// Hands the table to a macro.
macro_rules! with_vector_ops {
    ($callback:ident) => {
        $callback! {
            I8x16Swizzle (V128, V128) -> V128 = "i8x16.swizzle";
            I8x16Splat (I32) -> V128 = "i8x16.splat";
            I16x8Splat (I32) -> V128 = "i16x8.splat";
            I32x4Splat (I32) -> V128 = "i32x4.splat";
            I64x2Splat (I64) -> V128 = "i64x2.splat";
            F32x4Splat (F32) -> V128 = "f32x4.splat";
            F64x2Splat (F64) -> V128 = "f64x2.splat";
            I8x16Eq (V128, V128) -> V128 = "i8x16.eq";
            I8x16Ne (V128, V128) -> V128 = "i8x16.ne";
            I8x16LtS (V128, V128) -> V128 = "i8x16.lt_s";
            I8x16LtU (V128, V128) -> V128 = "i8x16.lt_u";
            I8x16GtS (V128, V128) -> V128 = "i8x16.gt_s";
            I8x16GtU (V128, V128) -> V128 = "i8x16.gt_u";
            I8x16LeS (V128, V128) -> V128 = "i8x16.le_s";
            I8x16LeU (V128, V128) -> V128 = "i8x16.le_u";
            I8x16GeS (V128, V128) -> V128 = "i8x16.ge_s";
            I8x16GeU (V128, V128) -> V128 = "i8x16.ge_u";
            I16x8Eq (V128, V128) -> V128 = "i16x8.eq";
            I16x8Ne (V128, V128) -> V128 = "i16x8.ne";
            I16x8LtS (V128, V128) -> V128 = "i16x8.lt_s";
            I16x8LtU (V128, V128) -> V128 = "i16x8.lt_u";
            I16x8GtS (V128, V128) -> V128 = "i16x8.gt_s";
            I16x8GtU (V128, V128) -> V128 = "i16x8.gt_u";
            I16x8LeS (V128, V128) -> V128 = "i16x8.le_s";
            I16x8LeU (V128, V128) -> V128 = "i16x8.le_u";
            I16x8GeS (V128, V128) -> V128 = "i16x8.ge_s";
            I16x8GeU (V128, V128) -> V128 = "i16x8.ge_u";
            I32x4Eq (V128, V128) -> V128 = "i32x4.eq";
            I32x4Ne (V128, V128) -> V128 = "i32x4.ne";
            I32x4LtS (V128, V128) -> V128 = "i32x4.lt_s";
            I32x4LtU (V128, V128) -> V128 = "i32x4.lt_u";
            I32x4GtS (V128, V128) -> V128 = "i32x4.gt_s";
            I32x4GtU (V128, V128) -> V128 = "i32x4.gt_u";
            I32x4LeS (V128, V128) -> V128 = "i32x4.le_s";
            I32x4LeU (V128, V128) -> V128 = "i32x4.le_u";
            I32x4GeS (V128, V128) -> V128 = "i32x4.ge_s";
            I32x4GeU (V128, V128) -> V128 = "i32x4.ge_u";
            I64x2Eq (V128, V128) -> V128 = "i64x2.eq";
            I64x2Ne (V128, V128) -> V128 = "i64x2.ne";
            I64x2LtS (V128, V128) -> V128 = "i64x2.lt_s";
            I64x2GtS (V128, V128) -> V128 = "i64x2.gt_s";
            I64x2LeS (V128, V128) -> V128 = "i64x2.le_s";
            I64x2GeS (V128, V128) -> V128 = "i64x2.ge_s";
            F32x4Eq (V128, V128) -> V128 = "f32x4.eq";
            F32x4Ne (V128, V128) -> V128 = "f32x4.ne";
            F32x4Lt (V128, V128) -> V128 = "f32x4.lt";
            F32x4Gt (V128, V128) -> V128 = "f32x4.gt";
            F32x4Le (V128, V128) -> V128 = "f32x4.le";
            F32x4Ge (V128, V128) -> V128 = "f32x4.ge";
            F64x2Eq (V128, V128) -> V128 = "f64x2.eq";
            F64x2Ne (V128, V128) -> V128 = "f64x2.ne";
            F64x2Lt (V128, V128) -> V128 = "f64x2.lt";
            F64x2Gt (V128, V128) -> V128 = "f64x2.gt";
            F64x2Le (V128, V128) -> V128 = "f64x2.le";
            F64x2Ge (V128, V128) -> V128 = "f64x2.ge";
            V128Not (V128) -> V128 = "v128.not";
            V128And (V128, V128) -> V128 = "v128.and";
            V128AndNot (V128, V128) -> V128 = "v128.andnot";
            V128Or (V128, V128) -> V128 = "v128.or";
            V128Xor (V128, V128) -> V128 = "v128.xor";
            V128Bitselect (V128, V128, V128) -> V128 = "v128.bitselect";
            V128AnyTrue (V128) -> I32 = "v128.any_true";
            I8x16Abs (V128) -> V128 = "i8x16.abs";
            I8x16Neg (V128) -> V128 = "i8x16.neg";
            I8x16Popcnt (V128) -> V128 = "i8x16.popcnt";
            I8x16AllTrue (V128) -> I32 = "i8x16.all_true";
            I8x16Bitmask (V128) -> I32 = "i8x16.bitmask";
            I8x16NarrowI16x8S (V128, V128) -> V128 = "i8x16.narrow_i16x8_s";
            I8x16NarrowI16x8U (V128, V128) -> V128 = "i8x16.narrow_i16x8_u";
            I8x16Shl (V128, I32) -> V128 = "i8x16.shl";
            I8x16ShrS (V128, I32) -> V128 = "i8x16.shr_s";
            I8x16ShrU (V128, I32) -> V128 = "i8x16.shr_u";
            I8x16Add (V128, V128) -> V128 = "i8x16.add";
            I8x16AddSatS (V128, V128) -> V128 = "i8x16.add_sat_s";
            I8x16AddSatU (V128, V128) -> V128 = "i8x16.add_sat_u";
            I8x16Sub (V128, V128) -> V128 = "i8x16.sub";
            I8x16SubSatS (V128, V128) -> V128 = "i8x16.sub_sat_s";
            I8x16SubSatU (V128, V128) -> V128 = "i8x16.sub_sat_u";
            I8x16MinS (V128, V128) -> V128 = "i8x16.min_s";
            I8x16MinU (V128, V128) -> V128 = "i8x16.min_u";
            I8x16MaxS (V128, V128) -> V128 = "i8x16.max_s";
            I8x16MaxU (V128, V128) -> V128 = "i8x16.max_u";
            I8x16AvgrU (V128, V128) -> V128 = "i8x16.avgr_u";
            I16x8ExtAddPairwiseI8x16S (V128) -> V128 = "i16x8.extadd_pairwise_i8x16_s";
            I16x8ExtAddPairwiseI8x16U (V128) -> V128 = "i16x8.extadd_pairwise_i8x16_u";
            I16x8Abs (V128) -> V128 = "i16x8.abs";
            I16x8Neg (V128) -> V128 = "i16x8.neg";
            I16x8Q15MulrSatS (V128, V128) -> V128 = "i16x8.q15mulr_sat_s";
            I16x8AllTrue (V128) -> I32 = "i16x8.all_true";
            I16x8Bitmask (V128) -> I32 = "i16x8.bitmask";
            I16x8NarrowI32x4S (V128, V128) -> V128 = "i16x8.narrow_i32x4_s";
            I16x8NarrowI32x4U (V128, V128) -> V128 = "i16x8.narrow_i32x4_u";
            I16x8ExtendLowI8x16S (V128) -> V128 = "i16x8.extend_low_i8x16_s";
            I16x8ExtendHighI8x16S (V128) -> V128 = "i16x8.extend_high_i8x16_s";
            I16x8ExtendLowI8x16U (V128) -> V128 = "i16x8.extend_low_i8x16_u";
            I16x8ExtendHighI8x16U (V128) -> V128 = "i16x8.extend_high_i8x16_u";
            I16x8Shl (V128, I32) -> V128 = "i16x8.shl";
            I16x8ShrS (V128, I32) -> V128 = "i16x8.shr_s";
            I16x8ShrU (V128, I32) -> V128 = "i16x8.shr_u";
            I16x8Add (V128, V128) -> V128 = "i16x8.add";
            I16x8AddSatS (V128, V128) -> V128 = "i16x8.add_sat_s";
            I16x8AddSatU (V128, V128) -> V128 = "i16x8.add_sat_u";
            I16x8Sub (V128, V128) -> V128 = "i16x8.sub";
            I16x8SubSatS (V128, V128) -> V128 = "i16x8.sub_sat_s";
            I16x8SubSatU (V128, V128) -> V128 = "i16x8.sub_sat_u";
            I16x8Mul (V128, V128) -> V128 = "i16x8.mul";
            I16x8MinS (V128, V128) -> V128 = "i16x8.min_s";
            I16x8MinU (V128, V128) -> V128 = "i16x8.min_u";
            I16x8MaxS (V128, V128) -> V128 = "i16x8.max_s";
            I16x8MaxU (V128, V128) -> V128 = "i16x8.max_u";
            I16x8AvgrU (V128, V128) -> V128 = "i16x8.avgr_u";
            I16x8ExtMulLowI8x16S (V128, V128) -> V128 = "i16x8.extmul_low_i8x16_s";
            I16x8ExtMulHighI8x16S (V128, V128) -> V128 = "i16x8.extmul_high_i8x16_s";
            I16x8ExtMulLowI8x16U (V128, V128) -> V128 = "i16x8.extmul_low_i8x16_u";
            I16x8ExtMulHighI8x16U (V128, V128) -> V128 = "i16x8.extmul_high_i8x16_u";
            I32x4ExtAddPairwiseI16x8S (V128) -> V128 = "i32x4.extadd_pairwise_i16x8_s";
            I32x4ExtAddPairwiseI16x8U (V128) -> V128 = "i32x4.extadd_pairwise_i16x8_u";
            I32x4Abs (V128) -> V128 = "i32x4.abs";
            I32x4Neg (V128) -> V128 = "i32x4.neg";
            I32x4AllTrue (V128) -> I32 = "i32x4.all_true";
            I32x4Bitmask (V128) -> I32 = "i32x4.bitmask";
            I32x4ExtendLowI16x8S (V128) -> V128 = "i32x4.extend_low_i16x8_s";
            I32x4ExtendHighI16x8S (V128) -> V128 = "i32x4.extend_high_i16x8_s";
            I32x4ExtendLowI16x8U (V128) -> V128 = "i32x4.extend_low_i16x8_u";
            I32x4ExtendHighI16x8U (V128) -> V128 = "i32x4.extend_high_i16x8_u";
            I32x4Shl (V128, I32) -> V128 = "i32x4.shl";
            I32x4ShrS (V128, I32) -> V128 = "i32x4.shr_s";
            I32x4ShrU (V128, I32) -> V128 = "i32x4.shr_u";
            I32x4Add (V128, V128) -> V128 = "i32x4.add";
            I32x4Sub (V128, V128) -> V128 = "i32x4.sub";
            I32x4Mul (V128, V128) -> V128 = "i32x4.mul";
            I32x4MinS (V128, V128) -> V128 = "i32x4.min_s";
            I32x4MinU (V128, V128) -> V128 = "i32x4.min_u";
            I32x4MaxS (V128, V128) -> V128 = "i32x4.max_s";
            I32x4MaxU (V128, V128) -> V128 = "i32x4.max_u";
            I32x4DotI16x8S (V128, V128) -> V128 = "i32x4.dot_i16x8_s";
            I32x4ExtMulLowI16x8S (V128, V128) -> V128 = "i32x4.extmul_low_i16x8_s";
            I32x4ExtMulHighI16x8S (V128, V128) -> V128 = "i32x4.extmul_high_i16x8_s";
            I32x4ExtMulLowI16x8U (V128, V128) -> V128 = "i32x4.extmul_low_i16x8_u";
            I32x4ExtMulHighI16x8U (V128, V128) -> V128 = "i32x4.extmul_high_i16x8_u";
            I64x2Abs (V128) -> V128 = "i64x2.abs";
            I64x2Neg (V128) -> V128 = "i64x2.neg";
            I64x2AllTrue (V128) -> I32 = "i64x2.all_true";
            I64x2Bitmask (V128) -> I32 = "i64x2.bitmask";
            I64x2ExtendLowI32x4S (V128) -> V128 = "i64x2.extend_low_i32x4_s";
            I64x2ExtendHighI32x4S (V128) -> V128 = "i64x2.extend_high_i32x4_s";
            I64x2ExtendLowI32x4U (V128) -> V128 = "i64x2.extend_low_i32x4_u";
            I64x2ExtendHighI32x4U (V128) -> V128 = "i64x2.extend_high_i32x4_u";
            I64x2Shl (V128, I32) -> V128 = "i64x2.shl";
            I64x2ShrS (V128, I32) -> V128 = "i64x2.shr_s";
            I64x2ShrU (V128, I32) -> V128 = "i64x2.shr_u";
            I64x2Add (V128, V128) -> V128 = "i64x2.add";
            I64x2Sub (V128, V128) -> V128 = "i64x2.sub";
            I64x2Mul (V128, V128) -> V128 = "i64x2.mul";
            I64x2ExtMulLowI32x4S (V128, V128) -> V128 = "i64x2.extmul_low_i32x4_s";
            I64x2ExtMulHighI32x4S (V128, V128) -> V128 = "i64x2.extmul_high_i32x4_s";
            I64x2ExtMulLowI32x4U (V128, V128) -> V128 = "i64x2.extmul_low_i32x4_u";
            I64x2ExtMulHighI32x4U (V128, V128) -> V128 = "i64x2.extmul_high_i32x4_u";
            F32x4Ceil (V128) -> V128 = "f32x4.ceil";
            F32x4Floor (V128) -> V128 = "f32x4.floor";
            F32x4Trunc (V128) -> V128 = "f32x4.trunc";
            F32x4Nearest (V128) -> V128 = "f32x4.nearest";
            F32x4Abs (V128) -> V128 = "f32x4.abs";
            F32x4Neg (V128) -> V128 = "f32x4.neg";
            F32x4Sqrt (V128) -> V128 = "f32x4.sqrt";
            F32x4Add (V128, V128) -> V128 = "f32x4.add";
            F32x4Sub (V128, V128) -> V128 = "f32x4.sub";
            F32x4Mul (V128, V128) -> V128 = "f32x4.mul";
            F32x4Div (V128, V128) -> V128 = "f32x4.div";
            F32x4Min (V128, V128) -> V128 = "f32x4.min";
            F32x4Max (V128, V128) -> V128 = "f32x4.max";
            F32x4PMin (V128, V128) -> V128 = "f32x4.pmin";
            F32x4PMax (V128, V128) -> V128 = "f32x4.pmax";
            F64x2Ceil (V128) -> V128 = "f64x2.ceil";
            F64x2Floor (V128) -> V128 = "f64x2.floor";
            F64x2Trunc (V128) -> V128 = "f64x2.trunc";
            F64x2Nearest (V128) -> V128 = "f64x2.nearest";
            F64x2Abs (V128) -> V128 = "f64x2.abs";
            F64x2Neg (V128) -> V128 = "f64x2.neg";
            F64x2Sqrt (V128) -> V128 = "f64x2.sqrt";
            F64x2Add (V128, V128) -> V128 = "f64x2.add";
            F64x2Sub (V128, V128) -> V128 = "f64x2.sub";
            F64x2Mul (V128, V128) -> V128 = "f64x2.mul";
            F64x2Div (V128, V128) -> V128 = "f64x2.div";
            F64x2Min (V128, V128) -> V128 = "f64x2.min";
            F64x2Max (V128, V128) -> V128 = "f64x2.max";
            F64x2PMin (V128, V128) -> V128 = "f64x2.pmin";
            F64x2PMax (V128, V128) -> V128 = "f64x2.pmax";
            I32x4TruncSatF32x4S (V128) -> V128 = "i32x4.trunc_sat_f32x4_s";
            I32x4TruncSatF32x4U (V128) -> V128 = "i32x4.trunc_sat_f32x4_u";
            F32x4ConvertI32x4S (V128) -> V128 = "f32x4.convert_i32x4_s";
            F32x4ConvertI32x4U (V128) -> V128 = "f32x4.convert_i32x4_u";
            I32x4TruncSatF64x2SZero (V128) -> V128 = "i32x4.trunc_sat_f64x2_s_zero";
            I32x4TruncSatF64x2UZero (V128) -> V128 = "i32x4.trunc_sat_f64x2_u_zero";
            F64x2ConvertLowI32x4S (V128) -> V128 = "f64x2.convert_low_i32x4_s";
            F64x2ConvertLowI32x4U (V128) -> V128 = "f64x2.convert_low_i32x4_u";
            F32x4DemoteF64x2Zero (V128) -> V128 = "f32x4.demote_f64x2_zero";
            F64x2PromoteLowF32x4 (V128) -> V128 = "f64x2.promote_low_f32x4";
            I8x16RelaxedSwizzle (V128, V128) -> V128 = "i8x16.relaxed_swizzle";
            I32x4RelaxedTruncF32x4S (V128) -> V128 = "i32x4.relaxed_trunc_f32x4_s";
            I32x4RelaxedTruncF32x4U (V128) -> V128 = "i32x4.relaxed_trunc_f32x4_u";
            I32x4RelaxedTruncF64x2SZero (V128) -> V128 = "i32x4.relaxed_trunc_f64x2_s_zero";
            I32x4RelaxedTruncF64x2UZero (V128) -> V128 = "i32x4.relaxed_trunc_f64x2_u_zero";
            F32x4RelaxedMadd (V128, V128, V128) -> V128 = "f32x4.relaxed_madd";
            F32x4RelaxedNmadd (V128, V128, V128) -> V128 = "f32x4.relaxed_nmadd";
            F64x2RelaxedMadd (V128, V128, V128) -> V128 = "f64x2.relaxed_madd";
            F64x2RelaxedNmadd (V128, V128, V128) -> V128 = "f64x2.relaxed_nmadd";
            I8x16RelaxedLaneselect (V128, V128, V128) -> V128 = "i8x16.relaxed_laneselect";
            I16x8RelaxedLaneselect (V128, V128, V128) -> V128 = "i16x8.relaxed_laneselect";
            I32x4RelaxedLaneselect (V128, V128, V128) -> V128 = "i32x4.relaxed_laneselect";
            I64x2RelaxedLaneselect (V128, V128, V128) -> V128 = "i64x2.relaxed_laneselect";
            F32x4RelaxedMin (V128, V128) -> V128 = "f32x4.relaxed_min";
            F32x4RelaxedMax (V128, V128) -> V128 = "f32x4.relaxed_max";
            F64x2RelaxedMin (V128, V128) -> V128 = "f64x2.relaxed_min";
            F64x2RelaxedMax (V128, V128) -> V128 = "f64x2.relaxed_max";
            I16x8RelaxedQ15mulrS (V128, V128) -> V128 = "i16x8.relaxed_q15mulr_s";
            I16x8RelaxedDotI8x16I7x16S (V128, V128) -> V128 = "i16x8.relaxed_dot_i8x16_i7x16_s";
            I32x4RelaxedDotI8x16I7x16AddS (V128, V128, V128) -> V128 = "i32x4.relaxed_dot_i8x16_i7x16_add_s";
        }
    };
}
pub(super) use with_vector_ops;

with_vector_ops!(vector_ops);
