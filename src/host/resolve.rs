//! The guest's namespace: granted directories as open descriptors, and the resolution of paths in it.
//!
//! Every access goes through `openat2` with `RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS` on a descriptor that was opened
//! for a grant, so the kernel itself keeps the walk inside, whatever is renamed meanwhile. No decision about
//! permission is made on the text of a path: text only selects the grant that an absolute path begins in.
//!
//! Meaning of paths:
//! - The guest's root is a synthetic, read-only tree that holds the directories above the grants; an absolute path
//!   belongs to the grant with the longest guest path that its leading components spell.
//! - A path that leaves its grant, by `..` or through an absolute symbolic link, goes on in the *guest's* namespace:
//!   what it reaches is another grant (with that grant's rights), the synthetic tree, or ENOENT; never the host.
//!   The kernel reports such a path as EXDEV; [`super::walk`] then takes it component by component. A relative path
//!   from a directory descriptor of the guest stays within that descriptor's grant: leaving it is EXDEV.
//! - Operations on the last component itself (unlink, rename, mkdir ...) resolve the parent and act on the name.
//! - A grant's root cannot be removed or renamed (EBUSY), as a mount point cannot.
//! - A read-only grant refuses every write with EROFS.

use super::devices;
use super::errno::Errno;
use super::path::{GuestPath, Special, Split, components};
use super::policy::{DirGrant, Policy, PolicyError, show};
use super::sys::{self, Result};
use super::walk::{self, Start};
use std::ffi::{CStr, CString};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How every path of a guest is resolved by the kernel.
pub(super) const RESOLVE: u64 = libc::RESOLVE_BENEATH | libc::RESOLVE_NO_MAGICLINKS;

/// How often a walk is repeated when the kernel says that a rename disturbed it.
const DISTURBED_RETRIES: usize = 64;

/// A granted directory or file, open.
#[derive(Debug)]
pub struct Grant {
    /// The directory; of a granted file, the directory that holds it.
    pub(super) root: OwnedFd,
    /// The name in `root` of a granted file.
    pub(super) file: Option<CString>,
    /// Where the guest sees it, component by component.
    pub(super) guest: Vec<Vec<u8>>,
    /// Whether writes are refused.
    pub(super) read_only: bool,
    /// A device of `devices`: it is written although its attributes cannot be changed.
    pub(super) device: bool,
    /// Whether another grant lies below this one in the guest's tree, so that text must be compared on the way.
    pub(super) covered: bool,
    /// Device and inode of the root.
    pub(super) id: (u64, u64),
}

/// All that the guest sees of the host's files.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// What was granted, and behind that the standard devices.
    pub(super) grants: Vec<Arc<Grant>>,
    /// How many were granted.
    granted: usize,
    /// The directories that no other grant hides a part of, and the one that was asked for last.
    spelled: Arc<[Spelled]>,
    recent: Arc<AtomicUsize>,
    /// Whether the user was told of a path that no grant shows.
    reported: Arc<AtomicBool>,
}

/// A granted directory, and how the paths below it begin if they are spelled plainly: with its guest path and a slash.
#[derive(Debug)]
struct Spelled {
    start: Vec<u8>,
    grant: Arc<Grant>,
}

/// Where a relative path begins.
#[derive(Clone, Copy)]
pub enum Base<'a> {
    /// A directory of a grant, by descriptor.
    Dir(&'a Arc<Grant>, BorrowedFd<'a>),
    /// As `Dir`, but the path may leave the grant: the guest's current directory.
    Cwd(&'a Arc<Grant>, BorrowedFd<'a>),
    /// As `Dir`, but the path must not leave this very directory: WASI's rule.
    Confined(&'a Arc<Grant>, BorrowedFd<'a>),
    /// A directory of the synthetic tree.
    Synthetic(&'a [Vec<u8>]),
}

/// What a path stands for.
#[derive(Debug)]
pub enum Object {
    /// A file of the host, by descriptor.
    Real(Arc<Grant>, OwnedFd),
    /// A directory of the synthetic tree above the grants.
    Synthetic(Vec<Vec<u8>>),
}

/// A directory that is borrowed, or was opened for the operation.
#[derive(Debug)]
pub enum DirFd<'a> {
    /// Somebody else's.
    Borrowed(BorrowedFd<'a>),
    /// Ours.
    Owned(OwnedFd),
}

impl AsFd for DirFd<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            DirFd::Borrowed(fd) => *fd,
            DirFd::Owned(fd) => fd.as_fd(),
        }
    }
}

