//! x86-64: entering and leaving generated code, and reading an interrupted context.

pub mod thunk;

use super::activation::Activation;
use crate::abi::vmctx::VmCtx;
use std::arch::naked_asm;
use std::mem::offset_of;

/// Makes a system call with three arguments, and gives the kernel's answer: a failure is a negated error number.
///
/// # Safety
/// The call with these arguments touches only memory that the caller may touch so.
#[inline(always)]
pub unsafe fn syscall3(number: i64, arguments: [usize; 3]) -> isize {
    let answer;
    // SAFETY: by contract; the instruction changes the registers that are named here.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => answer,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// As [`syscall3`], with six arguments.
///
/// # Safety
/// As for [`syscall3`].
#[inline(always)]
pub unsafe fn syscall6(number: i64, arguments: [usize; 6]) -> isize {
    let answer;
    // SAFETY: by contract; the instruction changes the registers that are named here.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => answer,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") arguments[4],
            in("r9") arguments[5],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer
}

/// Saves the callee-saved registers, notes the stack pointer in the activation and calls `trampoline(ctx, code, values)`.
/// Returns 0, or 1 if [`resume`] or [`resume_in`] ended the call.
///
/// # Safety
/// See [`super::activation::enter`].
#[unsafe(naked)]
pub unsafe extern "C" fn enter(
    trampoline: *const u8,
    ctx: *mut u8,
    code: *const u8,
    values: *mut u64,
    activation: *mut Activation,
) -> u32 {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [r8 + {sp}], rsp",
        "mov rax, rdi",
        "mov rdi, rsi",
        "mov rsi, rdx",
        "mov rdx, rcx",
        "call rax",
        "xor eax, eax",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        sp = const offset_of!(Activation, sp),
    )
}

/// Makes the [`enter`] of the activation return 1.
///
/// # Safety
/// The activation is running on this thread; frames between here and its entry are abandoned.
#[unsafe(naked)]
pub unsafe extern "C" fn resume(activation: *mut Activation) -> ! {
    naked_asm!(
        "mov rsp, [rdi + {sp}]",
        "mov eax, 1",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        sp = const offset_of!(Activation, sp),
    )
}

/// Goes on at `pc` with the frame pointer `frame`; the stack pointer stays.
///
/// # Safety
/// See [`super::unwind::land`].
#[unsafe(naked)]
pub unsafe extern "C" fn land(frame: usize, pc: usize) -> ! {
    naked_asm!("mov rbp, rdi", "jmp rsi")
}

/// The values of the registers that callees preserve, which may be the calling functions'.
#[inline(always)]
pub fn preserved_registers() -> [u64; 6] {
    let mut registers = [0; 6];
    // SAFETY: only writes the array.
    unsafe {
        std::arch::asm!(
            "mov [{to}], rbx",
            "mov [{to} + 8], rbp",
            "mov [{to} + 16], r12",
            "mov [{to} + 24], r13",
            "mov [{to} + 32], r14",
            "mov [{to} + 40], r15",
            to = in(reg) registers.as_mut_ptr(),
            options(nostack, preserves_flags),
        );
    }
    registers
}

/// What a fault handler reads of the interrupted context.
pub struct Registers {
    /// The faulting instruction.
    pub pc: usize,
    /// Stack pointer.
    pub sp: usize,
    /// Frame pointer.
    pub fp: usize,
    /// The pinned memory base of generated code.
    pub memory_base: usize,
}

impl Registers {
    /// Reads an interrupted context.
    pub fn of(context: &libc::ucontext_t) -> Registers {
        let register = |index: i32| context.uc_mcontext.gregs[index as usize] as usize;
        Registers {
            pc: register(libc::REG_RIP),
            sp: register(libc::REG_RSP),
            fp: register(libc::REG_RBP),
            memory_base: register(libc::REG_R14),
        }
    }
}

/// Makes the interrupted thread go on in [`resume`].
pub fn resume_in(context: &mut libc::ucontext_t, activation: *mut Activation) {
    let registers = &mut context.uc_mcontext.gregs;
    registers[libc::REG_RIP as usize] = resume as *const () as i64;
    registers[libc::REG_RDI as usize] = activation as i64;
}

/// The vmctx of the generated code that was interrupted.
pub fn vmctx_of(context: &libc::ucontext_t) -> *mut VmCtx {
    context.uc_mcontext.gregs[libc::REG_R15 as usize] as *mut VmCtx
}

