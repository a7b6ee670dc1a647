//! System calls that take paths.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::layout::open_flags_to_host;
use crate::host::ops;
use crate::host::path::{GuestPath, MAX_PATH};
use crate::host::rows::rows;
use crate::host::state::AT_FDCWD;
use crate::host::sys::{self, Result, TimeSpec};
use std::sync::Arc;

/// `AT_*` flags of guests, which are Linux's.
const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
const AT_REMOVEDIR: i32 = 0x200;
const AT_SYMLINK_FOLLOW: i32 = 0x400;
const AT_EMPTY_PATH: i32 = 0x1000;

rows! { "env";
    /// Opens a file; the mode is a variable argument.
    "__syscall_open"(path: str, flags: int, va: ptr) sys = open;
    /// Opens a file relative to a directory.
    "__syscall_openat"(dirfd: fd, path: str, flags: int, va: ptr) sys = openat;
    /// Attributes of a file, following links.
    "__syscall_stat64"(path: str, buf: ptr) sys = stat;
    /// Attributes of a file or link.
    "__syscall_lstat64"(path: str, buf: ptr) sys = lstat;
    /// Attributes relative to a directory.
    "__syscall_fstatat64"(dirfd: fd, path: str, buf: ptr, flags: int) sys = fstatat;
    /// Attributes relative to a directory.
    "__syscall_newfstatat"(dirfd: fd, path: str, buf: ptr, flags: int) sys = fstatat;
    /// Makes a directory.
    "__syscall_mkdir"(path: str, mode: int) sys = mkdir;
    /// Makes a directory relative to another.
    "__syscall_mkdirat"(dirfd: fd, path: str, mode: int) sys = mkdirat;
    /// Makes a file, pipe or device node.
    "__syscall_mknod"(path: str, mode: int, dev: int) sys = mknod;
    /// Makes a file, pipe or device node relative to a directory.
    "__syscall_mknodat"(dirfd: fd, path: str, mode: int, dev: int) sys = mknodat;
    /// Removes a directory.
    "__syscall_rmdir"(path: str) sys = rmdir;
    /// Removes a file.
    "__syscall_unlink"(path: str) sys = unlink;
    /// Removes a file or directory relative to a directory.
    "__syscall_unlinkat"(dirfd: fd, path: str, flags: int) sys = unlinkat;
    /// Renames.
    "__syscall_rename"(old: str, new: str) sys = rename;
    /// Renames relative to directories.
    "__syscall_renameat"(olddir: fd, old: str, newdir: fd, new: str) sys = renameat;
    /// Renames without replacing, or exchanges.
    "__syscall_renameat2"(olddir: fd, old: str, newdir: fd, new: str, flags: int) sys = renameat2;
    /// Makes a hard link.
    "__syscall_link"(old: str, new: str) sys = hard_link;
    /// Makes a hard link relative to directories.
    "__syscall_linkat"(olddir: fd, old: str, newdir: fd, new: str, flags: int) sys = linkat;
    /// Makes a symbolic link.
    "__syscall_symlink"(target: str, path: str) sys = symlink;
    /// Makes a symbolic link relative to a directory.
    "__syscall_symlinkat"(target: str, dirfd: fd, path: str) sys = symlinkat;
    /// Reads a symbolic link.
    "__syscall_readlink"(path: str, buf: ptr, len: len) sys = readlink;
    /// Reads a symbolic link relative to a directory.
    "__syscall_readlinkat"(dirfd: fd, path: str, buf: ptr, len: len) sys = readlinkat;
    /// Changes permissions.
    "__syscall_chmod"(path: str, mode: int) sys = chmod;
    /// Changes permissions relative to a directory; older libraries pass no flags.
    "__syscall_fchmodat"(dirfd: fd, path: str, mode: int, unused: int) sys = fchmodat;
    /// Changes permissions relative to a directory.
    "__syscall_fchmodat2"(dirfd: fd, path: str, mode: int, flags: int) sys = fchmodat2;
    /// Changes owner and group.
    "__syscall_chown32"(path: str, uid: int, gid: int) sys = chown;
    /// Changes owner and group of a file or link.
    "__syscall_lchown32"(path: str, uid: int, gid: int) sys = lchown;
    /// Changes owner and group relative to a directory.
    "__syscall_fchownat"(dirfd: fd, path: str, uid: int, gid: int, flags: int) sys = fchownat;
    /// Checks permissions.
    "__syscall_access"(path: str, mode: int) sys = access;
    /// Checks permissions relative to a directory.
    "__syscall_faccessat"(dirfd: fd, path: str, mode: int, flags: int) sys = faccessat;
    /// Checks permissions relative to a directory.
    "__syscall_faccessat2"(dirfd: fd, path: str, mode: int, flags: int) sys = faccessat;
    /// Sets a file's size.
    "__syscall_truncate64"(path: str, len: off) sys = truncate;
    /// Sets the times of a file.
    "__syscall_utimensat"(dirfd: fd, path: str, times: ptr, flags: int) sys = utimensat;
    /// Describes a filesystem; the size says which structure the guest has.
    "__syscall_statfs64"(path: str, size: len, buf: ptr) sys = statfs;
    /// Changes the current directory.
    "__syscall_chdir"(path: str) sys = chdir;
    /// The current directory's path.
    "__syscall_getcwd"(buf: ptr, len: len) sys = getcwd;
}

