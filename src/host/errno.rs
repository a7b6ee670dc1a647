//! Error numbers of host calls: one table that relates Linux's numbers to WASI's.
//!
//! Emscripten's libc uses WASI's numbers and adds more of its own from 100 up; programs for WASI proper know only
//! those up to [`LAST_WASI`]. Inside this crate an [`Errno`] always holds the Linux number.

/// The largest number that WASI preview 1 defines.
pub const LAST_WASI: u16 = 76;

/// WASI's "not supported", which Linux numbers as EOPNOTSUPP.
pub const WASI_NOTSUP: u16 = 58;

/// The answer of a host call that failed: a Linux error number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(pub i32);

/// Expands the table into constants and both directions of translation.
macro_rules! errnos {
    ($($name:ident = $linux:literal, $wasi:literal, $text:literal;)*) => {
        impl Errno {
            $(#[doc = $text] pub const $name: Errno = Errno($linux);)*

            /// Every row: Linux number, Emscripten's number, name.
            pub const TABLE: &'static [(i32, u16, &'static str)] = &[$(($linux, $wasi, stringify!($name)),)*];

            /// The symbolic name, if the table has one.
            pub fn name(self) -> Option<&'static str> {
                match self.0 { $($linux => Some(stringify!($name)),)* _ => None }
            }

            /// The number that Emscripten's libc uses; EIO for one that it does not know.
            pub fn emscripten(self) -> u16 {
                match self.0 { $($linux => $wasi,)* _ => 29 }
            }

            /// The Linux number of one of Emscripten's or WASI's.
            pub fn from_emscripten(number: u16) -> Option<Errno> {
                match number { $($wasi => Some(Errno($linux)),)* _ => None }
            }

            /// What the number means, in words.
            pub fn text(self) -> &'static str {
                match self.0 { $($linux => $text,)* _ => "unknown error" }
            }
        }
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
ENOLINK = 67, 47, "link has been severed";
EPROTO = 71, 65, "protocol error";
EMULTIHOP = 72, 36, "multihop attempted";
EBADMSG = 74, 9, "bad message";
EOVERFLOW = 75, 61, "value too large for defined data type";
EILSEQ = 84, 25, "invalid or incomplete multibyte or wide character";
ENOTSOCK = 88, 57, "socket operation on non-socket";
EDESTADDRREQ = 89, 17, "destination address required";
EMSGSIZE = 90, 35, "message too long";
EPROTOTYPE = 91, 67, "protocol wrong type for socket";
ENOPROTOOPT = 92, 50, "protocol not available";
EPROTONOSUPPORT = 93, 66, "protocol not supported";
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
ETIMEDOUT = 110, 73, "connection timed out";
ECONNREFUSED = 111, 14, "connection refused";
EHOSTUNREACH = 113, 23, "no route to host";
EALREADY = 114, 7, "operation already in progress";
EINPROGRESS = 115, 26, "operation now in progress";
ESTALE = 116, 72, "stale file handle";
EDQUOT = 122, 19, "disk quota exceeded";
ECANCELED = 125, 11, "operation canceled";
EOWNERDEAD = 130, 62, "owner died";
ENOTRECOVERABLE = 131, 56, "state not recoverable";
ENOSTR = 60, 100, "device not a stream";
EBFONT = 59, 101, "bad font file format";
EBADSLT = 57, 102, "invalid slot";
EBADRQC = 56, 103, "invalid request code";
ENOANO = 55, 104, "no anode";
ENOTBLK = 15, 105, "block device required";
ECHRNG = 44, 106, "channel number out of range";
EL3HLT = 46, 107, "level 3 halted";
EL3RST = 47, 108, "level 3 reset";
ELNRNG = 48, 109, "link number out of range";
EUNATCH = 49, 110, "protocol driver not attached";
ENOCSI = 50, 111, "no csi structure available";
EL2HLT = 51, 112, "level 2 halted";
EBADE = 52, 113, "invalid exchange";
EBADR = 53, 114, "invalid request descriptor";
EXFULL = 54, 115, "exchange full";
ENOTCAPABLE = 1076, 76, "capabilities insufficient";
ENODATA = 61, 116, "no data available";
ETIME = 62, 117, "timer expired";
ENOSR = 63, 118, "out of streams resources";
ENONET = 64, 119, "machine is not on the network";
ENOPKG = 65, 120, "package not installed";
EREMOTE = 66, 121, "object is remote";
EADV = 68, 122, "advertise error";
ESRMNT = 69, 123, "srmount error";
ECOMM = 70, 124, "communication error on send";
EDOTDOT = 73, 125, "rfs specific error";
ENOTUNIQ = 76, 126, "name not unique on network";
EBADFD = 77, 127, "file descriptor in bad state";
EREMCHG = 78, 128, "remote address changed";
ELIBACC = 79, 129, "can not access a needed shared library";
ELIBBAD = 80, 130, "accessing a corrupted shared library";
ELIBSCN = 81, 131, ".lib section in a.out corrupted";
ELIBMAX = 82, 132, "attempting to link in too many shared libraries";
ELIBEXEC = 83, 133, "cannot exec a shared library directly";
ERESTART = 85, 134, "interrupted system call should be restarted";
ESTRPIPE = 86, 135, "streams pipe error";
EUSERS = 87, 136, "too many users";
ESOCKTNOSUPPORT = 94, 137, "socket type not supported";
EOPNOTSUPP = 95, 138, "operation not supported";
EPFNOSUPPORT = 96, 139, "protocol family not supported";
ESHUTDOWN = 108, 140, "cannot send after transport endpoint shutdown";
ETOOMANYREFS = 109, 141, "too many references: cannot splice";
EHOSTDOWN = 112, 142, "host is down";
EUCLEAN = 117, 143, "structure needs cleaning";
ENOTNAM = 118, 144, "not a xenix named type file";
ENAVAIL = 119, 145, "no xenix semaphores available";
EISNAM = 120, 146, "is a named type file";
EREMOTEIO = 121, 147, "remote i/o error";
ENOMEDIUM = 123, 148, "no medium found";
EMEDIUMTYPE = 124, 149, "wrong medium type";
ENOKEY = 126, 150, "required key not available";
EKEYEXPIRED = 127, 151, "key has expired";
EKEYREVOKED = 128, 152, "key has been revoked";
EKEYREJECTED = 129, 153, "key was rejected by service";
ERFKILL = 132, 154, "operation not possible due to rf-kill";
EHWPOISON = 133, 155, "memory page has hardware error";
EL2NSYNC = 45, 156, "level 2 not synchronized";}

