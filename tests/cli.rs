//! The command line: what it prints, how it fails, what it leaves behind.

mod common;

use common::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn output(args: &[&str]) -> Output {
    wasmjit().args(args).env_remove("RUST_LOG").stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that has to fail with a code and a message that holds all of `words`.
fn fails(args: &[&str], code: i32, words: &[&str]) {
    let output = output(args);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{args:?} does not say `{word}`: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// A module from text, in a file.
fn module(temp: &TempDir, name: &str, wat: &str) -> String {
    let path = temp.0.join(name);
    fs::write(&path, wat::parse_str(wat).unwrap()).unwrap();
    path.to_str().unwrap().to_string()
}

#[test]
fn help_teaches_and_succeeds() {
    for args in [&["--help"][..], &["mount", "--help"], &["run", "--help"]] {
        let output = output(args);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains("Examples:"), "{args:?}");
        assert!(output.stderr.is_empty());
    }
    assert!(text(&output(&["--version"]).stdout).starts_with("wasmjit "));
}

#[test]
fn without_the_kernel_module_nothing_runs_in_the_kernel() {
    if Path::new("/dev/wasm").exists() {
        return;
    }
    let temp = TempDir::new("cli-kernel");
    let program = module(&temp, "p.wasm", "(module (memory (export \"memory\") 1) (func (export \"_start\")))");
    fails(&["run", "--kernel", &program], 1, &["p", "--kernel", "load the kernel module"]);
}

#[test]
fn wrong_usage_is_two() {
    fails(&[], 2, &["Usage"]);
    fails(&["mount", "memfs"], 2, &["MOUNTPOINT"]);
    fails(&["mount", "memfs", "/tmp", "--memory-limit", "much"], 2, &["much", "512M"]);
    fails(&["mount", "memfs", "/tmp", "--timeout", "soon"], 2, &["soon", "500ms"]);
    fails(&["mount", "memfs", "/tmp", "--max-request", "10"], 2, &["at least"]);
    fails(&["mount", "memfs", "/tmp", "-o", "uid=me"], 2, &["uid=me"]);
    fails(&["mount", "memfs", "/tmp", "--on-trap", "pray"], 2, &["poison"]);
    fails(&["mount", "memfs", "/tmp", "--dir", "/x::data"], 2, &["data", "must be absolute"]);
    fails(&["frobnicate"], 2, &["frobnicate"]);
}

#[test]
fn errors_about_files_say_what_to_do() {
    let temp = TempDir::new("cli-files");
    let dir = temp.dir("mnt");
    let dir = dir.to_str().unwrap();
    fails(&["mount", "nofs", dir], 1, &["nofs", "memfs"]);
    fails(&["mount", "./nofs.wasm", dir], 1, &["./nofs.wasm", "no such file"]);
    fails(&["mount", dir, dir], 1, &["directory"]);
    let elf = temp.0.join("elf");
    fs::write(&elf, b"\x7fELF\x02\x01\x01").unwrap();
    fails(&["mount", elf.to_str().unwrap(), dir], 1, &["native program", "wasmjit cc"]);
    fails(&["inspect", elf.to_str().unwrap()], 1, &["native program"]);
    let cut = temp.0.join("cut.wasm");
    fs::write(&cut, b"\0asm\x01\0\0\0\x01\x7f").unwrap();
    fails(&["inspect", cut.to_str().unwrap()], 1, &["offset"]);
    let program = module(&temp, "program.wasm", r#"(module (func (export "_start")))"#);
    fails(&["mount", &program, dir], 1, &["not a filesystem", "wasmjit run"]);
    let needy = module(
        &temp,
        "needy.wasm",
        r#"(module (import "env" "no_such_thing" (func (param i32))) (func (export "wasmjit_fuse_dispatch") (param i32 i32))
            (func (export "wasmjit_fuse_buffer") (param i32 i32) (result i32) (i32.const 0)) (memory (export "memory") 1)
            (func (export "_start") (call 0 (i32.const 1))))"#,
    );
    fails(&["mount", &needy, dir], 1, &["env.no_such_thing"]);
    fails(&["inspect", &needy], 1, &["env.no_such_thing"]);
    assert!(text(&output(&["inspect", &needy]).stdout).contains("MISSING env.no_such_thing (i32)"));
}

#[test]
fn errors_about_mountpoints_say_what_to_do() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("cli-mountpoints");
    let file = temp.0.join("file");
    fs::write(&file, "x").unwrap();
    for foreground in [true, false] {
        let mount = |at: &Path, words: &[&str]| {
            let at = at.to_str().unwrap();
            let args = if foreground { vec!["mount", "-f", "memfs", at] } else { vec!["mount", "memfs", at] };
            fails(&args, 1, words);
        };
        mount(&file, &["not a directory"]);
        mount(&temp.0.join("missing"), &["mkdir"]);
    }
    fails(&["umount", temp.0.to_str().unwrap()], 1, &["no FUSE filesystem"]);
}

