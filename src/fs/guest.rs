//! The instance as the server sees it.
//!
//! Unsafe here: handing out raw ranges of linear memory, which [`crate::memory::GuestMemory::check`] has placed.
#![allow(unsafe_code)]

use super::{Common, was_interrupted};
use crate::host::{HasHost, Host};
use crate::runtime::{Caller, Extern, InterruptHandle, Trap, TypedFunc};
use fs_host::{FaultKind, Guest, GuestFault, Interrupt, Replies, RequestBuffer};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first worker's number, and the only one that an instance without threads knows.
pub(super) const FIRST_WORKER: usize = 0;
/// Longest message that a panic leaves behind, in bytes.
const MAX_LAST_WORDS: u32 = 1024;

/// `stackRestore` and the position that it is given.
type Rewind = (TypedFunc<i32, ()>, i32);

/// An instance that is inside of its `serve` import; of a guest with threads, one of them.
pub(super) struct WasmGuest<'a, 'c, T: 'static> {
    caller: &'a mut Caller<'c, T>,
    common: Arc<Common>,
    /// Which of the guest's buffers is this worker's.
    worker: i32,
    buffer: TypedFunc<(i32, i32), i32>,
    dispatch: TypedFunc<(i32, i32), ()>,
    /// How to put the guest's own stack back after a trap, which leaves it where it was.
    rewind: Option<Rewind>,
    /// The guest's request buffer: address and length; asked for anew only when a longer one is needed.
    request: (u32, u32),
    interrupter: Arc<dyn Interrupt>,
}

impl<'a, 'c, T: HasHost + 'static> WasmGuest<'a, 'c, T> {
    /// Looks up the exports. The module has them ([`super::check_filesystem`]), but perhaps with other types.
    pub(super) fn new(caller: &'a mut Caller<'c, T>, common: Arc<Common>, worker: usize) -> Result<Self, Trap> {
        let typed = |name: &str| caller.get_func(name).ok_or_else(|| Trap::host(format!("{name} is not exported")));
        let buffer = typed("wasmjit_fuse_buffer")?.typed(&*caller).map_err(Trap::host)?;
        let dispatch = typed("wasmjit_fuse_dispatch")?.typed(&*caller).map_err(Trap::host)?;
        let rewind = stack_position(caller)?;
        let host = caller.data_mut().host();
        let interrupt = host.interrupt.clone().expect("set before the guest starts");
        let interrupter = interrupter(interrupt, host);
        let worker = worker as i32;
        Ok(WasmGuest { caller, common, worker, buffer, dispatch, rewind, request: (0, 0), interrupter })
    }

    fn find_buffer(&mut self, size: u32) -> Result<(), GuestFault> {
        let at = self.buffer.call(&mut *self.caller, (self.worker, size as i32)).map_err(fault)?;
        if at == 0 {
            return Err(GuestFault::trap(format!("the filesystem has no memory for requests of {size} bytes")));
        }
        self.request = (at as u32, size);
        Ok(())
    }

    /// Undoes what a trap left undone, so that the next request finds as much stack as this one did.
    fn rewind(&mut self) {
        if let Some((restore, position)) = &self.rewind
            && let Err(trap) = restore.call(&mut *self.caller, *position)
        {
            log::debug!("the filesystem's stack cannot be restored: {trap}");
        }
    }

    /// What a guest in Rust left behind when it panicked: the SDK exports where the message is.
    fn last_words(&mut self) -> Option<String> {
        let Some(Extern::Global(place)) = self.caller.get_export("wasmjit_panic_message") else { return None };
        let at = place.get(&*self.caller).i32()?;
        let memory = self.caller.memory();
        let words = memory.cstr(at as u32, MAX_LAST_WORDS).ok().filter(|words| !words.is_empty())?;
        let printable = |c: &char| !c.is_control() || *c == '\n';
        Some(String::from_utf8_lossy(&words).chars().filter(printable).collect())
    }
}

/// Where the guest's stack in linear memory stands while it serves, and what puts it there; Emscripten exports both functions.
fn stack_position<T: 'static>(caller: &mut Caller<'_, T>) -> Result<Option<Rewind>, Trap> {
    let (Some(save), Some(restore)) = (caller.get_func("stackSave"), caller.get_func("stackRestore")) else {
        return Ok(None);
    };
    let (Ok(save), Ok(restore)) = (save.typed::<(), i32>(&*caller), restore.typed(&*caller)) else { return Ok(None) };
    Ok(Some((restore, save.call(&mut *caller, ())?)))
}

/// What a trap means to the server.
fn fault(trap: Trap) -> GuestFault {
    let kind = match trap.exit_status() {
        Some(status) => FaultKind::Exited(status),
        None if was_interrupted(&trap) => FaultKind::Stopped,
        None => FaultKind::Trap,
    };
    GuestFault { kind, message: trap.to_string() }
}

impl<T: HasHost + 'static> Guest for WasmGuest<'_, '_, T> {
    fn attach(&mut self, replies: Replies) {
        // All of a guest's threads get the same.
        let _ = self.common.replies.set(replies);
    }

    fn request_buffer(&mut self, size: usize) -> Result<RequestBuffer<'_>, GuestFault> {
        let size = u32::try_from(size).map_err(|_| GuestFault::trap("requests of 4 GiB are not possible"))?;
        if self.request.1 < size {
            self.find_buffer(size)?;
        }
        let memory = self.caller.memory();
        // Checked each time: it is cheap, and a guest's memory could only have grown.
        let start = memory
            .check(self.request.0, u64::from(size))
            .map_err(|fault| GuestFault::trap(format!("the request buffer: {fault}")))?;
        let start = NonNull::new(start).expect("linear memory does not begin at address 0");
        // SAFETY: `check` has placed the range inside of accessible linear memory, which never moves or shrinks while the
        // store lives, and nothing of the host's own lies in it.
        Ok(unsafe { RequestBuffer::from_raw(start, size as usize) })
    }

    fn dispatch(&mut self, len: usize) -> Result<(), GuestFault> {
        self.dispatch.call(&mut *self.caller, (self.request.0 as i32, len as i32)).map_err(|trap| {
            let mut fault = fault(trap);
            if let Some(words) = self.last_words().filter(|_| fault.kind == FaultKind::Trap) {
                fault.message = format!("{words}: {}", fault.message);
            }
            self.rewind();
            fault
        })
    }

    fn interrupter(&self) -> Arc<dyn Interrupt> {
        self.interrupter.clone()
    }
}

/// Reaches an instance from other threads.
pub(super) fn interrupter(flag: InterruptHandle, host: &Host) -> Arc<dyn Interrupt> {
    Arc::new(Interrupter { flag, soft: host.soft_interrupt.clone().unwrap_or_default() })
}

/// Reaches a dispatch from the server's control thread.
struct Interrupter {
    flag: InterruptHandle,
    soft: Arc<AtomicBool>,
}

impl Interrupt for Interrupter {
    fn interrupt(&self, _unique: u64) {
        self.soft.store(true, Ordering::Release);
    }

    fn stop(&self) {
        self.flag.interrupt();
    }

    fn clear(&self) {
        self.soft.store(false, Ordering::Release);
        self.flag.clear();
    }
}
