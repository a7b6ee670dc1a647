//! Mount options: which the kernel gets, which the host applies, and which are the guest's.
//!
//! | options | who acts |
//! |---|---|
//! | `ro rw noatime atime nosuid suid nodev dev noexec exec sync async dirsync` | the kernel, as mount flags |
//! | `allow_other default_permissions max_read= fsname= subtype=` | the kernel, as FUSE mount data |
//! | `allow_root` | the kernel gets `allow_other`; the server refuses other users, and lets the kernel cache no names and attributes, which it would show to everyone |
//! | `uid= gid= umask=` | the server, on every reply with attributes; so they work for every guest |
//! | `auto_unmount` | a watching process |
//! | everything else | the guest: [`MountOptions::guest`] keeps them in order |

use crate::{Error, Result};

/// Attribute values that replace those of the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttrOverride {
    /// Every file's owner.
    pub uid: Option<u32>,
    /// Every file's group.
    pub gid: Option<u32>,
    /// Every file has the permissions that this umask leaves.
    pub umask: Option<u32>,
    /// The kernel may not keep names and attributes: each caller is to be checked (`allow_root`).
    pub uncached: bool,
}

/// Parsed mount options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountOptions {
    /// Read-only.
    pub ro: bool,
    /// Every user may access the mount.
    pub allow_other: bool,
    /// The owner and root may.
    pub allow_root: bool,
    /// The kernel checks permissions by mode, owner and group.
    pub default_permissions: bool,
    /// Set-user-id bits are honoured (root only).
    pub suid: bool,
    /// Device files work (root only).
    pub dev: bool,
    /// No program can be executed.
    pub noexec: bool,
    /// Access times are not updated.
    pub noatime: bool,
    /// Writes are synchronous.
    pub sync: bool,
    /// Directory changes are synchronous.
    pub dirsync: bool,
    /// The mount goes away when this process does, however it dies.
    pub auto_unmount: bool,
    /// Largest read request in bytes.
    pub max_read: Option<u32>,
    /// The source that `mount` shows.
    pub fsname: Option<String>,
    /// The type that `mount` shows is `fuse.` and this.
    pub subtype: Option<String>,
    /// Attribute replacement.
    pub attr: AttrOverride,
    /// Mount by `fusermount3` even where mount(2) would do.
    pub use_helper: bool,
    /// Options that are not ours, for the guest.
    pub guest: Vec<String>,
}

impl MountOptions {
    /// Parses a comma-separated list as after `-o`. A backslash keeps a comma within a value.
    pub fn parse(text: &str) -> Result<Self> {
        let mut options = MountOptions::default();
        options.add(text)?;
        Ok(options)
    }

    /// Adds a further list; later options win.
    pub fn add(&mut self, text: &str) -> Result<()> {
        split(text).iter().filter(|word| !word.is_empty()).try_for_each(|word| self.add_one(word))
    }

