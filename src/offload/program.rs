//! A program whose main function runs in the kernel.
//!
//! It is a coroutine of the thread that calls it: in the kernel its system calls are function calls; any other host function it
//! returns for, which is then called here and answered. Constructors and what follows `main` run here anyway.

use super::{Loaded, Owner, Wishes};
use crate::abi::trap::TrapCode;
use crate::host::{HasHost, Host};
use crate::kernel::uapi;
use crate::runtime::{Func, Instance, InterruptHandle, Store, Trap, Val};
use crate::wasm::ValType;

/// Bytes of the guest's stack in the kernel.
const STACK_BYTES: u32 = 1 << 20;

/// A program that is about to run in the kernel.
pub struct Program(Loaded);

impl Program {
    /// From code that is loaded. What is done to confine this process comes later than this.
    pub fn new(loaded: Loaded) -> Program {
        Program(loaded)
    }

    /// Keeps the code out of the kernel once this process is gone, however it ends, also where it may not do that itself then.
    ///
    /// # Errors
    /// If no process can be started.
    pub fn unload_at_exit(&self) -> std::io::Result<()> {
        self.0.code.loaded.unload_at_exit()
    }

    /// What stops the running guest, beside the store's handle.
    ///
    /// # Errors
    /// If the process has too many descriptors.
    pub fn stopper(&self) -> std::io::Result<impl FnOnce() + Send + 'static> {
        let device = self.0.device.try_clone()?;
        Ok(move || {
            let _ = device.stop(true);
        })
    }

    /// Calls a function of an instance in the kernel, and takes the instance back.
    ///
    /// # Errors
    /// The trap that it ended with, or why the kernel did not take the instance.
    pub fn call<T: HasHost + 'static>(
        self,
        store: &mut Store<T>,
        instance: &Instance,
        func: Func,
        args: &[Val],
    ) -> Result<Vec<Val>, Trap> {
        let number =
            instance.function_number(store, &func).ok_or_else(|| Trap::host("main is not the module's own"))?;
        let wishes = Wishes { stack_bytes: STACK_BYTES, timeout_ms: 0, coroutine: true, memory: None };
        let interrupt = store.interrupt_handle();
        let ty = func.ty(&*store);
        let mut owner = Owner::new(store, *instance, self.0, host::<T>, &wishes).map_err(Trap::host)?;
        let mut event = uapi::Event { kind: uapi::EVENT_START, index: number, ..Default::default() };
        event.count = args.len() as u32;
        for (slot, arg) in event.values.iter_mut().zip(args) {
            *slot = arg.i32().ok_or_else(|| Trap::host("main takes numbers"))? as u32 as u64;
        }
        let ended = run(store, &mut owner, &mut event, &interrupt);
        let result = event.values[0];
        // Also after a trap or an exit: what follows runs here.
        let back = owner.take_back(store);
        ended?;
        back.map_err(|error| Trap::host(format!("taking the program back: {error}")))?;
        Ok(ty.results.iter().filter(|ty| **ty == ValType::I32).map(|_| Val::I32(result as u32 as i32)).collect())
    }
}

fn host<T: HasHost + 'static>(store: &mut Store<T>) -> &mut Host {
    store.data_mut().host()
}

/// Runs the guest to its end.
fn run<T: HasHost + 'static>(
    store: &mut Store<T>,
    owner: &mut Owner,
    event: &mut uapi::Event,
    interrupt: &InterruptHandle,
) -> Result<(), Trap> {
    loop {
        let host = store.data_mut().host();
        owner.tell_files(host, event);
        event.ask_owner = host.signals.due() as u32;
        match owner.run(event) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => continue,
            Err(error) => return Err(Trap::host(format!("running in the kernel: {error}"))),
        }
        match event.kind {
            uapi::EVENT_FINISHED => return Ok(()),
            uapi::EVENT_TRAPPED => return Err(owner.trap()),
            uapi::EVENT_HOST_CALL | uapi::EVENT_BUILTIN => {
                owner.answer(store, event).map_err(|trap| trap.with_frames(owner.where_it_is().1))?;
            }
            // It computes, and looks around.
            _ if interrupt.is_set() => return Err(Trap::elsewhere(TrapCode::Interrupt, owner.where_it_is().1)),
            _ => owner.poll(store, event)?,
        }
    }
}
