//! Sockets and name look-ups of the host, as safe functions.

use super::{GuestBuf, GuestIov, Result, answered, check, owned, zeroed};
use crate::host::errno::Errno;
use crate::sys::syscall6;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// Bytes of the largest socket address.
const ADDRESS: usize = size_of::<libc::sockaddr_storage>();

/// A socket's address as the system has it.
#[derive(Clone, Copy)]
pub struct Address {
    bytes: [u8; ADDRESS],
    len: usize,
}

impl Address {
    /// An address from its bytes; EINVAL where there are too many.
    pub fn new(bytes: &[u8]) -> Result<Address> {
        let mut address = Address { bytes: [0; ADDRESS], len: bytes.len() };
        address.bytes.get_mut(..bytes.len()).ok_or(Errno::EINVAL)?.copy_from_slice(bytes);
        Ok(address)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(ADDRESS)]
    }

    /// Has a call fill in an address.
    fn filled<R>(call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> Result<R>) -> Result<(R, Address)> {
        let (mut bytes, mut len) = ([0u8; ADDRESS], ADDRESS as libc::socklen_t);
        let result = call(bytes.as_mut_ptr().cast(), &raw mut len)?;
        Ok((result, Address { bytes, len: (len as usize).min(ADDRESS) }))
    }
}

/// `socket(2)`; close-on-exec is always added.
pub fn socket(domain: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    call!(socket(domain, kind | libc::SOCK_CLOEXEC, protocol)).map(owned)
}

/// `socketpair(2)`.
pub fn socketpair(domain: i32, kind: i32, protocol: i32) -> Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    call!(socketpair(domain, kind | libc::SOCK_CLOEXEC, protocol, fds.as_mut_ptr()))?;
    Ok((owned(fds[0]), owned(fds[1])))
}

/// `bind(2)`.
pub fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> Result<()> {
    call!(bind(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as libc::socklen_t)).map(drop)
}

/// `connect(2)`.
pub fn connect(fd: BorrowedFd<'_>, address: &[u8]) -> Result<()> {
    call!(connect(fd.as_raw_fd(), address.as_ptr().cast(), address.len() as libc::socklen_t)).map(drop)
}

/// `listen(2)`.
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> Result<()> {
    call!(listen(fd.as_raw_fd(), backlog)).map(drop)
}

/// `accept4(2)`: the connection and where it comes from.
pub fn accept(fd: BorrowedFd<'_>, flags: i32) -> Result<(OwnedFd, Address)> {
    Address::filled(|at, len| call!(accept4(fd.as_raw_fd(), at, len, flags | libc::SOCK_CLOEXEC)).map(owned))
}

/// `shutdown(2)`.
pub fn shutdown(fd: BorrowedFd<'_>, how: i32) -> Result<()> {
    call!(shutdown(fd.as_raw_fd(), how)).map(drop)
}

/// `getsockname(2)`.
pub fn local_address(fd: BorrowedFd<'_>) -> Result<Address> {
    Address::filled(|at, len| call!(getsockname(fd.as_raw_fd(), at, len))).map(|(_, address)| address)
}

/// `getpeername(2)`.
pub fn peer_address(fd: BorrowedFd<'_>) -> Result<Address> {
    Address::filled(|at, len| call!(getpeername(fd.as_raw_fd(), at, len))).map(|(_, address)| address)
}

/// `getsockopt(2)`: how many bytes of the buffer were filled.
pub fn get_option(fd: BorrowedFd<'_>, level: i32, option: i32, value: &mut [u8]) -> Result<usize> {
    let mut len = value.len() as libc::socklen_t;
    call!(getsockopt(fd.as_raw_fd(), level, option, value.as_mut_ptr().cast(), &raw mut len))?;
    Ok((len as usize).min(value.len()))
}

/// An option whose value is a number.
pub fn get_option_int(fd: BorrowedFd<'_>, level: i32, option: i32) -> Result<i32> {
    let mut value = [0; 4];
    get_option(fd, level, option, &mut value)?;
    Ok(i32::from_ne_bytes(value))
}

/// `setsockopt(2)`.
pub fn set_option(fd: BorrowedFd<'_>, level: i32, option: i32, value: &[u8]) -> Result<()> {
    let len = value.len() as libc::socklen_t;
    call!(setsockopt(fd.as_raw_fd(), level, option, value.as_ptr().cast(), len)).map(drop)
}

/// `sendto(2)`; never raises a signal.
#[inline]
pub fn send(fd: BorrowedFd<'_>, bytes: GuestBuf<'_>, flags: i32, to: Option<&[u8]>) -> Result<usize> {
    let (to, len) = to.map_or((std::ptr::null(), 0), |to| (to.as_ptr(), to.len() as libc::socklen_t));
    let flags = flags | libc::MSG_NOSIGNAL;
    raw!(SYS_sendto; fd.as_raw_fd(), bytes.as_ptr(), bytes.len(), flags, to, len)
}

/// `recv(2)`.
#[inline]
pub fn receive(fd: BorrowedFd<'_>, buf: GuestBuf<'_>, flags: i32) -> Result<usize> {
    raw!(SYS_recvfrom; fd.as_raw_fd(), buf.as_ptr(), buf.len(), flags)
}

/// `recvfrom(2)`: how many bytes, and from where.
pub fn receive_from(fd: BorrowedFd<'_>, buf: GuestBuf<'_>, flags: i32) -> Result<(usize, Address)> {
    Address::filled(|at, len| raw!(SYS_recvfrom; fd.as_raw_fd(), buf.as_ptr(), buf.len(), flags, at, len))
}

