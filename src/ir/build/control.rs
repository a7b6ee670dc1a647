//! Structured control: labels, jumps and joins.

use super::exceptions::Handler;
use super::*;
use wasmparser::{BlockType, BrTable};

/// Stands in jumps to a label whose block does not exist yet.
pub(super) const PENDING: Block = Block(u32::MAX);

/// An open construct.
pub(super) struct Frame {
    pub(super) kind: FrameKind,
    /// Types of the label's stack arguments: a loop's parameters, any other construct's results.
    label: SmallVec<[Type; 2]>,
    /// Types of the results.
    results: SmallVec<[Type; 2]>,
    /// Number of parameters.
    params: usize,
    /// Height of the value stack below the parameters.
    pub(super) height: usize,
    /// Index into [`Builder::assigned`]; none for the function's own frame, whose label leaves the locals behind.
    pub(super) construct: Option<usize>,
    /// Jumps to the label so far: block and position among its terminator's targets. Unused by loops.
    edges: Vec<(Block, usize)>,
    /// What happens to exceptions, if the construct says it.
    pub(super) handler: Option<Box<Handler>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum FrameKind {
    Block,
    Loop {
        header: Block,
    },
    If {
        branch: Block,
    },
    Else,
    /// The body of a legacy `try`.
    Try,
    /// The clauses of a legacy `try`.
    Catch,
    TryTable,
}

impl Frame {
    /// The frame of a function's body, with the value stack at a height.
    pub(super) fn function(results: SmallVec<[Type; 2]>, height: usize) -> Frame {
        Frame {
            kind: FrameKind::Block,
            label: results.clone(),
            results,
            params: 0,
            height,
            construct: None,
            edges: vec![],
            handler: None,
        }
    }
}

impl Builder<'_> {
    fn block_type(&self, ty: BlockType) -> (usize, SmallVec<[Type; 2]>, SmallVec<[Type; 2]>) {
        match ty {
            BlockType::Empty => (0, smallvec![], smallvec![]),
            BlockType::Type(ty) => (0, smallvec![], smallvec![val_type(ty).into()]),
            BlockType::FuncType(index) => {
                let ty = &self.module.types[index as usize];
                let types = |types: &[crate::wasm::ValType]| types.iter().map(|ty| Type::from(*ty)).collect();
                (ty.params.len(), types(&ty.params), types(&ty.results))
            }
        }
    }

    pub(super) fn push_frame(&mut self, kind: FrameKind, ty: BlockType) {
        let (params, param_types, results) = self.block_type(ty);
        let label = if matches!(kind, FrameKind::Loop { .. }) { param_types } else { results.clone() };
        self.frames.push(Frame {
            kind,
            label,
            results,
            params,
            height: self.stack.len() - params,
            construct: Some(self.next_construct),
            edges: vec![],
            handler: None,
        });
        self.next_construct += 1;
    }

    /// Notes a construct that is not translated, so that the numbering stays that of the text.
    pub(super) fn skip_construct(&mut self) {
        self.next_construct += 1;
        if let Some(depth) = &mut self.unreachable {
            *depth += 1;
        }
    }

    pub(super) fn block(&mut self, ty: BlockType) {
        self.push_frame(FrameKind::Block, ty);
    }

    pub(super) fn loop_(&mut self, ty: BlockType) {
        self.loop_depth += 1;
        let header = self.new_block();
        self.push_frame(FrameKind::Loop { header }, ty);
        let entry = self.label_args(self.frames.len() - 1);
        self.terminate(Terminator::Jump(BlockCall { block: header, args: entry.clone() }));
        let params: Vec<Value> = entry
            .iter()
            .map(|value| {
                let ty = self.func.ty(*value);
                self.block_param(header, ty)
            })
            .collect();
        let frame = self.frames.last().expect("just pushed");
        let arity = frame.label.len();
        self.stack.truncate(frame.height);
        self.stack.extend_from_slice(&params[..arity]);
        self.assign_locals(&params[arity..]);
        self.switch_to(header);
        if self.poll {
            self.append(Op::Poll, smallvec![], &[]);
        }
    }

