//! Accesses that share indices, against a model: a bounds check that the compiler leaves out must have been made on every way there.

use crate::harness::{Guest, all_options};
use wasmjit::abi::trap::TrapCode;

const PAGE: u64 = 65536;
const MAX_PAGES: u64 = 3;

/// Indices are parameters 0 and 1, which a function may also change, and constants.
#[derive(Clone, Copy, Debug)]
enum Index {
    Local(u32),
    Const(u32),
}

#[derive(Clone, Debug)]
enum Statement {
    /// `x = x * 31 + load`: the load may become the addition's operand.
    Load { index: Index, offset: u64, bytes: u64 },
    /// Stores x.
    Store { index: Index, offset: u64, bytes: u64 },
    /// `memory += x`, which may become one instruction.
    Update { index: Index, offset: u64 },
    /// Adds to a local.
    Move { local: u32, by: u64 },
    /// On a bit of parameter 2.
    If { bit: u32, then: Vec<Statement>, otherwise: Vec<Statement> },
    /// So many times.
    Loop { times: u32, body: Vec<Statement> },
    /// A page more, if there may be.
    Grow,
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) % n
    }

    fn index(&mut self) -> Index {
        match self.below(8) {
            0 => Index::Const((PAGE - 32 + self.below(64)) as u32),
            n => Index::Local(n as u32 % 2),
        }
    }

    fn offset(&mut self) -> u64 {
        [0, 4, 8, 16, 24, 60, 4096, PAGE - 8][self.below(8) as usize]
    }

    fn statements(&mut self, depth: u32) -> Vec<Statement> {
        let count = 1 + self.below(6);
        (0..count).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: u32) -> Statement {
        let (index, offset, bytes) = (self.index(), self.offset(), 1 << self.below(4));
        match self.below(if depth == 0 { 8 } else { 11 }) {
            0..=2 => Statement::Load { index, offset, bytes },
            3..=4 => Statement::Store { index, offset, bytes },
            5 => Statement::Update { index, offset },
            6 => Statement::Move {
                local: self.below(2) as u32,
                by: [8, 16, PAGE / 2, u32::MAX as u64 - 7][self.below(4) as usize],
            },
            7 => Statement::Grow,
            8..=9 => Statement::If {
                bit: self.below(8) as u32,
                then: self.statements(depth - 1),
                otherwise: self.statements(depth - 1),
            },
            _ => Statement::Loop { times: 1 + self.below(3) as u32, body: self.statements(depth - 1) },
        }
    }
}

/// Text of a function's statements; each loop counts in a local of its own.
struct Text {
    body: String,
    counters: u32,
}

const FIRST_COUNTER: u32 = 4;

impl Text {
    fn address(index: Index) -> String {
        match index {
            Index::Local(n) => format!("(local.get {n})"),
            Index::Const(value) => format!("(i32.const {value})"),
        }
    }

    fn add(&mut self, statements: &[Statement]) {
        for statement in statements {
            let text = match statement {
                Statement::Load { index, offset, bytes } => {
                    let load = ["i64.load8_u", "i64.load16_u", "i64.load32_u", "i64.load"][bytes.ilog2() as usize];
                    let address = Text::address(*index);
                    format!(
                        "(local.set 3 (i64.add (i64.mul (local.get 3) (i64.const 31)) ({load} offset={offset} {address})))\n"
                    )
                }
                Statement::Store { index, offset, bytes } => {
                    let store = ["i64.store8", "i64.store16", "i64.store32", "i64.store"][bytes.ilog2() as usize];
                    format!("({store} offset={offset} {} (local.get 3))\n", Text::address(*index))
                }
                Statement::Update { index, offset } => {
                    let address = Text::address(*index);
                    format!(
                        "(i64.store offset={offset} {address} (i64.add (i64.load offset={offset} {address}) (local.get 3)))\n"
                    )
                }
                Statement::Move { local, by } => {
                    format!("(local.set {local} (i32.add (local.get {local}) (i32.const {})))\n", *by as u32 as i32)
                }
                Statement::Grow => "(drop (memory.grow (i32.const 1)))\n".into(),
                Statement::If { bit, then, otherwise } => {
                    self.body += &format!("(if (i32.and (local.get 2) (i32.const {})) (then\n", 1 << bit);
                    self.add(then);
                    self.body += ") (else\n";
                    self.add(otherwise);
                    "))\n".into()
                }
                Statement::Loop { times, body } => {
                    let counter = FIRST_COUNTER + self.counters;
                    self.counters += 1;
                    self.body += &format!("(local.set {counter} (i32.const {times})) (loop\n");
                    self.add(body);
                    format!("(br_if 0 (local.tee {counter} (i32.sub (local.get {counter}) (i32.const 1)))))\n")
                }
            };
            self.body += &text;
        }
    }
}

