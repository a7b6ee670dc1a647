//! One wasm operator to IR: the table that joins the two vocabularies.

use super::*;
use crate::abi::trap::TrapCode;
use crate::ir::ops::{
    BinaryKind as B, CompareKind as C, ConvertKind as V, LoadKind as L, StoreKind as S, UnaryKind as U,
};
use crate::wasm::{DataIndex, ElemIndex, GlobalIndex, MemoryIndex, TableIndex, TagIndex, TypeIndex};
use wasmparser::{MemArg, MemArgTarget, Operator};

impl Builder<'_> {
    /// Translates one operator.
    pub(super) fn operator(&mut self, op: &Operator<'_>) {
        if let Some(depth) = self.unreachable {
            return self.skipped(op, depth);
        }
        if self.control(op)
            || self.exception(op)
            || self.variable(op)
            || self.numeric(op)
            || self.memory(op)
            || self.table(op)
            || self.vector(op)
            || self.atomic(op)
        {
            return;
        }
        unreachable!("validated: {op:?} is not among the accepted features");
    }

    /// Code that cannot be reached is only followed for its nesting.
    fn skipped(&mut self, op: &Operator<'_>, depth: u32) {
        match op {
            Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } => self.skip_construct(),
            Operator::Try { .. } | Operator::TryTable { .. } => self.skip_construct(),
            Operator::Catch { .. } | Operator::CatchAll | Operator::Delegate { .. } if depth == 0 => {
                self.exception(op);
            }
            Operator::Delegate { .. } => self.unreachable = Some(depth - 1),
            Operator::End if depth > 0 => self.unreachable = Some(depth - 1),
            Operator::End => self.end(),
            Operator::Else if depth == 0 => self.else_(),
            _ => {}
        }
    }

    fn control(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::Unreachable => self.terminate(Terminator::Trap(TrapCode::Unreachable)),
            Operator::Nop => {}
            Operator::Block { blockty } => self.block(blockty),
            Operator::Loop { blockty } => self.loop_(blockty),
            Operator::If { blockty } => self.if_(blockty),
            Operator::Else => self.else_(),
            Operator::End => self.end(),
            Operator::Br { relative_depth } => self.br(relative_depth),
            Operator::BrIf { relative_depth } => self.br_if(relative_depth),
            Operator::BrTable { ref targets } => self.br_table(targets),
            Operator::Return => self.return_(),
            Operator::Call { function_index } => {
                let func = FuncIndex(function_index);
                let ty = self.module.func_type(func).clone();
                match self.small.body(self.module, self.bytes, func) {
                    Some(body) => self.inline(body, &ty).expect("it was translated before"),
                    None => self.call(Op::Call(func), &ty, 0),
                }
            }
            Operator::CallIndirect { type_index, table_index } => {
                let ty = self.module.types[type_index as usize].clone();
                self.call(Op::CallIndirect(TableIndex(table_index), TypeIndex(type_index)), &ty, 1);
            }
            Operator::ReturnCall { function_index } => {
                let func = FuncIndex(function_index);
                let operands = self.module.func_type(func).params.len();
                self.tail_call(Op::Call(func), operands);
            }
            Operator::ReturnCallIndirect { type_index, table_index } => {
                let operands = self.module.types[type_index as usize].params.len() + 1;
                self.tail_call(Op::CallIndirect(TableIndex(table_index), TypeIndex(type_index)), operands);
            }
            _ => return false,
        }
        true
    }

    fn tail_call(&mut self, op: Op, operands: usize) {
        // Functions that call each other for ever are a loop.
        if self.poll {
            self.append(Op::Poll, smallvec![], &[]);
        }
        let args = self.stack.split_off(self.stack.len() - operands).into_iter().collect();
        self.terminate(Terminator::TailCall { op, args });
    }

    fn exception(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::Try { blockty } => self.try_(blockty),
            Operator::TryTable { ref try_table } => self.try_table(try_table),
            Operator::Catch { tag_index } => self.catch(Some(TagIndex(tag_index))),
            Operator::CatchAll => self.catch(None),
            Operator::Delegate { relative_depth } => self.delegate(relative_depth),
            Operator::Rethrow { relative_depth } => self.rethrow(relative_depth),
            Operator::Throw { tag_index } => self.throw(TagIndex(tag_index)),
            Operator::ThrowRef => self.throw_ref(),
            _ => return false,
        }
        true
    }

    /// A call with `extra` operands behind the arguments.
    fn call(&mut self, op: Op, ty: &crate::wasm::FuncType, extra: usize) {
        let args = self.stack.split_off(self.stack.len() - ty.params.len() - extra);
        let results: SmallVec<[Type; 2]> = ty.results.iter().map(|ty| Type::from(*ty)).collect();
        let results = self.append(op, args.into_iter().collect(), &results);
        self.guard_call();
        self.stack.extend(results);
    }

    fn variable(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::Drop => drop(self.pop()),
            Operator::Select | Operator::TypedSelect { .. } => {
                let ty = self.func.ty(self.stack[self.stack.len() - 2]);
                self.value_op::<3>(Op::Select(ty), ty);
            }
            Operator::LocalGet { local_index } => self.stack.push(self.locals[local_index as usize]),
            Operator::LocalSet { local_index } => self.locals[local_index as usize] = self.pop(),
            Operator::LocalTee { local_index } => {
                self.locals[local_index as usize] = *self.stack.last().expect("validated: tee has an operand");
            }
            Operator::GlobalGet { global_index } => {
                let ty = self.module.globals[global_index as usize].content.into();
                self.value_op::<0>(Op::GlobalGet(GlobalIndex(global_index)), ty);
            }
            Operator::GlobalSet { global_index } => self.effect_op::<1>(Op::GlobalSet(GlobalIndex(global_index))),
            Operator::I32Const { value } => self.push_constant(Type::I32, u64::from(value as u32)),
            Operator::I64Const { value } => self.push_constant(Type::I64, value as u64),
            Operator::F32Const { value } => self.push_constant(Type::F32, u64::from(value.bits())),
            Operator::F64Const { value } => self.push_constant(Type::F64, value.bits()),
            Operator::RefNull { .. } => self.push_constant(Type::Ref, 0),
            Operator::RefIsNull => {
                let value = self.pop();
                let null = self.constant(Type::Ref, 0);
                let result = self.insert(Op::Compare(Type::Ref, C::Eq), smallvec![value, null], Type::I32);
                self.stack.push(result);
            }
            Operator::RefFunc { function_index } => {
                self.value_op::<0>(Op::RefFunc(FuncIndex(function_index)), Type::Ref)
            }
            _ => return false,
        }
        true
    }

    fn push_constant(&mut self, ty: Type, bits: u64) {
        let value = self.constant(ty, bits);
        self.stack.push(value);
    }

    fn unary(&mut self, ty: Type, kind: U) {
        self.value_op::<1>(Op::Unary(ty, kind), ty);
    }

    fn binary(&mut self, ty: Type, kind: B) {
        self.value_op::<2>(Op::Binary(ty, kind), ty);
    }

    fn compare(&mut self, ty: Type, kind: C) {
        self.value_op::<2>(Op::Compare(ty, kind), Type::I32);
    }

    fn equals_zero(&mut self, ty: Type) {
        self.push_constant(ty, 0);
        self.compare(ty, C::Eq);
    }

    fn convert(&mut self, kind: V) {
        self.value_op::<1>(Op::Convert(kind), kind.to());
    }

    pub(super) fn load(&mut self, kind: L, arg: MemArg) {
        let index = self.pop();
        let (address, offset) = self.place(index, &arg, kind.bytes());
        let value = self.insert(Op::Load(kind, offset), smallvec![address], kind.ty());
        self.stack.push(value);
    }

    pub(super) fn store(&mut self, kind: S, arg: MemArg) {
        self.placed::<1>(&arg, kind.bytes(), |offset| Op::Store(kind, offset), None);
    }

    /// An access with `N` operands besides the index.
    pub(super) fn placed<const N: usize>(
        &mut self,
        arg: &MemArg,
        bytes: u32,
        op: impl FnOnce(u32) -> Op,
        result: Option<Type>,
    ) {
        let values = self.pop_many::<N>();
        let index = self.pop();
        let (address, offset) = self.place(index, arg, bytes);
        let mut args: SmallVec<[Value; 3]> = smallvec![address];
        args.extend(values);
        let results = self.append(op(offset), args, result.as_slice());
        self.stack.extend(results);
    }

    pub(super) fn accessed_memory(&self, arg: &MemArg) -> MemoryIndex {
        match arg.target {
            MemArgTarget::Memory(index) => MemoryIndex(index),
            MemArgTarget::Array(_) => unreachable!("arrays are not among the accepted features"),
        }
    }

    /// The first operand and the offset of an access to linear memory of so many bytes.
    pub(super) fn place(&mut self, index: Value, arg: &MemArg, bytes: u32) -> (Value, u32) {
        let memory = self.accessed_memory(arg);
        match u32::try_from(arg.offset) {
            Ok(offset) if memory.0 == 0 && self.module.index_type(memory) == Type::I32 => (index, offset),
            _ => (self.append(Op::Address(memory, arg.offset, bytes), smallvec![index], &[Type::Ref])[0], 0),
        }
    }

    fn memory(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::I32Load { memarg } => self.load(L::I32, memarg),
            Operator::I64Load { memarg } => self.load(L::I64, memarg),
            Operator::F32Load { memarg } => self.load(L::F32, memarg),
            Operator::F64Load { memarg } => self.load(L::F64, memarg),
            Operator::I32Load8S { memarg } => self.load(L::I32S8, memarg),
            Operator::I32Load8U { memarg } => self.load(L::I32U8, memarg),
            Operator::I32Load16S { memarg } => self.load(L::I32S16, memarg),
            Operator::I32Load16U { memarg } => self.load(L::I32U16, memarg),
            Operator::I64Load8S { memarg } => self.load(L::I64S8, memarg),
            Operator::I64Load8U { memarg } => self.load(L::I64U8, memarg),
            Operator::I64Load16S { memarg } => self.load(L::I64S16, memarg),
            Operator::I64Load16U { memarg } => self.load(L::I64U16, memarg),
            Operator::I64Load32S { memarg } => self.load(L::I64S32, memarg),
            Operator::I64Load32U { memarg } => self.load(L::I64U32, memarg),
            Operator::I32Store { memarg } => self.store(S::I32, memarg),
            Operator::I64Store { memarg } => self.store(S::I64, memarg),
            Operator::F32Store { memarg } => self.store(S::F32, memarg),
            Operator::F64Store { memarg } => self.store(S::F64, memarg),
            Operator::I32Store8 { memarg } => self.store(S::I32As8, memarg),
            Operator::I32Store16 { memarg } => self.store(S::I32As16, memarg),
            Operator::I64Store8 { memarg } => self.store(S::I64As8, memarg),
            Operator::I64Store16 { memarg } => self.store(S::I64As16, memarg),
            Operator::I64Store32 { memarg } => self.store(S::I64As32, memarg),
            Operator::MemorySize { mem } => {
                let ty = self.module.index_type(MemoryIndex(mem));
                self.value_op::<0>(Op::MemorySize(MemoryIndex(mem)), ty);
            }
            Operator::MemoryGrow { mem } => {
                let ty = self.module.index_type(MemoryIndex(mem));
                self.value_op::<1>(Op::MemoryGrow(MemoryIndex(mem)), ty);
            }
            Operator::MemoryFill { mem } => self.effect_op::<3>(Op::MemoryFill(MemoryIndex(mem))),
            Operator::MemoryCopy { dst_mem, src_mem } => {
                self.effect_op::<3>(Op::MemoryCopy(MemoryIndex(dst_mem), MemoryIndex(src_mem)));
            }
            Operator::MemoryInit { data_index, mem } => {
                self.effect_op::<3>(Op::MemoryInit(MemoryIndex(mem), DataIndex(data_index)));
            }
            Operator::DataDrop { data_index } => self.effect_op::<0>(Op::DataDrop(DataIndex(data_index))),
            _ => return false,
        }
        true
    }

    fn table(&mut self, op: &Operator<'_>) -> bool {
        match *op {
            Operator::TableGet { table } => self.value_op::<1>(Op::TableGet(TableIndex(table)), Type::Ref),
            Operator::TableSet { table } => self.effect_op::<2>(Op::TableSet(TableIndex(table))),
            Operator::TableSize { table } => {
                let ty = self.module.table_index_type(TableIndex(table));
                self.value_op::<0>(Op::TableSize(TableIndex(table)), ty);
            }
            Operator::TableGrow { table } => {
                let ty = self.module.table_index_type(TableIndex(table));
                self.value_op::<2>(Op::TableGrow(TableIndex(table)), ty);
            }
            Operator::TableFill { table } => self.effect_op::<3>(Op::TableFill(TableIndex(table))),
            Operator::TableCopy { dst_table, src_table } => {
                self.effect_op::<3>(Op::TableCopy(TableIndex(dst_table), TableIndex(src_table)));
            }
            Operator::TableInit { elem_index, table } => {
                self.effect_op::<3>(Op::TableInit(TableIndex(table), ElemIndex(elem_index)));
            }
            Operator::ElemDrop { elem_index } => self.effect_op::<0>(Op::ElemDrop(ElemIndex(elem_index))),
            _ => return false,
        }
        true
    }

    fn numeric(&mut self, op: &Operator<'_>) -> bool {
        self.integer(op) || self.float(op) || self.conversion(op)
    }

    fn integer(&mut self, op: &Operator<'_>) -> bool {
        match op {
            Operator::I32Eqz => self.equals_zero(Type::I32),
            Operator::I32Eq => self.compare(Type::I32, C::Eq),
            Operator::I32Ne => self.compare(Type::I32, C::Ne),
            Operator::I32LtS => self.compare(Type::I32, C::LtS),
            Operator::I32LtU => self.compare(Type::I32, C::LtU),
            Operator::I32GtS => self.compare(Type::I32, C::GtS),
            Operator::I32GtU => self.compare(Type::I32, C::GtU),
            Operator::I32LeS => self.compare(Type::I32, C::LeS),
            Operator::I32LeU => self.compare(Type::I32, C::LeU),
            Operator::I32GeS => self.compare(Type::I32, C::GeS),
            Operator::I32GeU => self.compare(Type::I32, C::GeU),
            Operator::I32Clz => self.unary(Type::I32, U::Clz),
            Operator::I32Ctz => self.unary(Type::I32, U::Ctz),
            Operator::I32Popcnt => self.unary(Type::I32, U::Popcnt),
            Operator::I32Extend8S => self.unary(Type::I32, U::Extend8),
            Operator::I32Extend16S => self.unary(Type::I32, U::Extend16),
            Operator::I32Add => self.binary(Type::I32, B::Add),
            Operator::I32Sub => self.binary(Type::I32, B::Sub),
            Operator::I32Mul => self.binary(Type::I32, B::Mul),
            Operator::I32DivS => self.binary(Type::I32, B::DivS),
            Operator::I32DivU => self.binary(Type::I32, B::DivU),
            Operator::I32RemS => self.binary(Type::I32, B::RemS),
            Operator::I32RemU => self.binary(Type::I32, B::RemU),
            Operator::I32And => self.binary(Type::I32, B::And),
            Operator::I32Or => self.binary(Type::I32, B::Or),
            Operator::I32Xor => self.binary(Type::I32, B::Xor),
            Operator::I32Shl => self.binary(Type::I32, B::Shl),
            Operator::I32ShrS => self.binary(Type::I32, B::ShrS),
            Operator::I32ShrU => self.binary(Type::I32, B::ShrU),
            Operator::I32Rotl => self.binary(Type::I32, B::Rotl),
            Operator::I32Rotr => self.binary(Type::I32, B::Rotr),
            Operator::I64Eqz => self.equals_zero(Type::I64),
            Operator::I64Eq => self.compare(Type::I64, C::Eq),
            Operator::I64Ne => self.compare(Type::I64, C::Ne),
            Operator::I64LtS => self.compare(Type::I64, C::LtS),
            Operator::I64LtU => self.compare(Type::I64, C::LtU),
            Operator::I64GtS => self.compare(Type::I64, C::GtS),
            Operator::I64GtU => self.compare(Type::I64, C::GtU),
            Operator::I64LeS => self.compare(Type::I64, C::LeS),
            Operator::I64LeU => self.compare(Type::I64, C::LeU),
            Operator::I64GeS => self.compare(Type::I64, C::GeS),
            Operator::I64GeU => self.compare(Type::I64, C::GeU),
            Operator::I64Clz => self.unary(Type::I64, U::Clz),
            Operator::I64Ctz => self.unary(Type::I64, U::Ctz),
            Operator::I64Popcnt => self.unary(Type::I64, U::Popcnt),
            Operator::I64Extend8S => self.unary(Type::I64, U::Extend8),
            Operator::I64Extend16S => self.unary(Type::I64, U::Extend16),
            Operator::I64Extend32S => self.unary(Type::I64, U::Extend32),
            Operator::I64Add => self.binary(Type::I64, B::Add),
            Operator::I64Sub => self.binary(Type::I64, B::Sub),
            Operator::I64Mul => self.binary(Type::I64, B::Mul),
            Operator::I64DivS => self.binary(Type::I64, B::DivS),
            Operator::I64DivU => self.binary(Type::I64, B::DivU),
            Operator::I64RemS => self.binary(Type::I64, B::RemS),
            Operator::I64RemU => self.binary(Type::I64, B::RemU),
            Operator::I64And => self.binary(Type::I64, B::And),
            Operator::I64Or => self.binary(Type::I64, B::Or),
            Operator::I64Xor => self.binary(Type::I64, B::Xor),
            Operator::I64Shl => self.binary(Type::I64, B::Shl),
            Operator::I64ShrS => self.binary(Type::I64, B::ShrS),
            Operator::I64ShrU => self.binary(Type::I64, B::ShrU),
            Operator::I64Rotl => self.binary(Type::I64, B::Rotl),
            Operator::I64Rotr => self.binary(Type::I64, B::Rotr),
            _ => return false,
        }
        true
    }

    fn float(&mut self, op: &Operator<'_>) -> bool {
        match op {
            Operator::F32Eq => self.compare(Type::F32, C::Eq),
            Operator::F32Ne => self.compare(Type::F32, C::Ne),
            Operator::F32Lt => self.compare(Type::F32, C::Lt),
            Operator::F32Gt => self.compare(Type::F32, C::Gt),
            Operator::F32Le => self.compare(Type::F32, C::Le),
            Operator::F32Ge => self.compare(Type::F32, C::Ge),
            Operator::F32Abs => self.unary(Type::F32, U::Abs),
            Operator::F32Neg => self.unary(Type::F32, U::Neg),
            Operator::F32Ceil => self.unary(Type::F32, U::Ceil),
            Operator::F32Floor => self.unary(Type::F32, U::Floor),
            Operator::F32Trunc => self.unary(Type::F32, U::Trunc),
            Operator::F32Nearest => self.unary(Type::F32, U::Nearest),
            Operator::F32Sqrt => self.unary(Type::F32, U::Sqrt),
            Operator::F32Add => self.binary(Type::F32, B::Add),
            Operator::F32Sub => self.binary(Type::F32, B::Sub),
            Operator::F32Mul => self.binary(Type::F32, B::Mul),
            Operator::F32Div => self.binary(Type::F32, B::Div),
            Operator::F32Min => self.binary(Type::F32, B::Min),
            Operator::F32Max => self.binary(Type::F32, B::Max),
            Operator::F32Copysign => self.binary(Type::F32, B::Copysign),
            Operator::F64Eq => self.compare(Type::F64, C::Eq),
            Operator::F64Ne => self.compare(Type::F64, C::Ne),
            Operator::F64Lt => self.compare(Type::F64, C::Lt),
            Operator::F64Gt => self.compare(Type::F64, C::Gt),
            Operator::F64Le => self.compare(Type::F64, C::Le),
            Operator::F64Ge => self.compare(Type::F64, C::Ge),
            Operator::F64Abs => self.unary(Type::F64, U::Abs),
            Operator::F64Neg => self.unary(Type::F64, U::Neg),
            Operator::F64Ceil => self.unary(Type::F64, U::Ceil),
            Operator::F64Floor => self.unary(Type::F64, U::Floor),
            Operator::F64Trunc => self.unary(Type::F64, U::Trunc),
            Operator::F64Nearest => self.unary(Type::F64, U::Nearest),
            Operator::F64Sqrt => self.unary(Type::F64, U::Sqrt),
            Operator::F64Add => self.binary(Type::F64, B::Add),
            Operator::F64Sub => self.binary(Type::F64, B::Sub),
            Operator::F64Mul => self.binary(Type::F64, B::Mul),
            Operator::F64Div => self.binary(Type::F64, B::Div),
            Operator::F64Min => self.binary(Type::F64, B::Min),
            Operator::F64Max => self.binary(Type::F64, B::Max),
            Operator::F64Copysign => self.binary(Type::F64, B::Copysign),
            _ => return false,
        }
        true
    }

    fn conversion(&mut self, op: &Operator<'_>) -> bool {
        match op {
            Operator::I32WrapI64 => self.convert(V::WrapI64),
            Operator::I64ExtendI32S => self.convert(V::ExtendI32S),
            Operator::I64ExtendI32U => self.convert(V::ExtendI32U),
            Operator::I32TruncF32S => self.convert(V::TruncF32SI32),
            Operator::I32TruncSatF32S => self.convert(V::SatF32SI32),
            Operator::F32ConvertI32S => self.convert(V::ConvertI32SF32),
            Operator::I32TruncF32U => self.convert(V::TruncF32UI32),
            Operator::I32TruncSatF32U => self.convert(V::SatF32UI32),
            Operator::F32ConvertI32U => self.convert(V::ConvertI32UF32),
            Operator::I32TruncF64S => self.convert(V::TruncF64SI32),
            Operator::I32TruncSatF64S => self.convert(V::SatF64SI32),
            Operator::F64ConvertI32S => self.convert(V::ConvertI32SF64),
            Operator::I32TruncF64U => self.convert(V::TruncF64UI32),
            Operator::I32TruncSatF64U => self.convert(V::SatF64UI32),
            Operator::F64ConvertI32U => self.convert(V::ConvertI32UF64),
            Operator::I64TruncF32S => self.convert(V::TruncF32SI64),
            Operator::I64TruncSatF32S => self.convert(V::SatF32SI64),
            Operator::F32ConvertI64S => self.convert(V::ConvertI64SF32),
            Operator::I64TruncF32U => self.convert(V::TruncF32UI64),
            Operator::I64TruncSatF32U => self.convert(V::SatF32UI64),
            Operator::F32ConvertI64U => self.convert(V::ConvertI64UF32),
            Operator::I64TruncF64S => self.convert(V::TruncF64SI64),
            Operator::I64TruncSatF64S => self.convert(V::SatF64SI64),
            Operator::F64ConvertI64S => self.convert(V::ConvertI64SF64),
            Operator::I64TruncF64U => self.convert(V::TruncF64UI64),
            Operator::I64TruncSatF64U => self.convert(V::SatF64UI64),
            Operator::F64ConvertI64U => self.convert(V::ConvertI64UF64),
            Operator::F32DemoteF64 => self.convert(V::DemoteF64),
            Operator::F64PromoteF32 => self.convert(V::PromoteF32),
            Operator::I32ReinterpretF32 => self.convert(V::ReinterpretF32),
            Operator::I64ReinterpretF64 => self.convert(V::ReinterpretF64),
            Operator::F32ReinterpretI32 => self.convert(V::ReinterpretI32),
            Operator::F64ReinterpretI64 => self.convert(V::ReinterpretI64),
            _ => return false,
        }
        true
    }
}
