//! The imports of module `wasmjit_fuse`.
//!
//! errno numbers go back negated and in WASI's numbering, as Emscripten's system calls have them.
#![allow(unsafe_code)]

use super::guest::WasmGuest;
use super::{FsState, Stage, mount};
use crate::host::Errno;
use crate::memory::{GuestMemory, IoVec};
use crate::runtime::{Caller, Error, Linker, Trap};
use crate::wasm::{ExternType, FuncType, ValType};
use fs_host::{End, RawSlice, Seat};
use smallvec::SmallVec;

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
        answer(send(&memory, state, pieces as u32, count as u32))
    })?;
    linker.func_wrap(MODULE, "unmount", |caller: Caller<'_, FsState>| {
        if let Some(replies) = &caller.data().replies {
            replies.unmount();
        }
    })?;
    linker.func_wrap(MODULE, "exit", |caller: Caller<'_, FsState>| {
        if let Some(replies) = &caller.data().replies {
            replies.exit();
        }
    })?;
    Ok(())
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
    let end = server.run_with_more(&mut WasmGuest::new(&mut caller)?, &|seat| program.run_copy(seat));
    let state = caller.data_mut();
    state.replies = None;
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
    let end = seat.serve(&mut WasmGuest::new(&mut caller)?);
    let regular = matches!(end, Ok(End::Unmounted | End::Exited));
    let state = caller.data_mut();
    state.replies = None;
    state.copy_end = Some(end);
    if regular { Ok(0) } else { Err(Trap::exit(1)) }
}

/// The pieces of a message, as the guest lists them.
fn listed(memory: &GuestMemory<'_>, pieces: u32, count: u32) -> impl Iterator<Item = Result<IoVec, Errno>> {
    (0..count).map(move |n| {
        let address = pieces.checked_add(n * size_of::<IoVec>() as u32).ok_or(Errno::EFAULT)?;
        Ok(memory.read(address)?)
    })
}

/// Sends one message that lies in the guest's memory.
fn send(memory: &GuestMemory<'_>, state: &FsState, pieces: u32, count: u32) -> Result<(), Errno> {
    if count > MAX_PIECES {
        return Err(Errno::EINVAL);
    }
    if let Some(notifier) = &state.notifier {
        return notifier.send(gather(memory, pieces, count)?);
    }
    let Some(replies) = &state.replies else { return Err(Errno::ENODEV) };
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

/// A copy of a message that lies in the guest's memory; longer ones than the kernel could want are cut.
fn gather(memory: &GuestMemory<'_>, pieces: u32, count: u32) -> Result<Vec<u8>, Errno> {
    let mut message = Vec::new();
    for piece in listed(memory, pieces, count) {
        let piece = piece?;
        if message.len() <= super::notify::MAX_BYTES {
            message.extend_from_slice(memory.slice(piece.ptr, piece.len)?);
        }
    }
    Ok(message)
}
