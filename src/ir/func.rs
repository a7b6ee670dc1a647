//! A function in SSA form.

use super::ops::Op;
use super::types::Type;
use crate::abi::trap::TrapCode;
use crate::wasm::{FuncIndex, FuncType};
use smallvec::SmallVec;

/// Declares an entity: a dense index into one of [`Function`]'s vectors.
macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident $letter:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a `usize`.
            pub fn index(self) -> usize { self.0 as usize }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    )*};
}

entities! {
    /// A value.
    Value "v";
    /// A basic block.
    Block "block";
    /// An instruction.
    Inst "inst";
}

/// Offset of an instruction in the module's bytes.
pub type WasmOffset = u32;

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueDef {
    /// Result `n` of an instruction.
    Result(Inst, u32),
    /// Parameter `n` of a block.
    Param(Block, u32),
    /// Another value stands for it (left behind by passes; resolve with [`Function::resolve`]).
    Alias(Value),
}

/// A value's type and origin.
#[derive(Clone, Copy, Debug)]
pub struct ValueData {
    /// Its type.
    pub ty: Type,
    /// Its definition.
    pub def: ValueDef,
}

/// An instruction.
#[derive(Clone, Debug)]
pub struct InstData {
    /// What it does.
    pub op: Op,
    /// Operands in the order that [`Op`] documents.
    pub args: SmallVec<[Value; 3]>,
    /// Results.
    pub results: SmallVec<[Value; 1]>,
    /// Where it stood in the module.
    pub loc: WasmOffset,
}

/// A jump's target with the values of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockCall {
    /// The target.
    pub block: Block,
    /// One value per parameter.
    pub args: SmallVec<[Value; 4]>,
}

/// How a block ends.
#[derive(Clone, Debug)]
pub enum Terminator {
    /// To one target.
    Jump(BlockCall),
    /// On an i32: to `then` if it is not zero.
    Branch {
        /// The condition.
        cond: Value,
        /// Target if not zero.
        then: BlockCall,
        /// Target if zero.
        otherwise: BlockCall,
    },
    /// On an unsigned i32: to `targets[index]`, or to `default` if there is none.
    Switch {
        /// The index.
        index: Value,
        /// Targets by index.
        targets: Vec<BlockCall>,
        /// Target of larger indices.
        default: BlockCall,
    },
    /// The block's last instruction is a call: to `normal` when it returns, to `unwind` when an exception leaves it.
    Call {
        /// Target after a return.
        normal: BlockCall,
        /// Target after a throw; the call's results are not defined there.
        unwind: BlockCall,
    },
    /// Leaves the function by a call that takes its place: an [`Op::Call`] or [`Op::CallIndirect`] with its operands.
    TailCall {
        /// The call.
        op: Op,
        /// Its operands.
        args: SmallVec<[Value; 3]>,
    },
    /// Leaves the function.
    Return(SmallVec<[Value; 2]>),
    /// Stops the guest.
    Trap(TrapCode),
}

/// A basic block.
#[derive(Clone, Debug)]
pub struct BlockData {
    /// Parameters.
    pub params: Vec<Value>,
    /// Instructions in order.
    pub insts: Vec<Inst>,
    /// How it ends.
    pub term: Terminator,
    /// Where the terminator stood in the module.
    pub term_loc: WasmOffset,
    /// Depth of loop nesting, 0 outside of any loop: a weight for spilling and layout.
    pub loop_depth: u32,
}

/// A function: vectors of its entities, and the order of its blocks.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its index in the module.
    pub index: FuncIndex,
    /// Its type.
    pub ty: FuncType,
    /// Values by [`Value`].
    pub values: Vec<ValueData>,
    /// Instructions by [`Inst`].
    pub insts: Vec<InstData>,
    /// Blocks by [`Block`]; only those in `order` are part of the function.
    pub blocks: Vec<BlockData>,
    /// The blocks in reverse postorder; the first is the entry, whose parameters are the function's.
    pub order: Vec<Block>,
}

impl Function {
    /// The entry block.
    pub fn entry(&self) -> Block {
        self.order[0]
    }

    /// The data of a value.
    pub fn value(&self, value: Value) -> &ValueData {
        &self.values[value.index()]
    }

    /// Type of a value.
    pub fn ty(&self, value: Value) -> Type {
        self.values[value.index()].ty
    }

    /// The data of a block.
    pub fn block(&self, block: Block) -> &BlockData {
        &self.blocks[block.index()]
    }

    /// The data of an instruction.
    pub fn inst(&self, inst: Inst) -> &InstData {
        &self.insts[inst.index()]
    }

    /// Makes an instruction with one result; it stands in no block yet.
    pub fn add_inst(&mut self, op: Op, args: SmallVec<[Value; 3]>, ty: Type, loc: WasmOffset) -> Inst {
        let inst = Inst(self.insts.len() as u32);
        let value = Value(self.values.len() as u32);
        self.values.push(ValueData { ty, def: ValueDef::Result(inst, 0) });
        self.insts.push(InstData { op, args, results: SmallVec::from_slice(&[value]), loc });
        inst
    }

