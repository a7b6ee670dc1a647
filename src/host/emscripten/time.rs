//! Clocks and calendars.
//!
//! The time zone is the host's, except that a guest whose `TZ` says UTC gets UTC.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::layout::{Encoded, Field};
use crate::host::rows::rows;
use crate::host::state::{HasHost, Host};
use crate::host::sys::{self, LocalTime, Result, TimeSpec};
use crate::runtime::{Caller, Trap};

rows! { "env";
    /// Reads a clock.
    "clock_gettime"(clock: int, time: ptr) libc = clock_gettime;
    /// Reads a clock.
    "__clock_gettime"(clock: int, time: ptr) libc = clock_gettime;
    /// Reads a clock.
    "__syscall_clock_gettime"(clock: int, time: ptr) sys = clock_gettime;
    /// A clock's resolution.
    "clock_getres"(clock: int, time: ptr) libc = clock_getres;
    /// Seconds and microseconds since 1970.
    "gettimeofday"(time: ptr, zone: ptr) libc = gettimeofday;
    /// Seconds since 1970.
    "time"(result: ptr) libc = time;
    /// Processor time in microseconds.
    "clock"() get i32 = clock;
    /// Sleeps.
    "__syscall_nanosleep"(time: ptr, rest: ptr) sys = nanosleep;
    /// Sleeps by a clock, or until its time.
    "__syscall_clock_nanosleep"(clock: int, flags: int, time: ptr, rest: ptr) sys = clock_nanosleep;
    /// Sleeps for so many milliseconds; programs for browsers suspend themselves here.
    "emscripten_sleep"(millis: int) must void = sleep_millis;
    /// Milliseconds of a clock that never goes back.
    "emscripten_get_now"() get f64 = get_now;
    /// Milliseconds since 1970.
    "emscripten_date_now"() get f64 = date_now;
    /// Whether that clock is monotonic: yes.
    "_emscripten_get_now_is_monotonic"() get i32 = now_is_monotonic;
    /// Whether that clock is monotonic: yes.
    "emscripten_get_now_is_monotonic"() get i32 = now_is_monotonic;
    /// That clock's resolution in nanoseconds.
    "emscripten_get_now_res"() get f64 = now_resolution;
    /// Breaks a time down in UTC; the time is in memory.
    "_gmtime_js"(time: ptr, tm: ptr) must void = gmtime_at;
    /// Breaks a time down in the local zone; the time is in memory.
    "_localtime_js"(time: ptr, tm: ptr) must void = localtime_at;
    /// Breaks a time down in UTC.
    "_gmtime_js"(time: off, tm: ptr) must void = gmtime;
    /// Breaks a time down in the local zone.
    "_localtime_js"(time: off, tm: ptr) must void = localtime;
    /// Breaks a time down in UTC, or says that it cannot.
    "_gmtime_js"(time: wide, tm: ptr) sys = gmtime_checked;
    /// Breaks a time down in the local zone, or says that it cannot.
    "_localtime_js"(time: wide, tm: ptr) sys = localtime_checked;
    /// The time of a local calendar date.
    "_mktime_js"(tm: ptr) must i32 = mktime32;
    /// The time of a local calendar date.
    "_mktime_js"(tm: ptr) must i64 = mktime;
    /// The time of a calendar date in UTC.
    "_timegm_js"(tm: ptr) must i32 = timegm32;
    /// The time of a calendar date in UTC.
    "_timegm_js"(tm: ptr) must i64 = timegm;
    /// Seconds between two times.
    "difftime"(later: int, earlier: int) get f64 = difftime;
    /// The local zone: its offset, whether it has summer time, and its names as new strings.
    "_tzset_js"(timezone: ptr, daylight: ptr, names: ptr) call void = tzset_allocating;
    /// The local zone: its offset, whether it has summer time, and its names into buffers of 17 bytes.
    "_tzset_js"(timezone: ptr, daylight: ptr, standard: ptr, summer: ptr) must void = tzset;
    /// Formats a date.
    "strftime"(out: ptr, max: len, format: str, tm: ptr) must i32 = strftime;
    /// Formats a date; there is one locale.
    "strftime_l"(out: ptr, max: len, format: str, tm: ptr, locale: int) must i32 = strftime_l;
}

