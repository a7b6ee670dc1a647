//! `invoke_*`: calls through the host that a thrown C++ exception or a `longjmp` ends.
//!
//! The name spells the callee's type: `invoke_vij` calls a function pointer of type (i32, i64) -> (). The import's own
//! type is that with the pointer in front, where up to 4.x a 64-bit number is split as everywhere.

use super::eh::Thrown;
use super::{call_export, set_temp_ret};
use crate::host::state::HasHost;
use crate::runtime::{Caller, Error, Linker, Module, Trap, TypedFunc, Val, WasmParams, WasmResults};
use crate::wasm::{ExternType, FuncType, ValType};

/// Exports that every `invoke_*` uses, looked up once.
#[derive(Clone, Copy, Debug)]
pub struct Exports {
    save: TypedFunc<(), i32>,
    restore: TypedFunc<(i32,), ()>,
    set_threw: TypedFunc<(i32, i32), ()>,
}

fn find<T: 'static, P: WasmParams, R: WasmResults>(
    caller: &Caller<'_, T>,
    names: &[&str],
) -> Result<TypedFunc<P, R>, Trap> {
    match names.iter().find_map(|name| caller.get_func(name)) {
        Some(func) => Ok(func.typed(caller)?),
        None => Err(Trap::host(format!(
            "the module does not export {}, which invoke_* needs; link it with emcc -O2 to JavaScript output",
            names[0]
        ))),
    }
}

fn exports<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<Exports, Trap> {
    if let Some(exports) = caller.data_mut().host().exceptions.exports {
        return Ok(exports);
    }
    let exports = Exports {
        save: find(caller, &["emscripten_stack_get_current", "stackSave"])?,
        restore: find(caller, &["_emscripten_stack_restore", "stackRestore"])?,
        set_threw: find(caller, &["setThrew"])?,
    };
    caller.data_mut().host().exceptions.exports = Some(exports);
    Ok(exports)
}

/// Runs a call; where something was thrown in it, puts the C stack back and tells the guest.
fn guarded<T: HasHost + 'static, R: Default>(
    caller: &mut Caller<'_, T>,
    call: impl FnOnce(&mut Caller<'_, T>) -> Result<R, Trap>,
) -> Result<R, Trap> {
    let exports = exports(caller)?;
    let stack = exports.save.call(&mut *caller, ())?;
    match call(caller) {
        Err(trap) if trap.downcast_ref::<Thrown>().is_some() => {
            exports.restore.call(&mut *caller, (stack,))?;
            exports.set_threw.call(&mut *caller, (1, 0))?;
            Ok(R::default())
        }
        other => other,
    }
}

/// Defines the `invoke_*` functions that a module imports.
pub fn link<T: HasHost + 'static>(linker: &mut Linker<T>, module: &Module) -> Result<(), Error> {
    for import in module.imports() {
        let (Some(spelling), ExternType::Func(ty)) = (import.name.strip_prefix("invoke_"), &import.ty) else {
            continue;
        };
        if import.module == "env"
            && let Some(callee) = spelled(spelling)
        {
            link_one(linker, &import.name, ty, callee)?;
        }
    }
    Ok(())
}

/// The function type that the letters behind `invoke_` spell.
fn spelled(letters: &str) -> Option<FuncType> {
    let ty = |letter: char| match letter {
        'i' => Some(ValType::I32),
        'j' => Some(ValType::I64),
        'f' => Some(ValType::F32),
        'd' => Some(ValType::F64),
        _ => None,
    };
    let mut letters = letters.chars();
    let results = match letters.next()? {
        'v' => Vec::new(),
        letter => vec![ty(letter)?],
    };
    Some(FuncType { params: letters.map(ty).collect::<Option<_>>()?, results })
}

