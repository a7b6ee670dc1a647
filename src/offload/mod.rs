//! Instances whose code runs in the kernel: what their owner, this process, does for both kinds of them, mounted filesystems
//! ([`crate::fs`]) and programs ([`Program`]).
//!
//! An instance is handed over: its memory is copied to the kernel's pages, which take the place of its own, and its globals and
//! tables go along. While the kernel runs it, host functions that the kernel does not have are called here, on the same memory, and so
//! is guest code that such a function calls back. In the end all of it is taken back.
#![allow(unsafe_code)]

mod program;
mod watch;

use crate::abi::slots::CALL_BYTES;
use crate::abi::trap::TrapCode;
use crate::host::{FdTable, File, HasHost, Host};
use crate::kernel::device::{Device, PATH, Setup};
use crate::kernel::image::{CodeImage, KernelImage, LoadedImage, template};
use crate::kernel::natives::Native;
use crate::kernel::uapi;
use crate::memory::PAGE_BYTES;
use crate::runtime::{AsContextMut, Frame, HandedOver, Instance, Module, Store, Trap};
use crate::wasm::ExternType;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::Arc;

pub use program::Program;
use watch::Calling;

/// As the mappings want it.
const PAGE: usize = PAGE_BYTES as usize;

/// Whether this process may use the kernel module, before anything is done. The error says what to do.
///
/// # Errors
/// Without the module, without its template, or without the right to use them.
pub fn check() -> Result<(), String> {
    open().and_then(|_| template().map(drop).map_err(|error| error.to_string()))
}

fn open() -> Result<Device, String> {
    Device::open().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{PATH} does not exist: load the kernel module (modprobe wasmjit)"),
        io::ErrorKind::PermissionDenied => format!("{PATH} may be opened by root only"),
        _ => format!("{PATH}: {error}"),
    })
}

/// A module's code in the kernel, and a device for one instance of it.
pub struct Loaded {
    pub(crate) device: Device,
    pub(crate) code: Arc<Code>,
}

/// Code in the kernel; it stays there as long as somebody has this, or an instance.
pub(crate) struct Code {
    image: CodeImage,
    loaded: LoadedImage,
}

impl Loaded {
    /// Compiles a module for the kernel and loads it there.
    ///
    /// # Errors
    /// If the compiler or the kernel refuses it; the text says why.
    pub fn new(module: &Module) -> Result<Loaded, String> {
        let device = open()?;
        let image = module.compile_for_kernel().map_err(|error| error.to_string())?;
        let template = template().map_err(|error| error.to_string())?;
        let kernel_image = KernelImage::new(&template, module.info(), &image).map_err(|error| error.to_string())?;
        let loaded = kernel_image.load_for(&device).map_err(|error| error.to_string())?;
        Ok(Loaded { device, code: Arc::new(Code { image, loaded }) })
    }
}

impl Code {
    /// A device for another instance of the same module.
    ///
    /// # Errors
    /// As [`Loaded::new`].
    pub(crate) fn again(self: &Arc<Code>) -> Result<Loaded, String> {
        let device = open()?;
        device.hold(self.loaded.id).map_err(|error| error.to_string())?;
        Ok(Loaded { device, code: self.clone() })
    }
}

/// What differs between instances that are handed over.
pub(crate) struct Wishes<'a> {
    pub(crate) stack_bytes: u32,
    pub(crate) timeout_ms: u32,
    pub(crate) coroutine: bool,
    /// Where the memory is, of a guest with threads.
    pub(crate) memory: Option<&'a CommonMemory>,
}

/// Which import the kernel answers itself, of a guest whose times have so many bytes.
fn imports(module: &Module, time_bytes: u8) -> Vec<u32> {
    let native = |import: &crate::wasm::Import| match &import.ty {
        ExternType::Func(ty) => Native::of_import(&import.module, &import.name, &ty.params, &ty.results)
            .filter(|native| native.suits_times_of(time_bytes)),
        _ => None,
    };
    let functions = module.imports().iter().filter(|import| matches!(import.ty, ExternType::Func(_)));
    functions.map(|import| native(import).map_or(0, |native| native as u32)).collect()
}

