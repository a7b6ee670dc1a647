//! One worker: read a request, let the guest handle it, read the next.
#![allow(unsafe_code)]

use std::sync::Arc;

use super::shared::{EXIT, Interrupted, REFUSE, STANDBY, STOP, Shared};
use super::{End, OnTrap};
use crate::sys::{Errno, RawSlice};
use crate::trace;
use crate::transport::{Transport, read_bytes};
use crate::wire::{self, InHeader, Op, Wire};
use crate::{Error, FaultKind, Guest, GuestFault, Result};

/// Bytes of each request that the host reads into its own memory first: the header and the largest fixed structure.
///
/// What is decided about a request is decided from these, never from the guest's memory, which another thread of the
/// guest could change between the read and the look.
const HEAD: usize = size_of::<InHeader>() + size_of::<wire::SetattrIn>();

/// What a read brought.
enum Read {
    /// A message of this many bytes, its beginning in `head`, all of it in the guest's buffer.
    Message(usize),
    /// Nothing; look around and read again.
    Again,
    /// The channel is closed.
    Closed,
}

pub struct Worker<'a> {
    pub shared: &'a Shared,
    pub channel: Arc<dyn Transport>,
    pub guest: &'a mut dyn Guest,
    index: usize,
    policy: OnTrap,
    /// A call into the guest has begun and is not over.
    calling: bool,
    head: [u8; HEAD],
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        self.shared.leave(self.index);
    }
}

impl<'a> Worker<'a> {
    /// A worker on its own channel. It belongs to the thread that makes it.
    pub fn new(shared: &'a Shared, index: usize, policy: OnTrap, guest: &'a mut dyn Guest) -> Self {
        shared.enter(index, guest.interrupter());
        Worker {
            channel: shared.channels[index].clone(),
            shared,
            guest,
            index,
            policy,
            calling: false,
            head: [0; HEAD],
        }
    }

