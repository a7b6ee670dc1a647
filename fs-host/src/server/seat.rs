//! A further worker's place in a running server.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::init::Negotiated;
use super::shared::{STOP, Shared};
use super::worker::Worker;
use super::{End, OnTrap, Replies};
use crate::{Guest, Interrupt, Result};

/// A worker's place. Whoever has it makes a guest in the thread that got it, and serves with that.
pub struct Seat {
    pub(super) shared: Arc<Shared>,
    pub(super) index: usize,
    pub(super) policy: OnTrap,
    pub(super) size: usize,
    /// The INIT that the guest must see.
    pub(super) init: Option<Negotiated>,
}

impl Seat {
    /// The worker's number, from 1 on: no two that serve at a time have the same.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The guest is being made from here on, which may run code of its own: that is subject to the same time as a request,
    /// and is stopped through `interrupter` when the server ends.
    pub fn starting(&self, interrupter: Arc<dyn Interrupt>) {
        self.shared.start(self.index, interrupter);
    }

    /// Serves until the end.
    pub fn serve(self, guest: &mut dyn Guest) -> Result<End> {
        guest.attach(Replies::new(&self.shared));
        let mut worker = Worker::new(&self.shared, self.index, self.policy, guest);
        let started = self.init.as_ref().map_or(Ok(()), |init| init.replay(&mut worker));
        let end = started.and_then(|()| worker.run(self.size));
        drop(worker);
        self.shared.demand(STOP);
        end
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // The thread may end now, so nobody may wake it any more.
        self.shared.leave(self.index);
    }
}

/// How often a thread that waits for the beginning looks whether it should.
const WAIT: Duration = Duration::from_millis(50);

/// Seats for a guest with threads of its own: whichever of them comes to serve takes one.
#[derive(Default)]
pub struct Seats {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    free: Vec<Seat>,
    stage: Stage,
    busy: usize,
    ends: Vec<Result<End>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Early,
    Open,
    Closed,
}

impl Seats {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves in this thread, with a guest that `serve` makes for the seat. Waits for the server's first worker to begin, as
    /// long as `goes_on` says so. False when no seat was left.
    pub fn serve(&self, goes_on: &dyn Fn() -> bool, serve: &mut dyn FnMut(Seat) -> Result<End>) -> bool {
        let mut state = self.state();
        while state.stage == Stage::Early && goes_on() {
            state = self.changed.wait_timeout(state, WAIT).unwrap_or_else(PoisonError::into_inner).0;
        }
        let Some(seat) = state.free.pop() else { return false };
        state.busy += 1;
        drop(state);
        let busy = Busy(self);
        let end = serve(seat);
        self.state().ends.push(end);
        drop(busy);
        true
    }

    /// The first worker serves, and so may others.
    pub(super) fn open(&self, seats: Vec<Seat>) {
        let mut state = self.state();
        state.stage = Stage::Open;
        state.free = seats;
        self.changed.notify_all();
    }

    /// Nobody else begins to serve. Waits until those who do have ended, which they have been told to; how they ended.
    pub(super) fn close(&self) -> Vec<Result<End>> {
        let mut state = self.state();
        state.stage = Stage::Closed;
        self.changed.notify_all();
        let free = std::mem::take(&mut state.free);
        while state.busy > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let ends = std::mem::take(&mut state.ends);
        drop(state);
        drop(free);
        ends
    }
}

/// A taken seat; also a panic gives it back.
struct Busy<'a>(&'a Seats);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.state().busy -= 1;
        self.0.changed.notify_all();
    }
}
