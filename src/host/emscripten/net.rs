//! Sockets. Addresses, options and flags have Linux's form in guests.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::fd::File;
use crate::host::iov::{GuestBuf, GuestIov};
use crate::host::rows::rows;
use crate::host::socket;
use crate::host::sys::Result;
use crate::host::sys::net::{self, Address};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::Arc;

rows! { "env";
    /// Makes a socket.
    "__syscall_socket"(domain: int, kind: int, protocol: int, a: int, b: int, c: int) sys = socket;
    /// Makes two connected sockets.
    "__syscall_socketpair"(domain: int, kind: int, protocol: int, fds: ptr, a: int, b: int) sys = socketpair;
    /// Binds to an address.
    "__syscall_bind"(fd: fd, address: ptr, len: len, a: int, b: int, c: int) sys = bind;
    /// Connects.
    "__syscall_connect"(fd: fd, address: ptr, len: len, a: int, b: int, c: int) sys = connect;
    /// Begins to listen.
    "__syscall_listen"(fd: fd, backlog: int, a: int, b: int, c: int, d: int) sys = listen;
    /// Takes a connection.
    "__syscall_accept4"(fd: fd, address: ptr, len: ptr, flags: int, a: int, b: int) sys = accept;
    /// Ends one or both directions.
    "__syscall_shutdown"(fd: fd, how: int, a: int, b: int, c: int, d: int) sys = shutdown;
    /// The address that a socket is bound to.
    "__syscall_getsockname"(fd: fd, address: ptr, len: ptr, a: int, b: int, c: int) sys = getsockname;
    /// The address that a socket is connected to.
    "__syscall_getpeername"(fd: fd, address: ptr, len: ptr, a: int, b: int, c: int) sys = getpeername;
    /// Reads an option.
    "__syscall_getsockopt"(fd: fd, level: int, option: int, value: ptr, len: ptr, a: int) sys = getsockopt;
    /// Sets an option.
    "__syscall_setsockopt"(fd: fd, level: int, option: int, value: ptr, len: len, a: int) sys = setsockopt;
    /// Sends, perhaps to an address.
    "__syscall_sendto"(fd: fd, buf: ptr, len: len, flags: int, address: ptr, address_len: len) sys = sendto;
    /// Receives, and tells from where.
    "__syscall_recvfrom"(fd: fd, buf: ptr, len: len, flags: int, address: ptr, address_len: ptr) sys = recvfrom;
    /// Sends buffers and descriptors.
    "__syscall_sendmsg"(fd: fd, message: ptr, flags: int, a: int, b: int, c: int) sys = sendmsg;
    /// Receives buffers and descriptors.
    "__syscall_recvmsg"(fd: fd, message: ptr, flags: int, a: int, b: int, c: int) sys = recvmsg;
    /// Sends several messages.
    "__syscall_sendmmsg"(fd: fd, messages: ptr, count: len, flags: int, a: ptr) sys = sendmmsg;
    /// Receives several messages; the time limit, which Linux does not keep well either, is not looked at.
    "__syscall_recvmmsg"(fd: fd, messages: ptr, count: len, flags: int, timeout: ptr) sys = recvmmsg;
}

/// Longest address that a guest may name.
const MAX_ADDRESS: u32 = 128;

#[inline]
fn host_fd<'a>(cx: &'a Ctx<'_>, fd: i32) -> Result<BorrowedFd<'a>> {
    match cx.host.fds.plain(fd, 0) {
        Some(host) => Ok(host),
        None => cx.host.fds.get(fd)?.fd().map_err(|_| Errno::ENOTSOCK),
    }
}

fn done(result: Result<()>) -> Result<i32> {
    result.map(|()| 0)
}

/// Copies an address out of the guest.
fn address(cx: &Ctx<'_>, ptr: u32, len: u32) -> Result<Vec<u8>> {
    if len > MAX_ADDRESS {
        return Err(Errno::EINVAL);
    }
    Ok(cx.mem.read_bytes(ptr, len)?)
}

