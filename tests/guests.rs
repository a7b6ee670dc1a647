//! Programs that Emscripten (3.1.6, 3.1.69, 6.0.5) and Rust compiled, run from start to exit; what they print and their status are
//! compared with what a POSIX system gives. `tests/guests/README.md` says how each was built.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::OwnedFd;
use std::path::Path;
use wasmjit::host::{self, HasHost, Host, Policy, Stream};
use wasmjit::runtime::{Config, Engine, Linker, Module, Store, Trap};

struct Data(Host);

impl HasHost for Data {
    fn host(&mut self) -> &mut Host {
        &mut self.0
    }
}

/// What became of a run.
struct Outcome {
    status: Result<i32, String>,
    out: String,
    err: String,
}

fn load(engine: &Engine, name: &str) -> Result<Module, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(format!("{name}.wasm"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Module::new(engine, &bytes).map_err(|error| error.to_string())
}

fn temp() -> File {
    tempfile::tempfile().expect("a temporary file")
}

fn text(mut file: File) -> String {
    file.rewind().expect("a file that can be read again");
    let mut text = Vec::new();
    file.read_to_end(&mut text).expect("readable output");
    String::from_utf8_lossy(&text).into_owned()
}

/// Runs a guest; `Err` where it could not be loaded or linked.
fn run(name: &str, policy: &Policy, args: &[&str]) -> Result<Outcome, String> {
    // As the command line has it.
    let engine = Engine::new(Config::new().interruptible(true));
    let module = load(&engine, name)?;
    let (out, err) = (temp(), temp());
    let streams = [&out, &err].map(|f| Stream::Fd(OwnedFd::from(f.try_clone().expect("a second descriptor"))));
    let [stdout, stderr] = streams;
    let mut host = Host::new(policy).map_err(|e| e.to_string())?;
    host.stdio([Stream::Null, stdout, stderr]).map_err(|e| e.to_string())?;
    host::configure(&mut host, &module).map_err(|e| e.to_string())?;
    let mut linker = Linker::new();
    host::link(&mut linker, &module).map_err(|e| e.to_string())?;
    let mut imports = module.imports().iter();
    if let Some(first) = imports.find(|import| !host::provides(&import.module, &import.name, &import.ty)) {
        let advice = host::explain_missing(&first.module, &first.name, &first.ty);
        return Err(format!("{}.{}: {advice}", first.module, first.name));
    }
    let mut store = Store::new(&engine, Data(host));
    let instance = host::instantiate(&linker, &mut store, &module).map_err(|e| e.to_string())?;
    let status = host::run_main(&mut store, &instance, [name].iter().chain(args));
    let status = status.map(|code| code.0).map_err(|trap: Trap| trap.to_string());
    drop(store);
    Ok(Outcome { status, out: text(out), err: text(err) })
}

fn run_plain(name: &str, args: &[&str]) -> Outcome {
    run(name, &Policy::new(), args).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Runs `check` for every listed guest, and reports all failures together.
fn each(names: &[&str], mut check: impl FnMut(&str) -> Result<(), String>) {
    let failures: Vec<String> =
        names.iter().filter_map(|name| check(name).err().map(|error| format!("{name}: {error}"))).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn expect(outcome: &Outcome, status: i32, out: &str) -> Result<(), String> {
    if outcome.status == Ok(status) && outcome.out == out {
        return Ok(());
    }
    Err(format!(
        "status {:?}, output {:?}, errors {:?}; wanted {status}, {out:?}",
        outcome.status, outcome.out, outcome.err
    ))
}

#[test]
fn hello_gets_arguments_and_gives_its_status() {
    each(
        &[
            "em3.1.6/js-hello",
            "em3.1.6/standalone-hello",
            "em3.1.69/js-hello",
            "em3.1.69/standalone-hello",
            "em6.0.5/js-hello",
            "em6.0.5/standalone-hello",
        ],
        |name| expect(&run_plain(name, &["a", "b"]), 7, "hello, argc=3 a 3.250000\n"),
    );
}

#[test]
fn quicksort_function_pointers_and_immediate_exit() {
    each(
        &["em3.1.6/js-qs", "em3.1.69/js-qs", "em3.1.69/standalone-qs", "em6.0.5/js-qs", "em6.0.5/standalone-qs"],
        |name| {
            let outcome = run_plain(name, &[]);
            let sorted = "9 8 7 6 5 4 3 2 1 1 2 3 4 5 6 7 8 9 \n1 0.841471 Permission denied\n";
            expect(&outcome, 3, sorted)
        },
    );
}

#[test]
fn memory_grows_where_the_program_may() {
    each(
        &[
            "em3.1.6/js-growth",
            "em3.1.69/js-growth",
            "em3.1.69/standalone-growth",
            "em6.0.5/js-growth",
            "em6.0.5/standalone-growth",
        ],
        |name| expect(&run_plain(name, &[]), 0, "alloc 100 MiB\n"),
    );
}

#[test]
fn memory_of_fixed_size_ends() {
    each(
        &[
            "em3.1.6/js-grow",
            "em3.1.69/js-grow",
            "em3.1.69/standalone-grow",
            "em6.0.5/js-grow",
            "em6.0.5/standalone-grow",
        ],
        |name| {
            let outcome = run_plain(name, &[]);
            let fits = outcome.out.starts_with("oom\n") || outcome.status.is_err();
            if fits { Ok(()) } else { Err(format!("{:?} {:?}", outcome.status, outcome.out)) }
        },
    );
}

#[test]
fn clocks_and_calendars() {
    each(
        &[
            "em3.1.6/js-timefn",
            "em3.1.69/js-timefn",
            "em3.1.69/standalone-timefn",
            "em6.0.5/js-timefn",
            "em6.0.5/standalone-timefn",
        ],
        |name| {
            let outcome = run_plain(name, &[]);
            let wanted = if name.contains("3.1.6/") { "sizeof(time_t)=4" } else { "sizeof(time_t)=8" };
            let fits = outcome.out.starts_with("year>=2024 1 ") && outcome.out.contains(wanted);
            if fits && outcome.status == Ok(0) {
                Ok(())
            } else {
                Err(format!("{:?} {:?}", outcome.status, outcome.out))
            }
        },
    );
}

#[test]
fn c_plus_plus_without_exceptions() {
    each(&["em3.1.6/js-cxxnoexc", "em3.1.69/js-cxxnoexc", "em6.0.5/js-cxxnoexc"], |name| {
        expect(&run_plain(name, &[]), 0, "1 2 3 \n")
    });
}

/// What the C++ program with exceptions prints.
const EXC: &str = "dtor f\ndtor f\ndtor f\nint 17\ndtor f\nexc big 3\ndtor f\nexc big 4\nre x\noor\n22\n";

/// What the program with `setjmp` prints.
const SJLJ: &str = "r=42 k=5\ni=0 r=42\ni=1 r=42\ni=2 r=42\n";

#[test]
fn exceptions_of_webassembly() {
    each(
        &[
            "em3.1.69/js-excwasm",
            "em3.1.69/standalone-excwasm",
            "em3.1.69/standalone-excwasmexnref",
            "em6.0.5/js-excwasm",
            "em6.0.5/standalone-excwasm",
        ],
        |name| expect(&run_plain(name, &[]), 0, EXC),
    );
}

#[test]
fn longjmp_by_exceptions_of_webassembly() {
    each(
        &["em3.1.69/js-sjljwasm", "em3.1.69/standalone-sjljwasm", "em6.0.5/js-sjljwasm", "em6.0.5/standalone-sjljwasm"],
        |name| expect(&run_plain(name, &[]), 0, SJLJ),
    );
}

#[test]
fn exceptions_unwind_through_the_host() {
    each(
        &[
            "em3.1.6/js-excjs",
            "em3.1.69/js-excjs",
            "em3.1.69/standalone-excjs",
            "em6.0.5/js-excjs",
            "em6.0.5/standalone-excjs",
        ],
        |name| expect(&run_plain(name, &[]), 0, EXC),
    );
}

#[test]
fn uncaught_exceptions_end_the_program() {
    each(&["em3.1.6/js-excdefault", "em3.1.69/js-excdefault", "em6.0.5/js-excdefault"], |name| {
        let outcome = run_plain(name, &[]);
        if outcome.status.is_err() { Ok(()) } else { Err(format!("{:?} {:?}", outcome.status, outcome.out)) }
    });
}

#[test]
fn pipes_poll_and_select() {
    let wanted = "got a\ngot b\ngot c\ngot d\ngot e\nempty read -1 EAGAIN\n";
    each(&["em3.1.6/js-selfpipe", "em3.1.69/js-selfpipe", "em6.0.5/js-selfpipe"], |name| {
        expect(&run_plain(name, &[]), 0, wanted)
    });
}

#[test]
fn signals_that_a_program_raises_itself() {
    each(
        &[
            "em3.1.6/js-selfpipe_sig",
            "em3.1.69/js-selfpipe_sig",
            "em3.1.69/standalone-selfpipe_sig",
            "em6.0.5/js-selfpipe_sig",
            "em6.0.5/standalone-selfpipe_sig",
        ],
        |name| expect(&run_plain(name, &[]), 0, "woke by signal 14\n"),
    );
}

#[test]
fn longjmp_through_the_host() {
    each(
        &[
            "em3.1.6/js-sjlj",
            "em3.1.69/js-sjlj",
            "em3.1.69/standalone-sjlj",
            "em6.0.5/js-sjlj",
            "em6.0.5/standalone-sjlj",
        ],
        |name| expect(&run_plain(name, &[]), 0, SJLJ),
    );
}

/// Lines of `fileio`'s output that a POSIX system gives. Up to 3.1.69 the library has a `link()` that does nothing, and its own
/// process numbers; 6.0.5 has neither, nor a program with the shim.
fn check_fileio(out: &str, links: bool, shim: bool) -> Result<(), String> {
    let has = |line: &str| {
        if out.lines().any(|l| l == line) { Ok(()) } else { Err(format!("no line {line:?} in {out:?}")) }
    };
    has("Jello world")?;
    has("xyz")?;
    has("size 200 mode 100644")?;
    has("mmap J")?;
    for entry in [". type 4", ".. type 4", "a.txt type 8", "nn type 1", "zz type 10"] {
        has(&format!("ent {entry}"))?;
    }
    if links {
        has("ent h2 type 8")?;
        has("ent l2 type 8")?;
    }
    if shim {
        has(&format!("uid {} pid {} ppid {}", 0, std::process::id(), std::os::unix::process::parent_id()))?;
    }
    has("/data/work")?;
    has("HOME=/home/guest")
}

#[test]
fn files_and_directories() {
    each(
        &[
            "em3.1.6/js-fileio",
            "em3.1.6/js-shim-fileio",
            "em3.1.69/js-fileio",
            "em3.1.69/js-bigint-fileio",
            "em6.0.5/js-fileio",
        ],
        |name| {
            let dir = tempfile::tempdir().expect("a directory");
            let mut policy = Policy::new();
            policy.dir(dir.path(), "/data", false).expect("a grant").env_spec("HOME=/home/guest").expect("a variable");
            let outcome = run(name, &policy, &["/data/work"])?;
            if outcome.status != Ok(0) {
                return Err(format!("{:?} {:?} {:?}", outcome.status, outcome.out, outcome.err));
            }
            let shim = name.contains("shim");
            check_fileio(&outcome.out, shim || name.contains("6.0.5"), shim)?;
            let content = std::fs::read(dir.path().join("work/a.txt")).map_err(|e| e.to_string())?;
            if content.starts_with(b"JEllo") { Ok(()) } else { Err("the mapping was not written back".into()) }
        },
    );
}

#[test]
fn modules_that_are_opened_at_run_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/em3.1.6");
    for name in ["dl_side.so", "dl_second.so"] {
        std::fs::copy(guests.join(name), dir.path().join(name)).expect("a copy");
    }
    std::fs::write(dir.path().join("dl_none.so"), b"no module").expect("a file");
    let mut policy = Policy::new();
    policy.dir(dir.path(), "/data", true).expect("a grant");
    let outcome = run("em3.1.6/js-dl", &policy, &[]).expect("it links");
    expect(&outcome, 0, include_str!("guests/src/dl.expected")).expect("what it prints natively");
    // Without a grant there is nothing to open.
    let outcome = run_plain("em3.1.6/js-dl", &[]);
    assert!(outcome.status == Ok(1) && outcome.out.starts_with("no module: "), "{:?} {}", outcome.status, outcome.out);
}

/// The main modules of these versions were linked without what their side module needs.
#[test]
fn what_no_module_has_is_named_when_it_is_called() {
    for version in ["em3.1.69", "em6.0.5"] {
        let dir = tempfile::tempdir().expect("a directory");
        let side = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(version).join("side.wasm");
        std::fs::copy(side, dir.path().join("side.wasm")).expect("a copy");
        let mut policy = Policy::new();
        policy.dir(dir.path(), "/data", true).expect("a grant");
        let outcome = run(&format!("{version}/js-maindl2"), &policy, &[]).expect("it links");
        let error = outcome.status.expect_err("there is no puts");
        assert!(error.contains("puts is in none"), "{version}: {error}");
    }
}

#[test]
fn threads() {
    each(
        &[
            "em3.1.6/js-pthread",
            "em3.1.69/js-pthread",
            "em3.1.69/standalone-pthread",
            "em6.0.5/js-pthread",
            "em6.0.5/standalone-pthread",
        ],
        |name| expect(&run_plain(name, &[]), 0, "t0 -> 0\nt1 -> 2\nt2 -> 4\nt3 -> 6\nat 4000\n"),
    );
    let dir = tempfile::tempdir().expect("a directory");
    let mut policy = Policy::new();
    policy.dir(dir.path(), "/data", false).expect("a grant");
    let outcome = run("em3.1.6/js-threads", &policy, &["/data"]).expect("it links");
    expect(&outcome, 0, include_str!("guests/src/threads.expected")).expect("what it prints natively");
}

#[test]
fn signals_reach_a_program_that_computes() {
    for name in ["em3.1.6/sdk-alarm", "em3.1.6/js-alarm-threads"] {
        let joined = if name.contains("threads") { "joined\n" } else { "" };
        expect(&run_plain(name, &[]), 0, &format!("same\n{joined}ticked\n")).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    // Without a handler it ends the program.
    expect(&run_plain("em3.1.6/sdk-alarm", &["default"]), 128 + libc::SIGALRM, "").expect("as the shell says");
}

#[test]
fn programs_with_threads_end_as_any_thread_says() {
    let name = "em3.1.6/js-threads_end";
    for (how, status, out) in
        [("exit", 4, "in a thread"), ("_exit", 5, "in a thread"), ("main", 6, "in a thread"), ("grow", 0, "grown g\n")]
    {
        expect(&run_plain(name, &[how]), status, out).unwrap_or_else(|error| panic!("{how}: {error}"));
    }
    for (how, words) in
        [("abort", "thread 4: trap: the program called abort()"), ("trap", "thread 4: trap: unreachable")]
    {
        let outcome = run_plain(name, &[how]);
        let failed = outcome.status.as_ref().is_err_and(|error| error.contains(words));
        assert!(failed && outcome.out == "in a thread", "{how}: {:?} {}", outcome.status, outcome.out);
    }
}

#[test]
fn threads_are_limited() {
    let mut policy = Policy::new();
    policy.max_threads(4);
    let outcome = run("em3.1.6/js-threads_end", &policy, &["many"]).expect("it links");
    expect(&outcome, 0, "3, then Resource temporarily unavailable\n").expect("an error of its own");
}

/// A policy for programs that talk to themselves.
fn own_network() -> Policy {
    let mut policy = Policy::new();
    for rule in ["connect=127.0.0.1:*", "listen=127.0.0.1:*"] {
        policy.net_spec(rule).expect("a rule");
    }
    policy
}

#[test]
fn signals_sockets_and_events_as_natively() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut policy = own_network();
    policy.dir(dir.path(), "/data", false).expect("a grant");
    let outcome = run("em3.1.6/sdk-posix", &policy, &["/data"]).expect("it links");
    let wanted = include_str!("guests/src/posix.expected");
    assert_eq!((outcome.status, outcome.out.as_str()), (Ok(0), wanted), "{}", outcome.err);
}

#[test]
fn vectors() {
    each(&["em3.1.69/js-simd", "em6.0.5/js-simd"], |name| expect(&run_plain(name, &[]), 0, "170688.000000\n"));
}

/// A program that makes each call of sockets once; where its names are differs by the address of a structure.
#[test]
fn every_call_of_sockets() {
    for version in ["em3.1.69", "em6.0.5"] {
        for form in ["js", "standalone"] {
            let outcome = run(&format!("{version}/{form}-sock2"), &own_network(), &[]).expect("it links");
            let fits = outcome.out.starts_with("socketpair -1\ngai 0\n0x") && outcome.out.lines().count() == 3;
            assert!(outcome.status == Ok(0) && fits, "{version} {form}: {:?} {}", outcome.status, outcome.out);
        }
    }
}

/// The server of `sock.c`, which echoes what one client sends.
#[test]
fn an_echo_server() {
    // Standalone programs of 6.0.5 have a poll() that answers ENOSYS without asking the host.
    for name in ["em3.1.69/js-sock", "em6.0.5/js-sock", "em3.1.69/standalone-sock"] {
        // Somebody else may take the port in between, so there is more than one try.
        let served = (0..5).any(|_| {
            let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
            let client = std::thread::spawn(move || echo(port));
            let outcome = run(name, &own_network(), &[&port.to_string(), "once"]).expect("it links");
            let echoed = client.join().expect("the client");
            outcome.status == Ok(0) && echoed.as_deref() == Some("hello") && outcome.out.contains("conn from 127.0.0.1")
        });
        assert!(served, "{name}");
        let refused = run(name, &Policy::new(), &["1"]).expect("it links");
        assert_eq!(refused.status, Ok(1), "{name}: {}", refused.out);
    }
}

/// What comes back of a greeting.
fn echo(port: u16) -> Option<String> {
    use std::io::Write;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let mut stream = loop {
        match std::net::TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => break stream,
            Err(_) if std::time::Instant::now() > deadline => return None,
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(20)),
        }
    };
    stream.set_read_timeout(Some(std::time::Duration::from_secs(5))).ok()?;
    stream.write_all(b"hello").ok()?;
    let mut got = [0; 5];
    stream.read_exact(&mut got).ok()?;
    Some(String::from_utf8_lossy(&got).into_owned())
}

