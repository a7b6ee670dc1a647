//! The imports of module `wasmjit_fuse`.
//!
//! errno numbers go back negated and in WASI's numbering, as Emscripten's system calls have them.
#![allow(unsafe_code)]

use super::guest::{FIRST_WORKER, WasmGuest};
use super::{Common, FsState, Stage, mount};
use crate::host::{Errno, HasHost, Program};
use crate::memory::{GuestMemory, IoVec};
use crate::runtime::{Caller, Error, InterruptHandle, Linker, Trap};
use crate::wasm::{ExternType, FuncType, ValType};
use fs_host::{End, RawSlice, Seat};
use smallvec::SmallVec;
use std::sync::Arc;

/// Name of the module that the imports are in.
const MODULE: &str = "wasmjit_fuse";

/// A row of the filesystem ABI, for listings.
#[derive(Clone, Copy, Debug)]
pub struct FsImport {
    /// Field name.
    pub name: &'static str,
    /// How many parameters, each an i32.
    pub params: usize,
    /// Whether it gives an i32.
    pub result: bool,
    /// What it does.
    pub doc: &'static str,
}

impl FsImport {
    /// Whether an import of this type binds to the row.
    pub fn accepts(&self, ty: &ExternType) -> bool {
        let ints = |count: usize| vec![ValType::I32; count];
        *ty == ExternType::Func(FuncType { params: ints(self.params), results: ints(usize::from(self.result)) })
    }
}

/// What a filesystem may import, all from module `wasmjit_fuse`.
pub const FS_IMPORTS: &[FsImport] = &[
    FsImport { name: "mount", params: 2, result: true, doc: "mount at the place that the user named" },
    FsImport { name: "serve", params: 0, result: true, doc: "serve requests until the filesystem is unmounted" },
    FsImport { name: "send", params: 2, result: true, doc: "send a reply or a notification" },
    FsImport { name: "unmount", params: 0, result: false, doc: "ask to be unmounted" },
    FsImport { name: "exit", params: 0, result: false, doc: "ask that serve returns" },
];

/// Longest list of mount options that a guest may pass, in bytes.
const MAX_OPTIONS: u32 = 4096;
/// Most pieces that a message may have, as for writev(2).
const MAX_PIECES: u32 = 1024;

