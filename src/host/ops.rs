//! Operations on paths, once for both ABIs. Descriptors need none: their calls go straight to the host's.

use super::errno::Errno;
use super::fd::File;
use super::path::{GuestPath, Special};
use super::resolve::{Base, Entry, Grant, Named, Namespace, Object};
use super::state::Host;
use super::sys::{self, Result, Stat, StatFs, TimeSpec, XattrTarget};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// What an operation is about to do to a name, which decides the error where it cannot be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameOp {
    Create,
    Unlink,
    Rmdir,
    Rename,
}

impl NameOp {
    /// What Linux answers where the last component names no entry of its own.
    fn special(self, special: Special) -> Errno {
        match (self, special) {
            (NameOp::Create, _) => Errno::EEXIST,
            (NameOp::Unlink, _) => Errno::EISDIR,
            (NameOp::Rmdir, Special::Dot) => Errno::EINVAL,
            (NameOp::Rmdir, Special::DotDot) => Errno::ENOTEMPTY,
            (NameOp::Rmdir | NameOp::Rename, _) => Errno::EBUSY,
        }
    }
}

/// Finds the directory and name that an operation changes, and refuses what cannot be changed.
fn entry<'a>(ns: &'a Namespace, base: Base<'a>, path: &mut GuestPath, op: NameOp) -> Result<Entry<'a>> {
    match ns.entry(base, path)? {
        Named::Special(special) => Err(op.special(special)),
        Named::Synthetic if op == NameOp::Create => Err(Errno::EROFS),
        Named::Synthetic => Err(Errno::ENOENT),
        Named::Entry(entry) if !entry.grant.read_only => Ok(entry),
        Named::Entry(entry) => {
            let found = sys::fstatat(entry.dir.as_fd(), &entry.name, libc::AT_SYMLINK_NOFOLLOW).is_ok();
            Err(if op == NameOp::Create && found { Errno::EEXIST } else { Errno::EROFS })
        }
    }
}

/// The object that a path stands for, where the synthetic tree will not do.
fn real(ns: &Namespace, base: Base<'_>, path: &mut GuestPath, follow: bool) -> Result<(Arc<Grant>, OwnedFd)> {
    match ns.object(base, path, follow)? {
        Object::Real(grant, fd) => Ok((grant, fd)),
        Object::Synthetic(_) => Err(Errno::EROFS),
    }
}

/// As [`real`], for a change: EROFS where the grant is read-only.
fn writable(ns: &Namespace, base: Base<'_>, path: &mut GuestPath, follow: bool) -> Result<OwnedFd> {
    let (grant, fd) = real(ns, base, path, follow)?;
    grant.writable()?;
    Ok(fd)
}

/// Opens a file with open flags of the host.
pub fn open(host: &Host, base: Base<'_>, path: &mut GuestPath, flags: i32, mode: u32) -> Result<File> {
    let (flags, mode) = opening(host, flags, mode)?;
    match host.blocking(|| host.namespace.open_path(base, path, flags, mode))? {
        Object::Real(grant, fd) => Ok(File::granted(grant, fd, flags & libc::O_PATH != 0)),
        Object::Synthetic(_) if flags & libc::O_ACCMODE != libc::O_RDONLY => Err(Errno::EISDIR),
        Object::Synthetic(at) => Ok(File::synthetic(at)),
    }
}

/// The same of an absolute path that [`Namespace::open_spelled`](super::resolve::Namespace::open_spelled) takes; `None` of all others.
#[inline]
pub fn open_spelled(host: &Host, path: &CStr, flags: i32, mode: u32) -> Option<Result<Arc<File>>> {
    let (flags, mode) = match opening(host, flags, mode) {
        Ok(how) => how,
        Err(errno) => return Some(Err(errno)),
    };
    let file = |(grant, fd): (&Arc<Grant>, _)| Arc::new(File::granted(grant.clone(), fd, flags & libc::O_PATH != 0));
    let opened = host.blocking(|| host.namespace.open_spelled(path, flags, mode).transpose());
    opened.transpose().map(|opened| opened.map(file))
}

