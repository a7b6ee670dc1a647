//! Emission of atomic instructions.

use super::{Allocs, Emitter};
use crate::abi::trap::TrapCode;
use crate::codegen::x64::encode::{Opcode, Rm};
use crate::codegen::x64::inst::{Alu, Amode, Base, Cc, Ext, Inst, Store};
use crate::codegen::x64::regs::RAX;
use dynasmrt::DynasmApi;

/// The prefix that makes an instruction atomic.
const LOCK: u8 = 0xf0;

/// An opcode whose 8-bit form is one less.
fn sized(op: Opcode, width: Store) -> Opcode {
    match width {
        Store::B1 => Opcode { code: op.code - 1, ..op }.bytes(true, false),
        Store::B2 => op.prefix(0x66),
        Store::B8 => op.wide(true),
        _ => op,
    }
}

impl Emitter<'_> {
    pub(super) fn atomic(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::AtomicSwap { add, width, am } => {
                let (d, _) = (allocs.gpr(), allocs.gpr());
                let mem = Rm::Mem(self.mem(am, allocs));
                // An exchange with memory is always locked.
                if add {
                    self.buf.push(LOCK);
                }
                let op = if add { Opcode::two(0xc1) } else { Opcode::one(0x87) };
                self.buf.op(sized(op, width), d.0, mem);
            }
            Inst::AtomicAlu { op, width, am } => {
                let value = allocs.gpr();
                let mem = Rm::Mem(self.mem(am, allocs));
                self.buf.push(LOCK);
                self.buf.op(sized(Opcode::one((op as u8) << 3 | 1), width), value.0, mem);
            }
            Inst::AtomicCas { width, am } => {
                let (_, _, value) = (allocs.gpr(), allocs.gpr(), allocs.gpr());
                let mem = Rm::Mem(self.mem(am, allocs));
                self.compare_exchange(width, value.0, mem);
            }
            Inst::AtomicLoop { op, width, am } => self.atomic_loop(op, width, am, allocs),
            Inst::Fence => self.buf.extend([0x0f, 0xae, 0xf0]),
            _ => unreachable!("{inst:?} is not atomic"),
        }
    }

    fn compare_exchange(&mut self, width: Store, value: u8, mem: Rm) {
        self.buf.push(LOCK);
        self.buf.op(sized(Opcode::two(0xb1), width), value, mem);
    }

    /// Repeats until nobody has changed the memory between.
    fn atomic_loop(&mut self, op: Alu, width: Store, am: Amode, allocs: &mut Allocs<'_>) {
        let (_, t, value) = (allocs.gpr(), allocs.gpr(), allocs.gpr());
        let mem = Rm::Mem(self.mem(am, allocs));
        match width {
            Store::B1 => self.extend(Ext::Zero8, false, RAX, mem),
            Store::B2 => self.extend(Ext::Zero16, false, RAX, mem),
            _ => self.buf.op(Opcode::one(0x8b).wide(width == Store::B8), RAX.0, mem),
        }
        let again = self.buf.label();
        self.buf.bind(again);
        self.buf.op(Opcode::one(0x8b).wide(true), t.0, Rm::Reg(RAX.0));
        self.buf.op(Opcode::one((op as u8) << 3 | 3).wide(true), t.0, Rm::Reg(value.0));
        if am.base == Base::Memory {
            self.buf.trap_site(TrapCode::MemoryOutOfBounds, self.loc);
        }
        self.compare_exchange(width, t.0, mem);
        self.buf.jump(Some(Cc::Ne as u8), again);
    }
}
