//! What the host knows of one guest: its namespace, descriptors, arguments, environment.

use super::dynlink::Dynlink;
use super::errno::Errno;
use super::fd::{FdTable, File};
use super::layout::{EM_6_0_5, Layout};
use super::maps::Mappings;
use super::net::Net;
use super::path::{GuestPath, components};
use super::pins::Pins;
use super::policy::{Policy, PolicyError};
use super::resolve::{Base, Grant, Namespace, Object, join};
use super::signals::Signals;
use super::sys::signal::Thread;
use super::sys::{self, Result};
use super::threads::{ThreadImports, Threads};
use crate::runtime::InterruptHandle;
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Data of a store that guests' host calls work on. Embedders put a [`Host`] into their own type and implement this.
pub trait HasHost {
    /// The guest's host state.
    fn host(&mut self) -> &mut Host;
}

/// Where a standard stream of the guest goes.
#[derive(Debug, Default)]
pub enum Stream {
    /// The stream of this process.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// A descriptor: a pipe, a file.
    Fd(OwnedFd),
    /// Nothing: the guest finds the number closed.
    Closed,
}

/// The guest's current directory.
#[derive(Debug)]
enum Cwd {
    Dir(Arc<Grant>, OwnedFd),
    Synthetic(Vec<Vec<u8>>),
}

/// Where the current directory is kept.
#[derive(Debug)]
enum CurrentDir {
    Own(Arc<Cwd>),
    /// Of a guest with threads; what the running host call has looked at is kept besides.
    Shared(Arc<Mutex<Arc<Cwd>>>, Box<Pins<Cwd>>),
}

impl CurrentDir {
    fn get(&self) -> &Arc<Cwd> {
        match self {
            CurrentDir::Own(cwd) => cwd,
            CurrentDir::Shared(shared, pins) => {
                pins.keep(shared.lock().unwrap_or_else(PoisonError::into_inner).clone())
            }
        }
    }

    fn set(&mut self, cwd: Cwd) {
        match self {
            CurrentDir::Own(own) => *own = Arc::new(cwd),
            CurrentDir::Shared(shared, _) => {
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(cwd);
            }
        }
    }

    /// The same place for another thread.
    fn share(&mut self) -> CurrentDir {
        if let CurrentDir::Own(cwd) = self {
            *self = CurrentDir::Shared(Arc::new(Mutex::new(cwd.clone())), Box::default());
        }
        match self {
            CurrentDir::Own(cwd) => CurrentDir::Own(cwd.clone()),
            CurrentDir::Shared(shared, _) => CurrentDir::Shared(shared.clone(), Box::default()),
        }
    }
}

/// How passed listeners are named where they need to be: like no path, as it does not begin with a slash.
const LISTENER_NAME: &str = "\u{1}listener-";

/// Most messages about one guest, which could otherwise fill a log.
const MAX_REPORTS: usize = 64;

/// The `AT_FDCWD` of guests and of Linux.
pub const AT_FDCWD: i32 = -100;