/// How the host opens what a guest opens so.
#[inline]
fn opening(host: &Host, flags: i32, mode: u32) -> Result<(i32, u32)> {
    if flags & libc::O_ACCMODE == libc::O_ACCMODE {
        return Err(Errno::EINVAL);
    }
    Ok((flags | libc::O_NOCTTY | libc::O_CLOEXEC, mode & 0o7777 & !host.umask()))
}

/// Attributes of a directory of the synthetic tree.
pub fn synthetic_stat(at: &[Vec<u8>]) -> Result<Stat> {
    // A directory's attributes of this kind exist on every host; what identifies it is made up.
    let mut stat = sys::fstat(sys::open_trusted(c"/", libc::O_PATH)?.as_fd())?;
    let [uid, _, gid, _] = sys::identity();
    stat.st_dev = 0;
    stat.st_ino = at.iter().flatten().fold(1, |hash: u64, &b| hash.wrapping_mul(0x0100_0000_01b3) ^ u64::from(b));
    stat.st_mode = libc::S_IFDIR | 0o555;
    stat.st_nlink = 2;
    (stat.st_uid, stat.st_gid) = (uid, gid);
    (stat.st_size, stat.st_blocks) = (0, 0);
    (stat.st_atime, stat.st_mtime, stat.st_ctime) = (0, 0, 0);
    (stat.st_atime_nsec, stat.st_mtime_nsec, stat.st_ctime_nsec) = (0, 0, 0);
    Ok(stat)
}

/// Attributes of what a path stands for.
pub fn stat(host: &Host, base: Base<'_>, path: &mut GuestPath, follow: bool) -> Result<Stat> {
    match host.namespace.stat(base, path, follow)? {
        Ok(stat) => Ok(stat),
        Err(at) => synthetic_stat(&at),
    }
}

/// Attributes of an open file.
#[inline]
pub fn stat_file(file: &File) -> Result<Stat> {
    match file.fd() {
        Ok(fd) => sys::fstat(fd),
        Err(_) => synthetic_stat(file.synthetic_path()),
    }
}

/// Makes a directory.
pub fn mkdir(host: &Host, base: Base<'_>, path: &mut GuestPath, mode: u32) -> Result<()> {
    let entry = entry(&host.namespace, base, path, NameOp::Create)?;
    sys::mkdirat(entry.dir.as_fd(), &entry.name, mode & 0o7777 & !host.umask())
}

/// Makes a file, pipe, socket or, where the policy allows it, device node.
pub fn mknod(host: &Host, base: Base<'_>, path: &mut GuestPath, mode: u32, dev: u64) -> Result<()> {
    let entry = entry(&host.namespace, base, path, NameOp::Create)?;
    if matches!(mode & libc::S_IFMT, libc::S_IFCHR | libc::S_IFBLK) && !host.devices {
        return Err(Errno::EPERM);
    }
    let mode = mode & libc::S_IFMT | mode & 0o7777 & !host.umask();
    sys::mknodat(entry.dir.as_fd(), &entry.name, mode, dev)
}

/// Removes a name that is no directory.
pub fn unlink(host: &Host, base: Base<'_>, path: &mut GuestPath) -> Result<()> {
    let entry = entry(&host.namespace, base, path, NameOp::Unlink)?;
    sys::unlinkat(entry.dir.as_fd(), &entry.name, 0)
}

/// Removes a directory.
pub fn rmdir(host: &Host, base: Base<'_>, path: &mut GuestPath) -> Result<()> {
    let entry = entry(&host.namespace, base, path, NameOp::Rmdir)?;
    sys::unlinkat(entry.dir.as_fd(), &entry.name, libc::AT_REMOVEDIR)
}

/// Renames; `flags` are `RENAME_NOREPLACE` and `RENAME_EXCHANGE`.
pub fn rename(host: &Host, from: (Base<'_>, &mut GuestPath), to: (Base<'_>, &mut GuestPath), flags: u32) -> Result<()> {
    if flags & !(libc::RENAME_NOREPLACE | libc::RENAME_EXCHANGE) != 0 {
        return Err(Errno::EINVAL);
    }
    let from = entry(&host.namespace, from.0, from.1, NameOp::Rename)?;
    let to = entry(&host.namespace, to.0, to.1, NameOp::Rename)?;
    sys::renameat2(from.dir.as_fd(), &from.name, to.dir.as_fd(), &to.name, flags)
}

