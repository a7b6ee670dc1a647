//! Selection of x86-64 instructions: the machine's side of `crate::codegen::isel`.
//!
//! - `int`, `div`, `float`, `convert`: arithmetic;
//! - `cond`: comparisons, branches, selects;
//! - `memory`: linear memory, globals, tables;
//! - `simd`: vectors;
//! - `atomic`: atomic accesses;
//! - `call`: calls, parameters, results;
//! - `exceptions`: calls with handlers, exceptions and tags.
//!
//! Rules that keep selection sound:
//! - an instruction that sets flags is followed at once by the one that reads them; operands are put in registers before
//!   (the allocator may insert moves in between, which leave the flags alone);
//! - a read of memory is folded only through a chain of single uses within one epoch (see `Selector::sinkable`);
//! - a register that holds an `I32` is clear above (see `super::inst`): `Lower::low` may give one that is not, for
//!   users that only read the low 32 bits.

mod atomic;
mod call;
mod cond;
mod convert;
mod div;
mod exceptions;
mod float;
mod int;
mod memory;
mod simd;

use super::abi::Signature;
use super::inst::{Amode, Base, Ext, Inst, Src};
use crate::abi::builtins::Builtin;
use crate::abi::vmctx::VmLayout;
use crate::codegen::isel::{Checks, Machine, Selector};
use crate::codegen::options::{CodegenError, MemoryPolicy, Options};
use crate::ir::func::{Function, InstData, Terminator, Value};
use crate::ir::ops::{ConvertKind, LoadKind, Op};
use crate::ir::types::Type;
use crate::wasm::Module;
use regalloc2::{Operand, OperandConstraint, OperandKind, OperandPos, PRegSet, RegClass, VReg};
use smallvec::SmallVec;
use std::collections::HashMap;

/// Constants that a function's code refers to.
#[derive(Default)]
pub struct Pool {
    /// Their bytes.
    pub constants: Vec<[u8; 16]>,
    known: HashMap<[u8; 16], u32>,
}

impl Pool {
    fn number(&mut self, bytes: [u8; 16]) -> u32 {
        *self.known.entry(bytes).or_insert_with(|| {
            self.constants.push(bytes);
            self.constants.len() as u32 - 1
        })
    }

    /// A constant of 8 bytes; the rest is zero.
    pub fn low(&mut self, bits: u64) -> u32 {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&bits.to_le_bytes());
        self.number(bytes)
    }
}

/// What the frame must provide.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameNeeds {
    /// Slots of the function's own stack arguments.
    pub params: u32,
    /// Slots of the outgoing stack area.
    pub outgoing: u32,
    /// Whether the vmctx must be kept in the frame, because calls change it.
    pub keeps_ctx: bool,
    /// Whether anything is called.
    pub calls: bool,
    /// Whether throws may arrive here: then everything that callees preserve is saved.
    pub lands: bool,
}

/// What selection looks at.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The module.
    pub module: &'a Module,
    /// Its vmctx.
    pub layout: VmLayout,
    /// Policies.
    pub options: Options,
}

/// Selection of one function.
pub struct Lower<'a> {
    pub(super) s: Selector<'a, Inst>,
    pub(super) env: Env<'a>,
    pub(super) pool: Pool,
    pub(super) frame: FrameNeeds,
    /// Successor numbers of each switch's cases, then of its default.
    pub(super) switches: Vec<Vec<u32>>,
    /// The call that is selected next ends its block.
    guarded: bool,
    /// Definitions of that call and what it clobbers, once its successor has been selected.
    defined: Option<(Operands, PRegSet)>,
    /// How many comparisons of comparisons are being looked through.
    nested_conditions: u32,
}

/// Operands of an instruction.
type Operands = SmallVec<[Operand; 8]>;

/// A right operand with its registers.
struct Rhs {
    src: Src,
    regs: SmallVec<[VReg; 2]>,
}

/// An address with its registers.
struct Addr {
    am: Amode,
    regs: SmallVec<[VReg; 2]>,
}

impl Addr {
    fn of(am: Amode) -> Addr {
        Addr { am, regs: SmallVec::new() }
    }

    fn behind(base: VReg, disp: i32) -> Addr {
        Addr { am: Amode::reg(disp), regs: SmallVec::from_slice(&[base]) }
    }

    fn rhs(self) -> Rhs {
        Rhs { src: Src::Mem(self.am), regs: self.regs }
    }

