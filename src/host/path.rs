//! Paths as guests hand them over: copied out of guest memory once, NUL-terminated, bounded.

use super::errno::Errno;
use smallvec::SmallVec;
use std::ffi::CStr;

/// Longest path, terminator not counted: what Linux allows.
pub const MAX_PATH: usize = 4095;

/// A path of the guest. Only bytes: nothing in here looks at a filesystem.
#[derive(Clone, Debug)]
pub struct GuestPath {
    /// The bytes and one terminating NUL.
    bytes: SmallVec<[u8; 256]>,
}

impl GuestPath {
    /// Copies a path. ENAMETOOLONG where it is too long, EINVAL where it holds a NUL.
    pub fn new(path: &[u8]) -> Result<GuestPath, Errno> {
        if path.len() > MAX_PATH {
            return Err(Errno::ENAMETOOLONG);
        }
        if path.contains(&0) {
            return Err(Errno::EINVAL);
        }
        let mut bytes = SmallVec::from_slice(path);
        bytes.push(0);
        Ok(GuestPath { bytes })
    }

    /// The bytes without the terminator.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.bytes.len() - 1]
    }

    /// Whether it begins with a slash.
    pub fn is_absolute(&self) -> bool {
        self.bytes[0] == b'/'
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == 1
    }

    /// The rest from `offset` on as a C string; `.` where the rest is empty.
    pub fn rest(&self, offset: usize) -> &CStr {
        match CStr::from_bytes_with_nul(&self.bytes[offset..]) {
            Ok(rest) if !rest.is_empty() => rest,
            _ => c".",
        }
    }

    /// Undoes what [`GuestPath::split`] did to the bytes.
    pub fn rejoin(&mut self) {
        let end = self.bytes.len() - 1;
        for byte in self.bytes[..end].iter_mut().filter(|b| **b == 0) {
            *byte = b'/';
        }
    }

    /// Splits the rest from `offset` on before its last component. See [`Split`].
    pub fn split(&mut self, offset: usize) -> Split<'_> {
        let end = self.bytes.len() - 1;
        let body = &self.bytes[offset..end];
        let trimmed = body.len() - body.iter().rev().take_while(|&&b| b == b'/').count();
        let start = body[..trimmed].iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
        let last = &body[start..trimmed];
        if last.is_empty() || last == b"." || last == b".." {
            return Split::Special(match last {
                b"." => Special::Dot,
                b".." => Special::DotDot,
                _ => Special::Root,
            });
        }
        if start == 0 {
            return Split::Name { parent: None, name: self.rest(offset) };
        }
        // The slash before the name becomes the parent's terminator.
        self.bytes[offset + start - 1] = 0;
        let parent = CStr::from_bytes_until_nul(&self.bytes[offset..]).unwrap_or(c".");
        let parent = if parent.is_empty() { c"." } else { parent };
        let name = CStr::from_bytes_with_nul(&self.bytes[offset + start..]).unwrap_or(c".");
        Split::Name { parent: Some(parent), name }
    }
}

/// The last component of a path that cannot be made, removed or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// Nothing but slashes: the root of the grant.
    Root,
}

/// A path before and from its last component.
#[derive(Debug)]
pub enum Split<'a> {
    /// An ordinary last component.
    Name {
        /// What leads to it; `None` where it is the only component.
        parent: Option<&'a CStr>,
        /// The component, trailing slashes included: the kernel gives them their meaning.
        name: &'a CStr,
    },
    /// One of the components that name no entry of their own.
    Special(Special),
}

/// The components of a path, without empty ones and `.`.
pub fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|&b| b == b'/').filter(|c| !c.is_empty() && *c != b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str, offset: usize) -> String {
        let mut path = GuestPath::new(path.as_bytes()).unwrap();
        format!("{:?}", path.split(offset))
    }

    #[test]
    fn splits_before_the_last_component() {
        assert_eq!(split("a", 0), r#"Name { parent: None, name: "a" }"#);
        assert_eq!(split("a//", 0), r#"Name { parent: None, name: "a//" }"#);
        assert_eq!(split("a/b", 0), r#"Name { parent: Some("a"), name: "b" }"#);
        assert_eq!(split("a//b/", 0), r#"Name { parent: Some("a/"), name: "b/" }"#);
        assert_eq!(split("/g/a/b", 3), r#"Name { parent: Some("a"), name: "b" }"#);
        assert_eq!(split("a/..", 0), "Special(DotDot)");
        assert_eq!(split("a/./", 0), "Special(Dot)");
        assert_eq!(split("/g/", 3), "Special(Root)");
        assert_eq!(split("", 0), "Special(Root)");
    }

    #[test]
    fn refuses_what_is_no_path() {
        assert_eq!(GuestPath::new(&[b'a'; 4096]).unwrap_err(), Errno::ENAMETOOLONG);
        assert_eq!(GuestPath::new(b"a\0b").unwrap_err(), Errno::EINVAL);
        assert_eq!(GuestPath::new(b"/").unwrap().rest(1), c".");
    }
}
