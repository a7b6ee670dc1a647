//! Waiting for descriptors: `poll`, `select` and their variants.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::state::Host;
use crate::host::sys::{self, PollFd, Result, TimeSpec};
use smallvec::SmallVec;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

/// Most entries of one `poll`.
const MAX_POLL: u32 = 65_536;

/// Descriptors in a guest's `fd_set`.
const FD_SETSIZE: i32 = 1024;

/// Descriptors that are polled without an allocation.
const INLINE: usize = 64;

rows! { "env";
    /// Waits for events on descriptors.
    "__syscall_poll"(fds: ptr, count: len, timeout: int) sys = poll;
    /// Waits for events on descriptors; signals are the guest's own affair.
    "__syscall_ppoll"(fds: ptr, count: len, timeout: ptr, mask: ptr, size: len) sys = ppoll;
    /// Waits for descriptors in sets.
    "__syscall__newselect"(count: int, read: ptr, write: ptr, except: ptr, timeout: ptr) sys = select;
    /// Waits for descriptors in sets; signals are the guest's own affair.
    "__syscall_pselect6"(count: int, read: ptr, write: ptr, except: ptr, timeout: ptr, mask: ptr) sys = pselect;
}

/// Polls until something happens, the time is over, or the embedder wants the guest to stop.
pub fn wait(host: &Host, fds: &mut [PollFd], timeout: Option<Duration>) -> Result<usize> {
    // A time beyond what the clock can hold is for ever. Nobody asks how late it is where nothing is waited for.
    let deadline = timeout.filter(|timeout| !timeout.is_zero()).map(|timeout| Instant::now().checked_add(timeout));
    let mut rest = if deadline == Some(None) { None } else { timeout };
    loop {
        let limit = rest.map(|rest| TimeSpec {
            tv_sec: rest.as_secs().min(i64::MAX as u64) as i64,
            tv_nsec: i64::from(rest.subsec_nanos()),
        });
        match sys::poll(fds, limit) {
            Err(Errno::EINTR) if !host.interrupted() && !host.signals.due() => {
                let deadline = deadline.flatten();
                rest = deadline.map(|at| at.saturating_duration_since(Instant::now())).or(rest);
            }
            other => return other,
        }
    }
}

/// One descriptor as the host polls it. Synthetic directories are always ready, unknown numbers invalid: both are left
/// out of the host's call by a number below zero, and what is known of them stands in place of the events.
fn entry(host: &Host, fd: i32, events: i16) -> PollFd {
    let known = |revents| PollFd { fd: -1, events: revents, revents: 0 };
    if fd < 0 {
        return known(0);
    }
    let polled = |fd: BorrowedFd<'_>| PollFd { fd: fd.as_raw_fd(), events, revents: 0 };
    if let Some(fd) = host.fds.plain(fd, 0) {
        return polled(fd);
    }
    match host.fds.get(fd).map(|file| file.fd()) {
        Ok(Ok(fd)) => polled(fd),
        Ok(Err(_)) => known(events & (libc::POLLIN | libc::POLLRDNORM)),
        Err(_) => known(libc::POLLNVAL),
    }
}

/// What has happened to an entry.
fn happened(entry: &PollFd) -> i16 {
    if entry.fd < 0 { entry.events } else { entry.revents }
}

/// Polls a list and gives each entry's events.
fn poll_all(
    host: &Host,
    wanted: impl Iterator<Item = (i32, i16)>,
    timeout: Option<Duration>,
) -> Result<SmallVec<[PollFd; INLINE]>> {
    let mut fds: SmallVec<[PollFd; INLINE]> = wanted.map(|(fd, events)| entry(host, fd, events)).collect();
    let ready = fds.iter().any(|entry| happened(entry) != 0);
    wait(host, &mut fds, if ready { Some(Duration::ZERO) } else { timeout })?;
    Ok(fds)
}

fn poll(cx: &mut Ctx<'_>, fds: u32, count: u32, timeout: i32) -> Result<i32> {
    let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
    poll_for(cx, fds, count, timeout)
}

fn ppoll(cx: &mut Ctx<'_>, fds: u32, count: u32, timeout: u32, _: u32, _: u32) -> Result<i32> {
    let timeout = timespec(cx, timeout)?;
    poll_for(cx, fds, count, timeout)
}

