//! A complete filesystem in memory, as a guest: the measure of what hosting costs without WebAssembly, and a subject for
//! tests that need a well-behaved one.

mod data;
mod files;
mod node;
mod ops;

use std::io::IoSlice;
use std::sync::Arc;

use crate::sys::Errno;
use crate::wire::{self, InHeader, OutHeader, Wire};
use crate::{Guest, GuestFault, Interrupt, NoInterrupt, Replies, RequestBuffer};
use node::Tree;

/// What an operation leaves for its reply.
type Answer = Result<(), Errno>;

/// Bytes of file data that a filesystem holds unless told otherwise.
pub const DEFAULT_CAPACITY: u64 = 1 << 30;
/// How long the kernel may trust names and attributes unless told otherwise. Nothing changes them behind its back.
pub const DEFAULT_VALID_SECONDS: u64 = 1;

/// The filesystem.
pub struct MemFs {
    replies: Option<Replies>,
    request: Vec<u8>,
    /// The reply's body while an operation puts it together.
    out: Vec<u8>,
    tree: Tree,
    /// How long the kernel may trust names and attributes, in seconds; 0 asks for every one of them.
    pub valid_seconds: u64,
}

impl Default for MemFs {
    fn default() -> Self {
        Self::new()
    }
}

impl MemFs {
    /// An empty filesystem of the default capacity.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// An empty filesystem for this many bytes of file data.
    pub fn with_capacity(bytes: u64) -> Self {
        let (uid, gid) = crate::sys::effective_ids();
        MemFs {
            replies: None,
            request: Vec::new(),
            out: Vec::new(),
            tree: Tree::new(bytes, uid, gid),
            valid_seconds: DEFAULT_VALID_SECONDS,
        }
    }

    fn init(&mut self, body: &[u8]) -> Answer {
        let offer = parse::<wire::InitIn>(body)?;
        // Not INIT_ATOMIC_O_TRUNC: the kernel would have a running program truncated before it finds that it is one.
        let wanted = wire::INIT_ASYNC_READ
            | wire::INIT_BIG_WRITES
            | wire::INIT_DO_READDIRPLUS
            | wire::INIT_READDIRPLUS_AUTO
            | wire::INIT_PARALLEL_DIROPS
            | wire::INIT_MAX_PAGES;
        self.put(&wire::InitOut {
            major: wire::KERNEL_VERSION,
            minor: offer.minor,
            max_readahead: offer.max_readahead,
            flags: offer.flags & wanted as u32,
            time_gran: 1,
            ..Default::default()
        });
        Ok(())
    }

    fn put<T: Wire>(&mut self, value: &T) {
        self.out.extend_from_slice(value.bytes());
    }

    /// Handles one request; the body of the reply is left in `out`. `None`: there is nothing more to send.
    fn handle(&mut self, header: &InHeader, body: &[u8]) -> Option<Answer> {
        self.out.clear();
        Some(match header.opcode {
            wire::INIT => self.init(body),
            wire::FORGET => {
                if let Some(forget) = wire::ForgetIn::read(body) {
                    self.tree.forget(header.nodeid, forget.nlookup);
                }
                return None;
            }
            wire::BATCH_FORGET => {
                let count = wire::BatchForgetIn::read(body).map_or(0, |batch| batch.count as usize);
                let list = body.get(8..).unwrap_or_default();
                for one in list.chunks_exact(16).take(count).filter_map(wire::ForgetOne::read) {
                    self.tree.forget(one.nodeid, one.nlookup);
                }
                return None;
            }
            // Nothing here waits, so whatever is interrupted has been answered.
            wire::INTERRUPT | wire::NOTIFY_REPLY => return None,
            wire::READ => match self.read(header, body) {
                Ok(()) => return None,
                error => error,
            },
            _ => self.operate(header, body),
        })
    }

    fn operate(&mut self, header: &InHeader, body: &[u8]) -> Answer {
        match header.opcode {
            wire::LOOKUP => self.lookup(header, body),
            wire::GETATTR => self.getattr(header),
            wire::SETATTR => self.setattr(header, body),
            wire::READLINK => self.readlink(header),
            wire::SYMLINK => self.symlink(header, body),
            wire::MKNOD => self.mknod(header, body),
            wire::MKDIR => self.mkdir(header, body),
            wire::UNLINK => self.remove(header, body, false),
            wire::RMDIR => self.remove(header, body, true),
            wire::RENAME | wire::RENAME2 => self.rename(header, body),
            wire::LINK => self.link(header, body),
            wire::OPEN => self.open(header, body),
            wire::CREATE | wire::TMPFILE => self.create(header, body),
            wire::WRITE => self.write(header, body),
            wire::STATFS => self.statfs(),
            wire::OPENDIR => {
                self.put(&wire::OpenOut { open_flags: wire::FOPEN_CACHE_DIR, ..Default::default() });
                Ok(())
            }
            wire::READDIR => self.readdir(header, body, false),
            wire::READDIRPLUS => self.readdir(header, body, true),
            wire::SETXATTR => self.setxattr(header, body),
            wire::GETXATTR => self.getxattr(header, body),
            wire::LISTXATTR => self.listxattr(header, body),
            wire::REMOVEXATTR => self.removexattr(header, body),
            wire::ACCESS => self.access(header, body),
            wire::FALLOCATE => self.fallocate(header, body),
            wire::LSEEK => self.lseek(header, body),
            wire::RELEASE | wire::RELEASEDIR | wire::FSYNC | wire::FSYNCDIR | wire::DESTROY => Ok(()),
            _ => Err(libc::ENOSYS),
        }
    }

    fn send(&self, parts: &[IoSlice<'_>]) {
        if let Some(replies) = &self.replies {
            // An error means that the request or the mount is gone.
            let _ = replies.send(parts);
        }
    }
}

fn parse<T: Wire>(body: &[u8]) -> Result<T, Errno> {
    T::read(body).ok_or(libc::EINVAL)
}

/// The NUL-terminated name at the beginning of `bytes`, and what follows it.
fn name(bytes: &[u8]) -> Result<(&[u8], &[u8]), Errno> {
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(libc::EINVAL)?;
    Ok((&bytes[..end], &bytes[end + 1..]))
}

impl Guest for MemFs {
    fn attach(&mut self, replies: Replies) {
        self.replies = Some(replies);
    }

    fn request_buffer(&mut self, size: usize) -> Result<RequestBuffer<'_>, GuestFault> {
        if self.request.len() < size {
            self.request.resize(size, 0);
        }
        Ok(RequestBuffer::new(&mut self.request))
    }

    fn dispatch(&mut self, len: usize) -> Result<(), GuestFault> {
        // The request is taken out while it is looked at, because the operations change `self`.
        let request = std::mem::take(&mut self.request);
        let message = request.get(..len).unwrap_or_default();
        if let Some(header) = InHeader::read(message) {
            let answer = self.handle(&header, &message[size_of::<InHeader>()..]);
            if let Some(answer) = answer {
                let error = answer.err().unwrap_or(0);
                let body: &[u8] = if error == 0 { &self.out } else { &[] };
                let out = OutHeader {
                    len: (size_of::<OutHeader>() + body.len()) as u32,
                    error: -error,
                    unique: header.unique,
                };
                self.send(&[IoSlice::new(out.bytes()), IoSlice::new(body)]);
            }
        }
        self.request = request;
        Ok(())
    }

    fn interrupter(&self) -> Arc<dyn Interrupt> {
        Arc::new(NoInterrupt)
    }
}
