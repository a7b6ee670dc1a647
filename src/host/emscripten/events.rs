//! Descriptors that tell of events: epoll, eventfd, timerfd, inotify; under the libc names, which programs import because
//! Emscripten's libc lacks them, and as the system calls of the SDK's shim.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::fd::{File, Kind};
use crate::host::ops;
use crate::host::rows::rows;
use crate::host::state::AT_FDCWD;
use crate::host::sys::event::{self, Timer};
use crate::host::sys::{Result, TimeSpec};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The system calls' rows.
pub mod syscalls {
    use super::*;

    rows! { "env";
        /// Makes an epoll descriptor.
        "__syscall_epoll_create1"(flags: int) sys = epoll_create1;
        /// Adds, changes or removes a descriptor.
        "__syscall_epoll_ctl"(epoll: fd, operation: int, fd: fd, event: ptr) sys = epoll_ctl;
        /// Waits for events.
        "__syscall_epoll_wait"(epoll: fd, events: ptr, max: int, timeout: int) sys = epoll_wait;
        /// Makes a counter.
        "__syscall_eventfd2"(initial: int, flags: int) sys = eventfd;
        /// Makes a timer.
        "__syscall_timerfd_create"(clock: int, flags: int) sys = timerfd_create;
        /// Arms a timer.
        "__syscall_timerfd_settime"(fd: fd, flags: int, new: ptr, old: ptr) sys = timerfd_settime;
        /// What is left of a timer.
        "__syscall_timerfd_gettime"(fd: fd, now: ptr) sys = timerfd_gettime;
        /// Makes a descriptor that tells of changes to files.
        "__syscall_inotify_init1"(flags: int) sys = inotify_init1;
        /// Watches a file or directory.
        "__syscall_inotify_add_watch"(fd: fd, path: str, mask: int) sys = inotify_add_watch;
        /// Watches no longer.
        "__syscall_inotify_rm_watch"(fd: fd, watch: int) sys = inotify_rm_watch;
    }
}

rows! { "env";
    /// Makes an epoll descriptor.
    "epoll_create"(size: int) libc = epoll_create;
    /// Makes an epoll descriptor.
    "epoll_create1"(flags: int) libc = epoll_create1;
    /// Adds, changes or removes a descriptor.
    "epoll_ctl"(epoll: fd, operation: int, fd: fd, event: ptr) libc = epoll_ctl;
    /// Waits for events.
    "epoll_wait"(epoll: fd, events: ptr, max: int, timeout: int) libc = epoll_wait;
    /// Waits for events; signals are the guest's own affair.
    "epoll_pwait"(epoll: fd, events: ptr, max: int, timeout: int, mask: ptr) libc = epoll_pwait;
    /// Makes a counter.
    "eventfd"(initial: int, flags: int) libc = eventfd;
    /// Makes a timer.
    "timerfd_create"(clock: int, flags: int) libc = timerfd_create;
    /// Arms a timer.
    "timerfd_settime"(fd: fd, flags: int, new: ptr, old: ptr) libc = timerfd_settime;
    /// What is left of a timer.
    "timerfd_gettime"(fd: fd, now: ptr) libc = timerfd_gettime;
    /// Makes a descriptor that tells of changes to files.
    "inotify_init"() libc = inotify_init;
    /// Makes a descriptor that tells of changes to files.
    "inotify_init1"(flags: int) libc = inotify_init1;
    /// Watches a file or directory.
    "inotify_add_watch"(fd: fd, path: str, mask: int) libc = inotify_add_watch;
    /// Watches no longer.
    "inotify_rm_watch"(fd: fd, watch: int) libc = inotify_rm_watch;
}

/// The flags that all of these have, in Linux's generic numbers.
const NONBLOCK: i32 = 0o4000;
const CLOEXEC: i32 = 0o2000000;

/// Makes a descriptor; `more` are flags beyond the common two.
fn make(cx: &mut Ctx<'_>, flags: i32, more: i32, new: impl FnOnce(i32) -> Result<OwnedFd>) -> Result<i32> {
    if flags & !(NONBLOCK | CLOEXEC | more) != 0 {
        return Err(Errno::EINVAL);
    }
    cx.host.fds.room_for(1)?;
    let nonblock = if flags & NONBLOCK != 0 { libc::O_NONBLOCK } else { 0 };
    let fd = new(nonblock | flags & more)?;
    cx.host.fds.insert(Arc::new(File::event(fd)), 0, flags & CLOEXEC != 0)
}

fn epoll_create(cx: &mut Ctx<'_>, size: i32) -> Result<i32> {
    if size <= 0 { Err(Errno::EINVAL) } else { epoll_create1(cx, 0) }
}

fn epoll_create1(cx: &mut Ctx<'_>, flags: i32) -> Result<i32> {
    if flags & !CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    make(cx, flags, 0, |_| event::epoll())
}

/// Bytes of `struct epoll_event`: the events, padding, the data.
const EVENT: u32 = 16;

/// `EPOLL_CTL_DEL`, which needs no event.
const DELETE: i32 = 2;

