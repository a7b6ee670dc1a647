//! Layouts of C structures and numbers of C constants in guests, by Emscripten version: tables, measured with programs
//! that each version compiled.
//!
//! A guest does not say which version built it, unless the SDK's marker section does; see [`Layout::detect`].

use super::sys::{Stat, StatFs, TimeSpec};
use crate::memory::{GuestMemory, MemoryFault};

/// Where a field lies in a structure, and its size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field(pub u8, pub u8);

/// `struct stat`.
#[derive(Debug)]
pub struct StatLayout {
    /// Bytes of the whole structure.
    pub size: usize,
    dev: Field,
    mode: Field,
    nlink: Field,
    uid: Field,
    gid: Field,
    rdev: Field,
    bytes: Field,
    blksize: Field,
    blocks: Field,
    atim: u8,
    mtim: u8,
    ctim: u8,
    ino: Field,
}

/// `struct statfs`.
#[derive(Debug)]
pub struct StatFsLayout {
    /// Bytes of the whole structure.
    pub size: usize,
    /// Bytes of each of the five counts from offset 8 on.
    count: u8,
    fsid: u8,
    namelen: u8,
    frsize: u8,
    flags: u8,
}

/// What differs between Emscripten versions.
#[derive(Debug)]
pub struct Layout {
    /// The measured version that the table stands for.
    pub name: &'static str,
    /// Bytes of `time_t`; of `struct timespec` and `struct timeval` twice as many.
    pub time: u8,
    /// `struct statfs`.
    pub statfs: StatFsLayout,
    /// `F_GETLK`; `F_SETLK` and `F_SETLKW` are the next two.
    pub f_getlk: i32,
    /// Bytes of `struct rusage`.
    pub rusage: usize,
    /// Where `struct pthread` has the top of the stack; its size follows.
    pub pthread_stack: u8,
    /// Where the C library's `struct dso` has its flags, and its name.
    pub dso_flags: u8,
    /// As above.
    pub dso_name: u8,
}

/// `struct statfs` with 32-bit counts.
const STATFS32: StatFsLayout = StatFsLayout { size: 64, count: 4, fsid: 28, namelen: 36, frsize: 40, flags: 44 };
/// `struct statfs` with 64-bit counts.
const STATFS64: StatFsLayout = StatFsLayout { size: 88, count: 8, fsid: 48, namelen: 56, frsize: 60, flags: 64 };

/// `struct stat` with 32-bit times.
const STAT32: StatLayout = StatLayout {
    size: 88,
    dev: Field(0, 4),
    mode: Field(12, 4),
    nlink: Field(16, 4),
    uid: Field(20, 4),
    gid: Field(24, 4),
    rdev: Field(28, 4),
    bytes: Field(40, 8),
    blksize: Field(48, 4),
    blocks: Field(52, 4),
    atim: 56,
    mtim: 64,
    ctim: 72,
    ino: Field(80, 8),
};

/// `struct stat` with 64-bit times.
const STAT64: StatLayout = StatLayout {
    size: 96,
    dev: Field(0, 4),
    mode: Field(4, 4),
    nlink: Field(8, 4),
    uid: Field(12, 4),
    gid: Field(16, 4),
    rdev: Field(20, 4),
    bytes: Field(24, 8),
    blksize: Field(32, 4),
    blocks: Field(36, 4),
    atim: 40,
    mtim: 56,
    ctim: 72,
    ino: Field(88, 8),
};

/// 3.1.6: 32-bit time.
pub static EM_3_1_6: Layout = Layout {
    name: "3.1.6",
    time: 4,
    statfs: STATFS32,
    f_getlk: 5,
    rusage: 136,
    pthread_stack: 44,
    dso_flags: 20,
    dso_name: 44,
};

/// 3.1.69: 64-bit time, other lock commands.
pub static EM_3_1_69: Layout = Layout {
    name: "3.1.69",
    time: 8,
    statfs: STATFS32,
    f_getlk: 12,
    rusage: 152,
    pthread_stack: 52,
    dso_flags: 4,
    dso_name: 36,
};

/// 6.0.5: 64-bit counts in `struct statfs`.
pub static EM_6_0_5: Layout = Layout {
    name: "6.0.5",
    time: 8,
    statfs: STATFS64,
    f_getlk: 12,
    rusage: 152,
    pthread_stack: 48,
    dso_flags: 4,
    dso_name: 36,
};

/// Bytes of the largest structure that the tables describe.
const LARGEST: usize = 96;

