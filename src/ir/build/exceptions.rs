//! Exceptions: `try` in both forms, calls inside of one, and throwing.
//!
//! A call inside of a `try` ends its block with [`Terminator::Call`]. All ways to a `try`'s handler meet in one block, which reads the
//! pending exception and asks for one tag after the other; what no clause catches goes on to the next handler outward.
//! The outermost is the caller. A throw whose handler is in the same function is a jump.

use super::control::{Frame, FrameKind, PENDING};
use super::*;
use crate::abi::trap::TrapCode;
use crate::ir::ops::CompareKind;
use crate::wasm::TagIndex;
use wasmparser::{BlockType, Catch, TryTable};

/// The handler of an open `try` or `try_table`.
#[derive(Default)]
pub(super) struct Handler {
    /// Calls and throws that lead here: block and position among its terminator's targets.
    edges: Vec<(Block, usize)>,
    /// What a `try_table` catches.
    clauses: Vec<Catch>,
    /// In the clauses of a `try`, if they can be reached.
    caught: Option<Caught>,
}

/// What a `try`'s clauses know.
struct Caught {
    exception: Value,
    /// The locals that the construct assigns, as they were when the exception was thrown.
    locals: Vec<Value>,
    /// The block whose branch goes to the next clause.
    untested: Option<Block>,
}

