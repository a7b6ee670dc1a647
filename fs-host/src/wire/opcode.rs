//! The opcodes: one row each, with what a request carries and what its reply must look like.
//!
//! Everything that is decided per operation is decided from these rows: the validator reads `reply`, the
//! worker reads `asked` and `mode_at`, statistics and traces read `name`.

/// What a successful reply's body must be. The validator gives each rule its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyRule {
    /// The request has no reply at all.
    Never,
    /// The header alone.
    Empty,
    /// An entry; node id 0 says "no such name, remember that".
    Lookup,
    /// An entry that was created, of the type that was asked for.
    Entry,
    /// Attributes.
    Attr,
    /// Extended attributes of a file (`statx`).
    Statx,
    /// A file handle.
    Open,
    /// An entry and a file handle.
    Create,
    /// At most the asked number of bytes.
    Data,
    /// Directory entries within the asked number of bytes.
    Dirents,
    /// Directory entries with attributes within the asked number of bytes.
    DirentsPlus,
    /// A link target.
    Readlink,
    /// The number of bytes written, 32 bits, at most the asked number.
    Written,
    /// The number of bytes copied, 64 bits, at most the asked number.
    Copied,
    /// Filesystem statistics.
    Statfs,
    /// A value of at most the asked size, or its size when 0 was asked.
    XattrValue,
    /// A list of names of at most the asked size, or its size when 0 was asked.
    XattrList,
    /// A lock.
    Lock,
    /// A block number.
    Bmap,
    /// A result and at most the asked number of bytes.
    Ioctl,
    /// Poll events.
    Poll,
    /// A file offset.
    Lseek,
    /// The answer to INIT, which the host merges with its own.
    Init,
    /// An operation that this crate does not know: the kernel judges the reply.
    Opaque,
}

/// Where a request says how much it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It does not.
    No,
    /// A 32-bit field at this offset in the operation's structure.
    U32(usize),
    /// A 64-bit field at this offset in the operation's structure.
    U64(usize),
}

/// The file type that a reply's entry must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any valid type.
    Any,
    /// This one (`S_IFMT` bits).
    Is(u32),
    /// That of the mode at this offset in the operation's structure.
    AsAsked(usize),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    /// The number on the wire.
    pub code: u32,
    /// The kernel's name for it.
    pub name: &'static str,
    /// Bytes of the operation's structure behind the header (the least, where versions differ).
    pub fixed: usize,
    /// What the reply must be.
    pub reply: ReplyRule,
    /// Where the request says how much it wants.
    pub asked: Asked,
    /// Which type the replied entry must have.
    pub kind: Kind,
    /// Whether `allow_root` restricts it: the caller is checked when a file is reached, not when it is used.
    pub guarded: bool,
    /// Whether it may wait for as long as it takes (blocking locks): no timeout applies.
    pub waits: bool,
}