/// `sendmsg(2)`; never raises a signal.
pub fn send_message(
    fd: BorrowedFd<'_>,
    iov: &GuestIov<'_>,
    to: Option<&[u8]>,
    control: &[u8],
    flags: i32,
) -> Result<usize> {
    let mut message: libc::msghdr = zeroed();
    if let Some(to) = to {
        message.msg_name = to.as_ptr().cast_mut().cast();
        message.msg_namelen = to.len() as libc::socklen_t;
    }
    message.msg_iov = iov.as_ptr().cast_mut();
    message.msg_iovlen = iov.count() as _;
    if !control.is_empty() {
        message.msg_control = control.as_ptr().cast_mut().cast();
        message.msg_controllen = control.len() as _;
    }
    call!(sendmsg(fd.as_raw_fd(), &raw const message, flags | libc::MSG_NOSIGNAL)).map(|n| n as usize)
}

/// What came with a message.
pub struct Received {
    /// Bytes of data.
    pub bytes: usize,
    /// Where it came from.
    pub from: Address,
    /// Bytes of control messages.
    pub control: usize,
    /// `MSG_*` flags of the answer.
    pub flags: i32,
}

/// `recvmsg(2)`; descriptors that come along are close-on-exec.
pub fn receive_message(fd: BorrowedFd<'_>, iov: &GuestIov<'_>, control: &mut [u8], flags: i32) -> Result<Received> {
    let mut from = Address { bytes: [0; ADDRESS], len: 0 };
    let mut message: libc::msghdr = zeroed();
    message.msg_name = from.bytes.as_mut_ptr().cast();
    message.msg_namelen = ADDRESS as libc::socklen_t;
    message.msg_iov = iov.as_ptr().cast_mut();
    message.msg_iovlen = iov.count() as _;
    if !control.is_empty() {
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = control.len() as _;
    }
    let bytes = call!(recvmsg(fd.as_raw_fd(), &raw mut message, flags | libc::MSG_CMSG_CLOEXEC))? as usize;
    from.len = (message.msg_namelen as usize).min(ADDRESS);
    Ok(Received { bytes, from, control: message.msg_controllen as _, flags: message.msg_flags })
}

/// Takes ownership of a descriptor that came in a control message of [`receive_message`], each of which may be taken once.
pub fn received_descriptor(raw: i32) -> OwnedFd {
    owned(raw)
}

/// One answer of a look-up.
pub struct Found {
    /// `SOCK_*` and protocol.
    pub kind: (i32, i32),
    /// The address.
    pub address: Address,
    /// The canonical name, on the first answer, where it was asked for.
    pub name: Option<Vec<u8>>,
}

/// What a look-up is about, in the numbers of `<netdb.h>`.
#[derive(Clone, Copy, Default)]
pub struct Hints {
    /// `AI_*`.
    pub flags: i32,
    /// `AF_*`.
    pub family: i32,
    /// `SOCK_*`.
    pub kind: i32,
    /// Protocol.
    pub protocol: i32,
}

/// `getaddrinfo(3)`; an error is one of its own negative numbers.
pub fn look_up(name: Option<&CStr>, service: Option<&CStr>, hints: Hints) -> std::result::Result<Vec<Found>, i32> {
    let mut wanted: libc::addrinfo = zeroed_hints();
    (wanted.ai_flags, wanted.ai_family) = (hints.flags, hints.family);
    (wanted.ai_socktype, wanted.ai_protocol) = (hints.kind, hints.protocol);
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    let text = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: the strings are terminated or null, the hints and the result are locals.
    let status = unsafe { libc::getaddrinfo(text(name), text(service), &wanted, &mut list) };
    if status != 0 {
        return Err(status);
    }
    let mut found = Vec::new();
    let mut next = list;
    while !next.is_null() {
        // SAFETY: a successful call gives a list of valid entries, which ends with a null; each points at an address of
        // the length beside it and perhaps at a terminated name.
        let (entry, bytes, canonical) = unsafe {
            let entry = &*next;
            let bytes = std::slice::from_raw_parts(entry.ai_addr.cast::<u8>(), entry.ai_addrlen as usize);
            let canonical = (!entry.ai_canonname.is_null()).then(|| CStr::from_ptr(entry.ai_canonname));
            (entry, bytes, canonical)
        };
        if let Ok(address) = Address::new(bytes) {
            let name = canonical.map(|name| name.to_bytes().to_vec());
            found.push(Found { kind: (entry.ai_socktype, entry.ai_protocol), address, name });
        }
        next = entry.ai_next;
    }
    // SAFETY: the list is the result of getaddrinfo and is not used any more.
    unsafe { libc::freeaddrinfo(list) };
    Ok(found)
}

fn zeroed_hints() -> libc::addrinfo {
    // SAFETY: integers and null pointers, for which zero is valid.
    unsafe { std::mem::zeroed() }
}

/// `getnameinfo(3)`: host and service; an error is one of its own negative numbers.
pub fn name_of(address: &[u8], flags: i32) -> std::result::Result<(Vec<u8>, Vec<u8>), i32> {
    let (mut host, mut service) = ([0u8; 1025], [0u8; 32]);
    // SAFETY: the buffers are as long as said.
    let status = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len() as libc::socklen_t,
            host.as_mut_ptr().cast(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr().cast(),
            service.len() as libc::socklen_t,
            flags,
        )
    };
    let cut = |text: &[u8]| text.split(|b| *b == 0).next().unwrap_or_default().to_vec();
    if status == 0 { Ok((cut(&host), cut(&service))) } else { Err(status) }
}
