//! Bits of the protocol's flag words that this crate acts on.

macro_rules! bits {
    ($($(#[$doc:meta])* $name:ident = $bit:expr;)*) => {
        $($(#[$doc])* pub const $name: u64 = 1 << $bit;)*
    };
}

bits! {
    /// INIT: reads of one file may be sent in parallel.
    INIT_ASYNC_READ = 0;
    /// INIT: POSIX locks go to the filesystem.
    INIT_POSIX_LOCKS = 1;
    /// INIT: O_TRUNC is left to the filesystem's open.
    INIT_ATOMIC_O_TRUNC = 3;
    /// INIT: lookups of `.` and `..` are answered.
    INIT_EXPORT_SUPPORT = 4;
    /// INIT: writes may be larger than one page.
    INIT_BIG_WRITES = 5;
    /// INIT: the filesystem applies the umask.
    INIT_DONT_MASK = 6;
    /// INIT: the kernel can splice to the device.
    INIT_SPLICE_WRITE = 7;
    /// INIT: the kernel can move pages while splicing.
    INIT_SPLICE_MOVE = 8;
    /// INIT: the kernel can splice from the device.
    INIT_SPLICE_READ = 9;
    /// INIT: BSD locks go to the filesystem.
    INIT_FLOCK_LOCKS = 10;
    /// INIT: ioctl works on directories.
    INIT_HAS_IOCTL_DIR = 11;
    /// INIT: cached pages are dropped when size or mtime changed.
    INIT_AUTO_INVAL_DATA = 12;
    /// INIT: READDIRPLUS is answered.
    INIT_DO_READDIRPLUS = 13;
    /// INIT: the kernel chooses between READDIR and READDIRPLUS.
    INIT_READDIRPLUS_AUTO = 14;
    /// INIT: asynchronous direct I/O.
    INIT_ASYNC_DIO = 15;
    /// INIT: written data stay in the page cache at first.
    INIT_WRITEBACK_CACHE = 16;
    /// INIT: ENOSYS to OPEN means that no opens are needed.
    INIT_NO_OPEN_SUPPORT = 17;
    /// INIT: lookups and readdirs in one directory may be parallel.
    INIT_PARALLEL_DIROPS = 18;
    /// INIT: the filesystem clears set-user-id bits on write, chown and truncate.
    INIT_HANDLE_KILLPRIV = 19;
    /// INIT: POSIX access control lists.
    INIT_POSIX_ACL = 20;
    /// INIT: reading an aborted device gives ECONNABORTED.
    INIT_ABORT_ERROR = 21;
    /// INIT: `max_pages` is valid.
    INIT_MAX_PAGES = 22;
    /// INIT: link targets are cached.
    INIT_CACHE_SYMLINKS = 23;
    /// INIT: ENOSYS to OPENDIR means that no opens are needed.
    INIT_NO_OPENDIR_SUPPORT = 24;
    /// INIT: cached pages are only dropped on request.
    INIT_EXPLICIT_INVAL_DATA = 25;
    /// INIT: the second kind of set-user-id clearing.
    INIT_HANDLE_KILLPRIV_V2 = 28;
    /// INIT: SETXATTR has its extended structure.
    INIT_SETXATTR_EXT = 29;
    /// INIT: there is a second flag word.
    INIT_INIT_EXT = 30;
    /// INIT: a security context comes with creating requests.
    INIT_SECURITY_CTX = 32;
    /// INIT: supplementary groups come with creating requests.
    INIT_CREATE_SUPP_GROUP = 34;
    /// INIT: entries can be expired without being dropped.
    INIT_HAS_EXPIRE_ONLY = 35;
    /// INIT: shared mappings of direct I/O files.
    INIT_DIRECT_IO_ALLOW_MMAP = 36;
    /// INIT: the filesystem cannot resolve node ids that were forgotten.
    INIT_NO_EXPORT_SUPPORT = 38;
}

/// What a guest may ask for in its INIT reply, as far as the kernel offers it.
///
/// Left out: mapping (DAX), submounts, passthrough to host files and io_uring, whose other half is not in
/// the guest's reach, and resending, which would repeat requests behind the pending table's back.
pub const GUEST_INIT_FLAGS: u64 = INIT_ASYNC_READ
    | INIT_POSIX_LOCKS
    | INIT_ATOMIC_O_TRUNC
    | INIT_EXPORT_SUPPORT
    | INIT_BIG_WRITES
    | INIT_DONT_MASK
    | INIT_FLOCK_LOCKS
    | INIT_HAS_IOCTL_DIR
    | INIT_AUTO_INVAL_DATA
    | INIT_DO_READDIRPLUS
    | INIT_READDIRPLUS_AUTO
    | INIT_ASYNC_DIO
    | INIT_WRITEBACK_CACHE
    | INIT_NO_OPEN_SUPPORT
    | INIT_PARALLEL_DIROPS
    | INIT_HANDLE_KILLPRIV
    | INIT_POSIX_ACL
    | INIT_ABORT_ERROR
    | INIT_MAX_PAGES
    | INIT_CACHE_SYMLINKS
    | INIT_NO_OPENDIR_SUPPORT
    | INIT_EXPLICIT_INVAL_DATA
    | INIT_HANDLE_KILLPRIV_V2
    | INIT_SETXATTR_EXT
    | INIT_INIT_EXT
    | INIT_SECURITY_CTX
    | INIT_CREATE_SUPP_GROUP
    | INIT_HAS_EXPIRE_ONLY
    | INIT_DIRECT_IO_ALLOW_MMAP
    | INIT_NO_EXPORT_SUPPORT;

/// OPEN reply: no page cache for this file.
pub const FOPEN_DIRECT_IO: u32 = 1 << 0;
/// OPEN reply: keep the page cache.
pub const FOPEN_KEEP_CACHE: u32 = 1 << 1;
/// OPEN reply: the directory may be cached.
pub const FOPEN_CACHE_DIR: u32 = 1 << 3;
/// The bits that a guest may set in an OPEN reply. FOPEN_PASSTHROUGH names a host file and is not among them.
pub const GUEST_FOPEN_FLAGS: u32 = 0x7f;

/// GETATTR: the file handle is valid.
pub const GETATTR_FH: u32 = 1 << 0;
/// IOCTL reply: call again with other buffers; only for unrestricted (CUSE) ioctls.
pub const IOCTL_RETRY: u32 = 1 << 2;

/// SETATTR: mode is valid.
pub const FATTR_MODE: u32 = 1 << 0;
/// SETATTR: uid is valid.
pub const FATTR_UID: u32 = 1 << 1;
/// SETATTR: gid is valid.
pub const FATTR_GID: u32 = 1 << 2;
/// SETATTR: size is valid.
pub const FATTR_SIZE: u32 = 1 << 3;
/// SETATTR: atime is valid.
pub const FATTR_ATIME: u32 = 1 << 4;
/// SETATTR: mtime is valid.
pub const FATTR_MTIME: u32 = 1 << 5;
/// SETATTR: atime is now.
pub const FATTR_ATIME_NOW: u32 = 1 << 7;
/// SETATTR: mtime is now.
pub const FATTR_MTIME_NOW: u32 = 1 << 8;
/// SETATTR: ctime is valid.
pub const FATTR_CTIME: u32 = 1 << 10;

/// STATX: the type in `mode` is valid.
pub const STATX_TYPE: u32 = 1 << 0;
/// STATX: the mode bits are valid.
pub const STATX_MODE: u32 = 1 << 1;
/// STATX: uid is valid.
pub const STATX_UID: u32 = 1 << 3;
/// STATX: gid is valid.
pub const STATX_GID: u32 = 1 << 4;
/// STATX: the size is valid.
pub const STATX_SIZE: u32 = 1 << 9;

/// Notification: poll wakeup.
pub const NOTIFY_POLL: i32 = 1;
/// Notification: drop an inode's caches.
pub const NOTIFY_INVAL_INODE: i32 = 2;
/// Notification: drop a directory entry.
pub const NOTIFY_INVAL_ENTRY: i32 = 3;
/// Notification: put data into the page cache.
pub const NOTIFY_STORE: i32 = 4;
/// Notification: ask for data of the page cache.
pub const NOTIFY_RETRIEVE: i32 = 5;
/// Notification: a directory entry was deleted.
pub const NOTIFY_DELETE: i32 = 6;
