//! C++ exceptions and `longjmp` that unwind through the host.
//!
//! A throw is a trap of a kind that only `invoke_*` catches. The guest keeps an exception as a block of its memory:
//! a header (`layout` below) in front of the thrown object. The host keeps which exceptions are being handled.
//!
//! Two generations: from about 3.1.30 on the guest's library counts references and picks the pointer that a handler
//! gets; before ([`old`]) the host does, and what travels is the address of a pair (object, adjusted pointer).

use super::invoke::Exports;
use super::{call_export, set_temp_ret};
use crate::host::ctx::Ctx;
use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::runtime::{Caller, Error, Linker, Module, Trap, Val};
use crate::wasm::{ExternType, ValType};
use std::fmt;

/// What `invoke_*` catches: a C++ exception or a `longjmp`.
#[derive(Debug)]
pub enum Thrown {
    /// `longjmp`; the guest knows where to.
    LongJump,
    /// A C++ exception, by the address of its object.
    Exception(u32),
}

impl fmt::Display for Thrown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Thrown::LongJump => "a longjmp() found no setjmp() that is still active",
            Thrown::Exception(_) => "an exception was thrown that nothing caught",
        })
    }
}

impl std::error::Error for Thrown {}

/// Exceptions in flight and being handled.
#[derive(Debug, Default)]
pub struct Exceptions {
    pub(super) exports: Option<Exports>,
    /// What handlers are handling, innermost last.
    caught: Vec<u32>,
    /// What was thrown last; 0 if nothing is on its way.
    last: u32,
    uncaught: u32,
}

/// The header in front of a thrown object.
mod layout {
    pub const SIZE: u32 = 24;
    pub const OLD_SIZE: u32 = 16;
    pub const REFERENCES: u32 = 0;
    pub const TYPE: u32 = 4;
    pub const DESTRUCTOR: u32 = 8;
    pub const CAUGHT: u32 = 12;
    pub const RETHROWN: u32 = 13;
    pub const ADJUSTED: u32 = 16;
}

/// Most handlers that may be active: an endless recursion of throws ends before the host's memory does.
const MAX_CAUGHT: usize = 1 << 20;

rows! { "env";
    /// Unwinds to the `setjmp` that the guest has chosen.
    "_emscripten_throw_longjmp"() must void = throw_longjmp;
    /// Throws an exception.
    "__cxa_throw"(object: ptr, ty: ptr, destructor: ptr) must void = throw;
    /// Goes on unwinding after a cleanup.
    "__resumeException"(object: ptr) must void = resume;
    /// Begins a handler; the result is what it catches.
    "__cxa_begin_catch"(object: ptr) call i32 = begin_catch;
    /// Ends a handler.
    "__cxa_end_catch"() call void = end_catch;
    /// Throws again what the innermost handler handles.
    "__cxa_rethrow"() must void = rethrow;
    /// Exceptions on their way.
    "__cxa_uncaught_exceptions"() get i32 = uncaught;
    /// The number by which handlers know a type: its address.
    "llvm_eh_typeid_for"(ty: ptr) get i32 = typeid;
    /// The exception that is being handled, as a new reference.
    "__cxa_current_primary_exception"() call i32 = current_exception;
    /// Throws an exception that `std::exception_ptr` holds.
    "__cxa_rethrow_primary_exception"(object: ptr) call void = rethrow_pointer;
}

/// Reads and writes the header of an exception.
struct Header(u32);

impl Header {
    fn of(object: u32) -> Header {
        Header(object.wrapping_sub(layout::SIZE))
    }

    fn of_old(object: u32) -> Header {
        Header(object.wrapping_sub(layout::OLD_SIZE))
    }

    fn at(&self, field: u32) -> u32 {
        self.0.wrapping_add(field)
    }

    fn init(&self, cx: &mut Ctx<'_>, ty: u32, destructor: u32) -> Result<(), Trap> {
        cx.mem.write_u32(self.at(layout::TYPE), ty)?;
        cx.mem.write_u32(self.at(layout::DESTRUCTOR), destructor)?;
        cx.mem.write_u8(self.at(layout::CAUGHT), 0)?;
        cx.mem.write_u8(self.at(layout::RETHROWN), 0)?;
        Ok(())
    }

    /// Marks the exception as caught; whether it was on its way until now.
    fn begin(&self, mem: &mut crate::memory::GuestMemory<'_>) -> Result<bool, Trap> {
        let first = mem.read_u8(self.at(layout::CAUGHT))? == 0;
        mem.write_u8(self.at(layout::CAUGHT), 1)?;
        mem.write_u8(self.at(layout::RETHROWN), 0)?;
        Ok(first)
    }

