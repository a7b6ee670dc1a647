//! Atomic accesses of every width against a model: results wanted and not, operands that collide, addresses that are not aligned.

use crate::harness::{Guest, all_options};
use std::fmt::Write;
use wasmjit::abi::trap::TrapCode;

/// Type, width in bits, and what stands before and behind the operation's name.
const WIDTHS: [(&str, u32, &str, &str); 7] = [
    ("i32", 32, "i32.atomic.rmw.", ""),
    ("i64", 64, "i64.atomic.rmw.", ""),
    ("i32", 8, "i32.atomic.rmw8.", "_u"),
    ("i32", 16, "i32.atomic.rmw16.", "_u"),
    ("i64", 8, "i64.atomic.rmw8.", "_u"),
    ("i64", 16, "i64.atomic.rmw16.", "_u"),
    ("i64", 32, "i64.atomic.rmw32.", "_u"),
];

type Meaning = fn(u64, u64) -> u64;

const UPDATES: [(&str, Meaning); 6] = [
    ("add", u64::wrapping_add),
    ("sub", u64::wrapping_sub),
    ("and", |a, b| a & b),
    ("or", |a, b| a | b),
    ("xor", |a, b| a ^ b),
    ("xchg", |_, b| b),
];

const VALUES: [u64; 6] = [0, 1, 0x7f80_ff00_8000_0081, u64::MAX, 0x1234_5678_9abc_def0, 0x8000_0000_0000_0000];

fn mask(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

fn word(guest: &Guest, at: usize) -> u64 {
    u64::from_le_bytes(guest.contents()[at..at + 8].try_into().unwrap())
}

fn module() -> String {
    let mut text = "(module (memory 1 2 shared)".to_string();
    for (ty, bits, before, behind) in WIDTHS {
        for (name, _) in UPDATES {
            let op = format!("{before}{name}{behind}");
            write!(
                text,
                "(func (export \"{op}\") (param i32 {ty}) (result {ty}) ({op} offset=64 (local.get 0) (local.get 1)))
                 (func (export \"{op} drop\") (param i32 {ty}) (drop ({op} offset=64 (local.get 0) (local.get 1))))
                 (func (export \"{op} const\") (param {ty}) (result {ty}) ({op} (i32.const 64) (local.get 0)))"
            )
            .unwrap();
        }
        let op = format!("{before}cmpxchg{behind}");
        let narrow = if behind.is_empty() { "".to_string() } else { bits.to_string() };
        write!(
            text,
            "(func (export \"{op}\") (param i32 {ty} {ty}) (result {ty})
               ({op} offset=64 (local.get 0) (local.get 1) (local.get 2)))
             (func (export \"{op} load\") (param i32) (result {ty}) ({ty}.atomic.load{narrow}{behind} offset=64 (local.get 0)))
             (func (export \"{op} store\") (param i32 {ty})
               (atomic.fence) ({ty}.atomic.store{narrow} offset=64 (local.get 0) (local.get 1)))"
        )
        .unwrap();
    }
    text + "(func (export \"self\") (param i32) (result i32) (i32.atomic.rmw.xor (local.get 0) (local.get 0)))
            (func (export \"odd\") (param i32) (result i32) (i32.atomic.rmw.add offset=3 (local.get 0) (i32.const 1)))
            (func (export \"wait\") (param i32 i32 i64) (result i32)
              (memory.atomic.wait32 offset=4 (local.get 0) (local.get 1) (local.get 2)))
            (func (export \"notify\") (param i32 i32) (result i32)
              (memory.atomic.notify offset=0xfffffff0 (local.get 0) (local.get 1))))"
}

#[test]
fn every_atomic_operation() {
    for options in all_options() {
        let guest = Guest::wat(&module(), &options);
        let set = |value: u64| guest.contents()[64..72].copy_from_slice(&value.to_le_bytes());
        for (ty, bits, before, behind) in WIDTHS {
            let low = mask(bits);
            let argument = |value: u64| if ty == "i32" { value & mask(32) } else { value };
            for (a, b) in VALUES.iter().flat_map(|a| VALUES.iter().map(move |b| (*a, argument(*b)))) {
                for (name, meaning) in UPDATES {
                    let op = format!("{before}{name}{behind}");
                    let after = a & !low | meaning(a, b) & low;
                    for (form, args) in [("", &[0, b][..]), (" drop", &[0, b]), (" const", &[b])] {
                        set(a);
                        let result = guest.call(&format!("{op}{form}"), args).unwrap();
                        assert_eq!(word(&guest, 64), after, "{op}{form} {a:x} {b:x}");
                        assert!(form == " drop" || result == [a & low], "{op}{form} {a:x} {b:x}: {result:x?}");
                    }
                }
                let op = format!("{before}cmpxchg{behind}");
                for expected in [argument(a & low), b] {
                    set(a);
                    assert_eq!(guest.call(&op, &[0, expected, b]).unwrap(), [a & low], "{op}");
                    let equal = expected & low == a & low;
                    let after = if equal { a & !low | b & low } else { a };
                    assert_eq!(word(&guest, 64), after, "{op} {a:x} {expected:x} {b:x}");
                }
                set(a);
                assert_eq!(guest.call(&format!("{op} load"), &[0]).unwrap(), [a & low]);
                guest.call(&format!("{op} store"), &[0, b]).unwrap();
                assert_eq!(word(&guest, 64), a & !low | b & low, "{op} store");
            }
            for (form, args) in [("cmpxchg", &[1, 0, 0][..]), ("or", &[1, 0])] {
                let op = format!("{before}{form}{behind}");
                let outcome = guest.call(&op, args).map(drop);
                let expected = if bits == 8 { Ok(()) } else { Err(TrapCode::UnalignedAtomic) };
                assert_eq!(outcome, expected, "{op}");
                let beyond = [65536, 0, 0];
                assert_eq!(guest.call(&op, &beyond[..args.len()]), Err(TrapCode::MemoryOutOfBounds), "{op}");
            }
        }
    }
}

#[test]
fn atomic_addresses() {
    for options in all_options() {
        let guest = Guest::wat(&module(), &options);
        guest.contents()[128] = 3;
        assert_eq!(guest.call("self", &[128]).unwrap(), [3]);
        assert_eq!(guest.contents()[128], 131);
        assert_eq!(guest.call("odd", &[128]), Err(TrapCode::UnalignedAtomic));
        assert_eq!(guest.call("odd", &[125]).unwrap(), [131]);
        // The offset is added in 33 bits.
        assert_eq!(guest.call("wait", &[0xffff_fffe, 3, 1 << 40]).unwrap(), [5]);
        assert_eq!(guest.call("notify", &[0x110, 9]).unwrap(), [0x1000_0010 + 9]);
    }
}
