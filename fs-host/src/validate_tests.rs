//! One test per rule, each built so that it fails without that rule; and random bytes against all of them.

use super::*;
use crate::wire::*;

const NO_OVERRIDE: AttrOverride = AttrOverride { uid: None, gid: None, umask: None, uncached: false };

fn facts(opcode: u32, asked: u64) -> Facts {
    Facts { opcode, asked, kind: 0 }
}

/// Judges a whole body as the server does: lengths, then the copied part.
fn judge(facts: &Facts, error: i32, body: &[u8]) -> Result<Vec<u8>, Reject> {
    let copied = shape(facts, error, body.len())?;
    let mut copy = body[..copied].to_vec();
    if error == 0 {
        check(facts, &NO_OVERRIDE, &mut copy)?;
    }
    Ok(copy)
}

fn accepts(facts: Facts, body: &[u8]) {
    judge(&facts, 0, body).unwrap_or_else(|Reject(why)| panic!("{facts:?} {why}"));
}

fn rejects(facts: Facts, body: &[u8]) {
    assert!(judge(&facts, 0, body).is_err(), "{facts:?} was accepted");
}

fn attr(mode: u32) -> Attr {
    Attr { mode, blksize: 4096, nlink: 1, ..Attr::default() }
}

fn entry(nodeid: u64, mode: u32) -> EntryOut {
    EntryOut { nodeid, attr: attr(mode), ..EntryOut::default() }
}

fn dirent(ino: u64, off: u64, kind: u32, name: &[u8]) -> Vec<u8> {
    let head = Dirent { ino, off, namelen: name.len() as u32, kind };
    let mut bytes = [head.bytes(), name].concat();
    bytes.resize(align8(bytes.len()), 0);
    bytes
}

#[test]
fn errors_are_small_negative_and_without_body() {
    let op = facts(GETATTR, 0);
    assert!(judge(&op, -libc::ENOENT, &[]).is_ok());
    assert!(judge(&op, -511, &[]).is_ok());
    assert!(judge(&op, -512, &[]).is_err(), "the kernel refuses it, and the caller would hang");
    assert!(judge(&op, 1, &[]).is_err());
    assert!(judge(&op, i32::MIN, &[]).is_err());
    assert!(judge(&op, -libc::ENOENT, &[0; 8]).is_err());
}

#[test]
fn requests_without_reply_get_none() {
    for opcode in [FORGET, BATCH_FORGET, INTERRUPT, NOTIFY_REPLY] {
        rejects(facts(opcode, 0), &[]);
        assert!(judge(&facts(opcode, 0), -5, &[]).is_err());
    }
}

#[test]
fn fixed_sizes_are_exact_for_every_opcode() {
    for op in Op::all() {
        let size = match op.reply {
            ReplyRule::Empty => 0,
            ReplyRule::Lookup | ReplyRule::Entry => 128,
            ReplyRule::Attr => 104,
            ReplyRule::Open => 16,
            ReplyRule::Create => 144,
            ReplyRule::Written | ReplyRule::Copied | ReplyRule::Bmap => 8,
            ReplyRule::Poll | ReplyRule::Lseek => 8,
            ReplyRule::Statfs => 80,
            ReplyRule::Lock => 24,
            ReplyRule::Statx => 288,
            _ => continue,
        };
        let op = facts(op.code, 100);
        assert_eq!(shape(&op, 0, size), Ok(size));
        assert!(shape(&op, 0, size + 1).is_err());
        assert!(shape(&op, 0, size + 8).is_err());
        assert!(size == 0 || shape(&op, 0, size - 1).is_err());
    }
}

#[test]
fn data_stays_within_what_was_asked() {
    for opcode in [READ, READDIR, READDIRPLUS, GETXATTR, LISTXATTR] {
        assert!(shape(&facts(opcode, 4096), 0, 4096).is_ok());
        assert!(shape(&facts(opcode, 4096), 0, 4097).is_err());
    }
    assert_eq!(shape(&facts(READ, 4096), 0, 4096), Ok(0), "file data are not copied");
    let ioctl = |len: usize| shape(&facts(IOCTL, 100), 0, len);
    assert_eq!(ioctl(116), Ok(16));
    assert!(ioctl(117).is_err());
    assert!(ioctl(15).is_err());
}

