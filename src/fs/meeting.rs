//! Where the threads of a guest find the filesystem that the kernel serves.

use super::kernel::unmount;
use super::notify::Notifier;
use crate::host::Errno;
use crate::kernel::device::Device;
use crate::offload::{Code, CommonMemory};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a thread that waits for the mount looks whether it should.
const WAIT: Duration = Duration::from_millis(50);

/// A filesystem that is mounted.
pub(super) struct Mounted {
    /// The first instance's.
    pub(super) device: Device,
    pub(super) notifier: Notifier,
    pub(super) mountpoint: PathBuf,
    /// What further instances need, of a guest with threads.
    pub(super) further: Option<Further>,
}

/// What instances beside the first are made of.
pub(super) struct Further {
    pub(super) memory: CommonMemory,
    pub(super) code: Arc<Code>,
    /// Bytes of a request buffer.
    pub(super) size: u32,
    pub(super) timeout_ms: u32,
}

impl Mounted {
    /// Sends one message of the guest; it has so many pieces, and those of a notification are copied by `gather`.
    pub(super) fn send(
        &self,
        is_reply: bool,
        (pieces, count): (u32, u32),
        gather: impl FnOnce() -> Result<Vec<u8>, Errno>,
    ) -> Result<(), Errno> {
        if !is_reply {
            return self.notifier.send(gather()?);
        }
        match self.device.send(pieces, count)? {
            0 => Ok(()),
            status => Err(Errno::from_emscripten(status.unsigned_abs() as u16).unwrap_or(Errno::EIO)),
        }
    }
}

enum Stage {
    Early,
    Open(Arc<Mounted>),
    Closed,
}

struct State {
    stage: Stage,
    /// Numbers that are left for further workers.
    free: Vec<usize>,
    busy: usize,
}

/// Where threads wait for the mount, and take their places.
pub(super) struct Meeting {
    state: Mutex<State>,
    changed: Condvar,
}

impl Meeting {
    /// For so many workers, the first thread among them.
    pub(super) fn new(workers: usize) -> Meeting {
        let state = State { stage: Stage::Early, free: (1..workers).rev().collect(), busy: 0 };
        Meeting { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The filesystem, if it is mounted.
    pub(super) fn mounted(&self) -> Option<Arc<Mounted>> {
        match &self.state().stage {
            Stage::Open(mounted) => Some(mounted.clone()),
            _ => None,
        }
    }

    /// It is mounted.
    pub(super) fn open(&self, mounted: Mounted) {
        self.state().stage = Stage::Open(Arc::new(mounted));
        self.changed.notify_all();
    }

    /// It is mounted no more, and all threads have been told to end. Waits for them if `wait` says so.
    pub(super) fn close(&self, wait: bool) {
        let mut state = self.state();
        state.stage = Stage::Closed;
        self.changed.notify_all();
        while wait && state.busy > 0 {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Unmounts the filesystem, if it is mounted.
    pub(super) fn unmount(&self) {
        if let Some(mounted) = self.mounted() {
            unmount(&mounted.mountpoint);
        }
    }

    /// A place for a further worker, with its number. Waits for the mount as long as `goes_on` says so; `None` when there is no
    /// place.
    pub(super) fn take(&self, goes_on: &dyn Fn() -> bool) -> Option<Place<'_>> {
        let mut state = self.state();
        while matches!(state.stage, Stage::Early) && goes_on() {
            state = self.changed.wait_timeout(state, WAIT).unwrap_or_else(PoisonError::into_inner).0;
        }
        let Stage::Open(mounted) = &state.stage else { return None };
        let mounted = mounted.clone();
        let number = state.free.pop()?;
        state.busy += 1;
        Some(Place { meeting: self, number, mounted })
    }
}

/// A further worker's place; also a panic gives it back.
pub(super) struct Place<'a> {
    meeting: &'a Meeting,
    pub(super) number: usize,
    pub(super) mounted: Arc<Mounted>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.meeting.state();
        state.busy -= 1;
        state.free.push(self.number);
        self.meeting.changed.notify_all();
    }
}
