//! Functions of the runtime that compiled code calls: one row each.
//!
//! Compiled code reaches them through a table of pointers (`vmctx.builtins`), in the order of the rows,
//! with the ordinary function convention (see [`crate::codegen`]): the first argument is the vmctx.
//! A builtin that traps does not return to compiled code. `vmctx` below is `*mut VmCtx`;
//! an I32 may be passed where a row says I64: compiled code keeps its upper half zero;
//! references travel as `u64` (a pointer to a [`super::vmctx::FuncRef`], an externref's handle, or 0 for null).

/// The types that rows speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arg {
    /// 32-bit integer.
    I32,
    /// 64-bit integer, or a reference.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
}

/// Expands the table of builtins.
macro_rules! builtins {
    ($($(#[$doc:meta])* $name:ident ($($arg:ident : $ty:ident),*) $(-> $ret:ident)?;)*) => {
        /// Index of a row in the table that `vmctx.builtins` points to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(non_camel_case_types)]
        pub enum Builtin { $($(#[$doc])* $name,)* }

        impl Builtin {
            /// Every builtin, in table order.
            pub const ALL: &'static [Builtin] = &[$(Builtin::$name,)*];

            /// Name, for listings.
            pub fn name(self) -> &'static str {
                match self { $(Builtin::$name => stringify!($name),)* }
            }

            /// Types of the arguments after the vmctx.
            pub fn args(self) -> &'static [Arg] {
                match self { $(Builtin::$name => &[$(Arg::$ty),*],)* }
            }

            /// Type of the result, if there is one.
            pub fn result(self) -> Option<Arg> {
                match self { $(Builtin::$name => builtins!(@ret $($ret)?),)* }
            }

            /// Byte offset of the row's pointer in the table.
            pub fn offset(self) -> i32 { self as i32 * 8 }
        }
    };
    (@ret $ret:ident) => { Some(Arg::$ret) };
    (@ret) => { None };
}

builtins! {
    /// `memory.grow`: memory, pages to add; previous size in pages or -1.
    memory_grow(memory: I32, pages: I64) -> I64;
    /// `memory.fill`: memory, destination, byte value, length.
    memory_fill(memory: I32, dst: I64, value: I32, len: I64);
    /// `memory.copy`: destination memory, source memory, destination, source, length.
    memory_copy(dst_memory: I32, src_memory: I32, dst: I64, src: I64, len: I64);
    /// `memory.init`: memory, data segment, destination, source offset, length.
    memory_init(memory: I32, segment: I32, dst: I64, src: I32, len: I32);
    /// `data.drop`.
    data_drop(segment: I32);
    /// `table.grow`: table, initial reference, entries to add; previous size or -1.
    table_grow(table: I32, init: I64, delta: I64) -> I64;
    /// `table.fill`: table, first index, reference, length.
    table_fill(table: I32, dst: I64, value: I64, len: I64);
    /// `table.copy`: destination table, source table, destination, source, length.
    table_copy(dst_table: I32, src_table: I32, dst: I64, src: I64, len: I64);
    /// `table.init`: table, element segment, destination, source offset, length.
    table_init(table: I32, segment: I32, dst: I64, src: I32, len: I32);
    /// `elem.drop`.
    elem_drop(segment: I32);
    /// Makes an exception with a tag; it becomes the pending one of the vmctx, and is returned.
    exception_new(tag: I32) -> I64;
    /// Throws an exception to the calling function's callers; does not return.
    throw(exception: I64);
    /// `memory.atomic.wait32`: memory, address with the offset added, expected value, timeout in ns; 0 woken, 1 not equal, 2 timed out.
    atomic_wait32(memory: I32, address: I64, expected: I32, timeout: I64) -> I32;
    /// `memory.atomic.wait64`: as above.
    atomic_wait64(memory: I32, address: I64, expected: I64, timeout: I64) -> I32;
    /// `memory.atomic.notify`: memory, address with the offset added, most waiters to wake; how many were woken.
    atomic_notify(memory: I32, address: I64, count: I32) -> I32;
}
