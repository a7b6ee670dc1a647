//! System calls on descriptors.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::fd::{File, Kind};
use crate::host::layout::{Encoded, Field, open_flags_from_host, open_flags_to_host};
use crate::host::ops;
use crate::host::resolve::Object;
use crate::host::rows::rows;
use crate::host::sys::{self, Result};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

rows! { "env";
    /// Attributes of an open file.
    "__syscall_fstat64"(fd: fd, buf: ptr) sys = fstat;
    /// Duplicates, locks, flags; the third argument is the address of the variable arguments.
    "__syscall_fcntl64"(fd: fd, command: int, va: ptr) sys = fcntl;
    /// Terminal size and attributes, bytes to read, non-blocking mode.
    "__syscall_ioctl"(fd: fd, request: int, va: ptr) sys = ioctl;
    /// Duplicates a descriptor.
    "__syscall_dup"(fd: fd) sys = dup;
    /// Duplicates a descriptor to a number.
    "__syscall_dup2"(from: fd, to: fd) sys = dup2;
    /// Duplicates a descriptor to another number.
    "__syscall_dup3"(from: fd, to: fd, flags: int) sys = dup3;
    /// Makes a pipe.
    "__syscall_pipe"(fds: ptr) sys = pipe;
    /// Makes a pipe with flags.
    "__syscall_pipe2"(fds: ptr, flags: int) sys = pipe2;
    /// Changes permissions of an open file.
    "__syscall_fchmod"(fd: fd, mode: int) sys = fchmod;
    /// Changes owner and group of an open file.
    "__syscall_fchown32"(fd: fd, uid: int, gid: int) sys = fchown;
    /// Sets an open file's size.
    "__syscall_ftruncate64"(fd: fd, len: off) sys = ftruncate;
    /// Reserves or punches space.
    "__syscall_fallocate"(fd: fd, mode: int, offset: off, len: off) sys = fallocate;
    /// Announces access patterns.
    "__syscall_fadvise64"(fd: fd, offset: off, len: off, advice: int) sys = fadvise;
    /// Announces access patterns.
    "__syscall_fadvise64_64"(fd: fd, offset: off, len: off, advice: int) sys = fadvise;
    /// Flushes a file's data.
    "__syscall_fdatasync"(fd: fd) sys = fdatasync;
    /// Flushes a file.
    "__syscall_fsync"(fd: fd) sys = fsync;
    /// Flushes a filesystem.
    "__syscall_syncfs"(fd: fd) sys = syncfs;
    /// Flushes every granted filesystem.
    "__syscall_sync"() sys = sync;
    /// Locks a whole file.
    "__syscall_flock"(fd: fd, operation: int) sys = flock;
    /// Reads directory entries.
    "__syscall_getdents64"(fd: fd, buf: ptr, len: len) sys = getdents;
    /// Describes the filesystem of an open file; the size says which structure the guest has.
    "__syscall_fstatfs64"(fd: fd, size: len, buf: ptr) sys = fstatfs;
    /// Makes an open directory the current one.
    "__syscall_fchdir"(fd: fd) sys = fchdir;
    /// Copies from a file to a socket or file within the host.
    "__syscall_sendfile"(to: fd, from: fd, offset: ptr, len: len) sys = sendfile;
    /// Copies between files within the host.
    "__syscall_copy_file_range"(from: fd, from_off: ptr, to: fd, to_off: ptr, len: len, flags: int) sys = copy_file_range;
}

fn done(result: Result<()>) -> Result<i32> {
    result.map(|()| 0)
}

#[inline]
fn host_fd<'a>(cx: &'a Ctx<'_>, fd: i32) -> Result<BorrowedFd<'a>> {
    cx.host.fds.fd(fd)
}

/// The host's descriptor of a file whose attributes are to change.
fn changeable<'a>(cx: &'a Ctx<'_>, fd: i32) -> Result<BorrowedFd<'a>> {
    let file = cx.host.fds.get(fd)?;
    // O_PATH descriptors answer EBADF in the host's calls, as they should.
    file.writable()?;
    file.fd().map_err(|_| Errno::EROFS)
}

fn fstat(cx: &mut Ctx<'_>, fd: i32, buf: u32) -> Result<i32> {
    let stat = match cx.host.fds.plain(fd, 0) {
        Some(host) => sys::fstat(host)?,
        None => ops::stat_file(cx.host.fds.get(fd)?)?,
    };
    cx.host.layout.store_stat(&mut cx.mem, buf, &stat)?;
    Ok(0)
}

