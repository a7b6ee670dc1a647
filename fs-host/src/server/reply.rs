//! The way of a reply: from a guest's memory, through the rules, to the kernel.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::io::IoSlice;
use std::sync::{Arc, Weak};

use smallvec::SmallVec;

use super::shared::{EXIT, Shared};
use super::table::Pending;
use crate::sys::{Errno, RawSlice};
use crate::unmount_in_background;
use crate::validate::{self, Facts, Reject};
use crate::wire::{self, OutHeader, Wire};

/// Slices that a message may consist of, as for writev(2).
pub const MAX_SLICES: usize = 1024;
/// Slices that are listed without an allocation; replies have two or three.
const USUAL_SLICES: usize = 8;
const HEADER: usize = size_of::<OutHeader>();

thread_local! {
    /// Where each thread copies what is checked.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where a guest's replies and notifications go. Cheap to copy, usable from every thread, and harmless after the
/// server's end.
#[derive(Clone)]
pub struct Replies(Weak<Shared>);

impl std::fmt::Debug for Replies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Replies")
    }
}

impl Replies {
    pub(crate) fn new(shared: &Arc<Shared>) -> Replies {
        Replies(Arc::downgrade(shared))
    }

    /// Sends one message: a `fuse_out_header` and what belongs to it.
    ///
    /// Errors: `EINVAL` for a message that breaks the rules (its request was answered with EIO), `ENOENT` for an unknown
    /// `unique` or one that was answered already, `ENODEV` after the end of the mount, and what the kernel says to a
    /// notification. A notification may wait in the kernel: one about a file that has a request in dispatch should be
    /// sent after that, or from another thread, as in native servers.
    pub fn send(&self, message: &[IoSlice<'_>]) -> Result<(), Errno> {
        // SAFETY: IoSlice is documented to have the layout of iovec, as RawSlice has; the slices are borrowed.
        unsafe {
            let raw = std::slice::from_raw_parts(message.as_ptr().cast::<RawSlice>(), message.len());
            self.send_raw(raw)
        }
    }

    /// Sends a message that lies in memory which cannot be borrowed.
    ///
    /// # Safety
    /// Every slice stays readable until the call returns. The bytes may change meanwhile: what is checked is a copy.
    pub unsafe fn send_raw(&self, message: &[RawSlice]) -> Result<(), Errno> {
        let shared = self.0.upgrade().ok_or(libc::ENODEV)?;
        // SAFETY: the caller's promise is Gather's condition.
        let message = unsafe { Gather::new(message) }.ok_or(libc::EINVAL)?;
        shared.accept(&message)
    }

    /// Answers a request with an error or, with 0, with success and no data.
    pub fn error(&self, unique: u64, errno: Errno) -> Result<(), Errno> {
        let header = OutHeader { len: HEADER as u32, error: -errno, unique };
        self.send(&[IoSlice::new(header.bytes())])
    }

    /// Answers a request with data.
    pub fn data(&self, unique: u64, data: &[u8]) -> Result<(), Errno> {
        let header = OutHeader { len: (HEADER + data.len()) as u32, error: 0, unique };
        self.send(&[IoSlice::new(header.bytes()), IoSlice::new(data)])
    }

    /// The guest wants to end the serve loop; the mount stays until somebody unmounts it.
    pub fn exit(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.demand(EXIT);
        }
    }

    /// The guest wants to be unmounted, which happens while the loop goes on and then ends it.
    pub fn unmount(&self) {
        if let Some(unmounter) = self.0.upgrade().and_then(|shared| shared.unmounter.clone()) {
            unmount_in_background(unmounter);
        }
    }
}

/// A message in pieces.
pub(crate) struct Gather<'a> {
    slices: &'a [RawSlice],
    total: usize,
}

impl<'a> Gather<'a> {
    /// `None` when there are too many slices, or more bytes than can be.
    ///
    /// # Safety
    /// The slices stay readable for `'a`.
    pub unsafe fn new(slices: &'a [RawSlice]) -> Option<Gather<'a>> {
        if slices.len() > MAX_SLICES {
            return None;
        }
        let total = slices.iter().try_fold(0usize, |sum, slice| sum.checked_add(slice.len()))?;
        u32::try_from(total).ok()?;
        Some(Gather { slices, total })
    }

    /// The pieces from byte `at` on.
    fn from(&self, at: usize) -> impl Iterator<Item = RawSlice> {
        let mut skip = at;
        self.slices.iter().filter_map(move |slice| {
            let drop = skip.min(slice.len());
            skip -= drop;
            // Stays within the slice, so the pointer stays within what the caller vouched for.
            (drop < slice.len()).then(|| RawSlice::new(slice.ptr().wrapping_add(drop), slice.len() - drop))
        })
    }

    /// Copies bytes from `at` on into `out`; how many there were.
    fn copy(&self, at: usize, out: &mut [u8]) -> usize {
        let mut done = 0;
        for piece in self.from(at) {
            let len = piece.len().min(out.len() - done);
            // SAFETY: the piece is readable (constructor); the target is a borrow of at least `len` bytes.
            unsafe { std::ptr::copy_nonoverlapping(piece.ptr(), out[done..].as_mut_ptr(), len) };
            done += len;
            if done == out.len() {
                break;
            }
        }
        done
    }
}

impl Shared {
    /// Takes one message from a guest.
    pub(crate) fn accept(&self, message: &Gather<'_>) -> Result<(), Errno> {
        let mut header = OutHeader::default();
        if message.copy(0, header.bytes_mut()) < HEADER {
            self.limit.warn(format_args!("a message of the guest is shorter than its header"));
            return Err(libc::EINVAL);
        }
        if header.unique == 0 {
            return self.notify(&header, message);
        }
        if header.unique & wire::INTERRUPT_BIT != 0 {
            // The answer to an INTERRUPT, which would only tell the kernel to try again later.
            return Ok(());
        }
        let taken = self.table().take(header.unique);
        let Some(pending) = taken else {
            self.limit.warn(format_args!("the guest replied to request {}, which does not wait", header.unique));
            return Err(libc::ENOENT);
        };
        match self.judge(&pending, &header, message) {
            Ok(()) => Ok(()),
            Err(Refused::Rule(Reject(why))) => {
                let name = wire::Op::of(pending.opcode).name;
                let (unique, len) = (pending.unique, message.total);
                self.limit.warn(format_args!("the guest's reply to {name} {unique} ({len} bytes) {why}"));
                self.write_error(&pending, libc::EIO);
                Err(libc::EINVAL)
            }
            Err(Refused::Kernel(libc::EINVAL)) => {
                let name = wire::Op::of(pending.opcode).name;
                self.limit.warn(format_args!("the kernel refused the guest's reply to {name}"));
                self.write_error(&pending, libc::EIO);
                Err(libc::EINVAL)
            }
            Err(Refused::Kernel(errno)) => {
                self.note(&pending, -errno, message.total);
                Err(errno)
            }
        }
    }

