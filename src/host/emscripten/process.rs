//! The process as the guest sees it: identity, limits, usage, its end.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::host::sys::{self, Result};
use crate::runtime::{Caller, Trap};
use std::fmt;

rows! { "env";
    /// Ends the program.
    "exit"(status: int) call void = exit;
    /// Ends the program without flushing.
    "_exit"(status: int) call void = exit_now;
    /// Ends the program abnormally.
    "abort"() must void = abort;
    /// Ends the program abnormally.
    "_abort_js"() must void = abort;
    /// Ends the program with a failed assertion.
    "__assert_fail"(condition: str, file: str, line: int, function: str) must void = assert_fail;
    /// Ends the program because its stack overflowed.
    "__handle_stack_overflow"(pointer: int) must void = stack_overflow;
    /// Runs a signal handler that the guest has registered, for a signal that it raised itself.
    "__call_sighandler"(handler: ptr, signal: int) call void = call_sighandler;
    /// Whether the runtime lives on after `main`: it does not.
    "_emscripten_runtime_keepalive_clear"() get void = nothing;
    /// The process number.
    "__syscall_getpid"() sys = getpid;
    /// The parent's process number.
    "__syscall_getppid"() sys = getppid;
    /// A process's group: its own.
    "__syscall_getpgid"(pid: int) sys = getpgid;
    /// A process's session: its own.
    "__syscall_getsid"(pid: int) sys = getpgid;
    /// Joins a process group; there is but one process.
    "__syscall_setpgid"(pid: int, group: int) sys = setpgid;
    /// Begins a session; there is but one process.
    "__syscall_setsid"() sys = getpid;
    /// The real user.
    "__syscall_getuid32"() sys = getuid;
    /// The effective user.
    "__syscall_geteuid32"() sys = geteuid;
    /// The real group.
    "__syscall_getgid32"() sys = getgid;
    /// The effective group.
    "__syscall_getegid32"() sys = getegid;
    /// Real, effective and saved user.
    "__syscall_getresuid32"(real: ptr, effective: ptr, saved: ptr) sys = getresuid;
    /// Real, effective and saved group.
    "__syscall_getresgid32"(real: ptr, effective: ptr, saved: ptr) sys = getresgid;
    /// The supplementary groups.
    "__syscall_getgroups32"(count: int, list: ptr) sys = getgroups;
    /// Makes file access happen as another user, where the host's user may; the result is who it was.
    "__syscall_setfsuid32"(uid: int) sys = setfsuid;
    /// Makes file access happen as another group, where the host's user may; the result is which it was.
    "__syscall_setfsgid32"(gid: int) sys = setfsgid;
    /// Sets the mask of permissions that new files do not get.
    "__syscall_umask"(mask: int) sys = umask;
    /// Names the system.
    "__syscall_uname"(buf: ptr) sys = uname;
    /// Time and memory used.
    "__syscall_getrusage"(who: int, buf: ptr) sys = getrusage;
    /// Limits in 32-bit numbers.
    "__syscall_ugetrlimit"(resource: int, buf: ptr) sys = ugetrlimit;
    /// Sets limits; only those that change nothing.
    "__syscall_setrlimit"(resource: int, buf: ptr) sys = setrlimit;
    /// Reads and sets limits.
    "__syscall_prlimit64"(pid: int, resource: int, new: ptr, old: ptr) sys = prlimit;
    /// Scheduling priority: always the default.
    "__syscall_getpriority"(which: int, who: int) sys = getpriority;
    /// Sets the scheduling priority, without effect.
    "__syscall_setpriority"(which: int, who: int, priority: int) sys = setpriority;
    /// Changes the scheduling priority, without effect.
    "__syscall_nice"(increment: int) sys = nice;
    /// Waits for a child; there are none.
    "__syscall_wait4"(pid: int, status: ptr, options: int, usage: ptr) sys = wait4;
    /// The number of a device.
    "makedev"(major: int, minor: int) get i32 = makedev;
    /// Attributes of the process; the arguments behind the first are in memory.
    "prctl"(option: int, va: ptr) libc = prctl_va;
    /// Attributes of the process.
    "__syscall_prctl"(option: int, a: ptr, b: int, c: int, d: int) sys = prctl;
    /// Runs a command, or asks with a null whether there is a shell: there is none.
    "system"(command: str) libc = system;
    /// Fills a buffer with random bytes.
    "getentropy"(buf: ptr, len: len) libc = getentropy;
    /// Fills a buffer with random bytes.
    "__syscall_getrandom"(buf: ptr, len: len, flags: int) sys = getrandom;
    /// Prints a line to standard error.
    "emscripten_err"(text: str) must void = print_err;
    /// Prints a line to standard output.
    "emscripten_out"(text: str) must void = print_out;
}