/// What a function does, in plain words.
struct Model {
    memory: Vec<u8>,
    locals: [u32; 2],
    bits: u32,
    x: u64,
}

impl Model {
    fn at(&self, index: Index, offset: u64, bytes: u64) -> Result<std::ops::Range<usize>, TrapCode> {
        let index = match index {
            Index::Local(n) => self.locals[n as usize],
            Index::Const(value) => value,
        };
        let start = index as u64 + offset;
        let inside = start + bytes <= self.memory.len() as u64;
        if inside { Ok(start as usize..(start + bytes) as usize) } else { Err(TrapCode::MemoryOutOfBounds) }
    }

    fn read(&self, range: std::ops::Range<usize>) -> u64 {
        self.memory[range].iter().rev().fold(0, |value, &byte| value << 8 | byte as u64)
    }

    fn write(&mut self, range: std::ops::Range<usize>, value: u64) {
        let bytes = range.len();
        self.memory[range].copy_from_slice(&value.to_le_bytes()[..bytes]);
    }

    fn run(&mut self, statements: &[Statement]) -> Result<(), TrapCode> {
        for statement in statements {
            match statement {
                Statement::Load { index, offset, bytes } => {
                    let read = self.read(self.at(*index, *offset, *bytes)?);
                    self.x = self.x.wrapping_mul(31).wrapping_add(read);
                }
                Statement::Store { index, offset, bytes } => {
                    let range = self.at(*index, *offset, *bytes)?;
                    self.write(range, self.x);
                }
                Statement::Update { index, offset } => {
                    let range = self.at(*index, *offset, 8)?;
                    self.write(range.clone(), self.read(range).wrapping_add(self.x));
                }
                Statement::Move { local, by } => {
                    let local = &mut self.locals[*local as usize];
                    *local = local.wrapping_add(*by as u32);
                }
                Statement::Grow => {
                    let len = self.memory.len();
                    self.memory.resize((len + PAGE as usize).min((MAX_PAGES * PAGE) as usize), 0);
                }
                Statement::If { bit, then, otherwise } => {
                    self.run(if self.bits & 1 << bit != 0 { then } else { otherwise })?;
                }
                Statement::Loop { times, body } => (0..*times).try_for_each(|_| self.run(body))?,
            }
        }
        Ok(())
    }
}

#[test]
fn accesses_that_share_indices_stay_inside() {
    let mut random = Random(20);
    let (mut trapped, mut returned) = (0, 0);
    for program in 0..120 {
        let statements = random.statements(3);
        let mut text = Text { body: String::new(), counters: 0 };
        text.add(&statements);
        let counters = "(local i32)".repeat(text.counters as usize);
        let module = format!(
            "(module (memory 1 {MAX_PAGES}) (func (export \"f\") (param i32 i32 i32 i64) (result i64) {counters}\n{}(local.get 3)))",
            text.body
        );
        let inputs: Vec<[u64; 4]> = (0..12)
            .map(|_| {
                let mut near = || match random.below(4) {
                    0 => random.below(64),
                    1 => u32::MAX as u64 - random.below(16),
                    n => (n - 1) * PAGE - random.below(80),
                };
                [near(), near(), random.below(256), random.below(1 << 30)]
            })
            .collect();
        for options in all_options() {
            for &[a, b, bits, x] in &inputs {
                let guest = Guest::wat(&module, &options);
                let mut model =
                    Model { memory: vec![0; PAGE as usize], locals: [a as u32, b as u32], bits: bits as u32, x };
                let expected = model.run(&statements).map(|()| vec![model.x]);
                let what = format!("program {program}, {options:?}, {a:#x} {b:#x} {bits:#x} {x:#x}:\n{module}");
                assert_eq!(guest.call("f", &[a, b, bits, x]), expected, "{what}");
                assert!(guest.contents() == model.memory, "memory of {what}");
                if expected.is_ok() { returned += 1 } else { trapped += 1 }
            }
        }
    }
    // Programs that always do the same would show nothing.
    assert!(trapped > 1000 && returned > 1000, "{trapped} {returned}");
}
