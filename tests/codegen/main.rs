//! The back end: compiled code against the meaning of each operation, and what it must never do.
#![allow(missing_docs)]

mod atomic;
mod checks;
mod golden;
mod harness;
mod image;
mod ops;
mod random;
mod sandbox;
mod scale;
mod small;
mod vector;
