//! Mounting and unmounting, which this crate does itself.
//!
//! A [`Mount`] owns the connection and the place in the tree. It unmounts when dropped, and only what is its own:
//! before every unmount the id of the mount at the path is compared with the one that was found right after mounting.
//! fuser's own unmounting is not used: it looks at the device instead of the mount, and so may hit a filesystem that
//! was mounted there later.

mod direct;
mod helper;
mod place;
mod watcher;

use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use log::{debug, warn};

use crate::sys::{self, MountId};
use crate::transport::DevFuse;
use crate::{Error, MountOptions, Result};
use watcher::Watcher;

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmount {
    /// Fail when files are in use.
    Strict,
    /// Detach it when files are in use; they are served until they are closed.
    LazyIfBusy,
    /// Detach it at once.
    Lazy,
}

/// What an unmount did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmounted {
    /// The mount is gone.
    Gone,
    /// It is out of the tree, but files are still in use.
    Detached,
    /// It had been unmounted already, or something else is mounted there instead.
    NotOurs,
}

/// A mounted filesystem that nobody serves yet.
#[derive(Debug)]
pub struct Mount {
    device: Option<Arc<DevFuse>>,
    unmounter: Arc<Unmounter>,
    options: MountOptions,
}

impl Mount {
    /// Mounts on a directory. As root with mount(2); where that is not permitted, through `fusermount3`.
    pub fn new(mountpoint: impl AsRef<Path>, options: &MountOptions) -> Result<Mount> {
        let path = place::check(mountpoint.as_ref())?;
        let (root, _) = sys::effective_ids();
        if root != 0 {
            check_user_options(options)?;
        }
        let direct = if options.use_helper { None } else { direct::mount(&path, options)? };
        let via_helper = direct.is_none();
        let fd = match direct {
            Some(fd) => fd,
            None => helper::mount(&path, options)?,
        };
        let device = Arc::new(DevFuse::new(fd));
        let c_path = sys::c_path(&path).ok_or_else(|| Error::Mountpoint(path.clone(), libc::EINVAL))?;
        let identity = sys::mount_id(&c_path).map_err(|e| Error::Mountpoint(path.clone(), e))?;
        let unmounter = Unmounter {
            path,
            c_path,
            identity,
            via_helper,
            device: Mutex::new(Arc::downgrade(&device)),
            watcher: Mutex::new(None),
            done: Mutex::new(false),
        };
        let mount = Mount { device: Some(device), unmounter: Arc::new(unmounter), options: options.clone() };
        if options.auto_unmount {
            mount.unmounter.watch()?;
        }
        debug!("mounted on {} ({:?})", mount.path().display(), identity);
        Ok(mount)
    }

    /// Where it is mounted: absolute, without links.
    pub fn path(&self) -> &Path {
        &self.unmounter.path
    }

    /// The options that it was mounted with.
    pub fn options(&self) -> &MountOptions {
        &self.options
    }

    /// A handle that unmounts while others serve.
    pub fn unmounter(&self) -> Arc<Unmounter> {
        self.unmounter.clone()
    }

    /// The connection, once.
    pub(crate) fn take_device(&mut self) -> Option<Arc<DevFuse>> {
        self.device.take()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Unmounting may write back dirty pages, and this thread is the one that would have to answer. Closing the
        // device first aborts the connection, so nothing waits.
        self.device = None;
        if let Err(error) = self.unmounter.unmount(Unmount::LazyIfBusy) {
            warn!("{error}");
        }
        self.unmounter.stop_watching();
    }
}

fn check_user_options(options: &MountOptions) -> Result<()> {
    if options.dev {
        return Err(Error::OptionNeedsRoot("dev"));
    }
    if options.suid {
        return Err(Error::OptionNeedsRoot("suid"));
    }
    if (options.allow_other || options.allow_root) && !helper::conf_allows_other("/etc/fuse.conf") {
        return Err(Error::AllowOtherDenied);
    }
    Ok(())
}

/// Unmounts one mount, from any thread, at most once.
#[derive(Debug)]
pub struct Unmounter {
    path: PathBuf,
    c_path: CString,
    identity: MountId,
    via_helper: bool,
    device: Mutex<Weak<DevFuse>>,
    watcher: Mutex<Option<Watcher>>,
    done: Mutex<bool>,
}

