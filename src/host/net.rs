//! The network policy: which addresses a guest may connect to, listen on, and look up.
//!
//! Rules are written `connect=HOST:PORT`, `listen=ADDR:PORT` and `resolve=NAME`. A rule that names a host permits looking
//! that name up, and then the addresses that the look-up gave.

use super::policy::PolicyError;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Which hosts a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Any,
    /// An address and how many of its leading bits count.
    Net(IpAddr, u8),
    Name(String),
}

/// Hosts and ports.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    hosts: Hosts,
    ports: RangeInclusive<u16>,
}

/// What of the network a guest may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetPolicy {
    all: bool,
    connect: Vec<Rule>,
    listen: Vec<Rule>,
    resolve: Vec<Hosts>,
}

/// How rules are written, for messages.
const FORMS: &str = "write connect=HOST:PORT, listen=ADDR:PORT, resolve=NAME or all";

impl NetPolicy {
    /// Adds a rule in the command line's form.
    pub fn add(&mut self, spec: &str) -> Result<(), PolicyError> {
        let bad = |what: String| PolicyError(format!("--net {spec}: {what}; {FORMS}"));
        match spec.split_once('=') {
            None if spec == "all" => self.all = true,
            Some(("connect", rest)) => self.connect.push(parse_rule(rest).map_err(bad)?),
            Some(("listen", rest)) => {
                let rule = parse_rule(rest).map_err(bad)?;
                if let Hosts::Name(name) = &rule.hosts
                    && name != "localhost"
                {
                    return Err(bad(format!("{name} is a name; listening needs an address of this host, or *")));
                }
                self.listen.push(rule);
            }
            Some(("resolve", "*")) => self.resolve.push(Hosts::Any),
            Some(("resolve", name)) if !name.is_empty() => self.resolve.push(Hosts::Name(name.to_ascii_lowercase())),
            _ => return Err(bad("this is no rule".to_string())),
        }
        Ok(())
    }

    /// Permits everything, sockets without an address in the network included.
    pub fn allow_all(&mut self) {
        self.all = true;
    }

    /// Whether everything is permitted.
    pub fn is_all(&self) -> bool {
        self.all
    }

    /// Whether anything is permitted, so that a socket is of use.
    pub fn any(&self) -> bool {
        self.all || !self.connect.is_empty() || !self.listen.is_empty()
    }

    /// Whether the guest may connect to anything.
    pub fn connects(&self) -> bool {
        self.all || !self.connect.is_empty()
    }

    /// Whether the guest may listen anywhere.
    pub fn listens(&self) -> bool {
        self.all || !self.listen.is_empty()
    }

    /// Whether any name may be looked up.
    pub fn resolves(&self) -> bool {
        let named = |rule: &Rule| !matches!(rule.hosts, Hosts::Net(..));
        self.all || !self.resolve.is_empty() || self.connect.iter().any(named)
    }

    /// The ports that the guest may connect to, if they can be counted.
    pub fn connect_ports(&self) -> Option<Vec<u16>> {
        if self.all { None } else { ports(&self.connect) }
    }

    /// The ports that the guest may be bound to, if they can be counted; 0 has the system choose one.
    pub fn listen_ports(&self) -> Option<Vec<u16>> {
        let chosen = self.any().then_some(0);
        if self.all { None } else { ports(&self.listen).map(|ports| ports.into_iter().chain(chosen).collect()) }
    }

    /// Whether a name may be looked up.
    pub fn may_resolve(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let fits = |hosts: &Hosts| match hosts {
            Hosts::Any => true,
            Hosts::Name(known) => *known == name,
            Hosts::Net(..) => false,
        };
        self.all || self.resolve.iter().any(fits) || self.connect.iter().any(|rule| fits(&rule.hosts))
    }

    /// Whether addresses may be turned into names: whoever may look up everything.
    pub fn may_resolve_any(&self) -> bool {
        self.all || self.resolve.contains(&Hosts::Any) || self.connect.iter().any(|rule| rule.hosts == Hosts::Any)
    }

