//! IR to machine code.
//!
//! # The function convention
//!
//! Generated functions and host functions share one convention, System V's with these rules:
//! - argument 0 is the callee's vmctx (`rdi`), wasm parameters follow: integers and references in `rsi rdx rcx r8 r9`, floats in
//!   `xmm0..=xmm7`, the rest on the stack at `[rsp+8*n]` before the call, in order, filled up to an even number of slots;
//! - results: the first two integers in `rax rdx`, the first two floats in `xmm0 xmm1`, any others in the caller's stack area right above the stack
//!   arguments, 8 bytes each, in order;
//! - a generated function takes its stack arguments off the stack (`ret 8*n`), a host function does not: behind a call with stack arguments the caller sets
//!   `rsp` from `rbp`;
//! - a tail call (`x64::emit::tail`) moves the return address so that the argument area, whatever its size, ends where the function's own ended: the stack
//!   is the same however many tail calls follow each other, and results lie where the first caller expects them. A host function with
//!   stack arguments (`FuncRef::reserved`) is called and then returned from instead;
//! - `r15` holds the vmctx of the running function and `r14` its memory base (pinned). Direct calls within a module leave both as they are, unless the module has tail calls that may leave it; then they are restored, too. A call that
//!   may leave the module (import, indirect) sets `rdi` and `r15` to the callee's `ctx` and `r14` to `[ctx]`, and restores both afterwards; with the `Guard` policy
//!   an indirect call does so, out of line, only where the callee's `ctx` is not the caller's own, in which case it is like a direct call;
//! - `rbx rbp r12 r13 r14 r15` are preserved by the callee; every function keeps a frame pointer chain in `rbp`, which backtraces walk.
//! - an I32 in a register or a stack slot is zero-extended to 64 bits, argument or result, wherever generated code or a trampoline put it there.
//!   Generated code relies on it for arguments and for results of calls that stay in the instance; of foreign calls (which may reach host functions) it does not,
//!   but for calls that have told a host function from others in user space: the host returns them so;
//! - the stack limit leaves room below it for what is not checked: a leaf function's frame of up to 1 KiB, and whatever builtins and host functions need;
//! - a fault at a trap site is a trap: `SIGSEGV`/`SIGBUS` (memory, and the type of a table's null entry), `SIGILL` (`ud2`), and `SIGFPE` (the machine's division; the site's code says whether
//!   by zero or by overflow).
//!
//! # Exceptions
//!
//! A throw is a builtin that walks the chain of frame pointers and looks each return address up in the image's table of handlers. Where it
//! finds one, it puts the exception into the frame's vmctx (`[rbp-8]`), sets `rbp` to the frame and jumps to the landing; that sets
//! `rsp`, `r15` and `r14` from `rbp`. What callees preserve is not restored: a guarded call clobbers every register, and a function
//! with landings saves all of `rbx r12 r13` for its own caller. Calls cost nothing for it.
//!
//! # The way of a function
//!
//! [`isel`] orders the blocks and walks them; [`x64::lower`] selects machine instructions over virtual registers ([`vcode`]); regalloc2 allocates;
//! [`x64::emit`] emits; [`image`] links functions to a position-independent [`CodeImage`]. [`driver`] does that for whole modules.

pub mod driver;
pub mod image;
pub mod isel;
pub mod options;
pub mod vcode;
pub mod x64;

pub use driver::{compile_function, compile_module};
pub use image::CodeImage;
pub use options::{CallSite, CodegenError, CpuFeatures, HandlerSite, MemoryPolicy, Options, TrapSite};
