//! Random modules: compiled with the allocator's checker on, run, and compared with an interpreter of other make.

use crate::harness::{self, Guest, Outcome, all_options};
use std::time::{Duration, Instant};
use wasm_smith::{Config, Module};
use wasmjit::abi::trap::TrapCode;
use wasmjit::wasm::{ExportKind, ValType};

/// Modules that are tried at least, and the time after which no further one is.
const MODULES: u64 = 150;
const TIME: Duration = Duration::from_secs(20);

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// A number that is often an edge of its type.
    fn value(&mut self) -> u64 {
        match self.next() % 4 {
            0 => self.next() % 16,
            1 => self.next() % 65536,
            2 => u64::MAX - self.next() % 16,
            _ => self.next(),
        }
    }
}

fn config() -> Config {
    Config {
        allow_start_export: true,
        canonicalize_nans: true,
        exceptions_enabled: false,
        gc_enabled: false,
        compact_imports_enabled: false,
        relaxed_simd_enabled: false,
        simd_enabled: true,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        memory64_enabled: false,
        export_everything: true,
        max_imports: 0,
        min_funcs: 3,
        max_funcs: 20,
        max_memories: 1,
        min_memories: 1,
        max_tables: 3,
        max_table_elements: 1000,
        max_instructions: 400,
        max_memory32_bytes: 64 * 65536,
        memory_max_size_required: true,
        table_max_size_required: true,
        ..Config::default()
    }
}

/// What a run left behind.
#[derive(Debug, PartialEq)]
struct Trace {
    results: Vec<(String, Outcome)>,
    globals: Vec<u64>,
    memory: u64,
}

fn hash(bytes: &[u8]) -> u64 {
    bytes.chunks(8).fold(0xcbf2_9ce4_8422_2325, |hash, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3).rotate_left(5)
    })
}

fn trap_of(error: &wasmi::Error) -> TrapCode {
    use wasmi::TrapCode as Theirs;
    match error.as_trap_code() {
        Some(Theirs::UnreachableCodeReached) => TrapCode::Unreachable,
        Some(Theirs::MemoryOutOfBounds) => TrapCode::MemoryOutOfBounds,
        Some(Theirs::TableOutOfBounds) => TrapCode::TableOutOfBounds,
        Some(Theirs::IndirectCallToNull) => TrapCode::UninitializedElement,
        Some(Theirs::IntegerDivisionByZero) => TrapCode::IntegerDivideByZero,
        Some(Theirs::IntegerOverflow) => TrapCode::IntegerOverflow,
        Some(Theirs::BadConversionToInteger) => TrapCode::InvalidConversionToInteger,
        Some(Theirs::StackOverflow) => TrapCode::StackOverflow,
        Some(Theirs::BadSignature) => TrapCode::IndirectCallTypeMismatch,
        // Bulk operations tell by their message only.
        None if error.to_string().starts_with("out of bounds table access") => TrapCode::TableOutOfBounds,
        None if error.to_string().starts_with("out of bounds memory access") => TrapCode::MemoryOutOfBounds,
        other => panic!("{other:?}: {error}"),
    }
}

/// What the other side's codes do not tell apart.
fn normal(code: TrapCode) -> TrapCode {
    match code {
        TrapCode::UndefinedElement => TrapCode::TableOutOfBounds,
        other => other,
    }
}

fn scalar(ty: &wasmi::ValType, arg: u64) -> wasmi::Val {
    match ty {
        wasmi::ValType::I32 => wasmi::Val::I32(arg as i32),
        wasmi::ValType::I64 => wasmi::Val::I64(arg as i64),
        wasmi::ValType::F32 => wasmi::Val::F32(wasmi::F32::from_bits(arg as u32)),
        wasmi::ValType::F64 => wasmi::Val::F64(wasmi::F64::from_bits(arg)),
        other => wasmi::Val::default(*other),
    }
}

/// A value's cells.
fn cells(value: &wasmi::Val) -> Vec<u64> {
    match value {
        wasmi::Val::V128(value) => vec![value.as_u128() as u64, (value.as_u128() >> 64) as u64],
        other => vec![bits(other)],
    }
}

fn bits(value: &wasmi::Val) -> u64 {
    match value {
        wasmi::Val::I32(value) => *value as u32 as u64,
        wasmi::Val::I64(value) => *value as u64,
        wasmi::Val::F32(value) => value.to_bits() as u64,
        wasmi::Val::F64(value) => value.to_bits(),
        // Addresses differ: only whether it is null counts.
        wasmi::Val::FuncRef(reference) => reference.is_null() as u64,
        wasmi::Val::ExternRef(reference) => reference.is_null() as u64,
        other => panic!("{other:?}"),
    }
}

fn theirs(bytes: &[u8], calls: &[(String, Vec<u64>)], guest: &Guest) -> Option<Trace> {
    let engine = wasmi::Engine::default();
    let module = wasmi::Module::new(&engine, bytes).ok()?;
    let mut store = wasmi::Store::new(&engine, ());
    let instance = wasmi::Linker::new(&engine).instantiate_and_start(&mut store, &module).ok()?;
    let mut results = Vec::new();
    for (name, args) in calls {
        let func = instance.get_func(&store, name).unwrap();
        let ty = func.ty(&store);
        let mut args = args.iter().copied();
        let mut next = || args.next().unwrap();
        let args: Vec<wasmi::Val> = ty
            .params()
            .iter()
            .map(|ty| match ty {
                wasmi::ValType::V128 => {
                    let low = u128::from(next());
                    wasmi::Val::V128((low | u128::from(next()) << 64).into())
                }
                _ => scalar(ty, next()),
            })
            .collect();
        let mut values = vec![wasmi::Val::I32(0); ty.results().len()];
        let outcome = match func.call(&mut store, &args, &mut values) {
            Ok(()) => Ok(values.iter().flat_map(cells).collect()),
            Err(error) => Err(trap_of(&error)),
        };
        let ends = outcome == Err(TrapCode::StackOverflow);
        results.push((name.clone(), outcome));
        if ends {
            break;
        }
    }
    let mut globals = Vec::new();
    for (name, export) in &guest.module.exports {
        if let ExportKind::Global(_) = export {
            globals.extend(cells(&instance.get_global(&store, name).unwrap().get(&store)));
        }
    }
    let memory = guest.module.exports.iter().find(|(_, export)| *export == ExportKind::Memory);
    let memory = memory.map_or(0, |(name, _)| hash(instance.get_memory(&store, name).unwrap().data(&store)));
    Some(Trace { results, globals, memory })
}

