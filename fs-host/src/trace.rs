//! One line per message, for people who debug a filesystem.

use std::fmt::Write;

use crate::wire::{self, InHeader, Op, Wire};

/// How many bytes of a request a trace looks at.
pub const PEEK: usize = 1024;

/// Describes a request: `unique`, operation, node, caller and the arguments that matter.
pub fn request(header: &InHeader, body: &[u8]) -> String {
    let op = Op::of(header.opcode);
    let mut line = format!("unique: {}, opcode: {} ({})", header.unique, op.name, header.opcode);
    let _ = write!(line, ", nodeid: {}, insize: {}, pid: {}", header.nodeid, header.len, header.pid);
    arguments(&mut line, header.opcode, body);
    line
}

/// Describes a reply or a notification.
pub fn reply(unique: u64, opcode: u32, error: i32, len: usize) -> String {
    if unique == 0 {
        return format!("   notification: {error}, outsize: {len}");
    }
    let name = Op::of(opcode).name;
    if error == 0 {
        return format!("   unique: {unique}, {name}, success, outsize: {len}");
    }
    let what = std::io::Error::from_raw_os_error(-error);
    format!("   unique: {unique}, {name}, error: {error} ({what}), outsize: {len}")
}

fn arguments(line: &mut String, opcode: u32, body: &[u8]) {
    macro_rules! show {
        ($ty:ident, $($field:ident)*) => {
            if let Some(arg) = wire::$ty::read(body) {
                $(let _ = write!(line, concat!(", ", stringify!($field), ": {}"), arg.$field);)*
            }
        };
    }
    let names_at = match opcode {
        wire::LOOKUP | wire::UNLINK | wire::RMDIR | wire::SYMLINK | wire::REMOVEXATTR => Some(0),
        wire::MKNOD | wire::MKDIR | wire::CREATE | wire::LINK | wire::RENAME | wire::RENAME2 | wire::GETXATTR => {
            Some(Op::of(opcode).fixed)
        }
        _ => None,
    };
    match opcode {
        wire::FORGET => show!(ForgetIn, nlookup),
        wire::BATCH_FORGET => show!(BatchForgetIn, count),
        wire::GETATTR => show!(GetattrIn, getattr_flags fh),
        wire::SETATTR => show!(SetattrIn, valid fh size mode uid gid),
        wire::MKNOD => show!(MknodIn, mode rdev umask),
        wire::MKDIR => show!(MkdirIn, mode umask),
        wire::RENAME => show!(RenameIn, newdir),
        wire::RENAME2 => show!(Rename2In, newdir flags),
        wire::LINK => show!(LinkIn, oldnodeid),
        wire::OPEN | wire::OPENDIR => show!(OpenIn, flags),
        wire::CREATE | wire::TMPFILE => show!(CreateIn, flags mode umask),
        wire::READ | wire::READDIR | wire::READDIRPLUS => show!(ReadIn, fh offset size),
        wire::WRITE => show!(WriteIn, fh offset size write_flags),
        wire::RELEASE | wire::RELEASEDIR => show!(ReleaseIn, fh flags release_flags),
        wire::FLUSH => show!(FlushIn, fh lock_owner),
        wire::FSYNC | wire::FSYNCDIR => show!(FsyncIn, fh fsync_flags),
        wire::SETXATTR => show!(SetxattrCompatIn, size flags),
        wire::GETXATTR | wire::LISTXATTR => show!(GetxattrIn, size),
        wire::GETLK | wire::SETLK | wire::SETLKW => show!(LkIn, fh owner lk_flags),
        wire::ACCESS => show!(AccessIn, mask),
        wire::INIT => show!(InitIn, major minor max_readahead flags flags2),
        wire::INTERRUPT => {
            // Named apart from the message's own unique.
            if let Some(arg) = wire::InterruptIn::read(body) {
                let _ = write!(line, ", interrupts: {}", arg.unique);
            }
        }
        wire::BMAP => show!(BmapIn, block blocksize),
        wire::IOCTL => show!(IoctlIn, fh flags cmd in_size out_size),
        wire::POLL => show!(PollIn, fh kh flags events),
        wire::FALLOCATE => show!(FallocateIn, fh offset length mode),
        wire::LSEEK => show!(LseekIn, fh offset whence),
        wire::COPY_FILE_RANGE | wire::COPY_FILE_RANGE_64 => {
            show!(CopyFileRangeIn, fh_in off_in nodeid_out fh_out off_out len);
        }
        wire::STATX => show!(StatxIn, getattr_flags fh sx_flags sx_mask),
        _ => {}
    }
    let names = names_at.and_then(|at| body.get(at..)).unwrap_or_default();
    for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()).take(2) {
        let _ = write!(line, ", \"{}\"", name.escape_ascii());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_show_arguments_and_names() {
        let header = InHeader { len: 60, opcode: wire::MKDIR, unique: 4, nodeid: 1, ..Default::default() };
        let mut body = wire::MkdirIn { mode: 0o755, umask: 0 }.bytes().to_vec();
        body.extend_from_slice(b"new\x07dir\0");
        let line = request(&header, &body);
        assert_eq!(
            line,
            "unique: 4, opcode: MKDIR (9), nodeid: 1, insize: 60, pid: 0, mode: 493, umask: 0, \"new\\x07dir\""
        );
        // Too short a structure is no reason to fail.
        assert!(request(&header, &[1, 2]).contains("MKDIR"));
        assert!(reply(4, wire::MKDIR, -17, 16).contains("File exists"));
    }
}