/// A name in a directory: what unlink, rename, mkdir and their like act on.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The grant that the directory lies in.
    pub grant: Arc<Grant>,
    /// The directory.
    pub dir: DirFd<'a>,
    /// One component, perhaps with trailing slashes.
    pub name: CString,
}

/// What the last component of a path is to an operation that acts on names.
#[derive(Debug)]
pub enum Named<'a> {
    /// An entry of a granted directory.
    Entry(Entry<'a>),
    /// `.`, `..`, or a grant's root.
    Special(Special),
    /// A directory of the synthetic tree.
    Synthetic,
}

/// The place where the kernel's part of a path begins.
struct Located<'a> {
    grant: &'a Arc<Grant>,
    dir: BorrowedFd<'a>,
    /// Where the rest begins in the path.
    offset: usize,
    /// Whether `dir` is the grant's root.
    at_root: bool,
    /// What a walk may do when the path leads out.
    leave: Leave,
}

/// Whether a path may leave the grant that it begins in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Yes, within the guest's namespace.
    Namespace,
    /// Not the grant.
    Grant,
    /// Not even the directory.
    Directory,
}

impl Namespace {
    /// Opens every granted directory.
    pub fn open(policy: &Policy) -> std::result::Result<Namespace, PolicyError> {
        if !policy.dirs.is_empty()
            && let Err(errno) = sys::probe_openat2()
        {
            return Err(PolicyError(format!(
                "this kernel cannot confine file access (openat2: {errno}); Linux 5.6 or later is needed for --dir"
            )));
        }
        refuse_writable_overlap(&policy.dirs)?;
        let mut grants = Vec::new();
        for dir in &policy.dirs {
            let nested = |other: &DirGrant| is_below(&other.guest, &dir.guest);
            grants.push(Arc::new(open_grant(dir, policy.dirs.iter().any(nested))?));
        }
        let granted = grants.len();
        if policy.standard_devices {
            grants.extend(devices::grants(&grants));
        }
        let spelled = spelled(&grants).into();
        Ok(Namespace { grants, granted, spelled, recent: Arc::default(), reported: Arc::default() })
    }

    /// As [`Namespace::open_path`] of an absolute path that lies below a grant, is spelled plainly, and does not lead out again; `None` of all
    /// others. Takes the path where it lies, so that most files are opened without a copy.
    pub fn open_spelled(&self, path: &CStr, flags: i32, mode: u32) -> Option<Result<(&Arc<Grant>, OwnedFd)>> {
        let recent = self.recent.load(Ordering::Relaxed);
        let found = match self.spelled.get(recent).and_then(|spelled| spelled.rest(path)) {
            Some(rest) => Some((recent, rest)),
            None => self.spelled.iter().enumerate().find_map(|(at, spelled)| Some((at, spelled.rest(path)?))),
        };
        let (at, rest) = found?;
        if at != recent {
            self.recent.store(at, Ordering::Relaxed);
        }
        let grant = &self.spelled[at].grant;
        match open_in(grant, grant.root.as_fd(), rest, flags, mode, RESOLVE) {
            Err(Errno::EXDEV) => None,
            other => Some(other.map(|fd| (grant, fd))),
        }
    }

    /// The grants, in the order in which they were given; without the standard devices.
    pub fn grants(&self) -> &[Arc<Grant>] {
        &self.grants[..self.granted]
    }

    /// Opens a path with open flags of the host. Special files of the synthetic tree come back as such.
    pub fn open_path(&self, base: Base<'_>, path: &mut GuestPath, flags: i32, mode: u32) -> Result<Object> {
        let Some(at) = self.locate(base, path)? else { return self.walk_open(base, path, flags, mode) };
        let rest = path.rest(at.offset);
        if let Some(name) = &at.grant.file {
            return if at.offset < path.bytes().len() { Err(Errno::ENOTDIR) } else { open_file(at.grant, name, flags) };
        }
        if at.grant.covered && at.leave == Leave::Namespace {
            return self.walk_open(base, path, flags, mode);
        }
        match open_in(at.grant, at.dir, rest, flags, mode, RESOLVE) {
            Ok(fd) => Ok(Object::Real(at.grant.clone(), fd)),
            Err(Errno::EXDEV) if at.leave != Leave::Directory => self.walk_open(base, path, flags, mode),
            Err(errno) => Err(errno),
        }
    }

