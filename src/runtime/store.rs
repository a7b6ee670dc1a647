//! The store: everything that instances need while they run, and who may borrow it.

use std::any::Any;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::engine::Engine;
use super::exceptions::{Exceptions, TagData};
use super::externs::{MemoryData, TableData};
use super::host::HostCtx;
use super::instance::{Instance, InstanceData};
use super::trap::Trap;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{FuncRef, INTERRUPT_CALL, INTERRUPT_STOP, VmCtx};
use crate::memory::{MAX_PAGES, MAX_PAGES_64, PAGE_BYTES};
use crate::sys::thread;

/// Bytes at the low end of a thread's stack that guests never use: host functions run there.
pub(crate) const HOST_STACK: usize = 192 << 10;

/// Which store a handle belongs to.
pub(crate) type StoreId = u64;

/// Instances, what they share, and a value of the embedder that host functions reach.
///
/// Everything in a store lives until the store is dropped. A store may move between threads, but is used by one at a time.
pub struct Store<T: 'static> {
    inner: NonNull<StoreInner<T>>,
    _owned: PhantomData<StoreInner<T>>,
}

// SAFETY: the store owns what it points to, and host values and functions in it are `Send`.
unsafe impl<T: Send> Send for Store<T> {}

#[repr(C)]
pub(crate) struct StoreInner<T> {
    pub(crate) core: StoreCore,
    pub(crate) data: T,
}

/// The part of a store that does not depend on the embedder's type.
pub(crate) struct StoreCore {
    pub(crate) engine: Engine,
    pub(crate) id: StoreId,
    pub(crate) interrupt: Arc<AtomicU32>,
    /// What polls call that were asked for.
    pub(crate) poll: Option<unsafe fn(*mut StoreCore, Instance) -> Result<(), Trap>>,
    /// The stack of the thread that last entered the guest: stack limits are set for it.
    entered_stack: usize,
    stack_limit: usize,
    memory_limit: Option<u64>,
    table_limit: u32,
    pub(crate) instances: Vec<NonNull<InstanceData>>,
    pub(crate) memories: Vec<NonNull<MemoryData>>,
    pub(crate) tables: Vec<NonNull<TableData>>,
    pub(crate) globals: Vec<NonNull<u64>>,
    pub(crate) tags: Vec<Arc<TagData>>,
    pub(crate) exceptions: Exceptions,
    pub(crate) func_refs: Vec<NonNull<FuncRef>>,
    pub(crate) host_ctxs: Vec<NonNull<HostCtx>>,
    /// Keeps closures of host functions and code of thunks alive.
    pub(crate) kept: Vec<Arc<dyn Any + Send + Sync>>,
    pub(crate) extern_values: Vec<Box<dyn Any + Send + Sync>>,
}

impl<T: 'static> Store<T> {
    /// A store whose host functions see `data`.
    pub fn new(engine: &Engine, data: T) -> Store<T> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let config = engine.config();
        let core = StoreCore {
            engine: engine.clone(),
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            interrupt: Arc::default(),
            poll: None,
            entered_stack: 0,
            stack_limit: usize::MAX,
            memory_limit: config.memory_limit,
            table_limit: config.table_limit,
            instances: Vec::new(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            exceptions: Exceptions::default(),
            func_refs: Vec::new(),
            host_ctxs: Vec::new(),
            kept: Vec::new(),
            extern_values: Vec::new(),
        };
        let inner = NonNull::from(Box::leak(Box::new(StoreInner { core, data })));
        Store { inner, _owned: PhantomData }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.core().engine
    }

    /// The embedder's value.
    pub fn data(&self) -> &T {
        // SAFETY: the store owns it, and `self` is borrowed.
        unsafe { &(*self.inner.as_ptr()).data }
    }

    /// The embedder's value.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: the store owns it, and `self` is borrowed mutably.
        unsafe { &mut (*self.inner.as_ptr()).data }
    }

    /// Drops the store and gives the embedder's value back.
    pub fn into_data(self) -> T {
        let inner = std::mem::ManuallyDrop::new(self).inner;
        // SAFETY: the pointer came from a box, and `self` is not dropped any more.
        let inner = unsafe { *Box::from_raw(inner.as_ptr()) };
        inner.data
    }

    /// A handle that stops this store's guests from another thread or a signal handler. Needs [`crate::Config::interruptible`].
    pub fn interrupt_handle(&self) -> InterruptHandle {
        InterruptHandle(self.core().interrupt.clone())
    }

    /// Sets what is called while the guest computes when it is asked for ([`InterruptHandle::poll`]): between two iterations of a loop of
    /// the given instance, with the store. Needs [`crate::Config::interruptible`].
    pub fn on_poll<F: OnPoll<T>>(&mut self, _: F) {
        /// # Safety
        /// The core is that of a store of `T`, which nobody refers to meanwhile.
        unsafe fn call<T: 'static, F: OnPoll<T>>(core: *mut StoreCore, instance: Instance) -> Result<(), Trap> {
            let Some(inner) = NonNull::new(core.cast()) else { return Ok(()) };
            F::call(&mut Polled { inner, _store: PhantomData }, instance)
        }
        self.core_mut().poll = Some(call::<T, F>);
    }

    /// Most bytes that each linear memory made from now on may have.
    pub fn set_memory_limit(&mut self, bytes: Option<u64>) {
        self.core_mut().memory_limit = bytes;
    }
}

