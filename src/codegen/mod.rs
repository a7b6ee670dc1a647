//! IR to machine code.
//!
//! # The function convention
//!
//! Generated functions and host functions share one convention, System V's with these rules:
//! - argument 0 is the callee's vmctx (`rdi`), wasm parameters follow: integers and references in `rsi rdx rcx r8 r9`, floats in
//!   `xmm0..=xmm7`, the rest on the stack at `[rsp+8*n]` before the call, in order;
//! - results: the first two integers in `rax rdx`, the first two floats in `xmm0 xmm1`, any others in the stack area where stack arguments
//!   are passed, 8 bytes each, in order (the caller makes the area large enough for both, and the results overwrite the arguments).
//!   A host function has one result at most;
//! - `r15` holds the vmctx of the running function and `r14` its memory base (pinned). Direct calls within a module leave both as they are. A call that
//!   may leave the module (import, indirect) sets `rdi` and `r15` to the callee's `ctx` and `r14` to `[ctx]`, and restores both afterwards;
//! - `rbx rbp r12 r13 r14 r15` are preserved by the callee; every function keeps a frame pointer chain in `rbp`, which backtraces walk.
