//! System calls that std does not offer, each behind a safe function where that is possible.
//!
//! No policy in here: callers decide what an error means.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// A positive errno number as Linux counts them.
pub type Errno = i32;

/// A run of bytes somewhere in this process that may not be borrowed as a slice, because it lies in memory
/// that a guest shares with other threads. Making one is harmless; functions that follow it are `unsafe`.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct RawSlice(libc::iovec);

impl RawSlice {
    /// The `len` bytes from `ptr` on.
    pub const fn new(ptr: *const u8, len: usize) -> Self {
        RawSlice(libc::iovec { iov_base: ptr as *mut libc::c_void, iov_len: len })
    }

    /// No bytes.
    pub const EMPTY: RawSlice = RawSlice::new(std::ptr::null(), 0);

    /// Where the bytes begin.
    pub const fn ptr(&self) -> *mut u8 {
        self.0.iov_base.cast()
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.iov_len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.iov_len == 0
    }
}

impl std::fmt::Debug for RawSlice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:p}+{}", self.ptr(), self.len())
    }
}

/// The errno of the call that just failed.
fn last_errno() -> Errno {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

fn check(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| last_errno())
}

/// readv(2).
///
/// By number, as [`writev`]: the C library's functions are cancellation points, which this process has no use for and which
/// cost two locked instructions each where there are threads.
///
/// # Safety
/// Every slice is writable memory that nothing else in this process relies on until the call returns.
pub unsafe fn readv(fd: BorrowedFd<'_>, iov: &[RawSlice]) -> Result<usize, Errno> {
    // SAFETY: RawSlice is a transparent iovec; the caller vouches for what the slices point to.
    check(unsafe { libc::syscall(libc::SYS_readv, fd.as_raw_fd(), iov.as_ptr(), iov.len()) } as isize)
}

/// writev(2), or write(2) where that does.
///
/// # Safety
/// Every slice is readable memory until the call returns.
pub unsafe fn writev(fd: BorrowedFd<'_>, iov: &[RawSlice]) -> Result<usize, Errno> {
    let result = match iov {
        // SAFETY: the caller vouches for what the slice points to.
        [one] => unsafe { libc::syscall(libc::SYS_write, fd.as_raw_fd(), one.ptr(), one.len()) },
        // SAFETY: RawSlice is a transparent iovec; the caller vouches for what the slices point to.
        _ => unsafe { libc::syscall(libc::SYS_writev, fd.as_raw_fd(), iov.as_ptr(), iov.len()) },
    };
    check(result as isize)
}

/// recvmsg(2) without waiting.
///
/// # Safety
/// As for [`readv`].
pub unsafe fn recv_nowait(fd: BorrowedFd<'_>, iov: &[RawSlice]) -> Result<usize, Errno> {
    // SAFETY: a msghdr of zeroes is valid: no name, no control data.
    let mut msg: libc::msghdr = unsafe { std::mem::zeroed() };
    msg.msg_iov = iov.as_ptr().cast_mut().cast();
    msg.msg_iovlen = iov.len() as _;
    // SAFETY: the caller vouches for the slices; the header lives across the call.
    check(unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut msg, libc::MSG_DONTWAIT) })
}