#[test]
fn rust_program() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut policy = Policy::new();
    policy.dir(dir.path(), "/work", false).expect("a grant").env_spec("A=b").expect("a variable");
    let outcome = run("rust/wasip1-hello", &policy, &["/work"]).expect("it links");
    let wanted = "hello from rust 2\n{\"a\": 1} env 1\nread data\nentries true\nslept true\ntrue\n";
    expect(&outcome, 3, wanted).expect("what it prints natively");
    assert!(std::fs::read_dir(dir.path()).expect("readable").next().is_none(), "the file is gone");
}

/// `std::thread` by WASI's `thread-spawn`: what the same source prints natively.
#[test]
fn threads_of_wasi() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut policy = Policy::new();
    policy.dir(dir.path(), "/work", false).expect("a grant");
    let outcome = run("rust/wasip1-threads", &policy, &["/work"]).expect("it links");
    expect(&outcome, 5, include_str!("guests/rust/threads.expected")).expect("what it prints natively");
    assert!(std::fs::read_dir(dir.path()).expect("readable").next().is_none(), "files are left");
    // Any thread ends the program, while the first one sleeps.
    expect(&run_plain("rust/wasip1-threads", &["exit"]), 9, "").expect("the status of the thread");
    policy.max_threads(2);
    let outcome = run("rust/wasip1-threads", &policy, &["/work"]).expect("it links");
    assert!(outcome.status.is_err() && outcome.err.contains("failed to spawn thread"), "{}", outcome.err);
}

