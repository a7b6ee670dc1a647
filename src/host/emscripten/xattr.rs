//! Extended attributes: under the libc names, which programs import because Emscripten's libc lacks them, and as the
//! system calls of the SDK's shim.

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::ops;
use crate::host::rows::rows;
use crate::host::state::AT_FDCWD;
use crate::host::sys::{self, Result, XattrTarget};
use std::ffi::CString;

/// Largest value, and largest list of names, that Linux has.
const MAX_VALUE: u32 = 65_536;

/// Longest name, as on Linux.
const MAX_NAME: u32 = 255;

/// The system calls' rows.
pub mod syscalls {
    use super::*;

    rows! { "env";
        /// Reads an attribute of a file.
        "__syscall_getxattr"(path: str, name: str, value: ptr, size: len) sys = get;
        /// Reads an attribute of a file or link.
        "__syscall_lgetxattr"(path: str, name: str, value: ptr, size: len) sys = lget;
        /// Reads an attribute of an open file.
        "__syscall_fgetxattr"(fd: fd, name: str, value: ptr, size: len) sys = fget;
        /// Sets an attribute of a file.
        "__syscall_setxattr"(path: str, name: str, value: ptr, size: len, flags: int) sys = set;
        /// Sets an attribute of a file or link.
        "__syscall_lsetxattr"(path: str, name: str, value: ptr, size: len, flags: int) sys = lset;
        /// Sets an attribute of an open file.
        "__syscall_fsetxattr"(fd: fd, name: str, value: ptr, size: len, flags: int) sys = fset;
        /// Lists attributes of a file.
        "__syscall_listxattr"(path: str, names: ptr, size: len) sys = list;
        /// Lists attributes of a file or link.
        "__syscall_llistxattr"(path: str, names: ptr, size: len) sys = llist;
        /// Lists attributes of an open file.
        "__syscall_flistxattr"(fd: fd, names: ptr, size: len) sys = flist;
        /// Removes an attribute of a file.
        "__syscall_removexattr"(path: str, name: str) sys = remove;
        /// Removes an attribute of a file or link.
        "__syscall_lremovexattr"(path: str, name: str) sys = lremove;
        /// Removes an attribute of an open file.
        "__syscall_fremovexattr"(fd: fd, name: str) sys = fremove;
    }
}

rows! { "env";
    /// Reads an attribute of a file.
    "getxattr"(path: str, name: str, value: ptr, size: len) libc = get;
    /// Reads an attribute of a file or link.
    "lgetxattr"(path: str, name: str, value: ptr, size: len) libc = lget;
    /// Reads an attribute of an open file.
    "fgetxattr"(fd: fd, name: str, value: ptr, size: len) libc = fget;
    /// Sets an attribute of a file.
    "setxattr"(path: str, name: str, value: ptr, size: len, flags: int) libc = set;
    /// Sets an attribute of a file or link.
    "lsetxattr"(path: str, name: str, value: ptr, size: len, flags: int) libc = lset;
    /// Sets an attribute of an open file.
    "fsetxattr"(fd: fd, name: str, value: ptr, size: len, flags: int) libc = fset;
    /// Lists attributes of a file.
    "listxattr"(path: str, names: ptr, size: len) libc = list;
    /// Lists attributes of a file or link.
    "llistxattr"(path: str, names: ptr, size: len) libc = llist;
    /// Lists attributes of an open file.
    "flistxattr"(fd: fd, names: ptr, size: len) libc = flist;
    /// Removes an attribute of a file.
    "removexattr"(path: str, name: str) libc = remove;
    /// Removes an attribute of a file or link.
    "lremovexattr"(path: str, name: str) libc = lremove;
    /// Removes an attribute of an open file.
    "fremovexattr"(fd: fd, name: str) libc = fremove;
}

/// What an attribute call acts on.
#[derive(Clone, Copy)]
enum Subject {
    /// A path, and whether a link at its end is followed.
    Path(u32, bool),
    Fd(i32),
}

fn with<R>(cx: &Ctx<'_>, subject: Subject, write: bool, act: impl FnOnce(XattrTarget<'_>) -> Result<R>) -> Result<R> {
    match subject {
        Subject::Path(path, follow) => {
            let mut path = cx.path(path)?;
            let base = cx.base(AT_FDCWD, &mut path)?;
            ops::with_xattrs(cx.host, base, &mut path, (follow, write), act)
        }
        Subject::Fd(fd) => {
            let file = cx.host.fds.get(fd)?;
            if write {
                file.writable()?;
            }
            act(XattrTarget::Open(file.fd()?))
        }
    }
}

