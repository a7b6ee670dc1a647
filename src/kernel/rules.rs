//! The table of FUSE operations as C: what `kmod/fuse_rules.c` judges replies by.

use fs_host::wire::{self, Asked, Kind, Op, ReplyRule};
use std::fmt::Write;

/// Every rule with the size of its body, or 0 where the rule says more than a size.
const RULES: &[(ReplyRule, usize)] = &[
    (ReplyRule::Opaque, 0),
    (ReplyRule::Never, 0),
    (ReplyRule::Empty, 0),
    (ReplyRule::Lookup, size_of::<wire::EntryOut>()),
    (ReplyRule::Entry, size_of::<wire::EntryOut>()),
    (ReplyRule::Attr, size_of::<wire::AttrOut>()),
    (ReplyRule::Statx, size_of::<wire::StatxOut>()),
    (ReplyRule::Open, size_of::<wire::OpenOut>()),
    (ReplyRule::Create, size_of::<wire::CreateOut>()),
    (ReplyRule::Data, 0),
    (ReplyRule::Dirents, 0),
    (ReplyRule::DirentsPlus, 0),
    (ReplyRule::Readlink, 0),
    (ReplyRule::Written, size_of::<wire::WriteOut>()),
    (ReplyRule::Copied, size_of::<wire::CopyOut>()),
    (ReplyRule::Statfs, size_of::<wire::Kstatfs>()),
    (ReplyRule::XattrValue, 0),
    (ReplyRule::XattrList, 0),
    (ReplyRule::Lock, size_of::<wire::FileLock>()),
    (ReplyRule::Bmap, size_of::<wire::BmapOut>()),
    (ReplyRule::Ioctl, 0),
    (ReplyRule::Poll, size_of::<wire::PollOut>()),
    (ReplyRule::Lseek, size_of::<wire::LseekOut>()),
    (ReplyRule::Init, 0),
];

fn row(op: &Op) -> String {
    let (asked_bytes, asked_at) = match op.asked {
        Asked::No => (0, 0),
        Asked::U32(at) => (4, at),
        Asked::U64(at) => (8, at),
    };
    let (kind_asked, kind_at, kind) = match op.kind {
        Kind::Any => (0, 0, 0),
        Kind::Is(kind) => (0, 0, kind),
        Kind::AsAsked(at) => (1, at, 0),
    };
    format!(
        "[{}] = {{ WJ_RULE_{:?}, {asked_bytes}, {asked_at}, {kind_asked}, {kind_at}, {kind:#o} }}",
        op.code, op.reply
    )
    .replace("0o", "0")
}

/// The definitions.
pub fn text() -> String {
    let mut out = String::new();
    let mut define = |name: &str, value: String| {
        writeln!(out, "#define {name} {value}").expect("strings take everything");
    };
    for (number, (rule, _)) in RULES.iter().enumerate() {
        define(&format!("WJ_RULE_{rule:?}"), number.to_string());
    }
    let sizes: Vec<String> = RULES.iter().map(|(_, size)| size.to_string()).collect();
    define("WJ_RULE_SIZES", format!("{{ {} }}", sizes.join(", ")));
    let rows: Vec<String> = Op::all().map(row).collect();
    define("WJ_FUSE_OPS", format!("{{ \\\n\t{} }}", rows.join(", \\\n\t")));
    define("WJ_FUSE_INIT_FLAGS", format!("{:#x}ULL", wire::GUEST_INIT_FLAGS));
    define("WJ_FUSE_FOPEN_FLAGS", format!("{:#x}U", wire::GUEST_FOPEN_FLAGS));
    define("WJ_FUSE_NEWEST_MINOR", wire::NEWEST_MINOR.to_string());
    define("WJ_FUSE_MAX_ERRNO", wire::MAX_ERRNO.to_string());
    define("WJ_FUSE_NAME_MAX", wire::NAME_MAX.to_string());
    define("WJ_FUSE_LINK_MAX", wire::LINK_MAX.to_string());
    define("WJ_FUSE_XATTR_MAX", wire::XATTR_MAX.to_string());
    define("WJ_FUSE_MAX_OPAQUE", fs_host::validate::MAX_OPAQUE.to_string());
    out
}