    fn push(&self, operands: &mut Operands) {
        operands.extend(self.regs.iter().map(|&reg| Operand::reg_use(reg)));
    }
}

impl Rhs {
    fn imm(value: i32) -> Rhs {
        Rhs { src: Src::Imm(value), regs: SmallVec::new() }
    }

    fn reg(reg: VReg) -> Rhs {
        Rhs { src: Src::Reg, regs: SmallVec::from_slice(&[reg]) }
    }

    /// A register may be a spill slot, those of an address may not.
    fn push(&self, operands: &mut Operands) {
        match self.src {
            Src::Reg => operands.push(Operand::any_use(self.regs[0])),
            _ => operands.extend(self.regs.iter().map(|&reg| Operand::reg_use(reg))),
        }
    }
}

/// A use that is read until the instruction ends.
fn late_use(reg: VReg) -> Operand {
    Operand::new(reg, OperandConstraint::Reg, OperandKind::Use, OperandPos::Late)
}

/// A definition that shares no register with the uses.
fn early_def(reg: VReg) -> Operand {
    Operand::reg_def_at_start(reg)
}

/// Whether the type is 64 bits wide.
fn wide(ty: Type) -> bool {
    ty.is_64()
}

impl<'a> Lower<'a> {
    /// Prepares the selection of a function.
    pub fn new(env: Env<'a>, func: &'a Function) -> Lower<'a> {
        let params = Signature::new(&func.ty).param_slots;
        let (pool, frame) = (Pool::default(), FrameNeeds { params, ..FrameNeeds::default() });
        let checks = match env.options.memory {
            MemoryPolicy::Guard => Checks::default(),
            MemoryPolicy::Explicit => {
                let least = env.module.memories.first().map_or(0, |memory| memory.least_bytes());
                Checks::new(func, least)
            }
        };
        Lower {
            s: Selector::new(func, checks),
            env,
            pool,
            frame,
            switches: Vec::new(),
            guarded: false,
            defined: None,
            nested_conditions: 0,
        }
    }

    fn ty(&self, value: Value) -> Type {
        self.s.func.ty(value)
    }

    fn int(&mut self) -> VReg {
        self.s.vreg(RegClass::Int)
    }

    fn float(&mut self) -> VReg {
        self.s.vreg(RegClass::Float)
    }

    fn emit(&mut self, inst: Inst, operands: &[Operand]) {
        self.s.emit(inst, operands, PRegSet::empty());
    }

    /// The register of a value. Puts constants in one anew for each user.
    fn reg(&mut self, value: Value) -> VReg {
        if let Some((_, data)) = self.s.def(value) {
            match data.op {
                Op::Const(ty, bits) => return self.constant(ty, bits),
                Op::VectorConst(bytes) => return self.vector_constant(bytes),
                Op::Convert(ConvertKind::ExtendI32U) => return self.reg(data.args[0]),
                _ => {}
            }
        }
        self.s.demand(value)
    }

    fn constant(&mut self, ty: Type, bits: u64) -> VReg {
        if !ty.is_float() {
            let reg = self.int();
            self.emit(Inst::Imm(bits), &[Operand::reg_def(reg)]);
            return reg;
        }
        let reg = self.float();
        let pool = (bits != 0).then(|| self.pool.low(bits));
        self.emit(Inst::FloatImm { pool, wide: wide(ty) }, &[Operand::reg_def(reg)]);
        reg
    }

    /// A register whose low 32 bits (all bits, for wider types) are the value's.
    fn low(&mut self, value: Value) -> VReg {
        match self.s.def(value) {
            Some((_, InstData { op: Op::Convert(ConvertKind::WrapI64), args, .. })) => self.low(args[0]),
            _ => self.reg(value),
        }
    }

    /// The value as a sign-extended 32-bit immediate at its type's width.
    fn imm(&self, value: Value) -> Option<i32> {
        let bits = self.s.constant(value)?;
        if wide(self.ty(value)) { i32::try_from(bits as i64).ok() } else { Some(bits as i32) }
    }

    /// The value as a right operand: an immediate, memory if `fold` allows, or a register.
    fn rhs(&mut self, value: Value, fold: bool) -> Rhs {
        if let Some(imm) = self.imm(value) {
            return Rhs::imm(imm);
        }
        match self.memory_operand(value, fold) {
            Some(addr) => addr.rhs(),
            None => Rhs::reg(self.low(value)),
        }
    }

    /// A full-width read of an integer or a float as an operand, if it may be performed here.
    fn memory_operand(&mut self, value: Value, fold: bool) -> Option<Addr> {
        let (inst, data) = self.s.sinkable(value).filter(|_| fold)?;
        match data.op {
            Op::Load(kind @ (LoadKind::I32 | LoadKind::I64 | LoadKind::F32 | LoadKind::F64), offset) => {
                self.s.sink(inst);
                Some(self.address(data.args[0], offset, kind.bytes()))
            }
            Op::GlobalGet(global) if global.0 >= self.env.layout.imported_globals => {
                self.s.sink(inst);
                Some(Addr::of(Amode::ctx(self.env.layout.own_global(global.0))))
            }
            _ => None,
        }
    }

    /// Whether [`Lower::memory_operand`] would find one.
    fn is_memory_operand(&self, value: Value) -> bool {
        let full = |kind| matches!(kind, LoadKind::I32 | LoadKind::I64 | LoadKind::F32 | LoadKind::F64);
        self.s.sinkable(value).is_some_and(|(_, data)| match data.op {
            Op::Load(kind, _) => full(kind),
            Op::GlobalGet(global) => global.0 >= self.env.layout.imported_globals,
            _ => false,
        })
    }

    /// Reads 64 bits.
    fn load64(&mut self, addr: Addr) -> VReg {
        let reg = self.int();
        let mut operands = Operands::from_slice(&[Operand::reg_def(reg)]);
        addr.push(&mut operands);
        self.emit(Inst::Load64(addr.am), &operands);
        reg
    }

    /// Reads 32 bits.
    fn load32(&mut self, addr: Addr) -> VReg {
        let reg = self.int();
        self.load_ext(reg, Ext::Zero32, false, addr);
        reg
    }

    fn load_ext(&mut self, reg: VReg, ext: Ext, wide: bool, addr: Addr) {
        let mut operands = Operands::from_slice(&[Operand::reg_def(reg)]);
        addr.push(&mut operands);
        self.emit(Inst::Load { ext, wide, am: addr.am }, &operands);
    }

    /// `-> d; src`
    fn emit_unary(&mut self, inst: Inst, d: VReg, rhs: &Rhs) {
        let mut operands = Operands::from_slice(&[Operand::reg_def(d)]);
        rhs.push(&mut operands);
        self.emit(inst, &operands);
    }

    /// `-> d = a; a, src`
    fn emit_binary(&mut self, inst: Inst, d: VReg, a: VReg, rhs: &Rhs) {
        let mut operands = Operands::from_slice(&[Operand::reg_reuse_def(d, 1), Operand::reg_use(a)]);
        rhs.push(&mut operands);
        self.emit(inst, &operands);
    }

    /// `a, src`
    fn emit_flags(&mut self, inst: Inst, a: VReg, rhs: &Rhs) {
        let mut operands = Operands::from_slice(&[Operand::reg_use(a)]);
        rhs.push(&mut operands);
        self.emit(inst, &operands);
    }

    fn lea(&mut self, d: VReg, wide: bool, am: Amode, regs: &[VReg]) {
        let mut operands = Operands::from_slice(&[Operand::reg_def(d)]);
        operands.extend(regs.iter().map(|&reg| Operand::reg_use(reg)));
        debug_assert_eq!(regs.len(), (am.base == Base::Reg) as usize + am.index.is_some() as usize);
        self.emit(Inst::Lea { wide, am }, &operands);
    }
}