    fn judge(&self, pending: &Pending, header: &OutHeader, message: &Gather<'_>) -> Result<(), Refused> {
        if header.len as usize != message.total {
            return Err(Reject("states another length than it has").into());
        }
        let facts = Facts { opcode: pending.opcode, asked: pending.asked, kind: pending.kind };
        let copied = validate::shape(&facts, header.error, message.total - HEADER)?;
        if pending.opcode == wire::INIT {
            return self.keep_init(header, message, copied);
        }
        with_copy(message, copied, |copy| {
            if header.error == 0 {
                validate::check(&facts, &self.attr, &mut copy[HEADER..])?;
            }
            // The copy of the header is the one that was checked.
            copy[..HEADER].copy_from_slice(header.bytes());
            self.write(pending.channel, copy, message)
        })?;
        self.note(pending, header.error, message.total);
        Ok(())
    }

    /// The guest's INIT reply is not the kernel's: it waits for the host to merge it.
    fn keep_init(&self, header: &OutHeader, message: &Gather<'_>, copied: usize) -> Result<(), Refused> {
        let mut out = wire::InitOut::default();
        message.copy(HEADER, &mut out.bytes_mut()[..copied]);
        let answer = if header.error == 0 { Ok(out) } else { Err(-header.error) };
        *self.init.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(answer);
        Ok(())
    }

    /// Writes checked bytes and, behind them, what remains of the message as it is.
    fn write(&self, channel: u32, copy: &[u8], message: &Gather<'_>) -> Result<(), Refused> {
        let checked = RawSlice::new(copy.as_ptr(), copy.len());
        if copy.len() == message.total {
            return self.write_slices(channel, &[checked]);
        }
        let slices: SmallVec<[RawSlice; USUAL_SLICES]> =
            std::iter::once(checked).chain(message.from(copy.len())).collect();
        if slices.len() > MAX_SLICES {
            return self.write_gathered(channel, copy, message);
        }
        self.write_slices(channel, &slices)
    }

    /// A message that takes one slice more than a system call does is put together first.
    #[cold]
    fn write_gathered(&self, channel: u32, copy: &[u8], message: &Gather<'_>) -> Result<(), Refused> {
        let mut whole = vec![0; message.total];
        message.copy(0, &mut whole);
        whole[..copy.len()].copy_from_slice(copy);
        self.write_slices(channel, &[RawSlice::new(whole.as_ptr(), whole.len())])
    }

    fn write_slices(&self, channel: u32, slices: &[RawSlice]) -> Result<(), Refused> {
        let channel = self.channels.get(channel as usize).ok_or(Refused::Kernel(libc::ENODEV))?;
        // SAFETY: the slices are borrowed host bytes, and pieces of a Gather, readable for its lifetime.
        unsafe { channel.write(slices) }.map_err(Refused::Kernel)
    }

    /// Sends a notification; its kind stands where a reply has its error.
    fn notify(&self, header: &OutHeader, message: &Gather<'_>) -> Result<(), Errno> {
        let body = message.total - HEADER;
        let sent = (|| {
            if header.len as usize != message.total {
                return Err(Reject("states another length than it has").into());
            }
            let copied = validate::notification_shape(header.error, body, self.max_write)?;
            with_copy(message, copied, |copy| {
                validate::check_notification(header.error, &copy[HEADER..], body)?;
                copy[..HEADER].copy_from_slice(header.bytes());
                self.write(0, copy, message)
            })
        })();
        if let Some(trace) = &self.trace {
            trace(&crate::trace::reply(0, 0, header.error, message.total));
        }
        match sent {
            Ok(()) => Ok(()),
            Err(Refused::Kernel(errno)) => Err(errno),
            Err(Refused::Rule(Reject(why))) => {
                self.limit.warn(format_args!("the guest's notification {} {why}", header.error));
                Err(libc::EINVAL)
            }
        }
    }
}

/// Why a message did not reach the kernel.
enum Refused {
    /// It breaks a rule.
    Rule(Reject),
    /// The kernel did not take it.
    Kernel(Errno),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Refused::Rule(reject)
    }
}

/// Calls `use_copy` with a host copy of the header and the first `body` bytes behind it.
fn with_copy<T>(message: &Gather<'_>, body: usize, use_copy: impl FnOnce(&mut [u8]) -> T) -> T {
    let len = HEADER + body;
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0);
        }
        message.copy(0, &mut scratch[..len]);
        use_copy(&mut scratch[..len])
    })
}
