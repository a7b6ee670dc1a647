//! Every numeric operation over grids of edge values, in each form that selection treats differently, against
//! [`wasmjit::ir::eval`].

use crate::harness::{Guest, all_options};
use std::fmt::Write;
use wasmjit::abi::trap::TrapCode;
use wasmjit::ir::eval;
use wasmjit::ir::ops::{BinaryKind, CompareKind, ConvertKind, UnaryKind};
use wasmjit::ir::types::Type;

const I32: &[u64] = &[
    0,
    1,
    2,
    3,
    5,
    7,
    8,
    9,
    10,
    12,
    31,
    32,
    33,
    63,
    64,
    100,
    127,
    128,
    129,
    255,
    256,
    641,
    1000,
    32767,
    32768,
    65535,
    65536,
    0x1234_5678,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xaaaa_aaaa,
    0xffff_fff9,
    0xffff_fff6,
    0xffff_ffff,
    0xffff_8000,
    0xffff_ff80,
    0xffff_fffe,
];

fn grid(ty: Type) -> Vec<u64> {
    let integers = I32.iter().copied();
    match ty {
        Type::I32 => integers.collect(),
        Type::I64 | Type::Ref => {
            let signed = I32.iter().map(|&value| value as i32 as i64 as u64);
            let large = [
                1 << 32,
                (1 << 32) + 1,
                i64::MAX as u64,
                i64::MIN as u64,
                i64::MIN as u64 + 1,
                0xaaaa_5555_aaaa_5555,
                1 << 53,
                (1 << 53) + 1,
                0xffff_ffff_ffff_fbff,
                0xffff_ffff_ffff_fc00,
                0x7fff_ff40_0000_0001,
            ];
            let mut all: Vec<u64> = integers.chain(signed).chain(large).collect();
            all.sort_unstable();
            all.dedup();
            all
        }
        Type::F32 => {
            let values = floats().into_iter().map(|value| (value as f32).to_bits() as u64);
            values
                .chain([
                    1,
                    0x8000_0001,
                    0x7fa0_0000,
                    0xffc0_0001,
                    0x4eff_ffff,
                    0x5eff_ffff,
                    0x4f80_0000,
                    0x4f7f_ffff,
                    0xcf00_0001,
                ])
                .collect()
        }
        Type::V128 => unreachable!("vectors have a test of their own"),
        Type::F64 => {
            let values = floats().into_iter().map(f64::to_bits);
            values
                .chain([
                    1,
                    0x8000_0000_0000_0001,
                    0x7ff4_0000_0000_0000,
                    0xfff8_0000_0000_0001,
                    0x43df_ffff_ffff_ffff,
                    0x43ef_ffff_ffff_ffff,
                ])
                .collect()
        }
    }
}

fn floats() -> Vec<f64> {
    let positive = [
        0.0,
        0.3,
        0.5,
        0.75,
        1.0,
        1.5,
        2.5,
        3.5,
        1e10,
        1e20,
        1e-40,
        1e300,
        4_503_599_627_370_497.5,
        8_388_609.0,
        2_147_483_647.0,
        2_147_483_647.9,
        2_147_483_648.0,
        2_147_483_648.9,
        2_147_483_649.0,
        4_294_967_295.0,
        4_294_967_295.9,
        4_294_967_296.0,
        9_223_372_036_854_775_807.0,
        9_223_372_036_854_777_856.0,
        18_446_744_073_709_551_615.0,
        f64::INFINITY,
        f64::NAN,
        f64::MIN_POSITIVE,
        f64::MAX,
        0.99999999,
    ];
    positive.iter().flat_map(|&value: &f64| [value, -value]).collect()
}

fn is_nan(ty: Type, bits: u64) -> bool {
    match ty {
        Type::F32 => f32::from_bits(bits as u32).is_nan(),
        Type::F64 => f64::from_bits(bits).is_nan(),
        _ => false,
    }
}

/// Numbers that are equal, or NaNs: of those any will do.
fn same(ty: Type, a: &Result<u64, TrapCode>, b: &Result<u64, TrapCode>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b || (is_nan(ty, *a) && is_nan(ty, *b)),
        _ => a == b,
    }
}

fn literal(ty: Type, bits: u64) -> String {
    match ty {
        Type::I32 => format!("(i32.const {})", bits as i32),
        Type::I64 | Type::Ref => format!("(i64.const {})", bits as i64),
        Type::F32 => format!("(f32.reinterpret_i32 (i32.const {}))", bits as i32),
        Type::V128 => format!("(v128.const i64x2 {} 0)", bits as i64),
        Type::F64 => format!("(f64.reinterpret_i64 (i64.const {}))", bits as i64),
    }
}

