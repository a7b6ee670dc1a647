//! What is provided: the list for users, the binding for the runtime, and what a module says about itself.

use super::emscripten;
use super::layout::{Evidence, Layout};
use super::rows::Row;
use super::state::{HasHost, Host};
use super::sys::Result;
use super::wasi;
use crate::runtime::{Error, Linker, Module};
use crate::wasm::{self, ExternType};

/// Every host function. `invoke_*` and `__cxa_find_matching_catch_*`, which spell their types in their names, are
/// provided besides.
pub fn provided() -> impl Iterator<Item = Row> {
    emscripten::ROWS.iter().chain(wasi::ROWS).flat_map(|rows| rows.iter().copied())
}

/// Whether an import is provided.
pub fn provides(module: &str, name: &str, ty: &ExternType) -> bool {
    let named_by_type = ["invoke_", "__cxa_find_matching_catch_"].iter().any(|prefix| name.starts_with(prefix));
    provided().any(|row| row.accepts(module, name, ty))
        || is_tag(module, ty)
        || (module == "env" && name == "memory" && matches!(ty, ExternType::Memory(_)))
        || is_linkage(module, name, ty)
        || (module == "env" && named_by_type && matches!(ty, ExternType::Func(_)))
}

/// What the modules of a dynamically linked program share.
fn is_linkage(module: &str, name: &str, ty: &ExternType) -> bool {
    match ty {
        ExternType::Global(_) => {
            ["GOT.mem", "GOT.func"].contains(&module)
                || (module == "env" && ["__memory_base", "__table_base", "__stack_pointer"].contains(&name))
        }
        ExternType::Table(_) => module == "env" && name == "__indirect_function_table",
        _ => false,
    }
}

/// Emscripten's dynamically linked programs share their exception tags (`__cpp_exception`, `__c_longjmp`) by importing them.
fn is_tag(module: &str, ty: &ExternType) -> bool {
    module == "env" && matches!(ty, ExternType::Tag(_))
}

/// Defines every host function in a linker, for the given module.
pub fn link<T: HasHost + 'static>(linker: &mut Linker<T>, module: &Module) -> std::result::Result<(), Error> {
    emscripten::link(linker, module)?;
    for import in module.imports() {
        if let ExternType::Tag(ty) = &import.ty
            && is_tag(&import.module, &import.ty)
        {
            linker.tag(&import.module, &import.name, ty.clone())?;
        }
    }
    wasi::link(linker)
}

/// The structures of a module's C library, as far as the module tells; `None` of one that is WASI's and has none of its own.
pub fn detect_layout(module: &wasm::Module, bytes: &[u8]) -> Option<&'static Layout> {
    let imports = || module.imports.iter().filter(|i| i.module == "env").map(|i| i.name.as_str());
    let exports = || module.exports.iter().map(|(name, _)| name.as_str());
    // Emscripten's programs export its stack functions even where they import nothing of `env`.
    let stack = ["stackSave", "emscripten_stack_get_current", "_emscripten_stack_restore"];
    if imports().next().is_none() && !exports().any(|name| stack.contains(&name)) {
        return None;
    }
    let sdk = module.custom.iter().find(|(name, _)| name == "wasmjit.sdk");
    let sdk = sdk.and_then(|(_, range)| bytes.get(range.clone()));
    Some(Layout::detect(&Evidence { sdk, imports: imports().collect(), exports: exports().collect() }))
}

/// Adapts a guest's state to the module that will run: which C library it has, unless the policy says so, and whether it expects
/// directories to be open already.
pub fn configure(host: &mut Host, module: &Module) -> Result<()> {
    let detected = detect_layout(module.info(), module.bytes());
    host.pure_wasi = detected.is_none();
    if let Some(layout) = host.forced_layout.or(detected) {
        host.layout = layout;
    }
    host.signals.raises = ["wasmjit_signal", "raise"].iter().any(|name| module.get_export(name).is_some());
    if module.imports().iter().any(|i| i.name == "fd_prestat_get") {
        host.open_preopens()?;
    } else {
        host.open_listeners(false)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_two_rows_claim_the_same_import() {
        let mut seen = HashMap::new();
        for row in provided() {
            for ty in row.types() {
                // The two generations of C++ exceptions share names; only one of them is bound.
                let shared = row.name.contains("cxa") || row.name == "__resumeException";
                let shared = shared || ["llvm_eh_typeid_for", "_emscripten_throw_longjmp"].contains(&row.name);
                if let Some(other) = seen.insert((row.module, row.name, ty), row.doc) {
                    assert!(shared, "{}.{}: {other} / {}", row.module, row.name, row.doc);
                }
            }
            assert!(!row.doc.trim().is_empty(), "{} has no description", row.name);
        }
        assert!(seen.len() > 250);
    }
}