/// Everything that host calls of one guest read and change.
///
/// What every call looks at stands at the beginning, in one line of the processor's cache.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Host {
    /// Descriptors.
    pub fds: FdTable,
    /// Signals and timers.
    pub signals: Signals,
    /// Granted directories.
    pub namespace: Namespace,
    /// Arguments, the program's name first.
    pub args: Vec<Vec<u8>>,
    /// Environment, as `KEY=VALUE`.
    pub env: Vec<Vec<u8>>,
    /// Permission bits that new files do not get.
    umask: Arc<AtomicU32>,
    /// Structures of the guest's C library.
    pub layout: &'static Layout,
    /// What the policy says of them.
    pub(super) forced_layout: Option<&'static Layout>,
    /// Whether the guest is a WASI program that knows no error number beyond WASI's.
    pub pure_wasi: bool,
    /// Whether the guest may make device nodes.
    pub devices: bool,
    /// The status that the guest exited with, from `exit` or `proc_exit` until the start-up code has seen it.
    pub exit_code: Option<i32>,
    /// Whether the guest ended itself by `exit`, after which its C streams are flushed, and not by `_Exit`.
    pub flush_at_exit: bool,
    /// What the running call's system call has answered already.
    pub(super) made: Option<Result<usize>>,
    /// Upper half of a legalised 64-bit result.
    pub temp_ret0: u32,
    /// How the embedder stops the guest: a blocking call that a signal ends asks it.
    pub interrupt: Option<InterruptHandle>,
    /// While set, a blocking host call that a signal ends gives EINTR to the guest, which goes on.
    pub soft_interrupt: Option<Arc<AtomicBool>>,
    /// Files that are mapped into the guest's memory.
    pub(super) maps: Arc<Mutex<Mappings>>,
    /// State of exceptions that unwind through the host.
    pub(super) exceptions: super::emscripten::eh::Exceptions,
    /// Sockets that wait to be entered into the table.
    listeners: Vec<OwnedFd>,
    /// What of the network the guest may use.
    pub net: Net,
    /// Whether the guest may change the settings of terminals.
    pub(super) tty: bool,
    /// The name that the guest gave itself.
    pub(super) task_name: Vec<u8>,
    /// What was reported already: calls that do not exist, and what was refused.
    reported: Arc<Mutex<HashSet<String>>>,
    cwd: CurrentDir,
    /// Most threads at a time, the first one included.
    pub max_threads: usize,
    /// What the embedder itself provides to threads that the guest starts.
    pub thread_imports: Option<ThreadImports>,
    /// The threads of the guest, if it can have any.
    pub(super) threads: Option<Threads>,
    /// The modules of a program that is linked dynamically.
    pub(super) dynlink: Option<Box<Dynlink>>,
}

/// Reaches the thread that runs a guest.
#[derive(Clone, Debug)]
pub struct Waiter {
    thread: Thread,
    soft: Arc<AtomicBool>,
}

impl Waiter {
    /// A host function that waits ends with EINTR. One that is about to wait misses it, so this is to be repeated.
    pub fn come_back(&self) {
        self.soft.store(true, Ordering::Release);
        self.thread.kick();
    }

    /// Host functions may wait again.
    pub fn go_on(&self) {
        self.soft.store(false, Ordering::Release);
    }
}

impl Host {
    /// Opens what a policy grants. Standard streams are this process's until [`Host::stdio`] says otherwise.
    pub fn new(policy: &Policy) -> std::result::Result<Host, PolicyError> {
        let namespace = Namespace::open(policy)?;
        let env = policy.env.iter().map(|(k, v)| [k.as_slice(), b"=", v].concat()).collect();
        let mut host = Host {
            fds: FdTable::new(policy.max_files),
            namespace,
            args: Vec::new(),
            env,
            umask: Arc::new(AtomicU32::new(current_umask())),
            layout: policy.layout.unwrap_or(&EM_6_0_5),
            forced_layout: policy.layout,
            pure_wasi: false,
            devices: policy.devices,
            exit_code: None,
            flush_at_exit: false,
            made: None,
            temp_ret0: 0,
            interrupt: None,
            soft_interrupt: None,
            maps: Arc::default(),
            exceptions: Default::default(),
            listeners: Vec::new(),
            net: Net::new(policy.net.clone()),
            signals: Signals::default(),
            tty: policy.tty,
            task_name: b"wasmjit".to_vec(),
            reported: Arc::default(),
            cwd: CurrentDir::Own(Arc::new(Cwd::Synthetic(Vec::new()))),
            max_threads: policy.max_threads,
            thread_imports: None,
            threads: None,
            dynlink: None,
        };
        let streams = [Stream::Inherit, Stream::Inherit, Stream::Inherit];
        host.stdio(streams).map_err(|errno| PolicyError(format!("cannot open the standard streams: {errno}")))?;
        host.enter_start_directory();
        Ok(host)
    }

    /// Sets the arguments, the program's name first.
    pub fn set_args<S: AsRef<[u8]>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Host {
        // A NUL would end the argument early in the guest, so it ends here.
        let cut = |arg: S| arg.as_ref().split(|&b| b == 0).next().unwrap_or_default().to_vec();
        self.args = args.into_iter().map(cut).collect();
        self
    }