/// The guest ended itself abnormally.
#[derive(Debug)]
pub struct Aborted(pub String);

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Aborted {}

fn exit<T: HasHost + 'static>(caller: &mut Caller<'_, T>, status: i32) -> std::result::Result<(), Trap> {
    let host = caller.data_mut().host();
    host.exit_code = Some(status);
    host.flush_at_exit = true;
    Err(Trap::exit(status))
}

fn exit_now<T: HasHost + 'static>(caller: &mut Caller<'_, T>, status: i32) -> std::result::Result<(), Trap> {
    caller.data_mut().host().exit_code = Some(status);
    Err(Trap::exit(status))
}

fn abort(_: &mut Ctx<'_>) -> std::result::Result<(), Trap> {
    Err(Trap::host(Aborted("the program called abort()".to_string())))
}

/// Longest part of a message that a guest hands over.
const MAX_TEXT: u32 = 4096;

fn text(cx: &Ctx<'_>, ptr: u32) -> String {
    match cx.mem.cstr(ptr, MAX_TEXT) {
        Ok(bytes) if ptr != 0 => String::from_utf8_lossy(&bytes).into_owned(),
        _ => "?".to_string(),
    }
}

fn assert_fail(cx: &mut Ctx<'_>, condition: u32, file: u32, line: i32, function: u32) -> std::result::Result<(), Trap> {
    let (condition, file, function) = (text(cx, condition), text(cx, file), text(cx, function));
    Err(Trap::host(Aborted(format!("assertion failed: {condition} ({file}:{line}, {function})"))))
}

fn stack_overflow(_: &mut Ctx<'_>, _: i32) -> std::result::Result<(), Trap> {
    Err(Trap::host(Aborted("the program overflowed its C stack; link it with a larger -sSTACK_SIZE".to_string())))
}

fn call_sighandler<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    handler: u32,
    signal: i32,
) -> std::result::Result<(), Trap> {
    caller.call_table::<(i32,), ()>(handler, (signal,))
}

fn nothing(_: &mut Ctx<'_>) {}

fn getpid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(std::process::id() as i32)
}

fn getppid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(std::os::unix::process::parent_id() as i32)
}

fn own_process(pid: i32) -> Result<()> {
    if pid == 0 || pid as u32 == std::process::id() { Ok(()) } else { Err(Errno::ESRCH) }
}

fn getpgid(cx: &mut Ctx<'_>, pid: i32) -> Result<i32> {
    own_process(pid)?;
    getpid(cx)
}

fn setpgid(_: &mut Ctx<'_>, pid: i32, _: i32) -> Result<i32> {
    own_process(pid).map(|()| 0)
}

fn getuid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(sys::identity()[0] as i32)
}

fn geteuid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(sys::identity()[1] as i32)
}

fn getgid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(sys::identity()[2] as i32)
}

fn getegid(_: &mut Ctx<'_>) -> Result<i32> {
    Ok(sys::identity()[3] as i32)
}

fn put_ids(cx: &mut Ctx<'_>, ids: [(u32, u32); 3]) -> Result<i32> {
    for (ptr, id) in ids {
        cx.mem.write_u32(ptr, id)?;
    }
    Ok(0)
}

fn system(cx: &mut Ctx<'_>, command: u32) -> Result<i32> {
    if command == 0 {
        return Ok(0);
    }
    cx.host.report_unsupported("system");
    Err(Errno::ENOSYS)
}

fn getresuid(cx: &mut Ctx<'_>, real: u32, effective: u32, saved: u32) -> Result<i32> {
    let [uid, euid, ..] = sys::identity();
    put_ids(cx, [(real, uid), (effective, euid), (saved, euid)])
}

fn getresgid(cx: &mut Ctx<'_>, real: u32, effective: u32, saved: u32) -> Result<i32> {
    let [.., gid, egid] = sys::identity();
    put_ids(cx, [(real, gid), (effective, egid), (saved, egid)])
}

