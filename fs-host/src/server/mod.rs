//! The server: takes requests from a channel, has guests handle them, and lets only sound replies back.
//!
//! - [`worker`]: one loop per guest, read, dispatch, read again; [`seat`]: how a further guest comes to its loop;
//! - [`reply`]: what guests send, checked and written;
//! - [`control`]: one thread beside the workers, for signals, timeouts, interrupts, and as a standby reader;
//! - [`init`]: the handshake;
//! - [`table`], [`shared`]: the state that they share.

mod control;
mod init;
mod limit;
pub(crate) mod reply;
mod seat;
mod shared;
mod table;
mod worker;

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::stats::Stats;
use crate::sys::{self, SignalWatch};
use crate::transport::Transport;
use crate::{AttrOverride, Error, Guest, GuestFault, Mount, MountOptions, Result, Unmount, Unmounted, wire};
use control::Control;
use init::Negotiated;
pub use reply::Replies;
pub use seat::{Seat, Seats};
use shared::{STANDBY, STOP, Shared};
use worker::Worker;

/// Receives lines or tables of text.
pub type TraceFn = dyn Fn(&str) + Send + Sync;

/// Bytes of a request besides the data of a write: headers, and names of other requests.
pub const REQUEST_HEAD: usize = 4096;
/// Largest write that the kernel sends with its default of 256 pages per request.
pub const MAX_WRITE: usize = 1 << 20;
/// Bytes of stack of a further worker's thread; guests run on it.
const WORKER_STACK: usize = 8 << 20;
/// Smallest `max_write` that the kernel takes.
const MIN_WRITE: usize = 4096;

/// What happens after a guest failed in a dispatch. The failed request is answered with EIO in every case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTrap {
    /// Go on with the same guest.
    Continue,
    /// Answer everything with EIO until the mount is unmounted.
    #[default]
    Poison,
    /// [`Server::run`] returns [`End::Faulted`]; the caller makes a new guest and calls it again. Requests wait meanwhile.
    Restart,
}

/// How to serve.
pub struct ServerConfig {
    /// Guests that run in parallel.
    pub workers: usize,
    /// Workers beyond the first are independent copies of the guest, so each of them sees INIT.
    pub replicated: bool,
    /// Largest request in bytes; a write carries up to this less [`REQUEST_HEAD`].
    pub max_request: usize,
    /// Requests that take longer are answered with EIO; `None` waits forever.
    pub timeout: Option<Duration>,
    /// What follows a guest's failure.
    pub on_trap: OnTrap,
    /// SIGINT, SIGTERM and SIGHUP unmount (a second one ends at once), SIGUSR1 reports statistics.
    pub handle_signals: bool,
    /// Take times for the statistics (counts are always kept), and report them at the end.
    pub stats: bool,
    /// Gets a line per message.
    pub trace: Option<Arc<TraceFn>>,
    /// Gets the statistics on SIGUSR1 and at the end; without it they go to stderr.
    pub report: Option<Arc<TraceFn>>,
    /// Called once the kernel accepted INIT: the mount works from now on.
    pub on_ready: Option<Box<dyn FnOnce() + Send>>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            workers: 1,
            replicated: false,
            max_request: MAX_WRITE + REQUEST_HEAD,
            timeout: Some(Duration::from_secs(60)),
            on_trap: OnTrap::default(),
            handle_signals: true,
            stats: false,
            trace: None,
            report: None,
            on_ready: None,
        }
    }
}

impl ServerConfig {
    /// The largest write, from `max_request`, within what the kernel can do.
    pub fn max_write(&self) -> usize {
        self.max_request.saturating_sub(REQUEST_HEAD).clamp(MIN_WRITE, MAX_WRITE) & !(MIN_WRITE - 1)
    }
}

/// Why serving ended without an error.
#[derive(Debug)]
pub enum End {
    /// The filesystem was unmounted.
    Unmounted,
    /// The guest asked for it; it is still mounted.
    Exited,
    /// A second signal demanded it; it may still be mounted.
    Stopped,
    /// The guest failed, and either [`OnTrap::Restart`] was asked for or the guest ended itself; it is still mounted.
    Faulted(GuestFault),
}

/// A served mount. Dropping it unmounts.
pub struct Server {
    // The order matters when this is dropped: the channels close first, and then nothing can wait for us any more;
    // signals are caught until the mount is gone.
    shared: Arc<Shared>,
    mount: Option<Mount>,
    signals: Option<SignalWatch>,
    config: ServerConfig,
    negotiated: Option<Negotiated>,
}

