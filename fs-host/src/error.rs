//! What can go wrong before and around serving, in words that say what the user can do.

use std::path::PathBuf;

use crate::GuestFault;
use crate::sys::Errno;

/// An error of mounting, serving or unmounting.
#[derive(Debug)]
pub enum Error {
    /// There is no `/dev/fuse`.
    NoDevice,
    /// `/dev/fuse` exists but cannot be opened.
    DeviceDenied(Errno),
    /// The mountpoint does not exist.
    MountpointMissing(PathBuf),
    /// The mountpoint is not a directory.
    NotADirectory(PathBuf),
    /// The mountpoint cannot be examined or used.
    Mountpoint(PathBuf, Errno),
    /// A FUSE filesystem is mounted there.
    AlreadyMounted(PathBuf),
    /// A FUSE filesystem is mounted there whose daemon is gone.
    DeadMount(PathBuf),
    /// Mounting is not permitted.
    MountDenied(PathBuf),
    /// mount(2) failed otherwise.
    MountFailed(PathBuf, Errno),
    /// There is no `fusermount3`, which mounts for users who are not root.
    HelperMissing,
    /// `fusermount3` said no; its own words.
    HelperFailed(String),
    /// `allow_other` or `allow_root` without permission.
    AllowOtherDenied,
    /// A mount option that makes no sense.
    BadOption(String),
    /// An option that only root may use.
    OptionNeedsRoot(&'static str),
    /// There is no FUSE mount at the path.
    NotMounted(PathBuf),
    /// Another filesystem is mounted over ours: unmounting would hit the wrong one.
    Covered(PathBuf),
    /// Files of the mount are in use.
    Busy(PathBuf),
    /// Unmounting failed otherwise.
    UnmountFailed(PathBuf, Errno),
    /// The kernel and this program do not agree on the protocol.
    Handshake(String),
    /// The guest refused to start, with this errno.
    InitRefused(Errno),
    /// The guest failed while it started.
    InitFault(GuestFault),
    /// The kernel's channel failed in a way that serving cannot go on.
    Channel(&'static str, Errno),
    /// A resource of this process could not be had.
    Resource(&'static str, std::io::Error),
}

fn reason(errno: Errno) -> std::io::Error {
    std::io::Error::from_raw_os_error(errno)
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use Error::*;
        match self {
            NoDevice => write!(
                f,
                "/dev/fuse does not exist: load the kernel module (modprobe fuse), \
                 or in a container pass the device (--device /dev/fuse)"
            ),
            DeviceDenied(e) => write!(
                f,
                "cannot open /dev/fuse: {}; its mode should be 0666, and a container must be allowed to use it",
                reason(*e)
            ),
            MountpointMissing(p) => write!(f, "{}: no such directory; create it first (mkdir)", p.display()),
            NotADirectory(p) => write!(f, "{}: not a directory; mount on a directory", p.display()),
            Mountpoint(p, e) => write!(f, "cannot use {} as a mountpoint: {}", p.display(), reason(*e)),
            AlreadyMounted(p) => write!(
                f,
                "{0}: a FUSE filesystem is already mounted there; unmount it first (fusermount3 -u {0}, or umount {0})",
                p.display()
            ),
            DeadMount(p) => write!(
                f,
                "{0}: a FUSE filesystem is mounted there whose program is gone; remove it (fusermount3 -uz {0}, or umount -l {0})",
                p.display()
            ),
            MountDenied(p) => write!(
                f,
                "not permitted to mount on {}: be its owner, or be root (in a container: with CAP_SYS_ADMIN)",
                p.display()
            ),
            MountFailed(p, e) => write!(f, "mounting on {} failed: {}", p.display(), reason(*e)),
            HelperMissing => write!(
                f,
                "fusermount3 was not found, which mounts for users other than root: install the package fuse3, or be root"
            ),
            HelperFailed(text) => write!(f, "fusermount3: {text}"),
            AllowOtherDenied => write!(
                f,
                "allow_other and allow_root are not permitted: add the line user_allow_other to /etc/fuse.conf, or be root"
            ),
            BadOption(text) => write!(f, "mount option {text}"),
            OptionNeedsRoot(name) => write!(f, "mount option {name} is only for root"),
            NotMounted(p) => write!(f, "{}: no FUSE filesystem is mounted there", p.display()),
            Covered(p) => write!(f, "{}: another filesystem is mounted over this one; unmount that first", p.display()),
            Busy(p) => write!(f, "{}: files are in use; close them, or detach it lazily (umount -l)", p.display()),
            UnmountFailed(p, e) => write!(f, "unmounting {} failed: {}", p.display(), reason(*e)),
            Handshake(text) => write!(f, "the kernel's FUSE handshake failed: {text}"),
            InitRefused(e) => write!(f, "the filesystem refused to start: {}", reason(*e)),
            InitFault(fault) => write!(f, "the filesystem failed while it started: {fault}"),
            Channel(what, e) => write!(f, "{what} the FUSE device failed: {}", reason(*e)),
            Resource(what, e) => write!(f, "{what}: {e}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::InitFault(fault) => Some(fault),
            Error::Resource(_, error) => Some(error),
            _ => None,
        }
    }
}

/// This crate's results.
pub type Result<T> = std::result::Result<T, Error>;
