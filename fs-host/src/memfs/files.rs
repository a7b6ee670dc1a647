//! Operations on what files hold: data and extended attributes.

use std::io::IoSlice;

use super::node::Body;
use super::{Answer, MemFs, name, parse};
use crate::wire::{self, InHeader, OutHeader, Wire};

/// Longest file.
const MAX_SIZE: u64 = i64::MAX as u64;
/// Pieces of a read that are sent without gathering; the largest read has 17.
const READ_PIECES: usize = 24;

impl MemFs {
    pub(super) fn resize(&mut self, id: u64, size: u64) -> Answer {
        if size > MAX_SIZE {
            return Err(libc::EFBIG);
        }
        let node = self.tree.get_mut(id)?;
        let Body::File(data) = &mut node.body else {
            return Err(if node.is_dir() { libc::EISDIR } else { libc::EINVAL });
        };
        let before = data.held();
        data.clear(size, u64::MAX);
        let freed = before - data.held();
        node.attr.blocks = data.held().div_ceil(512);
        node.attr.size = size;
        node.touch(true);
        self.tree.used -= freed;
        Ok(())
    }

    pub(super) fn open(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let flags = parse::<wire::OpenIn>(body)?.flags as i32;
        if flags & libc::O_TRUNC != 0 {
            self.resize(header.nodeid, 0)?;
        }
        // All writes come through this kernel, so its cache stays right.
        self.put(&wire::OpenOut { open_flags: wire::FOPEN_KEEP_CACHE, ..Default::default() });
        Ok(())
    }

    /// Sends its reply itself, straight from the file's memory.
    pub(super) fn read(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::ReadIn>(body)?;
        let node = self.tree.get(header.nodeid)?;
        let Body::File(data) = &node.body else {
            return Err(libc::EISDIR);
        };
        let len = node.attr.size.saturating_sub(arg.offset).min(u64::from(arg.size)) as usize;
        let out = OutHeader { len: (size_of::<OutHeader>() + len) as u32, error: 0, unique: header.unique };
        let mut parts = [IoSlice::new(&[]); READ_PIECES];
        parts[0] = IoSlice::new(out.bytes());
        let mut used = 1;
        data.pieces(arg.offset, len, |piece| {
            if let Some(slot) = parts.get_mut(used) {
                *slot = IoSlice::new(piece);
            }
            used += 1;
        });
        if used <= READ_PIECES {
            self.send(&parts[..used]);
            return Ok(());
        }
        let mut whole = Vec::with_capacity(len);
        data.pieces(arg.offset, len, |piece| whole.extend_from_slice(piece));
        self.send(&[IoSlice::new(out.bytes()), IoSlice::new(&whole)]);
        Ok(())
    }

    pub(super) fn write(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::WriteIn>(body)?;
        let bytes = body.get(40..40 + arg.size as usize).ok_or(libc::EINVAL)?;
        let end = arg.offset.checked_add(bytes.len() as u64).filter(|end| *end <= MAX_SIZE).ok_or(libc::EFBIG)?;
        let (used, capacity) = (self.tree.used, self.tree.capacity);
        let node = self.tree.get_mut(header.nodeid)?;
        let Body::File(data) = &mut node.body else {
            return Err(libc::EISDIR);
        };
        let growth = data.growth(arg.offset, bytes.len() as u64);
        if used + growth > capacity {
            return Err(libc::ENOSPC);
        }
        data.write(arg.offset, bytes);
        node.attr.blocks = data.held().div_ceil(512);
        node.attr.size = node.attr.size.max(end);
        node.touch(true);
        self.tree.used += growth;
        self.put(&wire::WriteOut { size: arg.size, padding: 0 });
        Ok(())
    }

    pub(super) fn setxattr(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::SetxattrCompatIn>(body)?;
        let (name, rest) = name(&body[8..])?;
        let value = rest.get(..arg.size as usize).ok_or(libc::EINVAL)?;
        let node = self.tree.get_mut(header.nodeid)?;
        let exists = node.xattrs.contains_key(name);
        match arg.flags as i32 {
            libc::XATTR_CREATE if exists => return Err(libc::EEXIST),
            libc::XATTR_REPLACE if !exists => return Err(libc::ENODATA),
            _ => {}
        }
        node.xattrs.insert(name.into(), value.into());
        node.touch(false);
        Ok(())
    }

    /// Puts a value, or only its size when nothing was asked for.
    fn put_sized(&mut self, value: &[u8], asked: u32) -> Answer {
        if asked == 0 {
            self.put(&wire::GetxattrOut { size: value.len() as u32, padding: 0 });
        } else if value.len() > asked as usize {
            return Err(libc::ERANGE);
        } else {
            self.out.extend_from_slice(value);
        }
        Ok(())
    }

    pub(super) fn getxattr(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::GetxattrIn>(body)?;
        let node = self.tree.get(header.nodeid)?;
        let value = node.xattrs.get(name(&body[8..])?.0).ok_or(libc::ENODATA)?.clone();
        self.put_sized(&value, arg.size)
    }

    pub(super) fn listxattr(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::GetxattrIn>(body)?;
        let mut list = Vec::new();
        for name in self.tree.get(header.nodeid)?.xattrs.keys() {
            list.extend_from_slice(name);
            list.push(0);
        }
        self.put_sized(&list, arg.size)
    }

    pub(super) fn removexattr(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let node = self.tree.get_mut(header.nodeid)?;
        node.xattrs.remove(name(body)?.0).ok_or(libc::ENODATA)?;
        node.touch(false);
        Ok(())
    }

    pub(super) fn fallocate(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::FallocateIn>(body)?;
        let end = arg.offset.checked_add(arg.length).filter(|end| *end <= MAX_SIZE).ok_or(libc::EFBIG)?;
        let mode = arg.mode as i32;
        let keep = mode & libc::FALLOC_FL_KEEP_SIZE != 0;
        let clear = mode & (libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_ZERO_RANGE) != 0;
        let known = libc::FALLOC_FL_KEEP_SIZE | libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_ZERO_RANGE;
        if mode & !known != 0 {
            return Err(libc::EOPNOTSUPP);
        }
        let (used, capacity) = (self.tree.used, self.tree.capacity);
        let node = self.tree.get_mut(header.nodeid)?;
        let Body::File(data) = &mut node.body else {
            return Err(libc::ENODEV);
        };
        let mut freed = 0;
        if clear {
            let before = data.held();
            data.clear(arg.offset, end);
            freed = before - data.held();
            node.attr.blocks = data.held().div_ceil(512);
        } else if used + data.growth(arg.offset, arg.length) > capacity {
            return Err(libc::ENOSPC);
        }
        if !keep {
            node.attr.size = node.attr.size.max(end);
        }
        node.touch(true);
        self.tree.used -= freed;
        Ok(())
    }

    pub(super) fn lseek(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::LseekIn>(body)?;
        let node = self.tree.get(header.nodeid)?;
        let Body::File(data) = &node.body else {
            return Err(libc::EINVAL);
        };
        if arg.offset >= node.attr.size {
            return Err(libc::ENXIO);
        }
        let want_data = match arg.whence as i32 {
            libc::SEEK_DATA => true,
            libc::SEEK_HOLE => false,
            _ => return Err(libc::EINVAL),
        };
        let offset = data.seek(arg.offset, node.attr.size, want_data).ok_or(libc::ENXIO)?;
        self.put(&wire::LseekOut { offset });
        Ok(())
    }
}
