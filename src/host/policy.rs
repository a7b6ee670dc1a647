//! The sandbox policy: what of the host a guest may see.
//!
//! A policy is plain data, filled by the command line or by an embedder; nothing that it does not name is visible.
//! [`Namespace::open`](super::resolve::Namespace::open) turns its directories into open descriptors.

use super::layout::Layout;
use super::net::NetPolicy;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// How many files a guest may hold open, unless the embedder says otherwise.
pub const DEFAULT_MAX_FILES: usize = 1024;

/// How many threads a guest may have at a time, unless the embedder says otherwise.
pub const DEFAULT_MAX_THREADS: usize = 256;

/// One directory (or one file) of the host that the guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirGrant {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Where the guest sees it: absolute, without `.`, `..`, doubled or trailing slashes.
    pub guest: Vec<u8>,
    /// Whether every write is refused with EROFS.
    pub read_only: bool,
}

/// What a guest may see and do.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) dirs: Vec<DirGrant>,
    pub(super) env: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) net: NetPolicy,
    pub(super) tty: bool,
    pub(super) devices: bool,
    pub(super) standard_devices: bool,
    pub(super) max_files: usize,
    pub(super) max_threads: usize,
    pub(super) layout: Option<&'static Layout>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            dirs: Vec::new(),
            env: Vec::new(),
            net: NetPolicy::default(),
            tty: false,
            devices: false,
            standard_devices: false,
            max_files: DEFAULT_MAX_FILES,
            max_threads: DEFAULT_MAX_THREADS,
            layout: None,
        }
    }
}

/// Why a policy was refused. The message says what to write instead.
#[derive(Debug)]
pub struct PolicyError(pub(super) String);

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PolicyError {}

impl From<PolicyError> for std::io::Error {
    fn from(error: PolicyError) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, error)
    }
}

impl Policy {
    /// A policy that grants nothing: no file, no variable.
    pub fn new() -> Policy {
        Policy::default()
    }

    /// Takes the structures of the guest's C library for those of a version of Emscripten, whatever the module tells of itself.
    pub fn abi(&mut self, version: &str) -> Result<&mut Policy, PolicyError> {
        let layout = Layout::for_version(version);
        let known = || Layout::ALL.map(|layout| layout.name).join(", ");
        let unknown = || PolicyError(format!("--abi {version}: write a version of Emscripten: {}", known()));
        self.layout = Some(layout.ok_or_else(unknown)?);
        Ok(self)
    }

    /// Adds a grant in the command line's form `HOST[::GUEST][:ro]`.
    ///
    /// Without `::GUEST` the guest sees the directory under its absolute host path.
    pub fn dir_spec(&mut self, spec: impl AsRef<OsStr>) -> Result<&mut Policy, PolicyError> {
        let grant = parse_dir(spec.as_ref())?;
        self.push(grant)
    }

    /// Grants `host`, which the guest sees as `guest`.
    pub fn dir(&mut self, host: impl Into<PathBuf>, guest: &str, read_only: bool) -> Result<&mut Policy, PolicyError> {
        let host = host.into();
        let guest = clean_guest_path(guest.as_bytes())?;
        self.push(DirGrant { host, guest, read_only })
    }

    fn push(&mut self, grant: DirGrant) -> Result<&mut Policy, PolicyError> {
        if let Some(other) = self.dirs.iter().find(|g| g.guest == grant.guest) {
            return Err(PolicyError(format!(
                "two directories are granted at the guest path {}: {} and {}; give one of them another ::GUEST path",
                show(&grant.guest),
                other.host.display(),
                grant.host.display()
            )));
        }
        self.dirs.push(grant);
        Ok(self)
    }

