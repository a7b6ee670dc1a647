//! What compilers of this kind have got wrong: each way out of the sandbox, tried.

use crate::harness::{Guest, all_options, host, type_id};
use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{FuncType, ValType};

#[test]
fn arithmetic_runs() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module
               (func $fib (export \"fib\") (param i32) (result i32)
                 (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
                   (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                                  (call $fib (i32.sub (local.get 0) (i32.const 2))))))))",
            &options,
        );
        assert_eq!(guest.call("fib", &[20]), Ok(vec![6765]));
    }
}
