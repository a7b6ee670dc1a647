//! `wasmjit inspect`: what a module is and what it needs.

use super::args::InspectArgs;
use super::failure::{Failure, OK, Outcome};
use super::source;
use std::fmt::Write as _;
use std::io::Write as _;
use wasmjit::host;
use wasmjit::wasm::{self, ExportKind, ExternType, FuncType, MemoryType, Module, ValType};
use wasmparser::{Validator, WasmFeatures};

/// Bytes of a page of linear memory.
const PAGE: u64 = 65536;
/// The section that the SDKs write.
const SDK_SECTION: &str = "wasmjit.sdk";
/// The export that makes a module a filesystem.
const DISPATCH: &str = "wasmjit_fuse_dispatch";

/// Features that a module may or may not use, with the names that compilers' flags have.
const FEATURES: &[(WasmFeatures, &str)] = &[
    (WasmFeatures::MUTABLE_GLOBAL, "mutable-globals"),
    (WasmFeatures::SATURATING_FLOAT_TO_INT, "nontrapping-fptoint"),
    (WasmFeatures::SIGN_EXTENSION, "sign-ext"),
    (WasmFeatures::MULTI_VALUE, "multivalue"),
    (WasmFeatures::BULK_MEMORY, "bulk-memory"),
    (WasmFeatures::REFERENCE_TYPES, "reference-types"),
    (WasmFeatures::EXTENDED_CONST, "extended-const"),
    (WasmFeatures::TAIL_CALL, "tail-call"),
    (WasmFeatures::MULTI_MEMORY, "multimemory"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::EXCEPTIONS, "exception-handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "exception-handling (legacy form)"),
    (WasmFeatures::SIMD, "simd128"),
    (WasmFeatures::RELAXED_SIMD, "relaxed-simd"),
    (WasmFeatures::THREADS, "atomics"),
];

/// Prints a description of a module. Imports that are missing make it fail, after the description.
pub fn main(args: InspectArgs) -> Outcome {
    let source = source::read(&args.file)?;
    let module = wasm::parse(&source.bytes).map_err(|error| Failure::file(&args.file, error))?;
    let provided = super::guest::provided(&module);
    let report = Report { bytes: &source.bytes, module: &module, provided: &provided };
    let text = report.text();
    let printed = std::io::stdout().write_all(text.as_bytes());
    printed.map_err(|error| Failure::new(format!("standard output: {error}")))?;
    match super::guest::explain(&module, &provided) {
        Some(advice) => Err(Failure::file(&args.file, advice)),
        None => Ok(OK),
    }
}

struct Report<'a> {
    bytes: &'a [u8],
    module: &'a Module,
    /// For each import, whether it is there.
    provided: &'a [bool],
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let module = self.module;
        writeln!(out, "{:<10}{}", "kind", self.kind())?;
        writeln!(out, "{:<10}{} bytes, {} functions", "size", self.bytes.len(), module.bodies.len())?;
        for (index, ty) in module.memories.iter().enumerate() {
            let whose = if (index as u32) < module.imported_memories { ", imported" } else { "" };
            let shared = if ty.shared { ", shared" } else { "" };
            writeln!(out, "{:<10}{}{shared}{whose}", "memory", memory(*ty))?;
        }
        let features = used_features(self.bytes);
        writeln!(out, "{:<10}{}", "features", if features.is_empty() { "none".into() } else { features.join(", ") })?;
        let abi = match host::detect_layout(module, self.bytes) {
            Some(layout) => format!("Emscripten {} (time_t of {} bytes)", layout.name, layout.time),
            None => "WASI".to_string(),
        };
        writeln!(out, "{:<10}{abi}", "abi")?;
        for line in self.section_lines(SDK_SECTION) {
            writeln!(out, "{:<10}{line}", "sdk")?;
        }
        let missing = self.provided.iter().filter(|there| !**there).count();
        let all = if missing == 0 { "all there".into() } else { format!("{missing} missing") };
        writeln!(out, "\n{} imports, {all}:", module.imports.len())?;
        for (import, there) in module.imports.iter().zip(self.provided) {
            let mark = if *there { "ok" } else { "MISSING" };
            writeln!(out, "  {mark:<8}{}.{} {}", import.module, import.name, external(&import.ty))?;
        }
        writeln!(out, "\n{} exports:", module.exports.len())?;
        for (name, kind) in &module.exports {
            writeln!(out, "  {name} {}", self.export(*kind))?;
        }
        Ok(())
    }

    fn kind(&self) -> &'static str {
        let exports = |name| self.module.export(name).is_some();
        match () {
            () if exports(DISPATCH) => "filesystem (wasmjit mount)",
            () if exports("_start") || exports("main") || exports("__main_argc_argv") => "program (wasmjit run)",
            () => "library: neither a filesystem nor a program",
        }
    }

    fn section_lines(&self, name: &str) -> Vec<String> {
        let sections = self.module.custom.iter().filter(|(section, _)| section == name);
        let bytes = sections.filter_map(|(_, range)| self.bytes.get(range.clone()));
        let lines = bytes.flat_map(|bytes| String::from_utf8_lossy(bytes).lines().map(printable).collect::<Vec<_>>());
        lines.filter(|line| !line.is_empty()).collect()
    }

    fn export(&self, kind: ExportKind) -> String {
        let module = self.module;
        match kind {
            ExportKind::Func(func) => function(module.func_type(func)),
            ExportKind::Table(table) => format!("table of {}", value(module.tables[table.index()].element)),
            ExportKind::Memory(_) => "memory".to_string(),
            ExportKind::Tag(tag) => format!("exception tag {}", function(module.tag_type(tag))),
            ExportKind::Global(global) => format!("global {}", value(module.globals[global.index()].content)),
        }
    }
}

