//! Messages in, messages out: every operation through the in-process host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wasmjit_fs::testing::{op, Loopback};
use wasmjit_fs::*;

const TTL: Duration = Duration::from_millis(1500);

#[derive(Default)]
struct State {
    files: BTreeMap<OsString, Vec<u8>>,
    log: Vec<String>,
    kept: Vec<ReplyData>,
    poller: Option<PollNotifier>,
}

/// One directory of files; inode numbers are positions in it plus two.
#[derive(Default)]
struct Flat {
    state: RefCell<State>,
}

fn attr(ino: u64, size: u64, kind: FileType) -> FileAttr {
    FileAttr {
        ino: INodeNo(ino),
        size,
        blocks: (size + 511) / 512,
        atime: UNIX_EPOCH + Duration::new(5, 6),
        mtime: UNIX_EPOCH - Duration::new(1, 500_000_000),
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: 0o644,
        nlink: 1,
        uid: 10,
        gid: 20,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

impl Flat {
    fn log(&self, line: String) {
        self.state.borrow_mut().log.push(line);
    }

    fn last(&self) -> String {
        self.state.borrow().log.last().cloned().unwrap_or_default()
    }
}

impl Filesystem for Flat {
    fn init(&mut self, req: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        assert_eq!((req.uid(), req.gid(), req.pid()), (0, 0, 1));
        config.add_capabilities(InitFlags::FUSE_POSIX_LOCKS).expect("Linux has locks");
        assert!(config.add_capabilities(InitFlags::FUSE_SECURITY_CTX).is_err());
        config.set_max_write(65536).expect("a good size");
        Ok(())
    }

    fn destroy(&mut self) {
        self.log("destroy".into());
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        assert_eq!(parent, INodeNo::ROOT);
        match self.state.borrow().files.keys().position(|key| key == name) {
            Some(at) => {
                let size = self.state.borrow().files[name].len() as u64;
                reply.entry(&TTL, &attr(at as u64 + 2, size, FileType::RegularFile), Generation(9));
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn forget(&self, _req: &Request, ino: INodeNo, nlookup: u64) {
        self.log(format!("forget {ino} {nlookup}"));
    }

    fn interrupt(&self, _req: &Request, unique: RequestId) {
        self.log(format!("interrupt {unique}"));
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, fh: Option<FileHandle>, reply: ReplyAttr) {
        self.log(format!("getattr {fh:?}"));
        reply.attr(&TTL, &attr(ino.0, 0, FileType::Directory));
    }

    fn setattr(
        &self,
        _req: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mtime = match mtime {
            Some(TimeOrNow::SpecificTime(time)) => UNIX_EPOCH.duration_since(time).ok(),
            _ => None,
        };
        self.log(format!("{mode:?} {uid:?} {gid:?} {size:?} {atime:?} {mtime:?} {ctime:?} {fh:?}"));
        reply.attr(&TTL, &attr(ino.0, 0, FileType::RegularFile));
    }

    fn readlink(&self, _req: &Request, _ino: INodeNo, reply: ReplyData) {
        reply.data(b"target");
    }

    fn mkdir(&self, _req: &Request, _parent: INodeNo, name: &OsStr, mode: u32, umask: u32, _reply: ReplyEntry) {
        // The reply is dropped: the caller gets EIO.
        self.log(format!("mkdir {name:?} {mode:o} {umask:o}"));
    }

    fn symlink(&self, _req: &Request, _parent: INodeNo, link: &OsStr, target: &Path, reply: ReplyEntry) {
        self.log(format!("symlink {link:?} {target:?}"));
        reply.error(Errno::EROFS);
    }

    fn rename(
        &self,
        _req: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        self.log(format!("rename {parent} {name:?} {newparent} {newname:?} {flags}"));
        reply.ok();
    }

    fn link(&self, _req: &Request, ino: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        self.log(format!("link {ino} {newparent} {newname:?}"));
        reply.error(Errno::EMLINK);
    }

    fn create(
        &self,
        _req: &Request,
        _parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        self.log(format!("create {name:?} {mode:o} {umask:o} {flags:#x}"));
        self.state.borrow_mut().files.insert(name.into(), Vec::new());
        let made = attr(2, 0, FileType::RegularFile);
        reply.created(
            &TTL,
            &made,
            Generation(1),
            FileHandle(77),
            FopenFlags::FOPEN_PASSTHROUGH | FopenFlags::FOPEN_DIRECT_IO,
        );
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        flags: OpenFlags,
        lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        self.log(format!("read {ino} {fh} {offset} {size} {flags:x} {lock_owner:?}"));
        if fh.0 == 1 {
            self.state.borrow_mut().kept.push(reply);
            return;
        }
        let state = self.state.borrow();
        let data = state.files.values().nth(ino.0 as usize - 2).expect("a known inode");
        let start = data.len().min(offset as usize);
        reply.data(&data[start..data.len().min(start + size as usize)]);
    }

    fn write(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.log(format!("write {offset} {} {write_flags:?} {lock_owner:?}", data.len()));
        let mut state = self.state.borrow_mut();
        let file = state.files.values_mut().nth(ino.0 as usize - 2).expect("a known inode");
        file.truncate(offset as usize);
        file.extend_from_slice(data);
        reply.written(data.len() as u32);
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let names = self.state.borrow().files.keys().cloned().collect::<Vec<_>>();
        for (at, name) in names.iter().enumerate().skip(offset as usize) {
            if reply.add(ino, at as u64 + 1, FileType::RegularFile, name) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        if offset == 0 {
            let inner = attr(5, 1, FileType::Symlink);
            assert!(!reply.add(INodeNo(5), 1, "plus", &TTL, &inner, Generation(0)));
            assert!(reply.add(INodeNo(6), 2, "x".repeat(200), &TTL, &inner, Generation(0)));
        }
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1, 2, 3, 4, 5, 6, 7, 8);
    }

    fn setxattr(
        &self,
        _req: &Request,
        _ino: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        self.log(format!("setxattr {name:?} {value:?} {flags}"));
        reply.ok();
    }

    fn getxattr(&self, _req: &Request, _ino: INodeNo, _name: &OsStr, size: u32, reply: ReplyXattr) {
        match size {
            0 => reply.size(3),
            1..=2 => reply.error(Errno::ERANGE),
            _ => reply.data(b"abc"),
        }
    }

    fn getlk(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _lock_owner: LockOwner,
        start: u64,
        end: u64,
        typ: i32,
        pid: u32,
        reply: ReplyLock,
    ) {
        reply.locked(start, end, typ, pid);
    }

    fn setlk(
        &self,
        _req: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        lock_owner: LockOwner,
        _start: u64,
        _end: u64,
        _typ: i32,
        _pid: u32,
        sleep: bool,
        reply: ReplyEmpty,
    ) {
        self.log(format!("setlk {fh} {lock_owner} {sleep}"));
        reply.ok();
    }

    fn bmap(&self, _req: &Request, _ino: INodeNo, blocksize: u32, idx: u64, reply: ReplyBmap) {
        reply.bmap(idx * u64::from(blocksize));
    }

    fn ioctl(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        _flags: IoctlFlags,
        cmd: u32,
        in_data: &[u8],
        out_size: u32,
        reply: ReplyIoctl,
    ) {
        reply.ioctl(cmd as i32, &in_data[..out_size as usize]);
    }

    fn poll(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        ph: PollNotifier,
        events: PollEvents,
        flags: PollFlags,
        reply: ReplyPoll,
    ) {
        assert!(flags.contains(PollFlags::FUSE_POLL_SCHEDULE_NOTIFY));
        self.state.borrow_mut().poller = Some(ph);
        reply.poll(events & PollEvents::POLLIN);
    }

    fn fallocate(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        self.log(format!("fallocate {offset} {length} {mode}"));
        reply.ok();
    }

    fn lseek(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, offset: i64, whence: i32, reply: ReplyLseek) {
        reply.offset(offset + i64::from(whence));
    }

    fn copy_file_range(
        &self,
        _req: &Request,
        ino_in: INodeNo,
        fh_in: FileHandle,
        offset_in: u64,
        ino_out: INodeNo,
        fh_out: FileHandle,
        offset_out: u64,
        len: u64,
        flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        self.log(format!("copy {ino_in} {fh_in} {offset_in} {ino_out} {fh_out} {offset_out} {len} {flags}"));
        reply.written(len as u32);
    }
}

/// A body of 32-bit numbers.
fn w(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A body of 64-bit numbers.
fn q(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn running() -> Loopback<Flat> {
    let mut host = Loopback::new(Flat::default());
    assert_eq!(host.init().error, 0);
    host
}

#[test]
fn init_negotiates() {
    let mut host = Loopback::new(Flat::default());
    assert_eq!(host.call(op::STATFS, 1, &[]).error, 5, "nothing works before INIT");
    let reply = host.init();
    assert_eq!((reply.error, reply.body.len()), (0, 64));
    assert_eq!((reply.u32(0), reply.u32(4)), (7, 38));
    // Asynchronous reads, locks, large writes, pages per request.
    assert_eq!(reply.u32(12), 1 | 1 << 1 | 1 << 5 | 1 << 22);
    assert_eq!(reply.u32(16), 16 | 12 << 16);
    assert_eq!(reply.u32(20), 65536);
    assert_eq!(reply.u32(28) & 0xffff, 32, "pages for the larger of write and readahead");
    assert_eq!(host.init().error, 5, "there is one INIT");
}

#[test]
fn init_refuses_or_corrects_versions() {
    let mut host = Loopback::new(Flat::default());
    assert_eq!(host.call(op::INIT, 0, &[&w(&[7, 30, 0, 0]), &[0; 48]]).error, 71);
    let newer = host.call(op::INIT, 0, &[&w(&[8, 0, 0, 0]), &[0; 48]]);
    assert_eq!((newer.error, newer.u32(0)), (0, 7));
    assert_eq!(host.init().error, 0, "the second INIT counts");
}

#[test]
fn lookup_and_attributes() {
    let mut host = running();
    assert_eq!(host.call(op::LOOKUP, 1, &[b"a\0"]).error, 2);
    let made = host.call(op::CREATE, 1, &[&w(&[0x8042, 0o100644, 0o22, 0]), b"a\0"]);
    assert_eq!(made.body.len(), 144);
    assert_eq!((made.u64(128), made.u32(136)), (77, 1), "a guest cannot answer a backing file");
    assert_eq!(host.filesystem().last(), "create \"a\" 100644 22 0x8042");

    let found = host.call(op::LOOKUP, 1, &[b"a\0"]);
    assert_eq!((found.error, found.body.len()), (0, 128));
    assert_eq!((found.u64(0), found.u64(8)), (2, 9), "inode and generation");
    assert_eq!((found.u64(16), found.u32(32)), (1, 500_000_000), "time to live");
    assert_eq!((found.u64(40 + 24), found.u32(40 + 48)), (5, 6), "access time");
    assert_eq!((found.u64(40 + 32) as i64, found.u32(40 + 52)), (-2, 500_000_000), "before the epoch");
    assert_eq!(found.u32(40 + 60), 0o100644, "mode");

    let attr = host.call(op::GETATTR, 1, &[&w(&[1, 0]), &q(&[33])]);
    assert_eq!((attr.body.len(), attr.u32(16 + 60)), (104, 0o040644));
    assert_eq!(host.filesystem().last(), "getattr Some(FileHandle(33))");
    host.call(op::GETATTR, 1, &[&w(&[0, 0]), &q(&[33])]);
    assert_eq!(host.filesystem().last(), "getattr None");
}

#[test]
fn setattr_passes_what_is_valid() {
    let mut host = running();
    let body = |valid: u32| {
        let times = q(&[7, 1 << 40, 0, 100, -3i64 as u64, 200]);
        let rest = w(&[1, 500_000_000, 2, 0o100600, 0, 1000, 1001, 0]);
        [w(&[valid, 0]), times, rest].concat()
    };
    assert_eq!(host.call(op::SETATTR, 2, &[&body(0)]).error, 0);
    assert_eq!(host.filesystem().last(), "None None None None None None None None");
    host.call(op::SETATTR, 2, &[&body(0b0110_1111 | 1 << 7)]);
    assert_eq!(
        host.filesystem().last(),
        "Some(33152) Some(1000) Some(1001) Some(1099511627776) Some(Now) Some(2.5s) None Some(FileHandle(7))"
    );
}

#[test]
fn data_goes_both_ways() {
    let mut host = running();
    host.call(op::CREATE, 1, &[&w(&[2, 0o644, 0, 0]), b"a\0"]);
    let header = [q(&[5, 0]), w(&[3, 2]), q(&[99]), w(&[1, 0])].concat();
    let written = host.call(op::WRITE, 2, &[&header, b"xyz"]);
    assert_eq!((written.error, written.body.len(), written.u32(0)), (0, 8, 3));
    assert_eq!(host.filesystem().last(), "write 0 3 WriteFlags(0x2) Some(LockOwner(99))");
    let header = [q(&[5, 1]), w(&[10, 0]), q(&[0]), w(&[0, 0])].concat();
    assert_eq!(host.call(op::READ, 2, &[&header]).body, b"yz");
    let short = [q(&[5, 0]), w(&[4, 0]), q(&[0]), w(&[1, 0])].concat();
    assert_eq!(host.call(op::WRITE, 2, &[&short, b"xyz"]).error, 22, "less data than announced");
}

#[test]
fn replies_may_come_later_or_be_dropped() {
    let mut host = running();
    let header = [q(&[1, 0]), w(&[10, 0]), q(&[0]), w(&[0, 0])].concat();
    let unique = host.send(op::READ, 2, &[&header]);
    assert_eq!(host.take(), None);
    host.send(op::INTERRUPT, 0, &[&q(&[unique])]);
    assert_eq!(host.filesystem().last(), format!("interrupt {unique}"));
    assert_eq!(host.take(), None, "an interrupt has no answer of its own");
    let kept = host.filesystem().state.borrow_mut().kept.pop().expect("it was kept");
    kept.data(b"late");
    let reply = host.take().expect("the answer");
    assert_eq!((reply.unique, reply.body.as_slice()), (unique, &b"late"[..]));

    assert_eq!(host.call(op::MKDIR, 1, &[&w(&[0o40755, 0o22]), b"d\0"]).error, 5);
    assert_eq!(host.filesystem().last(), "mkdir \"d\" 40755 22");
}

#[test]
fn directories_fill_what_was_asked() {
    let mut host = running();
    for name in ["a", "bb", "eight888", "nine99999"] {
        host.filesystem().state.borrow_mut().files.insert(name.into(), Vec::new());
    }
    let ask = |offset: u64, size: u32| [q(&[0, offset]), w(&[size, 0]), q(&[0]), w(&[0, 0])].concat();
    let all = host.call(op::READDIR, 1, &[&ask(0, 4096)]);
    assert_eq!(all.body.len(), 32 + 32 + 32 + 40);
    let names: Vec<_> = all.names().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "bb", "eight888", "nine99999"]);
    let two = host.call(op::READDIR, 1, &[&ask(1, 95)]);
    assert_eq!(two.names(), [("bb".into(), 2), ("eight888".into(), 3)]);
    assert_eq!(host.call(op::READDIR, 1, &[&ask(4, 4096)]).body, b"");

    let plus = host.call(op::READDIRPLUS, 1, &[&ask(0, 300)]);
    assert_eq!(plus.body.len(), 160);
    assert_eq!((plus.u64(0), plus.u64(128), plus.u32(128 + 20)), (5, 5, 0o12));
    assert_eq!(&plus.body[152..156], b"plus");
}

#[test]
fn names_arrive_whole() {
    let mut host = running();
    assert_eq!(host.call(op::SYMLINK, 1, &[b"name\0/to\xff\0"]).error, 30);
    assert_eq!(host.filesystem().last(), "symlink \"name\" \"/to\\xFF\"");
    assert_eq!(host.call(op::RENAME, 1, &[&q(&[8]), b"old\0new\0"]).error, 0);
    assert_eq!(host.filesystem().last(), "rename 1 \"old\" 8 \"new\" 0");
    host.call(op::RENAME2, 1, &[&q(&[8]), &w(&[2, 0]), b"old\0new\0"]);
    assert_eq!(host.filesystem().last(), "rename 1 \"old\" 8 \"new\" 2");
    assert_eq!(host.call(op::LINK, 1, &[&q(&[3]), b"hard\0"]).error, 31);
    assert_eq!(host.filesystem().last(), "link 3 1 \"hard\"");
    assert_eq!(host.call(op::LOOKUP, 1, &[b"no end"]).error, 22);
    assert_eq!(host.call(op::RENAME, 1, &[&q(&[8]), b"only one\0"]).error, 22);
}

#[test]
fn attributes_locks_and_the_rest() {
    let mut host = running();
    assert_eq!(host.call(op::SETXATTR, 1, &[&w(&[2, 1]), b"user.x\0vv"]).error, 0);
    assert_eq!(host.filesystem().last(), "setxattr \"user.x\" [118, 118] 1");
    assert_eq!(host.call(op::GETXATTR, 1, &[&w(&[0, 0]), b"user.x\0"]).u32(0), 3);
    assert_eq!(host.call(op::GETXATTR, 1, &[&w(&[2, 0]), b"user.x\0"]).error, 34);
    assert_eq!(host.call(op::GETXATTR, 1, &[&w(&[3, 0]), b"user.x\0"]).body, b"abc");

    let lock = [q(&[4, 5, 10, 20]), w(&[1, 99, 0, 0])].concat();
    let held = host.call(op::GETLK, 1, &[&lock]);
    assert_eq!((held.u64(0), held.u64(8), held.u32(16), held.u32(20)), (10, 20, 1, 99));
    host.call(op::SETLK, 1, &[&lock]);
    assert_eq!(host.filesystem().last(), "setlk 4 5 false");
    host.call(op::SETLKW, 1, &[&lock]);
    assert_eq!(host.filesystem().last(), "setlk 4 5 true");

    let stats = host.call(op::STATFS, 1, &[]);
    assert_eq!((stats.body.len(), stats.u64(32), stats.u32(40), stats.u32(48)), (80, 5, 6, 8));
    assert_eq!(host.call(op::BMAP, 1, &[&q(&[3]), &w(&[512, 0])]).u64(0), 1536);
    let ioctl = host.call(op::IOCTL, 1, &[&q(&[0]), &w(&[0, 7]), &q(&[0]), &w(&[4, 2]), b"data"]);
    assert_eq!((ioctl.u32(0), &ioctl.body[16..]), (7, &b"da"[..]));
    assert_eq!(host.call(op::LSEEK, 1, &[&q(&[0, 40]), &w(&[3, 0])]).u64(0), 43);
    assert_eq!(host.call(op::FALLOCATE, 1, &[&q(&[0, 1, 2]), &w(&[3, 0])]).error, 0);
    assert_eq!(host.filesystem().last(), "fallocate 1 2 3");
    assert_eq!(host.call(op::COPY_FILE_RANGE, 1, &[&q(&[1, 2, 3, 4, 5, 6, 0])]).u32(0), 6);
    assert_eq!(host.filesystem().last(), "copy 1 1 2 3 4 5 6 0");
    assert_eq!(host.call(9999, 1, &[]).error, 38);
}

#[test]
fn notifications_carry_their_code() {
    let mut host = running();
    let poll = host.call(op::POLL, 1, &[&q(&[0, 1234]), &w(&[1, 5])]);
    assert_eq!(poll.u32(0), 1);
    let poller = host.filesystem().state.borrow_mut().poller.take().expect("it was kept");
    poller.notify().expect("the host takes it");
    let wakeup = host.take().expect("the notification");
    assert_eq!((wakeup.unique, -wakeup.error, wakeup.u64(0)), (0, 1, 1234));

    host.notifier().inval_inode(INodeNo(3), -1, 0).expect("the host takes it");
    let inval = host.take().expect("the notification");
    assert_eq!((-inval.error, inval.u64(0), inval.u64(8)), (2, 3, u64::MAX));
    host.notifier().delete(INodeNo(1), INodeNo(2), OsStr::new("gone")).expect("the host takes it");
    let delete = host.take().expect("the notification");
    assert_eq!((-delete.error, delete.u32(16), &delete.body[24..]), (6, 4, &b"gone\0"[..]));
}

#[test]
fn forgetting_is_silent_and_destroy_comes_once() {
    let mut host = running();
    host.send(op::FORGET, 5, &[&q(&[2])]);
    assert_eq!(host.filesystem().last(), "forget 5 2");
    host.send(op::BATCH_FORGET, 0, &[&w(&[2, 0]), &q(&[6, 1, 7, 3])]);
    assert_eq!(host.filesystem().last(), "forget 7 3");
    host.send(op::BATCH_FORGET, 0, &[&w(&[3, 0]), &q(&[6, 1, 7, 3])]);
    host.send(op::FORGET, 5, &[]);
    assert_eq!(host.take(), None);
    assert_eq!(host.call(op::DESTROY, 0, &[]).error, 0);
    host.unmount();
    let count = host.filesystem().state.borrow().log.iter().filter(|line| *line == "destroy").count();
    assert_eq!(count, 1);
    assert_eq!(host.call(op::STATFS, 1, &[]).error, 5);
}

/// Answers whatever decodes by the defaults of the trait.
struct Defaults;

impl Filesystem for Defaults {}

/// Every message cut short anywhere, and noise: one answer at most, never a panic.
#[test]
fn damaged_messages_are_harmless() {
    let mut host = Loopback::new(Defaults);
    host.init();
    let mut seed = 1u64;
    for opcode in (1..=60).filter(|opcode| *opcode != op::DESTROY) {
        for len in 0..120 {
            let mut body = vec![0; len];
            for byte in body.iter_mut().filter(|_| len % 2 == 0) {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                *byte = (seed >> 56) as u8;
            }
            host.send(opcode, 2, &[&body]);
            let silent = matches!(opcode, op::FORGET | op::BATCH_FORGET | op::INTERRUPT | op::NOTIFY_REPLY);
            assert_eq!(host.take().is_some(), !silent, "opcode {opcode} with {len} bytes");
            assert_eq!(host.take(), None);
        }
    }
    for len in 0..60 {
        host.send_raw(&vec![0xff; len]);
        host.send_raw(&vec![0; len]);
    }
    assert_eq!(host.take(), None, "nobody is named to answer");
}
