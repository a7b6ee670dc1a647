//! What a guest is: something that answers FUSE messages.
//!
//! The contract is made for a WebAssembly instance whose memory is one linear memory and which may itself have
//! called the host function that runs the server, but a native Rust type implements it as well.
#![allow(unsafe_code)]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::Replies;

/// Why a guest could not finish a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It trapped: out of bounds, unreachable, stack overflow and the like.
    Trap,
    /// [`Interrupt::stop`] stopped it.
    Stopped,
    /// It called its `exit` with this code.
    Exited(i32),
}

/// A guest's failure, with what a person needs to understand it.
#[derive(Clone, Debug)]
pub struct GuestFault {
    /// What happened.
    pub kind: FaultKind,
    /// Printable, with a backtrace where there is one; may have several lines.
    pub message: String,
}

impl GuestFault {
    /// A trap.
    pub fn trap(message: impl Into<String>) -> Self {
        GuestFault { kind: FaultKind::Trap, message: message.into() }
    }

    /// The end of a call that [`Interrupt::stop`] ended.
    pub fn stopped(message: impl Into<String>) -> Self {
        GuestFault { kind: FaultKind::Stopped, message: message.into() }
    }

    /// The guest ended itself.
    pub fn exited(code: i32) -> Self {
        GuestFault { kind: FaultKind::Exited(code), message: format!("the guest exited with code {code}") }
    }
}

impl fmt::Display for GuestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names in a backtrace are the guest's: they must not write to the terminal what they like.
        self.message.chars().try_for_each(|c| match c {
            '\n' | '\t' => write!(f, "{c}"),
            c if c.is_control() => write!(f, "{}", c.escape_default()),
            c => write!(f, "{c}"),
        })
    }
}

impl std::error::Error for GuestFault {}

/// Memory into which the host may write one request.
#[derive(Debug)]
pub struct RequestBuffer<'a> {
    ptr: NonNull<u8>,
    len: usize,
    guest: PhantomData<&'a mut [u8]>,
}

impl<'a> RequestBuffer<'a> {
    /// A buffer in ordinary memory.
    pub fn new(bytes: &'a mut [u8]) -> Self {
        RequestBuffer { len: bytes.len(), ptr: NonNull::from(bytes).cast(), guest: PhantomData }
    }

    /// A buffer in memory that cannot be borrowed, such as a linear memory shared with other guest threads.
    ///
    /// # Safety
    /// The bytes stay mapped and writable while the guest is borrowed for `'a`, and hold nothing whose value
    /// this process's own soundness depends on.
    pub unsafe fn from_raw(ptr: NonNull<u8>, len: usize) -> Self {
        RequestBuffer { ptr, len, guest: PhantomData }
    }

    /// Where the buffer begins.
    pub fn ptr(&self) -> NonNull<u8> {
        self.ptr
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes to the buffer's beginning, as many as fit.
    pub fn fill(&mut self, bytes: &[u8]) {
        let len = bytes.len().min(self.len);
        // SAFETY: the buffer is writable for its length (constructors); the source is a borrow, and guest
        // memory is never host memory that could overlap it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.ptr.as_ptr(), len) };
    }

    /// Copies the first bytes out, as many as there are.
    pub fn copy_to(&self, bytes: &mut [u8]) -> usize {
        let len = bytes.len().min(self.len);
        // SAFETY: the buffer is readable for its length (constructors), the target is a borrow.
        unsafe { std::ptr::copy_nonoverlapping(self.ptr.as_ptr(), bytes.as_mut_ptr(), len) };
        len
    }
}

/// Stops what a guest is doing, from another thread.
///
/// The server calls these while it holds a lock that [`Replies::send`] takes too: they must return at once
/// and call nothing of this crate. They are only called while a dispatch runs, so a later dispatch is never hit.
/// After either of them the server also sends [`crate::wake_signal`] to the dispatching thread, again and again until
/// the dispatch returns: a host function that is blocked in a system call sees EINTR and can look at the flag.
pub trait Interrupt: Send + Sync {
    /// The caller of the running request gave up (Ctrl-C): a blocking host call should end with EINTR. Guest code
    /// that computes may ignore it and finish.
    fn interrupt(&self, unique: u64);

    /// The running request exceeded its time: the dispatch must return [`FaultKind::Stopped`] soon.
    fn stop(&self);

    /// The dispatch is over: forget what was asked.
    fn clear(&self);
}

/// An [`Interrupt`] for guests that never take long.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInterrupt;

impl Interrupt for NoInterrupt {
    fn interrupt(&self, _unique: u64) {}
    fn stop(&self) {}
    fn clear(&self) {}
}

/// One worker's guest: it holds one request at a time.
///
/// A guest with parallel workers (a threaded instance) is several `Guest` values that share what they share
/// behind this trait. All of them get the same [`Replies`].
pub trait Guest {
    /// Comes first: where this guest's replies go. They may be sent during a dispatch, after it, and from
    /// other threads.
    fn attach(&mut self, replies: Replies);

    /// Where the next request of up to `size` bytes goes. Called before each request; must be cheap. The bytes of
    /// the previous request may be overwritten. Should the buffer be shorter than asked, nothing can be served: that
    /// is a fault, and so is a guest without memory.
    fn request_buffer(&mut self, size: usize) -> Result<RequestBuffer<'_>, GuestFault>;

    /// Handles the request of `len` bytes in the buffer. Its reply may come through [`Replies`] meanwhile or later.
    fn dispatch(&mut self, len: usize) -> Result<(), GuestFault>;

    /// How to stop a dispatch. Asked once, after `attach`.
    fn interrupter(&self) -> Arc<dyn Interrupt>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_printed_without_control_characters() {
        let fault = GuestFault::trap("trap\n\tat \x1b[31mevil\u{9b}");
        assert_eq!(fault.to_string(), "trap\n\tat \\u{1b}[31mevil\\u{9b}");
    }
}