    /// The object that a path stands for, as an `O_PATH` descriptor.
    pub fn object(&self, base: Base<'_>, path: &mut GuestPath, follow: bool) -> Result<Object> {
        let flags = if follow { libc::O_PATH } else { libc::O_PATH | libc::O_NOFOLLOW };
        self.open_path(base, path, flags, 0)
    }

    /// The directory and the name of a path of one component: that needs no walk, as the kernel looks the name up without
    /// following it, in calls that do not follow.
    pub fn plain<'a>(
        &'a self,
        base: Base<'a>,
        path: &'a GuestPath,
    ) -> Result<Option<(&'a Arc<Grant>, BorrowedFd<'a>, &'a CStr)>> {
        let at = self
            .locate(base, path)?
            .filter(|at| at.grant.file.is_none() && !at.grant.covered && is_plain_name(&path.bytes()[at.offset..]));
        Ok(at.map(|at| (at.grant, at.dir, path.rest(at.offset))))
    }

    /// Attributes of what a path stands for; `Err(path)` of the synthetic tree.
    pub fn stat(
        &self,
        base: Base<'_>,
        path: &mut GuestPath,
        follow: bool,
    ) -> Result<std::result::Result<sys::Stat, Vec<Vec<u8>>>> {
        if let Some((_, dir, name)) = self.plain(base, path)? {
            let stat = sys::fstatat(dir, name, libc::AT_SYMLINK_NOFOLLOW)?;
            if !follow || stat.st_mode & libc::S_IFMT != libc::S_IFLNK {
                return Ok(Ok(stat));
            }
        }
        match self.object(base, path, follow)? {
            Object::Real(_, fd) => sys::fstat(fd.as_fd()).map(Ok),
            Object::Synthetic(at) => Ok(Err(at)),
        }
    }

    /// The parent directory and last name of a path.
    pub fn entry<'a>(&'a self, base: Base<'a>, path: &mut GuestPath) -> Result<Named<'a>> {
        let Some(at) = self.locate(base, path)? else { return self.walk_entry(base, path) };
        if at.grant.file.is_some() {
            let beyond = at.offset < path.bytes().len();
            return if beyond { Err(Errno::ENOTDIR) } else { Ok(Named::Special(Special::Root)) };
        }
        if at.grant.covered && at.leave == Leave::Namespace {
            return self.walk_entry(base, path);
        }
        let dir = match path.split(at.offset) {
            Split::Special(Special::Root) if at.at_root => return Ok(Named::Special(Special::Root)),
            Split::Special(Special::Root) => return Ok(Named::Special(Special::Dot)),
            Split::Special(special) => return Ok(Named::Special(special)),
            Split::Name { parent: None, name } => Ok((DirFd::Borrowed(at.dir), name.to_owned())),
            Split::Name { parent: Some(parent), name } => {
                let flags = libc::O_PATH | libc::O_DIRECTORY;
                resolve(at.dir, parent, flags, 0, RESOLVE).map(|fd| (DirFd::Owned(fd), name.to_owned()))
            }
        };
        match dir {
            Ok((dir, name)) => Ok(Named::Entry(Entry { grant: at.grant.clone(), dir, name })),
            Err(Errno::EXDEV) if at.leave != Leave::Directory => {
                path.rejoin();
                self.walk_entry(base, path)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Logs once which option would show a path of the host that the guest looked for in vain. Programs look for much that is nowhere:
    /// only what the host has counts.
    pub(super) fn report_ungranted(&self, at: &[Vec<u8>], name: &[u8]) {
        if self.reported.load(Ordering::Relaxed) {
            return;
        }
        let absolute = PathBuf::from(OsString::from_vec([at.join(&b'/'), name.to_vec()].join(&b'/')));
        let absolute = Path::new("/").join(absolute.strip_prefix("/").unwrap_or(&absolute));
        let here = Path::new(OsStr::from_bytes(name));
        let (path, grant) = match (absolute.metadata(), here.exists()) {
            (Ok(found), _) if found.is_dir() => (absolute.as_path(), absolute.as_path()),
            (Ok(_), _) => (absolute.as_path(), absolute.parent().unwrap_or(&absolute)),
            // Where nothing is granted, the guest's root is all that it has for a current directory.
            (Err(_), true) if at.is_empty() => (here, Path::new(".")),
            _ => return,
        };
        if !self.reported.swap(true, Ordering::Relaxed) {
            let (path, grant) = (path.display(), grant.display());
            log::warn!("the guest was not permitted to see {path}; to permit it: --dir {grant}");
        }
    }

    /// Names directly below a directory of the synthetic tree.
    pub fn synthetic_names(&self, at: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut names: Vec<Vec<u8>> = self
            .grants
            .iter()
            .filter(|g| g.guest.len() > at.len() && g.guest.starts_with(at))
            .map(|g| g.guest[at.len()].clone())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn walk_open(&self, base: Base<'_>, path: &GuestPath, flags: i32, mode: u32) -> Result<Object> {
        walk::open(self, self.start(base, path)?, path.bytes(), flags, mode)
    }

    fn walk_entry<'a>(&'a self, base: Base<'a>, path: &GuestPath) -> Result<Named<'a>> {
        walk::entry(self, self.start(base, path)?, path.bytes())
    }

    /// Where a walk of the path begins.
    fn start(&self, base: Base<'_>, path: &GuestPath) -> Result<Start> {
        if path.is_absolute() && !matches!(base, Base::Confined(..)) {
            return Ok(Start::Root);
        }
        Ok(match base {
            Base::Dir(grant, fd) => Start::Dir(grant.clone(), sys::dup(fd)?, Leave::Grant),
            Base::Cwd(grant, fd) => Start::Dir(grant.clone(), sys::dup(fd)?, Leave::Namespace),
            Base::Confined(grant, fd) => Start::Dir(grant.clone(), sys::dup(fd)?, Leave::Directory),
            Base::Synthetic(at) => Start::Synthetic(at.to_vec()),
        })
    }

    /// Selects the descriptor that the kernel's walk begins at; `None` where the synthetic tree is involved.
    fn locate<'a>(&'a self, base: Base<'a>, path: &GuestPath) -> Result<Option<Located<'a>>> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.is_absolute() && !matches!(base, Base::Confined(..)) {
            return Ok(self.locate_absolute(path.bytes()));
        }
        Ok(match base {
            Base::Dir(grant, dir) => Some(Located { grant, dir, offset: 0, at_root: false, leave: Leave::Grant }),
            Base::Cwd(grant, dir) => Some(Located { grant, dir, offset: 0, at_root: false, leave: Leave::Namespace }),
            Base::Confined(..) if path.is_absolute() => return Err(Errno::EPERM),
            Base::Confined(grant, dir) => {
                Some(Located { grant, dir, offset: 0, at_root: false, leave: Leave::Directory })
            }
            Base::Synthetic(_) => None,
        })
    }

    fn locate_absolute(&self, path: &[u8]) -> Option<Located<'_>> {
        let mut best: Option<Located<'_>> = None;
        for grant in &self.grants {
            if best.as_ref().is_some_and(|b| b.grant.guest.len() >= grant.guest.len()) {
                continue;
            }
            if let Some(offset) = match_prefix(path, &grant.guest) {
                let dir = grant.root.as_fd();
                best = Some(Located { grant, dir, offset, at_root: true, leave: Leave::Namespace });
            }
        }
        best
    }
}

impl Grant {
    /// Where the guest sees the grant.
    pub fn guest_path(&self) -> Vec<u8> {
        join(&self.guest)
    }

    /// Whether writes are refused.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// Refuses a change below a read-only grant.
    pub fn writable(&self) -> Result<()> {
        if self.read_only { Err(Errno::EROFS) } else { Ok(()) }
    }

    /// The root directory, `None` of a granted file.
    pub fn root_dir(&self) -> Option<BorrowedFd<'_>> {
        self.file.is_none().then(|| self.root.as_fd())
    }
}

