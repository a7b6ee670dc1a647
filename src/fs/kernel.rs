//! Serving inside of the kernel: the instance is handed over when the guest serves, and taken back when it is unmounted.
//!
//! This process stays as the owner: host functions that the kernel does not have are called here, on the same memory.
#![allow(unsafe_code)]

use super::{FsState, MountPlan};
use crate::abi::trap::TrapCode;
use crate::kernel::device::{Device, PATH, Setup};
use crate::kernel::image::{CodeImage, KernelImage, template};
use crate::kernel::natives::Native;
use crate::kernel::uapi;
use crate::memory::PAGE_BYTES;
use crate::runtime::{Caller, HandedOver, Module, Trap};
use crate::wasm::{ExportKind, ExternType, FuncIndex};
use fs_host::{MountOptions, ServerConfig};
use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of the guest's stack in the kernel.
const STACK_BYTES: u32 = 256 << 10;
/// As the mappings want it.
const PAGE: usize = PAGE_BYTES as usize;

/// A mount that is made when the guest serves.
pub(super) struct Plan {
    pub(super) mountpoint: PathBuf,
    pub(super) options: MountOptions,
    pub(super) config: ServerConfig,
}

/// Why serving ended badly.
pub(super) enum Failure {
    /// It never began.
    Setup(String),
    /// The guest has to end.
    Trap(Trap),
}

impl From<String> for Failure {
    fn from(why: String) -> Failure {
        Failure::Setup(why)
    }
}

impl From<crate::runtime::Error> for Failure {
    fn from(error: crate::runtime::Error) -> Failure {
        Failure::Setup(error.to_string())
    }
}

/// Whether this mount can be made in this kernel, before anything is done.
pub(super) fn check(plan: &MountPlan) -> Result<(), String> {
    let options = &plan.options;
    let unsupported = [
        (
            "uid=, gid=, umask=",
            options.attr.uid.is_some() || options.attr.gid.is_some() || options.attr.umask.is_some(),
        ),
        ("allow_root", options.allow_root),
        ("auto_unmount", options.auto_unmount),
        ("--debug", plan.server.trace.is_some()),
        ("--stats", plan.server.stats),
    ];
    if let Some((name, _)) = unsupported.iter().find(|(_, wanted)| *wanted) {
        return Err(format!("{name} is not supported inside of the kernel"));
    }
    match Device::open() {
        Ok(_) => template().map(drop).map_err(|error| error.to_string()),
        Err(error) => Err(match error.kind() {
            io::ErrorKind::NotFound => format!("{PATH} does not exist: load the kernel module (modprobe wasmjit)"),
            io::ErrorKind::PermissionDenied => format!("{PATH} may be opened by root only"),
            _ => format!("{PATH}: {error}"),
        }),
    }
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

/// Linear memory while the kernel has it: its pages, mapped where the instance's own were.
struct SharedMemory {
    base: *mut u8,
    len: usize,
}

impl SharedMemory {
    /// Copies memory to the kernel's pages and puts these in its place.
    fn new(device: &Device, from: &HandedOver) -> io::Result<SharedMemory> {
        let len = from.max_pages as usize * PAGE;
        let bytes = from.pages as usize * PAGE;
        // SAFETY: a fresh mapping takes a copy of memory, whose guest waits for us; then it replaces the mapping that it is a
        // copy of. The reservation goes on for `max_pages` at least.
        unsafe {
            let copy = device.map(std::ptr::null_mut(), bytes.max(PAGE))?;
            std::ptr::copy_nonoverlapping(from.memory, copy, bytes);
            libc::munmap(copy.cast(), bytes.max(PAGE));
            device.map(from.memory, len)?;
        }
        Ok(SharedMemory { base: from.memory, len })
    }

    /// Makes it private memory again.
    fn take_back(self, bytes: usize) -> io::Result<()> {
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

fn c_string(bytes: &[u8]) -> Result<CString, String> {
    CString::new(bytes).map_err(|_| "a name holds a NUL".to_owned())
}

fn mount(plan: &Plan, device: &Device, dispatch: u32, buffer: (u32, u32)) -> Result<(), String> {
    let options = &plan.options;
    let mut data = format!("fd={},dispatch={dispatch},buffer={},size={}", device.fd(), buffer.0, buffer.1);
    data += if options.allow_other { ",allow_other" } else { "" };
    data += if options.default_permissions { ",default_permissions" } else { "" };
    let source = c_string(options.fsname.as_deref().unwrap_or("wasmjit").as_bytes())?;
    let (place, data) = (c_string(plan.mountpoint.as_os_str().as_bytes())?, c_string(data.as_bytes())?);
    // SAFETY: strings that live through the call.
    let status = unsafe {
        libc::mount(
            source.as_ptr(),
            place.as_ptr(),
            c"wasmjit".as_ptr(),
            options.mount_flags(),
            data.as_ptr().cast::<libc::c_void>(),
        )
    };
    if status == 0 {
        Ok(())
    } else {
        Err(format!("mounting {}: {}", plan.mountpoint.display(), io::Error::last_os_error()))
    }
}

fn unmount(mountpoint: &Path) {
    if let Ok(place) = c_string(mountpoint.as_os_str().as_bytes()) {
        // SAFETY: a valid string.
        unsafe { libc::umount2(place.as_ptr(), libc::MNT_DETACH) };
    }
}

/// Signals that unmount, as for other mounts.
fn unmount_on_signals(mountpoint: PathBuf) {
    // SAFETY: a set of our own; the thread waits for what the others have blocked.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::sigaddset(&mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        std::thread::spawn(move || {
            let mut signal = 0;
            while libc::sigwait(&set, &mut signal) == 0 {
                unmount(&mountpoint);
            }
        });
    }
}