/// The largest number of a clock that guests may read: Linux's `CLOCK_TAI`.
const LAST_CLOCK: i32 = 11;

#[inline(always)]
fn clock_id(clock: i32) -> Result<i32> {
    if (0..=LAST_CLOCK).contains(&clock) { Ok(clock) } else { Err(Errno::EINVAL) }
}

/// Stores a `struct timespec` or `struct timeval`.
#[inline(always)]
fn put_time(cx: &mut Ctx<'_>, ptr: u32, time: TimeSpec) -> Result<i32> {
    let (seconds, fraction) = (time.tv_sec as u64, time.tv_nsec as u32);
    match cx.host.layout.time {
        4 => cx.mem.write(ptr, [seconds as u32, fraction])?,
        _ => cx.mem.write(ptr, [seconds, u64::from(fraction)])?,
    }
    Ok(0)
}

#[inline(always)]
fn clock_gettime(cx: &mut Ctx<'_>, clock: i32, ptr: u32) -> Result<i32> {
    put_time(cx, ptr, sys::clock_gettime(clock_id(clock)?)?)
}

fn clock_getres(cx: &mut Ctx<'_>, clock: i32, ptr: u32) -> Result<i32> {
    let resolution = sys::clock_getres(clock_id(clock)?)?;
    if ptr == 0 { Ok(0) } else { put_time(cx, ptr, resolution) }
}

fn gettimeofday(cx: &mut Ctx<'_>, ptr: u32, _: u32) -> Result<i32> {
    let now = sys::clock_gettime(libc::CLOCK_REALTIME)?;
    if ptr == 0 {
        return Ok(0);
    }
    put_time(cx, ptr, TimeSpec { tv_sec: now.tv_sec, tv_nsec: now.tv_nsec / 1000 })
}

fn time(cx: &mut Ctx<'_>, ptr: u32) -> Result<i32> {
    let now = sys::clock_gettime(libc::CLOCK_REALTIME)?.tv_sec;
    if ptr != 0 {
        let size = usize::from(cx.host.layout.time);
        cx.mem.copy_in(ptr, &now.to_le_bytes()[..size])?;
    }
    Ok(now as i32)
}

fn clock(_: &mut Ctx<'_>) -> i32 {
    sys::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID).map_or(-1, |t| (t.tv_sec * 1_000_000 + t.tv_nsec / 1000) as i32)
}

fn nanosleep(cx: &mut Ctx<'_>, time: u32, rest: u32) -> Result<i32> {
    clock_nanosleep(cx, libc::CLOCK_MONOTONIC, 0, time, rest)
}

fn clock_nanosleep(cx: &mut Ctx<'_>, clock: i32, flags: i32, time: u32, rest: u32) -> Result<i32> {
    let mut wanted = cx.host.layout.decode_timespec(&cx.mem.bytes(time, cx.host.layout.timespec_size())?);
    if !(0..1_000_000_000).contains(&wanted.tv_nsec) || wanted.tv_sec < 0 {
        return Err(Errno::EINVAL);
    }
    let (clock, absolute) = (clock_id(clock)?, flags & 1 != 0);
    match cx.host.blocking(|| sys::clock_nanosleep(clock, absolute, &mut wanted)) {
        Err(Errno::EINTR) if !absolute && rest != 0 => {
            put_time(cx, rest, wanted)?;
            Err(Errno::EINTR)
        }
        other => other.map(|()| 0),
    }
}

fn sleep_millis(cx: &mut Ctx<'_>, millis: i32) -> std::result::Result<(), Trap> {
    let millis = i64::from(millis as u32);
    let mut time = TimeSpec { tv_sec: millis / 1000, tv_nsec: millis % 1000 * 1_000_000 };
    // A signal ends it early, as it does every other sleep.
    let _ = cx.host.blocking(|| sys::clock_nanosleep(libc::CLOCK_MONOTONIC, false, &mut time));
    Ok(())
}

fn millis(clock: i32) -> f64 {
    sys::clock_gettime(clock).map_or(0.0, |t| t.tv_sec as f64 * 1000.0 + t.tv_nsec as f64 / 1_000_000.0)
}

fn get_now(_: &mut Ctx<'_>) -> f64 {
    millis(libc::CLOCK_MONOTONIC)
}

