//! Hardware faults in generated code become faults of the innermost activation.
//!
//! The handlers are installed once per process and run on each thread's alternate stack. A fault whose address is not in the
//! fault table of registered code is passed on to whoever handled the signal before. Everything that handlers call is
//! async-signal-safe: no allocation, no lock.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::Ordering;

use super::activation::{self, Fault};
use super::registry::{self, FAULTS_FOR_CALLER, FaultSite};
use super::{thread, x64};
use crate::abi::slots::CALL_BYTES;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{INTERRUPT_STOP, VmCtx};

/// The signals that a faulting instruction raises.
const SIGNALS: [libc::c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

struct Previous(UnsafeCell<[MaybeUninit<libc::sigaction>; SIGNALS.len()]>);

// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous(UnsafeCell::new([const { MaybeUninit::uninit() }; SIGNALS.len()]));

/// How far below and above a memory's base an access of generated code may land, in bytes. Set by the layer that
/// reserves memories; an access elsewhere is a bug of ours, never a trap.
#[derive(Clone, Copy, Debug)]
pub struct MemoryWindow {
    /// Guard bytes below the base.
    pub below: usize,
    /// Reserved bytes from the base on.
    pub above: usize,
    /// The trap code that such accesses have.
    pub code: u8,
}

static WINDOW: std::sync::OnceLock<MemoryWindow> = std::sync::OnceLock::new();

/// What a poll of generated code calls: with the vmctx, the frame pointer of the function that polls, and where it goes on. It returns, or
/// leaves the innermost activation.
pub type PollHook = unsafe extern "C" fn(*mut VmCtx, usize, usize);

static POLL: std::sync::OnceLock<PollHook> = std::sync::OnceLock::new();

/// Sets what polls call that are not to stop the guest. Later calls do nothing.
pub fn on_poll(hook: PollHook) {
    let _ = POLL.set(hook);
}

/// Where the thunk of polls goes on in Rust.
///
/// # Safety
/// Generated code with this vmctx polls on this thread.
pub(super) unsafe extern "C" fn polled(vmctx: *mut VmCtx, fp: usize, pc: usize) {
    if let Some(hook) = POLL.get() {
        // SAFETY: by contract.
        unsafe { hook(vmctx, fp, pc) }
    }
}

/// Makes a thread that polls call the host and go on behind the poll, if that is what it is asked for.
///
/// # Safety
/// `context` is the interrupted context of the running thread, which is stopped in a poll of generated code.
unsafe fn poll_instead(context: &mut libc::ucontext_t, called: bool) -> bool {
    // SAFETY: generated code holds its vmctx in a pinned register.
    let asked = unsafe {
        let vmctx = x64::vmctx_of(context);
        (*(*vmctx).interrupt).load(Ordering::Acquire)
    };
    if asked & INTERRUPT_STOP != 0 || POLL.get().is_none() {
        return false;
    }
    // SAFETY: generated code uses nothing below its stack pointer.
    unsafe { x64::poll_in(context, called) };
    true
}

/// Addresses from 0 on at which nothing is ever mapped.
const NULL_BYTES: usize = 4096;

/// Installs the handlers. Later calls do nothing.
pub fn install(window: MemoryWindow) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = WINDOW.set(window);
        for (slot, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: the handler has the signature that SA_SIGINFO asks for; its slot of PREVIOUS is
            // written before it can run, and nothing else writes it.
            unsafe {
                let previous = &mut (*PREVIOUS.0.get())[slot];
                libc::sigaction(signal, std::ptr::null(), previous.as_mut_ptr());
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = handler as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
                libc::sigemptyset(&mut action.sa_mask);
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    });
}

extern "C" fn handler(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes valid pointers to the signal's information and the interrupted context.
    unsafe {
        let context = &mut *context.cast::<libc::ucontext_t>();
        // The other signals tell no address.
        let address = matches!(signal, libc::SIGSEGV | libc::SIGBUS).then(|| (*info).si_addr() as usize);
        if !handle_guest_fault(address, context) {
            chain(signal, info, std::ptr::from_mut(context).cast());
        }
    }
}

