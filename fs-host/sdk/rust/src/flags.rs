//! Flag words of requests and replies, with the names of the Linux headers.

use core::fmt;

/// Declares sets of flags over an integer, one row per flag.
macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident: $int:ty { $($(#[$flag_doc:meta])* $flag:ident = $value:expr;)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $name($int);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: $name = $name($value);)*

            /// No flag.
            pub const fn empty() -> $name { $name(0) }

            /// Every flag that has a name.
            pub const fn all() -> $name { $name(0 $(| $value)*) }

            /// The flags of those bits, named or not.
            pub const fn from_bits_retain(bits: $int) -> $name { $name(bits) }

            /// The named flags among those bits.
            pub const fn from_bits_truncate(bits: $int) -> $name { $name(bits & $name::all().0) }

            /// The bits.
            pub const fn bits(self) -> $int { self.0 }

            /// Whether no flag is set.
            pub const fn is_empty(self) -> bool { self.0 == 0 }

            /// Whether every flag of `other` is set.
            pub const fn contains(self, other: $name) -> bool { self.0 & other.0 == other.0 }

            /// Whether some flag of `other` is set.
            pub const fn intersects(self, other: $name) -> bool { self.0 & other.0 != 0 }

            /// The flags of either.
            pub const fn union(self, other: $name) -> $name { $name(self.0 | other.0) }

            /// The flags that are not in `other`.
            pub const fn difference(self, other: $name) -> $name { $name(self.0 & !other.0) }

            /// Sets the flags of `other`.
            pub fn insert(&mut self, other: $name) { self.0 |= other.0; }

            /// Clears the flags of `other`.
            pub fn remove(&mut self, other: $name) { self.0 &= !other.0; }
        }

        impl core::ops::BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name { $name(self.0 | other.0) }
        }

        impl core::ops::BitOrAssign for $name {
            fn bitor_assign(&mut self, other: $name) { self.0 |= other.0; }
        }

        impl core::ops::BitAnd for $name {
            type Output = $name;
            fn bitand(self, other: $name) -> $name { $name(self.0 & other.0) }
        }

        impl core::ops::Sub for $name {
            type Output = $name;
            fn sub(self, other: $name) -> $name { $name(self.0 & !other.0) }
        }

        impl core::ops::Not for $name {
            type Output = $name;
            fn not(self) -> $name { $name(!self.0 & $name::all().0) }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:#x})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::LowerHex::fmt(&self.0, f) }
        }
    )*};
}