#[test]
fn init_and_unknown_operations_are_bounded() {
    assert!(shape(&facts(INIT, 0), 0, 64).is_ok());
    assert!(shape(&facts(INIT, 0), 0, 24).is_ok());
    assert!(shape(&facts(INIT, 0), 0, 65).is_err());
    assert!(shape(&facts(3000, 0), 0, MAX_OPAQUE).is_ok());
    assert!(shape(&facts(3000, 0), 0, MAX_OPAQUE + 1).is_err());
}

#[test]
fn counts_stay_within_what_was_asked() {
    let out = |size| WriteOut { size, padding: 0 };
    accepts(facts(WRITE, 10), out(10).bytes());
    rejects(facts(WRITE, 10), out(11).bytes());
    accepts(facts(COPY_FILE_RANGE, 1 << 40), out(u32::MAX).bytes());
    rejects(facts(COPY_FILE_RANGE_64, 10), CopyOut { bytes_copied: 11 }.bytes());
    accepts(facts(COPY_FILE_RANGE_64, 10), CopyOut { bytes_copied: 10 }.bytes());
}

#[test]
fn entries_have_a_type_and_a_node() {
    accepts(facts(LOOKUP, 0), entry(2, 0o100644).bytes());
    accepts(facts(LOOKUP, 0), entry(0, 0).bytes());
    accepts(facts(LOOKUP, 0), entry(ROOT_ID, 0o040755).bytes());
    rejects(facts(LOOKUP, 0), entry(2, 0o644).bytes());
    rejects(facts(LOOKUP, 0), entry(2, 0o170644).bytes());
    rejects(facts(LOOKUP, 0), entry(2, 1 << 20 | 0o100644).bytes());
    for node in [0, ROOT_ID] {
        rejects(facts(MKDIR, 0), entry(node, 0o040755).bytes());
        rejects(facts(LINK, 0), entry(node, 0o100644).bytes());
        let created = CreateOut { entry: entry(node, 0o100644), ..CreateOut::default() };
        rejects(facts(CREATE, 0), created.bytes());
    }
}

#[test]
fn created_entries_have_the_asked_type() {
    let mknod = Facts { opcode: MKNOD, asked: 0, kind: 0o010000 };
    accepts(mknod, entry(2, 0o010600).bytes());
    rejects(mknod, entry(2, 0o100600).bytes());
    let mkdir = Facts { opcode: MKDIR, asked: 0, kind: 0o040000 };
    rejects(mkdir, entry(2, 0o100600).bytes());
    let create = Facts { opcode: CREATE, asked: 0, kind: 0o100000 };
    let out = |mode| CreateOut { entry: entry(2, mode), ..CreateOut::default() };
    accepts(create, out(0o100600).bytes());
    rejects(create, out(0o040600).bytes());
}

#[test]
fn validity_times_are_below_a_second() {
    let good = entry(2, 0o100644);
    rejects(facts(LOOKUP, 0), EntryOut { entry_valid_nsec: 1_000_000_000, ..good }.bytes());
    rejects(facts(LOOKUP, 0), EntryOut { attr_valid_nsec: u32::MAX, ..good }.bytes());
    rejects(facts(LOOKUP, 0), EntryOut { entry_valid_nsec: u32::MAX, ..entry(0, 0) }.bytes());
    let out = AttrOut { attr: attr(0o100644), ..AttrOut::default() };
    accepts(facts(GETATTR, 0), out.bytes());
    rejects(facts(GETATTR, 0), AttrOut { attr_valid_nsec: 1_000_000_000, ..out }.bytes());
}

#[test]
fn attributes_are_possible_and_put_right() {
    let out = |attr| AttrOut { attr, ..AttrOut::default() };
    let good = attr(0o100644);
    rejects(facts(GETATTR, 0), out(Attr { size: 1 << 63, ..good }).bytes());
    rejects(facts(GETATTR, 0), out(Attr { blksize: u32::MAX, ..good }).bytes());
    rejects(facts(SETATTR, 0), out(Attr { mode: 0, ..good }).bytes());
    let odd = Attr { atimensec: u32::MAX, flags: u32::MAX, ..good };
    let copy = judge(&facts(GETATTR, 0), 0, out(odd).bytes()).unwrap();
    let fixed = AttrOut::read(&copy).unwrap().attr;
    assert_eq!((fixed.atimensec, fixed.flags), (999_999_999, 0));
}

