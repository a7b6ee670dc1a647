//! System calls of the host, as safe functions over owned types.
//!
//! This file and those in `sys/` are the only ones below `host/` with `unsafe` in them. The functions add no policy: they check nothing but the
//! result, and a failed call is an [`Errno`]. Descriptors come as [`BorrowedFd`], paths as `&CStr`, buffers as slices
//! or as a [`GuestIov`], whose pointers the guest memory has checked.
#![allow(unsafe_code)]

use super::errno::Errno;
use super::iov::{GuestBuf, GuestIov};
use crate::sys::{syscall3, syscall6};
use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// Result of a host call.
pub type Result<T> = std::result::Result<T, Errno>;

/// `struct stat` as the host's libc has it.
pub type Stat = libc::stat64;
/// `struct statfs` as the host's libc has it.
pub type StatFs = libc::statfs64;
pub use libc::{flock64 as FileLock, pollfd as PollFd, timespec as TimeSpec};

/// Turns the -1 of a libc call into the error number.
fn check<T: Copy + PartialEq + From<i8>>(result: T) -> Result<T> {
    if result == T::from(-1) { Err(Errno::last()) } else { Ok(result) }
}

/// Calls a libc function whose arguments need no further promise and gives its checked result.
macro_rules! call {
    ($name:ident($($arg:expr),* $(,)?)) => {{
        // SAFETY: every argument is an integer, a live descriptor, a NUL-terminated string, or a pointer to a
        // buffer or struct that outlives the call and is at least as long as the length beside it: the
        // signatures of the functions in this file (borrowed descriptors, `&CStr`, slices) uphold that.
        check(unsafe { libc::$name($($arg),*) })
    }};
}

/// Turns the kernel's own answer into a result.
#[inline(always)]
fn answered(answer: isize) -> Result<usize> {
    if answer < 0 { Err(Errno(-answer as i32)) } else { Ok(answer as usize) }
}

/// Makes a system call that servers and tools make for each request or file, by its number and with up to six arguments: without the C
/// library, whose functions lie elsewhere in memory and care for threads that are cancelled, of which there are none.
macro_rules! raw {
    ($number:ident; $($arg:expr),* $(,)?) => {{
        let mut arguments = [0usize; 6];
        let given = [$($arg as usize),*];
        arguments[..given.len()].copy_from_slice(&given);
        // SAFETY: as for `call`.
        answered(unsafe { syscall6(libc::$number, arguments) })
    }};
}

pub mod event;
pub mod net;
pub mod process;
pub mod signal;