macro_rules! ops {
    ($($code:literal $name:ident $fixed:literal $reply:ident $asked:expr, $kind:expr, $($attr:ident)*;)*) => {
        $(#[doc = concat!("Opcode ", stringify!($name), ".")] pub const $name: u32 = $code;)*
        static ROWS: &[Op] = &[$(Op {
            code: $code,
            name: stringify!($name),
            fixed: $fixed,
            reply: ReplyRule::$reply,
            asked: $asked,
            kind: $kind,
            guarded: $(ops!(@guard $attr) &&)* true,
            waits: $(ops!(@wait $attr) ||)* false,
        }),*];
    };
    (@guard open) => { false };
    (@guard waits) => { true };
    (@wait waits) => { true };
    (@wait open) => { false };
}

use Asked::{No, U32, U64};
use Kind::{Any, AsAsked, Is};

// `open` marks operations that allow_root does not restrict, `waits` those without a timeout.
ops! {
//  code name      struct reply   asked    type of the entry   attributes
    1  LOOKUP        0  Lookup      No,      Any,              ;
    2  FORGET        8  Never       No,      Any,              open;
    3  GETATTR      16  Attr        No,      Any,              ;
    4  SETATTR      88  Attr        No,      Any,              ;
    5  READLINK      0  Readlink    No,      Any,              ;
    6  SYMLINK       0  Entry       No,      Is(0o120000),     ;
    8  MKNOD        16  Entry       No,      AsAsked(0),       ;
    9  MKDIR         8  Entry       No,      Is(0o040000),     ;
    10 UNLINK        0  Empty       No,      Any,              ;
    11 RMDIR         0  Empty       No,      Any,              ;
    12 RENAME        8  Empty       No,      Any,              ;
    13 LINK          8  Entry       No,      Any,              ;
    14 OPEN          8  Open        No,      Any,              ;
    15 READ         40  Data        U32(16), Any,              open;
    16 WRITE        40  Written     U32(16), Any,              open;
    17 STATFS        0  Statfs      No,      Any,              ;
    18 RELEASE      24  Empty       No,      Any,              open;
    20 FSYNC        16  Empty       No,      Any,              open;
    21 SETXATTR      8  Empty       No,      Any,              ;
    22 GETXATTR      8  XattrValue  U32(0),  Any,              ;
    23 LISTXATTR     8  XattrList   U32(0),  Any,              ;
    24 REMOVEXATTR   0  Empty       No,      Any,              ;
    25 FLUSH        24  Empty       No,      Any,              open;
    26 INIT         16  Init        No,      Any,              open;
    27 OPENDIR       8  Open        No,      Any,              ;
    28 READDIR      40  Dirents     U32(16), Any,              open;
    29 RELEASEDIR   24  Empty       No,      Any,              open;
    30 FSYNCDIR     16  Empty       No,      Any,              open;
    31 GETLK        48  Lock        No,      Any,              open;
    32 SETLK        48  Empty       No,      Any,              open;
    33 SETLKW       48  Empty       No,      Any,              open waits;
    34 ACCESS        8  Empty       No,      Any,              ;
    35 CREATE       16  Create      No,      AsAsked(4),       ;
    36 INTERRUPT     8  Never       No,      Any,              open;
    37 BMAP         16  Bmap        No,      Any,              ;
    38 DESTROY       0  Empty       No,      Any,              open;
    39 IOCTL        32  Ioctl       U32(28), Any,              open;
    40 POLL         24  Poll        No,      Any,              open;
    41 NOTIFY_REPLY 40  Never       No,      Any,              open;
    42 BATCH_FORGET  8  Never       No,      Any,              open;
    43 FALLOCATE    32  Empty       No,      Any,              open;
    44 READDIRPLUS  40  DirentsPlus U32(16), Any,              open;
    45 RENAME2      16  Empty       No,      Any,              ;
    46 LSEEK        24  Lseek       No,      Any,              open;
    47 COPY_FILE_RANGE    56 Written U64(40), Any,             open;
    48 SETUPMAPPING       40 Empty   No,     Any,              open;
    49 REMOVEMAPPING       4 Empty   No,     Any,              open;
    50 SYNCFS              8 Empty   No,     Any,              open;
    51 TMPFILE            16 Create  No,     AsAsked(4),       ;
    52 STATX              24 Statx   No,     Any,              ;
    53 COPY_FILE_RANGE_64 56 Copied  U64(40), Any,             open;
}

/// One more than the highest opcode with a row; tables indexed by opcode have this length.
pub const OP_LIMIT: usize = 54;

static UNKNOWN: Op = Op {
    code: 0,
    name: "UNKNOWN",
    fixed: 0,
    reply: ReplyRule::Opaque,
    asked: Asked::No,
    kind: Kind::Any,
    guarded: true,
    waits: false,
};

/// Rows by opcode, so that a lookup is one load.
static BY_CODE: [Op; OP_LIMIT] = {
    let mut table = [UNKNOWN; OP_LIMIT];
    let mut i = 0;
    while i < ROWS.len() {
        table[ROWS[i].code as usize] = ROWS[i];
        i += 1;
    }
    table
};

impl Op {
    /// The row of an opcode; for one without a row, a row named UNKNOWN that lets the kernel judge.
    pub fn of(opcode: u32) -> &'static Op {
        BY_CODE.get(opcode as usize).unwrap_or(&UNKNOWN)
    }

    /// Every row, in the order of the codes.
    pub fn all() -> impl Iterator<Item = &'static Op> {
        ROWS.iter()
    }

    /// How many bytes the request asks for, from the operation's structure; 0 when it does not say.
    pub fn asked(&self, body: &[u8]) -> u64 {
        let field = |at: usize, len: usize| body.get(at..at + len);
        match self.asked {
            Asked::No => 0,
            Asked::U32(at) => {
                field(at, 4).map_or(0, |b| u64::from(u32::from_le_bytes(b.try_into().unwrap_or_default())))
            }
            Asked::U64(at) => field(at, 8).map_or(0, |b| u64::from_le_bytes(b.try_into().unwrap_or_default())),
        }
    }

    /// The type that the replied entry must have (`S_IFMT` bits), 0 for any.
    pub fn kind(&self, body: &[u8]) -> u32 {
        match self.kind {
            Kind::Any => 0,
            Kind::Is(kind) => kind,
            Kind::AsAsked(at) => {
                let mode = body.get(at..at + 4).map_or(0, |b| u32::from_le_bytes(b.try_into().unwrap_or_default()));
                // mknod(2) takes a mode without a type for a regular file.
                if mode & 0o170000 == 0 { 0o100000 } else { mode & 0o170000 }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_code() {
        for op in Op::all() {
            assert_eq!(Op::of(op.code).name, op.name);
            assert!((op.code as usize) < OP_LIMIT);
        }
        assert_eq!(Op::of(7).name, "UNKNOWN");
        assert_eq!(Op::of(u32::MAX).reply, ReplyRule::Opaque);
    }

    #[test]
    fn sizes_and_types_come_from_the_request() {
        let mut body = [0u8; 40];
        body[16..20].copy_from_slice(&4096u32.to_le_bytes());
        assert_eq!(Op::of(READ).asked(&body), 4096);
        assert_eq!(Op::of(READ).asked(&body[..10]), 0);
        assert_eq!(Op::of(MKDIR).kind(&body), 0o040000);
        body[..4].copy_from_slice(&0o010644u32.to_le_bytes());
        assert_eq!(Op::of(MKNOD).kind(&body), 0o010000);
    }
}
