//! Which accesses of linear memory need no bounds check of their own, because another one has been made on every way to them.
//!
//! A memory never shrinks: what was inside it once stays inside. So an access needs no check where one that dominates it has the same
//! index and ends no lower, nor where a constant index lies inside the memory's least size.

use crate::ir::func::{Block, Function, Inst, Value};
use crate::ir::ops::Op;
use crate::ir::passes::Dominators;
use std::collections::HashMap;

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
        let mut pass = Pass { func, least, checks, known: HashMap::new(), undo: Vec::new() };
        let dominators = Dominators::new(func);
        // Explicit stack: block and, when its subtree is done, the length of the undo log to return to.
        enum Step {
            Enter(Block),
            Leave(usize),
        }
        let mut work = vec![Step::Enter(func.entry())];
        while let Some(step) = work.pop() {
            match step {
                Step::Leave(mark) => pass.leave(mark),
                Step::Enter(block) => {
                    work.push(Step::Leave(pass.undo.len()));
                    func.block(block).insts.iter().for_each(|&inst| pass.access(inst));
                    work.extend(dominators.children(block).iter().map(|&child| Step::Enter(child)));
                }
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
    known: HashMap<Value, (u64, Inst)>,
    /// Former entries of indices, in order.
    undo: Vec<(Value, Option<(u64, Inst)>)>,
}

impl Pass<'_> {
    fn leave(&mut self, mark: usize) {
        for (index, former) in self.undo.drain(mark..).rev() {
            match former {
                Some(former) => self.known.insert(index, former),
                None => self.known.remove(&index),
            };
        }
    }

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
            Some(&(known, by)) if known == end && self.is_update(inst, by) => self.note(index, end, inst),
            Some(&(known, by)) if known >= end => {
                self.checks.needless[inst.index()] = true;
                self.checks.relied[by.index()] = true;
            }
            _ => self.note(index, end, inst),
        }
    }

    fn note(&mut self, index: Value, end: u64, inst: Inst) {
        self.undo.push((index, self.known.insert(index, (end, inst))));
    }

    /// Whether `store` writes what an operation makes of what `load` has read, which nobody relies on yet.
    fn is_update(&self, store: Inst, load: Inst) -> bool {
        let (store, from) = (self.func.inst(store), self.func.inst(load));
        let Some(&value) = store.args.get(1).filter(|_| matches!(from.op, Op::Load(..))) else { return false };
        let made_of = |data: &crate::ir::func::InstData| {
            matches!(data.op, Op::Binary(..)) && data.args.iter().any(|&arg| self.func.resolve(arg) == from.results[0])
        };
        !self.checks.relied[load.index()] && self.func.def_inst(self.func.resolve(value)).is_some_and(made_of)
    }
}
