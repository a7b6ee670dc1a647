//! Host functions called by several threads of one guest at once, with random arguments, while its first thread changes the memory
//! that all of them share: between what a host function checks and what it uses, anything may have become something else.
//!
//! The guest makes the arguments up itself, so that nothing but its own speed lies between two calls. Threads start others and close
//! each other's descriptors; at the end of a guest, those that wait are called back. None may panic, or leave a thread or a descriptor behind.
//!
//! `WASMJIT_FUZZ_SECONDS` makes it go on with other seeds for so long; each is printed, and `WASMJIT_FUZZ_SEED` begins with one.

mod host_rig;

use host_rig::fuzz::*;
use host_rig::*;
use std::fmt::Write;
use std::time::{Duration, Instant};
use wasmjit::host::{self, Host, Policy, Role, Row, Stream};
use wasmjit::runtime::{Config, Engine, Frame, Linker, Module, Store, Trap};

/// Threads that call, and the most that there may be.
const CALLERS: usize = 4;
const MAX_THREADS: usize = 12;

/// Calls of all threads together after which a guest ends; or it ends after so many changes of its memory, if all of them wait.
const CALLS: usize = 40_000;
const CHANGES: usize = 30_000_000;

/// Calls that an ordinary run makes, in however many guests; the first ones find out what ends a guest, and are short.
const WANTED: u64 = 3_000;
const MOST_GUESTS: u64 = 1000;

/// Functions that end the guest, which is then no test of anything.
const ENDING: &[&str] =
    &["exit", "abort", "assert", "terminate", "unreachable", "fail", "throw", "longjmp", "kill", "raise"];

/// Functions that wait for a disk.
const SLOW: &[&str] = &["sync"];

/// How long threads may take to be gone after the end of their guest.
const GONE: Duration = Duration::from_secs(30);

// Where things lie in the guest's memory.
const CALLED: u32 = 16;
const SEED: u32 = 8;
const NUMBER_TABLE: u32 = 256;
const FD_TABLE: u32 = 1024;
const LEN_TABLE: u32 = 1280;
const WIDE_TABLE: u32 = 1536;
const PATH_TABLE: u32 = 1792;
const PATH_TEXT: u32 = 2048;
/// From here on memory is changed all the time.
const WILD: u32 = 4096;

fn words<T>(table: &[T], bytes: impl Fn(&T) -> Vec<u8>) -> String {
    let all = table.iter().flat_map(bytes);
    all.fold(String::new(), |mut text, byte| {
        let _ = write!(text, "\\{byte:02x}");
        text
    })
}

/// A table of 2^n entries made of `from`.
fn table(count: usize, from: &[i64]) -> Vec<i64> {
    from.iter().copied().cycle().take(count).collect()
}

fn data() -> String {
    let narrow = |number: &i64| (*number as i32).to_le_bytes().to_vec();
    let mut text = String::new();
    let mut put = |at: u32, bytes: String| writeln!(text, "(data (i32.const {at}) \"{bytes}\")").unwrap();
    put(NUMBER_TABLE, words(&table(64, NUMBERS), narrow));
    put(FD_TABLE, words(&table(16, &[-100, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 63]), narrow));
    let lengths = [0, 1, 2, 3, 8, 24, 64, 88, 100, 1024, 4096, 16, 4, 1, 1 << 20, i64::from(u32::MAX)];
    put(LEN_TABLE, words(&table(16, &lengths), narrow));
    let wide = [0, 1, 100, 4096, 1 << 20, 1 << 31, 1 << 40, -1, i64::MAX, i64::MIN];
    put(WIDE_TABLE, words(&table(16, &wide), |number| number.to_le_bytes().to_vec()));
    let (mut places, mut texts) = (Vec::new(), Vec::new());
    for path in PATHS {
        places.push(i64::from(PATH_TEXT) + texts.len() as i64);
        texts.extend_from_slice(path.as_bytes());
        texts.push(0);
    }
    put(PATH_TABLE, words(&table(32, &places), narrow));
    put(PATH_TEXT, words(&texts, |byte| vec![*byte]));
    text
}

fn argument(role: Role) -> &'static str {
    match role {
        Role::Fd => "(call $fd)",
        Role::Str => "(call $str)",
        Role::Ptr => "(call $ptr)",
        Role::Len => "(call $len)",
        Role::Int => "(call $int)",
        Role::Off | Role::Wide => "(call $wide)",
        Role::Float => "(f64.convert_i32_s (call $int))",
    }
}

