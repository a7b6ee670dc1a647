//! Wasm function body to IR in one pass.
//!
//! Structured control makes SSA direct: a forward label's parameters are decided at its `end`, when every
//! jump to it is known, and only those columns of arguments that differ become parameters. A loop's parameters are the locals
//! that its body assigns, found by a pre-pass (`assigned`); what is redundant there is pruned by a pass.
//!
//! Blocks are created in the order of the wasm text, in which every edge but a loop's back edge goes forward; [`Function::order`] keeps it.
//! The body must have been validated.

mod assigned;
mod atomic;
mod control;
mod exceptions;
mod operators;
mod small;
mod vector;

use super::func::*;
use super::ops::Op;
use super::passes::{Operand, Simplified, simplify};
use super::types::Type;
use crate::wasm::{FuncIndex, LoadError, Module, val_type};
use control::Frame;
pub use small::Small;
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// Translates the body of own function `body` (an index into [`Module::bodies`]). With `poll`, loop heads
/// check the interrupt flag. Functions of `small` are not called: what they do stands in their callers.
pub fn build(module: &Module, bytes: &[u8], body: usize, poll: bool, small: &Small) -> Result<Function, LoadError> {
    let index = module.defined(body);
    let body = function_body(module, bytes, body);
    let assigned = assigned::scan(&body).map_err(invalid)?;
    let mut builder = Builder::new((module, bytes, small), index, assigned, poll);
    builder.body(&body).map_err(invalid)?;
    Ok(builder.finish())
}

fn function_body<'a>(module: &Module, bytes: &'a [u8], body: usize) -> wasmparser::FunctionBody<'a> {
    let range = module.bodies[body].clone();
    wasmparser::FunctionBody::new(wasmparser::BinaryReader::new(&bytes[range.clone()], range.start as u64))
}

fn invalid(error: wasmparser::Error) -> LoadError {
    LoadError::Invalid { offset: error.offset(), message: error.message().to_string() }
}

/// State of the translation: the block being filled and the abstract machine's stack and locals.
struct Builder<'m> {
    module: &'m Module,
    bytes: &'m [u8],
    small: &'m Small,
    func: Function,
    /// The block being filled; meaningless while `unreachable` is set.
    current: Block,
    /// Nesting depth of constructs skipped since the code became unreachable.
    unreachable: Option<u32>,
    stack: Vec<Value>,
    locals: Vec<Value>,
    frames: Vec<Frame>,
    /// Frames whose handlers count, outermost first.
    handlers: Vec<usize>,
    /// Locals assigned in each construct, by the construct's position in the text.
    assigned: Vec<Box<[u32]>>,
    next_construct: usize,
    loop_depth: u32,
    loc: WasmOffset,
    poll: bool,
    /// The frame of the small function whose body is being translated, if one is.
    inlined: Option<usize>,
    /// Constants already made in the current block.
    constants: HashMap<(Type, u64), Value>,
}

impl<'m> Builder<'m> {
    fn new(
        (module, bytes, small): (&'m Module, &'m [u8], &'m Small),
        index: FuncIndex,
        assigned: Vec<Box<[u32]>>,
        poll: bool,
    ) -> Self {
        let ty = module.func_type(index).clone();
        let func = Function { index, ty, values: vec![], insts: vec![], blocks: vec![], order: vec![] };
        Builder {
            module,
            bytes,
            small,
            func,
            current: Block(0),
            unreachable: None,
            stack: vec![],
            locals: vec![],
            frames: vec![],
            handlers: vec![],
            assigned,
            next_construct: 0,
            loop_depth: 0,
            loc: 0,
            poll,
            inlined: None,
            constants: HashMap::new(),
        }
    }

    fn body(&mut self, body: &wasmparser::FunctionBody<'_>) -> Result<(), wasmparser::Error> {
        let entry = self.new_block();
        self.switch_to(entry);
        let params = self.func.ty.params.clone();
        let mut locals = params.iter().map(|&param| self.block_param(entry, param.into())).collect();
        self.declare(body, &mut locals)?;
        self.locals = locals;
        self.frames.push(Frame::function(self.func.ty.results.iter().map(|ty| Type::from(*ty)).collect(), 0));
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            let (operator, offset) = reader.read_with_offset()?;
            self.loc = offset as WasmOffset;
            self.operator(&operator);
        }
        Ok(())
    }