/// Takes ownership of a descriptor that a successful call has just made.
fn owned(fd: i32) -> OwnedFd {
    // SAFETY: `fd` is the result of a call that made a new descriptor, which nobody else owns.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// `close(2)`: as dropping it, but without the C library.
pub fn close(fd: OwnedFd) {
    // Linux has closed the descriptor whatever it answers.
    let _ = raw!(SYS_close; fd.into_raw_fd());
}

/// A zeroed plain C struct of integers.
fn zeroed<T: Copy>() -> T {
    // SAFETY: used with libc's plain structs only, for which all zero bytes are a valid value.
    unsafe { std::mem::zeroed() }
}

/// The arguments of `openat2`, as the kernel lays them out.
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// `openat2(2)`. `O_CLOEXEC` is always added.
pub fn openat2(dir: BorrowedFd<'_>, path: &CStr, flags: i32, mode: u32, resolve: u64) -> Result<OwnedFd> {
    // The kernel refuses a mode where nothing is made. O_TMPFILE has O_DIRECTORY's bit in it.
    let makes = flags & libc::O_CREAT != 0 || flags & libc::O_TMPFILE == libc::O_TMPFILE;
    let mode = if makes && flags & libc::O_PATH == 0 { mode } else { 0 };
    let how = OpenHow { flags: (flags | libc::O_CLOEXEC) as u32 as u64, mode: u64::from(mode), resolve };
    let fd = raw!(SYS_openat2; dir.as_raw_fd(), path.as_ptr(), &raw const how, size_of::<OpenHow>())?;
    Ok(owned(fd as i32))
}

/// `openat(2)` for paths that the embedder, not the guest, named. `O_CLOEXEC` is always added.
pub fn open_trusted(path: &CStr, flags: i32) -> Result<OwnedFd> {
    Ok(owned(call!(open64(path.as_ptr(), flags | libc::O_CLOEXEC))?))
}

/// Opens the parent of `dir`, which need not lie within any grant: for the resolver's climb only.
pub fn open_parent(dir: BorrowedFd<'_>) -> Result<OwnedFd> {
    Ok(owned(call!(openat64(dir.as_raw_fd(), c"..".as_ptr(), libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC))?))
}

/// `fstat(2)`: the C library would go by a path.
#[inline]
pub fn fstat(fd: BorrowedFd<'_>) -> Result<Stat> {
    // The kernel's structure is the library's.
    let mut stat: Stat = zeroed();
    raw!(SYS_fstat; fd.as_raw_fd(), &raw mut stat)?;
    Ok(stat)
}

/// `fstatat(2)`.
pub fn fstatat(dir: BorrowedFd<'_>, name: &CStr, flags: i32) -> Result<Stat> {
    let mut stat = zeroed();
    call!(fstatat64(dir.as_raw_fd(), name.as_ptr(), &raw mut stat, flags))?;
    Ok(stat)
}

/// `fstatfs(2)`.
pub fn fstatfs(fd: BorrowedFd<'_>) -> Result<StatFs> {
    let mut stat = zeroed();
    call!(fstatfs64(fd.as_raw_fd(), &raw mut stat))?;
    Ok(stat)
}

/// `readlinkat(2)`; an empty name reads the link that `dir` itself is.
pub fn readlinkat(dir: BorrowedFd<'_>, name: &CStr, buf: &mut [u8]) -> Result<usize> {
    call!(readlinkat(dir.as_raw_fd(), name.as_ptr(), buf.as_mut_ptr().cast(), buf.len())).map(|n| n as usize)
}

/// The name under which the kernel finds what a descriptor stands for.
pub fn fd_name(fd: BorrowedFd<'_>) -> Vec<u8> {
    let name = ProcPath::new(fd);
    name.0.iter().copied().take_while(|b| *b != 0).collect()
}

/// The path at which the kernel shows `fd`.
pub fn fd_path(fd: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut buf = vec![0; libc::PATH_MAX as usize];
    let link = ProcPath::new(fd);
    let n = call!(readlink(link.as_ptr(), buf.as_mut_ptr().cast(), buf.len()))? as usize;
    buf.truncate(n);
    Ok(buf)
}

/// `mkdirat(2)`.
pub fn mkdirat(dir: BorrowedFd<'_>, name: &CStr, mode: u32) -> Result<()> {
    call!(mkdirat(dir.as_raw_fd(), name.as_ptr(), mode)).map(drop)
}

/// `mknodat(2)`.
pub fn mknodat(dir: BorrowedFd<'_>, name: &CStr, mode: u32, dev: u64) -> Result<()> {
    call!(mknodat(dir.as_raw_fd(), name.as_ptr(), mode, dev)).map(drop)
}

/// `unlinkat(2)`.
pub fn unlinkat(dir: BorrowedFd<'_>, name: &CStr, flags: i32) -> Result<()> {
    call!(unlinkat(dir.as_raw_fd(), name.as_ptr(), flags)).map(drop)
}

/// `symlinkat(2)`.
pub fn symlinkat(target: &CStr, dir: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    call!(symlinkat(target.as_ptr(), dir.as_raw_fd(), name.as_ptr())).map(drop)
}

/// `linkat(2)` of one directory's entry, never following it.
pub fn linkat(from: BorrowedFd<'_>, name: &CStr, to: BorrowedFd<'_>, new: &CStr) -> Result<()> {
    call!(linkat(from.as_raw_fd(), name.as_ptr(), to.as_raw_fd(), new.as_ptr(), 0)).map(drop)
}

/// Links the object that `from` stands for.
pub fn link_fd(from: BorrowedFd<'_>, to: BorrowedFd<'_>, new: &CStr) -> Result<()> {
    let path = ProcPath::new(from);
    call!(linkat(libc::AT_FDCWD, path.as_ptr(), to.as_raw_fd(), new.as_ptr(), libc::AT_SYMLINK_FOLLOW)).map(drop)
}

/// `renameat2(2)`.
pub fn renameat2(from: BorrowedFd<'_>, old: &CStr, to: BorrowedFd<'_>, new: &CStr, flags: u32) -> Result<()> {
    let (from, to) = (from.as_raw_fd(), to.as_raw_fd());
    call!(syscall(libc::SYS_renameat2, from, old.as_ptr(), to, new.as_ptr(), flags)).map(drop)
}

/// `fchmod(2)` of an open file.
pub fn fchmod(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    call!(fchmod(fd.as_raw_fd(), mode)).map(drop)
}

/// `chmod(2)` of the object that an `O_PATH` descriptor stands for.
pub fn chmod_path(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    call!(chmod(ProcPath::new(fd).as_ptr(), mode)).map(drop)
}

/// `fchown(2)`, also of the object that an `O_PATH` descriptor stands for; `u32::MAX` leaves a number alone.
pub fn fchown(fd: BorrowedFd<'_>, uid: u32, gid: u32) -> Result<()> {
    call!(fchownat(fd.as_raw_fd(), c"".as_ptr(), uid, gid, libc::AT_EMPTY_PATH)).map(drop)
}

/// Sets access and modification time of an open file.
pub fn futimens(fd: BorrowedFd<'_>, times: Option<&[TimeSpec; 2]>) -> Result<()> {
    let times = times.map_or(std::ptr::null(), |t| t.as_ptr());
    call!(futimens(fd.as_raw_fd(), times)).map(drop)
}

/// Sets the times of the object that an `O_PATH` descriptor stands for, a symbolic link included.
pub fn utimens_path(fd: BorrowedFd<'_>, times: Option<&[TimeSpec; 2]>) -> Result<()> {
    let times = times.map_or(std::ptr::null(), |t| t.as_ptr());
    call!(utimensat(libc::AT_FDCWD, ProcPath::new(fd).as_ptr(), times, 0)).map(drop)
}

/// `faccessat2(2)` of the object that a descriptor stands for.
pub fn access_fd(fd: BorrowedFd<'_>, mode: i32, flags: i32) -> Result<()> {
    let flags = flags | libc::AT_EMPTY_PATH;
    call!(syscall(libc::SYS_faccessat2, fd.as_raw_fd(), c"".as_ptr(), mode, flags)).map(drop)
}

/// `ftruncate(2)`.
pub fn ftruncate(fd: BorrowedFd<'_>, len: i64) -> Result<()> {
    call!(ftruncate64(fd.as_raw_fd(), len)).map(drop)
}

/// `truncate(2)` of the object that an `O_PATH` descriptor stands for.
pub fn truncate_path(fd: BorrowedFd<'_>, len: i64) -> Result<()> {
    call!(truncate64(ProcPath::new(fd).as_ptr(), len)).map(drop)
}

/// `fallocate(2)`.
pub fn fallocate(fd: BorrowedFd<'_>, mode: i32, offset: i64, len: i64) -> Result<()> {
    call!(fallocate64(fd.as_raw_fd(), mode, offset, len)).map(drop)
}

/// `posix_fadvise(2)`.
pub fn fadvise(fd: BorrowedFd<'_>, offset: i64, len: i64, advice: i32) -> Result<()> {
    // SAFETY: integers and a live descriptor.
    match unsafe { libc::posix_fadvise64(fd.as_raw_fd(), offset, len, advice) } {
        0 => Ok(()),
        number => Err(Errno(number)),
    }
}

/// `fsync(2)`.
pub fn fsync(fd: BorrowedFd<'_>) -> Result<()> {
    call!(fsync(fd.as_raw_fd())).map(drop)
}

/// `fdatasync(2)`.
pub fn fdatasync(fd: BorrowedFd<'_>) -> Result<()> {
    call!(fdatasync(fd.as_raw_fd())).map(drop)
}

/// `syncfs(2)`.
pub fn syncfs(fd: BorrowedFd<'_>) -> Result<()> {
    call!(syncfs(fd.as_raw_fd())).map(drop)
}

/// `lseek(2)`.
#[inline]
pub fn lseek(fd: BorrowedFd<'_>, offset: i64, whence: i32) -> Result<i64> {
    call!(lseek64(fd.as_raw_fd(), offset, whence))
}

/// `flock(2)`.
pub fn flock(fd: BorrowedFd<'_>, operation: i32) -> Result<()> {
    call!(flock(fd.as_raw_fd(), operation)).map(drop)
}

/// `fcntl(2)` for commands with an integer argument or none.
pub fn fcntl(fd: BorrowedFd<'_>, command: i32, arg: i32) -> Result<i32> {
    call!(fcntl(fd.as_raw_fd(), command, arg))
}

/// `fcntl(2)` for the lock commands.
pub fn fcntl_lock(fd: BorrowedFd<'_>, command: i32, lock: &mut FileLock) -> Result<()> {
    call!(fcntl(fd.as_raw_fd(), command, &raw mut *lock)).map(drop)
}

/// An empty lock description.
pub fn file_lock() -> FileLock {
    zeroed()
}

/// A second descriptor for the same open file.
pub fn dup(fd: BorrowedFd<'_>) -> Result<OwnedFd> {
    Ok(owned(call!(fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 3))?))
}