impl<'a> Machine<'a> for Lower<'a> {
    type Inst = Inst;

    fn selector(&mut self) -> &mut Selector<'a, Inst> {
        &mut self.s
    }

    fn inst(&mut self, inst: crate::ir::func::Inst) -> Result<(), CodegenError> {
        let data = self.s.func.inst(inst);
        match data.op {
            Op::Const(..) | Op::VectorConst(_) | Op::Convert(ConvertKind::ExtendI32U) => {}
            Op::Unary(ty, kind) if ty.is_float() => self.float_unary(data, kind),
            Op::Binary(ty, kind) if ty.is_float() => self.float_binary(data, kind),
            Op::Unary(_, kind) => self.int_unary(data, kind),
            Op::Binary(_, kind) => self.int_binary(data, kind),
            Op::Compare(ty, kind) => self.compare_value(data, ty, kind),
            Op::Convert(kind) => self.convert(data, kind),
            Op::Select(_) => self.select(data),
            Op::Load(kind, offset) => self.load(data, kind, offset),
            Op::Store(kind, offset) => self.store(data, kind, offset),
            Op::Vector(op) => self.vector(data, op),
            Op::Shuffle(lanes) => self.vector_shuffle(data, lanes),
            Op::ExtractLane(shape, signed, lane) => self.extract_lane(data, shape, signed, lane),
            Op::ReplaceLane(shape, lane) => self.replace_lane(data, shape, lane),
            Op::LoadLane(shape, lane, offset) => self.load_lane(data, shape, lane, offset),
            Op::StoreLane(shape, lane, offset) => self.store_lane(data, shape, lane, offset),
            Op::AtomicLoad(kind, offset) => self.atomic_load(data, kind, offset),
            Op::AtomicStore(kind, offset) => self.atomic_store(data, kind, offset),
            Op::AtomicRmw(op, kind, offset) => self.atomic_rmw(data, op, kind, offset),
            Op::AtomicCmpxchg(kind, offset) => self.atomic_cmpxchg(data, kind, offset),
            Op::AtomicFence => self.fence(),
            Op::AtomicWait(memory, Type::I64, offset) => {
                self.atomic_call(data, Builtin::atomic_wait64, memory, offset);
            }
            Op::AtomicWait(memory, _, offset) => self.atomic_call(data, Builtin::atomic_wait32, memory, offset),
            Op::AtomicNotify(memory, offset) => self.atomic_call(data, Builtin::atomic_notify, memory, offset),
            Op::GlobalGet(global) => self.global_get(data, global),
            Op::GlobalSet(global) => self.global_set(data, global),
            Op::MemorySize(memory) => self.memory_size(data, memory),
            Op::Address(memory, offset, bytes) => self.checked_address(data, memory, offset, bytes),
            Op::TableGet(table) => self.table_get(data, table),
            Op::TableSet(table) => self.table_set(data, table),
            Op::TableSize(table) => self.table_size(data, table),
            Op::RefFunc(func) => {
                let d = self.s.demand(data.results[0]);
                self.lea(d, true, Amode::ctx(self.env.layout.func_ref(func.0)), &[]);
            }
            Op::Call(func) => self.call(data, func),
            Op::CallIndirect(table, ty) => self.call_indirect(data, table, ty),
            Op::Poll => {
                let t = self.int();
                self.emit(Inst::Poll, &[early_def(t)]);
            }
            Op::ExceptionPending
            | Op::ExceptionPend
            | Op::ExceptionTag
            | Op::ExceptionGet(..)
            | Op::ExceptionSet(..)
            | Op::Tag(_) => self.exception(data),
            _ => self.builtin(data),
        }
        Ok(())
    }

    fn argument(&mut self, value: Value) -> VReg {
        self.reg(value)
    }

    fn copy(&mut self, reg: VReg) -> VReg {
        let copy = self.s.vreg(reg.class());
        let inst = if reg.class() == RegClass::Int { Inst::Mov(true) } else { Inst::FloatMov };
        self.emit(inst, &[Operand::reg_def(copy), Operand::reg_use(reg)]);
        copy
    }

    fn jump(&mut self) {
        self.emit(Inst::Jump, &[]);
    }

    fn branch(&mut self, cond: Value) {
        let cond = self.cond(cond, true);
        self.emit(Inst::Branch(cond), &[]);
    }

    fn switch(&mut self, index: Value, cases: &[u32], default: u32) {
        let index = self.reg(index);
        let (t, u) = (self.int(), self.int());
        self.emit(Inst::Switch(self.switches.len() as u32), &[early_def(t), early_def(u), Operand::reg_use(index)]);
        let mut targets = cases.to_vec();
        targets.push(default);
        self.switches.push(targets);
    }

    fn leave(&mut self, term: &Terminator) {
        match term {
            Terminator::Trap(code) => self.emit(Inst::Trap(*code), &[]),
            Terminator::Return(values) => self.return_values(values),
            Terminator::TailCall { op, args } => self.tail_call(*op, args),
            _ => unreachable!("not a way out of the function"),
        }
    }

    fn entry(&mut self, params: &[Value]) {
        self.parameters(params);
    }

    fn guarded_call(&mut self) {
        self.guarded = true;
    }

    fn after_call(&mut self, from: crate::ir::func::Block, succ: u32) {
        self.behind_guarded_call(from, succ);
    }
}
