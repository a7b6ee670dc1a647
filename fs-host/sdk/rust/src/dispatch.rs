//! From a message to a method. What does not decode is answered `EINVAL` without reaching the filesystem.

use crate::guest::Serve;
use crate::platform::time_from_parts;
use crate::reply::Pending;
use crate::session::Sender;
use crate::wire::{op, Decoded, Reader, IN_HEADER};
use crate::{
    AccessFlags, CopyFileRangeFlags, Errno, FileHandle, Filesystem, ForgetOne, INodeNo, InitFlags, IoctlFlags,
    KernelConfig, LockOwner, OpenFlags, PollEvents, PollFlags, PollNotifier, RenameFlags, ReplyAttr, ReplyBmap,
    ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry, ReplyIoctl, ReplyLock,
    ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr, Request, RequestId, TimeOrNow, Version,
    WriteFlags,
};
use alloc::vec::Vec;

/// The protocol's major version.
const MAJOR: u32 = 7;
/// The newest minor version whose messages are decoded here.
const NEWEST_MINOR: u32 = 38;
/// The oldest minor version whose messages are decoded here.
const OLDEST_MINOR: u32 = 31;

/// Decodes requests for a filesystem.
pub(crate) struct Dispatcher<F: Filesystem> {
    filesystem: F,
    sender: Sender,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Fresh,
    Running { setxattr_ext: bool },
    Destroyed,
}

/// A request whose header was decoded.
struct Call<'a> {
    opcode: u32,
    ino: INodeNo,
    req: Request,
    body: Reader<'a>,
    sender: Sender,
}

impl<'a> Call<'a> {
    fn decode(message: &'a [u8], sender: Sender) -> Option<Call<'a>> {
        let mut header = Reader::new(message.get(..IN_HEADER)?);
        let len = header.u32().ok()? as usize;
        let opcode = header.u32().ok()?;
        let unique = header.u64().ok()?;
        let ino = INodeNo(header.u64().ok()?);
        let (uid, gid, pid) = (header.u32().ok()?, header.u32().ok()?, header.u32().ok()?);
        let extensions = usize::from(header.u16().ok()?) * 8;
        let end = len.checked_sub(extensions)?;
        let body = Reader::new(message.get(IN_HEADER..end)?);
        Some(Call { opcode, ino, req: Request { unique, uid, gid, pid }, body, sender })
    }

    fn pending(&self) -> Pending {
        Pending::new(self.req.unique, self.sender)
    }
}

/// Evaluates fields before the reply exists: a field that is missing is then answered by the caller.
macro_rules! reply {
    ($call:expr, $kind:ident) => {
        $kind::new($call.pending())
    };
}

/// Whether an operation of a group was found; the error is the answer to a request that does not decode.
type Found = Decoded<bool>;

impl<F: Filesystem> Serve for Dispatcher<F> {
    fn dispatch(&mut self, message: &[u8]) {
        // A message without a whole header cannot be answered: nobody knows its number.
        let mut call = match Call::decode(message, self.sender) {
            Some(call) => call,
            None => return,
        };
        match self.handle(&mut call) {
            Ok(()) => {}
            Err(_) if matches!(call.opcode, op::FORGET | op::BATCH_FORGET | op::INTERRUPT) => {}
            Err(errno) => call.pending().error(errno),
        }
    }

    fn finish(&mut self) {
        if self.state != State::Destroyed {
            if self.state != State::Fresh {
                self.filesystem.destroy();
            }
            self.state = State::Destroyed;
        }
    }
}

impl<F: Filesystem> Dispatcher<F> {
    pub(crate) fn new(filesystem: F, sender: Sender) -> Dispatcher<F> {
        Dispatcher { filesystem, sender, state: State::Fresh }
    }

    #[cfg(feature = "std")]
    pub(crate) fn filesystem(&self) -> &F {
        &self.filesystem
    }

