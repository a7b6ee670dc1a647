//! The guest's file descriptors: small numbers that stand for open files of the host.
//!
//! A guest's number is an index into a table; the host's descriptor behind it is owned by the entry, always
//! close-on-exec, and never shown. Duplicates share one entry, as they share one open file description in the host.

use super::dir::DirStream;
use super::errno::Errno;
use super::pins::Pins;
use super::resolve::{Base, Grant};
use super::rights::{self, RightsCell};
use super::sys::{self, Result};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What an open file is, as far as calls behave differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file of a grant, of any type but a directory.
    File,
    /// A directory of a grant.
    Dir,
    /// A pipe that the guest made.
    Pipe,
    /// A socket.
    Socket,
    /// A descriptor that tells of events: epoll, eventfd, timerfd, inotify.
    Event,
    /// A standard stream.
    Stdio,
    /// A directory of the synthetic tree above the grants.
    Synthetic,
}

/// An open file.
#[derive(Debug)]
pub struct File {
    fd: Option<OwnedFd>,
    /// Empty for what a grant has until somebody asks: most files are opened, read and closed without.
    kind: OnceLock<Kind>,
    grant: Option<Arc<Grant>>,
    path_only: bool,
    /// A listener that the embedder passed in.
    passed: bool,
    locked: AtomicBool,
    /// What a WASI program may do with the file.
    rights: RightsCell,
    rare: OnceLock<Box<Rare>>,
}

/// What most files do not have.
#[derive(Debug, Default)]
struct Rare {
    synthetic: Vec<Vec<u8>>,
    preopen: Option<Vec<u8>>,
    /// What the guest called the file that a socket is bound or connected to.
    local_name: OnceLock<Vec<u8>>,
    peer_name: OnceLock<Vec<u8>>,
    stream: Mutex<DirStream>,
}

impl File {
    fn new(fd: Option<OwnedFd>, kind: Kind) -> File {
        File { kind: kind.into(), ..File::unknown(fd) }
    }

    fn unknown(fd: Option<OwnedFd>) -> File {
        File {
            fd,
            kind: OnceLock::new(),
            grant: None,
            path_only: false,
            passed: false,
            locked: AtomicBool::new(false),
            rights: RightsCell::default(),
            rare: OnceLock::new(),
        }
    }

    fn named(self, preopen: Option<Vec<u8>>) -> File {
        File { rare: Box::new(Rare { preopen, ..Rare::default() }).into(), ..self }
    }

    fn rare(&self) -> &Rare {
        self.rare.get_or_init(Box::default)
    }

    /// A file or directory of a grant. `path_only` says that it was opened with `O_PATH`.
    pub fn granted(grant: Arc<Grant>, fd: OwnedFd, path_only: bool) -> File {
        File { grant: Some(grant), path_only, ..File::unknown(Some(fd)) }
    }

    /// A directory that a WASI program finds open, under a name.
    pub fn preopened(grant: Arc<Grant>, fd: OwnedFd, name: Vec<u8>) -> File {
        File::granted(grant, fd, false).named(Some(name))
    }

    /// A directory of the synthetic tree.
    pub fn synthetic(at: Vec<Vec<u8>>) -> File {
        let rare = Box::new(Rare { synthetic: at, ..Rare::default() });
        File { rare: rare.into(), ..File::new(None, Kind::Synthetic) }
    }

    /// One end of a pipe.
    pub fn pipe(fd: OwnedFd) -> File {
        File::new(Some(fd), Kind::Pipe)
    }

    /// A socket.
    pub fn socket(fd: OwnedFd) -> File {
        File::new(Some(fd), Kind::Socket)
    }

    /// A listener, or another socket, that the embedder passes in. WASI programs look at each number until one is closed, so
    /// where directories follow, it has a name that no path begins with.
    pub fn passed_socket(fd: OwnedFd, name: Option<Vec<u8>>) -> File {
        File { passed: true, ..File::socket(fd).named(name) }
    }

    /// A descriptor that tells of events.
    pub fn event(fd: OwnedFd) -> File {
        File::new(Some(fd), Kind::Event)
    }