impl Spelled {
    /// What follows the start, if something does, as a path of its own.
    #[inline]
    fn rest<'p>(&self, path: &'p CStr) -> Option<&'p CStr> {
        let rest = path.to_bytes().strip_prefix(self.start.as_slice())?;
        (!matches!(rest.first(), None | Some(b'/'))).then(|| &path[self.start.len()..])
    }
}

/// The directories among the grants that show all that lies below their guest paths. Devices are granted where no other grant shows them,
/// so they lie below none.
fn spelled(grants: &[Arc<Grant>]) -> Vec<Spelled> {
    let start = |grant: &Arc<Grant>| match join(&grant.guest) {
        root if root == b"/" => root,
        path => [path.as_slice(), b"/"].concat(),
    };
    let shown = grants.iter().filter(|grant| grant.file.is_none() && !grant.covered);
    shown.map(|grant| Spelled { start: start(grant), grant: grant.clone() }).collect()
}

/// Spells components as an absolute path.
pub fn join(parts: &[Vec<u8>]) -> Vec<u8> {
    if parts.is_empty() {
        return b"/".to_vec();
    }
    parts.iter().flat_map(|p| std::iter::once(b'/').chain(p.iter().copied())).collect()
}

/// `openat2`, repeated where a rename disturbed the kernel's walk.
pub(super) fn resolve(dir: BorrowedFd<'_>, path: &CStr, flags: i32, mode: u32, how: u64) -> Result<OwnedFd> {
    for _ in 0..DISTURBED_RETRIES {
        match sys::openat2(dir, path, flags, mode, how) {
            Err(Errno::EAGAIN) => std::thread::yield_now(),
            other => return other,
        }
    }
    Err(Errno::EAGAIN)
}

