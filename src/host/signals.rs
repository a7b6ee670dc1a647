//! Signals: timers that expire, and signals of the process that a guest has handlers for.
//!
//! Handlers are the guest's own affair: its C library has their table. The host notes that a signal is due, wakes the
//! guest's thread out of a blocking call, and behind that call (a safe point, as no guest code is halfway through
//! anything) has the guest raise the signal itself. So masks and dispositions need no second home here; the SDK's shim tells the
//! dispositions besides, as only they say which signals of the process matter and which calls begin again.

use super::errno::Errno;
use super::state::HasHost;
use super::sys::signal::{self, Receiver, Thread};
use super::sys::{self, PollFd, Result, TimeSpec};
use super::threads;
use crate::runtime::{AsContextMut, Caller, Instance, InterruptHandle, OnPoll, Polled, Trap};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Interval timers: real, virtual, profiling. All of them count real time.
pub const TIMERS: usize = 3;

/// The signal of each timer.
const TIMER_SIGNALS: [i32; TIMERS] = [libc::SIGALRM, libc::SIGVTALRM, libc::SIGPROF];

/// The bit of work that other threads have left for this one.
pub(super) const MESSAGES: u32 = 0;

/// The bit of the first timer; signals have the bit of their number.
const FIRST_TIMER: u32 = 61;

/// Highest signal that guests can have: what lies below the timers' bits.
const LAST_SIGNAL: i32 = FIRST_TIMER as i32 - 1;

/// How often a thread is woken that has not noticed that a signal is due.
const KICK: Duration = Duration::from_millis(10);

/// Shortest interval of a timer, so that none keeps a processor busy.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Signals of the process that a guest may take over, where the process is its own.
const FROM_OUTSIDE: &[i32] = &[
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGCONT,
    libc::SIGWINCH,
    libc::SIGIO,
];

/// What a signal does to the guest, as far as its C library has told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Disposition {
    /// Nobody has said anything.
    #[default]
    Unknown,
    Default,
    Ignore,
    /// A handler; whether blocking calls begin again behind it.
    Handler(bool),
}

/// A timer that runs.
#[derive(Clone, Copy, Debug)]
struct Armed {
    at: Instant,
    interval: Duration,
}

#[derive(Debug)]
struct Shared {
    pending: Arc<AtomicU64>,
    timers: Mutex<[Option<Armed>; TIMERS]>,
    thread: Thread,
    interrupt: Option<InterruptHandle>,
    wake: OwnedFd,
    stop: AtomicBool,
}

impl Shared {
    fn timers(&self) -> std::sync::MutexGuard<'_, [Option<Armed>; TIMERS]> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn notify(&self) {
        // The counter cannot overflow: it is emptied at every turn.
        let _ = sys::write(self.wake.as_fd(), &1u64.to_ne_bytes());
    }

    /// Marks what has expired, and gives the time until the next timer does.
    fn expire(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut timers = self.timers();
        for (index, slot) in timers.iter_mut().enumerate() {
            let Some(armed) = slot.filter(|armed| armed.at <= now) else { continue };
            self.pending.fetch_or(1 << (FIRST_TIMER + index as u32), Ordering::Release);
            // Expirations that nobody could see are one.
            *slot = (!armed.interval.is_zero())
                .then(|| Armed { at: (armed.at + armed.interval).max(now + SHORTEST_INTERVAL), ..armed });
        }
        timers.iter().flatten().map(|armed| armed.at.saturating_duration_since(now)).min()
    }

    fn run(&self) {
        signal::block_signals();
        while !self.stop.load(Ordering::Acquire) {
            let next = self.expire();
            let waiting = self.pending.load(Ordering::Acquire) != 0;
            if waiting {
                // Whether it blocks or computes.
                self.thread.kick();
                self.interrupt.iter().for_each(InterruptHandle::poll);
            }
            let timeout = if waiting { Some(next.map_or(KICK, |next| next.min(KICK))) } else { next };
            let timeout =
                timeout.map(|t| TimeSpec { tv_sec: t.as_secs() as i64, tv_nsec: i64::from(t.subsec_nanos()) });
            let mut fds = [PollFd { fd: self.wake.as_raw_fd(), events: libc::POLLIN, revents: 0 }];
            if sys::poll(&mut fds, timeout).is_ok_and(|ready| ready > 0) {
                let _ = sys::read(self.wake.as_fd(), &mut [0; 8]);
            }
        }
    }
}