/// Binds the imports.
pub(super) fn add_to_linker(linker: &mut Linker<FsState>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "mount", guest_mount)?;
    linker.func_wrap(MODULE, "serve", serve)?;
    linker.func_wrap(MODULE, "send", |mut caller: Caller<'_, FsState>, pieces: i32, count: i32| -> i32 {
        let (memory, state) = caller.memory_and_data();
        answer(send(&memory, &state.common, pieces as u32, count as u32))
    })?;
    linker.func_wrap(MODULE, "unmount", |caller: Caller<'_, FsState>| caller.data().common.unmount())?;
    linker.func_wrap(MODULE, "exit", |caller: Caller<'_, FsState>| caller.data().common.exit())?;
    Ok(())
}

/// Binds the imports of threads that the guest starts.
pub(super) fn add_to_thread_linker(linker: &mut Linker<Program>, common: &Arc<Common>) -> Result<(), Error> {
    linker.func_wrap(MODULE, "mount", |_: Caller<'_, Program>, _: i32, _: i32| -> i32 {
        log::error!("the filesystem asks to be mounted by a thread of its own; only its first thread may");
        Errno::EPERM.negated()
    })?;
    let own = common.clone();
    linker.func_wrap(MODULE, "serve", move |caller: Caller<'_, Program>| serve_in_thread(caller, &own))?;
    let own = common.clone();
    linker.func_wrap(MODULE, "send", move |mut caller: Caller<'_, Program>, pieces: i32, count: i32| -> i32 {
        let (memory, _) = caller.memory_and_data();
        answer(send(&memory, &own, pieces as u32, count as u32))
    })?;
    let own = common.clone();
    linker.func_wrap(MODULE, "unmount", move |_: Caller<'_, Program>| own.unmount())?;
    let own = common.clone();
    linker.func_wrap(MODULE, "exit", move |_: Caller<'_, Program>| own.exit())?;
    Ok(())
}

impl Common {
    fn unmount(&self) {
        if let Some(meeting) = &self.in_kernel {
            meeting.unmount();
        }
        if let Some(replies) = self.replies.get() {
            replies.unmount();
        }
    }

    fn exit(&self) {
        if let Some(meeting) = &self.in_kernel {
            meeting.unmount();
        }
        if let Some(replies) = self.replies.get() {
            replies.exit();
        }
    }
}

fn answer(result: Result<(), Errno>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(errno) => errno.negated(),
    }
}

fn guest_mount(mut caller: Caller<'_, FsState>, options: i32, len: i32) -> i32 {
    let (memory, state) = caller.memory_and_data();
    let result = match &state.stage {
        // A filesystem that was started again is mounted already, and so is one of which this is a copy.
        Stage::Mounted(_) | Stage::Copy(_) if !state.served => Ok(()),
        Stage::Planned { .. } if len as u32 <= MAX_OPTIONS => match memory.read_bytes(options as u32, len as u32) {
            Ok(wishes) => mount(state, &String::from_utf8_lossy(&wishes)).map_err(|error| {
                // The user gets the whole story when the guest has ended.
                state.failure = Some(error.into());
                Errno::EIO
            }),
            Err(_) => Err(Errno::EFAULT),
        },
        Stage::Planned { .. } => Err(Errno::EINVAL),
        _ => Err(Errno::EBUSY),
    };
    answer(result)
}

fn serve(mut caller: Caller<'_, FsState>) -> Result<i32, Trap> {
    let stage = std::mem::replace(&mut caller.data_mut().stage, Stage::Done);
    let mut server = match stage {
        Stage::Mounted(server) => server,
        Stage::Kernel(plan) => {
            caller.data_mut().served = true;
            return super::kernel::serve(&mut caller, *plan).or_else(|error| match error {
                super::kernel::Failure::Trap(trap) => Err(trap),
                super::kernel::Failure::Setup(why) => {
                    caller.data_mut().failure = Some(super::Error::Kernel(why));
                    Ok(Errno::EIO.negated())
                }
            });
        }
        Stage::Copy(seat) => return serve_copy(caller, seat),
        other => {
            caller.data_mut().stage = other;
            return Ok(Errno::EINVAL.negated());
        }
    };
    caller.data_mut().served = true;
    let program = caller.data().program.clone();
    let common = caller.data().common.clone();
    let mut guest = WasmGuest::new(&mut caller, common.clone(), FIRST_WORKER)?;
    let end = if program.threaded {
        server.run_with_seats(&mut guest, &common.seats)
    } else {
        server.run_with_more(&mut guest, &|seat| program.run_copy(seat))
    };
    let state = caller.data_mut();
    match end {
        Ok(End::Unmounted | End::Exited) => Ok(0),
        Ok(End::Stopped) => Err(Trap::exit(1)),
        Ok(End::Faulted(fault)) => {
            if !matches!(fault.kind, fs_host::FaultKind::Exited(_)) {
                state.stage = Stage::Restart(server);
            }
            Err(Trap::host(fault))
        }
        Err(error) => {
            state.failure = Some(error.into());
            Ok(Errno::EIO.negated())
        }
    }
}

/// Serves beside the filesystem of which this is a copy; whatever follows, happens there.
fn serve_copy(mut caller: Caller<'_, FsState>, seat: Seat) -> Result<i32, Trap> {
    caller.data_mut().served = true;
    let common = caller.data().common.clone();
    let end = seat.serve(&mut WasmGuest::new(&mut caller, common, FIRST_WORKER)?);
    let regular = matches!(end, Ok(End::Unmounted | End::Exited));
    let state = caller.data_mut();
    state.copy_end = Some(end);
    if regular { Ok(0) } else { Err(Trap::exit(1)) }
}

/// Serves in a thread that the guest started, beside its first one, which says how it ended.
fn serve_in_thread(mut caller: Caller<'_, Program>, common: &Arc<Common>) -> Result<i32, Trap> {
    let interrupt = caller.data_mut().host().interrupt.clone();
    let goes_on = || !interrupt.as_ref().is_some_and(InterruptHandle::is_set);
    if let Some(meeting) = &common.in_kernel {
        return super::kernel::serve_in_thread(&mut caller, meeting, &goes_on);
    }
    let mut failed = None;
    let served =
        common.seats.serve(&goes_on, &mut |seat| match WasmGuest::new(&mut caller, common.clone(), seat.index()) {
            Ok(mut guest) => seat.serve(&mut guest),
            Err(trap) => {
                failed = Some(trap);
                Ok(End::Stopped)
            }
        });
    match failed {
        Some(trap) => Err(trap),
        None if served => Ok(0),
        None => Ok(Errno::EAGAIN.negated()),
    }
}

/// The pieces of a message, as the guest lists them.
fn listed(memory: &GuestMemory<'_>, pieces: u32, count: u32) -> impl Iterator<Item = Result<IoVec, Errno>> {
    (0..count).map(move |n| {
        let address = pieces.checked_add(n * size_of::<IoVec>() as u32).ok_or(Errno::EFAULT)?;
        Ok(memory.read(address)?)
    })
}

/// Sends one message that lies in the guest's memory.
fn send(memory: &GuestMemory<'_>, common: &Common, pieces: u32, count: u32) -> Result<(), Errno> {
    if count > MAX_PIECES {
        return Err(Errno::EINVAL);
    }
    if let Some(meeting) = &common.in_kernel {
        let kernel = meeting.mounted().ok_or(Errno::ENODEV)?;
        let is_reply = number(memory, pieces, count)? != 0;
        return kernel.send(is_reply, (pieces, count), || gather(memory, pieces, count));
    }
    let Some(replies) = common.replies.get() else { return Err(Errno::ENODEV) };
    let mut slices: SmallVec<[RawSlice; 8]> = SmallVec::new();
    for piece in listed(memory, pieces, count) {
        let piece = piece?;
        let start = memory.check(piece.ptr, u64::from(piece.len))?;
        slices.push(RawSlice::new(start, piece.len as usize));
    }
    // SAFETY: `check` has placed every range inside of accessible linear memory, which stays mapped during this call;
    // the server checks a copy of what must not change.
    unsafe { replies.send_raw(&slices) }.map_err(Errno)
}

/// The number of the request that a message answers; 0 of a notification.
fn number(memory: &GuestMemory<'_>, pieces: u32, count: u32) -> Result<u64, Errno> {
    const AT: usize = 8;
    const END: usize = AT + size_of::<u64>();
    let mut head = Vec::with_capacity(END);
    for piece in listed(memory, pieces, count) {
        let piece = piece?;
        let wanted = (END - head.len()).min(piece.len as usize) as u32;
        head.extend_from_slice(&memory.read_bytes(piece.ptr, wanted)?);
    }
    let bytes = head.get(AT..).and_then(|bytes| bytes.try_into().ok()).ok_or(Errno::EINVAL)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A copy of a message that lies in the guest's memory; longer ones than the kernel could want are cut.
fn gather(memory: &GuestMemory<'_>, pieces: u32, count: u32) -> Result<Vec<u8>, Errno> {
    let mut message = Vec::new();
    for piece in listed(memory, pieces, count) {
        let piece = piece?;
        if message.len() <= super::notify::MAX_BYTES {
            message.extend_from_slice(&memory.read_bytes(piece.ptr, piece.len)?);
        }
    }
    Ok(message)
}
