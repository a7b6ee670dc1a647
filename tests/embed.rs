//! The embedding API: linking, host functions, traps, limits, threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{ExternType, FuncType, GlobalType, Limits, TableType, ValType};
use wasmjit::{Caller, Config, Engine, Error, ExternRef, Frame, Func, Global, Instance, Linker, Memory, Module};
use wasmjit::{Store, Table, Trap, TrapKind, TypedFunc, Val};

fn module(engine: &Engine, text: &str) -> Module {
    Module::new(engine, &wat::parse_str(text).unwrap()).unwrap()
}

/// An instance of a module without imports.
fn alone(text: &str) -> (Store<()>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module(&engine, text), &[]).unwrap();
    (store, instance)
}

/// An instance with the linker's definitions.
fn linked<T: 'static>(linker: &Linker<T>, data: T, text: &str) -> (Store<T>, Instance) {
    let engine = Engine::default();
    let mut store = Store::new(&engine, data);
    let instance = linker.instantiate(&mut store, &module(&engine, text)).unwrap();
    (store, instance)
}

#[derive(Debug)]
struct Failed(i32);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failed with {}", self.0)
    }
}

impl std::error::Error for Failed {}

#[test]
fn arguments_and_results_of_every_kind() {
    let mut linker = Linker::new();
    linker
        .func_wrap(
            "h",
            "ten",
            |_: Caller<'_, ()>,
             a: i32,
             b: i64,
             c: f32,
             d: f64,
             e: u32,
             f: u64,
             g: i32,
             h: i32,
             i: f32,
             j: i64|
             -> f64 {
                a as f64 + b as f64 + c as f64 + d + e as f64 + f as f64 + g as f64 + h as f64 + i as f64 + j as f64
            },
        )
        .unwrap();
    let (mut store, instance) = linked(
        &linker,
        (),
        r#"(module
            (import "h" "ten" (func $ten (param i32 i64 f32 f64 i32 i64 i32 i32 f32 i64) (result f64)))
            (func (export "sum") (param i32 i64 f32 f64 i32 i64 i32 i32) (result f64)
                (call $ten (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)
                    (local.get 6) (local.get 7) (f32.const 0.25) (i64.const 1000)))
            (func (export "many") (param i32 f64) (result i32 f64 i64 f32 i32 f64)
                (local.get 0) (local.get 1) (i64.const -7) (f32.const 1.5) (i32.const -9) (f64.const 2.5)))"#,
    );
    type Sum = TypedFunc<(i32, i64, f32, f64, u32, u64, i32, i32), f64>;
    let sum: Sum = instance.get_typed_func(&store, "sum").unwrap();
    assert_eq!(sum.call(&mut store, (1, 2, 3.5, 4.5, 5, 6, 7, 8)).unwrap(), 1037.25);
    let many = instance.get_typed_func::<(i32, f64), (i32, f64, i64, f32, i32, f64)>(&store, "many").unwrap();
    assert_eq!(many.call(&mut store, (-3, 0.5)).unwrap(), (-3, 0.5, -7, 1.5, -9, 2.5));
    let many = instance.get_func(&store, "many").unwrap();
    let values = many.call(&mut store, &[Val::I32(4), 0.125_f64.into()]).unwrap();
    assert_eq!(
        format!("{values:?}"),
        format!("{:?}", many.call(&mut store, &[Val::I32(4), 0.125_f64.into()]).unwrap())
    );
    assert_eq!(
        (values[0].i32(), values[1].f64(), values[2].i64(), values[3].f32()),
        (Some(4), Some(0.125), Some(-7), Some(1.5))
    );
    assert!(many.call(&mut store, &[Val::I64(4), 0.125_f64.into()]).unwrap_err().to_string().contains("(i32, f64)"));
    assert!(many.call(&mut store, &[]).is_err());
    assert!(many.typed::<i32, ()>(&store).is_err());
}