flags! {
    /// What the kernel and the filesystem agree on at the start.
    InitFlags: u64 {
        /// Several reads of one file may be under way.
        FUSE_ASYNC_READ = 1;
        /// The filesystem keeps POSIX locks.
        FUSE_POSIX_LOCKS = 1 << 1;
        /// Requests on open files carry the file handle.
        FUSE_FILE_OPS = 1 << 2;
        /// `open` truncates when the flags say so.
        FUSE_ATOMIC_O_TRUNC = 1 << 3;
        /// `lookup` answers `.` and `..`.
        FUSE_EXPORT_SUPPORT = 1 << 4;
        /// Writes may be larger than a page.
        FUSE_BIG_WRITES = 1 << 5;
        /// The filesystem applies the umask itself.
        FUSE_DONT_MASK = 1 << 6;
        /// The kernel can splice writes.
        FUSE_SPLICE_WRITE = 1 << 7;
        /// The kernel can move pages.
        FUSE_SPLICE_MOVE = 1 << 8;
        /// The kernel can splice reads.
        FUSE_SPLICE_READ = 1 << 9;
        /// The filesystem keeps `flock` locks.
        FUSE_FLOCK_LOCKS = 1 << 10;
        /// `ioctl` reaches directories.
        FUSE_HAS_IOCTL_DIR = 1 << 11;
        /// Cached pages are dropped when size or mtime change.
        FUSE_AUTO_INVAL_DATA = 1 << 12;
        /// Directories are read with attributes.
        FUSE_DO_READDIRPLUS = 1 << 13;
        /// The kernel decides when to read directories with attributes.
        FUSE_READDIRPLUS_AUTO = 1 << 14;
        /// Direct I/O may be asynchronous.
        FUSE_ASYNC_DIO = 1 << 15;
        /// The kernel holds written data back.
        FUSE_WRITEBACK_CACHE = 1 << 16;
        /// `open` may answer `ENOSYS`, once for all.
        FUSE_NO_OPEN_SUPPORT = 1 << 17;
        /// Lookups and reads of one directory may run side by side.
        FUSE_PARALLEL_DIROPS = 1 << 18;
        /// The filesystem clears set-user-id bits.
        FUSE_HANDLE_KILLPRIV = 1 << 19;
        /// POSIX ACLs.
        FUSE_POSIX_ACL = 1 << 20;
        /// Reading the device after an abort tells so.
        FUSE_ABORT_ERROR = 1 << 21;
        /// The answer names the pages per request.
        FUSE_MAX_PAGES = 1 << 22;
        /// The kernel keeps symbolic links' targets.
        FUSE_CACHE_SYMLINKS = 1 << 23;
        /// `opendir` may answer `ENOSYS`, once for all.
        FUSE_NO_OPENDIR_SUPPORT = 1 << 24;
        /// Cached pages are dropped on notification only.
        FUSE_EXPLICIT_INVAL_DATA = 1 << 25;
        /// DAX alignment.
        FUSE_MAP_ALIGNMENT = 1 << 26;
        /// Submounts.
        FUSE_SUBMOUNTS = 1 << 27;
        /// The filesystem clears set-user-id bits, second version.
        FUSE_HANDLE_KILLPRIV_V2 = 1 << 28;
        /// `setxattr` carries flags of its own.
        FUSE_SETXATTR_EXT = 1 << 29;
        /// The flag words are 64 bits.
        FUSE_INIT_EXT = 1 << 30;
        /// Security contexts at creation.
        FUSE_SECURITY_CTX = 1 << 32;
        /// DAX per inode.
        FUSE_HAS_INODE_DAX = 1 << 33;
        /// Supplementary groups at creation.
        FUSE_CREATE_SUPP_GROUP = 1 << 34;
        /// Entries can be expired.
        FUSE_HAS_EXPIRE_ONLY = 1 << 35;
        /// Files opened for direct I/O may be mapped.
        FUSE_DIRECT_IO_ALLOW_MMAP = 1 << 36;
        /// Files backed by other files.
        FUSE_PASSTHROUGH = 1 << 37;
        /// Never exported by NFS.
        FUSE_NO_EXPORT_SUPPORT = 1 << 38;
        /// Requests can be sent again.
        FUSE_HAS_RESEND = 1 << 39;
        /// Id-mapped mounts.
        FUSE_ALLOW_IDMAP = 1 << 40;
        /// io_uring instead of the device.
        FUSE_OVER_IO_URING = 1 << 41;
        /// Requests time out.
        FUSE_REQUEST_TIMEOUT = 1 << 42;
    }

    /// How the kernel treats a file that was just opened.
    FopenFlags: u32 {
        /// Bypass the page cache.
        FOPEN_DIRECT_IO = 1;
        /// Keep what is cached of the file.
        FOPEN_KEEP_CACHE = 1 << 1;
        /// The file cannot seek.
        FOPEN_NONSEEKABLE = 1 << 2;
        /// The directory's listing may be cached.
        FOPEN_CACHE_DIR = 1 << 3;
        /// The file is a stream, without a position.
        FOPEN_STREAM = 1 << 4;
        /// `close` sends no `flush`.
        FOPEN_NOFLUSH = 1 << 5;
        /// Direct writes may run side by side.
        FOPEN_PARALLEL_DIRECT_WRITES = 1 << 6;
        /// The file is backed by another one.
        FOPEN_PASSTHROUGH = 1 << 7;
    }

    /// What [`access`](crate::Filesystem::access) asks about.
    AccessFlags: i32 {
        /// Existence: not a flag, zero.
        F_OK = 0;
        /// Execution, or search of a directory.
        X_OK = 1;
        /// Writing.
        W_OK = 2;
        /// Reading.
        R_OK = 4;
    }

    /// `chflags` of macOS; no flag is known elsewhere.
    BsdFileFlags: u32 {}

    /// Flags of `copy_file_range`; none exists yet.
    CopyFileRangeFlags: u64 {}

    /// About an `ioctl` request.
    IoctlFlags: u32 {
        /// From a 32-bit program on a 64-bit kernel.
        FUSE_IOCTL_COMPAT = 1;
        /// May be retried with other buffers.
        FUSE_IOCTL_UNRESTRICTED = 1 << 1;
        /// Retry with other buffers.
        FUSE_IOCTL_RETRY = 1 << 2;
        /// From a 32-bit program.
        FUSE_IOCTL_32BIT = 1 << 3;
        /// On a directory.
        FUSE_IOCTL_DIR = 1 << 4;
        /// From an x32 program.
        FUSE_IOCTL_COMPAT_X32 = 1 << 5;
    }

    /// About a `poll` request.
    PollFlags: u32 {
        /// The kernel wants a notification when the file becomes ready.
        FUSE_POLL_SCHEDULE_NOTIFY = 1;
    }

    /// Events of `poll`.
    PollEvents: u32 {
        /// Data to read.
        POLLIN = 0x1;
        /// An exceptional condition.
        POLLPRI = 0x2;
        /// Writing does not block.
        POLLOUT = 0x4;
        /// An error.
        POLLERR = 0x8;
        /// The other end hung up.
        POLLHUP = 0x10;
        /// The file is not open.
        POLLNVAL = 0x20;
        /// Normal data to read.
        POLLRDNORM = 0x40;
        /// Priority data to read.
        POLLRDBAND = 0x80;
        /// Normal data may be written.
        POLLWRNORM = 0x100;
        /// Priority data may be written.
        POLLWRBAND = 0x200;
    }

    /// Flags of `renameat2`.
    RenameFlags: u32 {
        /// Fail if the new name exists.
        RENAME_NOREPLACE = 1;
        /// Exchange the two names.
        RENAME_EXCHANGE = 2;
        /// Leave a whiteout behind.
        RENAME_WHITEOUT = 4;
    }

    /// About a `write` request.
    WriteFlags: u32 {
        /// From the page cache: owner and file handle are guesses.
        FUSE_WRITE_CACHE = 1;
        /// The lock owner is valid.
        FUSE_WRITE_LOCKOWNER = 2;
        /// Clear set-user-id and set-group-id bits.
        FUSE_WRITE_KILL_SUIDGID = 4;
    }
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types)]
#[repr(i32)]
pub enum OpenAccMode {
    /// For reading.
    O_RDONLY = 0,
    /// For writing.
    O_WRONLY = 1,
    /// For both.
    O_RDWR = 2,
}

/// Flags of `open`, with Linux's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OpenFlags(pub i32);

impl OpenFlags {
    /// Linux's `O_APPEND`.
    pub const O_APPEND: i32 = 0o2000;
    /// Linux's `O_TRUNC`.
    pub const O_TRUNC: i32 = 0o1000;

    /// For reading, writing or both.
    pub fn acc_mode(self) -> OpenAccMode {
        match self.0 & 3 {
            1 => OpenAccMode::O_WRONLY,
            2 => OpenAccMode::O_RDWR,
            _ => OpenAccMode::O_RDONLY,
        }
    }
}

impl fmt::LowerHex for OpenFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

impl fmt::UpperHex for OpenFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::UpperHex::fmt(&self.0, f)
    }
}
