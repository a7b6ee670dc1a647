//! What workers, the control thread and guests' replies have in common.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::limit::LogLimit;
use super::table::{Asked, Pending, Table};
use super::{ServerConfig, TraceFn};
use crate::options::AttrOverride;
use crate::stats::Stats;
use crate::sys::{self, Errno, Event, ThreadHandle};
use crate::transport::{Transport, write_bytes};
use crate::wire::{self, InHeader, OutHeader, Wire};
use crate::{Interrupt, Unmounter};

/// Bits of [`Shared::attention`]: why a worker must not simply read the next request.
pub const STANDBY: u32 = 1;
/// The guest asked for the end (`fuse_session_exit`).
pub const EXIT: u32 = 2;
/// The server ends now.
pub const STOP: u32 = 4;
/// The guest is out of order: every request is refused.
pub const REFUSE: u32 = 8;

/// Requests and bytes that the standby may hold for a worker that takes long. Beyond them it stops reading.
pub const MAX_QUEUED: usize = 512;
/// See [`MAX_QUEUED`].
pub const MAX_QUEUED_BYTES: usize = 32 << 20;

/// What the control thread read while every worker was busy. It reads while [`STANDBY`] is set, and both the reading
/// and the clearing of that bit happen under this lock: so no message is left behind when a worker takes over again.
/// The table's lock may be taken while this one is held, not the other way round.
#[derive(Default)]
pub struct Standby {
    pub queue: VecDeque<Vec<u8>>,
    pub bytes: usize,
}

/// The guest's answer to INIT.
pub type InitAnswer = Result<wire::InitOut, Errno>;

pub struct Shared {
    pub table: Mutex<Table>,
    /// One channel per worker.
    pub channels: Vec<Arc<dyn Transport>>,
    pub attention: AtomicU32,
    pub standby: Mutex<Standby>,
    /// Wakes the control thread.
    pub wake: Arc<Event>,
    /// Milliseconds of the monotonic clock, as of the control thread's last look.
    pub now_ms: AtomicU64,
    pub init: Mutex<Option<InitAnswer>>,
    /// Held while a guest sees INIT: the copies of a guest all see the same one, so only one at a time can answer it.
    pub handshake: Mutex<()>,
    pub stats: Stats,
    pub trace: Option<Arc<TraceFn>>,
    pub limit: LogLimit,
    pub attr: AttrOverride,
    /// Only this user and root get in, where `allow_root` was asked for.
    pub only_user: Option<u32>,
    /// Milliseconds per request, 0 for no end.
    pub timeout_ms: u64,
    /// The workers are done, and so is the control thread.
    pub ended: AtomicBool,
    /// Largest WRITE, and with it the largest STORE.
    pub max_write: usize,
    pub unmounter: Option<Arc<Unmounter>>,
}

/// What became of an INTERRUPT message.
#[derive(Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// It is dealt with.
    Done,
    /// The guest holds the request: let it see the message.
    Deliver,
}

impl Shared {
    pub fn new(
        channels: Vec<Arc<dyn Transport>>,
        config: &ServerConfig,
        attr: AttrOverride,
        only_user: Option<u32>,
        unmounter: Option<Arc<Unmounter>>,
    ) -> std::io::Result<Shared> {
        Ok(Shared {
            table: Mutex::new(Table::new(config.workers)),
            channels,
            attention: AtomicU32::new(0),
            standby: Mutex::new(Standby::default()),
            wake: Arc::new(Event::new()?),
            now_ms: AtomicU64::new(sys::now_ns() / 1_000_000),
            init: Mutex::new(None),
            handshake: Mutex::new(()),
            stats: Stats::new(config.stats),
            trace: config.trace.clone(),
            limit: LogLimit::default(),
            attr,
            only_user,
            timeout_ms: config.timeout.map_or(0, |timeout| timeout.as_millis().max(1) as u64),
            ended: AtomicBool::new(false),
            max_write: config.max_write(),
            unmounter,
        })
    }

