//! Signals of the host's process that a guest has handlers for, and waking its thread out of a blocking call.

use super::{Result, check, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// The signal that does nothing but end a blocking call.
fn kick_signal() -> i32 {
    libc::SIGRTMIN() + 5
}

extern "C" fn nothing(_: i32) {}

fn install(signal: i32, handler: extern "C" fn(i32)) -> Result<()> {
    let mut action: libc::sigaction = zeroed_action();
    action.sa_sigaction = handler as *const () as usize;
    // Without SA_RESTART, so that a blocking call ends.
    call!(sigaction(signal, &raw const action, std::ptr::null_mut())).map(drop)
}

fn zeroed_action() -> libc::sigaction {
    // SAFETY: integers, an empty set, and no function, for which zero is valid.
    unsafe { std::mem::zeroed() }
}

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread(i32);

impl Thread {
    /// The calling thread, which can be kicked from now on.
    pub fn current() -> Result<Thread> {
        install(kick_signal(), nothing)?;
        call!(syscall(libc::SYS_gettid)).map(|id| Thread(id as i32))
    }

    /// Ends the thread's blocking call, if it is in one.
    pub fn kick(self) {
        // SAFETY: integers; a thread that is gone, or another process's number, is an error without effect.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, kick_signal()) };
    }
}

/// Signals that came in, a bit each.
static CAUGHT: AtomicU64 = AtomicU64::new(0);

/// Descriptor of the event that wakes whoever passes signals on; -1 for none.
static WAKE: AtomicI32 = AtomicI32::new(-1);

extern "C" fn catch(signal: i32) {
    CAUGHT.fetch_or(1 << signal, Ordering::AcqRel);
    let one = 1u64;
    // SAFETY: write(2) may be called in a handler; an invalid descriptor is an error, and errno is put back.
    unsafe {
        let errno = *libc::__errno_location();
        libc::write(WAKE.load(Ordering::Acquire), (&raw const one).cast(), size_of::<u64>());
        *libc::__errno_location() = errno;
    }
}

/// Catches a signal of this process: [`caught`] gives it, and the event is raised.
pub fn catch_signal(signal: i32, wake: BorrowedFd<'_>) -> Result<()> {
    WAKE.store(wake.as_raw_fd(), Ordering::Release);
    install(signal, catch)
}

/// Ignores a signal of this process, or gives it its default meaning.
pub fn release_signal(signal: i32, ignore: bool) -> Result<()> {
    let mut action = zeroed_action();
    action.sa_sigaction = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    call!(sigaction(signal, &raw const action, std::ptr::null_mut())).map(drop)
}

/// No event is to be raised any more.
pub fn forget_wake(wake: BorrowedFd<'_>) {
    let _ = WAKE.compare_exchange(wake.as_raw_fd(), -1, Ordering::AcqRel, Ordering::Relaxed);
}

/// Takes the signals that were caught.
pub fn caught() -> u64 {
    CAUGHT.swap(0, Ordering::AcqRel)
}

/// Keeps every signal away from the calling thread.
pub fn block_signals() {
    let mut set: libc::sigset_t = zeroed();
    // SAFETY: the set is a local.
    unsafe {
        libc::sigfillset(&mut set);
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}
