//! Exceptions: the legacy instructions, the way through host functions, tags, limits.

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{FuncType, ValType};
use wasmjit::{Caller, Engine, Instance, Linker, Module, Store, Tag, Trap, Val};

use crate::{Failed, alone, linked};

/// The legacy instructions, in every place where a handler may stand.
const LEGACY: &str = r#"(module
    (tag $a (param i32))
    (tag $b (param i64 f64))
    (tag $none)
    (table 2 funcref)
    (elem (i32.const 0) $thrower)
    (type $t (func (param i32) (result i32)))
    (func $thrower (type $t)
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $a (i32.const 11))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $b (i64.const 22) (f64.const 0.5))))
        (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $none)))
        (if (i32.eq (local.get 0) (i32.const 4)) (then (unreachable)))
        (i32.add (local.get 0) (i32.const 100)))
    (func (export "clauses") (param i32) (result i32) (local $n i32)
        (local.set $n (i32.const 7))
        try (result i32)
            (local.set $n (i32.const 1000))
            (call $thrower (local.get 0))
            (local.set $n (i32.const 2000))
        catch $a
            local.get $n
            i32.add
        catch $b
            f64.const 10
            f64.mul
            i32.trunc_f64_s
            local.set $n
            i32.wrap_i64
            local.get $n
            i32.add
        catch_all
            (i32.sub (i32.const 0) (local.get $n))
        end)
    (func (export "uncaught") (param i32) (result i32)
        try (result i32) (call $thrower (local.get 0)) catch $a end)
    (func (export "indirect") (param i32) (result i32)
        try (result i32)
            (call_indirect (type $t) (local.get 0) (i32.const 0))
        catch $a
        catch_all
            i32.const -1
        end)
    (func $cleanup (param i32) (result i32)
        try (result i32)
            (call $thrower (local.get 0))
        catch_all
            (global.set $cleaned (i32.add (global.get $cleaned) (i32.const 1)))
            rethrow 0
        end)
    (global $cleaned (mut i32) (i32.const 0))
    (func (export "cleaned") (result i32) (global.get $cleaned))
    (func (export "rethrown") (param i32) (result i32)
        try (result i32)
            (call $cleanup (local.get 0))
        catch $a
            i32.const 2
            i32.mul
        catch_all
            i32.const -3
        end)
    (func (export "outer_rethrow") (param i32) (result i32)
        try (result i32)
            try (result i32)
                (call $thrower (local.get 0))
            catch $a
                drop
                try (result i32) throw $none catch $none rethrow 1 end
            end
        catch $a
            i32.const 5
            i32.add
        catch_all
            i32.const -9
        end)
    (func (export "delegated") (param i32) (result i32)
        try $l (result i32)
            try (result i32)
                try (result i32) (call $thrower (local.get 0)) delegate $l
            catch_all
                i32.const -1
            end
        catch_all
            i32.const 55
        end)
    (func $out (param i32) (result i32)
        try (result i32)
            try (result i32) (call $thrower (local.get 0)) delegate 1
        catch_all
            i32.const -1
        end)
    (func (export "delegated_out") (param i32) (result i32)
        try (result i32) (call $out (local.get 0)) catch_all i32.const 66 end)
    (func (export "no_clauses") (param i32) (result i32)
        try (result i32)
            try (result i32) (call $thrower (local.get 0)) end
        catch_all
            i32.const 77
        end)
    (func (export "own") (param i32) (result i32)
        try (result i32) (throw $a (local.get 0)) catch $a i32.const 1 i32.add end)
    (func (export "loop") (param i32) (result i32) (local $sum i32)
        (loop $l (result i32)
            try
                (drop (call $thrower (i32.and (local.get 0) (i32.const 1))))
            catch $a
                local.get $sum
                i32.add
                local.set $sum
            end
            (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
            (br_if $l (local.get 0))
            (local.get $sum)))
    (func (export "many") (param i32 i64 f64 f32) (result i32 i64 f64 f32)
        try (drop (call $thrower (local.get 0))) catch_all end
        (local.get 0) (local.get 1) (local.get 2) (local.get 3)))"#;

fn call(store: &mut Store<()>, instance: &Instance, name: &str, arg: i32) -> Result<i32, Trap> {
    instance.get_typed_func::<i32, i32>(&*store, name).unwrap().call(store, arg)
}