    /// A descriptor that came through a socket. Paths never begin in it, whatever it is.
    pub fn received(fd: OwnedFd) -> File {
        let socket = sys::fstat(fd.as_fd()).is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFSOCK);
        File::new(Some(fd), if socket { Kind::Socket } else { Kind::Stdio })
    }

    /// Whether the embedder passed the socket in.
    pub fn is_passed(&self) -> bool {
        self.passed
    }

    /// What the guest called the file that the socket is bound to.
    pub fn local_name(&self) -> Option<&[u8]> {
        self.rare.get()?.local_name.get().map(Vec::as_slice)
    }

    /// What the guest called the file that the socket is connected to.
    pub fn peer_name(&self) -> Option<&[u8]> {
        self.rare.get()?.peer_name.get().map(Vec::as_slice)
    }

    /// Names the file that the socket is bound to; the first name stays.
    pub fn set_local_name(&self, name: Vec<u8>) {
        let _ = self.rare().local_name.set(name);
    }

    /// Names the file that the socket is connected to; the first name stays.
    pub fn set_peer_name(&self, name: Vec<u8>) {
        let _ = self.rare().peer_name.set(name);
    }

    /// What a WASI program may do with the file.
    pub fn rights(&self) -> &RightsCell {
        &self.rights
    }

    /// The host's descriptor, if calls on the file are no more than the host's own calls on it; and whether it may be read and written.
    pub fn direct(&self) -> Option<(BorrowedFd<'_>, bool, bool)> {
        let fd = self.fd().ok().filter(|_| !self.path_only)?;
        let may = |right| self.rights.need(right).is_ok();
        Some((fd, may(rights::FD_READ), may(rights::FD_WRITE)))
    }

    /// A standard stream.
    pub fn stdio(fd: OwnedFd) -> File {
        File::new(Some(fd), Kind::Stdio)
    }

    /// The host's descriptor; EBADF where there is none, because the directory is synthetic.
    #[inline]
    pub fn fd(&self) -> Result<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    /// What the file is.
    pub fn kind(&self) -> Kind {
        *self.kind.get_or_init(|| {
            let stat = self.fd().and_then(sys::fstat);
            let directory = stat.is_ok_and(|stat| stat.st_mode & libc::S_IFMT == libc::S_IFDIR);
            if directory { Kind::Dir } else { Kind::File }
        })
    }

    /// The grant that the file belongs to.
    pub fn grant(&self) -> Option<&Arc<Grant>> {
        self.grant.as_ref()
    }

    /// Components of a synthetic directory's path.
    pub fn synthetic_path(&self) -> &[Vec<u8>] {
        self.rare.get().map_or(&[], |rare| &rare.synthetic)
    }

    /// The name under which a WASI program found the directory open.
    pub fn preopen_name(&self) -> Option<&[u8]> {
        self.rare.get()?.preopen.as_deref()
    }

    /// Whether the file stands for a place only.
    pub fn is_path_only(&self) -> bool {
        self.path_only
    }

    /// Refuses a change of attributes below a read-only grant, and of what stands behind a standard stream: a guest may read
    /// and write its streams, but the terminal, device or file there (with root, `/dev/null` itself) is not its own.
    pub fn writable(&self) -> Result<()> {
        match &self.grant {
            Some(grant) => grant.writable(),
            None if self.kind() == Kind::Stdio => Err(Errno::EPERM),
            None => Ok(()),
        }
    }

    /// The base for paths relative to this directory, which then stay within its grant.
    pub fn base(&self) -> Result<Base<'_>> {
        match (self.kind(), &self.grant, &self.fd) {
            (Kind::Synthetic, ..) => Ok(Base::Synthetic(self.synthetic_path())),
            (Kind::Dir, Some(grant), Some(fd)) => Ok(Base::Dir(grant, fd.as_fd())),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The base for WASI's paths, which stay below this directory.
    pub fn confined_base(&self) -> Result<Base<'_>> {
        match self.base()? {
            Base::Dir(grant, fd) => Ok(Base::Confined(grant, fd)),
            other => Ok(other),
        }
    }

    /// Where the directory is being read.
    pub fn stream(&self) -> MutexGuard<'_, DirStream> {
        self.rare().stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers that the guest holds record locks through this file.
    pub fn note_lock(&self) {
        self.locked.store(true, Ordering::Relaxed);
    }

    /// Releases record locks, which POSIX drops when any descriptor of the file is closed.
    fn release_locks(&self) {
        if self.locked.load(Ordering::Relaxed)
            && self.locked.swap(false, Ordering::Relaxed)
            && let Ok(fd) = self.fd()
        {
            let mut lock = sys::file_lock();
            lock.l_type = libc::F_UNLCK as i16;
            // A failure means that the host has no locks to release.
            let _ = sys::fcntl_lock(fd, libc::F_SETLK, &mut lock);
        }
    }
}

