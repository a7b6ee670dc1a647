//! The devices that programs expect wherever they run: what they give is nobody's secret, and what is written to them
//! changes nothing for anybody. Emscripten's own environment has them, too.

use super::resolve::Grant;
use super::sys;
use std::ffi::{CStr, OsStr};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where they are, on the host and for the guest.
const DIRECTORY: &CStr = c"/dev";

/// Their names.
const NAMES: [&CStr; 5] = [c"null", c"zero", c"full", c"random", c"urandom"];

/// Paths of the devices that [`Policy::standard_devices`](super::Policy::standard_devices) grants.
pub fn standard_devices() -> impl Iterator<Item = PathBuf> {
    let path = |part: &CStr| PathBuf::from(OsStr::from_bytes(part.to_bytes()));
    NAMES.iter().map(move |name| path(DIRECTORY).join(path(name)))
}

/// Grants for the devices that this machine has and that no other grant shows.
pub(super) fn grants(others: &[Arc<Grant>]) -> Vec<Arc<Grant>> {
    let Ok(root) = sys::open_trusted(DIRECTORY, libc::O_PATH | libc::O_DIRECTORY) else { return Vec::new() };
    let grant = |name: &&CStr| {
        let guest = vec![b"dev".to_vec(), name.to_bytes().to_vec()];
        if others.iter().any(|other| guest.starts_with(&other.guest)) {
            return None;
        }
        let stat = sys::fstatat(root.as_fd(), name, libc::AT_SYMLINK_NOFOLLOW).ok()?;
        let device = stat.st_mode & libc::S_IFMT == libc::S_IFCHR;
        let root = sys::dup(root.as_fd()).ok().filter(|_| device)?;
        let id = (stat.st_dev, stat.st_ino);
        // Read-only as to attributes; see `Grant::device`.
        let (file, read_only) = (Some((*name).to_owned()), true);
        Some(Arc::new(Grant { root, file, guest, read_only, device, covered: false, id }))
    };
    NAMES.iter().filter_map(grant).collect()
}
