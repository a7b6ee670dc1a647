//! What can be tested of the kernel part without a kernel: the C header is what the tables say, images are spliced as they must be.
//!
//! `tests/kmod/run` boots kernels and tests the rest.

use std::path::PathBuf;

/// `WASMJIT_BLESS=1` writes the header anew.
#[test]
fn the_header_is_what_the_tables_say() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("kmod/wj_abi.h");
    let text = wasmjit::kernel::header::text();
    if std::env::var_os("WASMJIT_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "kmod/wj_abi.h is old (WASMJIT_BLESS=1 writes it)"
    );
}
