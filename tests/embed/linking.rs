//! Imports, exports and instantiation.

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{ExternType, GlobalType, Limits, TableType, ValType};
use wasmjit::{Caller, Engine, Error, Global, Instance, Linker, Memory, Module, Store, Table, TrapKind, Val};

use crate::{linked, module};

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
    let table = TableType { element: ValType::ExternRef, limits: Limits { min: 1, max: None }, table64: false };
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
    assert!(trap.to_string().starts_with("trap: the guest called env.gone, which is not provided\n"), "{trap}");
    assert!(matches!(trap.kind(), TrapKind::Host(_)));
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
    assert_eq!(module.get_export("memory"), Some(ExternType::Memory(Limits { min: 1, max: Some(2) }.into())));
    assert_eq!(module.get_export("h"), None);
    assert_eq!(module.custom_sections("sdk").collect::<Vec<_>>(), [b"abc"]);
    assert_eq!(module.func_name(wasmjit::wasm::FuncIndex(1)), Some("named"));
}
