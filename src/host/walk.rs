//! Path walks that the kernel cannot do alone, because they cross from one grant into another place of the guest's tree.
//!
//! Each step opens one component with `openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)` on a descriptor that is known to
//! lie in a grant; symbolic links are read and their text is walked in the guest's namespace. `..` goes back to a
//! descriptor that this walk came through, or, above its start, to a parent that is proven to lie below the grant's
//! root by climbing from it. Renames meanwhile can make a walk fail or see old names, but not leave the grants.

use super::errno::Errno;
use super::path::{Special, components};
use super::resolve::{DirFd, Entry, Grant, Leave, Named, Namespace, Object, RESOLVE, open_file, open_in, resolve};
use super::sys::{self, Result};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// How many symbolic links one walk may go through, as on Linux.
const MAX_LINKS: u32 = 40;

/// How many directories may lie between a descriptor and its grant's root.
const MAX_CLIMB: usize = 4096;

/// How many components may be pending, so that links that multiply cannot eat the host's memory.
const MAX_PENDING: usize = 65_536;

/// Each step of a walk: within the directory, and no link is followed unseen.
const STEP: u64 = RESOLVE | libc::RESOLVE_NO_SYMLINKS;

/// Where a walk begins.
pub(super) enum Start {
    /// At the guest's root.
    Root,
    /// In a directory of a grant.
    Dir(Arc<Grant>, OwnedFd, Leave),
    /// In a directory of the synthetic tree.
    Synthetic(Vec<Vec<u8>>),
}

/// Where a walk is.
enum Position {
    /// In a directory of a grant: the directory in which the walk entered it, and those below it.
    Grant { grant: Arc<Grant>, entered: OwnedFd, below: Vec<OwnedFd>, known: Option<Vec<Vec<u8>>> },
    /// At a granted file.
    File(Arc<Grant>),
    /// In the synthetic tree.
    Synthetic(Vec<Vec<u8>>),
}

struct Walk<'n> {
    namespace: &'n Namespace,
    at: Position,
    /// Components still to go, the next one last.
    pending: Vec<Vec<u8>>,
    /// Whether what the path names must be a directory, because it ends in a slash.
    slash: bool,
    links: u32,
    leave: Leave,
}

/// Opens what a path stands for, with open flags of the host.
pub(super) fn open(namespace: &Namespace, start: Start, path: &[u8], flags: i32, mode: u32) -> Result<Object> {
    let mut walk = Walk::new(namespace, start, path)?;
    loop {
        let Some(name) = walk.advance()? else { return walk.open_here(flags) };
        if let Some(object) = walk.open_last(&name, flags, mode)? {
            return Ok(object);
        }
    }
}

/// The parent directory and last name of a path.
pub(super) fn entry<'a>(namespace: &Namespace, start: Start, path: &[u8]) -> Result<Named<'a>> {
    let mut walk = Walk::new(namespace, start, path)?;
    let last = components(path).next_back();
    let special = match last {
        None if path.ends_with(b".") => Some(Special::Dot),
        None => Some(Special::Root),
        Some(b"..") => Some(Special::DotDot),
        Some(_) if ends_in_dot(path) => Some(Special::Dot),
        Some(_) => None,
    };
    let Some(name) = walk.advance()? else { return Ok(Named::Special(special.unwrap_or(Special::Root))) };
    if special.is_some() {
        return Ok(Named::Special(Special::Dot));
    }
    let slash = walk.slash;
    match walk.at {
        Position::Synthetic(mut at) => {
            at.push(name);
            // A grant's own root is no entry of any directory; other names do not exist in the synthetic tree.
            if namespace.grants.iter().any(|g| g.guest.starts_with(&at)) {
                return Ok(Named::Special(Special::Root));
            }
            Ok(Named::Synthetic)
        }
        Position::File(_) => Err(Errno::ENOTDIR),
        Position::Grant { grant, entered, mut below, known } => {
            let covers = known.is_some_and(|mut k| {
                k.push(name.clone());
                namespace.grants.iter().any(|g| g.guest == k)
            });
            if covers {
                return Ok(Named::Special(Special::Root));
            }
            let dir = DirFd::Owned(below.pop().unwrap_or(entered));
            Ok(Named::Entry(Entry { grant, dir, name: c_name(&name, slash)? }))
        }
    }
}

/// Whether the last component is `.`, which [`components`] leaves out.
fn ends_in_dot(path: &[u8]) -> bool {
    let slashes = path.iter().rev().take_while(|&&b| b == b'/').count();
    let trimmed = &path[..path.len() - slashes];
    trimmed == b"." || trimmed.ends_with(b"/.")
}

