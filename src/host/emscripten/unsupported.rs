//! Calls that exist so that programs which merely contain them can run: each answers ENOSYS (or what its contract
//! has for "cannot"), and the first use is logged.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::rows::rows;

/// Expands the list into rows and their functions.
macro_rules! unsupported {
    ($($name:literal as $ident:ident ($($param:ident: $role:ident $ty:ty),*) $kind:ident = $doc:literal;)*) => {
        rows! { "env";
            $(#[doc = $doc] $name($($param: $role),*) $kind = $ident;)*
        }
        $(fn $ident(cx: &mut Ctx<'_>, $(_: $ty),*) -> Result<i32, Errno> {
            cx.host.report_unsupported($name);
            Err(Errno::ENOSYS)
        })*
    };
}

unsupported! {
    "__syscall_fork" as sys_fork() sys = "Not supported: processes.";
    "fork" as fork() libc = "Not supported: processes.";
    "vfork" as vfork() libc = "Not supported: processes.";
    "execve" as execve(a: int i32, b: int i32, c: int i32) libc = "Not supported: processes.";
    "system" as system(a: str u32) libc = "Not supported: processes.";
    "daemon" as daemon(a: int i32, b: int i32) libc = "Not supported: processes.";
    "__syscall_pause" as pause() sys = "Not supported: waiting for signals.";
    "sigsuspend" as sigsuspend(a: ptr u32) libc = "Not supported: waiting for signals.";
    "alarm" as alarm(a: int i32) libc = "Not supported: timers.";
    "__syscall_setitimer" as setitimer(a: int i32, b: ptr u32, c: ptr u32) sys = "Not supported: timers.";
    "__syscall_getitimer" as getitimer(a: int i32, b: ptr u32) sys = "Not supported: timers.";
    "_setitimer_js" as setitimer_js(a: int i32, b: float f64) sys = "Not supported: timers.";
    "timerfd_create" as timerfd_create(a: int i32, b: int i32) libc = "Not supported: timers.";
    "__syscall_acct" as acct(a: str u32) sys = "Not supported: process accounting.";
    "__syscall_setdomainname" as setdomainname(a: ptr u32, b: len u32) sys = "Not supported: naming the host.";
    "__syscall_mincore" as mincore(a: ptr u32, b: len u32, c: ptr u32) sys = "Not supported: residency of memory.";
    "__syscall_mremap" as mremap(a: ptr u32, b: len u32, c: len u32, d: int i32, e: ptr u32) sys
        = "Not supported: moving mappings.";
    "mount" as mount(a: str u32, b: str u32, c: str u32, d: int i32, e: ptr u32) libc = "Not supported: mounting.";
    "umount" as umount(a: str u32) libc = "Not supported: mounting.";
    "umount2" as umount2(a: str u32, b: int i32) libc = "Not supported: mounting.";
    "prctl" as prctl(a: int i32, b: ptr u32) libc = "Not supported: process attributes.";
    "initgroups" as initgroups(a: str u32, b: int i32) libc = "Not supported: changing identity.";
    "epoll_create1" as epoll_create1(a: int i32) libc = "Not supported: epoll.";
    "epoll_ctl" as epoll_ctl(a: int i32, b: int i32, c: fd i32, d: ptr u32) libc = "Not supported: epoll.";
    "epoll_wait" as epoll_wait(a: fd i32, b: ptr u32, c: int i32, d: int i32) libc = "Not supported: epoll.";
    "eventfd" as eventfd(a: int i32, b: int i32) libc = "Not supported: event descriptors.";
    "inotify_init" as inotify_init() libc = "Not supported: inotify.";
    "__syscall_socket" as socket(a: int i32, b: int i32, c: int i32, d: int i32, e: int i32, f: int i32) sys
        = "No network: no socket can be made.";
    "__syscall_socketpair" as socketpair(a: int i32, b: int i32, c: int i32, d: ptr u32, e: int i32, f: int i32) sys
        = "No network: no socket can be made.";
    "__syscall_bind" as bind(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_connect" as connect(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_listen" as listen(a: fd i32, b: int i32, c: int i32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_accept4" as accept4(a: fd i32, b: ptr u32, c: ptr u32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_shutdown" as shutdown(a: fd i32, b: int i32, c: int i32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_getsockname" as getsockname(a: fd i32, b: ptr u32, c: ptr u32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_getpeername" as getpeername(a: fd i32, b: ptr u32, c: ptr u32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_getsockopt" as getsockopt(a: fd i32, b: int i32, c: int i32, d: ptr u32, e: ptr u32, f: int i32) sys
        = "No network.";
    "__syscall_setsockopt" as setsockopt(a: fd i32, b: int i32, c: int i32, d: ptr u32, e: len u32, f: int i32) sys
        = "No network.";
    "__syscall_sendto" as sendto(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: ptr u32, f: len u32) sys
        = "No network.";
    "__syscall_recvfrom" as recvfrom(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: ptr u32, f: ptr u32) sys
        = "No network.";
    "__syscall_sendmsg" as sendmsg(a: fd i32, b: ptr u32, c: int i32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_recvmsg" as recvmsg(a: fd i32, b: ptr u32, c: int i32, d: int i32, e: int i32, f: int i32) sys
        = "No network.";
    "__syscall_recvmmsg" as recvmmsg(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: ptr u32) sys = "No network.";
    "__syscall_sendmmsg" as sendmmsg(a: fd i32, b: ptr u32, c: len u32, d: int i32, e: ptr u32) sys = "No network.";
}