/// Copies memory to the kernel's pages and puts these in its place. Gives how many bytes have been mapped.
fn map_memory(device: &Device, from: &HandedOver) -> io::Result<usize> {
    let len = from.max_pages as usize * PAGE;
    let bytes = from.pages as usize * PAGE;
    if len == 0 {
        return Ok(len);
    }
    // SAFETY: a fresh mapping takes a copy of memory, whose guest waits for us; then it replaces the mapping that it is a
    // copy of. The reservation goes on for `max_pages` at least.
    unsafe {
        let copy = device.map(std::ptr::null_mut(), bytes.max(PAGE))?;
        std::ptr::copy_nonoverlapping(from.memory, copy, bytes);
        libc::munmap(copy.cast(), bytes.max(PAGE));
        device.map(from.memory, len)?;
    }
    Ok(len)
}

/// Linear memory of a guest with threads: the kernel's pages from before its first thread starts to its end, as some threads may run
/// here while others run there.
pub(crate) struct CommonMemory(Arc<Device>);

impl CommonMemory {
    /// Moves an instance's memory there, if it is one that threads share.
    /// From then on the kernel sees, too, how often the guest's descriptors change.
    pub(crate) fn new<T: HasHost + 'static>(
        store: &mut Store<T>,
        instance: Instance,
    ) -> Result<Option<CommonMemory>, String> {
        let state = instance.hand_over(store).map_err(|error| error.to_string())?;
        let Some(memory) = &state.shared else { return Ok(None) };
        let device = Arc::new(open()?);
        let fail = |error: io::Error| format!("the kernel does not take the memory: {error}{}", advice(&error));
        device.make_memory(state.max_pages).map_err(fail)?;
        device.grow_memory(state.pages).map_err(fail)?;
        let len = map_memory(&device, &state).map_err(fail)?;
        let bytes = state.pages as usize * PAGE;
        // SAFETY: a part of the mapping that was just made, which becomes accessible as memory grows.
        if len > bytes && unsafe { libc::mprotect(state.memory.add(bytes).cast(), len - bytes, libc::PROT_NONE) } != 0 {
            return Err(fail(io::Error::last_os_error()));
        }
        store.data_mut().host().fds.publish_changes(device.map_note().map_err(fail)?);
        let owner = device.clone();
        memory.give_away(move |pages| u32::try_from(pages).is_ok_and(|pages| owner.grow_memory(pages).is_ok()));
        Ok(Some(CommonMemory(device)))
    }
}

/// Linear memory while the kernel has it: its pages, mapped where the instance's own were.
struct LentMemory {
    base: *mut u8,
    len: usize,
}

impl LentMemory {
    /// Makes it private memory again.
    fn take_back(self, bytes: usize) -> io::Result<()> {
        if self.len == 0 {
            return Ok(());
        }
        let fixed = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a fresh mapping takes the contents, and is moved over what it is a copy of; the rest of the range becomes as
        // inaccessible as reservations are.
        unsafe {
            let copy = libc::mmap(std::ptr::null_mut(), bytes.max(PAGE), protection, fixed, -1, 0);
            if copy == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            std::ptr::copy_nonoverlapping(self.base, copy.cast(), bytes);
            let rest = libc::mmap(self.base.cast(), self.len, libc::PROT_NONE, fixed | libc::MAP_FIXED, -1, 0);
            let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
            let moved = libc::mremap(copy, bytes.max(PAGE), bytes.max(PAGE), flags, self.base);
            if rest == libc::MAP_FAILED || moved == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
        }
        Ok(())
    }
}

/// What the kernel may do with a file, and the descriptor to do it with.
fn uses(file: &File) -> Option<(u32, u32)> {
    let (fd, read, write) = file.direct()?;
    let may = uapi::MAY_STAT | uapi::MAY_POLL;
    let may = may | if read { uapi::MAY_READ } else { 0 } | if write { uapi::MAY_WRITE } else { 0 };
    Some((fd.as_raw_fd() as u32, may))
}

/// What the kernel knows of the guest's descriptors.
#[derive(Default)]
struct Files {
    /// How often their table had changed.
    changes: u64,
    /// The stamp of each.
    stamps: Vec<u64>,
    /// The last changes; the list lives until the kernel has read it, and so do the files.
    told: Vec<uapi::FileChange>,
    held: Vec<Arc<File>>,
}

