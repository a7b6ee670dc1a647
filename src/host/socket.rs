//! Sockets, once for both ABIs: what a guest may do with them, and addresses in the guest's names.
//!
//! Addresses of the network are judged by the policy's rules. Sockets with a path are files: they are reached through the
//! guest's namespace, and need a grant that may be written to. The system only ever sees such a socket as a descriptor's name, so
//! what it tells of addresses is replaced by what the guest called them.

use super::errno::Errno;
use super::fd::File;
use super::ops;
use super::path::GuestPath;
use super::state::{AT_FDCWD, Host};
use super::sys::net::Address;
use super::sys::{self, Result};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Longest path of a socket.
const MAX_SOCKET_PATH: usize = 107;

/// A type's number without the flags in it.
const KIND: i32 = 0xf;

/// `SOCK_NONBLOCK`, `SOCK_CLOEXEC` of guests.
const NONBLOCK: i32 = 0o4000;
const CLOEXEC: i32 = 0o2000000;

/// An address that a guest has named.
enum Named {
    /// Of the network.
    Ip(SocketAddr),
    /// A file.
    Path(Vec<u8>),
    /// Of Linux's namespace of sockets without a file.
    Abstract,
    /// None: undoes a connection, or has the system choose.
    None,
}

fn family(bytes: &[u8]) -> Result<i32> {
    let raw = bytes.get(..2).ok_or(Errno::EINVAL)?;
    Ok(i32::from(u16::from_le_bytes([raw[0], raw[1]])))
}

/// The address of the network in a `sockaddr_in` or `sockaddr_in6`.
pub fn ip(bytes: &[u8]) -> Option<SocketAddr> {
    let port = u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]);
    match family(bytes).ok()? {
        libc::AF_INET => {
            let raw: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::from((Ipv4Addr::from(raw), port)))
        }
        libc::AF_INET6 => {
            let raw: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            Some(SocketAddr::from((Ipv6Addr::from(raw), port)))
        }
        _ => None,
    }
}

