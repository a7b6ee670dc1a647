//! What the fuzzers of host functions share: arguments that lead somewhere, and a directory whose surroundings must stay as they are.
#![allow(unsafe_code)]

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use wasmjit::host::{Policy, Row};

/// Functions that change the test's own process: who it is.
pub const SKIPPED: &[&str] = &["__syscall_setfsuid32", "__syscall_setfsgid32"];

/// A small generator: xorshift.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

pub const PATHS: &[&str] = &[
    "/data",
    "/data/file",
    "/data/dir",
    "/data/dir/x",
    "file",
    ".",
    "..",
    "dir/../file",
    "/",
    "/ro/secret",
    "/ro",
    "../ro/secret",
    "/data/link",
    "/data/dangling",
    "/data/new",
    "new/",
    "dir/",
    "//data///file//",
    "",
    "/nothing",
    "/data/file/x",
    "x",
    "y",
    "fifo",
    "/data/../../etc/passwd",
    "user.a",
    "%Y-%m-%d %Z",
];

pub const NUMBERS: &[i64] = &[
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    12,
    13,
    16,
    36,
    64,
    0o100,
    0o200,
    0o644,
    0o777,
    0o1000,
    0o2102,
    0o200000,
    0o20200002,
    0x100,
    0x200,
    0x400,
    0x1000,
    0o10644,
    0o20644,
    0o100644,
    0x5401,
    0x5413,
    0x541b,
    0x5421,
    1030,
    -1,
    -100,
    i32::MAX as i64,
    i32::MIN as i64,
];

/// The mode of `fallocate` that reserves room beyond a file's end. The limit of a file's size does not count that room: a call could fill
/// the disk, and every other program there would fail.
pub const KEEP_SIZE: i64 = libc::FALLOC_FL_KEEP_SIZE as i64;

/// Whether a row's numbers must not have [`KEEP_SIZE`] in them.
pub fn reserves_room(row: &Row) -> bool {
    row.name.contains("fallocate")
}

/// No file may grow beyond this, whatever is asked for.
pub fn limit_file_size(bytes: u64) {
    // SAFETY: sets a limit of this process and ignores the signal that comes with it.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::setrlimit(libc::RLIMIT_FSIZE, &libc::rlimit { rlim_cur: bytes, rlim_max: bytes });
    }
}

/// The number in an environment variable.
pub fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// A directory for one guest: what it may change, what it may read, and what it must not reach.
pub struct Ground(tempfile::TempDir);

impl Ground {
    pub fn new() -> Ground {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["data", "ro", "data/dir"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("ro/secret"), "secret").unwrap();
        std::fs::write(dir.path().join("outside"), "outside").unwrap();
        std::fs::write(dir.path().join("data/file"), "content").unwrap();
        symlink("file", dir.path().join("data/link")).unwrap();
        symlink("../outside", dir.path().join("data/dangling")).unwrap();
        Ground(dir)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What the guest is granted.
    pub fn policy(&self) -> Policy {
        let mut policy = Policy::new();
        policy.dir(self.at("data"), "/data", false).unwrap();
        policy.dir(self.at("ro"), "/ro", true).unwrap().max_files(64);
        for rule in ["connect=127.0.0.1:1", "connect=[::1]:1", "listen=127.0.0.1:0"] {
            policy.net_spec(rule).unwrap();
        }
        policy
    }

    /// Whether what lies around is as it was.
    pub fn check(&self) {
        assert_eq!(std::fs::read_to_string(self.at("ro/secret")).unwrap(), "secret");
        assert_eq!(std::fs::read_dir(self.at("ro")).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(self.at("outside")).unwrap(), "outside");
        assert_eq!(std::fs::read_dir(self.at("")).unwrap().count(), 3);
    }
}
