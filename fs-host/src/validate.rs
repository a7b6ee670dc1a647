//! The rules that replies and notifications must keep, in two steps: lengths, then contents.
//!
//! [`shape`] looks at lengths alone and says how many leading bytes of the body must be copied to the host. [`check`]
//! judges that copy, and puts right what is harmless (bits that a guest may not set, attribute options). What is
//! behind the copied bytes is bulk data, which may hold anything.

use crate::options::AttrOverride;
use crate::wire::{self, Attr, Op, ReplyRule, Wire};

/// What a reply is checked against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// The request's opcode.
    pub opcode: u32,
    /// How many bytes it asked for.
    pub asked: u64,
    /// The type that a replied entry must have (`S_IFMT` bits), 0 for any.
    pub kind: u32,
}

/// Why a message was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reject(pub &'static str);

type Checked<T = ()> = Result<T, Reject>;

/// Longest body of a reply to an opcode that has no row, in bytes.
pub const MAX_OPAQUE: usize = 1 << 20;
/// Largest block size in attributes.
const MAX_BLKSIZE: u32 = 1 << 30;
const NSEC_PER_SEC: u32 = 1_000_000_000;
const S_IFMT: u32 = 0o170000;

fn need(condition: bool, why: &'static str) -> Checked {
    if condition { Ok(()) } else { Err(Reject(why)) }
}

fn parse<T: Wire>(bytes: &[u8]) -> Checked<T> {
    T::read(bytes).ok_or(Reject("is too short"))
}

fn store<T: Wire>(bytes: &mut [u8], value: &T) {
    bytes[..size_of::<T>()].copy_from_slice(value.bytes());
}

/// Checks a reply's error number and body length, and says how many bytes of the body to copy and check.
pub fn shape(facts: &Facts, error: i32, body: usize) -> Checked<usize> {
    let rule = Op::of(facts.opcode).reply;
    need(rule != ReplyRule::Never, "answers a request that has no reply")?;
    if error != 0 {
        need((-wire::MAX_ERRNO..0).contains(&error), "has an error number out of range")?;
        need(body == 0, "has an error and a body")?;
        return Ok(0);
    }
    let exactly = |size: usize| need(body == size, "has the wrong size").map(|()| size);
    let within = need(body as u64 <= facts.asked, "is longer than asked");
    match rule {
        ReplyRule::Never => Err(Reject("answers a request that has no reply")),
        ReplyRule::Empty => exactly(0),
        ReplyRule::Lookup | ReplyRule::Entry => exactly(size_of::<wire::EntryOut>()),
        ReplyRule::Attr => exactly(size_of::<wire::AttrOut>()),
        ReplyRule::Statx => exactly(size_of::<wire::StatxOut>()),
        ReplyRule::Open => exactly(size_of::<wire::OpenOut>()),
        ReplyRule::Create => exactly(size_of::<wire::CreateOut>()),
        ReplyRule::Written => exactly(size_of::<wire::WriteOut>()),
        ReplyRule::Copied => exactly(size_of::<wire::CopyOut>()),
        ReplyRule::Statfs => exactly(size_of::<wire::Kstatfs>()),
        ReplyRule::Lock => exactly(size_of::<wire::FileLock>()),
        ReplyRule::Bmap => exactly(size_of::<wire::BmapOut>()),
        ReplyRule::Poll => exactly(size_of::<wire::PollOut>()),
        ReplyRule::Lseek => exactly(size_of::<wire::LseekOut>()),
        ReplyRule::Data => within.map(|()| 0),
        ReplyRule::Dirents | ReplyRule::DirentsPlus => within.map(|()| body),
        ReplyRule::Readlink => need((1..=wire::LINK_MAX).contains(&body), "has the wrong size").map(|()| body),
        ReplyRule::XattrValue | ReplyRule::XattrList if facts.asked == 0 => exactly(size_of::<wire::GetxattrOut>()),
        ReplyRule::XattrValue => within.map(|()| 0),
        ReplyRule::XattrList => within.map(|()| body),
        ReplyRule::Ioctl => {
            let head = size_of::<wire::IoctlOut>();
            need(body >= head, "has the wrong size")?;
            need((body - head) as u64 <= facts.asked, "is longer than asked").map(|()| head)
        }
        ReplyRule::Init => need(body <= size_of::<wire::InitOut>(), "has the wrong size").map(|()| body),
        ReplyRule::Opaque => need(body <= MAX_OPAQUE, "is too long").map(|()| 0),
    }
}

