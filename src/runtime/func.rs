//! Functions that the host calls.

use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;

use super::call::{self, Target};
use super::error::{Error, describe_func};
use super::externs::assert_store;
use super::host::{Caller, HostFunc, IntoHostFunc, host_trampoline};
use super::instance::InstanceData;
use super::store::{AsContext, AsContextMut, CoreAccess, StoreCore, StoreId};
use super::trap::Trap;
use super::values::{Val, WasmTy};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::FuncRef;
use crate::ir::types::Type;
use crate::wasm::{FuncType, ValType};

/// Mark in [`FuncRef::reserved`] of host functions, whose ctx is a host context.
pub(crate) const HOST_MARK: u32 = 1;

/// A handle to a function of a guest or of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Func {
    pub(crate) store: StoreId,
    pub(crate) raw: NonNull<FuncRef>,
}

// SAFETY: the pointer is followed only with a borrow of its store.
unsafe impl Send for Func {}
// SAFETY: as above.
unsafe impl Sync for Func {}

impl Func {
    /// A host function from a closure; see [`IntoHostFunc`]. Its [`Caller`] has no instance and no memory.
    pub fn wrap<S: AsContextMut, Params, R>(
        mut store: S,
        closure: impl IntoHostFunc<S::Data, Params, R>,
    ) -> Result<Func, Error> {
        Func::bind(store.store_ptr().core_ptr(), store.core_mut(), &Arc::new(HostFunc::wrap(closure)))
    }

    /// A host function whose type is known at run time only. The results that it writes must have the type's types.
    ///
    /// # Errors
    /// If its type has vectors.
    pub fn new<S: AsContextMut>(
        mut store: S,
        ty: FuncType,
        closure: impl Fn(Caller<'_, S::Data>, &[Val], &mut [Val]) -> Result<(), Trap> + Send + Sync + 'static,
    ) -> Result<Func, Error> {
        super::host::refuse_vectors(&ty)?;
        Func::bind(store.store_ptr().core_ptr(), store.core_mut(), &Arc::new(HostFunc::dynamic(ty, closure)))
    }

    /// Binds a host function to a store, without an instance.
    pub(crate) fn bind(ptr: *mut StoreCore, core: &mut StoreCore, host: &Arc<HostFunc>) -> Result<Func, Error> {
        let native = host.native_code(&core.engine, false)?;
        let ctx = host.context(ptr, std::ptr::null_mut(), super::instance::no_memory());
        let ctx = NonNull::from(Box::leak(Box::new(ctx)));
        core.host_ctxs.push(ctx);
        core.kept.push(host.clone());
        core.kept.extend(native.mapping.map(|mapping| mapping as Arc<_>));
        let type_id = core.engine.type_id(&host.ty);
        let func_ref = FuncRef { code: native.address, ctx: ctx.as_ptr().cast(), type_id, reserved: HOST_MARK };
        let raw = NonNull::from(Box::leak(Box::new(func_ref)));
        core.func_refs.push(raw);
        Ok(Func { store: core.id, raw })
    }

    /// Calls it without arguments and results.
    ///
    /// # Safety
    /// It belongs to the store and has that type; nobody holds a reference into the store.
    pub(crate) unsafe fn invoke_start(&self, core: *mut StoreCore) -> Result<(), Trap> {
        let mut values = [0; 1];
        // SAFETY: by contract.
        unsafe { call::invoke(core, target(self.raw.as_ref()), values.as_mut_ptr()) }
    }

    /// Its type.
    pub fn ty(&self, store: impl AsContext) -> FuncType {
        let core = store.core();
        core.engine.func_type(self.func_ref(core).type_id).clone()
    }

    fn func_ref(&self, core: &StoreCore) -> FuncRef {
        assert_store(core, self.store);
        // SAFETY: the store, which is borrowed, owns what its handles point to.
        unsafe { *self.raw.as_ptr() }
    }

    /// Calls it.
    ///
    /// # Errors
    /// The guest's trap, or a host error if the arguments do not fit the type.
    pub fn call(&self, mut store: impl AsContextMut, args: &[Val]) -> Result<Vec<Val>, Trap> {
        let core = store.core_mut();
        let func_ref = self.func_ref(core);
        let id = core.id;
        let engine = core.engine.clone();
        let ty = engine.func_type(func_ref.type_id);
        let fits = args.len() == ty.params.len() && args.iter().zip(&ty.params).all(|(arg, ty)| arg.ty() == *ty);
        let Some(mut values) = arguments(args, id).filter(|_| fits) else {
            let message = format!("the function has type {}, and the arguments are {args:?}", describe_func(ty));
            return Err(Error::Usage(message).into());
        };
        values.resize(cells(&ty.params).max(cells(&ty.results)), 0);
        // SAFETY: the handle belongs to the store; arguments have been checked.
        unsafe { call::invoke(store.store_ptr().core_ptr(), target(&func_ref), values.as_mut_ptr())? };
        let mut at = 0;
        let results = ty.results.iter().map(|ty| {
            let cell = [values[at], values.get(at + 1).copied().unwrap_or(0)];
            at += Type::from(*ty).cells() as usize;
            // SAFETY: the guest's results have the types that validation gave them.
            unsafe { Val::from_cell(*ty, cell, id) }
        });
        Ok(results.collect())
    }

    /// A handle for calls with Rust types.
    ///
    /// # Errors
    /// If the function has another type.
    pub fn typed<P: WasmParams, R: WasmResults>(&self, store: impl AsContext) -> Result<TypedFunc<P, R>, Error> {
        let core = store.core();
        let func_ref = self.func_ref(core);
        let ty = core.engine.func_type(func_ref.type_id);
        if ty.params != P::TYPES || ty.results != R::TYPES {
            let wanted = FuncType { params: P::TYPES.to_vec(), results: R::TYPES.to_vec() };
            return Err(Error::Usage(format!(
                "the function has type {}, not {}",
                describe_func(ty),
                describe_func(&wanted)
            )));
        }
        Ok(TypedFunc { store: self.store, target: target(&func_ref), _type: PhantomData })
    }

    /// Calls it as an indirect call would.
    pub(crate) fn call_checked<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContextMut,
        params: P,
    ) -> Result<R, Trap> {
        let typed = self.typed::<P, R>(&store).map_err(|_| TrapCode::IndirectCallTypeMismatch)?;
        typed.call(store, params)
    }
}

