//! The vmctx: the block of memory through which compiled code reaches everything outside its image.
//!
//! It begins with the fixed header [`VmCtx`]; behind it lie arrays whose sizes the module decides
//! ([`VmLayout`]). Compiled code holds its address in a pinned register. The runtime allocates
//! and owns it and never moves it while the instance lives.

/// Fixed header of the block; fields are read by compiled code at [`offset`].
#[repr(C)]
pub struct VmCtx {
    /// Address of byte 0 of linear memory 0, or of an inaccessible page if the module has no memory.
    /// Constant for the life of the instance: memories are reserved at their full size.
    pub memory_base: *mut u8,
    /// Memory 0's descriptor (own or imported); null if the module has no memory.
    pub memory: *mut MemoryDesc,
    /// Lowest address that the stack pointer may have in a guest function's prologue.
    pub stack_limit: usize,
    /// Non-zero asks something of the guest at its next poll: [`INTERRUPT_STOP`], [`INTERRUPT_CALL`].
    pub interrupt: *const std::sync::atomic::AtomicU32,
    /// Table of [`super::builtins::Builtin`] pointers.
    pub builtins: *const *const u8,
    /// The module's type indices mapped to ids that are unique in the engine (`u32` each).
    pub type_ids: *const u32,
    /// The runtime's instance that owns this block; compiled code does not read it.
    pub owner: *mut std::ffi::c_void,
    /// The exception that the handler which runs next catches.
    pub exception: *mut ExceptionDesc,
    /// Not 0 while float registers may be used; read only by code that is compiled with slots (see [`super::slots`]).
    pub floats: u64,
}

/// Bit of [`VmCtx::interrupt`]: the guest is to stop.
pub const INTERRUPT_STOP: u32 = 1;

/// Bit of [`VmCtx::interrupt`]: the host is to be called, after which the guest goes on.
pub const INTERRUPT_CALL: u32 = 2;

/// What compiled code knows of a linear memory.
#[repr(C)]
#[derive(Debug)]
pub struct MemoryDesc {
    /// Address of byte 0.
    pub base: *mut u8,
    /// Current length in bytes, a multiple of the wasm page size.
    pub bytes: u64,
    /// Whether other threads may use the memory at the same time. Compiled code does not read it.
    pub shared: bool,
}

/// What compiled code knows of a table. `base` moves when the table grows.
#[repr(C)]
#[derive(Debug)]
pub struct TableDesc {
    /// Address of entry 0; entries are 8 bytes: a `*const FuncRef`, an externref handle, or 0 for null.
    pub base: *mut u64,
    /// Current number of entries.
    pub len: u64,
}

/// What compiled code knows of an exception. References to exceptions are its address.
#[repr(C)]
#[derive(Debug)]
pub struct ExceptionDesc {
    /// The tag's identity: equal for equal tags only.
    pub tag: *const std::ffi::c_void,
    /// The values: cells of [`EXCEPTION_CELL_BYTES`], one for each of the tag's parameters.
    pub values: *mut u8,
}

/// A function that may be called: code, the vmctx it runs with, and its type's engine-wide id.
///
/// A host function's `ctx` points to its own context, whose first word must be readable like [`VmCtx::memory_base`]
/// (callers load the callee's memory base without knowing what the callee is).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FuncRef {
    /// Entry point with the ordinary function convention.
    pub code: *const u8,
    /// First argument: the callee's vmctx or host context.
    pub ctx: *mut VmCtx,
    /// Engine-wide type id.
    pub type_id: u32,
    /// Not zero for host functions: they leave their stack arguments to the caller.
    pub reserved: u32,
}

/// Byte offsets of the header's fields and of the structs that compiled code reads.
pub mod offset {
    use super::{ExceptionDesc, FuncRef, MemoryDesc, TableDesc, VmCtx};
    use std::mem::offset_of;

