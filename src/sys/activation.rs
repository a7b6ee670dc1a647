//! Calls into generated code, per thread, innermost first.
//!
//! [`enter`] saves the registers that the host relies on and notes the stack pointer in an [`Activation`]. A fault (by the signal
//! handler) or [`leave`] (by a host function) restores them and makes `enter` return early. What lies between on the stack is
//! discarded without running destructors: generated frames, and one frame of host code that owns nothing any more.

use std::cell::Cell;
use std::mem::MaybeUninit;

use super::{registry, x64};

/// Most frames that a backtrace records.
pub const MAX_FRAMES: usize = 64;

thread_local! {
    static CURRENT: Cell<*mut Activation> = const { Cell::new(std::ptr::null_mut()) };
}

/// Why the guest was stopped by the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An instruction of the fault table: its trap code.
    Code(u8),
    /// The stack ran into its guard.
    StackGuard,
}

/// One call into generated code. It lives on the stack of the caller and may not move while it runs.
#[repr(C)]
pub struct Activation {
    /// Stack pointer inside [`enter`]; read by the instructions that leave early.
    pub(super) sp: usize,
    prev: *mut Activation,
    fault: Option<Fault>,
    frame_count: usize,
    frames: [MaybeUninit<usize>; MAX_FRAMES],
}

impl Default for Activation {
    fn default() -> Activation {
        Activation::new()
    }
}

impl Activation {
    /// An activation that has not begun.
    pub fn new() -> Activation {
        Activation {
            sp: 0,
            prev: std::ptr::null_mut(),
            fault: None,
            frame_count: 0,
            frames: [const { MaybeUninit::uninit() }; MAX_FRAMES],
        }
    }

    /// The fault that ended it, if one did.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Addresses of the guest's frames when it was stopped, innermost first. The first is the faulting instruction
    /// where a fault ended it; all others are return addresses.
    pub fn frames(&self) -> &[usize] {
        // SAFETY: the first `frame_count` entries were written by `push_frame`.
        unsafe { std::slice::from_raw_parts(self.frames.as_ptr().cast(), self.frame_count) }
    }

    fn push_frame(&mut self, pc: usize) -> bool {
        if self.frame_count == MAX_FRAMES {
            return false;
        }
        self.frames[self.frame_count].write(pc);
        self.frame_count += 1;
        true
    }

    /// Records the frames from `pc` outward along the chain of frame pointers that begins with `fp`.
    ///
    /// # Safety
    /// It runs on the thread of the activation, above `sp` of the stack: everything between `low` and the entry is readable.
    pub(super) unsafe fn record(&mut self, pc: usize, mut fp: usize, low: usize) {
        self.push_frame(pc);
        while fp.is_multiple_of(8) && fp >= low && fp.checked_add(16).is_some_and(|end| end <= self.sp) {
            // SAFETY: `fp` and the word above it lie between `low` and the entry frame.
            let (next, return_address) = unsafe { (*(fp as *const usize), *((fp + 8) as *const usize)) };
            let guest = registry::with_range(return_address, |_| ()).is_some();
            if !guest || !self.push_frame(return_address) || next <= fp {
                break;
            }
            fp = next;
        }
    }

    pub(super) fn set_fault(&mut self, fault: Fault) {
        self.fault = Some(fault);
    }
}

/// The innermost activation of this thread, or null. Async-signal-safe.
pub fn current() -> *mut Activation {
    CURRENT.get()
}

/// Stack pointer inside the innermost call's [`enter`], or 0.
pub fn innermost_entry() -> usize {
    let current = CURRENT.get();
    // SAFETY: activations live while they are in the chain.
    if current.is_null() { 0 } else { unsafe { (*current).sp } }
}

/// Stack pointer inside the outermost call's [`enter`], or 0: all of the guest's frames on this thread lie below.
pub fn outermost_entry() -> usize {
    let (mut at, mut sp) = (CURRENT.get(), 0);
    while !at.is_null() {
        // SAFETY: as above.
        (at, sp) = unsafe { ((*at).prev, sp.max((*at).sp)) };
    }
    sp
}

/// Calls `trampoline(ctx, code, values)`. Returns true if the call was left early.
///
/// # Safety
/// `activation` is valid and is not used by anyone else until the call returns; `trampoline` is a function with that signature
/// which is sound to call with these arguments and may clobber every register, as every function that it calls keeps the
/// chain of frame pointers.
pub unsafe fn enter(
    activation: *mut Activation,
    trampoline: *const u8,
    ctx: *mut u8,
    code: *const u8,
    values: *mut u64,
) -> bool {
    let prev = CURRENT.replace(activation);
    // SAFETY: the caller vouches for the pointers; the activation is the innermost one while it runs.
    let status = unsafe {
        (*activation).prev = prev;
        x64::enter(trampoline, ctx, code, values, activation)
    };
    CURRENT.set(prev);
    status != 0
}

/// Leaves the innermost activation of this thread: its [`enter`] returns true. `exit` is the guest's frame that called the
/// host function: its frame pointer and return address.
///
/// # Safety
/// An activation is running, called generated code, and that code called the running function, whose frame and
/// callees' frames hold nothing that must be dropped.
pub unsafe fn leave(exit: Option<(usize, usize)>) -> ! {
    let activation = CURRENT.get();
    // SAFETY: by contract the activation is running; only this thread uses it.
    unsafe {
        if let Some((fp, pc)) = exit {
            let here = std::ptr::from_ref(&fp) as usize;
            (*activation).record(pc, fp, here);
        }
        x64::resume(activation)
    }
}