    /// Marks the exception as thrown again; whether it was not yet.
    fn again(&self, mem: &mut crate::memory::GuestMemory<'_>) -> Result<bool, Trap> {
        if mem.read_u8(self.at(layout::RETHROWN))? != 0 {
            return Ok(false);
        }
        mem.write_u8(self.at(layout::RETHROWN), 1)?;
        mem.write_u8(self.at(layout::CAUGHT), 0)?;
        Ok(true)
    }
}

fn unwind(object: u32) -> Trap {
    Trap::host(Thrown::Exception(object)).without_backtrace()
}

fn throw_longjmp(_: &mut Ctx<'_>) -> Result<(), Trap> {
    Err(Trap::host(Thrown::LongJump).without_backtrace())
}

fn throw(cx: &mut Ctx<'_>, object: u32, ty: u32, destructor: u32) -> Result<(), Trap> {
    let header = Header::of(object);
    header.init(cx, ty, destructor)?;
    cx.mem.write_u32(header.at(layout::ADJUSTED), 0)?;
    cx.host.exceptions.last = object;
    cx.host.exceptions.uncaught += 1;
    Err(unwind(object))
}

fn resume(cx: &mut Ctx<'_>, object: u32) -> Result<(), Trap> {
    let exceptions = &mut cx.host.exceptions;
    if exceptions.last == 0 {
        exceptions.last = object;
    }
    Err(unwind(exceptions.last))
}

fn push_caught<T: HasHost + 'static>(caller: &mut Caller<'_, T>, item: u32, first: bool) -> Result<(), Trap> {
    let exceptions = &mut caller.data_mut().host().exceptions;
    exceptions.uncaught = exceptions.uncaught.saturating_sub(u32::from(first));
    if exceptions.caught.len() >= MAX_CAUGHT {
        return Err(Trap::host("too many exceptions are being handled"));
    }
    exceptions.caught.push(item);
    Ok(())
}

fn begin_catch<T: HasHost + 'static>(caller: &mut Caller<'_, T>, object: u32) -> Result<i32, Trap> {
    let first = Header::of(object).begin(&mut caller.memory())?;
    push_caught(caller, object, first)?;
    call_export::<T, _, ()>(caller, "__cxa_increment_exception_refcount", (object as i32,))?;
    call_export(caller, "__cxa_get_exception_ptr", (object as i32,))
}

fn end_catch<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<(), Trap> {
    super::invoke::clear_threw(caller)?;
    let exceptions = &mut caller.data_mut().host().exceptions;
    let object = exceptions.caught.pop();
    exceptions.last = 0;
    match object {
        Some(object) => call_export(caller, "__cxa_decrement_exception_refcount", (object as i32,)),
        None => Err(Trap::host("the guest ended a handler that it had not begun")),
    }
}

fn rethrow(cx: &mut Ctx<'_>) -> Result<(), Trap> {
    let Some(object) = cx.host.exceptions.caught.pop() else {
        return Err(Trap::host("the guest threw again without an exception"));
    };
    if Header::of(object).again(&mut cx.mem)? {
        cx.host.exceptions.caught.push(object);
        cx.host.exceptions.uncaught += 1;
    }
    cx.host.exceptions.last = object;
    Err(unwind(object))
}

fn uncaught(cx: &mut Ctx<'_>) -> i32 {
    cx.host.exceptions.uncaught as i32
}

fn typeid(_: &mut Ctx<'_>, ty: u32) -> i32 {
    ty as i32
}

fn current_exception<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<i32, Trap> {
    let Some(object) = caller.data_mut().host().exceptions.caught.last().copied() else { return Ok(0) };
    call_export::<T, _, ()>(caller, "__cxa_increment_exception_refcount", (object as i32,))?;
    Ok(object as i32)
}

fn rethrow_pointer<T: HasHost + 'static>(caller: &mut Caller<'_, T>, object: u32) -> Result<(), Trap> {
    if object == 0 {
        return Ok(());
    }
    call_export::<T, _, ()>(caller, "__cxa_increment_exception_refcount", (object as i32,))?;
    let (mut mem, data) = caller.memory_and_data();
    let header = Header::of(object);
    mem.write_u8(header.at(layout::RETHROWN), 1)?;
    mem.write_u8(header.at(layout::CAUGHT), 0)?;
    let exceptions = &mut data.host().exceptions;
    exceptions.uncaught += 1;
    exceptions.last = object;
    Err(unwind(object))
}

