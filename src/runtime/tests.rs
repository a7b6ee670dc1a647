//! The machinery of calls, host functions and traps, driven by code that is assembled by hand.

use super::module::{CodeParts, Location};
use super::*;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::offset;
use crate::sys::registry::FaultSite;
use crate::wasm;
use dynasmrt::{DynasmApi, dynasm};

type Assembler = dynasmrt::VecAssembler<dynasmrt::x64::X64Relocation>;

/// Functions: 0 `host: (i32, i32) -> i32` (imported), 1 `call`: passes both arguments to it, 2 `trap`, 3 `load`: of an address,
/// 4 `deep`: calls itself for ever. All have the type of the import.
const MODULE: &str = r#"(module
    (type (func (param i32 i32) (result i32)))
    (import "env" "host" (func $host (type 0)))
    (memory (export "memory") 1)
    (func $call (export "call") (type 0) (unreachable))
    (func $trap (export "trap") (type 0) (unreachable))
    (func $load (export "load") (type 0) (unreachable))
    (func $deep (export "deep") (type 0) (unreachable))
    (func $unchecked (export "unchecked") (type 0) (unreachable)))"#;

fn assemble(engine: &Engine) -> Module {
    let bytes = wat::parse_str(MODULE).unwrap();
    let info = wasm::parse(&bytes).unwrap();
    let layout = info.vm_layout();
    let mut asm = Assembler::new(0);
    let mut functions = Vec::new();
    let mut traps = Vec::new();
    let mut calls = Vec::new();
    let here = |asm: &Assembler| asm.offset().0 as u32;

    functions.push(here(&asm));
    let host = layout.func_ref(0);
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp ; push r15 ; push r14
        ; mov rax, [r15 + host + offset::FUNC_CODE] ; mov rdi, [r15 + host + offset::FUNC_CTX]
        ; mov r15, rdi ; mov r14, [rdi] ; call rax);
    calls.push(Location { pc: here(&asm), module: 0x10 });
    dynasm!(asm ; .arch x64 ; pop r14 ; pop r15 ; pop rbp ; ret);

    functions.push(here(&asm));
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp);
    traps.push(FaultSite { offset: here(&asm), location: 0x20, code: TrapCode::Unreachable as u8 });
    dynasm!(asm ; .arch x64 ; ud2);

    functions.push(here(&asm));
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp ; mov esi, esi);
    traps.push(FaultSite { offset: here(&asm), location: 0x30, code: TrapCode::MemoryOutOfBounds as u8 });
    dynasm!(asm ; .arch x64 ; mov eax, [r14 + rsi] ; pop rbp ; ret);

    functions.push(here(&asm));
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp ; cmp rsp, [r15 + offset::STACK_LIMIT] ; jae BYTE 2);
    traps.push(FaultSite { offset: here(&asm), location: 0x40, code: TrapCode::StackOverflow as u8 });
    dynasm!(asm ; .arch x64 ; ud2);
    let back = functions[3] as i32 - here(&asm) as i32 - 5;
    dynasm!(asm ; .arch x64 ; call back);
    calls.push(Location { pc: here(&asm), module: 0x44 });
    dynasm!(asm ; .arch x64 ; pop rbp ; ret);

    functions.push(here(&asm));
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp);
    let back = functions[4] as i32 - here(&asm) as i32 - 5;
    dynasm!(asm ; .arch x64 ; call back);
    calls.push(Location { pc: here(&asm), module: 0x54 });
    dynasm!(asm ; .arch x64 ; pop rbp ; ret);

    let functions_end = here(&asm);
    dynasm!(asm ; .arch x64 ; push rbp ; mov rbp, rsp ; push rbx ; push rbx ; mov rbx, rdx ; mov rax, rsi
        ; mov r15, rdi ; mov r14, [rdi] ; mov esi, [rbx] ; mov edx, [rbx + 8] ; call rax ; mov [rbx], rax
        ; pop rbx ; pop rbx ; pop rbp ; ret);
    let code = asm.finalize().unwrap();
    let trampolines = vec![Some(functions_end)];
    let parts = CodeParts {
        code: &code,
        file: None,
        functions,
        functions_end,
        trampolines,
        traps,
        calls,
        landings: Vec::new(),
    };
    Module::assemble(engine, info, bytes.into(), parts).unwrap()
}

