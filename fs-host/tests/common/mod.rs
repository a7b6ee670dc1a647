//! A kernel and guests for tests: one end of a channel that speaks FUSE, and guests made of a closure.
#![allow(dead_code)]

use std::io::IoSlice;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fs_host::transport::pair;
use fs_host::wire::{self, InHeader, InitIn, InitOut, OutHeader, Wire};
use fs_host::{End, Guest, GuestFault, Interrupt, NoInterrupt, Replies, RequestBuffer, Result, Server, ServerConfig};

/// How long a test waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The kernel's side of a channel.
pub struct Kernel {
    socket: UnixDatagram,
    next: u64,
}

/// A reply as the kernel sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub unique: u64,
    pub error: i32,
    pub body: Vec<u8>,
}

impl Kernel {
    /// A kernel and a server on its channel.
    pub fn with_server(config: ServerConfig) -> (Kernel, Server) {
        let (kernel, server) = pair().unwrap();
        let socket = UnixDatagram::from(kernel.into_fd());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let config = ServerConfig { handle_signals: false, ..config };
        (Kernel { socket, next: 2 }, Server::with_transport(Arc::new(server), config).unwrap())
    }

    /// A kernel whose server already runs the guest in a thread, with INIT done.
    pub fn serving<G: Guest + Send + 'static>(config: ServerConfig, guest: G) -> (Kernel, Serving) {
        let (mut kernel, mut server) = Kernel::with_server(config);
        let mut guest = guest;
        let thread = std::thread::spawn(move || {
            let end = server.run(&mut guest);
            (server, end)
        });
        kernel.init();
        (kernel, Serving(thread))
    }

    /// Sends INIT and returns the server's answer.
    pub fn init(&mut self) -> InitOut {
        let seen = self.try_init();
        assert_eq!(seen.error, 0);
        InitOut::read(&seen.body).unwrap()
    }

    pub fn try_init(&mut self) -> Seen {
        let body = InitIn { major: 7, minor: 40, max_readahead: 131072, flags: 0x73ff_ffff, ..InitIn::default() };
        self.send(wire::INIT, 0, body.bytes());
        self.receive()
    }

    /// Sends a request and returns its unique.
    pub fn send(&mut self, opcode: u32, nodeid: u64, body: &[u8]) -> u64 {
        let unique = self.next;
        self.next += 2;
        self.send_as(unique, opcode, nodeid, body);
        unique
    }

    /// The unique that the next request will have.
    pub fn upcoming(&self) -> u64 {
        self.next
    }

    pub fn send_as(&mut self, unique: u64, opcode: u32, nodeid: u64, body: &[u8]) {
        let header = InHeader {
            len: (size_of::<InHeader>() + body.len()) as u32,
            opcode,
            unique,
            nodeid,
            ..InHeader::default()
        };
        self.socket.send(&[header.bytes(), body].concat()).unwrap();
    }

    /// Sends what the kernel sends when the caller of a request gets a signal.
    pub fn interrupt(&mut self, unique: u64) {
        self.send_as(unique | 1, wire::INTERRUPT, 0, &unique.to_le_bytes());
    }

    /// The next reply.
    pub fn receive(&self) -> Seen {
        self.receive_for(PATIENCE).expect("a reply")
    }

    /// The next reply, if one comes within the time.
    pub fn receive_for(&self, time: Duration) -> Option<Seen> {
        self.socket.set_read_timeout(Some(time)).unwrap();
        let mut buffer = vec![0; 2 << 20];
        let len = self.socket.recv(&mut buffer).ok()?;
        let header = OutHeader::read(&buffer[..len]).expect("a header");
        assert_eq!(header.len as usize, len, "the length is that of the message");
        Some(Seen { unique: header.unique, error: header.error, body: buffer[16..len].to_vec() })
    }

    /// A request and its reply.
    pub fn call(&mut self, opcode: u32, nodeid: u64, body: &[u8]) -> std::result::Result<Vec<u8>, i32> {
        let unique = self.send(opcode, nodeid, body);
        let seen = self.receive();
        assert_eq!(seen.unique, unique);
        if seen.error == 0 { Ok(seen.body) } else { Err(-seen.error) }
    }

    pub fn getattr(&mut self) -> std::result::Result<Vec<u8>, i32> {
        self.call(wire::GETATTR, 1, &[0; 16])
    }
}

/// A server in its thread.
pub struct Serving(JoinHandle<(Server, Result<End>)>);

impl Serving {
    /// Waits for the end.
    pub fn end(self) -> (Server, Result<End>) {
        self.0.join().unwrap()
    }

    /// Unmounts, as it were, and expects an orderly end.
    pub fn unmount(self, kernel: Kernel) -> Server {
        drop(kernel);
        let (server, end) = self.end();
        assert!(matches!(end, Ok(End::Unmounted)), "{end:?}");
        server
    }
}

/// What a script does with a request.
pub type Act = dyn FnMut(&InHeader, &[u8], &Replies) -> std::result::Result<(), GuestFault> + Send;

/// A guest made of a closure. INIT it answers itself.
pub struct Script {
    act: Box<Act>,
    interrupt: Arc<dyn Interrupt>,
    replies: Option<Replies>,
    buffer: Vec<u8>,
    /// Bytes of buffer that it gives at most.
    pub room: usize,
    pub init: std::result::Result<InitOut, i32>,
}

impl Script {
    pub fn new(
        act: impl FnMut(&InHeader, &[u8], &Replies) -> std::result::Result<(), GuestFault> + Send + 'static,
    ) -> Script {
        Script {
            act: Box::new(act),
            interrupt: Arc::new(NoInterrupt),
            replies: None,
            buffer: Vec::new(),
            room: usize::MAX,
            init: Ok(InitOut { major: 7, minor: 38, ..InitOut::default() }),
        }
    }

    pub fn interrupted_by(mut self, interrupt: Arc<dyn Interrupt>) -> Script {
        self.interrupt = interrupt;
        self
    }
}

impl Guest for Script {
    fn attach(&mut self, replies: Replies) {
        self.replies = Some(replies);
    }

    fn request_buffer(&mut self, size: usize) -> std::result::Result<RequestBuffer<'_>, GuestFault> {
        self.buffer.resize(size.min(self.room), 0);
        Ok(RequestBuffer::new(&mut self.buffer))
    }

    fn dispatch(&mut self, len: usize) -> std::result::Result<(), GuestFault> {
        let header = InHeader::read(&self.buffer).unwrap();
        assert_eq!(header.len as usize, len, "the guest sees whole requests");
        let replies = self.replies.clone().unwrap();
        if header.opcode == wire::INIT {
            let _ = match &self.init {
                Ok(out) => replies.data(header.unique, out.bytes()),
                Err(0) => return Ok(()),
                Err(errno) => replies.error(header.unique, *errno),
            };
            return Ok(());
        }
        (self.act)(&header, &self.buffer[40..len], &replies)
    }

    fn interrupter(&self) -> Arc<dyn Interrupt> {
        self.interrupt.clone()
    }
}

/// A valid reply to GETATTR.
pub fn attr_out() -> wire::AttrOut {
    let attr = wire::Attr { ino: 1, mode: 0o040755, nlink: 2, ..wire::Attr::default() };
    wire::AttrOut { attr, ..wire::AttrOut::default() }
}

/// A message in one piece.
pub fn raw(replies: &Replies, len: u32, error: i32, unique: u64, body: &[u8]) -> std::result::Result<(), i32> {
    let header = OutHeader { len, error, unique };
    replies.send(&[IoSlice::new(header.bytes()), IoSlice::new(body)])
}
