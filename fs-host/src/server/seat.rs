//! A further worker's place in a running server.

use std::sync::Arc;

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
