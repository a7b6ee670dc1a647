//! Serving inside of the kernel: the instance is handed over when the guest serves, and taken back when it is unmounted.
//!
//! This process stays as the owner ([`crate::offload`]): host functions that the kernel does not have are called here, on the same memory.
#![allow(unsafe_code)]

use super::guest::FIRST_WORKER;
use super::meeting::{Further, Meeting, Mounted, Place};
use super::notify::Notifier;
use super::{FsState, MountPlan};
use crate::abi::trap::TrapCode;
use crate::host::{Errno, HasHost, Host, Program};
use crate::kernel::device::Device;
use crate::kernel::uapi;
use crate::offload::{self, Loaded, Owner, Wishes};
use crate::runtime::{Caller, InterruptHandle, Module, Trap};
use crate::wasm::{ExportKind, FuncIndex};
use fs_host::{MountOptions, ServerConfig};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Bytes of the guest's stack in the kernel.
const STACK_BYTES: u32 = 256 << 10;

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
    offload::check()
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

pub(super) fn unmount(mountpoint: &Path) {
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

/// Asks the guest where a worker's requests may be put.
fn find_buffer<T: 'static>(caller: &mut Caller<'_, T>, worker: usize, size: u32) -> Result<u32, Failure> {
    let buffer = caller.get_func("wasmjit_fuse_buffer").ok_or_else(|| "no request buffer".to_owned())?;
    let buffer = buffer.typed::<(i32, i32), i32>(&*caller)?;
    match buffer.call(&mut *caller, (worker as i32, size as i32)).map_err(Failure::Trap)? {
        0 => Err(Failure::Setup(format!("the filesystem has no memory for requests of {size} bytes"))),
        at => Ok(at as u32),
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

fn host<'a, T: HasHost>(caller: &'a mut Caller<'_, T>) -> &'a mut Host {
    caller.data_mut().host()
}

/// Hands the instance over, serves as its owner, and takes it back.
pub(super) fn serve(caller: &mut Caller<'_, FsState>, mut plan: Plan) -> Result<i32, Failure> {
    let size = u32::try_from(plan.config.max_request).unwrap_or(u32::MAX);
    let buffer = find_buffer(caller, FIRST_WORKER, size)?;
    let instance = caller.instance().ok_or_else(|| "no instance serves".to_owned())?;
    let module = instance.module(caller).clone();
    let dispatch = dispatch_number(&module)?;
    let timeout_ms = plan.config.timeout.map_or(0, |time| u32::try_from(time.as_millis()).unwrap_or(0));
    let memory = caller.data_mut().kernel_memory.take();
    let wishes = Wishes { stack_bytes: STACK_BYTES, timeout_ms, coroutine: false, memory: memory.as_ref() };
    let mut owner = Owner::new(caller, instance, Loaded::new(&module)?, host, &wishes)?;
    let common = caller.data().common.clone();
    let meeting = common.in_kernel.as_ref().ok_or_else(|| "no place for threads".to_owned())?;
    let mounted = mount(&plan, &owner.loaded.device, dispatch, (buffer, size)).map_err(Failure::Setup);
    let ended = mounted.and_then(|()| {
        unmount_on_signals(plan.mountpoint.clone());
        let device = &owner.loaded.device;
        let notifier = Notifier::new(device).map_err(|error| format!("notifications: {error}"))?;
        let device = device.try_clone().map_err(|error| format!("descriptors: {error}"))?;
        let code = owner.loaded.code.clone();
        let further = memory.map(|memory| Further { memory, code, size, timeout_ms });
        meeting.open(Mounted { device, notifier, mountpoint: plan.mountpoint.clone(), further });
        if let Some(ready) = plan.config.on_ready.take() {
            ready();
        }
        answer(caller, &mut owner, &plan.mountpoint)
    });
    meeting.close(ended.is_ok());
    if let Err(Failure::Trap(trap)) = ended {
        // Another thread ended the guest. Calls may be running still, which nobody answers: they fail with this process.
        unmount(&plan.mountpoint);
        return Err(Failure::Trap(trap));
    }
    owner.take_back(caller).map_err(|error| format!("taking the filesystem back: {error}"))?;
    ended.map(|()| 0)
}

/// Serves in a thread that the guest started, beside its first one. Waits for the mount as long as `goes_on` says so.
pub(super) fn serve_in_thread(
    caller: &mut Caller<'_, Program>,
    meeting: &Meeting,
    goes_on: &dyn Fn() -> bool,
) -> Result<i32, Trap> {
    let Some(place) = meeting.take(goes_on) else { return Ok(Errno::EAGAIN.negated()) };
    match serve_at(caller, &place) {
        Ok(()) => Ok(0),
        Err(Failure::Trap(trap)) => Err(trap),
        Err(Failure::Setup(why)) => {
            log::warn!("a thread of the filesystem does not serve: {why}");
            Ok(Errno::EAGAIN.negated())
        }
    }
}

fn serve_at(caller: &mut Caller<'_, Program>, place: &Place<'_>) -> Result<(), Failure> {
    let mounted = &place.mounted;
    let Some(further) = &mounted.further else { return Ok(()) };
    let buffer = find_buffer(caller, place.number, further.size)?;
    let instance = caller.instance().ok_or_else(|| "no instance serves".to_owned())?;
    let dispatch = dispatch_number(&instance.module(caller).clone())?;
    let memory = Some(&further.memory);
    let wishes = Wishes { stack_bytes: STACK_BYTES, timeout_ms: further.timeout_ms, coroutine: false, memory };
    let mut owner = Owner::new(caller, instance, further.code.again()?, host, &wishes)?;
    match owner.loaded.device.join(&mounted.device, dispatch, buffer) {
        Ok(()) => {}
        // It has been unmounted already.
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => return Ok(()),
        Err(error) => return Err(Failure::Setup(format!("joining: {error}"))),
    }
    answer(caller, &mut owner, &mounted.mountpoint)?;
    Ok(owner.take_back(caller).map_err(|error| format!("taking the thread back: {error}"))?)
}

/// Answers until the filesystem is unmounted.
fn answer<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    owner: &mut Owner,
    mountpoint: &Path,
) -> Result<(), Failure> {
    let interrupt = caller.data_mut().host().interrupt.clone();
    let mut event = uapi::Event::default();
    loop {
        owner.tell_files(caller.data_mut().host(), &mut event);
        match owner.serve(&mut event) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => {
                if interrupt.as_ref().is_some_and(InterruptHandle::is_set) {
                    return Err(Failure::Trap(Trap::elsewhere(TrapCode::Interrupt, Vec::new())));
                }
                event.kind = uapi::EVENT_NONE;
                continue;
            }
            Err(error) => return Err(Failure::Setup(format!("serving: {error}"))),
        }
        match event.kind {
            uapi::EVENT_HOST_CALL | uapi::EVENT_BUILTIN => {
                if let Err(trap) = owner.answer(caller, &mut event) {
                    log::error!("the filesystem failed: {trap}");
                    event.failed = trap.code().map_or(TrapCode::Interrupt as u32, |code| code as u32) + 1;
                }
                continue;
            }
            uapi::EVENT_FINISHED => return Ok(()),
            uapi::EVENT_TRAPPED => log::error!("the filesystem failed in the kernel: {}", owner.trap()),
            uapi::EVENT_UNMOUNT => unmount(mountpoint),
            _ => {}
        }
        event.kind = uapi::EVENT_NONE;
    }
}