/// Checks the copied bytes of a reply without error.
pub fn check(facts: &Facts, attr: &AttrOverride, copy: &mut [u8]) -> Checked {
    match Op::of(facts.opcode).reply {
        ReplyRule::Lookup => {
            // Node id 0 says that the name does not exist; nothing else is looked at then, but its validity.
            let entry: wire::EntryOut = parse(copy)?;
            if entry.nodeid == 0 {
                check_valid(entry.entry_valid_nsec)?;
                if attr.uncached {
                    store(copy, &wire::EntryOut::default());
                }
                return Ok(());
            }
            check_entry(copy, attr, 0)
        }
        ReplyRule::Entry => {
            need(new_node(copy)?, "has an impossible node id")?;
            check_entry(copy, attr, facts.kind)
        }
        ReplyRule::Create => {
            need(new_node(copy)?, "has an impossible node id")?;
            let (entry, open) = copy.split_at_mut(size_of::<wire::EntryOut>());
            check_entry(entry, attr, facts.kind)?;
            check_open(open)
        }
        ReplyRule::Open => check_open(copy),
        ReplyRule::Attr => {
            let mut out: wire::AttrOut = parse(copy)?;
            check_valid(out.attr_valid_nsec)?;
            check_attr(&mut out.attr, attr)?;
            if attr.uncached {
                (out.attr_valid, out.attr_valid_nsec) = (0, 0);
            }
            store(copy, &out);
            Ok(())
        }
        ReplyRule::Statx => check_statx(copy, attr),
        ReplyRule::Written => {
            let out: wire::WriteOut = parse(copy)?;
            need(u64::from(out.size) <= facts.asked, "says that more was written than asked")
        }
        ReplyRule::Copied => {
            let out: wire::CopyOut = parse(copy)?;
            need(out.bytes_copied <= facts.asked, "says that more was copied than asked")
        }
        ReplyRule::Dirents => each_dirent(copy, 0, |_| Ok(())),
        ReplyRule::DirentsPlus => each_dirent(copy, size_of::<wire::EntryOut>(), |entry| {
            let out: wire::EntryOut = parse(entry)?;
            if out.nodeid == 0 { Ok(()) } else { check_entry(entry, attr, 0) }
        }),
        ReplyRule::Readlink => need(!copy.contains(&0), "has a NUL in a link target"),
        ReplyRule::XattrValue | ReplyRule::XattrList if facts.asked == 0 => {
            let out: wire::GetxattrOut = parse(copy)?;
            need(out.size as usize <= wire::XATTR_MAX, "has an impossible attribute size")
        }
        ReplyRule::XattrList => check_names(copy),
        ReplyRule::Lock => check_lock(copy),
        ReplyRule::Lseek => {
            let out: wire::LseekOut = parse(copy)?;
            need(i64::try_from(out.offset).is_ok(), "has a negative offset")
        }
        ReplyRule::Ioctl => {
            let out: wire::IoctlOut = parse(copy)?;
            need(out.flags & wire::IOCTL_RETRY == 0, "asks to retry a restricted ioctl")
        }
        ReplyRule::Init
        | ReplyRule::Never
        | ReplyRule::Empty
        | ReplyRule::Data
        | ReplyRule::XattrValue
        | ReplyRule::Statfs
        | ReplyRule::Bmap
        | ReplyRule::Poll
        | ReplyRule::Opaque => Ok(()),
    }
}

fn new_node(copy: &[u8]) -> Checked<bool> {
    let entry: wire::EntryOut = parse(copy)?;
    Ok(entry.nodeid != 0 && entry.nodeid != wire::ROOT_ID)
}

fn check_valid(nsec: u32) -> Checked {
    need(nsec < NSEC_PER_SEC, "has a validity of more nanoseconds than a second has")
}