    /// Adds a variable in the command line's form `KEY=VALUE`, or `KEY` to hand on the host's value.
    pub fn env_spec(&mut self, spec: impl AsRef<OsStr>) -> Result<&mut Policy, PolicyError> {
        let spec = spec.as_ref().as_bytes();
        let (key, value) = match spec.iter().position(|&b| b == b'=') {
            Some(at) => (&spec[..at], Some(spec[at + 1..].to_vec())),
            None => (spec, std::env::var_os(OsStr::from_bytes(spec)).map(|v| v.as_bytes().to_vec())),
        };
        if key.is_empty() {
            return Err(PolicyError(format!("--env {}: the variable has no name; write KEY=VALUE or KEY", show(spec))));
        }
        match value {
            Some(value) => self.env(key, &value),
            None => {
                Err(PolicyError(format!("--env {0}: {0} is not set here; write {0}=VALUE to give it one", show(spec))))
            }
        }
    }

    /// Sets a variable of the guest's environment.
    pub fn env(&mut self, key: &[u8], value: &[u8]) -> Result<&mut Policy, PolicyError> {
        if key.is_empty() || key.contains(&b'=') || key.contains(&0) || value.contains(&0) {
            return Err(PolicyError(format!("{} cannot be an environment variable", show(key))));
        }
        self.env.retain(|(k, _)| k != key);
        self.env.push((key.to_vec(), value.to_vec()));
        Ok(self)
    }

    /// Hands every variable of this process on; those that are set already stay as they are.
    pub fn inherit_env(&mut self) -> &mut Policy {
        for (key, value) in std::env::vars_os() {
            let (key, value) = (key.as_bytes(), value.as_bytes());
            if !key.is_empty() && !self.env.iter().any(|(k, _)| k == key) {
                self.env.push((key.to_vec(), value.to_vec()));
            }
        }
        self
    }

    /// Permits something of the network in the command line's form: `connect=HOST:PORT`, `listen=ADDR:PORT`,
    /// `resolve=NAME`, or `all`.
    pub fn net_spec(&mut self, spec: impl AsRef<OsStr>) -> Result<&mut Policy, PolicyError> {
        self.net.add(&spec.as_ref().to_string_lossy())?;
        Ok(self)
    }

    /// The network rules.
    pub fn net(&self) -> &NetPolicy {
        &self.net
    }

    /// Lets the guest change the settings of the terminals that it has open.
    pub fn tty(&mut self, allow: bool) -> &mut Policy {
        self.tty = allow;
        self
    }

    /// Grants everything that the user has: all files under their own paths, the environment, the network, terminals.
    pub fn allow_all(&mut self) -> Result<&mut Policy, PolicyError> {
        if !self.dirs.iter().any(|grant| grant.guest == b"/") {
            self.dir("/", "/", false)?;
        }
        self.net.allow_all();
        Ok(self.inherit_env().tty(true))
    }

    /// Lets the guest make device nodes where the host's user may. Off unless asked for: whoever makes a device node
    /// can reach the device, so a writable directory would grant more than its content.
    pub fn allow_devices(&mut self, allow: bool) -> &mut Policy {
        self.devices = allow;
        self
    }

    /// Shows the guest `/dev/null`, `zero`, `full`, `random` and `urandom`, where no granted directory covers them.
    pub fn standard_devices(&mut self, show: bool) -> &mut Policy {
        self.standard_devices = show;
        self
    }

    /// Caps the number of descriptors that the guest may hold.
    pub fn max_files(&mut self, max: usize) -> &mut Policy {
        self.max_files = max;
        self
    }

    /// Caps the number of threads that the guest may have at a time, the first one included.
    pub fn max_threads(&mut self, max: usize) -> &mut Policy {
        self.max_threads = max;
        self
    }

    /// The directories granted so far.
    pub fn dirs(&self) -> &[DirGrant] {
        &self.dirs
    }

    /// The guest's environment.
    pub fn vars(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.env
    }
}