/// What a number stands for.
#[derive(Debug)]
struct Slot {
    file: Arc<File>,
    /// When the number came to mean this, in changes of the table.
    stamp: u64,
    cloexec: bool,
}

/// What reading and writing look at of a slot, beside the others' so that they need not look at slots and files: after a system call,
/// each further place in memory is one more that the kernel has pushed out of the processor's cache.
#[derive(Clone, Copy, Debug)]
struct Plain {
    /// The host's descriptor, which the slot's file owns as long as it lives.
    host: RawFd,
    /// Rights that were given up, or [`Plain::NOT`].
    refused: u32,
}

impl Plain {
    /// Bit of `refused`, of no right: there is no descriptor, as the slot is free or its directory is synthetic.
    const NOT: u32 = 1 << 31;
    const NONE: Plain = Plain { host: -1, refused: u32::MAX };

    fn of(file: &File) -> Plain {
        match &file.fd {
            Some(fd) => Plain { host: fd.as_raw_fd(), refused: file.rights.dropped() & !Plain::NOT },
            None => Plain::NONE,
        }
    }
}

/// The numbers, and what is behind them. The host calls of each guest begin here.
#[derive(Debug, Default)]
#[repr(C)]
struct Slots {
    /// As long as `list`.
    plain: Vec<Plain>,
    list: Vec<Option<Slot>>,
    /// No slot below this one is free.
    lowest: usize,
    changes: u64,
    /// Where else their number is to be seen.
    published: Option<&'static AtomicU64>,
}

impl Slots {
    #[inline]
    fn get(&self, fd: i32) -> Result<&Slot> {
        // A negative number becomes a huge one, which no table has.
        match self.list.get(fd as u32 as usize) {
            Some(Some(slot)) => Ok(slot),
            _ => Err(Errno::EBADF),
        }
    }

    /// What has been known of the slots may not be right any more.
    fn change(&mut self) {
        self.changes += 1;
        if let Some(place) = self.published {
            place.store(self.changes, Ordering::SeqCst);
        }
    }

    fn insert(&mut self, max: usize, slot: Slot, min: usize) -> Result<i32> {
        let from = min.max(self.lowest);
        let free = (from..self.list.len()).find(|&at| self.list[at].is_none()).unwrap_or(self.list.len().max(from));
        if free >= max {
            return Err(Errno::EMFILE);
        }
        self.put(free, slot);
        if from == self.lowest {
            self.lowest = free + 1;
        }
        Ok(free as i32)
    }

    /// Fills a slot; gives what was there.
    fn put(&mut self, at: usize, slot: Slot) -> Option<Slot> {
        self.change();
        let slot = Slot { stamp: self.changes, ..slot };
        if at >= self.list.len() {
            self.list.resize_with(at + 1, || None);
            self.plain.resize(at + 1, Plain::NONE);
        }
        self.plain[at] = Plain::of(&slot.file);
        self.list[at].replace(slot)
    }

    fn take(&mut self, fd: i32) -> Result<Slot> {
        let at = fd as u32 as usize;
        let slot = self.list.get_mut(at).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.plain[at] = Plain::NONE;
        self.change();
        self.lowest = self.lowest.min(at);
        Ok(slot)
    }

    fn used(&self) -> usize {
        self.list.iter().flatten().count()
    }
}

/// The table of a guest that has threads.
#[derive(Debug)]
struct Shared {
    slots: Arc<Mutex<Slots>>,
    /// Files of the running host call.
    pins: Pins<File>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table of descriptors: of one thread, or shared by several, each of which has a handle of its own.
#[derive(Debug)]
#[repr(C)]
pub struct FdTable {
    /// Empty if `shared` has them.
    slots: Slots,
    shared: Option<Box<Shared>>,
    max: usize,
}

impl FdTable {
    /// An empty table for at most `max` descriptors.
    pub fn new(max: usize) -> FdTable {
        FdTable { slots: Slots::default(), max: max.min(i32::MAX as usize), shared: None }
    }