fn ours(guest: &Guest, calls: &[(String, Vec<u64>)]) -> Trace {
    let is_ref = |ty: ValType| matches!(ty, ValType::FuncRef | ValType::ExternRef);
    let mut results = Vec::new();
    for (name, args) in calls {
        let Some(ExportKind::Func(func)) = guest.module.export(name) else { unreachable!() };
        let ty = guest.module.func_type(func);
        let outcome = guest.call_index(func, args).map_err(normal).map(|values| {
            let types = ty.results.iter().flat_map(|ty| vec![*ty; harness::cells(&[*ty])]);
            let pairs = values.into_iter().zip(types);
            pairs.map(|(value, ty)| if is_ref(ty) { (value == 0) as u64 } else { value }).collect()
        });
        let ends = outcome == Err(TrapCode::StackOverflow);
        results.push((name.clone(), outcome));
        if ends {
            break;
        }
    }
    let mut globals = Vec::new();
    for (_, export) in &guest.module.exports {
        if let ExportKind::Global(global) = export {
            let bits = guest.global(global.0);
            match guest.module.globals[global.index()].content {
                ValType::V128 => globals.extend([bits as u64, (bits >> 64) as u64]),
                ValType::I32 | ValType::F32 => globals.push(bits as u32 as u64),
                ty if is_ref(ty) => globals.push((bits as u64 == 0) as u64),
                _ => globals.push(bits as u64),
            }
        }
    }
    let exported = guest.module.exports.iter().any(|(_, export)| *export == ExportKind::Memory);
    Trace { results, globals, memory: if exported { hash(guest.contents()) } else { 0 } }
}

fn calls(guest: &Guest, random: &mut Random) -> Vec<(String, Vec<u64>)> {
    let mut calls = Vec::new();
    for (name, export) in &guest.module.exports {
        if let ExportKind::Func(func) = export {
            for _ in 0..3 {
                let params = &guest.module.func_type(*func).params;
                let args = params.iter().flat_map(|ty| match ty {
                    ValType::I32 | ValType::F32 => vec![random.value() as u32 as u64],
                    ValType::I64 | ValType::F64 => vec![random.value()],
                    ValType::V128 => vec![random.value(), random.value()],
                    _ => vec![0],
                });
                calls.push((name.clone(), args.collect()));
            }
        }
    }
    calls
}

/// Whether two traces agree as far as they go: how deep a stack is, is each engine's own affair.
fn agree(a: &Trace, b: &Trace) -> bool {
    let overflow = |trace: &Trace| trace.results.iter().any(|(_, outcome)| *outcome == Err(TrapCode::StackOverflow));
    if overflow(a) || overflow(b) {
        let both = a.results.iter().zip(&b.results);
        return both
            .take_while(|(a, b)| a.1 != Err(TrapCode::StackOverflow) && b.1 != Err(TrapCode::StackOverflow))
            .all(|(a, b)| a == b);
    }
    a == b
}

#[test]
fn random_modules_agree_with_an_interpreter() {
    let seed: u64 = std::env::var("WASMJIT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let count = std::env::var("WASMJIT_MODULES").ok().and_then(|count| count.parse().ok()).unwrap_or(MODULES);
    let time = if count == MODULES { TIME } else { Duration::from_secs(500) };
    let (start, mut ran, mut called) = (Instant::now(), 0, 0);
    let options = all_options();
    for number in 0..count {
        if start.elapsed() > time {
            break;
        }
        let mut random = Random(seed << 32 | number);
        let data: Vec<u8> = (0..16_384).map(|_| random.next() as u8).collect();
        let mut unstructured = arbitrary::Unstructured::new(&data);
        let Ok(mut module) = Module::new(config(), &mut unstructured) else { continue };
        if module.ensure_termination(2000).is_err() {
            continue;
        }
        let bytes = module.to_bytes();
        let options = &options[number as usize % options.len()];
        let Ok(guest) = Guest::try_new(&bytes, options, &[]) else { continue };
        let calls = calls(&guest, &mut random);
        let Some(expected) = theirs(&bytes, &calls, &guest) else { continue };
        let found = ours(&guest, &calls);
        if !agree(&found, &expected) {
            let file = std::env::temp_dir().join("wasmjit-random.wasm");
            std::fs::write(&file, &bytes).unwrap();
            for (found, expected) in found.results.iter().zip(&expected.results) {
                assert_eq!(found, expected, "module {number} (written to {file:?}), {options:?}");
            }
            assert_eq!(found, expected, "module {number} (written to {file:?}), {options:?}");
        }
        ran += 1;
        called += calls.len();
    }
    println!("{ran} modules, {called} calls, {:?}", start.elapsed());
    assert!(ran > 10, "only {ran} modules could be run");
}
