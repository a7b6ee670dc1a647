//! An open `/dev/wasm`: one instance in the kernel.
#![allow(unsafe_code)]

use super::uapi;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::AtomicU64;

/// Where the kernel module is reached.
pub const PATH: &str = "/dev/wasm";

/// What an instance begins with.
#[derive(Debug, Default)]
pub struct Setup {
    /// Number of a loaded image.
    pub image: u64,
    /// Values of globals, imported ones first.
    pub globals: Vec<[u64; 2]>,
    /// How many of them are imported.
    pub imported_globals: u32,
    /// Tables: function numbers plus one, 0 for null; and how many there may be.
    pub tables: Vec<(Vec<u32>, u32)>,
    /// Element segments, as tables.
    pub segments: Vec<Vec<u32>>,
    /// For each imported function a [`super::natives::Native`], or 0.
    pub imports: Vec<u32>,
    /// Pages of memory now.
    pub memory_pages: u32,
    /// Most pages.
    pub max_pages: u32,
    /// Bytes of stack, a multiple of the page size.
    pub stack_bytes: u32,
    /// Milliseconds for a call, 0 for any time.
    pub timeout_ms: u32,
    /// The owner runs the guest by [`Device::run`].
    pub coroutine: bool,
    /// The guest's descriptors.
    pub files: Vec<uapi::FileChange>,
    /// How often their table had changed then.
    pub files_at: u64,
    /// The guest's `struct stat`.
    pub stat: [u32; uapi::STAT_FIELDS],
    /// Descriptor of the device that has the memory, of a guest with threads.
    pub memory: Option<RawFd>,
}

fn list(entries: &[u32], max: u32) -> uapi::Table {
    uapi::Table { entries: entries.as_ptr() as u64, len: entries.len() as u32, max }
}