#[test]
fn attribute_options_replace_what_the_guest_says() {
    let options = AttrOverride { uid: Some(1000), gid: Some(100), umask: Some(0o027), ..NO_OVERRIDE };
    let mut copy = entry(2, 0o104777).bytes().to_vec();
    check(&facts(LOOKUP, 0), &options, &mut copy).unwrap();
    let changed = EntryOut::read(&copy).unwrap().attr;
    assert_eq!((changed.uid, changed.gid, changed.mode), (1000, 100, 0o100750));
    let mut listed = [entry(2, 0o104777).bytes(), &dirent(2, 1, 8, b"a")].concat();
    check(&facts(READDIRPLUS, 4096), &options, &mut listed).unwrap();
    assert_eq!(EntryOut::read(&listed).unwrap().attr.uid, 1000);
    let stat = Statx { mask: 0xfff, mode: 0o104777, ..Statx::default() };
    let mut copy = StatxOut { stat, ..StatxOut::default() }.bytes().to_vec();
    check(&facts(STATX, 0), &options, &mut copy).unwrap();
    assert_eq!(StatxOut::read(&copy).unwrap().stat.mode, 0o100750);
}

#[test]
fn nothing_is_cached_where_each_caller_is_checked() {
    let options = AttrOverride { uncached: true, ..NO_OVERRIDE };
    let cached =
        EntryOut { entry_valid: 9, attr_valid: 9, entry_valid_nsec: 9, attr_valid_nsec: 9, ..entry(2, 0o100644) };
    for given in [cached, EntryOut { nodeid: 0, ..cached }] {
        let mut copy = given.bytes().to_vec();
        check(&facts(LOOKUP, 0), &options, &mut copy).unwrap();
        let seen = EntryOut::read(&copy).unwrap();
        assert_eq!((seen.entry_valid, seen.attr_valid), (0, 0));
        assert_eq!((seen.entry_valid_nsec, seen.attr_valid_nsec), (0, 0));
    }
    let mut copy = AttrOut { attr_valid: 9, attr: attr(0o100644), ..AttrOut::default() }.bytes().to_vec();
    check(&facts(GETATTR, 0), &options, &mut copy).unwrap();
    assert_eq!(AttrOut::read(&copy).unwrap().attr_valid, 0);
    let mut copy = StatxOut { attr_valid: 9, ..StatxOut::default() }.bytes().to_vec();
    check(&facts(STATX, 0), &options, &mut copy).unwrap();
    assert_eq!(StatxOut::read(&copy).unwrap().attr_valid, 0);
}

#[test]
fn statx_is_checked_as_far_as_its_mask_goes() {
    let out = |stat| StatxOut { stat, ..StatxOut::default() };
    let good = Statx { mask: STATX_TYPE | STATX_SIZE, mode: 0o100644, ..Statx::default() };
    accepts(facts(STATX, 0), out(good).bytes());
    rejects(facts(STATX, 0), out(Statx { mode: 0o644, ..good }).bytes());
    accepts(facts(STATX, 0), out(Statx { mode: 0o644, mask: 0, ..good }).bytes());
    rejects(facts(STATX, 0), out(Statx { size: u64::MAX, ..good }).bytes());
    rejects(facts(STATX, 0), out(Statx { blksize: u32::MAX, ..good }).bytes());
}

#[test]
fn open_flags_beyond_a_guests_reach_are_cleared() {
    let open = OpenOut { fh: 7, open_flags: u32::MAX, backing_id: 3 };
    for (opcode, at) in [(OPEN, 0), (OPENDIR, 0), (CREATE, 128)] {
        let whole = CreateOut { entry: entry(2, 0o100644), open };
        let body = if at == 0 { open.bytes() } else { whole.bytes() };
        let copy = judge(&facts(opcode, 0), 0, body).unwrap();
        let seen = OpenOut::read(&copy[at..]).unwrap();
        assert_eq!(seen, OpenOut { fh: 7, open_flags: GUEST_FOPEN_FLAGS, backing_id: 0 });
    }
}

#[test]
fn directory_entries_are_whole_and_well_named() {
    let list = facts(READDIR, 4096);
    accepts(list, &[]);
    accepts(list, &[dirent(1, 1, 4, b"."), dirent(2, 2, 8, b"name"), dirent(3, 3, 0, &[b'x'; 255])].concat());
    rejects(list, &dirent(2, 1, 8, b""));
    rejects(list, &dirent(2, 1, 8, &[b'x'; 256]));
    rejects(list, &dirent(2, 1, 8, b"a/b"));
    rejects(list, &dirent(2, 1, 8, b"a\0b"));
    rejects(list, &dirent(2, 1, 16, b"a"));
    rejects(list, &dirent(2, 1 << 63, 8, b"a"));
    let good = dirent(2, 1, 8, b"name");
    rejects(list, &good[..good.len() - 1]);
    rejects(list, &good[..good.len() - 4]);
    rejects(list, &[&good[..], &good[..20]].concat());
    // A length that overflows where it is added to something.
    let huge = Dirent { ino: 2, off: 1, namelen: u32::MAX, kind: 8 };
    rejects(list, &[huge.bytes(), &[b'x'; 64]].concat());
}

