//! Runs inside of a virtual machine with the kernel module: code, calls, traps, limits, in ring 0. See `tests/kmod/run`.
//! With a folder as its argument it only writes guests there, which scripts run and mount.

#![allow(unsafe_code)]

#[path = "../common/hostile.rs"]
mod hostile;

use hostile::behaviours;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmjit::abi::trap::TrapCode;
use wasmjit::codegen::{CodeImage, Options, compile_module};
use wasmjit::kernel::device::{Device, PATH, Setup};
use wasmjit::kernel::image::{KernelImage, LoadedImage, template};
use wasmjit::kernel::natives::Native;
use wasmjit::kernel::uapi::{self, TRAP_OF_SITE};
use wasmjit::wasm::{self, ConstExpr, ConstOp, ExportKind, Module};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// A guest in the kernel.
struct Guest {
    module: Module,
    image: CodeImage,
    device: Arc<Device>,
    _loaded: LoadedImage,
}

fn constant(expr: &ConstExpr) -> u64 {
    match expr.0.as_slice() {
        [ConstOp::I32(value)] => *value as u32 as u64,
        [ConstOp::I64(value)] => *value as u64,
        [ConstOp::F64(bits)] => *bits,
        _ => 0,
    }
}

fn prepare(text: &str) -> Result<(Module, CodeImage, LoadedImage)> {
    let bytes = wat::parse_str(text)?;
    let module = wasm::parse(&bytes)?;
    let image = compile_module(&module, &bytes, &Options::kernel())?;
    let loaded = KernelImage::new(&template()?, &module, &image)?.load()?;
    Ok((module, image, loaded))
}

impl Guest {
    fn new(text: &str) -> Result<Guest> {
        Guest::with(text, |_| {})
    }

    fn with(text: &str, change: impl Fn(&mut Setup)) -> Result<Guest> {
        let (module, image, loaded) = prepare(text)?;
        let memory = module.memories.first().map(|memory| memory.limits);
        let imports = module.imports.iter().filter_map(|import| match &import.ty {
            wasm::ExternType::Func(ty) => {
                let native = Native::of_import(&import.module, &import.name, &ty.params, &ty.results);
                Some(native.map_or(0, |native| native as u32))
            }
            _ => None,
        });
        let mut tables: Vec<(Vec<u32>, u32)> =
            module.tables.iter().map(|table| (vec![0; table.limits.min as usize], 100)).collect();
        for segment in &module.elements {
            if let wasm::SegmentMode::Active(table, offset) = &segment.mode {
                for (at, item) in segment.items.iter().enumerate() {
                    if let [ConstOp::RefFunc(func)] = item.0.as_slice() {
                        tables[table.index()].0[constant(offset) as usize + at] = func.0 + 1;
                    }
                }
            }
        }
        let mut setup = Setup {
            image: loaded.id,
            globals: module.global_inits.iter().map(|init| [constant(init), 0]).collect(),
            tables,
            imports: imports.collect(),
            memory_pages: memory.map_or(0, |limits| limits.min as u32),
            max_pages: memory.map_or(0, |limits| limits.max.unwrap_or(1024) as u32),
            stack_bytes: 256 << 10,
            ..Setup::default()
        };
        change(&mut setup);
        let device = Device::open()?;
        device.create(&setup)?;
        Ok(Guest { module, image, device: Arc::new(device), _loaded: loaded })
    }

    fn func(&self, name: &str) -> u32 {
        let export = self.module.exports.iter().find(|(export, _)| export == name);
        match export {
            Some((_, ExportKind::Func(func))) => func.0,
            _ => panic!("no function {name}"),
        }
    }

