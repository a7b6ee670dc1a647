//! Running a program from its start to its exit status.
//!
//! Three shapes: Emscripten's JavaScript output (`__wasm_call_ctors`, then `main` with arguments on the C stack),
//! commands (`_start`), and reactors (`_initialize`, then `main` if there is one). A command that exports its constructors
//! besides may leave them to the host: see [`leaves_constructors`].

use super::dynlink;
use super::signals::Delivery;
use super::state::HasHost;
use super::threads::{self, Threads, Unwind};
use crate::runtime::{
    Error, Extern, Func, Instance, Linker, Memory, Module, Store, Trap, Val, WasmParams, WasmResults,
};
use crate::wasm::{ExportKind, ExternType, Import, ValType};

/// The status that a program ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(pub i32);

/// Runs a program to its end. The first of `args` is the program's name.
///
/// # Errors
/// The trap that ended the program, other than by `exit`: a fault, `abort`, an uncaught exception, an interrupt.
pub fn run_main<T: HasHost + 'static, S: AsRef<[u8]>>(
    store: &mut Store<T>,
    instance: &Instance,
    args: impl IntoIterator<Item = S>,
) -> Result<ExitCode, Trap> {
    run_main_by(store, instance, args, &mut |store, func, args| func.call(store, args))
}

/// How a program's main function is called.
pub type Caller<'a, T> = &'a mut dyn FnMut(&mut Store<T>, Func, &[Val]) -> Result<Vec<Val>, Trap>;

/// As [`run_main`], where something else calls the main function.
///
/// # Errors
/// As for [`run_main`].
pub fn run_main_by<T: HasHost + 'static, S: AsRef<[u8]>>(
    store: &mut Store<T>,
    instance: &Instance,
    args: impl IntoIterator<Item = S>,
    by: Caller<'_, T>,
) -> Result<ExitCode, Trap> {
    let interrupt = store.interrupt_handle();
    store.on_poll(Delivery);
    let host = store.data_mut().host();
    host.set_args(args);
    host.signals.set_interrupt(interrupt.clone());
    host.interrupt = Some(interrupt);
    host.exit_code = None;
    let (threads, pending) = (host.threads.clone(), host.signals.pending());
    if let Some(threads) = &threads {
        threads.enter_first(store.interrupt_handle(), pending);
    }
    let mut outcome = run(store, instance, by);
    if let Some(threads) = threads {
        let status = outcome.or_else(|trap| trap.exit_status().ok_or(trap));
        outcome = threads.leave_first(status);
    }
    let outcome = match outcome {
        Ok(status) => Ok(ExitCode(status)),
        Err(trap) => match trap.exit_status() {
            Some(status) => Ok(ExitCode(status)),
            None => Err(trap),
        },
    };
    store_mappings(store, instance);
    outcome
}

/// Whether the host has to run the constructors that a command exports.
///
/// The `_start` of today's C libraries runs them itself, by a call or in place. Up to 2021, WASI's left them to the linker, which
/// leaves them to the host where they are exported; that `_start` calls `main` first of all, the only thing it calls for a result.
fn leaves_constructors(module: &Module) -> bool {
    const BLOCK: u8 = 0x02;
    const CALL: u8 = 0x10;
    const NO_RESULT: u8 = 0x40;
    let info = module.info();
    let Some((_, ExportKind::Func(start))) = info.exports.iter().find(|(name, _)| name == "_start") else {
        return false;
    };
    let own = start.index().checked_sub(info.imported_functions as usize);
    let body = own.and_then(|own| module.bytes().get(info.bodies.get(own)?.clone())).unwrap_or_default();
    // The declarations of locals: a number of pairs, small for such a function.
    let mut code = body.get(1 + 2 * usize::from(*body.first().unwrap_or(&0))..).unwrap_or_default();
    if let [BLOCK, NO_RESULT, rest @ ..] = code {
        code = rest;
    }
    let [CALL, rest @ ..] = code else { return false };
    let callee = rest.iter().take(5).enumerate().try_fold(0, |index, (at, byte)| {
        let index = index | u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 { Err(index) } else { Ok(index) }
    });
    let ty = callee.err().and_then(|index| info.functions.get(index as usize));
    ty.and_then(|ty| info.types.get(ty.index())).is_some_and(|ty| !ty.results.is_empty())
}