fn check_entry(bytes: &mut [u8], attr: &AttrOverride, kind: u32) -> Checked {
    let mut entry: wire::EntryOut = parse(bytes)?;
    check_valid(entry.entry_valid_nsec)?;
    check_valid(entry.attr_valid_nsec)?;
    check_attr(&mut entry.attr, attr)?;
    need(kind == 0 || entry.attr.mode & S_IFMT == kind, "has another file type than was asked for")?;
    if attr.uncached {
        (entry.entry_valid, entry.entry_valid_nsec) = (0, 0);
        (entry.attr_valid, entry.attr_valid_nsec) = (0, 0);
    }
    store(bytes, &entry);
    Ok(())
}

fn valid_type(mode: u32) -> bool {
    matches!(mode & S_IFMT, 0o010000 | 0o020000 | 0o040000 | 0o060000 | 0o100000 | 0o120000 | 0o140000)
}

fn check_attr(out: &mut Attr, attr: &AttrOverride) -> Checked {
    need(valid_type(out.mode) && out.mode <= 0o177777, "has a mode without a file type")?;
    need(i64::try_from(out.size).is_ok(), "has a negative size")?;
    need(out.blksize <= MAX_BLKSIZE, "has an absurd block size")?;
    for nsec in [&mut out.atimensec, &mut out.mtimensec, &mut out.ctimensec] {
        *nsec = (*nsec).min(NSEC_PER_SEC - 1);
    }
    // Submounts and DAX have no counterpart in a guest.
    out.flags = 0;
    out.uid = attr.uid.unwrap_or(out.uid);
    out.gid = attr.gid.unwrap_or(out.gid);
    if let Some(umask) = attr.umask {
        out.mode = out.mode & S_IFMT | 0o777 & !umask;
    }
    Ok(())
}

fn check_statx(copy: &mut [u8], attr: &AttrOverride) -> Checked {
    let mut out: wire::StatxOut = parse(copy)?;
    check_valid(out.attr_valid_nsec)?;
    let stat = &mut out.stat;
    if stat.mask & wire::STATX_TYPE != 0 {
        need(valid_type(u32::from(stat.mode)), "has a mode without a file type")?;
    }
    if stat.mask & wire::STATX_SIZE != 0 {
        need(i64::try_from(stat.size).is_ok(), "has a negative size")?;
    }
    need(stat.blksize <= MAX_BLKSIZE, "has an absurd block size")?;
    for time in [&mut stat.atime, &mut stat.btime, &mut stat.ctime, &mut stat.mtime] {
        time.tv_nsec = time.tv_nsec.min(NSEC_PER_SEC - 1);
    }
    stat.uid = attr.uid.unwrap_or(stat.uid);
    stat.gid = attr.gid.unwrap_or(stat.gid);
    if let Some(umask) = attr.umask {
        stat.mode = (u32::from(stat.mode) & S_IFMT | 0o777 & !umask) as u16;
    }
    if attr.uncached {
        (out.attr_valid, out.attr_valid_nsec) = (0, 0);
    }
    store(copy, &out);
    Ok(())
}

fn check_open(bytes: &mut [u8]) -> Checked {
    let mut open: wire::OpenOut = parse(bytes)?;
    open.open_flags &= wire::GUEST_FOPEN_FLAGS;
    open.backing_id = 0;
    store(bytes, &open);
    Ok(())
}

fn check_lock(copy: &[u8]) -> Checked {
    const UNLOCKED: u32 = 2;
    let lock: wire::FileLock = parse(copy)?;
    need(lock.kind <= UNLOCKED, "has an unknown lock type")?;
    need(
        lock.kind == UNLOCKED || lock.start <= lock.end && i64::try_from(lock.end).is_ok(),
        "has an impossible lock range",
    )
}

/// A directory entry's name, as any name that reaches the kernel.
fn check_name(name: &[u8]) -> Checked {
    need((1..=wire::NAME_MAX).contains(&name.len()), "has a name of impossible length")?;
    need(!has_slash_or_nul(name), "has a name with a slash or a NUL")
}

/// Eight bytes at a time: a large directory's listing is mostly names, and this is most of what checking it costs.
fn has_slash_or_nul(name: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    const SLASHES: u64 = u64::from_ne_bytes([b'/'; 8]);
    // Zero if no byte of the word is.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let bad = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        (zeros(word) | zeros(word ^ SLASHES)) != 0
    };
    let (words, rest) = name.as_chunks();
    // The last eight overlap what was seen already.
    words.iter().any(bad) || name.last_chunk().map_or_else(|| rest.iter().any(|&b| b == 0 || b == b'/'), bad)
}