#[test]
fn dynamic_host_functions_have_any_type() {
    let kinds = [ValType::I32, ValType::F64, ValType::I64, ValType::F32];
    let types: Vec<ValType> = (0..24).map(|index| kinds[index % 4]).collect();
    let ty = FuncType { params: types.clone(), results: types.clone() };
    let mut linker = Linker::new();
    linker
        .func_new("h", "reverse", ty.clone(), |_: Caller<'_, ()>, params, results| {
            for (index, result) in results.iter_mut().enumerate() {
                // The value of the same type in the mirrored group.
                *result = params[(20 - index / 4 * 4) + index % 4];
            }
            Ok(())
        })
        .unwrap();
    let names = |list: &[ValType]| list.iter().map(|ty| format!("{ty:?} ").to_lowercase()).collect::<String>();
    let locals: String = (0..24).map(|index| format!("(local.get {index})")).collect();
    let text = format!(
        r#"(module (type $t (func (param {0}) (result {0}))) (import "h" "reverse" (func $r (type $t)))
            (table funcref (elem $r))
            (func (export "direct") (type $t) (call $r {locals}))
            (func (export "indirect") (type $t) (call_indirect (type $t) {locals} (i32.const 0)))
            (export "host" (func $r)))"#,
        names(&types)
    );
    let (mut store, instance) = linked(&linker, (), &text);
    let args: Vec<Val> = (0..24_i32)
        .map(|index| match types[index as usize] {
            ValType::I32 => Val::from(-index),
            ValType::I64 => Val::from(i64::from(index) << 40),
            ValType::F32 => Val::from(index as f32),
            _ => Val::from(f64::from(index) * 0.5),
        })
        .collect();
    for name in ["direct", "indirect", "host"] {
        let func = instance.get_func(&store, name).unwrap();
        let results = func.call(&mut store, &args).unwrap();
        for (index, result) in results.iter().enumerate() {
            let expected = args[(20 - index / 4 * 4) + index % 4];
            assert_eq!(format!("{result:?}"), format!("{expected:?}"), "{name} {index}");
        }
    }
}

#[test]
fn a_dynamic_function_must_keep_its_type() {
    let mut linker = Linker::new();
    let ty = FuncType { params: vec![], results: vec![ValType::I32] };
    linker
        .func_new("h", "bad", ty, |_: Caller<'_, ()>, _, results| {
            results[0] = Val::I64(1);
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = linked(
        &linker,
        (),
        r#"(module (import "h" "bad" (func $b (result i32))) (func (export "f") (result i32) (call $b)))"#,
    );
    let trap = instance.get_func(&store, "f").unwrap().call(&mut store, &[]).unwrap_err();
    assert!(trap.to_string().contains("returned I64(1)"), "{trap}");
}

#[test]
fn two_modules_share_everything() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let first = module(
        &engine,
        r#"(module
            (memory (export "memory") 1 4)
            (table (export "table") 4 funcref)
            (global (export "count") (mut i32) (i32.const 5))
            (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
            (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0))))"#,
    );
    let second = module(
        &engine,
        r#"(module
            (import "first" "memory" (memory 1))
            (import "first" "table" (table 4 funcref))
            (import "first" "count" (global $count (mut i32)))
            (import "first" "peek" (func $peek (param i32) (result i32)))
            (import "first" "call" (func $call (param i32) (result i32)))
            (data (i32.const 10) "\2a")
            (elem (i32.const 1) $answer)
            (func $answer (result i32) (global.get $count))
            (func (export "run") (result i32)
                (global.set $count (i32.const 77))
                (drop (memory.grow (i32.const 1)))
                (i32.store8 (i32.const 65536) (i32.const 3))
                (i32.add (i32.add (call $peek (i32.const 10)) (call $peek (i32.const 65536))) (call $call (i32.const 1))))
            (func (export "mismatch") (result i32) (call $call (i32.const 0))))"#,
    );
    let mut linker = Linker::new();
    let one = linker.instantiate(&mut store, &first).unwrap();
    linker.instance(&store, "first", one).unwrap();
    let two = linker.instantiate(&mut store, &second).unwrap();
    let run = two.get_typed_func::<(), i32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, ()).unwrap(), 42 + 3 + 77);
    assert_eq!(one.get_global(&store, "count").unwrap().get(&store).i32(), Some(77));
    let memory = one.get_memory(&store, "memory").unwrap();
    assert_eq!(memory.pages(&store), 2);
    assert_eq!(memory.view(&mut store).read_u8(65536).unwrap(), 3);
    assert_eq!(one.get_table(&store, "table").unwrap().size(&store), 4);
    let trap = two.get_func(&store, "mismatch").unwrap().call(&mut store, &[]).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::UninitializedElement));
    let funcs: Vec<u32> = trap.frames().iter().map(|frame| frame.func).collect();
    assert_eq!(funcs, [1, 4], "the frames of both modules: {trap}");
}

