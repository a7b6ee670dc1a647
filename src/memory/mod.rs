//! Linear memory reservations and checked guest pointers.
//!
//! [`LinearMemory`] owns the address space of one memory and never moves it; [`SharedMemory`] is one that threads share, and [`parking`]
//! is where they wait for each other. [`GuestMemory`] is the one place where addresses
//! and lengths that a guest supplies are checked.

#![allow(unsafe_code)]

mod guest;
mod linear;
pub mod parking;
mod shared;

pub use guest::{GuestMemory, IoVec, MAX_BUFFER, MemoryFault, Pod};
pub use linear::{GUARD_BYTES, LinearMemory, MAX_PAGES, MAX_PAGES_64, PAGE_BYTES, RESERVED_BYTES};
pub use shared::SharedMemory;