/// An instance in the kernel.
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens the device.
    ///
    /// # Errors
    /// Without the kernel module, or without the right to use it.
    pub fn open() -> io::Result<Device> {
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_CLOEXEC).open(PATH).map(Device)
    }

    /// Another descriptor of the same instance.
    ///
    /// # Errors
    /// If the process has too many.
    pub fn try_clone(&self) -> io::Result<Device> {
        self.0.try_clone().map(Device)
    }

    /// Its descriptor.
    pub fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// # Safety
    /// `argument` is what the request takes.
    unsafe fn ioctl(&self, request: u64, argument: *mut libc::c_void) -> io::Result<()> {
        // SAFETY: by contract.
        match unsafe { libc::ioctl(self.fd(), request, argument) } {
            0.. => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Keeps a loaded image where it is for the instance that is going to be made.
    ///
    /// # Errors
    /// If the image is not loaded (any more), or another one is held.
    pub fn hold(&self, mut image: u64) -> io::Result<()> {
        // SAFETY: the request reads a number.
        unsafe { self.ioctl(uapi::HOLD, std::ptr::from_mut(&mut image).cast()) }
    }

    /// Makes the instance.
    ///
    /// # Errors
    /// If the kernel refuses it: limits, memory, a missing image.
    pub fn create(&self, setup: &Setup) -> io::Result<()> {
        let tables: Vec<_> = setup.tables.iter().map(|(entries, max)| list(entries, *max)).collect();
        let segments: Vec<_> = setup.segments.iter().map(|entries| list(entries, 0)).collect();
        let mut create = uapi::Create {
            abi_hash: crate::codegen::image::abi_hash(),
            image: setup.image,
            globals: setup.globals.as_ptr() as u64,
            tables: tables.as_ptr() as u64,
            segments: segments.as_ptr() as u64,
            imports: setup.imports.as_ptr() as u64,
            imported_globals: setup.imported_globals,
            own_globals: setup.globals.len() as u32 - setup.imported_globals,
            table_count: tables.len() as u32,
            memory_pages: setup.memory_pages,
            max_pages: setup.max_pages,
            stack_bytes: setup.stack_bytes,
            timeout_ms: setup.timeout_ms,
            segment_count: segments.len() as u32,
            flags: if setup.coroutine { uapi::CREATE_COROUTINE } else { 0 },
            files: setup.files.as_ptr() as u64,
            files_at: setup.files_at,
            file_count: setup.files.len() as u32,
            stat: setup.stat,
            memory: setup.memory.map_or(uapi::OWN_MEMORY, |fd| fd as u32),
            reserved: 0,
        };
        // SAFETY: the structure is the request's; the lists that it names live through the call.
        unsafe { self.ioctl(uapi::CREATE, std::ptr::from_mut(&mut create).cast()) }
    }

    /// Calls a function; the arguments in `values` are replaced by the results. Gives how it trapped, if it did.
    ///
    /// # Errors
    /// If the call was not possible.
    pub fn call(&self, func: u32, values: &mut [u64]) -> io::Result<Option<uapi::TrapInfo>> {
        let mut call =
            uapi::Call { values: values.as_mut_ptr() as u64, func, count: values.len() as u32, ..Default::default() };
        // SAFETY: the structure is the request's; the values live through the call.
        unsafe { self.ioctl(uapi::CALL, std::ptr::from_mut(&mut call).cast())? };
        Ok((call.trapped != 0).then_some(call.trap))
    }

    /// Answers the event before, waits for the next one.
    ///
    /// # Errors
    /// If a signal came, or nothing is to be answered.
    pub fn serve(&self, event: &mut uapi::Event, globals: &mut [[u64; 2]]) -> io::Result<()> {
        event.globals = globals.as_mut_ptr() as u64;
        // SAFETY: the structure is the request's. The caller gives a list of as many globals as the instance has own ones.
        unsafe { self.ioctl(uapi::SERVE, std::ptr::from_mut(event).cast()) }
    }

    /// Starts the guest or lets it go on, until it needs its owner.
    ///
    /// # Errors
    /// If a signal came before the guest ran, or it cannot run.
    pub fn run(&self, event: &mut uapi::Event, globals: &mut [[u64; 2]]) -> io::Result<()> {
        event.globals = globals.as_mut_ptr() as u64;
        // SAFETY: as above.
        unsafe { self.ioctl(uapi::RUN, std::ptr::from_mut(event).cast()) }
    }

    /// Where notifications of the mounted filesystem are written to, each by one write.
    ///
    /// # Errors
    /// If nothing is mounted, or there are too many descriptors.
    pub fn notifications(&self) -> io::Result<File> {
        // SAFETY: the request takes no argument; the descriptor that it gives is ours alone.
        unsafe {
            match libc::ioctl(self.fd(), uapi::NOTIFY, 0) {
                fd @ 0.. => Ok(File::from_raw_fd(fd)),
                _ => Err(io::Error::last_os_error()),
            }
        }
    }

    /// Makes this a memory for instances that share it ([`Setup::memory`]), and no instance itself.
    ///
    /// # Errors
    /// If memory runs out, or it is an instance already.
    pub fn make_memory(&self, mut max_pages: u32) -> io::Result<()> {
        // SAFETY: the request reads a number.
        unsafe { self.ioctl(uapi::MEMORY, std::ptr::from_mut(&mut max_pages).cast()) }
    }

    /// Makes such a memory `pages` pages large, for all instances that have it.
    ///
    /// # Errors
    /// If a limit forbids it, or memory runs out.
    pub fn grow_memory(&self, mut pages: u32) -> io::Result<()> {
        // SAFETY: the request reads a number.
        unsafe { self.ioctl(uapi::GROW, std::ptr::from_mut(&mut pages).cast()) }
    }

    /// Lets the instance answer requests beside one that is mounted.
    ///
    /// # Errors
    /// If that one is not mounted (any more), or is none of the same guest.
    pub fn join(&self, mounted: &Device, dispatch: u32, buffer: u32) -> io::Result<()> {
        let mut join = uapi::Join { fd: mounted.fd() as u32, dispatch, buffer, reserved: 0 };
        // SAFETY: the structure is the request's.
        unsafe { self.ioctl(uapi::JOIN, std::ptr::from_mut(&mut join).cast()) }
    }

    /// Sends a reply that a thread in user space has put into linear memory: the pieces' list and their number. Gives 0 or an
    /// error in WASI's numbering, negated.
    ///
    /// # Errors
    /// If the instance shares no memory.
    pub fn send(&self, iov: u32, count: u32) -> io::Result<i32> {
        let mut send = uapi::Send { iov, count, ..Default::default() };
        // SAFETY: the structure is the request's.
        unsafe { self.ioctl(uapi::SEND, std::ptr::from_mut(&mut send).cast())? };
        Ok(send.status as i32)
    }

    /// Waits until the caller of a host function that the owner has to call gets a signal; gives the call's number
    /// ([`uapi::Event::call`]).
    ///
    /// # Errors
    /// When nothing more is going to be called.
    pub fn watch(&self) -> io::Result<u64> {
        let mut call = 0u64;
        // SAFETY: the request writes a number.
        unsafe { self.ioctl(uapi::WATCH, std::ptr::from_mut(&mut call).cast())? };
        Ok(call)
    }

    /// What the tables hold: function numbers plus one, 0 for null.
    ///
    /// # Errors
    /// If a signal came, or memory runs out.
    pub fn tables(&self, count: usize) -> io::Result<Vec<Vec<u32>>> {
        let mut lists = vec![Vec::new(); count];
        // The first turn tells how long they are.
        for _ in 0..2 {
            let mut tables: Vec<_> = lists.iter().map(|entries: &Vec<u32>| list(entries, 0)).collect();
            let mut state = uapi::State { tables: tables.as_mut_ptr() as u64, ..Default::default() };
            // SAFETY: the structure is the request's; each list has as much room as it says.
            unsafe { self.ioctl(uapi::STATE, std::ptr::from_mut(&mut state).cast())? };
            for (entries, table) in lists.iter_mut().zip(&tables) {
                entries.resize(table.len as usize, 0);
            }
        }
        Ok(lists)
    }

    /// Looks at the instance; `globals` has as many entries as it has own globals.
    ///
    /// # Errors
    /// If a signal came.
    pub fn state(&self, globals: &mut [[u64; 2]]) -> io::Result<uapi::State> {
        let mut state = uapi::State { globals: globals.as_mut_ptr() as u64, ..Default::default() };
        // SAFETY: as above.
        unsafe { self.ioctl(uapi::STATE, std::ptr::from_mut(&mut state).cast())? };
        Ok(state)
    }

    /// Makes the running guest end, or allows it to run again.
    ///
    /// # Errors
    /// If there is no instance.
    pub fn stop(&self, stop: bool) -> io::Result<()> {
        // SAFETY: the argument is a number.
        unsafe { self.ioctl(uapi::STOP, stop as usize as *mut libc::c_void) }
    }

    /// Maps the first `len` bytes of linear memory at `at`, in place of what was mapped there, or anywhere if it is null.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Safety
    /// Nobody refers to what was mapped at `at`, or expects what was there to stay.
    pub unsafe fn map(&self, at: *mut u8, len: usize) -> io::Result<*mut u8> {
        // SAFETY: by contract.
        unsafe { self.map_from(at, len, 0) }
    }

    /// Maps the page of [`uapi::NOTE_OFFSET`], which begins with the count.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn map_note(&self) -> io::Result<&'static AtomicU64> {
        // SAFETY: a fresh mapping, which is aligned, begins with zeros, and is never taken away.
        unsafe { Ok(&*self.map_from(std::ptr::null_mut(), size_of::<u64>(), uapi::NOTE_OFFSET)?.cast()) }
    }

    /// # Safety
    /// As [`Device::map`].
    unsafe fn map_from(&self, at: *mut u8, len: usize, offset: u64) -> io::Result<*mut u8> {
        let fixed = if at.is_null() { 0 } else { libc::MAP_FIXED };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: by contract.
        let found = unsafe {
            libc::mmap(at.cast(), len, protection, libc::MAP_SHARED | fixed, self.fd(), offset as libc::off_t)
        };
        if found == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(found.cast()) }
    }
}
