//! Every vector operation over vectors of edge values, in each form that selection treats differently, against
//! [`wasmjit::ir::eval::vector`].

use crate::harness::{Guest, all_options};
use std::fmt::Write;
use wasmjit::ir::eval::vector::{shuffle, vector};
use wasmjit::ir::simd::VectorOp;
use wasmjit::ir::types::Type;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        self.0 >> 33 ^ self.0 << 31
    }

    fn of(&mut self, values: &[u64]) -> u64 {
        values[self.next() as usize % values.len()]
    }
}

fn edges(bits: u32) -> Vec<u64> {
    let all = u64::MAX >> (64 - bits);
    let top = 1 << (bits - 1);
    vec![0, 1, 2, 3, 15, 16, 127, all, all - 1, top, top - 1, top + 1, 0x55 & all, 0xaa & all]
}

/// Vectors whose lanes are edge values of some shape.
fn vectors() -> Vec<u128> {
    let mut random = Random(7);
    let mut out = vec![0, u128::MAX];
    let singles = [
        0.0f32,
        -0.0,
        0.5,
        -0.5,
        1.5,
        -2.5,
        3.7,
        1e10,
        -1e10,
        2147483647.0,
        2147483648.0,
        -2147483648.0,
        -2147483904.0,
        4294967296.0,
        4294967040.0,
        1e-40,
        f32::MAX,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
    ];
    let mut singles: Vec<u64> = singles.iter().map(|value| value.to_bits().into()).collect();
    singles.push(0x7fa0_0001);
    let doubles = [
        0.0f64,
        -0.0,
        0.5,
        -1.5,
        2.5,
        3.99,
        1e300,
        -1e300,
        1e-310,
        2147483647.0,
        2147483647.5,
        2147483648.0,
        -2147483648.0,
        -2147483648.9,
        -2147483649.0,
        4294967295.0,
        4294967295.5,
        4294967296.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        16777217.0,
    ];
    let doubles: Vec<u64> = doubles.iter().map(|value| value.to_bits()).collect();
    for (bits, values) in
        [(8, edges(8)), (16, edges(16)), (32, edges(32)), (64, edges(64)), (32, singles), (64, doubles)]
    {
        for _ in 0..14 {
            out.push((0..128 / bits).fold(0, |vector, _| vector << (bits - 1) << 1 | u128::from(random.of(&values))));
        }
    }
    for _ in 0..6 {
        out.push(u128::from(random.next()) << 64 | u128::from(random.next()));
    }
    out
}

/// Lanes that are NaNs are equal, whatever their payload, where the result is of floats.
fn same(op: VectorOp, a: u128, b: u128) -> bool {
    let name = op.name();
    if a == b {
        return true;
    }
    let bits_only = ["eq", "ne", "lt", "gt", "le", "ge", "abs", "neg", "pmin", "pmax", "splat"];
    if bits_only.iter().any(|end| name[6..] == **end) {
        return false;
    }
    if name.starts_with("f32x4.") {
        (0..4).all(|n| {
            let (a, b) = ((a >> (32 * n)) as u32, (b >> (32 * n)) as u32);
            a == b || f32::from_bits(a).is_nan() && f32::from_bits(b).is_nan()
        })
    } else if name.starts_with("f64x2.") {
        (0..2).all(|n| {
            let (a, b) = ((a >> (64 * n)) as u64, (b >> (64 * n)) as u64);
            a == b || f64::from_bits(a).is_nan() && f64::from_bits(b).is_nan()
        })
    } else {
        false
    }
}

fn constant(vector: u128) -> String {
    format!("(v128.const i64x2 {} {})", vector as i64, (vector >> 64) as i64)
}

/// How an operand is read: at `16 * index`.
fn read(ty: Type, index: usize) -> String {
    format!("({}.load (i32.const {}))", ty.name(), 16 * index)
}

fn write_result(ty: Type, value: &str) -> String {
    format!("({}.store (i32.const 256) {value})", ty.name())
}