type Pair = TypedFunc<(i32, i32), i32>;

struct Guest<T: 'static> {
    store: Store<T>,
    instance: Instance,
}

impl<T: 'static> Guest<T> {
    fn new(linker: &Linker<T>, data: T) -> Guest<T> {
        let engine = Engine::default();
        let module = assemble(&engine);
        let mut store = Store::new(&engine, data);
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Guest { store, instance }
    }

    fn func(&self, name: &str) -> Pair {
        self.instance.get_typed_func(&self.store, name).unwrap()
    }

    fn call(&mut self, name: &str, a: i32, b: i32) -> Result<i32, Trap> {
        self.func(name).call(&mut self.store, (a, b))
    }
}

fn adding() -> Linker<u32> {
    let mut linker = Linker::new();
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, u32>, a: i32, b: i32| {
            *caller.data_mut() += 1;
            a.wrapping_add(b)
        })
        .unwrap();
    linker
}

#[test]
fn guests_call_host_functions() {
    let mut guest = Guest::new(&adding(), 0);
    for round in 0..1000 {
        assert_eq!(guest.call("call", round, -1).unwrap(), round - 1);
    }
    assert_eq!(*guest.store.data(), 1000);
}

#[test]
fn dynamic_host_functions_get_their_arguments() {
    let mut linker = Linker::<()>::new();
    let ty = wasm::FuncType { params: vec![wasm::ValType::I32; 2], results: vec![wasm::ValType::I32] };
    linker
        .func_new("env", "host", ty, |_, params, results| {
            results[0] = Val::I32(params[0].i32().unwrap() * 10 + params[1].i32().unwrap());
            Ok(())
        })
        .unwrap();
    let mut guest = Guest::new(&linker, ());
    assert_eq!(guest.call("call", 4, 2).unwrap(), 42);
}

#[test]
fn a_trap_names_its_function() {
    let mut guest = Guest::new(&adding(), 0);
    let trap = guest.call("trap", 1, 2).unwrap_err();
    assert_eq!(trap.code(), Some(TrapCode::Unreachable));
    assert_eq!(trap.frames(), [Frame { func: 2, name: Some("trap".into()), offset: Some(0x20) }]);
    assert_eq!(trap.to_string(), "trap: unreachable\n  0: trap @ 0x20");
}

#[test]
fn memory_ends_where_it_ends() {
    let mut guest = Guest::new(&adding(), 0);
    let memory = guest.instance.get_memory(&guest.store, "memory").unwrap();
    memory.view(&mut guest.store).write_u32(65532, 77).unwrap();
    assert_eq!(guest.call("load", 65532, 0).unwrap(), 77);
    for address in [65533, 65536, i32::MAX, -1] {
        let trap = guest.call("load", address, 0).unwrap_err();
        assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds), "{address}");
        assert_eq!(trap.frames()[0].offset, Some(0x30));
    }
}

#[test]
fn host_errors_leave_the_guest_with_a_backtrace() {
    #[derive(Debug)]
    struct Failed(i32);
    impl std::fmt::Display for Failed {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "failed with {}", self.0)
        }
    }
    impl std::error::Error for Failed {}
    let mut linker = Linker::<()>::new();
    linker
        .func_wrap("env", "host", |_: Caller<'_, ()>, a: i32, _: i32| -> Result<i32, Trap> {
            if a == 0 { Ok(7) } else { Err(Trap::host(Failed(a))) }
        })
        .unwrap();
    let mut guest = Guest::new(&linker, ());
    assert_eq!(guest.call("call", 0, 0).unwrap(), 7);
    let trap = guest.call("call", 5, 0).unwrap_err();
    assert_eq!(trap.downcast_ref::<Failed>().unwrap().0, 5);
    assert_eq!(trap.to_string(), "trap: failed with 5\n  0: call @ 0x10");
}

