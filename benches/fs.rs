//! Filesystem operations through WebAssembly against the same source on native libfuse.
//!
//!     cargo bench --bench fs [-- ROUNDS]
//!
//! Mounts `examples/memfs` three ways: natively on libfuse3 (compiled here with the system's compiler), as wasm under
//! `wasmjit mount`, and, as the measure of what the guest costs, fs-host's in-memory guest in Rust. Every workload runs on each
//! mount in turn, round after round; the table shows medians and the median of the ratios of same-round figures.
//! Entry and attribute timeouts are zero, so that each operation reaches the filesystem.
//!
//! What it does not prove: figures of one process on an otherwise idle machine; nothing about many clients, or about
//! filesystems whose own work outweighs a round trip through /dev/fuse.

// Two calls of libc that the standard library does not offer.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const DEFAULT_ROUNDS: usize = 9;
/// Bytes of the file that sequential workloads stream.
const STREAM: usize = 32 << 20;
/// Entries of the directory that is listed.
const ENTRIES: usize = 10_000;

fn main() {
    let rounds = std::env::args().skip(1).find_map(|a| a.parse().ok()).unwrap_or(DEFAULT_ROUNDS);
    let work = std::env::temp_dir().join(format!("wasmjit-bench-{}", std::process::id()));
    fs::create_dir_all(&work).unwrap();
    let result = std::panic::catch_unwind(|| run(&work, rounds));
    let _ = fs::remove_dir_all(&work);
    if result.is_err() {
        std::process::exit(1);
    }
}

fn run(work: &Path, rounds: usize) {
    let mounts = [
        Mounted::start("libfuse", work, native_memfs(work)),
        Mounted::start("wasmjit", work, wasm_memfs()),
        Mounted::start("rust", work, rust_memfs()),
    ];
    let archive = make_archive(work);
    for mount in &mounts {
        prepare(&mount.dir);
    }
    let workloads = workloads(&archive);
    println!("{} rounds; microseconds per operation, medians; ratio: median of same-round ratios to libfuse", rounds);
    println!("{:<22}{:>10}{:>10}{:>10}{:>12}{:>12}", "", "libfuse", "wasmjit", "rust", "wasm ratio", "rust ratio");
    let mut ratios = Vec::new();
    for (name, work) in &workloads {
        let mut samples: [Vec<f64>; 3] = Default::default();
        for round in 0..=rounds {
            for turn in 0..3 {
                let which = (turn + round) % 3;
                let time = work(&mounts[which].dir);
                // The first round warms caches up.
                if round > 0 {
                    samples[which].push(time);
                }
            }
        }
        let wasm = ratio(&samples[1], &samples[0]);
        let rust = ratio(&samples[2], &samples[0]);
        ratios.push(wasm);
        let [a, b, c] = samples.map(median);
        println!("{name:<22}{a:>10.2}{b:>10.2}{c:>10.2}{wasm:>12.3}{rust:>12.3}");
    }
    println!("{:<52}{:>12.3}  (median of the ratios)", "", median(ratios));
    startup(work);
    drop(mounts);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ratio(a: &[f64], b: &[f64]) -> f64 {
    median(a.iter().zip(b).map(|(a, b)| a / b).collect())
}

/// A mounted filesystem; unmounted when dropped.
struct Mounted {
    dir: PathBuf,
    server: Child,
}

impl Mounted {
    fn start(name: &str, work: &Path, mut command: Command) -> Mounted {
        let dir = work.join(name);
        fs::create_dir_all(&dir).unwrap();
        let before = device(&dir);
        let server = command.arg(&dir).stdin(Stdio::null()).spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let mut mounted = Mounted { dir, server };
        let deadline = Instant::now() + Duration::from_secs(20);
        while device(&mounted.dir) == before {
            if let Some(status) = mounted.server.try_wait().unwrap() {
                panic!("{command:?} ended with {status} before it was mounted");
            }
            assert!(Instant::now() < deadline, "{command:?} did not mount");
            std::thread::sleep(Duration::from_millis(2));
        }
        mounted
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.dir).status();
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.server.try_wait().is_ok_and(|s| s.is_none()) {
            if Instant::now() > deadline {
                let _ = self.server.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn device(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(dir).map(|m| m.dev()).unwrap_or(0)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const OPTIONS: &str = "entry_timeout=0,attr_timeout=0,negative_timeout=0";

fn native_memfs(work: &Path) -> Command {
    let flags = Command::new("pkg-config").args(["--cflags", "--libs", "fuse3"]).output().expect("pkg-config");
    assert!(flags.status.success(), "libfuse3-dev is needed: apt-get install libfuse3-dev pkg-config gcc");
    let flags = String::from_utf8(flags.stdout).unwrap();
    let binary = work.join("memfs-native");
    let status = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&binary)
        .args(c_files(&root().join("examples/memfs")))
        .args(flags.split_whitespace())
        .status()
        .unwrap();
    assert!(status.success(), "memfs.c does not compile natively");
    let mut command = Command::new(binary);
    command.args(["-f", "-s", "-o", OPTIONS]);
    command
}

fn c_files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e == "c")).collect()
}

fn wasm_memfs() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmjit"));
    command.args(["mount", "-f", "-o", OPTIONS, "memfs"]);
    command
}

