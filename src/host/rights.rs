//! WASI's rights: what a descriptor may be used for.
//!
//! They say nothing that the sandbox relies on. A program sees the rights that it asked for and that make sense for what it has opened;
//! those that it gives up are gone. Rights that it merely forgot to ask for are not held against it.

use super::errno::Errno;
use super::sys::Result;
use std::sync::atomic::{AtomicU64, Ordering};

/// Expands the rights into constants.
macro_rules! rights {
    ($($bit:literal $name:ident)*) => {
        $(#[allow(missing_docs)] pub const $name: u64 = 1 << $bit;)*
    };
}

rights! {
    0 FD_DATASYNC
    1 FD_READ
    2 FD_SEEK
    3 FD_FDSTAT_SET_FLAGS
    4 FD_SYNC
    5 FD_TELL
    6 FD_WRITE
    7 FD_ADVISE
    8 FD_ALLOCATE
    14 FD_READDIR
    19 PATH_FILESTAT_SET_SIZE
    21 FD_FILESTAT_GET
    22 FD_FILESTAT_SET_SIZE
    23 FD_FILESTAT_SET_TIMES
    27 POLL_FD_READWRITE
    28 SOCK_SHUTDOWN
    29 SOCK_ACCEPT
}

/// Every right that WASI defines.
pub const ALL: u64 = (1 << 30) - 1;

/// Rights to act on paths below a directory, reading it included.
const PATHS: u64 = 0xfff << 9 | 7 << 24;

/// Rights that make sense for a directory.
pub const DIRECTORY: u64 =
    PATHS | FD_DATASYNC | FD_SYNC | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | FD_FILESTAT_SET_TIMES | POLL_FD_READWRITE;

/// Rights that make sense for a socket.
pub const SOCKET: u64 =
    FD_READ | FD_WRITE | FD_FDSTAT_SET_FLAGS | FD_FILESTAT_GET | POLL_FD_READWRITE | SOCK_SHUTDOWN | SOCK_ACCEPT;

/// Rights that make sense for every other file.
pub const FILE: u64 = ALL & !PATHS & !SOCK_SHUTDOWN & !SOCK_ACCEPT;

/// A descriptor's rights, and those that it hands on.
#[derive(Debug)]
pub struct RightsCell {
    base: AtomicU64,
    inheriting: AtomicU64,
    dropped: AtomicU64,
}

impl Default for RightsCell {
    fn default() -> RightsCell {
        RightsCell { base: AtomicU64::new(ALL), inheriting: AtomicU64::new(ALL), dropped: AtomicU64::new(0) }
    }
}

impl RightsCell {
    /// The descriptor's own rights.
    pub fn base(&self) -> u64 {
        self.base.load(Ordering::Relaxed)
    }

    /// The rights of what is opened through it.
    pub fn inheriting(&self) -> u64 {
        self.inheriting.load(Ordering::Relaxed)
    }

    /// The rights that were given up; all are below bit 30.
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::Relaxed) as u32
    }

    /// Refuses what a right was given up for.
    #[inline]
    pub fn need(&self, right: u64) -> Result<()> {
        if self.dropped.load(Ordering::Relaxed) & right == 0 { Ok(()) } else { Err(Errno::ENOTCAPABLE) }
    }

    /// Gives rights up, of those that the descriptor's kind can have.
    ///
    /// # Errors
    /// ENOTCAPABLE where a right is asked for that is not there.
    pub fn shrink(&self, kind: u64, base: u64, inheriting: u64) -> Result<()> {
        if base & !(self.base() & kind) != 0 || inheriting & !self.inheriting() != 0 {
            return Err(Errno::ENOTCAPABLE);
        }
        self.dropped.fetch_or(self.base() & !base, Ordering::Relaxed);
        self.base.store(base, Ordering::Relaxed);
        self.inheriting.store(inheriting, Ordering::Relaxed);
        Ok(())
    }

    /// Sets the rights of a new descriptor: those that were asked for, and that the directory hands on.
    pub fn inherit(&self, directory: &RightsCell, base: u64, inheriting: u64) {
        let handed = directory.inheriting();
        self.base.store(base & handed, Ordering::Relaxed);
        self.inheriting.store(inheriting & handed, Ordering::Relaxed);
        self.dropped.store(ALL & !handed, Ordering::Relaxed);
    }
}
