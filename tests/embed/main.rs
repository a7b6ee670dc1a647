//! The embedding API: linking, host functions, traps, limits, threads.

mod limits;
mod linking;
mod threads;
mod traps;
mod values;

use wasmjit::{Engine, Instance, Linker, Module, Store};

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

/// Calls a host function, then loads from outside of its memory.
const DEEP: &str = r#"(module
    (import "env" "host" (func $host (param i32)))
    (memory 1)
    (func $inner (param i32) (call $host (local.get 0)) (drop (i32.load (i32.const 70000))))
    (func $outer (export "outer") (param i32) (call $inner (local.get 0))))"#;
