//! `fd_*`: calls on descriptors. Reading and writing are the hot ones: no allocation, one lookup by index.

use super::{fd_flags_from_host, fd_flags_to_host, filestat, filetype, set_times};
use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::fd::{File, Kind};
use crate::host::iov::{GuestBuf, GuestIov};
use crate::host::ops;
use crate::host::rights;
use crate::host::rows::rows;
use crate::host::state::{HasHost, Host};
use crate::host::sys::{self, Result};
use crate::memory::GuestMemory;
use crate::runtime::{Linker, Shortcut};
use std::marker::PhantomData;
use std::os::fd::BorrowedFd;

rows! { "wasi_snapshot_preview1";
    /// Announces access patterns.
    "fd_advise"(fd: fd, offset: off, len: off, advice: int) wasi = advise;
    /// Makes a file at least so long.
    "fd_allocate"(fd: fd, offset: off, len: off) wasi = allocate;
    /// Closes.
    "fd_close"(fd: fd) wasi = close;
    /// Flushes a file's data.
    "fd_datasync"(fd: fd) wasi = datasync;
    /// Type, flags and rights of a descriptor.
    "fd_fdstat_get"(fd: fd, out: ptr) wasi = fdstat_get;
    /// Sets the flags of a descriptor.
    "fd_fdstat_set_flags"(fd: fd, flags: int) wasi = fdstat_set_flags;
    /// Gives rights up.
    "fd_fdstat_set_rights"(fd: fd, base: wide, inheriting: wide) wasi = fdstat_set_rights;
    /// Attributes of an open file.
    "fd_filestat_get"(fd: fd, out: ptr) wasi = filestat_get;
    /// Sets an open file's size.
    "fd_filestat_set_size"(fd: fd, size: off) wasi = filestat_set_size;
    /// Sets the times of an open file.
    "fd_filestat_set_times"(fd: fd, accessed: wide, modified: wide, flags: int) wasi = filestat_set_times;
    /// Reads at an offset.
    "fd_pread"(fd: fd, iovs: ptr, count: len, offset: off, out: ptr) wasi = pread;
    /// Whether a descriptor was opened before the program began, and how long its name is.
    "fd_prestat_get"(fd: fd, out: ptr) wasi = prestat_get;
    /// The name of such a descriptor.
    "fd_prestat_dir_name"(fd: fd, out: ptr, len: len) wasi = prestat_dir_name;
    /// Writes at an offset.
    "fd_pwrite"(fd: fd, iovs: ptr, count: len, offset: off, out: ptr) wasi = pwrite;
    /// Reads.
    "fd_read"(fd: fd, iovs: ptr, count: len, out: ptr) wasi = read;
    /// Reads directory entries from a cookie on.
    "fd_readdir"(fd: fd, buf: ptr, len: len, cookie: wide, out: ptr) wasi = readdir;
    /// Moves a descriptor to another number.
    "fd_renumber"(from: fd, to: fd) wasi = renumber;
    /// Moves the position.
    "fd_seek"(fd: fd, offset: off, whence: int, out: ptr) wasi = seek;
    /// Flushes a file.
    "fd_sync"(fd: fd) wasi = sync;
    /// The position.
    "fd_tell"(fd: fd, out: ptr) wasi = tell;
    /// Writes.
    "fd_write"(fd: fd, iovs: ptr, count: len, out: ptr) wasi = write;
}

#[inline]
fn host_fd<'a>(cx: &'a Ctx<'_>, fd: i32, right: u64) -> Result<BorrowedFd<'a>> {
    permitted(cx.host, fd, right)
}

/// The host's descriptor of a file that may be used so.
fn permitted(host: &Host, fd: i32, right: u64) -> Result<BorrowedFd<'_>> {
    if let Some(file) = host.fds.plain(fd, right) {
        return Ok(file);
    }
    let file = host.fds.get(fd)?;
    file.rights().need(right)?;
    file.fd().map_err(|_| Errno::EISDIR)
}

/// Which way bytes go, and from which offset on. A type each, so that each host function is one piece of code that need not ask.
trait Transfer: Copy {
    /// What the descriptor must permit.
    const RIGHT: u64;
    /// The call for one buffer, which is nearly every call.
    fn one(self, fd: BorrowedFd<'_>, buf: GuestBuf<'_>) -> Result<usize>;
    /// The call for several.
    fn many(self, fd: BorrowedFd<'_>, iov: &GuestIov<'_>) -> Result<usize>;
}