#[test]
fn legacy_instructions() {
    let (mut store, instance) = alone(LEGACY);
    let cases: [(&str, &[(i32, i32)]); 10] = [
        ("clauses", &[(0, 100), (1, 1011), (2, 27), (3, -1000)]),
        ("uncaught", &[(0, 100), (1, 11)]),
        ("indirect", &[(0, 100), (1, 11), (2, -1)]),
        ("rethrown", &[(0, 100), (1, 22), (3, -3)]),
        ("outer_rethrow", &[(0, 100), (1, 16), (3, -9)]),
        ("delegated", &[(0, 100), (1, 55)]),
        ("delegated_out", &[(0, 100), (3, 66)]),
        ("no_clauses", &[(0, 100), (2, 77)]),
        ("own", &[(41, 42)]),
        ("loop", &[(7, 44), (100_000, 550_000)]),
    ];
    for (name, calls) in cases {
        for &(arg, want) in calls {
            assert_eq!(call(&mut store, &instance, name, arg).unwrap(), want, "{name}({arg})");
        }
    }
    let cleaned = instance.get_typed_func::<(), i32>(&store, "cleaned").unwrap();
    assert_eq!(cleaned.call(&mut store, ()).unwrap(), 2);
    let many = instance.get_func(&store, "many").unwrap();
    let args = [Val::I32(3), Val::I64(-5), Val::F64(7), Val::F32(9)];
    assert_eq!(format!("{:?}", many.call(&mut store, &args).unwrap()), format!("{args:?}"));
}

#[test]
fn traps_are_not_caught() {
    let (mut store, instance) = alone(LEGACY);
    for name in ["clauses", "indirect", "rethrown", "delegated", "no_clauses"] {
        let trap = call(&mut store, &instance, name, 4).unwrap_err();
        assert_eq!(trap.code(), Some(TrapCode::Unreachable), "{name}");
    }
}

#[test]
fn what_nobody_catches_has_a_tag_values_and_a_backtrace() {
    let (mut store, instance) = alone(
        r#"(module
            (tag $t (export "my_tag") (param i32 i64))
            (func $thrower (throw $t (i32.const 17) (i64.const 18)))
            (func $cleans try (call $thrower) catch_all rethrow 0 end)
            (func (export "run") (call $cleans)))"#,
    );
    let trap = instance.get_typed_func::<(), ()>(&store, "run").unwrap().call(&mut store, ()).unwrap_err();
    let exception = trap.as_exception().unwrap();
    assert_eq!((exception.tag(), exception.values()), ("my_tag", vec![17, 18]));
    let names: Vec<_> = trap.frames().iter().map(|frame| frame.name.clone().unwrap_or_default()).collect();
    assert_eq!(names, ["thrower", "cleans", ""]);
    let text = trap.to_string();
    assert!(
        text.starts_with("trap: uncaught exception: tag my_tag (i32, i64) with 0x11 0x12\n  0: thrower @ "),
        "{text}"
    );
}

/// A host function that calls the guest back, and passes on what comes.
const THROUGH: &str = r#"(module
    (import "env" "back" (func $back (param i32)))
    (import "env" "tag" (tag $t (param i32)))
    (table (export "table") 1 funcref)
    (elem (i32.const 0) $throws)
    (func $throws (param i32) (throw $t (local.get 0)))
    (func (export "catches") (param i32) (result i32) (local i32)
        (local.set 1 (i32.const 1000))
        try (result i32)
            (call $back (local.get 0))
            i32.const 0
        catch $t
            local.get 1
            i32.add
        end)
    (func (export "passes") (param i32) (result i32) (call $back (local.get 0)) (i32.const 0)))"#;

/// Counts when it is dropped.
struct Guard<'a>(&'a std::sync::atomic::AtomicU32);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[test]
fn exceptions_cross_host_functions_whose_destructors_run() {
    static DROPPED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "back", |mut caller: Caller<'_, ()>, value: i32| -> Result<(), Trap> {
            let _guard = Guard(&DROPPED);
            if value < 0 {
                return Err(Trap::host(Failed(value)));
            }
            caller.call_table::<i32, ()>(0, value)
        })
        .unwrap();
    linker.tag("env", "tag", FuncType { params: vec![ValType::I32], results: vec![] }).unwrap();
    let (mut store, instance) = linked(&linker, (), THROUGH);
    for round in 0..1000 {
        assert_eq!(call(&mut store, &instance, "catches", round).unwrap(), 1000 + round);
    }
    assert_eq!(DROPPED.load(std::sync::atomic::Ordering::Relaxed), 1000);
    let trap = call(&mut store, &instance, "passes", 5).unwrap_err();
    assert_eq!((trap.as_exception().unwrap().tag(), trap.frames().len()), ("env.tag", 2));
    let trap = call(&mut store, &instance, "catches", -1).unwrap_err();
    assert_eq!(trap.downcast_ref::<Failed>().unwrap().0, -1);
}

