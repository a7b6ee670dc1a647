//! Engine, module, store, instance, linker, traps.
//!
//! | file | what it owns |
//! |---|---|
//! | `config`, `engine` | options, engine-wide function types |
//! | `module`, `cache` | compiled modules, and their images on disk |
//! | `store` | everything that lives as long as a [`Store`], and who may borrow it |
//! | `instance`, `instantiate`, `builtins` | running modules: their vmctx, segments, bulk operations |
//! | `linker`, `host` | what guests import, and how a call reaches a host function |
//! | `func`, `call` | calls from the host |
//! | `exceptions` | tags, throwing, and who owns what was thrown |
//! | `values`, `externs` | what crosses the boundary |
//! | `error`, `trap` | what goes wrong: the user's or the module's fault, and the guest's |
//!
//! # Invariants
//! - Everything that compiled code or a handle points to (vmctx blocks, tables, memories, host contexts) is owned by the store, has
//!   its own allocation and lives as long as the store. Handles carry the store's number, which is compared at each use.
//! - A store is used by one thread at a time. References into it are made from the store's one raw pointer and are
//!   never held across a call into the guest.

#![allow(unsafe_code)]

mod builtins;
mod cache;
mod call;
mod config;
mod engine;
mod error;
mod exceptions;
mod externs;
mod func;
mod hand_over;
mod host;
mod instance;
mod instantiate;
mod linker;
mod module;
mod store;
mod trap;
mod values;

pub use crate::memory::SharedMemory;
pub use config::Config;
pub use engine::Engine;
pub use error::{Error, LinkError, MissingImport};
pub use exceptions::{Exception, Tag};
pub use externs::{Extern, Global, Memory, Table};
pub use func::{Func, TypedFunc, WasmParams, WasmResults};
pub use hand_over::HandedOver;
pub(crate) use host::Shortcut;
pub use host::{Caller, HostResult, IntoHostFunc};
pub use instance::Instance;
pub use linker::Linker;
pub use module::Module;
pub(crate) use store::data_mut;
pub use store::{AsContext, AsContextMut, InterruptHandle, OnPoll, Polled, Store};
pub use trap::{Frame, Trap, TrapKind};
pub use values::{ExnRef, ExternRef, Val, WasmTy};

#[cfg(test)]
mod tests;