fn one(result: Result<Vec<u64>, TrapCode>) -> Result<u64, TrapCode> {
    result.map(|values| values[0])
}

/// An operation in text form, with its types and meaning.
struct Case {
    name: String,
    operand: Type,
    result: Type,
    meaning: Box<dyn Fn(u64, u64) -> Result<u64, TrapCode>>,
}

fn suffix(kind: UnaryKind) -> &'static str {
    if matches!(kind, UnaryKind::Extend8 | UnaryKind::Extend16 | UnaryKind::Extend32) { "_s" } else { "" }
}

fn unary_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &kind in UnaryKind::ALL {
        let integer = (kind as usize) <= UnaryKind::Extend32 as usize;
        let types: &[Type] = match kind {
            UnaryKind::Extend32 => &[Type::I64],
            _ if integer => &[Type::I32, Type::I64],
            _ => &[Type::F32, Type::F64],
        };
        for &ty in types {
            let name = format!("{}.{}{}", ty.name(), kind.name(), suffix(kind));
            cases.push(Case {
                name,
                operand: ty,
                result: ty,
                meaning: Box::new(move |a, _| Ok(eval::unary(ty, kind, a))),
            });
        }
    }
    for &kind in ConvertKind::ALL {
        let name = kind.name().to_string();
        cases.push(Case {
            name,
            operand: kind.from(),
            result: kind.to(),
            meaning: Box::new(move |a, _| eval::convert(kind, a)),
        });
    }
    cases
}

fn binary_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &kind in BinaryKind::ALL {
        use BinaryKind::*;
        let types: &[Type] = match kind {
            Add | Sub | Mul => &[Type::I32, Type::I64, Type::F32, Type::F64],
            Div | Min | Max | Copysign => &[Type::F32, Type::F64],
            _ => &[Type::I32, Type::I64],
        };
        for &ty in types {
            let name = format!("{}.{}", ty.name(), kind.name());
            cases.push(Case {
                name,
                operand: ty,
                result: ty,
                meaning: Box::new(move |a, b| eval::binary(ty, kind, a, b)),
            });
        }
    }
    for &kind in CompareKind::ALL {
        use CompareKind::*;
        let types: &[Type] = match kind {
            Eq | Ne => &[Type::I32, Type::I64, Type::F32, Type::F64],
            Lt | Gt | Le | Ge => &[Type::F32, Type::F64],
            _ => &[Type::I32, Type::I64],
        };
        for &ty in types {
            let name = format!("{}.{}", ty.name(), kind.name());
            let meaning = move |a, b| Ok(eval::compare(ty, kind, a, b) as u64);
            cases.push(Case { name, operand: ty, result: Type::I32, meaning: Box::new(meaning) });
        }
    }
    cases
}

/// A way to the operation: a function's name and whether its operands are given in exchanged order or only once.
fn check(guest: &Guest, case: &Case, form: &str, args: &[u64], expected: &Result<u64, TrapCode>) {
    let found = one(guest.call(form, args));
    assert!(same(case.result, &found, expected), "{} {form} {args:x?}: {found:x?}, not {expected:x?}", case.name);
}

