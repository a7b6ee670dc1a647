//! Several memories, memories and tables with 64-bit indices: what the official tests do not reach.

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{ExternType, Limits, MemoryType};
use wasmjit::{Config, Engine, Error, Instance, Memory, Module, Store, Trap};

use crate::alone;

const WIDE: &str = r#"(module
    (memory $small 1 1)
    (memory $wide (export "wide") i64 1)
    (table $t i64 10 funcref)
    (type $n (func (param i64) (result i64)))
    (elem (table $t) (i64.const 3) func $double)
    (func $double (type $n) (i64.shl (local.get 0) (i64.const 1)))
    (data (memory $wide) (i64.const 65528) "\01\02\03\04\05\06\07\08")
    (func (export "load") (param i64) (result i64) (i64.load $wide (local.get 0)))
    (func (export "load_far") (param i64) (result i64) (i64.load $wide offset=0xfffffffffffffff0 (local.get 0)))
    (func (export "load_1") (param i64) (result i64) (i64.load $wide offset=0x100000000 (local.get 0)))
    (func (export "small") (param i64) (result i64) (i64.load $small (i32.wrap_i64 (local.get 0))))
    (func (export "grow") (param i64) (result i64) (memory.grow $wide (local.get 0)))
    (func (export "fill") (param i64) (result i64)
        (memory.fill $wide (local.get 0) (i32.const 7) (i64.const 8)) (memory.size $wide))
    (func (export "copy") (param i64) (result i64)
        (memory.copy $small $wide (i32.const 0) (local.get 0) (i32.const 8)) (i64.load $small (i32.const 0)))
    (func (export "call") (param i64) (result i64) (call_indirect $t (type $n) (i64.const 21) (local.get 0))))"#;

fn call(store: &mut Store<()>, instance: &Instance, name: &str, arg: u64) -> Result<u64, Trap> {
    instance.get_typed_func::<u64, u64>(&*store, name).unwrap().call(store, arg)
}

#[test]
fn wide_addresses_are_checked_whole() {
    let (mut store, instance) = alone(WIDE);
    let mut expect = |name: &str, arg: u64, want: Result<u64, TrapCode>| {
        let got = call(&mut store, &instance, name, arg).map_err(|trap| trap.code().unwrap());
        assert_eq!(got, want, "{name}({arg:#x})");
    };
    let beyond = Err(TrapCode::MemoryOutOfBounds);
    expect("load", 65528, Ok(0x0807_0605_0403_0201));
    for address in [65529, 65536, 1 << 32, (1 << 32) + 65528, 1 << 63, u64::MAX - 7, u64::MAX] {
        expect("load", address, beyond);
    }
    // A sum that wraps around is no address.
    for address in [0, 16, 17, 65528, u64::MAX] {
        expect("load_far", address, beyond);
        expect("load_1", address, beyond);
    }
    expect("small", 65528, Ok(0));
    expect("small", 65529, beyond);
    expect("grow", 1 << 48, Ok(u64::MAX));
    expect("grow", u64::MAX, Ok(u64::MAX));
    // More than 4 GiB: addresses beyond work.
    expect("grow", 65536, Ok(1));
    expect("load", (1 << 32) + 65528, Ok(0));
    expect("fill", (1 << 32) + 65528, Ok(65537));
    expect("load_1", 65528, Ok(0x0707_0707_0707_0707));
    expect("load_1", 65529, beyond);
    expect("copy", (1 << 32) + 65524, Ok(0x0707_0707_0000_0000));
    expect("fill", u64::MAX - 3, beyond);
    expect("call", 3, Ok(42));
    expect("call", 4, Err(TrapCode::UninitializedElement));
    for index in [10, 1 << 32 | 3, 1 << 61 | 3, u64::MAX] {
        expect("call", index, Err(TrapCode::UndefinedElement));
    }
}

#[test]
fn limits_hold_for_every_memory() {
    let mut store = Store::new(&Engine::new(Config::new().memory_limit(Some(1 << 20))), ());
    let wide = MemoryType { limits: Limits { min: 1, max: None }, memory64: true, shared: false };
    let memory = Memory::new(&mut store, wide).unwrap();
    assert_eq!(memory.grow(&mut store, 15), Some(1));
    assert_eq!(memory.grow(&mut store, 1), None);
    assert_eq!(memory.ty(&store), MemoryType { limits: Limits { min: 16, max: None }, memory64: true, shared: false });
    let too_large = MemoryType { limits: Limits { min: 17, max: None }, memory64: true, shared: false };
    assert!(matches!(Memory::new(&mut store, too_large), Err(Error::Limit(_))));

    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let module = Module::new(&engine, &wat::parse_str("(module (memory i64 0x1000000000000))").unwrap()).unwrap();
    match Instance::new(&mut store, &module, &[]) {
        Err(Error::Limit(message)) => assert!(message.contains("281474976710656 pages"), "{message}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_64_bit_memory_is_another_type() {
    let engine = Engine::default();
    let mut store = Store::new(&engine, ());
    let text = r#"(module (import "m" "m" (memory i64 1)))"#;
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let narrow = Memory::new(&mut store, Limits { min: 1, max: None }).unwrap();
    let error = Instance::new(&mut store, &module, &[narrow.into()]).unwrap_err().to_string();
    assert!(error.contains("m.m: 64-bit memory, 1 or more pages"), "{error}");
    let (store, instance) = alone(WIDE);
    let ty = instance.get_export(&store, "wide").unwrap().ty(&store);
    let limits = Limits { min: 1, max: None };
    assert_eq!(ty, ExternType::Memory(MemoryType { limits, memory64: true, shared: false }));
}
