//! Translation and passes leave valid IR.

use wasmjit::ir::{build, passes, verify};
use wasmjit::wasm;

fn check(bytes: &[u8], what: &str) -> Vec<String> {
    let module = wasm::parse(bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
    let mut texts = Vec::new();
    let small = build::Small::of(&module);
    for body in 0..module.bodies.len() {
        for poll in [false, true] {
            let mut func = build::build(&module, bytes, body, poll, &small).unwrap();
            verify::verify(&module, &func).unwrap_or_else(|e| panic!("{what} {body}: built: {e}\n{func}"));
            passes::optimize(&mut func);
            verify::verify(&module, &func).unwrap_or_else(|e| panic!("{what} {body}: optimized: {e}\n{func}"));
            if !poll {
                texts.push(func.to_string());
            }
        }
    }
    texts
}

fn wat(text: &str) -> Vec<String> {
    check(&wat::parse_str(text).unwrap(), "text")
}

#[test]
fn small_functions_are_not_called() {
    let caller = |body: &str| {
        let text = format!(
            "(module (memory 1) (func $f (param i32) (result i32) {body})
                (func (param i32) (result i32) (call $f (call $f (local.get 0)))))"
        );
        wat(&text).pop().unwrap().matches("Call(FuncIndex(0))").count()
    };
    assert_eq!(caller("(i32.add (local.get 0) (i32.const 1))"), 0);
    assert_eq!(caller("(i32.store (i32.const 65532) (local.get 0)) (i32.load8_u (i32.const 65535))"), 0);
    // What may trap, calls, or repeats is called.
    for body in [
        "(i32.store (i32.const 65533) (local.get 0)) (local.get 0)",
        "(i32.load (local.get 0))",
        "(i32.div_u (i32.const 1) (local.get 0))",
        "unreachable",
        "(call $f (local.get 0))",
        "(loop (br_if 0 (local.get 0))) (local.get 0)",
        "(memory.grow (local.get 0))",
    ] {
        assert_eq!(caller(body), 2, "{body}");
    }
}

#[test]
fn folding_leaves_only_the_answer() {
    let texts = wat("(module (func (result i32) (i32.add (i32.mul (i32.const 6) (i32.const 7)) (i32.const 0))))");
    assert!(texts[0].contains("i32.const 0x2a") && !texts[0].contains("mul"), "{}", texts[0]);
}

#[test]
fn equal_computations_are_done_once() {
    let texts = wat("(module (func (param i32 i32) (result i32)
        (i32.mul (i32.add (local.get 0) (local.get 1)) (i32.add (local.get 0) (local.get 1)))))");
    assert_eq!(texts[0].matches("i32.add").count(), 1, "{}", texts[0]);
}

#[test]
fn locals_that_a_loop_does_not_change_are_no_parameters() {
    let texts = wat("(module (func (param i32 i32) (result i32) (local i32)
        (loop (local.set 2 (i32.add (local.get 2) (local.get 1)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 2)))");
    let header =
        texts[0].lines().find(|l| l.starts_with("block") && l.matches("i32").count() >= 1 && !l.starts_with("block0"));
    assert_eq!(header.unwrap().matches(": i32").count(), 2, "{}", texts[0]);
}

#[test]
fn decided_branches_and_dead_code_go() {
    let texts = wat("(module (func (result i32)
        (if (result i32) (i32.const 1) (then (i32.const 5)) (else (unreachable)))))");
    assert!(!texts[0].contains("trap") && !texts[0].contains("branch"), "{}", texts[0]);
}

#[test]
fn polymorphic_code_after_a_branch() {
    wat("(module (func (param i32) (result i32)
        (block (result i32) (br 0 (i32.const 1)) (i32.add) (drop) (loop (br 0)) (unreachable) (if (result i32) (then (br 1 (i32.const 3))) (else (i32.const 2)))))
        (func (result i64) (loop (result i64) (br 0)))
        (func (param i32) (block (block (block (br_table 0 1 2 (local.get 0)) (unreachable)) (nop)) (return)))
        (func (param i32) (result i32 i64) (block (param) (result i32 i64) (i32.const 1) (i64.const 2) (br_if 0 (local.get 0)) (drop) (i64.const 3))))");
}

#[test]
fn a_large_switch_is_translated_in_linear_time() {
    let blocks = 20_000;
    let labels: Vec<String> = (0..blocks).map(|n| n.to_string()).collect();
    let text = format!(
        "(module (func (param i32) (result i32) (local i32 i32 i32) {} (br_table {} (local.get 0)) {} (local.get 1)))",
        "(block ".repeat(blocks),
        labels.join(" "),
        (0..blocks).map(|n| format!(") (local.set {} (i32.const {n}))", 1 + n % 3)).collect::<String>()
    );
    let bytes = wat::parse_str(&text).unwrap();
    let start = std::time::Instant::now();
    check(&bytes, "switch");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn floats_that_are_only_carried_are_integers() {
    let texts = wat("(module (memory 1)
        (func (param i32 i32) (f64.store offset=8 (local.get 0) (f64.load offset=16 (local.get 1))))
        (func (param i32) (f32.store (local.get 0) (f32.const 1.5)))
        (func (param i32 i64) (f64.store (local.get 0) (f64.reinterpret_i64 (local.get 1))))
        (func (param i32) (result i64) (i64.reinterpret_f64 (f64.load (local.get 0)))))");
    for text in &texts {
        assert!(!text.contains("f32.") && !text.contains("f64."), "{text}");
    }
    assert!(texts[1].contains("0x3fc00000"), "{}", texts[1]);
    let text = &wat("(module (memory 1) (func (param i32 i32) (result f64) (local f64)
        (f64.store (local.get 0) (local.tee 2 (f64.load (local.get 1))))
        (f64.add (local.get 2) (f64.const 1))))")[0];
    assert!(text.contains("f64.load") && text.contains("f64.store") && text.contains("f64.const"), "{text}");
}
