//! Arguments, results and references of every kind.

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{FuncType, ValType};
use wasmjit::{Caller, Engine, ExternRef, Func, Linker, Store, Trap, TypedFunc, Val};

use crate::{Failed, alone, linked};

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
#[should_panic(expected = "another store")]
fn handles_are_bound_to_their_store() {
    let (store, instance) = alone(r#"(module (func (export "f")))"#);
    let f = instance.get_typed_func::<(), ()>(&store, "f").unwrap();
    let mut other = Store::new(&Engine::default(), ());
    let _ = f.call(&mut other, ());
}
