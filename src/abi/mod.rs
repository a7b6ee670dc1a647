//! Facts that two or more layers must agree on, each written once as a table.
//!
//! Nothing here computes at run time beyond looking a row up; every layer above may use it.

pub mod builtins;
pub mod slots;
pub mod trap;
pub mod vmctx;
