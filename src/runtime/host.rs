//! Host functions: how a guest's call reaches a closure of the embedder.
//!
//! For a statically typed closure the compiler makes two native functions: the one that guests call with native arguments, and one
//! that the host calls with an array. Both run the same body, which catches panics. For a dynamically
//! typed closure, generated code gathers the arguments ([`crate::sys::host_thunk`]).

use std::any::Any;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, offset_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::sync::Arc;

use super::call::{self, Exit, Reason};
use super::engine::Engine;
use super::error::Error;
use super::exceptions;
use super::externs::{Extern, Memory};
use super::func::{Func, WasmParams, WasmResults};
use super::instance::{Instance, InstanceData};
use super::store::{AsContext, AsContextMut, StoreCore, StoreInner, StorePtr};
use super::trap::Trap;
use super::values::{Val, WasmTy};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::MemoryDesc;
use crate::memory::GuestMemory;
use crate::sys::mapping::CodeMapping;
use crate::sys::{Class, ThunkOffsets, exit_shim, host_thunk};
use crate::wasm::{FuncType, ValType};

/// What a host function gets as its first argument: one per import of an instance, in one line of the processor's cache.
#[repr(C, align(64))]
pub(crate) struct HostCtx {
    /// The whole of a function that has a [`Shortcut`]. Callers load it like a vmctx's memory base, and use it for nothing.
    whole: *const u8,
    exit_fp: usize,
    exit_pc: usize,
    /// Takes arguments and returns results in an array; called by thunks and by the host.
    entry: ArrayEntry,
    closure: *const (),
    store: *mut StoreCore,
    /// Null for functions that no instance imported.
    instance: *mut InstanceData,
    memory: *const MemoryDesc,
}

type ArrayEntry = unsafe extern "C" fn(*mut HostCtx, *mut u64);

impl HostCtx {
    pub(crate) const MEMORY_BASE: () = assert!(offset_of!(HostCtx, whole) == 0);

    /// Generated code of thunks finds the fields here.
    const OFFSETS: ThunkOffsets = ThunkOffsets {
        exit_fp: offset_of!(HostCtx, exit_fp) as i32,
        exit_pc: offset_of!(HostCtx, exit_pc) as i32,
        entry: offset_of!(HostCtx, entry) as i32,
    };
}

/// Calls a host function through its array entry: the trampoline of all host functions.
pub(crate) unsafe extern "C" fn host_trampoline(ctx: *mut HostCtx, _code: *const u8, values: *mut u64) {
    // SAFETY: the ctx of a host function is a host context, and `values` fits its type.
    unsafe {
        // No frame of the guest called.
        ((*ctx).exit_fp, (*ctx).exit_pc) = (0, 0);
        ((*ctx).entry)(ctx, values)
    }
}

/// Assembles the code that gathers arguments for dynamically typed functions.
pub(crate) fn assemble_thunk(ty: &FuncType) -> Vec<u8> {
    let class = |ty: &ValType| match ty {
        // Vectors only pass through functions that trap: others are refused.
        ValType::F32 | ValType::F64 | ValType::V128 => Class::Float,
        ValType::I32 | ValType::I64 | ValType::FuncRef | ValType::ExternRef | ValType::ExnRef => Class::Int,
    };
    let params: Vec<_> = ty.params.iter().map(class).collect();
    let results: Vec<_> = ty.results.iter().map(class).collect();
    host_thunk(&params, &results, HostCtx::OFFSETS)
}

/// Vectors do not cross to host functions.
pub(crate) fn refuse_vectors(ty: &FuncType) -> Result<(), Error> {
    if ty.params.iter().chain(&ty.results).any(|ty| *ty == ValType::V128) {
        let message = "a host function cannot take or return vectors (v128): pass them through memory";
        return Err(Error::Usage(message.into()));
    }
    Ok(())
}

