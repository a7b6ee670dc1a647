//! What exceptions need of the stack: where references may be, and how to go on in another frame.

use super::{activation, x64};

/// Calls `f` with each word that the running thread's frames hold, up to the outermost activation, registers that callees preserve
/// included.
///
/// # Safety
/// None beside being called on the thread whose frames are meant; the words are whatever lies there.
pub unsafe fn scan_stack(f: &mut dyn FnMut(u64)) {
    let registers = x64::preserved_registers();
    registers.iter().for_each(|word| f(*word));
    let low = std::ptr::from_ref(&registers) as usize;
    let high = activation::outermost_entry();
    for at in (low.next_multiple_of(8)..high).step_by(8) {
        // SAFETY: the words between a live frame and the thread's outermost activation are the thread's stack.
        f(unsafe { (at as *const u64).read_volatile() });
    }
}

/// Goes on at `pc` with the frame pointer `frame`.
///
/// # Safety
/// `pc` is a landing of generated code (see `codegen`) for a function whose frame that is, between here and the innermost
/// activation's entry, and nothing between owns what must be dropped.
pub unsafe fn land(frame: usize, pc: usize) -> ! {
    // SAFETY: by contract.
    unsafe { x64::land(frame, pc) }
}