/// What the threads of a guest have in common.
#[derive(Debug, Default)]
struct Process {
    /// What watches timers.
    shared: Option<(Arc<Shared>, JoinHandle<()>)>,
    /// What signals of the process reach.
    receiver: Option<&'static Receiver>,
    dispositions: Vec<Disposition>,
    own_process: bool,
    /// The first thread, which gets the process's signals; known once there are others.
    first: Option<Thread>,
    /// What makes the first thread look at its signals while it computes.
    interrupt: Option<InterruptHandle>,
}

impl Process {
    fn disposition(&self, signal: i32) -> Disposition {
        self.dispositions.get(signal as usize).copied().unwrap_or_default()
    }

    fn timers(&self) -> [Option<Armed>; TIMERS] {
        self.shared.as_ref().map(|(shared, _)| *shared.timers()).unwrap_or_default()
    }

    /// The thread that gets signals.
    fn target(&self) -> Result<Thread> {
        self.first.map_or_else(Thread::current, Ok)
    }

    /// Catches a signal of the process for the first thread.
    fn catch(&mut self, signal: i32, pending: &Arc<AtomicU64>) -> Result<()> {
        if self.receiver.is_none() {
            self.receiver = Some(Receiver::install(pending.clone(), self.interrupt.clone(), self.target()?)?);
        }
        signal::catch_signal(signal)
    }

    /// The thread that watches timers, started when it is first needed.
    fn watcher(&mut self, pending: &Arc<AtomicU64>) -> Result<Arc<Shared>> {
        if let Some((shared, _)) = &self.shared {
            return Ok(shared.clone());
        }
        let wake = sys::event::eventfd(0, libc::EFD_NONBLOCK)?;
        let thread = self.target()?;
        let (pending, stop) = (pending.clone(), AtomicBool::new(false));
        let interrupt = self.interrupt.clone();
        let shared = Arc::new(Shared { pending, timers: Mutex::default(), thread, interrupt, wake, stop });
        let watched = shared.clone();
        let builder = std::thread::Builder::new().name("wasmjit-signals".to_string());
        let thread = builder.spawn(move || watched.run()).map_err(Errno::from)?;
        self.shared = Some((shared.clone(), thread));
        Ok(shared)
    }
}

/// A guest's signals, as one of its threads sees them. Those of the process reach the first thread.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Signals {
    /// What is due on this thread, a bit each.
    pending: Arc<AtomicU64>,
    /// What is due on the first thread.
    process_pending: Arc<AtomicU64>,
    process: Arc<Mutex<Process>>,
    /// A handler runs; others wait until it has returned.
    delivering: bool,
    /// Whether the guest exports what raises a signal in it.
    pub(super) raises: bool,
    /// Whether the process is the guest's own, so that its signals are the guest's.
    pub own_process: bool,
    /// Whether it is another thread than the first.
    thread: bool,
}

impl Signals {
    /// Whether a signal waits to be delivered.
    #[inline]
    pub fn due(&self) -> bool {
        self.pending.load(Ordering::Relaxed) != 0 && self.deliverable()
    }

