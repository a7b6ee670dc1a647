//! One memory, several threads: each with an engine, a store and an instance of its own.

use std::time::{Duration, Instant};

use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{ExternType, Limits, MemoryType};
use wasmjit::{Config, Engine, Error, Func, Instance, Linker, Memory, Module, SharedMemory, Store, Val};

/// A mutex at 0 (0 free, 1 held, 2 held and waited for), a turn at 64, a counter at 128 that nothing but the mutex protects.
const PING_PONG: &str = r#"(module
    (import "env" "memory" (memory 1 16 shared))
    (func $lock (local i32)
        (local.set 0 (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)))
        (if (local.get 0) (then
            (if (i32.ne (local.get 0) (i32.const 2)) (then
                (local.set 0 (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2)))))
            (block $done (loop $again
                (br_if $done (i32.eqz (local.get 0)))
                (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))
                (local.set 0 (i32.atomic.rmw.xchg (i32.const 0) (i32.const 2)))
                (br $again))))))
    (func $unlock
        (if (i32.ne (i32.atomic.rmw.sub (i32.const 0) (i32.const 1)) (i32.const 1)) (then
            (i32.atomic.store (i32.const 0) (i32.const 0))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
    (func (export "count") (param $n i32)
        (loop $l
            (call $lock)
            (i32.store (i32.const 128) (i32.add (i32.load (i32.const 128)) (i32.const 1)))
            (call $unlock)
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "play") (param $me i32) (param $n i32)
        (loop $l
            (block $mine (loop $wait
                (br_if $mine (i32.eq (i32.atomic.load (i32.const 64)) (local.get $me)))
                (drop (memory.atomic.wait32 (i32.const 64) (i32.sub (i32.const 1) (local.get $me)) (i64.const -1)))
                (br $wait)))
            (i64.store (i32.const 136) (i64.add (i64.load (i32.const 136)) (i64.const 1)))
            (i32.atomic.store (i32.const 64) (i32.sub (i32.const 1) (local.get $me)))
            (drop (memory.atomic.notify (i32.const 64) (i32.const -1)))
            (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "wait") (param i64) (result i32)
        (memory.atomic.wait64 (i32.const 256) (i64.const 0) (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "poke") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (memory.size)))"#;

fn guest(memory: &SharedMemory, interruptible: bool) -> (Store<()>, Instance) {
    let engine = Engine::new(Config::new().interruptible(interruptible));
    let module = Module::new(&engine, &wat::parse_str(PING_PONG).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let mut linker = Linker::new();
    let memory = Memory::from_shared(&mut store, memory);
    linker.define("env", "memory", memory).unwrap();
    let instance = linker.instantiate(&mut store, &module).unwrap();
    (store, instance)
}

fn read(memory: &SharedMemory, address: u32) -> u64 {
    let engine = Engine::new(&Config::new());
    let mut store = Store::new(&engine, ());
    Memory::from_shared(&mut store, memory).view(&mut store).read(address).unwrap()
}

#[test]
fn a_mutex_protects_a_counter() {
    let memory = SharedMemory::new(1, 16).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let (mut store, instance) = guest(&memory, false);
                let count = instance.get_typed_func::<i32, ()>(&store, "count").unwrap();
                count.call(&mut store, 20_000).unwrap();
            });
        }
    });
    assert_eq!(read(&memory, 128), 80_000);
}

#[test]
fn two_threads_take_turns() {
    let memory = SharedMemory::new(1, 16).unwrap();
    std::thread::scope(|scope| {
        for me in 0..2 {
            let memory = &memory;
            scope.spawn(move || {
                let (mut store, instance) = guest(memory, me == 0);
                let play = instance.get_typed_func::<(i32, i32), ()>(&store, "play").unwrap();
                play.call(&mut store, (me, 3000)).unwrap();
            });
        }
    });
    assert_eq!(read(&memory, 136), 6000);
}

#[test]
fn waits_time_out_and_are_interrupted() {
    let memory = SharedMemory::new(1, 16).unwrap();
    let (mut store, instance) = guest(&memory, true);
    let wait = instance.get_typed_func::<i64, i32>(&store, "wait").unwrap();
    let start = Instant::now();
    assert_eq!(wait.call(&mut store, 20_000_000).unwrap(), 2);
    assert!(start.elapsed() >= Duration::from_millis(20));
    let handle = store.interrupt_handle();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(30));
        handle.interrupt();
    });
    let trap = wait.call(&mut store, -1).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::Interrupt), "{trap}");
    assert!(!trap.frames().is_empty());
    stopper.join().unwrap();
}