fn date_now(_: &mut Ctx<'_>) -> f64 {
    millis(libc::CLOCK_REALTIME).floor()
}

fn now_is_monotonic(_: &mut Ctx<'_>) -> i32 {
    1
}

fn now_resolution(_: &mut Ctx<'_>) -> f64 {
    1.0
}

fn difftime(_: &mut Ctx<'_>, later: i32, earlier: i32) -> f64 {
    f64::from(later) - f64::from(earlier)
}

/// Bytes of the guest's `struct tm` up to the zone's name, which the guest sets itself.
const TM_SIZE: usize = 40;

/// Whether the guest's environment asks for UTC.
fn wants_utc(host: &Host) -> bool {
    let zone = host.env.iter().rev().find_map(|v| v.strip_prefix(b"TZ="));
    zone.is_some_and(|zone| matches!(zone, b"" | b"UTC" | b"UTC0" | b"GMT" | b"GMT0" | b":UTC" | b"Etc/UTC"))
}

fn put_tm(cx: &mut Ctx<'_>, ptr: u32, time: &LocalTime) -> std::result::Result<(), crate::memory::MemoryFault> {
    let mut out = Encoded::new(TM_SIZE);
    for (index, field) in time.fields.iter().enumerate() {
        out.put(Field(4 * index as u8, 4), *field as u64);
    }
    out.put(Field(36, 4), time.gmtoff as u64);
    cx.mem.copy_in(ptr, out.bytes())
}

fn break_down(cx: &mut Ctx<'_>, time: i64, tm: u32, utc: bool) -> Result<i32> {
    let utc = utc || wants_utc(cx.host);
    put_tm(cx, tm, &sys::break_down(time, utc)?)?;
    Ok(0)
}

/// As [`break_down`], for functions that have no way to say that they failed: a date that cannot be is the epoch.
fn break_down_always(cx: &mut Ctx<'_>, time: i64, tm: u32, utc: bool) -> std::result::Result<(), Trap> {
    let utc = utc || wants_utc(cx.host);
    let broken = sys::break_down(time, utc).or_else(|_| sys::break_down(0, true)).map_err(Trap::host)?;
    Ok(put_tm(cx, tm, &broken)?)
}

fn time_at(cx: &Ctx<'_>, ptr: u32) -> std::result::Result<i64, Trap> {
    Ok(match cx.host.layout.time {
        4 => i64::from(cx.mem.read::<i32>(ptr)?),
        _ => cx.mem.read::<i64>(ptr)?,
    })
}

fn gmtime_at(cx: &mut Ctx<'_>, time: u32, tm: u32) -> std::result::Result<(), Trap> {
    let time = time_at(cx, time)?;
    break_down_always(cx, time, tm, true)
}

fn localtime_at(cx: &mut Ctx<'_>, time: u32, tm: u32) -> std::result::Result<(), Trap> {
    let time = time_at(cx, time)?;
    break_down_always(cx, time, tm, false)
}

fn gmtime(cx: &mut Ctx<'_>, time: i64, tm: u32) -> std::result::Result<(), Trap> {
    break_down_always(cx, time, tm, true)
}

fn localtime(cx: &mut Ctx<'_>, time: i64, tm: u32) -> std::result::Result<(), Trap> {
    break_down_always(cx, time, tm, false)
}

fn gmtime_checked(cx: &mut Ctx<'_>, time: i64, tm: u32) -> Result<i32> {
    break_down(cx, time, tm, true)
}

fn localtime_checked(cx: &mut Ctx<'_>, time: i64, tm: u32) -> Result<i32> {
    break_down(cx, time, tm, false)
}

fn tm_fields(cx: &Ctx<'_>, ptr: u32) -> std::result::Result<[i32; 9], Trap> {
    Ok(cx.mem.read(ptr)?)
}

fn make_time(cx: &mut Ctx<'_>, tm: u32, utc: bool) -> std::result::Result<i64, Trap> {
    let utc = utc || wants_utc(cx.host);
    let Some((time, normal)) = sys::make_time(tm_fields(cx, tm)?, utc) else { return Ok(-1) };
    put_tm(cx, tm, &normal)?;
    Ok(time)
}

