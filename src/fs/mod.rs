//! A wasm instance as an [`fs_host::Guest`]: what `wasmjit mount` does once its arguments are known.
//!
//! The guest's `main` runs like any program's. Its FUSE library calls the imports of module `wasmjit_fuse` (`imports`): `mount`
//! mounts at the place that the user named, `serve` runs [`fs_host::Server`], which calls back into the instance for each
//! request (`guest`), and returns when the filesystem is unmounted; then `main` finishes.
//!
//! A guest decides nothing about the host: where it is mounted, who may access it, and what it can reach come from the [`MountPlan`].

mod guest;
mod imports;
mod kernel;
mod meeting;
mod notify;

use crate::abi::trap::TrapCode;
use crate::host::{self, HasHost, Host};
use crate::offload::CommonMemory;
use crate::runtime::{Engine, Error as EngineError, Linker, Module, Store, Trap};
use crate::wasm::{ExportKind, ExternType};
use fs_host::{End, Mount, MountOptions, Replies, Seat, Seats, Server, ServerConfig};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

pub use imports::{FS_IMPORTS, FsImport};

/// Exports without which a module is no filesystem.
pub const REQUIRED_EXPORTS: &[&str] = &["wasmjit_fuse_buffer", "wasmjit_fuse_dispatch"];

/// Everything that the user decided about a mount.
pub struct MountPlan {
    /// Where to mount.
    pub mountpoint: PathBuf,
    /// The user's mount options; those that are the guest's are in `args` already.
    pub options: MountOptions,
    /// What the table of mounts shows unless the user or the guest names something else.
    pub name: String,
    /// How to serve, but for the workers.
    pub server: ServerConfig,
    /// How many requests may be answered in parallel: by threads of a filesystem that has threads, by copies of one that
    /// has declared that it never changes; `None` for what is usual.
    pub workers: Option<usize>,
    /// What the guest may reach.
    pub policy: host::Policy,
    /// Imports that are missing trap when they are called.
    pub stub_missing: bool,
    /// Requests are answered inside of the kernel.
    pub kernel: bool,
    /// The guest's arguments, program name first.
    pub args: Vec<Vec<u8>>,
}

/// What went wrong with a mount.
#[derive(Debug)]
pub enum Error {
    /// The module lacks these exports; it is some other program.
    NotAFilesystem(Vec<&'static str>),
    /// Several workers were asked for, and the filesystem does not declare that copies of it are as good as itself.
    NotReadOnly,
    /// The module could not be loaded or linked.
    Engine(EngineError),
    /// Mounting or serving failed.
    Host(fs_host::Error),
    /// A granted directory cannot be opened.
    Policy(host::PolicyError),
    /// The granted directories cannot be handed to the guest.
    Grants(host::Errno),
    /// The kernel cannot take the filesystem.
    Kernel(String),
    /// The guest trapped outside of a request.
    Trap(Trap),
    /// The guest ended with this status without having served.
    NeverServed(i32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NotAFilesystem(missing) => write!(
                f,
                "the module is not a filesystem: it does not export {}; build it with `wasmjit cc`, which links the \
                 FUSE library (or run it with `wasmjit run` if it is an ordinary program)",
                missing.join(" and ")
            ),
            Error::NotReadOnly => f.write_str(
                "several workers are for filesystems with threads (built with -pthread), and for those that never change and \
                 declare it (readonly=1 among the lines that `wasmjit inspect` shows for the SDK); mount it with one",
            ),
            Error::Engine(error) => error.fmt(f),
            Error::Host(error) => error.fmt(f),
            Error::Policy(error) => error.fmt(f),
            Error::Grants(errno) => write!(f, "the granted directories cannot be opened: {errno}"),
            Error::Kernel(why) => write!(f, "--kernel: {why}"),
            Error::Trap(trap) => write!(f, "the filesystem failed: {trap}"),
            Error::NeverServed(status) => {
                write!(f, "the filesystem ended with status {status} before it was mounted; it may have said why")
            }
        }
    }
}

impl std::error::Error for Error {}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Error {
        Error::Engine(error)
    }
}

impl From<fs_host::Error> for Error {
    fn from(error: fs_host::Error) -> Error {
        Error::Host(error)
    }
}

/// A store's data while a filesystem runs: the host state, and how far the mount has come.
pub(crate) struct FsState {
    host: Host,
    stage: Stage,
    common: Arc<Common>,
    /// Where the memory of a guest with threads is, if requests are answered inside of the kernel.
    kernel_memory: Option<CommonMemory>,
    /// What the FUSE host said when the guest's mount or serve failed: more than an errno can say.
    failure: Option<Error>,
    /// Requests are answered inside of the kernel.
    kernel: bool,
    served: bool,
    program: Arc<Program>,
    /// How serving ended, of a copy.
    copy_end: Option<fs_host::Result<End>>,
}

