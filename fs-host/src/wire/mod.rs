//! The FUSE wire format: structures, opcodes and flags as the Linux uapi defines them.
//!
//! Everything in here is a fact of the kernel's interface (`linux/fuse.h`, protocol 7.31 upward, little
//! endian), stated once. Layouts are checked at compile time. Bytes become structures only through
//! [`Wire::read`], which checks the length, so no code outside this module casts pointers.

mod flags;
mod opcode;
mod structs;

pub use flags::*;
pub use opcode::*;
pub use structs::*;

/// The protocol's major version.
pub const KERNEL_VERSION: u32 = 7;
/// The oldest minor version that a kernel may speak to this crate.
pub const OLDEST_MINOR: u32 = 31;
/// The newest minor version whose messages this crate knows.
pub const NEWEST_MINOR: u32 = 45;
/// Smallest buffer that the kernel accepts for a read from its device.
pub const MIN_READ_BUFFER: usize = 8192;
/// The node id of the root directory.
pub const ROOT_ID: u64 = 1;
/// Longest name in a directory, in bytes.
pub const NAME_MAX: usize = 255;
/// Longest target of a symbolic link, in bytes.
pub const LINK_MAX: usize = 4095;
/// Longest extended attribute value and longest attribute name list, in bytes.
pub const XATTR_MAX: usize = 65536;
/// Replies carry errors in `-MAX_ERRNO..=0`; the kernel refuses everything else.
pub const MAX_ERRNO: i32 = 511;
/// Set in the `unique` of an INTERRUPT message: the request that it is about has the bit clear.
pub const INTERRUPT_BIT: u64 = 1;
/// Bytes before the name in a directory entry.
pub const DIRENT_HEAD: usize = 24;

/// Rounds up to the 8-byte boundary on which variable-length records begin.
pub const fn align8(len: usize) -> usize {
    (len + 7) & !7
}