#[test]
fn imports_have_to_fit() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let wants = module(
        &engine,
        r#"(module
            (import "m" "memory" (memory 2 4))
            (import "m" "table" (table 1 funcref))
            (import "m" "global" (global i32))
            (import "m" "func" (func (param i64)))
            (import "m" "nothing" (func)))"#,
    );
    let mut linker = Linker::<()>::new();
    linker.define("m", "memory", Memory::new(&mut store, Limits { min: 2, max: None }).unwrap()).unwrap();
    let table = TableType { element: ValType::ExternRef, limits: Limits { min: 1, max: None } };
    linker.define("m", "table", Table::new(&mut store, table, Val::ExternRef(None)).unwrap()).unwrap();
    let global = GlobalType { content: ValType::I32, mutable: true };
    linker.define("m", "global", Global::new(&mut store, global, Val::I32(0)).unwrap()).unwrap();
    linker.func_wrap("m", "func", |_: Caller<'_, ()>, _: i32| {}).unwrap();
    linker.func_wrap("m", "func", |_: Caller<'_, ()>, _: i32, _: i32| {}).unwrap();
    assert!(linker.func_wrap("m", "func", |_: Caller<'_, ()>, _: u32| {}).is_err(), "defined twice");
    let Err(Error::Link(error)) = linker.instantiate(&mut store, &wants) else { panic!("it should not link") };
    let names: Vec<&str> = error.missing.iter().map(|import| import.name.as_str()).collect();
    assert_eq!(names, ["memory", "table", "global", "func", "nothing"]);
    assert_eq!(error.missing[3].others.len(), 2);
    assert!(error.missing[4].others.is_empty());
    let text = error.to_string();
    assert!(
        text.contains("m.func: function (i64) (incompatible import type: it is provided as function (i32) or"),
        "{text}"
    );
    assert!(text.ends_with("m.nothing: function ()"), "{text}");
    linker.func_wrap("m", "func", |_: Caller<'_, ()>, _: i64| {}).unwrap();
    assert_eq!(linker.missing(&wants).len(), 4);
}

#[test]
fn one_name_has_several_signatures() {
    let mut linker = Linker::new();
    linker.func_wrap("env", "seek", |_: Caller<'_, ()>, low: i32, high: i32| low + high).unwrap();
    linker.func_wrap("env", "seek", |_: Caller<'_, ()>, offset: i64| offset as i32 * 2).unwrap();
    for (params, args, expected) in [("i32 i32", "(i32.const 3) (i32.const 4)", 7), ("i64", "(i64.const 8)", 16)] {
        let text = format!(
            r#"(module (import "env" "seek" (func $s (param {params}) (result i32))) (func (export "f") (result i32) (call $s {args})))"#
        );
        let (mut store, instance) = linked(&linker, (), &text);
        let f = instance.get_typed_func::<(), i32>(&store, "f").unwrap();
        assert_eq!(f.call(&mut store, ()).unwrap(), expected);
    }
}

const DEEP: &str = r#"(module
    (import "env" "host" (func $host (param i32)))
    (memory 1)
    (func $inner (param i32) (call $host (local.get 0)) (drop (i32.load (i32.const 70000))))
    (func $outer (export "outer") (param i32) (call $inner (local.get 0))))"#;

#[test]
fn traps_have_backtraces() {
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "host", |_: Caller<'_, ()>, code: i32| -> Result<(), Trap> {
            match code {
                0 => Ok(()),
                1 => Err(Trap::host(Failed(1))),
                2 => Err(Trap::exit(33)),
                _ => Err(Trap::host(Failed(code)).without_backtrace()),
            }
        })
        .unwrap();
    let (mut store, instance) = linked(&linker, (), DEEP);
    let outer = instance.get_typed_func::<i32, ()>(&store, "outer").unwrap();
    let names =
        |trap: &Trap| -> Vec<String> { trap.frames().iter().map(|f: &Frame| f.name.clone().unwrap()).collect() };

    let trap = outer.call(&mut store, 0).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
    assert_eq!(names(&trap), ["inner", "outer"]);
    let bytes = wat::parse_str(DEEP).unwrap();
    let offset = trap.frames()[0].offset.unwrap() as usize;
    assert_eq!(bytes[offset], 0x28, "the offset is that of the load");
    let offset = trap.frames()[1].offset.unwrap() as usize;
    assert_eq!(bytes[offset], 0x10, "the offset is that of the call");
    assert!(trap.to_string().starts_with("trap: out of bounds memory access\n  0: inner @ 0x"), "{trap}");

    let trap = outer.call(&mut store, 1).unwrap_err();
    assert_eq!(trap.downcast_ref::<Failed>().unwrap().0, 1);
    assert_eq!(names(&trap), ["inner", "outer"]);
    assert_eq!(bytes[trap.frames()[0].offset.unwrap() as usize], 0x10);

    let trap = outer.call(&mut store, 2).unwrap_err();
    assert_eq!(trap.exit_status(), Some(33));
    let trap = outer.call(&mut store, 3).unwrap_err();
    assert!(trap.frames().is_empty());
    assert_eq!(trap.downcast::<Failed>().unwrap().0, 3);
}

#[test]
fn every_trap_is_told_apart() {
    let (mut store, instance) = alone(
        r#"(module
            (type $none (func))
            (memory 1)
            (table 4 funcref)
            (elem (i32.const 1) $one)
            (func $one (param i32))
            (func (export "0") (unreachable))
            (func (export "1") (i32.store (i32.const 65533) (i32.const 0)))
            (func (export "2") (drop (table.get (i32.const 4))))
            (func (export "3") (call_indirect (type $none) (i32.const 4)))
            (func (export "4") (call_indirect (type $none) (i32.const 0)))
            (func (export "5") (call_indirect (type $none) (i32.const 1)))
            (func (export "6") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))
            (func (export "7") (drop (i64.rem_u (i64.const 1) (i64.const 0))))
            (func (export "8") (drop (i32.trunc_f32_s (f32.const nan))))
            (func $deep (export "9") (call $deep)))"#,
    );
    for code in TrapCode::ALL.iter().filter(|code| **code != TrapCode::Interrupt) {
        let func = instance.get_func(&store, &(*code as u8).to_string()).unwrap();
        let trap = func.call(&mut store, &[]).unwrap_err();
        assert_eq!(trap.code(), Some(*code), "{trap}");
        assert!(!trap.frames().is_empty(), "{trap}");
    }
}

#[test]
fn bulk_operations_trap_with_a_backtrace() {
    let (mut store, instance) = alone(
        r#"(module (memory 1)
            (func $copy (export "copy") (param i32) (memory.copy (i32.const 0) (local.get 0) (i32.const 65536))))"#,
    );
    let copy = instance.get_typed_func::<i32, ()>(&store, "copy").unwrap();
    copy.call(&mut store, 0).unwrap();
    let trap = copy.call(&mut store, 1).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
    assert_eq!(trap.frames()[0].name.as_deref(), Some("copy"));
    assert!(trap.frames()[0].offset.is_some());
}

