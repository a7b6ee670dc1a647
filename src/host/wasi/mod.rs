//! WASI preview 1, which Emscripten's programs use in part too.
//!
//! Paths are relative to a descriptor of a directory and stay below it: leaving it, also through a link, is EPERM.

use super::errno::Errno;
use super::state::{HasHost, Host};
use crate::runtime::{Error, Linker};

pub mod fds;
pub mod misc;
pub mod paths;
pub mod poll;
pub mod sockets;
pub mod threads;

/// Every list of rows.
pub(super) const ROWS: &[&[super::rows::Row]] =
    &[fds::ROWS, paths::ROWS, poll::ROWS, sockets::ROWS, misc::ROWS, threads::ROWS];

/// Defines every row.
pub(super) fn link<T: HasHost + 'static>(linker: &mut Linker<T>) -> Result<(), Error> {
    fds::link(linker)?;
    fds::shorten(linker);
    paths::link(linker)?;
    poll::link(linker)?;
    sockets::link(linker)?;
    threads::link(linker)?;
    misc::link(linker)
}

/// The number of an error for the guest's C library: Emscripten's knows more than WASI defines.
pub(super) fn number(host: &Host, errno: Errno) -> u16 {
    if host.pure_wasi { errno.wasi() } else { errno.emscripten() }
}

/// `filetype` of a mode.
pub(super) fn filetype(mode: u32) -> u8 {
    match mode & libc::S_IFMT {
        libc::S_IFBLK => 1,
        libc::S_IFCHR => 2,
        libc::S_IFDIR => 3,
        libc::S_IFREG => 4,
        libc::S_IFSOCK => 6,
        libc::S_IFLNK => 7,
        _ => 0,
    }
}

/// `fdflags` and the host's open flags.
pub(super) const FD_FLAGS: [(i32, i32); 4] =
    [(1, libc::O_APPEND), (2, libc::O_DSYNC), (4, libc::O_NONBLOCK), (16, libc::O_SYNC)];

/// The host's open flags for `fdflags`.
pub(super) fn fd_flags_to_host(flags: i32) -> i32 {
    FD_FLAGS.iter().filter(|(wasi, _)| flags & wasi != 0).fold(0, |all, (_, host)| all | host)
}

/// `fdflags` of the host's open flags.
pub(super) fn fd_flags_from_host(flags: i32) -> u16 {
    FD_FLAGS.iter().filter(|(_, host)| flags & host == *host).fold(0, |all, (wasi, _)| all | *wasi as u16)
}

/// A `filestat`.
// The width of some fields differs by architecture.
#[allow(clippy::unnecessary_cast)]
pub(super) fn filestat(stat: &super::sys::Stat) -> [u8; 64] {
    let nanos = |seconds: i64, nanos: i64| (seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(nanos as u64);
    let words = [
        stat.st_dev,
        stat.st_ino,
        u64::from(filetype(stat.st_mode)),
        stat.st_nlink as u64,
        stat.st_size as u64,
        nanos(stat.st_atime, stat.st_atime_nsec),
        nanos(stat.st_mtime, stat.st_mtime_nsec),
        nanos(stat.st_ctime, stat.st_ctime_nsec),
    ];
    let mut out = [0; 64];
    for (slot, word) in out.chunks_exact_mut(8).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
    out
}

/// Times for `futimens` from a `filestat_set_times` call.
pub(super) fn set_times(accessed: i64, modified: i64, flags: i32) -> super::sys::Result<[super::sys::TimeSpec; 2]> {
    let one = |time: i64, set: i32, now: i32| {
        let time = time as u64;
        let (tv_sec, tv_nsec) = match (flags & set != 0, flags & now != 0) {
            (true, true) => return Err(Errno::EINVAL),
            (true, false) => ((time / 1_000_000_000) as i64, (time % 1_000_000_000) as i64),
            (false, true) => (0, libc::UTIME_NOW),
            (false, false) => (0, libc::UTIME_OMIT),
        };
        Ok(super::sys::TimeSpec { tv_sec, tv_nsec })
    };
    Ok([one(accessed, 1, 2)?, one(modified, 4, 8)?])
}
