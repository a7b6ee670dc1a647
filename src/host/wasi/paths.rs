//! `path_*`: calls on paths below a directory.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use super::{fd_flags_to_host, filestat, set_times};
use crate::host::Host;
use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::ops;
use crate::host::path::GuestPath;
use crate::host::resolve::Base;
use crate::host::rights;
use crate::host::rows::rows;
use crate::host::sys::{self, Result};
use std::sync::Arc;

rows! { "wasi_snapshot_preview1";
    /// Makes a directory.
    "path_create_directory"(fd: fd, path: ptr, len: len) wasi = create_directory;
    /// Attributes of a file.
    "path_filestat_get"(fd: fd, flags: int, path: ptr, len: len, out: ptr) wasi = filestat_get;
    /// Sets the times of a file.
    "path_filestat_set_times"(fd: fd, flags: int, path: ptr, len: len, accessed: wide, modified: wide, which: int) wasi
        = filestat_set_times;
    /// Makes a hard link.
    "path_link"(olddir: fd, flags: int, old: ptr, old_len: len, newdir: fd, new: ptr, new_len: len) wasi = link_path;
    /// Opens a file or directory.
    "path_open"(fd: fd, lookup: int, path: ptr, len: len, flags: int, rights: wide, inheriting: wide, fdflags: int,
        out: ptr) wasi = open;
    /// Reads a symbolic link.
    "path_readlink"(fd: fd, path: ptr, len: len, buf: ptr, buf_len: len, out: ptr) wasi = readlink;
    /// Removes a directory.
    "path_remove_directory"(fd: fd, path: ptr, len: len) wasi = remove_directory;
    /// Renames.
    "path_rename"(olddir: fd, old: ptr, old_len: len, newdir: fd, new: ptr, new_len: len) wasi = rename;
    /// Makes a symbolic link.
    "path_symlink"(target: ptr, target_len: len, fd: fd, path: ptr, len: len) wasi = symlink;
    /// Removes a file.
    "path_unlink_file"(fd: fd, path: ptr, len: len) wasi = unlink_file;
}

/// `lookupflags`: follow a link at the path's end.
const FOLLOW: i32 = 1;