struct Nested {
    log: Vec<i32>,
    depth: u32,
}

const NESTED: &str = r#"(module
    (import "env" "host" (func $host (param i32) (result i32)))
    (table (export "table") 3 funcref)
    (elem (i32.const 1) $down $trap)
    (memory 1)
    (func $down (export "down") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 1)))
    (func $trap (param i32) (result i32) (unreachable)))"#;

#[test]
fn calls_nest_and_traps_stop_at_each_level() {
    let mut linker = Linker::<Nested>::new();
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, Nested>, n: i32| -> Result<i32, Trap> {
            caller.data_mut().log.push(n);
            caller.data_mut().depth += 1;
            if n == 0 {
                // A guest's callback that traps: this level goes on.
                let trap = caller.call_table::<i32, i32>(2, 0).unwrap_err();
                assert_eq!(trap.code(), Some(TrapCode::Unreachable));
                assert_eq!(
                    caller.call_table::<i32, i32>(0, 0).unwrap_err().code(),
                    Some(TrapCode::UninitializedElement)
                );
                assert_eq!(caller.call_table::<i32, i32>(9, 0).unwrap_err().code(), Some(TrapCode::UndefinedElement));
                let wrong = caller.call_table::<(), i32>(1, ()).unwrap_err();
                assert_eq!(wrong.code(), Some(TrapCode::IndirectCallTypeMismatch));
                return Ok(100);
            }
            if n < 0 {
                return Err(Trap::host(Failed(n)));
            }
            let result = caller.call_table::<i32, i32>(1, if n == 7 { -7 } else { n - 1 });
            caller.data_mut().depth -= 1;
            result
        })
        .unwrap();
    let (mut store, instance) = linked(&linker, Nested { log: Vec::new(), depth: 0 }, NESTED);
    let down = instance.get_typed_func::<i32, i32>(&store, "down").unwrap();
    assert_eq!(down.call(&mut store, 5).unwrap(), 106);
    assert_eq!(store.data().log, [5, 4, 3, 2, 1, 0]);
    store.data_mut().log.clear();
    let trap = down.call(&mut store, 9).unwrap_err();
    assert_eq!(trap.downcast_ref::<Failed>().unwrap().0, -7);
    assert_eq!(store.data().log, [9, 8, 7, -7]);
    assert_eq!(trap.frames().len(), 4, "a frame of each level: {trap}");
}

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
        std::hint::black_box(deep(n + 1) + 1)
    }
    let mut linker = Linker::new();
    linker.func_wrap("env", "host", |_: Caller<'_, ()>, n: i32| drop(deep(n as u64))).unwrap();
    let (mut store, instance) = linked(&linker, (), DEEP);
    let _ = instance.get_typed_func::<i32, ()>(&store, "outer").unwrap().call(&mut store, 0);
}

