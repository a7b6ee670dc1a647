//! The OS-specific unsafe: mappings, W^X, signals, and the few instructions that enter and leave generated code.
//!
//! | file | what it owns |
//! |---|---|
//! | `mapping` | address-space reservations and executable mappings |
//! | `thread` | stack bounds and the alternate signal stack of each thread |
//! | `registry` | which addresses are generated code; read by signal handlers without a lock |
//! | `activation` | the chain of calls into generated code on each thread, and leaving them early |
//! | `signal` | hardware faults in generated code become recorded faults of the innermost activation |
//! | `x64` | the instructions themselves |
//!
//! Nothing here knows of modules or instances: trap codes are numbers, code is a range of addresses.

#![allow(unsafe_code)]

pub mod activation;
pub mod mapping;
pub mod registry;
pub mod signal;
pub mod thread;
pub mod unwind;
mod x64;

pub(crate) use x64::exit_shim;
pub use x64::thunk::{Class, ThunkOffsets, host_thunk};
pub use x64::{syscall3, syscall6};
