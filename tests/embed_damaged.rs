//! Modules with a damaged byte load or do not; what loads runs, and whatever it does ends as a value or a trap.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use wasmjit::wasm::ValType;
use wasmjit::{Config, Engine, Extern, InterruptHandle, Linker, Module, Store, Val};

/// Damaged copies that are made of each module.
const COPIES: usize = 60;

/// After how long a guest is interrupted, again and again.
const PATIENCE: Duration = Duration::from_millis(10);

/// A linear congruential generator, so that a failure happens again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Interrupts a store until the closure is done.
fn interrupted(handle: &InterruptHandle, run: impl FnOnce()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(PATIENCE);
                handle.interrupt();
            }
        });
        run();
        done.store(true, Ordering::Relaxed);
    });
}

/// Calls every export of an instance; returns how many there are, or 0 if there is no instance.
fn run_all(engine: &Engine, module: &Module, number: i32) -> usize {
    let mut linker = Linker::new();
    linker.trap_on_missing(true);
    let mut store = Store::new(engine, ());
    let mut calls = 0;
    interrupted(&store.interrupt_handle(), || {
        let Ok(instance) = linker.instantiate(&mut store, module) else { return };
        for (_, item) in instance.exports(&store) {
            let Extern::Func(func) = item else { continue };
            let args: Vec<Val> = func
                .ty(&store)
                .params
                .iter()
                .map(|ty| if *ty == ValType::I32 { Val::I32(number) } else { Val::default_of(*ty) })
                .collect();
            // Any value and any trap will do.
            let _ = func.call(&mut store, &args);
            calls += 1;
        }
    });
    calls
}

#[test]
fn damaged_modules_are_refused_or_run() {
    let engine = Engine::new(Config::new().interruptible(true).memory_limit(Some(64 << 20)).table_limit(100_000));
    let mut random = Random(1);
    let (mut loaded, mut calls) = (0, 0);
    for name in ["hello/hello.wasm", "memfs/memfs.wasm"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        let good = std::fs::read(path).expect("the example is there");
        for _ in 0..COPIES {
            let mut bad = good.clone();
            let at = random.next() % bad.len();
            bad[at] = random.next() as u8;
            let Ok(module) = Module::new(&engine, &bad) else { continue };
            loaded += 1;
            calls += run_all(&engine, &module, random.next() as i32);
        }
    }
    println!("{loaded} of {} loaded, {calls} calls", 2 * COPIES);
    assert!(calls > 0, "no damaged module ran at all");
}