/// Commands of `fcntl` that are the same in every version.
mod command {
    pub const DUPFD: i32 = 0;
    pub const GETFD: i32 = 1;
    pub const SETFD: i32 = 2;
    pub const GETFL: i32 = 3;
    pub const SETFL: i32 = 4;
    pub const OFD_GETLK: i32 = 36;
    pub const OFD_SETLKW: i32 = 38;
    pub const DUPFD_CLOEXEC: i32 = 1030;
    pub const SETPIPE_SZ: i32 = 1031;
    pub const GETPIPE_SZ: i32 = 1032;
}

fn fcntl(cx: &mut Ctx<'_>, fd: i32, cmd: i32, va: u32) -> Result<i32> {
    cx.host.fds.get(fd)?;
    let getlk = cx.host.layout.f_getlk;
    match cmd {
        command::DUPFD => cx.host.fds.dup(fd, cx.va_arg(va, 0)? as i32, false),
        command::DUPFD_CLOEXEC => cx.host.fds.dup(fd, cx.va_arg(va, 0)? as i32, true),
        command::GETFD => cx.host.fds.cloexec(fd).map(i32::from),
        command::SETFD => done(cx.host.fds.set_cloexec(fd, cx.va_arg(va, 0)? & 1 != 0)),
        command::GETFL => match cx.host.fds.get(fd)?.kind() {
            Kind::Synthetic => Ok(open_flags_from_host(libc::O_DIRECTORY)),
            // Guests expect the large-file flag no more than Linux's 64-bit programs do.
            _ => Ok(open_flags_from_host(sys::fcntl(host_fd(cx, fd)?, libc::F_GETFL, 0)?)),
        },
        command::SETFL => {
            let settable = libc::O_APPEND | libc::O_NONBLOCK | libc::O_DIRECT | libc::O_NOATIME;
            let flags = open_flags_to_host(cx.va_arg(va, 0)? as i32) & settable;
            sys::fcntl(host_fd(cx, fd)?, libc::F_SETFL, flags)
        }
        command::OFD_GETLK..=command::OFD_SETLKW => lock(cx, fd, libc::F_OFD_GETLK + (cmd - command::OFD_GETLK), va),
        cmd if (getlk..getlk + 3).contains(&cmd) => lock(cx, fd, libc::F_GETLK + (cmd - getlk), va),
        command::GETPIPE_SZ => sys::fcntl(host_fd(cx, fd)?, libc::F_GETPIPE_SZ, 0),
        command::SETPIPE_SZ => sys::fcntl(host_fd(cx, fd)?, libc::F_SETPIPE_SZ, cx.va_arg(va, 0)? as i32),
        _ => Err(Errno::EINVAL),
    }
}

/// Record locks: `struct flock` is the same in every version.
fn lock(cx: &mut Ctx<'_>, fd: i32, cmd: i32, va: u32) -> Result<i32> {
    let ptr = cx.va_arg(va, 0)?;
    let raw: [u8; 32] = cx.mem.read(ptr)?;
    let half = |at: usize| i16::from_le_bytes([raw[at], raw[at + 1]]);
    let wide = |at: usize| i64::from_le_bytes(std::array::from_fn(|i| raw[at + i]));
    let mut lock = sys::file_lock();
    (lock.l_type, lock.l_whence, lock.l_start, lock.l_len) = (half(0), half(2), wide(8), wide(16));
    let file = cx.host.fds.get(fd)?;
    let host = file.fd()?;
    cx.host.blocking(|| sys::fcntl_lock(host, cmd, &mut lock))?;
    if cmd == libc::F_SETLK || cmd == libc::F_SETLKW {
        file.note_lock();
    } else if cmd == libc::F_GETLK || cmd == libc::F_OFD_GETLK {
        let mut out = Encoded::new(32);
        out.put(Field(0, 2), lock.l_type as u64);
        out.put(Field(2, 2), lock.l_whence as u64);
        out.put(Field(8, 8), lock.l_start as u64);
        out.put(Field(16, 8), lock.l_len as u64);
        out.put(Field(24, 4), lock.l_pid as u64);
        cx.mem.copy_in(ptr, out.bytes())?;
    }
    Ok(0)
}

/// Requests of `ioctl`; the numbers are Linux's generic ones.
mod request {
    pub const TCGETS: i32 = 0x5401;
    pub const TCSETS: i32 = 0x5402;
    pub const TCSETSF: i32 = 0x5404;
    pub const TIOCGPGRP: i32 = 0x540f;
    pub const TIOCOUTQ: i32 = 0x5411;
    pub const TIOCGWINSZ: i32 = 0x5413;
    pub const FIONREAD: i32 = 0x541b;
    pub const FIONBIO: i32 = 0x5421;
    pub const FIOCLEX: i32 = 0x5451;
    pub const FIONCLEX: i32 = 0x5450;
}

