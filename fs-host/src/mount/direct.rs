//! Mounting by mount(2), for those who may.

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::{Error, MountOptions, Result, sys};

/// Mounts; `None` when this process lacks the privilege (then the helper may have it).
pub fn mount(path: &Path, options: &MountOptions) -> Result<Option<OwnedFd>> {
    let fd = match open_device() {
        // The helper may open it for us.
        Err(Error::DeviceDenied(_)) if sys::effective_ids().0 != 0 => return Ok(None),
        other => other?,
    };
    let mode = std::fs::metadata(path).map_err(|e| fail(path, e.raw_os_error().unwrap_or(libc::EIO)))?.mode();
    let (uid, gid) = sys::effective_ids();
    let mut data = format!("fd={},rootmode={:o},user_id={uid},group_id={gid}", fd.as_raw_fd(), mode & 0o170000);
    for option in options.fuse_data() {
        data.push(',');
        data.push_str(&option);
    }
    let kind = options.subtype.as_ref().map_or_else(|| "fuse".to_owned(), |subtype| format!("fuse.{subtype}"));
    let source = options.fsname.as_ref().or(options.subtype.as_ref()).map_or("fuse", String::as_str);
    let text = |s: &str| CString::new(s).map_err(|_| Error::BadOption(format!("{s}: holds a NUL byte")));
    let target = sys::c_path(path).ok_or_else(|| fail(path, libc::EINVAL))?;
    match sys::mount(&text(source)?, &target, &text(&kind)?, options.mount_flags(), &text(&data)?) {
        Ok(()) => Ok(Some(fd)),
        Err(libc::EPERM) if uid == 0 => Err(Error::MountDenied(path.to_owned())),
        Err(libc::EPERM) => Ok(None),
        Err(libc::ENODEV) => Err(Error::NoDevice),
        Err(errno) => Err(fail(path, errno)),
    }
}

fn open_device() -> Result<OwnedFd> {
    sys::open_dev_fuse().map_err(|error| match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ENOENT | libc::ENODEV | libc::ENXIO => Error::NoDevice,
        errno => Error::DeviceDenied(errno),
    })
}

fn fail(path: &Path, errno: i32) -> Error {
    Error::MountFailed(path.to_owned(), errno)
}

/// umount2(2). The path has no links, and none is followed.
pub fn unmount(path: &Path, c_path: &CStr, lazy: bool) -> Result<()> {
    let flags = libc::UMOUNT_NOFOLLOW | if lazy { libc::MNT_DETACH } else { 0 };
    sys::umount2(c_path, flags).map_err(|errno| match errno {
        libc::EBUSY => Error::Busy(path.to_owned()),
        libc::EINVAL | libc::ENOENT => Error::NotMounted(path.to_owned()),
        errno => Error::UnmountFailed(path.to_owned(), errno),
    })
}
