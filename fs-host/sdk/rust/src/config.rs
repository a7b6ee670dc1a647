//! What a filesystem asks of whoever mounts it: mount options, and the kernel's parameters.

use crate::wire::Fixed;
use crate::{InitFlags, Version};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// How to mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Mount options.
    pub mount_options: Vec<MountOption>,
    /// Who may use the mount; for the user of `wasmjit` to decide.
    pub acl: SessionACL,
    /// Number of threads; the host decides.
    pub n_threads: Option<usize>,
    /// A channel for each thread; the host decides.
    pub clone_fd: bool,
}

/// Who may use the mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionACL {
    /// Everyone.
    All,
    /// Root and the owner.
    RootAndOwner,
    /// The owner.
    #[default]
    Owner,
}

/// A mount option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MountOption {
    /// Name of the source in the table of mounts.
    FSName(String),
    /// Kind of filesystem in the table of mounts, after `fuse.`.
    Subtype(String),
    /// An option without a name here.
    CUSTOM(String),
    /// Unmount when the host ends.
    AutoUnmount,
    /// The kernel checks permissions.
    DefaultPermissions,
    /// Devices work.
    Dev,
    /// Devices do not work.
    NoDev,
    /// Set-user-id works.
    Suid,
    /// Set-user-id does not work.
    NoSuid,
    /// Read-only.
    RO,
    /// Read and write.
    RW,
    /// Programs may be executed.
    Exec,
    /// Programs may not be executed.
    NoExec,
    /// Access times are kept.
    Atime,
    /// Access times are not kept.
    NoAtime,
    /// Changes of directories are synchronous.
    DirSync,
    /// All changes are synchronous.
    Sync,
    /// Changes are asynchronous.
    Async,
}

impl MountOption {
    /// Adds the option to a list for the host, commas in it escaped.
    fn write(&self, list: &mut String) {
        let (key, value) = match self {
            MountOption::FSName(value) => ("fsname=", value.as_str()),
            MountOption::Subtype(value) => ("subtype=", value.as_str()),
            MountOption::CUSTOM(value) => ("", value.as_str()),
            MountOption::AutoUnmount => ("auto_unmount", ""),
            MountOption::DefaultPermissions => ("default_permissions", ""),
            MountOption::Dev => ("dev", ""),
            MountOption::NoDev => ("nodev", ""),
            MountOption::Suid => ("suid", ""),
            MountOption::NoSuid => ("nosuid", ""),
            MountOption::RO => ("ro", ""),
            MountOption::RW => ("rw", ""),
            MountOption::Exec => ("exec", ""),
            MountOption::NoExec => ("noexec", ""),
            MountOption::Atime => ("atime", ""),
            MountOption::NoAtime => ("noatime", ""),
            MountOption::DirSync => ("dirsync", ""),
            MountOption::Sync => ("sync", ""),
            MountOption::Async => ("async", ""),
        };
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(key);
        for character in value.chars() {
            if (character == ',' && !key.is_empty()) || character == '\\' {
                list.push('\\');
            }
            list.push(character);
        }
    }
}

impl Config {
    /// The list of options that the host is asked for.
    pub(crate) fn wishes(&self) -> String {
        let mut list = String::new();
        for option in &self.mount_options {
            option.write(&mut list);
        }
        match self.acl {
            SessionACL::All => MountOption::CUSTOM("allow_other".into()).write(&mut list),
            SessionACL::RootAndOwner => MountOption::CUSTOM("allow_root".into()).write(&mut list),
            SessionACL::Owner => {}
        }
        list
    }
}

/// The largest write that may be asked for.
const LARGEST_WRITE: u32 = 16 << 20;
/// The largest write that the kernel sends unless it was told otherwise.
const USUAL_WRITE: u32 = 1 << 20;
/// Size of the kernel's pages, in which it counts requests.
const PAGE: u32 = 4096;

/// What the kernel offers, and what the filesystem asks of it.
#[derive(Debug)]
pub struct KernelConfig {
    offered: InitFlags,
    requested: InitFlags,
    max_readahead: u32,
    offered_readahead: u32,
    max_background: u16,
    congestion_threshold: Option<u16>,
    max_write: u32,
    time_gran: Duration,
    version: Version,
}

impl KernelConfig {
    pub(crate) fn new(offered: InitFlags, max_readahead: u32, version: Version) -> KernelConfig {
        let usual = InitFlags::FUSE_ASYNC_READ | InitFlags::FUSE_BIG_WRITES | InitFlags::FUSE_MAX_PAGES;
        KernelConfig {
            offered: offered - KernelConfig::unsupported(),
            requested: offered & usual,
            max_readahead,
            offered_readahead: max_readahead,
            max_background: 16,
            congestion_threshold: None,
            max_write: USUAL_WRITE,
            time_gran: Duration::from_nanos(1),
            version,
        }
    }

    /// What changes messages in ways that this crate does not decode, or is between kernel and host alone.
    fn unsupported() -> InitFlags {
        InitFlags::FUSE_SECURITY_CTX
            | InitFlags::FUSE_CREATE_SUPP_GROUP
            | InitFlags::FUSE_MAP_ALIGNMENT
            | InitFlags::FUSE_HAS_INODE_DAX
            | InitFlags::FUSE_PASSTHROUGH
            | InitFlags::FUSE_OVER_IO_URING
            | InitFlags::FUSE_REQUEST_TIMEOUT
            | InitFlags::FUSE_HAS_RESEND
            | InitFlags::FUSE_INIT_EXT
    }