impl Builder<'_> {
    pub(super) fn try_(&mut self, ty: BlockType) {
        self.push_handler(FrameKind::Try, ty, vec![]);
    }

    pub(super) fn try_table(&mut self, table: &TryTable) {
        self.push_handler(FrameKind::TryTable, table.ty, table.catches.clone());
    }

    fn push_handler(&mut self, kind: FrameKind, ty: BlockType, clauses: Vec<Catch>) {
        self.push_frame(kind, ty);
        let frame = self.frames.last_mut().expect("just pushed");
        frame.handler = Some(Box::new(Handler { clauses, ..Handler::default() }));
        self.handlers.push(self.frames.len() - 1);
    }

    fn handler(&mut self, at: usize) -> &mut Handler {
        self.frames[at].handler.as_mut().expect("the frame has a handler")
    }

    /// The way to a handler, as target `slot` of the current block's terminator.
    fn unwind_to(&mut self, at: usize, slot: usize) -> BlockCall {
        let args = self.assigned_locals(self.frames[at].construct).collect();
        let current = self.current;
        self.handler(at).edges.push((current, slot));
        BlockCall { block: PENDING, args }
    }

    /// Ends the block behind a call that has just been appended, if exceptions are handled in this function.
    pub(super) fn guard_call(&mut self) {
        let Some(&at) = self.handlers.last() else { return };
        let unwind = self.unwind_to(at, 1);
        let next = self.new_block();
        self.terminate(Terminator::Call { normal: BlockCall { block: next, args: smallvec![] }, unwind });
        self.switch_to(next);
    }

    pub(super) fn throw(&mut self, tag: TagIndex) {
        let types = self.module.tag_type(tag).params.clone();
        let values = self.stack.split_off(self.stack.len() - types.len());
        let exception = self.append(Op::ExceptionNew(tag), smallvec![], &[Type::Ref])[0];
        for (number, (ty, value)) in types.iter().zip(values).enumerate() {
            self.append(Op::ExceptionSet((*ty).into(), number as u32), smallvec![exception, value], &[]);
        }
        match self.handlers.last() {
            Some(&at) => self.jump_to_handler(at),
            None => self.raise(exception, None),
        }
    }

    pub(super) fn throw_ref(&mut self) {
        let exception = self.pop();
        let at = self.handlers.last().copied();
        self.raise(exception, at);
    }

    pub(super) fn rethrow(&mut self, depth: u32) {
        let at = self.frames.len() - 1 - depth as usize;
        // Where the clauses cannot be reached, neither can this.
        let Some(exception) = self.handler(at).caught.as_ref().map(|caught| caught.exception) else {
            return self.terminate(Terminator::Trap(TrapCode::Unreachable));
        };
        let at = self.handlers.last().copied();
        self.raise(exception, at);
    }

    fn jump_to_handler(&mut self, at: usize) {
        let call = self.unwind_to(at, 0);
        self.terminate(Terminator::Jump(call));
    }

    /// Throws an exception to a handler of this function, or to the caller.
    fn raise(&mut self, exception: Value, at: Option<usize>) {
        match at {
            Some(at) => {
                self.append(Op::ExceptionPend, smallvec![exception], &[]);
                self.jump_to_handler(at);
            }
            None => {
                self.append(Op::Throw, smallvec![exception], &[]);
                self.terminate(Terminator::Trap(TrapCode::Unreachable));
            }
        }
    }

    /// Begins the block in which all ways to the innermost frame's handler meet. None if there is no way.
    fn begin_handler(&mut self) -> Option<Caught> {
        let at = self.frames.len() - 1;
        let edges = std::mem::take(&mut self.handler(at).edges);
        if edges.is_empty() {
            self.unreachable = Some(0);
            return None;
        }
        let construct = self.frames[at].construct;
        let types = self.assigned_locals(construct).map(|value| self.func.ty(value)).collect();
        let (block, locals) = self.merge(edges, types);
        self.assign_locals(&locals);
        self.stack.truncate(self.frames[at].height);
        self.switch_to(block);
        let exception = self.append(Op::ExceptionPending, smallvec![], &[Type::Ref])[0];
        Some(Caught { exception, locals, untested: None })
    }

    /// Branches on the exception's tag; goes on where it is this one. Gives the block that branches.
    fn test_tag(&mut self, exception: Value, tag: TagIndex) -> Block {
        let found = self.append(Op::ExceptionTag, smallvec![exception], &[Type::Ref])[0];
        let wanted = self.append(Op::Tag(tag), smallvec![], &[Type::Ref])[0];
        let compare = Op::Compare(Type::Ref, CompareKind::Eq);
        let cond = self.append(compare, smallvec![found, wanted], &[Type::I32])[0];
        let (from, then) = (self.current, self.new_block());
        let then_call = BlockCall { block: then, args: smallvec![] };
        let otherwise = BlockCall { block: PENDING, args: smallvec![] };
        self.terminate(Terminator::Branch { cond, then: then_call, otherwise });
        self.switch_to(then);
        from
    }

    /// Goes on where a tag that was asked for was another.
    fn begin_otherwise(&mut self, from: Block) {
        let block = self.new_block();
        self.func.blocks[from.index()].term.target_mut(1).block = block;
        self.switch_to(block);
    }

    fn push_values(&mut self, exception: Value, tag: TagIndex) {
        for (number, ty) in self.module.tag_type(tag).params.iter().enumerate() {
            let ty = Type::from(*ty);
            let value = self.append(Op::ExceptionGet(ty, number as u32), smallvec![exception], &[ty])[0];
            self.stack.push(value);
        }
    }

    /// `catch`, or `catch_all` without a tag.
    pub(super) fn catch(&mut self, tag: Option<TagIndex>) {
        self.fall_through();
        let at = self.frames.len() - 1;
        if self.frames[at].kind == FrameKind::Try {
            self.frames[at].kind = FrameKind::Catch;
            self.handlers.pop();
            let caught = self.begin_handler();
            self.handler(at).caught = caught;
        } else if !self.begin_untested() {
            self.unreachable = Some(0);
        }
        if self.unreachable.is_some() {
            return;
        }
        let exception = self.handler(at).caught.as_ref().expect("the clause can be reached").exception;
        if let Some(tag) = tag {
            let from = self.test_tag(exception, tag);
            self.push_values(exception, tag);
            self.handler(at).caught.as_mut().expect("just looked at").untested = Some(from);
        }
    }

    /// Goes on where no clause of the innermost frame so far has caught the exception, if there is such a place.
    fn begin_untested(&mut self) -> bool {
        let at = self.frames.len() - 1;
        let Some(caught) = self.handler(at).caught.as_mut() else { return false };
        let Some(from) = caught.untested.take() else { return false };
        let locals = caught.locals.clone();
        self.assign_locals(&locals);
        self.stack.truncate(self.frames[at].height);
        self.begin_otherwise(from);
        true
    }

    /// Ends the innermost frame, which has a handler.
    pub(super) fn end_handler(&mut self) {
        self.fall_through();
        let at = self.frames.len() - 1;
        match self.frames[at].kind {
            FrameKind::Catch => {
                if self.begin_untested() {
                    let exception = self.handler(at).caught.as_ref().expect("there is a clause").exception;
                    let outer = self.handlers.last().copied();
                    self.raise(exception, outer);
                }
            }
            _ => {
                self.handlers.pop();
                if let Some(caught) = self.begin_handler() {
                    self.clauses(caught.exception);
                }
            }
        }
        self.join();
    }

    /// What a `try_table` (or a `try` without clauses) does with an exception.
    fn clauses(&mut self, exception: Value) {
        // Labels count from outside of the construct.
        let frame = self.frames.pop().expect("a frame is open");
        let clauses = frame.handler.as_ref().map(|handler| handler.clauses.clone()).unwrap_or_default();
        self.dispatch(exception, &clauses);
        self.frames.push(frame);
    }

    fn dispatch(&mut self, exception: Value, clauses: &[Catch]) {
        let height = self.stack.len();
        for clause in clauses {
            let (tag, label, with_ref) = match *clause {
                Catch::One { tag, label } => (Some(TagIndex(tag)), label, false),
                Catch::OneRef { tag, label } => (Some(TagIndex(tag)), label, true),
                Catch::All { label } => (None, label, false),
                Catch::AllRef { label } => (None, label, true),
            };
            let from = tag.map(|tag| {
                let from = self.test_tag(exception, tag);
                self.push_values(exception, tag);
                from
            });
            self.stack.extend(with_ref.then_some(exception));
            self.br(label);
            self.stack.truncate(height);
            let Some(from) = from else { return };
            self.begin_otherwise(from);
        }
        let outer = self.handlers.last().copied();
        self.raise(exception, outer);
    }

    /// `delegate`: exceptions go to the handler that counts at a label outside of the `try`.
    pub(super) fn delegate(&mut self, depth: u32) {
        self.fall_through();
        self.handlers.pop();
        if let Some(caught) = self.begin_handler() {
            let frame: Frame = self.frames.pop().expect("a frame is open");
            let target = self.frames.len() - 1 - depth as usize;
            let outer = self.handlers.iter().rev().find(|&&at| at <= target).copied();
            self.raise(caught.exception, outer);
            self.frames.push(frame);
        }
        self.join();
    }
}