    fn handle(&mut self, call: &mut Call<'_>) -> Decoded<()> {
        if call.opcode == op::INIT {
            return self.init(call);
        }
        if let State::Destroyed | State::Fresh = self.state {
            return Err(Errno::EIO);
        }
        if call.opcode == op::DESTROY {
            self.finish();
            call.pending().ok(&[]);
            return Ok(());
        }
        // The most frequent first.
        let found = self.inodes(call)?
            || self.files(call)?
            || self.names(call)?
            || self.directories(call)?
            || self.attributes(call)?
            || self.special(call)?
            || self.locks(call)?
            || self.control(call)?;
        if found {
            Ok(())
        } else {
            Err(Errno::ENOSYS)
        }
    }

    fn init(&mut self, call: &mut Call<'_>) -> Decoded<()> {
        if self.state != State::Fresh {
            return Err(Errno::EIO);
        }
        let body = &mut call.body;
        let offered = Version(body.u32()?, body.u32()?);
        let max_readahead = body.u32()?;
        let mut flags = u64::from(body.u32()?);
        if flags & InitFlags::FUSE_INIT_EXT.bits() != 0 {
            flags |= u64::from(body.u32()?) << 32;
        }
        if offered.0 > MAJOR {
            // The kernel asks again, in the version that it is told.
            let config = KernelConfig::new(InitFlags::empty(), max_readahead, offered);
            call.pending().fixed(config.answer(Version(MAJOR, NEWEST_MINOR)));
            return Ok(());
        }
        if offered < Version(MAJOR, OLDEST_MINOR) {
            return Err(Errno::EPROTO);
        }
        let mut config = KernelConfig::new(InitFlags::from_bits_retain(flags), max_readahead, offered);
        self.filesystem.init(&call.req, &mut config).map_err(Errno::from)?;
        self.state = State::Running { setxattr_ext: config.requested().contains(InitFlags::FUSE_SETXATTR_EXT) };
        call.pending().fixed(config.answer(Version(MAJOR, offered.1.min(NEWEST_MINOR))));
        Ok(())
    }

