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
    "__syscall_execve" as sys_execve(a: str u32, b: ptr u32, c: ptr u32) sys = "Not supported: processes.";
    "execve" as execve(a: int i32, b: int i32, c: int i32) libc = "Not supported: processes.";
    "daemon" as daemon(a: int i32, b: int i32) libc = "Not supported: processes.";
    "__syscall_acct" as acct(a: str u32) sys = "Not supported: process accounting.";
    "__syscall_setdomainname" as setdomainname(a: ptr u32, b: len u32) sys = "Not supported: naming the host.";
    "__syscall_mincore" as mincore(a: ptr u32, b: len u32, c: ptr u32) sys = "Not supported: residency of memory.";
    "__syscall_mremap" as mremap(a: ptr u32, b: len u32, c: len u32, d: int i32, e: ptr u32) sys
        = "Not supported: moving mappings.";
    "mount" as mount(a: str u32, b: str u32, c: str u32, d: int i32, e: ptr u32) libc = "Not supported: mounting.";
    "umount" as umount(a: str u32) libc = "Not supported: mounting.";
    "umount2" as umount2(a: str u32, b: int i32) libc = "Not supported: mounting.";
    "initgroups" as initgroups(a: str u32, b: int i32) libc = "Not supported: changing identity.";
}