    /// Calls; a trap is its code, and where in the module.
    fn call(&self, name: &str, args: &[u64]) -> Result<std::result::Result<u64, (TrapCode, u32)>> {
        let mut values = args.to_vec();
        values.resize(args.len().max(1), 0);
        let trap = match self.device.call(self.func(name), &mut values)? {
            None => return Ok(Ok(values[0])),
            Some(trap) => trap,
        };
        let first = trap.pcs[..trap.count as usize].first().copied().unwrap_or(0);
        let site = self.image.trap_at(first.wrapping_sub(5));
        let code =
            if trap.code == TRAP_OF_SITE { site.map(|site| site.code) } else { TrapCode::from_u8(trap.code as u8) };
        let code = code.ok_or_else(|| format!("a trap without a site: {trap:?}"))?;
        Ok(Err((code, site.map_or(0, |site| site.loc))))
    }

    #[track_caller]
    fn gives(&self, name: &str, args: &[u64], expected: u64) {
        match self.call(name, args) {
            Ok(Ok(value)) => assert_eq!(value, expected, "{name}{args:?}"),
            other => panic!("{name}{args:?}: {other:?}"),
        }
    }

    #[track_caller]
    fn traps(&self, name: &str, args: &[u64], expected: TrapCode) {
        match self.call(name, args) {
            Ok(Err((code, _))) => assert_eq!(code, expected, "{name}{args:?}"),
            other => panic!("{name}{args:?}: {other:?}"),
        }
    }
}

