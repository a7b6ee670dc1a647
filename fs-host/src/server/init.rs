//! The handshake: what kernel, host and guest agree on.
//!
//! The guest sees an INIT of its own with what kernel and host offer. Its wishes are then merged by fuser's negotiation:
//! fuser gets the kernel's INIT over a private channel, as if that were the device, and its reply goes to the kernel. So the
//! device stays ours, and what fuser cannot express (it always turns on ASYNC_READ) is put right in between.

use std::io;
use std::sync::PoisonError;
use std::time::Duration;

use super::take_init;
use super::worker::Worker;
use crate::sys::Errno;
use crate::transport::{pair, read_bytes, write_bytes};
use crate::wire::{self, InHeader, InitIn, InitOut, OutHeader, Wire};
use crate::{Error, Result};

const HEADER: usize = size_of::<InHeader>();

/// The outcome of a handshake.
#[derive(Clone)]
pub struct Negotiated {
    /// The INIT that guests see.
    offer: Vec<u8>,
    /// What the kernel was told.
    pub reply: InitOut,
    /// Largest write.
    pub max_write: usize,
}

impl Negotiated {
    /// Shows the same INIT to another guest. What it answers cannot change anything any more.
    pub fn replay(&self, worker: &mut Worker<'_>) -> Result<()> {
        let wish = ask(worker, &self.offer)?;
        if flags_of(&wish) & !flags_of(&self.reply) & wire::GUEST_INIT_FLAGS != 0 {
            log::warn!("a later guest asks for more than the first; the mount stays as it is");
        }
        Ok(())
    }
}

fn flags_of(out: &InitOut) -> u64 {
    u64::from(out.flags) | u64::from(out.flags2) << 32
}

/// Performs the handshake with the kernel and the first guest.
pub fn handshake(worker: &mut Worker<'_>, max_write: usize) -> Result<Negotiated> {
    let (header, request) = read_init(worker)?;
    let kernel = InitIn::read(&request[HEADER..]).unwrap_or_default();
    let refuse = |errno: Errno| {
        let reply = OutHeader { len: 16, error: -errno, unique: header.unique };
        let _ = write_bytes(worker.channel.as_ref(), reply.bytes());
    };
    if kernel.major != wire::KERNEL_VERSION || kernel.minor < wire::OLDEST_MINOR {
        refuse(libc::EPROTO);
        let (major, minor) = (kernel.major, kernel.minor);
        return Err(Error::Handshake(format!("the kernel speaks FUSE {major}.{minor}; 7.31 or newer is needed")));
    }
    let offer = offer(&header, &kernel);
    let channel = worker.channel.clone();
    let wish = ask(worker, &offer).inspect_err(|error| {
        let errno = if let Error::InitRefused(errno) = error { *errno } else { libc::EIO };
        let reply = OutHeader { len: 16, error: -errno, unique: header.unique };
        let _ = write_bytes(channel.as_ref(), reply.bytes());
    })?;
    let wish = limit(&wish, &kernel, max_write);
    let reply = merge(&request, wish).map_err(|e| Error::Handshake(e.to_string()))?;
    let mut message = OutHeader { len: 80, error: 0, unique: header.unique }.bytes().to_vec();
    message.extend_from_slice(reply.bytes());
    write_bytes(channel.as_ref(), &message).map_err(|errno| match errno {
        libc::ENODEV | libc::ENOENT => Error::Handshake("the filesystem was unmounted meanwhile".into()),
        errno => Error::Channel("writing to", errno),
    })?;
    Ok(Negotiated { offer, reply, max_write: reply.max_write as usize })
}

