//! Mounts any guest that answers FUSE messages; knows nothing of WebAssembly.
//!
//! A [`Guest`] gets requests in Linux's own FUSE message format and sends replies in it. This crate mounts, reads
//! requests straight into the guest's memory, checks every reply before the kernel sees it, and sees to it that neither a
//! broken nor a hostile guest can hang its callers or leave a dead mount behind.
//!
//! ```no_run
//! use fs_host::{Mount, MountOptions, Server, ServerConfig, memfs::MemFs};
//!
//! let options = MountOptions::parse("fsname=scratch,default_permissions")?;
//! let mount = Mount::new("/mnt/scratch", &options)?;
//! let mut server = Server::new(mount, ServerConfig::default())?;
//! let end = server.run(&mut MemFs::new())?;
//! println!("{end:?}");
//! # Ok::<(), fs_host::Error>(())
//! ```
//!
//! The map of the house, downward: [`Server`] over [`validate`], [`Stats`] and [`Mount`], these over [`transport`] and
//! [`wire`]. [`memfs`] is a guest like any other.

mod error;
mod guest;
pub mod memfs;
mod mount;
mod options;
mod server;
mod stats;
mod sys;
mod trace;
pub mod transport;
pub mod validate;
pub mod wire;

pub use error::{Error, Result};
pub use guest::{FaultKind, Guest, GuestFault, Interrupt, NoInterrupt, RequestBuffer};
pub use mount::{Mount, Unmount, Unmounted, Unmounter, unmount};
pub use options::{AttrOverride, MountOptions};
pub use server::{End, MAX_WRITE, OnTrap, REQUEST_HEAD, Replies, Seat, Seats, Server, ServerConfig, TraceFn};
pub use stats::Stats;
pub use sys::{Errno, RawSlice, wake_signal};

pub(crate) use mount::unmount_in_background;
