//! How guests stop, and what the host learns of it.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use wasmjit::abi::trap::TrapCode;
use wasmjit::{Caller, Frame, Linker, Trap};

use crate::{DEEP, Failed, alone, linked};

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
            (func (export "20") (drop (i32.atomic.rmw16.add_u (i32.const 0x10001) (i32.const 1))))
            (func (export "21") (drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const 0))))
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
