//! The control thread: signals, timeouts, interrupts, and reading in a busy worker's stead.
//!
//! It looks around every [`TICK_MS`] while something goes on, and sleeps until the next dispatch when nothing does.
//!
//! A dispatch that takes long keeps its worker from reading, so nobody would see the INTERRUPT that the kernel sends when
//! the caller presses Ctrl-C. When all workers are that busy, this thread reads in their stead, without
//! waiting: interrupts act at once, other requests wait in a queue for the first worker that is done.
#![allow(unsafe_code)]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::TraceFn;
use super::shared::{EXIT, Interrupted, MAX_QUEUED, MAX_QUEUED_BYTES, STANDBY, STOP, Shared};
use super::table::Asked;
use crate::stats::Stats;
use crate::sys::{self, SignalWatch};
use crate::transport::{Transport, read_bytes_nowait};
use crate::unmount_in_background;
use crate::wire::{self, InHeader, Op, Wire};

/// How often it looks around while something goes on.
const TICK_MS: u64 = 50;
/// How often it wakes workers that are to end.
const END_TICK_MS: u64 = 10;
/// Ticks without any dispatch after which it sleeps.
const IDLE_TICKS: u32 = 20;
/// When every worker has been busy this long, the standby reads.
const TAKEOVER_MS: u64 = 100;
/// How long a guest may take to answer a request whose caller gave up; then the caller gets EINTR from the host.
const INTERRUPT_GRACE_MS: u64 = 1000;
/// How long a dispatch that exceeded its time may take to end after it was interrupted, and again after it was stopped.
const ESCALATE_MS: u64 = 1000;
/// Requests that one look answers at most.
const MAX_EXPIRED: usize = 256;

/// The signals that a server handles.
pub const SIGNALS: [i32; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGUSR1];

/// Hands the statistics to whoever wants them.
pub fn report(stats: &Stats, to: Option<&TraceFn>) {
    let table = stats.to_string();
    match to {
        Some(to) => to(&table),
        None => eprint!("{table}"),
    }
}

pub struct Control<'a> {
    shared: &'a Shared,
    signals: Option<&'a SignalWatch>,
    report: Option<Arc<TraceFn>>,
    standby: Option<Arc<dyn Transport>>,
    buffer: Vec<u8>,
    /// For each worker what it is at, and since when.
    seen: Vec<(u64, u64)>,
    begun: u64,
    idle_ticks: u32,
    last_look: u64,
    ending_signals: u32,
    /// A worker did not end although it was stopped.
    lost: bool,
}

impl<'a> Control<'a> {
    pub fn new(
        shared: &'a Shared,
        signals: Option<&'a SignalWatch>,
        report: Option<Arc<TraceFn>>,
        workers: usize,
    ) -> Self {
        Control {
            shared,
            signals,
            report,
            standby: shared.channels.first().cloned(),
            buffer: Vec::new(),
            seen: vec![(0, 0); workers],
            begun: 0,
            idle_ticks: 0,
            last_look: 0,
            ending_signals: 0,
            lost: false,
        }
    }

    pub fn run(mut self) {
        while !self.shared.ended.load(Ordering::Acquire) {
            let reading = self.shared.attention() & STANDBY != 0 && !self.is_queue_full();
            let message = self.standby.as_ref().filter(|_| reading).map(|channel| channel.poll_fd());
            let events = sys::poll([Some(std::os::fd::AsFd::as_fd(self.shared.wake.as_ref())), message], self.pause());
            let now = sys::now_ns() / 1_000_000;
            self.shared.now_ms.store(now, Ordering::Relaxed);
            let woken = events[0] != 0;
            if woken {
                self.shared.wake.clear();
            }
            self.take_signals(now);
            if events[1] != 0 {
                self.read_standby();
            }
            if woken || now.saturating_sub(self.last_look) >= END_TICK_MS {
                self.last_look = now;
                self.look(now);
            }
        }
    }

    /// Milliseconds to wait.
    fn pause(&self) -> i32 {
        if self.shared.attention() & (STOP | EXIT) != 0 {
            END_TICK_MS as i32
        } else if self.shared.table().parked {
            -1
        } else {
            TICK_MS as i32
        }
    }

    fn take_signals(&mut self, now: u64) {
        let Some(bits) = self.signals.map(SignalWatch::take).filter(|bits| *bits != 0) else {
            return;
        };
        if bits & 1 << libc::SIGUSR1 != 0 {
            report(&self.shared.stats, self.report.as_deref());
        }
        if bits & (1 << libc::SIGINT | 1 << libc::SIGTERM | 1 << libc::SIGHUP) == 0 {
            return;
        }
        self.ending_signals += 1;
        match &self.shared.unmounter {
            Some(unmounter) if self.ending_signals == 1 => unmount_in_background(unmounter.clone()),
            _ => {
                self.shared.demand(STOP);
                self.shared.table().workers.iter_mut().filter(|w| w.unique != 0).for_each(|w| w.stop(now));
            }
        }
    }