    pub fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn standby(&self) -> MutexGuard<'_, Standby> {
        self.standby.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn attention(&self) -> u32 {
        self.attention.load(Ordering::Acquire)
    }

    /// Sets a reason for workers to look up, and sees to it that they do.
    pub fn demand(&self, bit: u32) {
        self.attention.fetch_or(bit, Ordering::AcqRel);
        self.wake.set();
    }

    /// What is known about a request that just arrived.
    pub fn pending(&self, header: &InHeader, body: &[u8], channel: usize) -> Pending {
        let op = wire::Op::of(header.opcode);
        Pending {
            unique: header.unique,
            asked: op.asked(body),
            start_ns: if self.stats.is_timed() { sys::now_ns() } else { 0 },
            arrived_ms: self.now_ms.load(Ordering::Relaxed),
            interrupted_ms: 0,
            opcode: header.opcode,
            kind: op.kind(body),
            channel: channel as u32,
            queued: false,
        }
    }

    /// A worker begins with a request. False when it wants a reply and there is no room to remember that.
    pub fn begin(&self, worker: usize, mut pending: Pending) -> bool {
        let mut table = self.table();
        let parked = std::mem::take(&mut table.parked);
        if parked {
            // Nobody kept the clock meanwhile.
            let now = sys::now_ns() / 1_000_000;
            self.now_ms.store(now, Ordering::Relaxed);
            pending.arrived_ms = now;
        }
        let wants_reply = wire::Op::of(pending.opcode).reply != wire::ReplyRule::Never;
        let now = self.now_ms.load(Ordering::Relaxed);
        let interrupted = wants_reply && table.was_interrupted_early(pending.unique, now);
        if interrupted {
            pending.interrupted_ms = now.max(1);
        }
        let room = !wants_reply || table.insert(pending);
        if room {
            table.run(worker, if wants_reply { pending.unique } else { 0 });
            if interrupted {
                table.workers[worker].interrupt(now);
            }
        }
        drop(table);
        if parked || interrupted {
            self.wake.set();
        }
        room
    }

    /// A worker calls into its guest for another reason than a request.
    pub fn begin_call(&self, worker: usize) {
        let mut table = self.table();
        let parked = std::mem::take(&mut table.parked);
        table.run(worker, 0);
        drop(table);
        if parked {
            self.wake.set();
        }
    }

    /// A worker begins with a request that the standby read. False when it was answered meanwhile.
    pub fn begin_queued(&self, worker: usize, header: &InHeader) -> bool {
        let mut table = self.table();
        let mut unique = 0;
        if wire::Op::of(header.opcode).reply != wire::ReplyRule::Never {
            match table.get_mut(header.unique) {
                Some(pending) => pending.queued = false,
                None => return false,
            }
            unique = header.unique;
        }
        table.run(worker, unique);
        true
    }

    /// A worker is done with its guest for now. Until then the dispatch counts as running, so that the call for the next
    /// buffer is watched as well.
    pub fn finish(&self, worker: usize) {
        let mut table = self.table();
        let running = &mut table.workers[worker];
        running.unique = 0;
        if running.asked != Asked::Nothing {
            running.asked = Asked::Nothing;
            if let Some(interrupter) = &running.interrupter {
                interrupter.clear();
            }
        }
    }

    /// A worker enters the loop.
    pub fn enter(&self, worker: usize, interrupter: Arc<dyn Interrupt>) {
        let mut table = self.table();
        let running = &mut table.workers[worker];
        running.thread = Some(ThreadHandle::current());
        running.interrupter = Some(interrupter);
        running.unique = 0;
        running.asked = Asked::Nothing;
        running.starting = false;
    }

    /// A worker's guest is being made in this thread.
    pub fn start(&self, worker: usize, interrupter: Arc<dyn Interrupt>) {
        self.enter(worker, interrupter);
        self.table().workers[worker].starting = true;
        self.begin_call(worker);
    }

