//! Ways out of a granted directory, each tried through the calls that a guest has.

mod host_rig;

use host_rig::*;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wasmjit::host::{Errno, Policy};

/// A directory `in` that is granted as `/data`, and a secret beside it.
struct House {
    dir: tempfile::TempDir,
}

const SECRET: &str = "the secret";

impl House {
    fn new() -> House {
        let dir = tempfile::tempdir().expect("a directory");
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        fs::write(dir.path().join("out/secret"), SECRET).unwrap();
        fs::write(dir.path().join("in/file"), "inside").unwrap();
        fs::create_dir_all(dir.path().join("in/sub/deep")).unwrap();
        fs::write(dir.path().join("in/sub/deep/leaf"), "leaf").unwrap();
        House { dir }
    }

    fn inside(&self, path: &str) -> PathBuf {
        self.dir.path().join("in").join(path)
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn rig(&self) -> Rig {
        let mut policy = Policy::new();
        policy.dir(self.dir.path().join("in"), "/data", false).unwrap();
        Rig::new(&policy)
    }

    /// The world outside is as it was.
    fn intact(&self) {
        assert_eq!(fs::read_dir(self.out()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(self.out().join("secret")).unwrap(), SECRET);
        assert_eq!(fs::read_dir(self.dir.path()).unwrap().count(), 2);
    }
}

#[test]
fn dot_dot_goes_nowhere() {
    let house = House::new();
    let mut rig = house.rig();
    let real = house.out().join("secret");
    for path in [
        "/data/../out/secret",
        "/data/sub/../../out/secret",
        "/data/sub/deep/../../../out/secret",
        "../out/secret",
        "sub/../../out/secret",
        "/../../../../../../etc/passwd",
        "/data/../../../../../../etc/passwd",
        "../../../../../../../../etc/passwd",
        "/etc/passwd",
        real.to_str().unwrap(),
        "//data/./sub/.././../out/secret",
    ] {
        assert_eq!(rig.cat(path), Err(Errno::ENOENT), "{path}");
        assert!(rig.open(path, O_WRONLY | O_CREAT).is_err(), "{path}");
        assert!(rig.mode("__syscall_stat64", path).is_err(), "{path}");
        assert!(rig.path("__syscall_unlink", path, &[]).is_err(), "{path}");
    }
    // What stays inside works, however it winds.
    assert_eq!(rig.cat("/data/sub/../file").unwrap(), "inside");
    assert_eq!(rig.cat("sub/deep/../../file").unwrap(), "inside");
    assert_eq!(rig.cat("/data/../data/file").unwrap(), "inside");
    assert_eq!(rig.cat("../data/file").unwrap(), "inside");
    house.intact();
}

#[test]
fn directory_descriptors_stay_in_their_grant() {
    let house = House::new();
    let mut rig = house.rig();
    let deep = rig.open("/data/sub/deep", O_DIRECTORY).unwrap();
    assert_eq!(rig.catat(deep, "leaf").unwrap(), "leaf");
    assert_eq!(rig.catat(deep, "../../file").unwrap(), "inside");
    assert_eq!(rig.catat(deep, "../deep/../../sub/../file").unwrap(), "inside");
    for path in ["../../../out/secret", "../../..", "../../../../../../etc/passwd", "../../../data/file"] {
        assert_eq!(rig.catat(deep, path), Err(Errno::EXDEV), "{path}");
    }
    let name = rig.str("../../../out/x");
    assert!(rig.sys("__syscall_mkdirat", &[i64::from(deep), name, 0o755]).is_err());
    // A descriptor of a directory that was moved out of the grant still does not lead up.
    fs::rename(house.inside("sub/deep"), house.dir.path().join("out/deep")).unwrap();
    assert_eq!(rig.catat(deep, "../secret"), Err(Errno::EXDEV));
    assert_eq!(rig.catat(deep, "../../in/file"), Err(Errno::EXDEV));
    fs::rename(house.dir.path().join("out/deep"), house.inside("sub/deep")).unwrap();
    house.intact();
}

#[test]
fn symbolic_links_are_the_guests() {
    let house = House::new();
    symlink(house.out().join("secret"), house.inside("absolute")).unwrap();
    symlink(house.out(), house.inside("absolute-dir")).unwrap();
    symlink("../out/secret", house.inside("relative")).unwrap();
    symlink("../../out", house.inside("sub/relative-dir")).unwrap();
    symlink("/data/file", house.inside("in-guest")).unwrap();
    symlink("../file", house.inside("sub/within")).unwrap();
    symlink("loop-b", house.inside("loop-a")).unwrap();
    symlink("loop-a", house.inside("loop-b")).unwrap();
    symlink("/", house.inside("root")).unwrap();
    let mut rig = house.rig();
    for path in ["absolute", "absolute-dir/secret", "relative", "sub/relative-dir/secret", "root/etc/passwd"] {
        assert_eq!(rig.cat(path), Err(Errno::ENOENT), "{path}");
        assert!(rig.open(path, O_WRONLY | O_CREAT | O_TRUNC).is_err(), "{path}");
        assert!(rig.path("__syscall_truncate64", path, &[0]).is_err(), "{path}");
        assert!(rig.path("__syscall_chmod", path, &[0o777]).is_err(), "{path}");
    }
    assert!(rig.names("absolute-dir").is_err());
    assert!(rig.path("__syscall_chdir", "absolute-dir", &[]).is_err());
    // A link that the guest sees lead somewhere leads there.
    assert_eq!(rig.cat("in-guest").unwrap(), "inside");
    assert_eq!(rig.cat("sub/within").unwrap(), "inside");
    assert_eq!(rig.cat("root/data/file").unwrap(), "inside");
    assert_eq!(rig.cat("loop-a"), Err(Errno::ELOOP));
    assert_eq!(rig.open("absolute", O_NOFOLLOW), Err(Errno::ELOOP));
    // The links themselves can be seen and removed.
    assert_eq!(rig.readlink("relative").unwrap(), "../out/secret");
    assert_eq!(rig.mode("__syscall_lstat64", "relative").unwrap() & 0o170000, 0o120000);
    rig.path("__syscall_unlink", "absolute", &[]).unwrap();
    rig.two("__syscall_rename", "relative", "renamed").unwrap();
    assert_eq!(rig.readlink("renamed").unwrap(), "../out/secret");
    // The guest's own links are no way out either.
    rig.two("__syscall_symlink", "/../../etc/passwd", "mine").unwrap();
    assert_eq!(rig.cat("mine"), Err(Errno::ENOENT));
    house.intact();
}

#[test]
fn trailing_slashes_do_not_follow_links_out() {
    let house = House::new();
    symlink("../out", house.inside("link")).unwrap();
    symlink(house.out(), house.inside("absolute")).unwrap();
    symlink("sub", house.inside("good")).unwrap();
    let mut rig = house.rig();
    for link in ["link/", "absolute/", "link//", "link/."] {
        assert_eq!(rig.mode("__syscall_lstat64", link), Err(Errno::ENOENT), "{link}");
        assert_eq!(rig.mode("__syscall_stat64", link), Err(Errno::ENOENT), "{link}");
        assert!(rig.readlink(link).is_err(), "{link}");
        assert!(rig.path("__syscall_rmdir", link, &[]).is_err(), "{link}");
        assert!(rig.path("__syscall_unlink", link, &[]).is_err(), "{link}");
        assert!(rig.two("__syscall_rename", link, "other").is_err(), "{link}");
        assert!(rig.path("__syscall_lchown32", link, &[0, 0]).is_err(), "{link}");
        assert!(rig.two("__syscall_link", link, "other").is_err(), "{link}");
        assert!(rig.path("__syscall_mkdir", link, &[0o755]).is_err(), "{link}");
        assert!(rig.open(link, O_DIRECTORY).is_err(), "{link}");
    }
    // As on Linux, where they mean a directory.
    assert_eq!(rig.mode("__syscall_lstat64", "good/").unwrap() & 0o170000, 0o040000);
    assert_eq!(rig.mode("__syscall_lstat64", "good").unwrap() & 0o170000, 0o120000);
    assert_eq!(rig.mode("__syscall_stat64", "file/"), Err(Errno::ENOTDIR));
    assert_eq!(rig.path("__syscall_unlink", "file/", &[]), Err(Errno::ENOTDIR));
    assert_eq!(rig.open("new/", O_CREAT | O_WRONLY), Err(Errno::EISDIR));
    rig.path("__syscall_mkdir", "made/", &[0o755]).unwrap();
    rig.path("__syscall_rmdir", "made//", &[]).unwrap();
    assert_eq!(rig.path("__syscall_rmdir", "sub/.", &[]), Err(Errno::EINVAL));
    assert_eq!(rig.path("__syscall_rmdir", "sub/..", &[]), Err(Errno::ENOTEMPTY));
    assert_eq!(rig.path("__syscall_rmdir", "/data", &[]), Err(Errno::EBUSY));
    assert_eq!(rig.two("__syscall_rename", "/data", "/data/x"), Err(Errno::EBUSY));
    assert_eq!(rig.path("__syscall_mkdir", "/data/", &[0o755]), Err(Errno::EEXIST));
    house.intact();
}

#[test]
fn creating_through_a_dangling_link_stays_inside() {
    let house = House::new();
    symlink("../out/new", house.inside("relative")).unwrap();
    symlink(house.out().join("new"), house.inside("absolute")).unwrap();
    symlink("made", house.inside("good")).unwrap();
    symlink("/data/guest-made", house.inside("in-guest")).unwrap();
    symlink("/new-in-root", house.inside("root-link")).unwrap();
    let mut rig = house.rig();
    for link in ["relative", "absolute", "root-link"] {
        assert!(rig.open(link, O_CREAT | O_WRONLY).is_err(), "{link}");
        assert_eq!(rig.open(link, O_CREAT | O_EXCL | O_WRONLY), Err(Errno::EEXIST), "{link}");
    }
    for (link, target) in [("good", "made"), ("in-guest", "guest-made")] {
        let fd = rig.open(link, O_CREAT | O_WRONLY).unwrap();
        rig.close(fd);
        assert!(house.inside(target).exists(), "{link}");
    }
    house.intact();
}

#[test]
fn magic_links_are_not_followed() {
    let house = House::new();
    let me = format!("/proc/{}", std::process::id());
    // What `root` in a process's folder leads to: the whole machine.
    let through_root = |process: &str| [process, "root", "etc/passwd"].join("/");
    symlink(through_root("/proc/self"), house.inside("passwd")).unwrap();
    symlink(format!("{me}/cwd"), house.inside("cwd")).unwrap();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/data", false).unwrap().dir("/proc", "/proc", true).unwrap();
    let mut rig = Rig::new(&policy);
    for path in [
        through_root("/proc/self"),
        through_root(&me),
        format!("{me}/cwd/Cargo.toml"),
        format!("{me}/fd/0"),
        format!("{me}/exe"),
        "/data/passwd".to_string(),
        "/data/cwd/Cargo.toml".to_string(),
    ] {
        assert!(rig.cat(&path).is_err(), "{path}");
        assert!(rig.open(&path, O_PATH).is_err(), "{path}");
        assert!(rig.mode("__syscall_stat64", &path).is_err(), "{path}");
    }
    assert!(rig.cat("/proc/version").is_ok());
    // Every descriptor of this process is refused, not only the ones that exist by chance.
    for fd in 0..64 {
        assert!(rig.open(&format!("{me}/fd/{fd}"), 0).is_err());
    }
}

/// Runs `swap` on another thread, over and over, while the test goes on.
fn meanwhile<R>(swap: impl Fn() + Send + 'static, test: impl FnOnce() -> R) -> R {
    let stop = Arc::new(AtomicBool::new(false));
    let thread = {
        let stop = stop.clone();
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                swap();
            }
        })
    };
    let result = test();
    stop.store(true, Ordering::Relaxed);
    thread.join().expect("the other thread");
    result
}