/// Copies an address into the guest, as far as there is room, and says how long it is.
fn put_address(cx: &mut Ctx<'_>, ptr: u32, len: u32, address: &Address) -> Result<()> {
    if ptr == 0 {
        return Ok(());
    }
    let room = cx.mem.read_u32(len)?;
    cx.put_truncated(ptr, room, address.bytes())?;
    Ok(cx.mem.write_u32(len, address.bytes().len() as u32)?)
}

fn socket(cx: &mut Ctx<'_>, domain: i32, kind: i32, protocol: i32, _: i32, _: i32, _: i32) -> Result<i32> {
    socket::socket(cx.host, domain, kind, protocol)
}

fn socketpair(cx: &mut Ctx<'_>, domain: i32, kind: i32, protocol: i32, fds: u32, _: i32, _: i32) -> Result<i32> {
    cx.mem.check(fds, 8)?;
    let pair = socket::pair(cx.host, domain, kind, protocol)?;
    cx.mem.write(fds, pair)?;
    Ok(0)
}

fn bind(cx: &mut Ctx<'_>, fd: i32, ptr: u32, len: u32, _: i32, _: i32, _: i32) -> Result<i32> {
    let address = address(cx, ptr, len)?;
    done(socket::bind(cx.host, fd, &address))
}

fn connect(cx: &mut Ctx<'_>, fd: i32, ptr: u32, len: u32, _: i32, _: i32, _: i32) -> Result<i32> {
    let address = address(cx, ptr, len)?;
    done(socket::connect(cx.host, fd, &address))
}

fn listen(cx: &mut Ctx<'_>, fd: i32, backlog: i32, _: i32, _: i32, _: i32, _: i32) -> Result<i32> {
    done(socket::listen(cx.host, fd, backlog))
}

fn accept(cx: &mut Ctx<'_>, fd: i32, ptr: u32, len: u32, flags: i32, _: i32, _: i32) -> Result<i32> {
    if ptr != 0 {
        let room = cx.mem.read_u32(len)?;
        cx.mem.check(ptr, u64::from(room))?;
    }
    let (number, from) = socket::accept(cx.host, fd, flags)?;
    put_address(cx, ptr, len, &from)?;
    Ok(number)
}

fn shutdown(cx: &mut Ctx<'_>, fd: i32, how: i32, _: i32, _: i32, _: i32, _: i32) -> Result<i32> {
    done(net::shutdown(host_fd(cx, fd)?, how))
}

fn getsockname(cx: &mut Ctx<'_>, fd: i32, ptr: u32, len: u32, _: i32, _: i32, _: i32) -> Result<i32> {
    let address = socket::local(cx.host, fd)?;
    done(put_address(cx, ptr, len, &address))
}

fn getpeername(cx: &mut Ctx<'_>, fd: i32, ptr: u32, len: u32, _: i32, _: i32, _: i32) -> Result<i32> {
    let address = socket::peer(cx.host, fd)?;
    done(put_address(cx, ptr, len, &address))
}

/// Options that guests may read and set, by level. Whatever reaches beyond the guest's own sockets is not among them.
mod options {
    use libc::*;