    /// Whether the guest may listen on an address.
    pub fn may_listen(&self, at: SocketAddr) -> bool {
        let at = canonical(at);
        let fits = |rule: &Rule| {
            rule.ports.contains(&at.port())
                && match &rule.hosts {
                    Hosts::Any => true,
                    Hosts::Net(net, bits) => within(at.ip(), *net, *bits),
                    Hosts::Name(_) => at.ip().is_loopback(),
                }
        };
        self.all || self.listen.iter().any(fits)
    }
}

/// Most ports of a rule that are counted one by one.
const MAX_COUNTED: usize = 256;

fn ports(rules: &[Rule]) -> Option<Vec<u16>> {
    let counted = |rule: &Rule| rule.ports.len() <= MAX_COUNTED;
    rules.iter().all(counted).then(|| rules.iter().flat_map(|rule| rule.ports.clone()).collect())
}

/// A guest's policy, and the addresses of the names in it as far as they are known.
#[derive(Debug, Default)]
pub struct Net {
    /// The rules.
    pub policy: NetPolicy,
    known: Arc<Mutex<HashMap<String, Vec<IpAddr>>>>,
}

impl Net {
    /// The state for a guest's policy.
    pub fn new(policy: NetPolicy) -> Net {
        Net { policy, known: Arc::default() }
    }

