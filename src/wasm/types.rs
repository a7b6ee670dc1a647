//! The module's static description.

use crate::abi::vmctx::VmLayout;
use smallvec::SmallVec;
use std::ops::Range;

/// Declares newtypes over an index into one of a module's index spaces.
macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a `usize`.
            pub fn index(self) -> usize { self.0 as usize }
        }
    )*};
}

indices! {
    /// A function type.
    TypeIndex;
    /// A function; imported functions come first.
    FuncIndex;
    /// A table; imported tables come first.
    TableIndex;
    /// A linear memory; imported memories come first.
    MemoryIndex;
    /// A global; imported globals come first.
    GlobalIndex;
    /// A data segment.
    DataIndex;
    /// An element segment.
    ElemIndex;
    /// An exception tag; imported tags come first.
    TagIndex;
}

/// A value type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValType {
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Vector of 128 bits.
    V128,
    /// Reference to a function, or null.
    FuncRef,
    /// Reference to a value of the embedder, or null.
    ExternRef,
    /// Reference to an exception, or null.
    ExnRef,
}

/// A function type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct FuncType {
    /// Parameters.
    pub params: Vec<ValType>,
    /// Results.
    pub results: Vec<ValType>,
}

/// Limits of a memory in pages, or of a table in entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Initial size.
    pub min: u64,
    /// Largest size, if declared.
    pub max: Option<u64>,
}

/// A memory's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// Size in pages of 64 KiB.
    pub limits: Limits,
    /// Whether addresses have 64 bits.
    pub memory64: bool,
    /// Whether threads share it.
    pub shared: bool,
}

impl MemoryType {
    /// What it has at least, in bytes.
    pub fn least_bytes(&self) -> u64 {
        self.limits.min.saturating_mul(64 << 10)
    }
}

impl From<Limits> for MemoryType {
    fn from(limits: Limits) -> MemoryType {
        MemoryType { limits, memory64: false, shared: false }
    }
}

/// A table's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableType {
    /// `FuncRef`, `ExternRef` or `ExnRef`.
    pub element: ValType,
    /// Size in entries.
    pub limits: Limits,
    /// Whether indices have 64 bits.
    pub table64: bool,
}

/// A global's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalType {
    /// Type of the value.
    pub content: ValType,
    /// Whether `global.set` is allowed.
    pub mutable: bool,
}

/// An imported or exported entity's type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// An exception tag: the types of its values as parameters.
    Tag(FuncType),
}

/// One import, in the module's order.
#[derive(Clone, Debug)]
pub struct Import {
    /// Module name.
    pub module: String,
    /// Field name.
    pub name: String,
    /// What is imported.
    pub ty: ExternType,
}

/// What an export names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// A function.
    Func(FuncIndex),
    /// A table.
    Table(TableIndex),
    /// A memory.
    Memory(MemoryIndex),
    /// A global.
    Global(GlobalIndex),
    /// An exception tag.
    Tag(TagIndex),
}

/// A constant expression as a postfix program (extended constants included).
#[derive(Clone, Debug, PartialEq)]
pub struct ConstExpr(pub SmallVec<[ConstOp; 1]>);

/// An instruction of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstOp {
    /// Push an i32.
    I32(i32),
    /// Push an i64.
    I64(i64),
    /// Push an f32 by its bits.
    F32(u32),
    /// Push an f64 by its bits.
    F64(u64),
    /// Push a vector by its bits.
    V128(u128),
    /// Push a global's value.
    GlobalGet(GlobalIndex),
    /// Push a reference to a function.
    RefFunc(FuncIndex),
    /// Push null.
    RefNull,
    /// i32 addition.
    I32Add,
    /// i32 subtraction.
    I32Sub,
    /// i32 multiplication.
    I32Mul,
    /// i64 addition.
    I64Add,
    /// i64 subtraction.
    I64Sub,
    /// i64 multiplication.
    I64Mul,
}