    /// Options of a level that can be read and set.
    pub const BOTH: &[(i32, &[i32])] = &[
        (
            SOL_SOCKET,
            &[
                SO_REUSEADDR,
                SO_DONTROUTE,
                SO_BROADCAST,
                SO_SNDBUF,
                SO_RCVBUF,
                SO_KEEPALIVE,
                SO_OOBINLINE,
                SO_LINGER,
                SO_REUSEPORT,
                SO_RCVLOWAT,
                SO_INCOMING_CPU,
            ],
        ),
        (
            IPPROTO_TCP,
            &[
                TCP_NODELAY,
                TCP_MAXSEG,
                TCP_CORK,
                TCP_KEEPIDLE,
                TCP_KEEPINTVL,
                TCP_KEEPCNT,
                TCP_SYNCNT,
                TCP_LINGER2,
                TCP_DEFER_ACCEPT,
                TCP_WINDOW_CLAMP,
                TCP_QUICKACK,
                TCP_USER_TIMEOUT,
                TCP_FASTOPEN,
                TCP_NOTSENT_LOWAT,
            ],
        ),
        (
            IPPROTO_IP,
            &[
                IP_TOS,
                IP_TTL,
                IP_PKTINFO,
                IP_MTU_DISCOVER,
                IP_RECVERR,
                IP_RECVTTL,
                IP_RECVTOS,
                IP_BIND_ADDRESS_NO_PORT,
                IP_MULTICAST_TTL,
                IP_MULTICAST_LOOP,
            ],
        ),
        (
            IPPROTO_IPV6,
            &[
                IPV6_UNICAST_HOPS,
                IPV6_MULTICAST_HOPS,
                IPV6_MULTICAST_LOOP,
                IPV6_V6ONLY,
                IPV6_RECVPKTINFO,
                IPV6_RECVHOPLIMIT,
                IPV6_TCLASS,
                IPV6_RECVTCLASS,
                IPV6_MTU_DISCOVER,
            ],
        ),
    ];

    /// Options that can be read only.
    pub const READ: &[(i32, &[i32])] = &[
        (SOL_SOCKET, &[SO_TYPE, SO_ERROR, SO_SNDLOWAT, SO_ACCEPTCONN, SO_PROTOCOL, SO_DOMAIN, SO_PEERCRED]),
        (IPPROTO_TCP, &[TCP_INFO, TCP_CONGESTION]),
    ];

    /// Membership in groups, which needs the whole network.
    pub const GROUPS: &[(i32, &[i32])] = &[
        (IPPROTO_IP, &[IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF]),
        (IPPROTO_IPV6, &[IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP, IPV6_MULTICAST_IF]),
    ];

    /// Whether a list has an option.
    pub fn has(list: &[(i32, &[i32])], level: i32, option: i32) -> bool {
        list.iter().any(|(l, options)| *l == level && options.contains(&option))
    }
}

/// The host's time limit option for a guest's, and whether its time is 64 bits wide.
fn time_limit(cx: &Ctx<'_>, level: i32, option: i32) -> Option<(i32, bool)> {
    match (level, option) {
        (libc::SOL_SOCKET, 20) => Some((libc::SO_RCVTIMEO, cx.host.layout.time == 8)),
        (libc::SOL_SOCKET, 21) => Some((libc::SO_SNDTIMEO, cx.host.layout.time == 8)),
        (libc::SOL_SOCKET, 66) => Some((libc::SO_RCVTIMEO, true)),
        (libc::SOL_SOCKET, 67) => Some((libc::SO_SNDTIMEO, true)),
        _ => None,
    }
}

/// Longest value of an option.
const MAX_OPTION: u32 = 256;

fn getsockopt(cx: &mut Ctx<'_>, fd: i32, level: i32, option: i32, ptr: u32, len: u32, _: i32) -> Result<i32> {
    let room = cx.mem.read_u32(len)?.min(MAX_OPTION);
    let mut value = [0u8; MAX_OPTION as usize];
    let host = host_fd(cx, fd)?;
    let mut filled = room as usize;
    if let Some((option, wide)) = time_limit(cx, level, option) {
        let mut time = [0u8; 16];
        net::get_option(host, level, option, &mut time)?;
        let half = |at: usize| i64::from_ne_bytes(std::array::from_fn(|i| time[at + i]));
        if wide {
            value[..8].copy_from_slice(&half(0).to_le_bytes());
            value[8..16].copy_from_slice(&half(8).to_le_bytes());
        } else {
            value[..4].copy_from_slice(&(half(0) as i32).to_le_bytes());
            value[4..8].copy_from_slice(&(half(8) as i32).to_le_bytes());
        }
        filled = filled.min(if wide { 16 } else { 8 });
    } else if options::has(options::BOTH, level, option) || options::has(options::READ, level, option) {
        filled = net::get_option(host, level, option, &mut value[..filled])?;
        if (level, option) == (libc::SOL_SOCKET, libc::SO_ERROR) && filled == 4 {
            let number = i32::from_ne_bytes([value[0], value[1], value[2], value[3]]);
            value[..4].copy_from_slice(&i32::from(Errno(number).emscripten_or_zero()).to_le_bytes());
        }
    } else {
        return Err(Errno::ENOPROTOOPT);
    }
    cx.mem.copy_in(ptr, &value[..filled])?;
    cx.mem.write_u32(len, filled as u32)?;
    Ok(0)
}

