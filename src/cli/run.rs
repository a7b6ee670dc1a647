//! `wasmjit run`.
use super::args::RunArgs;
use super::failure::{Failure, Outcome};
/// Runs a program.
pub fn main(_args: RunArgs) -> Outcome {
    Err(Failure::new("this build has no engine"))
}
