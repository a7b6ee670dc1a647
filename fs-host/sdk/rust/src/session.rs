//! One mounted filesystem: where its requests arrive and where its replies go.

use crate::dispatch::Dispatcher;
use crate::platform::{io, io_error};
use crate::wire::OUT_HEADER;
use crate::{guest, Config, Errno, Filesystem, Notifier};
use alloc::boxed::Box;
use core::fmt;

/// Takes whole messages, in parts.
pub(crate) trait Transport: Sync {
    /// Sends one message; the first part is its header.
    fn send(&self, parts: &[&[u8]]) -> Result<(), Errno>;
}

/// The most parts that a message has: header, fixed part, name, NUL.
pub(crate) const MAX_PARTS: usize = 4;

/// The way to whoever asks.
#[derive(Clone, Copy)]
pub(crate) struct Sender(pub(crate) &'static dyn Transport);

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

impl Sender {
    /// Sends the answer to `unique` (`error` is 0 or a negative error number) or a notification (`unique` is 0).
    pub(crate) fn send(self, unique: u64, error: i32, parts: &[&[u8]]) -> Result<(), Errno> {
        debug_assert!(parts.len() < MAX_PARTS);
        let len = OUT_HEADER + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut header = [0; OUT_HEADER];
        header[..4].copy_from_slice(&(len as u32).to_le_bytes());
        header[4..8].copy_from_slice(&error.to_le_bytes());
        header[8..].copy_from_slice(&unique.to_le_bytes());
        let mut whole: [&[u8]; MAX_PARTS] = [&header, &[], &[], &[]];
        whole[1..=parts.len()].copy_from_slice(parts);
        self.0.send(&whole[..=parts.len()])
    }
}

/// A filesystem that the host has mounted and that is not yet served.
#[derive(Debug)]
pub struct Session<F: Filesystem> {
    filesystem: F,
}

impl<F: Filesystem> Session<F> {
    /// Asks the host to mount. The mountpoint is the host's choice, so that `_mountpoint` has no effect.
    ///
    /// # Errors
    /// When the host refuses to mount.
    pub fn new<P>(filesystem: F, _mountpoint: P, options: &Config) -> io::Result<Session<F>> {
        guest::mount(&options.wishes()).map_err(io_error)?;
        Ok(Session { filesystem })
    }

    /// Serves requests until the filesystem is unmounted.
    ///
    /// # Errors
    /// When the host ends the session for another reason.
    pub fn run(self) -> io::Result<()> {
        let dispatcher = Dispatcher::new(self.filesystem, guest::sender());
        guest::serve(Box::new(dispatcher)).map_err(io_error)
    }

    /// A way to send notifications while the filesystem is served.
    pub fn notifier(&self) -> Notifier {
        Notifier::new(guest::sender())
    }
}

/// Mounts the filesystem and serves it until it is unmounted.
///
/// The mountpoint is where the user of `wasmjit` wants it: whatever is passed here has no effect. Of the options, the
/// host honours those that concern the filesystem (`FSName`, `Subtype`, `RO`, `DefaultPermissions`); who may see the
/// mount and what may be executed there is for its user to say.
///
/// # Errors
/// When the host refuses to mount, or ends the session for another reason than unmounting.
pub fn mount<F: Filesystem, P>(filesystem: F, mountpoint: P, options: &Config) -> io::Result<()> {
    Session::new(filesystem, mountpoint, options)?.run()
}