    /// A worker leaves the loop: its thread is not woken any more.
    pub fn leave(&self, worker: usize) {
        let mut table = self.table();
        let running = &mut table.workers[worker];
        running.thread = None;
        running.interrupter = None;
        running.unique = 0;
        running.starting = false;
    }

    /// Answers a request with an error, if nobody did.
    pub fn refuse(&self, unique: u64, errno: Errno) {
        let taken = self.table().take(unique);
        if let Some(pending) = taken {
            self.write_error(&pending, errno);
        }
    }

    /// Answers the request whose dispatch failed, if nobody did: EINTR when its caller had given up.
    pub fn refuse_faulted(&self, unique: u64) {
        let taken = self.table().take(unique);
        if let Some(pending) = taken {
            self.write_error(&pending, if pending.interrupted_ms == 0 { libc::EIO } else { libc::EINTR });
        }
    }

    /// Writes an error reply to a request that was taken from the table. Errors of the write are of no use to anyone:
    /// the request or the connection is gone then.
    pub fn write_error(&self, pending: &Pending, errno: Errno) {
        self.note(pending, -errno, size_of::<OutHeader>());
        let header = OutHeader { len: size_of::<OutHeader>() as u32, error: -errno, unique: pending.unique };
        if let Some(channel) = self.channels.get(pending.channel as usize) {
            let _ = write_bytes(channel.as_ref(), header.bytes());
        }
    }

    /// Counts and traces a reply.
    pub fn note(&self, pending: &Pending, error: i32, len: usize) {
        let ns = if pending.start_ns == 0 { 0 } else { sys::now_ns().saturating_sub(pending.start_ns) };
        self.stats.record(pending.opcode, error != 0, ns);
        if let Some(trace) = &self.trace {
            trace(&crate::trace::reply(pending.unique, pending.opcode, error, len));
        }
    }

    /// Answers everything that waits, except what the standby holds for a later worker.
    pub fn refuse_all(&self, errno: Errno, queued_too: bool) {
        loop {
            let mut table = self.table();
            let Some(next) = table.pick(|pending| queued_too || !pending.queued) else {
                return;
            };
            table.take(next.unique);
            drop(table);
            self.write_error(&next, errno);
        }
    }

    /// Drops everything that waits, because nobody is there to hear an answer.
    pub fn forget_all(&self) {
        let mut table = self.table();
        while let Some(next) = table.pick(|_| true) {
            table.take(next.unique);
        }
        drop(table);
        *self.standby() = Standby::default();
        self.attention.fetch_and(!STANDBY, Ordering::AcqRel);
    }

    /// The kernel says that the caller of `target` was interrupted.
    pub fn interrupted(&self, target: u64) -> Interrupted {
        let now = self.now_ms.load(Ordering::Relaxed);
        let mut table = self.table();
        let Some(pending) = table.get_mut(target) else {
            table.interrupt_early(target, now);
            return Interrupted::Done;
        };
        pending.interrupted_ms = now.max(1);
        if pending.queued {
            let taken = table.take(target);
            drop(table);
            if let Some(pending) = taken {
                self.write_error(&pending, libc::EINTR);
            }
            return Interrupted::Done;
        }
        match table.runner(target) {
            Some(running) => {
                running.interrupt(now);
                // The signal that ends a blocking system call comes from the control thread's next look.
                drop(table);
                self.wake.set();
                Interrupted::Done
            }
            None => Interrupted::Deliver,
        }
    }

    /// Takes a request that the standby read; `None` when there are none, and then the worker is to read again.
    pub fn next_queued(&self) -> Option<Vec<u8>> {
        let mut standby = self.standby();
        let next = standby.queue.pop_front();
        match &next {
            Some(message) => standby.bytes -= message.len(),
            None => {
                self.attention.fetch_and(!STANDBY, Ordering::AcqRel);
            }
        }
        next
    }
}
