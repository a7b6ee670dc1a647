//! Files that are mapped into guests.
//!
//! A guest's memory cannot share pages with a file, so a mapping is a copy: read when it is made, and, if it is shared
//! and writable, written back by `msync`, when it ends, and when the program ends.

use super::errno::Errno;
use super::fd::File;
use super::sys::{self, Result};
use crate::memory::{GuestMemory, MAX_BUFFER};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most mappings at a time, as on Linux.
const MAX_MAPPINGS: usize = 65_530;

/// One mapping.
#[derive(Debug)]
pub struct Mapping {
    /// Where it is in the guest's memory.
    pub addr: u32,
    /// Its length in bytes.
    pub len: u32,
    /// Where it begins in the file.
    pub offset: i64,
    /// The file, which stays open as long as the mapping is there.
    pub file: Arc<File>,
    /// Whether changes go back to the file.
    pub write_back: bool,
}

impl Mapping {
    /// Copies the file in; what lies beyond its end is zero.
    pub fn load(&self, mem: &mut GuestMemory<'_>) -> Result<()> {
        mem.check(self.addr, u64::from(self.len))?;
        let fd = self.file.fd()?;
        let mut filled = 0;
        while filled < self.len {
            let offset = self.offset + i64::from(filled);
            match mem.fill_with(self.addr + filled, self.len - filled, |bytes| sys::pread(fd, bytes, offset)) {
                Ok(0) => break,
                Ok(n) => filled += n as u32,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(mem.fill(self.addr.wrapping_add(filled), self.len - filled, 0)?)
    }

    /// Copies the first `len` bytes back, as far as the file goes.
    pub fn store(&self, mem: &GuestMemory<'_>, len: u32) -> Result<()> {
        if !self.write_back {
            return Ok(());
        }
        let size = sys::fstat(self.file.fd()?)?.st_size;
        let len = i64::from(len.min(self.len)).min(size - self.offset).max(0);
        let (len, mut written) = (len as u32, 0);
        mem.check(self.addr, u64::from(len))?;
        while written < len {
            let bytes = mem.bytes(self.addr + written, (len - written).min(MAX_BUFFER))?;
            match sys::pwrite(self.file.fd()?, &bytes, self.offset + i64::from(written)) {
                Ok(n) => written += n as u32,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(())
    }
}

/// All mappings of a guest, by address.
#[derive(Debug, Default)]
pub struct Mappings(BTreeMap<u32, Mapping>);

impl Mappings {
    /// Refuses one more than there may be.
    pub fn room(&self) -> Result<()> {
        if self.0.len() < MAX_MAPPINGS { Ok(()) } else { Err(Errno::ENOMEM) }
    }

    /// Adds a mapping, in place of one at the same address.
    pub fn insert(&mut self, mapping: Mapping) {
        self.0.insert(mapping.addr, mapping);
    }

    /// The mapping that begins at an address.
    pub fn find(&self, addr: u32) -> Option<&Mapping> {
        self.0.get(&addr)
    }

    /// Takes out the mapping that begins at an address.
    pub fn remove(&mut self, addr: u32) -> Option<Mapping> {
        self.0.remove(&addr)
    }

    /// Writes every mapping back that is due.
    pub fn store_all(&self, mem: &GuestMemory<'_>) {
        for mapping in self.0.values() {
            if let Err(errno) = mapping.store(mem, mapping.len) {
                log::warn!("a mapped file could not be written back: {errno}");
            }
        }
    }
}