fn ioctl(cx: &mut Ctx<'_>, fd: i32, op: i32, va: u32) -> Result<i32> {
    let host = host_fd(cx, fd);
    match op {
        request::FIOCLEX => done(cx.host.fds.set_cloexec(fd, true)),
        request::FIONCLEX => done(cx.host.fds.set_cloexec(fd, false)),
        request::FIONREAD => {
            let available = sys::ioctl_get_int(host?, libc::FIONREAD)?;
            let ptr = cx.va_arg(va, 0)?;
            cx.mem.write_i32(ptr, available)?;
            Ok(0)
        }
        request::FIONBIO => {
            let on = cx.mem.read_i32(cx.va_arg(va, 0)?)? != 0;
            let host = host?;
            let flags = sys::fcntl(host, libc::F_GETFL, 0)? & !libc::O_NONBLOCK;
            sys::fcntl(host, libc::F_SETFL, if on { flags | libc::O_NONBLOCK } else { flags }).map(|_| 0)
        }
        request::TIOCGWINSZ => {
            let size = sys::window_size(host?)?;
            let mut out = Encoded::new(8);
            for (index, value) in size.into_iter().enumerate() {
                out.put(Field(2 * index as u8, 2), u64::from(value));
            }
            let ptr = cx.va_arg(va, 0)?;
            cx.mem.copy_in(ptr, out.bytes())?;
            Ok(0)
        }
        request::TCGETS => {
            let (flags, chars) = sys::terminal(host?)?;
            let mut out = [0; 60];
            for (index, value) in flags.into_iter().enumerate() {
                out[4 * index..4 * index + 4].copy_from_slice(&value.to_le_bytes());
            }
            out[17..49].copy_from_slice(&chars);
            let ptr = cx.va_arg(va, 0)?;
            cx.mem.copy_in(ptr, &out)?;
            Ok(0)
        }
        request::TCSETS..=request::TCSETSF => {
            // Nothing of a terminal's is refused that has none.
            sys::window_size(host?)?;
            if !cx.host.tty {
                cx.host.refuse("change the settings of the terminal", "--tty");
                return Err(Errno::EPERM);
            }
            set_terminal(cx, fd, op - request::TCSETS, va)
        }
        request::TIOCGPGRP => {
            sys::window_size(host?)?;
            let ptr = cx.va_arg(va, 0)?;
            cx.mem.write_u32(ptr, std::process::id())?;
            Ok(0)
        }
        request::TIOCOUTQ => {
            let waiting = sys::ioctl_get_int(host?, libc::TIOCOUTQ)?;
            let ptr = cx.va_arg(va, 0)?;
            cx.mem.write_i32(ptr, waiting)?;
            Ok(0)
        }
        _ => {
            host?;
            Err(Errno::ENOTTY)
        }
    }
}

/// Sets a terminal's flags and characters; its speed stays.
fn set_terminal(cx: &mut Ctx<'_>, fd: i32, when: i32, va: u32) -> Result<i32> {
    let raw: [u8; 60] = cx.mem.read(cx.va_arg(va, 0)?)?;
    let flags = std::array::from_fn(|i| u32::from_le_bytes(std::array::from_fn(|b| raw[4 * i + b])));
    let chars = std::array::from_fn(|i| raw[17 + i]);
    done(sys::event::set_terminal(host_fd(cx, fd)?, when, flags, &chars))
}

fn dup(cx: &mut Ctx<'_>, fd: i32) -> Result<i32> {
    cx.host.fds.dup(fd, 0, false)
}

fn dup2(cx: &mut Ctx<'_>, from: i32, to: i32) -> Result<i32> {
    if from == to {
        return cx.host.fds.get(from).map(|_| to);
    }
    cx.host.fds.dup_to(from, to, false)
}

fn dup3(cx: &mut Ctx<'_>, from: i32, to: i32, flags: i32) -> Result<i32> {
    let cloexec = open_flags_to_host(flags) == libc::O_CLOEXEC;
    if from == to || (flags != 0 && !cloexec) {
        return Err(Errno::EINVAL);
    }
    cx.host.fds.dup_to(from, to, cloexec)
}

