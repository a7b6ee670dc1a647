//! What guests get: which imports are provided, and what to do about those that are not.

use wasmjit::fs::FS_IMPORTS;
use wasmjit::host;
use wasmjit::wasm::{Import, Module};

/// Longest list of missing imports that is shown.
const MAX_SHOWN: usize = 12;

/// Whether each import is there.
pub fn provided(module: &Module) -> Vec<bool> {
    module.imports.iter().map(is_provided).collect()
}

fn is_provided(import: &Import) -> bool {
    if import.module == "wasmjit_fuse" {
        return FS_IMPORTS.iter().any(|row| row.name == import.name && row.accepts(&import.ty));
    }
    host::provides(&import.module, &import.name, &import.ty)
}

/// What to do about missing imports.
pub fn explain(module: &Module, provided: &[bool]) -> Option<String> {
    let missing: Vec<&Import> =
        module.imports.iter().zip(provided).filter(|(_, there)| !**there).map(|(i, _)| i).collect();
    let first = missing.first()?;
    if missing.iter().all(|import| host::explain_missing(&import.module, &import.name, &import.ty) == advice(first)) {
        let names: Vec<String> = missing.iter().take(MAX_SHOWN).map(|i| format!("{}.{}", i.module, i.name)).collect();
        let more = if missing.len() > MAX_SHOWN { ", ..." } else { "" };
        return Some(format!("missing imports: {}{more}\n  {}", names.join(", "), advice(first)));
    }
    let lines = missing.iter().take(MAX_SHOWN).map(|i| format!("\n  {}.{}: {}", i.module, i.name, advice(i)));
    let more =
        if missing.len() > MAX_SHOWN { format!("\n  and {} more", missing.len() - MAX_SHOWN) } else { String::new() };
    Some(format!("{} imports are missing:{}{more}", missing.len(), lines.collect::<String>()))
}

fn advice(import: &Import) -> String {
    host::explain_missing(&import.module, &import.name, &import.ty)
}