/// What the threads of a guest have in common.
#[derive(Default)]
struct Common {
    /// Where replies go, once the guest serves.
    replies: OnceLock<Replies>,
    /// Where threads beside the first come to serve.
    seats: Seats,
    /// The same, and what all of them need, where requests are answered inside of the kernel.
    in_kernel: Option<meeting::Meeting>,
}

/// How far the mount has come.
enum Stage {
    /// Not mounted yet.
    Planned { mountpoint: PathBuf, options: Box<MountOptions>, name: String, config: Box<ServerConfig> },
    /// To be mounted by the kernel module once the guest serves.
    Kernel(Box<kernel::Plan>),
    /// Mounted, waiting for `serve`.
    Mounted(Box<Server>),
    /// A copy beside a filesystem that serves already, waiting for `serve`.
    Copy(Seat),
    /// Within `serve`, or after it.
    Done,
    /// Serving ended because the guest failed and is to be started again.
    Restart(Box<Server>),
}

impl HasHost for FsState {
    fn host(&mut self) -> &mut Host {
        &mut self.host
    }
}

/// Whether a module is a filesystem, by its exports.
pub fn check_filesystem(module: &Module) -> Result<(), Error> {
    let has = |name: &str| matches!(module.info().export(name), Some(ExportKind::Func(_)));
    let missing: Vec<&'static str> = REQUIRED_EXPORTS.iter().copied().filter(|name| !has(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::NotAFilesystem(missing)) }
}

/// Whether the filesystem declares that it never changes, so that copies of it may answer in its stead.
pub fn is_read_only(module: &Module) -> bool {
    let mut sections = module.custom_sections("wasmjit.sdk");
    sections.any(|text| text.split(|byte| *byte == b'\n').any(|line| line == b"readonly=1"))
}

/// Whether the guest may start threads, by its memory.
fn has_threads(module: &Module) -> bool {
    module.imports().iter().any(|import| matches!(&import.ty, ExternType::Memory(ty) if ty.shared))
}

/// Threads of a guest that serve at a time unless the user says a number.
fn usual_workers() -> usize {
    const MOST: usize = 10;
    std::thread::available_parallelism().map_or(1, usize::from).clamp(2, MOST)
}

/// What instances of a filesystem are made of.
struct Program {
    engine: Engine,
    module: Module,
    linker: Linker<FsState>,
    policy: host::Policy,
    args: Vec<Vec<u8>>,
    kernel: bool,
    /// Further workers are threads that the guest starts itself.
    threaded: bool,
    /// How many may serve at a time.
    workers: usize,
}

impl Program {
    /// A store for a new instance.
    fn store(self: &Arc<Program>, stage: Stage) -> Result<Store<FsState>, Error> {
        let mut host = Host::new(&self.policy).map_err(Error::Policy)?;
        host::configure(&mut host, &self.module).map_err(Error::Grants)?;
        host.soft_interrupt = Some(Arc::default());
        let workers = self.kernel.then_some(self.workers);
        let common = Arc::new(Common { in_kernel: workers.map(meeting::Meeting::new), ..Common::default() });
        let of_threads = common.clone();
        host.thread_imports =
            Some(host::ThreadImports::new(move |linker| imports::add_to_thread_linker(linker, &of_threads)));
        let state = FsState {
            host,
            stage,
            common,
            kernel_memory: None,
            failure: None,
            kernel: self.kernel,
            served: false,
            program: self.clone(),
            copy_end: None,
        };
        Ok(Store::new(&self.engine, state))
    }

    fn run_main(&self, store: &mut Store<FsState>) -> Result<i32, Error> {
        let instance = host::instantiate(&self.linker, store, &self.module)?;
        if self.kernel && self.threaded {
            store.data_mut().kernel_memory = CommonMemory::new(store, instance).map_err(Error::Kernel)?;
        }
        host::run_main(store, &instance, &self.args).map(|code| code.0).map_err(Error::Trap)
    }

    /// Runs a copy in the thread of a further worker. `None` if it did not come to serve.
    fn run_copy(self: &Arc<Program>, seat: Seat) -> Option<fs_host::Result<End>> {
        let mut store = match self.store(Stage::Done) {
            Ok(store) => store,
            Err(error) => {
                log::error!("a copy of the filesystem cannot be made: {error}");
                return None;
            }
        };
        let flag = store.interrupt_handle();
        seat.starting(guest::interrupter(flag, store.data_mut().host()));
        store.data_mut().stage = Stage::Copy(seat);
        let result = self.run_main(&mut store);
        let state = store.into_data();
        if state.copy_end.is_none() {
            match result {
                Ok(status) => log::error!("a copy of the filesystem ended with status {status} before it served"),
                Err(error) => log::error!("a copy of the filesystem: {error}"),
            }
        }
        state.copy_end
    }
}