fn rust_memfs() -> Command {
    let cargo = std::env::var("CARGO").unwrap_or("cargo".into());
    let status = Command::new(cargo)
        .current_dir(root())
        .args(["build", "--quiet", "--release", "-p", "fs-host", "--example", "memfs"])
        .status()
        .unwrap();
    assert!(status.success());
    let target = Path::new(env!("CARGO_BIN_EXE_wasmjit")).parent().unwrap();
    let mut command = Command::new(target.join("examples/memfs"));
    command.args(["-o", "timeout=0"]);
    command
}

fn prepare(dir: &Path) {
    fs::write(dir.join("file"), vec![7u8; 64 << 10]).unwrap();
    fs::write(dir.join("stream"), vec![7u8; STREAM]).unwrap();
    fs::create_dir(dir.join("many")).unwrap();
    for n in 0..ENTRIES {
        File::create(dir.join("many").join(format!("entry-{n:05}"))).unwrap();
    }
}

/// A tree of small files as a tar archive, like a source tree.
fn make_archive(work: &Path) -> PathBuf {
    let tree = work.join("tree");
    for d in 0..20 {
        let dir = tree.join(format!("dir{d}"));
        fs::create_dir_all(&dir).unwrap();
        for f in 0..25 {
            fs::write(dir.join(format!("file{f}.c")), vec![b'x'; 500 + 331 * f]).unwrap();
        }
    }
    let archive = work.join("tree.tar");
    let status = Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(work).arg("tree").status().unwrap();
    assert!(status.success());
    archive
}

/// Microseconds per repetition.
fn timed(repetitions: usize, mut work: impl FnMut(usize)) -> f64 {
    let start = Instant::now();
    for n in 0..repetitions {
        work(n);
    }
    start.elapsed().as_secs_f64() * 1e6 / repetitions as f64
}

type Workload = Box<dyn Fn(&Path) -> f64>;

fn workloads(archive: &Path) -> Vec<(&'static str, Workload)> {
    let archive = archive.to_path_buf();
    vec![
        ("fstat", Box::new(fstat)),
        ("stat", Box::new(stat)),
        ("ENOENT lookup", Box::new(missing)),
        ("open+read4K+close", Box::new(open_read)),
        ("create+unlink", Box::new(create_unlink)),
        ("readdir 10k", Box::new(list)),
        ("write 128K", Box::new(|dir: &Path| write_stream(dir, 128 << 10))),
        ("write 1M", Box::new(|dir: &Path| write_stream(dir, 1 << 20))),
        ("read 128K", Box::new(|dir: &Path| read_stream(dir, 128 << 10))),
        ("read 1M", Box::new(|dir: &Path| read_stream(dir, 1 << 20))),
        ("untar 500 files", Box::new(move |dir: &Path| untar(dir, &archive))),
    ]
}

