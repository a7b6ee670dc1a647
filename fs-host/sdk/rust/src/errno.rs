//! Error numbers: Linux's on the wire, WASI's in a `wasm32-wasip1` program's own library.

use core::num::NonZeroI32;

/// An error that a filesystem answers. The numbers are Linux's, whatever target the program is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(NonZeroI32);

const fn errno(number: i32) -> Errno {
    match NonZeroI32::new(number) {
        Some(number) => Errno(number),
        None => panic!("zero is not an error"),
    }
}

/// Expands the table of errors: name, Linux's number, WASI's number (0: it has none), description.
macro_rules! errnos {
    ($($name:ident = $linux:literal, $wasi:literal, $doc:literal;)*) => {
        impl Errno {
            $(#[doc = $doc] pub const $name: Errno = errno($linux);)*
        }

        /// Linux's number and WASI's, for each error that both have.
        const BOTH: &[(i32, i32)] = &[$(($linux, $wasi),)*];
    };
}

errnos! {
    EPERM = 1, 63, "operation not permitted";
    ENOENT = 2, 44, "no such file or directory";
    ESRCH = 3, 71, "no such process";
    EINTR = 4, 27, "interrupted system call";
    EIO = 5, 29, "input/output error";
    ENXIO = 6, 60, "no such device or address";
    E2BIG = 7, 1, "argument list too long";
    ENOEXEC = 8, 45, "exec format error";
    EBADF = 9, 8, "bad file descriptor";
    ECHILD = 10, 12, "no child processes";
    EAGAIN = 11, 6, "resource temporarily unavailable";
    ENOMEM = 12, 48, "cannot allocate memory";
    EACCES = 13, 2, "permission denied";
    EFAULT = 14, 21, "bad address";
    ENOTBLK = 15, 0, "block device required";
    EBUSY = 16, 10, "device or resource busy";
    EEXIST = 17, 20, "file exists";
    EXDEV = 18, 75, "invalid cross-device link";
    ENODEV = 19, 43, "no such device";
    ENOTDIR = 20, 54, "not a directory";
    EISDIR = 21, 31, "is a directory";
    EINVAL = 22, 28, "invalid argument";
    ENFILE = 23, 41, "too many open files in system";
    EMFILE = 24, 33, "too many open files";
    ENOTTY = 25, 59, "inappropriate ioctl for device";
    ETXTBSY = 26, 74, "text file busy";
    EFBIG = 27, 22, "file too large";
    ENOSPC = 28, 51, "no space left on device";
    ESPIPE = 29, 70, "illegal seek";
    EROFS = 30, 69, "read-only file system";
    EMLINK = 31, 34, "too many links";
    EPIPE = 32, 64, "broken pipe";
    EDOM = 33, 18, "numerical argument out of domain";
    ERANGE = 34, 68, "numerical result out of range";
    EDEADLK = 35, 16, "resource deadlock avoided";
    ENAMETOOLONG = 36, 37, "file name too long";
    ENOLCK = 37, 46, "no locks available";
    ENOSYS = 38, 52, "function not implemented";
    ENOTEMPTY = 39, 55, "directory not empty";
    ELOOP = 40, 32, "too many levels of symbolic links";
    ENOMSG = 42, 49, "no message of desired type";
    EIDRM = 43, 24, "identifier removed";
    ENODATA = 61, 0, "no data available";
    EREMOTE = 66, 0, "object is remote";
    ENOLINK = 67, 47, "link has been severed";
    EPROTO = 71, 65, "protocol error";
    EMULTIHOP = 72, 36, "multihop attempted";
    EBADMSG = 74, 9, "bad message";
    EOVERFLOW = 75, 61, "value too large for defined data type";
    EILSEQ = 84, 25, "invalid or incomplete multibyte or wide character";
    EUSERS = 87, 0, "too many users";
    ENOTSOCK = 88, 57, "socket operation on non-socket";
    EDESTADDRREQ = 89, 17, "destination address required";
    EMSGSIZE = 90, 35, "message too long";
    EPROTOTYPE = 91, 67, "protocol wrong type for socket";
    ENOPROTOOPT = 92, 50, "protocol not available";
    EPROTONOSUPPORT = 93, 66, "protocol not supported";
    ESOCKTNOSUPPORT = 94, 0, "socket type not supported";
    ENOTSUP = 95, 58, "operation not supported";
    EPFNOSUPPORT = 96, 0, "protocol family not supported";
    EAFNOSUPPORT = 97, 5, "address family not supported by protocol";
    EADDRINUSE = 98, 3, "address already in use";
    EADDRNOTAVAIL = 99, 4, "cannot assign requested address";
    ENETDOWN = 100, 38, "network is down";
    ENETUNREACH = 101, 40, "network is unreachable";
    ENETRESET = 102, 39, "network dropped connection on reset";
    ECONNABORTED = 103, 13, "software caused connection abort";
    ECONNRESET = 104, 15, "connection reset by peer";
    ENOBUFS = 105, 42, "no buffer space available";
    EISCONN = 106, 30, "transport endpoint is already connected";
    ENOTCONN = 107, 53, "transport endpoint is not connected";
    ESHUTDOWN = 108, 0, "cannot send after transport endpoint shutdown";
    ETOOMANYREFS = 109, 0, "too many references: cannot splice";
    ETIMEDOUT = 110, 73, "connection timed out";
    ECONNREFUSED = 111, 14, "connection refused";
    EHOSTDOWN = 112, 0, "host is down";
    EHOSTUNREACH = 113, 23, "no route to host";
    EALREADY = 114, 7, "operation already in progress";
    EINPROGRESS = 115, 26, "operation now in progress";
    ESTALE = 116, 72, "stale file handle";
    EDQUOT = 122, 19, "disk quota exceeded";
    ECANCELED = 125, 11, "operation canceled";
    EOWNERDEAD = 130, 62, "owner died";
    ENOTRECOVERABLE = 131, 56, "state not recoverable";
}

impl Errno {
    /// The same as [`Errno::EAGAIN`].
    pub const EWOULDBLOCK: Errno = Errno::EAGAIN;
    /// The same as [`Errno::ENOTSUP`].
    pub const EOPNOTSUPP: Errno = Errno::ENOTSUP;
    /// The answer of `getxattr` and `removexattr` where there is no such attribute.
    pub const NO_XATTR: Errno = Errno::ENODATA;

    /// The error of a Linux number; `EIO` if it is not positive.
    pub fn from_i32(number: i32) -> Errno {
        match NonZeroI32::new(number) {
            Some(number) if number.get() > 0 => Errno(number),
            _ => Errno::EIO,
        }
    }

    /// The error of a WASI number, which is what `libc` and `io::Error` hold on `wasm32-wasip1`; `EIO` if unknown.
    pub fn from_wasi(number: i32) -> Errno {
        const NOT_CAPABLE: i32 = 76;
        match BOTH.iter().find(|(_, wasi)| *wasi == number && number != 0) {
            Some((linux, _)) => Errno::from_i32(*linux),
            None if number == NOT_CAPABLE => Errno::EACCES,
            None => Errno::EIO,
        }
    }

    /// Linux's number.
    pub fn code(self) -> i32 {
        self.0.get()
    }

    /// The number that this target's own library uses.
    #[cfg(feature = "std")]
    pub(crate) fn native(self) -> i32 {
        if cfg!(not(target_os = "wasi")) {
            return self.code();
        }
        match BOTH.iter().find(|(linux, _)| *linux == self.code()) {
            Some((_, wasi)) if *wasi != 0 => *wasi,
            _ => 29, // EIO
        }
    }
}

impl From<Errno> for i32 {
    fn from(errno: Errno) -> i32 {
        errno.code()
    }
}

#[cfg(feature = "std")]
impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        match error.raw_os_error() {
            Some(number) if cfg!(target_os = "wasi") => Errno::from_wasi(number),
            Some(number) => Errno::from_i32(number),
            None => error.kind().into(),
        }
    }
}