/// Runs a filesystem until it is unmounted; gives the exit status of its `main`.
///
/// # Errors
/// Everything that keeps it from being mounted, and a trap outside of a request. A guest that fails in a request
/// answers EIO and what [`ServerConfig::on_trap`] says.
pub fn run(engine: &Engine, module: &Module, plan: MountPlan) -> Result<i32, Error> {
    check_filesystem(module)?;
    if plan.kernel {
        kernel::check(&plan).map_err(Error::Kernel)?;
    }
    let threaded = has_threads(module);
    let workers = plan.workers.unwrap_or(if threaded { usual_workers() } else { 1 });
    if workers > 1 && !threaded && plan.kernel {
        return Err(Error::Kernel("several workers are for filesystems with threads (built with -pthread)".into()));
    }
    if workers > 1 && !threaded && !is_read_only(module) {
        return Err(Error::NotReadOnly);
    }
    // What compiling needed, the mount does not.
    engine.release_idle_memory();
    let mut linker = Linker::new();
    linker.trap_on_missing(plan.stub_missing);
    host::link(&mut linker, module)?;
    imports::add_to_linker(&mut linker)?;
    let (engine, module) = (engine.clone(), module.clone());
    let program = Arc::new(Program {
        engine,
        module,
        linker,
        policy: plan.policy,
        args: plan.args,
        kernel: plan.kernel,
        threaded,
        workers,
    });
    let config = ServerConfig { workers, replicated: workers > 1 && !threaded, ..plan.server };
    let mut stage = Stage::Planned {
        mountpoint: plan.mountpoint,
        options: Box::new(plan.options),
        name: plan.name,
        config: Box::new(config),
    };
    loop {
        let mut store = program.store(stage)?;
        let result = program.run_main(&mut store);
        let mut state = store.into_data();
        if let Stage::Restart(server) = std::mem::replace(&mut state.stage, Stage::Done) {
            log::warn!("starting the filesystem again");
            stage = Stage::Mounted(server);
            continue;
        }
        return conclude(result, state);
    }
}

/// What the end of `main` means.
fn conclude(result: Result<i32, Error>, mut state: FsState) -> Result<i32, Error> {
    if let Some(failure) = state.failure.take() {
        return Err(failure);
    }
    match result {
        Ok(status) if !state.served => Err(Error::NeverServed(status)),
        other => other,
    }
}

/// Whether a trap means that the guest was stopped from outside.
fn was_interrupted(trap: &Trap) -> bool {
    trap.code() == Some(TrapCode::Interrupt)
}

/// Mounts for a guest that asked for it with these option wishes.
fn mount(state: &mut FsState, wishes: &str) -> Result<(), fs_host::Error> {
    let Stage::Planned { mountpoint, options, name, config } = std::mem::replace(&mut state.stage, Stage::Done) else {
        unreachable!("the caller looked");
    };
    if state.kernel {
        let options = merged(*options, MountOptions::parse(&honoured(wishes))?, name);
        state.stage = Stage::Kernel(Box::new(kernel::Plan { mountpoint, options, config: *config }));
        return Ok(());
    }
    let mount = Mount::new(&mountpoint, &merged(*options, MountOptions::parse(&honoured(wishes))?, name))?;
    state.stage = Stage::Mounted(Box::new(Server::new(mount, *config)?));
    Ok(())
}

/// The user's options with what the guest may add to them.
fn merged(user: MountOptions, wish: MountOptions, name: String) -> MountOptions {
    MountOptions {
        ro: user.ro || wish.ro,
        default_permissions: user.default_permissions || wish.default_permissions,
        noexec: user.noexec || wish.noexec,
        noatime: user.noatime || wish.noatime,
        sync: user.sync || wish.sync,
        dirsync: user.dirsync || wish.dirsync,
        max_read: user.max_read.or(wish.max_read),
        fsname: user.fsname.clone().or(wish.fsname).or(Some(name)),
        subtype: user.subtype.clone().or(wish.subtype).or(Some("wasmjit".into())),
        ..user
    }
}

/// Of a guest's mount option wishes, those that the host grants: they restrict the mount, or only describe it.
fn honoured(wishes: &str) -> String {
    const GRANTED: &[&str] = &["ro", "nosuid", "nodev", "noexec", "noatime", "sync", "dirsync", "default_permissions"];
    const GRANTED_VALUES: &[&str] = &["fsname=", "subtype=", "max_read="];
    let granted = |wish: &&str| {
        let good = GRANTED.contains(wish) || GRANTED_VALUES.iter().any(|name| wish.starts_with(name));
        if !good && !wish.is_empty() {
            log::debug!("the filesystem's mount option {wish} is left to the command line");
        }
        good
    };
    wishes.split(',').filter(granted).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::honoured;

    #[test]
    fn a_guest_cannot_widen_its_mount() {
        assert_eq!(honoured("allow_other,default_permissions,suid,dev,rw,fsname=a"), "default_permissions,fsname=a");
        assert_eq!(honoured(""), "");
        assert_eq!(honoured("ro,allow_root,max_read=4096"), "ro,max_read=4096");
    }
}