#[test]
fn faults_of_the_host_are_not_taken_for_the_guests() {
    let this = std::env::current_exe().unwrap();
    let name = "a_host_function_that_overflows_the_stack";
    let output = std::process::Command::new(this).args(["--ignored", "--exact", name]).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("overflowed its stack"), "the handler that was there before has its say: {text}");
}

#[test]
fn panics_pass_through_guests_and_leave_the_store_usable() {
    struct Dropped(Arc<AtomicU32>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let dropped = Arc::new(AtomicU32::new(0));
    let counter = dropped.clone();
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "host", move |_: Caller<'_, ()>, n: i32| {
            let _guard = Dropped(counter.clone());
            assert_eq!(n, 0, "a host function's own mistake");
        })
        .unwrap();
    let (mut store, instance) = linked(&linker, (), DEEP);
    let outer = instance.get_typed_func::<i32, ()>(&store, "outer").unwrap();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| outer.call(&mut store, 5)));
    assert!(caught.unwrap_err().downcast_ref::<String>().unwrap().contains("a host function's own mistake"));
    assert_eq!(dropped.load(Ordering::Relaxed), 1);
    assert_eq!(outer.call(&mut store, 0).unwrap_err().code(), Some(TrapCode::MemoryOutOfBounds));
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
fn references_pass_through_guests() {
    let (mut store, instance) = alone(
        r#"(module
            (table (export "table") 2 externref)
            (func (export "put") (param externref) (table.set (i32.const 1) (local.get 0)))
            (func $seven (result i32) (i32.const 7))
            (elem declare func $seven)
            (func (export "get") (result externref funcref) (table.get (i32.const 1)) (ref.func $seven)))"#,
    );
    let value = ExternRef::new(&mut store, String::from("of the host"));
    let put = instance.get_func(&store, "put").unwrap();
    put.call(&mut store, &[Val::ExternRef(Some(value))]).unwrap();
    let results = instance.get_func(&store, "get").unwrap().call(&mut store, &[]).unwrap();
    let (Val::ExternRef(Some(back)), Val::FuncRef(Some(seven))) = (results[0], results[1]) else {
        panic!("{results:?}")
    };
    assert_eq!(back.data(&store).unwrap().downcast_ref::<String>().unwrap(), "of the host");
    assert_eq!(seven.call(&mut store, &[]).unwrap()[0].i32(), Some(7));
    let table = instance.get_table(&store, "table").unwrap();
    assert!(matches!(table.get(&store, 0), Some(Val::ExternRef(None))));
    assert!(table.get(&store, 2).is_none());
    assert!(table.set(&mut store, 0, Val::FuncRef(None)).is_err());
    // A reference of another store is refused.
    let mut other = Store::new(&Engine::default(), ());
    let foreign = ExternRef::new(&mut other, 1_u32);
    assert!(put.call(&mut store, &[Val::ExternRef(Some(foreign))]).is_err());
    assert!(foreign.data(&store).is_none());
}

