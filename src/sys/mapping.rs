//! Address-space reservations and executable mappings.
//!
//! Code is written while its pages are writable and is then made executable and read-only; no page is ever both.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// Bytes of a page of the machine.
pub fn page_size() -> usize {
    static SIZE: OnceLock<usize> = OnceLock::new();
    *SIZE.get_or_init(|| {
        // SAFETY: sysconf has no preconditions.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).unwrap_or(4096)
    })
}

/// The user's id that files of our own must belong to.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid has no preconditions.
    unsafe { libc::geteuid() }
}

/// A range of address space. Inaccessible at first; parts are made readable and writable.
#[derive(Debug)]
pub struct Reservation {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: a reservation is a range of addresses that belongs to the process, not to a thread.
unsafe impl Send for Reservation {}
// SAFETY: the methods that take `&self` only make system calls or return addresses.
unsafe impl Sync for Reservation {}

impl Reservation {
    /// Reserves `len` bytes (rounded up to pages) of inaccessible address space.
    pub fn new(len: usize) -> io::Result<Reservation> {
        let len = len.max(1).checked_next_multiple_of(page_size()).ok_or(io::ErrorKind::OutOfMemory)?;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches nothing that exists.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_NONE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Reservation { base, len })
    }

    /// First address.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the reservation has no bytes; it always has.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes `offset..offset + len` readable and writable; pages that were never written read as zero.
    pub fn commit(&self, offset: usize, len: usize) -> io::Result<()> {
        self.protect(offset, len, libc::PROT_READ | libc::PROT_WRITE)
    }

    /// Makes `offset..offset + len` inaccessible and gives its pages back: a later commit reads zeros.
    pub fn decommit(&self, offset: usize, len: usize) -> io::Result<()> {
        self.protect(offset, len, libc::PROT_NONE)?;
        if len == 0 {
            return Ok(());
        }
        // SAFETY: `protect` has checked that the range is inside of the reservation.
        let rc = unsafe { libc::madvise(self.base.as_ptr().add(offset).cast(), len, libc::MADV_DONTNEED) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn protect(&self, offset: usize, len: usize, protection: i32) -> io::Result<()> {
        if offset.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if len == 0 {
            return Ok(());
        }
        // SAFETY: the range is inside of the mapping that `self` owns.
        let rc = unsafe { libc::mprotect(self.base.as_ptr().add(offset).cast(), len, protection) };
        if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by `new` and is owned by `self` alone.
        unsafe { libc::munmap(self.base.as_ptr().cast(), self.len) };
    }
}

/// A file in read-only pages of its own: nothing is copied, and what is not looked at costs nothing.
#[derive(Debug)]
pub struct FileMapping {
    pages: Reservation,
    len: usize,
}

impl FileMapping {
    /// Maps the first `len` bytes of a file that nobody changes as long as it is mapped, and reads them.
    ///
    /// # Safety
    /// The file has `len` bytes, and nobody changes or shortens it: entries of a directory that only the user can write, who writes
    /// each once, under another name.
    pub unsafe fn new(file: &File, len: usize) -> io::Result<FileMapping> {
        let flags = libc::MAP_PRIVATE | libc::MAP_POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that exists; the descriptor is open.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), len, libc::PROT_READ, flags, file.as_raw_fd(), 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(FileMapping { pages: Reservation { base, len: len.next_multiple_of(page_size()) }, len })
    }
}

impl AsRef<[u8]> for FileMapping {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `new` has mapped the bytes, readable, and its caller promised that they stay as they are.
        unsafe { std::slice::from_raw_parts(self.pages.base().as_ptr(), self.len) }
    }
}

/// Whose pages code lies in.
#[derive(Debug)]
enum Pages {
    Own(Reservation),
    /// From this offset on.
    File(Arc<FileMapping>, usize),
}

/// Machine code in executable, read-only pages.
#[derive(Debug)]
pub struct CodeMapping {
    pages: Pages,
    len: usize,
}

/// Smallest buffer for which large pages are worth asking for.
const LARGE: usize = 4 << 20;

/// Asks for large pages in a range that is about to be filled: a fault for each small one would cost more than the filling.
fn prefer_large_pages(start: *mut u8, len: usize) {
    let from = (start as usize).next_multiple_of(page_size());
    let to = (start as usize + len) & !(page_size() - 1);
    if len >= LARGE && from < to {
        // SAFETY: the advice changes no contents; the whole pages of the range belong to the caller. A refusal changes nothing.
        unsafe { libc::madvise(from as *mut libc::c_void, to - from, libc::MADV_HUGEPAGE) };
    }
}

