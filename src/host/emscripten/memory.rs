//! Growing and copying the guest's memory; files mapped into it.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::fd::Kind;
use crate::host::maps::Mapping;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::host::sys;
use crate::memory::{MAX_PAGES, PAGE_BYTES};
use crate::runtime::{Caller, Trap};

rows! { "env";
    /// Copies memory; the result is the destination.
    "emscripten_memcpy_big"(dest: ptr, source: ptr, len: len) must i32 = memcpy_big;
    /// Copies memory.
    "emscripten_memcpy_big"(dest: ptr, source: ptr, len: len) must void = memcpy;
    /// Copies memory.
    "_emscripten_memcpy_js"(dest: ptr, source: ptr, len: len) must void = memcpy;
    /// Grows memory to at least so many bytes.
    "emscripten_resize_heap"(size: len) call i32 = resize_heap;
    /// The largest size that memory can have.
    "emscripten_get_heap_max"() call i32 = heap_max;
    /// Says that memory has grown.
    "emscripten_notify_memory_growth"(index: int) get void = notify_growth;
    /// Stores the upper half of a 64-bit result.
    "setTempRet0"(value: int) get void = set_temp_ret0;
    /// The upper half of a 64-bit result.
    "getTempRet0"() get i32 = get_temp_ret0;
    /// Maps a file (to 3.1.6).
    "_mmap_js"(addr: ptr, len: len, prot: int, flags: int, fd: fd, offset: int, allocated: ptr) call i32 = mmap_old;
    /// Maps a file.
    "_mmap_js"(len: len, prot: int, flags: int, fd: fd, offset: off, allocated: ptr, addr: ptr) call i32 = mmap;
    /// Ends a mapping (to 3.1.6).
    "_munmap_js"(addr: ptr, len: len, prot: int, flags: int, fd: fd, offset: int) sys = munmap_old;
    /// Ends a mapping.
    "_munmap_js"(addr: ptr, len: len, prot: int, flags: int, fd: fd, offset: off) sys = munmap;
    /// Writes a mapping back (to 3.1.6).
    "_msync_js"(addr: ptr, len: len, flags: int, fd: fd) sys = msync_old;
    /// Writes a mapping back.
    "_msync_js"(addr: ptr, len: len, prot: int, flags: int, fd: fd, offset: off) sys = msync;
    /// Announces access patterns of memory: without effect.
    "__syscall_madvise"(addr: ptr, len: len, advice: int) sys = no_effect3;
    /// Keeps memory resident: without effect.
    "__syscall_mlock"(addr: ptr, len: len) sys = no_effect2;
    /// The inverse of `mlock`.
    "__syscall_munlock"(addr: ptr, len: len) sys = no_effect2;
    /// Keeps all memory resident: without effect.
    "__syscall_mlockall"(flags: int) sys = no_effect1;
    /// The inverse of `mlockall`.
    "__syscall_munlockall"() sys = no_effect0;
    /// Protects memory: without effect, as all of a guest's memory can be read and written.
    "__syscall_mprotect"(addr: ptr, len: len, prot: int) sys = no_effect3;
}

fn memcpy(cx: &mut Ctx<'_>, dest: u32, source: u32, len: u32) -> Result<(), Trap> {
    cx.mem.copy_within(dest, source, len)?;
    Ok(())
}

fn memcpy_big(cx: &mut Ctx<'_>, dest: u32, source: u32, len: u32) -> Result<i32, Trap> {
    memcpy(cx, dest, source, len)?;
    Ok(dest as i32)
}

/// Most bytes that are added beyond what was asked for.
const OVERGROWTH: u64 = 96 << 20;

fn resize_heap<T: 'static>(caller: &mut Caller<'_, T>, size: u32) -> Result<i32, Trap> {
    let Some(memory) = caller.memory_handle() else { return Ok(0) };
    let pages = memory.pages(&*caller);
    let current = pages * PAGE_BYTES;
    let wanted = u64::from(size).div_ceil(PAGE_BYTES);
    if wanted <= pages {
        return Ok(1);
    }
    // Growing by a fifth keeps the number of steps small; where that is too much, what was asked for must do.
    let generous = (current + (current / 5).min(OVERGROWTH)) / PAGE_BYTES;
    for target in [generous.max(wanted), wanted] {
        let add = target.min(MAX_PAGES).saturating_sub(pages);
        if add >= wanted - pages && memory.grow(&mut *caller, add).is_some() {
            return Ok(1);
        }
    }
    Ok(0)
}