fn name(cx: &Ctx<'_>, ptr: u32) -> Result<CString> {
    let bytes = cx.mem.cstr(ptr, MAX_NAME + 1).map_err(|fault| match cx.mem.check(ptr, u64::from(MAX_NAME) + 1) {
        Ok(_) => Errno::ERANGE,
        Err(_) => fault.into(),
    })?;
    if bytes.is_empty() {
        return Err(Errno::ERANGE);
    }
    sys::cstring(&bytes)
}

fn get_from(cx: &mut Ctx<'_>, subject: Subject, key: u32, value: u32, size: u32) -> Result<i32> {
    let key = name(cx, key)?;
    let mut buf = vec![0; size.min(MAX_VALUE) as usize];
    let len = with(cx, subject, false, |target| target.get(&key, &mut buf))?;
    if size != 0 {
        cx.mem.copy_in(value, buf.get(..len).ok_or(Errno::ERANGE)?)?;
    }
    Ok(len as i32)
}

fn list_from(cx: &mut Ctx<'_>, subject: Subject, list: u32, size: u32) -> Result<i32> {
    let mut buf = vec![0; size.min(MAX_VALUE) as usize];
    let len = with(cx, subject, false, |target| target.list(&mut buf))?;
    if size != 0 {
        cx.mem.copy_in(list, buf.get(..len).ok_or(Errno::ERANGE)?)?;
    }
    Ok(len as i32)
}

fn set_on(cx: &mut Ctx<'_>, subject: Subject, key: u32, (value, size): (u32, u32), flags: i32) -> Result<i32> {
    let key = name(cx, key)?;
    if size > MAX_VALUE {
        return Err(Errno::E2BIG);
    }
    if !ops::xattr_may_change(key.to_bytes()) {
        return Err(Errno::EPERM);
    }
    let value = cx.mem.bytes(value, size)?;
    with(cx, subject, true, |target| target.set(&key, &value, flags)).map(|()| 0)
}

fn remove_from(cx: &mut Ctx<'_>, subject: Subject, key: u32) -> Result<i32> {
    let key = name(cx, key)?;
    if !ops::xattr_may_change(key.to_bytes()) {
        return Err(Errno::EPERM);
    }
    with(cx, subject, true, |target| target.remove(&key)).map(|()| 0)
}

fn get(cx: &mut Ctx<'_>, path: u32, name: u32, value: u32, size: u32) -> Result<i32> {
    get_from(cx, Subject::Path(path, true), name, value, size)
}

fn lget(cx: &mut Ctx<'_>, path: u32, name: u32, value: u32, size: u32) -> Result<i32> {
    get_from(cx, Subject::Path(path, false), name, value, size)
}

fn fget(cx: &mut Ctx<'_>, fd: i32, name: u32, value: u32, size: u32) -> Result<i32> {
    get_from(cx, Subject::Fd(fd), name, value, size)
}

fn set(cx: &mut Ctx<'_>, path: u32, name: u32, value: u32, size: u32, flags: i32) -> Result<i32> {
    set_on(cx, Subject::Path(path, true), name, (value, size), flags)
}

fn lset(cx: &mut Ctx<'_>, path: u32, name: u32, value: u32, size: u32, flags: i32) -> Result<i32> {
    set_on(cx, Subject::Path(path, false), name, (value, size), flags)
}

fn fset(cx: &mut Ctx<'_>, fd: i32, name: u32, value: u32, size: u32, flags: i32) -> Result<i32> {
    set_on(cx, Subject::Fd(fd), name, (value, size), flags)
}

fn list(cx: &mut Ctx<'_>, path: u32, list: u32, size: u32) -> Result<i32> {
    list_from(cx, Subject::Path(path, true), list, size)
}

fn llist(cx: &mut Ctx<'_>, path: u32, list: u32, size: u32) -> Result<i32> {
    list_from(cx, Subject::Path(path, false), list, size)
}

fn flist(cx: &mut Ctx<'_>, fd: i32, list: u32, size: u32) -> Result<i32> {
    list_from(cx, Subject::Fd(fd), list, size)
}

fn remove(cx: &mut Ctx<'_>, path: u32, name: u32) -> Result<i32> {
    remove_from(cx, Subject::Path(path, true), name)
}

fn lremove(cx: &mut Ctx<'_>, path: u32, name: u32) -> Result<i32> {
    remove_from(cx, Subject::Path(path, false), name)
}

fn fremove(cx: &mut Ctx<'_>, fd: i32, name: u32) -> Result<i32> {
    remove_from(cx, Subject::Fd(fd), name)
}