    /// Whether what waits does not wait for a handler to end.
    #[cold]
    fn deliverable(&self) -> bool {
        !self.delivering
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is due on the first thread.
    fn first_pending(&self) -> &Arc<AtomicU64> {
        if self.thread { &self.process_pending } else { &self.pending }
    }

    /// The signals of another thread of the guest.
    pub(super) fn for_thread(&mut self) -> Signals {
        let mut process = self.process();
        if !self.thread {
            process.own_process = self.own_process;
            process.first = process.first.or_else(|| Thread::current().ok());
        }
        drop(process);
        Signals {
            pending: Arc::default(),
            process_pending: self.first_pending().clone(),
            process: self.process.clone(),
            delivering: false,
            raises: self.raises,
            own_process: self.own_process,
            thread: true,
        }
    }

    /// Sets what makes the first thread look at its signals while it computes.
    pub(super) fn set_interrupt(&mut self, interrupt: InterruptHandle) {
        self.process().interrupt = Some(interrupt);
    }

    /// Whether this is the first thread.
    pub(super) fn is_first(&self) -> bool {
        !self.thread
    }

    /// What is due on this thread, for others to add to.
    pub(super) fn pending(&self) -> Arc<AtomicU64> {
        self.pending.clone()
    }

    /// Arms a timer, or stops it where `value` is zero. Gives the interval and the time that was left.
    pub fn set_timer(&mut self, which: usize, value: Duration, interval: Duration) -> Result<(Duration, Duration)> {
        let old = self.timer(which)?;
        let mut process = self.process();
        if value.is_zero() && process.shared.is_none() {
            return Ok(old);
        }
        let at = Instant::now().checked_add(value).ok_or(Errno::EINVAL)?;
        let shared = process.watcher(self.first_pending())?;
        shared.timers()[which] = (!value.is_zero()).then_some(Armed { at, interval });
        shared.notify();
        Ok(old)
    }

    /// A timer's interval and the time that is left.
    pub fn timer(&self, which: usize) -> Result<(Duration, Duration)> {
        if which >= TIMERS {
            return Err(Errno::EINVAL);
        }
        Ok(self.process().timers()[which].map_or_else(Default::default, |armed| {
            // What runs has never nothing left.
            let left = armed.at.saturating_duration_since(Instant::now()).max(Duration::from_micros(1));
            (armed.interval, left)
        }))
    }

    /// Takes note of what a signal means to the guest: `kind` 0 its default, 1 nothing, 2 a handler.
    pub fn set_disposition(&mut self, signal: i32, kind: i32, restart: bool) -> Result<()> {
        if !(1..=LAST_SIGNAL).contains(&signal) {
            return Err(Errno::EINVAL);
        }
        let disposition = match kind {
            0 => Disposition::Default,
            1 => Disposition::Ignore,
            2 => Disposition::Handler(restart),
            _ => return Err(Errno::EINVAL),
        };
        let mut process = self.process();
        process.own_process = self.own_process;
        process.dispositions.resize(LAST_SIGNAL as usize + 1, Disposition::Unknown);
        process.dispositions[signal as usize] = disposition;
        if !self.own_process || !FROM_OUTSIDE.contains(&signal) {
            return Ok(());
        }
        match disposition {
            Disposition::Handler(_) => process.catch(signal, self.first_pending()),
            _ => signal::release_signal(signal, disposition == Disposition::Ignore),
        }
    }

    fn disposition(&self, signal: i32) -> Disposition {
        self.process().disposition(signal)
    }

    /// The guest has written where nobody reads.
    #[cold]
    pub fn broken_pipe(&self) {
        if self.raises && self.disposition(libc::SIGPIPE) != Disposition::Ignore {
            self.pending.fetch_or(1 << libc::SIGPIPE, Ordering::Release);
        }
    }

    /// Whether every signal that is due has a handler behind which calls begin again.
    fn restarts(&self, bits: u64) -> bool {
        let process = self.process();
        let signals = (1..=LAST_SIGNAL).chain(TIMER_SIGNALS).zip((1..=LAST_SIGNAL as u32).chain(FIRST_TIMER..));
        signals
            .filter(|(_, bit)| bits & (1 << bit) != 0)
            .all(|(signal, _)| process.disposition(signal) == Disposition::Handler(true))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for (signal, disposition) in self.dispositions.iter().enumerate() {
            if self.own_process && FROM_OUTSIDE.contains(&(signal as i32)) && *disposition != Disposition::Unknown {
                let _ = signal::release_signal(signal as i32, false);
            }
        }
        self.receiver.take().into_iter().for_each(Receiver::retire);
        if let Some((shared, thread)) = self.shared.take() {
            shared.stop.store(true, Ordering::Release);
            shared.notify();
            // It takes no lock while it panics, and does nothing that could.
            let _ = thread.join();
        }
    }
}

/// Calls that begin again behind a handler, as on Linux; waiting for events and sleeping never do.
const RESTARTING: &[&str] =
    &["read", "write", "recv", "send", "accept", "connect", "flock", "fcntl", "open", "wait4", "getrandom"];

/// Delivers what is due behind a host call. True where the call, which a signal has ended, is to begin again.
///
/// # Errors
/// The trap that a handler ended with, or the exit of a guest that a signal ended.
#[cold]
#[inline(never)]
pub fn deliver<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    name: &str,
    interrupted: bool,
) -> std::result::Result<bool, Trap> {
    let signals = &mut caller.data_mut().host().signals;
    let mut bits = signals.pending.swap(0, Ordering::AcqRel);
    let again = interrupted && RESTARTING.iter().any(|part| name.contains(part)) && signals.restarts(bits);
    signals.delivering = true;
    let mut outcome = Ok(());
    while bits != 0 && outcome.is_ok() {
        let bit = bits.trailing_zeros();
        bits &= bits - 1;
        outcome = match caller.program() {
            _ if bit == MESSAGES => threads::take_messages(caller),
            Some(instance) => raise(caller, &instance, bit).or_else(|trap| ended(caller, trap)),
            None => Ok(()),
        };
    }
    caller.data_mut().host().signals.delivering = false;
    outcome.map(|()| again)
}