/// Makes a hard link. Across grants it fails as across mounts: else a file of a read-only grant could be
/// written through its new name.
pub fn link(host: &Host, from: (Base<'_>, &mut GuestPath), to: (Base<'_>, &mut GuestPath), follow: bool) -> Result<()> {
    let slash = from.1.bytes().ends_with(b"/");
    let to = entry(&host.namespace, to.0, to.1, NameOp::Create)?;
    if follow || slash {
        let (grant, fd) = real(&host.namespace, from.0, from.1, follow)?;
        same_grant(&grant, &to.grant)?;
        return sys::link_fd(fd.as_fd(), to.dir.as_fd(), &to.name);
    }
    match host.namespace.entry(from.0, from.1)? {
        Named::Entry(from) => {
            same_grant(&from.grant, &to.grant)?;
            sys::linkat(from.dir.as_fd(), &from.name, to.dir.as_fd(), &to.name)
        }
        Named::Special(_) => Err(Errno::EPERM),
        Named::Synthetic => Err(Errno::ENOENT),
    }
}

fn same_grant(a: &Arc<Grant>, b: &Arc<Grant>) -> Result<()> {
    if Arc::ptr_eq(a, b) { Ok(()) } else { Err(Errno::EXDEV) }
}

/// Makes a symbolic link. Any text will do: it is resolved in the guest's namespace.
pub fn symlink(host: &Host, target: &CStr, base: Base<'_>, path: &mut GuestPath) -> Result<()> {
    let entry = entry(&host.namespace, base, path, NameOp::Create)?;
    if target.is_empty() {
        return Err(Errno::ENOENT);
    }
    sys::symlinkat(target, entry.dir.as_fd(), &entry.name)
}

/// Reads a symbolic link.
pub fn readlink(host: &Host, base: Base<'_>, path: &mut GuestPath, buf: &mut [u8]) -> Result<usize> {
    if buf.is_empty() {
        return Err(Errno::EINVAL);
    }
    if let Some((_, dir, name)) = host.namespace.plain(base, path)? {
        return sys::readlinkat(dir, name, buf);
    }
    match host.namespace.object(base, path, false)? {
        // The kernel answers ENOENT where an empty name meets something other than a link.
        Object::Real(_, fd) => sys::readlinkat(fd.as_fd(), c"", buf).map_err(|errno| match errno {
            Errno::ENOENT => Errno::EINVAL,
            other => other,
        }),
        Object::Synthetic(_) => Err(Errno::EINVAL),
    }
}

/// Changes permissions.
pub fn chmod(host: &Host, base: Base<'_>, path: &mut GuestPath, mode: u32, follow: bool) -> Result<()> {
    sys::chmod_path(writable(&host.namespace, base, path, follow)?.as_fd(), mode & 0o7777)
}

/// Changes owner and group.
pub fn chown(host: &Host, base: Base<'_>, path: &mut GuestPath, ids: (u32, u32), follow: bool) -> Result<()> {
    sys::fchown(writable(&host.namespace, base, path, follow)?.as_fd(), ids.0, ids.1)
}

/// Checks permissions.
pub fn access(host: &Host, base: Base<'_>, path: &mut GuestPath, mode: i32, flags: i32) -> Result<()> {
    if mode & !(libc::R_OK | libc::W_OK | libc::X_OK) != 0 {
        return Err(Errno::EINVAL);
    }
    match host.namespace.object(base, path, flags & libc::AT_SYMLINK_NOFOLLOW == 0)? {
        Object::Synthetic(_) if mode & libc::W_OK != 0 => Err(Errno::EROFS),
        Object::Synthetic(_) => Ok(()),
        Object::Real(grant, fd) => {
            if mode & libc::W_OK != 0 {
                grant.writable()?;
            }
            sys::access_fd(fd.as_fd(), mode, flags & libc::AT_EACCESS)
        }
    }
}

/// Sets the times of what a path stands for.
pub fn utimens(
    host: &Host,
    base: Base<'_>,
    path: &mut GuestPath,
    times: Option<&[TimeSpec; 2]>,
    follow: bool,
) -> Result<()> {
    sys::utimens_path(writable(&host.namespace, base, path, follow)?.as_fd(), times)
}