#[test]
fn growth_is_seen_by_others() {
    let memory = SharedMemory::new(1, 16).unwrap();
    let (mut store, instance) = guest(&memory, false);
    let (mut other_store, other) = guest(&memory, false);
    let poke = other.get_typed_func::<(u32, i32), ()>(&other_store, "poke").unwrap();
    let trap = poke.call(&mut other_store, (2 * 65536, 7)).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
    let grow = instance.get_typed_func::<i32, i32>(&store, "grow").unwrap();
    assert_eq!(grow.call(&mut store, 2).unwrap(), 1);
    poke.call(&mut other_store, (2 * 65536, 7)).unwrap();
    let size = other.get_typed_func::<(), i32>(&other_store, "size").unwrap();
    assert_eq!(size.call(&mut other_store, ()).unwrap(), 3);
    assert_eq!(grow.call(&mut store, 14).unwrap(), -1);
    assert_eq!(memory.pages(), 3);
    let growers = || scope_growers(&memory);
    assert_eq!(growers(), 13, "each page was added once");
    assert_eq!(memory.pages(), 16);
}

/// Threads add pages until the limit; gives how many were added.
fn scope_growers(memory: &SharedMemory) -> usize {
    std::thread::scope(|scope| {
        let grow = || (0..20).filter(|_| memory.grow(1).is_some()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(grow)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn shared_memories_have_a_type_of_their_own() {
    let engine = Engine::new(&Config::new());
    let limits = Limits { min: 1, max: Some(2) };
    let text = "(module (memory (export \"memory\") 1 2 shared))";
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    assert_eq!(module.get_export("memory"), Some(ExternType::Memory(MemoryType { shared: true, ..limits.into() })));
    let mut store = Store::new(&engine, ());
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let memory = instance.get_memory(&store, "memory").unwrap();
    let shared = memory.shared(&store).unwrap();
    let again = Memory::from_shared(&mut store, &shared).shared(&store).unwrap();
    assert!(shared.same(&again));
    assert_eq!((shared.pages(), shared.max()), (1, 2));
    // Its bytes can be copied; borrowing them while other threads write would be unsound.
    let mut bytes = memory.view(&mut store);
    bytes.write_u32(8, 7).unwrap();
    assert_eq!(bytes.read_bytes(8, 4), Ok(vec![7, 0, 0, 0]));
    assert!(bytes.slice(8, 4).is_err() && bytes.slice_mut(8, 4).is_err() && bytes.as_slice().is_empty());
    let wanted = Module::new(&engine, &wat::parse_str("(module (import \"e\" \"m\" (memory 1 2)))").unwrap()).unwrap();
    let mut linker = Linker::new();
    linker.define("e", "m", memory).unwrap();
    let error = linker.instantiate(&mut store, &wanted).unwrap_err();
    assert!(error.to_string().contains("shared memory"), "{error}");
}

#[test]
fn vectors_cross_the_boundary_as_values() {
    let engine = Engine::new(&Config::new());
    let text = "(module (global (export \"g\") (mut v128) (v128.const i32x4 1 2 3 4))
        (func (export \"f\") (param i32 v128 i64 v128) (result v128 i32 v128)
            (i32x4.add (local.get 1) (local.get 3)) (local.get 0) (global.get 0)))";
    let module = Module::new(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let global = instance.get_global(&store, "g").unwrap();
    assert_eq!(global.get(&store).v128(), Some(0x4_0000_0003_0000_0002_0000_0001));
    global.set(&mut store, Val::V128(1 << 127)).unwrap();
    let f = instance.get_func(&store, "f").unwrap();
    let results = f.call(&mut store, &[7.into(), Val::V128(5 << 96), 9_i64.into(), Val::V128(6 << 96)]).unwrap();
    assert_eq!(results[0].v128(), Some(11 << 96));
    assert_eq!(results[1].i32(), Some(7));
    assert_eq!(results[2].v128(), Some(1 << 127));
    let ty = f.ty(&store);
    let refused = Func::new(&mut store, ty, |_, _, _| Ok(())).unwrap_err();
    assert!(matches!(&refused, Error::Usage(text) if text.contains("v128")), "{refused}");
}
