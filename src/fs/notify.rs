//! Notifications of a filesystem that is served by the kernel module.
//!
//! A thread of its own writes them: the kernel may have to ask the filesystem while it takes one, which a filesystem that waits for the
//! answer of its own call could not do.

use crate::host::Errno;
use crate::kernel::device::Device;
use std::io::Write;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

/// Most notifications that wait.
const MAX_WAITING: usize = 1024;
/// Largest notification.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Bytes of the head: length, code, and a request's number, which is 0.
const HEAD: usize = 16;

/// Takes notifications, and passes them on.
pub(super) struct Notifier(SyncSender<Vec<u8>>);

impl Notifier {
    /// For the filesystem that is mounted by this device.
    pub(super) fn new(device: &Device) -> std::io::Result<Notifier> {
        let mut to = device.notifications()?;
        let (sender, receiver) = sync_channel::<Vec<u8>>(MAX_WAITING);
        std::thread::Builder::new().name("wasmjit-notify".into()).spawn(move || {
            for message in receiver {
                if let Err(error) = to.write(&message) {
                    // Mostly what is not cached cannot be dropped from the cache.
                    log::debug!("a notification was not taken: {error}");
                }
            }
        })?;
        Ok(Notifier(sender))
    }

    /// Queues a notification.
    pub(super) fn send(&self, message: Vec<u8>) -> Result<(), Errno> {
        let word = |at: usize| {
            message.get(at..at + 4).map(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        };
        if message.len() > MAX_BYTES || message.len() < HEAD || word(0) != i32::try_from(message.len()).ok() {
            return Err(Errno::EINVAL);
        }
        self.0.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Errno::EAGAIN,
            TrySendError::Disconnected(_) => Errno::ENODEV,
        })
    }
}