    /// Connects standard input, output and error.
    pub fn stdio(&mut self, streams: [Stream; 3]) -> Result<&mut Host> {
        for (number, stream) in streams.into_iter().enumerate() {
            let number = number as i32;
            let fd = match stream {
                // A stream that is closed in this process is closed for the guest too.
                Stream::Inherit => sys::dup_standard(number).ok(),
                Stream::Null => Some(sys::open_trusted(c"/dev/null", libc::O_RDWR)?),
                Stream::Fd(fd) => Some(fd),
                Stream::Closed => None,
            };
            // Whatever was there before goes away first, so that the lowest free number is this one.
            let _ = self.fds.close(number);
            if let Some(fd) = fd {
                let at = self.fds.insert(Arc::new(File::stdio(fd)), 0, false)?;
                self.fds.dup_to(at, number, false)?;
                if at != number {
                    self.fds.close(at)?;
                }
            }
        }
        Ok(self)
    }

    /// Gives the guest sockets that listen, from descriptor 3 on.
    pub fn pass_listeners(&mut self, listeners: impl IntoIterator<Item = OwnedFd>) -> &mut Host {
        self.listeners.extend(listeners);
        self
    }

    /// Opens the listeners that were passed, and every granted directory under its guest path, from descriptor 3 on, as WASI programs
    /// expect; the current directory too, as `.`, so that relative paths work.
    pub fn open_preopens(&mut self) -> Result<()> {
        self.open_listeners(true)?;
        let mut files = Vec::new();
        for grant in self.namespace.grants() {
            if let Some(root) = grant.root_dir() {
                files.push(preopen(grant, root, grant.guest_path())?);
            }
        }
        if let Cwd::Dir(grant, fd) = &**self.cwd.get() {
            files.push(preopen(grant, fd.as_fd(), b".".to_vec())?);
        }
        for file in files {
            self.fds.insert(Arc::new(file), 3, false)?;
        }
        Ok(())
    }

    /// Enters the listeners into the table. With names for programs that look for open directories behind them.
    pub(super) fn open_listeners(&mut self, named: bool) -> Result<()> {
        let named = named && !self.namespace.grants().is_empty();
        for (index, listener) in std::mem::take(&mut self.listeners).into_iter().enumerate() {
            let name = named.then(|| format!("{LISTENER_NAME}{index}").into_bytes());
            self.fds.insert(Arc::new(File::passed_socket(listener, name)), 3, false)?;
        }
        Ok(())
    }