    /// Adds the locals that a body declares.
    fn declare(
        &mut self,
        body: &wasmparser::FunctionBody<'_>,
        locals: &mut Vec<Value>,
    ) -> Result<(), wasmparser::Error> {
        for local in body.get_locals_reader()? {
            let (count, ty) = local?;
            let zero = self.constant(val_type(ty).into(), 0);
            locals.extend(std::iter::repeat_n(zero, count as usize));
        }
        Ok(())
    }

    fn finish(mut self) -> Function {
        let reachable = super::passes::reachable(&self.func);
        self.func.order = (0..self.func.blocks.len() as u32).map(Block).filter(|b| reachable[b.index()]).collect();
        self.func
    }

    fn new_value(&mut self, ty: Type, def: ValueDef) -> Value {
        self.func.values.push(ValueData { ty, def });
        Value(self.func.values.len() as u32 - 1)
    }

    fn new_block(&mut self) -> Block {
        self.func.blocks.push(BlockData {
            params: vec![],
            insts: vec![],
            term: Terminator::Trap(crate::abi::trap::TrapCode::Unreachable),
            term_loc: self.loc,
            loop_depth: self.loop_depth,
        });
        Block(self.func.blocks.len() as u32 - 1)
    }

    fn block_param(&mut self, block: Block, ty: Type) -> Value {
        let position = self.func.blocks[block.index()].params.len() as u32;
        let value = self.new_value(ty, ValueDef::Param(block, position));
        self.func.blocks[block.index()].params.push(value);
        value
    }

    fn switch_to(&mut self, block: Block) {
        self.current = block;
        self.unreachable = None;
        self.constants.clear();
    }

    fn terminate(&mut self, term: Terminator) {
        let block = &mut self.func.blocks[self.current.index()];
        block.term = term;
        block.term_loc = self.loc;
        self.unreachable = Some(0);
    }

    /// Appends an instruction as it is; gives its results.
    fn append(&mut self, op: Op, args: SmallVec<[Value; 3]>, results: &[Type]) -> SmallVec<[Value; 1]> {
        let inst = Inst(self.func.insts.len() as u32);
        let results: SmallVec<[Value; 1]> =
            results.iter().enumerate().map(|(n, ty)| self.new_value(*ty, ValueDef::Result(inst, n as u32))).collect();
        self.func.insts.push(InstData { op, args, results: results.clone(), loc: self.loc });
        self.func.blocks[self.current.index()].insts.push(inst);
        results
    }

    fn constant(&mut self, ty: Type, bits: u64) -> Value {
        if let Some(value) = self.constants.get(&(ty, bits)) {
            return *value;
        }
        let value = self.append(Op::Const(ty, bits), smallvec![], &[ty])[0];
        self.constants.insert((ty, bits), value);
        value
    }

    /// Appends an instruction with one result, simplified where possible.
    fn insert(&mut self, op: Op, args: SmallVec<[Value; 3]>, result: Type) -> Value {
        match simplify(&self.func, op, &args) {
            Simplified::Keep => self.append(op, args, &[result])[0],
            Simplified::Value(value) => value,
            Simplified::Const(ty, bits) => self.constant(ty, bits),
            Simplified::Op(op, operands) => {
                let args = operands.iter().map(|operand| match *operand {
                    Operand::Value(value) => value,
                    Operand::Const(ty, bits) => self.constant(ty, bits),
                });
                let args = args.collect();
                self.insert(op, args, result)
            }
        }
    }

    fn pop(&mut self) -> Value {
        self.stack.pop().expect("validated: the stack is not empty")
    }

    fn pop_many<const N: usize>(&mut self) -> SmallVec<[Value; 3]> {
        self.stack.split_off(self.stack.len() - N).into_iter().collect()
    }

    /// Pops the operands, pushes the result.
    fn value_op<const N: usize>(&mut self, op: Op, result: Type) {
        let args = self.pop_many::<N>();
        let value = self.insert(op, args, result);
        self.stack.push(value);
    }

    /// Pops the operands of an operation without result.
    fn effect_op<const N: usize>(&mut self, op: Op) {
        let args = self.pop_many::<N>();
        self.append(op, args, &[]);
    }
}