/// Defines `invoke_*` functions of small integers with native arguments, the others by value.
macro_rules! native {
    ($linker:ident, $name:ident, $ty:ident; $(($($param:ident)*))*) => {$(
        if $ty.params == [ValType::I32 $(, native!(@ty $param))*] {
            return match $ty.results.as_slice() {
                [] => $linker.func_wrap("env", $name, |mut caller: Caller<'_, T>, callee: u32, $($param: i32),*| {
                    guarded(&mut caller, |c| c.call_table::<_, ()>(callee, ($($param,)*)))
                }),
                _ => $linker.func_wrap("env", $name, |mut caller: Caller<'_, T>, callee: u32, $($param: i32),*| {
                    guarded(&mut caller, |c| c.call_table::<_, i32>(callee, ($($param,)*)))
                }),
            }
            .map(drop);
        }
    )*};
    (@ty $param:ident) => { ValType::I32 };
}

fn link_one<T: HasHost + 'static>(
    linker: &mut Linker<T>,
    name: &str,
    ty: &FuncType,
    callee: FuncType,
) -> Result<(), Error> {
    let plain = callee.params.iter().chain(&callee.results).all(|ty| *ty == ValType::I32);
    if plain {
        native!(linker, name, ty;
            () (a) (a b) (a b c) (a b c d) (a b c d e) (a b c d e f) (a b c d e f g) (a b c d e f g h));
    }
    let whole = FuncType {
        params: std::iter::once(ValType::I32).chain(callee.params.iter().copied()).collect(),
        results: callee.results.clone(),
    };
    let split = split_type(&whole);
    if *ty != whole && *ty != split {
        // The name promises another type: the import stays missing and is reported.
        return Ok(());
    }
    let is_split = *ty != whole;
    linker.func_new("env", name, ty.clone(), move |mut caller, args, results| {
        by_value(&mut caller, &callee, is_split, args, results)
    })?;
    Ok(())
}

fn split_type(whole: &FuncType) -> FuncType {
    let halves = |ty: &ValType| match ty {
        ValType::I64 => vec![ValType::I32, ValType::I32],
        other => vec![*other],
    };
    let results = whole.results.iter().map(|ty| if *ty == ValType::I64 { ValType::I32 } else { *ty }).collect();
    FuncType { params: whole.params.iter().flat_map(halves).collect(), results }
}

fn by_value<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    callee: &FuncType,
    split: bool,
    args: &[Val],
    results: &mut [Val],
) -> Result<(), Trap> {
    let mut args = args.iter().cloned();
    let pointer = args.next().and_then(|v| v.i32()).unwrap_or_default();
    let mut next = || args.next().unwrap_or(Val::I32(0));
    let values: Vec<Val> = callee
        .params
        .iter()
        .map(|ty| match ty {
            ValType::I64 if split => {
                let (low, high) = (next().i32().unwrap_or_default(), next().i32().unwrap_or_default());
                Val::I64(crate::host::rows::join_halves(low, high))
            }
            _ => next(),
        })
        .collect();
    let answer = guarded(caller, |c| {
        let func = c.table_func(pointer as u32)?;
        if func.ty(&*c) != *callee {
            return Err(crate::abi::trap::TrapCode::IndirectCallTypeMismatch.into());
        }
        func.call(c, &values)
    })?;
    let (Some(slot), Some(value)) = (results.first_mut(), answer.first()) else { return Ok(()) };
    *slot = match value {
        Val::I64(wide) if split => {
            set_temp_ret(caller, (*wide >> 32) as u32)?;
            Val::I32(*wide as i32)
        }
        other => *other,
    };
    Ok(())
}

/// Tells the guest that nothing is being thrown any more.
pub(super) fn clear_threw<T: HasHost + 'static>(caller: &mut Caller<'_, T>) -> Result<(), Trap> {
    call_export(caller, "setThrew", (0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_spell_types() {
        let ty = spelled("vij").unwrap();
        assert_eq!((ty.params, ty.results), (vec![ValType::I32, ValType::I64], vec![]));
        assert_eq!(spelled("d").unwrap().results, [ValType::F64]);
        assert!(spelled("").is_none() && spelled("viq").is_none());
    }
}