fn run<T: HasHost + 'static>(store: &mut Store<T>, instance: &Instance, by: Caller<'_, T>) -> Result<i32, Trap> {
    if let Some(start) = instance.get_func(&*store, "_start") {
        if leaves_constructors(instance.module(&*store)) {
            call_if_there::<T, _, ()>(store, instance, "__wasm_call_ctors", ())?;
        }
        start.typed::<(), ()>(&*store)?;
        let done = by(store, start, &[]).map(|_| 0);
        return live_on(store, instance, done);
    }
    let started = ["_initialize", "emscripten_stack_init", "__wasm_call_ctors"];
    // A reactor's `_initialize` runs the constructors itself.
    let reactor = instance.get_func(&*store, "_initialize").is_some();
    for name in &started[if reactor { 0..1 } else { 1..3 }] {
        call_if_there::<T, _, ()>(store, instance, name, ())?;
    }
    dynlink::begin(store)?;
    let status = match find_main(store, instance) {
        Some(main) => {
            let status = call_main(store, instance, main, by);
            live_on(store, instance, status)
        }
        None if reactor => {
            log::warn!("the module is a library (a reactor) without main: nothing of it ran but _initialize");
            Ok(0)
        }
        None => Err(Trap::host("the module exports neither main nor _start: it is a library, not a program")),
    };
    match status {
        // What returns from main, or calls exit(), leaves its streams to be flushed; a fault does not.
        Ok(_) => flush(store, instance)?,
        Err(ref trap) if trap.exit_status().is_some() && store.data_mut().host().flush_at_exit => {
            flush(store, instance)?
        }
        Err(_) => {}
    }
    status
}

/// Goes on with other threads where the first has ended without ending the program.
fn live_on<T: HasHost + 'static>(
    store: &mut Store<T>,
    instance: &Instance,
    outcome: Result<i32, Trap>,
) -> Result<i32, Trap> {
    match outcome {
        Err(trap) if trap.downcast_ref::<Unwind>().is_some() => threads::idle(store, instance).map(|()| 0),
        other => other,
    }
}

/// Whether an import is the memory, which programs with threads and dynamically linked ones do not bring along.
pub(super) fn is_memory(import: &Import) -> bool {
    import.module == "env" && import.name == "memory" && matches!(import.ty, ExternType::Memory(_))
}

/// Makes a program's instance: links it, and gives it what the linker cannot have, as it belongs to the store: a memory.
///
/// # Errors
/// As [`Linker::instantiate`].
pub fn instantiate<T: HasHost + 'static>(
    linker: &Linker<T>,
    store: &mut Store<T>,
    module: &Module,
) -> Result<Instance, Error> {
    if dynlink::is_main(module) {
        return dynlink::instantiate(linker, store, module);
    }
    let wanted = module.imports().iter().find(|import| is_memory(import));
    let Some(ExternType::Memory(ty)) = wanted.map(|import| &import.ty) else {
        return linker.instantiate(store, module);
    };
    let memory = Memory::new(&mut *store, *ty)?;
    if let Some(shared) = memory.shared(&*store) {
        let imports = store.data_mut().host().thread_imports.clone();
        let threads = Threads::new(store.engine(), module, shared, imports);
        store.data_mut().host().threads = Some(threads);
    }
    linker.instantiate_filled(store, module, &mut |import| is_memory(import).then_some(Extern::Memory(memory)))
}

/// The names under which compilers export `main`.
const MAIN: &[&str] = &["main", "__main_argc_argv", "__main_void", "__original_main"];

fn find_main<T: HasHost + 'static>(store: &Store<T>, instance: &Instance) -> Option<Func> {
    MAIN.iter().find_map(|name| instance.get_func(store, name))
}

fn call_main<T: HasHost + 'static>(
    store: &mut Store<T>,
    instance: &Instance,
    main: Func,
    by: Caller<'_, T>,
) -> Result<i32, Trap> {
    let ty = main.ty(&*store);
    let args = match ty.params.as_slice() {
        [] => Vec::new(),
        [ValType::I32, ValType::I32] => {
            let (argc, argv) = place_args(store, instance)?;
            vec![Val::I32(argc), Val::I32(argv)]
        }
        _ => return Err(Trap::host("the module's main has parameters other than (argc, argv)")),
    };
    let results = by(store, main, &args)?;
    Ok(results.first().and_then(Val::i32).unwrap_or(0))
}