#[test]
fn profilers_learn_the_functions_names() {
    let temp = TempDir::new("cli-perf");
    let program = module(
        &temp,
        "names.wasm",
        r#"(module (memory (export "memory") 1)
            (func $work (@name "work\0a0 1 fake") (loop (br 0)))
            (func (export "_start") call $work))"#,
    );
    // The second time its code is in the cache, a file, of which perf would show the path.
    for _ in 0..2 {
        names_in_memory(&program);
    }
}

fn names_in_memory(program: &str) {
    let mut child = wasmjit().args(["run", "--perf-map", program]).stderr(Stdio::null()).spawn().unwrap();
    let map = format!("/tmp/perf-{}.map", child.id());
    let begun = Instant::now();
    let mut lines = String::new();
    while lines.lines().count() < 3 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
        lines = fs::read_to_string(&map).unwrap_or_default();
    }
    let mappings = fs::read_to_string(format!("/proc/{}/maps", child.id())).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_file(&map).unwrap();
    let mut end = 0;
    for (line, name) in lines.lines().zip(["work?0 1 fake", "wasm-function[1]", "[stubs]"]) {
        let mut words = line.splitn(3, ' ');
        let mut number = || u64::from_str_radix(words.next().unwrap(), 16).unwrap();
        let (start, size) = (number(), number());
        assert!(start >= end && size > 0, "{lines}");
        end = start + size;
        let holds = |mapping: &&str| {
            let (from, to) = mapping.split_once(' ').unwrap().0.split_once('-').unwrap();
            let number = |digits| u64::from_str_radix(digits, 16).unwrap();
            (number(from)..number(to)).contains(&start)
        };
        let mapping = mappings.lines().find(holds).expect("mapped code");
        assert_eq!(mapping.split_whitespace().nth(4), Some("0"), "a file's: {mapping}");
        assert_eq!(words.next(), Some(name), "{lines}");
    }
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

/// Where the mode stands in `struct stat` depends on the version.
#[test]
fn the_structures_of_a_c_library_can_be_forced() {
    let temp = TempDir::new("cli-abi");
    for (version, at) in [("3.1.6", 12), ("6.0.5", 4)] {
        let program = module(
            &temp,
            &format!("mode-{version}.wasm"),
            &format!(
                r#"(module (import "env" "__syscall_fstat64" (func $fstat (param i32 i32) (result i32))) (memory (export "memory") 1)
                    (func (export "main") (result i32) (drop (call $fstat (i32.const 0) (i32.const 64)))
                      (i32.shr_u (i32.load offset={at} (i32.const 64)) (i32.const 12))))"#
            ),
        );
        let output = output(&["run", "--abi", version, &program]);
        assert_eq!(output.status.code(), Some((libc::S_IFCHR >> 12) as i32), "{version}: {}", text(&output.stderr));
        fails(&["run", "--abi", "newest", &program], 2, &["newest", "3.1.69"]);
    }
    let program = module(&temp, "end.wasm", r#"(module (func (export "_start") unreachable))"#);
    fails(&["run", &program], 134, &["trap: unreachable"]);
    assert!(!text(&output(&["run", &program]).stderr).contains("trap: trap"));
    assert!(text(&output(&["inspect", &program]).stdout).contains("\nabi       WASI\n"));
    assert!(text(&output(&["inspect", "memfs"]).stdout).contains("\nabi       Emscripten 3.1.6 "));
}

#[test]
fn inspect_knows_the_examples() {
    let jsonfs = root().join("examples/jsonfs/jsonfs.wasm");
    for (name, sdk) in [("memfs", "abi=1"), ("hello", "abi=1"), (jsonfs.to_str().unwrap(), "language=rust")] {
        let output = output(&["inspect", name]);
        let text = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("filesystem (wasmjit mount)") && text.contains(sdk), "{text}");
        assert!(text.contains("all there") && text.contains("wasmjit_fuse.serve () -> i32"), "{text}");
    }
}