    /// The place where paths relative to `dirfd` begin.
    pub fn base(&self, dirfd: i32) -> Result<Base<'_>> {
        if dirfd != AT_FDCWD {
            return self.fds.get(dirfd)?.base();
        }
        Ok(match &**self.cwd.get() {
            Cwd::Dir(grant, fd) => Base::Cwd(grant, fd.as_fd()),
            Cwd::Synthetic(at) => Base::Synthetic(at),
        })
    }

    /// The base for a path, which is made absolute where text must be compared on its way: a relative one from the
    /// current directory when other grants lie below that directory's grant.
    pub fn base_for(&self, dirfd: i32, path: &mut GuestPath) -> Result<Base<'_>> {
        if dirfd == AT_FDCWD
            && let Cwd::Dir(grant, _) = &**self.cwd.get()
            && grant.covered
            && !path.is_absolute()
            && !path.is_empty()
        {
            let mut absolute = self.getcwd()?;
            absolute.push(b'/');
            absolute.extend_from_slice(path.bytes());
            *path = GuestPath::new(&absolute)?;
        }
        // An absolute path needs no descriptor, whatever `dirfd` is.
        if path.is_absolute() { self.base(AT_FDCWD) } else { self.base(dirfd) }
    }

    /// Makes what `object` stands for the current directory.
    pub fn set_cwd(&mut self, object: Object) -> Result<()> {
        let cwd = match object {
            Object::Synthetic(at) => Cwd::Synthetic(at),
            Object::Real(grant, fd) => {
                if sys::fstat(fd.as_fd())?.st_mode & libc::S_IFMT != libc::S_IFDIR {
                    return Err(Errno::ENOTDIR);
                }
                sys::access_fd(fd.as_fd(), libc::X_OK, libc::AT_EACCESS)?;
                Cwd::Dir(grant, fd)
            }
        };
        self.cwd.set(cwd);
        Ok(())
    }

    /// Makes a guest path the current directory.
    pub fn chdir(&mut self, path: &[u8]) -> Result<()> {
        let mut path = GuestPath::new(path)?;
        let object = self.namespace.object(self.base_for(AT_FDCWD, &mut path)?, &mut path, true)?;
        self.set_cwd(object)
    }

    /// The current directory's guest path. ENOENT where it was removed, or moved out of its grant.
    pub fn getcwd(&self) -> Result<Vec<u8>> {
        match &**self.cwd.get() {
            Cwd::Synthetic(at) => Ok(join(at)),
            Cwd::Dir(grant, fd) => {
                if sys::fstat(fd.as_fd())?.st_nlink == 0 {
                    return Err(Errno::ENOENT);
                }
                let (root, here) = (sys::fd_path(grant.root.as_fd())?, sys::fd_path(fd.as_fd())?);
                let root: Vec<&[u8]> = components(&root).collect();
                let here: Vec<&[u8]> = components(&here).collect();
                let below = here.strip_prefix(root.as_slice()).ok_or(Errno::ENOENT)?;
                let parts = grant.guest.iter().cloned().chain(below.iter().map(|p| p.to_vec()));
                Ok(join(&parts.collect::<Vec<_>>()))
            }
        }
    }

    /// The state of another thread of the same guest.
    pub(super) fn for_thread(&mut self) -> Host {
        Host {
            fds: self.fds.share(),
            namespace: self.namespace.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            umask: self.umask.clone(),
            layout: self.layout,
            forced_layout: self.forced_layout,
            pure_wasi: self.pure_wasi,
            devices: self.devices,
            exit_code: None,
            flush_at_exit: false,
            made: None,
            temp_ret0: 0,
            interrupt: None,
            // Each thread is interrupted by itself.
            soft_interrupt: self.soft_interrupt.as_ref().map(|_| Arc::default()),
            maps: self.maps.clone(),
            exceptions: Default::default(),
            listeners: Vec::new(),
            net: self.net.share(),
            signals: self.signals.for_thread(),
            tty: self.tty,
            task_name: self.task_name.clone(),
            reported: self.reported.clone(),
            cwd: self.cwd.share(),
            max_threads: self.max_threads,
            thread_imports: None,
            threads: self.threads.clone(),
            dynlink: None,
        }
    }

    /// Lets go of what the host call which ends has looked at.
    #[inline(always)]
    pub(super) fn end_call(&mut self) {
        // Threads share all that they share together.
        if self.fds.is_shared() {
            self.unpin();
        }
    }

    #[inline(never)]
    fn unpin(&mut self) {
        self.fds.end_call();
        if let CurrentDir::Shared(_, pins) = &mut self.cwd {
            pins.clear();
        }
    }

    /// Permission bits that new files do not get.
    pub fn umask(&self) -> u32 {
        self.umask.load(Ordering::Relaxed)
    }

    /// Sets the permission bits that new files do not get; gives the ones before.
    pub fn set_umask(&self, mask: u32) -> u32 {
        self.umask.swap(mask, Ordering::Relaxed)
    }

    /// Files that are mapped into the guest's memory.
    pub(super) fn maps(&self) -> MutexGuard<'_, Mappings> {
        self.maps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Repeats a blocking call that a signal ended, unless the embedder wants the guest to stop.
    #[inline(always)]
    pub fn blocking<R>(&self, mut call: impl FnMut() -> Result<R>) -> Result<R> {
        loop {
            match call() {
                Err(Errno::EINTR) if self.goes_on() => {}
                other => return other,
            }
        }
    }

    /// Whether a call that a signal ended begins again.
    #[cold]
    #[inline(never)]
    pub(super) fn goes_on(&self) -> bool {
        !self.interrupted() && !self.signals.due()
    }

    /// For other threads: makes the calling one, which runs the guest, come back from host functions that wait.
    ///
    /// # Errors
    /// If signals cannot be used.
    pub fn waiter(&self) -> Result<Waiter> {
        let thread = Thread::current()?;
        Ok(Waiter { thread, soft: self.soft_interrupt.clone().unwrap_or_default() })
    }

    /// Whether the embedder has asked the guest to stop, or to come back from a blocking call.
    pub fn interrupted(&self) -> bool {
        let soft = |flag: &Arc<AtomicBool>| flag.load(Ordering::Acquire);
        self.interrupt.as_ref().is_some_and(InterruptHandle::is_set) || self.soft_interrupt.as_ref().is_some_and(soft)
    }

    /// Logs once that a guest used something that does not exist here.
    pub fn report_unsupported(&mut self, name: &'static str) {
        if self.first_report(name) {
            log::warn!("the guest called {name}, which is not supported: it got ENOSYS");
        }
    }

    /// Logs once that the guest was refused something, and what would grant it.
    pub fn refuse(&mut self, what: &str, grant: &str) -> Errno {
        if self.first_report(what) {
            log::warn!("the guest was not permitted to {what}; to permit it: {grant}");
        }
        Errno::EACCES
    }

    pub(super) fn first_report(&mut self, what: &str) -> bool {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        reported.len() < MAX_REPORTS && reported.insert(what.to_string())
    }

    /// Begins in the host's current directory where the guest sees it under the same path, else in the only grant,
    /// else in the root.
    fn enter_start_directory(&mut self) {
        let here = std::env::current_dir().unwrap_or_default();
        if here.is_absolute()
            && self.namespace.grants().iter().any(|g| same_place(g, here.as_os_str().as_bytes()))
            && self.chdir(here.as_os_str().as_bytes()).is_ok()
        {
            return;
        }
        let start = match self.namespace.grants() {
            [only] if only.root_dir().is_some() => only.guest_path(),
            _ => b"/".to_vec(),
        };
        // Where even that fails (no permission to enter), the guest stays in the synthetic root.
        let _ = self.chdir(&start);
    }
}

