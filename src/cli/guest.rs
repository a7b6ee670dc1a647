//! What guests get.
use wasmjit::wasm::Module;
/// Whether each import is there.
pub fn provided(module: &Module) -> Vec<bool> {
    vec![true; module.imports.len()]
}
/// What to do about missing imports.
pub fn explain(_module: &Module, _provided: &[bool]) -> Option<String> {
    None
}
