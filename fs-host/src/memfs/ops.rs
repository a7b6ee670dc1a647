//! Operations on names and attributes.

use super::node::{Body, Dir, FIRST_COOKIE, Node, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, now};
use super::{Answer, MemFs, name, parse};
use crate::sys::Errno;
use crate::wire::{self, InHeader};

const RENAME_NOREPLACE: u32 = 1;
const RENAME_EXCHANGE: u32 = 2;

impl MemFs {
    /// The entry of a node, which the kernel then refers to.
    fn entry(&mut self, id: u64) -> Result<wire::EntryOut, Errno> {
        let valid = self.valid_seconds;
        let node = self.tree.get_mut(id)?;
        node.lookups += 1;
        Ok(wire::EntryOut {
            nodeid: id,
            generation: node.generation,
            entry_valid: valid,
            attr_valid: valid,
            attr: node.attr,
            ..Default::default()
        })
    }

    fn put_entry(&mut self, id: u64) -> Answer {
        let entry = self.entry(id)?;
        self.put(&entry);
        Ok(())
    }

    fn put_attr(&mut self, id: u64) -> Answer {
        let attr = self.tree.get(id)?.attr;
        self.put(&wire::AttrOut { attr_valid: self.valid_seconds, attr, ..Default::default() });
        Ok(())
    }

    fn child(&self, parent: u64, name: &[u8]) -> Result<u64, Errno> {
        if name.len() > wire::NAME_MAX {
            return Err(libc::ENAMETOOLONG);
        }
        self.tree.get(parent)?.dir()?.get(name).ok_or(libc::ENOENT)
    }

    pub(super) fn lookup(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let id = self.child(header.nodeid, name(body)?.0)?;
        self.put_entry(id)
    }

    pub(super) fn getattr(&mut self, header: &InHeader) -> Answer {
        self.put_attr(header.nodeid)
    }

    pub(super) fn setattr(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let set = parse::<wire::SetattrIn>(body)?;
        if set.valid & wire::FATTR_SIZE != 0 {
            self.resize(header.nodeid, set.size)?;
        }
        let node = self.tree.get_mut(header.nodeid)?;
        let has = |bit: u32| set.valid & bit != 0;
        let attr = &mut node.attr;
        let clock = now();
        if has(wire::FATTR_MODE) {
            attr.mode = attr.mode & S_IFMT | set.mode & 0o7777;
        }
        if has(wire::FATTR_UID) {
            attr.uid = set.uid;
        }
        if has(wire::FATTR_GID) {
            attr.gid = set.gid;
        }
        if has(wire::FATTR_ATIME) {
            let given = (set.atime, set.atimensec);
            (attr.atime, attr.atimensec) = if has(wire::FATTR_ATIME_NOW) { clock } else { given };
        }
        if has(wire::FATTR_MTIME) {
            let given = (set.mtime, set.mtimensec);
            (attr.mtime, attr.mtimensec) = if has(wire::FATTR_MTIME_NOW) { clock } else { given };
        }
        (attr.ctime, attr.ctimensec) = if has(wire::FATTR_CTIME) { (set.ctime, set.ctimensec) } else { clock };
        self.put_attr(header.nodeid)
    }

    pub(super) fn readlink(&mut self, header: &InHeader) -> Answer {
        match &self.tree.get(header.nodeid)?.body {
            Body::Link(target) => {
                self.out.extend_from_slice(target);
                Ok(())
            }
            _ => Err(libc::EINVAL),
        }
    }

    /// Makes a node with a name and returns its id.
    fn make(&mut self, header: &InHeader, name: &[u8], mode: u32, rdev: u32, body: Body) -> Result<u64, Errno> {
        if name.len() > wire::NAME_MAX {
            return Err(libc::ENAMETOOLONG);
        }
        let parent = self.tree.get(header.nodeid)?;
        if parent.attr.nlink == 0 {
            return Err(libc::ENOENT);
        }
        if parent.dir()?.get(name).is_some() {
            return Err(libc::EEXIST);
        }
        let is_dir = mode & S_IFMT == S_IFDIR;
        let inherits = parent.attr.mode & S_ISGID != 0;
        let gid = if inherits { parent.attr.gid } else { header.gid };
        let mode = if inherits && is_dir { mode | S_ISGID } else { mode };
        let id = self.tree.add(mode, header.uid, gid, rdev, body);
        self.tree.get_mut(id)?.attr.nlink = if is_dir { 2 } else { 1 };
        let parent = self.tree.get_mut(header.nodeid)?;
        parent.dir_mut()?.insert(name, id);
        parent.attr.nlink += u32::from(is_dir);
        parent.touch(true);
        Ok(id)
    }

    fn body_for(mode: u32) -> Body {
        if mode & S_IFMT == S_IFREG { Body::File(Default::default()) } else { Body::Special }
    }

