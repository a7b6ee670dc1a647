//! Calls into the guest, and leaving it early.
//!
//! A host function that fails stores why in the innermost call and leaves generated code; the call takes it out again. A panic
//! travels the same way and goes on behind the guest's frames.

use std::any::Any;

use super::exceptions::Exception;
use super::module::Module;
use super::store::StoreCore;
use super::trap::{Frame, Trap};
use crate::abi::trap::TrapCode;
use crate::sys::activation::{self, Activation, Fault};
use crate::sys::registry;

/// Why a host function leaves the guest.
pub(crate) enum Reason {
    Trap(Trap),
    Panic(Box<dyn Any + Send>),
}

/// One call into the guest. The activation is first, so that the innermost call is found by it.
#[repr(C)]
struct Call {
    activation: Activation,
    reason: Option<Reason>,
}

/// The guest's frame that called a host function: frame pointer and return address.
pub(crate) type Exit = (usize, usize);

/// What to call: `trampoline(ctx, code, values)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) trampoline: *const u8,
    pub(crate) ctx: *mut u8,
    pub(crate) code: *const u8,
}

/// Calls into the guest with arguments in `values`, where the results are afterwards.
///
/// # Safety
/// The target belongs to the store, its trampoline fits its code, `values` has room for arguments and results, which have
/// the right types; nobody holds a reference into the store.
#[inline]
pub(crate) unsafe fn invoke(core: *mut StoreCore, target: Target, values: *mut u64) -> Result<(), Trap> {
    let mut call = Call { activation: Activation::new(), reason: None };
    let raw = &raw mut call;
    // SAFETY: the store lives and is not referred to elsewhere by contract; the call lives until `enter` returns.
    let left = unsafe {
        (*core).enter_thread();
        // Host functions that call each other through the guest's tables never meet a guest's check.
        if (raw as usize) < (*core).stack_limit() {
            return Err(TrapCode::StackOverflow.into());
        }
        activation::enter(raw.cast(), target.trampoline, target.ctx, target.code, values)
    };
    if left { Err(finish(core, call)) } else { Ok(()) }
}

#[cold]
fn finish(core: *mut StoreCore, call: Call) -> Trap {
    // SAFETY: the call has ended, and `invoke`'s caller holds no reference into the store.
    let core = unsafe { &*core };
    let mut trap = match call.reason {
        Some(Reason::Panic(payload)) => std::panic::resume_unwind(payload),
        Some(Reason::Trap(trap)) => trap,
        None => match call.activation.fault() {
            Some(Fault::Code(code)) => TrapCode::from_u8(code).unwrap_or(TrapCode::Unreachable).into(),
            Some(Fault::StackGuard) | None => TrapCode::StackOverflow.into(),
        },
    };
    if let Some(left) = trap.as_exception().map(Exception::take_left) {
        trap.push_frames(left.iter().filter_map(|pc| frame_at(core, *pc, false)));
    }
    if trap.wants_backtrace() {
        let faulted = call.activation.fault().is_some();
        let frames = call.activation.frames().iter().enumerate();
        trap.push_frames(frames.filter_map(|(depth, pc)| frame_at(core, *pc, faulted && depth == 0)));
    }
    trap
}

/// The frame of a faulting instruction, or of a return address.
fn frame_at(core: &StoreCore, pc: usize, faulted: bool) -> Option<Frame> {
    // A return address may be the first one behind its function.
    let inside = if faulted { pc } else { pc.checked_sub(1)? };
    let (tag, offset, site) = registry::with_range(inside, |range| {
        (range.tag, inside - range.addresses.start, range.site_at(pc).filter(|_| faulted))
    })?;
    let module = core.module_of(tag)?;
    let offset = offset as u32;
    let location = match site {
        Some(site) => Some(site.location),
        None => module.code().call_before(offset + 1),
    };
    module.frame(offset, location)
}

impl StoreCore {
    /// The module whose code has that tag in the registry.
    fn module_of(&self, tag: u64) -> Option<&Module> {
        self.instances.iter().find_map(|instance| {
            // SAFETY: the store's instances live as long as the store; modules never change.
            let module = unsafe { &(*instance.as_ptr()).module };
            (module.code().tag() == tag).then_some(module)
        })
    }
}

/// Leaves the guest because of a trap or panic in a host function.
///
/// # Safety
/// Generated code called the running function, and only frames without destructors lie between.
#[cold]
pub(crate) unsafe fn leave(reason: Reason, exit: Exit) -> ! {
    let call = activation::current().cast::<Call>();
    let backtrace = matches!(&reason, Reason::Trap(trap) if trap.wants_backtrace());
    // SAFETY: activations of this crate's calls are the first field of a `Call`; by contract one is running.
    unsafe {
        (*call).reason = Some(reason);
        activation::leave(backtrace.then_some(exit))
    }
}