/// Cells of 8 bytes that values of these types take.
fn cells(types: &[ValType]) -> usize {
    types.iter().map(|ty| Type::from(*ty).cells() as usize).sum()
}

/// The arguments' cells, or `None` if a reference belongs to another store.
fn arguments(args: &[Val], store: StoreId) -> Option<Vec<u64>> {
    let mut values = Vec::with_capacity(args.len() + 1);
    for arg in args {
        let cell = arg.to_cell(store)?;
        values.extend_from_slice(&cell[..Type::from(arg.ty()).cells() as usize]);
    }
    Some(values)
}

/// How to call what a reference refers to.
pub(crate) fn target(func_ref: &FuncRef) -> Target {
    let trampoline = if func_ref.reserved == HOST_MARK {
        host_trampoline as *const u8
    } else {
        // SAFETY: the ctx of a guest's function is a vmctx, whose owner is its instance.
        unsafe { (*(*func_ref.ctx).owner.cast::<InstanceData>()).module.trampoline(func_ref.type_id) }
    };
    Target { trampoline, ctx: func_ref.ctx.cast(), code: func_ref.code }
}

/// A function with Rust types. Calling it costs a few nanoseconds.
pub struct TypedFunc<P, R> {
    store: StoreId,
    target: Target,
    _type: PhantomData<fn(P) -> R>,
}

impl<P, R> Clone for TypedFunc<P, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, R> Copy for TypedFunc<P, R> {}

impl<P, R> std::fmt::Debug for TypedFunc<P, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TypedFunc").field("code", &self.target.code).finish_non_exhaustive()
    }
}

// SAFETY: the pointers are followed only with a borrow of their store.
unsafe impl<P, R> Send for TypedFunc<P, R> {}
// SAFETY: as above.
unsafe impl<P, R> Sync for TypedFunc<P, R> {}

/// Cells for the arguments and results of typed calls.
const CELLS: usize = 8;

impl<P: WasmParams, R: WasmResults> TypedFunc<P, R> {
    /// Calls it.
    ///
    /// # Errors
    /// The guest's trap.
    #[inline]
    pub fn call(&self, store: impl AsContextMut, params: P) -> Result<R, Trap> {
        let core = store.store_ptr().core_ptr();
        // SAFETY: the store is borrowed mutably.
        assert_store(unsafe { &*core }, self.store);
        let mut values = [0; CELLS];
        params.store(&mut values);
        // SAFETY: the types were compared when the handle was made, and the cells suffice for both.
        unsafe { call::invoke(core, self.target, values.as_mut_ptr())? };
        Ok(R::load(&values))
    }
}

/// Parameters of a typed call: a number or a tuple of up to eight.
pub trait WasmParams: 'static {
    #[doc(hidden)]
    const TYPES: &'static [ValType];
    #[doc(hidden)]
    fn store(self, cells: &mut [u64; CELLS]);
}

/// Results of a typed call: a number or a tuple of up to eight, `()` for none.
pub trait WasmResults: 'static {
    #[doc(hidden)]
    const TYPES: &'static [ValType];
    #[doc(hidden)]
    fn load(cells: &[u64; CELLS]) -> Self;
}

impl<V: WasmTy> WasmParams for V {
    const TYPES: &'static [ValType] = &[V::TYPE];
    #[inline]
    fn store(self, cells: &mut [u64; CELLS]) {
        cells[0] = self.to_cell();
    }
}

impl<V: WasmTy> WasmResults for V {
    const TYPES: &'static [ValType] = &[V::TYPE];
    #[inline]
    fn load(cells: &[u64; CELLS]) -> V {
        V::from_cell(cells[0])
    }
}

macro_rules! tuples {
    ($($name:ident $index:tt),*) => {
        impl<$($name: WasmTy),*> WasmParams for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];
            #[inline]
            #[allow(unused_variables)]
            fn store(self, cells: &mut [u64; CELLS]) { $(cells[$index] = self.$index.to_cell();)* }
        }
        impl<$($name: WasmTy),*> WasmResults for ($($name,)*) {
            const TYPES: &'static [ValType] = &[$($name::TYPE),*];
            #[inline]
            #[allow(unused_variables, clippy::unused_unit)]
            fn load(cells: &[u64; CELLS]) -> Self { ($($name::from_cell(cells[$index]),)*) }
        }
    };
}
tuples!();
tuples!(A 0);
tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2);
tuples!(A 0, B 1, C 2, D 3);
tuples!(A 0, B 1, C 2, D 3, E 4);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuples!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
