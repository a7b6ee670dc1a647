//! Filesystem operations through WebAssembly against the same source on native libfuse.
//!
//!     cargo bench --bench fs [-- [ROUNDS] [spread]]
//!
//! Mounts `examples/memfs` three ways: natively on libfuse3 (compiled here with the system's compiler), as wasm under
//! `wasmjit mount`, and, as the measure of what the guest costs, fs-host's in-memory guest in Rust. Every workload runs on each
//! mount in turn, round after round; the table shows medians and the median of the ratios of same-round figures.
//! Entry and attribute timeouts are zero, so that each operation reaches the filesystem.
//!
//! Client and servers share one CPU. A request is handed over and waited for, so nothing is lost by it, and what is measured is
//! work. `spread` lifts that: then it is mostly decided by the scheduler, which may wake each server on an idle CPU or on
//! the client's, and the same server's figures differ threefold between runs.
//!
//! The second table is the CPU time of the servers alone (user and kernel, all threads) per operation.
//!
//! What it does not prove: figures of one process on an otherwise idle machine; nothing about many clients, or about
//! filesystems whose own work outweighs a round trip through /dev/fuse.

// Two calls of libc that the standard library does not offer.
#![allow(unsafe_code)]

mod common;

use common::median;
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
    startup(work);
    if !std::env::args().any(|a| a == "spread") {
        stay_on_one_cpu();
    }
    let mounts = [
        Mounted::start("libfuse", work, native_memfs(work)),
        Mounted::start("wasmjit", work, wasm_memfs()),
        Mounted::start("rust", work, rust_memfs()),
    ];
    let archive = make_archive(work);
    for mount in &mounts {
        prepare(&mount.dir);
    }
    println!("{rounds} rounds; microseconds per operation, medians; ratio: median of same-round ratios to libfuse");
    heading("elapsed");
    let (mut ratios, mut cpu) = (Vec::new(), Vec::new());
    for (name, work) in workloads(&archive) {
        let samples = sample(&mounts, &work, rounds);
        ratios.push(row(name, samples.each_ref().map(|s| s.iter().map(|s| s.elapsed).collect())));
        cpu.push((name, samples.map(|s| s.iter().map(|s| s.server_cpu).collect())));
    }
    println!("{:<52}{:>12.3}  (median of the ratios)", "", median(ratios));
    heading("CPU of the server");
    let ratios = cpu.into_iter().map(|(name, samples)| row(name, samples)).collect();
    println!("{:<52}{:>12.3}  (median of the ratios)", "", median(ratios));
    drop(mounts);
}

/// Microseconds per operation of one turn.
struct Sample {
    elapsed: f64,
    server_cpu: f64,
}

fn sample(mounts: &[Mounted; 3], work: &Workload, rounds: usize) -> [Vec<Sample>; 3] {
    let mut samples: [Vec<Sample>; 3] = Default::default();
    for round in 0..=rounds {
        for turn in 0..3 {
            let which = (turn + round) % 3;
            let mount = &mounts[which];
            let before = mount.cpu_time();
            let (operations, elapsed) = work(&mount.dir);
            let used = mount.cpu_time() - before;
            // The first round warms caches up.
            if round > 0 {
                let per_operation = |time: Duration| time.as_secs_f64() * 1e6 / operations as f64;
                samples[which].push(Sample { elapsed: per_operation(elapsed), server_cpu: per_operation(used) });
            }
        }
    }
    samples
}

fn heading(what: &str) {
    println!("\n{what:<22}{:>10}{:>10}{:>10}{:>12}{:>12}", "libfuse", "wasmjit", "rust", "wasm ratio", "rust ratio");
}

/// Prints a row of medians; returns the ratio of wasm to libfuse.
fn row(name: &str, samples: [Vec<f64>; 3]) -> f64 {
    let (wasm, rust) = (ratio(&samples[1], &samples[0]), ratio(&samples[2], &samples[0]));
    let [a, b, c] = samples.map(median);
    println!("{name:<22}{a:>10.2}{b:>10.2}{c:>10.2}{wasm:>12.3}{rust:>12.3}");
    wasm
}

