//! The structures and numbers of `/dev/wasm`, each written once; [`super::header`] prints them as C.

/// Most values of a call, and parameters of a function that the guest calls.
pub const MAX_VALUES: usize = 32;
/// Most frames that a trap records.
pub const MAX_FRAMES: usize = 32;
/// Trap code of a trap whose site says why: look the first frame up in the image's trap table.
pub const TRAP_OF_SITE: u32 = u32::MAX;

/// No trap: the frames are those of a guest that waits for an answer.
pub const TRAP_NONE: u32 = u32::MAX - 1;

macro_rules! uapi {
    ($($(#[$doc:meta])* $name:ident = $c:literal { $($(#[$field_doc:meta])* $field:ident: $ty:tt,)* })*) => {
        $(
            $(#[$doc])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default)]
            pub struct $name { $($(#[$field_doc])* pub $field: $ty,)* }
        )*

        /// Every structure: C name, fields with their Rust types, size.
        pub fn structs() -> Vec<(&'static str, Vec<(&'static str, &'static str)>, usize)> {
            vec![$(($c, vec![$((stringify!($field), stringify!($ty))),*], size_of::<$name>())),*]
        }
    };
}

uapi! {
    /// The head of an image's tables. Behind it lie `u32` tables: type of each function, code offset of each own function,
    /// number of each type, trampoline of each type (or `u32::MAX`), and two words of signature for each type (see
    /// [`super::image::signature`]).
    ImageMeta = "wj_image_meta" {
        /// [`crate::codegen::image::abi_hash`]
        abi_hash: u64,
        /// Number of the image.
        id: u64,
        /// Bytes of head and tables.
        bytes: u32,
        /// Bytes of code, slots included.
        code_bytes: u32,
        /// Number of functions, imported ones included.
        functions: u32,
        /// Number of imported functions.
        imported: u32,
        /// Number of types.
        types: u32,
        /// Whether some function uses float registers.
        floats: u32,
        /// Number of memories: 0 or 1.
        memories: u32,
        /// Least pages of the memory: code relies on them.
        memory_pages: u32,
    }
    /// A table's contents: function numbers plus one, 0 for null.
    Table = "wj_table" {
        /// Address of the entries, a `u32` each.
        entries: u64,
        /// Their number.
        len: u32,
        /// Most entries that there may be.
        max: u32,
    }
    /// A change of what one of the guest's descriptors stands for.
    FileChange = "wj_file_change" {
        /// The guest's number.
        guest: u32,
        /// The owner's descriptor.
        host: u32,
        /// What the kernel may do with it: `MAY_*`, or 0 if it is none of its business.
        may: u32,
        /// Nothing.
        reserved: u32,
    }
    /// Makes the instance.
    Create = "wj_create" {
        /// [`crate::codegen::image::abi_hash`]
        abi_hash: u64,
        /// Number of a loaded image.
        image: u64,
        /// Address of the globals' values, 16 bytes each, imported ones first.
        globals: u64,
        /// Address of [`Table`]s.
        tables: u64,
        /// Address of the element segments, as [`Table`]s.
        segments: u64,
        /// Address of one `u32` for each imported function: a [`super::natives::Native`], or 0.
        imports: u64,
        /// Address of [`FileChange`]s: the guest's descriptors.
        files: u64,
        /// How often their table had changed then; see [`NOTE_OFFSET`].
        files_at: u64,
        /// Number of imported globals.
        imported_globals: u32,
        /// Number of own globals.
        own_globals: u32,
        /// Number of tables.
        table_count: u32,
        /// Size of memory, in pages of 64 KiB.
        memory_pages: u32,
        /// Most pages that it may have.
        max_pages: u32,
        /// Bytes of the guest's stack.
        stack_bytes: u32,
        /// Milliseconds that a call may take, 0 for any time.
        timeout_ms: u32,
        /// Number of element segments.
        segment_count: u32,
        /// Number of descriptors.
        file_count: u32,
        /// `CREATE_*`
        flags: u32,
        /// Descriptor of the device that has the memory, or [`OWN_MEMORY`].
        memory: u32,
        /// Nothing.
        reserved: u32,
        /// The guest's `struct stat`: its size, then for each field the offset, and from bit 8 on the size; see [`crate::host::Layout::stat_fields`].
        stat: [u32; 16],
    }
    /// Why and where the guest was stopped.
    TrapInfo = "wj_trap" {
        /// A trap code, or [`TRAP_OF_SITE`].
        code: u32,
        /// Number of frames.
        count: u32,
        /// Return addresses as offsets in the code, innermost first.
        pcs: [u32; 32],
    }
    /// Calls a function.
    Call = "wj_call" {
        /// Address of the arguments, replaced by the results.
        values: u64,
        /// Function number.
        func: u32,
        /// Number of values.
        count: u32,
        /// Out: whether it trapped.
        trapped: u32,
        /// Nothing.
        reserved: u32,
        /// Out: how.
        trap: TrapInfo,
    }
    /// In: the answer to the event before. Out: what the owner has to do.
    Event = "wj_event" {
        /// `EVENT_*`
        kind: u32,
        /// Number of the import or builtin.
        index: u32,
        /// Number of arguments.
        count: u32,
        /// In: a trap code plus one that ends the guest, or 0.
        failed: u32,
        /// In: number of changes of descriptors.
        file_count: u32,
        /// In: the next host function is called in user space, whichever it is.
        ask_owner: u32,
        /// In: what the function gave.
        result: u64,
        /// In: address of own globals' values, 16 bytes each, which are copied both ways; or 0.
        globals: u64,
        /// In: address of [`FileChange`]s.
        files: u64,
        /// In: how often the table of descriptors had changed then.
        files_at: u64,
        /// Out: number of the call; see [`WATCH`].
        call: u64,
        /// Out: size of memory. In: size that the owner has made it.
        memory_bytes: u64,
        /// Arguments, in or out; out: what a function that is finished gave.
        values: [u64; 32],
    }
    /// Comes to the filesystem that another instance of the same guest is mounted as, to answer requests beside it.
    Join = "wj_join" {
        /// That instance's descriptor.
        fd: u32,
        /// Number of the function that requests go to.
        dispatch: u32,
        /// Address of this instance's request buffer, in linear memory.
        buffer: u32,
        /// Nothing.
        reserved: u32,
    }
    /// Sends a reply for a thread of the guest that runs in user space.
    Send = "wj_send" {
        /// Address of the pieces' list, in linear memory.
        iov: u32,
        /// Number of pieces.
        count: u32,
        /// Out: 0, or an error in WASI's numbering, negated.
        status: u32,
        /// Nothing.
        reserved: u32,
    }
    /// Looks at the instance.
    State = "wj_state" {
        /// In: address for own globals' values, or 0.
        globals: u64,
        /// In: address of [`Table`]s with room for the tables' entries, or 0. Lengths are replaced by those of the tables.
        tables: u64,
        /// Out: size of memory.
        memory_bytes: u64,
        /// Out: whether it can be called no more.
        dead: u32,
        /// Nothing.
        reserved: u32,
        /// Out: the last trap.
        trap: TrapInfo,
    }
}

/// Answers nothing, waits for the first event.
pub const EVENT_NONE: u32 = 0;
/// In: answers.
pub const EVENT_ANSWER: u32 = 1;
/// Out: a host function is called.
pub const EVENT_HOST_CALL: u32 = 2;
/// Out: a builtin is called.
pub const EVENT_BUILTIN: u32 = 3;
/// Out: nothing more will come.
pub const EVENT_FINISHED: u32 = 4;

/// Out: the guest trapped, and is not run any more.
pub const EVENT_TRAPPED: u32 = 5;
/// Out: the guest asks to be unmounted.
pub const EVENT_UNMOUNT: u32 = 6;

/// In: calls function number `index`.
pub const EVENT_START: u32 = 7;
/// Out: the guest computes, and lets its owner look around. An answer to it brings globals and memory along.
pub const EVENT_SIGNAL: u32 = 8;

/// The owner runs the guest by [`RUN`], by itself.
pub const CREATE_COROUTINE: u32 = 1;

/// Reading is the kernel's business.
pub const MAY_READ: u32 = 1;
/// Writing.
pub const MAY_WRITE: u32 = 2;
/// Attributes.
pub const MAY_STAT: u32 = 4;
/// Waiting for events.
pub const MAY_POLL: u32 = 8;

/// [`Create::memory`]: it has a memory of its own.
pub const OWN_MEMORY: u32 = u32::MAX;

/// Where in a file with a shared memory its owner's page is, which begins with how often the table of descriptors has changed, a
/// `u64`: while an instance was told of less, it asks its owner.
pub const NOTE_OFFSET: u64 = 1 << 32;

/// Entries of [`Create::stat`].
pub const STAT_FIELDS: usize = 16;

const fn ioctl(number: u64, size: usize) -> u64 {
    3 << 30 | (size as u64) << 16 | (b'w' as u64) << 8 | number
}

/// [`Create`]
pub const CREATE: u64 = ioctl(1, size_of::<Create>());
/// [`Call`]
pub const CALL: u64 = ioctl(2, size_of::<Call>());
/// [`Event`]
pub const SERVE: u64 = ioctl(3, size_of::<Event>());
/// [`State`]
pub const STATE: u64 = ioctl(4, size_of::<State>());
/// [`Event`]: starts the guest or lets it go on, until it needs its owner.
pub const RUN: u64 = ioctl(6, size_of::<Event>());
/// Gives a descriptor to which notifications of the mounted filesystem are written.
pub const NOTIFY: u64 = ioctl(7, 0);
/// Holds the loaded image whose number the argument points to, for the instance that is made next.
pub const HOLD: u64 = ioctl(8, size_of::<u64>());
/// Makes a memory for instances that share it, and that are made later; the argument points to the most pages that it may have.
pub const MEMORY: u64 = ioctl(9, size_of::<u32>());
/// Makes the memory of [`MEMORY`] as many pages large as the argument points to, unless it is larger.
pub const GROW: u64 = ioctl(10, size_of::<u32>());
/// [`Join`]
pub const JOIN: u64 = ioctl(11, size_of::<Join>());
/// [`Send`]
pub const SEND: u64 = ioctl(12, size_of::<Send>());
/// Waits until the caller of a host function that the owner has to call gets a signal; the argument points to where the call's
/// number goes.
pub const WATCH: u64 = ioctl(13, size_of::<u64>());
/// Makes the running guest end (argument 1), or allows it to run again (0).
pub const STOP: u64 = ioctl(5, 0);
