//! wasmjit: mount filesystems and run programs written in WebAssembly.
//!
//! The folders are the layers, and arrows point down only:
//!
//! | folder | what it owns |
//! |---|---|
//! | `cli` | arguments in, exit code out; one file per subcommand |
//! | `fs` | a wasm instance as an `fs_host::Guest` |
//! | `host` | what guests import: Emscripten, WASI, fd table, sandbox policy |
//! | `runtime` | engine, module, store, instance, linker, tables, traps |
//! | `codegen` | IR to machine code: selection, register allocation, emission, image |
//! | `ir` | SSA IR: types, ops, builder from wasm, passes, verifier, text form |
//! | `wasm` | bytes to a validated module |
//! | `memory` | linear memory reservations, checked guest pointers |
//! | `abi` | tables only: vmctx layout, trap codes, builtins, errno |
//! | `sys` | the OS-specific unsafe: mapping, W^X, signals |

pub mod abi;
pub mod codegen;
pub mod fs;
pub mod host;
pub mod ir;
pub mod memory;
pub mod runtime;
pub mod sys;
pub mod wasm;

pub use runtime::*;
