//! Which of WebAssembly's features the engine has, and how it names the others.

use super::LoadError;
use wasmparser::{Validator, WasmFeatures};

/// Accepted: WebAssembly 2.0, relaxed vector instructions, threads, and extended constants.
pub(super) const ACCEPTED: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::THREADS)
    .union(WasmFeatures::EXTENDED_CONST);

/// Features that modules in the field use and that are refused by name.
const REFUSED: &[(WasmFeatures, &str)] = &[
    (
        WasmFeatures::LEGACY_EXCEPTIONS,
        "exception handling, legacy form (build without -fwasm-exceptions and -sSUPPORT_LONGJMP=wasm)",
    ),
    (WasmFeatures::EXCEPTIONS, "exception handling (build without -fwasm-exceptions and -sSUPPORT_LONGJMP=wasm)"),
    (WasmFeatures::TAIL_CALL, "tail calls (build without -mtail-call)"),
    (WasmFeatures::MEMORY64, "64-bit memories (build without -sMEMORY64)"),
    (WasmFeatures::MULTI_MEMORY, "several memories"),
    (WasmFeatures::GC, "garbage-collected types"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
];

/// Turns a validation error into "invalid" or "unsupported", by validating again with more features.
pub(super) fn classify(bytes: &[u8], error: &wasmparser::Error) -> LoadError {
    let offset = error.offset();
    let invalid = || LoadError::Invalid { offset, message: error.message().to_string() };
    let all = REFUSED.iter().fold(ACCEPTED, |sum, (feature, _)| sum.union(*feature));
    if !valid(bytes, all) {
        // A module may be invalid and use several features; name the feature if it alone moves the error.
        return invalid();
    }
    for (feature, name) in REFUSED {
        if !valid(bytes, all.difference(*feature)) {
            return LoadError::Unsupported { offset, feature: name };
        }
    }
    invalid()
}

fn valid(bytes: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features).validate_all(bytes).is_ok()
}