#[test]
fn host_functions_reach_memory_and_data() {
    let mut linker = Linker::<Vec<u8>>::new();
    linker
        .func_wrap("env", "read", |mut caller: Caller<'_, Vec<u8>>, ptr: u32, len: u32| -> Result<u32, Trap> {
            let (mut memory, data) = caller.memory_and_data();
            let count = data.len().min(len as usize);
            memory.slice_mut(ptr, count as u32)?.copy_from_slice(&data[..count]);
            Ok(count as u32)
        })
        .unwrap();
    let text = r#"(module (import "env" "read" (func $read (param i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func (export "run") (param i32) (result i32) (drop (call $read (local.get 0) (i32.const 100)))
            (i32.load8_u (local.get 0))))"#;
    let (mut store, instance) = linked(&linker, b"xyz".to_vec(), text);
    let run = instance.get_typed_func::<u32, u32>(&store, "run").unwrap();
    assert_eq!(run.call(&mut store, 5).unwrap(), u32::from(b'x'));
    assert_eq!(run.call(&mut store, 65534).unwrap_err().code(), Some(TrapCode::MemoryOutOfBounds));
    assert_eq!(store.into_data(), b"xyz");
}

#[test]
fn missing_functions_can_trap_when_called() {
    let mut linker = Linker::<()>::new();
    linker.trap_on_missing(true);
    let text = r#"(module (import "env" "gone" (func $gone (param i64 f32) (result i32)))
        (func (export "ok") (result i32) (i32.const 1))
        (func (export "call") (result i32) (call $gone (i64.const 1) (f32.const 2))))"#;
    let (mut store, instance) = linked(&linker, (), text);
    assert_eq!(instance.get_func(&store, "ok").unwrap().call(&mut store, &[]).unwrap()[0].i32(), Some(1));
    let trap = instance.get_func(&store, "call").unwrap().call(&mut store, &[]).unwrap_err();
    assert!(trap.to_string().starts_with("the guest called env.gone, which is not provided\n"), "{trap}");
    assert!(matches!(trap.kind(), TrapKind::Host(_)));
}