/// Walks whole entries of `prefix` bytes, an entry head and a name padded to 8; `visit` gets each prefix.
fn each_dirent(copy: &mut [u8], prefix: usize, mut visit: impl FnMut(&mut [u8]) -> Checked) -> Checked {
    let mut rest = copy;
    while !rest.is_empty() {
        let head: wire::Dirent =
            rest.get(prefix..).and_then(wire::Dirent::read).ok_or(Reject("has a truncated directory entry"))?;
        need(head.kind <= 15, "has a directory entry of unknown type")?;
        need(i64::try_from(head.off).is_ok(), "has a directory entry with a negative offset")?;
        // In 64 bits, so that no length overflows; what is longer than a name may be fails below.
        let end = prefix as u64 + wire::DIRENT_HEAD as u64 + u64::from(head.namelen);
        let len = usize::try_from(end.next_multiple_of(8)).unwrap_or(usize::MAX);
        need(len <= rest.len(), "has a truncated directory entry")?;
        let (entry, tail) = rest.split_at_mut(len);
        let (first, record) = entry.split_at_mut(prefix);
        check_name(&record[wire::DIRENT_HEAD..wire::DIRENT_HEAD + head.namelen as usize])?;
        visit(first)?;
        rest = tail;
    }
    Ok(())
}

fn check_names(list: &[u8]) -> Checked {
    let Some((last, names)) = list.split_last() else {
        return Ok(());
    };
    need(*last == 0, "has an attribute name without an end")?;
    names
        .split(|byte| *byte == 0)
        .try_for_each(|name| need((1..=255).contains(&name.len()), "has an attribute name of impossible length"))
}

/// How many bytes of a notification's body to copy, by its code. STORE carries bulk data behind its structure.
pub fn notification_shape(code: i32, body: usize, max_store: usize) -> Checked<usize> {
    let exactly = |size: usize| need(body == size, "has the wrong size").map(|()| size);
    let named =
        |head: usize| need((head + 2..=head + wire::NAME_MAX + 1).contains(&body), "has the wrong size").map(|()| body);
    match code {
        wire::NOTIFY_POLL => exactly(size_of::<wire::NotifyPoll>()),
        wire::NOTIFY_INVAL_INODE => exactly(size_of::<wire::NotifyInvalInode>()),
        wire::NOTIFY_INVAL_ENTRY => named(size_of::<wire::NotifyInvalEntry>()),
        wire::NOTIFY_STORE => {
            let head = size_of::<wire::NotifyStore>();
            need(body >= head && body - head <= max_store, "has the wrong size").map(|()| head)
        }
        wire::NOTIFY_RETRIEVE => exactly(size_of::<wire::NotifyRetrieve>()),
        wire::NOTIFY_DELETE => named(size_of::<wire::NotifyDelete>()),
        _ => Err(Reject("is of an unknown kind")),
    }
}

/// Checks a notification's copied bytes; `body` is its whole length.
pub fn check_notification(code: i32, copy: &[u8], body: usize) -> Checked {
    let named = |namelen: u32, head: usize| {
        need(namelen as usize == body - head - 1, "has a wrong name length")?;
        need(copy.last() == Some(&0), "has a name without an end")?;
        check_name(&copy[head..body - 1])
    };
    match code {
        wire::NOTIFY_INVAL_ENTRY => {
            let out: wire::NotifyInvalEntry = parse(copy)?;
            named(out.namelen, size_of::<wire::NotifyInvalEntry>())
        }
        wire::NOTIFY_DELETE => {
            let out: wire::NotifyDelete = parse(copy)?;
            named(out.namelen, size_of::<wire::NotifyDelete>())
        }
        wire::NOTIFY_STORE => {
            let out: wire::NotifyStore = parse(copy)?;
            need(out.size as usize == body - size_of::<wire::NotifyStore>(), "has a wrong data length")?;
            let end = out.offset.checked_add(u64::from(out.size));
            need(end.is_some_and(|end| i64::try_from(end).is_ok()), "stores beyond the largest file")
        }
        wire::NOTIFY_RETRIEVE => {
            let out: wire::NotifyRetrieve = parse(copy)?;
            need(i64::try_from(out.offset).is_ok(), "has a negative offset")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