impl Server {
    /// Prepares to serve a mount. Signals are caught from here on, so make it right after the mount.
    pub fn new(mut mount: Mount, config: ServerConfig) -> Result<Server> {
        let device = mount.take_device().ok_or(Error::Channel("using", libc::EBADF))?;
        Server::build(device, Some(mount), config)
    }

    /// Serves a channel that is not a mount of ours.
    pub fn with_transport(transport: Arc<dyn Transport>, config: ServerConfig) -> Result<Server> {
        Server::build(transport, None, config)
    }

    fn build(first: Arc<dyn Transport>, mount: Option<Mount>, mut config: ServerConfig) -> Result<Server> {
        config.workers = config.workers.max(1);
        let mut channels = vec![first.clone()];
        for _ in 1..config.workers {
            let further = first.duplicate().map_err(|e| Error::Resource("opening a channel for a worker", e))?;
            channels.push(further);
        }
        let options = mount.as_ref().map_or_else(MountOptions::default, |mount| mount.options().clone());
        let restricted = options.allow_root && !options.allow_other;
        let only_user = restricted.then(|| sys::effective_ids().0);
        let attr = AttrOverride { uncached: restricted, ..options.attr };
        let unmounter = mount.as_ref().map(Mount::unmounter);
        let shared = Shared::new(channels, &config, attr, only_user, unmounter)
            .map_err(|e| Error::Resource("making an eventfd", e))?;
        sys::install_wake_handler();
        let signals = config.handle_signals.then(|| SignalWatch::new(&control::SIGNALS, shared.wake.clone()));
        Ok(Server { signals, shared: Arc::new(shared), mount, config, negotiated: None })
    }

    /// Where it is mounted.
    pub fn mount(&self) -> Option<&Mount> {
        self.mount.as_ref()
    }

    /// Counts and times so far.
    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Where replies go, for those who need it before [`Guest::attach`].
    pub fn replies(&self) -> Replies {
        Replies::new(&self.shared)
    }

    /// Serves with one guest until the end. After [`End::Faulted`] it may be called again with a new guest, which sees
    /// the INIT of the first.
    pub fn run(&mut self, guest: &mut dyn Guest) -> Result<End> {
        self.serve(guest, More::Threads(Vec::new()))
    }

    /// Serves with several guests in parallel, at most as many as [`ServerConfig::workers`].
    pub fn run_workers<G: Guest + Send>(&mut self, guests: &mut [G]) -> Result<End> {
        let (first, rest) =
            guests.split_first_mut().ok_or(Error::Channel("serving without a guest on", libc::EINVAL))?;
        let further = rest.iter_mut().take(self.config.workers - 1);
        let further = further.map(|guest| -> Further<'_> { Box::new(move |seat| Some(seat.serve(guest))) }).collect();
        self.serve(first, More::Threads(further))
    }

    /// Serves with one guest, and with as many more as there are further [`ServerConfig::workers`]: each is made by `make`
    /// in a thread of its own, where it takes its [`Seat`]. `None` from `make` says that it did not come to that; the
    /// others go on.
    pub fn run_with_more(
        &mut self,
        first: &mut dyn Guest,
        make: &(dyn Fn(Seat) -> Option<Result<End>> + Sync),
    ) -> Result<End> {
        let further = (1..self.config.workers).map(|_| -> Further<'_> { Box::new(make) }).collect();
        self.serve(first, More::Threads(further))
    }

    /// Serves with one guest, and with as many threads of its own as come to take a seat, up to the number of further
    /// [`ServerConfig::workers`].
    pub fn run_with_seats(&mut self, first: &mut dyn Guest, seats: &Seats) -> Result<End> {
        self.serve(first, More::Seats(seats))
    }

    /// Unmounts, after the end of serving.
    pub fn unmount(self) -> Result<Unmounted> {
        let Server { signals, shared, mount, .. } = self;
        drop(shared);
        let result =
            mount.as_ref().map_or(Ok(Unmounted::NotOurs), |mount| mount.unmounter().unmount(Unmount::LazyIfBusy));
        drop(signals);
        result
    }

    fn serve(&mut self, first: &mut dyn Guest, more: More<'_>) -> Result<End> {
        let shared = self.shared.clone();
        shared.ended.store(false, Ordering::Release);
        first.attach(self.replies());
        let signals = self.signals.take();
        let result = self.serve_with(&shared, signals.as_ref(), first, more);
        self.signals = signals;
        // What the standby holds is for the next guest.
        shared.attention.fetch_and(STANDBY, Ordering::AcqRel);
        match &result {
            Ok(End::Unmounted) => shared.forget_all(),
            Ok(End::Faulted(_)) => shared.refuse_all(libc::EIO, false),
            _ => shared.refuse_all(libc::EIO, true),
        }
        if self.config.stats && !matches!(result, Ok(End::Faulted(_))) {
            control::report(&shared.stats, self.config.report.as_deref());
        }
        result
    }

    fn serve_with<'a>(
        &mut self,
        shared: &'a Arc<Shared>,
        signals: Option<&'a SignalWatch>,
        first: &'a mut dyn Guest,
        more: More<'a>,
    ) -> Result<End> {
        let control = Control::new(shared, signals, self.config.report.clone(), self.config.workers);
        let policy = self.config.on_trap;
        std::thread::scope(move |scope| {
            // However this scope is left, also by a panic, the control thread must end before it.
            let _guard = EndGuard(shared);
            std::thread::Builder::new()
                .name("fuse-control".into())
                .stack_size(256 << 10)
                .spawn_scoped(scope, move || control.run())
                .map_err(|e| Error::Resource("starting the control thread", e))?;
            let (further, seats) = match more {
                More::Threads(further) => (further, None),
                More::Seats(seats) => (Vec::new(), Some(CloseGuard(seats, shared))),
            };
            let mut worker = Worker::new(shared, 0, policy, first);
            let (size, replay) = self.handshake(&mut worker)?;
            let seat = |index| Seat { shared: shared.clone(), index, policy, size, init: replay.clone() };
            let mut others = Vec::new();
            for (i, make) in further.into_iter().enumerate() {
                let seat = seat(i + 1);
                let spawned = std::thread::Builder::new()
                    .name(format!("fuse-worker-{}", i + 1))
                    .stack_size(WORKER_STACK)
                    .spawn_scoped(scope, move || make(seat));
                others.push(spawned.map_err(|e| Error::Resource("starting a worker", e))?);
            }
            if let Some(seats) = &seats {
                seats.0.open((1..self.config.workers).map(seat).collect());
            }
            let mut end = worker.run(size);
            drop(worker);
            shared.demand(STOP);
            for other in others {
                if let Some(result) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                    end = more_telling(end, result);
                }
            }
            for result in seats.iter().flat_map(|seats| seats.0.close()) {
                end = more_telling(end, result);
            }
            end
        })
    }