/// Exchanges two names.
fn exchange(a: &Path, b: &Path) {
    let path = |p: &Path| std::ffi::CString::new(p.to_str().unwrap()).unwrap();
    let (a, b) = (path(a), path(b));
    #[allow(unsafe_code)]
    // SAFETY: two strings and a flag.
    unsafe {
        libc::renameat2(libc::AT_FDCWD, a.as_ptr(), libc::AT_FDCWD, b.as_ptr(), libc::RENAME_EXCHANGE);
    }
}

#[test]
fn a_directory_that_becomes_a_link_during_the_walk() {
    let house = House::new();
    fs::create_dir(house.inside("swap")).unwrap();
    fs::write(house.inside("swap/secret"), "inside").unwrap();
    symlink("../out", house.inside("other")).unwrap();
    symlink(house.out(), house.inside("absolute")).unwrap();
    let mut rig = house.rig();
    for other in ["other", "absolute"] {
        let (a, b) = (house.inside("swap"), house.inside(other));
        let mut seen = 0;
        meanwhile(
            move || exchange(&a, &b),
            || {
                for _ in 0..3000 {
                    match rig.cat("/data/swap/secret") {
                        Ok(content) => {
                            assert_eq!(content, "inside");
                            seen += 1;
                        }
                        Err(errno) => assert!(
                            [Errno::ENOENT, Errno::EAGAIN, Errno::ENOTDIR, Errno::EXDEV].contains(&errno),
                            "{errno:?}"
                        ),
                    }
                    let _ = rig.open("/data/swap/made", O_CREAT | O_WRONLY).map(|fd| rig.close(fd));
                    let _ = rig.path("__syscall_unlink", "/data/swap/made", &[]);
                    assert_ne!(rig.cat("sub/../swap/../swap/secret").as_deref(), Ok(SECRET));
                }
            },
        );
        assert!(seen > 0);
        // Leave the directory where it was.
        if house.inside("swap").is_symlink() {
            exchange(&house.inside("swap"), &house.inside(other));
        }
    }
    house.intact();
}

