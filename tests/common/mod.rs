//! What tests that mount filesystems share.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The root of the project.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The command under test.
pub fn wasmjit() -> Command {
    Command::new(env!("CARGO_BIN_EXE_wasmjit"))
}

/// Whether a test can run. If not, says so loudly, and fails where nothing may be skipped (`CI=true`).
pub fn require(have: bool, what: &str) -> bool {
    if !have {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "CI may not skip: {what} is missing");
        eprintln!("\n*** SKIPPED: {what} is missing ***\n");
    }
    have
}

/// Whether this process may mount through /dev/fuse as root.
pub fn can_mount() -> bool {
    // Only root can open everything below; the id is in the file's owner.
    use std::os::unix::fs::MetadataExt;
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0);
    require(root && Path::new("/dev/fuse").exists(), "root with /dev/fuse")
}

/// Whether a program is on the path.
pub fn has(program: &str) -> bool {
    let found =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|d| d.join(program).exists()));
    require(found, program)
}

/// A new directory below the system's temporary one, removed when dropped.
pub struct TempDir(pub PathBuf);

impl TempDir {
    /// Makes one; `name` tells tests apart.
    pub fn new(name: &str) -> TempDir {
        let path = std::env::temp_dir().join(format!("wasmjit-test-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        TempDir(path)
    }

    /// A new directory in it.
    pub fn dir(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Device number of a path: changes when something is mounted there.
pub fn device(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|m| m.dev()).unwrap_or(0)
}

/// A filesystem mounted by `wasmjit mount -f`; unmounted, and its server awaited, when dropped.
pub struct Mounted {
    /// Where.
    pub dir: PathBuf,
    /// The server.
    pub server: Child,
}

impl Mounted {
    /// Mounts `fs` on `dir`; `args` stand before the filesystem, `rest` behind the mountpoint.
    pub fn start(dir: &Path, fs: &str, args: &[&str], rest: &[&str]) -> Mounted {
        let before = device(dir);
        let mut command = wasmjit();
        command.args(["mount", "-f"]).args(args).arg(fs).arg(dir).args(rest).stdin(Stdio::null());
        let server = command.spawn().unwrap();
        let mut mounted = Mounted { dir: dir.to_path_buf(), server };
        let deadline = Instant::now() + Duration::from_secs(30);
        while device(dir) == before {
            if let Some(status) = mounted.server.try_wait().unwrap() {
                panic!("{command:?} ended with {status} before it was mounted");
            }
            assert!(Instant::now() < deadline, "{command:?} did not mount");
            std::thread::sleep(Duration::from_millis(5));
        }
        mounted
    }

    /// Waits for the server to end by itself.
    pub fn wait(&mut self, limit: Duration) -> Option<std::process::ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            match self.server.try_wait().unwrap() {
                None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
                status => return status,
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.server.try_wait().is_ok_and(|s| s.is_none()) {
            let _ = Command::new("umount").arg("-l").arg(&self.dir).stderr(Stdio::null()).status();
            if self.wait(Duration::from_secs(10)).is_none() {
                let _ = self.server.kill();
                let _ = self.server.wait();
            }
        }
    }
}

/// Runs a command to its end and gives its output; fails if it takes longer than `seconds` or does not succeed.
pub fn run(command: &mut Command, seconds: u64) -> Output {
    let mut wrapped = Command::new("timeout");
    wrapped.arg("-k").arg("5").arg(seconds.to_string()).arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped.envs(command.get_envs().filter_map(|(k, v)| Some((k, v?)))).stdin(Stdio::null());
    let output = wrapped.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a shell script in a directory, ending at the first failure.
pub fn shell(dir: &Path, script: &str, seconds: u64) -> String {
    let output = run(Command::new("bash").arg("-euc").arg(script).current_dir(dir), seconds);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
