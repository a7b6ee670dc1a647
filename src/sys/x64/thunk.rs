//! Code for host functions whose type is known at run time only.
//!
//! The thunk gathers native arguments into an array of `u64`, calls the function whose address the host context holds with
//! `(context, array)`, and spreads the results again. See the function convention in `codegen`.

// The assembler converts registers whose numbers are dynamic.
#![allow(clippy::useless_conversion)]

use dynasmrt::{DynasmApi, dynasm};

/// How a value travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// In general registers.
    Int,
    /// In vector registers.
    Float,
}

/// Offsets of the fields of the host context that thunks use.
#[derive(Clone, Copy, Debug)]
pub struct ThunkOffsets {
    /// Where the guest's frame pointer is noted.
    pub exit_fp: i32,
    /// Where the return address in the guest is noted.
    pub exit_pc: i32,
    /// The address of the function to call.
    pub entry: i32,
}

/// General registers of wasm parameters, by their numbers: rsi rdx rcx r8 r9.
const INT_ARGS: [u8; 5] = [6, 2, 1, 8, 9];
/// Vector registers of parameters.
const FLOAT_ARGS: u8 = 8;
/// General registers of results: rax rdx.
const INT_RESULTS: [u8; 2] = [0, 2];
/// Vector registers of results.
const FLOAT_RESULTS: u8 = 2;

/// Hands out registers, then stack slots.
struct Places<'a> {
    ints: &'a [u8],
    floats: std::ops::Range<u8>,
    slots: i32,
}

enum Place {
    Int(u8),
    Float(u8),
    Slot(i32),
}

impl Places<'_> {
    fn next(&mut self, class: Class) -> Place {
        let register = match class {
            Class::Int => self.ints.split_first().map(|(first, rest)| {
                self.ints = rest;
                Place::Int(*first)
            }),
            Class::Float => self.floats.next().map(Place::Float),
        };
        register.unwrap_or_else(|| {
            self.slots += 1;
            // Above the saved frame pointer and the return address.
            Place::Slot(16 + 8 * (self.slots - 1))
        })
    }
}

/// Assembles the thunk for a function type.
pub fn host_thunk(params: &[Class], results: &[Class], offsets: ThunkOffsets) -> Vec<u8> {
    let mut asm = dynasmrt::VecAssembler::<dynasmrt::x64::X64Relocation>::new(0);
    let area = (8 * params.len().max(results.len())).next_multiple_of(16) as i32;
    dynasm!(asm
        ; .arch x64
        ; push rbp
        ; mov rbp, rsp
        ; mov rax, [rbp]
        ; mov [rdi + offsets.exit_fp], rax
        ; mov rax, [rbp + 8]
        ; mov [rdi + offsets.exit_pc], rax
        ; sub rsp, area
    );
    let mut places = Places { ints: &INT_ARGS, floats: 0..FLOAT_ARGS, slots: 0 };
    for (index, class) in params.iter().enumerate() {
        let at = 8 * index as i32;
        match places.next(*class) {
            Place::Int(register) => dynasm!(asm ; .arch x64 ; mov [rsp + at], Rq(register)),
            Place::Float(register) => dynasm!(asm ; .arch x64 ; movsd [rsp + at], Rx(register)),
            Place::Slot(slot) => dynasm!(asm ; .arch x64 ; mov rax, [rbp + slot] ; mov [rsp + at], rax),
        }
    }
    dynasm!(asm ; .arch x64 ; mov rsi, rsp ; call QWORD [rdi + offsets.entry]);
    // Stack results lie behind the stack parameters, which fill an even number of slots.
    let slots = (places.slots + 1) & !1;
    let mut places = Places { ints: &INT_RESULTS, floats: 0..FLOAT_RESULTS, slots };
    for (index, class) in results.iter().enumerate() {
        let at = 8 * index as i32;
        match places.next(*class) {
            Place::Int(register) => dynasm!(asm ; .arch x64 ; mov Rq(register), [rsp + at]),
            Place::Float(register) => dynasm!(asm ; .arch x64 ; movsd Rx(register), [rsp + at]),
            Place::Slot(slot) => dynasm!(asm ; .arch x64 ; mov rcx, [rsp + at] ; mov [rbp + slot], rcx),
        }
    }
    dynasm!(asm ; .arch x64 ; mov rsp, rbp ; pop rbp ; ret);
    // Nothing is left to relocate: the code refers to no label.
    asm.finalize().unwrap_or_default()
}