fn getgroups(cx: &mut Ctx<'_>, count: i32, list: u32) -> Result<i32> {
    let groups = sys::groups()?;
    if count != 0 {
        if count < groups.len() as i32 {
            return Err(Errno::EINVAL);
        }
        let bytes: Vec<u8> = groups.iter().flat_map(|g| g.to_le_bytes()).collect();
        cx.mem.copy_in(list, &bytes)?;
    }
    Ok(groups.len() as i32)
}

fn setfsuid(_: &mut Ctx<'_>, uid: i32) -> Result<i32> {
    Ok(sys::setfsuid(uid as u32) as i32)
}

fn setfsgid(_: &mut Ctx<'_>, gid: i32) -> Result<i32> {
    Ok(sys::setfsgid(gid as u32) as i32)
}

fn umask(cx: &mut Ctx<'_>, mask: i32) -> Result<i32> {
    Ok(cx.host.set_umask(mask as u32 & 0o777) as i32)
}

/// Bytes of each name in `struct utsname`.
const UTSNAME_FIELD: usize = 65;

fn uname(cx: &mut Ctx<'_>, buf: u32) -> Result<i32> {
    // The release is the oldest Linux that hosts guests: what a guest may rely on.
    let names = ["Linux", "wasmjit", "5.6.0", "#1", "wasm32", "(none)"];
    let mut out = [0; UTSNAME_FIELD * 6];
    for (field, name) in out.chunks_exact_mut(UTSNAME_FIELD).zip(names) {
        field[..name.len()].copy_from_slice(name.as_bytes());
    }
    cx.mem.copy_in(buf, &out)?;
    Ok(0)
}

fn getrusage(cx: &mut Ctx<'_>, who: i32, buf: u32) -> Result<i32> {
    let (user, system, resident) = sys::rusage(who)?;
    let layout = cx.host.layout;
    let split = |micros: i64| layout.encode_time(micros / 1_000_000, micros % 1_000_000);
    let size = layout.timespec_size();
    cx.mem.fill(buf, layout.rusage as u32, 0)?;
    cx.mem.copy_in(buf, split(user).bytes())?;
    cx.mem.copy_in(buf.wrapping_add(size), split(system).bytes())?;
    cx.mem.write_i32(buf.wrapping_add(2 * size), resident as i32)?;
    Ok(0)
}

/// `RLIMIT_NOFILE`; every other resource is unlimited as far as the guest can tell.
const RLIMIT_NOFILE: i32 = 7;

/// How many resources there are.
const RLIMITS: i32 = 16;

fn limit(cx: &Ctx<'_>, resource: i32) -> Result<u64> {
    match resource {
        RLIMIT_NOFILE => Ok(cx.host.fds.max() as u64),
        0..RLIMITS => Ok(u64::MAX),
        _ => Err(Errno::EINVAL),
    }
}

fn ugetrlimit(cx: &mut Ctx<'_>, resource: i32, buf: u32) -> Result<i32> {
    let limit = limit(cx, resource)?.min(u64::from(u32::MAX)) as u32;
    cx.mem.write(buf, [limit, limit])?;
    Ok(0)
}

fn setrlimit(cx: &mut Ctx<'_>, resource: i32, buf: u32) -> Result<i32> {
    let [soft, _]: [u32; 2] = cx.mem.read(buf)?;
    let limit = limit(cx, resource)?;
    if u64::from(soft) <= limit || soft == u32::MAX { Ok(0) } else { Err(Errno::EPERM) }
}

fn prlimit(cx: &mut Ctx<'_>, pid: i32, resource: i32, new: u32, old: u32) -> Result<i32> {
    own_process(pid)?;
    let limit = limit(cx, resource)?;
    if new != 0 {
        let [soft, hard]: [u64; 2] = cx.mem.read(new)?;
        if soft > hard {
            return Err(Errno::EINVAL);
        }
        if soft > limit {
            return Err(Errno::EPERM);
        }
    }
    if old != 0 {
        cx.mem.write(old, [limit, limit])?;
    }
    Ok(0)
}

fn getpriority(_: &mut Ctx<'_>, _: i32, _: i32) -> Result<i32> {
    // The system call's answer is 20 less the priority.
    Ok(20)
}