/// A second descriptor for one of the process's standard streams.
pub fn dup_standard(number: RawFd) -> Result<OwnedFd> {
    Ok(owned(call!(fcntl(number, libc::F_DUPFD_CLOEXEC, 3))?))
}

/// `ioctl(2)` for requests that fill in one integer.
pub fn ioctl_get_int(fd: BorrowedFd<'_>, request: u64) -> Result<i32> {
    let mut value = 0i32;
    call!(ioctl(fd.as_raw_fd(), request as _, &raw mut value))?;
    Ok(value)
}

/// Size of the terminal behind a descriptor: rows, columns, x and y pixels.
pub fn window_size(fd: BorrowedFd<'_>) -> Result<[u16; 4]> {
    let mut size = [0u16; 4];
    call!(ioctl(fd.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()))?;
    Ok(size)
}

/// Input, output, control and local flags of the terminal behind a descriptor, and its control characters.
pub fn terminal(fd: BorrowedFd<'_>) -> Result<([u32; 4], [u8; 32])> {
    let mut t: libc::termios = zeroed();
    call!(tcgetattr(fd.as_raw_fd(), &raw mut t))?;
    Ok(([t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag], t.c_cc))
}

/// Raw directory entries, in the kernel's `linux_dirent64` form.
pub fn getdents64(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    call!(syscall(libc::SYS_getdents64, fd.as_raw_fd(), buf.as_mut_ptr(), buf.len())).map(|n| n as usize)
}

