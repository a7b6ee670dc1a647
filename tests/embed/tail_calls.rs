//! Tail calls: the stack stays as it is whoever calls whom, and everything else is as after an ordinary call.

use wasmjit::{Caller, Engine, Extern, Instance, Linker, Module, Store, Trap, Val};

use crate::{Failed, alone, linked};

/// Calls per run: a frame of 16 bytes for each would need four times the stack.
const ROUNDS: i32 = 1_000_000;

fn call(store: &mut Store<()>, instance: &Instance, name: &str, arg: i32) -> Result<i32, Trap> {
    instance.get_typed_func::<i32, i32>(&*store, name).unwrap().call(store, arg)
}

/// Functions with none, two and seven stack arguments, integers and floats, with results on the stack.
const SHAPES: &str = r#"(module
    (type $wide (func (param i32 i32 i32 i32 i32 i32 i32) (result i32 i64 i32 f64 f32 f64)))
    (type $wider (func (param i32 f64 f64 f64 f64 f64 f64 f64 f64 f64 f32 i64 i64 i64 i64 i64 i64) (result i32 i64 i32 f64 f32 f64)))
    (table 1 funcref)
    (elem (i32.const 0) $wider)
    (func $end (param i32 i64) (result i32 i64 i32 f64 f32 f64)
        (i32.const 1) (local.get 1) (local.get 0) (f64.const 4) (f32.const 5) (f64.const 6))
    (func $narrow (param i32 i64) (result i32 i64 i32 f64 f32 f64)
        (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 0) (local.get 1))))
        (return_call $wide (i32.sub (local.get 0) (i32.const 1)) (i32.const 1) (i32.const 2) (i32.const 3) (i32.const 4)
            (i32.const 5) (i32.wrap_i64 (local.get 1))))
    (func $wide (type $wide)
        (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 0) (i64.extend_i32_u (local.get 6)))))
        (return_call_indirect (type $wider) (i32.sub (local.get 0) (i32.const 1))
            (f64.const 1) (f64.const 2) (f64.const 3) (f64.const 4) (f64.const 5) (f64.const 6) (f64.const 7) (f64.const 8)
            (f64.convert_i32_s (local.get 6)) (f32.const 10)
            (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
            (i32.const 0)))
    (func $wider (type $wider)
        (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 0) (i64.trunc_f64_s (local.get 9)))))
        (return_call $narrow (i32.sub (local.get 0) (i32.const 1))
            (i64.add (i64.trunc_f64_s (local.get 9)) (i64.sub (local.get 16) (i64.const 5)))))
    (func (export "run") (param i32) (result i32) (local i32 i32 i32 i32 i32 i32 i64 f64)
        (local.set 1 (i32.mul (local.get 0) (i32.const 3)))
        (call $narrow (local.get 0) (i64.const 0))
        local.set 8
        f64.promote_f32
        f64.add
        local.get 8
        f64.add
        local.set 8
        local.set 2
        local.set 7
        local.set 3
        (i32.add (i32.add (local.get 1) (i32.wrap_i64 (local.get 7)))
            (i32.add (local.get 3) (i32.trunc_f64_s (local.get 8))))))"#;

#[test]
fn the_stack_stays_as_it_is() {
    let (mut store, instance) = alone(SHAPES);
    for rounds in [0, 1, 2, 3, 4, 5, 6, ROUNDS, ROUNDS + 1, ROUNDS + 2] {
        let steps = rounds / 3;
        assert_eq!(call(&mut store, &instance, "run", rounds).unwrap(), rounds * 3 + steps + 1 + 15, "{rounds}");
    }
}