/// Reads the kernel's first message, padded to the newest INIT.
fn read_init(worker: &Worker<'_>) -> Result<(InHeader, Vec<u8>)> {
    let mut buffer = vec![0; wire::MIN_READ_BUFFER];
    let len = loop {
        match read_bytes(worker.channel.as_ref(), &mut buffer) {
            Ok(len) => break len,
            Err(libc::EINTR | libc::EAGAIN | libc::ENOENT) if worker.shared.attention() == 0 => {}
            Err(libc::EINTR) => return Err(Error::Handshake("it was interrupted".into())),
            Err(libc::ENODEV) => {
                return Err(Error::Handshake("the filesystem was unmounted meanwhile".into()));
            }
            Err(errno) => return Err(Error::Channel("reading from", errno)),
        }
    };
    let known = HEADER + size_of::<InitIn>();
    let header = InHeader::read(&buffer[..len])
        .filter(|header| header.opcode == wire::INIT && len >= HEADER + 16)
        .ok_or_else(|| Error::Handshake("the first message is not INIT".into()))?;
    // Older kernels send a shorter structure; what is missing reads as zero.
    buffer[len.min(known)..].fill(0);
    buffer.truncate(known);
    let header = InHeader { len: known as u32, ..header };
    buffer[..HEADER].copy_from_slice(header.bytes());
    Ok((header, buffer))
}

/// The INIT that the guest sees.
fn offer(header: &InHeader, kernel: &InitIn) -> Vec<u8> {
    let flags = (u64::from(kernel.flags) | u64::from(kernel.flags2) << 32) & wire::GUEST_INIT_FLAGS;
    let body = InitIn {
        major: wire::KERNEL_VERSION,
        minor: kernel.minor.min(wire::NEWEST_MINOR),
        max_readahead: kernel.max_readahead,
        flags: flags as u32,
        flags2: (flags >> 32) as u32,
        unused: [0; 11],
    };
    [header.bytes(), body.bytes()].concat()
}

/// Delivers INIT to the guest and waits for its answer.
fn ask(worker: &mut Worker<'_>, offer: &[u8]) -> Result<InitOut> {
    let header = InHeader::read(offer).unwrap_or_default();
    let _alone = worker.shared.handshake.lock().unwrap_or_else(PoisonError::into_inner);
    take_init(worker.shared);
    let mut pending = worker.shared.pending(&header, &[], 0);
    pending.queued = true;
    worker.shared.table().insert(pending);
    worker.start_guest(offer)?;
    worker.shared.table().take(header.unique);
    match take_init(worker.shared) {
        Some(Ok(out)) if out.major == wire::KERNEL_VERSION && out.minor >= wire::OLDEST_MINOR => Ok(out),
        Some(Ok(out)) => {
            Err(Error::Handshake(format!("the guest speaks FUSE {}.{}; 7.31 or newer is needed", out.major, out.minor)))
        }
        Some(Err(errno)) => Err(Error::InitRefused(errno)),
        None => Err(Error::Handshake("the guest did not answer INIT".into())),
    }
}

/// Brings the guest's wishes within what kernel and host can do.
fn limit(wish: &InitOut, kernel: &InitIn, max_write: usize) -> InitOut {
    let offered = u64::from(kernel.flags) | u64::from(kernel.flags2) << 32;
    let flags = flags_of(wish) & offered & wire::GUEST_INIT_FLAGS;
    let page = 4096;
    let max_write = match wish.max_write {
        0 => max_write as u32,
        wanted => wanted.clamp(page, max_write as u32),
    };
    InitOut {
        max_readahead: wish.max_readahead.min(kernel.max_readahead),
        flags: flags as u32,
        flags2: (flags >> 32) as u32,
        max_write,
        time_gran: wish.time_gran.clamp(1, 1_000_000_000),
        ..*wish
    }
}

/// The stand-in for a filesystem that brings the wishes into fuser's negotiation.
struct Wishes(InitOut);

impl fuser::Filesystem for Wishes {
    fn init(&mut self, _request: &fuser::Request, config: &mut fuser::KernelConfig) -> io::Result<()> {
        let wish = &self.0;
        let flags = fuser::InitFlags::from_bits_retain(flags_of(wish)) & config.capabilities();
        // Each of these answers an impossible value with the nearest possible one.
        let _ = config.add_capabilities(flags);
        let _ = config.set_max_write(wish.max_write);
        if wish.max_readahead != 0 {
            let _ = config.set_max_readahead(wish.max_readahead);
        }
        if wish.max_background != 0 {
            let _ = config.set_max_background(wish.max_background);
        }
        if wish.congestion_threshold != 0 {
            let _ = config.set_congestion_threshold(wish.congestion_threshold);
        }
        let gran = Duration::from_nanos(u64::from(wish.time_gran));
        if let Err(nearest) = config.set_time_granularity(gran) {
            let _ = config.set_time_granularity(nearest);
        }
        Ok(())
    }
}