/// Forms of an operation: operands from memory, in registers that stay alive, and exchanged with each other.
fn module(op: VectorOp, right: &[u128]) -> String {
    let (name, args, result) = (op.name(), op.args(), op.result());
    let list = |each: &dyn Fn(usize) -> String| (0..args.len()).map(each).collect::<Vec<_>>().join(" ");
    let locals = list(&|n| args[n].name().to_string());
    let set = list(&|n| format!("(local.set {n} {})", read(args[n], n)));
    let keep = list(&|n| format!("({}.store (i32.const {}) (local.get {n}))", args[n].name(), 128 + 16 * n));
    let from_memory = format!("({name} {})", list(&|n| read(args[n], n)));
    let from_locals = format!("({name} {})", list(&|n| format!("(local.get {n})")));
    let mut text = format!(
        "(module (memory (export \"memory\") 1)
           (func (export \"mem\") {})
           (func (export \"live\") (local {locals}) {set} {} {keep})
           (func (export \"self\") (local {locals}) {set} {})",
        write_result(result, &from_memory),
        write_result(result, &from_locals),
        write_result(
            result,
            &format!("({name} {})", list(&|n| format!("(local.get {})", if args[n] == args[0] { 0 } else { n })))
        ),
    );
    if result == Type::I32 {
        write!(
            text,
            "(func (export \"if\") (local {locals}) {set}
               (i32.store (i32.const 256) (if (result i32) {from_locals} (then (i32.const 1)) (else (i32.const 0)))))"
        )
        .unwrap();
    }
    for (at, value) in right.iter().enumerate().filter(|_| args.len() == 2) {
        let value = if args[1] == Type::V128 { constant(*value) } else { format!("(i32.const {})", *value as i32) };
        let first = read(args[0], 0);
        write!(text, "(func (export \"right{at}\") {})", write_result(result, &format!("({name} {first} {value})")))
            .unwrap();
        if args[1] == Type::V128 {
            let exchanged = format!("({name} {value} {first})");
            write!(text, "(func (export \"left{at}\") {})", write_result(result, &exchanged)).unwrap();
        }
    }
    text + ")"
}

struct Bench {
    guest: Box<Guest>,
    op: VectorOp,
}

impl Bench {
    fn check(&self, form: &str, args: &[u128], expected: u128) {
        let memory = self.guest.contents();
        for (n, arg) in args.iter().enumerate() {
            memory[16 * n..16 * n + 16].copy_from_slice(&arg.to_le_bytes());
        }
        memory[256..272].fill(0);
        self.guest.call(form, &[]).unwrap();
        let found = u128::from_le_bytes(self.guest.contents()[256..272].try_into().unwrap());
        assert!(same(self.op, found, expected), "{} {form} {args:x?}: {found:x}, not {expected:x}", self.op.name());
        if form == "live" {
            for (n, ty) in self.op.args().iter().enumerate() {
                let bytes = if *ty == Type::V128 { 16 } else { 4 };
                let kept = &self.guest.contents()[128 + 16 * n..128 + 16 * n + bytes];
                assert_eq!(kept, &args[n].to_le_bytes()[..bytes], "{}: operand {n}", self.op.name());
            }
        }
    }
}

#[test]
fn every_operation() {
    let vectors = vectors();
    let counts: Vec<u128> = vec![0, 1, 3, 7, 8, 9, 15, 16, 31, 32, 33, 63, 64, 65, 0xffff_ffff];
    for options in all_options() {
        for &op in VectorOp::ALL {
            let args = op.args();
            let right: &[u128] = if args.get(1) == Some(&Type::I32) { &counts } else { &vectors[..12] };
            let bench = Bench { guest: Guest::wat(&module(op, right), &options), op };
            let meaning = |args: &[u128]| match op.args()[0] {
                // A scalar operand is its low bits.
                Type::I32 | Type::F32 => vector(op, &[args[0] as u32 as u128]),
                Type::I64 | Type::F64 => vector(op, &[args[0] as u64 as u128]),
                _ => vector(op, args),
            };
            let seconds: &[u128] = if args.get(1) == Some(&Type::I32) { &counts } else { &vectors };
            for (row, &a) in vectors.iter().enumerate() {
                for (column, &b) in seconds.iter().enumerate().filter(|(n, _)| args.len() > 1 || *n == 0) {
                    let all = [a, b, vectors[(row * 7 + column * 3) % vectors.len()]];
                    let all = &all[..args.len()];
                    let expected = meaning(all);
                    bench.check("mem", all, expected);
                    bench.check("live", all, expected);
                    if op.result() == Type::I32 {
                        bench.check("if", all, u128::from(expected != 0));
                    }
                    if args.len() == 2 && column < right.len() {
                        bench.check(&format!("right{column}"), all, expected);
                        if args[1] == Type::V128 {
                            bench.check(&format!("left{column}"), all, meaning(&[b, a]));
                        }
                    }
                }
                let same: Vec<u128> = args.iter().map(|ty| if *ty == args[0] { a } else { 5 }).collect();
                bench.check("self", &same, meaning(&same));
            }
        }
    }
}

/// Splats of constants, and tests of vectors as conditions.
#[test]
fn folded_splats_and_conditions() {
    let text = "(module (memory 1)
        (func (export \"splats\") (local i32)
          (v128.store (i32.const 0) (i8x16.splat (i32.const 0x1ff)))
          (v128.store (i32.const 16) (i16x8.splat (i32.const 0x12345)))
          (v128.store (i32.const 32) (f64x2.splat (f64.const -0.0)))
          (v128.store (i32.const 48) (i32x4.splat (i32.const 0))))
        (func (export \"tests\") (param i32 i32 i32 i32) (result i32) (local v128)
          (local.set 4 (i32x4.replace_lane 3 (i32x4.replace_lane 2 (i32x4.replace_lane 1 (i32x4.splat (local.get 0))
            (local.get 1)) (local.get 2)) (local.get 3)))
          (i32.or (i32.shl (if (result i32) (i32.eqz (v128.any_true (local.get 4)))
              (then (i32.const 1)) (else (i32.const 0))) (i32.const 2))
            (i32.or (i32.shl (select (i32.const 1) (i32.const 0) (i32x4.all_true (local.get 4))) (i32.const 1))
              (if (result i32) (i32.ne (i32.const 0) (i32.eqz (i32x4.all_true (local.get 4))))
                (then (i32.const 0)) (else (i32.const 1)))))))";
    for options in all_options() {
        let guest = Guest::wat(text, &options);
        guest.call("splats", &[]).unwrap();
        let (minus_zero, halves) = ((-0.0f64).to_bits().to_le_bytes(), 0x2345u16.to_le_bytes());
        let expected = [vec![0xff; 16], halves.repeat(8), minus_zero.repeat(2), vec![0; 16]].concat();
        assert_eq!(guest.contents()[..64], expected);
        for (lanes, expected) in [([0; 4], 4), ([0, 0, 0, 9], 0), ([1, 2, 3, 4], 3), ([1, 0, 3, 4], 0)] {
            assert_eq!(guest.call("tests", &lanes).unwrap(), [expected], "{lanes:?}");
        }
    }
}

#[test]
fn old_processors_are_refused_by_name() {
    let bytes = wat::parse_str("(module (func (param v128) (result v128) (local.get 0)))").unwrap();
    let module = wasmjit::wasm::parse(&bytes).unwrap();
    let mut options = all_options()[0];
    options.features.sse42 = false;
    let error = wasmjit::codegen::compile_module(&module, &bytes, &options).unwrap_err();
    assert!(error.to_string().contains("SSE4.2"), "{error}");
}

/// Shuffles of every kind that has an instruction of its own, and of none.
fn shuffles() -> Vec<[u8; 16]> {
    let mut random = Random(3);
    let mut out = Vec::new();
    for bytes in [1u8, 2, 4, 8] {
        for base in [0, 8] {
            let low: [u8; 16] = std::array::from_fn(|n| {
                let (element, at) = (n as u8 / bytes, n as u8 % bytes);
                base + element / 2 * bytes + at + 16 * (element % 2)
            });
            out.extend([low, low.map(|lane| lane ^ 16), low.map(|lane| lane % 16), low.map(|lane| lane % 16 + 16)]);
        }
    }
    for shift in 1..32u8 {
        out.push(std::array::from_fn(|n| (shift + n as u8) % 32));
    }
    for _ in 0..30 {
        let words: [u8; 4] = std::array::from_fn(|_| random.next() as u8 % 8);
        out.push(std::array::from_fn(|n| words[n / 4] * 4 + n as u8 % 4));
        let blend = random.next();
        out.push(std::array::from_fn(|n| n as u8 + 16 * (blend >> (n / 2) & 1) as u8));
        out.push(std::array::from_fn(|_| random.next() as u8 % 32));
        out.push(std::array::from_fn(|_| random.next() as u8 % 16));
    }
    for halves in [[0, 1, 4, 5], [2, 0, 7, 4], [4, 7, 1, 0], [6, 5, 3, 3]] {
        out.push(std::array::from_fn(|n| halves[n / 4] * 4 + n as u8 % 4));
    }
    out
}

#[test]
fn every_shuffle() {
    let (a, b) = (0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100_u128, 0x1f1e_1d1c_1b1a_1918_1716_1514_1312_1110_u128);
    for options in all_options() {
        for lanes in shuffles() {
            let list = lanes.map(|lane| lane.to_string()).join(" ");
            let text = format!(
                "(module (memory 1)
                   (func (export \"two\") (v128.store (i32.const 32)
                     (i8x16.shuffle {list} (v128.load (i32.const 0)) (v128.load (i32.const 16)))))
                   (func (export \"one\") (local v128) (local.set 0 (v128.load (i32.const 0)))
                     (v128.store (i32.const 32) (i8x16.shuffle {list} (local.get 0) (local.get 0)))))"
            );
            let guest = Guest::wat(&text, &options);
            guest.contents()[..16].copy_from_slice(&a.to_le_bytes());
            guest.contents()[16..32].copy_from_slice(&b.to_le_bytes());
            for (form, second) in [("two", b), ("one", a)] {
                guest.call(form, &[]).unwrap();
                let found = u128::from_le_bytes(guest.contents()[32..48].try_into().unwrap());
                assert_eq!(found, shuffle(lanes, a, second), "{form} {lanes:?}");
            }
        }
    }
}

/// Vectors beside numbers in every place that a value may have: parameters and results in registers and on the stack,
/// block parameters, globals, spill slots, calls direct and indirect.
#[test]
fn vectors_travel() {
    let many = "(param i32 v128 f64 v128 v128 v128 v128 v128 v128 v128 i64 v128 f32 v128 i32 i32 i32 i32 v128)";
    let pushes: String = (0..18).map(|n| format!("(v128.load offset={} (local.get $i))", n * 16)).collect();
    let adds = "i32x4.add ".repeat(17);
    let text = format!(
        "(module (memory 1) (table funcref (elem $many)) (global $g (mut v128) (v128.const i32x4 1 2 3 4))
           (type $t (func {many} (result v128 i32 v128 v128 f64)))
           (func $many (type $t)
             (i32x4.add (local.get 1) (i32x4.add (local.get 9) (i32x4.add (local.get 11) (local.get 18))))
             (i32.add (local.get 0) (local.get 17)) (local.get 13) (local.get 18) (local.get 2))
           (func (export \"call\") (param $i i32) (local $a v128) (local $b v128) (local $f f64) (local $n i32)
             (local $sum v128)
             (local.set $a (v128.load (local.get $i))) (local.set $b (v128.load offset=16 (local.get $i)))
             (global.set $g (i32x4.add (global.get $g) (local.get $a)))
             (i32.const 5) (local.get $a) (f64.const 2.5) (local.get $b) (local.get $b) (local.get $b) (local.get $b)
             (local.get $b) (local.get $b) (local.get $a) (i64.const 9) (local.get $a) (f32.const 1)
             (global.get $g) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 37) (local.get $b)
             (call_indirect (type $t) (i32.const 0))
             (local.set $f) (local.set $b) (local.set $a) (local.set $n) (local.set $sum)
             (v128.store offset=560 (i32.const 0) (local.get $sum))
             (v128.store offset=512 (i32.const 0) (local.get $b)) (v128.store offset=528 (i32.const 0) (local.get $a))
             (i32.store offset=544 (i32.const 0) (local.get $n)) (f64.store offset=552 (i32.const 0) (local.get $f)))
           (func (export \"spill\") (param $i i32) (local $s v128) (local $n i32)
             (loop $l
               (local.set $s (i32x4.add (local.get $s) (block (result v128) {pushes} (call $nothing) {adds})))
               (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 3))))
             (v128.store offset=512 (i32.const 0) (local.get $s)))
           (func $nothing))"
    );
    for options in all_options() {
        let guest = Guest::wat(&text, &options);
        let lanes = |at: usize| -> [u32; 4] {
            std::array::from_fn(|n| u32::from_le_bytes(guest.contents()[at + 4 * n..][..4].try_into().unwrap()))
        };
        for n in 0..72u32 {
            guest.contents()[n as usize * 4..][..4].copy_from_slice(&(n * n + 1).to_le_bytes());
        }
        let (a, b) = (lanes(0), lanes(16));
        guest.call("call", &[0]).unwrap();
        let global: [u32; 4] = std::array::from_fn(|n| a[n] + n as u32 + 1);
        assert_eq!((lanes(512), lanes(528)), (b, global));
        assert_eq!(
            (lanes(544)[0], f64::from_bits(u64::from(lanes(552)[0]) | u64::from(lanes(552)[1]) << 32)),
            (42, 2.5)
        );
        assert_eq!(lanes(560), std::array::from_fn(|n| 3 * a[n] + b[n]));
        guest.call("spill", &[0]).unwrap();
        assert_eq!(lanes(512), std::array::from_fn(|lane| 3 * (0..18).map(|n| lanes(16 * n)[lane]).sum::<u32>()));
    }
}
