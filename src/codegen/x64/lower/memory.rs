//! Linear memory, globals, tables.

use super::{Addr, Lower, Operands, Rhs, early_def};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::offset;
use crate::codegen::options::MemoryPolicy;
use crate::codegen::x64::inst::{Alu, Amode, Base, Cc, Ext, Inst, Shift, Src, Store};
use crate::codegen::x64::sse::{MOVUPS, MOVUPS_STORE};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{BinaryKind, LoadKind, Op, StoreKind};
use crate::ir::types::Type;
use crate::wasm::{GlobalIndex, MemoryIndex, TableIndex};
use regalloc2::{Operand, VReg};
use smallvec::SmallVec;

/// What a type's values are stored as.
pub(super) fn stored(ty: Type) -> Store {
    match ty {
        Type::I32 => Store::B4,
        Type::I64 | Type::Ref => Store::B8,
        Type::F32 => Store::Single,
        Type::F64 => Store::Double,
        Type::V128 => Store::Vector,
    }
}

impl Lower<'_> {
    /// The address of `bytes` bytes of linear memory at `index + offset`.
    ///
    /// The index is zero-extended by the invariant of I32 registers and the displacement is not negative, so that the sum
    /// lies less than 6 GiB behind the base: inside the reservation and its guard. Larger offsets are checked, and
    /// all of them where there is no guard, unless another check makes this one needless.
    pub(super) fn address(&mut self, index: Value, offset: u32, bytes: u32) -> Addr {
        if self.ty(index) == Type::Ref {
            // Checked already.
            return Addr::behind(self.reg(index), offset as i32);
        }
        let guarded = self.env.options.memory == MemoryPolicy::Guard;
        let checked = self.s.is_checked();
        if (guarded || checked)
            && let Some(index) = self.s.constant(index)
        {
            let sum = index as u32 as u64 + offset as u64;
            if let Ok(disp) = i32::try_from(sum) {
                return Addr::of(Amode { base: Base::Memory, index: None, disp });
            }
        }
        let index = self.reg(index);
        if self.env.options.paranoid {
            self.emit(Inst::CheckIndex, &[Operand::reg_use(index)]);
        }
        let disp = i32::try_from(offset);
        if !checked && (!guarded || disp.is_err()) {
            let (t, u) = (self.int(), self.int());
            let end = offset as u64 + bytes as u64;
            self.emit(Inst::BoundsCheck { end }, &[early_def(t), early_def(u), Operand::reg_use(index)]);
        }
        let (index, disp) = match disp {
            Ok(disp) => (index, disp),
            Err(_) => {
                let offset = self.constant_int(offset as u64);
                (self.alu(Alu::Add, true, offset, index), 0)
            }
        };
        Addr { am: Amode { base: Base::Memory, index: Some(0), disp }, regs: SmallVec::from_slice(&[index]) }
    }

    pub(super) fn load(&mut self, data: &InstData, kind: LoadKind, offset: u32) {
        let d = self.s.demand(data.results[0]);
        let addr = self.address(data.args[0], offset, kind.bytes());
        self.load_from(d, kind, addr);
    }

    /// Reads a value of some kind.
    pub(super) fn load_from(&mut self, d: VReg, kind: LoadKind, addr: Addr) {
        let (ext, wide) = match kind {
            LoadKind::I32 | LoadKind::I64U32 => (Ext::Zero32, false),
            LoadKind::I32U8 | LoadKind::I64U8 => (Ext::Zero8, false),
            LoadKind::I32U16 | LoadKind::I64U16 => (Ext::Zero16, false),
            LoadKind::I32S8 => (Ext::Sign8, false),
            LoadKind::I32S16 => (Ext::Sign16, false),
            LoadKind::I64S8 => (Ext::Sign8, true),
            LoadKind::I64S16 => (Ext::Sign16, true),
            LoadKind::I64S32 => (Ext::Sign32, true),
            LoadKind::I64 | LoadKind::F32 | LoadKind::F64 => return self.read(d, kind.ty(), addr),
            _ => return self.vector_load(d, kind, addr),
        };
        self.load_ext(d, ext, wide, addr);
    }

    /// Reads a whole value.
    pub(super) fn read(&mut self, d: VReg, ty: Type, addr: Addr) {
        if ty == Type::V128 {
            return self.sse_load(d, MOVUPS, addr);
        }
        let mut operands = Operands::from_slice(&[Operand::reg_def(d)]);
        addr.push(&mut operands);
        let inst = match ty {
            Type::I32 => Inst::Load { ext: Ext::Zero32, wide: false, am: addr.am },
            Type::I64 | Type::Ref => Inst::Load64(addr.am),
            Type::F32 => Inst::FloatLoad { wide: false, am: addr.am },
            _ => Inst::FloatLoad { wide: true, am: addr.am },
        };
        self.emit(inst, &operands);
    }

    /// An immediate that a store of this kind may carry.
    fn store_imm(&self, value: Value, store: Store) -> Option<(Store, i32)> {
        let bits = self.s.constant(value)?;
        match store {
            Store::B1 => Some((store, bits as i8 as i32)),
            Store::B2 => Some((store, bits as i16 as i32)),
            Store::B4 | Store::Single => Some((Store::B4, bits as i32)),
            Store::Vector => None,
            Store::B8 | Store::Double => Some((Store::B8, i32::try_from(bits as i64).ok()?)),
        }
    }

    /// Writes a value or a constant.
    pub(super) fn write(&mut self, value: Value, store: Store, addr: impl FnOnce(&mut Self) -> Addr) {
        if let Some((store, imm)) = self.store_imm(value, store) {
            let addr = addr(self);
            let mut operands = Operands::new();
            addr.push(&mut operands);
            return self.emit(Inst::Store { store, am: addr.am, imm: Some(imm) }, &operands);
        }
        let value = self.low(value);
        let addr = addr(self);
        if store == Store::Vector {
            return self.sse_store(value, MOVUPS_STORE, addr);
        }
        let mut operands = Operands::from_slice(&[Operand::reg_use(value)]);
        addr.push(&mut operands);
        self.emit(Inst::Store { store, am: addr.am, imm: None }, &operands);
    }

    pub(super) fn store(&mut self, data: &InstData, kind: StoreKind, offset: u32) {
        let (index, value) = (data.args[0], data.args[1]);
        let store = match kind {
            StoreKind::I32 | StoreKind::I64As32 => Store::B4,
            StoreKind::I64 => Store::B8,
            StoreKind::F32 => Store::Single,
            StoreKind::F64 => Store::Double,
            StoreKind::V128 => return self.vector_store(index, value, offset),
            StoreKind::I32As8 | StoreKind::I64As8 => Store::B1,
            StoreKind::I32As16 | StoreKind::I64As16 => Store::B2,
        };
        if matches!(kind, StoreKind::I32 | StoreKind::I64) && self.update(index, value, store, offset) {
            return;
        }
        self.write(value, store, |lower| lower.address(index, offset, kind.bytes()));
    }

    /// `memory = memory op value` as one instruction, if the old value is read from the same address and used nowhere else.
    fn update(&mut self, index: Value, value: Value, store: Store, offset: u32) -> bool {
        let Some((_, op_data)) = self.s.def(value).filter(|_| self.s.is_single_use(value)) else { return false };
        let op = match op_data.op {
            Op::Binary(_, BinaryKind::Add) => Alu::Add,
            Op::Binary(_, BinaryKind::Sub) => Alu::Sub,
            Op::Binary(_, BinaryKind::And) => Alu::And,
            Op::Binary(_, BinaryKind::Or) => Alu::Or,
            Op::Binary(_, BinaryKind::Xor) => Alu::Xor,
            _ => return false,
        };
        let index = self.s.func.resolve(index);
        let is_same = |lower: &Self, value| {
            let (inst, read) = lower.s.sinkable(value)?;
            let same = match read.op {
                Op::Load(LoadKind::I32, at) => store == Store::B4 && at == offset,
                Op::Load(LoadKind::I64, at) => store == Store::B8 && at == offset,
                _ => false,
            };
            (same && lower.s.func.resolve(read.args[0]) == index).then_some(inst)
        };
        let (a, b) = (op_data.args[0], op_data.args[1]);
        let (inst, other) = match (is_same(self, a), is_same(self, b)) {
            (Some(inst), _) => (inst, b),
            (None, Some(inst)) if op != Alu::Sub => (inst, a),
            _ => return false,
        };
        self.s.sink(inst);
        let imm = self.imm(other);
        let mut operands = Operands::new();
        if imm.is_none() {
            operands.push(Operand::reg_use(self.low(other)));
        }
        let addr = self.address(index, offset, if store == Store::B4 { 4 } else { 8 });
        addr.push(&mut operands);
        self.emit(Inst::AluMem { op, store, am: addr.am, imm }, &operands);
        true
    }

    /// The address of a global's cell.
    fn global(&mut self, global: GlobalIndex) -> Addr {
        let layout = self.env.layout;
        if global.0 >= layout.imported_globals {
            return Addr::of(Amode::ctx(layout.own_global(global.0)));
        }
        let cell = self.load64(Addr::of(Amode::ctx(layout.imported_global(global.0))));
        Addr::behind(cell, 0)
    }

    pub(super) fn global_get(&mut self, data: &InstData, global: GlobalIndex) {
        let d = self.s.demand(data.results[0]);
        let addr = self.global(global);
        self.read(d, self.ty(data.results[0]), addr);
    }

    pub(super) fn global_set(&mut self, data: &InstData, global: GlobalIndex) {
        let value = data.args[0];
        self.write(value, stored(self.ty(value)), |lower| lower.global(global));
    }

    /// A memory's descriptor.
    fn memory(&mut self, memory: MemoryIndex) -> VReg {
        let at = if memory.0 == 0 { offset::MEMORY } else { self.env.layout.memory(memory.0) };
        self.load64(Addr::of(Amode::ctx(at)))
    }

    /// The address of an access in the host, after a check in 64 bits with carry.
    pub(super) fn checked_address(&mut self, data: &InstData, memory: MemoryIndex, at: u64, bytes: u32) {
        /// No memory is as large: larger offsets need not be told apart.
        const FAR: u64 = 1 << 62;
        let d = self.s.demand(data.results[0]);
        let index = self.reg(data.args[0]);
        let desc = self.memory(memory);
        let behind = self.constant_int(at.min(FAR) + bytes as u64);
        let end = self.int();
        self.emit_binary(Inst::Alu { op: Alu::Add, wide: true, src: Src::Reg }, end, index, &Rhs::reg(behind));
        self.emit(Inst::TrapIf(Cc::B, TrapCode::MemoryOutOfBounds), &[]);
        let size = Addr::behind(desc, offset::MEMORY_BYTES).rhs();
        self.emit_flags(Inst::Cmp { width: Store::B8, test: false, src: size.src }, end, &size);
        self.emit(Inst::TrapIf(Cc::A, TrapCode::MemoryOutOfBounds), &[]);
        let base = self.load64(Addr::behind(desc, offset::MEMORY_START));
        let (disp, base) = match i32::try_from(at) {
            Ok(disp) => (disp, base),
            Err(_) => {
                let at = self.constant_int(at);
                (0, self.alu(Alu::Add, true, at, base))
            }
        };
        self.lea(d, true, Amode { base: Base::Reg, index: Some(0), disp }, &[base, index]);
    }

    pub(super) fn memory_size(&mut self, data: &InstData, memory: MemoryIndex) {
        let d = self.s.demand(data.results[0]);
        let memory = self.memory(memory);
        let bytes = self.load64(Addr::behind(memory, offset::MEMORY_BYTES));
        self.shift_imm(d, Shift::Shr, true, bytes, 16);
    }

    /// A table's descriptor.
    pub(super) fn table(&mut self, table: TableIndex) -> VReg {
        self.load64(Addr::of(Amode::ctx(self.env.layout.table(table.0))))
    }

    /// The address of a table's entry, after the check of the index.
    pub(super) fn entry_of(&mut self, table: TableIndex, index: Value, trap: TrapCode) -> Addr {
        let index = self.reg(index);
        let table = self.table(table);
        let len = Addr::behind(table, offset::TABLE_LEN).rhs();
        self.emit_flags(Inst::Cmp { width: Store::B8, test: false, src: len.src }, index, &len);
        self.emit(Inst::TrapIf(Cc::Ae, trap), &[]);
        let base = self.load64(Addr::behind(table, offset::TABLE_BASE));
        Addr { am: Amode { base: Base::Reg, index: Some(3), disp: 0 }, regs: SmallVec::from_slice(&[base, index]) }
    }

    pub(super) fn table_get(&mut self, data: &InstData, table: TableIndex) {
        let d = self.s.demand(data.results[0]);
        let addr = self.entry_of(table, data.args[0], TrapCode::TableOutOfBounds);
        self.read(d, Type::Ref, addr);
    }

    pub(super) fn table_set(&mut self, data: &InstData, table: TableIndex) {
        let (index, value) = (data.args[0], data.args[1]);
        self.write(value, Store::B8, |lower| lower.entry_of(table, index, TrapCode::TableOutOfBounds));
    }

    pub(super) fn table_size(&mut self, data: &InstData, table: TableIndex) {
        let d = self.s.demand(data.results[0]);
        let table = self.table(table);
        self.load_ext(d, Ext::Zero32, false, Addr::behind(table, offset::TABLE_LEN));
    }

    /// `test reg, reg`
    pub(super) fn test_reg(&mut self, reg: VReg) {
        self.emit_flags(Inst::Cmp { width: Store::B8, test: true, src: Src::Reg }, reg, &Rhs::reg(reg));
    }
}
