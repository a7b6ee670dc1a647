//! Reading and writing the fields of FUSE messages: little endian, no padding but what the structures declare.

use crate::platform::{os_str, path, time_parts, OsStr, Path};
use crate::{Errno, FileAttr, Generation};
use core::time::Duration;

/// Size of the header of a request.
pub const IN_HEADER: usize = 40;
/// Size of the header of a reply.
pub const OUT_HEADER: usize = 16;
/// Size of an inode's attributes.
const ATTR: usize = 88;
/// Size of the answer to `lookup`.
pub const ENTRY: usize = 40 + ATTR;
/// Size of a directory entry before its name.
pub const DIRENT: usize = 24;
/// Size of the largest fixed answer, that to `create`.
const LARGEST: usize = ENTRY + 16;

/// Declares the numbers of the operations.
macro_rules! opcodes {
    ($($name:ident = $value:literal;)*) => {
        /// The numbers of the operations.
        pub mod op {
            $(#[allow(missing_docs)] pub const $name: u32 = $value;)*
        }
    };
}

opcodes! {
    LOOKUP = 1;
    FORGET = 2;
    GETATTR = 3;
    SETATTR = 4;
    READLINK = 5;
    SYMLINK = 6;
    MKNOD = 8;
    MKDIR = 9;
    UNLINK = 10;
    RMDIR = 11;
    RENAME = 12;
    LINK = 13;
    OPEN = 14;
    READ = 15;
    WRITE = 16;
    STATFS = 17;
    RELEASE = 18;
    FSYNC = 20;
    SETXATTR = 21;
    GETXATTR = 22;
    LISTXATTR = 23;
    REMOVEXATTR = 24;
    FLUSH = 25;
    INIT = 26;
    OPENDIR = 27;
    READDIR = 28;
    RELEASEDIR = 29;
    FSYNCDIR = 30;
    GETLK = 31;
    SETLK = 32;
    SETLKW = 33;
    ACCESS = 34;
    CREATE = 35;
    INTERRUPT = 36;
    BMAP = 37;
    DESTROY = 38;
    IOCTL = 39;
    POLL = 40;
    NOTIFY_REPLY = 41;
    BATCH_FORGET = 42;
    FALLOCATE = 43;
    READDIRPLUS = 44;
    RENAME2 = 45;
    LSEEK = 46;
    COPY_FILE_RANGE = 47;
}

/// The result of decoding; the error is what the request is answered with.
pub type Decoded<T> = Result<T, Errno>;

/// Takes fields from the front of a message.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(rest: &'a [u8]) -> Reader<'a> {
        Reader { rest }
    }

    pub fn bytes(&mut self, count: usize) -> Decoded<&'a [u8]> {
        if count > self.rest.len() {
            return Err(Errno::EINVAL);
        }
        let (head, tail) = self.rest.split_at(count);
        self.rest = tail;
        Ok(head)
    }

    pub fn u16(&mut self) -> Decoded<u16> {
        let b = self.bytes(2)?;
        Ok(u16::from_le_bytes([b[0], b[1]]))
    }

    pub fn u32(&mut self) -> Decoded<u32> {
        let b = self.bytes(4)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    pub fn u64(&mut self) -> Decoded<u64> {
        let b = self.bytes(8)?;
        Ok(u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
    }

    fn text(&mut self) -> Decoded<&'a [u8]> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(Errno::EINVAL)?;
        let text = &self.rest[..end];
        self.rest = &self.rest[end + 1..];
        Ok(text)
    }

    /// A name that ends with NUL.
    pub fn name(&mut self) -> Decoded<&'a OsStr> {
        os_str(self.text()?).ok_or(Errno::EILSEQ)
    }

    /// A path that ends with NUL.
    pub fn path(&mut self) -> Decoded<&'a Path> {
        path(self.text()?).ok_or(Errno::EILSEQ)
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }
}

/// A fixed answer under construction, on the stack.
pub struct Fixed {
    bytes: [u8; LARGEST],
    len: usize,
}

impl Fixed {
    pub fn new() -> Fixed {
        Fixed { bytes: [0; LARGEST], len: 0 }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn put(mut self, bytes: &[u8]) -> Fixed {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }

    pub fn u16(self, value: u16) -> Fixed {
        self.put(&value.to_le_bytes())
    }

    pub fn u32(self, value: u32) -> Fixed {
        self.put(&value.to_le_bytes())
    }

    pub fn u64(self, value: u64) -> Fixed {
        self.put(&value.to_le_bytes())
    }

    /// Zeroes.
    pub fn zeroes(mut self, count: usize) -> Fixed {
        self.len += count;
        self
    }

    /// `fuse_attr`.
    pub fn attr(self, attr: &FileAttr) -> Fixed {
        let (atime, atime_nanos) = time_parts(attr.atime);
        let (mtime, mtime_nanos) = time_parts(attr.mtime);
        let (ctime, ctime_nanos) = time_parts(attr.ctime);
        self.u64(attr.ino.0)
            .u64(attr.size)
            .u64(attr.blocks)
            .u64(atime as u64)
            .u64(mtime as u64)
            .u64(ctime as u64)
            .u32(atime_nanos)
            .u32(mtime_nanos)
            .u32(ctime_nanos)
            .u32(attr.kind.bits() << 12 | u32::from(attr.perm & 0o7777))
            .u32(attr.nlink)
            .u32(attr.uid)
            .u32(attr.gid)
            .u32(attr.rdev)
            .u32(attr.blksize)
            .u32(0)
    }

    /// `fuse_entry_out`.
    pub fn entry(self, entry_ttl: &Duration, attr_ttl: &Duration, attr: &FileAttr, generation: Generation) -> Fixed {
        self.u64(attr.ino.0)
            .u64(generation.0)
            .u64(entry_ttl.as_secs())
            .u64(attr_ttl.as_secs())
            .u32(entry_ttl.subsec_nanos())
            .u32(attr_ttl.subsec_nanos())
            .attr(attr)
    }

    /// `fuse_dirent` without its name.
    pub fn dirent(self, ino: u64, offset: u64, name_len: usize, kind: u32) -> Fixed {
        self.u64(ino).u64(offset).u32(name_len as u32).u32(kind)
    }
}