/// Lets fuser answer the kernel's INIT.
fn merge(request: &[u8], wish: InitOut) -> io::Result<InitOut> {
    let (ours, theirs) = pair()?;
    let failed = io::Error::from_raw_os_error;
    write_bytes(&ours, request).map_err(failed)?;
    let config = fuser::Config::default();
    let session = fuser::Session::from_fd(Wishes(wish), theirs.into_fd(), fuser::SessionACL::All, config)?;
    let mut reply = [0; size_of::<OutHeader>() + size_of::<InitOut>()];
    let len = read_bytes(&ours, &mut reply).map_err(failed)?;
    drop(session);
    let header = OutHeader::read(&reply[..len]).unwrap_or_default();
    let out = InitOut::read(&reply[size_of::<OutHeader>()..]).unwrap_or_default();
    if header.error != 0 || len != reply.len() {
        return Err(failed(if header.error < 0 { -header.error } else { libc::EPROTO }));
    }
    let unwished = wire::INIT_ASYNC_READ & !flags_of(&wish);
    let minor = out.minor.min(wish.minor);
    Ok(InitOut { flags: out.flags & !(unwished as u32), minor, max_readahead: wish.max_readahead, ..out })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNEL: InitIn =
        InitIn { major: 7, minor: 45, max_readahead: 131072, flags: !(1 << 31), flags2: u32::MAX, unused: [0; 11] };

    fn request() -> Vec<u8> {
        let header = InHeader { len: 104, opcode: wire::INIT, unique: 2, ..Default::default() };
        [header.bytes(), KERNEL.bytes()].concat()
    }

    fn agreed(wish: InitOut) -> InitOut {
        merge(&request(), limit(&wish, &KERNEL, 1 << 20)).unwrap()
    }

    #[test]
    fn wishes_are_merged_with_what_kernel_and_host_can_do() {
        let wish = InitOut {
            major: 7,
            minor: 31,
            max_readahead: 1 << 30,
            flags: (wire::INIT_ASYNC_READ | wire::INIT_WRITEBACK_CACHE | wire::INIT_SPLICE_READ) as u32,
            flags2: 1 << 9,
            max_background: 40,
            congestion_threshold: 20,
            max_write: 1 << 30,
            time_gran: 1000,
            ..InitOut::default()
        };
        let out = agreed(wish);
        assert_eq!((out.major, out.minor), (7, 31));
        assert_eq!((out.max_write, out.max_pages, out.max_readahead), (1 << 20, 256, 131072));
        assert_eq!((out.max_background, out.congestion_threshold, out.time_gran), (40, 20, 1000));
        let flags = flags_of(&out);
        assert_ne!(flags & wire::INIT_WRITEBACK_CACHE, 0);
        assert_ne!(flags & wire::INIT_ASYNC_READ, 0);
        assert_ne!(flags & wire::INIT_MAX_PAGES, 0);
        assert_eq!(flags & wire::INIT_SPLICE_READ, 0, "a guest cannot splice");
        assert_eq!(out.flags2 & 1 << 9, 0, "io_uring is not the guest's to ask for");
    }

    #[test]
    fn a_modest_guest_gets_what_it_asks_for() {
        let out = agreed(InitOut { major: 7, minor: 31, max_write: 8192, ..InitOut::default() });
        assert_eq!((out.max_write, out.max_readahead), (8192, 0));
        assert_eq!(flags_of(&out) & wire::INIT_ASYNC_READ, 0, "it did not ask for parallel reads");
        let default = agreed(InitOut { major: 7, minor: 38, ..InitOut::default() });
        assert_eq!(default.max_write, 1 << 20, "no wish is the host's default");
    }
}