    /// What the kernel can do.
    pub fn capabilities(&self) -> InitFlags {
        self.offered
    }

    /// The kernel's version of the protocol.
    pub fn kernel_abi(&self) -> Version {
        self.version
    }

    /// Asks for capabilities.
    ///
    /// # Errors
    /// Those that the kernel does not have; then none is asked for.
    pub fn add_capabilities(&mut self, wanted: InitFlags) -> Result<(), InitFlags> {
        let missing = wanted - self.offered;
        if !missing.is_empty() {
            return Err(missing);
        }
        self.requested |= wanted;
        Ok(())
    }

    /// Sets how many background requests may be pending; tells how many it was.
    ///
    /// # Errors
    /// The nearest value that works.
    pub fn set_max_background(&mut self, value: u16) -> Result<u16, u16> {
        if value == 0 {
            return Err(1);
        }
        Ok(core::mem::replace(&mut self.max_background, value))
    }

    /// Sets the number of background requests from which the filesystem counts as congested; tells what it was.
    ///
    /// # Errors
    /// The nearest value that works.
    pub fn set_congestion_threshold(&mut self, value: u16) -> Result<u16, u16> {
        if value == 0 {
            return Err(1);
        }
        let previous = self.congestion_threshold();
        self.congestion_threshold = Some(value);
        Ok(previous)
    }

    fn congestion_threshold(&self) -> u16 {
        let usual = (u32::from(self.max_background) * 3 / 4) as u16;
        self.congestion_threshold.unwrap_or(usual).min(self.max_background)
    }

    /// Sets the largest write in bytes; tells what it was.
    ///
    /// # Errors
    /// The nearest value that works.
    pub fn set_max_write(&mut self, value: u32) -> Result<u32, u32> {
        match value {
            0 => Err(1),
            value if value > LARGEST_WRITE => Err(LARGEST_WRITE),
            value => Ok(core::mem::replace(&mut self.max_write, value)),
        }
    }

    /// Sets how far the kernel reads ahead, in bytes; tells what it was.
    ///
    /// # Errors
    /// The nearest value that works.
    pub fn set_max_readahead(&mut self, value: u32) -> Result<u32, u32> {
        match value {
            0 => Err(1),
            value if value > self.offered_readahead => Err(self.offered_readahead),
            value => Ok(core::mem::replace(&mut self.max_readahead, value)),
        }
    }

    /// Sets the granularity of times, a power of ten nanoseconds up to a second; tells what it was.
    ///
    /// # Errors
    /// The nearest value that works.
    pub fn set_time_granularity(&mut self, value: Duration) -> Result<Duration, Duration> {
        let nanos = value.as_nanos();
        if nanos == 0 {
            return Err(Duration::from_nanos(1));
        }
        if nanos > 1_000_000_000 {
            return Err(Duration::from_secs(1));
        }
        let mut power = 1;
        while power < nanos {
            power *= 10;
        }
        if power != nanos {
            return Err(Duration::from_nanos((power / 10) as u64));
        }
        Ok(core::mem::replace(&mut self.time_gran, value))
    }

    /// What was asked for.
    pub(crate) fn requested(&self) -> InitFlags {
        self.requested
    }

    /// `fuse_init_out`.
    pub(crate) fn answer(&self, version: Version) -> Fixed {
        let mut flags = self.requested;
        if flags.bits() >> 32 != 0 {
            flags |= InitFlags::FUSE_INIT_EXT;
        }
        let pages = (self.max_write.max(self.max_readahead).max(1) - 1) / PAGE + 1;
        Fixed::new()
            .u32(version.0)
            .u32(version.1)
            .u32(self.max_readahead)
            .u32(flags.bits() as u32)
            .u16(self.max_background)
            .u16(self.congestion_threshold())
            .u32(self.max_write)
            .u32(self.time_gran.as_nanos() as u32)
            .u16(pages.min(u32::from(u16::MAX)) as u16)
            .u16(0)
            .u32((flags.bits() >> 32) as u32)
            .zeroes(28)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn wishes_are_escaped() {
        let config = Config {
            mount_options: vec![
                MountOption::FSName("a,b\\c".into()),
                MountOption::RO,
                MountOption::CUSTOM("x=1,y".into()),
            ],
            acl: SessionACL::All,
            ..Config::default()
        };
        assert_eq!(config.wishes(), "fsname=a\\,b\\\\c,ro,x=1,y,allow_other");
        assert_eq!(Config::default().wishes(), "");
    }

    #[test]
    fn limits_name_the_nearest_value() {
        let mut config = KernelConfig::new(InitFlags::FUSE_ASYNC_READ, 1 << 17, Version(7, 38));
        assert_eq!(config.set_max_write(0), Err(1));
        assert_eq!(config.set_max_write(1 << 30), Err(LARGEST_WRITE));
        assert_eq!(config.set_max_write(4096), Ok(USUAL_WRITE));
        assert_eq!(config.set_max_readahead(1 << 20), Err(1 << 17));
        assert_eq!(config.set_time_granularity(Duration::from_nanos(250)), Err(Duration::from_nanos(100)));
        assert_eq!(config.add_capabilities(InitFlags::FUSE_POSIX_LOCKS), Err(InitFlags::FUSE_POSIX_LOCKS));
        assert_eq!(config.requested(), InitFlags::FUSE_ASYNC_READ);
    }
}