/// Functions that make up arguments, and change memory.
fn makers() -> String {
    let pick = |name: &str, table: u32, mask: u32| {
        format!(
            "(func ${name} (result i32) (if (result i32) (call $one_in (i32.const 8)) (then (call $random))
               (else (i32.load (i32.add (i32.const {table}) (i32.shl (i32.and (call $random) (i32.const {mask})) (i32.const 2)))))))\n"
        )
    };
    let picks = [("fd", FD_TABLE, 15), ("len", LEN_TABLE, 15), ("int", NUMBER_TABLE, 63), ("path", PATH_TABLE, 31)];
    let mut text: String = picks.iter().map(|(name, table, mask)| pick(name, *table, *mask)).collect();
    let end = MEMORY - 64;
    write!(
        text,
        r#"
  (global $state (mut i64) (i64.const 1))
  (func $random (result i32)
    (local $x i64)
    (local.set $x (global.get $state))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))
    (global.set $state (local.get $x))
    (i32.wrap_i64 (i64.shr_u (local.get $x) (i64.const 20))))
  (func $one_in (param i32) (result i32) (i32.eqz (i32.rem_u (call $random) (local.get 0))))
  (func $seed (param i32)
    (global.set $state (i64.add (i64.load (i32.const {SEED}))
      (i64.mul (i64.extend_i32_u (i32.add (local.get 0) (i32.const 1))) (i64.const 0x9e3779b97f4a7c15))))
    (if (i64.eqz (global.get $state)) (then (global.set $state (i64.const 1)))))
  ;; Few places, so that threads meet there.
  (func $hot (result i32) (i32.add (i32.const {WILD}) (i32.and (call $random) (i32.const 0x3ff8))))
  (func $ptr (result i32)
    (if (call $one_in (i32.const 16)) (then (return (i32.const 0))))
    (if (call $one_in (i32.const 16)) (then (return (i32.add (i32.const {end}) (i32.and (call $random) (i32.const 127))))))
    (if (call $one_in (i32.const 8)) (then (return (call $random))))
    (if (call $one_in (i32.const 4)) (then (return (i32.and (call $random) (i32.const {mask})))))
    (call $hot))
  (func $str (result i32) (if (result i32) (call $one_in (i32.const 4)) (then (call $ptr)) (else (call $path))))
  (func $wide (result i64)
    (if (call $one_in (i32.const 8)) (then (return (global.get $state))))
    (i64.load (i32.add (i32.const {WIDE_TABLE}) (i32.shl (i32.and (call $random) (i32.const 15)) (i32.const 3)))))
  (func $word (result i32)
    (if (call $one_in (i32.const 4)) (then (return (call $int))))
    (if (call $one_in (i32.const 4)) (then (return (call $path))))
    (if (call $one_in (i32.const 4)) (then (return (call $random))))
    (if (call $one_in (i32.const 3)) (then (return (i32.and (call $random) (i32.const 15)))))
    (call $hot))
  (func $change (i32.store (i32.and (call $hot) (i32.const -4)) (call $word)))
"#,
        mask = MEMORY - 1,
    )
    .unwrap();
    text
}

/// A guest whose threads call the rows.
fn text(rows: &[Row]) -> String {
    let (mut imports, mut stubs, mut names) = (String::new(), String::new(), String::new());
    for (index, row) in rows.iter().enumerate() {
        let ty = row.ty(false);
        let list = |word: &str, types: &[wasmjit::wasm::ValType]| match types {
            [] => String::new(),
            _ => format!("({word} {})", types.iter().map(letter).collect::<Vec<_>>().join(" ")),
        };
        let (params, results) = (list("param", &ty.params), list("result", &ty.results));
        writeln!(imports, "(import {:?} {:?} (func $f{index} {params} {results}))", row.module, row.name).unwrap();
        let arguments: String = row
            .params
            .iter()
            .map(|(_, role)| match role {
                Role::Int if reserves_room(row) => format!("(i32.and (call $int) (i32.const {}))", !KEEP_SIZE),
                role => argument(*role).to_string(),
            })
            .collect();
        let drop = if ty.results.is_empty() { "" } else { "drop" };
        writeln!(stubs, "(func $c{index} (call $f{index} {arguments}) {drop})").unwrap();
        write!(names, " $c{index}").unwrap();
    }
    let count = rows.len();
    format!(
        r#"(module {imports}
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 16 24 shared))
  (type $stub (func))
  (table funcref (elem {names}))
  {data} {makers} {stubs}
  (func (export "wasi_thread_start") (param $number i32) (param $seed i32)
    (call $seed (local.get $seed))
    (loop $again
      (call_indirect (type $stub) (i32.rem_u (call $random) (i32.const {count})))
      (drop (i32.atomic.rmw.add (i32.const {CALLED}) (i32.const 1)))
      (br $again)))
  (func (export "_start") (local $left i32)
    (call $seed (i32.const 0))
    (local.set $left (i32.const {CALLERS}))
    (loop $next
      (drop (call $spawn (local.get $left)))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
    (local.set $left (i32.const {CHANGES}))
    (loop $again
      (call $change)
      (br_if $again (i32.and
        (i32.ne (i32.const 0) (local.tee $left (i32.sub (local.get $left) (i32.const 1))))
        (i32.lt_u (i32.atomic.load (i32.const {CALLED})) (i32.const {CALLS})))))))"#,
        data = data(),
        makers = makers(),
    )
}