/// What a module tells about the compiler that made it.
#[derive(Default)]
pub struct Evidence<'a> {
    /// Content of the custom section `wasmjit.sdk`.
    pub sdk: Option<&'a [u8]>,
    /// Names of the functions that the module imports from `env`.
    pub imports: Vec<&'a str>,
    /// Names of the module's exports.
    pub exports: Vec<&'a str>,
}

impl Layout {
    /// Every table, oldest first.
    pub const ALL: [&'static Layout; 3] = [&EM_3_1_6, &EM_3_1_69, &EM_6_0_5];

    /// The table for a version such as `3.1.6`: the newest that is not newer. `None` where it is no version.
    pub fn for_version(version: &str) -> Option<&'static Layout> {
        let parse = |text: &str| -> Option<[u32; 3]> {
            let mut parts = text.trim().split(['.', '-']);
            let mut next = || parts.next()?.parse().ok();
            Some([next()?, next().unwrap_or(0), next().unwrap_or(0)])
        };
        let wanted = parse(version)?;
        // Times became 64-bit in the summer of 2022 (3.1.16) and `struct stat` lost its padding in 3.1.42; the lowest
        // of these decides, as the versions between were not measured.
        let thresholds = [[0, 0, 0], [3, 1, 16], [5, 0, 0]];
        let index = thresholds.iter().rposition(|t| *t <= wanted)?;
        Some(Layout::ALL[index])
    }

    /// Guesses the version that built a module: by the SDK's marker, else by the names that only some versions use.
    ///
    /// Modules whose names leave it open use nothing in which the candidates differ, or say a structure's size when
    /// they call (see [`Layout::statfs_of_size`]).
    pub fn detect(evidence: &Evidence<'_>) -> &'static Layout {
        if let Some(version) = evidence.sdk.and_then(|sdk| sdk_value(sdk, "emscripten"))
            && let Some(layout) = Layout::for_version(&version)
        {
            return layout;
        }
        let imports = |names: &[&str]| evidence.imports.iter().any(|i| names.contains(i));
        let exports = |names: &[&str]| evidence.exports.iter().any(|e| names.contains(e));
        const OLD: &[&str] = &[
            "emscripten_memcpy_big",
            "setTempRet0",
            "getTempRet0",
            "__syscall_open",
            "__syscall_fstatat64",
            "__syscall_unlink",
            "__syscall_mkdir",
            "__syscall_rename",
            "__syscall_chown32",
            "__syscall_fadvise64_64",
            "time",
            "clock_gettime",
            "strftime",
        ];
        const MIDDLE: &[&str] = &[
            "_emscripten_memcpy_js",
            "_emscripten_get_now_is_monotonic",
            "__syscall_symlink",
            "__syscall_pipe",
            "__syscall__newselect",
        ];
        let new_stack = exports(&["_emscripten_stack_restore", "_emscripten_stack_alloc"]);
        if !new_stack && (imports(OLD) || exports(&["stackSave", "stackAlloc", "__errno_location"])) {
            return &EM_3_1_6;
        }
        if imports(MIDDLE) || exports(&["_emscripten_tempret_set"]) {
            return &EM_3_1_69;
        }
        &EM_6_0_5
    }

    /// The table of `struct statfs` whose size the guest has named.
    pub fn statfs_of_size(&self, size: u32) -> Option<&'static StatFsLayout> {
        [&STATFS32, &STATFS64].into_iter().find(|l| l.size == size as usize)
    }

    /// Bytes of `struct timespec` and `struct timeval`.
    pub fn timespec_size(&self) -> u32 {
        2 * u32::from(self.time)
    }