#[test]
fn a_directory_that_moves_out_during_dot_dot() {
    let house = House::new();
    fs::create_dir_all(house.inside("a/b/c")).unwrap();
    let mut rig = house.rig();
    let dir = rig.open("/data/a/b/c", O_DIRECTORY).unwrap();
    let (home, away) = (house.inside("a/b"), house.dir.path().join("out/b"));
    meanwhile(
        {
            let (home, away) = (home.clone(), away.clone());
            move || {
                let _ = fs::rename(&home, &away);
                let _ = fs::rename(&away, &home);
            }
        },
        || {
            for _ in 0..5000 {
                for path in ["../../secret", "../../../out/secret", "../../../../out/secret"] {
                    assert_ne!(rig.catat(dir, path).as_deref(), Ok(SECRET), "{path}");
                }
                assert_ne!(rig.cat("/data/a/b/c/../../secret").as_deref(), Ok(SECRET));
            }
        },
    );
    let _ = fs::rename(&away, &home);
    house.intact();
}

#[test]
fn read_only_grants_refuse_every_write() {
    let house = House::new();
    symlink("file", house.inside("link")).unwrap();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/ro", true).unwrap();
    let mut rig = Rig::new(&policy);
    let erofs = Err(Errno::EROFS);
    for flags in [O_WRONLY, O_RDWR, O_TRUNC, O_WRONLY | O_CREAT, O_RDWR | O_CREAT | O_TRUNC] {
        assert_eq!(rig.open("/ro/file", flags).map(i64::from), erofs, "{flags:o}");
    }
    assert_eq!(rig.open("/ro", O_TMPFILE | O_RDWR).map(i64::from), erofs);
    assert_eq!(rig.open("/ro/new", O_CREAT).map(i64::from), erofs);
    assert_eq!(rig.open("/ro/file", O_CREAT | O_EXCL).map(i64::from), Err(Errno::EEXIST));
    assert_eq!(rig.open("/ro/none", O_WRONLY).map(i64::from), Err(Errno::ENOENT));
    assert!(rig.open("/ro/file", O_CREAT).is_ok());
    for name in ["__syscall_unlink", "__syscall_rmdir"] {
        assert_eq!(rig.path(name, "/ro/sub", &[]), erofs, "{name}");
    }
    for (name, rest) in [
        ("__syscall_mkdir", vec![0o755]),
        ("__syscall_mknod", vec![0o10644, 0]),
        ("__syscall_chmod", vec![0o600]),
        ("__syscall_chown32", vec![-1, -1]),
        ("__syscall_lchown32", vec![-1, -1]),
        ("__syscall_truncate64", vec![0]),
    ] {
        let path = if name.contains("mk") { "/ro/new" } else { "/ro/file" };
        assert_eq!(rig.path(name, path, &rest), erofs, "{name}");
    }
    assert_eq!(rig.path("__syscall_mkdir", "/ro/sub", &[0o755]), Err(Errno::EEXIST));
    for (name, a, b) in [
        ("__syscall_rename", "/ro/file", "/ro/file2"),
        ("__syscall_link", "/ro/file", "/ro/file2"),
        ("__syscall_symlink", "x", "/ro/file2"),
    ] {
        assert_eq!(rig.two(name, a, b), erofs, "{name}");
    }
    assert_eq!(rig.at("__syscall_utimensat", CWD, "/ro/file", &[0, 0]), erofs);
    assert_eq!(rig.at("__syscall_faccessat", CWD, "/ro/file", &[2, 0]), erofs);
    let (key, value) = (rig.str("user.x"), rig.str("v"));
    assert_eq!(rig.path("__syscall_setxattr", "/ro/file", &[key, value, 1, 0]), erofs);
    assert_eq!(rig.path("__syscall_removexattr", "/ro/file", &[key]), erofs);
    let fd = rig.open("/ro/file", 0).unwrap();
    let fd = i64::from(fd);
    assert_eq!(rig.sys("__syscall_fchmod", &[fd, 0o777]), erofs);
    assert_eq!(rig.sys("__syscall_fchown32", &[fd, -1, -1]), erofs);
    assert_eq!(rig.sys("__syscall_utimensat", &[fd, 0, 0, 0]), erofs);
    assert_eq!(rig.sys("__syscall_fsetxattr", &[fd, key, value, 1, 0]), erofs);
    assert_eq!(rig.wasi("fd_filestat_set_times", &[fd, 0, 0, 2]), Err(Errno::EROFS));
    assert!(rig.sys("__syscall_ftruncate64", &[fd, 0]).is_err());
    assert!(rig.sys("__syscall_fallocate", &[fd, 0, 0, 10]).is_err());
    assert_eq!(rig.cat("/ro/file").unwrap(), "inside");
}

