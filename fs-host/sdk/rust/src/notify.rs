//! Messages that the filesystem sends of its own accord.

use crate::platform::{io, io_error, os_bytes, OsStr};
use crate::session::Sender;
use crate::wire::Fixed;
use crate::{Errno, INodeNo};
use core::fmt;

const POLL: i32 = 1;
const INVAL_INODE: i32 = 2;
const INVAL_ENTRY: i32 = 3;
const STORE: i32 = 4;
const DELETE: i32 = 6;

/// Names a pending `poll`.
#[derive(Clone, Copy, Debug)]
pub struct PollHandle(pub u64);

/// Tells the kernel that a polled file became ready.
#[derive(Clone)]
pub struct PollNotifier {
    handle: PollHandle,
    notifier: Notifier,
}

impl PollNotifier {
    pub(crate) fn new(sender: Sender, handle: u64) -> PollNotifier {
        PollNotifier { handle: PollHandle(handle), notifier: Notifier::new(sender) }
    }

    /// The handle of the `poll`.
    pub fn handle(&self) -> PollHandle {
        self.handle
    }

    /// Tells the kernel to poll again.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn notify(self) -> io::Result<()> {
        self.notifier.poll(self.handle)
    }
}

impl fmt::Debug for PollNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// Sends notifications to the kernel.
#[derive(Clone)]
pub struct Notifier(Sender);

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}

impl Notifier {
    pub(crate) fn new(sender: Sender) -> Notifier {
        Notifier(sender)
    }

    /// A polled file became ready.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn poll(&self, handle: PollHandle) -> io::Result<()> {
        self.send(POLL, &[Fixed::new().u64(handle.0).as_bytes()])
    }

    /// Drops a name from the kernel's cache.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn inval_entry(&self, parent: INodeNo, name: &OsStr) -> io::Result<()> {
        let name = bytes(name)?;
        let fixed = Fixed::new().u64(parent.0).u32(name.len() as u32).u32(0);
        harmless(self.send(INVAL_ENTRY, &[fixed.as_bytes(), name, &[0]]))
    }

    /// Drops an inode's attributes and a range of its contents from the kernel's cache. A negative `offset` keeps the
    /// contents; a length of 0 goes to the end.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn inval_inode(&self, ino: INodeNo, offset: i64, len: i64) -> io::Result<()> {
        let fixed = Fixed::new().u64(ino.0).u64(offset as u64).u64(len as u64);
        harmless(self.send(INVAL_INODE, &[fixed.as_bytes()]))
    }

    /// Puts contents into the kernel's cache.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn store(&self, ino: INodeNo, offset: u64, data: &[u8]) -> io::Result<()> {
        let size = u32::try_from(data.len()).map_err(|_| io_error(Errno::E2BIG))?;
        let fixed = Fixed::new().u64(ino.0).u64(offset).u32(size).u32(0);
        harmless(self.send(STORE, &[fixed.as_bytes(), data]))
    }

    /// Drops a name from the kernel's cache because the file was deleted.
    ///
    /// # Errors
    /// When the host refuses the message.
    pub fn delete(&self, parent: INodeNo, child: INodeNo, name: &OsStr) -> io::Result<()> {
        let name = bytes(name)?;
        let fixed = Fixed::new().u64(parent.0).u64(child.0).u32(name.len() as u32).u32(0);
        harmless(self.send(DELETE, &[fixed.as_bytes(), name, &[0]]))
    }

    fn send(&self, code: i32, parts: &[&[u8]]) -> io::Result<()> {
        // The `error` field of a message with no request (unique 0) is the notification's code.
        self.0.send(0, code, parts).map_err(io_error)
    }
}

fn bytes(name: &OsStr) -> io::Result<&[u8]> {
    os_bytes(name).ok_or_else(|| io_error(Errno::EILSEQ))
}

/// What is to be dropped is often not cached any more.
fn harmless(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) => match Errno::from(error) {
            Errno::ENOENT => Ok(()),
            errno => Err(io_error(errno)),
        },
        ok => ok,
    }
}