    pub(super) fn symlink(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let (new, rest) = name(body)?;
        let target = name(rest)?.0;
        let id = self.make(header, new, S_IFLNK | 0o777, 0, Body::Link(target.into()))?;
        self.put_entry(id)
    }

    pub(super) fn mknod(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::MknodIn>(body)?;
        let mode = if arg.mode & S_IFMT == 0 { arg.mode | S_IFREG } else { arg.mode };
        let id = self.make(header, name(&body[16..])?.0, mode, arg.rdev, Self::body_for(mode))?;
        self.put_entry(id)
    }

    pub(super) fn mkdir(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::MkdirIn>(body)?;
        let dir = Body::Dir(Dir::below(header.nodeid));
        let id = self.make(header, name(&body[8..])?.0, S_IFDIR | arg.mode & 0o7777, 0, dir)?;
        self.put_entry(id)
    }

    pub(super) fn remove(&mut self, header: &InHeader, body: &[u8], want_dir: bool) -> Answer {
        let name = name(body)?.0;
        let id = self.child(header.nodeid, name)?;
        let node = self.tree.get(id)?;
        match (want_dir, node.is_dir()) {
            (true, false) => return Err(libc::ENOTDIR),
            (false, true) => return Err(libc::EISDIR),
            (true, true) if !node.dir()?.is_empty() => return Err(libc::ENOTEMPTY),
            _ => {}
        }
        let parent = self.tree.get_mut(header.nodeid)?;
        parent.dir_mut()?.remove(name);
        parent.attr.nlink -= u32::from(want_dir);
        parent.touch(true);
        self.tree.unlink(id);
        Ok(())
    }

    pub(super) fn rename(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let (new_parent, flags, names) = if header.opcode == wire::RENAME {
            (parse::<wire::RenameIn>(body)?.newdir, 0, &body[8..])
        } else {
            let arg = parse::<wire::Rename2In>(body)?;
            (arg.newdir, arg.flags, &body[16..])
        };
        let (old, rest) = name(names)?;
        let new = name(rest)?.0;
        if flags & !(RENAME_NOREPLACE | RENAME_EXCHANGE) != 0 || new.len() > wire::NAME_MAX {
            return Err(if flags > 3 { libc::EINVAL } else { libc::ENAMETOOLONG });
        }
        let source = self.child(header.nodeid, old)?;
        let target = self.child(new_parent, new).ok();
        if flags & RENAME_EXCHANGE != 0 {
            let target = target.ok_or(libc::ENOENT)?;
            return self.exchange((header.nodeid, old, source), (new_parent, new, target));
        }
        match target {
            Some(_) if flags & RENAME_NOREPLACE != 0 => return Err(libc::EEXIST),
            Some(target) if target == source => return Ok(()),
            Some(target) => self.make_way(new_parent, new, source, target)?,
            None => {}
        }
        self.tree.get_mut(header.nodeid)?.dir_mut()?.remove(old);
        self.tree.get_mut(new_parent)?.dir_mut()?.insert(new, source);
        self.moved(source, header.nodeid, new_parent)
    }

    /// Removes what a rename replaces, if it may be replaced.
    fn make_way(&mut self, parent: u64, name: &[u8], source: u64, target: u64) -> Answer {
        let from_dir = self.tree.get(source)?.is_dir();
        let node = self.tree.get(target)?;
        match (from_dir, node.is_dir()) {
            (true, false) => return Err(libc::ENOTDIR),
            (false, true) => return Err(libc::EISDIR),
            (true, true) if !node.dir()?.is_empty() => return Err(libc::ENOTEMPTY),
            _ => {}
        }
        let dir = self.tree.get_mut(parent)?;
        dir.dir_mut()?.remove(name);
        dir.attr.nlink -= u32::from(from_dir);
        self.tree.unlink(target);
        Ok(())
    }

    fn exchange(&mut self, a: (u64, &[u8], u64), b: (u64, &[u8], u64)) -> Answer {
        self.tree.get_mut(a.0)?.dir_mut()?.replace(a.1, b.2);
        self.tree.get_mut(b.0)?.dir_mut()?.replace(b.1, a.2);
        self.moved(a.2, a.0, b.0)?;
        self.moved(b.2, b.0, a.0)
    }

    /// A node changed its directory: link counts, times, and the way up.
    fn moved(&mut self, id: u64, from: u64, to: u64) -> Answer {
        let node = self.tree.get_mut(id)?;
        node.touch(false);
        if let Body::Dir(dir) = &mut node.body {
            dir.parent = to;
            self.tree.get_mut(from)?.attr.nlink -= 1;
            self.tree.get_mut(to)?.attr.nlink += 1;
        }
        self.tree.get_mut(from)?.touch(true);
        self.tree.get_mut(to)?.touch(true);
        Ok(())
    }