#[test]
fn directory_entries_with_attributes_are_checked_as_entries() {
    let list = facts(READDIRPLUS, 4096);
    let plus = |entry: EntryOut, name: &[u8]| [entry.bytes(), &dirent(2, 1, 8, name)].concat();
    accepts(list, &[plus(entry(0, 0), b"."), plus(entry(2, 0o100644), b"name")].concat());
    rejects(list, &plus(entry(2, 0o644), b"name"));
    rejects(list, &plus(entry(2, 0o100644), b"na/me"));
    rejects(list, &plus(entry(2, 0o100644), b"name")[..150]);
    rejects(list, &dirent(2, 1, 8, b"name"));
}

#[test]
fn link_targets_have_a_length_and_no_nul() {
    accepts(facts(READLINK, 0), b"../target");
    accepts(facts(READLINK, 0), &[b'x'; 4095]);
    rejects(facts(READLINK, 0), b"");
    rejects(facts(READLINK, 0), &[b'x'; 4096]);
    rejects(facts(READLINK, 0), b"a\0b");
}

#[test]
fn extended_attributes_are_sized_or_listed() {
    for opcode in [GETXATTR, LISTXATTR] {
        accepts(facts(opcode, 0), GetxattrOut { size: 65536, padding: 0 }.bytes());
        rejects(facts(opcode, 0), GetxattrOut { size: 65537, padding: 0 }.bytes());
        rejects(facts(opcode, 0), b"abc");
        accepts(facts(opcode, 8), b"");
    }
    accepts(facts(GETXATTR, 8), b"\0\0value");
    accepts(facts(LISTXATTR, 32), b"user.a\0user.b\0");
    rejects(facts(LISTXATTR, 32), b"user.a\0user.b");
    rejects(facts(LISTXATTR, 32), b"user.a\0\0");
    rejects(facts(LISTXATTR, 512), &[&[b'x'; 256][..], b"\0"].concat());
}

#[test]
fn locks_and_offsets_are_possible() {
    let lock = |kind, start, end| FileLock { start, end, kind, pid: 1 };
    accepts(facts(GETLK, 0), lock(1, 0, i64::MAX as u64).bytes());
    accepts(facts(GETLK, 0), lock(2, 9, 3).bytes());
    rejects(facts(GETLK, 0), lock(3, 0, 1).bytes());
    rejects(facts(GETLK, 0), lock(0, 2, 1).bytes());
    rejects(facts(GETLK, 0), lock(0, 0, u64::MAX).bytes());
    accepts(facts(LSEEK, 0), LseekOut { offset: 5 }.bytes());
    rejects(facts(LSEEK, 0), LseekOut { offset: 1 << 63 }.bytes());
    rejects(facts(IOCTL, 8), IoctlOut { flags: IOCTL_RETRY, ..IoctlOut::default() }.bytes());
    accepts(facts(IOCTL, 8), IoctlOut { result: -1, ..IoctlOut::default() }.bytes());
}

fn notify(code: i32, body: &[u8]) -> Result<(), Reject> {
    let copied = notification_shape(code, body.len(), 1 << 20)?;
    check_notification(code, &body[..copied], body.len())
}

#[test]
fn a_slash_or_nul_is_found_at_every_place_of_every_name() {
    for len in 1..=40 {
        // Neighbours of both bytes, and bytes that a borrow could turn into one.
        for filler in [b'.', b'0', 1, 0x80, 0x81, 0xaf, 0xff] {
            let mut name = vec![filler; len];
            assert!(!has_slash_or_nul(&name), "{filler:#x} in {len} bytes");
            for at in 0..len {
                for bad in [b'/', 0] {
                    name[at] = bad;
                    assert!(has_slash_or_nul(&name), "{bad:#x} at {at} of {len} bytes of {filler:#x}");
                }
                name[at] = filler;
            }
        }
    }
}