    /// The same for another thread of the guest.
    pub(super) fn share(&self) -> Net {
        Net { policy: self.policy.clone(), known: self.known.clone() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<IpAddr>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what a look-up that the guest made has found.
    pub fn learn(&mut self, name: &str, found: impl Iterator<Item = IpAddr>) {
        let name = name.to_ascii_lowercase();
        if self.policy.connect.iter().any(|rule| rule.hosts == Hosts::Name(name.clone())) {
            let mut known = self.known();
            let known = known.entry(name).or_default();
            for address in found.map(|ip| ip.to_canonical()) {
                if !known.contains(&address) {
                    known.push(address);
                }
            }
        }
    }

    /// Whether the guest may connect, or send, to an address. Names of the rules are looked up when they are first needed.
    pub fn may_connect(&mut self, to: SocketAddr) -> bool {
        if self.policy.all {
            return true;
        }
        let mut to = canonical(to);
        if to.ip().is_unspecified() {
            // The system takes it for this host.
            let loopback: IpAddr = if to.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            to.set_ip(loopback);
        }
        let mut known = self.known();
        self.policy.connect.iter().filter(|rule| rule.ports.contains(&to.port())).any(|rule| match &rule.hosts {
            Hosts::Any => true,
            Hosts::Net(net, bits) => within(to.ip(), *net, *bits),
            Hosts::Name(name) => known.entry(name.clone()).or_insert_with(|| look_up(name)).contains(&to.ip()),
        })
    }
}

fn look_up(name: &str) -> Vec<IpAddr> {
    (name, 0).to_socket_addrs().map(|found| found.map(|a| a.ip().to_canonical()).collect()).unwrap_or_default()
}

/// An IPv4 address that is written as IPv6 is the IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn within(address: IpAddr, net: IpAddr, bits: u8) -> bool {
    let leading = |value: u128, width: u32| value.checked_shr(width - u32::from(bits)).unwrap_or(0);
    match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => leading(a.to_bits().into(), 32) == leading(b.to_bits().into(), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => leading(a.to_bits(), 128) == leading(b.to_bits(), 128),
        _ => false,
    }
}

/// Parses `HOST:PORT`.
fn parse_rule(text: &str) -> Result<Rule, String> {
    let Some((host, port)) = text.rsplit_once(':') else { return Err("the port is missing".to_string()) };
    Ok(Rule { hosts: parse_hosts(host)?, ports: parse_ports(port)? })
}

fn parse_hosts(text: &str) -> Result<Hosts, String> {
    let bracketed = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let plain = bracketed.unwrap_or(text);
    // Without brackets nobody knows where the address ends.
    if bracketed.is_none() && plain.contains(':') {
        return Err(format!("`{plain}` is not an address; write [ADDR]:PORT"));
    }
    if matches!(plain, "*" | "") {
        return Ok(Hosts::Any);
    }
    let (address, bits) = match plain.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (plain, None),
    };
    match (address.parse::<IpAddr>(), bits) {
        (Ok(ip), bits) => {
            let width = if ip.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(width), |b| b.parse().map_err(|_| format!("`{b}` is not a number of bits")))?;
            if bits > width { Err(format!("an address has {width} bits")) } else { Ok(Hosts::Net(ip, bits)) }
        }
        (Err(_), Some(_)) => Err(format!("`{address}` is not an address")),
        (Err(_), None) if plain.contains(':') => Err(format!("`{plain}` is not an address")),
        (Err(_), None) => Ok(Hosts::Name(plain.to_ascii_lowercase())),
    }
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let number = |text: &str| text.parse::<u16>().map_err(|_| format!("`{text}` is not a port"));
    match text.split_once('-') {
        _ if text == "*" => Ok(0..=u16::MAX),
        Some((first, last)) => Ok(number(first)?..=number(last)?),
        None => number(text).map(|port| port..=port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(specs: &[&str]) -> Net {
        let mut policy = NetPolicy::default();
        specs.iter().for_each(|spec| policy.add(spec).unwrap());
        Net::new(policy)
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn nothing_is_permitted_by_default() {
        let mut none = net(&[]);
        assert!(
            !none.policy.any() && !none.may_connect(at("127.0.0.1:80")) && !none.policy.may_listen(at("0.0.0.0:0"))
        );
        assert!(!none.policy.may_resolve("localhost"));
    }

    #[test]
    fn rules_permit_what_they_say() {
        let mut some = net(&["connect=10.0.0.0/8:80-90", "connect=[::1]:443", "listen=127.0.0.1:8080", "listen=*:0"]);
        for (text, may) in [
            ("10.1.2.3:80", true),
            ("10.1.2.3:91", false),
            ("11.1.2.3:80", false),
            ("[::ffff:10.1.2.3]:90", true),
            ("[::1]:443", true),
            ("[::]:443", true),
            ("[::2]:443", false),
        ] {
            assert_eq!(some.may_connect(at(text)), may, "{text}");
        }
        assert!(some.policy.may_listen(at("127.0.0.1:8080")) && some.policy.may_listen(at("0.0.0.0:0")));
        assert!(!some.policy.may_listen(at("0.0.0.0:8080")));
        assert!(net(&["connect=0.0.0.0/0:*"]).may_connect(at("1.2.3.4:5")));
    }

    #[test]
    fn a_name_permits_the_addresses_that_were_found() {
        let mut named = net(&["connect=Example.test:80"]);
        assert!(named.policy.may_resolve("example.TEST") && !named.policy.may_resolve("other.test"));
        named.learn("example.test", ["192.0.2.1".parse().unwrap()].into_iter());
        named.learn("other.test", ["192.0.2.2".parse().unwrap()].into_iter());
        assert!(named.may_connect(at("192.0.2.1:80")) && !named.may_connect(at("192.0.2.1:81")));
        assert!(!named.may_connect(at("192.0.2.2:80")));
    }

    #[test]
    fn refusals_say_what_to_write() {
        let mut policy = NetPolicy::default();
        for (spec, words) in [
            ("connect=host", "port is missing"),
            ("connect=host:http", "not a port"),
            ("connect=::1:80", "[ADDR]:PORT"),
            ("connect=10.0.0.0/40:1", "32 bits"),
            ("listen=example.org:80", "is a name"),
            ("udp", "no rule"),
        ] {
            let message = policy.add(spec).unwrap_err().to_string();
            assert!(message.contains(words) && message.contains("connect=HOST:PORT"), "{spec}: {message}");
        }
        assert_eq!(policy, NetPolicy::default());
    }
}