fn fstat(dir: &Path) -> f64 {
    let file = File::open(dir.join("file")).unwrap();
    timed(5000, |_| assert!(file.metadata().is_ok()))
}

fn stat(dir: &Path) -> f64 {
    let path = dir.join("file");
    timed(3000, |_| assert!(fs::metadata(&path).is_ok()))
}

fn missing(dir: &Path) -> f64 {
    let path = CString::new(dir.join("missing").to_str().unwrap()).unwrap();
    timed(3000, |_| {
        // SAFETY: the path is a C string; access() only reads it.
        let result = unsafe { libc::access(path.as_ptr(), libc::F_OK) };
        assert_eq!(result, -1);
    })
}

fn open_read(dir: &Path) -> f64 {
    let path = dir.join("file");
    let mut buffer = [0; 4096];
    timed(1500, |_| File::open(&path).unwrap().read_exact(&mut buffer).unwrap())
}

fn create_unlink(dir: &Path) -> f64 {
    let path = dir.join("new");
    timed(1000, |_| {
        drop(File::create(&path).unwrap());
        fs::remove_file(&path).unwrap();
    })
}

fn list(dir: &Path) -> f64 {
    let path = dir.join("many");
    timed(2, |_| assert_eq!(fs::read_dir(&path).unwrap().count(), ENTRIES))
}

/// Writes a stream past the page cache; time per piece.
fn write_stream(dir: &Path, piece: usize) -> f64 {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(dir.join("stream")).unwrap();
    let buffer = vec![5u8; piece];
    timed(STREAM / piece, |n| file.write_all_at(&buffer, (n * piece) as u64).unwrap())
}

/// Reads a stream through the page cache, which is emptied first; time per piece.
fn read_stream(dir: &Path, piece: usize) -> f64 {
    let mut file = File::open(dir.join("stream")).unwrap();
    file.sync_all().unwrap();
    // SAFETY: a call without pointers on a descriptor that `file` keeps open.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    let mut buffer = vec![0; piece];
    timed(STREAM / piece, |_| file.read_exact(&mut buffer).unwrap())
}

fn untar(dir: &Path, archive: &Path) -> f64 {
    let time = timed(1, |_| {
        let status = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(dir).status().unwrap();
        assert!(status.success());
    });
    fs::remove_dir_all(dir.join("tree")).unwrap();
    time
}

/// Time from the command to the first successful stat of a mounted file, and the memory of an idle mount.
fn startup(work: &Path) {
    let cache = work.join("cache");
    let first = |fs_name: &str, expect: &str| -> (f64, u64) {
        let dir = work.join("start");
        fs::create_dir_all(&dir).unwrap();
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmjit"));
        command.env("XDG_CACHE_HOME", &cache).args(["mount", "-f", fs_name]);
        let before = device(&dir);
        let server = command.arg(&dir).spawn().unwrap();
        let mounted = Mounted { dir: dir.clone(), server };
        while device(&dir) == before || fs::metadata(dir.join(expect)).is_err() {
            std::thread::sleep(Duration::from_micros(200));
        }
        let time = start.elapsed().as_secs_f64() * 1e3;
        let memory = resident(mounted.server.id());
        drop(mounted);
        (time, memory)
    };
    let (cold, _) = first("memfs", ".");
    let warm = median((0..9).map(|_| first("memfs", ".").0).collect());
    let (_, memory) = first("hello", "hello");
    println!("mount memfs to first stat: cold cache {cold:.1} ms, warm {warm:.1} ms");
    println!("idle hello mount: {} KiB resident and private", memory);
    std::io::stdout().flush().unwrap();
}

/// Private resident memory in KiB.
fn resident(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let field = |name: &str| -> u64 {
        text.lines()
            .filter(|l| l.starts_with(name))
            .filter_map(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum()
    };
    field("Private_Clean:") + field("Private_Dirty:")
}
