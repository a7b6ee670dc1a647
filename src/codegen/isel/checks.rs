//! Which accesses of linear memory need no bounds check of their own, because another one has been made on every way to them.
//!
//! A memory never shrinks: what was inside it once stays inside. So an access needs no check where one that dominates it has the same
//! index and ends no lower, nor where a constant index lies inside the memory's least size.

use crate::ir::func::{Function, Inst, InstData, Value};
use crate::ir::ops::Op;
use crate::ir::passes::{Dominators, Scoped, Step};

/// What is known of a function's accesses; of each, nothing by default.
#[derive(Default)]
pub struct Checks {
    needless: Vec<bool>,
    relied: Vec<bool>,
}

impl Checks {
    /// Looks at each access once. `least` is the smallest size that the memory ever has, in bytes.
    pub fn new(func: &Function, least: u64) -> Checks {
        let checks = Checks { needless: vec![false; func.insts.len()], relied: vec![false; func.insts.len()] };
        let mut pass = Pass { func, least, checks, known: Scoped::default() };
        for step in Dominators::new(func).walk(func.entry()) {
            match step {
                Step::Enter(block) => {
                    pass.known.enter();
                    func.block(block).insts.iter().for_each(|&inst| pass.access(inst));
                }
                Step::Leave => pass.known.leave(),
            }
        }
        pass.checks
    }

    /// Whether the instruction's access may be made without a check.
    pub fn is_needless(&self, inst: Inst) -> bool {
        self.needless.get(inst.index()).is_some_and(|&needless| needless)
    }

    /// Whether others are made without because of the instruction's check: it must stay in front of them.
    pub fn is_relied_on(&self, inst: Inst) -> bool {
        self.relied.get(inst.index()).is_some_and(|&relied| relied)
    }
}

struct Pass<'f> {
    func: &'f Function,
    least: u64,
    checks: Checks,
    /// By index: the highest end that is known to be inside, and the instruction that has checked it.
    known: Scoped<Value, (u64, Inst)>,
}

impl Pass<'_> {
    fn access(&mut self, inst: Inst) {
        let data = self.func.inst(inst);
        let (offset, bytes) = match data.op {
            Op::Load(kind, offset) => (offset, kind.bytes()),
            Op::Store(kind, offset) => (offset, kind.bytes()),
            _ => return,
        };
        let index = self.func.resolve(data.args[0]);
        let end = offset as u64 + bytes as u64;
        if let Some(index) = self.func.constant(index) {
            self.checks.needless[inst.index()] = index as u32 as u64 + end <= self.least;
            return;
        }
        match self.known.get(&index) {
            // One instruction may do both, with one check: its own, which the later of the two then makes.
            Some((known, by)) if known == end && self.is_update(inst, by) => self.known.insert(index, (end, inst)),
            Some((known, by)) if known >= end => {
                self.checks.needless[inst.index()] = true;
                self.checks.relied[by.index()] = true;
            }
            _ => self.known.insert(index, (end, inst)),
        }
    }

    /// Whether `store` writes what an operation makes of what `load` has read, which nobody relies on yet.
    fn is_update(&self, store: Inst, load: Inst) -> bool {
        let (store, from) = (self.func.inst(store), self.func.inst(load));
        let Some(&value) = store.args.get(1).filter(|_| matches!(from.op, Op::Load(..))) else { return false };
        let made_of = |data: &InstData| {
            matches!(data.op, Op::Binary(..)) && data.args.iter().any(|&arg| self.func.resolve(arg) == from.results[0])
        };
        !self.checks.relied[load.index()] && self.func.def_inst(self.func.resolve(value)).is_some_and(made_of)
    }
}