fn pipe(cx: &mut Ctx<'_>, fds: u32) -> Result<i32> {
    pipe2(cx, fds, 0)
}

fn pipe2(cx: &mut Ctx<'_>, fds: u32, flags: i32) -> Result<i32> {
    let host_flags = open_flags_to_host(flags);
    if host_flags & !(libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_DIRECT) != 0 {
        return Err(Errno::EINVAL);
    }
    cx.mem.check(fds, 8)?;
    cx.host.fds.room_for(2)?;
    let (read, write) = sys::pipe(host_flags)?;
    let cloexec = host_flags & libc::O_CLOEXEC != 0;
    let read = cx.host.fds.insert(Arc::new(File::pipe(read)), 0, cloexec)?;
    let write = match cx.host.fds.insert(Arc::new(File::pipe(write)), 0, cloexec) {
        Ok(write) => write,
        Err(errno) => {
            cx.host.fds.close(read)?;
            return Err(errno);
        }
    };
    cx.mem.write(fds, [read, write])?;
    Ok(0)
}

fn fchmod(cx: &mut Ctx<'_>, fd: i32, mode: i32) -> Result<i32> {
    done(sys::fchmod(changeable(cx, fd)?, mode as u32 & 0o7777))
}

fn fchown(cx: &mut Ctx<'_>, fd: i32, uid: i32, gid: i32) -> Result<i32> {
    if cx.host.fds.get(fd)?.is_path_only() {
        return Err(Errno::EBADF);
    }
    done(sys::fchown(changeable(cx, fd)?, uid as u32, gid as u32))
}

fn ftruncate(cx: &mut Ctx<'_>, fd: i32, len: i64) -> Result<i32> {
    done(sys::ftruncate(host_fd(cx, fd)?, len))
}

fn fallocate(cx: &mut Ctx<'_>, fd: i32, mode: i32, offset: i64, len: i64) -> Result<i32> {
    let host = host_fd(cx, fd)?;
    done(cx.host.blocking(|| sys::fallocate(host, mode, offset, len)))
}

fn fadvise(cx: &mut Ctx<'_>, fd: i32, offset: i64, len: i64, advice: i32) -> Result<i32> {
    done(sys::fadvise(host_fd(cx, fd)?, offset, len, advice))
}

fn fdatasync(cx: &mut Ctx<'_>, fd: i32) -> Result<i32> {
    done(sys::fdatasync(host_fd(cx, fd)?))
}

fn fsync(cx: &mut Ctx<'_>, fd: i32) -> Result<i32> {
    done(sys::fsync(host_fd(cx, fd)?))
}

fn syncfs(cx: &mut Ctx<'_>, fd: i32) -> Result<i32> {
    done(sys::syncfs(host_fd(cx, fd)?))
}

/// `sync()` cannot fail, so what a filesystem says is left to `fsync`.
fn sync(cx: &mut Ctx<'_>) -> Result<i32> {
    for grant in cx.host.namespace.grants() {
        if let Some(root) = grant.root_dir()
            && let Ok(dir) = sys::openat2(root, c".", libc::O_RDONLY | libc::O_DIRECTORY, 0, libc::RESOLVE_BENEATH)
        {
            let _ = sys::syncfs(std::os::fd::AsFd::as_fd(&dir));
        }
    }
    Ok(0)
}

fn flock(cx: &mut Ctx<'_>, fd: i32, operation: i32) -> Result<i32> {
    let host = host_fd(cx, fd)?;
    done(cx.host.blocking(|| sys::flock(host, operation)))
}

/// Offset of the name in the guest's `struct dirent`.
const DIRENT_NAME: usize = 19;

/// Bytes of an entry with a name of this length: the name's terminator included, rounded up to 8.
fn record_len(name: usize) -> usize {
    (DIRENT_NAME + name + 1).next_multiple_of(8)
}

fn getdents(cx: &mut Ctx<'_>, fd: i32, buf: u32, len: u32) -> Result<i32> {
    let file = cx.host.fds.get(fd)?;
    let filled = cx.mem.fill_with(buf, len, |out| match file.kind() {
        Kind::Dir => dents(file, out),
        Kind::Synthetic => synthetic_dents(cx.host, file, out),
        _ => Err(Errno::ENOTDIR),
    })?;
    Ok(filled as i32)
}

