//! The user-space side of the kernel module: images as kernel modules, instances in the kernel.
//!
//! [`image`] makes a kernel module of a [`crate::codegen::CodeImage`] and a template that `kmod/` built, and loads it; [`device`] is an
//! open `/dev/wasm`; [`uapi`] and [`natives`] are what both sides agree on, from which [`header`] makes the C header.

pub mod device;
pub mod header;
pub mod image;
pub mod natives;
pub mod rules;
pub mod uapi;
