//! Replies: each knows its request and may be kept until the answer is there.

use crate::platform::{os_bytes, OsStr};
use crate::session::Sender;
use crate::wire::{Fixed, DIRENT, ENTRY};
use crate::{Errno, FileAttr, FileHandle, FileType, FopenFlags, Generation, INodeNo, PollEvents};
use alloc::vec::Vec;
use core::time::Duration;

/// The answer to one request, not yet sent.
#[derive(Debug)]
pub(crate) struct Pending {
    unique: u64,
    sender: Sender,
    open: bool,
}

impl Pending {
    pub(crate) fn new(unique: u64, sender: Sender) -> Pending {
        Pending { unique, sender, open: true }
    }

    pub(crate) fn ok(mut self, parts: &[&[u8]]) {
        self.open = false;
        // The host refuses an answer only when nobody waits for it any more.
        let _ = self.sender.send(self.unique, 0, parts);
    }

    pub(crate) fn fixed(self, fixed: Fixed) {
        self.ok(&[fixed.as_bytes()]);
    }

    pub(crate) fn error(mut self, errno: Errno) {
        self.open = false;
        let _ = self.sender.send(self.unique, -errno.code(), &[]);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.open {
            let _ = self.sender.send(self.unique, -Errno::EIO.code(), &[]);
        }
    }
}

/// Declares the kinds of replies, each with its way to fail.
macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Pending);

        impl $name {
            pub(crate) fn new(pending: Pending) -> $name { $name(pending) }

            /// Answers with an error.
            pub fn error(self, errno: Errno) { self.0.error(errno); }
        }
    )*};
}

replies! {
    /// Answers with nothing but success.
    ReplyEmpty;
    /// Answers with bytes.
    ReplyData;
    /// Answers with an inode.
    ReplyEntry;
    /// Answers with attributes.
    ReplyAttr;
    /// Answers with a file handle.
    ReplyOpen;
    /// Answers with a number of bytes.
    ReplyWrite;
    /// Answers with the filesystem's statistics.
    ReplyStatfs;
    /// Answers with an inode and a file handle.
    ReplyCreate;
    /// Answers with a lock.
    ReplyLock;
    /// Answers with a block number.
    ReplyBmap;
    /// Answers an `ioctl`.
    ReplyIoctl;
    /// Answers with events.
    ReplyPoll;
    /// Answers with an attribute's value or its size.
    ReplyXattr;
    /// Answers with a position.
    ReplyLseek;
}

impl ReplyEmpty {
    /// It worked.
    pub fn ok(self) {
        self.0.ok(&[]);
    }
}

impl ReplyData {
    /// Sends these bytes; the host takes them from where they are.
    pub fn data(self, data: &[u8]) {
        self.0.ok(&[data]);
    }
}

impl ReplyEntry {
    /// Sends the inode. The kernel may rely on name and attributes for `ttl`.
    pub fn entry(self, ttl: &Duration, attr: &FileAttr, generation: Generation) {
        self.entry_with_ttls(ttl, ttl, attr, generation);
    }

    /// Sends the inode. The kernel may rely on its attributes for `attr_ttl`, on its name for `entry_ttl`.
    pub fn entry_with_ttls(self, attr_ttl: &Duration, entry_ttl: &Duration, attr: &FileAttr, generation: Generation) {
        self.0.fixed(Fixed::new().entry(entry_ttl, attr_ttl, attr, generation));
    }
}

impl ReplyAttr {
    /// Sends the attributes, on which the kernel may rely for `ttl`.
    pub fn attr(self, ttl: &Duration, attr: &FileAttr) {
        self.0.fixed(Fixed::new().u64(ttl.as_secs()).u32(ttl.subsec_nanos()).u32(0).attr(attr));
    }
}

impl ReplyOpen {
    /// Sends the file handle.
    pub fn opened(self, fh: FileHandle, flags: FopenFlags) {
        self.0.fixed(Fixed::new().u64(fh.0).u32(open_flags(flags)).u32(0));
    }
}

/// The flags that a guest may answer: a backing file is none of its business.
fn open_flags(flags: FopenFlags) -> u32 {
    flags.difference(FopenFlags::FOPEN_PASSTHROUGH).bits()
}

impl ReplyWrite {
    /// So many bytes were written.
    pub fn written(self, size: u32) {
        self.0.fixed(Fixed::new().u32(size).u32(0));
    }
}

impl ReplyStatfs {
    /// Sends blocks in all, free, and free for everyone; inodes in all and free; size of transfers, longest name,
    /// size of a block.
    #[allow(clippy::too_many_arguments)]
    pub fn statfs(
        self,
        blocks: u64,
        bfree: u64,
        bavail: u64,
        files: u64,
        ffree: u64,
        bsize: u32,
        namelen: u32,
        frsize: u32,
    ) {
        let counts = Fixed::new().u64(blocks).u64(bfree).u64(bavail).u64(files).u64(ffree);
        self.0.fixed(counts.u32(bsize).u32(namelen).u32(frsize).zeroes(28));
    }
}

impl ReplyCreate {
    /// Sends the new inode and its file handle.
    pub fn created(self, ttl: &Duration, attr: &FileAttr, generation: Generation, fh: FileHandle, flags: FopenFlags) {
        let entry = Fixed::new().entry(ttl, ttl, attr, generation);
        self.0.fixed(entry.u64(fh.0).u32(open_flags(flags)).u32(0));
    }
}