fn epoll_ctl(cx: &mut Ctx<'_>, epoll: i32, operation: i32, fd: i32, ptr: u32) -> Result<i32> {
    let (events, data) = match operation {
        DELETE => (0, 0),
        _ => (cx.mem.read_u32(ptr)?, cx.mem.read_u64(ptr.checked_add(8).ok_or(Errno::EFAULT)?)?),
    };
    let epoll = cx.host.fds.get(epoll)?.fd().map_err(|_| Errno::EINVAL)?;
    let target = cx.host.fds.get(fd)?.fd().map_err(|_| Errno::EPERM)?;
    event::epoll_ctl(epoll, operation, target, events, data)?;
    Ok(0)
}

/// Most events of one call.
const MAX_EVENTS: i32 = 4096;

fn epoll_wait(cx: &mut Ctx<'_>, epoll: i32, events: u32, max: i32, timeout: i32) -> Result<i32> {
    if max <= 0 {
        return Err(Errno::EINVAL);
    }
    let max = max.min(MAX_EVENTS) as u32;
    cx.mem.check(events, u64::from(max) * u64::from(EVENT))?;
    let epoll = cx.host.fds.get(epoll)?.fd().map_err(|_| Errno::EINVAL)?;
    let deadline = u64::try_from(timeout).ok().map(|t| Instant::now() + Duration::from_millis(t));
    let mut rest = timeout;
    let found = cx.host.blocking(|| {
        let found = event::epoll_wait(epoll, max as usize, rest);
        if let (Err(Errno::EINTR), Some(deadline)) = (&found, deadline) {
            rest = deadline.saturating_duration_since(Instant::now()).as_millis() as i32;
        }
        found
    })?;
    for (index, (flags, data)) in found.iter().enumerate() {
        let at = events + index as u32 * EVENT;
        cx.mem.write_u32(at, *flags)?;
        cx.mem.write_u64(at + 8, *data)?;
    }
    Ok(found.len() as i32)
}

fn epoll_pwait(cx: &mut Ctx<'_>, epoll: i32, events: u32, max: i32, timeout: i32, _: u32) -> Result<i32> {
    epoll_wait(cx, epoll, events, max, timeout)
}

fn eventfd(cx: &mut Ctx<'_>, initial: i32, flags: i32) -> Result<i32> {
    make(cx, flags, libc::EFD_SEMAPHORE, |flags| event::eventfd(initial as u32, flags))
}

/// Clocks that a timer can have.
const CLOCKS: [i32; 3] = [libc::CLOCK_REALTIME, libc::CLOCK_MONOTONIC, libc::CLOCK_BOOTTIME];

fn timerfd_create(cx: &mut Ctx<'_>, clock: i32, flags: i32) -> Result<i32> {
    if !CLOCKS.contains(&clock) {
        return Err(Errno::EINVAL);
    }
    make(cx, flags, 0, |flags| event::timerfd(clock, flags))
}

fn put_timer(cx: &mut Ctx<'_>, ptr: u32, timer: Timer) -> Result<()> {
    let size = cx.host.layout.timespec_size();
    for (index, time) in timer.into_iter().enumerate() {
        let encoded = cx.host.layout.encode_time(time.tv_sec, time.tv_nsec);
        cx.mem.copy_in(ptr.checked_add(index as u32 * size).ok_or(Errno::EFAULT)?, encoded.bytes())?;
    }
    Ok(())
}

fn timerfd_settime(cx: &mut Ctx<'_>, fd: i32, flags: i32, new: u32, old: u32) -> Result<i32> {
    let size = cx.host.layout.timespec_size();
    let raw = cx.mem.read_bytes(new, 2 * size)?;
    let (interval, value) = raw.split_at(size as usize);
    let timer: [TimeSpec; 2] = [interval, value].map(|raw| cx.host.layout.decode_timespec(raw));
    let before = event::timerfd_set(cx.host.fds.get(fd)?.fd()?, flags, timer)?;
    if old != 0 {
        put_timer(cx, old, before)?;
    }
    Ok(0)
}

fn timerfd_gettime(cx: &mut Ctx<'_>, fd: i32, now: u32) -> Result<i32> {
    let timer = event::timerfd_get(cx.host.fds.get(fd)?.fd()?)?;
    put_timer(cx, now, timer)?;
    Ok(0)
}

fn inotify_init(cx: &mut Ctx<'_>) -> Result<i32> {
    inotify_init1(cx, 0)
}

fn inotify_init1(cx: &mut Ctx<'_>, flags: i32) -> Result<i32> {
    make(cx, flags, 0, event::inotify)
}

/// `IN_DONT_FOLLOW`.
const DONT_FOLLOW: u32 = 0x0200_0000;

fn inotify_add_watch(cx: &mut Ctx<'_>, fd: i32, path: u32, mask: i32) -> Result<i32> {
    let mut path = cx.path(path)?;
    let watcher = cx.host.fds.get(fd)?;
    if watcher.kind() != Kind::Event {
        return Err(Errno::EINVAL);
    }
    let mask = mask as u32;
    let base = cx.base(AT_FDCWD, &mut path)?;
    let object = ops::watch_target(cx.host, base, &mut path, mask & DONT_FOLLOW == 0)?;
    // The object is found already, and its descriptor's name is a link.
    event::inotify_add(watcher.fd()?, object.as_fd(), mask & !DONT_FOLLOW)
}

fn inotify_rm_watch(cx: &mut Ctx<'_>, fd: i32, watch: i32) -> Result<i32> {
    event::inotify_remove(cx.host.fds.get(fd)?.fd()?, watch).map(|()| 0)
}
