//! Golden disassembly: a change of code generation moves a text file that is reviewed.
//!
//! `WASMJIT_BLESS=1 cargo test --test codegen golden` writes the files anew.

use iced_x86::{Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use wasmjit::codegen::{CodeImage, CpuFeatures, MemoryPolicy, Options, compile_module};
use wasmjit::wasm;

/// The same on every machine.
fn options(policy: Options) -> Options {
    let features =
        CpuFeatures { sse41: true, popcnt: true, lzcnt: true, bmi1: true, bmi2: true, avx: true, sse42: true };
    Options { features, check_allocation: true, ..policy }
}

/// A function's code as text: offsets from the function's start, what traps where.
fn disassemble(image: &CodeImage, range: std::ops::Range<usize>, out: &mut String) {
    let mut formatter = IntelFormatter::new();
    formatter.options_mut().set_rip_relative_addresses(true);
    formatter.options_mut().set_hex_prefix("0x");
    formatter.options_mut().set_hex_suffix("");
    formatter.options_mut().set_uppercase_hex(false);
    let code = &image.code()[range.clone()];
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        // What follows the last stub is constants and tables.
        if instruction.is_invalid() {
            break;
        }
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        let at = instruction.ip() as usize;
        let trap = image.trap_at((range.start + at) as u32);
        let trap = trap.map_or(String::new(), |site| format!("  ; {:?}", site.code));
        writeln!(out, "{at:5x}  {line}{trap}").unwrap();
    }
}

fn golden(path: &Path, policy: Options, extension: &str) -> Result<(), String> {
    let bytes = wat::parse_file(path).unwrap();
    let module = wasm::parse(&bytes).unwrap();
    let image = compile_module(&module, &bytes, &options(policy)).unwrap();
    let mut text = String::new();
    for body in 0..module.bodies.len() {
        let func = module.defined(body);
        writeln!(text, "{}:", module.func_name(func).unwrap_or("?")).unwrap();
        disassemble(&image, image.function(func).unwrap(), &mut text);
    }
    let file = path.with_extension(extension);
    if std::env::var_os("WASMJIT_BLESS").is_some() {
        std::fs::write(&file, &text).unwrap();
        return Ok(());
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    let differs = expected.lines().zip(text.lines()).position(|(a, b)| a != b);
    let at = differs.unwrap_or(expected.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(end)").to_string();
    Err(format!("{}:{}: was {:?}, is {:?}", file.display(), at + 1, line(&expected), line(&text)))
}

#[test]
fn code_is_as_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/codegen/golden");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "wat"));
    files.sort();
    assert!(!files.is_empty());
    let mut failures = Vec::new();
    for file in &files {
        failures.extend(golden(file, Options::host(), "asm").err());
        if file.ends_with("memory.wat") {
            let policy = Options { memory: MemoryPolicy::Explicit, ..Options::host() };
            failures.extend(golden(file, policy, "explicit.asm").err());
        }
        if !file.ends_with("integers.wat") {
            failures.extend(golden(file, Options::kernel(), "kernel.asm").err());
        }
    }
    assert!(failures.is_empty(), "changed (WASMJIT_BLESS=1 accepts):\n{}", failures.join("\n"));
}
