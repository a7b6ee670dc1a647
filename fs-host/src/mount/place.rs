//! The mountpoint: what is there, and whether it can be used.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Checks a mountpoint and returns its absolute path.
pub fn check(path: &Path) -> Result<PathBuf> {
    let fail = |errno: i32| match errno {
        libc::ENOENT => Error::MountpointMissing(path.to_owned()),
        libc::ENOTDIR => Error::NotADirectory(path.to_owned()),
        libc::ENOTCONN | libc::ECONNABORTED => Error::DeadMount(path.to_owned()),
        libc::EACCES | libc::EPERM => Error::MountDenied(path.to_owned()),
        errno => Error::Mountpoint(path.to_owned(), errno),
    };
    let errno = |e: std::io::Error| fail(e.raw_os_error().unwrap_or(libc::EINVAL));
    let absolute = std::fs::canonicalize(path).map_err(errno)?;
    match mounted_at(&absolute) {
        Some(kind) if is_fuse(&kind) && is_dead(&absolute) => {
            return Err(Error::DeadMount(absolute));
        }
        Some(kind) if is_fuse(&kind) => return Err(Error::AlreadyMounted(absolute)),
        _ => {}
    }
    if !std::fs::metadata(&absolute).map_err(errno)?.is_dir() {
        return Err(Error::NotADirectory(path.to_owned()));
    }
    Ok(absolute)
}

/// The absolute path of something that may be a dead mount: only its parent is resolved.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    if let Ok(found) = std::fs::canonicalize(path) {
        return Ok(found);
    }
    let missing = || Error::MountpointMissing(path.to_owned());
    let name = path.file_name().ok_or_else(missing)?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok(std::fs::canonicalize(parent).map_err(|_| missing())?.join(name))
}

/// Whether the filesystem at a path has lost its server.
pub fn is_dead(path: &Path) -> bool {
    let errno = std::fs::metadata(path).err().and_then(|e| e.raw_os_error());
    matches!(errno, Some(libc::ENOTCONN | libc::ECONNABORTED))
}

/// Whether a filesystem type is FUSE's.
pub fn is_fuse(kind: &[u8]) -> bool {
    kind == b"fuse" || kind == b"fuseblk" || kind.starts_with(b"fuse.") || kind.starts_with(b"fuseblk.")
}

/// The type of the filesystem whose root is at `path` (the topmost one); `None` when it is no mountpoint.
pub fn mounted_at(path: &Path) -> Option<Vec<u8>> {
    let table = std::fs::read("/proc/self/mountinfo").ok()?;
    find(&table, path)
}

fn find(table: &[u8], path: &Path) -> Option<Vec<u8>> {
    let mut found = None;
    for line in table.split(|b| *b == b'\n') {
        let mut fields = line.split(|b| *b == b' ');
        let Some(mountpoint) = fields.nth(4) else {
            continue;
        };
        if unescape(mountpoint).as_bytes() != path.as_os_str().as_bytes() {
            continue;
        }
        // Behind a varying number of optional fields stands a dash, then the type. Later lines are on top.
        found = fields.skip_while(|field| *field != b"-").nth(1).map(<[u8]>::to_vec);
    }
    found
}

/// mountinfo writes blanks and the like as a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, tail)) = rest.split_first() {
        let octal = tail.get(..3).filter(|d| first == b'\\' && d.iter().all(|c| (b'0'..=b'7').contains(c)));
        if let Some(digits) = octal {
            bytes.push(digits.iter().fold(0u8, |n, c| n.wrapping_mul(8).wrapping_add(c - b'0')));
            rest = &tail[3..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_read_with_escapes_and_stacking() {
        let table = b"22 1 0:20 / /a\\040b rw shared:1 master:2 - fuse.memfs memfs rw\n\
                      23 1 0:21 / /c rw - ext4 /dev/sda rw\n\
                      24 1 0:22 / /c rw - fuse x rw\n";
        assert_eq!(find(table, Path::new("/a b")).unwrap(), b"fuse.memfs");
        assert_eq!(find(table, Path::new("/c")).unwrap(), b"fuse");
        assert!(find(table, Path::new("/d")).is_none());
        assert!(is_fuse(b"fuse.sshfs") && is_fuse(b"fuseblk") && !is_fuse(b"fusectl"));
    }

    #[test]
    fn unusable_places_have_their_own_errors() {
        assert!(matches!(check(Path::new("/nonexistent/x")), Err(Error::MountpointMissing(_))));
        assert!(matches!(check(Path::new("/etc/passwd")), Err(Error::NotADirectory(_))));
        assert!(matches!(check(Path::new("/etc/passwd/x")), Err(Error::NotADirectory(_))));
    }
}
