//! `poll_oneoff`: waiting for descriptors and clocks.

use crate::host::ctx::Ctx;
use crate::host::emscripten::poll::wait;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::sys::{self, PollFd, Result};
use std::os::fd::AsRawFd;
use std::time::Duration;

rows! { "wasi_snapshot_preview1";
    /// Waits until one of the events has happened.
    "poll_oneoff"(subscriptions: ptr, events: ptr, count: len, out: ptr) wasi = poll_oneoff;
}

/// Bytes of a subscription and of an event.
const SUBSCRIPTION: u32 = 48;
const EVENT: usize = 32;

/// Most subscriptions of one call.
const MAX_SUBSCRIPTIONS: u32 = 4096;

/// What a subscription waits for, as its tag and the event's type say.
const CLOCK: u8 = 0;
const FD_READ: u8 = 1;

/// One subscription and what became of it.
struct Waiting {
    user: u64,
    tag: u8,
    /// The guest's descriptor, if it waits for one.
    guest: i32,
    /// The descriptor's place in the host's list, or the time left.
    kind: Kind,
}

enum Kind {
    Clock(Duration),
    Fd(usize),
    Failed(Errno),
}

fn number(raw: &[u8], at: usize, len: usize) -> u64 {
    let mut wide = [0; 8];
    wide[..len].copy_from_slice(&raw[at..at + len]);
    u64::from_le_bytes(wide)
}

/// How long a clock subscription waits.
fn clock_rest(raw: &[u8]) -> Result<Duration> {
    let clock = match number(raw, 16, 4) {
        0 => libc::CLOCK_REALTIME,
        1 => libc::CLOCK_MONOTONIC,
        // Processor time cannot be waited for.
        2 | 3 => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EINVAL),
    };
    let timeout = Duration::from_nanos(number(raw, 24, 8));
    if number(raw, 40, 2) & 1 == 0 {
        return Ok(timeout);
    }
    let now = sys::clock_gettime(clock)?;
    Ok(timeout.saturating_sub(Duration::new(now.tv_sec.max(0) as u64, now.tv_nsec as u32)))
}

fn subscribe(cx: &Ctx<'_>, raw: &[u8], fds: &mut Vec<PollFd>) -> Waiting {
    let tag = raw[8];
    let kind = match tag {
        CLOCK => clock_rest(raw).map(Kind::Clock),
        1 | 2 => cx.host.fds.get(number(raw, 16, 4) as i32).and_then(|file| file.fd()).map(|fd| {
            let events = if tag == FD_READ { libc::POLLIN } else { libc::POLLOUT };
            fds.push(PollFd { fd: fd.as_raw_fd(), events, revents: 0 });
            Kind::Fd(fds.len() - 1)
        }),
        _ => Err(Errno::EINVAL),
    };
    Waiting { user: number(raw, 0, 8), tag, guest: number(raw, 16, 4) as i32, kind: kind.unwrap_or_else(Kind::Failed) }
}

fn poll_oneoff(cx: &mut Ctx<'_>, subscriptions: u32, events: u32, count: u32, out: u32) -> Result<()> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::EINVAL);
    }
    let list = cx.mem.bytes(subscriptions, count * SUBSCRIPTION)?;
    cx.mem.check(events, u64::from(count) * EVENT as u64)?;
    let mut fds = Vec::new();
    let waiting: Vec<Waiting> =
        list.chunks_exact(SUBSCRIPTION as usize).map(|raw| subscribe(cx, raw, &mut fds)).collect();
    let ready = waiting.iter().any(|w| matches!(w.kind, Kind::Failed(_)));
    let shortest = waiting.iter().filter_map(|w| if let Kind::Clock(rest) = w.kind { Some(rest) } else { None }).min();
    let timeout = if ready { Some(Duration::ZERO) } else { shortest };
    let found = wait(cx.host, &mut fds, timeout)?;
    let mut answered = 0;
    for item in &waiting {
        let Some(event) = event(cx, item, &fds, found == 0 && !ready, shortest) else { continue };
        cx.mem.copy_in(events + answered * EVENT as u32, &event)?;
        answered += 1;
    }
    Ok(cx.mem.write_u32(out, answered)?)
}

/// How many bytes can be read; at least one where the host cannot tell, or for writing.
fn available(cx: &Ctx<'_>, item: &Waiting, guest: i32) -> u64 {
    let file = cx.host.fds.get(guest).and_then(|file| file.fd());
    match file.and_then(|fd| sys::ioctl_get_int(fd, libc::FIONREAD)) {
        Ok(bytes) if item.tag == FD_READ => bytes.max(0) as u64,
        _ => 1,
    }
}

/// The event of a subscription, if it has happened.
fn event(
    cx: &Ctx<'_>,
    item: &Waiting,
    fds: &[PollFd],
    timed_out: bool,
    shortest: Option<Duration>,
) -> Option<[u8; EVENT]> {
    let mut event = [0; EVENT];
    event[..8].copy_from_slice(&item.user.to_le_bytes());
    event[10] = item.tag;
    match item.kind {
        Kind::Failed(errno) => event[8..10].copy_from_slice(&super::number(cx.host, errno).to_le_bytes()),
        Kind::Clock(rest) if timed_out && Some(rest) == shortest => {}
        Kind::Clock(_) => return None,
        Kind::Fd(index) => {
            let revents = fds[index].revents;
            if revents == 0 {
                return None;
            }
            event[16..24].copy_from_slice(&available(cx, item, item.guest).to_le_bytes());
            if revents & libc::POLLHUP != 0 {
                event[24..26].copy_from_slice(&1u16.to_le_bytes());
            }
            if revents & libc::POLLNVAL != 0 {
                event[8..10].copy_from_slice(&super::number(cx.host, Errno::EBADF).to_le_bytes());
            }
        }
    }
    Some(event)
}