fn parse(bytes: &[u8]) -> Result<Named> {
    match family(bytes)? {
        libc::AF_UNSPEC => Ok(Named::None),
        libc::AF_INET if bytes.len() < 16 => Err(Errno::EINVAL),
        libc::AF_INET6 if bytes.len() < 24 => Err(Errno::EINVAL),
        libc::AF_INET | libc::AF_INET6 => ip(bytes).map(Named::Ip).ok_or(Errno::EINVAL),
        libc::AF_UNIX => match &bytes[2..] {
            [] => Ok(Named::None),
            [0, ..] => Ok(Named::Abstract),
            path => {
                let path = path.split(|b| *b == 0).next().unwrap_or_default();
                if path.len() > MAX_SOCKET_PATH { Err(Errno::EINVAL) } else { Ok(Named::Path(path.to_vec())) }
            }
        },
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Flags of a new socket: whether the descriptor is close-on-exec, and the flags for the system.
fn new_flags(kind: i32) -> Result<(bool, i32)> {
    if kind & !(KIND | NONBLOCK | CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok((kind & CLOEXEC != 0, if kind & NONBLOCK != 0 { libc::SOCK_NONBLOCK } else { 0 }))
}

/// Makes a socket.
pub fn socket(host: &mut Host, domain: i32, kind: i32, protocol: i32) -> Result<i32> {
    let (cloexec, flags) = new_flags(kind)?;
    host.fds.room_for(1)?;
    let number = kind & KIND;
    match domain {
        libc::AF_UNIX => {}
        libc::AF_INET | libc::AF_INET6 => {
            if !host.net.policy.any() {
                return Err(host.refuse("use the network", "--net, or --net connect=HOST:PORT, --net listen=ADDR:PORT"));
            }
            let ping = [libc::IPPROTO_ICMP, libc::IPPROTO_ICMPV6].contains(&protocol) && number == libc::SOCK_DGRAM;
            let plain = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP].contains(&protocol);
            let usual = [libc::SOCK_STREAM, libc::SOCK_DGRAM].contains(&number);
            if !(host.net.policy.is_all() || (plain && usual)) {
                return Err(if ping || !plain { Errno::EPROTONOSUPPORT } else { Errno::EPERM });
            }
        }
        _ => return Err(Errno::EAFNOSUPPORT),
    }
    let fd = sys::net::socket(domain, number | flags, protocol)?;
    host.fds.insert(Arc::new(File::socket(fd)), 0, cloexec)
}

/// Makes two sockets that are connected to each other.
pub fn pair(host: &mut Host, domain: i32, kind: i32, protocol: i32) -> Result<[i32; 2]> {
    let (cloexec, flags) = new_flags(kind)?;
    if domain != libc::AF_UNIX {
        return Err(if [libc::AF_INET, libc::AF_INET6].contains(&domain) {
            Errno::EOPNOTSUPP
        } else {
            Errno::EAFNOSUPPORT
        });
    }
    host.fds.room_for(2)?;
    let (one, two) = sys::net::socketpair(domain, kind & KIND | flags, protocol)?;
    let first = host.fds.insert(Arc::new(File::socket(one)), 0, cloexec)?;
    match host.fds.insert(Arc::new(File::socket(two)), 0, cloexec) {
        Ok(second) => Ok([first, second]),
        Err(errno) => {
            host.fds.close(first)?;
            Err(errno)
        }
    }
}

/// An address of the system for an object that a descriptor stands for, or for a name in a directory.
fn descriptor_address(fd: BorrowedFd<'_>, name: &[u8]) -> Result<Address> {
    let mut bytes = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&sys::fd_name(fd));
    if !name.is_empty() {
        bytes.push(b'/');
        bytes.extend_from_slice(name);
    }
    if bytes.len() > 2 + MAX_SOCKET_PATH {
        return Err(Errno::ENAMETOOLONG);
    }
    bytes.push(0);
    Address::new(&bytes)
}

/// Judges an address to connect or send to, and gives it in the system's form to an action.
fn reach<R>(host: &mut Host, bytes: &[u8], act: impl FnOnce(&Host, &[u8]) -> Result<R>) -> Result<R> {
    match parse(bytes)? {
        Named::None => act(host, bytes),
        Named::Ip(to) if host.net.may_connect(to) => act(host, bytes),
        Named::Ip(to) => Err(host.refuse(&format!("connect to {to}"), &format!("--net connect={to}"))),
        Named::Abstract if host.net.policy.is_all() => act(host, bytes),
        Named::Abstract => Err(host.refuse("use sockets without a file", "--net")),
        Named::Path(path) => {
            let mut path = GuestPath::new(&path)?;
            let base = host.base_for(AT_FDCWD, &mut path)?;
            let target = ops::socket_target(host, base, &mut path)?;
            let address = descriptor_address(target.as_fd(), b"")?;
            act(host, address.bytes())
        }
    }
}

/// Connects.
pub fn connect(host: &mut Host, fd: i32, bytes: &[u8]) -> Result<()> {
    let file = host.fds.get(fd)?.clone();
    reach(host, bytes, |host, address| {
        let fd = file.fd()?;
        match sys::net::connect(fd, address) {
            // A call that a signal has ended goes on in the background: only waiting for its end can be repeated.
            Err(Errno::EINTR) => host.blocking(|| finish_connect(fd)),
            other => other,
        }
    })?;
    if let Ok(Named::Path(path)) = parse(bytes) {
        file.set_peer_name(path);
    }
    Ok(())
}

fn finish_connect(fd: BorrowedFd<'_>) -> Result<()> {
    use std::os::fd::AsRawFd;
    sys::poll(&mut [sys::PollFd { fd: fd.as_raw_fd(), events: libc::POLLOUT, revents: 0 }], None)?;
    match sys::net::get_option_int(fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(()),
        number => Err(Errno(number)),
    }
}

/// Sends to an address.
pub fn send_to<R>(host: &mut Host, bytes: &[u8], act: impl FnOnce(&Host, &[u8]) -> Result<R>) -> Result<R> {
    reach(host, bytes, act)
}

/// Binds to an address.
pub fn bind(host: &mut Host, fd: i32, bytes: &[u8]) -> Result<()> {
    let file = host.fds.get(fd)?.clone();
    match parse(bytes)? {
        // A port that the system chooses is what connecting gives, too.
        Named::Ip(at) if at.port() == 0 || host.net.policy.may_listen(at) => sys::net::bind(file.fd()?, bytes),
        Named::Ip(at) => Err(host.refuse(&format!("listen on {at}"), &format!("--net listen={at}"))),
        Named::Path(path) => {
            let mut guest = GuestPath::new(&path)?;
            let base = host.base_for(AT_FDCWD, &mut guest)?;
            ops::bind_socket(host, base, &mut guest, |dir, name| {
                sys::net::bind(file.fd()?, descriptor_address(dir, name)?.bytes())
            })?;
            file.set_local_name(path);
            Ok(())
        }
        Named::Abstract | Named::None if host.net.policy.is_all() => sys::net::bind(file.fd()?, bytes),
        Named::Abstract => Err(host.refuse("use sockets without a file", "--net")),
        Named::None => Err(Errno::EAFNOSUPPORT),
    }
}

/// Begins to listen.
pub fn listen(host: &mut Host, fd: i32, backlog: i32) -> Result<()> {
    let file = host.fds.get(fd)?.clone();
    if let Some(at) = ip(sys::net::local_address(file.fd()?)?.bytes())
        && !host.net.policy.may_listen(at)
        // Whoever may listen on a port that the system chooses may listen on the chosen one.
        && !host.net.policy.may_listen(SocketAddr::new(at.ip(), 0))
        && !file.is_passed()
    {
        return Err(host.refuse(&format!("listen on {at}"), &format!("--net listen={at}")));
    }
    sys::net::listen(file.fd()?, backlog)
}

/// Takes a connection; `flags` are of `accept4`.
pub fn accept(host: &mut Host, fd: i32, flags: i32) -> Result<(i32, Address)> {
    if flags & !(NONBLOCK | CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let (cloexec, system) = new_flags(flags)?;
    let file = host.fds.get(fd)?.clone();
    host.fds.room_for(1)?;
    let listener = file.fd()?;
    let (connection, from) = host.blocking(|| sys::net::accept(listener, system))?;
    let connection = File::socket(connection);
    if let Some(name) = file.local_name() {
        connection.set_local_name(name.to_vec());
    }
    let number = host.fds.insert(Arc::new(connection), 0, cloexec)?;
    Ok((number, shown(from, None)))
}

/// An address as the guest may see it: files under the name that the guest used, if it knows one.
pub fn shown(address: Address, name: Option<&[u8]>) -> Address {
    let bytes = address.bytes();
    let is_path = family(bytes) == Ok(libc::AF_UNIX) && bytes.get(2).is_some_and(|first| *first != 0);
    if !is_path {
        return address;
    }
    let mut out = (libc::AF_UNIX as u16).to_le_bytes().to_vec();
    if let Some(name) = name {
        out.extend_from_slice(name);
        out.push(0);
    }
    Address::new(&out).unwrap_or(address)
}

/// The address that a socket is bound to.
pub fn local(host: &Host, fd: i32) -> Result<Address> {
    let file = host.fds.get(fd)?;
    Ok(shown(sys::net::local_address(file.fd()?)?, file.local_name()))
}

/// The address that a socket is connected to.
pub fn peer(host: &Host, fd: i32) -> Result<Address> {
    let file = host.fds.get(fd)?;
    Ok(shown(sys::net::peer_address(file.fd()?)?, file.peer_name()))
}
