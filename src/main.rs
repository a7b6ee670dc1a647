//! The `wasmjit` command.

fn main() {}