/// Runs an operation on a path below a directory. What leads out of it is not permitted.
fn below<R>(
    cx: &Ctx<'_>,
    fd: i32,
    (path, len): (u32, u32),
    act: impl FnOnce(&Host, Base<'_>, &mut GuestPath) -> Result<R>,
) -> Result<R> {
    let mut path = cx.sized_path(path, len)?;
    let base = cx.host.fds.get(fd)?.confined_base()?;
    act(cx.host, base, &mut path).map_err(|errno| if errno == Errno::EXDEV { Errno::EPERM } else { errno })
}

fn create_directory(cx: &mut Ctx<'_>, fd: i32, path: u32, len: u32) -> Result<()> {
    below(cx, fd, (path, len), |host, base, path| ops::mkdir(host, base, path, 0o777))
}

fn filestat_get(cx: &mut Ctx<'_>, fd: i32, flags: i32, path: u32, len: u32, out: u32) -> Result<()> {
    let follow = flags & FOLLOW != 0;
    let stat = below(cx, fd, (path, len), |host, base, path| ops::stat(host, base, path, follow))?;
    Ok(cx.mem.copy_in(out, &filestat(&stat))?)
}

fn filestat_set_times(
    cx: &mut Ctx<'_>,
    fd: i32,
    flags: i32,
    path: u32,
    len: u32,
    accessed: i64,
    modified: i64,
    which: i32,
) -> Result<()> {
    let times = set_times(accessed, modified, which)?;
    let follow = flags & FOLLOW != 0;
    below(cx, fd, (path, len), |host, base, path| ops::utimens(host, base, path, Some(&times), follow))
}

fn link_path(
    cx: &mut Ctx<'_>,
    olddir: i32,
    flags: i32,
    old: u32,
    old_len: u32,
    newdir: i32,
    new: u32,
    new_len: u32,
) -> Result<()> {
    let (mut old, mut new) = (cx.sized_path(old, old_len)?, cx.sized_path(new, new_len)?);
    let from = cx.host.fds.get(olddir)?.confined_base()?;
    let to = cx.host.fds.get(newdir)?.confined_base()?;
    ops::link(cx.host, (from, &mut old), (to, &mut new), flags & FOLLOW != 0)
}

/// `oflags` and the host's open flags.
const OPEN_FLAGS: [(i32, i32); 4] = [(1, libc::O_CREAT), (2, libc::O_DIRECTORY), (4, libc::O_EXCL), (8, libc::O_TRUNC)];

/// `oflags`: only a directory; empty the file.
const DIRECTORY: i32 = 2;
const TRUNCATE: i32 = 8;

fn open(
    cx: &mut Ctx<'_>,
    fd: i32,
    lookup: i32,
    path: u32,
    len: u32,
    flags: i32,
    asked: i64,
    inheriting: i64,
    fdflags: i32,
    out: u32,
) -> Result<()> {
    let asked = asked as u64;
    let access = match (asked & rights::FD_READ != 0, asked & rights::FD_WRITE != 0) {
        (true, true) => libc::O_RDWR,
        (false, true) => libc::O_WRONLY,
        _ => libc::O_RDONLY,
    };
    if flags & DIRECTORY != 0 && access != libc::O_RDONLY {
        return Err(Errno::EISDIR);
    }
    let open_flags = OPEN_FLAGS.iter().filter(|(wasi, _)| flags & wasi != 0).fold(0, |all, (_, host)| all | host);
    let nofollow = if lookup & FOLLOW == 0 { libc::O_NOFOLLOW } else { 0 };
    let host_flags = access | open_flags | nofollow | fd_flags_to_host(fdflags);
    cx.mem.check(out, 4)?;
    cx.host.fds.room_for(1)?;
    let directory = cx.host.fds.get(fd)?.clone();
    if flags & TRUNCATE != 0 {
        directory.rights().need(rights::PATH_FILESTAT_SET_SIZE)?;
    }
    let file = below(cx, fd, (path, len), |host, base, path| ops::open(host, base, path, host_flags, 0o666))?;
    file.rights().inherit(directory.rights(), asked, inheriting as u64);
    let number = cx.host.fds.insert(Arc::new(file), 0, false)?;
    Ok(cx.mem.write_i32(out, number)?)
}

fn readlink(cx: &mut Ctx<'_>, fd: i32, path: u32, len: u32, buf: u32, buf_len: u32, out: u32) -> Result<()> {
    let mut text = [0; libc::PATH_MAX as usize];
    let found = below(cx, fd, (path, len), |host, base, path| ops::readlink(host, base, path, &mut text))?;
    let copied = cx.put_truncated(buf, buf_len, &text[..found])?;
    Ok(cx.mem.write_u32(out, copied)?)
}

fn remove_directory(cx: &mut Ctx<'_>, fd: i32, path: u32, len: u32) -> Result<()> {
    below(cx, fd, (path, len), ops::rmdir)
}

fn rename(cx: &mut Ctx<'_>, olddir: i32, old: u32, old_len: u32, newdir: i32, new: u32, new_len: u32) -> Result<()> {
    let (mut old, mut new) = (cx.sized_path(old, old_len)?, cx.sized_path(new, new_len)?);
    let from = cx.host.fds.get(olddir)?.confined_base()?;
    let to = cx.host.fds.get(newdir)?.confined_base()?;
    ops::rename(cx.host, (from, &mut old), (to, &mut new), 0)
}

fn symlink(cx: &mut Ctx<'_>, target: u32, target_len: u32, fd: i32, path: u32, len: u32) -> Result<()> {
    let target = cx.sized_path(target, target_len)?;
    if target.is_absolute() && cx.host.pure_wasi {
        return Err(Errno::EPERM);
    }
    let target = sys::cstring(target.bytes())?;
    below(cx, fd, (path, len), |host, base, path| ops::symlink(host, &target, base, path))
}

fn unlink_file(cx: &mut Ctx<'_>, fd: i32, path: u32, len: u32) -> Result<()> {
    below(cx, fd, (path, len), ops::unlink)
}