/// A host function before it is bound to a store.
pub(crate) struct HostFunc {
    pub(crate) ty: FuncType,
    code: HostCode,
    /// What guests call instead if no other thread has their memory.
    shortcut: Option<*const u8>,
    /// What a shortcut goes on with; null where the type is dynamic.
    whole: *const u8,
    entry: ArrayEntry,
    closure: *const (),
    _owner: Arc<dyn Any + Send + Sync>,
}

enum HostCode {
    Static(*const u8),
    /// The engine has the code by the type.
    Thunk,
}

// SAFETY: the pointers are to code and to a closure that is `Send + Sync` and that `_owner` keeps alive.
unsafe impl Send for HostFunc {}
// SAFETY: as above.
unsafe impl Sync for HostFunc {}

/// A function's native code, and what keeps it mapped.
pub(crate) struct NativeCode {
    pub(crate) address: *const u8,
    pub(crate) mapping: Option<Arc<CodeMapping>>,
}

impl HostFunc {
    pub(crate) fn wrap<T: 'static, Params, R, F: IntoHostFunc<T, Params, R>>(closure: F) -> HostFunc {
        let closure = Arc::new(closure);
        HostFunc {
            ty: F::func_type(),
            code: HostCode::Static(F::native_entry()),
            shortcut: None,
            whole: F::native_body(),
            entry: F::array_entry(),
            closure: Arc::as_ptr(&closure).cast(),
            _owner: closure,
        }
    }

    pub(crate) fn dynamic<T: 'static, F>(ty: FuncType, closure: F) -> HostFunc
    where
        F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Trap> + Send + Sync + 'static,
    {
        let dynamic = Arc::new(Dynamic { ty: ty.clone(), closure });
        HostFunc {
            ty,
            code: HostCode::Thunk,
            shortcut: None,
            whole: std::ptr::null(),
            entry: Dynamic::<F>::entry::<T>,
            closure: Arc::as_ptr(&dynamic).cast(),
            _owner: dynamic,
        }
    }

    /// Has calls of guests without threads begin with a shortcut, if the function's type is the one that shortcuts have.
    pub(crate) fn shorten<T: 'static, S: Shortcut<T>>(&mut self) {
        let fits = self.ty.params == [ValType::I32; 4] && self.ty.results == [ValType::I32];
        if fits && matches!(self.code, HostCode::Static(_)) {
            self.shortcut = Some(shortcut_shim::<T, S> as *const u8);
        }
    }

    /// What guests call. `shared`: other threads may have their memory.
    pub(crate) fn native_code(&self, engine: &Engine, shared: bool) -> Result<NativeCode, Error> {
        match self.code {
            HostCode::Static(whole) => {
                let address = self.shortcut.filter(|_| !shared).unwrap_or(whole);
                Ok(NativeCode { address, mapping: None })
            }
            HostCode::Thunk => {
                let thunk = engine.host_thunk(&self.ty);
                let mapping = thunk.map_err(|error| Error::Limit(format!("no memory for code: {error}")))?;
                Ok(NativeCode { address: mapping.base(), mapping: Some(mapping) })
            }
        }
    }

    /// The context for calls from an instance, or from none.
    pub(crate) fn context(
        &self,
        store: *mut StoreCore,
        instance: *mut InstanceData,
        memory: *const MemoryDesc,
    ) -> HostCtx {
        let () = HostCtx::MEMORY_BASE;
        HostCtx {
            whole: self.whole,
            exit_fp: 0,
            exit_pc: 0,
            entry: self.entry,
            closure: self.closure,
            store,
            instance,
            memory,
        }
    }
}