/// Writes the arguments on the C stack: the pointers, a null, the strings.
fn place_args<T: HasHost + 'static>(store: &mut Store<T>, instance: &Instance) -> Result<(i32, i32), Trap> {
    let args = store.data_mut().host().args.clone();
    let pointers = 4 * (args.len() + 1);
    let size = pointers + args.iter().map(|a| a.len() + 1).sum::<usize>();
    let size = i32::try_from(size.next_multiple_of(16)).map_err(|_| Trap::host("the arguments are too long"))?;
    let allocate = ["_emscripten_stack_alloc", "stackAlloc", "malloc"];
    let Some(allocate) = allocate.iter().find_map(|name| instance.get_func(&*store, name)) else {
        // Rust's main for wasm32-unknown-unknown looks at neither; Emscripten's would.
        if instance.get_func(&*store, "__wasm_call_ctors").is_none() {
            return Ok((0, 0));
        }
        return Err(Trap::host(
            "the module exports no allocator for main's arguments (stackAlloc); link it with emcc -O2 to JavaScript output",
        ));
    };
    let base = allocate.typed::<(i32,), i32>(&*store)?.call(&mut *store, (size,))?;
    let Some(memory) = instance.memory(&*store) else {
        return Err(Trap::host("the module has no memory"));
    };
    let mut memory = memory.view(store);
    let mut bytes = Vec::with_capacity(size as usize);
    let mut at = base as u32 + pointers as u32;
    for arg in &args {
        bytes.extend_from_slice(&at.to_le_bytes());
        at = at.wrapping_add(arg.len() as u32 + 1);
    }
    bytes.extend_from_slice(&[0; 4]);
    for arg in &args {
        bytes.extend_from_slice(arg);
        bytes.push(0);
    }
    memory.copy_in(base as u32, &bytes)?;
    Ok((args.len() as i32, base))
}

/// Runs exit handlers and flushes C streams, as far as the module exports what does that.
pub(super) fn flush<T: HasHost + 'static>(store: &mut Store<T>, instance: &Instance) -> Result<(), Trap> {
    call_if_there::<T, _, ()>(store, instance, "__funcs_on_exit", ())?;
    if instance.get_func(&*store, "fflush").is_some() {
        call_if_there::<T, (i32,), i32>(store, instance, "fflush", (0,))?;
        return Ok(());
    }
    call_if_there::<T, _, ()>(store, instance, "__stdio_exit", ())?;
    Ok(())
}

pub(super) fn call_if_there<T: HasHost + 'static, P: WasmParams, R: WasmResults>(
    store: &mut Store<T>,
    instance: &Instance,
    name: &str,
    params: P,
) -> Result<Option<R>, Trap> {
    match instance.get_func(&*store, name).map(|func| func.typed::<P, R>(&*store)) {
        Some(Ok(func)) => func.call(&mut *store, params).map(Some),
        // An export that merely has the name is none of our business.
        Some(Err(_)) | None => Ok(None),
    }
}

fn store_mappings<T: HasHost + 'static>(store: &mut Store<T>, instance: &Instance) {
    let maps = std::mem::take(&mut *store.data_mut().host().maps());
    if let Some(memory) = instance.memory(&*store) {
        maps.store_all(&memory.view(store));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Engine;

    fn left(start: &str) -> bool {
        let text = format!(
            r#"(module (memory 1) (func $ctors (export "__wasm_call_ctors")) (func $main (result i32) i32.const 0)
                 (func (export "_start") {start}))"#
        );
        leaves_constructors(&Module::new(&Engine::default(), &wat::parse_str(text).unwrap()).unwrap())
    }

    #[test]
    fn constructors_run_once() {
        assert!(left("(drop (call $main))"));
        assert!(left("(local i32) (block (br_if 0 (i32.eqz (local.tee 0 (call $main)))) unreachable)"));
        assert!(!left("(call $ctors) (drop (call $main))"));
        assert!(!left("(drop (i32.load (i32.const 0))) (drop (call $main))"));
        assert!(!left(""));
    }
}