    /// A handle to the same table for another thread.
    pub(super) fn share(&mut self) -> FdTable {
        let slots = match &self.shared {
            Some(shared) => shared.slots.clone(),
            None => Arc::new(Mutex::new(std::mem::take(&mut self.slots))),
        };
        let handle = || Some(Box::new(Shared { slots: slots.clone(), pins: Pins::default() }));
        if self.shared.is_none() {
            self.shared = handle();
        }
        FdTable { slots: Slots::default(), max: self.max, shared: handle() }
    }

    /// Lets go of the files that the host call which ends has looked at.
    #[inline]
    pub(super) fn end_call(&mut self) {
        if let Some(shared) = &mut self.shared {
            shared.pins.clear();
        }
    }

    fn read<R>(&self, act: impl FnOnce(&Slots) -> R) -> R {
        match &self.shared {
            None => act(&self.slots),
            Some(shared) => act(&shared.lock()),
        }
    }

    fn change<R>(&mut self, act: impl FnOnce(&mut Slots) -> R) -> R {
        match &self.shared {
            None => act(&mut self.slots),
            Some(shared) => act(&mut shared.lock()),
        }
    }

    /// Whether threads share the table.
    #[inline(always)]
    pub(super) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The host's descriptor behind a number of a table that is not shared, if there is one and the rights were not given up: at once what
    /// [`FdTable::get`] and questions to the file find.
    #[inline(always)]
    pub fn plain(&self, fd: i32, rights: u64) -> Option<BorrowedFd<'_>> {
        self.plain_unless(fd, rights, 0)
    }