/// Delivers signals while the guest computes.
#[derive(Debug)]
pub(super) struct Delivery;

impl<T: HasHost + 'static> OnPoll<T> for Delivery {
    fn call(store: &mut Polled<'_, T>, instance: Instance) -> std::result::Result<(), Trap> {
        let host = store.data_mut().host();
        if !host.signals.due() {
            return Ok(());
        }
        let (pending, first) = (host.signals.pending(), host.signals.is_first());
        let threads = host.threads.clone();
        let bits = pending.swap(0, Ordering::AcqRel);
        host.signals.delivering = true;
        let program = instance.program(&*store);
        let outcome = match threads {
            Some(threads) if bits & (1 << MESSAGES) != 0 => {
                threads::do_messages(store, &program, &threads, &pending, first)
            }
            _ => Ok(()),
        };
        let outcome = outcome.and_then(|()| raise_all(store, &program, bits & !(1 << MESSAGES)));
        store.data_mut().host().signals.delivering = false;
        outcome
    }
}

/// Notes the status of a guest that a signal ended.
fn ended<T: HasHost + 'static>(caller: &mut Caller<'_, T>, trap: Trap) -> std::result::Result<(), Trap> {
    let host = caller.data_mut().host();
    host.exit_code = host.exit_code.or(trap.exit_status());
    Err(trap)
}

/// Has the guest raise signals, between calls into it.
pub(super) fn raise_all<S: AsContextMut>(
    store: &mut S,
    instance: &Instance,
    bits: u64,
) -> std::result::Result<(), Trap> {
    (0..u64::BITS).filter(|bit| bits & (1 << bit) != 0).try_for_each(|bit| raise(store, instance, bit))
}

/// Has the guest raise one signal.
fn raise<S: AsContextMut>(store: &mut S, instance: &Instance, bit: u32) -> std::result::Result<(), Trap> {
    let timer = bit.checked_sub(FIRST_TIMER);
    if let Some(which) = timer
        && let Some(func) = instance.get_func(&*store, "_emscripten_timeout")
        && let Ok(func) = func.typed::<(i32, f64), ()>(&*store)
    {
        let now =
            sys::clock_gettime(libc::CLOCK_MONOTONIC).map_or(0.0, |t| t.tv_sec as f64 * 1e3 + t.tv_nsec as f64 / 1e6);
        return func.call(store, (which as i32, now));
    }
    let signal = timer.map_or(bit as i32, |which| TIMER_SIGNALS[which as usize]);
    for name in ["wasmjit_signal", "raise"] {
        if let Some(func) = instance.get_func(&*store, name)
            && let Ok(func) = func.typed::<(i32,), i32>(&*store)
        {
            return func.call(store, (signal,)).map(drop);
        }
    }
    // Without a handler, which such a guest cannot have, the signal ends the program.
    Err(Trap::exit(128 + signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_expire_once_or_again_and_again() {
        let mut signals = Signals::default();
        assert_eq!(signals.set_timer(TIMERS, Duration::ZERO, Duration::ZERO), Err(Errno::EINVAL));
        signals.set_timer(0, Duration::from_millis(20), Duration::ZERO).unwrap();
        assert!(!signals.due() && signals.timer(0).unwrap().1 > Duration::ZERO);
        let wait = |signals: &Signals| {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !signals.due() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
            signals.pending.swap(0, Ordering::AcqRel)
        };
        assert_eq!(wait(&signals), 1 << FIRST_TIMER);
        assert_eq!(signals.timer(0), Ok((Duration::ZERO, Duration::ZERO)));
        signals.set_timer(1, Duration::from_millis(1), Duration::from_millis(1)).unwrap();
        assert_eq!([wait(&signals), wait(&signals)], [2 << FIRST_TIMER; 2]);
    }

    #[test]
    #[allow(clippy::field_reassign_with_default)]
    fn handlers_say_whether_calls_begin_again() {
        let mut signals = Signals::default();
        signals.raises = true;
        let alarm = 1u64 << FIRST_TIMER;
        assert!(!signals.restarts(alarm));
        signals.set_disposition(libc::SIGALRM, 2, true).unwrap();
        assert!(signals.restarts(alarm) && !signals.restarts(alarm | 1 << libc::SIGTERM));
        signals.broken_pipe();
        assert!(signals.due());
        signals.pending.store(0, Ordering::Release);
        signals.set_disposition(libc::SIGPIPE, 1, false).unwrap();
        signals.broken_pipe();
        assert!(!signals.due());
        assert_eq!(signals.set_disposition(64, 0, false), Err(Errno::EINVAL));
    }
}