/// Which of a `try`'s handlers, by their types, takes what was thrown.
///
/// The first result is what the handler passes to `__cxa_begin_catch`, the second the type that it compares.
fn find_match<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    wanted: &[u32],
    header: &Header,
    adjusted_at: u32,
) -> Result<u32, Trap> {
    let object = caller.data_mut().host().exceptions.last;
    let mut mem = caller.memory();
    mem.write_u32(adjusted_at, object)?;
    let thrown = mem.read_u32(header.at(layout::TYPE))?;
    if thrown == 0 {
        return Ok(0);
    }
    for &ty in wanted {
        if ty == 0 || ty == thrown {
            break;
        }
        let params = (ty as i32, thrown as i32, adjusted_at as i32);
        if call_export::<T, _, i32>(caller, "__cxa_can_catch", params)? != 0 {
            return Ok(ty);
        }
    }
    Ok(thrown)
}

fn match_thrown<T: HasHost + 'static>(caller: &mut Caller<'_, T>, wanted: &[u32]) -> Result<i32, Trap> {
    let object = caller.data_mut().host().exceptions.last;
    if object == 0 {
        set_temp_ret(caller, 0)?;
        return Ok(0);
    }
    let header = Header::of(object);
    let ty = find_match(caller, wanted, &header, header.at(layout::ADJUSTED))?;
    set_temp_ret(caller, ty)?;
    Ok(object as i32)
}

/// Whether a module's exceptions are of the older generation: its library does not count references.
pub fn is_old(module: &Module) -> bool {
    module.get_export("__cxa_get_exception_ptr").is_none()
}

/// Defines `__cxa_find_matching_catch_N`, whose names tell how many types they take.
pub fn link_matching<T: HasHost + 'static>(linker: &mut Linker<T>, module: &Module) -> Result<(), Error> {
    let old = is_old(module);
    for import in module.imports() {
        let ExternType::Func(ty) = &import.ty else { continue };
        let fits = ty.results == [ValType::I32] && ty.params.iter().all(|p| *p == ValType::I32);
        if import.module != "env" || !import.name.starts_with("__cxa_find_matching_catch_") || !fits {
            continue;
        }
        linker.func_new("env", &import.name, ty.clone(), move |mut caller, args, results| {
            let wanted: Vec<u32> = args.iter().map(|v| v.i32().unwrap_or_default() as u32).collect();
            let found = if old { old::match_thrown(&mut caller, &wanted) } else { match_thrown(&mut caller, &wanted) };
            results[0] = Val::I32(found?);
            Ok(())
        })?;
    }
    Ok(())
}

/// The generation in which the host counts references.
pub mod old {
    use super::*;

    rows! { "env";
        /// Unwinds to the `setjmp` that the guest has chosen.
        "_emscripten_throw_longjmp"() must void = throw_longjmp;
        /// Memory for an exception.
        "__cxa_allocate_exception"(size: len) call i32 = allocate;
        /// Frees an exception.
        "__cxa_free_exception"(object: ptr) call void = free;
        /// Throws an exception.
        "__cxa_throw"(object: ptr, ty: ptr, destructor: ptr) must void = throw;
        /// Goes on unwinding after a cleanup.
        "__resumeException"(pair: ptr) call void = resume;
        /// Begins a handler; the result is what it catches.
        "__cxa_begin_catch"(pair: ptr) call i32 = begin_catch;
        /// Ends a handler.
        "__cxa_end_catch"() call void = end_catch;
        /// Throws again what the innermost handler handles.
        "__cxa_rethrow"() call void = rethrow;
        /// Exceptions on their way.
        "__cxa_uncaught_exceptions"() get i32 = uncaught;
        /// The number by which handlers know a type: its address.
        "llvm_eh_typeid_for"(ty: ptr) get i32 = typeid;
        /// What a handler would get.
        "__cxa_get_exception_ptr"(pair: ptr) call i32 = exception_ptr;
    }

    /// Bytes of a pair: the object's address, and the address adjusted for the handler's type.
    const PAIR: i32 = 8;