/// Reads a file to its end, into room that is made for `expected` bytes.
pub fn read_file(file: &mut File, expected: usize) -> io::Result<Vec<u8>> {
    // One more, so that reading finds the end without asking for more room.
    let mut bytes = Vec::with_capacity(expected + 1);
    let room = bytes.spare_capacity_mut();
    prefer_large_pages(room.as_mut_ptr().cast(), room.len());
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl CodeMapping {
    /// Copies `code` to new pages and makes them executable.
    pub fn new(code: &[u8]) -> io::Result<CodeMapping> {
        let pages = Reservation::new(code.len())?;
        pages.commit(0, pages.len())?;
        prefer_large_pages(pages.base().as_ptr(), pages.len());
        // SAFETY: the pages are writable, hold at least `code.len()` bytes and nothing else refers to them.
        unsafe { std::ptr::copy_nonoverlapping(code.as_ptr(), pages.base().as_ptr(), code.len()) };
        pages.protect(0, pages.len(), libc::PROT_READ | libc::PROT_EXEC)?;
        Ok(CodeMapping { pages: Pages::Own(pages), len: code.len() })
    }

    /// Makes what stands in a file from `start` on executable where it is, or a copy of it where that cannot be: it does not begin with a
    /// page, or its filesystem permits no execution.
    pub fn of_file(file: Arc<FileMapping>, start: usize) -> io::Result<CodeMapping> {
        let code = file.as_ref().as_ref().get(start..).ok_or(io::ErrorKind::InvalidInput)?;
        let len = code.len();
        let executable = libc::PROT_READ | libc::PROT_EXEC;
        if len > 0
            && start.is_multiple_of(page_size())
            && file.pages.protect(start, file.pages.len() - start, executable).is_ok()
        {
            return Ok(CodeMapping { pages: Pages::File(file, start), len });
        }
        CodeMapping::new(code)
    }

    /// Address of the first byte.
    pub fn base(&self) -> *const u8 {
        match &self.pages {
            Pages::Own(pages) => pages.base().as_ptr(),
            Pages::File(file, start) => file.pages.base().as_ptr().wrapping_add(*start),
        }
    }

    /// Bytes of code.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Address of the byte at `offset`, if it is inside of the code.
    pub fn at(&self, offset: usize) -> Option<*const u8> {
        (offset < self.len).then(|| self.base().wrapping_add(offset))
    }
}

/// Gives heap pages that lie idle back to the system. Worth its millisecond after work that needed much more than what follows.
pub fn release_idle_heap() {
    // SAFETY: the allocator synchronizes the call itself; no live allocation is touched.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decommitted_pages_read_zero_again() {
        let pages = Reservation::new(3 * page_size()).unwrap();
        pages.commit(0, page_size()).unwrap();
        // SAFETY: the first page is readable and writable.
        unsafe { pages.base().as_ptr().write(7) };
        pages.decommit(0, page_size()).unwrap();
        pages.commit(0, page_size()).unwrap();
        // SAFETY: as above.
        assert_eq!(unsafe { pages.base().as_ptr().read() }, 0);
        assert!(pages.commit(page_size(), usize::MAX).is_err());
        assert!(pages.commit(3 * page_size(), 1).is_err());
    }

    #[test]
    fn code_is_never_writable_and_executable() {
        check_code(CodeMapping::new(CODE).unwrap());
    }

    #[test]
    fn code_of_a_file_runs_where_it_is_or_as_a_copy() {
        for start in [2 * page_size(), 100] {
            let path = std::env::temp_dir().join(format!("wasmjit-mapping-{}-{start}", std::process::id()));
            std::fs::write(&path, [&vec![0; start], CODE].concat()).unwrap();
            // SAFETY: nobody else knows of the file, which is long enough.
            let mapped = unsafe { FileMapping::new(&File::open(&path).unwrap(), start + CODE.len()) }.unwrap();
            std::fs::remove_file(&path).unwrap();
            let mapped = Arc::new(mapped);
            assert_eq!(&mapped.as_ref().as_ref()[start..], CODE);
            assert!(CodeMapping::of_file(mapped.clone(), start + CODE.len() + 1).is_err());
            let code = CodeMapping::of_file(mapped.clone(), start).unwrap();
            let inside = (code.base() as usize).wrapping_sub(mapped.pages.base().as_ptr() as usize) == start;
            assert_eq!((code.len(), inside), (CODE.len(), start.is_multiple_of(page_size())));
            drop(mapped);
            check_code(code);
        }
    }

    /// `mov eax, 42; ret`.
    const CODE: &[u8] = &[0xb8, 42, 0, 0, 0, 0xc3];

    fn check_code(code: CodeMapping) {
        // SAFETY: the bytes are those of `CODE`, a function that takes nothing.
        let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(code.base()) };
        assert_eq!(function(), 42);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        // Neighbours with the same rights share a line.
        let hex = |text: &str| usize::from_str_radix(text, 16).unwrap();
        let holds = |line: &&str| {
            let (from, rest) = line.split_once('-').unwrap();
            (hex(from)..hex(rest.split_once(' ').unwrap().0)).contains(&(code.base() as usize))
        };
        let line = maps.lines().find(holds).unwrap();
        assert!(line.contains(" r-xp "), "{line}");
        assert!(!maps.contains(" rwxp "), "{maps}");
    }
}