/// Runs the body of a host function; leaves the guest if it fails.
///
/// # Safety
/// `ctx` is the context that a guest called with, or that [`host_trampoline`] called with.
#[inline(always)]
unsafe fn run<T: 'static, V>(ctx: *mut HostCtx, body: impl FnOnce(Caller<'_, T>) -> Result<V, Trap>) -> V {
    // SAFETY: the context lives as long as the store. It must be read now: the function may be called again meanwhile.
    let exit: Exit = unsafe { ((*ctx).exit_fp, (*ctx).exit_pc) };
    let caller = Caller { ctx: NonNull::new(ctx).unwrap_or(NonNull::dangling()), _store: PhantomData };
    let reason = match catch_unwind(AssertUnwindSafe(|| body(caller))) {
        Ok(Ok(value)) => return value,
        // SAFETY: as below; the context's store is the one that runs.
        Ok(Err(trap)) if exceptions::is_catchable(&trap, unsafe { (*(*ctx).store).id }) => unsafe {
            exceptions::throw(trap, exit)
        },
        Ok(Err(trap)) => Reason::Trap(trap),
        Err(payload) => Reason::Panic(payload),
    };
    // SAFETY: this frame and the shim around it hold nothing that must be dropped.
    unsafe { call::leave(reason, exit) }
}

/// The way of nearly every call of a host function from four 32-bit numbers to one, in as few instructions as it takes: without a frame,
/// and without what catches panics, so that one ends the process.
pub(crate) trait Shortcut<T: 'static>: 'static {
    /// Makes the call. `None` hands it over to the function itself, with the same arguments.
    fn call(memory: GuestMemory<'_>, data: &mut T, arguments: [u32; 4]) -> Option<u32>;
}

/// Notes where the guest calls from, as the function itself may be what runs.
#[unsafe(naked)]
unsafe extern "C" fn shortcut_shim<T: 'static, S: Shortcut<T>>() {
    exit_shim!(block, offset_of!(HostCtx, exit_fp), offset_of!(HostCtx, exit_pc), shortcut::<T, S>)
}

/// # Safety
/// The context belongs to a function with four 32-bit parameters and a 32-bit result, in a store of `T`.
unsafe extern "C" fn shortcut<T: 'static, S: Shortcut<T>>(ctx: *mut HostCtx, a: u32, b: u32, c: u32, d: u32) -> u64 {
    // For the function itself, should it be what runs: in memory, whatever the compiler thinks, since in registers they would take those that
    // a function without a frame has.
    let mut kept = MaybeUninit::<Kept>::uninit();
    let place = kept.as_mut_ptr();
    // SAFETY: a place of this function's own, as is each field.
    unsafe {
        (&raw mut (*place).ctx).write_volatile(ctx);
        (&raw mut (*place).a).write_volatile(a);
        (&raw mut (*place).b).write_volatile(b);
        (&raw mut (*place).c).write_volatile(c);
        (&raw mut (*place).d).write_volatile(d);
    }
    // SAFETY: by contract. Only instances whose memory is not shared call shortcuts, and those that have none, whose descriptor says so. The
    // embedder's value is not in guest memory.
    let (memory, data) =
        unsafe { (GuestMemory::from_unshared((*ctx).memory), &mut (*(*ctx).store.cast::<StoreInner<T>>()).data) };
    if let Some(answer) = S::call(memory, data, [a, b, c, d]) {
        return u64::from(answer);
    }
    // SAFETY: written above. By contract and `HostFunc::shorten`, the context has the body of a function of this type, which takes numbers as
    // they are and returns them extended; where the guest calls from is noted.
    unsafe {
        let Kept { ctx, a, b, c, d } = place.read_volatile();
        std::mem::transmute::<*const u8, Whole>((*ctx).whole)(ctx, a, b, c, d)
    }
}

/// A function that can have a shortcut.
type Whole = unsafe extern "C" fn(*mut HostCtx, u32, u32, u32, u32) -> u64;

/// What it is called with.
struct Kept {
    ctx: *mut HostCtx,
    a: u32,
    b: u32,
    c: u32,
    d: u32,
}

/// A dynamically typed function.
struct Dynamic<F> {
    ty: FuncType,
    closure: F,
}

impl<F> Dynamic<F> {
    unsafe extern "C" fn entry<T: 'static>(ctx: *mut HostCtx, values: *mut u64)
    where
        F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Trap>,
    {
        // SAFETY: the context's closure is a `Dynamic<F>`; `values` holds the parameters and has room for the results.
        unsafe {
            let this = &*(*ctx).closure.cast::<Dynamic<F>>();
            run::<T, ()>(ctx, |caller| this.call(caller, values));
        }
    }

