//! Sockets, events and timers through the calls that guests have, and what the network policy refuses.

mod host_rig;

use host_rig::*;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;
use wasmjit::host::{Errno, Policy};

const INET: i64 = 2;
const INET6: i64 = 10;
const UNIX: i64 = 1;
const STREAM: i64 = 1;
const DGRAM: i64 = 2;

/// A rig whose guest may use the network as the rules say.
fn rig(rules: &[&str]) -> Rig {
    let mut policy = Policy::new();
    for rule in rules {
        policy.net_spec(rule).unwrap();
    }
    Rig::new(&policy)
}

fn socket(rig: &mut Rig, domain: i64, kind: i64) -> Result<i64, Errno> {
    rig.sys("__syscall_socket", &[domain, kind, 0, 0, 0, 0])
}

/// An address in guest memory, and its length.
fn place(rig: &mut Rig, address: SocketAddr) -> (i64, i64) {
    let mut bytes = Vec::new();
    match address {
        SocketAddr::V4(v4) => {
            bytes.extend_from_slice(&2u16.to_le_bytes());
            bytes.extend_from_slice(&v4.port().to_be_bytes());
            bytes.extend_from_slice(&v4.ip().octets());
            bytes.resize(16, 0);
        }
        SocketAddr::V6(v6) => {
            bytes.extend_from_slice(&10u16.to_le_bytes());
            bytes.extend_from_slice(&v6.port().to_be_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&v6.ip().octets());
            bytes.resize(28, 0);
        }
    }
    (rig.bytes(&bytes), bytes.len() as i64)
}

fn unix(rig: &mut Rig, path: &str) -> (i64, i64) {
    let mut bytes = 1u16.to_le_bytes().to_vec();
    bytes.extend_from_slice(path.as_bytes());
    bytes.push(0);
    (rig.bytes(&bytes), bytes.len() as i64)
}

fn connect(rig: &mut Rig, fd: i64, address: (i64, i64)) -> Result<i64, Errno> {
    rig.sys("__syscall_connect", &[fd, address.0, address.1, 0, 0, 0])
}

fn bind(rig: &mut Rig, fd: i64, address: (i64, i64)) -> Result<i64, Errno> {
    rig.sys("__syscall_bind", &[fd, address.0, address.1, 0, 0, 0])
}

fn send(rig: &mut Rig, fd: i64, text: &str) -> Result<i64, Errno> {
    let buf = rig.bytes(text.as_bytes());
    rig.sys("__syscall_sendto", &[fd, buf, text.len() as i64, 0, 0, 0])
}