/// What is called: all that does not end the guest by itself.
fn called() -> Vec<Row> {
    let has = |row: &Row, list: &[&str]| list.iter().any(|part| row.name.contains(part));
    rows().into_iter().filter(|row| !SKIPPED.contains(&row.name) && !has(row, ENDING) && !has(row, SLOW)).collect()
}

/// How a guest ended.
struct Ended {
    calls: u32,
    /// The trap of the thread that ended it, if one did.
    trap: Option<Trap>,
}

/// Runs a guest to its end.
fn run(engine: &Engine, module: &Module, policy: &Policy, seed: u64) -> Ended {
    let mut host = Host::new(policy).expect("a policy that can be opened");
    host.stdio([Stream::Null, Stream::Null, Stream::Null]).expect("streams");
    host.layout = host::Layout::for_version("6.0.5").expect("a version");
    let mut linker = Linker::new();
    host::link(&mut linker, module).expect("host functions that do not clash");
    let mut store = Store::new(engine, Data(host));
    let instance = host::instantiate(&linker, &mut store, module).expect("an instance");
    let memory = instance.memory(&store).expect("the memory");
    memory.view(&mut store).write_u64(SEED, seed).expect("room");
    let trap = host::run_main(&mut store, &instance, ["guest"]).err();
    let calls = memory.view(&mut store).read_u32(CALLED).expect("room");
    Ended { calls, trap }
}

/// The row whose function is in a trap's backtrace.
fn culprit<'a>(rows: &'a [Row], trap: &Trap) -> Option<&'a Row> {
    let stub = |frame: &Frame| frame.name.as_deref()?.strip_prefix('c')?.parse::<usize>().ok();
    rows.get(trap.frames().iter().find_map(stub)?)
}

/// Waits until threads that were left behind have closed what they held.
fn wait_for_descriptors(before: usize) {
    let deadline = Instant::now() + GONE;
    while open_descriptors() != before && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(open_descriptors(), before, "descriptors leaked");
}

#[test]
fn random_arguments_from_several_threads() {
    limit_file_size(1 << 20);
    let (seconds, first) = (number("WASMJIT_FUZZ_SECONDS"), number("WASMJIT_FUZZ_SEED").unwrap_or(1));
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(0));
    let engine = Engine::new(Config::new().interruptible(true));
    let compile = |rows: &[Row]| {
        Module::new(&engine, &wat::parse_str(text(rows)).expect("a valid module")).expect("a module that compiles")
    };
    let mut rows = called();
    let mut module = compile(&rows);
    let before = open_descriptors();
    let mut calls = 0;
    for seed in first.. {
        let ground = Ground::new();
        let mut policy = ground.policy();
        policy.max_threads(MAX_THREADS);
        let ended = run(&engine, &module, &policy, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        wait_for_descriptors(before);
        ground.check();
        calls += u64::from(ended.calls);
        if seconds.is_some() {
            eprintln!("seed {seed}: {} calls, {} rows, {:?}", ended.calls, rows.len(), ended.trap);
        }
        if let Some(trap) = ended.trap {
            assert!(!trap.to_string().contains("panicked"), "seed {seed}: {trap}");
            // What ends guests by its arguments would keep them short: it has had its turn.
            if let Some(name) = culprit(&rows, &trap).map(|row| row.name) {
                rows.retain(|row| row.name != name);
                module = compile(&rows);
            }
        }
        if (calls >= WANTED || seed >= first + MOST_GUESTS) && Instant::now() >= end {
            break;
        }
    }
    assert!(calls >= WANTED, "{calls} calls");
}
