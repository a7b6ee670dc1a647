//! What an ordinary host call works on: the guest's memory and the host's state of that guest.

use super::errno::Errno;
use super::path::{GuestPath, MAX_PATH};
use super::resolve::Base;
use super::state::Host;
use super::sys::Result;
use crate::memory::{GuestMemory, MemoryFault};

impl From<MemoryFault> for Errno {
    fn from(_: MemoryFault) -> Errno {
        Errno::EFAULT
    }
}

/// The guest's memory and its host state.
pub struct Ctx<'a> {
    /// Linear memory.
    pub mem: GuestMemory<'a>,
    /// The rest.
    pub host: &'a mut Host,
}

impl Ctx<'_> {
    /// Copies a NUL-terminated path out of the guest.
    pub fn path(&self, ptr: u32) -> Result<GuestPath> {
        match self.mem.cstr(ptr, MAX_PATH as u32 + 1) {
            Ok(bytes) => GuestPath::new(&bytes),
            // A string that ends nowhere within the limit is too long if there is that much memory at all.
            Err(_) if self.mem.check(ptr, MAX_PATH as u64 + 1).is_ok() => Err(Errno::ENAMETOOLONG),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Copies a path of known length out of the guest, as WASI hands it over.
    pub fn sized_path(&self, ptr: u32, len: u32) -> Result<GuestPath> {
        GuestPath::new(&self.mem.bytes(ptr, len)?)
    }

    /// The base for a path (see [`Host::base_for`]).
    pub fn base(&self, dirfd: i32, path: &mut GuestPath) -> Result<Base<'_>> {
        self.host.base_for(dirfd, path)
    }

    /// Copies bytes into the guest, as many as fit the guest's buffer.
    pub fn put_truncated(&mut self, ptr: u32, len: u32, bytes: &[u8]) -> Result<u32> {
        let count = bytes.len().min(len as usize);
        self.mem.copy_in(ptr, &bytes[..count])?;
        Ok(count as u32)
    }

    /// The argument with this index in a variable argument area, each of which is 4 bytes.
    pub fn va_arg(&self, va: u32, index: u32) -> Result<u32> {
        let at = va.checked_add(index * 4).ok_or(Errno::EFAULT)?;
        Ok(self.mem.read_u32(at)?)
    }
}