impl Unmounter {
    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the topmost mount at the path is this one.
    pub fn is_ours(&self) -> bool {
        let Ok(found) = sys::mount_id(&self.c_path) else {
            return false;
        };
        if found != self.identity {
            return false;
        }
        if found.unique {
            return true;
        }
        // Before Linux 6.8 both numbers are reused. While our connection lives they are ours. After that the mount
        // can still be there (aborted connection): then a look at it fails like a dead mount's does.
        let alive = self.lock_device().upgrade().is_some_and(|device| !device.is_dead());
        alive || place::is_dead(&self.path)
    }

    /// Unmounts. While dirty pages may have to be written back, somebody must be serving: call it from a thread that
    /// does not, or after the connection was closed.
    pub fn unmount(&self, how: Unmount) -> Result<Unmounted> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if *done || !self.is_ours() {
            return Ok(Unmounted::NotOurs);
        }
        let result = match how {
            Unmount::Lazy => self.detach().map(|()| Unmounted::Detached),
            _ => match self.call(false) {
                Err(Error::Busy(_)) if how == Unmount::LazyIfBusy => self.detach().map(|()| Unmounted::Detached),
                other => other.map(|()| Unmounted::Gone),
            },
        };
        if result.is_ok() {
            *done = true;
            self.stop_watching();
        }
        result
    }

    fn detach(&self) -> Result<()> {
        self.call(true)
    }

    fn call(&self, lazy: bool) -> Result<()> {
        if self.via_helper && sys::effective_ids().0 != 0 {
            helper::unmount(&self.path, lazy)
        } else {
            direct::unmount(&self.path, &self.c_path, lazy)
        }
    }

    fn watch(self: &Arc<Self>) -> Result<()> {
        let helper = if sys::effective_ids().0 != 0 { Some(helper::find().ok_or(Error::HelperMissing)?) } else { None };
        let watcher = Watcher::start(&self.c_path, self.identity, helper.as_deref())
            .map_err(|e| Error::Resource("starting the process that watches for auto_unmount", e))?;
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
        Ok(())
    }

    fn stop_watching(&self) {
        drop(self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn lock_device(&self) -> std::sync::MutexGuard<'_, Weak<DevFuse>> {
        self.device.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Unmounts whatever FUSE filesystem is mounted at `path`, as `umount` or `fusermount3 -u` would.
pub fn unmount(path: impl AsRef<Path>, how: Unmount) -> Result<Unmounted> {
    let path = place::absolute(path.as_ref())?;
    match place::mounted_at(&path) {
        Some(kind) if place::is_fuse(&kind) => {}
        _ => return Err(Error::NotMounted(path)),
    }
    let c_path = sys::c_path(&path).ok_or_else(|| Error::Mountpoint(path.clone(), libc::EINVAL))?;
    let call = |lazy| match sys::effective_ids().0 {
        0 => direct::unmount(&path, &c_path, lazy),
        _ => helper::unmount(&path, lazy),
    };
    match how {
        Unmount::Lazy => call(true).map(|()| Unmounted::Detached),
        Unmount::Strict => call(false).map(|()| Unmounted::Gone),
        Unmount::LazyIfBusy => match call(false) {
            Err(Error::Busy(_)) => call(true).map(|()| Unmounted::Detached),
            other => other.map(|()| Unmounted::Gone),
        },
    }
}

/// Unmounts from a thread of its own, because unmounting may wait for requests that the caller is to serve.
pub(crate) fn unmount_in_background(unmounter: Arc<Unmounter>) {
    let work = move || match unmounter.unmount(Unmount::LazyIfBusy) {
        Ok(Unmounted::Detached) => {
            warn!("{}: files are in use; they are served until they are closed", unmounter.path.display());
        }
        Ok(Unmounted::NotOurs) if sys::mount_id(&unmounter.c_path).is_ok_and(|top| top != unmounter.identity) => {
            warn!("{}", Error::Covered(unmounter.path.clone()));
        }
        Ok(_) => {}
        Err(error) => warn!("{error}"),
    };
    if let Err(error) = std::thread::Builder::new().name("fuse-unmount".into()).spawn(work) {
        warn!("starting a thread to unmount: {error}");
    }
}
