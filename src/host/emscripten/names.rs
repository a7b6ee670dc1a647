//! Look-ups of names and addresses. Results live in memory that the guest's allocator gives.
// Signatures are the ABI's.
#![allow(clippy::too_many_arguments)]

use crate::host::ctx::Ctx;
use crate::host::rows::rows;
use crate::host::socket;
use crate::host::state::{HasHost, Host};
use crate::host::sys::cstring;
use crate::host::sys::net::{self, Found, Hints};
use crate::runtime::{Caller, Trap};
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

rows! { "env";
    /// Looks a host and a service up; the result is a list in memory of the guest's allocator.
    "getaddrinfo"(node: str, service: str, hints: ptr, out: ptr) call i32 = getaddrinfo;
    /// The names of an address.
    "getnameinfo"(address: ptr, len: len, host: ptr, host_len: len, service: ptr, service_len: len, flags: int)
        call i32 = getnameinfo;
    /// Looks a host up; the result is a structure in memory of the guest's allocator, or null.
    "gethostbyname"(name: str) call i32 = gethostbyname;
    /// Looks a host up; the result is its IPv4 address in network order, or 0.
    "_emscripten_lookup_name"(name: str) call i32 = lookup_name;
}

/// Errors of `<netdb.h>`.
mod eai {
    pub const NONAME: i32 = -2;
    pub const AGAIN: i32 = -3;
    pub const FAMILY: i32 = -6;
    pub const MEMORY: i32 = -10;
    pub const OVERFLOW: i32 = -12;
    pub const NODATA: i32 = -5;
}

/// `AI_NUMERICHOST`, `NI_NUMERICHOST`, `NI_NUMERICSERV` and `NI_NAMEREQD` of guests, and the flags that both sides share.
const AI_NUMERICHOST: i32 = 4;
const AI_SHARED: i32 = 0x43f;
const NI_NUMERICHOST: i32 = 1;
const NI_NUMERICSERV: i32 = 2;
const NI_NAMEREQD: i32 = 8;
const NI_SHARED: i32 = 0x1f;

/// Longest name.
const MAX_NAME: u32 = 256;

/// The text at an address of the guest; null is none, and what is no text is an empty name.
fn text<T: HasHost + 'static>(caller: &mut Caller<'_, T>, ptr: u32) -> Option<Vec<u8>> {
    (ptr != 0).then(|| caller.memory().cstr(ptr, MAX_NAME).map(Cow::into_owned).unwrap_or_default())
}

/// Looks up what the policy permits; the name of this host needs no permission, and neither do numbers.
fn look_up(host: &mut Host, name: Option<&[u8]>, service: Option<&[u8]>, hints: Hints) -> Result<Vec<Found>, i32> {
    let spelled = name.map(String::from_utf8_lossy);
    let service = service.map(cstring).transpose().map_err(|_| eai::NONAME)?;
    let mut hints = hints;
    let mut local = false;
    if let Some(spelled) = &spelled {
        let numeric = spelled.split('%').next().is_some_and(|n| n.parse::<IpAddr>().is_ok());
        local = spelled.eq_ignore_ascii_case("localhost");
        if numeric || local {
            hints.flags |= AI_NUMERICHOST;
        } else if hints.flags & AI_NUMERICHOST == 0 && !host.net.policy.may_resolve(spelled) {
            host.refuse(
                &format!("look up {spelled}"),
                &format!("--net resolve={spelled}, or --net connect={spelled}:PORT"),
            );
            return Err(eai::NONAME);
        }
    }
    let ask = |name: Option<&[u8]>, hints: Hints| {
        let name = name.map(cstring).transpose().map_err(|_| eai::NONAME)?;
        host.blocking_look_up(|| net::look_up(name.as_deref(), service.as_deref(), hints))
    };
    if !local {
        let found = ask(name, hints)?;
        if let Some(spelled) = &spelled {
            host.net.learn(spelled, found.iter().filter_map(|f| Some(socket::ip(f.address.bytes())?.ip())));
        }
        return Ok(found);
    }
    let mut found = Vec::new();
    let addresses: [(i32, &[u8]); 2] = [(libc::AF_INET, b"127.0.0.1"), (libc::AF_INET6, b"::1")];
    for (family, address) in addresses.into_iter().filter(|(f, _)| [0, *f].contains(&hints.family)) {
        found.extend(ask(Some(address), Hints { family, ..hints })?);
    }
    if found.is_empty() { Err(eai::FAMILY) } else { Ok(found) }
}