/// Asks the guest where requests may be put.
fn find_buffer(caller: &mut Caller<'_, FsState>, size: u32) -> Result<(u32, u32), Failure> {
    let buffer = caller.get_func("wasmjit_fuse_buffer").ok_or_else(|| "no request buffer".to_owned())?;
    let buffer = buffer.typed::<(i32, i32), i32>(&*caller)?;
    match buffer.call(&mut *caller, (0, size as i32)).map_err(Failure::Trap)? {
        0 => Err(Failure::Setup(format!("the filesystem has no memory for requests of {size} bytes"))),
        at => Ok((at as u32, size)),
    }
}

/// Number of the function that requests go to.
fn dispatch_number(module: &Module) -> Result<u32, String> {
    let export = module.info().export("wasmjit_fuse_dispatch");
    match export {
        Some(ExportKind::Func(FuncIndex(number))) => Ok(number),
        _ => Err("wasmjit_fuse_dispatch is not exported".into()),
    }
}

/// Hands the instance over, serves as its owner, and takes it back.
pub(super) fn serve(caller: &mut Caller<'_, FsState>, mut plan: Plan) -> Result<i32, Failure> {
    let size = u32::try_from(plan.config.max_request).unwrap_or(u32::MAX);
    let buffer = find_buffer(caller, size)?;
    let module = caller.module()?.clone();
    let dispatch = dispatch_number(&module)?;
    let image = module.compile_for_kernel()?;
    let template = template().map_err(|error| error.to_string())?;
    let kernel_image = KernelImage::new(&template, module.info(), &image).map_err(|error| error.to_string())?;
    let loaded = kernel_image.load().map_err(|error| error.to_string())?;
    let state = caller.hand_over()?;
    let device = Device::open().map_err(|error| format!("{PATH}: {error}"))?;
    let timeout = plan.config.timeout.map_or(0, |time| u32::try_from(time.as_millis()).unwrap_or(0));
    let setup = Setup {
        image: loaded.id,
        globals: state.globals.clone(),
        imported_globals: module.info().imported_globals,
        tables: state.tables.clone(),
        imports: imports(&module, caller.data().host.layout.time),
        memory_pages: state.pages,
        max_pages: state.max_pages,
        stack_bytes: STACK_BYTES,
        timeout_ms: timeout,
    };
    device.create(&setup).map_err(|error| format!("the kernel does not take the filesystem: {error}"))?;
    let memory = SharedMemory::new(&device, &state).map_err(|error| format!("sharing memory: {error}"))?;
    let mounted = mount(&plan, &device, dispatch, buffer);
    let own = setup.globals.len() - setup.imported_globals as usize;
    let mut owner = Owner {
        caller,
        device: &device,
        image: &image,
        module: &module,
        globals: vec![[0; 2]; own],
        asked: BTreeMap::new(),
    };
    let ended = mounted.and_then(|()| {
        unmount_on_signals(plan.mountpoint.clone());
        if let Some(ready) = plan.config.on_ready.take() {
            ready();
        }
        owner.run(&plan.mountpoint)
    });
    let bytes = owner.finish().map_err(|error| format!("taking the filesystem back: {error}"))?;
    memory.take_back(bytes).map_err(|error| format!("taking memory back: {error}"))?;
    ended?;
    Ok(0)
}