/// Expands the directions, a row each: name, right, the call for one buffer, the call for several.
macro_rules! transfers {
    ($($name:ident$(($ty:ty))? $right:ident $one:ident $many:ident ($($field:tt)?);)*) => {$(
        #[derive(Clone, Copy, Default)]
        struct $name$(($ty))?;

        impl Transfer for $name {
            const RIGHT: u64 = rights::$right;
            #[inline(always)]
            fn one(self, fd: BorrowedFd<'_>, buf: GuestBuf<'_>) -> Result<usize> {
                sys::$one(fd, buf $(, self.$field)?)
            }
            fn many(self, fd: BorrowedFd<'_>, iov: &GuestIov<'_>) -> Result<usize> {
                sys::$many(fd, iov $(, self.$field)?)
            }
        }
    )*};
}

transfers! {
    Read FD_READ read_guest readv ();
    Write FD_WRITE write_guest writev ();
    ReadAt(i64) FD_READ pread_guest preadv (0);
    WriteAt(i64) FD_WRITE pwrite_guest pwritev (0);
}

/// Moves bytes between a file and guest memory, and stores how many.
fn transfer<T: Transfer>(way: T, cx: &mut Ctx<'_>, fd: i32, (iovs, count, out): (u32, u32, u32)) -> Result<()> {
    let mut made = cx.host.made.take();
    let file = permitted(cx.host, fd, T::RIGHT)?;
    let moved = if count == 1 {
        let buf = GuestBuf::only(&cx.mem, iovs)?;
        cx.host.blocking(|| made.take().unwrap_or_else(|| way.one(file, buf)))
    } else {
        let iov = GuestIov::gather(&mut cx.mem, iovs, count)?;
        cx.host.blocking(|| way.many(file, &iov))
    };
    match moved {
        Ok(bytes) => Ok(cx.mem.write_u32(out, bytes as u32)?),
        Err(errno) => Err(noted(cx.host, errno)),
    }
}

/// A transfer of one buffer that nothing hinders. The instructions around the system call, and the places in memory that they touch, are all
/// that a guest pays beyond what a native program does.
struct AtOnce<W>(PhantomData<W>);

impl<T: HasHost + 'static, W: Transfer + Default + 'static> Shortcut<T> for AtOnce<W> {
    #[inline(always)]
    fn call(mut mem: GuestMemory<'_>, data: &mut T, [fd, iovs, count, out]: [u32; 4]) -> Option<u32> {
        let host = data.host();
        let file = host.fds.plain_unless(fd as i32, W::RIGHT, count ^ 1)?;
        let moved = W::default().one(file, GuestBuf::only_and(&mem, iovs, out)?);
        if let Ok(bytes) = moved
            && !host.signals.due()
        {
            return mem.write_u32(out, bytes as u32).is_ok().then_some(0);
        }
        // The function itself does what is left to do.
        host.made = Some(moved);
        None
    }
}

/// Gives the functions of this file that matter most their shortcuts.
pub(super) fn shorten<T: HasHost + 'static>(linker: &mut Linker<T>) {
    linker.shorten::<AtOnce<Read>>("wasi_snapshot_preview1", "fd_read");
    linker.shorten::<AtOnce<Write>>("wasi_snapshot_preview1", "fd_write");
}

/// Notes a signal where the other end of a pipe is gone.
fn noted(host: &Host, errno: Errno) -> Errno {
    if errno == Errno::EPIPE {
        host.signals.broken_pipe();
    }
    errno
}

#[inline(always)]
fn read(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, out: u32) -> Result<()> {
    transfer(Read, cx, fd, (iovs, count, out))
}

#[inline(always)]
fn write(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, out: u32) -> Result<()> {
    transfer(Write, cx, fd, (iovs, count, out))
}

fn pread(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, offset: i64, out: u32) -> Result<()> {
    transfer(ReadAt(offset), cx, fd, (iovs, count, out))
}

fn pwrite(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, offset: i64, out: u32) -> Result<()> {
    transfer(WriteAt(offset), cx, fd, (iovs, count, out))
}

fn advise(cx: &mut Ctx<'_>, fd: i32, offset: i64, len: i64, advice: i32) -> Result<()> {
    // WASI numbers the last two the other way round.
    const ADVICE: [i32; 6] = [
        libc::POSIX_FADV_NORMAL,
        libc::POSIX_FADV_SEQUENTIAL,
        libc::POSIX_FADV_RANDOM,
        libc::POSIX_FADV_WILLNEED,
        libc::POSIX_FADV_DONTNEED,
        libc::POSIX_FADV_NOREUSE,
    ];
    let advice = usize::try_from(advice).ok().and_then(|a| ADVICE.get(a)).ok_or(Errno::EINVAL)?;
    sys::fadvise(host_fd(cx, fd, rights::FD_ADVISE)?, offset, len, *advice)
}