/// Runs an operation on a path relative to a directory.
fn at<R>(
    cx: &Ctx<'_>,
    dirfd: i32,
    path: u32,
    act: impl FnOnce(&crate::host::Host, crate::host::resolve::Base<'_>, &mut GuestPath) -> Result<R>,
) -> Result<R> {
    let mut path = cx.path(path)?;
    let base = cx.base(dirfd, &mut path)?;
    act(cx.host, base, &mut path)
}

fn done(result: Result<()>) -> Result<i32> {
    result.map(|()| 0)
}

fn open(cx: &mut Ctx<'_>, path: u32, flags: i32, va: u32) -> Result<i32> {
    openat(cx, AT_FDCWD, path, flags, va)
}

fn openat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, flags: i32, va: u32) -> Result<i32> {
    let host_flags = open_flags_to_host(flags);
    let wants_mode = host_flags & libc::O_CREAT != 0 || host_flags & libc::O_TMPFILE == libc::O_TMPFILE;
    let mode = if wants_mode && va != 0 { cx.va_arg(va, 0)? } else { 0 };
    cx.host.fds.room_for(1)?;
    let spelled = cx.mem.c_str(path, MAX_PATH as u32 + 1);
    let file = match spelled.and_then(|path| ops::open_spelled(cx.host, path, host_flags, mode)) {
        Some(opened) => opened?,
        None => Arc::new(at(cx, dirfd, path, |host, base, path| ops::open(host, base, path, host_flags, mode))?),
    };
    cx.host.fds.insert(file, 0, host_flags & libc::O_CLOEXEC != 0)
}

fn stat(cx: &mut Ctx<'_>, path: u32, buf: u32) -> Result<i32> {
    fstatat(cx, AT_FDCWD, path, buf, 0)
}

fn lstat(cx: &mut Ctx<'_>, path: u32, buf: u32) -> Result<i32> {
    fstatat(cx, AT_FDCWD, path, buf, AT_SYMLINK_NOFOLLOW)
}

fn fstatat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, buf: u32, flags: i32) -> Result<i32> {
    let empty = flags & AT_EMPTY_PATH != 0 && cx.path(path)?.is_empty();
    let stat = if empty && dirfd != AT_FDCWD {
        ops::stat_file(cx.host.fds.get(dirfd)?)?
    } else {
        let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
        at(cx, dirfd, path, |host, base, path| {
            if empty {
                *path = GuestPath::new(b".")?;
            }
            ops::stat(host, base, path, follow)
        })?
    };
    cx.host.layout.store_stat(&mut cx.mem, buf, &stat)?;
    Ok(0)
}

fn mkdir(cx: &mut Ctx<'_>, path: u32, mode: i32) -> Result<i32> {
    mkdirat(cx, AT_FDCWD, path, mode)
}