/// Bytes of the instruction that polls stop at.
const POLL_BYTES: i64 = 2;

/// Makes the interrupted thread go on in [`poll`], and from there behind the poll that it is in; `called` says that the return
/// address is on its stack already.
///
/// # Safety
/// The thread is stopped in a poll of generated code, whose stack has room below the stack pointer.
pub unsafe fn poll_in(context: &mut libc::ucontext_t, called: bool) {
    let registers = &mut context.uc_mcontext.gregs;
    if !called {
        let go_on = registers[libc::REG_RIP as usize] + POLL_BYTES;
        registers[libc::REG_RSP as usize] -= 8;
        // SAFETY: by contract.
        unsafe { *(registers[libc::REG_RSP as usize] as *mut i64) = go_on };
    }
    registers[libc::REG_RIP as usize] = poll as *const () as i64;
}

/// Calls `polled(vmctx, frame pointer, return address)` and returns with all registers as they were.
#[unsafe(naked)]
unsafe extern "C" fn poll() {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "pushfq",
        "push rax",
        "push rcx",
        "push rdx",
        "push rbx",
        "push rsi",
        "push rdi",
        "push r8",
        "push r9",
        "push r10",
        "push r11",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 256",
        "and rsp, -16",
        "movups [rsp], xmm0",
        "movups [rsp + 16], xmm1",
        "movups [rsp + 32], xmm2",
        "movups [rsp + 48], xmm3",
        "movups [rsp + 64], xmm4",
        "movups [rsp + 80], xmm5",
        "movups [rsp + 96], xmm6",
        "movups [rsp + 112], xmm7",
        "movups [rsp + 128], xmm8",
        "movups [rsp + 144], xmm9",
        "movups [rsp + 160], xmm10",
        "movups [rsp + 176], xmm11",
        "movups [rsp + 192], xmm12",
        "movups [rsp + 208], xmm13",
        "movups [rsp + 224], xmm14",
        "movups [rsp + 240], xmm15",
        "cld",
        "mov rdi, r15",
        "mov rsi, [rbp]",
        "mov rdx, [rbp + 8]",
        "call {polled}",
        "movups xmm0, [rsp]",
        "movups xmm1, [rsp + 16]",
        "movups xmm2, [rsp + 32]",
        "movups xmm3, [rsp + 48]",
        "movups xmm4, [rsp + 64]",
        "movups xmm5, [rsp + 80]",
        "movups xmm6, [rsp + 96]",
        "movups xmm7, [rsp + 112]",
        "movups xmm8, [rsp + 128]",
        "movups xmm9, [rsp + 144]",
        "movups xmm10, [rsp + 160]",
        "movups xmm11, [rsp + 176]",
        "movups xmm12, [rsp + 192]",
        "movups xmm13, [rsp + 208]",
        "movups xmm14, [rsp + 224]",
        "movups xmm15, [rsp + 240]",
        "lea rsp, [rbp - 120]",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop r11",
        "pop r10",
        "pop r9",
        "pop r8",
        "pop rdi",
        "pop rsi",
        "pop rbx",
        "pop rdx",
        "pop rcx",
        "pop rax",
        "popfq",
        "pop rbp",
        "ret",
        polled = sym super::signal::polled,
    )
}

/// Expands to a naked function that notes the guest's frame pointer and return address in the block which its first argument
/// points to (or in the block which a field of that block points to), and goes on with another function of the same signature.
///
/// Backtraces of traps that host functions raise begin at the noted frame.
macro_rules! exit_shim {
    (block, $fp:expr, $pc:expr, $target:path) => {
        std::arch::naked_asm!(
            "mov [rdi + {fp}], rbp",
            "mov rax, [rsp]",
            "mov [rdi + {pc}], rax",
            "jmp {target}",
            fp = const $fp,
            pc = const $pc,
            target = sym $target,
        )
    };
    (through $field:expr, $fp:expr, $pc:expr, $target:path) => {
        std::arch::naked_asm!(
            "mov rax, [rdi + {field}]",
            "mov [rax + {fp}], rbp",
            "mov r10, [rsp]",
            "mov [rax + {pc}], r10",
            "jmp {target}",
            field = const $field,
            fp = const $fp,
            pc = const $pc,
            target = sym $target,
        )
    };
}
pub(crate) use exit_shim;