/// Shows a path of the guest or of the command line in a message.
pub(super) fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Parses `HOST[::GUEST][:ro]`.
fn parse_dir(spec: &OsStr) -> Result<DirGrant, PolicyError> {
    let bytes = spec.as_bytes();
    let bad = |what: &str| PolicyError(format!("--dir {}: {what}; write HOST[::GUEST][:ro]", show(bytes)));
    let (body, read_only) = match bytes {
        [body @ .., b':', b'r', b'o'] if !body.ends_with(b":") => (body, true),
        [body @ .., b':', b'r', b'w'] if !body.ends_with(b":") => (body, false),
        body => (body, false),
    };
    let (host, guest) = match body.windows(2).position(|w| w == b"::") {
        Some(at) => (&body[..at], Some(&body[at + 2..])),
        None => (body, None),
    };
    if host.is_empty() {
        return Err(bad("the host directory is missing"));
    }
    let host = PathBuf::from(OsStr::from_bytes(host));
    let guest = match guest {
        Some(b"") => return Err(bad("the guest path after :: is missing")),
        Some(guest) => clean_guest_path(guest)?,
        None => clean_guest_path(absolute(&host)?.as_os_str().as_bytes())?,
    };
    Ok(DirGrant { host, guest, read_only })
}

/// The absolute form of a host path, without `..`.
fn absolute(path: &Path) -> Result<PathBuf, PolicyError> {
    let found = if path.components().any(|c| c == Component::ParentDir) {
        std::fs::canonicalize(path)
    } else {
        std::path::absolute(path)
    };
    found.map_err(|error| PolicyError(format!("cannot grant {}: {error}", path.display())))
}

/// Normalises an absolute guest path that has no `..`.
fn clean_guest_path(path: &[u8]) -> Result<Vec<u8>, PolicyError> {
    if path.first() != Some(&b'/') {
        return Err(PolicyError(format!("the guest path {} must be absolute (begin with /)", show(path))));
    }
    let mut clean = Vec::with_capacity(path.len());
    for part in path.split(|&b| b == b'/').filter(|p| !p.is_empty() && *p != b".") {
        if part == b".." || part.contains(&0) {
            return Err(PolicyError(format!("the guest path {} must not contain `..` or NUL", show(path))));
        }
        clean.push(b'/');
        clean.extend_from_slice(part);
    }
    if clean.is_empty() {
        clean.push(b'/');
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(spec: &str) -> DirGrant {
        parse_dir(OsStr::new(spec)).unwrap()
    }

    #[test]
    fn specs_of_the_command_line() {
        let plain = parse("/srv/data/");
        assert_eq!((plain.guest.as_slice(), plain.read_only), (&b"/srv/data"[..], false));
        let both = parse("/srv::/data//x/:ro");
        assert_eq!((both.host.to_str(), both.guest.as_slice(), both.read_only), (Some("/srv"), &b"/data/x"[..], true));
        assert!(parse("/srv:ro").read_only);
        assert!(!parse("/srv:rw").read_only);
        assert_eq!(parse("/srv::/").guest, b"/");
        assert_eq!(parse(".").guest, std::env::current_dir().unwrap().as_os_str().as_bytes());
    }

    #[test]
    fn refusals_say_what_to_write() {
        for (spec, words) in [
            ("", "host directory is missing"),
            ("::/x", "host directory is missing"),
            ("/x::", "guest path after :: is missing"),
            ("/x::data", "must be absolute"),
            ("/x::/a/../b", "must not contain"),
        ] {
            let error = parse_dir(OsStr::new(spec)).unwrap_err().to_string();
            assert!(error.contains(words), "{spec}: {error}");
        }
        let mut policy = Policy::new();
        policy.dir_spec("/a::/x").unwrap();
        assert!(policy.dir_spec("/b::/x/").unwrap_err().to_string().contains("two directories"));
        assert!(policy.env_spec("=x").unwrap_err().to_string().contains("no name"));
        assert!(policy.env_spec("WASMJIT_NO_SUCH_VARIABLE").unwrap_err().to_string().contains("not set"));
    }

    #[test]
    fn variables_replace_earlier_ones() {
        let mut policy = Policy::new();
        policy.env_spec("A=1").unwrap().env_spec("A=2=3").unwrap().env_spec("B=").unwrap();
        assert_eq!(policy.vars(), [(b"A".to_vec(), b"2=3".to_vec()), (b"B".to_vec(), Vec::new())]);
    }
}