fn receive(rig: &mut Rig, fd: i64) -> Result<String, Errno> {
    let buf = rig.room(64);
    let len = rig.sys("__syscall_recvfrom", &[fd, buf, 64, 0, 0, 0])?;
    Ok(String::from_utf8(rig.read(buf, len as usize)).unwrap())
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn without_a_rule_there_is_no_network() {
    let mut rig = rig(&[]);
    for domain in [INET, INET6] {
        assert_eq!(socket(&mut rig, domain, STREAM), Err(Errno::EACCES));
        assert_eq!(socket(&mut rig, domain, DGRAM), Err(Errno::EACCES));
    }
    for domain in [0, 3, 16, 17, 40, -1] {
        assert_eq!(socket(&mut rig, domain, 3), Err(Errno::EAFNOSUPPORT));
    }
    let fd = socket(&mut rig, UNIX, STREAM).unwrap();
    let (address, _) = unix(&mut rig, "\0abstract");
    assert_eq!(connect(&mut rig, fd, (address, 11)), Err(Errno::EACCES));
    assert_eq!(bind(&mut rig, fd, (address, 11)), Err(Errno::EACCES));
    assert_eq!(bind(&mut rig, fd, (address, 2)), Err(Errno::EAFNOSUPPORT));
}

#[test]
fn connections_go_where_a_rule_permits() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (open, closed) = (listener.local_addr().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let mut rig = rig(&[&format!("connect={open}")]);
    let fd = socket(&mut rig, INET, STREAM).unwrap();
    let refused = place(&mut rig, closed.local_addr().unwrap());
    assert_eq!(connect(&mut rig, fd, refused), Err(Errno::EACCES));
    let datagram = socket(&mut rig, INET, DGRAM).unwrap();
    let byte = rig.bytes(b"x");
    assert_eq!(rig.sys("__syscall_sendto", &[datagram, byte, 1, 0, refused.0, refused.1]), Err(Errno::EACCES));
    // The unspecified address is this host, but only where this host is permitted.
    let itself = place(&mut rig, SocketAddr::new("0.0.0.0".parse().unwrap(), open.port()));
    connect(&mut rig, fd, itself).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    send(&mut rig, fd, "hello").unwrap();
    let mut got = [0; 5];
    std::io::Read::read_exact(&mut peer, &mut got).unwrap();
    std::io::Write::write_all(&mut peer, &got).unwrap();
    assert_eq!(receive(&mut rig, fd).unwrap(), "hello");
    assert_eq!(socket(&mut rig, INET, 3), Err(Errno::EPERM), "raw sockets");
    let six = socket(&mut rig, INET6, STREAM).unwrap();
    let mapped =
        place(&mut rig, SocketAddr::new("::ffff:127.0.0.1".parse().unwrap(), closed.local_addr().unwrap().port()));
    assert_eq!(connect(&mut rig, six, mapped), Err(Errno::EACCES));
}

#[test]
fn listening_needs_a_rule_of_its_own() {
    let mut rig = rig(&["connect=127.0.0.1:*", "listen=127.0.0.1:0"]);
    let fd = socket(&mut rig, INET, STREAM).unwrap();
    for refused in ["127.0.0.1:1", "0.0.0.0:8080"] {
        let address = place(&mut rig, at(refused));
        assert_eq!(bind(&mut rig, fd, address), Err(Errno::EACCES), "{refused}");
    }
    let everywhere = place(&mut rig, at("0.0.0.0:0"));
    bind(&mut rig, fd, everywhere).unwrap();
    assert_eq!(rig.sys("__syscall_listen", &[fd, 5, 0, 0, 0, 0]), Err(Errno::EACCES));
    let fd = socket(&mut rig, INET, STREAM).unwrap();
    let here = place(&mut rig, at("127.0.0.1:0"));
    bind(&mut rig, fd, here).unwrap();
    rig.sys("__syscall_listen", &[fd, 5, 0, 0, 0, 0]).unwrap();
    let (name, len) = (rig.room(28), rig.bytes(&28u32.to_le_bytes()));
    rig.sys("__syscall_getsockname", &[fd, name, len, 0, 0, 0]).unwrap();
    let raw = rig.read(name, 16);
    let port = u16::from_be_bytes([raw[2], raw[3]]);
    assert_eq!(rig.read(len, 4), 16u32.to_le_bytes());
    let _client = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let accepted = rig.sys("__syscall_accept4", &[fd, name, len, 0o2004000, 0, 0]).unwrap();
    assert_eq!(receive(&mut rig, accepted), Err(Errno::EAGAIN));
}

#[test]
fn datagrams_tell_where_they_come_from() {
    let mut rig = rig(&["connect=127.0.0.1:*"]);
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let fd = socket(&mut rig, INET, DGRAM).unwrap();
    let (address, len) = place(&mut rig, server.local_addr().unwrap());
    let text = rig.bytes(b"ping");
    assert_eq!(rig.sys("__syscall_sendto", &[fd, text, 4, 0, address, len]), Ok(4));
    let mut got = [0; 8];
    let (count, from) = server.recv_from(&mut got).unwrap();
    server.send_to(&got[..count], from).unwrap();
    let (buf, name, name_len) = (rig.room(8), rig.room(28), rig.bytes(&28u32.to_le_bytes()));
    assert_eq!(rig.sys("__syscall_recvfrom", &[fd, buf, 8, 0, name, name_len]), Ok(4));
    assert_eq!(rig.read(name, 16), rig.read(address, 16));
}

#[test]
fn options_are_those_of_the_guests_own_sockets() {
    let mut rig = rig(&["connect=127.0.0.1:*"]);
    let fd = socket(&mut rig, INET, STREAM).unwrap();
    let one = rig.bytes(&1u32.to_le_bytes());
    let (value, len) = (rig.room(16), rig.bytes(&16u32.to_le_bytes()));
    for (level, option) in [(1, 2), (1, 9), (6, 1)] {
        rig.sys("__syscall_setsockopt", &[fd, level, option, one, 4, 0]).unwrap();
        rig.sys("__syscall_getsockopt", &[fd, level, option, value, len, 0]).unwrap();
        assert_eq!(rig.read(value, 4), 1u32.to_le_bytes());
    }
    let time: Vec<u8> = [3i64, 500_000].iter().flat_map(|w| w.to_le_bytes()).collect();
    let time = rig.bytes(&time);
    rig.sys("__syscall_setsockopt", &[fd, 1, 66, time, 16, 0]).unwrap();
    let len = rig.bytes(&16u32.to_le_bytes());
    rig.sys("__syscall_getsockopt", &[fd, 1, 66, value, len, 0]).unwrap();
    assert_eq!(rig.read(value, 16), rig.read(time, 16));
    // Devices, marks, filters, rings and protocols that sit on top belong to the host.
    for (level, option) in [(1, 25), (1, 36), (1, 26), (1, 50), (6, 31), (6, 19), (0, 64), (263, 1)] {
        let answer = rig.sys("__syscall_setsockopt", &[fd, level, option, one, 4, 0]);
        assert_eq!(answer, Err(Errno::ENOPROTOOPT), "{level} {option}");
    }
    assert_eq!(rig.sys("__syscall_setsockopt", &[fd, 0, 35, one, 4, 0]), Err(Errno::EACCES), "groups");
}

#[test]
fn sockets_with_a_path_are_files_of_a_grant() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["data", "ro"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let outside = std::os::unix::net::UnixListener::bind(dir.path().join("outside")).unwrap();
    let _read_only = std::os::unix::net::UnixListener::bind(dir.path().join("ro/s")).unwrap();
    std::os::unix::fs::symlink("../outside", dir.path().join("data/link")).unwrap();
    let mut policy = Policy::new();
    policy.dir(dir.path().join("data"), "/data", false).unwrap();
    policy.dir(dir.path().join("ro"), "/ro", true).unwrap();
    let mut rig = Rig::new(&policy);
    rig.store.data_mut().0.set_umask(0o027);
    let server = socket(&mut rig, UNIX, STREAM).unwrap();
    let name = unix(&mut rig, "/data/s");
    bind(&mut rig, server, name).unwrap();
    rig.sys("__syscall_listen", &[server, 5, 0, 0, 0, 0]).unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(dir.path().join("data/s")).unwrap().permissions().mode() & 0o777, 0o750);
    let client = socket(&mut rig, UNIX, STREAM).unwrap();
    connect(&mut rig, client, name).unwrap();
    let (from, len) = (rig.room(110), rig.bytes(&110u32.to_le_bytes()));
    let accepted = rig.sys("__syscall_accept4", &[server, from, len, 0, 0, 0]).unwrap();
    send(&mut rig, client, "through a file").unwrap();
    assert_eq!(receive(&mut rig, accepted).unwrap(), "through a file");
    for fd in [accepted, server] {
        let len = rig.bytes(&110u32.to_le_bytes());
        rig.sys("__syscall_getsockname", &[fd, from, len, 0, 0, 0]).unwrap();
        assert_eq!(&rig.read(from, 10), b"\x01\0/data/s\0", "the guest's name, not the host's");
    }
    let again = socket(&mut rig, UNIX, STREAM).unwrap();
    assert_eq!(bind(&mut rig, again, name), Err(Errno::EADDRINUSE));
    for (path, errno) in [
        ("/data/link", Errno::ENOENT),
        ("/data/../outside", Errno::ENOENT),
        ("/ro/s", Errno::EROFS),
        ("/nothing", Errno::ENOENT),
        (dir.path().join("outside").to_str().unwrap(), Errno::ENOENT),
    ] {
        let name = unix(&mut rig, path);
        assert_eq!(connect(&mut rig, again, name), Err(errno), "{path}");
    }
    let name = unix(&mut rig, "/ro/new");
    assert_eq!(bind(&mut rig, again, name), Err(Errno::EROFS));
    outside.set_nonblocking(true).unwrap();
    assert!(outside.accept().is_err(), "nobody came");
}