/// Sets a file's size.
pub fn truncate(host: &Host, base: Base<'_>, path: &mut GuestPath, len: i64) -> Result<()> {
    sys::truncate_path(writable(&host.namespace, base, path, true)?.as_fd(), len)
}

/// Describes the filesystem of what a path stands for.
pub fn statfs(host: &Host, base: Base<'_>, path: &mut GuestPath) -> Result<StatFs> {
    let (grant, fd) = match host.namespace.object(base, path, true)? {
        Object::Real(grant, fd) => (Some(grant), fd),
        Object::Synthetic(_) => (None, sys::open_trusted(c"/", libc::O_PATH)?),
    };
    mark_read_only(sys::fstatfs(fd.as_fd())?, grant.as_ref())
}

/// Describes the filesystem of an open file.
pub fn statfs_file(file: &File) -> Result<StatFs> {
    match file.fd() {
        Ok(fd) => mark_read_only(sys::fstatfs(fd)?, file.grant()),
        Err(_) => mark_read_only(sys::fstatfs(sys::open_trusted(c"/", libc::O_PATH)?.as_fd())?, None),
    }
}

/// `ST_RDONLY` in `f_flags`; the same on every architecture.
const ST_RDONLY: i64 = 1;

fn mark_read_only(mut fs: StatFs, grant: Option<&Arc<Grant>>) -> Result<StatFs> {
    match grant {
        Some(grant) if grant.read_only => fs.f_flags |= ST_RDONLY,
        Some(_) => {}
        None => {
            // The synthetic tree stores nothing; what it reports of the host's root is its block size.
            (fs.f_blocks, fs.f_bfree, fs.f_bavail, fs.f_files, fs.f_ffree) = (0, 0, 0, 0, 0);
            fs.f_flags |= ST_RDONLY;
        }
    }
    Ok(fs)
}

/// Runs `act` on the extended attributes of what a path stands for.
pub fn with_xattrs<R>(
    host: &Host,
    base: Base<'_>,
    path: &mut GuestPath,
    (follow, write): (bool, bool),
    act: impl FnOnce(XattrTarget<'_>) -> Result<R>,
) -> Result<R> {
    match host.namespace.object(base, path, follow)? {
        Object::Real(grant, fd) => {
            if write {
                grant.writable()?;
            }
            act(XattrTarget::Path(fd.as_fd()))
        }
        Object::Synthetic(_) => Err(if write { Errno::EROFS } else { Errno::EOPNOTSUPP }),
    }
}

/// Whether a guest may change an attribute: what users may set, and access lists. The other names carry privileges
/// of the host (capabilities, labels).
pub fn xattr_may_change(name: &[u8]) -> bool {
    name.starts_with(b"user.") || name.starts_with(b"system.posix_acl_")
}

/// The object behind the path of a socket that the guest wants to reach, which needs a grant that may be written to.
pub fn socket_target(host: &Host, base: Base<'_>, path: &mut GuestPath) -> Result<OwnedFd> {
    writable(&host.namespace, base, path, true)
}

/// Gives the directory and name where a socket is to be bound to an action, and the new socket its mode.
pub fn bind_socket(
    host: &Host,
    base: Base<'_>,
    path: &mut GuestPath,
    bind: impl FnOnce(BorrowedFd<'_>, &[u8]) -> Result<()>,
) -> Result<()> {
    let entry = match entry(&host.namespace, base, path, NameOp::Create) {
        Err(Errno::EEXIST) => return Err(Errno::EADDRINUSE),
        other => other?,
    };
    let dir = entry.dir.as_fd();
    bind(dir, entry.name.to_bytes())?;
    let made = sys::openat2(dir, &entry.name, libc::O_PATH | libc::O_NOFOLLOW, 0, libc::RESOLVE_BENEATH)?;
    sys::chmod_path(made.as_fd(), 0o777 & !host.umask())
}

/// The object that a guest wants to watch.
pub fn watch_target(host: &Host, base: Base<'_>, path: &mut GuestPath, follow: bool) -> Result<OwnedFd> {
    match real(&host.namespace, base, path, follow) {
        Ok((_, fd)) => Ok(fd),
        Err(Errno::EROFS) => Err(Errno::EACCES),
        Err(errno) => Err(errno),
    }
}
