//! Arguments, environment, clocks, randomness, the end of the program.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::host::sys::{self, Result};
use crate::runtime::{Caller, Trap};

rows! { "wasi_snapshot_preview1";
    /// The arguments.
    "args_get"(pointers: ptr, bytes: ptr) wasi = args_get;
    /// How many arguments there are, and how long they are together.
    "args_sizes_get"(count: ptr, size: ptr) wasi = args_sizes_get;
    /// The environment.
    "environ_get"(pointers: ptr, bytes: ptr) wasi = environ_get;
    /// How many variables there are, and how long they are together.
    "environ_sizes_get"(count: ptr, size: ptr) wasi = environ_sizes_get;
    /// A clock's resolution.
    "clock_res_get"(clock: int, out: ptr) wasi = clock_res_get;
    /// Reads a clock.
    "clock_time_get"(clock: int, precision: off, out: ptr) wasi = clock_time_get;
    /// Fills a buffer with random bytes.
    "random_get"(buf: ptr, len: len) wasi = random_get;
    /// Ends the program.
    "proc_exit"(status: int) call void = proc_exit;
    /// Raises a signal: those that end a program end it.
    "proc_raise"(signal: int) must i32 = proc_raise;
    /// Lets others run.
    "sched_yield"() wasi = sched_yield;
}

/// Which list of strings.
#[derive(Clone, Copy)]
enum Strings {
    Args,
    Env,
}

impl Strings {
    fn of<'a>(self, cx: &'a Ctx<'_>) -> &'a [Vec<u8>] {
        match self {
            Strings::Args => &cx.host.args,
            Strings::Env => &cx.host.env,
        }
    }
}

fn sizes(cx: &mut Ctx<'_>, strings: Strings, count: u32, size: u32) -> Result<()> {
    let list = strings.of(cx);
    let total: usize = list.iter().map(|s| s.len() + 1).sum();
    let (len, total) = (list.len() as u32, u32::try_from(total).map_err(|_| Errno::E2BIG)?);
    cx.mem.write_u32(count, len)?;
    Ok(cx.mem.write_u32(size, total)?)
}

fn strings(cx: &mut Ctx<'_>, strings: Strings, pointers: u32, bytes: u32) -> Result<()> {
    let list = match strings {
        Strings::Args => &cx.host.args,
        Strings::Env => &cx.host.env,
    };
    let (mut pointer, mut at) = (pointers, bytes);
    for text in list {
        cx.mem.write_u32(pointer, at)?;
        cx.mem.copy_in(at, text)?;
        let end = at.checked_add(text.len() as u32).ok_or(Errno::EFAULT)?;
        cx.mem.write_u8(end, 0)?;
        at = end.checked_add(1).ok_or(Errno::EFAULT)?;
        pointer = pointer.checked_add(4).ok_or(Errno::EFAULT)?;
    }
    Ok(())
}

fn args_get(cx: &mut Ctx<'_>, pointers: u32, bytes: u32) -> Result<()> {
    strings(cx, Strings::Args, pointers, bytes)
}

fn args_sizes_get(cx: &mut Ctx<'_>, count: u32, size: u32) -> Result<()> {
    sizes(cx, Strings::Args, count, size)
}

fn environ_get(cx: &mut Ctx<'_>, pointers: u32, bytes: u32) -> Result<()> {
    strings(cx, Strings::Env, pointers, bytes)
}

fn environ_sizes_get(cx: &mut Ctx<'_>, count: u32, size: u32) -> Result<()> {
    sizes(cx, Strings::Env, count, size)
}

/// WASI's clocks have Linux's numbers.
#[inline(always)]
fn clock_id(clock: i32) -> Result<i32> {
    match clock {
        libc::CLOCK_REALTIME
        | libc::CLOCK_MONOTONIC
        | libc::CLOCK_PROCESS_CPUTIME_ID
        | libc::CLOCK_THREAD_CPUTIME_ID => Ok(clock),
        _ => Err(Errno::EINVAL),
    }
}

#[inline(always)]
fn nanos(time: sys::TimeSpec) -> u64 {
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

fn clock_res_get(cx: &mut Ctx<'_>, clock: i32, out: u32) -> Result<()> {
    let resolution = nanos(sys::clock_getres(clock_id(clock)?)?);
    Ok(cx.mem.write_u64(out, resolution)?)
}

#[inline(always)]
fn clock_time_get(cx: &mut Ctx<'_>, clock: i32, _: i64, out: u32) -> Result<()> {
    let now = nanos(sys::clock_gettime(clock_id(clock)?)?);
    Ok(cx.mem.write_u64(out, now)?)
}

fn random_get(cx: &mut Ctx<'_>, buf: u32, len: u32) -> Result<()> {
    crate::host::emscripten::process::random(cx, buf, len)
}

fn proc_exit<T: HasHost + 'static>(caller: &mut Caller<'_, T>, status: i32) -> std::result::Result<(), Trap> {
    caller.data_mut().host().exit_code = Some(status);
    Err(Trap::exit(status))
}

fn proc_raise(_: &mut Ctx<'_>, signal: i32) -> std::result::Result<i32, Trap> {
    Err(Trap::host(format!("the program raised signal {signal}")))
}

fn sched_yield(_: &mut Ctx<'_>) -> Result<()> {
    sys::sched_yield();
    Ok(())
}