    /// # Safety
    /// `values` holds the parameters and has room for the results.
    unsafe fn call<T: 'static>(&self, caller: Caller<'_, T>, values: *mut u64) -> Result<(), Trap>
    where
        F: Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Trap>,
    {
        let id = caller.core_id();
        let params = self.ty.params.iter().enumerate();
        // SAFETY: the array holds a value of each parameter's type.
        let params: Vec<Val> = params.map(|(i, ty)| unsafe { Val::from_bits(*ty, values.add(i).read(), id) }).collect();
        let mut results: Vec<Val> = self.ty.results.iter().map(|ty| Val::default_of(*ty)).collect();
        (self.closure)(caller, &params, &mut results)?;
        for (index, (ty, value)) in self.ty.results.iter().zip(&results).enumerate() {
            let bits = (value.ty() == *ty).then(|| value.to_bits(id)).flatten();
            let bits = bits
                .ok_or_else(|| Trap::host(format!("a host function returned {value:?} where its type has {ty:?}")))?;
            // SAFETY: the array has room for the results.
            unsafe { values.add(index).write(bits) };
        }
        Ok(())
    }
}

/// What host functions return: nothing, a number, or a `Result` of them whose error becomes a trap.
pub trait HostResult {
    /// The value without the error.
    type Value: HostValue;
    #[doc(hidden)]
    fn into_result(self) -> Result<Self::Value, Trap>;
}

/// Nothing or a number.
pub trait HostValue {
    #[doc(hidden)]
    type Returned;
    #[doc(hidden)]
    const TYPES: &'static [ValType];
    #[doc(hidden)]
    fn returned(self) -> Self::Returned;
    #[doc(hidden)]
    fn cell(returned: Self::Returned) -> u64;
}

impl HostValue for () {
    type Returned = ();
    const TYPES: &'static [ValType] = &[];
    fn returned(self) {}
    fn cell((): ()) -> u64 {
        0
    }
}

impl<V: WasmTy> HostValue for V {
    type Returned = V::Returned;
    const TYPES: &'static [ValType] = &[V::TYPE];
    #[inline]
    fn returned(self) -> V::Returned {
        WasmTy::returned(self)
    }
    #[inline]
    fn cell(returned: V::Returned) -> u64 {
        V::returned_to_cell(returned)
    }
}

impl<V: HostValue> HostResult for V {
    type Value = V;
    #[inline]
    fn into_result(self) -> Result<V, Trap> {
        Ok(self)
    }
}

impl<V: HostValue, E: Into<Trap>> HostResult for Result<V, E> {
    type Value = V;
    #[inline]
    fn into_result(self) -> Result<V, Trap> {
        self.map_err(Into::into)
    }
}

/// Closures that can be host functions: a [`Caller`], then up to ten numbers; see [`HostResult`] for what they return.
///
/// # Safety
/// The entries read the context's closure as `Self`.
pub unsafe trait IntoHostFunc<T: 'static, Params, R>: Send + Sync + Sized + 'static {
    #[doc(hidden)]
    fn func_type() -> FuncType;
    #[doc(hidden)]
    fn native_entry() -> *const u8;
    #[doc(hidden)]
    fn native_body() -> *const u8;
    #[doc(hidden)]
    #[allow(private_interfaces)]
    fn array_entry() -> ArrayEntry;
}

