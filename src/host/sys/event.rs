//! Descriptors that tell of events: epoll, eventfd, timerfd, inotify; and terminals.

use super::{ProcPath, Result, TimeSpec, check, owned, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// `epoll_create1(2)`.
pub fn epoll() -> Result<OwnedFd> {
    call!(epoll_create1(libc::EPOLL_CLOEXEC)).map(owned)
}

/// `epoll_ctl(2)`.
pub fn epoll_ctl(epoll: BorrowedFd<'_>, operation: i32, fd: BorrowedFd<'_>, events: u32, data: u64) -> Result<()> {
    let mut event = libc::epoll_event { events, u64: data };
    call!(epoll_ctl(epoll.as_raw_fd(), operation, fd.as_raw_fd(), &raw mut event)).map(drop)
}

/// `epoll_wait(2)`: events and data, at most `max`; a negative timeout waits for ever.
pub fn epoll_wait(epoll: BorrowedFd<'_>, max: usize, timeout: i32) -> Result<Vec<(u32, u64)>> {
    let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; max];
    let count = call!(epoll_wait(epoll.as_raw_fd(), events.as_mut_ptr(), max as i32, timeout))?;
    Ok(events[..count as usize].iter().map(|event| (event.events, event.u64)).collect())
}

/// `eventfd(2)`.
pub fn eventfd(initial: u32, flags: i32) -> Result<OwnedFd> {
    call!(eventfd(initial, flags | libc::EFD_CLOEXEC)).map(owned)
}

/// `timerfd_create(2)`.
pub fn timerfd(clock: i32, flags: i32) -> Result<OwnedFd> {
    call!(timerfd_create(clock, flags | libc::TFD_CLOEXEC)).map(owned)
}

/// A timer's interval and the time until it expires.
pub type Timer = [TimeSpec; 2];

fn timer(spec: libc::itimerspec) -> Timer {
    [spec.it_interval, spec.it_value]
}

/// `timerfd_settime(2)`: what was set before.
pub fn timerfd_set(fd: BorrowedFd<'_>, flags: i32, [it_interval, it_value]: Timer) -> Result<Timer> {
    let new = libc::itimerspec { it_interval, it_value };
    let mut old = zeroed();
    call!(timerfd_settime(fd.as_raw_fd(), flags, &raw const new, &raw mut old))?;
    Ok(timer(old))
}

/// `timerfd_gettime(2)`.
pub fn timerfd_get(fd: BorrowedFd<'_>) -> Result<Timer> {
    let mut now = zeroed();
    call!(timerfd_gettime(fd.as_raw_fd(), &raw mut now))?;
    Ok(timer(now))
}

/// `inotify_init1(2)`.
pub fn inotify(flags: i32) -> Result<OwnedFd> {
    call!(inotify_init1(flags | libc::IN_CLOEXEC)).map(owned)
}

/// `inotify_add_watch(2)` of the object that a descriptor stands for.
pub fn inotify_add(fd: BorrowedFd<'_>, object: BorrowedFd<'_>, mask: u32) -> Result<i32> {
    let path = ProcPath::new(object);
    call!(inotify_add_watch(fd.as_raw_fd(), path.as_ptr(), mask))
}

/// `inotify_rm_watch(2)`.
pub fn inotify_remove(fd: BorrowedFd<'_>, watch: i32) -> Result<()> {
    call!(inotify_rm_watch(fd.as_raw_fd(), watch)).map(drop)
}

/// Sets flags, control characters and line speed stay; `when` is `TCSANOW` and its like.
pub fn set_terminal(fd: BorrowedFd<'_>, when: i32, flags: [u32; 4], chars: &[u8; 32]) -> Result<()> {
    let mut t: libc::termios = zeroed();
    call!(tcgetattr(fd.as_raw_fd(), &raw mut t))?;
    [t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag] = flags;
    t.c_cc.copy_from_slice(chars);
    call!(tcsetattr(fd.as_raw_fd(), when, &raw const t)).map(drop)
}