    /// [`VmCtx::memory_base`]
    pub const MEMORY_BASE: i32 = offset_of!(VmCtx, memory_base) as i32;
    /// [`VmCtx::memory`]
    pub const MEMORY: i32 = offset_of!(VmCtx, memory) as i32;
    /// [`VmCtx::stack_limit`]
    pub const STACK_LIMIT: i32 = offset_of!(VmCtx, stack_limit) as i32;
    /// [`VmCtx::interrupt`]
    pub const INTERRUPT: i32 = offset_of!(VmCtx, interrupt) as i32;
    /// [`VmCtx::builtins`]
    pub const BUILTINS: i32 = offset_of!(VmCtx, builtins) as i32;
    /// [`VmCtx::type_ids`]
    pub const TYPE_IDS: i32 = offset_of!(VmCtx, type_ids) as i32;
    /// [`VmCtx::owner`]
    pub const OWNER: i32 = offset_of!(VmCtx, owner) as i32;
    /// [`VmCtx::exception`]
    pub const EXCEPTION: i32 = offset_of!(VmCtx, exception) as i32;
    /// [`ExceptionDesc::tag`]
    pub const EXCEPTION_TAG: i32 = offset_of!(ExceptionDesc, tag) as i32;
    /// [`ExceptionDesc::values`]
    pub const EXCEPTION_VALUES: i32 = offset_of!(ExceptionDesc, values) as i32;
    /// [`MemoryDesc::base`]
    pub const MEMORY_START: i32 = offset_of!(MemoryDesc, base) as i32;
    /// [`VmCtx::floats`]
    pub const FLOATS: i32 = offset_of!(VmCtx, floats) as i32;
    /// [`MemoryDesc::bytes`]
    pub const MEMORY_BYTES: i32 = offset_of!(MemoryDesc, bytes) as i32;
    /// [`TableDesc::base`]
    pub const TABLE_BASE: i32 = offset_of!(TableDesc, base) as i32;
    /// [`TableDesc::len`]
    pub const TABLE_LEN: i32 = offset_of!(TableDesc, len) as i32;
    /// [`FuncRef::code`]
    pub const FUNC_CODE: i32 = offset_of!(FuncRef, code) as i32;
    /// [`FuncRef::ctx`]
    pub const FUNC_CTX: i32 = offset_of!(FuncRef, ctx) as i32;
    /// [`FuncRef::reserved`]
    pub const FUNC_RESERVED: i32 = offset_of!(FuncRef, reserved) as i32;
    /// [`FuncRef::type_id`]
    pub const FUNC_TYPE_ID: i32 = offset_of!(FuncRef, type_id) as i32;
}

/// Bytes of an own global's cell (room for a vector).
pub const GLOBAL_CELL_BYTES: usize = 16;

/// Bytes of a value in an exception (room for a vector).
pub const EXCEPTION_CELL_BYTES: usize = 16;

/// Where the module-dependent arrays lie: computed from counts, the same for compiler and runtime.
///
/// Order: header, `FuncRef` per function of the module's index space (imported first), `*mut TableDesc` per table
/// (imported first), `*mut MemoryDesc` per memory (imported first), identity per exception tag (imported first), `*mut u8` per imported global, 16-byte cells per own global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct VmLayout {
    /// Number of functions, imported ones included.
    pub functions: u32,
    /// Number of tables, imported ones included.
    pub tables: u32,
    /// Number of memories, imported ones included.
    pub memories: u32,
    /// Number of exception tags, imported ones included.
    pub tags: u32,
    /// Number of imported globals.
    pub imported_globals: u32,
    /// Number of globals, imported ones included.
    pub globals: u32,
}

impl VmLayout {
    const HEADER: usize = size_of::<VmCtx>();

    /// Offset of the [`FuncRef`] of function `index`.
    pub fn func_ref(&self, index: u32) -> i32 {
        debug_assert!(index < self.functions);
        (Self::HEADER + size_of::<FuncRef>() * index as usize) as i32
    }

    /// Offset of the pointer to the [`TableDesc`] of table `index`.
    pub fn table(&self, index: u32) -> i32 {
        (self.tables_start() + 8 * index as usize) as i32
    }

    /// Offset of the pointer to the [`MemoryDesc`] of memory `index`; memory 0 stands in the header, too.
    pub fn memory(&self, index: u32) -> i32 {
        debug_assert!(index < self.memories);
        (self.memories_start() + 8 * index as usize) as i32
    }

    /// Offset of the identity of tag `index`.
    pub fn tag(&self, index: u32) -> i32 {
        debug_assert!(index < self.tags);
        (self.tags_start() + 8 * index as usize) as i32
    }

    /// Offset of the pointer to imported global `index`'s cell.
    pub fn imported_global(&self, index: u32) -> i32 {
        debug_assert!(index < self.imported_globals);
        (self.global_pointers_start() + 8 * index as usize) as i32
    }

    /// Offset of own global `index`'s cell; `index` counts from the module's index space, imported ones included.
    pub fn own_global(&self, index: u32) -> i32 {
        debug_assert!(index >= self.imported_globals && index < self.globals);
        (self.cells_start() + GLOBAL_CELL_BYTES * (index - self.imported_globals) as usize) as i32
    }

    /// Size of the whole block in bytes; it must be aligned to 16.
    pub fn size(&self) -> usize {
        self.cells_start() + GLOBAL_CELL_BYTES * (self.globals - self.imported_globals) as usize
    }

    fn tables_start(&self) -> usize {
        Self::HEADER + size_of::<FuncRef>() * self.functions as usize
    }

    fn memories_start(&self) -> usize {
        self.tables_start() + 8 * self.tables as usize
    }

    fn tags_start(&self) -> usize {
        self.memories_start() + 8 * self.memories as usize
    }

    fn global_pointers_start(&self) -> usize {
        self.tags_start() + 8 * self.tags as usize
    }

    fn cells_start(&self) -> usize {
        (self.global_pointers_start() + 8 * self.imported_globals as usize).next_multiple_of(16)
    }
}
