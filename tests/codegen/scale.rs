//! Time of compilation grows with the size of functions, not faster.

use crate::harness::Guest;
use std::fmt::Write;
use wasmjit::codegen::{Options, compile_module};
use wasmjit::wasm;

fn options() -> Options {
    Options { check_allocation: false, ..Options::host() }
}

/// A function with `blocks` conditional blocks over a few locals.
fn many_blocks(blocks: usize) -> String {
    let mut text = String::from("(module (memory 1) (func (export \"f\") (param i32 i32) (result i32) (local i32)\n");
    for at in 0..blocks {
        writeln!(
            text,
            "(if (i32.gt_u (local.get 0) (i32.const {at})) (then (local.set 2 (i32.add (local.get 2) (i32.load offset={} (local.get 1))))))",
            at % 1000
        )
        .unwrap();
    }
    text + "(local.get 2)))"
}

/// A switch with `cases` targets, each of which sets a local.
fn giant_switch(cases: usize) -> String {
    let mut text = String::from("(module (func (export \"f\") (param i32) (result i32) (local i32)\n");
    text += &"(block ".repeat(cases + 1);
    text += "(br_table ";
    (0..=cases).for_each(|case| write!(text, "{case} ").unwrap());
    text += "(local.get 0)))\n";
    for case in 0..cases {
        writeln!(text, "(local.set 1 (i32.add (local.get 1) (i32.const {case}))))").unwrap();
    }
    text + "(local.get 1)))"
}

/// A loop around a switch, as interpreters and Go's compiler make them: every case jumps back.
fn state_machine(cases: usize) -> String {
    let mut text =
        String::from("(module (func (export \"f\") (param i32) (result i32) (local i32 i32 i32)\n(loop $next ");
    text += &"(block ".repeat(cases);
    text += "(br_table ";
    (0..cases).for_each(|case| write!(text, "{case} ").unwrap());
    text += "0 (local.get 1)))\n";
    for case in 1..cases {
        writeln!(
            text,
            "(local.set 2 (i32.add (local.get 2) (local.get 0))) (local.set 1 (i32.const {case})) (local.set 3 (i32.xor (local.get 3) (local.get 2))) (br $next))"
        )
        .unwrap();
    }
    text + ") (local.get 2)))"
}

/// Comparisons of comparisons, each of which is also stored.
fn deep_conditions(depth: usize) -> String {
    let mut text = String::from("(module (memory 1) (func (export \"f\") (param i32) (result i32)\n");
    for at in 0..depth {
        let offset = at % 1000;
        writeln!(
            text,
            "(i32.store offset={offset} (i32.const 0) (local.tee 0 (i32.eq (local.get 0) (i32.const {}))))",
            at % 2
        )
        .unwrap();
    }
    text + "(local.get 0)))"
}

/// Nested operands of one expression.
fn deep_expression(depth: usize) -> String {
    let text = String::from("(module (func (export \"f\") (param i32) (result i32) (local.get 0)\n");
    let unit = "(i64.extend_i32_u) (i32.wrap_i64) (i32.eqz) (i32.const 31) (i32.and) (local.get 0) (i32.shl)\n";
    text + &unit.repeat(depth) + "))"
}

fn seconds(text: &str) -> f64 {
    let bytes = wat::parse_str(text).unwrap();
    let module = wasm::parse(&bytes).unwrap();
    let start = cpu_time();
    compile_module(&module, &bytes, &options()).unwrap();
    cpu_time() - start
}

/// Seconds that this thread has run; what else the machine does hardly counts. (A single function is compiled on the
/// caller's thread.)
#[allow(unsafe_code)]
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the time that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// Six times the size may take at most eighteen times as long: more than six because large data leave the caches, but quadratic
/// would be thirty-six. Best of three, so that a busy machine does not decide.
fn assert_linear(name: &str, make: fn(usize) -> String, small: usize) {
    let best = |size: usize| {
        let text = make(size);
        (0..3).map(|_| seconds(&text)).fold(f64::INFINITY, f64::min)
    };
    let (first, second) = (best(small), best(6 * small));
    println!("{name}: {small}: {first:.3} s, {}: {second:.3} s, {:.1} times", 6 * small, second / first);
    assert!(second < 18.0 * first, "{name}: {first} s, six times the size {second} s");
}

#[test]
fn many_blocks_compile_in_linear_time() {
    assert_linear("blocks", many_blocks, 8_000);
}

#[test]
fn giant_switches_compile_in_linear_time() {
    // regalloc2 looks at each block parameter again for each later one, unless a value that is live in pieces lies between:
    // a quadratic term with a small constant (20,000 targets take half a second), which must not show in ordinary sizes.
    assert_linear("switch", giant_switch, 600);
}

#[test]
fn state_machines_compile_in_linear_time() {
    assert_linear("state machine", state_machine, 3_000);
}

#[test]
fn deep_operands_compile_in_linear_time() {
    assert_linear("conditions", deep_conditions, 15_000);
    assert_linear("expression", deep_expression, 10_000);
}

#[test]
fn large_functions_run() {
    let guest = Guest::wat(&giant_switch(1000), &options());
    assert_eq!(guest.call("f", &[998]), Ok(vec![998 + 999]));
    assert_eq!(guest.call("f", &[1000]), Ok(vec![0]));
    assert_eq!(guest.call("f", &[u32::MAX as u64]), Ok(vec![0]));
    let guest = Guest::wat(&state_machine(500), &options());
    assert_eq!(guest.call("f", &[3]), Ok(vec![499 * 3]));
}