    /// Follows aliases to the value that stands for `value`.
    pub fn resolve(&self, mut value: Value) -> Value {
        while let ValueDef::Alias(to) = self.values[value.index()].def {
            value = to;
        }
        value
    }

    /// Replaces every use of an alias by the value that stands for it.
    pub fn resolve_all(&mut self) {
        for n in 0..self.order.len() {
            let block = self.order[n].index();
            for i in 0..self.blocks[block].insts.len() {
                let inst = self.blocks[block].insts[i].index();
                for a in 0..self.insts[inst].args.len() {
                    self.insts[inst].args[a] = self.resolve(self.insts[inst].args[a]);
                }
            }
            let mut term = std::mem::replace(&mut self.blocks[block].term, Terminator::Return(SmallVec::new()));
            term.map_uses(|value| self.resolve(value));
            self.blocks[block].term = term;
        }
    }

    /// The instruction that defines a value, unless it is a block parameter.
    pub fn def_inst(&self, value: Value) -> Option<&InstData> {
        match self.values[value.index()].def {
            ValueDef::Result(inst, _) => Some(self.inst(inst)),
            _ => None,
        }
    }

    /// Bits of a value that is a constant.
    pub fn constant(&self, value: Value) -> Option<u64> {
        match self.def_inst(value)?.op {
            Op::Const(_, bits) => Some(bits),
            _ => None,
        }
    }
}

impl Terminator {
    /// The targets, in a fixed order (then before otherwise, cases before default).
    pub fn targets(&self) -> SmallVec<[&BlockCall; 2]> {
        match self {
            Terminator::Jump(to) => SmallVec::from_slice(&[to]),
            Terminator::Branch { then, otherwise, .. } => SmallVec::from_slice(&[then, otherwise]),
            Terminator::Call { normal, unwind } => SmallVec::from_slice(&[normal, unwind]),
            Terminator::Switch { targets, default, .. } => targets.iter().chain(Some(default)).collect(),
            Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Trap(_) => SmallVec::new(),
        }
    }

    /// Target `slot` in the order of [`Terminator::targets`]; it must exist.
    pub fn target(&self, slot: usize) -> &BlockCall {
        match self {
            Terminator::Switch { targets, default, .. } => targets.get(slot).unwrap_or(default),
            Terminator::Branch { then, .. } if slot == 0 => then,
            Terminator::Branch { otherwise, .. } => otherwise,
            Terminator::Call { normal, .. } if slot == 0 => normal,
            Terminator::Call { unwind, .. } => unwind,
            Terminator::Jump(to) => to,
            Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Trap(_) => unreachable!("no targets"),
        }
    }

    /// Target `slot`, to be changed.
    pub fn target_mut(&mut self, slot: usize) -> &mut BlockCall {
        match self {
            Terminator::Switch { targets, default, .. } => targets.get_mut(slot).unwrap_or(default),
            Terminator::Branch { then, .. } if slot == 0 => then,
            Terminator::Branch { otherwise, .. } => otherwise,
            Terminator::Call { normal, .. } if slot == 0 => normal,
            Terminator::Call { unwind, .. } => unwind,
            Terminator::Jump(to) => to,
            Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Trap(_) => unreachable!("no targets"),
        }
    }

    /// The targets, to be changed.
    pub fn targets_mut(&mut self) -> SmallVec<[&mut BlockCall; 2]> {
        match self {
            Terminator::Jump(to) => std::iter::once(to).collect(),
            Terminator::Branch { then, otherwise, .. } => [then, otherwise].into_iter().collect(),
            Terminator::Call { normal, unwind } => [normal, unwind].into_iter().collect(),
            Terminator::Switch { targets, default, .. } => targets.iter_mut().chain(Some(default)).collect(),
            Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Trap(_) => SmallVec::new(),
        }
    }

    /// Calls `f` on each value that the terminator uses.
    pub fn for_each_use(&self, mut f: impl FnMut(Value)) {
        match self {
            Terminator::Branch { cond, .. } => f(*cond),
            Terminator::Switch { index, .. } => f(*index),
            Terminator::Return(values) => values.iter().copied().for_each(&mut f),
            Terminator::TailCall { args, .. } => args.iter().copied().for_each(&mut f),
            Terminator::Jump(_) | Terminator::Call { .. } | Terminator::Trap(_) => {}
        }
        for target in self.targets() {
            target.args.iter().copied().for_each(&mut f);
        }
    }

    /// Replaces each value that the terminator uses.
    pub fn map_uses(&mut self, mut f: impl FnMut(Value) -> Value) {
        match self {
            Terminator::Branch { cond, .. } => *cond = f(*cond),
            Terminator::Switch { index, .. } => *index = f(*index),
            Terminator::Return(values) => values.iter_mut().for_each(|v| *v = f(*v)),
            Terminator::TailCall { args, .. } => args.iter_mut().for_each(|v| *v = f(*v)),
            Terminator::Jump(_) | Terminator::Call { .. } | Terminator::Trap(_) => {}
        }
        for target in self.targets_mut() {
            target.args.iter_mut().for_each(|v| *v = f(*v));
        }
    }
}