fn c_name(name: &[u8], slash: bool) -> Result<CString> {
    let mut bytes = name.to_vec();
    if slash {
        bytes.push(b'/');
    }
    sys::cstring(&bytes)
}

impl<'n> Walk<'n> {
    fn new(namespace: &'n Namespace, start: Start, path: &[u8]) -> Result<Walk<'n>> {
        let (at, leave) = match start {
            Start::Root => (None, Leave::Namespace),
            Start::Synthetic(at) => (Some(Position::Synthetic(at)), Leave::Namespace),
            Start::Dir(grant, entered, leave) => {
                (Some(Position::Grant { grant, entered, below: Vec::new(), known: None }), leave)
            }
        };
        let at = match at {
            Some(at) => at,
            None => root_of(namespace)?,
        };
        let mut walk = Walk { namespace, at, pending: Vec::new(), slash: false, links: 0, leave };
        walk.push(path)?;
        Ok(walk)
    }

    /// Puts a path before what is still to go.
    fn push(&mut self, path: &[u8]) -> Result<()> {
        if self.pending.is_empty() {
            self.slash = path.ends_with(b"/") || ends_in_dot(path) || self.slash;
        }
        self.pending.extend(components(path).rev().map(<[u8]>::to_vec));
        if self.pending.len() > MAX_PENDING { Err(Errno::ENAMETOOLONG) } else { Ok(()) }
    }

    /// Goes on until one ordinary component is left and gives it, or `None` where the walk ends at a directory.
    fn advance(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            match self.pending.pop() {
                None => return Ok(None),
                Some(name) if name == b".." => self.up()?,
                Some(name) if self.pending.is_empty() => return Ok(Some(name)),
                Some(name) => self.down(name)?,
            }
        }
    }

    /// Steps into a directory, or replaces a symbolic link by its text.
    fn down(&mut self, name: Vec<u8>) -> Result<()> {
        if let Some(at) = self.mounted(&name)? {
            self.at = at;
            return Ok(());
        }
        let Position::Grant { below, entered, known, .. } = &mut self.at else { return Err(self.missing(&name)) };
        let c_name = sys::cstring(&name)?;
        let dir = below.last().unwrap_or(entered).as_fd();
        match resolve(dir, &c_name, libc::O_PATH | libc::O_DIRECTORY, 0, STEP) {
            Ok(fd) => {
                below.push(fd);
                if let Some(known) = known {
                    known.push(name);
                }
                Ok(())
            }
            Err(Errno::ELOOP) => {
                let text = read_link(dir, &c_name)?;
                self.link(&text)
            }
            Err(errno) => Err(errno),
        }
    }

    /// The grant, or the synthetic directory, that the guest's tree has at a name below the position.
    fn mounted(&self, name: &[u8]) -> Result<Option<Position>> {
        let mut at = match &self.at {
            Position::Synthetic(at) => at.clone(),
            Position::Grant { known: Some(known), grant, .. } if grant.covered => known.clone(),
            _ => return Ok(None),
        };
        at.push(name.to_vec());
        if let Some(grant) = self.namespace.grants.iter().find(|g| g.guest == at) {
            return enter(grant).map(Some);
        }
        let above = self.namespace.grants.iter().any(|g| g.guest.starts_with(&at));
        Ok((above && matches!(self.at, Position::Synthetic(_))).then_some(Position::Synthetic(at)))
    }

    /// What stands for a name that the position has nothing below.
    fn missing(&self, name: &[u8]) -> Errno {
        let Position::Synthetic(at) = &self.at else { return Errno::ENOTDIR };
        self.namespace.report_ungranted(at, name);
        Errno::ENOENT
    }

