//! Inodes, directories, and the counts that keep them alive.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use super::data::Data;
use crate::sys::Errno;
use crate::wire::{Attr, ROOT_ID};

pub const S_IFMT: u32 = 0o170000;
pub const S_IFDIR: u32 = 0o040000;
pub const S_IFREG: u32 = 0o100000;
pub const S_IFLNK: u32 = 0o120000;
pub const S_ISGID: u32 = 0o2000;
/// Cookies of the first entry that is neither `.` nor `..`.
pub const FIRST_COOKIE: u64 = 3;

/// A directory: names in the order of their making, which is also the order in which they are listed.
#[derive(Default)]
pub struct Dir {
    pub parent: u64,
    pub by_cookie: BTreeMap<u64, (Box<[u8]>, u64)>,
    by_name: HashMap<Box<[u8]>, u64>,
    next_cookie: u64,
}

impl Dir {
    /// An empty directory in another.
    pub fn below(parent: u64) -> Dir {
        Dir { parent, ..Dir::default() }
    }

    pub fn get(&self, name: &[u8]) -> Option<u64> {
        let cookie = self.by_name.get(name)?;
        self.by_cookie.get(cookie).map(|(_, node)| *node)
    }

    pub fn insert(&mut self, name: &[u8], node: u64) {
        let cookie = self.next_cookie.max(FIRST_COOKIE);
        self.next_cookie = cookie + 1;
        self.by_name.insert(name.into(), cookie);
        self.by_cookie.insert(cookie, (name.into(), node));
    }

    /// Points an existing name at another node.
    pub fn replace(&mut self, name: &[u8], node: u64) {
        if let Some(entry) = self.by_name.get(name).and_then(|cookie| self.by_cookie.get_mut(cookie)) {
            entry.1 = node;
        }
    }

    pub fn remove(&mut self, name: &[u8]) {
        if let Some(cookie) = self.by_name.remove(name) {
            self.by_cookie.remove(&cookie);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.by_cookie.is_empty()
    }
}

/// What an inode holds besides its attributes.
pub enum Body {
    File(Data),
    Dir(Dir),
    Link(Box<[u8]>),
    Special,
}

pub struct Node {
    pub attr: Attr,
    pub generation: u64,
    /// References that the kernel holds.
    pub lookups: u64,
    pub body: Body,
    pub xattrs: BTreeMap<Box<[u8]>, Box<[u8]>>,
}

impl Node {
    pub fn is_dir(&self) -> bool {
        self.attr.mode & S_IFMT == S_IFDIR
    }

    pub fn touch(&mut self, modified: bool) {
        let (seconds, nanos) = now();
        (self.attr.ctime, self.attr.ctimensec) = (seconds, nanos);
        if modified {
            (self.attr.mtime, self.attr.mtimensec) = (seconds, nanos);
        }
    }

    pub fn dir(&self) -> Result<&Dir, Errno> {
        match &self.body {
            Body::Dir(dir) => Ok(dir),
            _ => Err(libc::ENOTDIR),
        }
    }

    pub fn dir_mut(&mut self) -> Result<&mut Dir, Errno> {
        match &mut self.body {
            Body::Dir(dir) => Ok(dir),
            _ => Err(libc::ENOTDIR),
        }
    }
}

pub fn now() -> (u64, u32) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs(), now.subsec_nanos())
}

/// All inodes; a node id is an index.
pub struct Tree {
    nodes: Vec<Option<Box<Node>>>,
    free: Vec<u64>,
    generation: u64,
    pub capacity: u64,
    pub used: u64,
}

impl Tree {
    pub fn new(capacity: u64, uid: u32, gid: u32) -> Tree {
        let mut tree = Tree { nodes: vec![None], free: Vec::new(), generation: 0, capacity, used: 0 };
        let root = tree.add(S_IFDIR | 0o755, uid, gid, 0, Body::Dir(Dir::below(ROOT_ID)));
        if let Ok(node) = tree.get_mut(root) {
            node.attr.nlink = 2;
            node.lookups = 1;
        }
        tree
    }

    pub fn get(&self, id: u64) -> Result<&Node, Errno> {
        self.nodes.get(id as usize).and_then(Option::as_deref).ok_or(libc::ESTALE)
    }

    pub fn get_mut(&mut self, id: u64) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(id as usize).and_then(Option::as_deref_mut).ok_or(libc::ESTALE)
    }

    pub fn count(&self) -> u64 {
        (self.nodes.len() - 1 - self.free.len()) as u64
    }

    /// A new inode, in no directory yet.
    pub fn add(&mut self, mode: u32, uid: u32, gid: u32, rdev: u32, body: Body) -> u64 {
        let (seconds, nanos) = now();
        self.generation += 1;
        let id = self.free.pop().unwrap_or(self.nodes.len() as u64);
        let size = if let Body::Link(target) = &body { target.len() as u64 } else { 0 };
        let node = Node {
            attr: Attr {
                ino: id,
                size,
                atime: seconds,
                mtime: seconds,
                ctime: seconds,
                atimensec: nanos,
                mtimensec: nanos,
                ctimensec: nanos,
                mode,
                uid,
                gid,
                rdev,
                blksize: 4096,
                ..Attr::default()
            },
            generation: self.generation,
            lookups: 0,
            body,
            xattrs: BTreeMap::new(),
        };
        if id as usize == self.nodes.len() {
            self.nodes.push(None);
        }
        self.nodes[id as usize] = Some(Box::new(node));
        id
    }

    /// Frees an inode that no name, no open file and no cache of the kernel refers to.
    pub fn reap(&mut self, id: u64) {
        let Some(slot) = self.nodes.get_mut(id as usize) else {
            return;
        };
        if !slot.as_ref().is_some_and(|node| node.attr.nlink == 0 && node.lookups == 0) {
            return;
        }
        if let Some(Node { body: Body::File(data), .. }) = slot.take().map(|node| *node) {
            self.used -= data.held();
        }
        self.free.push(id);
    }

    pub fn forget(&mut self, id: u64, count: u64) {
        if let Ok(node) = self.get_mut(id) {
            node.lookups = node.lookups.saturating_sub(count);
            self.reap(id);
        }
    }

    /// Takes a name's reference away from an inode.
    pub fn unlink(&mut self, id: u64) {
        if let Ok(node) = self.get_mut(id) {
            node.attr.nlink = if node.is_dir() { 0 } else { node.attr.nlink.saturating_sub(1) };
            node.touch(false);
            self.reap(id);
        }
    }
}