/// Waits until one of the descriptors has input, an error or a hangup; the results are `revents` words.
/// An interrupted wait counts as one in which nothing happened.
pub fn poll<const N: usize>(fds: [Option<BorrowedFd<'_>>; N], timeout_ms: i32) -> [i16; N] {
    let mut set =
        fds.map(|fd| libc::pollfd { fd: fd.map_or(-1, |fd| fd.as_raw_fd()), events: libc::POLLIN, revents: 0 });
    // SAFETY: the array lives across the call and its length is passed.
    let ready = unsafe { libc::poll(set.as_mut_ptr(), N as libc::nfds_t, timeout_ms) };
    if ready < 0 { [0; N] } else { set.map(|entry| entry.revents) }
}

/// Opens `/dev/fuse`, close-on-exec.
pub fn open_dev_fuse() -> io::Result<OwnedFd> {
    // SAFETY: the path is a C string; the result is checked.
    let fd = unsafe { libc::open(c"/dev/fuse".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a fresh descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Turns O_NONBLOCK on or off.
pub fn set_nonblocking(fd: BorrowedFd<'_>, on: bool) -> Result<(), Errno> {
    // SAFETY: fcntl on integers.
    unsafe {
        let flags = check(libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) as isize)? as i32;
        let flags = if on { flags | libc::O_NONBLOCK } else { flags & !libc::O_NONBLOCK };
        check(libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags) as isize).map(drop)
    }
}

/// `FUSE_DEV_IOC_CLONE`: connects `new` to the connection of `source`.
pub fn clone_dev_fuse(new: BorrowedFd<'_>, source: BorrowedFd<'_>) -> io::Result<()> {
    const FUSE_DEV_IOC_CLONE: libc::c_ulong = 0x8004_e500;
    let fd = source.as_raw_fd() as u32;
    // SAFETY: the ioctl reads one u32 through the pointer.
    let result = unsafe { libc::ioctl(new.as_raw_fd(), FUSE_DEV_IOC_CLONE as _, &raw const fd) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// An eventfd: a counter whose waiters wake when somebody adds to it.
#[derive(Debug)]
pub struct Event(OwnedFd);

impl Event {
    /// A new one, at zero.
    pub fn new() -> io::Result<Event> {
        // SAFETY: no pointers; the result is checked.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a fresh descriptor that nobody else owns.
        Ok(Event(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// Wakes whoever polls it. Async-signal-safe.
    pub fn set(&self) {
        signal_event(self.0.as_raw_fd());
    }

    /// Back to zero.
    pub fn clear(&self) {
        let mut count = 0u64;
        // SAFETY: reads at most the 8 bytes of `count`.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), 8) };
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn signal_event(fd: i32) {
    let one = 1u64;
    // SAFETY: writes the 8 bytes of `one`; write(2) is async-signal-safe, and a bad fd is only an error.
    unsafe { libc::write(fd, (&raw const one).cast(), 8) };
}

/// umount2(2).
pub fn umount2(path: &CStr, flags: i32) -> Result<(), Errno> {
    // SAFETY: the path is a C string.
    check(unsafe { libc::umount2(path.as_ptr(), flags) } as isize).map(drop)
}

/// mount(2).
pub fn mount(source: &CStr, target: &CStr, kind: &CStr, flags: u64, data: &CStr) -> Result<(), Errno> {
    // SAFETY: all four are C strings, and `data` is what this filesystem type expects there: text.
    let result = unsafe {
        libc::mount(source.as_ptr(), target.as_ptr(), kind.as_ptr(), flags as libc::c_ulong, data.as_ptr().cast())
    };
    check(result as isize).map(drop)
}

/// Which mount is on top at a path: ids as the kernel counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MountId {
    /// The mount's id.
    pub id: u64,
    /// Whether `id` is never used again (Linux 6.8); older ids are reused after an unmount.
    pub unique: bool,
    /// The superblock's device number.
    pub dev: (u32, u32),
}

/// Asks who is mounted at `path`, without a request to the filesystem. Async-signal-safe.
pub fn mount_id(path: &CStr) -> Result<MountId, Errno> {
    const UNIQUE: u32 = libc::STATX_MNT_ID_UNIQUE;
    // SAFETY: statx is a structure of integers, for which zeroes are a value.
    let mut stx: libc::statx = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a C string and the result structure lives across the call.
    let result = unsafe {
        libc::statx(
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_STATX_DONT_SYNC | libc::AT_NO_AUTOMOUNT | libc::AT_SYMLINK_NOFOLLOW,
            UNIQUE,
            &raw mut stx,
        )
    };
    check(result as isize)?;
    Ok(MountId { id: stx.stx_mnt_id, unique: stx.stx_mask & UNIQUE != 0, dev: (stx.stx_dev_major, stx.stx_dev_minor) })
}

/// A path as a C string; `None` when it holds a NUL.
pub fn c_path(path: &std::path::Path) -> Option<CString> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes()).ok()
}

/// The effective user and group.
pub fn effective_ids() -> (u32, u32) {
    // SAFETY: these calls cannot fail and touch no memory.
    unsafe { (libc::geteuid(), libc::getegid()) }
}

/// Nanoseconds of the monotonic clock.
pub fn now_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the structure that it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A thread that can be woken out of a system call.
#[derive(Clone, Copy, Debug)]
pub struct ThreadHandle(libc::pthread_t);

impl ThreadHandle {
    /// The calling thread.
    pub fn current() -> Self {
        // SAFETY: no arguments, cannot fail.
        ThreadHandle(unsafe { libc::pthread_self() })
    }

    /// Makes the thread's blocking system call, if it is in one that can be interrupted, end with EINTR.
    ///
    /// # Safety
    /// The thread has not ended, and [`install_wake_handler`] was called.
    pub unsafe fn wake(self) {
        // SAFETY: the caller vouches that the thread lives; the signal has a handler that does nothing.
        unsafe { libc::pthread_kill(self.0, wake_signal()) };
    }
}

/// The signal that wakes a thread out of a system call: a real-time signal that nothing else here uses.
pub fn wake_signal() -> i32 {
    libc::SIGRTMIN() + 3
}

/// Gives the wake signal a handler that does nothing, without SA_RESTART, so that it only interrupts.
pub fn install_wake_handler() {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: the handler touches nothing; a sigaction of zeroes has an empty mask and no flags.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
        libc::sigaction(wake_signal(), &raw const action, std::ptr::null_mut());
    }
}

/// Where signal handlers leave a signal for the control thread: an eventfd and one bit per signal.
static SIGNAL_FD: AtomicI32 = AtomicI32::new(-1);
static SIGNAL_BITS: AtomicI32 = AtomicI32::new(0);

extern "C" fn note_signal(signal: i32) {
    // SAFETY: __errno_location is this thread's errno; saving it keeps the interrupted code's value.
    unsafe {
        let errno = *libc::__errno_location();
        SIGNAL_BITS.fetch_or(1 << signal, Ordering::SeqCst);
        signal_event(SIGNAL_FD.load(Ordering::SeqCst));
        *libc::__errno_location() = errno;
    }
}

/// Signal handlers that hand signals to a thread; dropping it puts the former handlers back.
pub struct SignalWatch {
    /// Handlers write to its descriptor, so it must not be closed before they are gone.
    _event: Arc<Event>,
    former: Vec<(i32, libc::sigaction)>,
}

impl SignalWatch {
    /// Catches `signals` and sets `event` when one arrives. A signal that is ignored (as under nohup) or that
    /// the program handles itself is left alone. One watch at a time: a second takes the signals over.
    pub fn new(signals: &[i32], event: Arc<Event>) -> SignalWatch {
        SIGNAL_BITS.store(0, Ordering::SeqCst);
        SIGNAL_FD.store(event.0.as_raw_fd(), Ordering::SeqCst);
        let mut former = Vec::new();
        for &signal in signals {
            // SAFETY: plain sigaction calls with structures that live across them; the handler is
            // async-signal-safe (atomics and write only).
            unsafe {
                let mut old: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, std::ptr::null(), &raw mut old);
                if old.sa_sigaction != libc::SIG_DFL {
                    continue;
                }
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = note_signal as extern "C" fn(i32) as usize;
                action.sa_flags = libc::SA_RESTART;
                libc::sigaction(signal, &raw const action, std::ptr::null_mut());
                former.push((signal, old));
            }
        }
        SignalWatch { _event: event, former }
    }

    /// Which signals arrived since the last call, as bits (`1 << signal`).
    pub fn take(&self) -> i32 {
        SIGNAL_BITS.swap(0, Ordering::SeqCst)
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        for (signal, old) in &self.former {
            // SAFETY: restores what sigaction returned.
            unsafe { libc::sigaction(*signal, old, std::ptr::null_mut()) };
        }
        SIGNAL_FD.store(-1, Ordering::SeqCst);
    }
}