    pub(super) fn link(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let id = parse::<wire::LinkIn>(body)?.oldnodeid;
        let new = name(&body[8..])?.0;
        if new.len() > wire::NAME_MAX {
            return Err(libc::ENAMETOOLONG);
        }
        if self.tree.get(id)?.is_dir() {
            return Err(libc::EPERM);
        }
        let parent = self.tree.get_mut(header.nodeid)?;
        if parent.dir()?.get(new).is_some() {
            return Err(libc::EEXIST);
        }
        parent.dir_mut()?.insert(new, id);
        parent.touch(true);
        let node = self.tree.get_mut(id)?;
        node.attr.nlink += 1;
        node.touch(false);
        self.put_entry(id)
    }

    pub(super) fn create(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let arg = parse::<wire::CreateIn>(body)?;
        let mode = S_IFREG | arg.mode & 0o7777;
        let id = if header.opcode == wire::TMPFILE {
            self.tree.add(mode, header.uid, header.gid, 0, Self::body_for(mode))
        } else {
            self.make(header, name(&body[16..])?.0, mode, 0, Self::body_for(mode))?
        };
        let entry = self.entry(id)?;
        let open = wire::OpenOut { open_flags: wire::FOPEN_KEEP_CACHE, ..Default::default() };
        self.put(&wire::CreateOut { entry, open });
        Ok(())
    }

    pub(super) fn statfs(&mut self) -> Answer {
        let (capacity, used) = (self.tree.capacity, self.tree.used);
        let free = capacity.saturating_sub(used) / 4096;
        let files = self.tree.count();
        self.put(&wire::Kstatfs {
            blocks: capacity / 4096,
            bfree: free,
            bavail: free,
            files: files + free,
            ffree: free,
            bsize: 4096,
            frsize: 4096,
            namelen: wire::NAME_MAX as u32,
            ..Default::default()
        });
        Ok(())
    }

    pub(super) fn readdir(&mut self, header: &InHeader, body: &[u8], plus: bool) -> Answer {
        let arg = parse::<wire::ReadIn>(body)?;
        let room = arg.size as usize;
        let parent = self.tree.get(header.nodeid)?.dir()?.parent;
        let mut after = arg.offset;
        for (cookie, name, id) in [(1, &b"."[..], header.nodeid), (2, b"..", parent)] {
            if after < cookie {
                if !self.put_dirent(room, cookie, name, id, false, plus) {
                    return Ok(());
                }
                after = cookie;
            }
        }
        // Entries are taken one by one, because listing one may count a lookup on its node.
        let mut next = (after + 1).max(FIRST_COOKIE);
        let mut name = Vec::new();
        loop {
            let dir = self.tree.get(header.nodeid)?.dir()?;
            let Some((&cookie, (found, id))) = dir.by_cookie.range(next..).next() else {
                return Ok(());
            };
            let id = *id;
            name.clear();
            name.extend_from_slice(found);
            if !self.put_dirent(room, cookie, &name, id, true, plus) {
                return Ok(());
            }
            next = cookie + 1;
        }
    }

    /// Adds an entry if it fits. With `refer`, a READDIRPLUS entry counts as a lookup.
    fn put_dirent(&mut self, room: usize, cookie: u64, name: &[u8], id: u64, refer: bool, plus: bool) -> bool {
        let prefix = if plus { size_of::<wire::EntryOut>() } else { 0 };
        let len = wire::align8(prefix + wire::DIRENT_HEAD + name.len());
        if self.out.len() + len > room {
            return false;
        }
        let end = self.out.len() + len;
        let kind = self.tree.get(id).map_or(0, |node| node.attr.mode >> 12 & 15);
        if plus {
            let entry = if refer { self.entry(id).unwrap_or_default() } else { wire::EntryOut::default() };
            self.put(&entry);
        }
        self.put(&wire::Dirent { ino: id, off: cookie, namelen: name.len() as u32, kind });
        self.out.extend_from_slice(name);
        self.out.resize(end, 0);
        true
    }

    /// access(2) by owner, group and others; supplementary groups are the kernel's business (`default_permissions`).
    pub(super) fn access(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        let mask = parse::<wire::AccessIn>(body)?.mask & 7;
        let Node { attr, .. } = self.tree.get(header.nodeid)?;
        let class = if header.uid == attr.uid {
            6
        } else if header.gid == attr.gid {
            3
        } else {
            0
        };
        let allowed = match header.uid {
            // Root may do everything but execute what nobody may execute.
            0 if attr.mode & 0o111 != 0 || attr.mode & S_IFMT == S_IFDIR => 7,
            0 => 6,
            _ => attr.mode >> class & 7,
        };
        if mask & !allowed == 0 { Ok(()) } else { Err(libc::EACCES) }
    }
}