fn setsockopt(cx: &mut Ctx<'_>, fd: i32, level: i32, option: i32, ptr: u32, len: u32, _: i32) -> Result<i32> {
    if len > MAX_OPTION {
        return Err(Errno::EINVAL);
    }
    let value = cx.mem.read_bytes(ptr, len)?;
    let host = host_fd(cx, fd)?;
    if let Some((option, wide)) = time_limit(cx, level, option) {
        let word = |at: usize| value.get(at..at + 4).map(|raw| i32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]));
        let (seconds, micros) = match wide {
            true => {
                let high = word(4).ok_or(Errno::EINVAL)?;
                let low = word(0).ok_or(Errno::EINVAL)?;
                ((i64::from(high) << 32) | i64::from(low as u32), word(8).ok_or(Errno::EINVAL)?)
            }
            false => (i64::from(word(0).ok_or(Errno::EINVAL)?), word(4).ok_or(Errno::EINVAL)?),
        };
        let mut time = [0u8; 16];
        time[..8].copy_from_slice(&seconds.to_ne_bytes());
        time[8..].copy_from_slice(&i64::from(micros).to_ne_bytes());
        return done(net::set_option(host, level, option, &time));
    }
    let group = options::has(options::GROUPS, level, option);
    if group && !cx.host.net.policy.is_all() {
        return Err(cx.host.refuse("join a multicast group", "--net"));
    }
    if group || options::has(options::BOTH, level, option) {
        return done(net::set_option(host, level, option, &value));
    }
    Err(Errno::ENOPROTOOPT)
}

/// `MSG_NOSIGNAL` of guests, which is Linux's.
const NOSIGNAL: i32 = libc::MSG_NOSIGNAL;

/// Notes a signal for a connection that nobody reads from any more.
fn sent(cx: &Ctx<'_>, result: Result<usize>, flags: i32) -> Result<i32> {
    if result == Err(Errno::EPIPE) && flags & NOSIGNAL == 0 {
        cx.host.signals.broken_pipe();
    }
    result.map(|n| n as i32)
}

fn sendto(cx: &mut Ctx<'_>, fd: i32, buf: u32, len: u32, flags: i32, ptr: u32, address_len: u32) -> Result<i32> {
    let len = len.min(i32::MAX as u32);
    let result = if ptr == 0 || address_len == 0 {
        let host = host_fd(cx, fd)?;
        let bytes = GuestBuf::new(&cx.mem, buf, len)?;
        cx.host.blocking(|| net::send(host, bytes, flags, None))
    } else {
        let to = address(cx, ptr, address_len)?;
        let file = cx.host.fds.get(fd)?.clone();
        let bytes = GuestBuf::new(&cx.mem, buf, len)?;
        socket::send_to(cx.host, &to, |host, to| {
            let fd = file.fd().map_err(|_| Errno::ENOTSOCK)?;
            host.blocking(|| net::send(fd, bytes, flags, Some(to)))
        })
    };
    sent(cx, result, flags)
}