/// A directory as WASI programs find it: open for reading where the user may read it.
fn preopen(grant: &Arc<Grant>, dir: BorrowedFd<'_>, name: Vec<u8>) -> Result<File> {
    let fd = match sys::openat2(dir, c".", libc::O_RDONLY | libc::O_DIRECTORY, 0, libc::RESOLVE_BENEATH) {
        Ok(fd) => fd,
        Err(_) => sys::dup(dir)?,
    };
    Ok(File::preopened(grant.clone(), fd, name))
}

/// Whether the guest sees the host directory `here` under the very same path in this grant.
fn same_place(grant: &Grant, here: &[u8]) -> bool {
    let Ok(root) = sys::fd_path(grant.root.as_fd()) else { return false };
    let here: Vec<&[u8]> = components(here).collect();
    let root: Vec<&[u8]> = components(&root).collect();
    let guest: Vec<&[u8]> = grant.guest.iter().map(Vec::as_slice).collect();
    root == guest && here.starts_with(&root)
}

/// What [`take_umask`] found.
static TAKEN_UMASK: OnceLock<u32> = OnceLock::new();

/// This process's file mode creation mask, as far as it can be read without setting it.
fn current_umask() -> u32 {
    if let Some(taken) = TAKEN_UMASK.get() {
        return *taken;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("Umask:"));
    line.and_then(|l| u32::from_str_radix(l.trim(), 8).ok()).unwrap_or(0o022)
}

/// Sets this process's own mask to zero, so that a guest's mask alone decides on the mode of files that it makes;
/// guests made afterwards begin with the mask that was found. For programs that do nothing but host guests.
pub fn take_umask() -> u32 {
    *TAKEN_UMASK.get_or_init(sys::process::take_umask)
}

/// Descriptors of the process that a guest's table leaves to the host itself: the mount, the cache, the logs.
const KEPT_FILES: u64 = 64;
/// Descriptors of a guest that serves others, where the process may have that many.
const SERVER_FILES: u64 = 1 << 16;

/// Raises this process's soft limit of open files as far as it may, and gives how many of them a guest may hold that
/// opens files for all of its clients, as a filesystem does. For programs that do nothing but host guests.
pub fn take_file_limit() -> usize {
    let limit = sys::process::raise_file_limit(SERVER_FILES + KEPT_FILES).unwrap_or(0);
    usize::try_from(limit.min(SERVER_FILES + KEPT_FILES).saturating_sub(KEPT_FILES))
        .map_or(super::DEFAULT_MAX_FILES, |files| files.max(super::DEFAULT_MAX_FILES))
}