/// Opens a path below a directory of a grant, with the grant's rights.
pub(super) fn open_in(
    grant: &Grant,
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    mode: u32,
    how: u64,
) -> Result<OwnedFd> {
    if !grant.read_only || flags & libc::O_PATH != 0 {
        return resolve(dir, path, flags, mode, how);
    }
    let creates = flags & libc::O_CREAT != 0;
    let writes = flags & libc::O_ACCMODE != libc::O_RDONLY || flags & libc::O_TRUNC != 0;
    if !writes && !creates && flags & libc::O_TMPFILE != libc::O_TMPFILE {
        return resolve(dir, path, flags, mode, how);
    }
    // What a read-only mount would answer: the walk's own error first, EROFS for what would have changed something.
    match resolve(dir, path, libc::O_PATH | (flags & libc::O_NOFOLLOW), 0, how) {
        Ok(_) if creates && flags & libc::O_EXCL != 0 => Err(Errno::EEXIST),
        Ok(_) if !writes => resolve(dir, path, flags & !libc::O_CREAT, 0, how),
        Ok(_) => Err(Errno::EROFS),
        Err(Errno::ENOENT) if creates => Err(Errno::EROFS),
        Err(errno) => Err(errno),
    }
}

/// Opens a granted file.
pub(super) fn open_file(grant: &Arc<Grant>, name: &CStr, flags: i32) -> Result<Object> {
    let how = RESOLVE | libc::RESOLVE_NO_SYMLINKS;
    if flags & (libc::O_CREAT | libc::O_EXCL) == libc::O_CREAT | libc::O_EXCL {
        return Err(Errno::EEXIST);
    }
    let flags = flags & !libc::O_CREAT;
    let fd = if grant.device {
        resolve(grant.root.as_fd(), name, flags, 0, how)?
    } else {
        open_in(grant, grant.root.as_fd(), name, flags, 0, how)?
    };
    Ok(Object::Real(grant.clone(), fd))
}

/// Whether a rest of a path is one component that the kernel looks up without walking anywhere.
fn is_plain_name(rest: &[u8]) -> bool {
    !rest.is_empty() && rest != b".." && rest != b"." && !rest.contains(&b'/')
}

/// Where the path goes on behind the components of `prefix`, if it begins with them.
fn match_prefix(path: &[u8], prefix: &[Vec<u8>]) -> Option<usize> {
    let mut at = 0;
    let skip = |mut at: usize| {
        while path.get(at) == Some(&b'/') || (path[at..].starts_with(b"./") || &path[at..] == b".") {
            at += 1;
        }
        at
    };
    at = skip(at);
    for part in prefix {
        let rest = path[at..].strip_prefix(part.as_slice())?;
        if !matches!(rest.first(), None | Some(b'/')) {
            return None;
        }
        at = skip(at + part.len());
    }
    Some(at)
}

/// Whether one guest path lies strictly below another.
fn is_below(inner: &[u8], outer: &[u8]) -> bool {
    let (inner, outer): (Vec<_>, Vec<_>) = (components(inner).collect(), components(outer).collect());
    inner.len() > outer.len() && inner.starts_with(&outer)
}

/// Refuses a read-only grant inside of a writable one: the guest could write it through the outer path.
fn refuse_writable_overlap(dirs: &[DirGrant]) -> std::result::Result<(), PolicyError> {
    let real = |d: &DirGrant| std::fs::canonicalize(&d.host).unwrap_or_else(|_| d.host.clone());
    for inner in dirs.iter().filter(|d| d.read_only) {
        for outer in dirs.iter().filter(|d| !d.read_only) {
            if real(inner).starts_with(real(outer)) {
                return Err(PolicyError(format!(
                    "{} is granted read-only, but {}, which contains it, is granted for writing, so the guest could \
                     write it there; grant the outer one with :ro, or leave one out",
                    inner.host.display(),
                    outer.host.display()
                )));
            }
        }
    }
    Ok(())
}

