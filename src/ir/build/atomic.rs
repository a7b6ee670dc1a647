//! Atomic operators to IR.

use super::*;
use crate::ir::ops::{LoadKind as L, RmwKind as R, StoreKind as S};
use wasmparser::{MemArg, Operator};

impl Builder<'_> {
    pub(super) fn atomic(&mut self, op: &Operator<'_>) -> bool {
        self.atomic_access(op) || self.atomic_update(op)
    }

    fn atomic_access(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::AtomicFence { .. } => self.effect_op::<0>(Op::AtomicFence),
            Operator::MemoryAtomicNotify { memarg } => {
                self.value_op::<2>(Op::AtomicNotify(memarg.offset as u32), Type::I32);
            }
            Operator::MemoryAtomicWait32 { memarg } => {
                self.value_op::<3>(Op::AtomicWait(Type::I32, memarg.offset as u32), Type::I32);
            }
            Operator::MemoryAtomicWait64 { memarg } => {
                self.value_op::<3>(Op::AtomicWait(Type::I64, memarg.offset as u32), Type::I32);
            }
            Operator::I32AtomicLoad { memarg } => self.atomic_load(L::I32, memarg),
            Operator::I64AtomicLoad { memarg } => self.atomic_load(L::I64, memarg),
            Operator::I32AtomicLoad8U { memarg } => self.atomic_load(L::I32U8, memarg),
            Operator::I32AtomicLoad16U { memarg } => self.atomic_load(L::I32U16, memarg),
            Operator::I64AtomicLoad8U { memarg } => self.atomic_load(L::I64U8, memarg),
            Operator::I64AtomicLoad16U { memarg } => self.atomic_load(L::I64U16, memarg),
            Operator::I64AtomicLoad32U { memarg } => self.atomic_load(L::I64U32, memarg),
            Operator::I32AtomicStore { memarg } => self.atomic_store(S::I32, memarg),
            Operator::I64AtomicStore { memarg } => self.atomic_store(S::I64, memarg),
            Operator::I32AtomicStore8 { memarg } => self.atomic_store(S::I32As8, memarg),
            Operator::I32AtomicStore16 { memarg } => self.atomic_store(S::I32As16, memarg),
            Operator::I64AtomicStore8 { memarg } => self.atomic_store(S::I64As8, memarg),
            Operator::I64AtomicStore16 { memarg } => self.atomic_store(S::I64As16, memarg),
            Operator::I64AtomicStore32 { memarg } => self.atomic_store(S::I64As32, memarg),
            _ => return false,
        }
        true
    }

    fn atomic_load(&mut self, kind: L, arg: MemArg) {
        self.value_op::<1>(Op::AtomicLoad(kind, arg.offset as u32), kind.ty());
    }

    fn atomic_store(&mut self, kind: S, arg: MemArg) {
        self.effect_op::<2>(Op::AtomicStore(kind, arg.offset as u32));
    }

    fn rmw(&mut self, op: R, kind: L, arg: MemArg) {
        self.value_op::<2>(Op::AtomicRmw(op, kind, arg.offset as u32), kind.ty());
    }

    fn cmpxchg(&mut self, kind: L, arg: MemArg) {
        self.value_op::<3>(Op::AtomicCmpxchg(kind, arg.offset as u32), kind.ty());
    }

    fn atomic_update(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::I32AtomicRmwAdd { memarg } => self.rmw(R::Add, L::I32, memarg),
            Operator::I64AtomicRmwAdd { memarg } => self.rmw(R::Add, L::I64, memarg),
            Operator::I32AtomicRmw8AddU { memarg } => self.rmw(R::Add, L::I32U8, memarg),
            Operator::I32AtomicRmw16AddU { memarg } => self.rmw(R::Add, L::I32U16, memarg),
            Operator::I64AtomicRmw8AddU { memarg } => self.rmw(R::Add, L::I64U8, memarg),
            Operator::I64AtomicRmw16AddU { memarg } => self.rmw(R::Add, L::I64U16, memarg),
            Operator::I64AtomicRmw32AddU { memarg } => self.rmw(R::Add, L::I64U32, memarg),
            Operator::I32AtomicRmwSub { memarg } => self.rmw(R::Sub, L::I32, memarg),
            Operator::I64AtomicRmwSub { memarg } => self.rmw(R::Sub, L::I64, memarg),
            Operator::I32AtomicRmw8SubU { memarg } => self.rmw(R::Sub, L::I32U8, memarg),
            Operator::I32AtomicRmw16SubU { memarg } => self.rmw(R::Sub, L::I32U16, memarg),
            Operator::I64AtomicRmw8SubU { memarg } => self.rmw(R::Sub, L::I64U8, memarg),
            Operator::I64AtomicRmw16SubU { memarg } => self.rmw(R::Sub, L::I64U16, memarg),
            Operator::I64AtomicRmw32SubU { memarg } => self.rmw(R::Sub, L::I64U32, memarg),
            Operator::I32AtomicRmwAnd { memarg } => self.rmw(R::And, L::I32, memarg),
            Operator::I64AtomicRmwAnd { memarg } => self.rmw(R::And, L::I64, memarg),
            Operator::I32AtomicRmw8AndU { memarg } => self.rmw(R::And, L::I32U8, memarg),
            Operator::I32AtomicRmw16AndU { memarg } => self.rmw(R::And, L::I32U16, memarg),
            Operator::I64AtomicRmw8AndU { memarg } => self.rmw(R::And, L::I64U8, memarg),
            Operator::I64AtomicRmw16AndU { memarg } => self.rmw(R::And, L::I64U16, memarg),
            Operator::I64AtomicRmw32AndU { memarg } => self.rmw(R::And, L::I64U32, memarg),
            Operator::I32AtomicRmwOr { memarg } => self.rmw(R::Or, L::I32, memarg),
            Operator::I64AtomicRmwOr { memarg } => self.rmw(R::Or, L::I64, memarg),
            Operator::I32AtomicRmw8OrU { memarg } => self.rmw(R::Or, L::I32U8, memarg),
            Operator::I32AtomicRmw16OrU { memarg } => self.rmw(R::Or, L::I32U16, memarg),
            Operator::I64AtomicRmw8OrU { memarg } => self.rmw(R::Or, L::I64U8, memarg),
            Operator::I64AtomicRmw16OrU { memarg } => self.rmw(R::Or, L::I64U16, memarg),
            Operator::I64AtomicRmw32OrU { memarg } => self.rmw(R::Or, L::I64U32, memarg),
            Operator::I32AtomicRmwXor { memarg } => self.rmw(R::Xor, L::I32, memarg),
            Operator::I64AtomicRmwXor { memarg } => self.rmw(R::Xor, L::I64, memarg),
            Operator::I32AtomicRmw8XorU { memarg } => self.rmw(R::Xor, L::I32U8, memarg),
            Operator::I32AtomicRmw16XorU { memarg } => self.rmw(R::Xor, L::I32U16, memarg),
            Operator::I64AtomicRmw8XorU { memarg } => self.rmw(R::Xor, L::I64U8, memarg),
            Operator::I64AtomicRmw16XorU { memarg } => self.rmw(R::Xor, L::I64U16, memarg),
            Operator::I64AtomicRmw32XorU { memarg } => self.rmw(R::Xor, L::I64U32, memarg),
            Operator::I32AtomicRmwXchg { memarg } => self.rmw(R::Xchg, L::I32, memarg),
            Operator::I64AtomicRmwXchg { memarg } => self.rmw(R::Xchg, L::I64, memarg),
            Operator::I32AtomicRmw8XchgU { memarg } => self.rmw(R::Xchg, L::I32U8, memarg),
            Operator::I32AtomicRmw16XchgU { memarg } => self.rmw(R::Xchg, L::I32U16, memarg),
            Operator::I64AtomicRmw8XchgU { memarg } => self.rmw(R::Xchg, L::I64U8, memarg),
            Operator::I64AtomicRmw16XchgU { memarg } => self.rmw(R::Xchg, L::I64U16, memarg),
            Operator::I64AtomicRmw32XchgU { memarg } => self.rmw(R::Xchg, L::I64U32, memarg),
            Operator::I32AtomicRmwCmpxchg { memarg } => self.cmpxchg(L::I32, memarg),
            Operator::I64AtomicRmwCmpxchg { memarg } => self.cmpxchg(L::I64, memarg),
            Operator::I32AtomicRmw8CmpxchgU { memarg } => self.cmpxchg(L::I32U8, memarg),
            Operator::I32AtomicRmw16CmpxchgU { memarg } => self.cmpxchg(L::I32U16, memarg),
            Operator::I64AtomicRmw8CmpxchgU { memarg } => self.cmpxchg(L::I64U8, memarg),
            Operator::I64AtomicRmw16CmpxchgU { memarg } => self.cmpxchg(L::I64U16, memarg),
            Operator::I64AtomicRmw32CmpxchgU { memarg } => self.cmpxchg(L::I64U32, memarg),
            _ => return false,
        }
        true
    }
}
