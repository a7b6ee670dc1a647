//! x86-64: entering and leaving generated code, and reading an interrupted context.

pub mod thunk;

use super::activation::Activation;
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