fn open_grant(dir: &DirGrant, covered: bool) -> std::result::Result<Grant, PolicyError> {
    let fail = |errno: Errno| PolicyError(format!("cannot grant {}: {errno}", dir.host.display()));
    // Links on the way to the granted place are the embedder's; from here on none leads out.
    let real = std::fs::canonicalize(&dir.host).map_err(|error| fail(error.into()))?;
    let path = sys::cstring(real.as_os_str().as_bytes()).map_err(fail)?;
    let guest: Vec<Vec<u8>> = components(&dir.guest).map(<[u8]>::to_vec).collect();
    let opened = sys::open_trusted(&path, libc::O_PATH).map_err(fail)?;
    let stat = sys::fstat(opened.as_fd()).map_err(fail)?;
    let id = (stat.st_dev, stat.st_ino);
    let read_only = dir.read_only;
    if stat.st_mode & libc::S_IFMT == libc::S_IFDIR {
        return Ok(Grant { root: opened, file: None, guest, read_only, device: false, covered, id });
    }
    if guest.is_empty() {
        return Err(PolicyError(format!(
            "{} is not a directory, so it cannot be the guest's root; write {0}::/{1}",
            dir.host.display(),
            show(real.file_name().unwrap_or_default().as_bytes())
        )));
    }
    let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else { return Err(fail(Errno::ENOTDIR)) };
    let parent = sys::cstring(parent.as_os_str().as_bytes()).map_err(fail)?;
    let root = sys::open_trusted(&parent, libc::O_PATH | libc::O_DIRECTORY).map_err(fail)?;
    let file = Some(sys::cstring(name.as_bytes()).map_err(fail)?);
    Ok(Grant { root, file, guest, read_only, device: false, covered, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_match_by_component() {
        let prefix = |p: &str| components(p.as_bytes()).map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(match_prefix(b"/data/x", &prefix("/data")), Some(6));
        assert_eq!(match_prefix(b"//./data//x", &prefix("/data")), Some(10));
        assert_eq!(match_prefix(b"/data", &prefix("/data")), Some(5));
        assert_eq!(match_prefix(b"/database", &prefix("/data")), None);
        assert_eq!(match_prefix(b"/../data", &prefix("/data")), None);
        assert_eq!(match_prefix(b"/", &prefix("/")), Some(1));
        assert_eq!(match_prefix(b"/.hidden", &prefix("/")), Some(1));
        assert_eq!(match_prefix(b"/data/.", &prefix("/data")), Some(7));
    }

    #[test]
    fn plainly_spelled_paths_find_the_grant_that_the_others_find() {
        let dir = tempfile::tempdir().unwrap();
        let layouts: [&[&str]; 4] = [&["/"], &["/", "/dev"], &["/a", "/a/b", "/ab"], &["/a/b", "/a/c", "/"]];
        let names = ["a", "b", "ab", "c", "dev", "null", "x", ".", "..", ".x", ""];
        let mut spelled = 0;
        for layout in layouts {
            let mut policy = Policy::new();
            policy.standard_devices(true);
            for guest in layout {
                policy.dir(dir.path(), guest, false).unwrap();
            }
            let namespace = Namespace::open(&policy).unwrap();
            let paths = names.iter().flat_map(|one| names.iter().map(move |two| format!("/{one}/{two}")));
            let paths = paths.flat_map(|path| names.iter().map(move |last| format!("{path}/{last}")));
            for path in paths {
                let c_path = CString::new(path.clone()).unwrap();
                for found in namespace.spelled.iter() {
                    let Some(rest) = found.rest(&c_path) else { continue };
                    let located = namespace.locate_absolute(path.as_bytes()).unwrap();
                    assert!(
                        Arc::ptr_eq(located.grant, &found.grant) && located.grant.file.is_none(),
                        "{layout:?} {path}"
                    );
                    let same = components(&path.as_bytes()[located.offset..]).eq(components(rest.to_bytes()));
                    assert!(same && !rest.to_bytes().starts_with(b"/"), "{layout:?} {path}: {rest:?}");
                    spelled += 1;
                }
            }
        }
        assert!(spelled > 1000, "{spelled}");
    }

    #[test]
    fn read_only_inside_writable_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        let mut policy = Policy::new();
        policy.dir(dir.path(), "/", false).unwrap().dir(dir.path().join("in"), "/in", true).unwrap();
        assert!(Namespace::open(&policy).unwrap_err().to_string().contains("granted for writing"));
    }
}
