//! A filesystem in Rust that panics when "panic" is looked up, and has no other files.

extern crate wasmjit_fs as fuser;

use fuser::{Config, Errno, FileAttr, FileHandle, FileType, Filesystem, INodeNo, ReplyAttr, ReplyEntry, Request};
use std::ffi::OsStr;
use std::time::{Duration, UNIX_EPOCH};

struct Panics;

impl Filesystem for Panics {
    fn lookup(&self, _req: &Request, _parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        if name == "panic" {
            panic!("no such thing as {:?}", name);
        }
        reply.error(Errno::ENOENT);
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        let attr = FileAttr {
            ino,
            size: 0,
            blocks: 0,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: FileType::Directory,
            perm: 0o755,
            nlink: 2,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        };
        reply.attr(&Duration::ZERO, &attr);
    }
}

fn main() {
    let mountpoint = std::env::args().nth(1).unwrap();
    fuser::mount(Panics, mountpoint, &Config::default()).unwrap();
}