#[test]
fn functions_of_the_host_are_callable_by_the_host() {
    let mut store = Store::new(&Engine::default(), 10);
    let add = Func::wrap(&mut store, |caller: Caller<'_, i32>, n: i32| -> Result<i32, Trap> {
        if n < 0 { Err(Trap::host(Failed(n))) } else { Ok(caller.data() + n) }
    })
    .unwrap();
    assert_eq!(add.call(&mut store, &[Val::I32(4)]).unwrap()[0].i32(), Some(14));
    let typed = add.typed::<i32, i32>(&store).unwrap();
    assert_eq!(typed.call(&mut store, 5).unwrap(), 15);
    assert_eq!(typed.call(&mut store, -5).unwrap_err().downcast_ref::<Failed>().unwrap().0, -5);
    let ty = FuncType { params: vec![ValType::F32], results: vec![ValType::F32, ValType::F32] };
    let twice = Func::new(&mut store, ty.clone(), |_, params, results| {
        results.fill(params[0]);
        Ok(())
    })
    .unwrap();
    assert_eq!(twice.ty(&store), ty);
    assert_eq!(twice.typed::<f32, (f32, f32)>(&store).unwrap().call(&mut store, 0.5).unwrap(), (0.5, 0.5));
}

#[test]
fn start_functions_and_segments_run_in_order() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let memory = Memory::new(&mut store, Limits { min: 1, max: None }).unwrap();
    let text = r#"(module (import "m" "memory" (memory 1))
        (data (i32.const 0) "a") (data (i32.const 65536) "b") (data (i32.const 1) "c"))"#;
    let error = Instance::new(&mut store, &module(&engine, text), &[memory.into()]).unwrap_err();
    let Error::Start(trap) = &error else { panic!("{error}") };
    assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
    assert_eq!(memory.view(&mut store).read_bytes(0, 2).unwrap(), b"a\0");
    let text = r#"(module (func $go (unreachable)) (start $go))"#;
    let error = Instance::new(&mut store, &module(&engine, text), &[]).unwrap_err();
    assert!(error.to_string().contains("unreachable\n  0: go @"), "{error}");
}

#[test]
fn modules_describe_themselves() {
    let engine = Engine::default();
    let mut bytes = wat::parse_str(
        r#"(module (import "env" "f" (func $f (param i32))) (memory (export "memory") 1 2) (func $named (export "g")))"#,
    )
    .unwrap();
    bytes.extend(b"\0\x07\x03sdkabc");
    let module = Module::new(&engine, &bytes).unwrap();
    assert_eq!(module.imports()[0].name, "f");
    let exports: Vec<&str> = module.exports().map(|(name, _)| name).collect();
    assert_eq!(exports, ["memory", "g"]);
    assert_eq!(module.get_export("memory"), Some(ExternType::Memory(Limits { min: 1, max: Some(2) })));
    assert_eq!(module.get_export("h"), None);
    assert_eq!(module.custom_sections("sdk").collect::<Vec<_>>(), [b"abc"]);
    assert_eq!(module.func_name(wasmjit::wasm::FuncIndex(1)), Some("named"));
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

#[test]
#[should_panic(expected = "another store")]
fn handles_are_bound_to_their_store() {
    let (store, instance) = alone(r#"(module (func (export "f")))"#);
    let f = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
    let mut other = Store::new(&Engine::default(), ());
    let _ = f.call(&mut other, ());
}