    /// The kernel's INIT when it is the first time, a replay of it for a later guest. Returns the size of requests, and the
    /// INIT that the other workers must see too.
    fn handshake(&mut self, worker: &mut Worker<'_>) -> Result<(usize, Option<Negotiated>)> {
        let negotiated = match self.negotiated.take() {
            Some(negotiated) => {
                negotiated.replay(worker)?;
                negotiated
            }
            None => init::handshake(worker, self.config.max_write())?,
        };
        log::debug!("INIT: {:?}", negotiated.reply);
        let size = negotiated.max_write + REQUEST_HEAD;
        let replay = self.config.replicated.then(|| negotiated.clone());
        self.negotiated = Some(negotiated);
        if let Some(ready) = self.config.on_ready.take() {
            ready();
        }
        Ok((size, replay))
    }
}

/// What runs in a further worker's thread.
type Further<'a> = Box<dyn FnOnce(Seat) -> Option<Result<End>> + Send + 'a>;

/// What serves beside the first worker.
enum More<'a> {
    /// One thread each.
    Threads(Vec<Further<'a>>),
    /// Threads of the guest's.
    Seats(&'a Seats),
}

/// Nobody sits any more when the server ends, however it does.
struct CloseGuard<'a>(&'a Seats, &'a Shared);

impl Drop for CloseGuard<'_> {
    fn drop(&mut self) {
        self.1.demand(STOP);
        self.0.close();
    }
}

struct EndGuard<'a>(&'a Shared);

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        self.0.attention.fetch_or(STOP, Ordering::AcqRel);
        self.0.ended.store(true, Ordering::Release);
        self.0.wake.set();
    }
}

/// Of two workers' ends, the one that says why.
fn more_telling(a: Result<End>, b: Result<End>) -> Result<End> {
    let weight = |end: &Result<End>| match end {
        Err(_) => 4,
        Ok(End::Faulted(_)) => 3,
        Ok(End::Unmounted) => 2,
        Ok(End::Exited) => 1,
        Ok(End::Stopped) => 0,
    };
    if weight(&b) > weight(&a) { b } else { a }
}

/// The answer of a guest to INIT, once.
fn take_init(shared: &Shared) -> Option<std::result::Result<wire::InitOut, sys::Errno>> {
    shared.init.lock().unwrap_or_else(PoisonError::into_inner).take()
}