#[test]
fn rights_do_not_travel_between_grants() {
    let house = House::new();
    fs::create_dir(house.dir.path().join("rw")).unwrap();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/ro", true).unwrap().dir(house.dir.path().join("rw"), "/rw", false).unwrap();
    let mut rig = Rig::new(&policy);
    // A second name of a read-only file would be a way to write it.
    assert_eq!(rig.two("__syscall_link", "/ro/file", "/rw/file"), Err(Errno::EXDEV));
    assert_eq!(rig.two("__syscall_rename", "/ro/file", "/rw/file"), Err(Errno::EROFS));
    assert_eq!(rig.two("__syscall_symlink", "/ro/file", "/rw/link").unwrap(), 0);
    assert_eq!(rig.cat("/rw/link").unwrap(), "inside");
    assert_eq!(rig.open("/rw/link", O_WRONLY), Err(Errno::EROFS));
    assert_eq!(rig.open("/rw/../ro/file", O_WRONLY), Err(Errno::EROFS));
    assert_eq!(rig.path("__syscall_truncate64", "/rw/link", &[0]), Err(Errno::EROFS));
    assert_eq!(fs::read_to_string(house.inside("file")).unwrap(), "inside");
}

#[test]
fn privileges_of_the_host_are_not_handed_out() {
    let house = House::new();
    let mut rig = house.rig();
    for mode in [0o020666, 0o060666] {
        assert_eq!(rig.path("__syscall_mknod", "/data/dev", &[mode, 0x103]), Err(Errno::EPERM));
    }
    let value = rig.str("v");
    for key in ["security.capability", "trusted.x", "security.selinux"] {
        let key = rig.str(key);
        assert_eq!(rig.path("__syscall_setxattr", "/data/file", &[key, value, 1, 0]), Err(Errno::EPERM));
    }
    let va = rig.room(8);
    let fd = rig.open("/data/file", 0).unwrap();
    // Requests that could do more than look are not passed on (BLKFLSBUF, TIOCSTI, FS_IOC_SETFLAGS).
    for request in [0x1261i64, 0x5412, 0x4008_6602] {
        assert_eq!(rig.sys("__syscall_ioctl", &[i64::from(fd), request, va]), Err(Errno::ENOTTY));
    }
}

