//! Timers that raise signals, and waiting for signals.

use crate::host::ctx::Ctx;
use crate::host::emscripten::poll::wait;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::sys::Result;
use std::time::Duration;

rows! { "env";
    /// Raises SIGALRM after some seconds; the result is what was left of an earlier alarm.
    "alarm"(seconds: int) libc = alarm;
    /// Arms a timer of milliseconds; the guest arms it again itself.
    "_setitimer_js"(which: int, millis: float) sys = setitimer_js;
    /// Arms a timer with an interval, in 32-bit seconds and microseconds.
    "__syscall_setitimer"(which: int, new: ptr, old: ptr) sys = setitimer;
    /// What is left of a timer, and its interval.
    "__syscall_getitimer"(which: int, value: ptr) sys = getitimer;
    /// Waits for a signal.
    "__syscall_pause"() sys = pause;
    /// Waits for a signal; the mask is the guest's own affair.
    "sigsuspend"(mask: ptr) libc = sigsuspend;
    /// Waits for a signal; the mask is the guest's own affair.
    "__syscall_rt_sigsuspend"(mask: ptr, size: len) sys = rt_sigsuspend;
    /// Tells what a signal does to the guest: 0 its default, 1 nothing, 2 a handler; 1 in the flags begins calls again.
    "__syscall_wasmjit_sigaction"(signal: int, kind: int, flags: int) sys = sigaction;
}

/// `ITIMER_REAL`.
const REAL: usize = 0;

fn alarm(cx: &mut Ctx<'_>, seconds: i32) -> Result<i32> {
    let value = Duration::from_secs(u64::from(seconds as u32));
    let (_, left) = cx.host.signals.set_timer(REAL, value, Duration::ZERO)?;
    // What is left counts as a second at least.
    Ok(left.as_secs_f64().ceil().min(f64::from(i32::MAX)) as i32)
}

fn setitimer_js(cx: &mut Ctx<'_>, which: i32, millis: f64) -> Result<i32> {
    let value = Duration::try_from_secs_f64(millis / 1000.0).map_err(|_| Errno::EINVAL)?;
    cx.host.signals.set_timer(which as u32 as usize, value, Duration::ZERO)?;
    Ok(0)
}

fn duration(seconds: i32, micros: i32) -> Result<Duration> {
    let seconds = u64::try_from(seconds).map_err(|_| Errno::EINVAL)?;
    let micros = u32::try_from(micros).ok().filter(|m| *m < 1_000_000).ok_or(Errno::EINVAL)?;
    Ok(Duration::new(seconds, micros * 1000))
}

fn put_timer(cx: &mut Ctx<'_>, ptr: u32, (interval, left): (Duration, Duration)) -> Result<()> {
    let words = [interval, left].map(|d| [d.as_secs().min(i32::MAX as u64) as u32, d.subsec_micros()]);
    Ok(cx.mem.write(ptr, words)?)
}

fn setitimer(cx: &mut Ctx<'_>, which: i32, new: u32, old: u32) -> Result<i32> {
    let [interval_sec, interval_micros, value_sec, value_micros]: [i32; 4] = cx.mem.read(new)?;
    let (value, interval) = (duration(value_sec, value_micros)?, duration(interval_sec, interval_micros)?);
    if old != 0 {
        cx.mem.check(old, 16)?;
    }
    let before = cx.host.signals.set_timer(which as u32 as usize, value, interval)?;
    if old != 0 {
        put_timer(cx, old, before)?;
    }
    Ok(0)
}

fn getitimer(cx: &mut Ctx<'_>, which: i32, value: u32) -> Result<i32> {
    let now = cx.host.signals.timer(which as u32 as usize)?;
    put_timer(cx, value, now)?;
    Ok(0)
}

fn pause(cx: &mut Ctx<'_>) -> Result<i32> {
    wait(cx.host, &mut [], None)?;
    Err(Errno::EINTR)
}

fn sigsuspend(cx: &mut Ctx<'_>, _: u32) -> Result<i32> {
    pause(cx)
}

fn rt_sigsuspend(cx: &mut Ctx<'_>, _: u32, _: u32) -> Result<i32> {
    pause(cx)
}

fn sigaction(cx: &mut Ctx<'_>, signal: i32, kind: i32, flags: i32) -> Result<i32> {
    cx.host.signals.set_disposition(signal, kind, flags & 1 != 0)?;
    Ok(0)
}