fn recvfrom(cx: &mut Ctx<'_>, fd: i32, buf: u32, len: u32, flags: i32, ptr: u32, address_len: u32) -> Result<i32> {
    let host = host_fd(cx, fd)?;
    let buf = GuestBuf::new(&cx.mem, buf, len.min(i32::MAX as u32))?;
    if ptr == 0 {
        return Ok(cx.host.blocking(|| net::receive(host, buf, flags))? as i32);
    }
    let (received, from) = cx.host.blocking(|| net::receive_from(host, buf, flags))?;
    let from = socket::shown(from, cx.host.fds.get(fd)?.peer_name());
    put_address(cx, ptr, address_len, &from)?;
    Ok(received as i32)
}

/// `struct msghdr` of guests.
struct Message {
    name: (u32, u32),
    iov: (u32, u32),
    control: (u32, u32),
}

/// Bytes of `struct msghdr`, and where its lengths and flags are.
const MSGHDR: u32 = 28;
const NAME_LEN: u32 = 4;
const CONTROL_LEN: u32 = 20;
const FLAGS: u32 = 24;

impl Message {
    fn read(cx: &Ctx<'_>, ptr: u32) -> Result<Message> {
        let [name, name_len, iov, count, control, control_len, _]: [u32; 7] = cx.mem.read(ptr)?;
        Ok(Message { name: (name, name_len), iov: (iov, count), control: (control, control_len) })
    }
}

/// Most bytes of control messages.
const MAX_CONTROL: u32 = 8192;

/// Bytes of a control message's head: in guests, and here.
const GUEST_HEAD: usize = 12;
const HOST_HEAD: usize = size_of::<libc::cmsghdr>();

/// A control message in the host's form.
fn push_host(out: &mut Vec<u8>, level: i32, kind: i32, data: &[u8]) {
    out.extend_from_slice(&(HOST_HEAD + data.len()).to_ne_bytes());
    out.extend_from_slice(&level.to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(size_of::<usize>()), 0);
}

fn word(bytes: &[u8], at: usize) -> Option<i32> {
    bytes.get(at..at + 4).map(|raw| i32::from_le_bytes([raw[0], raw[1], raw[2], raw[3]]))
}

/// Control messages of a guest in the host's form. The files are kept, so that their descriptors live.
fn control_to_host(cx: &Ctx<'_>, (ptr, len): (u32, u32), files: &mut Vec<Arc<File>>) -> Result<Vec<u8>> {
    if ptr == 0 || len == 0 {
        return Ok(Vec::new());
    }
    if len > MAX_CONTROL {
        return Err(Errno::ENOBUFS);
    }
    let raw = cx.mem.read_bytes(ptr, len)?;
    let (mut out, mut at) = (Vec::new(), 0);
    while let (Some(len), Some(level), Some(kind)) = (word(&raw, at), word(&raw, at + 4), word(&raw, at + 8)) {
        let data = raw.get(at + GUEST_HEAD..at.saturating_add(len as u32 as usize)).ok_or(Errno::EINVAL)?;
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                let mut numbers = Vec::new();
                for raw in data.chunks_exact(4) {
                    let file = cx.host.fds.get(word(raw, 0).ok_or(Errno::EINVAL)?)?.clone();
                    numbers.extend_from_slice(&file.fd()?.as_raw_fd().to_ne_bytes());
                    files.push(file);
                }
                push_host(&mut out, level, kind, &numbers);
            }
            (libc::IPPROTO_IP, libc::IP_PKTINFO | libc::IP_TTL | libc::IP_TOS)
            | (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO | libc::IPV6_HOPLIMIT | libc::IPV6_TCLASS) => {
                push_host(&mut out, level, kind, data);
            }
            _ => return Err(Errno::EINVAL),
        }
        at = (at + len as u32 as usize).next_multiple_of(4);
    }
    Ok(out)
}