const PLAIN: &str = r#"(module
    (memory (export "memory") 1 8)
    (table 4 funcref)
    (elem (i32.const 1) $seven $wide)
    (global $count (mut i32) (i32.const 5))
    (type $ints (func (result i32)))
    (func $seven (result i32) (i32.const 7))
    (func $wide (result i64) (i64.const 7))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "fact") (param i64) (result i64) (local i64)
        (local.set 1 (i64.const 1))
        (block (loop
            (br_if 1 (i64.eqz (local.get 0)))
            (local.set 1 (i64.mul (local.get 1) (local.get 0)))
            (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
            (br 0)))
        (local.get 1))
    (func (export "hypot") (param f64 f64) (result f64)
        (f64.sqrt (f64.add (f64.mul (local.get 0) (local.get 0)) (f64.mul (local.get 1) (local.get 1)))))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "load_far") (param i32) (result i32) (i32.load offset=0xfffffff0 (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "indirect") (param i32) (result i32) (call_indirect (type $ints) (local.get 0)))
    (func (export "div") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "divu") (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
    (func (export "trunc") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
    (func (export "unreachable") (unreachable))
    (func $deep (export "deep") (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
    (func (export "forever") (loop (br 0)))
    (func (export "spin") (param i32) (result f64) (local f64)
        (loop
            (local.set 1 (f64.add (local.get 1) (f64.const 0.5)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (local.get 1))
    (func (export "count") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1)))
        (global.get $count))
    (func (export "switch") (param i32) (result i32)
        (block (block (block (block (block (block (block
            (br_table 0 1 2 3 4 5 6 (local.get 0)))
            (return (i32.const 100))) (return (i32.const 101))) (return (i32.const 102))) (return (i32.const 103)))
            (return (i32.const 104))) (return (i32.const 105)))
        (i32.const 106)))"#;

fn calls(guest: &Guest) {
    guest.gives("add", &[u32::MAX as u64, 3], 2);
    guest.gives("fact", &[20], 2432902008176640000);
    guest.gives("hypot", &[3f64.to_bits(), 4f64.to_bits()], 5f64.to_bits());
    guest.gives("count", &[], 6);
    guest.gives("count", &[], 7);
    guest.gives("indirect", &[1], 7);
    (0..9).for_each(|case| guest.gives("switch", &[case], 100 + case.min(6)));
    guest.gives("spin", &[20_000_000], 10_000_000f64.to_bits());
}

fn memory(guest: &Guest) {
    guest.gives("store", &[65532, 0xabcd], 65532);
    guest.gives("load", &[65532], 0xabcd);
    guest.gives("grow", &[1], 1);
    guest.gives("size", &[], 2);
    guest.gives("load", &[65532], 0xabcd);
    guest.gives("load", &[131068], 0);
    guest.traps("load", &[131069], TrapCode::MemoryOutOfBounds);
    guest.traps("load", &[u32::MAX as u64], TrapCode::MemoryOutOfBounds);
    guest.traps("load_far", &[u32::MAX as u64], TrapCode::MemoryOutOfBounds);
    guest.traps("load_far", &[0x20], TrapCode::MemoryOutOfBounds);
    guest.gives("grow", &[100], u32::MAX as u64);
    guest.gives("fill", &[65536, 0x5a, 65536], 65536);
    guest.gives("load", &[131068], 0x5a5a5a5a);
    guest.traps("fill", &[65537, 0x5a, 65536], TrapCode::MemoryOutOfBounds);
    guest.gives("copy", &[0, 131064, 8], 0);
    guest.gives("load", &[4], 0x5a5a5a5a);
    guest.traps("copy", &[0, 131065, 8], TrapCode::MemoryOutOfBounds);
    // What the guest writes, its owner sees, and the other way round.
    // SAFETY: a fresh mapping of our own.
    let view = unsafe { guest.device.map(std::ptr::null_mut(), 8 << 16).unwrap() };
    // SAFETY: the first two wasm pages are there.
    unsafe {
        assert_eq!(view.add(131071).read(), 0x5a);
        view.add(1000).cast::<u32>().write(77);
        guest.gives("load", &[1000], 77);
        guest.gives("grow", &[1], 2);
        guest.gives("load", &[1000], 77);
        view.add(131072).cast::<u32>().write(78);
        guest.gives("load", &[131072], 78);
    }
}

fn traps(guest: &Guest) {
    guest.traps("unreachable", &[], TrapCode::Unreachable);
    guest.traps("div", &[1, 0], TrapCode::IntegerDivideByZero);
    guest.traps("div", &[0x8000_0000, u32::MAX as u64], TrapCode::IntegerOverflow);
    guest.traps("divu", &[1, 0], TrapCode::IntegerDivideByZero);
    guest.traps("trunc", &[f64::NAN.to_bits()], TrapCode::InvalidConversionToInteger);
    guest.traps("trunc", &[1e10f64.to_bits()], TrapCode::IntegerOverflow);
    guest.traps("indirect", &[0], TrapCode::UninitializedElement);
    guest.traps("indirect", &[2], TrapCode::IndirectCallTypeMismatch);
    guest.traps("indirect", &[4], TrapCode::UndefinedElement);
    guest.traps("indirect", &[u32::MAX as u64], TrapCode::UndefinedElement);
    (0..3).for_each(|_| guest.traps("deep", &[0], TrapCode::StackOverflow));
    let Ok(Err((_, at))) = guest.call("unreachable", &[]) else { panic!("it traps") };
    assert_ne!(at, 0, "a trap names its place in the module");
    guest.gives("add", &[1, 2], 3);
}

fn endless() {
    let guest = Guest::with(PLAIN, |setup| setup.timeout_ms = 300).unwrap();
    let before = Instant::now();
    guest.traps("forever", &[], TrapCode::Interrupt);
    assert!(before.elapsed() > Duration::from_millis(250) && before.elapsed() < Duration::from_secs(20));
    guest.gives("add", &[1, 2], 3);
    // Another thread asks it to stop.
    let guest = Guest::new(PLAIN).unwrap();
    let device = guest.device.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        device.stop(true).unwrap();
    });
    guest.traps("forever", &[], TrapCode::Interrupt);
    stopper.join().unwrap();
    // A killed process leaves.
    // SAFETY: the child only calls, and is killed.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let guest = Guest::new(PLAIN).unwrap();
        let _ = guest.call("forever", &[]);
        std::process::abort();
    }
    std::thread::sleep(Duration::from_secs(2));
    let mut status = 0;
    // SAFETY: our own child.
    unsafe {
        libc::kill(child, libc::SIGKILL);
        libc::waitpid(child, &mut status, 0);
    }
    assert_eq!(libc::WTERMSIG(status), libc::SIGKILL);
}

