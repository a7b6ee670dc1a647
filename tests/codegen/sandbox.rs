//! What compilers of this kind have got wrong: each way out of the sandbox, tried.
#![allow(unsafe_code)]

use crate::harness::{Guest, all_options, host, type_id};
use std::sync::atomic::Ordering;
use wasmjit::abi::trap::TrapCode;
use wasmjit::abi::vmctx::{FuncRef, VmCtx};
use wasmjit::codegen::{MemoryPolicy, Options};
use wasmjit::wasm::{FuncType, ValType};

const OUT: Result<Vec<u64>, TrapCode> = Err(TrapCode::MemoryOutOfBounds);

/// Each kind of access, by name, type and bytes.
const ACCESSES: &[(&str, &str, u64)] = &[
    ("i32.load", "i32", 4),
    ("i64.load", "i64", 8),
    ("f32.load", "f32", 4),
    ("f64.load", "f64", 8),
    ("i32.load8_s", "i32", 1),
    ("i32.load8_u", "i32", 1),
    ("i32.load16_s", "i32", 2),
    ("i32.load16_u", "i32", 2),
    ("i64.load8_s", "i64", 1),
    ("i64.load16_u", "i64", 2),
    ("i64.load32_s", "i64", 4),
    ("i64.load32_u", "i64", 4),
    ("i32.store", "i32", 4),
    ("i64.store", "i64", 8),
    ("f32.store", "f32", 4),
    ("f64.store", "f64", 8),
    ("i32.store8", "i32", 1),
    ("i32.store16", "i32", 2),
    ("i64.store32", "i64", 4),
];

const OFFSETS: &[u32] = &[0, 1, 4, 0xffff, 0x1_0000, 0x7fff_fff0, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8, 0xffff_ffff];

const INDICES: &[u32] = &[
    0,
    1,
    8,
    0xfff0,
    0xfff8,
    0xfffc,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0010,
    0xfffe_ffff,
    0xffff_0000,
    0xffff_fff8,
    0xffff_ffff,
];

/// An access at the sum of index and offset, which has 33 bits: neither wraps nor is signed.
#[test]
fn effective_addresses_have_33_bits() {
    for options in all_options() {
        for &(access, ty, bytes) in ACCESSES {
            let mut text = String::from("(module (memory 1)");
            for (number, offset) in OFFSETS.iter().enumerate() {
                let body = if access.contains("load") {
                    format!("(drop ({access} offset={offset} (local.get 0)))")
                } else {
                    format!("({access} offset={offset} (local.get 0) ({ty}.const 0))")
                };
                text += &format!("(func (export \"{number}\") (param i32) {body})");
                for index in INDICES {
                    let body = body.replace("(local.get 0)", &format!("(i32.const {})", *index as i32));
                    text += &format!("(func (export \"{number}:{index}\") {body})");
                }
            }
            let guest = Guest::wat(&(text + ")"), &options);
            for (number, &offset) in OFFSETS.iter().enumerate() {
                for &index in INDICES {
                    let inside = index as u64 + offset as u64 + bytes <= 65536;
                    let expected = if inside { Ok(vec![]) } else { OUT };
                    let what = format!("{access} {index:#x} + {offset:#x}");
                    assert_eq!(guest.call(&number.to_string(), &[index as u64]), expected, "{what}");
                    assert_eq!(guest.call(&format!("{number}:{index}"), &[]), expected, "{what}, constant");
                }
            }
        }
    }
}

