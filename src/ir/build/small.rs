//! Functions that are hardly more than the call of them: what they do stands where they are called.
//!
//! Nothing tells it from a call, since only what cannot trap, call or repeat is among them: a backtrace lacks nobody.

use super::*;
use crate::ir::ops::Op;
use std::sync::atomic::{AtomicU8, Ordering};

/// Longest body, in bytes. A call with two arguments takes about 10, of code about 20.
const MAX_BYTES: usize = 48;
/// Most instructions, constants not counted.
const MAX_INSTS: usize = 10;
/// Most blocks: what one `if` makes.
const MAX_BLOCKS: usize = 4;

/// Which own functions of a module are small: found out when they are first called, by whichever thread translates the call.
#[derive(Debug, Default)]
pub struct Small(Vec<AtomicU8>);

const UNKNOWN: u8 = 0;
const SMALL: u8 = 1;
const NOT_SMALL: u8 = 2;

impl Small {
    /// Nothing is known yet. The default says of every function that it is not small.
    pub fn of(module: &Module) -> Small {
        Small(module.bodies.iter().map(|_| AtomicU8::new(UNKNOWN)).collect())
    }

    /// The body of a function, if it is small.
    pub(super) fn body(&self, module: &Module, bytes: &[u8], func: FuncIndex) -> Option<usize> {
        let body = func.index().checked_sub(module.imported_functions as usize)?;
        let known = self.0.get(body)?;
        let mut state = known.load(Ordering::Relaxed);
        if state == UNKNOWN {
            // Threads that ask at the same time find the same.
            state = if is_small(module, bytes, body) { SMALL } else { NOT_SMALL };
            known.store(state, Ordering::Relaxed);
        }
        (state == SMALL).then_some(body)
    }
}

fn is_small(module: &Module, bytes: &[u8], body: usize) -> bool {
    module.bodies[body].len() <= MAX_BYTES
        && may_fit(&function_body(module, bytes, body)).unwrap_or(false)
        && build(module, bytes, body, false, &Small::default()).is_ok_and(|func| fits(module, &func))
}

/// Whether a look at the operators leaves it open: most bodies that are short call something.
fn may_fit(body: &wasmparser::FunctionBody<'_>) -> Result<bool, wasmparser::Error> {
    use wasmparser::Operator::*;
    let mut reader = body.get_operators_reader()?;
    while !reader.eof() {
        if matches!(
            reader.read()?,
            Call { .. }
                | CallIndirect { .. }
                | ReturnCall { .. }
                | ReturnCallIndirect { .. }
                | Loop { .. }
                | Unreachable
        ) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn fits(module: &Module, func: &Function) -> bool {
    let blocks = || func.order.iter().map(|&block| func.block(block));
    let plain = |block: &BlockData| {
        let goes_on = matches!(block.term, Terminator::Jump(_) | Terminator::Branch { .. } | Terminator::Return(_));
        goes_on && block.loop_depth == 0 && block.insts.iter().all(|&inst| is_harmless(module, func, func.inst(inst)))
    };
    let work =
        |block: &BlockData| block.insts.iter().filter(|&&inst| !matches!(func.inst(inst).op, Op::Const(..))).count();
    func.order.len() <= MAX_BLOCKS && blocks().all(plain) && blocks().map(work).sum::<usize>() <= MAX_INSTS
}

/// Whether an instruction neither traps nor leaves the function.
fn is_harmless(module: &Module, func: &Function, inst: &InstData) -> bool {
    let least = module.memories.first().map_or(0, |memory| memory.least_bytes());
    let inside = |offset: u32, bytes: u32| {
        let address = inst.args.first().and_then(|&address| func.constant(address));
        address.is_some_and(|address| u64::from(address as u32) + u64::from(offset) + u64::from(bytes) <= least)
    };
    match inst.op {
        Op::GlobalGet(_) | Op::GlobalSet(_) => true,
        Op::Load(kind, offset) => inside(offset, kind.bytes()),
        Op::Store(kind, offset) => inside(offset, kind.bytes()),
        op => op.is_pure(),
    }
}

impl Builder<'_> {
    /// Does what a small function does instead of calling it.
    pub(super) fn inline(&mut self, body: usize, ty: &crate::wasm::FuncType) -> Result<(), wasmparser::Error> {
        let body = function_body(self.module, self.bytes, body);
        let mut locals = self.stack.split_off(self.stack.len() - ty.params.len());
        self.declare(&body, &mut locals)?;
        let results = ty.results.iter().map(|ty| Type::from(*ty)).collect();
        let locals = std::mem::replace(&mut self.locals, locals);
        let assigned = std::mem::replace(&mut self.assigned, assigned::scan(&body)?);
        let next_construct = std::mem::take(&mut self.next_construct);
        self.inlined = Some(self.frames.len());
        self.frames.push(Frame::function(results, self.stack.len()));
        // Its instructions count as the call's: where they come from is asked of what traps only.
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            self.operator(&reader.read()?);
        }
        (self.locals, self.assigned, self.next_construct, self.inlined) = (locals, assigned, next_construct, None);
        Ok(())
    }
}
