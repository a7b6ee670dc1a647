//! Emscripten's host functions: module `env`.
//!
//! System calls answer with the value or the negated error number; functions under libc names follow their C contract.
//! Where a structure or a signature depends on the version, a table (`layout`) or a row per signature says so.

use super::errno::Errno;
use super::state::HasHost;
use crate::runtime::{Caller, Error, Linker, Module, Trap, WasmParams, WasmResults};

pub mod dylink;
pub mod eh;
pub mod events;
pub mod fds;
pub mod invoke;
pub mod memory;
pub mod names;
pub mod net;
pub mod paths;
pub mod poll;
pub mod process;
pub mod signals;
pub mod threads;
pub mod time;
pub mod unsupported;
pub mod xattr;

/// Every list of rows.
pub(super) const ROWS: &[&[super::rows::Row]] = &[
    paths::ROWS,
    fds::ROWS,
    poll::ROWS,
    xattr::ROWS,
    xattr::syscalls::ROWS,
    time::ROWS,
    process::ROWS,
    signals::ROWS,
    threads::ROWS,
    dylink::ROWS,
    events::ROWS,
    events::syscalls::ROWS,
    net::ROWS,
    names::ROWS,
    memory::ROWS,
    eh::ROWS,
    eh::old::ROWS,
    unsupported::ROWS,
];

/// Defines every row, and the functions whose names only the module tells (`invoke_*`).
pub(super) fn link<T: HasHost + 'static>(linker: &mut Linker<T>, module: &Module) -> Result<(), Error> {
    paths::link(linker)?;
    fds::link(linker)?;
    poll::link(linker)?;
    xattr::link(linker)?;
    xattr::syscalls::link(linker)?;
    time::link(linker)?;
    process::link(linker)?;
    signals::link(linker)?;
    threads::link(linker)?;
    dylink::link(linker)?;
    events::link(linker)?;
    events::syscalls::link(linker)?;
    net::link(linker)?;
    names::link(linker)?;
    memory::link(linker)?;
    // The two generations of C++ exceptions share names, so the module decides.
    if eh::is_old(module) {
        eh::old::link(linker)?;
    } else {
        eh::link(linker)?;
    }
    eh::link_matching(linker, module)?;
    unsupported::link(linker)?;
    invoke::link(linker, module)
}

/// Calls an exported function of the guest.
pub(super) fn call_export<T: 'static, P: WasmParams, R: WasmResults>(
    caller: &mut Caller<'_, T>,
    name: &str,
    params: P,
) -> Result<R, Trap> {
    let Some(func) = caller.get_func(name) else {
        return Err(Trap::host(format!(
            "the module does not export {name}, which the host needs here; add -sEXPORTED_FUNCTIONS=_{name}"
        )));
    };
    func.typed::<P, R>(&*caller)?.call(caller, params)
}

/// Copies a string into memory that the guest's allocator gives.
pub(super) fn allocate<T: 'static>(caller: &mut Caller<'_, T>, text: &[u8]) -> Result<u32, Trap> {
    let ptr: i32 = call_export(caller, "malloc", (text.len() as i32 + 1,))?;
    if ptr == 0 {
        return Err(Trap::host("the guest has no memory left"));
    }
    let mut memory = caller.memory();
    memory.copy_in(ptr as u32, text)?;
    memory.write_u8((ptr as u32).wrapping_add(text.len() as u32), 0)?;
    Ok(ptr as u32)
}

/// The answer of a libc function: the value, or -1 with the guest's `errno` set where the guest exports its address.
pub(super) fn libc_result<T: 'static>(caller: &mut Caller<'_, T>, result: Result<i32, Errno>) -> Result<i32, Trap> {
    let errno = match result {
        Ok(value) => return Ok(value),
        Err(errno) => errno,
    };
    if caller.get_func("__errno_location").is_some() {
        let ptr: i32 = call_export(caller, "__errno_location", ())?;
        caller.memory().write_i32(ptr as u32, i32::from(errno.emscripten()))?;
    }
    Ok(-1)
}

/// Stores the upper half of a 64-bit result, or the second result, where the guest looks for it.
pub(super) fn set_temp_ret<T: HasHost + 'static>(caller: &mut Caller<'_, T>, value: u32) -> Result<(), Trap> {
    caller.data_mut().host().temp_ret0 = value;
    if caller.get_func("_emscripten_tempret_set").is_some() {
        call_export::<T, _, ()>(caller, "_emscripten_tempret_set", (value as i32,))?;
    }
    Ok(())
}
