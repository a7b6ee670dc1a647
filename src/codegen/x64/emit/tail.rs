//! Tail calls: the callee's frame takes the place of the function's.

use super::Emitter;
use crate::abi::slots::Slot;
use crate::abi::vmctx::offset;
use crate::codegen::x64::encode::{Mem, Opcode, Rm};
use crate::codegen::x64::inst::{Callee, Calling, Cc, Tail};
use crate::codegen::x64::regs::{CTX, Gpr, R10, R11, RAX, RBP, RDI, RSP};
use dynasmrt::{DynasmApi, dynasm};

impl Emitter<'_> {
    /// Register arguments are in their places, an indirect callee in `r11`, stack arguments in the outgoing area.
    pub(super) fn tail_call(&mut self, tail: Tail) {
        let slow = self.buf.label();
        // A function of the host leaves its stack arguments to the caller: it cannot take our place.
        let may_be_host = tail.params > 0 && !matches!(tail.callee, Callee::Direct(_));
        if may_be_host {
            let reference = match tail.callee {
                Callee::Import(at) => Mem::at(CTX, at + offset::FUNC_RESERVED),
                _ => Mem::at(R11, offset::FUNC_RESERVED),
            };
            self.buf.op(Opcode::one(0x83).imm(1), 7, Rm::Mem(reference));
            self.buf.push(0);
            self.buf.jump(Some(Cc::Ne as u8), slow);
        }
        self.restore_saved();
        self.replace_frame(tail.params as i32);
        match tail.callee {
            Callee::Direct(func) => self.buf.tail_call(func),
            Callee::Import(at) => {
                self.load(RAX, Mem::at(CTX, at + offset::FUNC_CODE));
                self.load(RDI, Mem::at(CTX, at + offset::FUNC_CTX));
                self.enter_foreign();
                self.jump_rax();
            }
            _ => {
                self.load(RDI, Mem::at(R11, offset::FUNC_CTX));
                self.enter_foreign();
                if self.options.thunks {
                    self.load(RAX, Mem::at(R11, offset::FUNC_CODE));
                    self.jump_rax();
                } else {
                    self.buf.op(Opcode::one(0xff), 4, Rm::Mem(Mem::at(R11, offset::FUNC_CODE)));
                }
            }
        }
        self.buf.bind(slow);
        if may_be_host {
            self.call_host_and_return(tail);
        }
    }

    fn jump_rax(&mut self) {
        if self.options.thunks {
            self.buf.jump_slot(Slot::Indirect);
        } else {
            dynasm!(self.buf ; .arch x64 ; jmp rax);
        }
    }

    fn save(&mut self, from: Gpr, to: Mem) {
        self.buf.op(Opcode::one(0x89).wide(true), from.0, Rm::Mem(to));
    }

    /// Puts `params` stack arguments where the callee expects them and the return address below; leaves the stack as it is at a
    /// function's first instruction. The upper end of the argument area stays where it is: what lies there (the
    /// results) is the caller's.
    fn replace_frame(&mut self, params: i32) {
        let moved = 8 * (self.code.frame.params as i32 - params);
        if moved != 0 {
            self.load(RAX, Mem::at(RBP, 0));
            self.load(RDI, Mem::at(RBP, 8));
        }
        // The area lies above where the arguments are now: the last one first.
        for slot in (0..params).rev() {
            self.load(R10, Mem::at(RSP, 8 * slot));
            self.save(R10, Mem::at(RBP, 16 + moved + 8 * slot));
        }
        if moved != 0 {
            self.save(RDI, Mem::at(RBP, 8 + moved));
            dynasm!(self.buf ; .arch x64 ; lea rsp, [rbp + 8 + moved] ; mov rbp, rax);
            return;
        }
        if self.frame.size != 0 {
            dynasm!(self.buf ; .arch x64 ; mov rsp, rbp);
        }
        dynasm!(self.buf ; .arch x64 ; pop rbp);
    }

    /// Functions of the host make no tail calls: an ordinary call does not let the stack grow.
    fn call_host_and_return(&mut self, tail: Tail) {
        self.call(Calling { callee: tail.callee, pops: true, foreign: true, steady_first: None }, None);
        for slot in 0..tail.results as i32 {
            self.load(R10, Mem::at(RSP, 8 * (tail.params as i32 + slot)));
            self.save(R10, Mem::at(RBP, 16 + 8 * (self.code.frame.params as i32 + slot)));
        }
        self.epilogue();
    }
}