    fn malloc<T: 'static>(caller: &mut Caller<'_, T>, size: i32) -> Result<u32, Trap> {
        match call_export::<T, _, i32>(caller, "malloc", (size,))? {
            0 => Err(Trap::host("the guest has no memory left for an exception")),
            ptr => Ok(ptr as u32),
        }
    }

    fn allocate<T: HasHost + 'static>(caller: &mut Caller<'_, T>, size: u32) -> Result<i32, Trap> {
        let size = size.checked_add(layout::OLD_SIZE).ok_or_else(|| Trap::host("an exception is too large"))?;
        let block = malloc(caller, size as i32)?;
        caller.memory().fill(block, layout::OLD_SIZE, 0)?;
        Ok(block.wrapping_add(layout::OLD_SIZE) as i32)
    }

    fn free<T: HasHost + 'static>(caller: &mut Caller<'_, T>, object: u32) -> Result<(), Trap> {
        call_export(caller, "free", (Header::of_old(object).0 as i32,))
    }

    fn throw(cx: &mut Ctx<'_>, object: u32, ty: u32, destructor: u32) -> Result<(), Trap> {
        let header = Header::of_old(object);
        header.init(cx, ty, destructor)?;
        cx.mem.write_u32(header.at(layout::REFERENCES), 0)?;
        cx.host.exceptions.last = object;
        cx.host.exceptions.uncaught += 1;
        Err(unwind(object))
    }

    fn resume<T: HasHost + 'static>(caller: &mut Caller<'_, T>, pair: u32) -> Result<(), Trap> {
        let object = caller.memory().read_u32(pair)?;
        let exceptions = &mut caller.data_mut().host().exceptions;
        if exceptions.last == 0 {
            exceptions.last = object;
        }
        call_export::<T, _, ()>(caller, "free", (pair as i32,))?;
        Err(unwind(object))
    }

    pub(super) fn match_thrown<T: HasHost + 'static>(caller: &mut Caller<'_, T>, wanted: &[u32]) -> Result<i32, Trap> {
        let object = caller.data_mut().host().exceptions.last;
        if object == 0 {
            set_temp_ret(caller, 0)?;
            return Ok(0);
        }
        let pair = malloc(caller, PAIR)?;
        caller.memory().write_u32(pair, object)?;
        let ty = find_match(caller, wanted, &Header::of_old(object), pair.wrapping_add(4))?;
        set_temp_ret(caller, ty)?;
        Ok(pair as i32)
    }

    fn exception_ptr<T: HasHost + 'static>(caller: &mut Caller<'_, T>, pair: u32) -> Result<i32, Trap> {
        let [object, adjusted]: [u32; 2] = caller.memory().read(pair)?;
        let ty = caller.memory().read_u32(Header::of_old(object).at(layout::TYPE))?;
        if call_export::<T, _, i32>(caller, "__cxa_is_pointer_type", (ty as i32,))? != 0 {
            return Ok(caller.memory().read_i32(object)?);
        }
        Ok(if adjusted != 0 { adjusted } else { object } as i32)
    }

    fn begin_catch<T: HasHost + 'static>(caller: &mut Caller<'_, T>, pair: u32) -> Result<i32, Trap> {
        let object = caller.memory().read_u32(pair)?;
        let header = Header::of_old(object);
        let first = header.begin(&mut caller.memory())?;
        let mut mem = caller.memory();
        let references = mem.read_u32(header.at(layout::REFERENCES))?;
        mem.write_u32(header.at(layout::REFERENCES), references.wrapping_add(1))?;
        push_caught(caller, pair, first)?;
        exception_ptr(caller, pair)
    }

    fn end_catch<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<(), Trap> {
        // The older `setThrew` has the same two parameters.
        super::super::invoke::clear_threw(caller)?;
        let Some(pair) = caller.data_mut().host().exceptions.caught.pop() else {
            return Err(Trap::host("the guest ended a handler that it had not begun"));
        };
        let object = caller.memory().read_u32(pair)?;
        release(caller, object)?;
        caller.data_mut().host().exceptions.last = 0;
        call_export(caller, "free", (pair as i32,))
    }

    /// Drops a reference; the last one destroys the exception, unless it is on its way again.
    fn release<T: HasHost + 'static>(caller: &mut Caller<'_, T>, object: u32) -> Result<(), Trap> {
        let header = Header::of_old(object);
        let mut mem = caller.memory();
        let references = mem.read_u32(header.at(layout::REFERENCES))?;
        mem.write_u32(header.at(layout::REFERENCES), references.wrapping_sub(1))?;
        if references != 1 || mem.read_u8(header.at(layout::RETHROWN))? != 0 {
            return Ok(());
        }
        let destructor = mem.read_u32(header.at(layout::DESTRUCTOR))?;
        if destructor != 0 {
            // A C++ destructor returns its object here.
            caller.call_table::<(i32,), i32>(destructor, (object as i32,))?;
        }
        free(caller, object)
    }

    fn rethrow<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<(), Trap> {
        let Some(pair) = caller.data_mut().host().exceptions.caught.pop() else {
            return Err(Trap::host("the guest threw again without an exception"));
        };
        let object = caller.memory().read_u32(pair)?;
        if Header::of_old(object).again(&mut caller.memory())? {
            let exceptions = &mut caller.data_mut().host().exceptions;
            exceptions.caught.push(pair);
            exceptions.uncaught += 1;
        } else {
            call_export::<T, _, ()>(caller, "free", (pair as i32,))?;
        }
        caller.data_mut().host().exceptions.last = object;
        Err(unwind(object))
    }
}