fn poll_for(cx: &mut Ctx<'_>, fds: u32, count: u32, timeout: Option<Duration>) -> Result<i32> {
    if count > MAX_POLL {
        return Err(Errno::EINVAL);
    }
    let list = cx.mem.bytes(fds, count * 8)?;
    let wanted = list.chunks_exact(8).map(|raw| {
        let fd = i32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]);
        (fd, i16::from_le_bytes([raw[4], raw[5]]))
    });
    let found = poll_all(cx.host, wanted, timeout)?;
    for (index, entry) in found.iter().enumerate() {
        cx.mem.write_u16(fds + index as u32 * 8 + 6, happened(entry) as u16)?;
    }
    Ok(found.iter().filter(|entry| happened(entry) != 0).count() as i32)
}

/// A `struct timespec` as a duration; null is for ever.
fn timespec(cx: &Ctx<'_>, ptr: u32) -> Result<Option<Duration>> {
    duration(cx, ptr, 1_000_000_000)
}

fn duration(cx: &Ctx<'_>, ptr: u32, per_second: u64) -> Result<Option<Duration>> {
    if ptr == 0 {
        return Ok(None);
    }
    let bytes = cx.mem.bytes(ptr, cx.host.layout.timespec_size())?;
    let (seconds, fraction) = cx.host.layout.decode_time(&bytes);
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let fraction = u64::try_from(fraction).ok().filter(|f| *f < per_second).ok_or(Errno::EINVAL)?;
    Ok(Some(Duration::new(seconds, (fraction * (1_000_000_000 / per_second)) as u32)))
}

fn select(cx: &mut Ctx<'_>, count: i32, read: u32, write: u32, except: u32, timeout: u32) -> Result<i32> {
    let timeout = duration(cx, timeout, 1_000_000)?;
    select_for(cx, count, [read, write, except], timeout)
}

fn pselect(cx: &mut Ctx<'_>, count: i32, read: u32, write: u32, except: u32, timeout: u32, _: u32) -> Result<i32> {
    let timeout = timespec(cx, timeout)?;
    select_for(cx, count, [read, write, except], timeout)
}

/// What each of the three sets waits for, and what makes a descriptor a member of the answer.
const SETS: [(i16, i16); 3] = [
    (libc::POLLIN | libc::POLLRDNORM, libc::POLLIN | libc::POLLRDNORM | libc::POLLHUP | libc::POLLERR),
    (libc::POLLOUT | libc::POLLWRNORM, libc::POLLOUT | libc::POLLWRNORM | libc::POLLERR),
    (libc::POLLPRI, libc::POLLPRI),
];

fn select_for(cx: &mut Ctx<'_>, count: i32, sets: [u32; 3], timeout: Option<Duration>) -> Result<i32> {
    if !(0..=FD_SETSIZE).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let mut bits = [[0u8; FD_SETSIZE as usize / 8]; 3];
    let used = (count as usize).div_ceil(8);
    for (ptr, bits) in sets.iter().zip(&mut bits) {
        if *ptr != 0 {
            cx.mem.copy_out(*ptr, &mut bits[..used])?;
        }
    }
    let has = |set: &[u8], fd: i32| set[fd as usize / 8] & (1 << (fd % 8)) != 0;
    let mut wanted: SmallVec<[(i32, i16); INLINE]> = SmallVec::new();
    for fd in 0..count {
        let events = bits.iter().zip(SETS).filter(|(set, _)| has(&set[..], fd)).fold(0, |all, (_, s)| all | s.0);
        if events != 0 {
            cx.host.fds.get(fd)?;
            wanted.push((fd, events));
        }
    }
    let found = poll_all(cx.host, wanted.iter().copied(), timeout)?;
    let mut answer = [[0u8; FD_SETSIZE as usize / 8]; 3];
    let mut members = 0;
    for ((fd, _), revents) in wanted.iter().zip(found.iter().map(happened)) {
        for (index, (_, hit)) in SETS.iter().enumerate() {
            if has(&bits[index], *fd) && revents & hit != 0 {
                answer[index][*fd as usize / 8] |= 1 << (fd % 8);
                members += 1;
            }
        }
    }
    for (ptr, answer) in sets.iter().zip(&answer) {
        if *ptr != 0 {
            cx.mem.copy_in(*ptr, &answer[..used])?;
        }
    }
    Ok(members)
}