/// An image of at least so many bytes of code.
fn large(bytes: usize) -> String {
    let mut text = String::from("(module (memory 1) (func (export \"last\") (result i32) (i32.const 9))");
    let body = "(i32.store (i32.const 8) (i32.mul (i32.load (i32.const 4)) (i32.const 77)))".repeat(200);
    for _ in 0..bytes.div_ceil(10_000) {
        text += &format!("(func {body})");
    }
    text + ")"
}

fn images() {
    for bytes in [64, 100_000, 4 << 20] {
        let text = if bytes == 64 {
            "(module (func (export \"last\") (result i32) (i32.const 9)))".into()
        } else {
            large(bytes)
        };
        let before = Instant::now();
        let guest = Guest::new(&text).unwrap();
        guest.gives("last", &[], 9);
        println!("image of {} bytes: {:?}", guest.image.code().len(), before.elapsed());
    }
    let (module, image, loaded) = prepare("(module (func (export \"f\")))").unwrap();
    drop(loaded);
    let build = || KernelImage::new(&template().unwrap(), &module, &image).unwrap();
    // Damaged ABI hash: the module refuses it.
    let good = build();
    let hash = wasmjit::codegen::image::abi_hash().to_le_bytes();
    let mut bytes = good.bytes().to_vec();
    let places: Vec<usize> = (0..bytes.len() - 8).filter(|&at| bytes[at..at + 8] == hash).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|&at| bytes[at] ^= 1);
    let error = build().with_bytes(bytes).load().unwrap_err().to_string();
    assert!(error.contains("another version"), "{error}");
    assert!(wasmjit::kernel::device::Device::open().unwrap().create(&Setup::default()).is_err());
}

