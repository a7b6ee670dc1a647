//! Any bytes: loading gives a module or an error; what validates must translate to valid IR.
//!
//!     cargo fuzz run load        (needs nightly Rust, or RUSTC_BOOTSTRAP=1)

#![no_main]

use libfuzzer_sys::fuzz_target;
use wasmjit::ir::{build, passes, verify};
use wasmjit::wasm;

fuzz_target!(|bytes: &[u8]| {
    let Ok(module) = wasm::parse(bytes) else { return };
    let small = build::Small::of(&module);
    for body in 0..module.bodies.len() {
        let Ok(mut func) = build::build(&module, bytes, body, true, &small) else { continue };
        passes::optimize(&mut func);
        verify::verify(&module, &func).expect("passes leave valid IR");
    }
});