fn allocate(cx: &mut Ctx<'_>, fd: i32, offset: i64, len: i64) -> Result<()> {
    let host = host_fd(cx, fd, rights::FD_ALLOCATE)?;
    cx.host.blocking(|| sys::fallocate(host, 0, offset, len))
}

fn close(cx: &mut Ctx<'_>, fd: i32) -> Result<()> {
    cx.host.fds.close(fd)
}

fn datasync(cx: &mut Ctx<'_>, fd: i32) -> Result<()> {
    sys::fdatasync(host_fd(cx, fd, rights::FD_DATASYNC)?)
}

fn sync(cx: &mut Ctx<'_>, fd: i32) -> Result<()> {
    sys::fsync(host_fd(cx, fd, rights::FD_SYNC)?)
}

/// The rights that a file of this type can have.
fn rights_of(kind: u8) -> u64 {
    match kind {
        // Without the rights to move and to tell the position, a character device is taken for a terminal.
        2 => rights::FILE & !(rights::FD_SEEK | rights::FD_TELL),
        3 => rights::DIRECTORY,
        5 | 6 => rights::SOCKET,
        _ => rights::FILE,
    }
}

/// Type of an open file, and the host's flags of it.
fn type_and_flags(file: &File) -> Result<(u8, i32)> {
    let Ok(fd) = file.fd() else { return Ok((3, 0)) };
    let kind = match filetype(sys::fstat(fd)?.st_mode) {
        6 => socket_type(fd),
        other => other,
    };
    Ok((kind, sys::fcntl(fd, libc::F_GETFL, 0)?))
}

/// Sockets of streams and of datagrams have types of their own.
fn socket_type(fd: BorrowedFd<'_>) -> u8 {
    match sys::net::get_option_int(fd, libc::SOL_SOCKET, libc::SO_TYPE) {
        Ok(libc::SOCK_DGRAM) => 5,
        _ => 6,
    }
}

fn fdstat_get(cx: &mut Ctx<'_>, fd: i32, out: u32) -> Result<()> {
    let file = cx.host.fds.get(fd)?;
    let (kind, flags) = type_and_flags(file)?;
    // What is opened through a file that is no directory is nothing.
    let inheriting = if kind == 3 || !cx.host.pure_wasi { file.rights().inheriting() } else { 0 };
    let mut stat = [0; 24];
    stat[0] = kind;
    stat[2..4].copy_from_slice(&fd_flags_from_host(flags).to_le_bytes());
    stat[8..16].copy_from_slice(&(file.rights().base() & rights_of(kind)).to_le_bytes());
    stat[16..24].copy_from_slice(&inheriting.to_le_bytes());
    Ok(cx.mem.copy_in(out, &stat)?)
}

fn fdstat_set_flags(cx: &mut Ctx<'_>, fd: i32, flags: i32) -> Result<()> {
    let settable = libc::O_APPEND | libc::O_NONBLOCK;
    sys::fcntl(host_fd(cx, fd, rights::FD_FDSTAT_SET_FLAGS)?, libc::F_SETFL, fd_flags_to_host(flags) & settable)
        .map(drop)
}

fn fdstat_set_rights(cx: &mut Ctx<'_>, fd: i32, base: i64, inheriting: i64) -> Result<()> {
    let (kind, _) = type_and_flags(cx.host.fds.get(fd)?)?;
    cx.host.fds.shrink(fd, rights_of(kind), base as u64, inheriting as u64)
}

fn filestat_get(cx: &mut Ctx<'_>, fd: i32, out: u32) -> Result<()> {
    let stat = ops::stat_file(cx.host.fds.get(fd)?)?;
    Ok(cx.mem.copy_in(out, &filestat(&stat))?)
}

fn filestat_set_size(cx: &mut Ctx<'_>, fd: i32, size: i64) -> Result<()> {
    sys::ftruncate(host_fd(cx, fd, rights::FD_FILESTAT_SET_SIZE)?, size)
}