/// How a segment comes into being.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentMode<T> {
    /// Copied at instantiation to the target at the offset.
    Active(T, ConstExpr),
    /// Kept for `memory.init` or `table.init`.
    Passive,
    /// Only declares that functions are referenced (element segments).
    Declared,
}

/// A data segment.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSegment {
    /// Active (in a memory) or passive.
    pub mode: SegmentMode<MemoryIndex>,
    /// Range of the module's bytes.
    pub bytes: Range<usize>,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElemSegment {
    /// Active (in a table), passive or declared.
    pub mode: SegmentMode<TableIndex>,
    /// One expression per entry.
    pub items: Vec<ConstExpr>,
    /// `FuncRef`, `ExternRef` or `ExnRef`.
    pub element: ValType,
}

/// A validated module.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// Function types.
    pub types: Vec<FuncType>,
    /// Imports in order.
    pub imports: Vec<Import>,
    /// Type of each function, imported ones first.
    pub functions: Vec<TypeIndex>,
    /// How many functions are imported.
    pub imported_functions: u32,
    /// Tables, imported ones first.
    pub tables: Vec<TableType>,
    /// How many tables are imported.
    pub imported_tables: u32,
    /// Initial value of each own table's entries (null if the module does not say).
    pub table_inits: Vec<ConstExpr>,
    /// Memories, imported ones first.
    pub memories: Vec<MemoryType>,
    /// How many memories are imported.
    pub imported_memories: u32,
    /// Globals, imported ones first.
    pub globals: Vec<GlobalType>,
    /// How many globals are imported.
    pub imported_globals: u32,
    /// Initial value of each own global.
    pub global_inits: Vec<ConstExpr>,
    /// Type of each exception tag, imported ones first.
    pub tags: Vec<TypeIndex>,
    /// How many tags are imported.
    pub imported_tags: u32,
    /// Exports in order.
    pub exports: Vec<(String, ExportKind)>,
    /// The start function.
    pub start: Option<FuncIndex>,
    /// Whether some function ends in a tail call that may leave the module. Not known of a module that was not validated.
    pub foreign_tail_calls: bool,
    /// Element segments.
    pub elements: Vec<ElemSegment>,
    /// Data segments.
    pub data: Vec<DataSegment>,
    /// Range of each own function's body in the module's bytes (after the size field).
    pub bodies: Vec<Range<usize>>,
    /// Custom sections: name and range of the contents.
    pub custom: Vec<(String, Range<usize>)>,
    /// Names of functions from the `name` section, sorted by index.
    pub names: Vec<(FuncIndex, String)>,
}

impl Module {
    /// Type of a function.
    pub fn func_type(&self, func: FuncIndex) -> &FuncType {
        &self.types[self.functions[func.index()].index()]
    }

    /// Types of a tag's values, as the parameters of a function type.
    pub fn tag_type(&self, tag: TagIndex) -> &FuncType {
        &self.types[self.tags[tag.index()].index()]
    }

    /// Whether a function is imported.
    pub fn is_imported(&self, func: FuncIndex) -> bool {
        func.0 < self.imported_functions
    }

    /// Index of the function whose body is `bodies[body]`.
    pub fn defined(&self, body: usize) -> FuncIndex {
        FuncIndex(self.imported_functions + body as u32)
    }

    /// Name of a function from the `name` section.
    pub fn func_name(&self, func: FuncIndex) -> Option<&str> {
        let at = self.names.binary_search_by_key(&func, |(index, _)| *index).ok()?;
        Some(&self.names[at].1)
    }

    /// Layout of the vmctx of this module's instances.
    pub fn vm_layout(&self) -> VmLayout {
        VmLayout {
            functions: self.functions.len() as u32,
            tables: self.tables.len() as u32,
            memories: self.memories.len() as u32,
            tags: self.tags.len() as u32,
            imported_globals: self.imported_globals,
            globals: self.globals.len() as u32,
        }
    }

    /// The export of that name.
    pub fn export(&self, name: &str) -> Option<ExportKind> {
        self.exports.iter().find(|(n, _)| n == name).map(|(_, kind)| *kind)
    }
}