#[test]
fn the_tree_above_the_grants_can_be_walked_but_not_changed() {
    let house = House::new();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/home/guest/data", false).unwrap().dir(house.out(), "/srv", true).unwrap();
    let mut rig = Rig::new(&policy);
    assert_eq!(rig.names("/").unwrap(), [".", "..", "home", "srv"]);
    assert_eq!(rig.names("/home/").unwrap(), [".", "..", "guest"]);
    assert_eq!(rig.mode("__syscall_stat64", "/home").unwrap(), 0o040555);
    assert_eq!(rig.path("__syscall_mkdir", "/home", &[0o755]), Err(Errno::EEXIST));
    assert_eq!(rig.path("__syscall_mkdir", "/new", &[0o755]), Err(Errno::EROFS));
    assert_eq!(rig.open("/home/x", O_CREAT | O_WRONLY), Err(Errno::EROFS));
    assert_eq!(rig.open("/home", O_WRONLY), Err(Errno::EISDIR));
    assert_eq!(rig.readlink("/home"), Err(Errno::EINVAL));
    assert_eq!(rig.path("__syscall_unlink", "/nothing", &[]), Err(Errno::ENOENT));
    assert_eq!(rig.path("__syscall_rmdir", "/home", &[]), Err(Errno::EBUSY));
    rig.path("__syscall_chdir", "/home", &[]).unwrap();
    assert_eq!(rig.getcwd().unwrap(), "/home");
    assert_eq!(rig.cat("guest/data/file").unwrap(), "inside");
    assert_eq!(rig.cat("../srv/secret").unwrap(), SECRET);
    rig.path("__syscall_chdir", "guest/data/sub/deep", &[]).unwrap();
    assert_eq!(rig.getcwd().unwrap(), "/home/guest/data/sub/deep");
    assert_eq!(rig.cat("../../file").unwrap(), "inside");
    assert_eq!(rig.cat("../../../../../srv/secret").unwrap(), SECRET);
    fs::rename(house.inside("sub"), house.inside("moved")).unwrap();
    assert_eq!(rig.getcwd().unwrap(), "/home/guest/data/moved/deep");
}