impl<T: 'static> Drop for Store<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box, and handles cannot reach it without the store.
        drop(unsafe { Box::from_raw(self.inner.as_ptr()) });
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Store<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("data", self.data()).finish_non_exhaustive()
    }
}

impl StoreCore {
    /// Pages that a new memory may grow to.
    pub(crate) fn page_limit(&self, memory64: bool) -> u64 {
        let most = if memory64 { MAX_PAGES_64 } else { MAX_PAGES };
        self.memory_limit.map_or(most, |bytes| (bytes / PAGE_BYTES).min(most))
    }

    /// Entries that a new table may grow to.
    pub(crate) fn table_limit(&self) -> u32 {
        self.table_limit
    }

    /// The stack limit for the thread that entered last.
    pub(crate) fn stack_limit(&self) -> usize {
        self.stack_limit
    }

    /// Makes stack limits those of the running thread.
    #[inline]
    pub(crate) fn enter_thread(&mut self) {
        let stack = thread::prepared_stack();
        if stack == 0 || stack != self.entered_stack {
            self.change_thread();
        }
    }

    #[cold]
    fn change_thread(&mut self) {
        let stack = thread::prepare();
        // Of a tiny stack, guests still get half.
        let usable = stack.len().saturating_sub(HOST_STACK).max(stack.len() / 2);
        let usable = usable.min(self.engine.config().stack_size);
        self.entered_stack = stack.start;
        self.stack_limit = stack.end - usable;
        for instance in &self.instances {
            // SAFETY: the store's instances live as long as the store.
            unsafe { (*instance.as_ptr()).set_stack_limit(self.stack_limit) };
        }
    }
}

/// What polls call: a type, so that it needs no place in the store.
pub trait OnPoll<T: 'static> {
    /// Does what was asked for.
    ///
    /// # Errors
    /// The trap that ends the guest.
    fn call(store: &mut Polled<'_, T>, instance: Instance) -> Result<(), Trap>;
}

/// The store while its guest is between two iterations of a loop.
#[derive(Debug)]
pub struct Polled<'a, T: 'static> {
    inner: NonNull<StoreInner<T>>,
    _store: PhantomData<&'a mut T>,
}

impl<T: 'static> Polled<'_, T> {
    /// The embedder's value.
    pub fn data_mut(&mut self) -> &mut T {
        // SAFETY: the store lives during the poll, and `self` is borrowed mutably.
        unsafe { &mut (*self.inner.as_ptr()).data }
    }
}

impl<T: 'static> AsContext for Polled<'_, T> {
    type Data = T;
    fn store_ptr(&self) -> StorePtr<T> {
        StorePtr(self.inner)
    }
}

impl<T: 'static> AsContextMut for Polled<'_, T> {}

/// What a poll of generated code calls ([`crate::sys::signal::on_poll`]).
///
/// # Safety
/// Generated code with this vmctx polls on this thread: no reference into its store is held by anyone.
pub(crate) unsafe extern "C" fn polled(vmctx: *mut VmCtx, fp: usize, pc: usize) {
    // SAFETY: by contract; the references end before guest code runs again.
    unsafe {
        if let Err(trap) = serve_poll((*vmctx).owner.cast()) {
            super::call::leave(super::call::Reason::Trap(trap), (fp, pc))
        }
    }
}

/// Does what an instance's store was asked for. `Ok` where the guest goes on.
///
/// # Safety
/// As [`polled`].
pub(crate) unsafe fn serve_poll(owner: *mut InstanceData) -> Result<(), Trap> {
    // SAFETY: the instance's store lives while its code runs.
    let (core, hook, instance) = unsafe {
        let core = (*owner).core;
        let asked = (*core).interrupt.fetch_and(!INTERRUPT_CALL, Ordering::AcqRel);
        if asked & INTERRUPT_STOP != 0 {
            return Err(TrapCode::Interrupt.into());
        }
        let raw = NonNull::new_unchecked(owner);
        (core, (*core).poll.filter(|_| asked & INTERRUPT_CALL != 0), Instance { store: (*core).id, raw })
    };
    let Some(hook) = hook else { return Ok(()) };
    // SAFETY: the hook was made for this store.
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| unsafe { hook(core, instance) }));
    outcome.unwrap_or_else(|_| Err(Trap::host("a host function panicked")))
}