/// Control messages of the host in the guest's form, and whether all of them fit `room` bytes. Descriptors enter the table; those
/// for which there is no room are closed.
fn control_to_guest(cx: &mut Ctx<'_>, raw: &[u8], room: usize) -> (Vec<u8>, bool) {
    let (mut out, mut at, mut whole) = (Vec::new(), 0, true);
    while let Some(head) = raw.get(at..at + HOST_HEAD) {
        let len = usize::from_ne_bytes(std::array::from_fn(|i| head[i]));
        let end = at.saturating_add(len);
        let (Some(level), Some(kind), Some(data)) = (word(head, 8), word(head, 12), raw.get(at + HOST_HEAD..end))
        else {
            break;
        };
        let left = room.saturating_sub(out.len() + GUEST_HEAD);
        let data = match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => take_descriptors(cx, data, left / 4, &mut whole),
            _ => data.to_vec(),
        };
        if data.len() <= left && !data.is_empty() {
            out.extend_from_slice(&((GUEST_HEAD + data.len()) as u32).to_le_bytes());
            out.extend_from_slice(&level.to_le_bytes());
            out.extend_from_slice(&kind.to_le_bytes());
            out.extend_from_slice(&data);
            out.resize(out.len().next_multiple_of(4), 0);
        } else {
            whole = false;
        }
        at = end.next_multiple_of(size_of::<usize>());
    }
    out.truncate(room);
    (out, whole)
}

/// Enters received descriptors into the table; gives their numbers.
fn take_descriptors(cx: &mut Ctx<'_>, data: &[u8], max: usize, whole: &mut bool) -> Vec<u8> {
    let mut numbers = Vec::new();
    for (index, raw) in data.chunks_exact(4).enumerate() {
        let fd = net::received_descriptor(word(raw, 0).unwrap_or(-1));
        let entered = match index < max {
            true => cx.host.fds.insert(Arc::new(File::received(fd)), 0, false),
            false => Err(Errno::EMFILE),
        };
        match entered {
            Ok(number) => numbers.extend_from_slice(&number.to_le_bytes()),
            Err(_) => *whole = false,
        }
    }
    numbers
}

fn sendmsg(cx: &mut Ctx<'_>, fd: i32, ptr: u32, flags: i32, _: i32, _: i32, _: i32) -> Result<i32> {
    let message = Message::read(cx, ptr)?;
    let mut files = Vec::new();
    let control = control_to_host(cx, message.control, &mut files)?;
    let file = cx.host.fds.get(fd)?.clone();
    let to = match message.name {
        (0, _) | (_, 0) => None,
        (name, len) => Some(address(cx, name, len)?),
    };
    let iov = GuestIov::gather(&mut cx.mem, message.iov.0, message.iov.1)?;
    let send = |host: &crate::host::Host, to: Option<&[u8]>| {
        let fd = file.fd().map_err(|_| Errno::ENOTSOCK)?;
        host.blocking(|| net::send_message(fd, &iov, to, &control, flags))
    };
    let result = match to {
        Some(to) => socket::send_to(cx.host, &to, |host, to| send(host, Some(to))),
        None => send(cx.host, None),
    };
    sent(cx, result, flags)
}