    /// Sets the locals that the innermost construct assigns, in order.
    pub(super) fn assign_locals(&mut self, values: &[Value]) {
        let Some(construct) = self.frames.last().and_then(|frame| frame.construct) else { return };
        for (local, value) in self.assigned[construct].iter().zip(values) {
            self.locals[*local as usize] = *value;
        }
    }

    pub(super) fn if_(&mut self, ty: BlockType) {
        let cond = self.pop();
        let branch = self.current;
        self.push_frame(FrameKind::If { branch }, ty);
        let frame = self.frames.last().expect("just pushed");
        // The edge to `else`, or past the `end`, carries the parameters and the locals as they are now.
        let mut args: SmallVec<[Value; 4]> = self.stack[frame.height..].into();
        args.extend(self.assigned_locals(frame.construct));
        let then = self.new_block();
        self.terminate(Terminator::Branch {
            cond,
            then: BlockCall { block: then, args: smallvec![] },
            otherwise: BlockCall { block: PENDING, args },
        });
        self.switch_to(then);
    }

    pub(super) fn else_(&mut self) {
        self.fall_through();
        let frame = self.frames.last_mut().expect("validated: else stands in an if");
        let FrameKind::If { branch } = frame.kind else { unreachable!("validated: else follows if") };
        frame.kind = FrameKind::Else;
        let (height, params) = (frame.height, frame.params);
        let block = self.new_block();
        let otherwise = self.func.blocks[branch.index()].term.target_mut(1);
        otherwise.block = block;
        let saved = std::mem::take(&mut otherwise.args);
        self.stack.truncate(height);
        self.stack.extend_from_slice(&saved[..params]);
        self.assign_locals(&saved[params..]);
        self.switch_to(block);
    }

    /// Ends the current block, if reachable, with a jump to the innermost label.
    pub(super) fn fall_through(&mut self) {
        if self.unreachable.is_none() {
            self.br(0);
        }
    }

    pub(super) fn end(&mut self) {
        let frame = self.frames.last_mut().expect("validated: end closes a frame");
        match frame.kind {
            FrameKind::Loop { .. } => {
                self.loop_depth -= 1;
                // A loop's `end` is no label: what falls through simply goes on.
                let frame = self.frames.pop().expect("just looked at");
                if self.unreachable.is_none() {
                    let results = self.stack.split_off(self.stack.len() - frame.results.len());
                    self.stack.truncate(frame.height);
                    self.stack.extend(results);
                    if self.func.blocks[self.current.index()].loop_depth > self.loop_depth {
                        self.leave_loop();
                    }
                }
                return;
            }
            FrameKind::If { branch } => frame.edges.push((branch, 1)),
            FrameKind::Try | FrameKind::Catch | FrameKind::TryTable => return self.end_handler(),
            FrameKind::Block | FrameKind::Else => {}
        }
        if frame.edges.is_empty() && self.unreachable.is_none() && self.frames.len() > 1 {
            // Only the fall-through arrives: no join is needed.
            let frame = self.frames.pop().expect("just looked at");
            let results = self.stack.split_off(self.stack.len() - frame.results.len());
            self.stack.truncate(frame.height);
            self.stack.extend(results);
            return;
        }
        self.fall_through();
        self.join();
    }

    /// Starts a block outside of the loop that has just ended, so that its depth is right.
    fn leave_loop(&mut self) {
        let block = self.new_block();
        self.terminate(Terminator::Jump(BlockCall { block, args: smallvec![] }));
        self.switch_to(block);
    }

    /// Closes the innermost frame: makes its label's block from the jumps to it.
    pub(super) fn join(&mut self) {
        if self.frames.last().expect("a frame is open").edges.is_empty() {
            self.frames.pop();
            self.unreachable = Some(0);
            return;
        }
        let frame = self.frames.last_mut().expect("a frame is open");
        let edges = std::mem::take(&mut frame.edges);
        let (arity, height) = (frame.label.len(), frame.height);
        let mut types: Vec<Type> = frame.label.to_vec();
        let construct = frame.construct;
        types.extend(self.assigned_locals(construct).map(|value| self.func.ty(value)));
        let (block, values) = self.merge(edges, types);
        self.stack.truncate(height);
        self.stack.extend_from_slice(&values[..arity]);
        self.assign_locals(&values[arity..]);
        let function_end = self.frames.len() == 1;
        self.frames.pop();
        self.switch_to(block);
        if function_end {
            let results = self.stack.drain(..).collect();
            self.terminate(Terminator::Return(results));
        }
    }