const HOSTED: &str = r#"(module
    (import "env" "emscripten_date_now" (func $now (result f64)))
    (import "env" "ask" (func $ask (param i32 f64 i64) (result f64)))
    (import "env" "fail" (func $fail))
    (import "env" "sum" (func $sum (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (memory 1)
    (global $g (mut i32) (i32.const 3))
    (func (export "now") (result f64) (call $now))
    (func (export "ask") (param f64) (result f64)
        (f64.add (f64.const 0.25) (call $ask (i32.const 5) (local.get 0) (i64.const -2))))
    (func (export "global") (result i32) (global.get $g))
    (func (export "fail") (call $fail))
    (func (export "sum") (result i32) (call $sum (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5)
        (i32.const 6) (i32.const 7) (i32.const 8))))"#;

fn host_calls() {
    let guest = Guest::new(HOSTED).unwrap();
    let device = guest.device.clone();
    std::thread::spawn(move || {
        let mut globals = [[0u64; 2]];
        let mut event = uapi::Event::default();
        while device.serve(&mut event, &mut globals).is_ok() {
            assert_eq!(event.kind, uapi::EVENT_HOST_CALL);
            let values = event.values;
            (event.result, event.failed) = match event.index {
                1 => {
                    assert_eq!((values[0], values[2]), (5, -2i64 as u64));
                    globals[0][0] += 39;
                    ((f64::from_bits(values[1]) * 2.0).to_bits(), 0)
                }
                2 => (0, TrapCode::Unreachable as u32 + 1),
                _ => (values[..event.count as usize].iter().sum(), 0),
            };
            event.kind = uapi::EVENT_ANSWER;
        }
    });
    let Ok(Ok(now)) = guest.call("now", &[]) else { panic!("a clock") };
    let real = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() * 1e3;
    let now = f64::from_bits(now);
    assert!((real - now).abs() < 5000.0, "{now} is not {real}");
    guest.gives("ask", &[1.5f64.to_bits()], 3.25f64.to_bits());
    guest.gives("global", &[], 42);
    guest.gives("sum", &[], 36);
    guest.traps("fail", &[], TrapCode::Unreachable);
    guest.gives("sum", &[], 36);
}

fn limits() {
    let big = "(module (memory 2000 60000) (func (export \"size\") (result i32) (memory.size)))";
    std::fs::write("/sys/module/wasmjit/parameters/max_memory_mb", "64").unwrap();
    let error = Guest::new(big).err().expect("more than a guest may have").to_string();
    assert!(error.contains("quota"), "{error}");
    let small =
        "(module (memory 16 60000) (func (export \"grow\") (param i32) (result i32) (memory.grow (local.get 0))))";
    let guest = Guest::new(small).unwrap();
    guest.gives("grow", &[1008], 16);
    guest.gives("grow", &[1], u32::MAX as u64);
    std::fs::write("/sys/module/wasmjit/parameters/max_user_mb", "100").unwrap();
    let other = Guest::new(small).unwrap();
    other.gives("grow", &[1000], u32::MAX as u64);
    other.gives("grow", &[500], 16);
    drop(guest);
    other.gives("grow", &[400], 516);
    std::fs::write("/sys/module/wasmjit/parameters/max_memory_mb", "512").unwrap();
    std::fs::write("/sys/module/wasmjit/parameters/max_user_mb", "1024").unwrap();
}

fn speed(guest: &Guest) {
    let func = guest.func("add");
    let mut values = [1u64, 2];
    let before = Instant::now();
    for _ in 0..10_000 {
        assert!(guest.device.call(func, &mut values).unwrap().is_none());
    }
    println!("a call by ioctl: {:?}", before.elapsed() / 10_000);
}

/// Programs: name and text.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "trap",
        r#"(module (memory (export "memory") 1)
        (func $inner (param i32) (if (local.get 0) (then (unreachable))))
        (func $outer (call $inner (i32.const 1)))
        (func (export "_start") (call $outer)))"#,
    ),
    (
        "bounds",
        r#"(module (memory (export "memory") 1) (func (export "_start") (drop (i32.load (i32.const 0x10000)))))"#,
    ),
    (
        "deep",
        r#"(module (memory (export "memory") 1) (func $deep (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
        (func (export "_start") (drop (call $deep (i32.const 0)))))"#,
    ),
    ("loop", r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#),
    // Copies its input to its output and ends with 5.
    (
        "copy",
        r#"(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 2)
        (func (export "_start") (loop
            (i32.store (i32.const 0) (i32.const 0x1000))
            (i32.store (i32.const 4) (i32.const 0x8000))
            (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then (call $exit (i32.const 1))))
            (i32.store (i32.const 4) (i32.load (i32.const 16)))
            (if (i32.eqz (i32.load (i32.const 16))) (then (call $exit (i32.const 5))))
            (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)) (then (call $exit (i32.const 2))))
            (br 0))))"#,
    ),
    // A global vector, set in user space before main, is whole in the kernel, and a call of its owner leaves it so.
    (
        "vector",
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (global $v (mut v128) (v128.const i64x2 1 2))
        (func $set (global.set $v (i64x2.add (global.get $v) (v128.const i64x2 10 20))))
        (start $set)
        (func (export "_start")
            (if (i64.ne (i64x2.extract_lane 0 (global.get $v)) (i64.const 11)) (then (call $exit (i32.const 1))))
            (if (i64.ne (i64x2.extract_lane 1 (global.get $v)) (i64.const 22)) (then (call $exit (i32.const 2))))
            (global.set $v (v128.const i64x2 3 4))
            (drop (call $yield))
            (if (i64.ne (i64x2.extract_lane 0 (global.get $v)) (i64.const 3)) (then (call $exit (i32.const 3))))
            (if (i64.ne (i64x2.extract_lane 1 (global.get $v)) (i64.const 4)) (then (call $exit (i32.const 4))))
            (call $exit (i32.const 0))))"#,
    ),
    // Bulk memory and tables, vectors and floats: ends with the number of the check that failed.
    (
        "bulk",
        r#"(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (memory (export "memory") 1)
        (data $bytes "hello, ring 0")
        (table $t 4 100 funcref) (table $u 8 funcref)
        (type $give (func (result i32)))
        (func $one (result i32) (i32.const 1)) (func $two (result i32) (i32.const 2))
        (elem $e func $one $two $one)
        (elem declare func $two)
        (global $count (mut i32) (i32.const 0))
        (func $check (param i32) (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (if (i32.eqz (local.get 0)) (then (call $exit (global.get $count)))))
        (func $vector (param v128) (result i32) (local $sum v128)
            (loop
                (local.set $sum (i32x4.add (local.get $sum) (local.get 0)))
                (drop (call $yield))
                (br_if 0 (i32.lt_s (i32x4.extract_lane 0 (local.get $sum)) (i32.const 100))))
            (i32x4.extract_lane 3 (local.get $sum)))
        (func $float (param f64) (result f64) (local $n i32)
            (loop
                (local.set 0 (f64.add (local.get 0) (f64.const 0.25)))
                (local.set $n (i32.add (local.get $n) (i32.const 1)))
                (br_if 0 (i32.lt_u (local.get $n) (i32.const 30000000))))
            (local.get 0))
        (func (export "_start")
            (memory.init $bytes (i32.const 64) (i32.const 7) (i32.const 6))
            (call $check (i32.eq (i32.load (i32.const 64)) (i32.const 0x676e6972)))
            (data.drop $bytes)
            (memory.init $bytes (i32.const 64) (i32.const 0) (i32.const 0))
            (table.init $t $e (i32.const 1) (i32.const 0) (i32.const 3))
            (call $check (i32.eq (call_indirect $t (type $give) (i32.const 2)) (i32.const 2)))
            (elem.drop $e)
            (table.copy $u $t (i32.const 5) (i32.const 1) (i32.const 3))
            (call $check (i32.eq (call_indirect $u (type $give) (i32.const 7)) (i32.const 1)))
            (call $check (i32.eq (table.grow $t (ref.func $two) (i32.const 6)) (i32.const 4)))
            (call $check (i32.eq (call_indirect $t (type $give) (i32.const 9)) (i32.const 2)))
            (call $check (i32.eq (table.grow $t (ref.null func) (i32.const 91)) (i32.const -1)))
            (table.fill $t (i32.const 0) (ref.null func) (i32.const 10))
            (call $check (ref.is_null (table.get $t (i32.const 9))))
            (call $check (i32.eq (call $vector (v128.const i32x4 1 2 3 4)) (i32.const 400)))
            (call $check (f64.eq (call $float (f64.const 1)) (f64.const 7500001)))
            (call $exit (i32.const 0))))"#,
    ),
];

