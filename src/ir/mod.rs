//! SSA form of one wasm function, between validation and machine code.
//!
//! - [`types`], [`ops`] and [`simd`]: value types and the operation tables;
//! - [`func`]: [`func::Function`], its blocks, instructions and terminators;
//! - [`build`]: wasm body to IR in one pass;
//! - [`eval`]: the meaning of numeric operations, the one place that knows it;
//! - [`passes`]: simplification, value numbering, dead code, branch folding;
//! - [`verify`]: what every pass must leave true;
//! - [`text`]: the printed form.
//!
//! Invariants: every value is defined once, and its definition dominates its uses; each block ends in exactly one
//! [`func::Terminator`], whose arguments match the target's parameters in number and type.

pub mod build;
pub mod eval;
pub mod func;
pub mod ops;
pub mod passes;
pub mod simd;
pub mod text;
pub mod types;
pub mod verify;