fn filestat_set_times(cx: &mut Ctx<'_>, fd: i32, accessed: i64, modified: i64, flags: i32) -> Result<()> {
    let times = set_times(accessed, modified, flags)?;
    let file = cx.host.fds.get(fd)?;
    file.writable()?;
    let host = file.fd().map_err(|_| Errno::EROFS)?;
    if file.is_path_only() { sys::utimens_path(host, Some(&times)) } else { sys::futimens(host, Some(&times)) }
}

fn prestat_get(cx: &mut Ctx<'_>, fd: i32, out: u32) -> Result<()> {
    let len = cx.host.fds.get(fd)?.preopen_name().ok_or(Errno::EBADF)?.len();
    Ok(cx.mem.write(out, [0, len as u32])?)
}

fn prestat_dir_name(cx: &mut Ctx<'_>, fd: i32, out: u32, len: u32) -> Result<()> {
    let file = cx.host.fds.get(fd)?;
    let name = file.preopen_name().ok_or(Errno::EBADF)?;
    if name.len() > len as usize {
        return Err(Errno::ENAMETOOLONG);
    }
    Ok(cx.mem.copy_in(out, name)?)
}

/// Bytes of a `dirent` in front of the name.
const DIRENT: usize = 24;

fn readdir(cx: &mut Ctx<'_>, fd: i32, buf: u32, len: u32, cookie: i64, out: u32) -> Result<()> {
    let file = cx.host.fds.get(fd)?.clone();
    file.rights().need(rights::FD_READDIR)?;
    if file.kind() != Kind::Dir {
        return Err(Errno::ENOTDIR);
    }
    let used = cx.mem.fill_with(buf, len, |target| entries(&file, cookie, target))?;
    Ok(cx.mem.write_u32(out, used as u32)?)
}

/// Entries of a directory from a cookie on, as many as fit.
fn entries(file: &File, cookie: i64, target: &mut [u8]) -> Result<usize> {
    let (host, mut stream) = (file.fd()?, file.stream());
    if cookie == 0 {
        // From the start means anew: what was read ahead may be stale.
        stream.rewind(host)?;
    }
    stream.seek(host, cookie as u64)?;
    let mut used = 0;
    while used < target.len() {
        let Some(entry) = stream.peek(host)? else { break };
        let mut record = [0; DIRENT];
        record[..8].copy_from_slice(&entry.cookie.to_le_bytes());
        record[8..16].copy_from_slice(&entry.ino.to_le_bytes());
        record[16..20].copy_from_slice(&(entry.name.len() as u32).to_le_bytes());
        record[20] = filetype(u32::from(entry.kind) << 12);
        // The last entry may be cut: a full buffer tells the guest to come again with a larger one.
        for part in [&record[..], entry.name] {
            let count = part.len().min(target.len() - used);
            target[used..used + count].copy_from_slice(&part[..count]);
            used += count;
        }
        stream.advance();
    }
    Ok(used)
}

fn renumber(cx: &mut Ctx<'_>, from: i32, to: i32) -> Result<()> {
    cx.host.fds.renumber(from, to)
}

fn seek(cx: &mut Ctx<'_>, fd: i32, offset: i64, whence: i32, out: u32) -> Result<()> {
    let file = cx.host.fds.get(fd)?;
    let position = match file.kind() {
        // Programs of other C libraries have seekdir() here.
        Kind::Dir | Kind::Synthetic if cx.host.pure_wasi => return Err(Errno::EISDIR),
        Kind::Dir => seek_dir(file, offset, whence)?,
        Kind::Synthetic => {
            let mut stream = file.stream();
            if whence == libc::SEEK_SET {
                stream.jump(u64::try_from(offset).map_err(|_| Errno::EINVAL)?);
            }
            stream.tell()
        }
        _ => sys::lseek(file.fd()?, offset, whence)? as u64,
    };
    Ok(cx.mem.write_u64(out, position)?)
}

/// Positions of directories are the cookies that reading them gives.
fn seek_dir(file: &crate::host::fd::File, offset: i64, whence: i32) -> Result<u64> {
    let mut stream = file.stream();
    let host = file.fd()?;
    match (whence, offset) {
        (libc::SEEK_SET, 0) => stream.rewind(host)?,
        (libc::SEEK_SET, 1..) => stream.seek(host, offset as u64)?,
        (libc::SEEK_CUR, 0) => {}
        _ => return Err(Errno::EINVAL),
    }
    Ok(stream.tell())
}

fn tell(cx: &mut Ctx<'_>, fd: i32, out: u32) -> Result<()> {
    seek(cx, fd, 0, libc::SEEK_CUR, out)
}