#[test]
fn descriptors_travel_through_sockets() {
    let mut rig = rig(&[]);
    let pair = rig.room(8);
    rig.sys("__syscall_socketpair", &[UNIX, STREAM, 0, pair, 0, 0]).unwrap();
    let raw = rig.read(pair, 8);
    let [one, two] = [0, 4].map(|at| i64::from(i32::from_le_bytes(raw[at..at + 4].try_into().unwrap())));
    let pipe = rig.room(8);
    rig.sys("__syscall_pipe2", &[pipe, 0]).unwrap();
    let ends = rig.read(pipe, 8);
    let words = |list: &[u32]| list.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let data = rig.bytes(b"xy");
    let iov = rig.bytes(&words(&[data as u32, 2]));
    let write_end = u32::from_le_bytes(ends[4..].try_into().unwrap());
    let control = rig.bytes(&words(&[16, 1, 1, write_end]));
    let message = rig.bytes(&words(&[0, 0, iov as u32, 1, control as u32, 16, 0]));
    assert_eq!(rig.sys("__syscall_sendmsg", &[one, message, 0, 0, 0, 0]), Ok(2));
    let control = rig.room(16);
    let message = rig.bytes(&words(&[0, 0, iov as u32, 1, control as u32, 16, 0]));
    assert_eq!(rig.sys("__syscall_recvmsg", &[two, message, 0, 0, 0, 0]), Ok(2));
    let got = rig.read(control, 16);
    assert_eq!(got[..12], words(&[16, 1, 1]));
    let copy = i64::from(i32::from_le_bytes(got[12..].try_into().unwrap()));
    assert!(copy > i64::from(write_end));
    let (text, out) = (rig.bytes(b"sent"), rig.room(4));
    let iov = rig.bytes(&words(&[text as u32, 4]));
    rig.wasi("fd_write", &[copy, iov, 1, out]).unwrap();
    let read_end = i32::from_le_bytes(ends[..4].try_into().unwrap());
    assert_eq!(rig.content(read_end).unwrap(), "sent");
    // What is not open cannot be sent, and what finds no room is closed.
    let control = rig.bytes(&words(&[16, 1, 1, 999]));
    let message = rig.bytes(&words(&[0, 0, iov as u32, 1, control as u32, 16, 0]));
    assert_eq!(rig.sys("__syscall_sendmsg", &[one, message, 0, 0, 0, 0]), Err(Errno::EBADF));
}