    /// `struct stat`: there are two.
    pub fn stat(&self) -> &'static StatLayout {
        if self.time == 4 { &STAT32 } else { &STAT64 }
    }

    /// Stores `struct stat` as the guest has it.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn store_stat(&self, memory: &mut GuestMemory<'_>, ptr: u32, stat: &Stat) -> Result<(), MemoryFault> {
        // Known offsets each, as this is on the way of every fstat.
        match self.time {
            4 => memory.copy_in(ptr, encode_stat(&STAT32, 4, stat).bytes()),
            _ => memory.copy_in(ptr, encode_stat(&STAT64, 8, stat).bytes()),
        }
    }

    /// `struct stat` for another implementation: its size, then offset and (from bit 8 on) size of device, mode, links, user, group,
    /// special device, length, block size, blocks, the seconds of the three times (32 bits of nanoseconds follow them), inode.
    pub fn stat_fields(&self) -> [u32; 16] {
        let l = self.stat();
        let plain = |Field(at, size): Field| u32::from(at) | u32::from(size) << 8;
        let time = |at: u8| plain(Field(at, self.time));
        let mut fields = [0; 16];
        fields[0] = l.size as u32;
        let first = [l.dev, l.mode, l.nlink, l.uid, l.gid, l.rdev, l.bytes, l.blksize, l.blocks];
        fields[1..10].copy_from_slice(&first.map(plain));
        fields[10..14].copy_from_slice(&[time(l.atim), time(l.mtim), time(l.ctim), plain(l.ino)]);
        fields
    }

    /// `struct timespec` (or, with microseconds, `struct timeval`) as the guest has it.
    pub fn encode_time(&self, seconds: i64, fraction: i64) -> Encoded {
        let mut out = Encoded::new(self.timespec_size() as usize);
        out.put_time(self.time, 0, seconds, fraction);
        out
    }

    /// Reads the seconds and the fraction of a `struct timespec` or `struct timeval`.
    pub fn decode_time(&self, bytes: &[u8]) -> (i64, i64) {
        let number = |at: usize| {
            let mut raw = [0; 4];
            raw.copy_from_slice(&bytes[at..at + 4]);
            i32::from_le_bytes(raw)
        };
        if self.time == 4 {
            return (i64::from(number(0)), i64::from(number(4)));
        }
        // tv_nsec is 32 bits with padding behind it; tv_usec is 64 bits of which a valid value needs the lower 32.
        let seconds = (u64::from(number(4) as u32) << 32) | u64::from(number(0) as u32);
        (seconds as i64, i64::from(number(8)))
    }

    /// Reads a `struct timespec`.
    pub fn decode_timespec(&self, bytes: &[u8]) -> TimeSpec {
        let (tv_sec, tv_nsec) = self.decode_time(bytes);
        TimeSpec { tv_sec, tv_nsec }
    }
}

impl StatFsLayout {
    /// `struct statfs` as the guest has it.
    pub fn encode(&self, fs: &StatFs) -> Encoded {
        let mut out = Encoded::new(self.size);
        out.put(Field(0, 4), fs.f_type as u64);
        out.put(Field(4, 4), fs.f_bsize as u64);
        let counts = [fs.f_blocks, fs.f_bfree, fs.f_bavail, fs.f_files, fs.f_ffree];
        for (index, count) in counts.into_iter().enumerate() {
            out.put_saturating(Field(8 + index as u8 * self.count, self.count), count);
        }
        out.put(Field(self.fsid, 8), 0);
        out.put(Field(self.namelen, 4), fs.f_namelen as u64);
        out.put(Field(self.frsize, 4), fs.f_frsize as u64);
        out.put(Field(self.flags, 4), fs.f_flags as u64);
        out
    }
}

/// A structure in the guest's form, ready to be copied into its memory.
pub struct Encoded {
    bytes: [u8; LARGEST],
    len: usize,
}

impl Encoded {
    /// An all-zero structure.
    pub fn new(len: usize) -> Encoded {
        Encoded { bytes: [0; LARGEST], len }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Stores a number's lower bytes.
    #[inline]
    pub fn put(&mut self, Field(at, size): Field, value: u64) {
        let target = &mut self.bytes[usize::from(at)..];
        let bytes = value.to_le_bytes();
        // Copies of a known length, as this is on the way of every fstat.
        match size {
            4 => target[..4].copy_from_slice(&bytes[..4]),
            8 => target[..8].copy_from_slice(&bytes),
            _ => target[..usize::from(size)].copy_from_slice(&bytes[..usize::from(size)]),
        }
    }

    /// Stores a count, the largest number where it does not fit.
    pub fn put_saturating(&mut self, field: Field, value: u64) {
        let max = if field.1 == 8 { u64::MAX } else { (1 << (8 * u32::from(field.1))) - 1 };
        self.put(field, value.min(max));
    }

    #[inline]
    fn put_time(&mut self, size: u8, at: u8, seconds: i64, fraction: i64) {
        self.put(Field(at, size), seconds as u64);
        self.put(Field(at + size, 4), fraction as u64);
    }
}

/// `struct stat` with times of a size.
// The width of some fields differs by architecture.
#[allow(clippy::unnecessary_cast)]
#[inline(always)]
fn encode_stat(l: &StatLayout, time: u8, stat: &Stat) -> Encoded {
    let mut out = Encoded::new(l.size);
    out.put(l.dev, stat.st_dev);
    out.put(l.mode, u64::from(stat.st_mode));
    out.put(l.nlink, stat.st_nlink as u64);
    out.put(l.uid, u64::from(stat.st_uid));
    out.put(l.gid, u64::from(stat.st_gid));
    out.put(l.rdev, stat.st_rdev);
    out.put(l.bytes, stat.st_size as u64);
    out.put(l.blksize, stat.st_blksize as u64);
    out.put(l.blocks, stat.st_blocks as u64);
    out.put_time(time, l.atim, stat.st_atime, stat.st_atime_nsec);
    out.put_time(time, l.mtim, stat.st_mtime, stat.st_mtime_nsec);
    out.put_time(time, l.ctim, stat.st_ctime, stat.st_ctime_nsec);
    out.put(l.ino, stat.st_ino);
    out
}

/// The value of a key in the SDK's marker section: text lines `key=value`.
pub fn sdk_value(section: &[u8], key: &str) -> Option<String> {
    let text = String::from_utf8_lossy(section);
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim_matches(['\0', ' ', '\r']).to_string())
    })
}