/// Writes programs and misbehaving filesystems into a folder.
fn write_guests(folder: &Path) -> Result {
    macro_rules! list {
        ($($name:ident: $behave:expr;)*) => { [$((stringify!($name), $behave)),*] };
    }
    let put = |name: String, text: &str| -> Result { Ok(std::fs::write(folder.join(name), wat::parse_str(text)?)?) };
    for (name, behave) in behaviours!(list) {
        put(format!("hostile-{name}.wasm"), &hostile::guest(behave))?;
    }
    PROGRAMS.iter().try_for_each(|(name, text)| put(format!("{name}.wasm"), text))
}

fn main() {
    if let Some(folder) = std::env::args_os().nth(1).filter(|folder| Path::new(folder).is_dir()) {
        return write_guests(Path::new(&folder)).expect("guests can be written");
    }
    assert!(Path::new(PATH).exists(), "no {PATH}: tests/kmod/run boots a kernel for this test");
    let step = |name: &str, test: &dyn Fn()| {
        println!("test {name} ...");
        test();
        println!("test {name} ok");
    };
    step("images", &images);
    let guest = Guest::new(PLAIN).unwrap();
    step("calls", &|| calls(&guest));
    step("memory", &|| memory(&guest));
    step("traps", &|| traps(&guest));
    step("host calls", &host_calls);
    step("endless loops", &endless);
    step("limits", &limits);
    step("speed", &|| speed(&guest));
    println!("VM-TESTS-OK");
}
