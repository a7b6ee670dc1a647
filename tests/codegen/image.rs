//! Images as bytes: what a cache may give back.

use wasmjit::abi::trap::TrapCode;
use wasmjit::codegen::{CodeImage, Options, compile_module};
use wasmjit::wasm::{self, FuncIndex, TypeIndex};

fn image() -> CodeImage {
    let text = "(module (import \"\" \"f\" (func $f (param i32))) (memory 1)
        (func (export \"g\") (param i32) (result f64) (call $f (local.get 0)) (f64.load (local.get 0)))
        (func (export \"h\") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1))))";
    let bytes = wat::parse_str(text).unwrap();
    compile_module(&wasm::parse(&bytes).unwrap(), &bytes, &Options::host()).unwrap()
}

#[test]
fn images_survive_serialization() {
    let image = image();
    assert_eq!(CodeImage::deserialize(&image.serialize()).as_ref(), Some(&image));
    assert!(image.uses_floats());
    assert_eq!(image.function(FuncIndex(0)), None);
    let first = image.function(FuncIndex(1)).unwrap();
    assert_eq!(image.function_at(first.start as u32), Some(FuncIndex(1)));
    assert_eq!(image.function_at(first.end as u32 - 1), Some(FuncIndex(1)));
    assert_eq!(image.function_at(u32::MAX), None);
    assert!(image.trampoline(TypeIndex(0)).is_some());
    assert_eq!(image.trampoline(TypeIndex(99)), None);
    assert!(image.traps().iter().any(|site| site.code == TrapCode::IntegerDivideByZero));
}

#[test]
fn compilation_is_deterministic() {
    assert_eq!(image(), image());
}

/// Damaged bytes give nothing or an image whose every offset lies inside it; they never make reading panic or allocate
/// what is not there.
#[test]
fn damaged_images_are_refused_or_harmless() {
    let bytes = image().serialize();
    for len in 0..bytes.len() {
        assert_eq!(CodeImage::deserialize(&bytes[..len]), None, "cut to {len}");
    }
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Some(image) = CodeImage::deserialize(&damaged) else { continue };
            accepted += 1;
            for func in 0..5 {
                if let Some(range) = image.function(FuncIndex(func)) {
                    assert!(image.code().get(range).is_some());
                }
            }
            for ty in 0..5 {
                assert!(image.trampoline(TypeIndex(ty)).is_none_or(|at| at < image.code().len()));
            }
            assert!(image.traps().iter().all(|site| (site.pc as usize) < image.code().len()));
        }
    }
    // Bits of the code itself are the checksum's business.
    assert!(accepted > 0);
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(CodeImage::deserialize(&longer), None);
}