#[test]
fn grants_inside_of_grants_cover_what_is_below() {
    let house = House::new();
    fs::create_dir(house.inside("cover")).unwrap();
    fs::write(house.inside("cover/secret"), "covered").unwrap();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/", false).unwrap().dir(house.out(), "/cover", true).unwrap();
    let mut rig = Rig::new(&policy);
    for path in ["/cover/secret", "cover/secret", "/sub/../cover/secret", "./cover/../cover/secret", "/../cover/secret"]
    {
        assert_eq!(rig.cat(path).as_deref(), Ok(SECRET), "{path}");
    }
    assert_eq!(rig.open("cover/new", O_CREAT | O_WRONLY), Err(Errno::EROFS));
    assert_eq!(rig.path("__syscall_rmdir", "/cover", &[]), Err(Errno::EBUSY));
    assert_eq!(rig.cat("/../../file").unwrap(), "inside");
}

#[test]
fn a_single_file_can_be_granted() {
    let house = House::new();
    let mut policy = Policy::new();
    policy.dir(house.inside("file"), "/image", true).unwrap();
    let mut rig = Rig::new(&policy);
    assert_eq!(rig.cat("/image").unwrap(), "inside");
    assert_eq!(rig.names("/").unwrap(), [".", "..", "image"]);
    assert_eq!(rig.open("/image", O_RDWR), Err(Errno::EROFS));
    assert_eq!(rig.cat("/image/x"), Err(Errno::ENOTDIR));
    assert_eq!(rig.cat("/image/../sub/deep/leaf"), Err(Errno::ENOTDIR));
    assert_eq!(rig.cat("/sub/deep/leaf"), Err(Errno::ENOENT));
    assert_eq!(rig.path("__syscall_unlink", "/image", &[]), Err(Errno::EISDIR));
}