/// A line of the module without what would control a terminal.
fn printable(line: &str) -> String {
    line.chars().filter(|character| !character.is_control()).collect()
}

/// A feature is used if the module is not valid without it.
fn used_features(bytes: &[u8]) -> Vec<&'static str> {
    let all = FEATURES.iter().fold(WasmFeatures::WASM2, |sum, (feature, _)| sum.union(*feature));
    let valid = |features| Validator::new_with_features(features).validate_all(bytes).is_ok();
    FEATURES.iter().filter(|(feature, _)| !valid(all.difference(*feature))).map(|(_, name)| *name).collect()
}

fn memory(ty: MemoryType) -> String {
    let limits = ty.limits;
    let most = if ty.memory64 { "64-bit" } else { "up to 4096 MiB" };
    let size = |pages: u64| {
        let bytes = pages.saturating_mul(PAGE);
        if bytes.is_multiple_of(1 << 20) { format!("{} MiB", bytes >> 20) } else { format!("{} KiB", bytes >> 10) }
    };
    match limits.max {
        Some(max) if max == limits.min => format!("{}, fixed", size(max)),
        Some(max) => format!("{}, up to {}", size(limits.min), size(max)),
        None => format!("{}, {most}", size(limits.min)),
    }
}

fn external(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => function(ty),
        ExternType::Table(ty) => format!("table of {}", value(ty.element)),
        ExternType::Memory(ty) if ty.shared => format!("shared memory, {}", memory(*ty)),
        ExternType::Memory(ty) => format!("memory, {}", memory(*ty)),
        ExternType::Global(ty) => format!("global {}", value(ty.content)),
        ExternType::Tag(ty) => format!("exception tag {}", function(ty)),
    }
}

fn function(ty: &FuncType) -> String {
    let list = |types: &[ValType]| types.iter().map(|ty| value(*ty)).collect::<Vec<_>>().join(", ");
    match ty.results.as_slice() {
        [] => format!("({})", list(&ty.params)),
        results => format!("({}) -> {}", list(&ty.params), list(results)),
    }
}

fn value(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "funcref",
        ValType::ExternRef => "externref",
        ValType::ExnRef => "exnref",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> String {
        let bytes = wat::parse_str(text).expect("it is a module");
        let module = wasm::parse(&bytes).expect("it is valid");
        let provided: Vec<bool> = module.imports.iter().map(|import| import.name != "gone").collect();
        Report { bytes: &bytes, module: &module, provided: &provided }.text()
    }

    #[test]
    fn a_module_is_described() {
        let text = report(
            r#"(module
                (import "env" "f" (func (param i32 i64) (result i32)))
                (import "env" "gone" (func))
                (memory (export "memory") 2 16)
                (func (export "wasmjit_fuse_dispatch") (param i32 i32))
                (func (param i32) (result i32) (i32.extend8_s (local.get 0)))
                (@custom "wasmjit.sdk" "abi=1\nsdk=\1b[0.1\n"))"#,
        );
        assert_eq!(
            text.lines().map(str::trim_end).collect::<Vec<_>>(),
            [
                "kind      filesystem (wasmjit mount)",
                &format!("size      {} bytes, 2 functions", size_in(&text)),
                "memory    128 KiB, up to 1 MiB",
                "features  sign-ext",
                "abi       Emscripten 6.0.5 (time_t of 8 bytes)",
                "sdk       abi=1",
                "sdk       sdk=[0.1",
                "",
                "2 imports, 1 missing:",
                "  ok      env.f (i32, i64) -> i32",
                "  MISSING env.gone ()",
                "",
                "2 exports:",
                "  memory memory",
                "  wasmjit_fuse_dispatch (i32, i32)",
            ]
        );
    }

    /// The size is not what this tests.
    fn size_in(text: &str) -> usize {
        text.split("size").nth(1).and_then(|rest| rest.split_whitespace().next()?.parse().ok()).expect("a size")
    }
}
