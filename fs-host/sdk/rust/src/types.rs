//! Inodes, handles and attributes.

use crate::platform::SystemTime;
use core::fmt;

/// Declares newtypes over a number.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl From<$name> for u64 {
            fn from(value: $name) -> u64 { value.0 }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }

        impl fmt::LowerHex for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::LowerHex::fmt(&self.0, f) }
        }
    )*};
}

numbers! {
    /// An inode number, which the filesystem chooses; the root's is 1.
    INodeNo;
    /// A number that the filesystem gave an open file or directory.
    FileHandle;
    /// Who holds a lock.
    LockOwner;
    /// Tells inodes apart that had the same number one after the other.
    Generation;
    /// Identifies a request until it is answered.
    RequestId;
}

impl INodeNo {
    /// The root directory.
    pub const ROOT: INodeNo = INodeNo(1);
}

/// A version of the FUSE protocol: major, minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    pub(crate) unique: u64,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) pid: u32,
}

impl Request {
    /// The request's number, by which an interrupt names it.
    pub fn unique(&self) -> RequestId {
        RequestId(self.unique)
    }

    /// The caller's user id.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The caller's group id.
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// The caller's process id; 0 if it is not visible from where the filesystem was mounted.
    pub fn pid(&self) -> u32 {
        self.pid
    }
}

/// A kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A named pipe.
    NamedPipe,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A regular file.
    RegularFile,
    /// A symbolic link.
    Symlink,
    /// A Unix domain socket.
    Socket,
}

impl FileType {
    /// The bits of `st_mode` that say so (`S_IFMT`), shifted down: also the type in a directory entry.
    pub(crate) fn bits(self) -> u32 {
        match self {
            FileType::NamedPipe => 0o1,
            FileType::CharDevice => 0o2,
            FileType::Directory => 0o4,
            FileType::BlockDevice => 0o6,
            FileType::RegularFile => 0o10,
            FileType::Symlink => 0o12,
            FileType::Socket => 0o14,
        }
    }

    /// The kind that a file mode (`st_mode`) names; none if it names no kind.
    pub fn from_mode(mode: u32) -> Option<FileType> {
        Some(match mode >> 12 & 0o17 {
            0o1 => FileType::NamedPipe,
            0o2 => FileType::CharDevice,
            0o4 => FileType::Directory,
            0o6 => FileType::BlockDevice,
            0o10 => FileType::RegularFile,
            0o12 => FileType::Symlink,
            0o14 => FileType::Socket,
            _ => return None,
        })
    }

    /// The kind of a file of the program's own world; none if it has no name here.
    #[cfg(feature = "std")]
    pub fn from_std(kind: std::fs::FileType) -> Option<FileType> {
        if kind.is_dir() {
            Some(FileType::Directory)
        } else if kind.is_symlink() {
            Some(FileType::Symlink)
        } else if kind.is_file() {
            Some(FileType::RegularFile)
        } else {
            None
        }
    }
}

/// A file's attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAttr {
    /// Inode number.
    pub ino: INodeNo,
    /// Size in bytes.
    pub size: u64,
    /// Space taken, in blocks of 512 bytes.
    pub blocks: u64,
    /// Last access.
    pub atime: SystemTime,
    /// Last change of the contents.
    pub mtime: SystemTime,
    /// Last change of the inode.
    pub ctime: SystemTime,
    /// Creation; only macOS asks for it.
    pub crtime: SystemTime,
    /// Kind of file.
    pub kind: FileType,
    /// Permission bits, with set-user-id, set-group-id and sticky.
    pub perm: u16,
    /// Number of names.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, for devices.
    pub rdev: u32,
    /// Preferred size of reads and writes.
    pub blksize: u32,
    /// Only macOS asks for them.
    pub flags: u32,
}

/// A time that `setattr` sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TimeOrNow {
    /// This one.
    SpecificTime(SystemTime),
    /// The filesystem's own present.
    Now,
}

/// One inode of [`batch_forget`](crate::Filesystem::batch_forget).
#[derive(Clone, Copy, Debug)]
pub struct ForgetOne {
    pub(crate) nodeid: u64,
    pub(crate) nlookup: u64,
}

impl ForgetOne {
    /// The inode.
    pub fn nodeid(&self) -> INodeNo {
        INodeNo(self.nodeid)
    }

    /// How many lookups the kernel gives back.
    pub fn nlookup(&self) -> u64 {
        self.nlookup
    }
}