#[test]
fn host_functions_throw_on_what_they_caught_elsewhere() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, None::<Trap>);
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "back", |mut caller: Caller<'_, Option<Trap>>, value: i32| -> Result<(), Trap> {
            match caller.data_mut().take() {
                Some(trap) => Err(trap),
                None => caller.call_table::<i32, ()>(0, value),
            }
        })
        .unwrap();
    let tag = Tag::new(&mut store, FuncType { params: vec![ValType::I32], results: vec![] }, "mine");
    linker.define("env", "tag", tag).unwrap();
    let module = Module::new(&engine, &wat::parse_str(THROUGH).unwrap()).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let passes = instance.get_typed_func::<i32, i32>(&store, "passes").unwrap();
    let catches = instance.get_typed_func::<i32, i32>(&store, "catches").unwrap();
    let kept = passes.call(&mut store, 31).unwrap_err();
    *store.data_mut() = Some(kept);
    assert_eq!(catches.call(&mut store, 0).unwrap(), 1031);

    // In another store it is a trap like any other.
    let kept = passes.call(&mut store, 31).unwrap_err();
    let mut other = Store::new(&engine, Some(kept));
    let mut linker = linker.clone();
    linker.allow_shadowing(true);
    let tag = Tag::new(&mut other, FuncType { params: vec![ValType::I32], results: vec![] }, "other");
    linker.define("env", "tag", tag).unwrap();
    let instance = linker.instantiate(&mut other, &module).unwrap();
    drop(store);
    let catches = instance.get_typed_func::<i32, i32>(&other, "catches").unwrap();
    let trap = catches.call(&mut other, 0).unwrap_err();
    assert_eq!(trap.as_exception().unwrap().values(), [31]);
}

/// Keeps exceptions in a table, in a global, in each other and on the stack.
const KEEPS: &str = r#"(module
    (tag $t (param i32))
    (tag $wraps (param exnref))
    (table $kept 300000 exnref)
    (global $g (mut exnref) (ref.null exn))
    (func $make (param i32) (result exnref)
        (block (result i32 exnref) (try_table (result i32 exnref) (catch_ref $t 0) (throw $t (local.get 0))))
        (return))
    (func $wrap (param exnref) (result exnref)
        (block (result exnref exnref) (try_table (result exnref exnref) (catch_ref $wraps 0) (throw $wraps (local.get 0))))
        (return))
    (func $value (param exnref) (result i32)
        (block (result i32) (try_table (result i32) (catch $t 0) (throw_ref (local.get 0)))))
    (func $unwrap (param exnref) (result exnref)
        (block (result exnref) (try_table (result exnref) (catch $wraps 0) (throw_ref (local.get 0)))))
    (func (export "churn") (param i32) (result i32) (local exnref)
        (local.set 1 (call $make (i32.const 1)))
        (global.set $g (call $wrap (call $make (i32.const 2))))
        (table.set $kept (i32.const 5) (call $make (i32.const 4)))
        (loop (drop (call $make (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.add (call $value (local.get 1))
            (i32.add (call $value (call $unwrap (global.get $g))) (call $value (table.get $kept (i32.const 5))))))
    (func (export "hoard") (param i32) (result i32)
        (loop (table.set $kept (local.get 0) (call $make (local.get 0)))
            (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (i32.const 0))
    (func (export "null") (param i32) (result i32) (throw_ref (ref.null exn))))"#;

#[test]
fn exceptions_live_as_long_as_they_can_be_reached() {
    let (mut store, instance) = alone(KEEPS);
    assert_eq!(call(&mut store, &instance, "churn", 300_000).unwrap(), 7);
    let trap = call(&mut store, &instance, "hoard", 299_999).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::TooManyExceptions));
    let trap = call(&mut store, &instance, "null", 0).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::NullException));
}