/// Indices whose registers could have something above: wrapped, sign-extended, passed through blocks, calls and spills.
#[test]
fn upper_halves_of_indices_do_not_matter() {
    let text = "(module
        (import \"\" \"dirty\" (func $dirty (param i32) (result i32)))
        (memory 1)
        (global $g (mut i32) (i32.const 0))
        (table 1 funcref) (elem (i32.const 0) $identity)
        (type $t (func (param i32) (result i32)))
        (func $identity (param i32) (result i32) (local.get 0))
        (func (export \"wrap\") (param i64) (result i32) (i32.load (i32.wrap_i64 (local.get 0))))
        (func (export \"wrapadd\") (param i64) (result i32)
          (i32.load offset=4 (i32.add (i32.wrap_i64 (local.get 0)) (i32.const 4))))
        (func (export \"wrapshl\") (param i64) (result i32)
          (i32.load (i32.shl (i32.wrap_i64 (local.get 0)) (i32.const 0))))
        (func (export \"wrapshlvar\") (param i64) (result i32)
          (i32.load (i32.shl (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 63))))))
        (func (export \"wraprotl\") (param i64) (result i32)
          (i32.load (i32.rotl (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 63))))))
        (func (export \"wrapblock\") (param i64 i32) (result i32)
          (i32.load (if (result i32) (local.get 1)
            (then (i32.wrap_i64 (local.get 0))) (else (i32.wrap_i64 (i64.add (local.get 0) (i64.const 0x700000000)))))))
        (func (export \"wrapselect\") (param i64 i32) (result i32)
          (i32.load (select (i32.wrap_i64 (local.get 0)) (i32.wrap_i64 (i64.add (local.get 0) (i64.const 0x700000000)))
                            (local.get 1))))
        (func (export \"host\") (param i32) (result i32) (i32.load (call $dirty (local.get 0))))
        (func (export \"hostextend\") (param i32) (result i64) (i64.extend_i32_u (call $dirty (local.get 0))))
        (func (export \"hosttable\") (param i32) (result i32)
          (call_indirect (type $t) (i32.const 5) (call $dirty (local.get 0))))
        (func (export \"indirect\") (param i64) (result i32)
          (i32.load (call_indirect (type $t) (i32.wrap_i64 (local.get 0)) (i32.const 0))))
        (func (export \"direct\") (param i64) (result i32)
          (i32.load (call $identity (i32.wrap_i64 (local.get 0)))))
        (func (export \"grown\") (result i32) (i32.load (memory.grow (i32.const 0))))
        (func (export \"param\") (param i32) (result i32) (i32.load (local.get 0)))
        (func (export \"stackparam\") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.load (local.get 6)))
        (func (export \"loop\") (param i64) (result i32) (local i32 i32)
          (local.set 1 (i32.wrap_i64 (local.get 0)))
          (loop $l
            (local.set 1 (i32.wrap_i64 (i64.add (i64.extend_i32_u (local.get 1)) (local.get 0))))
            (br_if $l (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 3))))
          (i32.load (local.get 1)))
        (func (export \"spill\") (param i64) (result i32) (local i32)
          (local.set 1 (i32.wrap_i64 (local.get 0)))
          (drop (call $dirty (i32.const 1))) (drop (call $dirty (i32.const 1)))
          (i32.load (local.get 1)))
        (func (export \"sized\") (param i64) (result i32)
          (i32.load (i32.popcnt (i32.and (i32.wrap_i64 (local.get 0)) (i32.const 0))))))";
    extern "C" fn dirty(_: *mut VmCtx, value: u32) -> u64 {
        value as u64 | 0xdead_beef << 32
    }
    let ty = FuncType { params: vec![ValType::I32], results: vec![ValType::I32] };
    for options in all_options() {
        let bytes = wat::parse_str(text).unwrap();
        let guest = Guest::new(&bytes, &options, &[host(dirty as *const u8, &ty)]);
        let dirty_zero = 0x7_0000_0000;
        for name in
            ["wrap", "wrapadd", "wrapshl", "wrapshlvar", "wraprotl", "indirect", "direct", "loop", "spill", "sized"]
        {
            assert_eq!(guest.call(name, &[dirty_zero]), Ok(vec![0]), "{name}");
        }
        for name in ["wrapblock", "wrapselect"] {
            assert_eq!(guest.call(name, &[dirty_zero, 0]), Ok(vec![0]), "{name}");
            assert_eq!(guest.call(name, &[dirty_zero, 1]), Ok(vec![0]), "{name}");
        }
        assert_eq!(guest.call("host", &[16]), Ok(vec![0]));
        assert_eq!(guest.call("hostextend", &[16]), Ok(vec![16]));
        assert_eq!(guest.call("hosttable", &[0]), Ok(vec![5]));
        assert_eq!(guest.call("hosttable", &[1]), Err(TrapCode::UndefinedElement));
        assert_eq!(guest.call("grown", &[]), Ok(vec![0]));
        assert_eq!(guest.call("param", &[dirty_zero]), Ok(vec![0]));
        assert_eq!(guest.call("stackparam", &[dirty_zero; 7]), Ok(vec![0]));
    }
}

/// An address whose computation wraps at 32 bits reads where it wraps to.
#[test]
fn address_arithmetic_wraps_before_the_offset_is_added() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module (memory 1) (data (i32.const 8) \"\\2a\")
               (func (export \"add\") (param i32) (result i32) (i32.load8_u offset=4 (i32.add (local.get 0) (i32.const 12))))
               (func (export \"sub\") (param i32) (result i32) (i32.load8_u offset=4 (i32.sub (local.get 0) (i32.const 12))))
               (func (export \"scaled\") (param i32 i32) (result i32)
                 (i32.load8_u offset=4 (i32.add (i32.add (local.get 0) (i32.shl (local.get 1) (i32.const 3))) (i32.const 12)))))",
            &options,
        );
        assert_eq!(guest.call("add", &[-8i32 as u32 as u64]), Ok(vec![0x2a]));
        assert_eq!(guest.call("sub", &[16]), Ok(vec![0x2a]));
        assert_eq!(guest.call("sub", &[4]), OUT);
        assert_eq!(guest.call("scaled", &[-16i32 as u32 as u64, 1]), Ok(vec![0x2a]));
        assert_eq!(guest.call("scaled", &[0, 0x2000_0000 - 1]), Ok(vec![0x2a]));
        assert_eq!(guest.call("add", &[0xffff]), OUT);
    }
}

/// Operations on floats with memory operands read no more than the access.
#[test]
fn float_operands_in_memory_are_not_widened() {
    for options in all_options() {
        for (ty, last) in [("f32", 65532), ("f64", 65528)] {
            for op in ["copysign", "add", "min", "max", "mul", "div", "eq", "lt"] {
                let result = if op == "eq" || op == "lt" { "i32" } else { ty };
                let text = format!(
                    "(module (memory 1)
                       (func (export \"right\") (param {ty} i32) (result {result}) ({ty}.{op} (local.get 0) ({ty}.load (local.get 1))))
                       (func (export \"left\") (param {ty} i32) (result {result}) ({ty}.{op} ({ty}.load (local.get 1)) (local.get 0)))
                       (func (export \"abs\") (param {ty} i32) (result {ty}) ({ty}.abs ({ty}.load (local.get 1))))
                       (func (export \"neg\") (param {ty} i32) (result {ty}) ({ty}.neg ({ty}.load (local.get 1)))))"
                );
                let guest = Guest::wat(&text, &options);
                for form in ["right", "left", "abs", "neg"] {
                    assert!(guest.call(form, &[0, last]).is_ok(), "{ty}.{op} {form}");
                    assert_eq!(guest.call(form, &[0, last + 1]), OUT, "{ty}.{op} {form}");
                }
            }
        }
    }
}

/// Reads are not moved over writes, calls or other traps.
#[test]
fn folded_reads_stay_in_order() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module (memory 1) (global $g (mut i32) (i32.const 7))
               (func $set (i32.store (i32.const 0) (i32.const 100)) (global.set $g (i32.const 100)))
               (func (export \"store\") (param i32) (result i32) (local i32)
                 (local.set 1 (i32.load (i32.const 0)))
                 (i32.store (i32.const 0) (i32.const 9))
                 (i32.add (local.get 0) (local.get 1)))
               (func (export \"call\") (param i32) (result i32) (local i32)
                 (i32.store (i32.const 0) (i32.const 5))
                 (local.set 1 (i32.load (i32.const 0)))
                 (call $set)
                 (i32.add (local.get 0) (local.get 1)))
               (func (export \"global\") (result i32) (local i32)
                 (local.set 0 (global.get $g)) (call $set) (i32.add (local.get 0) (global.get $g)))
               (func (export \"cond\") (param i32) (result i32) (local i32)
                 (i32.store (i32.const 0) (i32.const 3))
                 (local.set 1 (i32.eq (i32.load (i32.const 0)) (i32.const 3)))
                 (i32.store (i32.const 0) (i32.const 4))
                 (if (result i32) (local.get 1) (then (i32.const 1)) (else (i32.const 0))))
               (func (export \"trap\") (param i32 i32) (result i32) (local i32)
                 (local.set 2 (i32.load (local.get 0)))
                 (i32.store (i32.const 16) (i32.div_u (i32.const 8) (local.get 1)))
                 (i32.add (local.get 2) (i32.const 1)))
               (func (export \"twice\") (param i32) (result i32) (local i32)
                 (i32.store (i32.const 32) (i32.const 6))
                 (local.set 1 (i32.eqz (i32.load (i32.const 32))))
                 (i32.store (i32.const 32) (i32.const 0))
                 (i32.add (local.get 1) (if (result i32) (local.get 1) (then (i32.const 10)) (else (i32.const 20))))))",
            &options,
        );
        assert_eq!(guest.call("store", &[1]), Ok(vec![1]));
        assert_eq!(guest.call("call", &[1]), Ok(vec![6]));
        assert_eq!(guest.call("global", &[]), Ok(vec![200]));
        assert_eq!(guest.call("cond", &[0]), Ok(vec![1]));
        assert_eq!(guest.call("trap", &[0x10000, 0]), OUT);
        assert_eq!(guest.call("trap", &[0, 0]), Err(TrapCode::IntegerDivideByZero));
        assert_eq!(guest.call("twice", &[0]), Ok(vec![20]));
    }
}

#[test]
fn large_switch_indices_take_the_default() {
    for cases in [1usize, 3, 5, 40] {
        let labels: String = (0..=cases).map(|case| format!("{case} ")).collect();
        let mut text = String::from("(module (func (export \"f\") (param i32) (result i32)");
        text += &"(block ".repeat(cases + 1);
        text += &format!("(br_table {labels} (local.get 0)))");
        (0..cases).for_each(|case| text += &format!("(return (i32.const {case})))"));
        text += "(i32.const 1000))
            (func (export \"wrapped\") (param i64) (result i32) (block (block (block (block (block (block
              (br_table 0 1 2 3 4 5 (i32.wrap_i64 (local.get 0))))
              (return (i32.const 0))) (return (i32.const 1))) (return (i32.const 2))) (return (i32.const 3)))
              (return (i32.const 4))) (i32.const 5)))";
        for options in all_options() {
            let guest = Guest::wat(&text, &options);
            for index in [0, 1, 2, 3, 4, 5, 39, 40, 41, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x4000_0001] {
                let expected = if index < cases as u64 { index } else { 1000 };
                assert_eq!(guest.call("f", &[index]), Ok(vec![expected]), "{index:#x} of {cases}");
            }
            assert_eq!(guest.call("wrapped", &[0x7_0000_0002]), Ok(vec![2]));
            assert_eq!(guest.call("wrapped", &[0xffff_ffff]), Ok(vec![5]));
        }
    }
}

/// The base of memory is not kept across growth where it may move; sizes are never kept.
#[test]
fn growth_is_seen_at_once() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module (memory 1 10) (func $grow (drop (memory.grow (i32.const 1))))
               (func (export \"f\") (param i32) (result i32)
                 (i32.store (i32.const 0) (i32.const 1))
                 (drop (memory.grow (i32.const 1)))
                 (i32.store (local.get 0) (i32.const 41))
                 (call $grow)
                 (i32.store offset=65536 (local.get 0) (i32.const 1))
                 (i32.add (i32.load (local.get 0)) (i32.add (i32.load (i32.const 0)) (memory.size)))))",
            &options,
        );
        assert_eq!(guest.call("f", &[65536]), Ok(vec![41 + 1 + 3]));
    }
}

/// A function of another module is called with its own memory and globals, and its type counts, not the type's number.
#[test]
fn indirect_calls_across_modules() {
    let callee_text = "(module (type $unused (func)) (memory (export \"m\") 1) (global $g (mut i32) (i32.const 1000))
        (type $t (func (param i32) (result i32)))
        (func (export \"store\") (type $t) (i32.store (i32.const 0) (local.get 0))
          (global.set $g (i32.add (global.get $g) (local.get 0))) (global.get $g))
        (func (export \"trap\") (type $t) unreachable)
        (func (export \"other\") (param i64) (result i32) (i32.const 1)))";
    let caller_text = "(module (type $t (func (param i32) (result i32))) (memory 1) (table 10 funcref)
        (global $g (mut i32) (i32.const 5))
        (func (export \"f\") (param i32 i32) (result i32)
          (i32.store (i32.const 0) (i32.const 77))
          (i32.add (i32.add (call_indirect (type $t) (local.get 0) (local.get 1)) (i32.load (i32.const 0)))
                   (global.get $g))))";
    for options in all_options() {
        let callee = Guest::wat(callee_text, &options);
        let mut caller = Guest::wat(caller_text, &options);
        let references: Vec<FuncRef> = ["store", "trap", "other"].iter().map(|name| callee.func_ref(name)).collect();
        for (at, reference) in references.iter().enumerate() {
            caller.set_entry(0, at, reference as *const FuncRef as u64);
        }
        assert_eq!(caller.call("f", &[9, 0]), Ok(vec![1009 + 77 + 5]));
        assert_eq!(callee.contents()[0], 9);
        assert_eq!(caller.contents()[0], 77);
        assert_eq!(caller.call("f", &[9, 2]), Err(TrapCode::IndirectCallTypeMismatch));
        assert_eq!(caller.call("f", &[9, 3]), Err(TrapCode::UninitializedElement));
        for index in [10, 11, 0x8000_0000, 0xffff_ffff] {
            assert_eq!(caller.call("f", &[9, index]), Err(TrapCode::UndefinedElement));
        }
        assert_ne!(type_id(&FuncType::default()), references[0].type_id);
    }
}

#[test]
fn tables_are_bounded() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module (table $t 2 5 externref) (table $f 3 funcref)
               (func (export \"get\") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
               (func (export \"set\") (param i32) (table.set $t (local.get 0) (ref.null extern)))
               (func (export \"grow\") (param i32) (result i32) (table.grow $t (ref.null extern) (local.get 0)))
               (func (export \"size\") (result i32) (table.size $t))
               (func (export \"func\") (param i32) (result i32)
                 (table.set $f (i32.const 1) (ref.func 0)) (ref.is_null (table.get $f (local.get 0)))) (elem declare func 0))",
            &options,
        );
        let out = Err(TrapCode::TableOutOfBounds);
        assert_eq!(guest.call("get", &[1]), Ok(vec![1]));
        for index in [2, 3, 0x2000_0000, 0x8000_0000, 0xffff_ffff] {
            assert_eq!(guest.call("get", &[index]), out);
            assert_eq!(guest.call("set", &[index]), out.clone());
        }
        assert_eq!(guest.call("grow", &[2]), Ok(vec![2]));
        assert_eq!(guest.call("grow", &[2]), Ok(vec![u32::MAX as u64]));
        assert_eq!(guest.call("size", &[]), Ok(vec![4]));
        assert_eq!(guest.call("get", &[3]), Ok(vec![1]));
        assert_eq!(guest.call("func", &[1]), Ok(vec![0]));
        assert_eq!(guest.call("func", &[2]), Ok(vec![1]));
    }
}

#[test]
fn endless_recursion_is_stopped() {
    for options in all_options() {
        let guest = Guest::wat(
            "(module (func $f (export \"f\") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1)))
               (func $g (export \"g\") (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
                 (i64.add (local.get 8) (call $g (local.get 8) (local.get 1) (local.get 1) (local.get 1) (local.get 1)
                   (local.get 1) (local.get 1) (local.get 1) (local.get 1)))))",
            &options,
        );
        assert_eq!(guest.call("f", &[0]), Err(TrapCode::StackOverflow));
        assert_eq!(guest.call("g", &[0; 9]), Err(TrapCode::StackOverflow));
    }
}

#[test]
fn polls_stop_loops() {
    let options = Options { poll: true, ..all_options()[0] };
    let guest = Guest::wat("(module (func (export \"f\") (loop (br 0))))", &options);
    guest.interrupt.store(1, Ordering::Relaxed);
    assert_eq!(guest.call("f", &[]), Err(TrapCode::Interrupt));
}

/// Parameters and results beyond the registers, of every type.
#[test]
fn many_parameters_and_results() {
    let types = ["i32", "f64", "i64", "f32"];
    let all: Vec<&str> = (0..40).map(|at| types[at % 4]).collect();
    let list = all.join(" ");
    let locals: String = (0..40).rev().map(|at| format!("(local.get {at})")).collect();
    let forward: String = (0..40).map(|at| format!("(local.get {at})")).collect();
    let reversed: Vec<&str> = all.iter().rev().copied().collect();
    let reversed = reversed.join(" ");
    let text = format!(
        "(module (type $t (func (param {list}) (result {reversed}))) (table 1 funcref) (elem (i32.const 0) $reverse)
           (func $reverse (type $t) {locals})
           (func (export \"direct\") (type $t) (call $reverse {forward}))
           (func (export \"indirect\") (type $t) (call_indirect (type $t) {forward} (i32.const 0))))"
    );
    for options in all_options() {
        let guest = Guest::wat(&text, &options);
        let args: Vec<u64> = (0..40).map(|at| (at + 1) * 0x11).collect();
        let expected: Vec<u64> = args.iter().rev().copied().collect();
        assert_eq!(guest.call("direct", &args), Ok(expected.clone()));
        assert_eq!(guest.call("indirect", &args), Ok(expected));
    }
}

/// A trap's location is that of the instruction, also where a read was folded into its user.
#[test]
fn traps_are_located() {
    let options = Options { memory: MemoryPolicy::Guard, ..all_options()[0] };
    let bytes = wat::parse_str(
        "(module (memory 1) (func (export \"f\") (param i32 i32) (result i32)
           (i32.add (local.get 1) (i32.load (local.get 0)))))",
    )
    .unwrap();
    let guest = Guest::new(&bytes, &options, &[]);
    assert_eq!(guest.call("f", &[65536, 0]), OUT);
    assert_eq!(bytes[Guest::trap_loc() as usize], 0x28, "the opcode of i32.load");
}