impl Host {
    /// A look-up, which has errors of its own.
    fn blocking_look_up<R>(&self, call: impl FnOnce() -> Result<R, i32>) -> Result<R, i32> {
        if self.interrupted() { Err(eai::AGAIN) } else { call() }
    }
}

fn malloc<T: HasHost + 'static>(caller: &mut Caller<'_, T>, size: usize) -> Result<Option<u32>, Trap> {
    let name = if caller.get_func("malloc").is_some() { "malloc" } else { "emscripten_builtin_malloc" };
    if caller.get_func(name).is_none() {
        return Ok(None);
    }
    let ptr: i32 = super::call_export(caller, name, (size as i32,))?;
    Ok((ptr != 0).then_some(ptr as u32))
}

/// Bytes of `struct addrinfo`, and of an address in a list.
const ADDRINFO: usize = 32;
const SOCKADDR: usize = 32;

fn getaddrinfo<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    node: u32,
    service: u32,
    hints: u32,
    out: u32,
) -> Result<i32, Trap> {
    let (node, service) = (text(caller, node), text(caller, service));
    let mut wanted = Hints::default();
    if hints != 0 {
        let [flags, family, kind, protocol]: [i32; 4] = caller.memory().read(hints)?;
        wanted = Hints { flags: flags & AI_SHARED, family, kind, protocol };
    }
    if ![libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6].contains(&wanted.family) {
        return Ok(eai::FAMILY);
    }
    let host = caller.data_mut().host();
    let mut found = match look_up(host, node.as_deref(), service.as_deref(), wanted) {
        Ok(found) => found,
        Err(error) => return Ok(error),
    };
    found.retain(|f| socket::ip(f.address.bytes()).is_some() && f.address.bytes().len() <= SOCKADDR);
    if found.is_empty() {
        return Ok(eai::NODATA);
    }
    match put_list(caller, &found)? {
        Some(list) => {
            caller.memory().write_u32(out, list)?;
            Ok(0)
        }
        None => Ok(eai::MEMORY),
    }
}

/// Writes a list in two blocks, as the guest's `freeaddrinfo` frees the first entry and its address: the one holds the entries and
/// all other addresses, the other the first address and the name.
fn put_list<T: HasHost + 'static>(caller: &mut Caller<'_, T>, found: &[Found]) -> Result<Option<u32>, Trap> {
    let name = found.iter().find_map(|f| f.name.clone());
    let count = found.len();
    let first_size = SOCKADDR + name.as_ref().map_or(0, |n| n.len() + 1);
    let Some(entries) = malloc(caller, count * (ADDRINFO + SOCKADDR))? else { return Ok(None) };
    let Some(first) = malloc(caller, first_size)? else { return Ok(None) };
    let mut block = vec![0u8; count * (ADDRINFO + SOCKADDR)];
    for (index, entry) in found.iter().enumerate() {
        let bytes = entry.address.bytes();
        let place = count * ADDRINFO + index * SOCKADDR;
        block[place..place + bytes.len()].copy_from_slice(bytes);
        let next = if index + 1 < count { entries.wrapping_add(((index + 1) * ADDRINFO) as u32) } else { 0 };
        let family = i32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        let canonical = if index == 0 && name.is_some() { first.wrapping_add(SOCKADDR as u32) } else { 0 };
        let at = if index == 0 { first } else { entries.wrapping_add(place as u32) };
        let words =
            [0, family as u32, entry.kind.0 as u32, entry.kind.1 as u32, bytes.len() as u32, at, canonical, next];
        for (slot, word) in block[index * ADDRINFO..].chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
    }
    let mut memory = caller.memory();
    memory.copy_in(entries, &block)?;
    memory.copy_in(first, &block[count * ADDRINFO..][..SOCKADDR])?;
    if let Some(mut name) = name {
        name.push(0);
        memory.copy_in(first.wrapping_add(SOCKADDR as u32), &name)?;
    }
    Ok(Some(entries))
}