    /// Serves until the end. `size` is the largest request.
    pub fn run(&mut self, size: usize) -> Result<End> {
        let size = size.max(wire::MIN_READ_BUFFER);
        loop {
            let read = match self.read(size) {
                Ok(read) => read,
                Err(fault) => match self.no_buffer(size, fault)? {
                    Some(end) => return Ok(end),
                    None => continue,
                },
            };
            let end = match read {
                Read::Message(len) => self.handle(len),
                Read::Again => self.look_around(size)?,
                Read::Closed => Some(End::Unmounted),
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// Asks the guest for a buffer and reads a request into it, its beginning by way of the host.
    fn read(&mut self, size: usize) -> std::result::Result<Read, GuestFault> {
        if !self.calling {
            self.shared.begin_call(self.index);
        }
        let buffer = self.guest.request_buffer(size);
        self.calling = false;
        self.shared.finish(self.index);
        let mut buffer = buffer?;
        if buffer.len() < size {
            return Err(GuestFault::trap("the guest's request buffer is too small"));
        }
        if self.shared.attention() != 0 {
            return Ok(Read::Again);
        }
        let rest = buffer.ptr().as_ptr().wrapping_add(HEAD);
        let slices = [RawSlice::new(self.head.as_mut_ptr(), HEAD), RawSlice::new(rest, size - HEAD)];
        // SAFETY: the head is ours; the guest's buffer is writable and ours while `buffer` borrows the guest, and it
        // has at least `size` bytes, which is more than HEAD.
        match unsafe { self.channel.read(&slices) } {
            Ok(len) => {
                buffer.fill(&self.head[..len.min(HEAD)]);
                Ok(Read::Message(len))
            }
            Err(errno) => Ok(self.read_error(errno)),
        }
    }

    fn read_error(&self, errno: Errno) -> Read {
        match errno {
            libc::EINTR | libc::EAGAIN | libc::ENOENT => Read::Again,
            libc::ENODEV | libc::ECONNABORTED => Read::Closed,
            errno => {
                log::error!("{}", Error::Channel("reading from", errno));
                Read::Closed
            }
        }
    }

    /// Something other than the next request may be due.
    fn look_around(&mut self, size: usize) -> Result<Option<End>> {
        let attention = self.shared.attention();
        if attention & STOP != 0 {
            return Ok(Some(End::Stopped));
        }
        if attention & EXIT != 0 {
            return Ok(Some(End::Exited));
        }
        if attention & REFUSE != 0 {
            return self.refuse_loop(size).map(Some);
        }
        if attention & STANDBY != 0
            && let Some(message) = self.shared.next_queued()
        {
            return Ok(self.deliver(&message));
        }
        Ok(None)
    }

    /// Handles the message that `read` brought.
    fn handle(&mut self, len: usize) -> Option<End> {
        let head = &self.head[..len.min(HEAD)];
        let Some(header) = InHeader::read(head).filter(|header| header.len as usize == len) else {
            self.shared.limit.warn(format_args!("the channel delivered {len} bytes that are no request"));
            return None;
        };
        let body = &head[size_of::<InHeader>()..];
        if header.opcode == wire::INTERRUPT && self.interrupt(body) == Interrupted::Done {
            return None;
        }
        let pending = self.shared.pending(&header, body, self.index);
        if self.shared.trace.is_some() {
            self.trace(&header, len);
        }
        let refused = if self.shared.attention() & REFUSE != 0 {
            Some(libc::EIO)
        } else if !self.permitted(&header) {
            Some(libc::EACCES)
        } else if !self.shared.begin(self.index, pending) {
            Some(libc::ENOMEM)
        } else {
            None
        };
        match refused {
            Some(_) if Op::of(header.opcode).reply == wire::ReplyRule::Never => None,
            Some(errno) => {
                self.shared.write_error(&pending, errno);
                None
            }
            None => self.dispatch(&header, len).err().and_then(|fault| self.fault(fault)),
        }
    }

    fn interrupt(&self, body: &[u8]) -> Interrupted {
        wire::InterruptIn::read(body).map_or(Interrupted::Done, |interrupt| self.shared.interrupted(interrupt.unique))
    }

    /// What `allow_root` permits; the kernel itself only knows "everyone".
    fn permitted(&self, header: &InHeader) -> bool {
        match self.shared.only_user {
            Some(user) if Op::of(header.opcode).guarded => header.uid == user || header.uid == 0,
            _ => true,
        }
    }

    fn trace(&mut self, header: &InHeader, len: usize) {
        let mut bytes = [0u8; trace::PEEK];
        let known = len.min(HEAD);
        bytes[..known].copy_from_slice(&self.head[..known]);
        // Names are longer than the head: they come from the guest's buffer, which may have moved.
        let peeked = match self.guest.request_buffer(len) {
            Ok(buffer) => buffer.copy_to(&mut bytes[..len.min(trace::PEEK)]),
            Err(_) => known,
        };
        if let Some(trace) = &self.shared.trace {
            trace(&trace::request(header, &bytes[size_of::<InHeader>()..peeked]));
        }
    }

    /// The guest handles the request in its buffer. The request has begun; it is over when the next buffer is there.
    fn dispatch(&mut self, header: &InHeader, len: usize) -> std::result::Result<(), GuestFault> {
        self.calling = true;
        let start = if self.shared.stats.is_timed() { crate::sys::now_ns() } else { 0 };
        let result = self.guest.dispatch(len);
        if Op::of(header.opcode).reply == wire::ReplyRule::Never {
            let ns = if start == 0 { 0 } else { crate::sys::now_ns() - start };
            self.shared.stats.record(header.opcode, result.is_err(), ns);
        }
        if result.is_err() {
            self.shared.refuse_faulted(header.unique);
            self.finish();
        }
        result
    }

    fn finish(&mut self) {
        self.calling = false;
        self.shared.finish(self.index);
    }

    /// Hands the guest a message that the host has. `None` when the guest goes on.
    fn deliver(&mut self, message: &[u8]) -> Option<End> {
        let header = InHeader::read(message)?;
        let body = &message[size_of::<InHeader>()..];
        if header.opcode == wire::INTERRUPT && self.interrupt(body) == Interrupted::Done {
            return None;
        }
        if !self.permitted(&header) {
            self.shared.refuse(header.unique, libc::EACCES);
            return None;
        }
        self.try_deliver(&header, message).err().and_then(|fault| self.fault(fault))
    }

    fn try_deliver(&mut self, header: &InHeader, message: &[u8]) -> std::result::Result<(), GuestFault> {
        if !self.shared.begin_queued(self.index, header) {
            return Ok(());
        }
        self.calling = true;
        if let Some(trace) = &self.shared.trace {
            trace(&trace::request(header, &message[size_of::<InHeader>()..]));
        }
        let fault = match self.guest.request_buffer(message.len().max(wire::MIN_READ_BUFFER)) {
            Ok(mut buffer) if buffer.len() >= message.len() => {
                buffer.fill(message);
                return self.dispatch(header, message.len());
            }
            Ok(_) => GuestFault::trap("the guest's request buffer is too small"),
            Err(fault) => fault,
        };
        self.shared.refuse(header.unique, libc::EIO);
        self.finish();
        Err(fault)
    }

    /// Delivers INIT.
    pub fn start_guest(&mut self, message: &[u8]) -> Result<()> {
        let header = InHeader::read(message).unwrap_or_default();
        let result = self.try_deliver(&header, message);
        self.finish();
        result.map_err(Error::InitFault)
    }

    /// The guest failed: what follows.
    fn fault(&mut self, fault: GuestFault) -> Option<End> {
        log::error!("the filesystem failed: {fault}");
        match (fault.kind, self.policy) {
            (FaultKind::Exited(_), _) | (_, OnTrap::Restart) => {
                self.shared.demand(STOP);
                Some(End::Faulted(fault))
            }
            (_, OnTrap::Continue) => None,
            (_, OnTrap::Poison) => {
                log::error!("every request is answered with EIO from now on; unmount the filesystem");
                self.shared.demand(REFUSE);
                self.shared.refuse_all(libc::EIO, true);
                None
            }
        }
    }

    /// The guest has no buffer for the next request: it is refused, so that nobody waits for a guest that cannot.
    fn no_buffer(&mut self, size: usize, fault: GuestFault) -> Result<Option<End>> {
        if let Some(end) = self.fault(fault) {
            return Ok(Some(end));
        }
        if self.shared.attention() != 0 {
            return self.look_around(size);
        }
        let mut buffer = vec![0; size];
        Ok(self.refuse_one(&mut buffer))
    }

    /// Answers everything with EIO until the channel closes.
    fn refuse_loop(&mut self, size: usize) -> Result<End> {
        let mut buffer = vec![0; size];
        loop {
            let attention = self.shared.attention();
            if attention & STOP != 0 {
                return Ok(End::Stopped);
            }
            if attention & EXIT != 0 {
                return Ok(End::Exited);
            }
            if attention & STANDBY != 0
                && let Some(message) = self.shared.next_queued()
            {
                if let Some(header) = InHeader::read(&message) {
                    self.shared.refuse(header.unique, libc::EIO);
                }
                continue;
            }
            if let Some(end) = self.refuse_one(&mut buffer) {
                return Ok(end);
            }
        }
    }

    fn refuse_one(&mut self, buffer: &mut [u8]) -> Option<End> {
        match read_bytes(self.channel.as_ref(), buffer) {
            Ok(len) => {
                if let Some(header) = InHeader::read(&buffer[..len])
                    && Op::of(header.opcode).reply != wire::ReplyRule::Never
                {
                    let pending = self.shared.pending(&header, &[], self.index);
                    self.shared.write_error(&pending, libc::EIO);
                }
                None
            }
            Err(errno) => match self.read_error(errno) {
                Read::Closed => Some(End::Unmounted),
                _ => None,
            },
        }
    }
}
