//! Write a filesystem in Rust, compile it to WebAssembly, mount it with `wasmjit mount fs.wasm /mnt/x`.
//!
//! The interface is that of the `fuser` crate (0.18), so that a filesystem written for it needs two changes:
//!
//! ```toml
//! [target.'cfg(target_family = "wasm")'.dependencies]
//! wasmjit-fs = { path = ".../sdk/rust" }      # and fuser for cfg(not(target_family = "wasm"))
//! ```
//!
//! ```ignore
//! #[cfg(target_family = "wasm")]
//! extern crate wasmjit_fs as fuser;           // at the top of main.rs
//! ```
//!
//! Implement [`Filesystem`] and call [`mount`] from `main`. The mountpoint that the program names is where the
//! user asked for it on `wasmjit`'s command line: the host mounts, the guest only answers.
//!
//! # Targets
//!
//! * `wasm32-wasip1` (Debian 12's rustc calls it `wasm32-wasi`): the standard library works, files are those that the
//!   user granted by `--dir`. Toolchains whose `_start` does not call the C constructors (Debian 12's) need
//!   `-C link-arg=--export=__wasm_call_ctors`, else the linker makes every request run them again.
//! * `wasm32-unknown-unknown`: no files, no clock but [`now`]; names that are not UTF-8 are answered `EILSEQ` (the
//!   standard library has no byte names there) unless the `std` feature is off.
//!
//! # How it works
//!
//! Requests and replies are Linux FUSE messages. The host writes a request into the buffer that
//! `wasmjit_fuse_buffer` names, and calls `wasmjit_fuse_dispatch`; a reply object sends its message when it is
//! consumed, which may be long after the method that received it has returned. A reply that is dropped answers `EIO`.
//!
//! A panic becomes a trap: the host answers the request with `EIO` and prints the message, which it finds in the
//! exported [`wasmjit_panic_message`].
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs, rust_2018_idioms)]
// Without a host to talk to, nothing is ever decoded.
#![cfg_attr(not(any(feature = "std", target_family = "wasm")), allow(dead_code))]

extern crate alloc;

mod config;
mod dispatch;
mod errno;
mod filesystem;
mod flags;
mod guest;
mod notify;
mod platform;
mod reply;
mod session;
mod types;
mod wire;

#[cfg(feature = "std")]
pub mod testing;

pub use config::{Config, KernelConfig, MountOption, SessionACL};
pub use errno::Errno;
pub use filesystem::Filesystem;
pub use flags::{
    AccessFlags, BsdFileFlags, CopyFileRangeFlags, FopenFlags, InitFlags, IoctlFlags, OpenAccMode, OpenFlags,
    PollEvents, PollFlags, RenameFlags, WriteFlags,
};
#[cfg(target_family = "wasm")]
pub use guest::now;
pub use guest::{set_panic_message, wasmjit_panic_message, PANIC_MESSAGE_SIZE};
pub use notify::{Notifier, PollHandle, PollNotifier};
pub use platform::{io, OsStr, Path, SystemTime, UNIX_EPOCH};
pub use reply::{
    ReplyAttr, ReplyBmap, ReplyCreate, ReplyData, ReplyDirectory, ReplyDirectoryPlus, ReplyEmpty, ReplyEntry,
    ReplyIoctl, ReplyLock, ReplyLseek, ReplyOpen, ReplyPoll, ReplyStatfs, ReplyWrite, ReplyXattr,
};
pub use session::{mount, Session};
pub use types::{
    FileAttr, FileHandle, FileType, ForgetOne, Generation, INodeNo, LockOwner, Request, RequestId, TimeOrNow, Version,
};

/// The host's inode number of the root directory, as a plain number.
pub const FUSE_ROOT_ID: u64 = 1;

/// Adds `key=value` lines to the module's `wasmjit.sdk` section, which tells the host how it may treat the filesystem.
///
/// `readonly=1`: never changes its state by a request, so that the host may run copies of it side by side.
/// `restartable=1`: after a trap the host may start the program again and carry on with the new instance.
///
/// ```
/// wasmjit_fs::declare!("readonly=1\nrestartable=1\n");
/// ```
#[macro_export]
macro_rules! declare {
    ($lines:literal) => {
        const _: () = {
            const TEXT: &[u8] = $lines.as_bytes();
            #[used]
            #[cfg_attr(target_family = "wasm", link_section = "wasmjit.sdk")]
            static DECLARED: [u8; TEXT.len()] = {
                let mut bytes = [0; TEXT.len()];
                let mut i = 0;
                while i < bytes.len() {
                    bytes[i] = TEXT[i];
                    i += 1;
                }
                bytes
            };
        };
    };
}

declare!("abi=1\nsdk=0.1.0\nlanguage=rust\n");