#[test]
fn standard_devices_can_be_used_and_not_changed() {
    use std::os::unix::fs::MetadataExt;
    let house = House::new();
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/data", false).unwrap().standard_devices(true);
    let mut rig = Rig::new(&policy);
    assert_eq!(rig.names("/dev").unwrap(), [".", "..", "full", "null", "random", "urandom", "zero"]);
    let before = fs::metadata("/dev/null").unwrap();
    for name in ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"] {
        assert!(rig.open(name, O_WRONLY | O_CREAT).is_ok(), "{name}");
        assert!(rig.open(name, O_RDWR).is_ok(), "{name}");
        assert_eq!(rig.path("__syscall_chmod", name, &[0o600]), Err(Errno::EROFS), "{name}");
        assert!(rig.path("__syscall_unlink", name, &[]).is_err(), "{name}");
        let fd = rig.open(name, 0).unwrap();
        assert_eq!(rig.sys("__syscall_fchmod", &[i64::from(fd), 0o600]), Err(Errno::EROFS), "{name}");
    }
    let after = fs::metadata("/dev/null").unwrap();
    assert_eq!((before.mode(), before.ctime()), (after.mode(), after.ctime()));
    assert!(rig.open("/dev/mem", 0).is_err() && rig.open("/dev/null/../mem", 0).is_err());
    assert!(rig.open("/dev/new", O_WRONLY | O_CREAT).is_err());
    // The current directory and the directories that WASI programs find are what was granted, as ever.
    assert_eq!(rig.cat("file").unwrap(), "inside");
    // A granted directory covers them.
    let mut policy = Policy::new();
    policy.dir(house.inside(""), "/dev", false).unwrap().standard_devices(true);
    assert_eq!(Rig::new(&policy).open("/dev/null", 0), Err(Errno::ENOENT));
}

#[test]
fn wasi_paths_stay_below_their_directory() {
    let house = House::new();
    symlink("../../out", house.inside("sub/link")).unwrap();
    symlink("../file", house.inside("sub/up")).unwrap();
    let mut rig = house.rig();
    let sub = rig.open("/data/sub", O_DIRECTORY).unwrap();
    let out = rig.room(8);
    for path in ["../file", "..", "/data/file", "up", "link/secret", "deep/../../file"] {
        let at = rig.bytes(path.as_bytes());
        let args = [i64::from(sub), 1, at, path.len() as i64, 0, 2, 0, 0, out];
        assert_eq!(rig.wasi("path_open", &args), Err(Errno::EPERM), "{path}");
    }
    let at = rig.bytes(b"deep/../deep/leaf");
    rig.wasi("path_open", &[i64::from(sub), 1, at, 17, 0, 2, 0, 0, out]).unwrap();
    house.intact();
}

#[test]
fn open_files_are_capped_and_none_leaks() {
    let house = House::new();
    let before = open_descriptors();
    {
        let mut policy = Policy::new();
        policy.dir(house.inside(""), "/data", false).unwrap().max_files(20);
        let mut rig = Rig::new(&policy);
        let mut open = Vec::new();
        let errno = loop {
            match rig.open("/data/file", 0) {
                Ok(fd) => open.push(fd),
                Err(errno) => break errno,
            }
        };
        assert_eq!((errno, open.len()), (Errno::EMFILE, 17));
        let fds = rig.room(8);
        assert_eq!(rig.sys("__syscall_pipe2", &[fds, 0]), Err(Errno::EMFILE));
        assert_eq!(rig.sys("__syscall_dup", &[0]), Err(Errno::EMFILE));
        rig.close(open[3]);
        assert_eq!(rig.sys("__syscall_pipe2", &[fds, 0]), Err(Errno::EMFILE));
        assert_eq!(rig.open("/data/file", 0), Ok(open[3]));
    }
    // Other tests of this process open descriptors of their own meanwhile; a leak would be 17 per run.
    assert!(open_descriptors() < before + 200);
}

#[test]
fn what_stands_behind_the_standard_streams_cannot_be_changed() {
    let house = House::new();
    let mut rig = house.rig();
    for fd in 0..3 {
        assert_eq!(rig.sys("__syscall_fchmod", &[fd, 0o200]), Err(Errno::EPERM));
        assert_eq!(rig.sys("__syscall_fchown32", &[fd, 1030, 6]), Err(Errno::EPERM));
        assert_eq!(rig.sys("__syscall_utimensat", &[fd, 0, 0, 0]), Err(Errno::EPERM));
    }
}
