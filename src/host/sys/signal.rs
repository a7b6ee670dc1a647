//! Signals of the host's process that a guest has handlers for, and waking its thread out of a blocking call.

use super::{Result, check, zeroed};
use crate::runtime::InterruptHandle;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};

/// The signal that does nothing but end a blocking call.
fn kick_signal() -> i32 {
    libc::SIGRTMIN() + 5
}

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
        install(kick_signal(), kicked)?;
        call!(syscall(libc::SYS_gettid)).map(|id| Thread(id as i32))
    }

    /// Ends the thread's blocking call, if it is in one.
    pub fn kick(self) {
        // SAFETY: integers; a thread that is gone, or another process's number, is an error without effect.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, kick_signal()) };
    }
}

/// The thread that gets the signals of this process which a guest has handlers for: no thread of the host's own waits for them, as the
/// kernel does more for each system call of a process that has a second thread.
#[derive(Debug)]
pub struct Receiver {
    /// What is due, a bit each.
    pending: Arc<AtomicU64>,
    /// Makes the thread look while it computes.
    interrupt: Option<InterruptHandle>,
    thread: Thread,
    /// Kicks the thread at intervals; only handlers that run on the thread set it.
    timer: AtomicPtr<libc::c_void>,
    ticks: AtomicBool,
}

/// How often a thread is kicked that has not noticed that a signal is due: it may have been about to enter a blocking call.
const KICK_NANOS: i64 = 10_000_000;

/// Who gets the signals that are caught. Handlers use it on any thread and at any time, so what it has once pointed to is never freed.
static RECEIVER: AtomicPtr<Receiver> = AtomicPtr::new(std::ptr::null_mut());

impl Receiver {
    /// Makes a thread the one that signals of this process reach.
    pub fn install(
        pending: Arc<AtomicU64>,
        interrupt: Option<InterruptHandle>,
        thread: Thread,
    ) -> Result<&'static Receiver> {
        let mut event: libc::sigevent = zeroed_event();
        event.sigev_notify = libc::SIGEV_THREAD_ID;
        event.sigev_signo = kick_signal();
        event.sigev_notify_thread_id = thread.0;
        let mut timer: libc::timer_t = std::ptr::null_mut();
        call!(timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer))?;
        let (timer, ticks) = (AtomicPtr::new(timer), AtomicBool::new(false));
        let receiver: &'static Receiver = Box::leak(Box::new(Receiver { pending, interrupt, thread, timer, ticks }));
        RECEIVER.store(std::ptr::from_ref(receiver).cast_mut(), Ordering::Release);
        Ok(receiver)
    }

    /// Signals reach it no more.
    pub fn retire(&self) {
        let own = std::ptr::from_ref(self).cast_mut();
        let _ = RECEIVER.compare_exchange(own, std::ptr::null_mut(), Ordering::AcqRel, Ordering::Relaxed);
        // SAFETY: the timer was made by `install`, and is deleted once: the only owner retires it. A handler that is just about to set it
        // gets an error.
        unsafe { libc::timer_delete(self.timer.load(Ordering::Acquire)) };
    }

    /// Kicks the thread, which the handler runs on, until it has looked.
    fn look(&self) {
        let waiting = self.pending.load(Ordering::Acquire) != 0;
        if waiting {
            self.interrupt.iter().for_each(InterruptHandle::poll);
        }
        if self.ticks.swap(waiting, Ordering::AcqRel) != waiting {
            let interval = libc::timespec { tv_sec: 0, tv_nsec: if waiting { KICK_NANOS } else { 0 } };
            let times = libc::itimerspec { it_interval: interval, it_value: interval };
            // SAFETY: timer_settime(2) may be called in a handler; the times are a local, and a timer that is gone is an error.
            unsafe {
                libc::timer_settime(self.timer.load(Ordering::Acquire), 0, &raw const times, std::ptr::null_mut())
            };
        }
    }
}

fn zeroed_event() -> libc::sigevent {
    // SAFETY: integers and null pointers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}

/// Runs a handler's work, and puts errno back.
fn in_handler(work: impl FnOnce(&Receiver)) {
    // SAFETY: what the pointer has once been set to is never freed; errno is this thread's own.
    unsafe {
        let errno = *libc::__errno_location();
        if let Some(receiver) = RECEIVER.load(Ordering::Acquire).as_ref() {
            work(receiver);
        }
        *libc::__errno_location() = errno;
    }
}

extern "C" fn catch(signal: i32) {
    in_handler(|receiver| {
        receiver.pending.fetch_or(1 << signal, Ordering::AcqRel);
        receiver.thread.kick();
    });
}

extern "C" fn kicked(_: i32) {
    in_handler(|receiver| {
        // SAFETY: no arguments.
        if unsafe { libc::syscall(libc::SYS_gettid) } == libc::c_long::from(receiver.thread.0) {
            receiver.look();
        }
    });
}

/// Catches a signal of this process for the receiver.
pub fn catch_signal(signal: i32) -> Result<()> {
    install(signal, catch)
}

/// Ignores a signal of this process, or gives it its default meaning.
pub fn release_signal(signal: i32, ignore: bool) -> Result<()> {
    let mut action = zeroed_action();
    action.sa_sigaction = if ignore { libc::SIG_IGN } else { libc::SIG_DFL };
    call!(sigaction(signal, &raw const action, std::ptr::null_mut())).map(drop)
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