#[cfg(feature = "std")]
impl From<std::io::ErrorKind> for Errno {
    fn from(kind: std::io::ErrorKind) -> Errno {
        use std::io::ErrorKind;
        match kind {
            ErrorKind::NotFound => Errno::ENOENT,
            ErrorKind::PermissionDenied => Errno::EACCES,
            ErrorKind::AlreadyExists => Errno::EEXIST,
            ErrorKind::InvalidInput => Errno::EINVAL,
            ErrorKind::WouldBlock => Errno::EAGAIN,
            ErrorKind::Interrupted => Errno::EINTR,
            ErrorKind::TimedOut => Errno::ETIMEDOUT,
            ErrorKind::Unsupported => Errno::ENOSYS,
            ErrorKind::OutOfMemory => Errno::ENOMEM,
            _ => Errno::EIO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wasi_numbers_become_linux_numbers() {
        assert_eq!(Errno::from_wasi(44), Errno::ENOENT);
        assert_eq!(Errno::from_wasi(20), Errno::EEXIST);
        assert_eq!(Errno::from_wasi(76), Errno::EACCES);
        assert_eq!(Errno::from_wasi(0), Errno::EIO);
        assert_eq!(Errno::from_wasi(4096), Errno::EIO);
    }

    #[test]
    fn io_errors_keep_their_meaning() {
        let missing = std::fs::read("/nonexistent/file").unwrap_err();
        assert_eq!(Errno::from(missing), Errno::ENOENT);
        assert_eq!(Errno::from(std::io::ErrorKind::AlreadyExists), Errno::EEXIST);
    }
}
