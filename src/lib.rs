//! wasmjit: mount filesystems and run programs written in WebAssembly.
//!
//! The folders are the layers, and arrows point down only:
//!
//! | folder | what it owns |
//! |---|---|
//! | `cli` | arguments in, exit code out; one file per subcommand |
//! | `fs` | a wasm instance as an `fs_host::Guest` |
//! | `host` | what guests import: Emscripten, WASI, fd table, sandbox policy |
//! | `kernel` | images and instances in the kernel (`kmod/`) |
//! | `runtime` | engine, module, store, instance, linker, tables, traps |
//! | `codegen` | IR to machine code: selection, register allocation, emission, image |
//! | `ir` | SSA IR: types, ops, builder from wasm, passes, verifier, text form |
//! | `wasm` | bytes to a validated module |
//! | `memory` | linear memory reservations, checked guest pointers |
//! | `abi` | tables only: vmctx layout, trap codes, builtins, errno |
//! | `sys` | the OS-specific unsafe: mapping, W^X, signals |
//!
//! # Embedding
//!
//! ```
//! use wasmjit::{Caller, Engine, Linker, Module, Store, Trap};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let wasm = wat::parse_str(r#"(module
//!     (import "env" "log" (func $log (param i32 i32)))
//!     (memory (export "memory") 1)
//!     (data (i32.const 8) "hello")
//!     (func (export "greet") (param i32) (result i32)
//!         (call $log (i32.const 8) (i32.const 5))
//!         (i32.mul (local.get 0) (i32.const 2))))"#)?;
//!
//! let engine = Engine::default();
//! let module = Module::new(&engine, &wasm)?;
//!
//! // Host functions take native arguments. Pointers of the guest are checked where memory is accessed.
//! let mut linker = Linker::<Vec<String>>::new();
//! linker.func_wrap("env", "log", |mut caller: Caller<'_, Vec<String>>, ptr: u32, len: u32| -> Result<(), Trap> {
//!     let (memory, log) = caller.memory_and_data();
//!     log.push(String::from_utf8_lossy(memory.slice(ptr, len)?).into_owned());
//!     Ok(())
//! })?;
//!
//! let mut store = Store::new(&engine, Vec::new());
//! let instance = linker.instantiate(&mut store, &module)?;
//! let greet = instance.get_typed_func::<i32, i32>(&store, "greet")?;
//! assert_eq!(greet.call(&mut store, 21)?, 42);
//! assert_eq!(store.data(), &["hello"]);
//! # Ok(())
//! # }
//! ```

pub mod abi;
pub mod codegen;
pub mod fs;
pub mod host;
pub mod ir;
pub mod kernel;
pub mod memory;
pub mod offload;
pub mod runtime;
pub mod sys;
pub mod wasm;

pub use runtime::*;

/// The examples of README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