/// Two modules whose functions call each other by tail calls; each checks that it has its own memory and globals.
const PING: &str = r#"(module
    (type $t (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "pong" "table" (table $table 1 funcref))
    (memory 1)
    (data (i32.const 0) "\2a")
    (func $ping (export "ping") (type $t)
        (if (i32.ne (i32.load (i32.const 0)) (i32.const 42)) (then (unreachable)))
        (if (i32.eqz (local.get 0)) (then (return (local.get 6))))
        (return_call_indirect $table (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0) (i32.const 0) (i32.const 0)
            (i32.const 0) (i32.const 0) (i32.add (local.get 6) (i32.const 2)) (i32.const 0)))
    (func (export "run") (param i32) (result i32)
        (i32.add
            (call $ping (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
            (i32.load (i32.const 0)))))"#;

const PONG: &str = r#"(module
    (type $t (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "ping" (func $ping (type $t)))
    (import "env" "table" (table $table 1 funcref))
    (memory 1)
    (data (i32.const 0) "\2b")
    (elem (table $table) (i32.const 0) func $pong)
    (func $few (param i32 i32) (result i32)
        (return_call $ping (local.get 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (local.get 1)))
    (func $pong (export "pong") (type $t)
        (if (i32.ne (i32.load (i32.const 0)) (i32.const 43)) (then (unreachable)))
        (if (i32.eqz (local.get 0)) (then (return (local.get 6))))
        (return_call $few (i32.sub (local.get 0) (i32.const 1)) (i32.add (local.get 6) (i32.const 1)))))"#;

#[test]
fn modules_call_each_other() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new();
    let ty = wasmjit::wasm::TableType {
        element: wasmjit::wasm::ValType::FuncRef,
        limits: wasmjit::wasm::Limits { min: 1, max: None },
        table64: false,
    };
    let table = wasmjit::Table::new(&mut store, ty, Val::FuncRef(None)).unwrap();
    linker.define("pong", "table", table).unwrap();
    linker.define("env", "table", table).unwrap();
    let ping = Module::new(&engine, &wat::parse_str(PING).unwrap()).unwrap();
    let ping = linker.instantiate(&mut store, &ping).unwrap();
    linker.define("env", "ping", Extern::Func(ping.get_func(&store, "ping").unwrap())).unwrap();
    let pong = Module::new(&engine, &wat::parse_str(PONG).unwrap()).unwrap();
    linker.instantiate(&mut store, &pong).unwrap();
    for rounds in [0, 1, 2, 3, ROUNDS] {
        let want = rounds / 2 * 3 + rounds % 2 * 2 + 42;
        assert_eq!(call(&mut store, &ping, "run", rounds).unwrap(), want, "{rounds}");
    }
}

/// Tail calls of host functions: without, with two and with four stack arguments, one of an unknown number of results.
const HOST: &str = r#"(module
    (import "env" "three" (func $three (param i32 i32 i32) (result i32)))
    (import "env" "nine" (func $nine (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "env" "results" (func $results (param i32 i32 i32 i32 i32 i32) (result i32 i32 i32 i32 i32)))
    (memory 1)
    (data (i32.const 0) "\2a")
    (func $f (param i32) (result i32)
        (return_call $three (local.get 0) (i32.const 2) (i32.const 3)))
    (func $g (param i32) (result i32)
        (return_call $nine (local.get 0) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6) (i32.const 7)
            (i32.const 8) (i32.const 9)))
    (func $h (param i32) (result i32 i32 i32 i32 i32)
        (return_call $results (local.get 0) (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6)))
    (func (export "three") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.load (i32.const 0))))
    (func (export "nine") (param i32) (result i32) (i32.add (call $g (local.get 0)) (i32.load (i32.const 0))))
    (func (export "results") (param i32) (result i32)
        (call $h (local.get 0)) i32.add i32.add i32.add i32.add (i32.load (i32.const 0)) i32.add))"#;

#[test]
fn host_functions_are_called() {
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "three", |_: Caller<'_, ()>, a: i32, b: i32, c: i32| -> Result<i32, Trap> {
            if a < 0 { Err(Trap::host(Failed(a))) } else { Ok(a + 10 * b + 100 * c) }
        })
        .unwrap();
    let nine = |_: Caller<'_, ()>, a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32, h: i32, i: i32| {
        a + b + c + d + e + 100 * (f + g + h) + 10_000 * i
    };
    linker.func_wrap("env", "nine", nine).unwrap();
    let i32s = |n| vec![wasmjit::wasm::ValType::I32; n];
    let ty = wasmjit::wasm::FuncType { params: i32s(6), results: i32s(5) };
    linker
        .func_new("env", "results", ty, |_, params, results| {
            for (at, result) in results.iter_mut().enumerate() {
                *result = Val::I32(params[at].i32().unwrap() * 10 + params[5].i32().unwrap());
            }
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = linked(&linker, (), HOST);
    assert_eq!(call(&mut store, &instance, "three", 1).unwrap(), 321 + 42);
    assert_eq!(call(&mut store, &instance, "nine", 1).unwrap(), 15 + 2100 + 90_000 + 42);
    assert_eq!(call(&mut store, &instance, "results", 1).unwrap(), 150 + 30 + 42);
    let trap = call(&mut store, &instance, "three", -4).unwrap_err();
    assert_eq!(trap.downcast_ref::<Failed>().unwrap().0, -4);
}

#[test]
fn a_tail_call_leaves_the_handlers_of_its_function() {
    let (mut store, instance) = alone(
        r#"(module
            (tag $t)
            (func $throws (param i32) (result i32) (throw $t))
            (func $leaves (param i32) (result i32)
                (block (return (try_table (result i32) (catch $t 0) (return_call $throws (local.get 0)))))
                (i32.const 1))
            (func (export "run") (param i32) (result i32) (local i32)
                (local.set 1 (i32.const 70))
                (block (return (try_table (result i32) (catch $t 0) (call $leaves (local.get 0)))))
                (i32.add (local.get 0) (local.get 1))))"#,
    );
    assert_eq!(call(&mut store, &instance, "run", 5).unwrap(), 75);
}

#[test]
fn endless_tail_calls_can_be_interrupted() {
    let engine = Engine::new(wasmjit::Config::new().interruptible(true));
    let mut store = Store::new(&engine, ());
    let text = r#"(module (func $f (export "run") (param i32) (result i32) (return_call $f (local.get 0))))"#;
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let handle = store.interrupt_handle();
    let thread = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(50));
        handle.interrupt();
    });
    let trap = call(&mut store, &instance, "run", 0).unwrap_err();
    thread.join().unwrap();
    assert_eq!(trap.code(), Some(wasmjit::abi::trap::TrapCode::Interrupt));
}