fn setpriority(_: &mut Ctx<'_>, _: i32, _: i32, _: i32) -> Result<i32> {
    Ok(0)
}

fn nice(_: &mut Ctx<'_>, _: i32) -> Result<i32> {
    Ok(0)
}

fn wait4(_: &mut Ctx<'_>, _: i32, _: u32, _: i32, _: u32) -> Result<i32> {
    Err(Errno::ECHILD)
}

fn makedev(_: &mut Ctx<'_>, major: i32, minor: i32) -> i32 {
    // The upper half of what the library packs into 64 bits does not fit the older result.
    (minor & 0xff) | (major & 0xfff) << 8 | (minor & !0xff) << 12
}

/// Bytes of a thread's name, its terminator included.
const TASK_NAME: u32 = 16;

fn prctl_va(cx: &mut Ctx<'_>, option: i32, va: u32) -> Result<i32> {
    let first = cx.va_arg(va, 0)?;
    prctl(cx, option, first, 0, 0, 0)
}

fn prctl(cx: &mut Ctx<'_>, option: i32, a: u32, _: i32, _: i32, _: i32) -> Result<i32> {
    match option {
        libc::PR_SET_NAME => {
            let bytes: [u8; TASK_NAME as usize] = cx.mem.read(a)?;
            cx.host.task_name = bytes.split(|b| *b == 0).next().unwrap_or_default().to_vec();
            cx.host.task_name.truncate(TASK_NAME as usize - 1);
            Ok(0)
        }
        libc::PR_GET_NAME => {
            let mut name = cx.host.task_name.clone();
            name.resize(TASK_NAME as usize, 0);
            cx.mem.copy_in(a, &name)?;
            Ok(0)
        }
        // There is no core file, no other process and nothing to gain from any.
        libc::PR_GET_DUMPABLE | libc::PR_GET_KEEPCAPS => Ok(0),
        libc::PR_GET_NO_NEW_PRIVS => Ok(1),
        libc::PR_SET_DUMPABLE
        | libc::PR_SET_KEEPCAPS
        | libc::PR_SET_PDEATHSIG
        | libc::PR_SET_NO_NEW_PRIVS
        | libc::PR_SET_TIMERSLACK => Ok(0),
        _ => Err(Errno::EINVAL),
    }
}

/// Most bytes that `getentropy` gives at once.
const MAX_ENTROPY: u32 = 256;

fn getentropy(cx: &mut Ctx<'_>, buf: u32, len: u32) -> Result<i32> {
    if len > MAX_ENTROPY {
        return Err(Errno::EIO);
    }
    random(cx, buf, len).map(|()| 0)
}

/// Fills a range with random bytes.
pub(in crate::host) fn random(cx: &mut Ctx<'_>, buf: u32, len: u32) -> Result<()> {
    cx.mem.check(buf, u64::from(len))?;
    let mut filled = 0;
    while filled < len {
        filled += cx.mem.fill_with(buf + filled, len - filled, |bytes| {
            sys::getrandom(bytes)?;
            Ok::<_, Errno>(bytes.len())
        })? as u32;
    }
    Ok(())
}

fn getrandom(cx: &mut Ctx<'_>, buf: u32, len: u32, flags: i32) -> Result<i32> {
    if flags & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let len = len.min(i32::MAX as u32);
    random(cx, buf, len).map(|()| len as i32)
}

fn print(cx: &mut Ctx<'_>, fd: i32, ptr: u32) -> std::result::Result<(), Trap> {
    let mut line = cx.mem.cstr(ptr, u32::MAX)?.into_owned();
    line.push(b'\n');
    // As with every print, a stream that is closed or full loses the text.
    let Ok(fd) = cx.host.fds.get(fd).and_then(|file| file.fd()) else { return Ok(()) };
    let mut rest = line.as_slice();
    while !rest.is_empty() {
        match cx.host.blocking(|| sys::write(fd, rest)) {
            Ok(written) => rest = &rest[written..],
            Err(_) => break,
        }
    }
    Ok(())
}

fn print_err(cx: &mut Ctx<'_>, text: u32) -> std::result::Result<(), Trap> {
    print(cx, 2, text)
}

fn print_out(cx: &mut Ctx<'_>, text: u32) -> std::result::Result<(), Trap> {
    print(cx, 1, text)
}