    /// One look at everything.
    fn look(&mut self, now: u64) {
        self.look_at_workers(now);
        self.expire(now);
        if self.lost {
            self.shared.refuse_all(libc::EIO, true);
        }
        if self.shared.attention() & STANDBY == 0 {
            self.buffer = Vec::new();
        }
    }

    fn look_at_workers(&mut self, now: u64) {
        let timeout = self.shared.timeout_ms;
        let ending = self.shared.attention() & (STOP | EXIT) != 0;
        let mut all_busy = true;
        let mut any_busy = false;
        let mut table = self.shared.table();
        self.lost = false;
        for (running, seen) in table.workers.iter_mut().zip(&mut self.seen) {
            let Some(thread) = running.thread else {
                continue;
            };
            if running.unique != seen.0 {
                *seen = (running.unique, now);
            }
            let busy = if running.unique == 0 { 0 } else { now.saturating_sub(seen.1) };
            any_busy |= running.unique != 0;
            all_busy &= busy >= TAKEOVER_MS;
            if timeout != 0 && busy > timeout {
                running.interrupt(now);
                if matches!(running.asked, Asked::Interrupt(since) if now.saturating_sub(since) > ESCALATE_MS) {
                    running.stop(now);
                }
            }
            if ending && running.starting {
                running.stop(now);
            }
            self.lost |= matches!(running.asked, Asked::Stop(since) if now.saturating_sub(since) > ESCALATE_MS);
            if ending || running.asked != Asked::Nothing {
                // SAFETY: `thread` is Some only between enter and leave, which that thread itself calls, and leave needs
                // the lock that is held here; so it lives. The server installed the handler.
                unsafe { thread.wake() };
            }
        }
        let idle = !any_busy && table.len() == 0 && table.begun == self.begun;
        self.begun = table.begun;
        self.idle_ticks = if idle { self.idle_ticks + 1 } else { 0 };
        if any_busy && all_busy && self.standby.is_some() {
            // Set under the table's lock: each worker takes it when its dispatch ends, and looks for the bit after that.
            self.shared.attention.fetch_or(STANDBY, Ordering::AcqRel);
        }
        if self.idle_ticks >= IDLE_TICKS && self.shared.attention() == 0 {
            table.parked = true;
        }
    }

    /// Answers requests that waited too long.
    fn expire(&self, now: u64) {
        let timeout = self.shared.timeout_ms;
        for _ in 0..MAX_EXPIRED {
            let mut table = self.shared.table();
            let mut errno = 0;
            let expired = table.pick(|pending| {
                let over = |since: u64, limit: u64| since != 0 && now.saturating_sub(since) > limit;
                if over(pending.interrupted_ms, INTERRUPT_GRACE_MS) {
                    errno = libc::EINTR;
                } else if timeout != 0 && over(pending.arrived_ms, timeout) && !Op::of(pending.opcode).waits {
                    errno = libc::EIO;
                }
                errno != 0
            });
            let Some(pending) = expired else {
                return;
            };
            table.take(pending.unique);
            drop(table);
            let name = Op::of(pending.opcode).name;
            if errno == libc::EIO {
                self.shared.limit.warn(format_args!("{name} {} took longer than {timeout} ms", pending.unique));
            }
            self.shared.write_error(&pending, errno);
        }
    }

    fn is_queue_full(&self) -> bool {
        let standby = self.shared.standby();
        standby.queue.len() >= MAX_QUEUED || standby.bytes >= MAX_QUEUED_BYTES
    }

    /// Reads what there is, as long as no worker does.
    fn read_standby(&mut self) {
        let Some(channel) = self.standby.clone() else {
            return;
        };
        let size = (self.shared.max_write + super::REQUEST_HEAD).max(wire::MIN_READ_BUFFER);
        self.buffer.resize(size, 0);
        while !self.is_queue_full() {
            let mut standby = self.shared.standby();
            if self.shared.attention() & STANDBY == 0 {
                return;
            }
            let len = match read_bytes_nowait(channel.as_ref(), &mut self.buffer) {
                Ok(len) => len,
                Err(libc::EAGAIN | libc::EINTR | libc::ENOENT) => return,
                Err(_) => {
                    // The worker will find out; polling a closed channel would only spin.
                    self.standby = None;
                    return;
                }
            };
            let message = &self.buffer[..len];
            let Some(header) = InHeader::read(message).filter(|header| header.len as usize == len) else {
                continue;
            };
            let body = &message[size_of::<InHeader>()..];
            if header.opcode == wire::INTERRUPT {
                let target = wire::InterruptIn::read(body).map_or(0, |interrupt| interrupt.unique);
                if self.shared.interrupted(target) == Interrupted::Done {
                    continue;
                }
            }
            let mut pending = self.shared.pending(&header, body, 0);
            pending.queued = true;
            let wants_reply = Op::of(header.opcode).reply != wire::ReplyRule::Never;
            if wants_reply && !self.shared.table().insert(pending) {
                self.shared.write_error(&pending, libc::ENOMEM);
                continue;
            }
            standby.bytes += len;
            standby.queue.push_back(message.to_vec());
        }
    }
}
