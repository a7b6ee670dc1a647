//! Stack, memory, time, threads and the cache.

use std::time::Duration;
use wasmjit::abi::trap::TrapCode;
use wasmjit::{Caller, Config, Engine, Error, Instance, Linker, Store, Trap};

use crate::{DEEP, linked, module};

#[test]
fn host_functions_that_call_themselves_run_out_of_stack() {
    let mut linker = Linker::<u32>::new();
    linker
        .func_wrap("env", "invoke", |mut caller: Caller<'_, u32>, index: i32| -> Result<(), Trap> {
            *caller.data_mut() += 1;
            caller.call_table::<i32, ()>(index as u32, index)
        })
        .unwrap();
    let text = r#"(module (import "env" "invoke" (func $invoke (param i32)))
        (table funcref (elem $invoke))
        (func (export "run") (call $invoke (i32.const 0))))"#;
    let (mut store, instance) = linked(&linker, 0, text);
    let run = instance.get_typed_func::<(), ()>(&store, "run").unwrap();
    for _ in 0..2 {
        assert_eq!(run.call(&mut store, ()).unwrap_err().code(), Some(TrapCode::StackOverflow));
        assert!(std::mem::take(store.data_mut()) > 100);
    }
}

/// Runs as a process of its own, below.
#[test]
#[ignore = "ends the process"]
fn a_host_function_that_overflows_the_stack() {
    fn deep(n: u64) -> u64 {
        if n == u64::MAX { 0 } else { std::hint::black_box(deep(n + 1) + 1) }
    }
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "host", |_: Caller<'_, ()>, n: i32| {
            std::hint::black_box(deep(n as u64));
        })
        .unwrap();
    let (mut store, instance) = linked(&linker, (), DEEP);
    let _ = instance.get_typed_func::<i32, ()>(&store, "outer").unwrap().call(&mut store, 0);
}

#[test]
fn faults_of_the_host_are_not_taken_for_the_guests() {
    let this = std::env::current_exe().unwrap();
    let name = "limits::a_host_function_that_overflows_the_stack";
    let output = std::process::Command::new(this).args(["--ignored", "--exact", name]).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("overflowed its stack"), "the handler that was there before has its say: {text}");
}

#[test]
fn another_thread_interrupts() {
    let engine = Engine::new(Config::new().interruptible(true));
    let mut store = Store::new(&engine, ());
    let module = module(
        &engine,
        r#"(module
            (func (export "spin") (loop $again (br $again)))
            (func (export "one") (result i32) (i32.const 1)))"#,
    );
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let spin = instance.get_typed_func::<(), ()>(&store, "spin").unwrap();
    let one = instance.get_typed_func::<(), i32>(&store, "one").unwrap();
    for _ in 0..3 {
        let handle = store.interrupt_handle();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            handle.interrupt();
        });
        let trap = spin.call(&mut store, ()).unwrap_err();
        assert_eq!(trap.code(), Some(TrapCode::Interrupt), "{trap}");
        thread.join().unwrap();
        assert!(store.interrupt_handle().is_set());
        store.interrupt_handle().clear();
        assert_eq!(one.call(&mut store, ()).unwrap(), 1);
    }
}

#[test]
fn memory_is_capped() {
    let engine = Engine::new(Config::new().memory_limit(Some(3 << 16)));
    let mut store = Store::new(&engine, ());
    let text = r#"(module (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
        (func (export "size") (result i32) (memory.size)))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
    let size = instance.get_typed_func::<(), i32>(&store, "size").unwrap();
    assert_eq!(grow.call(&mut store, 3).unwrap(), -1);
    assert_eq!(grow.call(&mut store, 2).unwrap(), 1);
    assert_eq!(grow.call(&mut store, 1).unwrap(), -1);
    assert_eq!(grow.call(&mut store, -1).unwrap(), -1);
    assert_eq!(size.call(&mut store, ()).unwrap(), 3);
    assert_eq!(instance.get_memory(&store, "memory").unwrap().grow(&mut store, 1), None);
    let large = module(&engine, "(module (memory 4))");
    let error = Instance::new(&mut store, &large, &[]).unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error}");
    store.set_memory_limit(None);
    Instance::new(&mut store, &large, &[]).unwrap();
}