/// Frees allocations that came from `Box::leak`.
///
/// # Safety
/// Nobody uses them any more.
unsafe fn free_all<D>(list: &mut Vec<NonNull<D>>) {
    for item in list.drain(..).rev() {
        // SAFETY: each item came from a leaked box and is in one list once.
        drop(unsafe { Box::from_raw(item.as_ptr()) });
    }
}

impl Drop for StoreCore {
    fn drop(&mut self) {
        // SAFETY: no guest runs: running ones borrow the store.
        unsafe {
            free_all(&mut self.instances);
            free_all(&mut self.memories);
            free_all(&mut self.tables);
            for cell in self.globals.drain(..) {
                drop(Box::from_raw(cell.as_ptr().cast::<[u64; 2]>()));
            }
            free_all(&mut self.func_refs);
            free_all(&mut self.host_ctxs);
        }
    }
}

/// Stops guests of a store. May be used from any thread and from signal handlers.
#[derive(Clone, Debug)]
pub struct InterruptHandle(Arc<AtomicU32>);

impl InterruptHandle {
    /// Asks the guest to stop: it traps at its next loop iteration or function call, until [`InterruptHandle::clear`].
    pub fn interrupt(&self) {
        self.0.fetch_or(INTERRUPT_STOP, Ordering::Release);
    }

    /// Asks for a call of what [`Store::on_poll`] set, at the guest's next loop iteration or while it waits for another thread; then the
    /// guest goes on.
    pub fn poll(&self) {
        self.0.fetch_or(INTERRUPT_CALL, Ordering::Release);
    }

    /// Takes the request back.
    pub fn clear(&self) {
        self.0.fetch_and(!INTERRUPT_STOP, Ordering::Release);
    }

    /// Whether the guest is asked to stop.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire) & INTERRUPT_STOP != 0
    }
}

/// What borrows a store: a [`Store`], or in a host function its [`crate::Caller`].
pub trait AsContext: sealed::Sealed {
    /// Type of the embedder's value.
    type Data: 'static;

    #[doc(hidden)]
    fn store_ptr(&self) -> StorePtr<Self::Data>;
}

/// What borrows a store mutably.
pub trait AsContextMut: AsContext {}

/// Access to the core of whatever borrows a store.
pub(crate) trait CoreAccess: AsContext {
    fn core(&self) -> &StoreCore {
        // SAFETY: the store lives as long as `self`, and mutable references to it are made from mutable borrows only.
        unsafe { &*self.store_ptr().core_ptr() }
    }

    fn core_mut(&mut self) -> &mut StoreCore
    where
        Self: AsContextMut,
    {
        // SAFETY: as in `core`; `self` is borrowed mutably.
        unsafe { &mut *self.store_ptr().core_ptr() }
    }
}

impl<S: AsContext> CoreAccess for S {}

/// The embedder's value of whatever borrows a store mutably.
pub(crate) fn data_mut<S: AsContextMut>(store: &mut S) -> &mut S::Data {
    // SAFETY: the store lives as long as `store`, which is borrowed mutably.
    unsafe { &mut (*store.store_ptr().0.as_ptr()).data }
}

/// A pointer to a store, for this module only.
#[doc(hidden)]
pub struct StorePtr<T>(NonNull<StoreInner<T>>);

impl<T> StorePtr<T> {
    pub(crate) fn new(inner: NonNull<StoreInner<T>>) -> StorePtr<T> {
        StorePtr(inner)
    }

    pub(crate) fn core_ptr(&self) -> *mut StoreCore {
        // `core` is the first field of a `repr(C)` struct.
        self.0.as_ptr().cast()
    }
}

mod sealed {
    /// Closes the traits to implementations elsewhere: the pointer is trusted.
    pub trait Sealed {}
    impl<T: 'static> Sealed for super::Store<T> {}
    impl<T: 'static> Sealed for super::super::host::Caller<'_, T> {}
    impl<T: 'static> Sealed for super::Polled<'_, T> {}
    impl<S: Sealed> Sealed for &S {}
    impl<S: Sealed> Sealed for &mut S {}
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;
    #[inline]
    fn store_ptr(&self) -> StorePtr<T> {
        StorePtr(self.inner)
    }
}

impl<T: 'static> AsContextMut for Store<T> {}

impl<S: AsContext> AsContext for &S {
    type Data = S::Data;
    #[inline]
    fn store_ptr(&self) -> StorePtr<S::Data> {
        S::store_ptr(self)
    }
}

impl<S: AsContext> AsContext for &mut S {
    type Data = S::Data;
    #[inline]
    fn store_ptr(&self) -> StorePtr<S::Data> {
        S::store_ptr(self)
    }
}

impl<S: AsContextMut> AsContextMut for &mut S {}