#[test]
fn nothing_is_visible_without_a_grant() {
    let outcome = run("rust/wasip1-hello", &Policy::new(), &["/tmp"]).expect("it links");
    assert!(outcome.out.contains("env 0\ncreate "), "{}", outcome.out);
    let outcome = run_plain("em6.0.5/js-fileio", &["/tmp/wj_fileio"]);
    assert_eq!(outcome.status, Ok(1), "{} {}", outcome.out, outcome.err);
}

#[test]
fn refusals_say_what_helps() {
    for (name, words) in [
        ("em3.1.6/js-emasm", "EM_ASM"),
        ("em3.1.69/js-emasm", "EM_ASM"),
        ("em6.0.5/js-emasm", "EM_ASM"),
        ("em6.0.5/js-O3-selfpipe", "-O2"),
        ("em3.1.69/js-wasmfs-fileio", "WASMFS"),
    ] {
        match run(name, &Policy::new(), &[]) {
            Ok(outcome) => panic!("{name} ran: {:?} {}", outcome.status, outcome.out),
            Err(error) => assert!(error.to_lowercase().contains(&words.to_lowercase()), "{name}: {error}"),
        }
    }
}

/// Whether a module asks the host for a call at all.
fn imports(name: &str, call: &str) -> bool {
    let module = load(&Engine::default(), name).expect("a module");
    module.imports().iter().any(|import| import.name == call)
}

