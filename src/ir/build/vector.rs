//! Vector operators to IR.

use super::*;
use crate::ir::ops::{LoadKind as L, StoreKind as S};
use crate::ir::simd::{Shape, VectorOp, with_vector_ops};
use wasmparser::Operator;

macro_rules! translation {
    ($($name:ident ($($arg:ident),*) -> $result:ident = $text:literal;)*) => {
        /// The operation that an operator without immediates stands for.
        fn simple(operator: &Operator<'_>) -> Option<VectorOp> {
            match operator {
                $(Operator::$name => Some(VectorOp::$name),)*
                _ => None,
            }
        }
    };
}
with_vector_ops!(translation);

impl Builder<'_> {
    pub(super) fn vector(&mut self, op: &Operator<'_>) -> bool {
        if let Some(op) = simple(op) {
            let args = self.stack.split_off(self.stack.len() - op.args().len()).into_iter().collect();
            let value = self.insert(Op::Vector(op), args, op.result());
            self.stack.push(value);
            return true;
        }
        self.vector_memory(op) || self.vector_lane(op)
    }

    fn vector_memory(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::V128Load { memarg } => self.load(L::V128, memarg),
            Operator::V128Load8x8S { memarg } => self.load(L::V128S8x8, memarg),
            Operator::V128Load8x8U { memarg } => self.load(L::V128U8x8, memarg),
            Operator::V128Load16x4S { memarg } => self.load(L::V128S16x4, memarg),
            Operator::V128Load16x4U { memarg } => self.load(L::V128U16x4, memarg),
            Operator::V128Load32x2S { memarg } => self.load(L::V128S32x2, memarg),
            Operator::V128Load32x2U { memarg } => self.load(L::V128U32x2, memarg),
            Operator::V128Load8Splat { memarg } => self.load(L::V128Splat8, memarg),
            Operator::V128Load16Splat { memarg } => self.load(L::V128Splat16, memarg),
            Operator::V128Load32Splat { memarg } => self.load(L::V128Splat32, memarg),
            Operator::V128Load64Splat { memarg } => self.load(L::V128Splat64, memarg),
            Operator::V128Load32Zero { memarg } => self.load(L::V128Zero32, memarg),
            Operator::V128Load64Zero { memarg } => self.load(L::V128Zero64, memarg),
            Operator::V128Store { memarg } => self.store(S::V128, memarg),
            Operator::V128Load8Lane { memarg, lane } => self.load_lane(Shape::I8x16, lane, memarg),
            Operator::V128Load16Lane { memarg, lane } => self.load_lane(Shape::I16x8, lane, memarg),
            Operator::V128Load32Lane { memarg, lane } => self.load_lane(Shape::I32x4, lane, memarg),
            Operator::V128Load64Lane { memarg, lane } => self.load_lane(Shape::I64x2, lane, memarg),
            Operator::V128Store8Lane { memarg, lane } => self.store_lane(Shape::I8x16, lane, memarg),
            Operator::V128Store16Lane { memarg, lane } => self.store_lane(Shape::I16x8, lane, memarg),
            Operator::V128Store32Lane { memarg, lane } => self.store_lane(Shape::I32x4, lane, memarg),
            Operator::V128Store64Lane { memarg, lane } => self.store_lane(Shape::I64x2, lane, memarg),
            _ => return false,
        }
        true
    }

    fn load_lane(&mut self, shape: Shape, lane: u8, arg: wasmparser::MemArg) {
        self.value_op::<2>(Op::LoadLane(shape, lane, arg.offset as u32), Type::V128);
    }

    fn store_lane(&mut self, shape: Shape, lane: u8, arg: wasmparser::MemArg) {
        self.effect_op::<2>(Op::StoreLane(shape, lane, arg.offset as u32));
    }

    fn vector_lane(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::V128Const { value } if value.i128() == 0 => {
                let zero = self.constant(Type::V128, 0);
                self.stack.push(zero);
            }
            Operator::V128Const { value } => self.value_op::<0>(Op::VectorConst(*value.bytes()), Type::V128),
            Operator::I8x16Shuffle { lanes } => self.value_op::<2>(Op::Shuffle(lanes), Type::V128),
            Operator::I8x16ExtractLaneS { lane } => self.extract_lane(Shape::I8x16, true, lane),
            Operator::I8x16ExtractLaneU { lane } => self.extract_lane(Shape::I8x16, false, lane),
            Operator::I16x8ExtractLaneS { lane } => self.extract_lane(Shape::I16x8, true, lane),
            Operator::I16x8ExtractLaneU { lane } => self.extract_lane(Shape::I16x8, false, lane),
            Operator::I32x4ExtractLane { lane } => self.extract_lane(Shape::I32x4, false, lane),
            Operator::I64x2ExtractLane { lane } => self.extract_lane(Shape::I64x2, false, lane),
            Operator::F32x4ExtractLane { lane } => self.extract_lane(Shape::F32x4, false, lane),
            Operator::F64x2ExtractLane { lane } => self.extract_lane(Shape::F64x2, false, lane),
            Operator::I8x16ReplaceLane { lane } => self.replace_lane(Shape::I8x16, lane),
            Operator::I16x8ReplaceLane { lane } => self.replace_lane(Shape::I16x8, lane),
            Operator::I32x4ReplaceLane { lane } => self.replace_lane(Shape::I32x4, lane),
            Operator::I64x2ReplaceLane { lane } => self.replace_lane(Shape::I64x2, lane),
            Operator::F32x4ReplaceLane { lane } => self.replace_lane(Shape::F32x4, lane),
            Operator::F64x2ReplaceLane { lane } => self.replace_lane(Shape::F64x2, lane),
            _ => return false,
        }
        true
    }

    fn extract_lane(&mut self, shape: Shape, signed: bool, lane: u8) {
        self.value_op::<1>(Op::ExtractLane(shape, signed, lane), shape.lane());
    }

    fn replace_lane(&mut self, shape: Shape, lane: u8) {
        self.value_op::<2>(Op::ReplaceLane(shape, lane), Type::V128);
    }
}
