//! Opening modules at run time.

use crate::host::ctx::Ctx;
use crate::host::dynlink;
use crate::host::errno::Errno;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::runtime::{Caller, Trap, WasmParams, WasmResults};

rows! { "env";
    /// Loads a module; the argument is the C library's record of it. 0 where that fails.
    "_dlopen_js"(dso: ptr) call i32 = open;
    /// The address of a symbol, or 0.
    "_dlsym_js"(dso: ptr, name: str) call i32 = symbol;
    /// The address of a symbol, or 0; its number is for other threads.
    "_dlsym_js"(dso: ptr, name: str, number: ptr) call i32 = numbered_symbol;
    /// Loads a module, and calls one of two functions then (to 3.1.6).
    "_emscripten_dlopen_js"(dso: ptr, done: ptr, failed: ptr) must void = no_callbacks3;
    /// Loads a module, and calls one of two functions then.
    "_emscripten_dlopen_js"(dso: ptr, done: ptr, failed: ptr, data: ptr) must void = no_callbacks4;
}

/// Longest name of a module or symbol.
const MAX_NAME: u32 = 4096;

/// `RTLD_GLOBAL`.
const GLOBAL: u32 = 0x100;

/// `RTLD_NEXT`; `RTLD_DEFAULT` is 0.
const NEXT: u32 = u32::MAX;

fn open<T: HasHost + 'static>(caller: &mut Caller<'_, T>, dso: u32) -> Result<i32, Trap> {
    let layout = caller.data_mut().host().layout;
    let (mem, _) = caller.memory_and_data();
    let name = mem.cstr(dso.wrapping_add(u32::from(layout.dso_name)), MAX_NAME)?.into_owned();
    let flags = mem.read_u32(dso.wrapping_add(u32::from(layout.dso_flags)))?;
    match dynlink::open(caller, &name, dso, flags & GLOBAL != 0) {
        Ok(()) => Ok(1),
        Err(error) => {
            fail(caller, &format!("could not load {}: {error}", String::from_utf8_lossy(&name)))?;
            Ok(0)
        }
    }
}

fn symbol<T: HasHost + 'static>(caller: &mut Caller<'_, T>, dso: u32, name: u32) -> Result<i32, Trap> {
    let name = String::from_utf8_lossy(&caller.memory().cstr(name, MAX_NAME)?).into_owned();
    let handle = (dso != 0 && dso != NEXT).then_some(dso);
    match dynlink::symbol(caller, handle, &name)? {
        Some(address) => Ok(address as i32),
        None => {
            fail(caller, &format!("symbol not found: {name}"))?;
            Ok(0)
        }
    }
}

fn numbered_symbol<T: HasHost + 'static>(caller: &mut Caller<'_, T>, dso: u32, name: u32, _: u32) -> Result<i32, Trap> {
    symbol(caller, dso, name)
}

fn no_callbacks() -> Trap {
    Trap::host("emscripten_dlopen is for JavaScript's event loop; use dlopen")
}

fn no_callbacks3(_: &mut Ctx<'_>, _: u32, _: u32, _: u32) -> Result<(), Trap> {
    Err(no_callbacks())
}

fn no_callbacks4(_: &mut Ctx<'_>, _: u32, _: u32, _: u32, _: u32) -> Result<(), Trap> {
    Err(no_callbacks())
}

/// Calls an export if there is one of that type.
fn call<T: 'static, P: WasmParams, R: WasmResults>(
    caller: &mut Caller<'_, T>,
    names: &[&str],
    params: P,
) -> Result<Option<R>, Trap> {
    let func = names.iter().find_map(|name| caller.get_func(name)).and_then(|func| func.typed::<P, R>(&*caller).ok());
    func.map(|func| func.call(caller, params)).transpose()
}

/// Hands the C library what `dlerror` is to say: a format without arguments, on the guest's stack.
fn fail<T: HasHost + 'static>(caller: &mut Caller<'_, T>, message: &str) -> Result<(), Trap> {
    log::debug!("{message}");
    let mut text: Vec<u8> = message.replace('%', "%%").into_bytes();
    text.retain(|byte| *byte != 0);
    text.push(0);
    let save = ["emscripten_stack_get_current", "_emscripten_stack_save", "stackSave"];
    let alloc = ["_emscripten_stack_alloc", "stackAlloc"];
    let Some(at) = call::<T, _, i32>(caller, &save, ())? else { return Ok(()) };
    if let Some(ptr) = call::<T, _, i32>(caller, &alloc, (text.len() as i32,))? {
        caller.memory().copy_in(ptr as u32, &text).map_err(|_| Trap::host(Errno::EFAULT.to_string()))?;
        call::<T, _, ()>(caller, &["__dl_seterr"], (ptr, 0))?;
    }
    call::<T, _, ()>(caller, &["_emscripten_stack_restore", "stackRestore"], (at,))?;
    Ok(())
}
