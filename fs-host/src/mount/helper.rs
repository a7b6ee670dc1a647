//! Mounting through `fusermount3`, the set-user-id helper of libfuse, for users other than root.
//!
//! The protocol: the helper gets one end of a socket pair by number in `_FUSE_COMMFD`, opens the device, mounts, and
//! passes the descriptor back over the socket.
#![allow(unsafe_code)]

use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Error, MountOptions, Result};

const NAMES: [&str; 2] = ["fusermount3", "fusermount"];
const PLACES: [&str; 4] = ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"];

/// Finds the helper in PATH and where distributions put it.
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).chain(PLACES.iter().map(PathBuf::from)).collect();
    NAMES.iter().flat_map(|name| places.iter().map(move |place| place.join(name))).find(|file| file.is_file())
}

/// Whether the configuration lets users use allow_other.
pub fn conf_allows_other(file: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| text.lines().any(|line| line.trim() == "user_allow_other"))
}

/// Mounts and returns the device.
pub fn mount(path: &Path, options: &MountOptions) -> Result<OwnedFd> {
    let resource = |e| Error::Resource("starting fusermount3", e);
    let helper = find().ok_or(Error::HelperMissing)?;
    let (ours, theirs) = UnixStream::pair().map_err(resource)?;
    let their_fd = theirs.as_raw_fd();
    let mut command = Command::new(helper);
    let list = options.helper_options();
    if !list.is_empty() {
        command.arg("-o").arg(list);
    }
    command.arg("--").arg(path).env("_FUSE_COMMFD", their_fd.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // SAFETY: between fork and exec only fcntl is called, which is async-signal-safe.
    unsafe {
        command.pre_exec(move || {
            if libc::fcntl(their_fd, libc::F_SETFD, 0) < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
        });
    }
    let mut child = command.spawn().map_err(resource)?;
    drop(theirs);
    let received = receive_fd(&ours);
    let mut words = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut words);
    }
    let _ = child.wait();
    received.map_err(|_| explain(path, &words))
}

/// Unmounts what this user mounted.
pub fn unmount(path: &Path, lazy: bool) -> Result<()> {
    let helper = find().ok_or(Error::HelperMissing)?;
    let mut command = Command::new(helper);
    command.arg("-u");
    if lazy {
        command.arg("-z");
    }
    let output = command
        .arg("--")
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::Resource("starting fusermount3", e))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(if words.contains("busy") {
        Error::Busy(path.to_owned())
    } else if words.contains("not found in") || words.contains("Invalid argument") {
        Error::NotMounted(path.to_owned())
    } else {
        Error::HelperFailed(words.trim().to_owned())
    })
}

/// Turns the helper's words into an error that says what to do.
fn explain(path: &Path, words: &str) -> Error {
    let has = |part: &str| words.contains(part);
    if has("user_allow_other") {
        Error::AllowOtherDenied
    } else if has("device not found") || has("/dev/fuse: No such") {
        Error::NoDevice
    } else if has("failed to open /dev/fuse") {
        Error::DeviceDenied(libc::EACCES)
    } else if has("write access") || has("Permission denied") || has("Operation not permitted") {
        Error::MountDenied(path.to_owned())
    } else if words.trim().is_empty() {
        Error::HelperFailed("ended without a word".to_owned())
    } else {
        Error::HelperFailed(words.trim().trim_start_matches("fusermount3: ").to_owned())
    }
}

/// Receives one descriptor. An end of file means that the helper failed.
fn receive_fd(socket: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0u8; 1];
    let mut iov = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    // u64s, because control messages need their alignment.
    let mut control = [0u64; 8];
    // SAFETY: a msghdr of zeroes is valid; every pointer put into it lives across the calls. CMSG_FIRSTHDR returns a
    // header within `control` or null, and the length is checked before the descriptor behind it is read.
    unsafe {
        let mut msg: libc::msghdr = std::mem::zeroed();
        msg.msg_iov = &raw mut iov;
        msg.msg_iovlen = 1;
        msg.msg_control = control.as_mut_ptr().cast();
        msg.msg_controllen = size_of_val(&control) as _;
        loop {
            let n = libc::recvmsg(socket.as_raw_fd(), &raw mut msg, libc::MSG_CMSG_CLOEXEC);
            if n > 0 {
                break;
            }
            let error = io::Error::last_os_error();
            if n == 0 || error.kind() != io::ErrorKind::Interrupted {
                return Err(if n == 0 { io::ErrorKind::UnexpectedEof.into() } else { error });
            }
        }
        let header = libc::CMSG_FIRSTHDR(&raw const msg);
        if header.is_null()
            || (*header).cmsg_level != libc::SOL_SOCKET
            || (*header).cmsg_type != libc::SCM_RIGHTS
            || ((*header).cmsg_len as usize) < libc::CMSG_LEN(4) as usize
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let fd = libc::CMSG_DATA(header).cast::<i32>().read_unaligned();
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_words_become_our_errors() {
        let at = Path::new("/mnt");
        let say = |words| explain(at, words);
        assert!(matches!(
            say("fusermount3: option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf"),
            Error::AllowOtherDenied
        ));
        assert!(matches!(say("fusermount3: user has no write access to mountpoint /mnt"), Error::MountDenied(_)));
        assert!(matches!(say("fusermount3: fuse device not found, try 'modprobe fuse' first"), Error::NoDevice));
        assert!(matches!(say("fusermount3: too many mounts"), Error::HelperFailed(t) if t == "too many mounts"));
    }
}
