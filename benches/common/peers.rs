//! The same guest under several runtimes: a byte through a pipe that is both its input and its output, and the clock, `CALLS` times each.
//!
//! The guest takes the time itself and writes it to its standard error, so starting is not in it. Which runtimes there are is looked
//! for in the environment, in PATH, and where `tests/programs/start.py` puts what it fetches.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Calls of each kind in one run.
pub const CALLS: u32 = 100_000;

/// A byte out and in again, and the clock: nanoseconds for all calls, as two 64-bit numbers.
fn guest() -> String {
    format!(
        r#"(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\01\00\00\00\20\00\00\00\10\00\00\00")
  (func $now (result i64)
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 80)))
    (i64.load (i32.const 80)))
  (func $pipe (param $left i32)
    (loop $next
      (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then unreachable))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func $clock (param $left i32)
    (loop $next
      (drop (call $now))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
  (func (export "_start") (local $start i64)
    (call $pipe (i32.const 1000))
    (local.set $start (call $now))
    (call $pipe (i32.const {CALLS}))
    (i64.store (i32.const 32) (i64.sub (call $now) (local.get $start)))
    (local.set $start (call $now))
    (call $clock (i32.const {CALLS}))
    (i64.store (i32.const 40) (i64.sub (call $now) (local.get $start)))
    (if (call $write (i32.const 2) (i32.const 8) (i32.const 1) (i32.const 16)) (then unreachable))))"#
    )
}

/// A runtime's name, its variable, its program, and the options that run a module.
const RUNTIMES: &[(&str, &str, &str, &[&str])] = &[
    ("wasmtime", "WASMTIME", "wasmtime", &["run"]),
    ("wasmer", "WASMER", "wasmer", &["run"]),
    ("WAMR", "IWASM", "iwasm", &[]),
    ("WAMR (wamr-bin)", "WAMR", "wamr", &["run"]),
];

/// What a runtime takes.
pub struct Peer {
    pub name: String,
    program: PathBuf,
    options: Vec<String>,
    module: PathBuf,
}

fn find(variable: &str, program: &str) -> Option<PathBuf> {
    if let Some(given) = std::env::var_os(variable) {
        return Some(given.into());
    }
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&paths).map(|dir| dir.join(program)).find(|path| path.is_file());
    let fetched = || {
        let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/programs");
        let packages = std::fs::read_dir(store).into_iter().flatten().flatten();
        let mut folders =
            packages.flat_map(|package| std::fs::read_dir(package.path()).into_iter().flatten().flatten());
        folders.find_map(|folder| {
            let candidates = [folder.path().join(program), folder.path().join("scripts").join(program)];
            candidates.into_iter().find(|path| path.is_file())
        })
    };
    in_path.or_else(fetched)
}

/// This program and every other runtime that is there; names those that are not.
pub fn all(dir: &Path) -> Vec<Peer> {
    let module = dir.join("calls.wasm");
    std::fs::write(&module, wat::parse_str(guest()).expect("text")).expect("a file");
    let peer = |name: &str, program: PathBuf, options: &[&str]| Peer {
        name: name.to_string(),
        program,
        options: options.iter().map(ToString::to_string).collect(),
        module: module.clone(),
    };
    let own = || PathBuf::from(env!("CARGO_BIN_EXE_wasmjit"));
    let mut peers = vec![peer("wasmjit", own(), &["run", "--no-harden"]), peer("wasmjit, confined", own(), &["run"])];
    for (name, variable, program, options) in RUNTIMES {
        match find(variable, program).map(|path| peer(name, path, options)) {
            Some(peer) if peer.run().is_some() => peers.push(peer),
            Some(peer) => println!("{name}: {} did not run the guest", peer.program.display()),
            None => println!("{name}: not found ({program} in PATH, or {variable}=PATH)"),
        }
    }
    peers
}

impl Peer {
    /// Nanoseconds of a byte's way out and in, and of a look at the clock.
    pub fn run(&self) -> Option<[f64; 2]> {
        let (reader, writer) = std::io::pipe().ok()?;
        let mut command = Command::new(&self.program);
        command.args(&self.options).arg(&self.module).env_remove("RUST_BACKTRACE").stderr(Stdio::piped());
        command.stdin(OwnedFd::from(reader)).stdout(OwnedFd::from(writer));
        let output = command.spawn().ok()?.wait_with_output().ok()?;
        let times = output.stderr.last_chunk::<16>()?.as_chunks::<8>().0;
        let nanos = |at: usize| u64::from_le_bytes(times[at]) as f64 / f64::from(CALLS);
        output.status.success().then(|| [nanos(0), nanos(1)])
    }
}
