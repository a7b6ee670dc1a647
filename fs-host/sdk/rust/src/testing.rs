//! A host in the same process: feeds a filesystem FUSE messages and collects what it sends. For tests on the machine
//! where the filesystem is written, without mounting anything.
//!
//! ```
//! use wasmjit_fs::testing::{op, Loopback};
//! use wasmjit_fs::Filesystem;
//!
//! struct Empty;
//! impl Filesystem for Empty {}
//!
//! let mut host = Loopback::new(Empty);
//! host.init();
//! let reply = host.call(op::LOOKUP, 1, &[b"name\0"]);
//! assert_eq!(reply.error, 38); // ENOSYS
//! ```

use crate::dispatch::Dispatcher;
use crate::guest::Serve;
use crate::session::{Sender, Transport};
pub use crate::wire::op;
use crate::wire::{Reader, IN_HEADER, OUT_HEADER};
use crate::{Errno, Filesystem, Notifier};
use std::collections::VecDeque;
use std::sync::Mutex;

/// A message that the filesystem sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The request that it answers; 0 for a notification.
    pub unique: u64,
    /// 0, or a positive error number of Linux; for a notification, minus its code.
    pub error: i32,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Reply {
    /// The 32-bit number at a position of the body.
    pub fn u32(&self, at: usize) -> u32 {
        Reader::new(&self.body[at..]).u32().expect("the body is long enough")
    }

    /// The 64-bit number at a position of the body.
    pub fn u64(&self, at: usize) -> u64 {
        Reader::new(&self.body[at..]).u64().expect("the body is long enough")
    }

    /// The names in the answer to `READDIR`, with the offset that each goes on from.
    pub fn names(&self) -> Vec<(String, u64)> {
        let mut names = Vec::new();
        let mut at = 0;
        while at < self.body.len() {
            let len = self.u32(at + 16) as usize;
            let name = &self.body[at + 24..at + 24 + len];
            names.push((String::from_utf8_lossy(name).into_owned(), self.u64(at + 8)));
            at += (24 + len + 7) & !7;
        }
        names
    }
}

/// Takes the messages that are sent.
#[derive(Default)]
struct Recorder(Mutex<VecDeque<Reply>>);

impl Transport for Recorder {
    fn send(&self, parts: &[&[u8]]) -> Result<(), Errno> {
        let message = parts.concat();
        let mut header = Reader::new(&message);
        let decoded = (header.u32(), header.u32(), header.u64());
        let (len, error, unique) = match decoded {
            (Ok(len), Ok(error), Ok(unique)) => (len, error as i32, unique),
            _ => return Err(Errno::EINVAL),
        };
        assert_eq!(len as usize, message.len(), "the header tells the length of the message");
        let body = message[OUT_HEADER..].to_vec();
        self.0.lock().expect("no test panicked here").push_back(Reply { unique, error: -error, body });
        Ok(())
    }
}

/// A filesystem and the host that it talks to.
pub struct Loopback<F: Filesystem> {
    dispatcher: Dispatcher<F>,
    recorder: &'static Recorder,
    unique: u64,
    ids: (u32, u32, u32),
}

impl<F: Filesystem> Loopback<F> {
    /// A host for this filesystem, which has not seen `INIT` yet.
    pub fn new(filesystem: F) -> Loopback<F> {
        // Replies may outlive every borrow, so that what they send to lives for good.
        let recorder: &'static Recorder = Box::leak(Box::default());
        let dispatcher = Dispatcher::new(filesystem, Sender(recorder));
        Loopback { dispatcher, recorder, unique: 0, ids: (0, 0, 1) }
    }

    /// Sends `INIT` of version 7.38 with the capabilities that Linux 6.1 has.
    pub fn init(&mut self) -> Reply {
        let mut body = [0u8; 64];
        body[..4].copy_from_slice(&7u32.to_le_bytes());
        body[4..8].copy_from_slice(&38u32.to_le_bytes());
        body[8..12].copy_from_slice(&131_072u32.to_le_bytes());
        body[12..16].copy_from_slice(&0x73ff_fffbu32.to_le_bytes());
        body[16..20].copy_from_slice(&0x1u32.to_le_bytes());
        self.call(op::INIT, 0, &[&body])
    }

    /// Who the next requests come from: user, group, process.
    pub fn become_user(&mut self, uid: u32, gid: u32, pid: u32) {
        self.ids = (uid, gid, pid);
    }

    /// Sends a request; tells its number.
    pub fn send(&mut self, opcode: u32, nodeid: u64, parts: &[&[u8]]) -> u64 {
        self.unique += 2;
        let body = parts.concat();
        let mut message = Vec::with_capacity(IN_HEADER + body.len());
        message.extend_from_slice(&((IN_HEADER + body.len()) as u32).to_le_bytes());
        message.extend_from_slice(&opcode.to_le_bytes());
        message.extend_from_slice(&self.unique.to_le_bytes());
        message.extend_from_slice(&nodeid.to_le_bytes());
        for id in [self.ids.0, self.ids.1, self.ids.2, 0] {
            message.extend_from_slice(&id.to_le_bytes());
        }
        message.extend_from_slice(&body);
        self.send_raw(&message);
        self.unique
    }

    /// Sends any bytes.
    pub fn send_raw(&mut self, message: &[u8]) {
        self.dispatcher.dispatch(message);
    }

    /// The oldest message that the filesystem sent and that was not taken yet.
    pub fn take(&mut self) -> Option<Reply> {
        self.recorder.0.lock().expect("no test panicked here").pop_front()
    }

    /// Sends a request and takes the answer, which must come at once and be the only message.
    pub fn call(&mut self, opcode: u32, nodeid: u64, parts: &[&[u8]]) -> Reply {
        let unique = self.send(opcode, nodeid, parts);
        let reply = self.take().expect("the filesystem answers");
        assert_eq!(reply.unique, unique, "the answer is to this request");
        assert!(self.take().is_none(), "one answer is enough");
        reply
    }

    /// Ends the session as unmounting does.
    pub fn unmount(&mut self) {
        self.dispatcher.finish();
    }

    /// The filesystem.
    pub fn filesystem(&self) -> &F {
        self.dispatcher.filesystem()
    }

    /// A way to send notifications to this host.
    pub fn notifier(&self) -> Notifier {
        Notifier::new(Sender(self.recorder))
    }
}