#[test]
fn the_sdk_is_unpacked_once_and_whole() {
    let temp = TempDir::new("cli-sdk");
    let sdk = |args: &[&str]| -> String {
        let output = wasmjit().arg("sdk").args(args).env("XDG_DATA_HOME", &temp.0).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim_end().to_string()
    };
    let children: Vec<_> = (0..4)
        .map(|_| wasmjit().arg("sdk").env("XDG_DATA_HOME", &temp.0).stdout(Stdio::null()).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success(), "processes that unpack at once do not disturb each other");
    }
    let path = sdk(&[]);
    assert_eq!(path, sdk(&["--path"]));
    assert!(Path::new(&path).starts_with(&temp.0));
    assert_eq!(fs::read_dir(temp.0.join("wasmjit")).unwrap().count(), 1, "nothing else is left");
    for tool in ["bin/wasmjit-cc", "bin/wasmjit-c++"] {
        let mode = fs::metadata(Path::new(&path).join(tool)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{tool}");
    }
    assert!(Path::new(&sdk(&["--pkg-config"])).join("fuse3.pc").exists());
    assert!(Path::new(sdk(&["--cflags"]).trim_start_matches("-I")).join("fuse.h").exists());
    assert!(Path::new(&sdk(&["--rust"])).join("src/lib.rs").exists());
    let homeless = wasmjit().arg("sdk").env_remove("XDG_DATA_HOME").env_remove("HOME").output().unwrap();
    assert!(text(&homeless.stderr).contains("XDG_DATA_HOME") && homeless.status.code() == Some(1));
}

#[test]
fn programs_hand_on_their_exit_codes() {
    let temp = TempDir::new("cli-run");
    let start = |body: &str| {
        format!(
            r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
                (memory (export "memory") 1) (func (export "_start") {body}))"#
        )
    };
    let fine = module(&temp, "fine.wasm", &start(""));
    assert_eq!(output(&["run", &fine]).status.code(), Some(0));
    let seven = module(&temp, "seven.wasm", &start("(call $exit (i32.const 7))"));
    assert_eq!(output(&["run", &seven, "--dir", "x"]).status.code(), Some(7), "options after the program are its own");
    let trap = module(&temp, "trap.wasm", &start("unreachable"));
    fails(&["run", &trap], 134, &["unreachable"]);
    let forever = module(&temp, "forever.wasm", &start("(loop (br 0))"));
    fails(&["run", "--timeout", "200ms", &forever], 134, &["interrupted"]);
    fails(&["run", "no.wasm"], 1, &["no.wasm", "no such file"]);
}

