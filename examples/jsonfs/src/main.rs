//! `jsonfs FILE MOUNTPOINT` mounts a JSON document, read-only: objects and arrays become directories, values files.
//!
//! `cargo build` makes a program for fuser, `build.sh` makes the same for wasmjit; one line below tells them apart.

#[cfg(target_family = "wasm")]
extern crate wasmjit_fs as fuser;

mod json;
mod tree;

use fuser::{
    Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, MountOption, OpenAccMode, OpenFlags, ReplyAttr, ReplyData, ReplyDirectory,
    ReplyDirectoryPlus, ReplyEntry, ReplyOpen, ReplyStatfs, Request,
};
use std::ffi::OsStr;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tree::{Content, Tree};

/// The document never changes while it is mounted.
const TTL: Duration = Duration::from_secs(3600);

struct JsonFs {
    tree: Tree,
    /// When the document was last changed.
    time: SystemTime,
}

impl JsonFs {
    fn attr(&self, ino: u64) -> Result<FileAttr, Errno> {
        let node = self.tree.get(ino).ok_or(Errno::ENOENT)?;
        let (kind, perm, size, nlink) = match &node.content {
            Content::Directory(entries, _) => (FileType::Directory, 0o555, entries.len() as u64, 2),
            Content::File(text) => (FileType::RegularFile, 0o444, text.len() as u64, 1),
        };
        Ok(FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: (size + 511) / 512,
            atime: self.time,
            mtime: self.time,
            ctime: self.time,
            crtime: self.time,
            kind,
            perm,
            nlink,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn file(&self, ino: INodeNo) -> Result<&[u8], Errno> {
        match &self.tree.get(ino.0).ok_or(Errno::ENOENT)?.content {
            Content::File(text) => Ok(text),
            Content::Directory(..) => Err(Errno::EISDIR),
        }
    }

    /// The entries of a directory from `offset` on, each with the offset of the next.
    fn entries(&self, ino: INodeNo, offset: u64) -> Result<Vec<(u64, &str, u64)>, Errno> {
        let node = self.tree.get(ino.0).ok_or(Errno::ENOENT)?;
        let members = match &node.content {
            Content::Directory(entries, _) => entries,
            Content::File(_) => return Err(Errno::ENOTDIR),
        };
        let dots = [(ino.0, "."), (node.parent, "..")];
        let members = members.iter().map(|(name, child)| (*child, name.as_str()));
        let all = dots.into_iter().chain(members).enumerate();
        let rest = all.skip(usize::try_from(offset).unwrap_or(usize::MAX));
        Ok(rest.map(|(at, (child, name))| (child, name, at as u64 + 1)).collect())
    }
}

impl Filesystem for JsonFs {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // A kernel that cannot list attributes along with names asks for them one by one.
        let _ = config.add_capabilities(InitFlags::FUSE_DO_READDIRPLUS);
        Ok(())
    }

    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = name.to_str().and_then(|name| self.tree.find(parent.0, name));
        match found.ok_or(Errno::ENOENT).and_then(|ino| self.attr(ino)) {
            Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
            Err(errno) => reply.error(errno),
        }
    }

    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        match self.attr(ino.0) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn open(&self, _req: &Request, _ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match flags.acc_mode() {
            OpenAccMode::O_RDONLY => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            _ => reply.error(Errno::EROFS),
        }
    }

    fn read(
        &self,
        _req: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.file(ino) {
            Ok(text) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let end = start.saturating_add(size as usize).min(text.len());
                reply.data(&text[start..end]);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn readdir(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let entries = match self.entries(ino, offset) {
            Ok(entries) => entries,
            Err(errno) => return reply.error(errno),
        };
        for (child, name, next) in entries {
            let kind = match self.attr(child) {
                Ok(attr) => attr.kind,
                Err(errno) => return reply.error(errno),
            };
            if reply.add(INodeNo(child), next, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn readdirplus(&self, _req: &Request, ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        let entries = match self.entries(ino, offset) {
            Ok(entries) => entries,
            Err(errno) => return reply.error(errno),
        };
        for (child, name, next) in entries {
            let attr = match self.attr(child) {
                Ok(attr) => attr,
                Err(errno) => return reply.error(errno),
            };
            if reply.add(INodeNo(child), next, name, &TTL, &attr, Generation(0)) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _req: &Request, _ino: INodeNo, reply: ReplyStatfs) {
        reply.statfs(0, 0, 0, self.tree.len() as u64, 0, 4096, 255, 4096);
    }
}

fn run(file: &str, mountpoint: &str) -> Result<(), String> {
    let problem = |error: &dyn std::fmt::Display| format!("{}: {}", file, error);
    let text = std::fs::read_to_string(file).map_err(|error| problem(&error))?;
    let time = std::fs::metadata(file).and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH);
    let document = json::parse(&text).map_err(|error| problem(&error))?;
    drop(text);
    let mut config = Config::default();
    config.mount_options =
        vec![MountOption::RO, MountOption::FSName(file.to_string()), MountOption::Subtype("jsonfs".to_string())];
    let filesystem = JsonFs { tree: Tree::new(document), time };
    fuser::mount(filesystem, mountpoint, &config).map_err(|error| format!("{}: {}", mountpoint, error))
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let (file, mountpoint) = match args.as_slice() {
        [_, file, mountpoint, ..] => (file, mountpoint),
        _ => {
            eprintln!("usage: jsonfs FILE MOUNTPOINT");
            return ExitCode::from(2);
        }
    };
    match run(file, mountpoint) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("jsonfs: {}", problem);
            ExitCode::FAILURE
        }
    }
}