#[test]
fn tables_are_capped() {
    let engine = Engine::new(Config::new().table_limit(10));
    let mut store = Store::new(&engine, ());
    let text = r#"(module (table 1 externref)
        (func (export "grow") (param i32) (result i32) (table.grow (ref.null extern) (local.get 0))))"#;
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 10).unwrap(), -1);
    assert_eq!(grow.call(&mut store, -1).unwrap(), -1);
    assert_eq!(grow.call(&mut store, 9).unwrap(), 1);
    let error = Instance::new(&mut store, &module(&engine, "(module (table 11 funcref))"), &[]).unwrap_err();
    assert!(matches!(error, Error::Limit(_)), "{error}");
}

#[test]
fn cached_images_run_and_damaged_ones_are_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache");
    let text = r#"(module (memory 1) (func $f (export "f") (param i32) (result i32) (i32.load (local.get 0))))"#;
    let run = || {
        let engine = Engine::new(Config::new().cache_dir(Some(cache.clone())));
        let mut store = Store::new(&engine, ());
        let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
        let f = instance.get_typed_func::<i32, i32>(&store, "f").unwrap();
        assert_eq!(f.call(&mut store, 8).unwrap(), 0);
        let trap = f.call(&mut store, -1).unwrap_err();
        assert_eq!(trap.frames()[0].name.as_deref(), Some("f"));
    };
    run();
    let entries: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1);
    let good = std::fs::read(&entries[0]).unwrap();
    run();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(&entries[0], &bad).unwrap();
    run();
    assert_eq!(std::fs::read(&entries[0]).unwrap(), good, "it was replaced");
}

#[test]
fn guests_use_the_stack_that_they_may() {
    let text = r#"(module (func $down (export "down") (param i32) (result i32)
        (if (result i32) (local.get 0) (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
            (else (i32.const 0)))))"#;
    let depth = |stack: usize| {
        let text = text.to_owned();
        let thread = std::thread::Builder::new().stack_size(16 << 20).spawn(move || {
            let engine = Engine::new(Config::new().stack_size(stack));
            let mut store = Store::new(&engine, ());
            let instance = Instance::new(&mut store, &module(&engine, &text), &[]).unwrap();
            let down = instance.get_typed_func::<i32, i32>(&store, "down").unwrap();
            (1..).map(|power| 1 << power).find(|depth| match down.call(&mut store, *depth) {
                Ok(value) => {
                    assert_eq!(value, *depth);
                    false
                }
                Err(trap) => {
                    assert_eq!(trap.code(), Some(TrapCode::StackOverflow));
                    true
                }
            })
        });
        thread.unwrap().join().unwrap().unwrap()
    };
    let (small, large) = (depth(256 << 10), depth(8 << 20));
    assert!(large >= 16 * small, "{small} {large}");
}

#[test]
fn many_threads_trap_at_once() {
    let engine = Engine::default();
    let module = module(
        &engine,
        r#"(module (memory 1)
            (func $deep (export "deep") (call $deep))
            (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
            (func (export "div") (param i32) (result i32) (i32.div_s (i32.const 7) (local.get 0))))"#,
    );
    std::thread::scope(|scope| {
        for thread in 0..64 {
            let (engine, module) = (&engine, &module);
            scope.spawn(move || {
                let mut store = Store::new(engine, ());
                for round in 0..20 {
                    let instance = Instance::new(&mut store, module, &[]).unwrap();
                    let load = instance.get_typed_func::<i32, i32>(&store, "load").unwrap();
                    let div = instance.get_typed_func::<i32, i32>(&store, "div").unwrap();
                    let deep = instance.get_typed_func::<(), ()>(&store, "deep").unwrap();
                    for address in 0..20 {
                        let trap = load.call(&mut store, -1 - address * thread).unwrap_err();
                        assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
                        let trap = div.call(&mut store, 0).unwrap_err();
                        assert_eq!(trap.code(), Some(TrapCode::IntegerDivideByZero));
                        assert_eq!(div.call(&mut store, 7).unwrap(), 1);
                    }
                    if round % 10 == 0 {
                        assert_eq!(deep.call(&mut store, ()).unwrap_err().code(), Some(TrapCode::StackOverflow));
                    }
                }
            });
        }
    });
}
