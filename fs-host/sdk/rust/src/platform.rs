//! The types that the interface shares with the standard library, or stand-ins where there is none.

#[cfg(feature = "std")]
mod imp {
    pub use std::ffi::OsStr;
    pub use std::io;
    pub use std::path::Path;
    pub use std::time::{SystemTime, UNIX_EPOCH};

    use std::time::Duration;

    /// A name from the wire; none if this target cannot express it.
    #[cfg(any(unix, target_os = "wasi"))]
    pub fn os_str(bytes: &[u8]) -> Option<&OsStr> {
        #[cfg(unix)]
        use std::os::unix::ffi::OsStrExt;
        #[cfg(target_os = "wasi")]
        use std::os::wasi::ffi::OsStrExt;
        Some(OsStr::from_bytes(bytes))
    }

    /// A name from the wire; none if this target cannot express it.
    #[cfg(not(any(unix, target_os = "wasi")))]
    pub fn os_str(bytes: &[u8]) -> Option<&OsStr> {
        core::str::from_utf8(bytes).ok().map(OsStr::new)
    }

    /// The bytes of a name; none if this target does not tell them.
    #[cfg(any(unix, target_os = "wasi"))]
    pub fn os_bytes(name: &OsStr) -> Option<&[u8]> {
        #[cfg(unix)]
        use std::os::unix::ffi::OsStrExt;
        #[cfg(target_os = "wasi")]
        use std::os::wasi::ffi::OsStrExt;
        Some(name.as_bytes())
    }

    /// The bytes of a name; none if this target does not tell them.
    #[cfg(not(any(unix, target_os = "wasi")))]
    pub fn os_bytes(name: &OsStr) -> Option<&[u8]> {
        name.to_str().map(str::as_bytes)
    }

    /// A path from the wire.
    pub fn path(bytes: &[u8]) -> Option<&Path> {
        os_str(bytes).map(Path::new)
    }

    /// Seconds since the epoch, rounded down, and nanoseconds.
    pub fn time_parts(time: SystemTime) -> (i64, u32) {
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (after.as_secs() as i64, after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                let whole = -(before.as_secs() as i64);
                match before.subsec_nanos() {
                    0 => (whole, 0),
                    nanos => (whole - 1, 1_000_000_000 - nanos),
                }
            }
        }
    }

    /// The time of those parts; the epoch where the target's clock cannot go that far.
    pub fn time_from_parts(seconds: i64, nanos: u32) -> SystemTime {
        let nanos = Duration::from_nanos(u64::from(nanos.min(999_999_999)));
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
        base.and_then(|base| base.checked_add(nanos)).unwrap_or(UNIX_EPOCH)
    }

    /// An error from a host function's answer.
    pub fn io_error(errno: crate::Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.native())
    }
}

#[cfg(not(feature = "std"))]
mod imp {
    use alloc::{string::String, vec::Vec};

    /// A file name: bytes without NUL and without `/`.
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[repr(transparent)]
    pub struct OsStr([u8]);

    /// A path, as symbolic links hold it.
    pub type Path = OsStr;

    impl OsStr {
        /// A name of those bytes.
        pub fn from_bytes(bytes: &[u8]) -> &OsStr {
            // SAFETY: `OsStr` is a transparent wrapper of `[u8]`.
            unsafe { &*(bytes as *const [u8] as *const OsStr) }
        }

        /// A name of that text.
        pub fn new<T: AsRef<OsStr> + ?Sized>(text: &T) -> &OsStr {
            text.as_ref()
        }

        /// The name's bytes.
        pub fn as_bytes(&self) -> &[u8] {
            &self.0
        }

        /// The name's text, if it is UTF-8.
        pub fn to_str(&self) -> Option<&str> {
            core::str::from_utf8(&self.0).ok()
        }

        /// A copy of the name's bytes.
        pub fn to_vec(&self) -> Vec<u8> {
            self.0.to_vec()
        }

        /// The name's length in bytes.
        pub fn len(&self) -> usize {
            self.0.len()
        }

        /// Whether the name has no bytes.
        pub fn is_empty(&self) -> bool {
            self.0.is_empty()
        }
    }

    impl AsRef<OsStr> for OsStr {
        fn as_ref(&self) -> &OsStr {
            self
        }
    }

    impl AsRef<OsStr> for str {
        fn as_ref(&self) -> &OsStr {
            OsStr::from_bytes(self.as_bytes())
        }
    }

    impl AsRef<OsStr> for String {
        fn as_ref(&self) -> &OsStr {
            OsStr::from_bytes(self.as_bytes())
        }
    }

    impl AsRef<OsStr> for [u8] {
        fn as_ref(&self) -> &OsStr {
            OsStr::from_bytes(self)
        }
    }

    impl PartialEq<str> for OsStr {
        fn eq(&self, other: &str) -> bool {
            self.0 == *other.as_bytes()
        }
    }

    /// A point in time, to the nanosecond.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct SystemTime {
        /// Seconds since the epoch, rounded down.
        pub seconds: i64,
        /// Nanoseconds within the second.
        pub nanos: u32,
    }

    impl SystemTime {
        /// 1970-01-01 00:00:00 UTC.
        pub const UNIX_EPOCH: SystemTime = SystemTime { seconds: 0, nanos: 0 };
    }

    /// 1970-01-01 00:00:00 UTC.
    pub const UNIX_EPOCH: SystemTime = SystemTime::UNIX_EPOCH;

    /// Errors and results, where there is no `std::io`.
    pub mod io {
        /// Why a call to the host failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Error(pub crate::Errno);

        /// The result of a call to the host.
        pub type Result<T> = core::result::Result<T, Error>;

        impl From<Error> for crate::Errno {
            fn from(error: Error) -> crate::Errno {
                error.0
            }
        }
    }

    /// A name from the wire; every name can be expressed.
    pub fn os_str(bytes: &[u8]) -> Option<&OsStr> {
        Some(OsStr::from_bytes(bytes))
    }

    /// The bytes of a name.
    pub fn os_bytes(name: &OsStr) -> Option<&[u8]> {
        Some(name.as_bytes())
    }

    /// A path from the wire.
    pub fn path(bytes: &[u8]) -> Option<&Path> {
        Some(OsStr::from_bytes(bytes))
    }

    /// Seconds since the epoch, rounded down, and nanoseconds.
    pub fn time_parts(time: SystemTime) -> (i64, u32) {
        (time.seconds, time.nanos)
    }

    /// The time of those parts.
    pub fn time_from_parts(seconds: i64, nanos: u32) -> SystemTime {
        SystemTime { seconds, nanos: nanos.min(999_999_999) }
    }

    /// An error from a host function's answer.
    pub fn io_error(errno: crate::Errno) -> io::Error {
        io::Error(errno)
    }
}

pub use imp::{io, OsStr, Path, SystemTime, UNIX_EPOCH};
pub(crate) use imp::{io_error, os_bytes, os_str, path, time_from_parts, time_parts};