fn mkdirat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, mode: i32) -> Result<i32> {
    done(at(cx, dirfd, path, |host, base, path| ops::mkdir(host, base, path, mode as u32)))
}

fn mknod(cx: &mut Ctx<'_>, path: u32, mode: i32, dev: i32) -> Result<i32> {
    mknodat(cx, AT_FDCWD, path, mode, dev)
}

fn mknodat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, mode: i32, dev: i32) -> Result<i32> {
    let dev = u64::from(dev as u32);
    done(at(cx, dirfd, path, |host, base, path| ops::mknod(host, base, path, mode as u32, dev)))
}

fn rmdir(cx: &mut Ctx<'_>, path: u32) -> Result<i32> {
    done(at(cx, AT_FDCWD, path, ops::rmdir))
}

fn unlink(cx: &mut Ctx<'_>, path: u32) -> Result<i32> {
    done(at(cx, AT_FDCWD, path, ops::unlink))
}

fn unlinkat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, flags: i32) -> Result<i32> {
    match flags {
        0 => done(at(cx, dirfd, path, ops::unlink)),
        AT_REMOVEDIR => done(at(cx, dirfd, path, ops::rmdir)),
        _ => Err(Errno::EINVAL),
    }
}

fn rename(cx: &mut Ctx<'_>, old: u32, new: u32) -> Result<i32> {
    renameat2(cx, AT_FDCWD, old, AT_FDCWD, new, 0)
}

fn renameat(cx: &mut Ctx<'_>, olddir: i32, old: u32, newdir: i32, new: u32) -> Result<i32> {
    renameat2(cx, olddir, old, newdir, new, 0)
}

fn renameat2(cx: &mut Ctx<'_>, olddir: i32, old: u32, newdir: i32, new: u32, flags: i32) -> Result<i32> {
    let (mut old, mut new) = (cx.path(old)?, cx.path(new)?);
    let from = cx.base(olddir, &mut old)?;
    let to = cx.base(newdir, &mut new)?;
    done(ops::rename(cx.host, (from, &mut old), (to, &mut new), flags as u32))
}

fn hard_link(cx: &mut Ctx<'_>, old: u32, new: u32) -> Result<i32> {
    linkat(cx, AT_FDCWD, old, AT_FDCWD, new, 0)
}

fn linkat(cx: &mut Ctx<'_>, olddir: i32, old: u32, newdir: i32, new: u32, flags: i32) -> Result<i32> {
    if flags & !AT_SYMLINK_FOLLOW != 0 {
        return Err(Errno::EINVAL);
    }
    let (mut old, mut new) = (cx.path(old)?, cx.path(new)?);
    let from = cx.base(olddir, &mut old)?;
    let to = cx.base(newdir, &mut new)?;
    done(ops::link(cx.host, (from, &mut old), (to, &mut new), flags != 0))
}

fn symlink(cx: &mut Ctx<'_>, target: u32, path: u32) -> Result<i32> {
    symlinkat(cx, target, AT_FDCWD, path)
}

fn symlinkat(cx: &mut Ctx<'_>, target: u32, dirfd: i32, path: u32) -> Result<i32> {
    let target = sys::cstring(cx.path(target)?.bytes())?;
    done(at(cx, dirfd, path, |host, base, path| ops::symlink(host, &target, base, path)))
}

fn readlink(cx: &mut Ctx<'_>, path: u32, buf: u32, len: u32) -> Result<i32> {
    readlinkat(cx, AT_FDCWD, path, buf, len)
}

fn readlinkat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, buf: u32, len: u32) -> Result<i32> {
    let mut text = [0; libc::PATH_MAX as usize];
    let room = text.len().min(len as usize);
    let found = at(cx, dirfd, path, |host, base, path| ops::readlink(host, base, path, &mut text[..room]))?;
    cx.put_truncated(buf, len, &text[..found]).map(|n| n as i32)
}

fn chmod(cx: &mut Ctx<'_>, path: u32, mode: i32) -> Result<i32> {
    fchmodat2(cx, AT_FDCWD, path, mode, 0)
}

