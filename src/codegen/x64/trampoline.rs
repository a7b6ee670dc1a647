//! Entry trampolines: how the runtime calls a function of some type.
//!
//! `extern "C" fn(ctx: *mut VmCtx, code: *const u8, values: *mut u64)`: reads the arguments from `values` (8 bytes each, a vector 16, in
//! order), calls `code` with the function convention, writes the results over them. It keeps everything that System V
//! asks callees to keep, and links into the chain of frame pointers.

use super::abi::{Place, Signature};
use super::asm::{Assembled, Buffer};
use super::emit::{announce_floats, ret};
use super::encode::{Mem, Opcode, Rm};
use super::regs::{RAX, RBX, RSP};
use crate::abi::slots::Slot;
use crate::abi::vmctx::offset;
use crate::codegen::options::{CodegenError, Options};
use crate::ir::types::Type;
use crate::wasm::FuncType;
use dynasmrt::{DynasmApi, dynasm};

/// Emits the trampoline for a function type.
pub fn emit(ty: &FuncType, options: &Options) -> Result<Assembled, CodegenError> {
    let signature = Signature::new(ty);
    let mut buf = Buffer::default();
    if options.endbr {
        buf.landing_pad();
    }
    // With the return address, seven pushes: 8 bytes short of alignment.
    let area = 8 * (signature.slots as i32 + (1 - signature.slots as i32 % 2));
    dynasm!(buf
        ; .arch x64
        ; push rbp
        ; mov rbp, rsp
        ; push rbx
        ; push r12
        ; push r13
        ; push r14
        ; push r15
        ; sub rsp, DWORD area
        ; mov rbx, rdx
        ; mov r15, rdi
        ; mov r14, [rdi + offset::MEMORY_BASE]
        ; mov r10, rsi
    );
    let is_float = |(place, _): &(Place, Type)| matches!(place, Place::Float(_));
    if options.thunks && signature.params.iter().chain(&signature.results).any(is_float) {
        announce_floats(&mut buf);
    }
    let mut cell = 0;
    for &(place, ty) in &signature.params {
        argument(&mut buf, place, ty, Mem::at(RBX, 8 * cell));
        cell += ty.cells() as i32;
    }
    if options.thunks {
        dynasm!(buf ; .arch x64 ; mov rax, r10);
        buf.call_slot(Slot::Indirect);
    } else {
        dynasm!(buf ; .arch x64 ; call r10);
    }
    buf.call_site(0);
    let mut cell = 0;
    for &(place, ty) in &signature.results {
        // The callee has taken its arguments off the stack.
        let place = match place {
            Place::Stack(slot) => Place::Stack(slot - signature.param_slots),
            place => place,
        };
        result(&mut buf, place, ty, Mem::at(RBX, 8 * cell));
        cell += ty.cells() as i32;
    }
    dynasm!(buf
        ; .arch x64
        ; lea rsp, [rbp - 40]
        ; pop r15
        ; pop r14
        ; pop r13
        ; pop r12
        ; pop rbx
        ; pop rbp
    );
    ret(&mut buf, options, 0);
    buf.finish(&[])
}

/// A 32-bit integer is zero-extended: the invariant of compiled code begins here.
fn argument(buf: &mut Buffer, place: Place, ty: Type, value: Mem) {
    let integer = Opcode::one(0x8b).wide(ty.is_64());
    match place {
        Place::Float(xmm) if ty == Type::V128 => buf.op(Opcode::two(0x10), xmm.0, Rm::Mem(value)),
        // xmm15 holds no argument.
        Place::Stack(slot) if ty == Type::V128 => {
            buf.op(Opcode::two(0x10), 15, Rm::Mem(value));
            buf.op(Opcode::two(0x11), 15, Rm::Mem(Mem::at(RSP, 8 * slot as i32)));
        }
        Place::Int(gpr) => buf.op(integer, gpr.0, Rm::Mem(value)),
        Place::Float(xmm) => {
            buf.op(Opcode::two(0x10).prefix(if ty.is_64() { 0xf2 } else { 0xf3 }), xmm.0, Rm::Mem(value))
        }
        Place::Stack(slot) => {
            buf.op(integer, RAX.0, Rm::Mem(value));
            buf.op(Opcode::one(0x89).wide(true), RAX.0, Rm::Mem(Mem::at(RSP, 8 * slot as i32)));
        }
    }
}

/// 32-bit results are zero-extended.
fn result(buf: &mut Buffer, place: Place, ty: Type, value: Mem) {
    let store = Opcode::one(0x89).wide(true);
    match place {
        Place::Float(xmm) if ty == Type::V128 => buf.op(Opcode::two(0x11), xmm.0, Rm::Mem(value)),
        Place::Stack(slot) if ty == Type::V128 => {
            buf.op(Opcode::two(0x10), 15, Rm::Mem(Mem::at(RSP, 8 * slot as i32)));
            buf.op(Opcode::two(0x11), 15, Rm::Mem(value));
        }
        Place::Int(gpr) => {
            if !ty.is_64() {
                buf.op(Opcode::one(0x8b), gpr.0, Rm::Reg(gpr.0));
            }
            buf.op(store, gpr.0, Rm::Mem(value));
        }
        // rcx holds no result.
        Place::Float(xmm) => {
            buf.op(Opcode::two(0x7e).prefix(0x66).wide(ty.is_64()), xmm.0, Rm::Reg(1));
            buf.op(store, 1, Rm::Mem(value));
        }
        Place::Stack(slot) => {
            buf.op(Opcode::one(0x8b).wide(ty.is_64()), 1, Rm::Mem(Mem::at(RSP, 8 * slot as i32)));
            buf.op(store, 1, Rm::Mem(value));
        }
    }
}