/// `read(2)` into guest memory: the bare system call, as the C library's function also cares for threads that are cancelled, of which there
/// are none.
#[inline(always)]
pub fn read_guest(fd: BorrowedFd<'_>, buf: GuestBuf<'_>) -> Result<usize> {
    // SAFETY: the buffer was checked to lie in the guest's memory, where the kernel may write.
    answered(unsafe { syscall3(libc::SYS_read, [fd.as_raw_fd() as usize, buf.as_ptr() as usize, buf.len()]) })
}

/// `write(2)` from guest memory: as above.
#[inline(always)]
pub fn write_guest(fd: BorrowedFd<'_>, buf: GuestBuf<'_>) -> Result<usize> {
    // SAFETY: the buffer was checked to lie in the guest's memory.
    answered(unsafe { syscall3(libc::SYS_write, [fd.as_raw_fd() as usize, buf.as_ptr() as usize, buf.len()]) })
}

/// `pread(2)` into guest memory.
#[inline]
pub fn pread_guest(fd: BorrowedFd<'_>, buf: GuestBuf<'_>, offset: i64) -> Result<usize> {
    call!(pread64(fd.as_raw_fd(), buf.as_ptr().cast(), buf.len(), offset)).map(|n| n as usize)
}

/// `pwrite(2)` from guest memory.
#[inline]
pub fn pwrite_guest(fd: BorrowedFd<'_>, buf: GuestBuf<'_>, offset: i64) -> Result<usize> {
    call!(pwrite64(fd.as_raw_fd(), buf.as_ptr().cast(), buf.len(), offset)).map(|n| n as usize)
}