fn fchmodat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, mode: i32, _: i32) -> Result<i32> {
    fchmodat2(cx, dirfd, path, mode, 0)
}

fn fchmodat2(cx: &mut Ctx<'_>, dirfd: i32, path: u32, mode: i32, flags: i32) -> Result<i32> {
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    done(at(cx, dirfd, path, |host, base, path| ops::chmod(host, base, path, mode as u32, follow)))
}

fn chown(cx: &mut Ctx<'_>, path: u32, uid: i32, gid: i32) -> Result<i32> {
    fchownat(cx, AT_FDCWD, path, uid, gid, 0)
}

fn lchown(cx: &mut Ctx<'_>, path: u32, uid: i32, gid: i32) -> Result<i32> {
    fchownat(cx, AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW)
}

fn fchownat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, uid: i32, gid: i32, flags: i32) -> Result<i32> {
    let ids = (uid as u32, gid as u32);
    if flags & AT_EMPTY_PATH != 0 && cx.path(path)?.is_empty() {
        let file = cx.host.fds.get(dirfd)?;
        file.writable()?;
        return done(sys::fchown(file.fd()?, ids.0, ids.1));
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    done(at(cx, dirfd, path, |host, base, path| ops::chown(host, base, path, ids, follow)))
}

fn access(cx: &mut Ctx<'_>, path: u32, mode: i32) -> Result<i32> {
    faccessat(cx, AT_FDCWD, path, mode, 0)
}

fn faccessat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, mode: i32, flags: i32) -> Result<i32> {
    done(at(cx, dirfd, path, |host, base, path| ops::access(host, base, path, mode, flags)))
}

fn truncate(cx: &mut Ctx<'_>, path: u32, len: i64) -> Result<i32> {
    if len < 0 {
        return Err(Errno::EINVAL);
    }
    done(at(cx, AT_FDCWD, path, |host, base, path| ops::truncate(host, base, path, len)))
}

/// Two times of the guest; null stands for now.
fn times(cx: &Ctx<'_>, ptr: u32) -> Result<Option<[TimeSpec; 2]>> {
    if ptr == 0 {
        return Ok(None);
    }
    let size = cx.host.layout.timespec_size();
    let bytes = cx.mem.bytes(ptr, 2 * size)?;
    let decode = |at: usize| cx.host.layout.decode_timespec(&bytes[at..]);
    Ok(Some([decode(0), decode(size as usize)]))
}

fn utimensat(cx: &mut Ctx<'_>, dirfd: i32, path: u32, ptr: u32, flags: i32) -> Result<i32> {
    let times = times(cx, ptr)?;
    if path == 0 {
        let file = cx.host.fds.get(dirfd)?;
        file.writable()?;
        return done(sys::futimens(file.fd()?, times.as_ref()));
    }
    let follow = flags & AT_SYMLINK_NOFOLLOW == 0;
    done(at(cx, dirfd, path, |host, base, path| ops::utimens(host, base, path, times.as_ref(), follow)))
}

fn statfs(cx: &mut Ctx<'_>, path: u32, size: u32, buf: u32) -> Result<i32> {
    let layout = cx.host.layout.statfs_of_size(size).ok_or(Errno::EINVAL)?;
    let fs = at(cx, AT_FDCWD, path, ops::statfs)?;
    cx.mem.copy_in(buf, layout.encode(&fs).bytes())?;
    Ok(0)
}

fn chdir(cx: &mut Ctx<'_>, path: u32) -> Result<i32> {
    let path = cx.path(path)?;
    done(cx.host.chdir(path.bytes()))
}

fn getcwd(cx: &mut Ctx<'_>, buf: u32, len: u32) -> Result<i32> {
    if len == 0 {
        return Err(Errno::EINVAL);
    }
    let mut path = cx.host.getcwd()?;
    path.push(0);
    if path.len() > len as usize {
        return Err(Errno::ERANGE);
    }
    cx.mem.copy_in(buf, &path)?;
    Ok(path.len() as i32)
}