#[test]
fn panics_pass_through_guests() {
    let mut linker = Linker::<()>::new();
    linker.func_wrap("env", "host", |_: Caller<'_, ()>, _: i32, _: i32| -> i32 { panic!("ouch") }).unwrap();
    let mut guest = Guest::new(&linker, ());
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| guest.call("call", 0, 0)));
    assert_eq!(*caught.unwrap_err().downcast::<&str>().unwrap(), "ouch");
    assert_eq!(guest.call("trap", 0, 0).unwrap_err().code(), Some(TrapCode::Unreachable));
}

#[test]
fn calls_nest() {
    let mut linker = Linker::<Option<Pair>>::new();
    linker
        .func_wrap("env", "host", |mut caller: Caller<'_, Option<Pair>>, a: i32, b: i32| -> Result<i32, Trap> {
            let func = caller.data().unwrap();
            if a == 0 {
                return Err(TrapCode::Unreachable.into());
            }
            let inner = func.call(&mut caller, (a - 1, b));
            if b == 1 { inner } else { Ok(inner.map_or(100, |value| value + 1)) }
        })
        .unwrap();
    let mut guest = Guest::new(&linker, None);
    *guest.store.data_mut() = Some(guest.func("call"));
    assert_eq!(guest.call("call", 5, 0).unwrap(), 104);
    let trap = guest.call("call", 3, 1).unwrap_err();
    assert_eq!(trap.frames().len(), 4, "{trap}");
}

#[test]
fn deep_recursion_traps() {
    let mut guest = Guest::new(&adding(), 0);
    for _ in 0..3 {
        let trap = guest.call("deep", 0, 0).unwrap_err();
        assert_eq!(trap.code(), Some(TrapCode::StackOverflow));
        assert_eq!(trap.frames()[0].offset, Some(0x40));
        assert_eq!(trap.frames()[1].offset, Some(0x44));
    }
}

#[test]
fn the_guard_below_the_stack_is_a_trap() {
    let mut guest = Guest::new(&adding(), 0);
    for _ in 0..3 {
        let trap = guest.call("unchecked", 0, 0).unwrap_err();
        assert_eq!(trap.code(), Some(TrapCode::StackOverflow));
        assert_eq!(trap.frames().len(), crate::sys::activation::MAX_FRAMES);
        assert_eq!(trap.frames()[1].offset, Some(0x54));
        assert_eq!(guest.call("call", 1, 2).unwrap(), 3);
    }
}

#[test]
fn many_threads_trap_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut guest = Guest::new(&adding(), 0);
                for round in 0..200 {
                    let trap = guest.call("load", -1 - round, 0).unwrap_err();
                    assert_eq!(trap.code(), Some(TrapCode::MemoryOutOfBounds));
                    let trap = guest.call("deep", 0, 0).unwrap_err();
                    assert_eq!(trap.code(), Some(TrapCode::StackOverflow));
                    assert_eq!(guest.call("call", round, 1).unwrap(), round + 1);
                }
            });
        }
    });
}

#[test]
fn stores_move_between_threads() {
    let mut guest = Guest::new(&adding(), 0);
    for _ in 0..4 {
        assert_eq!(guest.call("deep", 0, 0).unwrap_err().code(), Some(TrapCode::StackOverflow));
        guest = std::thread::spawn(move || {
            assert_eq!(guest.call("deep", 0, 0).unwrap_err().code(), Some(TrapCode::StackOverflow));
            assert_eq!(guest.call("call", 1, 2).unwrap(), 3);
            guest
        })
        .join()
        .unwrap();
    }
}

#[test]
fn missing_imports_are_listed_with_what_is_there() {
    let engine = Engine::default();
    let module = assemble(&engine);
    let mut linker = Linker::new();
    linker.func_wrap("env", "host", |_: Caller<'_, ()>, _: i64| {}).unwrap();
    let mut store = Store::new(&engine, ());
    let error = linker.instantiate(&mut store, &module).unwrap_err();
    let text = "1 import is not provided:\n  env.host: function (i32, i32) -> i32 \
        (incompatible import type: it is provided as function (i64))";
    assert_eq!(error.to_string(), text);
    linker.trap_on_missing(true);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let trap =
        instance.get_typed_func::<(i32, i32), i32>(&store, "call").unwrap().call(&mut store, (1, 2)).unwrap_err();
    assert!(trap.to_string().starts_with("trap: the guest called env.host, which is not provided"), "{trap}");
}