/// Entries of a directory, from where the last call ended.
fn dents(file: &File, out: &mut [u8]) -> Result<usize> {
    let (host, mut stream) = (file.fd()?, file.stream());
    let mut filled = 0;
    loop {
        // An error after some entries is kept for the next call, which will meet it again.
        let entry = match stream.peek(host) {
            Ok(Some(entry)) => entry,
            Ok(None) => return Ok(filled),
            Err(errno) if filled == 0 => return Err(errno),
            Err(_) => return Ok(filled),
        };
        let Some(record) = out.get_mut(filled..filled + record_len(entry.name.len())) else {
            return if filled == 0 { Err(Errno::EINVAL) } else { Ok(filled) };
        };
        put_dirent(record, (entry.ino, entry.cookie, entry.kind), entry.name);
        filled += record.len();
        stream.advance();
    }
}

fn put_dirent(record: &mut [u8], (ino, cookie, kind): (u64, u64, u8), name: &[u8]) {
    let len = record.len();
    record[..8].copy_from_slice(&ino.to_le_bytes());
    record[8..16].copy_from_slice(&cookie.to_le_bytes());
    record[16..18].copy_from_slice(&(len as u16).to_le_bytes());
    record[18] = kind;
    record[DIRENT_NAME..DIRENT_NAME + name.len()].copy_from_slice(name);
    record[DIRENT_NAME + name.len()..].fill(0);
}

/// Entries of a directory of the synthetic tree, from where the last call ended.
fn synthetic_dents(host: &crate::host::Host, file: &File, out: &mut [u8]) -> Result<usize> {
    let mut names = vec![b".".to_vec(), b"..".to_vec()];
    names.extend(host.namespace.synthetic_names(file.synthetic_path()));
    let mut stream = file.stream();
    let mut filled = 0;
    while let Some(name) = names.get(stream.tell() as usize) {
        let Some(record) = out.get_mut(filled..filled + record_len(name.len())) else {
            return if filled == 0 { Err(Errno::EINVAL) } else { Ok(filled) };
        };
        put_dirent(record, (stream.tell() + 1, stream.tell() + 1, libc::DT_DIR), name);
        filled += record.len();
        stream.step();
    }
    Ok(filled)
}

fn fstatfs(cx: &mut Ctx<'_>, fd: i32, size: u32, buf: u32) -> Result<i32> {
    let layout = cx.host.layout.statfs_of_size(size).ok_or(Errno::EINVAL)?;
    let fs = ops::statfs_file(cx.host.fds.get(fd)?)?;
    cx.mem.copy_in(buf, layout.encode(&fs).bytes())?;
    Ok(0)
}

fn fchdir(cx: &mut Ctx<'_>, fd: i32) -> Result<i32> {
    let file = cx.host.fds.get(fd)?;
    let object = match (file.kind(), file.grant()) {
        (Kind::Synthetic, _) => Object::Synthetic(file.synthetic_path().to_vec()),
        (Kind::Dir, Some(grant)) => Object::Real(grant.clone(), sys::dup(file.fd()?)?),
        _ => return Err(Errno::ENOTDIR),
    };
    done(cx.host.set_cwd(object))
}

fn sendfile(cx: &mut Ctx<'_>, to: i32, from: i32, ptr: u32, len: u32) -> Result<i32> {
    let mut offset = if ptr == 0 { None } else { Some(cx.mem.read::<i64>(ptr)?) };
    let (target, source) = (host_fd(cx, to)?, host_fd(cx, from)?);
    let len = len.min(i32::MAX as u32) as usize;
    let result = cx.host.blocking(|| sys::sendfile(target, source, offset.as_mut(), len));
    if result == Err(Errno::EPIPE) {
        cx.host.signals.broken_pipe();
    }
    let copied = result?;
    if let Some(offset) = offset {
        cx.mem.write(ptr, offset)?;
    }
    Ok(copied as i32)
}

fn copy_file_range(
    cx: &mut Ctx<'_>,
    from: i32,
    from_off: u32,
    to: i32,
    to_off: u32,
    len: u32,
    flags: i32,
) -> Result<i32> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let read = |ptr: u32| if ptr == 0 { Ok(None) } else { cx.mem.read::<i64>(ptr).map(Some) };
    let (mut source, mut target) = (read(from_off)?, read(to_off)?);
    let (source_fd, target_fd) = (host_fd(cx, from)?, host_fd(cx, to)?);
    let len = len.min(i32::MAX as u32) as usize;
    let copied = sys::copy_file_range((source_fd, source.as_mut()), (target_fd, target.as_mut()), len)?;
    for (ptr, offset) in [(from_off, source), (to_off, target)] {
        if let Some(offset) = offset {
            cx.mem.write(ptr, offset)?;
        }
    }
    Ok(copied as i32)
}