/// Makes the interrupted thread return from its innermost activation, if the fault was the guest's.
///
/// # Safety
/// `context` is the interrupted context of the running thread.
unsafe fn handle_guest_fault(address: Option<usize>, context: &mut libc::ucontext_t) -> bool {
    let current = activation::current();
    if current.is_null() {
        return false;
    }
    let mut registers = x64::Registers::of(context);
    let is_stub = |site: Option<FaultSite>| site.is_some_and(|site| site.code == FAULTS_FOR_CALLER);
    let called = address.is_none()
        && registry::with_range(registers.pc, |range| is_stub(range.site_at(registers.pc))) == Some(true);
    if called {
        // SAFETY: generated code has just called the stub, so that its return address lies on top of the stack.
        let return_address = unsafe { *(registers.sp as *const usize) };
        registers.pc = return_address.wrapping_sub(CALL_BYTES);
    }
    let Some(site) = registry::with_range(registers.pc, |range| range.site_at(registers.pc)) else { return false };
    let polls = address.is_none() && site.is_some_and(|site| site.code == TrapCode::Interrupt as u8);
    // SAFETY: the place is a poll of generated code on this thread.
    if polls && unsafe { poll_instead(context, called) } {
        return true;
    }
    let Some(fault) = classify(site, address, &registers) else { return false };
    // SAFETY: the activation is running on this thread, which is stopped in generated code: nobody else uses it.
    // Frames between the stack pointer and the entry are readable.
    unsafe {
        (*current).set_fault(fault);
        (*current).record(registers.pc, registers.fp, registers.sp);
    }
    x64::resume_in(context, current);
    true
}

fn classify(site: Option<FaultSite>, address: Option<usize>, registers: &x64::Registers) -> Option<Fault> {
    match (site, address) {
        // A field of what null stands for.
        (Some(FaultSite { code, .. }), Some(address)) if code == TrapCode::UninitializedElement as u8 => {
            (address < NULL_BYTES).then_some(Fault::Code(code))
        }
        (Some(FaultSite { code, .. }), Some(address)) => {
            let window = WINDOW.get()?;
            let low = registers.memory_base.saturating_sub(window.below);
            let high = registers.memory_base.saturating_add(window.above);
            (code == window.code && (low..high).contains(&address)).then_some(Fault::Code(code))
        }
        (Some(FaultSite { code, .. }), None) => Some(Fault::Code(code)),
        // Not an access that the guest asked for: if it is the stack's, the guest went too deep.
        (None, Some(address)) => thread::is_near_stack(address).then_some(Fault::StackGuard),
        (None, None) => None,
    }
}

/// Does what would have been done without us.
///
/// # Safety
/// The arguments are the handler's own.
unsafe fn chain(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let slot = SIGNALS.iter().position(|known| *known == signal);
    // SAFETY: `install` wrote every slot before it installed the handler that runs now.
    let previous = slot.map(|slot| unsafe { (*PREVIOUS.0.get())[slot].assume_init() });
    match previous {
        Some(previous) if previous.sa_sigaction != libc::SIG_DFL && previous.sa_sigaction != libc::SIG_IGN => {
            // SAFETY: the address was installed as a handler with the signature that its flags tell.
            unsafe {
                if previous.sa_flags & libc::SA_SIGINFO != 0 {
                    let function: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                        std::mem::transmute(previous.sa_sigaction);
                    function(signal, info, context);
                } else {
                    let function: extern "C" fn(libc::c_int) = std::mem::transmute(previous.sa_sigaction);
                    function(signal);
                }
            }
        }
        // The instruction faults again after the return, and the default action ends the process.
        _ => {
            // SAFETY: plain data and a plain call.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &action, std::ptr::null_mut());
            }
        }
    }
}