impl Files {
    /// What has changed since this was last asked.
    fn changes(&mut self, table: &FdTable) -> &[uapi::FileChange] {
        self.told.clear();
        self.held.clear();
        if table.changes() == self.changes {
            return &self.told;
        }
        self.changes = table.changes();
        let mut known = std::mem::take(&mut self.stamps).into_iter();
        for (guest, slot) in table.stamped().into_iter().enumerate() {
            let stamp = slot.as_ref().map_or(0, |(stamp, _)| *stamp);
            if known.next().unwrap_or(0) != stamp {
                let (host, may) = slot.as_ref().and_then(|(_, file)| uses(file)).unwrap_or((0, 0));
                self.held.extend(slot.map(|(_, file)| file));
                self.told.push(uapi::FileChange { guest: guest as u32, host, may, reserved: 0 });
            }
            self.stamps.push(stamp);
        }
        // The table may have become shorter.
        for (guest, _) in (self.stamps.len()..).zip(known) {
            self.told.push(uapi::FileChange { guest: guest as u32, ..Default::default() });
        }
        &self.told
    }
}

/// An instance that is in the kernel.
pub(crate) struct Owner {
    pub(crate) loaded: Loaded,
    instance: Instance,
    module: Module,
    /// `None` if it is a [`CommonMemory`].
    memory: Option<LentMemory>,
    tables: usize,
    globals: Vec<[u64; 2]>,
    files: Files,
    /// How often each import was called here.
    asked: BTreeMap<u32, u64>,
    /// What makes calls come back whose callers got a signal; of programs, their own signals do.
    calling: Option<Calling>,
}

impl Owner {
    /// Hands an instance over.
    pub(crate) fn new<S: AsContextMut>(
        store: &mut S,
        instance: Instance,
        loaded: Loaded,
        host: fn(&mut S) -> &mut Host,
        wishes: &Wishes<'_>,
    ) -> Result<Owner, String> {
        let module = instance.module(store).clone();
        let common = wishes.memory.map(|memory| memory.0.fd());
        let state = instance.hand_over(store).map_err(|error| error.to_string())?;
        if state.shared.is_some() && common.is_none() {
            return Err("it has threads".into());
        }
        let info = module.info();
        let mut files = Files::default();
        let host = host(store);
        let setup = Setup {
            image: loaded.code.loaded.id,
            globals: state.globals.clone(),
            imported_globals: info.imported_globals,
            tables: state.tables.clone(),
            segments: state.segments.clone(),
            imports: imports(&module, host.layout.time),
            memory_pages: state.pages,
            max_pages: state.max_pages,
            stack_bytes: wishes.stack_bytes,
            timeout_ms: wishes.timeout_ms,
            coroutine: wishes.coroutine,
            files: files.changes(&host.fds).to_vec(),
            files_at: files.changes,
            stat: host.layout.stat_fields(),
            memory: common,
        };
        let create = loaded.device.create(&setup);
        create.map_err(|error| format!("the kernel does not take the instance: {error}{}", advice(&error)))?;
        let memory = match common {
            Some(_) => None,
            None => {
                let len = map_memory(&loaded.device, &state).map_err(|error| format!("sharing memory: {error}"))?;
                Some(LentMemory { base: state.memory, len })
            }
        };
        let globals = setup.globals[setup.imported_globals as usize..].to_vec();
        let tables = setup.tables.len();
        let calling = if wishes.coroutine { None } else { Some(Calling::watch(&loaded.device, host)) };
        let calling = calling.transpose().map_err(|error| format!("watching for signals: {error}"))?;
        Ok(Owner { loaded, instance, module, memory, tables, globals, files, asked: BTreeMap::new(), calling })
    }

    /// Waits for the next event of a guest that other tasks run.
    pub(crate) fn serve(&mut self, event: &mut uapi::Event) -> io::Result<()> {
        self.loaded.device.serve(event, &mut self.globals)
    }

    /// Runs the guest until it needs this process.
    pub(crate) fn run(&mut self, event: &mut uapi::Event) -> io::Result<()> {
        self.loaded.device.run(event, &mut self.globals)
    }

    /// Puts what has changed of the guest's descriptors into an event.
    pub(crate) fn tell_files(&mut self, host: &Host, event: &mut uapi::Event) {
        let changes = self.files.changes(&host.fds);
        (event.files, event.file_count) = (changes.as_ptr() as u64, changes.len() as u32);
        event.files_at = self.files.changes;
    }

    /// Does what is due while the guest computes: its handlers of signals run here, on the same memory.
    pub(crate) fn poll<S: AsContextMut>(&mut self, store: &mut S, event: &mut uapi::Event) -> Result<(), Trap> {
        event.kind = uapi::EVENT_ANSWER;
        // SAFETY: the kernel's mapping holds as many bytes.
        unsafe { self.instance.set_memory_bytes(store, event.memory_bytes) };
        self.instance.set_own_globals(store, &self.globals);
        let outcome = self.instance.serve_poll(store);
        self.instance.own_globals(store, &mut self.globals);
        event.memory_bytes = self.instance.memory_bytes(store);
        outcome
    }