    /// The same if also `unfit` is 0: both with one branch, of which each counts right behind a system call.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(super) fn plain_unless(&self, fd: i32, rights: u64, unfit: u32) -> Option<BorrowedFd<'_>> {
        // A negative number becomes a huge one, which no table has.
        let plain = self.slots.plain.get(fd as u32 as usize)?;
        if plain.refused & (rights as u32 | Plain::NOT) | unfit != 0 {
            return None;
        }
        // SAFETY: the number is that of the descriptor that the slot's file owns, so not negative. A file never changes its descriptor, and
        // the slot keeps the file as long as `self` is borrowed, since whatever changes a slot borrows the table mutably.
        unsafe {
            std::hint::assert_unchecked(plain.host >= 0);
            Some(BorrowedFd::borrow_raw(plain.host))
        }
    }

    /// The host's descriptor behind a number; EBADF also where there is none, because the directory is synthetic.
    #[inline]
    pub fn fd(&self, fd: i32) -> Result<BorrowedFd<'_>> {
        match self.plain(fd, 0) {
            Some(host) => Ok(host),
            None => self.get(fd)?.fd(),
        }
    }

    /// The file behind a number.
    #[inline]
    pub fn get(&self, fd: i32) -> Result<&Arc<File>> {
        match &self.shared {
            None => Ok(&self.slots.get(fd)?.file),
            Some(shared) => {
                let file = shared.lock().get(fd)?.file.clone();
                Ok(shared.pins.keep(file))
            }
        }
    }

    /// Enters a file under the lowest free number that is at least `min`.
    pub fn insert(&mut self, file: Arc<File>, min: usize, cloexec: bool) -> Result<i32> {
        if min >= self.max {
            return Err(Errno::EINVAL);
        }
        let max = self.max;
        self.change(|slots| slots.insert(max, Slot { file, stamp: 0, cloexec }, min))
    }

    /// Refuses early what [`FdTable::insert`] would refuse, before anything is opened.
    pub fn room_for(&self, count: usize) -> Result<()> {
        let full = |slots: &Slots| slots.list.len() + count > self.max && slots.used() + count > self.max;
        if self.read(full) { Err(Errno::EMFILE) } else { Ok(()) }
    }

    /// A second number for the same file, at least `min`.
    pub fn dup(&mut self, fd: i32, min: i32, cloexec: bool) -> Result<i32> {
        let file = self.get(fd)?.clone();
        let min = usize::try_from(min).map_err(|_| Errno::EINVAL)?;
        self.insert(file, min, cloexec)
    }

    /// Makes `to` another number for the file behind `from`, closing what `to` was.
    pub fn dup_to(&mut self, from: i32, to: i32, cloexec: bool) -> Result<i32> {
        let file = self.get(from)?.clone();
        let at = usize::try_from(to).map_err(|_| Errno::EBADF)?;
        if at >= self.max {
            return Err(Errno::EBADF);
        }
        // What goes away is closed without the lock: that may take its time.
        if let Some(old) = self.change(|slots| slots.put(at, Slot { file, stamp: 0, cloexec })) {
            old.file.release_locks();
        }
        Ok(to)
    }

    /// Moves a file to another number (WASI's `fd_renumber`).
    pub fn renumber(&mut self, from: i32, to: i32) -> Result<()> {
        self.get(to)?;
        self.dup_to(from, to, false)?;
        if from == to { Ok(()) } else { self.close(from) }
    }

    /// Closes a number.
    pub fn close(&mut self, fd: i32) -> Result<()> {
        let slot = self.change(|slots| slots.take(fd))?;
        slot.file.release_locks();
        if let Ok(mut file) = Arc::try_unwrap(slot.file)
            && let Some(fd) = file.fd.take()
        {
            sys::close(fd);
        }
        Ok(())
    }

    /// The close-on-exec flag.
    pub fn cloexec(&self, fd: i32) -> Result<bool> {
        self.read(|slots| slots.get(fd).map(|slot| slot.cloexec))
    }

    /// Sets the close-on-exec flag, which has no effect as guests do not exec.
    pub fn set_cloexec(&mut self, fd: i32, on: bool) -> Result<()> {
        self.change(|slots| match slots.list.get_mut(fd as u32 as usize) {
            Some(Some(slot)) => {
                slot.cloexec = on;
                Ok(())
            }
            _ => Err(Errno::EBADF),
        })
    }

    /// How many numbers are in use.
    pub fn open_count(&self) -> usize {
        self.read(Slots::used)
    }

    /// Most numbers that can be in use.
    pub fn max(&self) -> usize {
        self.max
    }

    /// Closes everything.
    pub fn clear(&mut self) {
        // Closed without the lock, as above. The count goes on, since nothing is as it was.
        drop(self.change(|slots| {
            slots.change();
            let (changes, published) = (slots.changes, slots.published);
            std::mem::replace(slots, Slots { changes, published, ..Slots::default() })
        }));
    }

    /// How often the table has changed: it is the same as long as this is.
    pub fn changes(&self) -> u64 {
        self.read(|slots| slots.changes)
    }

    /// Puts the number of changes where others see it, from now on, before what it counts comes into effect.
    pub fn publish_changes(&mut self, place: &'static AtomicU64) {
        self.change(|slots| {
            slots.published = Some(place);
            slots.change();
        });
    }

    /// Gives rights to a file up (see [`RightsCell::shrink`]): under each number that it has.
    pub fn shrink(&mut self, fd: i32, kind: u64, base: u64, inheriting: u64) -> Result<()> {
        let file = self.get(fd)?.clone();
        file.rights.shrink(kind, base, inheriting)?;
        self.change(|slots| {
            slots.change();
            for (slot, plain) in slots.list.iter_mut().zip(&mut slots.plain) {
                if let Some(slot) = slot
                    && Arc::ptr_eq(&slot.file, &file)
                {
                    (slot.stamp, *plain) = (slots.changes, Plain::of(&file));
                }
            }
        });
        Ok(())
    }

    /// For each number what is behind it, and a stamp that is another one once something else is. Stamps are not 0.
    pub fn stamped(&self) -> Vec<Option<(u64, Arc<File>)>> {
        self.read(|slots| slots.list.iter().map(|slot| slot.as_ref().map(|s| (s.stamp, s.file.clone()))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Arc<File> {
        Arc::new(File::pipe(sys::pipe(0).unwrap().0))
    }

    #[test]
    fn attributes_behind_a_standard_stream_stay_as_they_are() {
        let null = sys::open_trusted(c"/dev/null", libc::O_RDWR).unwrap();
        assert_eq!(File::stdio(null).writable(), Err(Errno::EPERM));
        assert_eq!(file().writable(), Ok(()));
    }

    #[test]
    fn numbers_are_the_lowest_free() {
        let mut table = FdTable::new(8);
        for expected in 0..4 {
            assert_eq!(table.insert(file(), 0, false), Ok(expected));
        }
        table.close(1).unwrap();
        table.close(2).unwrap();
        assert_eq!(table.insert(file(), 0, false), Ok(1));
        assert_eq!(table.dup(0, 5, true), Ok(5));
        assert!(table.cloexec(5).unwrap() && !table.cloexec(0).unwrap());
        assert_eq!(table.insert(file(), 0, false), Ok(2));
        assert_eq!(table.insert(file(), 0, false), Ok(4));
        assert_eq!(table.insert(file(), 0, false), Ok(6));
        assert_eq!(table.insert(file(), 0, false), Ok(7));
        assert_eq!(table.insert(file(), 0, false), Err(Errno::EMFILE));
        assert_eq!(table.dup(0, 8, false), Err(Errno::EINVAL));
    }

    #[test]
    fn threads_share_numbers_and_keep_what_they_use() {
        let mut table = FdTable::new(8);
        table.insert(file(), 0, false).unwrap();
        let mut other = table.share();
        assert_eq!(other.insert(file(), 0, true), Ok(1));
        assert!(table.cloexec(1).unwrap());
        let used = Arc::downgrade(table.get(1).unwrap());
        other.close(1).unwrap();
        assert!(used.upgrade().is_some() && table.get(1).is_err());
        table.end_call();
        assert!(used.upgrade().is_none());
        assert_eq!((table.open_count(), table.share().insert(file(), 0, false)), (1, Ok(1)));
    }

    #[test]
    fn bad_numbers() {
        let mut table = FdTable::new(8);
        for fd in [-1, 0, 7, 8, i32::MAX, i32::MIN] {
            assert_eq!(table.get(fd).unwrap_err(), Errno::EBADF);
            assert_eq!(table.close(fd), Err(Errno::EBADF));
            assert_eq!(table.dup_to(fd, 0, false), Err(Errno::EBADF));
        }
        table.insert(file(), 0, false).unwrap();
        assert_eq!(table.dup_to(0, 8, false), Err(Errno::EBADF));
        assert_eq!(table.dup_to(0, 7, false), Ok(7));
        assert_eq!(table.renumber(7, 3), Err(Errno::EBADF));
        table.renumber(0, 7).unwrap();
        assert_eq!(table.open_count(), 1);
    }

    #[test]
    fn rights_are_given_up_under_each_number() {
        let mut table = FdTable::new(8);
        table.insert(file(), 0, false).unwrap();
        table.dup(0, 0, false).unwrap();
        let host = table.fd(0).unwrap().as_raw_fd();
        assert_eq!(table.plain(1, rights::FD_READ).map(|fd| fd.as_raw_fd()), Some(host));
        table.shrink(0, rights::FILE, rights::FILE & !rights::FD_READ, 0).unwrap();
        for number in [0, 1] {
            assert!(table.plain(number, rights::FD_READ).is_none() && table.plain(number, rights::FD_WRITE).is_some());
        }
        table.insert(Arc::new(File::synthetic(Vec::new())), 0, false).unwrap();
        for number in [2, 3, -1] {
            assert!(table.plain(number, 0).is_none() && table.fd(number).is_err());
        }
        table.share();
        assert!(table.plain(0, 0).is_none() && table.fd(0).is_ok());
    }

    #[test]
    fn duplicates_share_and_the_last_close_closes() {
        let (read, write) = sys::pipe(0).unwrap();
        let mut table = FdTable::new(8);
        table.insert(Arc::new(File::pipe(write)), 0, false).unwrap();
        table.dup(0, 0, false).unwrap();
        table.close(0).unwrap();
        let mut poll = [sys::PollFd { fd: std::os::fd::AsRawFd::as_raw_fd(&read), events: libc::POLLIN, revents: 0 }];
        let now = sys::TimeSpec { tv_sec: 0, tv_nsec: 0 };
        assert_eq!(sys::poll(&mut poll, Some(now)), Ok(0));
        table.close(1).unwrap();
        assert_eq!(sys::poll(&mut poll, Some(now)), Ok(1));
    }
}