    /// Makes the block where jumps meet, whose arguments have these types; gives each argument's value there.
    pub(super) fn merge(&mut self, edges: Vec<(Block, usize)>, types: Vec<Type>) -> (Block, Vec<Value>) {
        let block = self.new_block();
        let columns = self.join_columns(&edges);
        for (from, slot) in &edges {
            let call = self.func.blocks[from.index()].term.target_mut(*slot);
            call.block = block;
            let mut column = columns.iter();
            call.args.retain(|_| column.next().is_some_and(Option::is_none));
        }
        let params = columns.iter().zip(types);
        let values = params.map(|(column, ty)| column.unwrap_or_else(|| self.block_param(block, ty))).collect();
        (block, values)
    }

    /// For each argument of the edges: the value that all agree on, if they do.
    fn join_columns(&self, edges: &[(Block, usize)]) -> Vec<Option<Value>> {
        // Picked by position: collecting a large switch's targets for each edge would be quadratic.
        let target = |(from, slot): &(Block, usize)| &self.func.blocks[from.index()].term.target(*slot).args[..];
        let mut columns: Vec<Option<Value>> = target(&edges[0]).iter().copied().map(Some).collect();
        for edge in &edges[1..] {
            for (column, value) in columns.iter_mut().zip(target(edge)) {
                if *column != Some(*value) {
                    *column = None;
                }
            }
        }
        columns
    }

    pub(super) fn assigned_locals(&self, construct: Option<usize>) -> impl Iterator<Item = Value> + '_ {
        let locals = construct.map(|c| &self.assigned[c][..]).unwrap_or(&[]);
        locals.iter().map(|local| self.locals[*local as usize])
    }

    /// What a jump to the label of frame `at` carries.
    fn label_args(&self, at: usize) -> SmallVec<[Value; 4]> {
        let frame = &self.frames[at];
        let mut args: SmallVec<[Value; 4]> = self.stack[self.stack.len() - frame.label.len()..].into();
        args.extend(self.assigned_locals(frame.construct));
        args
    }

    /// The jump to the label at a relative depth, as target `slot` of the current block's terminator.
    fn jump_to(&mut self, depth: u32, slot: usize) -> BlockCall {
        let at = self.frames.len() - 1 - depth as usize;
        let args = self.label_args(at);
        match self.frames[at].kind {
            FrameKind::Loop { header } => BlockCall { block: header, args },
            _ => {
                let current = self.current;
                self.frames[at].edges.push((current, slot));
                BlockCall { block: PENDING, args }
            }
        }
    }

    pub(super) fn br(&mut self, depth: u32) {
        let call = self.jump_to(depth, 0);
        self.terminate(Terminator::Jump(call));
    }

    pub(super) fn br_if(&mut self, depth: u32) {
        let cond = self.pop();
        match self.func.constant(cond) {
            Some(bits) if bits as u32 == 0 => {}
            Some(_) => self.br(depth),
            None => {
                let then = self.jump_to(depth, 0);
                let next = self.new_block();
                let otherwise = BlockCall { block: next, args: smallvec![] };
                self.terminate(Terminator::Branch { cond, then, otherwise });
                self.switch_to(next);
            }
        }
    }

    pub(super) fn br_table(&mut self, table: &BrTable<'_>) {
        let index = self.pop();
        let mut targets = Vec::with_capacity(table.len() as usize);
        for depth in table.targets() {
            let depth = depth.expect("validated: the table is well formed");
            let slot = targets.len();
            targets.push(self.jump_to(depth, slot));
        }
        let slot = targets.len();
        let default = self.jump_to(table.default(), slot);
        self.terminate(Terminator::Switch { index, targets, default });
    }

    pub(super) fn return_(&mut self) {
        if let Some(frame) = self.inlined {
            return self.br((self.frames.len() - 1 - frame) as u32);
        }
        let results = self.stack.split_off(self.stack.len() - self.func.ty.results.len());
        self.terminate(Terminator::Return(results.into_iter().collect()));
    }
}
