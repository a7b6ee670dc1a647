//! Damaged modules give an error that names the place, never a panic.

use std::path::Path;
use wasmjit::ir::{build, passes, verify};
use wasmjit::wasm::{self, LoadError};

/// xorshift64*: the same sequence on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Prebuilt modules of the project, and one that uses every section.
fn corpus() -> Vec<Vec<u8>> {
    let mut modules = vec![wat::parse_str(EVERYTHING).unwrap()];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["tests/guests", "examples/hello", "examples/memfs"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        let mut paths: Vec<_> = entries.map(|e| e.unwrap().path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|p| p.extension().is_some_and(|e| e == "wasm")).take(6) {
            modules.push(std::fs::read(path).unwrap());
        }
    }
    modules
}

const EVERYTHING: &str = r#"(module $all
    (type $t (func (param i32 i64) (result f64)))
    (import "env" "f" (func $f (type $t)))
    (import "env" "g" (global $g i32))
    (table $tab 4 8 funcref)
    (memory 1 2)
    (global $h (mut i64) (i64.const 5))
    (export "run" (func $run))
    (start $start)
    (elem (i32.const 1) $run $f)
    (elem $passive funcref (ref.func $run) (ref.null func))
    (data (i32.const 16) "hello")
    (data $d "passive")
    (func $start (drop (call $f (i32.const 1) (i64.const 2))))
    (func $run (type $t) (local f64)
        (loop (br_if 0 (i32.eqz (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 3))
        (table.init $tab $passive (i32.const 0) (i32.const 0) (i32.const 1))
        (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 1))))"#;

/// Loads as far as the front end goes; a module that validates must translate to valid IR.
fn load(bytes: &[u8]) -> Result<(), LoadError> {
    let module = wasm::parse(bytes)?;
    let small = build::Small::of(&module);
    for body in 0..module.bodies.len() {
        let mut func = build::build(&module, bytes, body, true, &small)?;
        passes::optimize(&mut func);
        verify::verify(&module, &func).expect("passes leave valid IR");
    }
    Ok(())
}

#[test]
fn every_truncation_is_an_error() {
    for module in corpus() {
        let step = (module.len() / 400).max(1);
        for length in (0..module.len()).step_by(step) {
            match load(&module[..length]) {
                Ok(()) => {
                    // Cut exactly between two sections that nothing before refers to: still a module.
                }
                Err(LoadError::Invalid { offset, .. } | LoadError::Unsupported { offset, .. }) => {
                    assert!(offset <= length as u64, "offset {offset} of {length}");
                }
                Err(LoadError::NotWasm(_)) => assert!(length < 8),
            }
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    let mut random = Random(0x5eed);
    for module in corpus() {
        for _ in 0..(6_000_000 / module.len()).clamp(40, 2000) {
            let mut damaged = module.clone();
            for _ in 0..1 + random.below(4) {
                let at = random.below(damaged.len());
                damaged[at] ^= 1 << random.below(8);
            }
            let _ = load(&damaged);
        }
    }
}

#[test]
fn random_bytes_behind_the_magic_never_panic() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend((0..random.below(200)).map(|_| random.next() as u8));
        let _ = load(&bytes);
    }
}

#[test]
fn other_files_are_named() {
    let cases: [(&[u8], &str); 5] = [
        (b"", "empty"),
        (b"\x7fELF\x02\x01\x01", "native program"),
        (b"#!/bin/sh\n", "script"),
        (b"\0asm\x0d\0\x01\0", "component"),
        (b"(module)", "text"),
    ];
    for (bytes, want) in cases {
        let error = wasm::parse(bytes).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn a_missing_feature_is_named() {
    let cases = [
        ("(module (type (struct)))", "garbage-collected"),
        ("(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))", "typed function references"),
    ];
    for (text, want) in cases {
        match wasm::parse(&wat::parse_str(text).unwrap()) {
            Err(LoadError::Unsupported { feature, .. }) => assert!(feature.contains(want), "{text}: {feature}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}