/// `readv(2)` into guest memory.
#[inline]
pub fn readv(fd: BorrowedFd<'_>, iov: &GuestIov<'_>) -> Result<usize> {
    // SAFETY: a list of as many buffers, each checked to lie in the guest's memory.
    answered(unsafe {
        syscall3(libc::SYS_readv, [fd.as_raw_fd() as usize, iov.as_ptr() as usize, iov.count() as usize])
    })
}

/// `writev(2)` from guest memory.
#[inline]
pub fn writev(fd: BorrowedFd<'_>, iov: &GuestIov<'_>) -> Result<usize> {
    // SAFETY: as above.
    answered(unsafe {
        syscall3(libc::SYS_writev, [fd.as_raw_fd() as usize, iov.as_ptr() as usize, iov.count() as usize])
    })
}

/// `preadv(2)` into guest memory.
#[inline]
pub fn preadv(fd: BorrowedFd<'_>, iov: &GuestIov<'_>, offset: i64) -> Result<usize> {
    call!(preadv64(fd.as_raw_fd(), iov.as_ptr(), iov.count(), offset)).map(|n| n as usize)
}

/// `pwritev(2)` from guest memory.
#[inline]
pub fn pwritev(fd: BorrowedFd<'_>, iov: &GuestIov<'_>, offset: i64) -> Result<usize> {
    call!(pwritev64(fd.as_raw_fd(), iov.as_ptr(), iov.count(), offset)).map(|n| n as usize)
}

/// `pread(2)`.
#[inline]
pub fn pread(fd: BorrowedFd<'_>, buf: &mut [u8], offset: i64) -> Result<usize> {
    call!(pread64(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len(), offset)).map(|n| n as usize)
}

/// `pwrite(2)`.
#[inline]
pub fn pwrite(fd: BorrowedFd<'_>, buf: &[u8], offset: i64) -> Result<usize> {
    call!(pwrite64(fd.as_raw_fd(), buf.as_ptr().cast(), buf.len(), offset)).map(|n| n as usize)
}

/// `read(2)`.
pub fn read(fd: BorrowedFd<'_>, buf: &mut [u8]) -> Result<usize> {
    call!(read(fd.as_raw_fd(), buf.as_mut_ptr().cast(), buf.len())).map(|n| n as usize)
}

/// `write(2)`.
pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    call!(write(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len())).map(|n| n as usize)
}

/// `copy_file_range(2)`; a `None` offset uses and moves the file position.
pub fn copy_file_range(
    from: (BorrowedFd<'_>, Option<&mut i64>),
    to: (BorrowedFd<'_>, Option<&mut i64>),
    len: usize,
) -> Result<usize> {
    let pointer = |offset: Option<&mut i64>| offset.map_or(std::ptr::null_mut(), |o| &raw mut *o);
    let (from_fd, from_off) = (from.0.as_raw_fd(), pointer(from.1));
    let (to_fd, to_off) = (to.0.as_raw_fd(), pointer(to.1));
    call!(copy_file_range(from_fd, from_off, to_fd, to_off, len, 0)).map(|n| n as usize)
}

/// `sendfile(2)`; a `None` offset uses and moves the file position.
#[inline]
pub fn sendfile(to: BorrowedFd<'_>, from: BorrowedFd<'_>, offset: Option<&mut i64>, len: usize) -> Result<usize> {
    let offset = offset.map_or(std::ptr::null_mut(), |o| &raw mut *o);
    raw!(SYS_sendfile; to.as_raw_fd(), from.as_raw_fd(), offset, len)
}

/// `pipe2(2)`: the reading and the writing end.
pub fn pipe(flags: i32) -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    call!(pipe2(fds.as_mut_ptr(), flags | libc::O_CLOEXEC))?;
    Ok((owned(fds[0]), owned(fds[1])))
}

/// `ppoll(2)`: how many entries have events; `None` waits for ever.
pub fn poll(fds: &mut [PollFd], timeout: Option<TimeSpec>) -> Result<usize> {
    let timeout = timeout.as_ref().map_or(std::ptr::null(), |t| &raw const *t);
    call!(ppoll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout, std::ptr::null())).map(|n| n as usize)
}