/// Keeps this process and those that it starts from now on to the first CPU that they may use.
fn stay_on_one_cpu() {
    // SAFETY: both calls read or write one cpu_set_t of the length that they are given; the set is a plain bit array, for which
    // all zeros is a value.
    unsafe {
        let size = size_of::<libc::cpu_set_t>();
        let mut allowed: libc::cpu_set_t = std::mem::zeroed();
        assert_eq!(libc::sched_getaffinity(0, size, &mut allowed), 0);
        let first = (0..libc::CPU_SETSIZE as usize).find(|&cpu| libc::CPU_ISSET(cpu, &allowed)).unwrap();
        let mut one: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(first, &mut one);
        assert_eq!(libc::sched_setaffinity(0, size, &one), 0);
    }
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

    /// CPU time that the server's threads have used so far.
    fn cpu_time(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.server.id())).unwrap();
        let nanoseconds = |task: std::io::Result<fs::DirEntry>| -> u64 {
            let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap();
            text.split_whitespace().next().unwrap().parse().unwrap()
        };
        Duration::from_nanos(tasks.map(nanoseconds).sum())
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

/// The number of repetitions and the time of all.
type Timing = (usize, Duration);

fn timed(repetitions: usize, mut work: impl FnMut(usize)) -> Timing {
    let start = Instant::now();
    for n in 0..repetitions {
        work(n);
    }
    (repetitions, start.elapsed())
}

type Workload = Box<dyn Fn(&Path) -> Timing>;

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

fn fstat(dir: &Path) -> Timing {
    let file = File::open(dir.join("file")).unwrap();
    timed(5000, |_| assert!(file.metadata().is_ok()))
}

fn stat(dir: &Path) -> Timing {
    let path = dir.join("file");
    timed(3000, |_| assert!(fs::metadata(&path).is_ok()))
}

fn missing(dir: &Path) -> Timing {
    let path = CString::new(dir.join("missing").to_str().unwrap()).unwrap();
    timed(3000, |_| {
        // SAFETY: the path is a C string; access() only reads it.
        let result = unsafe { libc::access(path.as_ptr(), libc::F_OK) };
        assert_eq!(result, -1);
    })
}

fn open_read(dir: &Path) -> Timing {
    let path = dir.join("file");
    let mut buffer = [0; 4096];
    timed(1500, |_| File::open(&path).unwrap().read_exact(&mut buffer).unwrap())
}

fn create_unlink(dir: &Path) -> Timing {
    let path = dir.join("new");
    timed(1000, |_| {
        drop(File::create(&path).unwrap());
        fs::remove_file(&path).unwrap();
    })
}

fn list(dir: &Path) -> Timing {
    let path = dir.join("many");
    timed(2, |_| assert_eq!(fs::read_dir(&path).unwrap().count(), ENTRIES))
}

/// Writes a stream past the page cache; time per piece.
fn write_stream(dir: &Path, piece: usize) -> Timing {
    let file = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT).open(dir.join("stream")).unwrap();
    let buffer = vec![5u8; piece];
    timed(STREAM / piece, |n| file.write_all_at(&buffer, (n * piece) as u64).unwrap())
}

/// Reads a stream through the page cache, which is emptied first; time per piece.
fn read_stream(dir: &Path, piece: usize) -> Timing {
    let mut file = File::open(dir.join("stream")).unwrap();
    file.sync_all().unwrap();
    // SAFETY: a call without pointers on a descriptor that `file` keeps open.
    unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    let mut buffer = vec![0; piece];
    timed(STREAM / piece, |_| file.read_exact(&mut buffer).unwrap())
}

fn untar(dir: &Path, archive: &Path) -> Timing {
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