fn heap_max<T: 'static>(caller: &mut Caller<'_, T>) -> Result<i32, Trap> {
    let max =
        caller.memory_handle().map_or(0, |memory| memory.ty(caller as &Caller<'_, T>).limits.max.unwrap_or(MAX_PAGES));
    Ok((max * PAGE_BYTES).min(u64::from(u32::MAX) - PAGE_BYTES + 1) as u32 as i32)
}

fn notify_growth(_: &mut Ctx<'_>, _: i32) {}

fn set_temp_ret0(cx: &mut Ctx<'_>, value: i32) {
    cx.host.temp_ret0 = value as u32;
}

fn get_temp_ret0(cx: &mut Ctx<'_>) -> i32 {
    cx.host.temp_ret0 as i32
}

/// `MAP_SHARED`, `PROT_WRITE` of guests, which are Linux's.
const MAP_SHARED: i32 = 1;
const MAP_TYPE: i32 = 0xf;
const PROT_WRITE: i32 = 2;

/// Alignment of mappings: what guests take for the page size.
const MAP_ALIGN: i32 = PAGE_BYTES as i32;

fn mmap_old<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    _: u32,
    len: u32,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: i32,
    allocated: u32,
) -> Result<i32, Trap> {
    map(caller, (len, prot, flags), (fd, i64::from(offset as u32)), allocated).map(|r| match r {
        Ok(addr) => addr as i32,
        Err(errno) => errno.negated(),
    })
}

fn mmap<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    len: u32,
    prot: i32,
    flags: i32,
    fd: i32,
    offset: i64,
    allocated: u32,
    addr: u32,
) -> Result<i32, Trap> {
    match map(caller, (len, prot, flags), (fd, offset), allocated)? {
        Ok(mapped) => {
            caller.memory().write_u32(addr, mapped)?;
            Ok(0)
        }
        Err(errno) => Ok(errno.negated()),
    }
}

/// Maps a file: memory of the guest's allocator that holds a copy of it.
fn map<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    (len, prot, flags): (u32, i32, i32),
    (fd, offset): (i32, i64),
    allocated: u32,
) -> Result<Result<u32, Errno>, Trap> {
    let write_back = flags & MAP_TYPE == MAP_SHARED && prot & PROT_WRITE != 0;
    let host = caller.data_mut().host();
    let file = match host.fds.get(fd).cloned().and_then(|file| {
        mappable(&file, len, offset, write_back)?;
        host.maps().room()?;
        Ok(file)
    }) {
        Ok(file) => file,
        Err(errno) => return Ok(Err(errno)),
    };
    let addr: i32 = super::call_export(caller, "emscripten_builtin_memalign", (MAP_ALIGN, len as i32))?;
    if addr == 0 {
        return Ok(Err(Errno::ENOMEM));
    }
    let (mut mem, data) = caller.memory_and_data();
    mem.write_u32(allocated, 1)?;
    let mapping = Mapping { addr: addr as u32, len, offset, file, write_back };
    let loaded = mapping.load(&mut mem);
    if loaded.is_ok() {
        data.host().maps().insert(mapping);
    }
    Ok(loaded.map(|()| addr as u32))
}

fn mappable(file: &crate::host::fd::File, len: u32, offset: i64, write_back: bool) -> Result<(), Errno> {
    if len == 0 || offset < 0 || offset % 4096 != 0 {
        return Err(Errno::EINVAL);
    }
    if file.kind() != Kind::File || file.is_path_only() {
        return Err(if file.is_path_only() { Errno::EBADF } else { Errno::ENODEV });
    }
    let access = sys::fcntl(file.fd()?, libc::F_GETFL, 0)? & libc::O_ACCMODE;
    if access == libc::O_WRONLY || (write_back && access != libc::O_RDWR) {
        return Err(Errno::EACCES);
    }
    Ok(())
}

fn munmap(cx: &mut Ctx<'_>, addr: u32, _: u32, _: i32, _: i32, _: i32, _: i64) -> Result<i32, Errno> {
    // A private mapping, or one that the guest made up, has nothing to write back.
    let mapping = cx.host.maps().remove(addr);
    match mapping {
        Some(mapping) => mapping.store(&cx.mem, mapping.len).map(|()| 0),
        None => Ok(0),
    }
}

fn munmap_old(cx: &mut Ctx<'_>, addr: u32, _: u32, _: i32, _: i32, _: i32, _: i32) -> Result<i32, Errno> {
    munmap(cx, addr, 0, 0, 0, 0, 0)
}

fn msync(cx: &mut Ctx<'_>, addr: u32, len: u32, _: i32, _: i32, _: i32, _: i64) -> Result<i32, Errno> {
    match cx.host.maps().find(addr) {
        Some(mapping) => mapping.store(&cx.mem, len).map(|()| 0),
        None => Err(Errno::ENOMEM),
    }
}

fn msync_old(cx: &mut Ctx<'_>, addr: u32, len: u32, _: i32, _: i32) -> Result<i32, Errno> {
    msync(cx, addr, len, 0, 0, 0, 0)
}

fn no_effect0(_: &mut Ctx<'_>) -> Result<i32, Errno> {
    Ok(0)
}

fn no_effect1(_: &mut Ctx<'_>, _: i32) -> Result<i32, Errno> {
    Ok(0)
}

fn no_effect2(_: &mut Ctx<'_>, _: u32, _: u32) -> Result<i32, Errno> {
    Ok(0)
}

fn no_effect3(_: &mut Ctx<'_>, _: u32, _: u32, _: i32) -> Result<i32, Errno> {
    Ok(0)
}
