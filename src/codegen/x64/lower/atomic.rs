//! Atomic accesses: locked instructions, after a check of the address's alignment.
//!
//! Loads are ordinary ones and stores are exchanges, which makes all of them sequentially consistent.

use super::{Addr, Lower, Operands, early_def, late_use};
use crate::abi::builtins::Builtin;
use crate::abi::trap::TrapCode;
use crate::codegen::x64::abi::INT_ARGS;
use crate::codegen::x64::inst::{Alu, Amode, Base, Callee, Calling, Cc, Ext, Inst, Src, Store};
use crate::codegen::x64::regs::{RAX, clobbered_by_calls};
use crate::ir::func::{InstData, Value};
use crate::ir::ops::{LoadKind, RmwKind, StoreKind};
use crate::ir::types::Type;
use crate::wasm::MemoryIndex;
use regalloc2::{Operand, OperandConstraint, OperandKind, OperandPos, VReg};

/// The width of an access.
fn width(bytes: u32) -> Store {
    match bytes {
        1 => Store::B1,
        2 => Store::B2,
        4 => Store::B4,
        _ => Store::B8,
    }
}

impl Lower<'_> {
    /// The address of an atomic access, after the check of its alignment.
    fn atomic_address(&mut self, index: Value, offset: u32, bytes: u32) -> Addr {
        if bytes > 1 {
            let mask = bytes as i32 - 1;
            let mut low = self.reg(index);
            if offset & mask as u32 != 0 {
                // Only the low bits of the sum count.
                let am = Amode { base: Base::Reg, index: None, disp: (offset & mask as u32) as i32 };
                let sum = self.int();
                self.lea(sum, false, am, &[low]);
                low = sum;
            }
            let test = Inst::Cmp { width: Store::B4, test: true, src: Src::Imm(mask) };
            self.emit(test, &[Operand::reg_use(low)]);
            self.emit(Inst::TrapIf(Cc::Ne, TrapCode::UnalignedAtomic), &[]);
        }
        self.address(index, offset, bytes)
    }

    pub(super) fn atomic_load(&mut self, data: &InstData, kind: LoadKind, offset: u32) {
        // The access traps even if nobody wants its result.
        let d = self.s.demand(data.results[0]);
        let addr = self.atomic_address(data.args[0], offset, kind.bytes());
        self.load_from(d, kind, addr);
    }

    pub(super) fn atomic_store(&mut self, data: &InstData, kind: StoreKind, offset: u32) {
        let value = self.low(data.args[1]);
        let addr = self.atomic_address(data.args[0], offset, kind.bytes());
        let old = self.int();
        self.swap(old, false, width(kind.bytes()), value, &addr);
    }

    fn swap(&mut self, d: VReg, add: bool, width: Store, value: VReg, addr: &Addr) {
        let mut operands = Operands::from_slice(&[Operand::reg_reuse_def(d, 1), Operand::reg_use(value)]);
        addr.push(&mut operands);
        self.emit(Inst::AtomicSwap { add, width, am: addr.am }, &operands);
    }

    /// Clears what lies above a narrow result.
    fn extend_narrow(&mut self, d: VReg, raw: VReg, bytes: u32) {
        let ext = match bytes {
            1 => Ext::Zero8,
            2 => Ext::Zero16,
            4 => Ext::Zero32,
            _ => return self.emit(Inst::Mov(true), &[Operand::reg_def(d), Operand::any_use(raw)]),
        };
        self.emit(Inst::Ext { ext, wide: false, src: Src::Reg }, &[Operand::reg_def(d), Operand::reg_use(raw)]);
    }

    pub(super) fn atomic_rmw(&mut self, data: &InstData, op: RmwKind, kind: LoadKind, offset: u32) {
        let (bytes, wanted) = (kind.bytes(), self.s.is_demanded(data.results[0]));
        let alu = match op {
            RmwKind::Add => Some(Alu::Add),
            RmwKind::Sub => Some(Alu::Sub),
            RmwKind::And => Some(Alu::And),
            RmwKind::Or => Some(Alu::Or),
            RmwKind::Xor => Some(Alu::Xor),
            RmwKind::Xchg => None,
        };
        let mut value = self.low(data.args[1]);
        if op == RmwKind::Sub && wanted {
            let negated = self.int();
            self.emit(Inst::Neg(true), &[Operand::reg_reuse_def(negated, 1), Operand::reg_use(value)]);
            value = negated;
        }
        let addr = self.atomic_address(data.args[0], offset, bytes);
        match (alu, op) {
            (Some(op), _) if !wanted => {
                let mut operands = Operands::from_slice(&[Operand::reg_use(value)]);
                addr.push(&mut operands);
                self.emit(Inst::AtomicAlu { op, width: width(bytes), am: addr.am }, &operands);
            }
            (Some(op), RmwKind::And | RmwKind::Or | RmwKind::Xor) => {
                let d = self.s.demand(data.results[0]);
                let (raw, t) = (self.int(), self.int());
                let rax = OperandConstraint::FixedReg(RAX.preg());
                let mut operands = Operands::new();
                operands.push(Operand::new(raw, rax, OperandKind::Def, OperandPos::Early));
                operands.extend([early_def(t), late_use(value)]);
                operands.extend(addr.regs.iter().map(|&reg| late_use(reg)));
                self.emit(Inst::AtomicLoop { op, width: width(bytes), am: addr.am }, &operands);
                self.extend_narrow(d, raw, bytes);
            }
            _ => {
                let raw = self.int();
                self.swap(raw, op != RmwKind::Xchg, width(bytes), value, &addr);
                if wanted {
                    let d = self.s.demand(data.results[0]);
                    self.extend_narrow(d, raw, bytes);
                }
            }
        }
    }

    pub(super) fn atomic_cmpxchg(&mut self, data: &InstData, kind: LoadKind, offset: u32) {
        let d = self.s.demand(data.results[0]);
        let (expected, value) = (self.low(data.args[1]), self.low(data.args[2]));
        let addr = self.atomic_address(data.args[0], offset, kind.bytes());
        let raw = self.int();
        let mut operands = Operands::new();
        operands.push(Operand::reg_fixed_def(raw, RAX.preg()));
        operands.extend([Operand::reg_fixed_use(expected, RAX.preg()), Operand::reg_use(value)]);
        addr.push(&mut operands);
        self.emit(Inst::AtomicCas { width: width(kind.bytes()), am: addr.am }, &operands);
        self.extend_narrow(d, raw, kind.bytes());
    }

    pub(super) fn fence(&mut self) {
        self.emit(Inst::Fence, &[]);
    }

    /// Waits and notifications are the runtime's; it checks the address, which has 33 bits.
    pub(super) fn atomic_call(&mut self, data: &InstData, builtin: Builtin, memory: MemoryIndex, offset: u32) {
        self.frame.calls = true;
        let index = self.reg(data.args[0]);
        let address = if offset == 0 {
            index
        } else {
            let offset = self.constant(Type::I64, offset.into());
            self.alu(Alu::Add, true, offset, index)
        };
        let memory = self.constant(Type::I32, memory.0.into());
        let mut args = vec![memory, address];
        args.extend(data.args[1..].iter().map(|&arg| self.reg(arg)));
        let raw = self.int();
        let mut clobbers = clobbered_by_calls();
        clobbers.remove(RAX.preg());
        let mut operands = Operands::new();
        operands.push(Operand::reg_fixed_def(raw, RAX.preg()));
        operands.extend(args.iter().zip(INT_ARGS).map(|(&arg, gpr)| Operand::reg_fixed_use(arg, gpr.preg())));
        let calling = Calling { callee: Callee::Builtin(builtin), pops: false, foreign: false, steady_first: None };
        self.s.emit(Inst::Call(calling), &operands, clobbers);
        let d = self.s.demand(data.results[0]);
        self.emit(Inst::Mov(false), &[Operand::reg_def(d), Operand::any_use(raw)]);
    }
}