    /// Goes on with the text of a symbolic link.
    fn link(&mut self, text: &[u8]) -> Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::ELOOP);
        }
        if text.is_empty() {
            return Err(Errno::ENOENT);
        }
        if text[0] == b'/' {
            if self.leave != Leave::Namespace {
                return Err(Errno::EXDEV);
            }
            self.at = root_of(self.namespace)?;
        }
        self.push(text)
    }

    fn up(&mut self) -> Result<()> {
        let (grant, start) = match &mut self.at {
            Position::File(_) => return Err(Errno::ENOTDIR),
            Position::Synthetic(at) => {
                at.pop();
                return Ok(());
            }
            Position::Grant { below, known, grant, entered } => {
                if let Some(known) = known {
                    known.pop();
                }
                if below.pop().is_some() {
                    return Ok(());
                }
                (grant.clone(), entered)
            }
        };
        let stat = sys::fstat(start.as_fd())?;
        if (stat.st_dev, stat.st_ino) != grant.id {
            *start = parent_below(&grant, start.as_fd())?;
            return Ok(());
        }
        if self.leave != Leave::Namespace {
            return Err(Errno::EXDEV);
        }
        // The parent's components are walked from the guest's root, before what is still to go.
        let parent = grant.guest.len().saturating_sub(1);
        self.at = root_of(self.namespace)?;
        self.pending.extend(grant.guest[..parent].iter().rev().cloned());
        Ok(())
    }

    /// Opens the last component; `None` where it was a link and the walk goes on.
    fn open_last(&mut self, name: &[u8], flags: i32, mode: u32) -> Result<Option<Object>> {
        if let Some(at) = self.mounted(name)? {
            self.at = at;
            return self.open_here(flags).map(Some);
        }
        let Position::Grant { grant, entered, below, .. } = &self.at else {
            let creates = flags & libc::O_CREAT != 0 && matches!(self.at, Position::Synthetic(_));
            let missing = self.missing(name);
            return Err(if creates { Errno::EROFS } else { missing });
        };
        let dir = below.last().unwrap_or(entered).as_fd();
        let c_name = c_name(name, self.slash)?;
        match open_in(grant, dir, &c_name, flags, mode, STEP) {
            Ok(fd) => Ok(Some(Object::Real(grant.clone(), fd))),
            Err(Errno::ELOOP) if flags & libc::O_NOFOLLOW == 0 || self.slash => {
                let exclusive = libc::O_CREAT | libc::O_EXCL;
                if flags & exclusive == exclusive {
                    return Err(Errno::EEXIST);
                }
                let text = read_link(dir, &sys::cstring(name)?)?;
                self.link(&text)?;
                Ok(None)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Opens the directory that the walk has ended in.
    fn open_here(&mut self, flags: i32) -> Result<Object> {
        match &self.at {
            Position::Synthetic(_) if flags & libc::O_CREAT != 0 => Err(Errno::EISDIR),
            Position::Synthetic(at) => Ok(Object::Synthetic(at.clone())),
            Position::File(_) if self.slash => Err(Errno::ENOTDIR),
            Position::File(grant) => open_file(grant, grant.file.as_deref().unwrap_or(c"."), flags),
            Position::Grant { grant, entered, below, .. } => {
                let dir = below.last().unwrap_or(entered).as_fd();
                open_in(grant, dir, c".", flags, 0, STEP).map(|fd| Object::Real(grant.clone(), fd))
            }
        }
    }
}

/// The guest's root: a grant, or the synthetic tree.
fn root_of(namespace: &Namespace) -> Result<Position> {
    match namespace.grants.iter().find(|g| g.guest.is_empty()) {
        Some(grant) => enter(grant),
        None => Ok(Position::Synthetic(Vec::new())),
    }
}

fn enter(grant: &Arc<Grant>) -> Result<Position> {
    if grant.file.is_some() {
        return Ok(Position::File(grant.clone()));
    }
    let entered = sys::dup(grant.root.as_fd())?;
    Ok(Position::Grant { grant: grant.clone(), entered, below: Vec::new(), known: Some(grant.guest.clone()) })
}

fn read_link(dir: BorrowedFd<'_>, name: &CStr) -> Result<Vec<u8>> {
    let mut buf = vec![0; libc::PATH_MAX as usize];
    match sys::readlinkat(dir, name, &mut buf) {
        Ok(len) => {
            buf.truncate(len);
            Ok(buf)
        }
        // It was a link a moment ago, so somebody is renaming here.
        Err(Errno::EINVAL) => Err(Errno::EAGAIN),
        Err(errno) => Err(errno),
    }
}

/// The parent of a directory, if it lies below the grant's root.
fn parent_below(grant: &Grant, dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    let parent = sys::open_parent(dir)?;
    let mut probe = sys::dup(parent.as_fd())?;
    let mut last = (0, 0);
    for _ in 0..MAX_CLIMB {
        let stat = sys::fstat(probe.as_fd())?;
        let id = (stat.st_dev, stat.st_ino);
        if id == grant.id {
            return Ok(parent);
        }
        if id == last {
            break;
        }
        last = id;
        probe = sys::open_parent(probe.as_fd())?;
    }
    Err(Errno::EXDEV)
}
