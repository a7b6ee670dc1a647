//! Host functions that the kernel answers itself.

use crate::wasm::ValType;

macro_rules! natives {
    ($($(#[$doc:meta])* $name:ident = $number:literal, [$(($module:literal, $field:literal)),*], ($($param:ident),*) -> ($($result:ident)?);)*) => {
        /// A function with an implementation in the kernel. 0 stands for none.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        #[allow(non_camel_case_types)]
        pub enum Native { $($(#[$doc])* $name = $number,)* }

        impl Native {
            /// Every row.
            pub const ALL: &'static [Native] = &[$(Native::$name,)*];

            /// Name in C.
            pub fn name(self) -> &'static str {
                match self { $(Native::$name => stringify!($name),)* }
            }

            /// The row that answers an import of this name and type.
            pub fn of_import(module: &str, field: &str, params: &[ValType], results: &[ValType]) -> Option<Native> {
                $(
                    if [$(($module, $field)),*].contains(&(module, field))
                        && params == [$(ValType::$param),*] && results == [$(ValType::$result)?] {
                        return Some(Native::$name);
                    }
                )*
                None
            }

            /// Whether the row does what the host function does for guests whose times have `bytes` bytes.
            pub fn suits_times_of(self, bytes: u8) -> bool {
                self != Native::clock_gettime || bytes == 4
            }
        }
    };
}

natives! {
    /// The builtin `memory.grow`.
    memory_grow = 1, [], (I32, I64) -> (I64);
    /// The builtin `memory.fill`.
    memory_fill = 2, [], (I32, I64, I32, I64) -> ();
    /// The builtin `memory.copy`.
    memory_copy = 3, [], (I32, I32, I64, I64, I64) -> ();
    /// A reply or a notification.
    fuse_send = 4, [("wasmjit_fuse", "send")], (I32, I32) -> (I32);
    /// Asks to be unmounted.
    fuse_unmount = 5, [("wasmjit_fuse", "unmount")], () -> ();
    /// Asks that serving ends.
    fuse_exit = 6, [("wasmjit_fuse", "exit")], () -> ();
    /// WASI's clock.
    clock_time_get = 7, [("wasi_snapshot_preview1", "clock_time_get")], (I32, I64, I32) -> (I32);
    /// The same with a 64-bit parameter in halves, as Emscripten passes it.
    clock_time_get_split = 8, [("wasi_snapshot_preview1", "clock_time_get")], (I32, I32, I32, I32) -> (I32);
    /// Milliseconds since 1970.
    date_now = 9, [("env", "emscripten_date_now"), ("env", "_emscripten_date_now")], () -> (F64);
    /// Makes memory as large as the argument says, at least.
    resize_heap = 11, [("env", "emscripten_resize_heap")], (I32) -> (I32);
    /// Emscripten's copying of what is not small.
    memcpy = 12, [("env", "emscripten_memcpy_big"), ("env", "_emscripten_memcpy_js")], (I32, I32, I32) -> ();
    /// The same; the result is the destination.
    memcpy_big = 13, [("env", "emscripten_memcpy_big")], (I32, I32, I32) -> (I32);
    /// C's clock, where times have 32 bits.
    clock_gettime = 14, [("env", "clock_gettime"), ("env", "__clock_gettime"), ("env", "__syscall_clock_gettime")], (I32, I32) -> (I32);
    /// Milliseconds since some time.
    now = 10, [("env", "emscripten_get_now"), ("env", "_emscripten_get_now")], () -> (F64);
    /// WASI's reading.
    fd_read = 15, [("wasi_snapshot_preview1", "fd_read")], (I32, I32, I32, I32) -> (I32);
    /// WASI's writing.
    fd_write = 16, [("wasi_snapshot_preview1", "fd_write")], (I32, I32, I32, I32) -> (I32);
    /// Reading at an offset.
    fd_pread = 17, [("wasi_snapshot_preview1", "fd_pread")], (I32, I32, I32, I64, I32) -> (I32);
    /// The same with the offset in halves.
    fd_pread_split = 18, [("wasi_snapshot_preview1", "fd_pread")], (I32, I32, I32, I32, I32, I32) -> (I32);
    /// Writing at an offset.
    fd_pwrite = 19, [("wasi_snapshot_preview1", "fd_pwrite")], (I32, I32, I32, I64, I32) -> (I32);
    /// The same with the offset in halves.
    fd_pwrite_split = 20, [("wasi_snapshot_preview1", "fd_pwrite")], (I32, I32, I32, I32, I32, I32) -> (I32);
    /// Attributes of an open file.
    fstat = 21, [("env", "__syscall_fstat64")], (I32, I32) -> (I32);
    /// Waiting for events.
    poll = 22, [("env", "__syscall_poll")], (I32, I32, I32) -> (I32);
    /// Waiting for events of descriptors in sets.
    newselect = 23, [("env", "__syscall__newselect")], (I32, I32, I32, I32, I32) -> (I32);
    /// The builtin `table.grow`.
    table_grow = 30, [], (I32, I64, I64) -> (I64);
    /// The builtin `table.fill`.
    table_fill = 31, [], (I32, I64, I64, I64) -> ();
    /// The builtin `table.copy`.
    table_copy = 32, [], (I32, I32, I64, I64, I64) -> ();
    /// The builtin `table.init`.
    table_init = 33, [], (I32, I32, I64, I32, I32) -> ();
    /// The builtin `elem.drop`.
    elem_drop = 34, [], (I32) -> ();
}