fn mktime(cx: &mut Ctx<'_>, tm: u32) -> std::result::Result<i64, Trap> {
    make_time(cx, tm, false)
}

fn mktime32(cx: &mut Ctx<'_>, tm: u32) -> std::result::Result<i32, Trap> {
    make_time(cx, tm, false).map(|t| t as i32)
}

fn timegm(cx: &mut Ctx<'_>, tm: u32) -> std::result::Result<i64, Trap> {
    make_time(cx, tm, true)
}

fn timegm32(cx: &mut Ctx<'_>, tm: u32) -> std::result::Result<i32, Trap> {
    make_time(cx, tm, true).map(|t| t as i32)
}

/// The local zone: seconds west of UTC in winter, whether there is summer time, and the two names.
fn zone(host: &Host) -> (i32, bool, [String; 2]) {
    let utc = wants_utc(host);
    let year = sys::clock_gettime(libc::CLOCK_REALTIME)
        .and_then(|now| sys::break_down(now.tv_sec, utc))
        .map_or(100, |now| now.fields[5]);
    let at = |month: i32| sys::make_time([0, 0, 12, 1, month, year, 0, 0, -1], utc).map(|(_, local)| local);
    let (Some(january), Some(july)) = (at(0), at(6)) else {
        return (0, false, ["UTC".to_string(), "UTC".to_string()]);
    };
    let daylight = january.gmtoff != july.gmtoff;
    let (standard, summer) = if january.gmtoff <= july.gmtoff { (january, july) } else { (july, january) };
    (-standard.gmtoff as i32, daylight, [standard.zone, summer.zone])
}

/// Bytes of each name's buffer, terminator included.
const ZONE_NAME: usize = 17;

fn tzset(cx: &mut Ctx<'_>, timezone: u32, daylight: u32, standard: u32, summer: u32) -> std::result::Result<(), Trap> {
    let (offset, has_summer, names) = zone(cx.host);
    cx.mem.write_i32(timezone, offset)?;
    cx.mem.write_i32(daylight, i32::from(has_summer))?;
    for (ptr, name) in [standard, summer].into_iter().zip(&names) {
        let len = name.len().min(ZONE_NAME - 1);
        cx.mem.copy_in(ptr, &name.as_bytes()[..len])?;
        cx.mem.write_u8(ptr.wrapping_add(len as u32), 0)?;
    }
    Ok(())
}

fn tzset_allocating<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    timezone: u32,
    daylight: u32,
    names: u32,
) -> std::result::Result<(), Trap> {
    let (offset, has_summer, zone_names) = zone(caller.data_mut().host());
    caller.memory().write_i32(timezone, offset)?;
    caller.memory().write_i32(daylight, i32::from(has_summer))?;
    for (index, name) in zone_names.iter().enumerate() {
        let text = super::allocate(caller, name.as_bytes())?;
        caller.memory().write_u32(names.wrapping_add(4 * index as u32), text)?;
    }
    Ok(())
}

/// Most bytes of one formatted date.
const MAX_FORMATTED: u32 = 4096;

fn strftime(cx: &mut Ctx<'_>, out: u32, max: u32, format: u32, tm: u32) -> std::result::Result<i32, Trap> {
    let format = sys::cstring(&cx.mem.cstr(format, MAX_FORMATTED)?).map_err(Trap::host)?;
    let fields = tm_fields(cx, tm)?;
    let gmtoff = i64::from(cx.mem.read::<i32>(tm.wrapping_add(36))?);
    let zone = cx.mem.read_u32(tm.wrapping_add(40)).ok().filter(|zone| *zone != 0);
    let zone = zone.and_then(|zone| cx.mem.cstr(zone, 64).ok()).unwrap_or_default();
    let zone = sys::cstring(&zone).map_err(Trap::host)?;
    let mut text = vec![0; max.min(MAX_FORMATTED) as usize];
    let len = sys::format_time(&mut text, &format, fields, gmtoff, &zone);
    if max != 0 {
        cx.mem.copy_in(out, &text[..(len + 1).min(text.len())])?;
    }
    Ok(len as i32)
}

fn strftime_l(cx: &mut Ctx<'_>, out: u32, max: u32, format: u32, tm: u32, _: i32) -> std::result::Result<i32, Trap> {
    strftime(cx, out, max, format, tm)
}