impl Errno {
    /// The number for a program that knows only WASI preview 1.
    pub fn wasi(self) -> u16 {
        match self.emscripten() {
            138 => WASI_NOTSUP,
            n if n <= LAST_WASI => n,
            _ => 29,
        }
    }

    /// As [`Errno::emscripten`], for a number that may be 0: no error.
    pub fn emscripten_or_zero(self) -> u16 {
        if self.0 == 0 { 0 } else { self.emscripten() }
    }

    /// What an Emscripten system call returns: the negated number.
    pub fn negated(self) -> i32 {
        -i32::from(self.emscripten())
    }

    /// The calling thread's `errno`, after a libc call that failed.
    pub fn last() -> Errno {
        std::io::Error::last_os_error().into()
    }
}

impl From<std::io::Error> for Errno {
    fn from(error: std::io::Error) -> Errno {
        Errno(error.raw_os_error().unwrap_or(Errno::EIO.0))
    }
}

impl std::fmt::Debug for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "errno {}", self.0),
        }
    }
}

impl std::fmt::Display for Errno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_a_bijection_and_agrees_with_libc() {
        for &(linux, wasi, name) in Errno::TABLE {
            assert_eq!(Errno(linux).emscripten(), wasi, "{name}");
            assert_eq!(Errno::from_emscripten(wasi), Some(Errno(linux)), "{name}");
        }
        assert_eq!(Errno::ENOTEMPTY.0, libc::ENOTEMPTY);
        assert_eq!(Errno::ELOOP.0, libc::ELOOP);
        assert_eq!(Errno::EOVERFLOW.0, libc::EOVERFLOW);
        assert_eq!(Errno::EOPNOTSUPP.0, libc::EOPNOTSUPP);
    }

    #[test]
    fn numbers_that_the_sdk_headers_state() {
        for (errno, expected) in [
            (Errno::EPERM, 63),
            (Errno::ENOENT, 44),
            (Errno::EAGAIN, 6),
            (Errno::EINVAL, 28),
            (Errno::EROFS, 69),
            (Errno::ENODATA, 116),
            (Errno::EOPNOTSUPP, 138),
            (Errno::EXDEV, 75),
        ] {
            assert_eq!(errno.emscripten(), expected);
        }
        assert_eq!(Errno::EOPNOTSUPP.wasi(), WASI_NOTSUP);
        assert_eq!(Errno::ENODATA.wasi(), 29);
        assert_eq!(Errno(9999).emscripten(), 29);
    }
}