/// Expands the table of flags into the two directions of translation.
macro_rules! flags {
    ($($guest:literal = $host:expr;)*) => {
        /// Open flags of the host for Emscripten's, which are those of Linux on i386. Unknown ones are dropped.
        pub fn open_flags_to_host(flags: i32) -> i32 {
            // O_SYNC and O_TMPFILE each contain another flag's bit, which its own row then carries.
            (flags & libc::O_ACCMODE) $(| if flags & $guest == $guest { $host } else { 0 })*
        }

        /// The inverse of [`open_flags_to_host`].
        pub fn open_flags_from_host(flags: i32) -> i32 {
            (flags & libc::O_ACCMODE) $(| if flags & $host == $host { $guest } else { 0 })*
        }
    };
}

flags! {
    0o100 = libc::O_CREAT;
    0o200 = libc::O_EXCL;
    0o400 = libc::O_NOCTTY;
    0o1000 = libc::O_TRUNC;
    0o2000 = libc::O_APPEND;
    0o4000 = libc::O_NONBLOCK;
    0o10000 = libc::O_DSYNC;
    0o4010000 = libc::O_SYNC;
    0o40000 = libc::O_DIRECT;
    0o200000 = libc::O_DIRECTORY;
    0o400000 = libc::O_NOFOLLOW;
    0o1000000 = libc::O_NOATIME;
    0o2000000 = libc::O_CLOEXEC;
    0o10000000 = libc::O_PATH;
    0o20200000 = libc::O_TMPFILE;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_select_tables() {
        for (version, name) in [
            ("3.1.6", "3.1.6"),
            ("3.1.6-git", "3.1.6"),
            ("2.0.34", "3.1.6"),
            ("3.1.69", "3.1.69"),
            ("4.0.1", "3.1.69"),
            ("6.0.5", "6.0.5"),
            ("7", "6.0.5"),
        ] {
            assert_eq!(Layout::for_version(version).unwrap().name, name, "{version}");
        }
        assert!(Layout::for_version("latest").is_none());
    }

    #[test]
    fn marker_wins_over_names() {
        let evidence = Evidence {
            sdk: Some(b"sdk=0.1\nemscripten=6.0.5\n\0"),
            imports: vec!["emscripten_memcpy_big"],
            exports: vec![],
        };
        assert_eq!(Layout::detect(&evidence).name, "6.0.5");
        assert_eq!(Layout::detect(&Evidence { sdk: None, ..evidence }).name, "3.1.6");
    }

    #[test]
    fn times_survive_in_each_width() {
        for layout in Layout::ALL {
            let encoded = layout.encode_time(1_700_000_000, 999_999_999);
            assert_eq!(encoded.bytes().len(), layout.timespec_size() as usize);
            assert_eq!(layout.decode_time(encoded.bytes()), (1_700_000_000, 999_999_999));
        }
        let negative = EM_6_0_5.encode_time(-5, 7);
        assert_eq!(EM_6_0_5.decode_time(negative.bytes()), (-5, 7));
    }

    #[test]
    fn open_flags_survive_the_round_trip() {
        for flags in [0, 1, 2, 0o2102, 0o4010000, 0o20200000 | 2, 0o200000] {
            assert_eq!(open_flags_from_host(open_flags_to_host(flags)), flags, "{flags:o}");
        }
        assert_eq!(open_flags_to_host(0o100000), 0, "O_LARGEFILE means nothing here");
    }
}