/// `clock_gettime(2)`.
#[inline(always)]
pub fn clock_gettime(clock: i32) -> Result<TimeSpec> {
    let mut time = zeroed();
    call!(clock_gettime(clock, &raw mut time))?;
    Ok(time)
}

/// `clock_getres(2)`.
pub fn clock_getres(clock: i32) -> Result<TimeSpec> {
    let mut time = zeroed();
    call!(clock_getres(clock, &raw mut time))?;
    Ok(time)
}

/// Seconds east of UTC, whether daylight saving is on, and the calendar fields of a time in the host's zone.
pub struct LocalTime {
    /// sec, min, hour, mday, mon, year, wday, yday, isdst.
    pub fields: [i32; 9],
    /// Seconds east of UTC.
    pub gmtoff: i64,
    /// Abbreviation of the zone.
    pub zone: String,
}

impl LocalTime {
    fn from_tm(tm: &libc::tm) -> LocalTime {
        let zone = if tm.tm_zone.is_null() {
            String::new()
        } else {
            // SAFETY: libc points tm_zone at a NUL-terminated name that lives as long as the zone is loaded.
            unsafe { CStr::from_ptr(tm.tm_zone) }.to_string_lossy().into_owned()
        };
        let fields =
            [tm.tm_sec, tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon, tm.tm_year, tm.tm_wday, tm.tm_yday, tm.tm_isdst];
        LocalTime { fields, gmtoff: tm.tm_gmtoff, zone }
    }
}

/// Breaks a time down, in UTC or in the host's zone.
pub fn break_down(time: i64, utc: bool) -> Result<LocalTime> {
    let mut tm: libc::tm = zeroed();
    // SAFETY: both functions read the time and fill the struct, which are locals; they return null or the struct.
    let done = unsafe {
        match utc {
            true => libc::gmtime_r(&time, &mut tm),
            false => libc::localtime_r(&time, &mut tm),
        }
    };
    if done.is_null() { Err(Errno::EOVERFLOW) } else { Ok(LocalTime::from_tm(&tm)) }
}

/// The inverse of [`break_down`], which also normalises the fields; `None` where no such time exists.
pub fn make_time(fields: [i32; 9], utc: bool) -> Option<(i64, LocalTime)> {
    let mut tm: libc::tm = zeroed();
    [tm.tm_sec, tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon, tm.tm_year, tm.tm_wday, tm.tm_yday, tm.tm_isdst] = fields;
    // mktime answers -1 both for an error and for the second before the epoch; it sets the weekday only on success.
    tm.tm_wday = 7;
    // SAFETY: both functions read and write the struct, a local.
    let time = unsafe {
        match utc {
            true => libc::timegm(&mut tm),
            false => libc::mktime(&mut tm),
        }
    };
    (tm.tm_wday != 7).then(|| (time, LocalTime::from_tm(&tm)))
}

/// `strftime(3)` in the C locale: the number of bytes before the terminator, 0 where the text does not fit.
pub fn format_time(buf: &mut [u8], format: &CStr, fields: [i32; 9], gmtoff: i64, zone: &CStr) -> usize {
    if buf.is_empty() {
        return 0;
    }
    let mut tm: libc::tm = zeroed();
    // The C library indexes its tables of names by these.
    [tm.tm_sec, tm.tm_min, tm.tm_hour, tm.tm_mday, tm.tm_mon, tm.tm_year, tm.tm_wday, tm.tm_yday, tm.tm_isdst] = fields;
    tm.tm_mon = tm.tm_mon.rem_euclid(12);
    tm.tm_wday = tm.tm_wday.rem_euclid(7);
    (tm.tm_gmtoff, tm.tm_zone) = (gmtoff, zone.as_ptr().cast_mut());
    buf[0] = 0;
    // SAFETY: the buffer is as long as said, the strings are terminated and outlive the call, and the fields that
    // select names are within their tables.
    unsafe { libc::strftime(buf.as_mut_ptr().cast(), buf.len(), format.as_ptr(), &tm) }
}