#[test]
fn unary_and_conversions() {
    for options in all_options() {
        for case in unary_cases() {
            let (ty, result, name) = (case.operand.name(), case.result.name(), &case.name);
            let text = format!(
                "(module (memory 1)
                   (func (export \"reg\") (param {ty}) (result {result}) ({name} (local.get 0)))
                   (func (export \"mem\") (param {ty}) (result {result})
                     ({ty}.store offset=8 (i32.const 16) (local.get 0))
                     ({name} ({ty}.load offset=16 (i32.const 8))))
                   (func (export \"live\") (param {ty}) (result {result} {ty}) ({name} (local.get 0)) (local.get 0)))"
            );
            let guest = Guest::wat(&text, &options);
            for a in grid(case.operand) {
                let expected = (case.meaning)(a, 0);
                check(&guest, &case, "reg", &[a], &expected);
                check(&guest, &case, "mem", &[a], &expected);
                check(&guest, &case, "live", &[a], &expected);
                if case.operand == Type::I32 {
                    // The upper half of an argument does not matter: the trampoline clears it.
                    check(&guest, &case, "reg", &[a | 0xdead_beef << 32], &expected);
                }
            }
        }
    }
}

/// The operation as a condition, in three uses, and as an address.
fn boolean_forms(name: &str, ty: &str) -> String {
    format!(
        "(func (export \"if\") (param {ty} {ty}) (result i32)
           (if (result i32) ({name} (local.get 0) (local.get 1)) (then (i32.const 1)) (else (i32.const 0))))
         (func (export \"ifnot\") (param {ty} {ty}) (result i32)
           (if (result i32) (i32.eqz ({name} (local.get 0) (local.get 1))) (then (i32.const 0)) (else (i32.const 1))))
         (func (export \"select\") (param {ty} {ty}) (result i32)
           (select (i32.const 1) (i32.const 0) ({name} (local.get 0) (local.get 1))))
         (func (export \"fselect\") (param {ty} {ty}) (result i32)
           (i32.trunc_f64_s (select (f64.const 1) (f64.const 0) ({name} (local.get 0) (local.get 1)))))
         (func (export \"eqz\") (param {ty} {ty}) (result i32)
           (i32.eqz (i32.eqz ({name} (local.get 0) (local.get 1)))))
         (func (export \"twice\") (param {ty} {ty}) (result i32) (local i32)
           (local.set 2 ({name} (local.get 0) (local.get 1)))
           (i32.and (local.get 2) (select (local.get 2) (i32.const 0) (local.get 2))))"
    )
}

#[test]
fn binary_and_comparisons() {
    for options in all_options() {
        for case in binary_cases() {
            let (ty, result, name) = (case.operand.name(), case.result.name(), &case.name);
            let values = grid(case.operand);
            let is_compare = case.result != case.operand
                || name.ends_with(".eq")
                || name.ends_with(".ne")
                || (name.starts_with("i32.") && CompareKind::ALL.iter().any(|kind| name[4..] == *kind.name()));
            let mut text = format!(
                "(module (memory 1)
                   (func (export \"reg\") (param {ty} {ty}) (result {result}) ({name} (local.get 0) (local.get 1)))
                   (func (export \"swap\") (param {ty} {ty}) (result {result}) ({name} (local.get 1) (local.get 0)))
                   (func (export \"mem\") (param {ty} {ty}) (result {result})
                     ({ty}.store (i32.const 64) (local.get 1))
                     ({name} (local.get 0) ({ty}.load offset=64 (i32.const 0))))
                   (func (export \"memleft\") (param {ty} {ty}) (result {result})
                     ({ty}.store (i32.const 64) (local.get 0))
                     ({name} ({ty}.load offset=32 (i32.const 32)) (local.get 1)))
                   (func (export \"live\") (param {ty} {ty}) (result {result} {ty} {ty})
                     ({name} (local.get 0) (local.get 1)) (local.get 0) (local.get 1))
                   (func (export \"self\") (param {ty}) (result {result}) ({name} (local.get 0) (local.get 0)))"
            );
            if is_compare {
                text += &boolean_forms(name, ty);
            } else {
                write!(
                    text,
                    "(func (export \"update\") (param {ty} {ty}) (result {result})
                       ({ty}.store (i32.const 64) (local.get 0))
                       ({ty}.store (i32.const 64) ({name} ({ty}.load (i32.const 64)) (local.get 1)))
                       ({ty}.load (i32.const 64)))"
                )
                .unwrap();
            }
            for (at, &value) in values.iter().enumerate() {
                let literal = literal(case.operand, value);
                write!(
                    text,
                    "(func (export \"right{at}\") (param {ty}) (result {result}) ({name} (local.get 0) {literal}))
                     (func (export \"left{at}\") (param {ty}) (result {result}) ({name} {literal} (local.get 0)))"
                )
                .unwrap();
                if is_compare {
                    write!(
                        text,
                        "(func (export \"br{at}\") (param {ty}) (result i32)
                           (block (br_if 0 ({name} (local.get 0) {literal})) (return (i32.const 0))) (i32.const 1))"
                    )
                    .unwrap();
                }
            }
            text.push(')');
            let guest = Guest::wat(&text, &options);
            for &a in &values {
                check(&guest, &case, "self", &[a], &(case.meaning)(a, a));
                for (at, &b) in values.iter().enumerate() {
                    let expected = (case.meaning)(a, b);
                    for form in ["reg", "mem", "memleft", "live"] {
                        check(&guest, &case, form, &[a, b], &expected);
                    }
                    check(&guest, &case, "swap", &[b, a], &expected);
                    check(&guest, &case, &format!("right{at}"), &[a], &expected);
                    check(&guest, &case, &format!("left{at}"), &[a], &(case.meaning)(b, a));
                    if is_compare {
                        check(&guest, &case, &format!("br{at}"), &[a], &expected);
                        for form in ["if", "ifnot", "select", "fselect", "eqz", "twice"] {
                            check(&guest, &case, form, &[a, b], &expected);
                        }
                    } else {
                        check(&guest, &case, "update", &[a, b], &expected);
                    }
                }
            }
        }
    }
}