    fn inodes(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        match call.opcode {
            op::LOOKUP => {
                let name = call.body.name()?;
                fs.lookup(&req, ino, name, reply!(call, ReplyEntry));
            }
            op::GETATTR => {
                const HAS_HANDLE: u32 = 1;
                let (flags, _) = (call.body.u32()?, call.body.u32()?);
                let fh = FileHandle(call.body.u64()?);
                let fh = if flags & HAS_HANDLE != 0 { Some(fh) } else { None };
                fs.getattr(&req, ino, fh, reply!(call, ReplyAttr));
            }
            op::FORGET => fs.forget(&req, ino, call.body.u64()?),
            op::BATCH_FORGET => {
                let (count, _) = (call.body.u32()? as usize, call.body.u32()?);
                if count > call.body.left() / 16 {
                    return Err(Errno::EINVAL);
                }
                let mut nodes = Vec::with_capacity(count);
                for _ in 0..count {
                    nodes.push(ForgetOne { nodeid: call.body.u64()?, nlookup: call.body.u64()? });
                }
                fs.batch_forget(&req, &nodes);
            }
            op::SETATTR => self.setattr(call)?,
            op::READLINK => fs.readlink(&req, ino, reply!(call, ReplyData)),
            op::ACCESS => {
                let mask = AccessFlags::from_bits_retain(call.body.u32()? as i32);
                fs.access(&req, ino, mask, reply!(call, ReplyEmpty));
            }
            op::STATFS => fs.statfs(&req, ino, reply!(call, ReplyStatfs)),
            op::INTERRUPT => fs.interrupt(&req, RequestId(call.body.u64()?)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn setattr(&self, call: &mut Call<'_>) -> Decoded<()> {
        const MODE: u32 = 1;
        const UID: u32 = 1 << 1;
        const GID: u32 = 1 << 2;
        const SIZE: u32 = 1 << 3;
        const ATIME: u32 = 1 << 4;
        const MTIME: u32 = 1 << 5;
        const HANDLE: u32 = 1 << 6;
        const ATIME_NOW: u32 = 1 << 7;
        const MTIME_NOW: u32 = 1 << 8;
        const CTIME: u32 = 1 << 10;
        let body = &mut call.body;
        let (valid, _) = (body.u32()?, body.u32()?);
        let (fh, size, _lock_owner) = (body.u64()?, body.u64()?, body.u64()?);
        let (atime, mtime, ctime) = (body.u64()? as i64, body.u64()? as i64, body.u64()? as i64);
        let (atime_nanos, mtime_nanos, ctime_nanos) = (body.u32()?, body.u32()?, body.u32()?);
        let (mode, _, uid, gid, _) = (body.u32()?, body.u32()?, body.u32()?, body.u32()?, body.u32()?);
        let time = |set: u32, now: u32, seconds: i64, nanos: u32| match () {
            () if valid & now != 0 => Some(TimeOrNow::Now),
            () if valid & set != 0 => Some(TimeOrNow::SpecificTime(time_from_parts(seconds, nanos))),
            () => None,
        };
        self.filesystem.setattr(
            &call.req,
            call.ino,
            given(valid, MODE, mode),
            given(valid, UID, uid),
            given(valid, GID, gid),
            given(valid, SIZE, size),
            time(ATIME, ATIME_NOW, atime, atime_nanos),
            time(MTIME, MTIME_NOW, mtime, mtime_nanos),
            given(valid, CTIME, time_from_parts(ctime, ctime_nanos)),
            given(valid, HANDLE, FileHandle(fh)),
            None,
            None,
            None,
            None,
            reply!(call, ReplyAttr),
        );
        Ok(())
    }

    fn files(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        match call.opcode {
            op::READ => {
                const LOCK_OWNER: u32 = 1 << 1;
                let body = &mut call.body;
                let (fh, offset, size) = (FileHandle(body.u64()?), body.u64()?, body.u32()?);
                let (read_flags, owner, flags) = (body.u32()?, body.u64()?, open_flags(body)?);
                let owner = given(read_flags, LOCK_OWNER, LockOwner(owner));
                fs.read(&req, ino, fh, offset, size, flags, owner, reply!(call, ReplyData));
            }
            op::WRITE => {
                let body = &mut call.body;
                let (fh, offset, size) = (FileHandle(body.u64()?), body.u64()?, body.u32()?);
                let (write_flags, owner, flags) = (body.u32()?, body.u64()?, open_flags(body)?);
                let _padding = body.u32()?;
                let data = body.bytes(size as usize)?;
                let write_flags = WriteFlags::from_bits_retain(write_flags);
                let owned = write_flags.contains(WriteFlags::FUSE_WRITE_LOCKOWNER);
                let owner = if owned { Some(LockOwner(owner)) } else { None };
                fs.write(&req, ino, fh, offset, data, write_flags, flags, owner, reply!(call, ReplyWrite));
            }
            op::OPEN => {
                let flags = open_flags(&mut call.body)?;
                fs.open(&req, ino, flags, reply!(call, ReplyOpen));
            }
            op::RELEASE => {
                const FLUSH: u32 = 1;
                const UNLOCK: u32 = 2;
                let body = &mut call.body;
                let (fh, flags) = (FileHandle(body.u64()?), open_flags(body)?);
                let (release_flags, owner) = (body.u32()?, LockOwner(body.u64()?));
                let owner = given(release_flags, UNLOCK, owner);
                fs.release(&req, ino, fh, flags, owner, release_flags & FLUSH != 0, reply!(call, ReplyEmpty));
            }
            op::FLUSH => {
                let (fh, _) = (FileHandle(call.body.u64()?), call.body.u64()?);
                let owner = LockOwner(call.body.u64()?);
                fs.flush(&req, ino, fh, owner, reply!(call, ReplyEmpty));
            }
            op::FSYNC => {
                let (fh, datasync) = fsync(&mut call.body)?;
                fs.fsync(&req, ino, fh, datasync, reply!(call, ReplyEmpty));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn names(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        let body = &mut call.body;
        match call.opcode {
            op::CREATE => {
                let (flags, mode, umask, _) = (body.u32()?, body.u32()?, body.u32()?, body.u32()?);
                let name = body.name()?;
                fs.create(&req, ino, name, mode, umask, flags as i32, reply!(call, ReplyCreate));
            }
            op::MKNOD => {
                let (mode, rdev, umask, _) = (body.u32()?, body.u32()?, body.u32()?, body.u32()?);
                let name = body.name()?;
                fs.mknod(&req, ino, name, mode, umask, rdev, reply!(call, ReplyEntry));
            }
            op::MKDIR => {
                let (mode, umask) = (body.u32()?, body.u32()?);
                let name = body.name()?;
                fs.mkdir(&req, ino, name, mode, umask, reply!(call, ReplyEntry));
            }
            op::UNLINK => {
                let name = body.name()?;
                fs.unlink(&req, ino, name, reply!(call, ReplyEmpty));
            }
            op::RMDIR => {
                let name = body.name()?;
                fs.rmdir(&req, ino, name, reply!(call, ReplyEmpty));
            }
            op::SYMLINK => {
                let (name, target) = (body.name()?, body.path()?);
                fs.symlink(&req, ino, name, target, reply!(call, ReplyEntry));
            }
            op::LINK => {
                let source = INodeNo(body.u64()?);
                let name = body.name()?;
                fs.link(&req, source, ino, name, reply!(call, ReplyEntry));
            }
            op::RENAME | op::RENAME2 => {
                let new_parent = INodeNo(body.u64()?);
                let flags = if call.opcode == op::RENAME2 { body.u64()? as u32 } else { 0 };
                let (name, new_name) = (body.name()?, body.name()?);
                let flags = RenameFlags::from_bits_retain(flags);
                fs.rename(&req, ino, name, new_parent, new_name, flags, reply!(call, ReplyEmpty));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn directories(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        let body = &mut call.body;
        match call.opcode {
            op::OPENDIR => {
                let flags = open_flags(body)?;
                fs.opendir(&req, ino, flags, reply!(call, ReplyOpen));
            }
            op::READDIR => {
                let (fh, offset, size) = (FileHandle(body.u64()?), body.u64()?, body.u32()?);
                fs.readdir(&req, ino, fh, offset, ReplyDirectory::new(call.pending(), size));
            }
            op::READDIRPLUS => {
                let (fh, offset, size) = (FileHandle(body.u64()?), body.u64()?, body.u32()?);
                fs.readdirplus(&req, ino, fh, offset, ReplyDirectoryPlus::new(call.pending(), size));
            }
            op::RELEASEDIR => {
                let (fh, flags) = (FileHandle(body.u64()?), open_flags(body)?);
                fs.releasedir(&req, ino, fh, flags, reply!(call, ReplyEmpty));
            }
            op::FSYNCDIR => {
                let (fh, datasync) = fsync(body)?;
                fs.fsyncdir(&req, ino, fh, datasync, reply!(call, ReplyEmpty));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn attributes(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        let body = &mut call.body;
        match call.opcode {
            op::SETXATTR => {
                let (size, flags) = (body.u32()?, body.u32()?);
                if self.state == (State::Running { setxattr_ext: true }) {
                    let _ = body.u64()?;
                }
                let name = body.name()?;
                let value = body.bytes(size as usize)?;
                fs.setxattr(&req, ino, name, value, flags as i32, 0, reply!(call, ReplyEmpty));
            }
            op::GETXATTR => {
                let (size, _) = (body.u32()?, body.u32()?);
                let name = body.name()?;
                fs.getxattr(&req, ino, name, size, reply!(call, ReplyXattr));
            }
            op::LISTXATTR => {
                let (size, _) = (body.u32()?, body.u32()?);
                fs.listxattr(&req, ino, size, reply!(call, ReplyXattr));
            }
            op::REMOVEXATTR => {
                let name = body.name()?;
                fs.removexattr(&req, ino, name, reply!(call, ReplyEmpty));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn special(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        let body = &mut call.body;
        match call.opcode {
            op::FALLOCATE => {
                let fh = FileHandle(body.u64()?);
                let (offset, length, mode) = (body.u64()?, body.u64()?, body.u32()? as i32);
                fs.fallocate(&req, ino, fh, offset, length, mode, reply!(call, ReplyEmpty));
            }
            op::LSEEK => {
                let (fh, offset, whence) = (FileHandle(body.u64()?), body.u64()? as i64, body.u32()? as i32);
                fs.lseek(&req, ino, fh, offset, whence, reply!(call, ReplyLseek));
            }
            op::COPY_FILE_RANGE => {
                let (fh_in, offset_in) = (FileHandle(body.u64()?), body.u64()?);
                let (ino_out, fh_out, offset_out) = (INodeNo(body.u64()?), FileHandle(body.u64()?), body.u64()?);
                let (len, flags) = (body.u64()?, CopyFileRangeFlags::from_bits_retain(body.u64()?));
                let reply = reply!(call, ReplyWrite);
                fs.copy_file_range(&req, ino, fh_in, offset_in, ino_out, fh_out, offset_out, len, flags, reply);
            }
            op::BMAP => {
                let (block, size) = (body.u64()?, body.u32()?);
                fs.bmap(&req, ino, size, block, reply!(call, ReplyBmap));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn locks(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req, opcode) = (call.ino, call.req, call.opcode);
        if !matches!(opcode, op::GETLK | op::SETLK | op::SETLKW) {
            return Ok(false);
        }
        let body = &mut call.body;
        let (fh, owner) = (FileHandle(body.u64()?), LockOwner(body.u64()?));
        let (start, end, typ, pid) = (body.u64()?, body.u64()?, body.u32()? as i32, body.u32()?);
        if opcode == op::GETLK {
            fs.getlk(&req, ino, fh, owner, start, end, typ, pid, reply!(call, ReplyLock));
        } else {
            let sleep = opcode == op::SETLKW;
            fs.setlk(&req, ino, fh, owner, start, end, typ, pid, sleep, reply!(call, ReplyEmpty));
        }
        Ok(true)
    }

    fn control(&self, call: &mut Call<'_>) -> Found {
        let fs = &self.filesystem;
        let (ino, req) = (call.ino, call.req);
        let body = &mut call.body;
        match call.opcode {
            op::IOCTL => {
                let (fh, flags) = (FileHandle(body.u64()?), IoctlFlags::from_bits_retain(body.u32()?));
                let (cmd, _arg) = (body.u32()?, body.u64()?);
                let (in_size, out_size) = (body.u32()?, body.u32()?);
                let data = body.bytes(in_size as usize)?;
                if flags.contains(IoctlFlags::FUSE_IOCTL_UNRESTRICTED) {
                    return Err(Errno::ENOSYS);
                }
                fs.ioctl(&req, ino, fh, flags, cmd, data, out_size, reply!(call, ReplyIoctl));
            }
            op::POLL => {
                let (fh, handle) = (FileHandle(body.u64()?), body.u64()?);
                let flags = PollFlags::from_bits_retain(body.u32()?);
                let events = PollEvents::from_bits_retain(body.u32()?);
                let notifier = PollNotifier::new(call.sender, handle);
                fs.poll(&req, ino, fh, notifier, events, flags, reply!(call, ReplyPoll));
            }
            // The answer to a retrieval, which this crate never asks for; nobody waits for a reply.
            op::NOTIFY_REPLY => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn given<T>(valid: u32, flag: u32, value: T) -> Option<T> {
    if valid & flag != 0 {
        Some(value)
    } else {
        None
    }
}

fn open_flags(body: &mut Reader<'_>) -> Decoded<OpenFlags> {
    Ok(OpenFlags(body.u32()? as i32))
}

fn fsync(body: &mut Reader<'_>) -> Decoded<(FileHandle, bool)> {
    const DATA_ONLY: u32 = 1;
    Ok((FileHandle(body.u64()?), body.u32()? & DATA_ONLY != 0))
}
