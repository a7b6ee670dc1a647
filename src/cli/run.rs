//! `wasmjit run`.

use super::args::RunArgs;
use super::engine;
use super::failure::{Failure, OK, Outcome, TRAP};
use super::harden;
use super::source::{self, Source};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use wasmjit::host::{self, Host, Program};
use wasmjit::offload::{self, Loaded};
use wasmjit::{InterruptHandle, Linker, Store};

/// Runs a program; its exit code is the command's.
pub fn main(args: RunArgs) -> Outcome {
    let (program, _) = args.command.split_first().ok_or_else(|| Failure::usage("no program is named"))?;
    let mut source = source::read(Path::new(program))?;
    let engine = engine::engine(&args.guest, engine::PROGRAM_MEMORY)?;
    let module = engine::load(&engine, &mut source, &args.guest)?;
    let fail = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", source.name));
    refuse_filesystem(&module, &source)?;
    let policy = engine::policy(&args.guest)?;
    let mut host = Host::new(&policy).map_err(|error| fail(&error))?;
    host.pass_listeners(listeners(&args.listen, &module)?);
    host.signals.own_process = true;
    host::configure(&mut host, &module).map_err(|error| fail(&error))?;
    let mut linker = Linker::new();
    linker.trap_on_missing(args.guest.stub_missing);
    host::link(&mut linker, &module).map_err(|error| fail(&error))?;
    let mut store = Store::new(&engine, Program(host));
    // Code enters the kernel before this process gives up the right to bring it there.
    let mut program = if args.kernel { Some(in_kernel(&module, &source)?) } else { None };
    // Threads are confined with the one that starts them, so none may run yet; the guest's own code begins behind this.
    if !args.no_harden && !args.guest.allow_all {
        harden::confine(&policy);
    }
    if let Some(limit) = args.guest.timeout.and_then(|time| time.0) {
        let stopper = program.as_ref().map(offload::Program::stopper).transpose().map_err(|error| fail(&error))?;
        stop_after(limit, store.interrupt_handle(), move || stopper.into_iter().for_each(|stop| stop()));
    }
    let instance = host::instantiate(&linker, &mut store, &module).map_err(|error| fail(&error))?;
    let argv = args.command.iter().map(|arg| arg.as_bytes());
    let ended = host::run_main_by(&mut store, &instance, argv, &mut |store, main, args| match program.take() {
        Some(program) => program.call(store, &instance, main, args),
        None => main.call(store, args),
    });
    match ended {
        // Exit codes have eight bits, as for every process.
        Ok(code) => Ok(code.0 as u8),
        Err(trap) => Err(Failure { code: TRAP, message: format!("{}: {trap}", source.name) }),
    }
}

/// Brings the program's code into the kernel.
fn in_kernel(module: &wasmjit::Module, source: &Source) -> Outcome<offload::Program> {
    let fail = |why: String| Failure::new(format!("{}: --kernel: {why}", source.name));
    offload::check().map_err(fail)?;
    let program = offload::Program::new(Loaded::new(module).map_err(fail)?);
    program.unload_at_exit().map_err(|error| fail(error.to_string()))?;
    Ok(program)
}

/// Sockets that listen on the addresses of `--listen`.
///
/// They block, as sockets do, except for Go: its goroutines share one thread, which a call that blocks would stop.
fn listeners(addresses: &[String], module: &wasmjit::Module) -> Outcome<Vec<OwnedFd>> {
    let go = module.custom_sections("go:buildid").next().is_some();
    let open = |address: &String| {
        let bound = TcpListener::bind(address.as_str()).and_then(|listener| {
            listener.set_nonblocking(go)?;
            Ok(listener)
        });
        let listener = bound.map_err(|error| Failure::new(format!("--listen {address}: {error}; write ADDR:PORT")))?;
        Ok(OwnedFd::from(listener))
    };
    addresses.iter().map(open).collect()
}

/// A filesystem would only say that it cannot be mounted.
fn refuse_filesystem(module: &wasmjit::Module, source: &Source) -> Outcome<u8> {
    match module.get_export("wasmjit_fuse_dispatch") {
        Some(_) => Err(Failure::new(format!(
            "{0}: this is a filesystem; mount it: wasmjit mount {0}.wasm MOUNTPOINT",
            source.name
        ))),
        None => Ok(OK),
    }
}

/// How long a guest that waits in a host call may take to come back once its time is over.
const GRACE: Duration = Duration::from_secs(1);

/// Stops the guest when the time is over. One that computes traps; one that is blocked in a system call ends with the process.
fn stop_after(limit: Duration, handle: InterruptHandle, stop: impl FnOnce() + Send + 'static) {
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        handle.interrupt();
        stop();
        std::thread::sleep(GRACE);
        eprintln!("wasmjit: the program was stopped after its time of {limit:?} while it waited");
        std::process::exit(i32::from(TRAP));
    });
}