/// Programs whose output differs from the native one's because their own C library, linked standalone, answers without asking the host:
/// the guest, the call that it does not import, and how it ends.
const OWN_ANSWERS: &[(&str, &str, i32, &str)] = &[
    ("em3.1.6/standalone-fileio", "__syscall_open", 2, "open: Operation not permitted"),
    ("em3.1.69/standalone-fileio", "__syscall_mkdirat", 1, "chdir: No such file or directory"),
    ("em6.0.5/standalone-fileio", "__syscall_mkdirat", 1, "chdir: No such file or directory"),
    ("em6.0.5/standalone-selfpipe", "__syscall__newselect", 4, "select: Function not implemented"),
    ("em6.0.5/standalone-sock", "__syscall_poll", 2, "poll: Function not implemented"),
];

#[test]
fn what_a_c_library_answers_itself_no_host_can_mend() {
    for (name, call, status, error) in OWN_ANSWERS {
        assert!(!imports(name, call), "{name}");
        let dir = tempfile::tempdir().expect("a directory");
        let mut policy = own_network();
        policy.dir(dir.path(), "/data", false).expect("a grant");
        let first = if name.ends_with("sock") { "0" } else { "/data/work" };
        let outcome = run(name, &policy, &[first, "once"]).expect("it links");
        let told = outcome.err.contains(error);
        assert!(outcome.status == Ok(*status) && told, "{name}: {:?} {} {}", outcome.status, outcome.out, outcome.err);
    }
}