#[test]
fn notifications_have_their_sizes_and_names() {
    assert!(notify(NOTIFY_POLL, &[0; 8]).is_ok());
    assert!(notify(NOTIFY_POLL, &[0; 9]).is_err());
    assert!(notify(NOTIFY_INVAL_INODE, &[0; 24]).is_ok());
    assert!(notify(NOTIFY_INVAL_INODE, &[0; 23]).is_err());
    assert!(notify(NOTIFY_RETRIEVE, &[0; 32]).is_ok());
    let far = NotifyRetrieve { offset: 1 << 63, ..NotifyRetrieve::default() };
    assert!(notify(NOTIFY_RETRIEVE, far.bytes()).is_err());
    for code in [0, -1, 7, 8, i32::MAX, i32::MIN] {
        assert!(notify(code, &[]).is_err(), "{code} is unknown");
    }
    let named = |namelen: u32, name: &[u8]| {
        let entry = NotifyInvalEntry { parent: 1, namelen, flags: 0 };
        let delete = NotifyDelete { parent: 1, child: 2, namelen, padding: 0 };
        let results = [
            notify(NOTIFY_INVAL_ENTRY, &[entry.bytes(), name].concat()).is_ok(),
            notify(NOTIFY_DELETE, &[delete.bytes(), name].concat()).is_ok(),
        ];
        assert_eq!(results[0], results[1]);
        results[0]
    };
    assert!(named(4, b"name\0"));
    assert!(!named(5, b"name\0"));
    assert!(!named(4, b"names"));
    assert!(!named(4, b"na/e\0"));
    assert!(!named(4, b"na\0e\0"));
    assert!(!named(0, b"\0"));
    assert!(!named(256, &[&[b'x'; 256][..], b"\0"].concat()));
    let store = |size: u32, offset: u64, data: &[u8]| {
        let out = NotifyStore { nodeid: 1, offset, size, padding: 0 };
        notify(NOTIFY_STORE, &[out.bytes(), data].concat()).is_ok()
    };
    assert!(store(3, 0, b"abc"));
    assert!(!store(4, 0, b"abc"));
    assert!(!store(3, i64::MAX as u64 - 1, b"abc"));
    assert!(!store(3, u64::MAX, b"abc"));
    assert!(notification_shape(NOTIFY_STORE, 24 + (1 << 20) + 1, 1 << 20).is_err());
    assert!(notification_shape(NOTIFY_STORE, 23, 1 << 20).is_err());
}

/// What must hold of anything that was accepted, judged independently of the rules' code.
fn must_hold(facts: &Facts, body: usize, copy: &[u8]) {
    let rule = Op::of(facts.opcode).reply;
    if matches!(rule, ReplyRule::Data | ReplyRule::Dirents | ReplyRule::DirentsPlus) {
        assert!(body as u64 <= facts.asked);
    }
    let prefix = match rule {
        ReplyRule::Dirents => 0,
        ReplyRule::DirentsPlus => 128,
        _ => return,
    };
    let mut at = 0;
    while at < copy.len() {
        let head = Dirent::read(&copy[at + prefix..]).unwrap();
        let name = &copy[at + prefix + 24..][..head.namelen as usize];
        assert!(!name.is_empty() && name.len() <= 255 && !name.contains(&b'/') && !name.contains(&0));
        at += align8(prefix + 24 + name.len());
    }
    assert_eq!(at, copy.len());
}

#[test]
fn random_bytes_never_panic_and_nothing_unsound_is_accepted() {
    let mut seed = 0x5eed_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        seed >> 24
    };
    let mut accepted = 0;
    for round in 0..200_000u64 {
        let opcode = (next() % 60) as u32;
        let asked = [0, 1, 24, 100, 4096, u64::MAX][next() as usize % 6];
        let facts = Facts { opcode, asked, kind: if next() % 4 == 0 { 0o040000 } else { 0 } };
        // Half of the lengths are the right ones, so that contents are reached.
        let right = [0, 8, 16, 24, 80, 104, 128, 144, 160, 184, 288];
        let len = if round % 2 == 0 { right[next() as usize % right.len()] } else { next() as usize % 400 };
        let mut body: Vec<u8> = (0..len).map(|_| next() as u8).collect();
        // Small values where structures have lengths and types make deeper checks reachable.
        if next() % 2 == 0 {
            body.iter_mut().for_each(|byte| *byte = [0, 0, 0, 1, b'a', 0x81, *byte][*byte as usize % 7]);
        }
        let error = if next() % 8 == 0 { next() as i32 } else { 0 };
        if let Ok(copy) = judge(&facts, error, &body) {
            accepted += 1;
            must_hold(&facts, body.len(), &copy);
        }
        let _ = notify(next() as i32 % 9, &body);
    }
    assert!(accepted > 1000, "{accepted}: the test reaches what it is for");
}