/// Waits until nothing is mounted there any more.
fn gone(dir: &Path, before: u64) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while device(dir) != before {
        assert!(Instant::now() < deadline, "{} is still mounted", dir.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_background_mount_works_when_the_command_returns() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("cli-daemon");
    let dir = temp.dir("mnt");
    let log = temp.0.join("log");
    let before = device(&dir);
    let at = dir.to_str().unwrap();
    for round in 0..3 {
        let mount = output(&["mount", "memfs", at, "--stats", "--log", log.to_str().unwrap()]);
        assert!(mount.status.success(), "{}", text(&mount.stderr));
        assert_ne!(device(&dir), before, "it is mounted as soon as the command returns");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0, "round {round} begins empty");
        fs::write(dir.join("file"), "content").unwrap();
        assert_eq!(fs::read_to_string(dir.join("file")).unwrap(), "content");
        fails(&["mount", "memfs", at], 1, &["already mounted"]);
        let umount = output(&["umount", at]);
        assert!(umount.status.success(), "{}", text(&umount.stderr));
        gone(&dir, before);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while !fs::read_to_string(&log).unwrap().to_lowercase().contains("lookup") {
        assert!(Instant::now() < deadline, "the statistics are in the log: {:?}", fs::read_to_string(&log));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_command_returns_although_its_output_is_a_pipe() {
    if !can_mount() {
        return;
    }
    // A background process that kept the pipe open would make `$(wasmjit mount ...)` wait for ever.
    let temp = TempDir::new("cli-pipe");
    let dir = temp.dir("mnt");
    let before = device(&dir);
    let at = dir.to_str().unwrap();
    let started = Instant::now();
    let output = output(&["mount", "hello", at]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(started.elapsed() < Duration::from_secs(30));
    assert!(fs::read_to_string(dir.join("hello")).unwrap().contains("Hello"));
    run(Command::new("umount").arg(&dir), 10);
    gone(&dir, before);
}

#[test]
fn lazily_unmounted_files_are_served_to_the_end() {
    if !can_mount() {
        return;
    }
    use std::io::{Read, Write};
    let temp = TempDir::new("cli-lazy");
    let dir = temp.dir("mnt");
    let before = device(&dir);
    let mut mounted = Mounted::start(&dir, "memfs", &[], &[]);
    let mut file = fs::File::options().read(true).write(true).create_new(true).open(dir.join("file")).unwrap();
    fails(&["umount", dir.to_str().unwrap()], 1, &["in use", "-l"]);
    assert!(output(&["umount", "-l", dir.to_str().unwrap()]).status.success());
    assert_eq!(device(&dir), before);
    file.write_all(b"still here").unwrap();
    let mut back = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut back).unwrap();
    assert_eq!(back, "still here");
    assert!(mounted.server.try_wait().unwrap().is_none());
    drop(file);
    assert!(mounted.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));
}

#[test]
fn debug_shows_requests_and_replies() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("cli-debug");
    let dir = temp.dir("mnt");
    let before = device(&dir);
    let server = wasmjit().args(["mount", "-d", "memfs"]).arg(&dir).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while device(&dir) == before {
        assert!(Instant::now() < deadline, "it did not mount");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(fs::metadata(dir.join("missing")).is_err());
    assert!(output(&["umount", dir.to_str().unwrap()]).status.success());
    let text = text(&server.wait_with_output().unwrap().stderr).to_uppercase();
    assert!(text.contains("INIT") && text.contains("LOOKUP"), "{text}");
}

#[test]
fn a_guest_in_rust_reads_what_it_was_granted() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("cli-jsonfs");
    let data = temp.dir("data");
    fs::write(data.join("x.json"), r#"{"list": [1, {"deep": "värde"}], "a/b": null}"#).unwrap();
    let wasm = root().join("examples/jsonfs/jsonfs.wasm");
    let wasm = wasm.to_str().unwrap();
    let grant = format!("{}::/data:ro", data.display());
    let dir = temp.dir("mnt");
    let mounted = Mounted::start(&dir, wasm, &["--dir", &grant], &["--", "/data/x.json"]);
    assert_eq!(fs::read_to_string(dir.join("list/1/deep")).unwrap(), "värde\n");
    assert_eq!(fs::read_to_string(dir.join("a%2Fb")).unwrap(), "null\n");
    let mut names: Vec<_> = fs::read_dir(dir.join("list")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["0", "1"]);
    assert_eq!(fs::write(dir.join("new"), "x").unwrap_err().kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    drop(mounted);
    let at = dir.to_str().unwrap();
    fails(&["mount", wasm, at, "--", "/data/x.json"], 1, &["x.json"]);
    fs::write(data.join("x.json"), "{").unwrap();
    fails(&["mount", wasm, at, "--dir", &grant, "--", "/data/x.json"], 1, &["byte 1"]);
}

/// Tells the host of a handler for SIGTERM, says that it is ready, waits for a signal unless it has come already, and exits with its
/// number.
const WAITING: &str = r#"(module
  (import "env" "__syscall_wasmjit_sigaction" (func $sigaction (param i32 i32 i32) (result i32)))
  (import "env" "__syscall_pause" (func $pause (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $got (mut i32) (i32.const 0))
  (data (i32.const 0) "\08\00\00\00\06\00\00\00ready\n")
  (func (export "wasmjit_signal") (param i32) (result i32) (global.set $got (local.get 0)) (i32.const 0))
  (func (export "_start")
    (drop (call $sigaction (i32.const 15) (i32.const 2) (i32.const 0)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 64)))
    (if (i32.eqz (global.get $got)) (then (drop (call $pause))))
    (call $exit (global.get $got))))"#;

/// Starts a program and reads its first line.
fn started(args: &[&str]) -> (std::process::Child, String) {
    use std::io::BufRead;
    let mut command = wasmjit();
    let mut child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (child, line)
}

#[test]
fn a_signal_of_the_process_reaches_the_programs_handler() {
    let temp = TempDir::new("cli-signal");
    let program = module(&temp, "waiting.wasm", WAITING);
    let (mut child, line) = started(&["run", &program]);
    assert_eq!(line, "ready\n");
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(15));
}

#[test]
fn the_process_itself_is_confined() {
    let temp = TempDir::new("cli-harden");
    let program = module(&temp, "waiting.wasm", WAITING);
    for (options, mode) in [(&["run"][..], "2"), (&["run", "--no-harden"], "0")] {
        let args: Vec<&str> = options.iter().copied().chain([program.as_str()]).collect();
        let (mut child, _) = started(&args);
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let found = status.lines().find_map(|line| line.strip_prefix("Seccomp:")).map(str::trim);
        // A test that runs confined itself cannot tell.
        let own = fs::read_to_string("/proc/self/status").unwrap();
        if own.lines().any(|line| line.strip_prefix("Seccomp:").is_some_and(|mode| mode.trim() == "0")) {
            assert_eq!(found, Some(mode), "{options:?}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn a_program_gets_a_socket_that_listens() {
    use std::io::{Read, Write};
    let temp = TempDir::new("cli-listen");
    let program = module(
        &temp,
        "server.wasm",
        r#"(module
          (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\10\00\00\00\04\00\00\00")
          (func (export "_start")
            (if (call $accept (i32.const 3) (i32.const 0) (i32.const 32)) (then (call $exit (i32.const 1))))
            (if (call $recv (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 36) (i32.const 40))
              (then (call $exit (i32.const 2))))
            (if (call $send (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36))
              (then (call $exit (i32.const 3))))
            (call $exit (i32.load (i32.const 36)))))"#,
    );
    // The address is free again as soon as the listener here is gone.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut child = wasmjit().args(["run", "--listen", &address.to_string(), &program]).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut stream = loop {
        match std::net::TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    stream.write_all(b"echo").unwrap();
    let mut got = [0; 4];
    stream.read_exact(&mut got).unwrap();
    assert_eq!((&got, child.wait().unwrap().code()), (b"echo", Some(4)));
    fails(&["run", "--listen", "nowhere", &program], 1, &["nowhere", "ADDR:PORT"]);
}

#[test]
fn what_is_refused_names_the_option_that_grants_it() {
    let temp = TempDir::new("cli-refused");
    let program = module(
        &temp,
        "client.wasm",
        r#"(module
          (import "env" "__syscall_socket" (func $socket (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "env" "__syscall_connect" (func $connect (param i32 i32 i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "\02\00\00\09\c0\00\02\01\00\00\00\00\00\00\00\00")
          (func $try (result i32)
            (call $connect (call $socket (i32.const 2) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
              (i32.const 0) (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 0)))
          (func (export "_start") (drop (call $try)) (call $exit (i32.sub (i32.const 0) (call $try)))))"#,
    );
    let refused = output(&["run", &program]);
    assert_eq!(refused.status.code(), Some(8), "no socket, so no descriptor");
    assert_eq!(text(&refused.stderr).matches("--net").count(), 3, "once: {}", text(&refused.stderr));
    let narrow = output(&["run", "--net", "listen=127.0.0.1:1", &program]);
    assert_eq!(narrow.status.code(), Some(2), "EACCES");
    assert_eq!(text(&narrow.stderr).matches("--net connect=192.0.2.1:9").count(), 1, "{}", text(&narrow.stderr));
    fails(&["run", "--net", "connect=x", &program], 2, &["port is missing", "connect=HOST:PORT"]);
}

#[test]
fn a_path_that_nothing_shows_names_the_option_once() {
    let temp = TempDir::new("cli-unseen");
    let program = module(
        &temp,
        "opener.wasm",
        r#"(module
          (import "env" "__syscall_openat" (func $open (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "/nowhere/at/all\00")
          (data (i32.const 16) "/etc/passwd\00")
          (func $try (param i32) (result i32)
            (call $open (i32.const -100) (local.get 0) (i32.const 0) (i32.const 0)))
          (func (export "_start")
            (drop (call $try (i32.const 0)))
            (drop (call $try (i32.const 16)))
            (call $exit (i32.sub (i32.const 0) (call $try (i32.const 16))))))"#,
    );
    let refused = output(&["run", &program]);
    assert_eq!(refused.status.code(), Some(44), "ENOENT");
    let said = text(&refused.stderr);
    assert!(said.matches("--dir").count() == 1 && said.contains("--dir /etc"), "{said}");
}

#[test]
fn doctor_knows_whether_mounting_works() {
    let output = output(&["doctor"]);
    let report = text(&output.stdout);
    for title in ["wasmjit mount: ", "wasmjit run: works", "wasmjit cc: ", "wasmjit mount --kernel: "] {
        assert!(report.contains(title), "{report}");
    }
    let mounts = report.contains("wasmjit mount: works");
    assert_eq!(output.status.code(), Some(if mounts { 0 } else { 1 }), "{report}");
    if can_mount() {
        assert!(mounts, "{report}");
    }
}
