//! Functions of the runtime that compiled code calls: one row each.
//!
//! Compiled code reaches them through a table of pointers (`vmctx.builtins`), in the order of the rows,
//! with the ordinary function convention (see [`crate::codegen`]): the first argument is the vmctx.
//! A builtin that traps does not return to compiled code. `vmctx` below is `*mut VmCtx`;
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
    /// `memory.grow`: pages to add; previous size in pages or -1.
    memory_grow(pages: I32) -> I32;
    /// `memory.fill`: destination, byte value, length.
    memory_fill(dst: I32, value: I32, len: I32);
    /// `memory.copy`: destination, source, length.
    memory_copy(dst: I32, src: I32, len: I32);
    /// `memory.init`: data segment, destination, source offset, length.
    memory_init(segment: I32, dst: I32, src: I32, len: I32);
    /// `data.drop`.
    data_drop(segment: I32);
    /// `table.grow`: table, initial reference, entries to add; previous size or -1.
    table_grow(table: I32, init: I64, delta: I32) -> I32;
    /// `table.fill`: table, first index, reference, length.
    table_fill(table: I32, dst: I32, value: I64, len: I32);
    /// `table.copy`: destination table, source table, destination, source, length.
    table_copy(dst_table: I32, src_table: I32, dst: I32, src: I32, len: I32);
    /// `table.init`: table, element segment, destination, source offset, length.
    table_init(table: I32, segment: I32, dst: I32, src: I32, len: I32);
    /// `elem.drop`.
    elem_drop(segment: I32);
    /// `memory.atomic.wait32`: address with the offset added, expected value, timeout in ns; 0 woken, 1 not equal, 2 timed out.
    atomic_wait32(address: I64, expected: I32, timeout: I64) -> I32;
    /// `memory.atomic.wait64`: as above.
    atomic_wait64(address: I64, expected: I64, timeout: I64) -> I32;
    /// `memory.atomic.notify`: address with the offset added, most waiters to wake; how many were woken.
    atomic_notify(address: I64, count: I32) -> I32;
}