    fn add_one(&mut self, word: &str) -> Result<()> {
        // Comments for other readers of the mount table.
        if word.starts_with("x-") {
            return Ok(());
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        if let Some(value) = value {
            return self.add_value(word, name, value);
        }
        match name {
            "ro" => self.ro = true,
            "rw" => self.ro = false,
            "allow_other" => self.allow_other = true,
            "allow_root" => self.allow_root = true,
            "default_permissions" => self.default_permissions = true,
            "suid" => self.suid = true,
            "nosuid" => self.suid = false,
            "dev" => self.dev = true,
            "nodev" => self.dev = false,
            "exec" => self.noexec = false,
            "noexec" => self.noexec = true,
            "atime" => self.noatime = false,
            "noatime" => self.noatime = true,
            "sync" => self.sync = true,
            "async" => self.sync = false,
            "dirsync" => self.dirsync = true,
            "auto_unmount" => self.auto_unmount = true,
            // What fstab adds for its own reader.
            "defaults" | "auto" | "noauto" | "user" | "nouser" | "users" | "nofail" | "_netdev" => {}
            "uid" | "gid" | "umask" | "max_read" | "fsname" | "subtype" => {
                return Err(Error::BadOption(format!("{name} needs a value ({name}=...)")));
            }
            _ => self.guest.push(word.to_owned()),
        }
        Ok(())
    }

    fn add_value(&mut self, word: &str, name: &str, value: &str) -> Result<()> {
        match name {
            "uid" => self.attr.uid = Some(number(word, value, 10)?),
            "gid" => self.attr.gid = Some(number(word, value, 10)?),
            "umask" => self.attr.umask = Some(number(word, value, 8)? & 0o777),
            "max_read" => self.max_read = Some(number(word, value, 10)?),
            "fsname" => self.fsname = Some(label(word, value)?),
            "subtype" => self.subtype = Some(label(word, value)?),
            _ => self.guest.push(word.to_owned()),
        }
        Ok(())
    }

    /// The flags of mount(2).
    pub fn mount_flags(&self) -> u64 {
        [
            (self.ro, libc::MS_RDONLY),
            (!self.suid, libc::MS_NOSUID),
            (!self.dev, libc::MS_NODEV),
            (self.noexec, libc::MS_NOEXEC),
            (self.noatime, libc::MS_NOATIME),
            (self.sync, libc::MS_SYNCHRONOUS),
            (self.dirsync, libc::MS_DIRSYNC),
        ]
        .into_iter()
        .filter(|(on, _)| *on)
        .fold(0, |flags, (_, flag)| flags | flag)
    }

    /// The FUSE options that go into mount data, for mount(2) and fusermount3 alike.
    pub(crate) fn fuse_data(&self) -> Vec<String> {
        let mut data = Vec::new();
        if self.allow_other || self.allow_root {
            data.push("allow_other".to_owned());
        }
        if self.default_permissions {
            data.push("default_permissions".to_owned());
        }
        if let Some(size) = self.max_read {
            data.push(format!("max_read={size}"));
        }
        data
    }

    /// Everything for `fusermount3 -o`.
    pub(crate) fn helper_options(&self) -> String {
        let mut list = self.fuse_data();
        let flags = [
            (self.ro, "ro"),
            (self.suid, "suid"),
            (self.dev, "dev"),
            (self.noexec, "noexec"),
            (self.noatime, "noatime"),
            (self.sync, "sync"),
            (self.dirsync, "dirsync"),
        ];
        list.extend(flags.iter().filter(|(on, _)| *on).map(|(_, name)| (*name).to_owned()));
        for (name, value) in [("fsname", &self.fsname), ("subtype", &self.subtype)] {
            if let Some(value) = value {
                // The helper takes a backslash as ours does.
                let value = value.replace('\\', "\\\\").replace(',', "\\,");
                list.push(format!("{name}={value}"));
            }
        }
        list.join(",")
    }
}

fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, words.last_mut()) {
            (',', _) => words.push(String::new()),
            ('\\', Some(word)) => word.extend(chars.next()),
            (c, Some(word)) => word.push(c),
            (_, None) => {}
        }
    }
    words
}

fn number(word: &str, value: &str, radix: u32) -> Result<u32> {
    u32::from_str_radix(value, radix)
        .map_err(|_| Error::BadOption(format!("{word}: not a number{}", if radix == 8 { " in octal" } else { "" })))
}

fn label(word: &str, value: &str) -> Result<String> {
    if value.is_empty() || value.contains(['\0', '\n']) {
        return Err(Error::BadOption(format!("{word}: not a usable name")));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_where_they_belong() {
        let o = MountOptions::parse(
            "ro,allow_root,default_permissions,uid=1000,umask=027,max_read=65536,noatime,noexec,\
             entry_timeout=5,kernel_cache,fsname=a\\,b,subtype=memfs,auto_unmount,x-gvfs-hide",
        )
        .unwrap();
        assert!(o.ro && o.allow_root && o.default_permissions && o.auto_unmount);
        assert_eq!(o.attr, AttrOverride { uid: Some(1000), umask: Some(0o027), ..Default::default() });
        assert_eq!(o.guest, ["entry_timeout=5", "kernel_cache"]);
        assert_eq!(o.fsname.as_deref(), Some("a,b"));
        let flags = libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_NOATIME;
        assert_eq!(o.mount_flags(), flags);
        assert_eq!(o.fuse_data(), ["allow_other", "default_permissions", "max_read=65536"]);
        assert_eq!(
            o.helper_options(),
            "allow_other,default_permissions,max_read=65536,ro,noexec,noatime,fsname=a\\,b,subtype=memfs"
        );
    }

    #[test]
    fn later_options_win_and_bad_ones_are_named() {
        assert!(!MountOptions::parse("ro,rw").unwrap().ro);
        assert_eq!(MountOptions::parse("suid,dev").unwrap().mount_flags(), 0);
        for bad in ["uid=x", "umask=9", "max_read=", "uid", "fsname="] {
            let message = MountOptions::parse(bad).unwrap_err().to_string();
            assert!(message.contains(bad.trim_end_matches('=')), "{message}");
        }
        assert_eq!(MountOptions::parse("").unwrap(), MountOptions::default());
        assert_eq!(MountOptions::parse(",,").unwrap(), MountOptions::default());
    }
}