macro_rules! into_host_func {
    ($native:ident $(, $param:ident $index:literal)*) => {
        /// The body of both entries: one copy, so that the closure is part of it.
        ///
        /// # Safety
        /// The context belongs to this function.
        #[allow(non_snake_case, clippy::too_many_arguments)]
        #[inline(never)]
        unsafe extern "C" fn $native<T, F, R, $($param),*>(
            ctx: *mut HostCtx, $($param: $param),*
        ) -> <R::Value as HostValue>::Returned
        where
            T: 'static,
            F: Fn(Caller<'_, T>, $($param),*) -> R + 'static,
            R: HostResult + 'static,
            $($param: WasmTy,)*
        {
            // SAFETY: by contract, the context's closure is an `F`.
            unsafe {
                let closure = &*(*ctx).closure.cast::<F>();
                run::<T, _>(ctx, |caller| closure(caller, $($param),*).into_result()).returned()
            }
        }

        // SAFETY: both entries cast the closure to `F`, which is `Self`.
        #[allow(non_snake_case, unused_variables)]
        unsafe impl<T, F, R, $($param),*> IntoHostFunc<T, ($($param,)*), R> for F
        where
            T: 'static,
            F: Fn(Caller<'_, T>, $($param),*) -> R + Send + Sync + 'static,
            R: HostResult + 'static,
            $($param: WasmTy,)*
        {
            fn func_type() -> FuncType {
                FuncType { params: vec![$($param::TYPE),*], results: R::Value::TYPES.to_vec() }
            }

            fn native_entry() -> *const u8 {
                #[unsafe(naked)]
                unsafe extern "C" fn shim<T, F, R, $($param),*>()
                where
                    T: 'static,
                    F: Fn(Caller<'_, T>, $($param),*) -> R + 'static,
                    R: HostResult + 'static,
                    $($param: WasmTy,)*
                {
                    exit_shim!(
                        block, offset_of!(HostCtx, exit_fp), offset_of!(HostCtx, exit_pc), $native::<T, F, R, $($param),*>
                    )
                }

                shim::<T, F, R, $($param),*> as *const u8
            }

            fn native_body() -> *const u8 {
                $native::<T, F, R, $($param),*> as *const u8
            }

            #[allow(private_interfaces)]
            fn array_entry() -> ArrayEntry {
                unsafe extern "C" fn array<T, F, R, $($param),*>(ctx: *mut HostCtx, values: *mut u64)
                where
                    T: 'static,
                    F: Fn(Caller<'_, T>, $($param),*) -> R + 'static,
                    R: HostResult + 'static,
                    $($param: WasmTy,)*
                {
                    // SAFETY: the host passes the context that belongs to this function; the array holds the parameters, and has room for a result if there is one.
                    unsafe {
                        $(let $param = $param::from_cell(values.add($index).read());)*
                        let returned = $native::<T, F, R, $($param),*>(ctx, $($param),*);
                        if size_of::<<R::Value as HostValue>::Returned>() != 0 {
                            values.write(<R::Value as HostValue>::cell(returned));
                        }
                    }
                }
                array::<T, F, R, $($param),*>
            }
        }
    };
}
into_host_func!(native0);
into_host_func!(native1, A0 0);
into_host_func!(native2, A0 0, A1 1);
into_host_func!(native3, A0 0, A1 1, A2 2);
into_host_func!(native4, A0 0, A1 1, A2 2, A3 3);
into_host_func!(native5, A0 0, A1 1, A2 2, A3 3, A4 4);
into_host_func!(native6, A0 0, A1 1, A2 2, A3 3, A4 4, A5 5);
into_host_func!(native7, A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6);
into_host_func!(native8, A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7);
into_host_func!(native9, A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8);
into_host_func!(native10, A0 0, A1 1, A2 2, A3 3, A4 4, A5 5, A6 6, A7 7, A8 8, A9 9);

/// What a host function sees of the store and of the instance that imported it.
pub struct Caller<'a, T: 'static> {
    ctx: NonNull<HostCtx>,
    _store: PhantomData<&'a mut T>,
}

impl<T: std::fmt::Debug + 'static> std::fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("data", self.data()).finish_non_exhaustive()
    }
}

impl<'a, T: 'static> Caller<'a, T> {
    #[inline]
    fn inner(&self) -> NonNull<StoreInner<T>> {
        // SAFETY: the context belongs to a store of `T` which lives during 'a; it is never null.
        unsafe { NonNull::new_unchecked((*self.ctx.as_ptr()).store.cast()) }
    }

    fn core_id(&self) -> super::store::StoreId {
        // SAFETY: the store lives during 'a.
        unsafe { (*self.inner().as_ptr()).core.id }
    }

    fn instance_data(&self) -> Option<NonNull<InstanceData>> {
        // SAFETY: the context lives during 'a.
        NonNull::new(unsafe { (*self.ctx.as_ptr()).instance })
    }

    /// The embedder's value.
    #[inline]
    pub fn data(&self) -> &T {
        // SAFETY: the store lives during 'a, and `self` borrows it.
        unsafe { &(*self.inner().as_ptr()).data }
    }

    /// The embedder's value.
    #[inline]
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: as in `data`; `self` is borrowed mutably.
        unsafe { &mut (*self.inner().as_ptr()).data }
    }

    /// The memory of the instance that imported the function; without bytes if it has none.
    #[inline]
    pub fn memory(&mut self) -> GuestMemory<'_> {
        // SAFETY: the context's descriptor lives as long as the store, which `self` borrows mutably.
        unsafe { GuestMemory::from_desc((*self.ctx.as_ptr()).memory) }
    }

    /// The memory and the embedder's value at once.
    #[inline]
    pub fn memory_and_data(&mut self) -> (GuestMemory<'_>, &mut T) {
        // SAFETY: as in `memory` and `data_mut`; the embedder's value is not in guest memory.
        unsafe { (GuestMemory::from_desc((*self.ctx.as_ptr()).memory), &mut (*self.inner().as_ptr()).data) }
    }

    /// The instance that imported the function.
    pub fn instance(&self) -> Option<Instance> {
        self.instance_data().map(|raw| Instance { store: self.core_id(), raw })
    }

    /// The first module of the program that the instance belongs to: itself, unless it was linked dynamically.
    pub fn program(&self) -> Option<Instance> {
        // SAFETY: the store's instances live as long as the store, which `self` borrows.
        let fallback = unsafe { (*self.instance_data()?.as_ptr()).fallback };
        fallback.or_else(|| self.instance())
    }

    /// An export of the instance that imported the function, or else of its program's first module. Handles may be kept: they stay valid as long as the store.
    pub fn get_export(&self, name: &str) -> Option<Extern> {
        let own = self.instance()?;
        own.get_export(self, name).or_else(|| self.program().filter(|main| *main != own)?.get_export(self, name))
    }

    /// An exported function of the instance that imported the function.
    pub fn get_func(&self, name: &str) -> Option<Func> {
        match self.get_export(name)? {
            Extern::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The memory's handle, for growing it.
    pub fn memory_handle(&self) -> Option<Memory> {
        // SAFETY: the store's instances live as long as the store, which `self` borrows.
        let memory = unsafe { (*self.instance_data()?.as_ptr()).memory() }?;
        Some(Memory { store: self.core_id(), raw: memory })
    }

    /// The function in table 0 of the instance: what C calls a function pointer.
    ///
    /// # Errors
    /// The trap that an indirect call would give.
    pub fn table_func(&self, index: u32) -> Result<Func, Trap> {
        let data = self.instance_data().ok_or(TrapCode::UndefinedElement)?;
        // SAFETY: as above.
        let raw = unsafe { (*data.as_ptr()).table_func(index) }?;
        Ok(Func { store: self.core_id(), raw })
    }

    /// Calls a function pointer of the guest: entry `index` of table 0.
    ///
    /// # Errors
    /// The trap that an indirect call would give, or the callee's.
    #[inline]
    pub fn call_table<P: WasmParams, R: WasmResults>(&mut self, index: u32, params: P) -> Result<R, Trap> {
        let func = self.table_func(index)?;
        func.call_checked(self, params)
    }

    /// The trap that ends the guest with a status: return it as an error.
    pub fn exit(&self, status: i32) -> Trap {
        Trap::exit(status)
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;
    #[inline]
    fn store_ptr(&self) -> StorePtr<T> {
        StorePtr::new(self.inner())
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {}