/// `clock_nanosleep(2)`; on EINTR a relative sleep's rest is in `time`.
pub fn clock_nanosleep(clock: i32, absolute: bool, time: &mut TimeSpec) -> Result<()> {
    let request = *time;
    let flags = if absolute { libc::TIMER_ABSTIME } else { 0 };
    // SAFETY: the request and the rest are locals or the caller's exclusive reference.
    match unsafe { libc::clock_nanosleep(clock, flags, &request, time) } {
        0 => Ok(()),
        number => Err(Errno(number)),
    }
}

/// Fills a buffer with random bytes.
pub fn getrandom(buf: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    while filled < buf.len() {
        let rest = &mut buf[filled..];
        match call!(getrandom(rest.as_mut_ptr().cast(), rest.len(), 0)) {
            Ok(n) => filled += n as usize,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// User and system time of this process in microseconds, and its largest resident set in KiB.
pub fn rusage(who: i32) -> Result<(i64, i64, i64)> {
    let mut usage: libc::rusage = zeroed();
    call!(getrusage(who as _, &raw mut usage))?;
    let micros = |t: libc::timeval| t.tv_sec * 1_000_000 + t.tv_usec;
    Ok((micros(usage.ru_utime), micros(usage.ru_stime), usage.ru_maxrss))
}

/// `sched_yield(2)`.
pub fn sched_yield() {
    // SAFETY: has no arguments and no effect on memory.
    unsafe { libc::sched_yield() };
}

/// Real user, effective user, real group, effective group.
pub fn identity() -> [u32; 4] {
    // SAFETY: these calls have no arguments and cannot fail.
    unsafe { [libc::getuid(), libc::geteuid(), libc::getgid(), libc::getegid()] }
}

/// `setfsuid(2)`: who this thread accesses files as, until the next call; gives who it was.
pub fn setfsuid(uid: u32) -> u32 {
    // SAFETY: takes an integer; the previous number is the answer in every case.
    unsafe { libc::setfsuid(uid) as u32 }
}

/// `setfsgid(2)`: as [`setfsuid`] for the group.
pub fn setfsgid(gid: u32) -> u32 {
    // SAFETY: as above.
    unsafe { libc::setfsgid(gid) as u32 }
}

/// The supplementary groups.
pub fn groups() -> Result<Vec<u32>> {
    let count = call!(getgroups(0, std::ptr::null_mut()))?;
    let mut list = vec![0u32; count as usize];
    let count = call!(getgroups(list.len() as i32, list.as_mut_ptr()))?;
    list.truncate(count as usize);
    Ok(list)
}

/// Extended attributes of one object: an open file, or what an `O_PATH` descriptor stands for.
#[derive(Clone, Copy)]
pub enum XattrTarget<'a> {
    /// An open file.
    Open(BorrowedFd<'a>),
    /// An `O_PATH` descriptor; a symbolic link stands for itself.
    Path(BorrowedFd<'a>),
}

impl XattrTarget<'_> {
    /// Reads an attribute; an empty buffer asks for its size.
    pub fn get(self, name: &CStr, buf: &mut [u8]) -> Result<usize> {
        let (value, len) = (buf.as_mut_ptr().cast(), buf.len());
        match self {
            XattrTarget::Open(fd) => call!(fgetxattr(fd.as_raw_fd(), name.as_ptr(), value, len)),
            XattrTarget::Path(fd) => call!(getxattr(ProcPath::new(fd).as_ptr(), name.as_ptr(), value, len)),
        }
        .map(|n| n as usize)
    }

    /// Sets an attribute.
    pub fn set(self, name: &CStr, value: &[u8], flags: i32) -> Result<()> {
        let (data, len) = (value.as_ptr().cast(), value.len());
        match self {
            XattrTarget::Open(fd) => call!(fsetxattr(fd.as_raw_fd(), name.as_ptr(), data, len, flags)),
            XattrTarget::Path(fd) => call!(setxattr(ProcPath::new(fd).as_ptr(), name.as_ptr(), data, len, flags)),
        }
        .map(drop)
    }

    /// Lists the names; an empty buffer asks for the list's size.
    pub fn list(self, buf: &mut [u8]) -> Result<usize> {
        let (list, len) = (buf.as_mut_ptr().cast(), buf.len());
        match self {
            XattrTarget::Open(fd) => call!(flistxattr(fd.as_raw_fd(), list, len)),
            XattrTarget::Path(fd) => call!(listxattr(ProcPath::new(fd).as_ptr(), list, len)),
        }
        .map(|n| n as usize)
    }

    /// Removes an attribute.
    pub fn remove(self, name: &CStr) -> Result<()> {
        match self {
            XattrTarget::Open(fd) => call!(fremovexattr(fd.as_raw_fd(), name.as_ptr())),
            XattrTarget::Path(fd) => call!(removexattr(ProcPath::new(fd).as_ptr(), name.as_ptr())),
        }
        .map(drop)
    }
}

/// The name `/proc/self/fd/N` of a descriptor of ours: how calls without an `AT_EMPTY_PATH` reach its object.
///
/// The kernel jumps to the very object, also where it is a symbolic link, and does not follow it any further.
struct ProcPath([u8; 32]);

impl ProcPath {
    fn new(fd: BorrowedFd<'_>) -> ProcPath {
        use std::io::Write;
        let mut text = [0; 32];
        // 14 bytes of prefix and at most 11 of number leave room for the terminating zero.
        let _ = write!(&mut text[..31], "/proc/self/fd/{}", fd.as_raw_fd());
        ProcPath(text)
    }

    fn as_ptr(&self) -> *const libc::c_char {
        self.0.as_ptr().cast()
    }
}

/// Whether the kernel has `openat2`, without which the sandbox does not work.
pub fn probe_openat2() -> Result<()> {
    let root = open_trusted(c"/", libc::O_PATH | libc::O_DIRECTORY)?;
    let fd = std::os::fd::AsFd::as_fd(&root);
    openat2(fd, c".", libc::O_PATH, 0, libc::RESOLVE_BENEATH).map(drop)
}

/// A NUL-terminated copy; EINVAL where the bytes hold a NUL.
pub fn cstring(bytes: &[u8]) -> Result<CString> {
    CString::new(bytes).map_err(|_| Errno::EINVAL)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn times_survive_the_round_trip() {
        let utc = break_down(86_399, true).unwrap();
        assert_eq!(utc.fields[..6], [59, 59, 23, 1, 0, 70]);
        assert_eq!(make_time(utc.fields, true).unwrap().0, 86_399);
        let second_before = break_down(-1, true).unwrap();
        assert_eq!(make_time(second_before.fields, true).unwrap().0, -1);
    }

    #[test]
    fn symlink_stands_for_itself_behind_an_o_path_descriptor() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("l")).unwrap();
        let root = open_trusted(&cstring(dir.path().as_os_str().as_encoded_bytes()).unwrap(), libc::O_PATH).unwrap();
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let link = openat2(root.as_fd(), c"l", flags, 0, libc::RESOLVE_BENEATH).unwrap();
        let times = [TimeSpec { tv_sec: 1, tv_nsec: 0 }, TimeSpec { tv_sec: 2, tv_nsec: 0 }];
        utimens_path(link.as_fd(), Some(&times)).unwrap();
        assert_eq!(fstat(link.as_fd()).unwrap().st_mtime, 2);
        fchown(link.as_fd(), u32::MAX, u32::MAX).unwrap();
        let mut buf = [0; 16];
        assert_eq!(readlinkat(link.as_fd(), c"", &mut buf).unwrap(), 7);
    }
}
