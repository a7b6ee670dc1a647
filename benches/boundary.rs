//! What it costs to cross the boundary between host and guest, in nanoseconds per call: medians of interleaved rounds.
//!
//! It says nothing of larger signatures, of cold caches, nor of what guests and hosts do there.

use std::hint::black_box;
use std::time::Instant;

use wasmjit::{Caller, Engine, Instance, Linker, Module, Store, Val};

const ROUNDS: usize = 9;

const TEXT: &str = r#"(module
    (import "h" "add" (func $add (param i32 i32) (result i32)))
    (import "h" "state" (func $state (param i32) (result i32)))
    (import "h" "dynamic" (func $dynamic (param i32 i32) (result i32)))
    (import "h" "invoke" (func $invoke (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (table funcref (elem $same))
    (func $same (param i32) (result i32) (local.get 0))
    (func (export "invokes") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $invoke (i32.const 0) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "four") (param i32 i32 i32 i32) (result i32)
        (i32.add (i32.add (local.get 0) (local.get 1)) (i32.add (local.get 2) (local.get 3))))
    (func (export "empty") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (i32.mul (local.get $sum) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "adds") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $add (local.get $sum) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "states") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $state (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "dynamics") (param $n i32) (result i32) (local $sum i32)
        (loop $again
            (local.set $sum (call $dynamic (local.get $sum) (local.get $n)))
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
        (local.get $sum))
    (func (export "trap") (unreachable)))"#;

struct State {
    count: u64,
}

fn linker() -> Linker<State> {
    let mut linker = Linker::new();
    let add = |_: Caller<'_, State>, a: i32, b: i32| a.wrapping_add(b);
    linker.func_wrap("h", "add", add).expect("a new name");
    linker
        .func_wrap("h", "state", |mut caller: Caller<'_, State>, n: u32| {
            caller.data_mut().count += 1;
            caller.memory().read_u32(n & 0xfff0).map(|value| value + n)
        })
        .expect("a new name");
    linker
        .func_wrap("h", "invoke", |mut caller: Caller<'_, State>, index: u32, argument: i32| {
            caller.call_table::<i32, i32>(index, argument)
        })
        .expect("a new name");
    let ty = linker.host_functions()[0].2.clone();
    linker
        .func_new("h", "dynamic", ty, |_, params, results| {
            let sum = params.iter().filter_map(Val::i32).fold(0, i32::wrapping_add);
            results[0] = sum.into();
            Ok(())
        })
        .expect("a new name");
    linker
}

/// Nanoseconds per turn of `turns` turns that `run` makes.
fn time(turns: u32, run: &mut dyn FnMut(u32)) -> f64 {
    let start = Instant::now();
    run(turns);
    start.elapsed().as_secs_f64() * 1e9 / f64::from(turns)
}

fn main() {
    let engine = Engine::default();
    let module = Module::new(&engine, &wat::parse_str(TEXT).expect("the text is right")).expect("the module is valid");
    let linker = linker();
    let mut store = Store::new(&engine, State { count: 0 });
    let instance = linker.instantiate(&mut store, &module).expect("the imports are there");
    let four = instance.get_typed_func::<(i32, i32, i32, i32), i32>(&store, "four").expect("it exists");
    let untyped = instance.get_func(&store, "four").expect("it exists");
    let trap = instance.get_typed_func::<(), ()>(&store, "trap").expect("it exists");
    let looped = |name: &str| instance.get_typed_func::<i32, i32>(&store, name).expect("it exists");
    let loops = [
        ("guest loop, no call", looped("empty")),
        ("host function, add", looped("adds")),
        ("host function with state and memory", looped("states")),
        ("host function, dynamic", looped("dynamics")),
        ("host function that calls the guest", looped("invokes")),
    ];
    let mut results: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut note = |name: &'static str, round: usize, value: f64| {
        if round == 0 {
            results.push((name, Vec::new()));
        }
        if let Some((_, values)) = results.iter_mut().find(|(known, _)| *known == name) {
            values.push(value);
        }
    };
    for round in 0..ROUNDS {
        let mut call = |turns: u32| {
            for turn in 0..turns as i32 {
                black_box(four.call(&mut store, (turn, 1, 2, 3)).expect("it does not trap"));
            }
        };
        note("export, 4 arguments", round, time(2_000_000, &mut call));
        let mut call = |turns: u32| {
            for turn in 0..turns as i32 {
                let args = [Val::I32(turn), Val::I32(1), Val::I32(2), Val::I32(3)];
                black_box(untyped.call(&mut store, &args).expect("it does not trap"));
            }
        };
        note("export, 4 arguments, untyped", round, time(200_000, &mut call));
        for (name, func) in &loops {
            let mut call = |turns: u32| {
                black_box(func.call(&mut store, turns as i32).expect("it does not trap"));
            };
            note(name, round, time(5_000_000, &mut call));
        }
        let mut call = |turns: u32| {
            for _ in 0..turns {
                black_box(trap.call(&mut store, ()).expect_err("it traps"));
            }
        };
        note("trap", round, time(10_000, &mut call));
        let mut call = |turns: u32| {
            for _ in 0..turns {
                let mut store = Store::new(&engine, State { count: 0 });
                let instance: Instance = linker.instantiate(&mut store, &module).expect("the imports are there");
                let func = instance.get_typed_func::<(i32, i32, i32, i32), i32>(&store, "four").expect("it exists");
                black_box(func.call(&mut store, (1, 2, 3, 4)).expect("it does not trap"));
            }
        };
        note("instantiate, call, drop", round, time(5_000, &mut call));
    }
    for (name, mut values) in results {
        values.sort_by(f64::total_cmp);
        println!("{name:36} {:10.1} ns", values[values.len() / 2]);
    }
}
