//! What is known of the running thread: its stack's bounds, and a stack for signal handlers.

use std::cell::Cell;
use std::ops::Range;

use super::mapping::{Reservation, page_size};

/// Bytes that a signal handler may use; a thread whose alternate stack is smaller gets one of ours.
const ALT_STACK_BYTES: usize = 64 << 10;

/// Bytes of stack assumed below the current frame where the system does not know the bounds.
const ASSUMED_STACK: usize = 256 << 10;

thread_local! {
    static BOUNDS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
    static ALT_STACK: Cell<Option<AltStack>> = const { Cell::new(None) };
}

/// Lowest address of the running thread's stack, or 0 if [`prepare`] has not run on it. Async-signal-safe.
#[inline]
pub fn prepared_stack() -> usize {
    BOUNDS.get().0
}

/// Asks the system for the running thread's stack, lowest address first, and makes sure that signal handlers have a
/// stack of their own on this thread. Does its work once per thread.
pub fn prepare() -> Range<usize> {
    let (low, high) = BOUNDS.get();
    if high != 0 {
        return low..high;
    }
    prepare_signal_stack();
    let bounds = query_stack_bounds().unwrap_or_else(|| {
        let here = std::ptr::from_ref(&low) as usize;
        here.saturating_sub(ASSUMED_STACK)..here
    });
    BOUNDS.set((bounds.start, bounds.end));
    bounds
}

fn query_stack_bounds() -> Option<Range<usize>> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: `attributes` is written by the call before anything reads it; the thread is the running one.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut base, mut size, mut guard) = (std::ptr::null_mut(), 0, 0);
    // SAFETY: the call above succeeded, so that `attributes` is initialised; it is destroyed once.
    let (stack_rc, guard_rc) = unsafe {
        let stack_rc = libc::pthread_attr_getstack(attributes.as_ptr(), &mut base, &mut size);
        let guard_rc = libc::pthread_attr_getguardsize(attributes.as_ptr(), &mut guard);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (stack_rc, guard_rc)
    };
    if stack_rc != 0 || guard_rc != 0 {
        return None;
    }
    let base = base as usize;
    // Some C libraries count the guard as a part of the stack: assuming that it is costs a page.
    Some(base + guard..base + size)
}

/// Whether `address` lies in or just below the running thread's stack, as far as [`prepare`] knows it. Async-signal-safe.
pub fn is_near_stack(address: usize) -> bool {
    const GUARD: usize = 1 << 20;
    let (low, high) = BOUNDS.get();
    high != 0 && address < high && address >= low.saturating_sub(GUARD)
}

fn prepare_signal_stack() {
    // Assigning drops a stack that was installed before, which cannot be: threads are prepared once.
    ALT_STACK.set(Some(AltStack::install()));
}

/// The thread's alternate signal stack; `pages` is empty where the thread's own was large enough.
struct AltStack {
    pages: Option<Reservation>,
}

impl AltStack {
    fn install() -> AltStack {
        // SAFETY: stack_t is plain data, and a null new stack only queries.
        let (rc, old) = unsafe {
            let mut old: libc::stack_t = std::mem::zeroed();
            (libc::sigaltstack(std::ptr::null(), &mut old), old)
        };
        if rc == 0 && old.ss_flags & libc::SS_DISABLE == 0 && old.ss_size >= ALT_STACK_BYTES {
            return AltStack { pages: None };
        }
        let guard = page_size();
        let Ok(pages) = Reservation::new(guard + ALT_STACK_BYTES) else { return AltStack { pages: None } };
        if pages.commit(guard, ALT_STACK_BYTES).is_err() {
            return AltStack { pages: None };
        }
        let stack = libc::stack_t {
            ss_sp: pages.base().as_ptr().wrapping_add(guard).cast(),
            ss_flags: 0,
            ss_size: ALT_STACK_BYTES,
        };
        // SAFETY: the pages stay mapped until `drop` has taken the stack out of use.
        let rc = unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
        AltStack { pages: (rc == 0).then_some(pages) }
    }
}

impl Drop for AltStack {
    fn drop(&mut self) {
        let Some(pages) = &self.pages else { return };
        let ours = pages.base().as_ptr().wrapping_add(page_size());
        // SAFETY: only queries, and takes our own stack out of use before its pages go.
        unsafe {
            let mut current: libc::stack_t = std::mem::zeroed();
            libc::sigaltstack(std::ptr::null(), &mut current);
            if current.ss_sp.cast() == ours {
                let disable = libc::stack_t { ss_sp: std::ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
                libc::sigaltstack(&disable, std::ptr::null_mut());
            }
        }
    }
}