fn getnameinfo<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    address: u32,
    len: u32,
    host_name: u32,
    host_len: u32,
    service: u32,
    service_len: u32,
    flags: i32,
) -> Result<i32, Trap> {
    let (memory, data) = caller.memory_and_data();
    let mut cx = Ctx { mem: memory, host: data.host() };
    let Ok(bytes) = cx.mem.read_bytes(address, len.min(SOCKADDR as u32)) else { return Ok(eai::FAMILY) };
    let Some(at) = socket::ip(&bytes) else { return Ok(eai::FAMILY) };
    // The system reads a whole structure, whatever length the guest has said.
    let mut whole = bytes;
    whole.resize(if at.is_ipv4() { 16 } else { 28 }, 0);
    let mut wanted = flags & NI_SHARED;
    if !cx.host.net.policy.may_resolve_any() && wanted & NI_NUMERICHOST == 0 {
        if wanted & NI_NAMEREQD != 0 {
            return Ok(eai::NONAME);
        }
        wanted |= NI_NUMERICHOST;
    }
    if service == 0 {
        wanted |= NI_NUMERICSERV;
    }
    let (name, port) = match net::name_of(&whole, wanted) {
        Ok(found) => found,
        Err(error) => return Ok(error),
    };
    for (ptr, room, text) in [(host_name, host_len, name), (service, service_len, port)] {
        if ptr == 0 || room == 0 {
            continue;
        }
        if text.len() + 1 > room as usize {
            return Ok(eai::OVERFLOW);
        }
        cx.mem.copy_in(ptr, &text)?;
        cx.mem.write_u8(ptr.wrapping_add(text.len() as u32), 0)?;
    }
    Ok(0)
}

/// The IPv4 address of a name.
fn ipv4<T: HasHost + 'static>(caller: &mut Caller<'_, T>, name: &[u8]) -> Option<Ipv4Addr> {
    let hints = Hints { family: libc::AF_INET, kind: libc::SOCK_STREAM, ..Hints::default() };
    let found = look_up(caller.data_mut().host(), Some(name), None, hints).ok()?;
    found.iter().find_map(|f| match socket::ip(f.address.bytes())?.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    })
}

fn lookup_name<T: HasHost + 'static>(caller: &mut Caller<'_, T>, name: u32) -> Result<i32, Trap> {
    let name = text(caller, name).unwrap_or_default();
    Ok(ipv4(caller, &name).map_or(0, |ip| i32::from_le_bytes(ip.octets())))
}

fn gethostbyname<T: HasHost + 'static>(caller: &mut Caller<'_, T>, name: u32) -> Result<i32, Trap> {
    let name = text(caller, name).unwrap_or_default();
    let Some(ip) = ipv4(caller, &name) else { return Ok(0) };
    // struct hostent, the list of one address and its end, an empty list of aliases, the address, the name.
    let size = 40 + name.len() + 1;
    let Some(base) = malloc(caller, size)? else { return Ok(0) };
    let at = |offset: u32| base.wrapping_add(offset);
    let words = [at(40), at(28), libc::AF_INET as u32, 4, at(20), at(32), 0, 0];
    let mut memory = caller.memory();
    memory.write(base, words)?;
    memory.copy_in(at(32), &ip.octets())?;
    memory.copy_in(at(40), &name)?;
    memory.write_u8(at(40).wrapping_add(name.len() as u32), 0)?;
    Ok(base as i32)
}