#[test]
fn epoll_tells_what_is_ready() {
    let mut rig = rig(&[]);
    let epoll = rig.sys("__syscall_epoll_create1", &[0]).unwrap();
    let counter = rig.sys("__syscall_eventfd2", &[0, 0o4000]).unwrap();
    let timer = rig.sys("__syscall_timerfd_create", &[1, 0]).unwrap();
    let event = |data: u64| [&1u64.to_le_bytes()[..], &data.to_le_bytes()].concat();
    for (fd, data) in [(counter, 77), (timer, 1 << 40)] {
        let event = rig.bytes(&event(data));
        rig.sys("__syscall_epoll_ctl", &[epoll, 1, fd, event]).unwrap();
        assert_eq!(rig.sys("__syscall_epoll_ctl", &[epoll, 1, fd, event]), Err(Errno::EEXIST));
    }
    let events = rig.room(64);
    assert_eq!(rig.sys("__syscall_epoll_wait", &[epoll, events, 4, 0]), Ok(0));
    let (one, out) = (rig.bytes(&1u64.to_le_bytes()), rig.room(4));
    let iov = [(one as u32).to_le_bytes(), 8u32.to_le_bytes()].concat();
    let iov = rig.bytes(&iov);
    rig.wasi("fd_write", &[counter, iov, 1, out]).unwrap();
    assert_eq!(rig.sys("__syscall_epoll_wait", &[epoll, events, 4, -1]), Ok(1));
    assert_eq!(rig.read(events, 16), event(77));
    rig.sys("__syscall_epoll_ctl", &[epoll, 2, counter, 0]).unwrap();
    let spec: Vec<u8> = [0i64, 0, 0, 5_000_000].iter().flat_map(|w| w.to_le_bytes()).collect();
    let spec = rig.bytes(&spec);
    rig.sys("__syscall_timerfd_settime", &[timer, 0, spec, 0]).unwrap();
    assert_eq!(rig.sys("__syscall_epoll_wait", &[epoll, events, 4, 5000]), Ok(1));
    assert_eq!(rig.read(events, 16), event(1 << 40));
}

#[test]
fn inotify_watches_what_was_granted() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let mut policy = Policy::new();
    policy.dir(dir.path().join("data"), "/data", false).unwrap();
    let mut rig = Rig::new(&policy);
    let watcher = rig.sys("__syscall_inotify_init1", &[0o4000]).unwrap();
    let path = rig.str("/data");
    assert_eq!(rig.sys("__syscall_inotify_add_watch", &[watcher, path, 0x100]), Ok(1));
    for outside in ["/data/..", "/", "/data/../..", "/etc"] {
        let path = rig.str(outside);
        assert!(rig.sys("__syscall_inotify_add_watch", &[watcher, path, 0x100]).is_err(), "{outside}");
    }
    std::fs::write(dir.path().join("beside"), "").unwrap();
    std::fs::write(dir.path().join("data/new"), "").unwrap();
    let event = rig.content(watcher as i32).unwrap();
    assert!(event.contains("new") && !event.contains("beside"), "{event:?}");
}

#[test]
fn timers_end_waiting() {
    let mut rig = rig(&[]);
    let spec: Vec<u8> = [0i32, 0, 0, 20_000].iter().flat_map(|w| w.to_le_bytes()).collect();
    let (spec, old) = (rig.bytes(&spec), rig.room(16));
    rig.sys("__syscall_setitimer", &[0, spec, old]).unwrap();
    rig.sys("__syscall_getitimer", &[0, old]).unwrap();
    assert!(rig.read(old, 16)[12..] != [0; 4], "something is left");
    // This guest has nothing that raises a signal, so SIGALRM ends it as it would any program without a handler.
    let func = rig.funcs.iter().find(|(row, _)| row.name == "__syscall_pause").unwrap().1;
    let trap = rig.call_func(func, &[]).unwrap_err();
    assert_eq!(trap.exit_status(), Some(128 + 14));
    assert_eq!(rig.sys("__syscall_setitimer", &[9, spec, 0]), Err(Errno::EINVAL));
    std::thread::sleep(Duration::from_millis(1));
}