fn recvmsg(cx: &mut Ctx<'_>, fd: i32, ptr: u32, flags: i32, _: i32, _: i32, _: i32) -> Result<i32> {
    let message = Message::read(cx, ptr)?;
    let file = cx.host.fds.get(fd)?.clone();
    cx.mem.check(message.control.0, u64::from(message.control.1))?;
    let room = if message.control.0 == 0 { 0 } else { message.control.1.min(MAX_CONTROL) as usize };
    // The host's heads are longer; what does not fit the guest in the end is given back.
    let mut control = vec![0u8; if room == 0 { 0 } else { room * 2 + HOST_HEAD }];
    let iov = GuestIov::gather(&mut cx.mem, message.iov.0, message.iov.1)?;
    let host = file.fd().map_err(|_| Errno::ENOTSOCK)?;
    let got = cx.host.blocking(|| net::receive_message(host, &iov, &mut control, flags))?;
    let (control, whole) = control_to_guest(cx, &control[..got.control.min(control.len())], room);
    let from = socket::shown(got.from, file.peer_name());
    let mut name_len = 0;
    if message.name.0 != 0 {
        cx.put_truncated(message.name.0, message.name.1, from.bytes())?;
        name_len = from.bytes().len() as u32;
    }
    cx.mem.copy_in(message.control.0, &control)?;
    let at = |offset: u32| ptr.checked_add(offset).ok_or(Errno::EFAULT);
    cx.mem.write_u32(at(NAME_LEN)?, name_len)?;
    cx.mem.write_u32(at(CONTROL_LEN)?, control.len() as u32)?;
    let cut = if whole { 0 } else { libc::MSG_CTRUNC };
    cx.mem.write_i32(at(FLAGS)?, (got.flags & !libc::MSG_CMSG_CLOEXEC) | cut)?;
    Ok(got.bytes as i32)
}

/// Most messages of one call, as on Linux.
const MAX_MESSAGES: u32 = 1024;

/// Bytes of `struct mmsghdr`.
const MMSGHDR: u32 = MSGHDR + 4;

/// Goes through a list of messages, until one fails; an error counts only where it is the first.
fn several(
    cx: &mut Ctx<'_>,
    messages: u32,
    count: u32,
    mut one: impl FnMut(&mut Ctx<'_>, u32, u32) -> Result<i32>,
) -> Result<i32> {
    for index in 0..count.min(MAX_MESSAGES) {
        let at = messages.checked_add(index * MMSGHDR).ok_or(Errno::EFAULT)?;
        let moved = match one(cx, at, index) {
            Ok(moved) => moved,
            Err(errno) if index == 0 => return Err(errno),
            Err(_) => return Ok(index as i32),
        };
        cx.mem.write_i32(at.checked_add(MSGHDR).ok_or(Errno::EFAULT)?, moved)?;
    }
    Ok(count.min(MAX_MESSAGES) as i32)
}

fn sendmmsg(cx: &mut Ctx<'_>, fd: i32, messages: u32, count: u32, flags: i32, _: u32) -> Result<i32> {
    several(cx, messages, count, |cx, at, _| sendmsg(cx, fd, at, flags, 0, 0, 0))
}

/// `MSG_WAITFORONE`.
const WAIT_FOR_ONE: i32 = 0x10000;

fn recvmmsg(cx: &mut Ctx<'_>, fd: i32, messages: u32, count: u32, flags: i32, _: u32) -> Result<i32> {
    several(cx, messages, count, |cx, at, index| {
        let later = if index > 0 && flags & WAIT_FOR_ONE != 0 { libc::MSG_DONTWAIT } else { 0 };
        recvmsg(cx, fd, at, flags & !WAIT_FOR_ONE | later, 0, 0, 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_messages_that_guests_and_hosts_share() {
        // Guests' C libraries have Linux's generic numbers, and so has this machine.
        assert_eq!([libc::SOL_SOCKET, libc::SO_REUSEADDR, libc::SO_ERROR, libc::SO_REUSEPORT], [1, 2, 4, 15]);
        assert_eq!([libc::MSG_PEEK, libc::MSG_DONTWAIT, libc::MSG_NOSIGNAL, libc::MSG_CTRUNC], [2, 0x40, 0x4000, 8]);
        assert_eq!([libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::SCM_RIGHTS], [1, 2, 10, 1]);
    }

    #[test]
    fn host_messages_are_padded() {
        let mut out = Vec::new();
        push_host(&mut out, 1, 1, &[1, 2, 3, 4]);
        assert_eq!(out.len(), 24);
        assert_eq!(usize::from_ne_bytes(std::array::from_fn(|i| out[i])), 20);
    }
}
