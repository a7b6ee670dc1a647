//! Small functions stand where they are called: each does what its twin does, which is too long for that.

use crate::harness::{Guest, all_options};

/// Bodies of functions from two numbers to one.
const BODIES: &[&str] = &[
    "local.get 0",
    "i32.const 7",
    "(i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 3)))",
    // What C libraries do with a call's answer.
    "(if (i32.eqz (local.get 0)) (then (return (i32.const 0)))) (i32.store offset=16 (i32.const 64) (local.get 0)) i32.const -1",
    "(if (result i32) (local.get 1) (then (local.get 0)) (else (i32.sub (i32.const 0) (local.get 0))))",
    "(block (br_if 0 (i32.lt_u (local.get 0) (local.get 1))) (return (local.get 1))) local.get 0",
    // Parameters and locals of its own, which are zero each time.
    "(local i32) (local.set 0 (i32.add (local.get 0) (local.get 2))) (local.set 2 (i32.const 5)) (i32.xor (local.get 0) (local.get 2))",
    // Something below the result when it returns.
    "(i32.const 1) (i32.const 2) (local.get 0) return",
    "(br 0 (local.get 1))",
    "(global.set 0 (i32.add (global.get 0) (local.get 0))) (i32.load8_u offset=3 (i32.const 77))",
];

fn module() -> String {
    let nops = "nop ".repeat(64);
    let mut text = String::from("(module (memory (export \"memory\") 1) (global (mut i32) (i32.const 9))\n");
    for (at, body) in BODIES.iter().enumerate() {
        // Local declarations come first.
        let end = if body.starts_with("(local ") { body.find(')').unwrap() + 1 } else { 0 };
        let (locals, rest) = body.split_at(end);
        for (kind, padding) in [("small", ""), ("long", nops.as_str())] {
            text += &format!("(func ${kind}{at} (param i32 i32) (result i32) {locals} {padding} {rest})\n");
            // The caller's own locals and stack stay as they are; calls stand in a loop, in an arm, and behind each other.
            text += &format!(
                "(func (export \"{kind}{at}\") (param i32 i32) (result i32) (local i32 i32)
                    (local.set 2 (i32.const 3))
                    (loop
                        (local.set 3 (i32.add (i32.mul (local.get 3) (i32.const 31))
                            (call ${kind}{at} (call ${kind}{at} (local.get 0) (local.get 1)) (local.get 2))))
                        (if (i32.and (local.get 2) (i32.const 1))
                            (then (local.set 1 (call ${kind}{at} (local.get 1) (local.get 0)))))
                        (br_if 0 (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
                    (i32.add (local.get 3) (i32.add (local.get 1) (i32.load (i32.const 80)))))\n"
            );
        }
    }
    text + ")"
}

#[test]
fn small_functions_do_what_calls_of_them_do() {
    let bytes = wat::parse_str(module()).unwrap();
    for options in all_options() {
        for (at, body) in BODIES.iter().enumerate() {
            for args in [[0, 0], [1, 2], [2, 1], [0, 0xffff_ffff], [0x8000_0000, 5], [77, 77]] {
                let run = |kind: &str| {
                    let guest = Guest::new(&bytes, &options, &[]);
                    guest.contents()[80..84].copy_from_slice(&[1, 2, 3, 4]);
                    let answer = guest.call(&format!("{kind}{at}"), &args).unwrap();
                    (answer, guest.global(0), guest.contents().to_vec())
                };
                assert!(run("small") == run("long"), "{body}: {args:?}");
            }
        }
    }
}