    /// Calls a host function, or does what a builtin does, for the guest in the kernel, and puts the answer into the event.
    pub(crate) fn answer<S: AsContextMut>(&mut self, store: &mut S, event: &mut uapi::Event) -> Result<(), Trap> {
        let mut values = event.values;
        let (kind, index, bytes) = (event.kind, event.index, event.memory_bytes);
        event.kind = uapi::EVENT_ANSWER;
        event.failed = 0;
        // SAFETY: the kernel's mapping holds as many bytes.
        unsafe { self.instance.set_memory_bytes(store, bytes) };
        if kind == uapi::EVENT_BUILTIN {
            event.result = self.instance.call_builtin(store, index, &values)?;
            return Ok(());
        }
        *self.asked.entry(index).or_default() += 1;
        self.instance.set_own_globals(store, &self.globals);
        let mut call = || {
            // SAFETY: the arguments are those of the import's type, which the kernel knows from the module.
            unsafe { self.instance.call_number(store, index, &mut values) }
        };
        let result = match &self.calling {
            Some(calling) => calling.call(event.call, call),
            None => call(),
        };
        self.instance.own_globals(store, &mut self.globals);
        event.memory_bytes = self.instance.memory_bytes(store);
        event.result = values[0];
        result
    }

    /// The guest's functions that were running when it trapped or called, and the trap's code, as far as it is known.
    pub(crate) fn where_it_is(&mut self) -> (Option<TrapCode>, Vec<Frame>) {
        let Ok(state) = self.loaded.device.state(&mut self.globals) else { return (None, Vec::new()) };
        let image = &self.loaded.code.image;
        let pcs = &state.trap.pcs[..(state.trap.count as usize).min(uapi::MAX_FRAMES)];
        let called = state.trap.code == uapi::TRAP_NONE;
        let site = pcs.first().and_then(|pc| image.trap_at(pc.wrapping_sub(CALL_BYTES as u32))).filter(|_| !called);
        let code = TrapCode::from_u8(state.trap.code as u8).filter(|_| state.trap.code < 256);
        let mut frames = Vec::new();
        for (depth, &pc) in pcs.iter().enumerate() {
            let Some(func) = image.function_at(pc.wrapping_sub(1)) else { break };
            let site = site.filter(|_| depth == 0).map(|site| site.loc);
            let offset = site.or_else(|| image.call_at(pc).map(|call| call.loc));
            frames.push(Frame { func: func.0, name: self.module.func_name(func).map(str::to_owned), offset });
        }
        (code.or(site.map(|site| site.code)), frames)
    }

    /// How the guest trapped in the kernel.
    pub(crate) fn trap(&mut self) -> Trap {
        let (code, frames) = self.where_it_is();
        Trap::elsewhere(code.unwrap_or(TrapCode::Unreachable), frames)
    }

    /// Says which host functions the kernel had to ask for: each such call leaves the kernel.
    fn report_asked(&self) {
        let functions = || self.module.imports().iter().filter(|import| matches!(import.ty, ExternType::Func(_)));
        for (&index, count) in &self.asked {
            if let Some(import) = functions().nth(index as usize) {
                log::debug!("the kernel asked for {}.{} {count} times", import.module, import.name);
            }
        }
    }

    /// Takes the instance back.
    pub(crate) fn take_back<S: AsContextMut>(mut self, store: &mut S) -> io::Result<()> {
        self.report_asked();
        let state = self.loaded.device.state(&mut self.globals)?;
        self.instance.set_own_globals(store, &self.globals);
        let tables = self.loaded.device.tables(self.tables)?;
        self.instance.set_tables(store, &tables);
        // The owner may have made it larger than the kernel came to know.
        let bytes = state.memory_bytes.max(self.instance.memory_bytes(store));
        let Some(memory) = self.memory else { return Ok(()) };
        // SAFETY: the kernel's mapping holds as many bytes, and `take_back` keeps them.
        unsafe { self.instance.set_memory_bytes(store, bytes) };
        memory.take_back(bytes as usize)
    }
}

/// What to do about a limit.
fn advice(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EDQUOT) => " (more memory than /sys/module/wasmjit/parameters allows)",
        Some(libc::ENOEXEC) => " (the kernel module is of another version)",
        _ => "",
    }
}