impl ReplyLock {
    /// Sends the lock that is in the way, or one of type `F_UNLCK` (2).
    pub fn locked(self, start: u64, end: u64, typ: i32, pid: u32) {
        self.0.fixed(Fixed::new().u64(start).u64(end).u32(typ as u32).u32(pid));
    }
}

impl ReplyBmap {
    /// Sends the block's number on the device.
    pub fn bmap(self, block: u64) {
        self.0.fixed(Fixed::new().u64(block));
    }
}

impl ReplyIoctl {
    /// Sends the call's result and what it hands back.
    pub fn ioctl(self, result: i32, data: &[u8]) {
        let fixed = Fixed::new().u32(result as u32).u32(0).u32(0).u32(0);
        self.0.ok(&[fixed.as_bytes(), data]);
    }
}

impl ReplyPoll {
    /// Sends the events that are there.
    pub fn poll(self, revents: PollEvents) {
        self.0.fixed(Fixed::new().u32(revents.bits()).u32(0));
    }
}

impl ReplyXattr {
    /// Sends the value's size, for a request of size 0.
    pub fn size(self, size: u32) {
        self.0.fixed(Fixed::new().u32(size).u32(0));
    }

    /// Sends the value, or the names, each ended by NUL.
    pub fn data(self, data: &[u8]) {
        self.0.ok(&[data]);
    }
}

impl ReplyLseek {
    /// Sends the position that was found.
    pub fn offset(self, offset: i64) {
        self.0.fixed(Fixed::new().u64(offset as u64));
    }
}

/// Directory entries under construction, no longer than the kernel asked for.
#[derive(Debug)]
struct Entries {
    bytes: Vec<u8>,
    limit: usize,
}

impl Entries {
    /// Directories are mostly small, whatever the kernel asks for.
    const FIRST: usize = 4096;

    fn new(limit: usize) -> Entries {
        Entries { bytes: Vec::with_capacity(limit.min(Entries::FIRST)), limit }
    }

    /// Adds an entry; true if it does not fit.
    fn add(&mut self, fixed: &Fixed, name: &[u8]) -> bool {
        let len = fixed.as_bytes().len() + name.len();
        let padded = (len + 7) & !7;
        if self.bytes.len() + padded > self.limit {
            return true;
        }
        self.bytes.extend_from_slice(fixed.as_bytes());
        self.bytes.extend_from_slice(name);
        self.bytes.resize(self.bytes.len() + padded - len, 0);
        false
    }
}

/// Answers with directory entries.
#[derive(Debug)]
pub struct ReplyDirectory {
    pending: Pending,
    entries: Entries,
}

impl ReplyDirectory {
    pub(crate) fn new(pending: Pending, limit: u32) -> ReplyDirectory {
        ReplyDirectory { pending, entries: Entries::new(limit as usize) }
    }

    /// Adds an entry; true if there is no room for it. `offset` is what the kernel sends to go on after this entry.
    #[must_use]
    pub fn add<T: AsRef<OsStr>>(&mut self, ino: INodeNo, offset: u64, kind: FileType, name: T) -> bool {
        // A name that cannot be expressed is left out.
        let name = match os_bytes(name.as_ref()) {
            Some(name) => name,
            None => return false,
        };
        let fixed = Fixed::new().dirent(ino.0, offset, name.len(), kind.bits());
        debug_assert_eq!(fixed.as_bytes().len(), DIRENT);
        self.entries.add(&fixed, name)
    }

    /// Sends the entries; none means the end.
    pub fn ok(self) {
        self.pending.ok(&[&self.entries.bytes]);
    }

    /// Answers with an error.
    pub fn error(self, errno: Errno) {
        self.pending.error(errno);
    }
}

/// Answers with directory entries and their attributes.
#[derive(Debug)]
pub struct ReplyDirectoryPlus {
    pending: Pending,
    entries: Entries,
}

impl ReplyDirectoryPlus {
    pub(crate) fn new(pending: Pending, limit: u32) -> ReplyDirectoryPlus {
        ReplyDirectoryPlus { pending, entries: Entries::new(limit as usize) }
    }

    /// Adds an entry, which counts as a lookup of it; true if there is no room for it. `offset` is what the kernel
    /// sends to go on after this entry.
    pub fn add<T: AsRef<OsStr>>(
        &mut self,
        ino: INodeNo,
        offset: u64,
        name: T,
        ttl: &Duration,
        attr: &FileAttr,
        generation: Generation,
    ) -> bool {
        let name = match os_bytes(name.as_ref()) {
            Some(name) => name,
            None => return false,
        };
        let entry = Fixed::new().entry(ttl, ttl, attr, generation);
        debug_assert_eq!(entry.as_bytes().len(), ENTRY);
        let dirent = Fixed::new().dirent(ino.0, offset, name.len(), attr.kind.bits());
        let mut whole = [0; DIRENT + 255];
        match whole.get_mut(DIRENT..DIRENT + name.len()) {
            Some(tail) => tail.copy_from_slice(name),
            // No kernel takes a longer name.
            None => return false,
        }
        whole[..DIRENT].copy_from_slice(dirent.as_bytes());
        self.entries.add(&entry, &whole[..DIRENT + name.len()])
    }

    /// Sends the entries; none means the end.
    pub fn ok(self) {
        self.pending.ok(&[&self.entries.bytes]);
    }

    /// Answers with an error.
    pub fn error(self, errno: Errno) {
        self.pending.error(errno);
    }
}