/// The process that answers what the kernel does not.
struct Owner<'a, 'c> {
    caller: &'a mut Caller<'c, FsState>,
    device: &'a Device,
    image: &'a CodeImage,
    module: &'a Module,
    globals: Vec<[u64; 2]>,
    /// How often each import was called here.
    asked: BTreeMap<u32, u64>,
}

impl Owner<'_, '_> {
    /// Answers until the filesystem is unmounted.
    fn run(&mut self, mountpoint: &Path) -> Result<(), String> {
        let mut event = uapi::Event::default();
        loop {
            match self.device.serve(&mut event, &mut self.globals) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                    event.kind = uapi::EVENT_NONE;
                    continue;
                }
                Err(error) => return Err(format!("serving: {error}")),
            }
            match event.kind {
                uapi::EVENT_HOST_CALL => self.host_call(&mut event),
                uapi::EVENT_BUILTIN => {
                    log::error!("the filesystem changes its tables, which is not supported inside of the kernel");
                    (event.kind, event.failed) = (uapi::EVENT_ANSWER, TrapCode::Unreachable as u32 + 1);
                }
                uapi::EVENT_FINISHED => return Ok(()),
                uapi::EVENT_TRAPPED => {
                    self.report_trap();
                    event.kind = uapi::EVENT_NONE;
                }
                uapi::EVENT_UNMOUNT => {
                    unmount(mountpoint);
                    event.kind = uapi::EVENT_NONE;
                }
                _ => event.kind = uapi::EVENT_NONE,
            }
        }
    }

    /// Calls a host function for the guest in the kernel.
    fn host_call(&mut self, event: &mut uapi::Event) {
        let mut values = event.values;
        *self.asked.entry(event.index).or_default() += 1;
        // SAFETY: the kernel's mapping holds as many bytes; the arguments are those of the import's type, which the kernel
        // knows from the module.
        let result = unsafe {
            self.caller.set_memory_bytes(event.memory_bytes);
            let set = self.caller.set_own_globals(&self.globals).map_err(Trap::from);
            set.and_then(|()| self.caller.call_number(event.index, &mut values))
        };
        let _ = self.caller.own_globals(&mut self.globals);
        event.failed = 0;
        event.result = values[0];
        if let Err(trap) = result {
            log::error!("the filesystem failed: {trap}");
            event.failed = trap.code().map_or(TrapCode::Interrupt as u32, |code| code as u32) + 1;
        }
        event.kind = uapi::EVENT_ANSWER;
    }

    /// Says where the guest trapped.
    fn report_trap(&mut self) {
        let Ok(state) = self.device.state(&mut self.globals) else { return };
        let pcs = &state.trap.pcs[..(state.trap.count as usize).min(uapi::MAX_FRAMES)];
        let site = pcs.first().and_then(|pc| self.image.trap_at(pc.wrapping_sub(crate::abi::slots::CALL_BYTES as u32)));
        let code = TrapCode::from_u8(state.trap.code as u8).or(site.map(|site| site.code));
        let mut text = format!("the filesystem trapped in the kernel: {}", code.unwrap_or(TrapCode::Unreachable));
        for (depth, &pc) in pcs.iter().enumerate() {
            let Some(func) = self.image.function_at(pc.wrapping_sub(1)) else { break };
            let name = self.module.func_name(func).unwrap_or("?");
            let place =
                if depth == 0 { site.map(|site| site.loc) } else { self.image.call_at(pc).map(|call| call.loc) };
            text += &format!("\n  {depth}: {name} (function {}", func.0);
            text += &place.map_or_else(|| ")".to_owned(), |place| format!(", offset {place:#x})"));
        }
        log::error!("{text}");
    }

    /// Says which host functions the kernel had to ask for: each such call wakes this process.
    fn report_asked(&self) {
        let functions = || self.module.imports().iter().filter(|import| matches!(import.ty, ExternType::Func(_)));
        for (&index, count) in &self.asked {
            if let Some(import) = functions().nth(index as usize) {
                log::debug!("the kernel asked for {}.{} {count} times", import.module, import.name);
            }
        }
    }

    /// Takes globals and the size of memory back.
    fn finish(&mut self) -> io::Result<usize> {
        self.report_asked();
        let state = self.device.state(&mut self.globals)?;
        let _ = self.caller.set_own_globals(&self.globals);
        // SAFETY: the kernel's mapping holds as many bytes, and `take_back` keeps them.
        unsafe { self.caller.set_memory_bytes(state.memory_bytes) };
        Ok(state.memory_bytes as usize)
    }
}