/// `fcntl` is among what this library answers itself, so the pipe stays blocking: all comes as natively but for the last line, which waits.
#[test]
fn a_pipe_that_cannot_be_made_nonblocking_blocks() {
    use std::io::{BufRead, BufReader};
    let name = "em3.1.69/standalone-selfpipe";
    assert!(!imports(name, "__syscall_fcntl64"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests").join(format!("{name}.wasm"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_wasmjit"));
    let mut child = command.arg("run").arg(path).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let lines: Vec<String> = lines.take(5).map(|line| line.expect("text")).collect();
    child.kill().expect("it waits");
    child.wait().expect("it is gone");
    assert_eq!(lines, ["got a", "got b", "got c", "got d", "got e"]);
}

/// Names that tests build of parts: the guest, and the parts as they stand in this file.
const BUILT_NAMES: &[(&str, &str)] = &[
    ("em3.1.6/dl_side.so", "dl_side.so"),
    ("em3.1.6/dl_second.so", "dl_second.so"),
    ("em3.1.69/side", "side.wasm"),
    ("em6.0.5/side", "side.wasm"),
    ("em3.1.69/js-maindl2", "{version}/js-maindl2"),
    ("em6.0.5/js-maindl2", "{version}/js-maindl2"),
    ("em3.1.69/js-sock2", "{version}/{form}-sock2"),
    ("em3.1.69/standalone-sock2", "{version}/{form}-sock2"),
    ("em6.0.5/js-sock2", "{version}/{form}-sock2"),
    ("em6.0.5/standalone-sock2", "{version}/{form}-sock2"),
];

#[test]
fn every_guest_is_run() {
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests");
    // What stands behind this test names guests, but runs none.
    let (source, _) = include_str!("guests.rs").split_once("const BUILT_NAMES").expect("this file");
    let mut missing = Vec::new();
    for folder in ["em3.1.6", "em3.1.69", "em6.0.5", "rust"] {
        for entry in std::fs::read_dir(guests.join(folder)).expect("a folder") {
            let file = entry.expect("an entry").file_name().into_string().expect("a name");
            if !file.ends_with(".wasm") && !file.ends_with(".so") {
                continue;
            }
            let name = format!("{folder}/{}", file.trim_end_matches(".wasm"));
            let built = BUILT_NAMES.iter().any(|(guest, parts)| *guest == name && source.contains(parts));
            if !built && !source.contains(&format!("\"{name}\"")) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "no test runs {missing:?}");
}
