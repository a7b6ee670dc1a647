//! `sock_*`: sockets that were passed in, and their connections.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use super::fd_flags_to_host;
use crate::host::ctx::Ctx;
use crate::host::errno::Errno;
use crate::host::iov::GuestIov;
use crate::host::rights;
use crate::host::rows::rows;
use crate::host::socket;
use crate::host::sys::Result;
use crate::host::sys::net;
use std::os::fd::BorrowedFd;

rows! { "wasi_snapshot_preview1";
    /// Takes a connection.
    "sock_accept"(fd: fd, flags: int, out: ptr) wasi = accept;
    /// Receives.
    "sock_recv"(fd: fd, iovs: ptr, count: len, flags: int, out: ptr, out_flags: ptr) wasi = receive;
    /// Sends.
    "sock_send"(fd: fd, iovs: ptr, count: len, flags: int, out: ptr) wasi = send;
    /// Ends one or both directions.
    "sock_shutdown"(fd: fd, how: int) wasi = shutdown;
}

fn host_fd<'a>(cx: &'a Ctx<'_>, fd: i32, right: u64) -> Result<BorrowedFd<'a>> {
    let file = cx.host.fds.get(fd)?;
    file.rights().need(right)?;
    file.fd().map_err(|_| Errno::ENOTSOCK)
}

fn accept(cx: &mut Ctx<'_>, fd: i32, flags: i32, out: u32) -> Result<()> {
    cx.mem.check(out, 4)?;
    host_fd(cx, fd, rights::SOCK_ACCEPT)?;
    let nonblock = fd_flags_to_host(flags) & libc::O_NONBLOCK;
    let (number, _) = socket::accept(cx.host, fd, nonblock)?;
    Ok(cx.mem.write_i32(out, number)?)
}

/// `riflags`: look without taking, wait for everything.
const PEEK: i32 = 1;
const WAIT_ALL: i32 = 2;

/// `roflags`: the message was longer.
const TRUNCATED: u16 = 1;

fn receive(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, flags: i32, out: u32, out_flags: u32) -> Result<()> {
    if flags & !(PEEK | WAIT_ALL) != 0 {
        return Err(Errno::EINVAL);
    }
    let peek = if flags & PEEK != 0 { libc::MSG_PEEK } else { 0 };
    let all = if flags & WAIT_ALL != 0 { libc::MSG_WAITALL } else { 0 };
    let host = &*cx.host;
    let file = host.fds.get(fd)?;
    file.rights().need(rights::FD_READ)?;
    let socket = file.fd().map_err(|_| Errno::ENOTSOCK)?;
    let iov = GuestIov::gather(&mut cx.mem, iovs, count)?;
    let got = host.blocking(|| net::receive_message(socket, &iov, &mut [], peek | all))?;
    let cut = if got.flags & libc::MSG_TRUNC != 0 { TRUNCATED } else { 0 };
    cx.mem.write_u32(out, got.bytes as u32)?;
    Ok(cx.mem.write_u16(out_flags, cut)?)
}

fn send(cx: &mut Ctx<'_>, fd: i32, iovs: u32, count: u32, flags: i32, out: u32) -> Result<()> {
    if flags != 0 {
        return Err(Errno::EINVAL);
    }
    let host = &*cx.host;
    let file = host.fds.get(fd)?;
    file.rights().need(rights::FD_WRITE)?;
    let socket = file.fd().map_err(|_| Errno::ENOTSOCK)?;
    let iov = GuestIov::gather(&mut cx.mem, iovs, count)?;
    let sent = host.blocking(|| net::send_message(socket, &iov, None, &[], 0))?;
    Ok(cx.mem.write_u32(out, sent as u32)?)
}

fn shutdown(cx: &mut Ctx<'_>, fd: i32, how: i32) -> Result<()> {
    let how = match how {
        1 => libc::SHUT_RD,
        2 => libc::SHUT_WR,
        3 => libc::SHUT_RDWR,
        _ => return Err(Errno::EINVAL),
    };
    net::shutdown(host_fd(cx, fd, rights::SOCK_SHUTDOWN)?, how)
}
