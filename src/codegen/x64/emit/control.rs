//! Emission of calls, branches and traps.

use super::{Allocs, Emitter, ForeignCall};
use crate::abi::slots::Slot;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::offset;
use crate::codegen::options::MemoryPolicy;
use crate::codegen::x64::asm::Label;
use crate::codegen::x64::encode::{Mem, MemBase, Opcode, Rm};
use crate::codegen::x64::inst::{Callee, Calling, Cc, Cond, Inst};
use crate::codegen::x64::regs::{CTX, Gpr, MEMORY, R11, RAX, RBP, RDI, RSP};
use crate::ir::types::Type;
use dynasmrt::{DynasmApi, dynasm};

/// Switches with up to this many cases are chains of comparisons.
const SMALL_SWITCH: usize = 4;

impl Emitter<'_> {
    pub(super) fn control(&mut self, inst: Inst, allocs: &mut Allocs<'_>, block: u32) {
        match inst {
            Inst::Args => allocs.allocs = &[],
            // Behind the return address and the saved frame pointer.
            Inst::StackParam(slot, ty) => self.slot_read(ty, Mem::at(RBP, 16 + 8 * slot as i32), allocs),
            Inst::StackResult(slot, ty) => self.slot_read(ty, Mem::at(RSP, 8 * slot as i32), allocs),
            Inst::ReturnSlot(slot, ty) => self.slot_write(ty, Mem::at(RBP, 16 + 8 * slot as i32), allocs),
            Inst::StackArg(slot, ty) => self.slot_write(ty, Mem::at(RSP, 8 * slot as i32), allocs),
            Inst::TrapIf(cc, code) => {
                let stub = self.stub(code);
                self.buf.jump(Some(cc as u8), stub);
            }
            Inst::Trap(code) => self.trap(code, self.loc),
            Inst::Call(calling) => self.call(calling, None),
            Inst::TailCall(tail) => {
                allocs.allocs = &[];
                self.tail_call(tail);
            }
            Inst::GuardedCall(calling) => {
                self.call(calling, Some(self.labels[self.succ(block, 1) as usize]));
                self.jump_to(self.succ(block, 0));
            }
            Inst::Landing => {
                let size = self.frame.size;
                dynasm!(self.buf ; .arch x64 ; lea rsp, [rbp - size]);
                self.restore_pinned();
            }
            Inst::Poll => {
                let t = allocs.gpr();
                self.load(t, Mem::at(CTX, offset::INTERRUPT));
                self.buf.op(Opcode::one(0x83).imm(1), 7, Rm::Mem(Mem::at(t, 0)));
                self.buf.push(0);
                let (slow, done) = (self.buf.label(), self.buf.label());
                self.buf.jump(Some(Cc::Ne as u8), slow);
                self.buf.bind(done);
                self.polls.push((slow, done, self.loc));
            }
            Inst::BoundsCheck { end } => {
                let (t, u, index) = (allocs.gpr(), allocs.gpr(), allocs.gpr());
                self.bounds_check(t, u, index, end);
            }
            Inst::CmpTypeId => {
                let (expected, func) = (allocs.gpr(), allocs.gpr());
                self.buf.trap_site(TrapCode::UninitializedElement, self.loc);
                self.buf.op(Opcode::one(0x3b), expected.0, Rm::Mem(Mem::at(func, offset::FUNC_TYPE_ID)));
            }
            Inst::CheckIndex => {
                let index = allocs.gpr();
                self.check_index(index);
            }
            Inst::Jump => self.jump_to(self.succ(block, 0)),
            Inst::Branch(cond) => self.branch(cond, self.succ(block, 0), self.succ(block, 1)),
            Inst::Switch(number) => {
                let (t, u, index) = (allocs.gpr(), allocs.gpr(), allocs.gpr());
                self.switch(number, block, t, u, index);
            }
            Inst::Return => self.epilogue(),
            _ => unreachable!("{inst:?} is no control instruction"),
        }
    }

    pub(super) fn load(&mut self, d: Gpr, mem: Mem) {
        self.buf.op(Opcode::one(0x8b).wide(true), d.0, Rm::Mem(mem));
    }

    /// Reads a slot of a stack area; an I32 is zero-extended.
    fn slot_read(&mut self, ty: Type, mem: Mem, allocs: &mut Allocs<'_>) {
        match ty {
            Type::F32 => self.buf.op(Opcode::two(0x10).prefix(0xf3), allocs.xmm().0, Rm::Mem(mem)),
            Type::V128 => self.buf.op(Opcode::two(0x10), allocs.xmm().0, Rm::Mem(mem)),
            Type::F64 => self.buf.op(Opcode::two(0x10).prefix(0xf2), allocs.xmm().0, Rm::Mem(mem)),
            _ => self.buf.op(Opcode::one(0x8b).wide(ty.is_64()), allocs.gpr().0, Rm::Mem(mem)),
        }
    }

    fn slot_write(&mut self, ty: Type, mem: Mem, allocs: &mut Allocs<'_>) {
        match ty {
            Type::F32 => self.buf.op(Opcode::two(0x11).prefix(0xf3), allocs.xmm().0, Rm::Mem(mem)),
            Type::V128 => self.buf.op(Opcode::two(0x11), allocs.xmm().0, Rm::Mem(mem)),
            Type::F64 => self.buf.op(Opcode::two(0x11).prefix(0xf2), allocs.xmm().0, Rm::Mem(mem)),
            _ => self.buf.op(Opcode::one(0x89).wide(true), allocs.gpr().0, Rm::Mem(mem)),
        }
    }

    pub(super) fn call(&mut self, calling: Calling, landing: Option<Label>) {
        match calling.callee {
            Callee::Direct(func) => self.buf.call(func),
            Callee::Import(at) => match calling.steady_first {
                Some(narrow) => return self.call_host_first(calling, at, narrow, landing),
                None => self.call_foreign((CTX, at)),
            },
            Callee::Indirect => match calling.steady_first {
                Some(narrow) => return self.call_own_first(calling, narrow, landing),
                None => self.call_foreign((R11, 0)),
            },
            Callee::Builtin(builtin) => {
                self.load(RAX, Mem::at(CTX, offset::BUILTINS));
                dynasm!(self.buf ; .arch x64 ; mov rdi, r15);
                self.call_through(Mem::at(RAX, builtin.offset()));
            }
        }
        self.called(landing);
        self.popped(calling);
        if calling.foreign {
            self.restore_pinned();
        } else if self.options.memory == MemoryPolicy::Explicit {
            self.load(MEMORY, Mem::at(CTX, offset::MEMORY_BASE));
        }
    }

    /// The pinned registers as the frame has them.
    fn restore_pinned(&mut self) {
        self.load(CTX, Mem::at(RBP, -8));
        self.load(MEMORY, Mem::at(CTX, offset::MEMORY_BASE));
    }

    /// Calls the function whose `FuncRef` is in `r11`; out of line if it is not this instance's.
    fn call_own_first(&mut self, calling: Calling, narrow: u16, landing: Option<Label>) {
        // cmp [r11 + ctx], r15
        self.buf.op(Opcode::one(0x39).wide(true), CTX.0, Rm::Mem(Mem::at(R11, offset::FUNC_CTX)));
        self.call_steady_if(Cc::E, (R11, 0), calling, narrow, landing);
    }

    /// Calls the import whose `FuncRef` lies in the vmctx; out of line if it is not the host's.
    fn call_host_first(&mut self, calling: Calling, at: i32, narrow: u16, landing: Option<Label>) {
        self.load(RDI, Mem::at(CTX, at + offset::FUNC_CTX));
        dynasm!(self.buf ; .arch x64 ; cmp DWORD [r15 + at + offset::FUNC_RESERVED], 0);
        self.call_steady_if(Cc::Ne, (CTX, at), calling, narrow, landing);
    }

    /// Calls a function that leaves the pinned registers as they are; out of line unless it is one, which a comparison has told.
    fn call_steady_if(
        &mut self,
        steady: Cc,
        func_ref: (Gpr, i32),
        calling: Calling,
        narrow: u16,
        landing: Option<Label>,
    ) {
        let (entry, done) = (self.buf.label(), self.buf.label());
        self.buf.jump(Some(steady.invert() as u8), entry);
        self.call_through(Mem::at(func_ref.0, func_ref.1 + offset::FUNC_CODE));
        self.called(landing);
        self.buf.bind(done);
        self.foreign.push(ForeignCall { entry, func_ref, done, landing, narrow, loc: self.loc });
        self.popped(calling);
    }

    /// Notes the call that has just been emitted.
    fn called(&mut self, landing: Option<Label>) {
        self.buf.call_site(self.loc);
        if let Some(landing) = landing {
            self.buf.handler(landing);
        }
    }

    /// Puts the stack pointer right behind a call.
    fn popped(&mut self, calling: Calling) {
        if calling.pops {
            // A callee of the host does not, so that the stack pointer is not known any more.
            let size = self.frame.size;
            dynasm!(self.buf ; .arch x64 ; lea rsp, [rbp - size]);
        }
    }

    /// Calls the function whose `FuncRef` lies there.
    fn call_foreign(&mut self, (base, at): (Gpr, i32)) {
        let (code, ctx) = (Mem::at(base, at + offset::FUNC_CODE), Mem::at(base, at + offset::FUNC_CTX));
        // The vmctx is about to be another.
        let early = base == CTX;
        if early {
            self.load(RAX, code);
        }
        self.load(RDI, ctx);
        self.enter_foreign();
        if early { self.call_rax() } else { self.call_through(code) }
    }

    /// The part of a call that was put off: the callee belongs to somebody else.
    pub(super) fn foreign_call(&mut self, call: ForeignCall) {
        self.buf.bind(call.entry);
        self.loc = call.loc;
        self.call_foreign(call.func_ref);
        self.called(call.landing);
        for reg in (0..16).filter(|reg| call.narrow & 1 << reg != 0) {
            self.buf.op(Opcode::one(0x8b), reg, Rm::Reg(reg));
        }
        self.restore_pinned();
        self.buf.jump(None, call.done);
    }

    /// Calls the function whose address is in `rax`.
    fn call_rax(&mut self) {
        if self.options.thunks {
            self.buf.call_slot(Slot::Indirect);
        } else {
            dynasm!(self.buf ; .arch x64 ; call rax);
        }
    }

    /// Calls the function whose address lies in memory.
    fn call_through(&mut self, mem: Mem) {
        if self.options.thunks {
            self.load(RAX, mem);
            self.call_rax();
        } else {
            self.buf.op(Opcode::one(0xff), 2, Rm::Mem(mem));
        }
    }

    /// The callee's vmctx is in `rdi`.
    pub(super) fn enter_foreign(&mut self) {
        dynasm!(self.buf ; .arch x64 ; mov r15, rdi);
        self.load(MEMORY, Mem::at(RDI, offset::MEMORY_BASE));
    }

    /// Traps unless `index + end` is at most the memory's size. The sum has less than 34 bits.
    fn bounds_check(&mut self, t: Gpr, u: Gpr, index: Gpr, end: u64) {
        self.load(t, Mem::at(CTX, offset::MEMORY));
        match i32::try_from(end) {
            Ok(end) => self.buf.op(Opcode::one(0x8d).wide(true), u.0, Rm::Mem(Mem::at(index, end))),
            Err(_) => {
                self.imm(u, end);
                self.buf.op(Opcode::one(0x03).wide(true), u.0, Rm::Reg(index.0));
            }
        }
        self.buf.op(Opcode::one(0x3b).wide(true), u.0, Rm::Mem(Mem::at(t, offset::MEMORY_BYTES)));
        let stub = self.stub(TrapCode::MemoryOutOfBounds);
        self.buf.jump(Some(Cc::A as u8), stub);
    }

    /// Needs no register: the index is looked at on the stack, below everything.
    fn check_index(&mut self, index: Gpr) {
        if index.0 >= 8 {
            self.buf.push(0x41);
        }
        self.buf.push(0x50 | (index.0 & 7));
        dynasm!(self.buf ; .arch x64 ; cmp DWORD [rsp + 4], 0 ; lea rsp, [rsp + 8]);
        let stub = self.stub(TrapCode::Unreachable);
        self.buf.jump(Some(Cc::Ne as u8), stub);
    }

    /// Where a block's successor ends up.
    fn succ(&self, block: u32, succ: usize) -> u32 {
        self.targets[self.code.vcode.blocks[block as usize].succs[succ].index()]
    }

    fn jump_to(&mut self, to: u32) {
        if self.next != Some(to) {
            self.buf.jump(None, self.labels[to as usize]);
        }
    }

    fn jump_if(&mut self, cc: Cc, to: u32) {
        self.buf.jump(Some(cc as u8), self.labels[to as usize]);
    }

    fn branch(&mut self, cond: Cond, then: u32, otherwise: u32) {
        if then == otherwise {
            return self.jump_to(then);
        }
        match cond {
            Cond::Cc(cc) if self.next == Some(then) => self.jump_if(cc.invert(), otherwise),
            Cond::Cc(cc) => {
                self.jump_if(cc, then);
                self.jump_to(otherwise);
            }
            Cond::FloatEq => self.branch(Cond::FloatNe, otherwise, then),
            Cond::FloatNe if self.next == Some(then) => {
                self.jump_if(Cc::P, then);
                self.jump_if(Cc::E, otherwise);
            }
            Cond::FloatNe => {
                self.jump_if(Cc::Ne, then);
                self.jump_if(Cc::P, then);
                self.jump_to(otherwise);
            }
        }
    }

    /// Jumps to `cases[index - first]` by comparisons; the index is known to be in range.
    fn search(&mut self, index: Gpr, first: usize, cases: &[u32]) {
        if cases.iter().all(|case| *case == cases[0]) {
            return self.buf.jump(None, self.labels[cases[0] as usize]);
        }
        let (low, high) = cases.split_at(cases.len() / 2);
        self.buf.op(Opcode::one(0x81).imm(4), 7, Rm::Reg(index.0));
        self.buf.push_i32((first + low.len()) as i32);
        let upper = self.buf.label();
        self.buf.jump(Some(Cc::Ae as u8), upper);
        self.search(index, first, low);
        self.buf.bind(upper);
        self.search(index, first + low.len(), high);
    }

    /// The index is compared as a whole before it selects an entry of the table.
    fn switch(&mut self, number: u32, block: u32, t: Gpr, u: Gpr, index: Gpr) {
        let succs = &self.code.switches[number as usize];
        let targets: Vec<u32> = succs.iter().map(|&succ| self.succ(block, succ as usize)).collect();
        let (&default, cases) = targets.split_last().expect("a switch has a default");
        if cases.len() <= SMALL_SWITCH {
            for (case, &to) in cases.iter().enumerate() {
                self.buf.op(Opcode::one(0x83).imm(1), 7, Rm::Reg(index.0));
                self.buf.push(case as u8);
                self.jump_if(Cc::E, to);
            }
            return self.jump_to(default);
        }
        self.buf.op(Opcode::one(0x81).imm(4), 7, Rm::Reg(index.0));
        self.buf.push_i32(cases.len() as i32);
        self.jump_if(Cc::Ae, default);
        if self.options.thunks {
            return self.search(index, 0, cases);
        }
        let labels = cases.iter().map(|&to| self.labels[to as usize]).collect();
        let table = self.buf.table(labels);
        self.buf.op(Opcode::one(0x8d).wide(true), t.0, Rm::Mem(Mem::label(table)));
        let entry = Mem { base: MemBase::Reg(t), index: Some((index, 2)), disp: 0 };
        self.buf.op(Opcode::one(0x63).wide(true), u.0, Rm::Mem(entry));
        self.buf.op(Opcode::one(0x03).wide(true), t.0, Rm::Reg(u.0));
        if self.options.endbr {
            // The targets are known to be in the table: no landing pads are needed.
            self.buf.push(0x3e);
        }
        self.buf.op(Opcode::one(0xff), 4, Rm::Reg(t.0));
    }
}
