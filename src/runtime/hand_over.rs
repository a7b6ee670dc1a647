//! Handing a running instance over to somebody else who runs the same module on the same memory (the kernel), and taking it back.

use super::call;
use super::error::Error;
use super::externs::assert_store;
use super::func::{Func, target};
use super::instance::{Instance, InstanceData};
use super::module::Module;
use super::store::{AsContext, AsContextMut, CoreAccess};
use super::trap::{Frame, Trap};
use crate::abi::builtins::Builtin;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::FuncRef;
use crate::codegen::{CodeImage, CodegenError, Options, compile_module};
use crate::memory::{PAGE_BYTES, SharedMemory};
use crate::wasm::{FuncIndex, GlobalIndex};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// What an instance's code refers to, without addresses.
#[derive(Debug)]
pub struct HandedOver {
    /// Values of all globals, imported ones first.
    pub globals: Vec<[u64; 2]>,
    /// Entries of all tables: function numbers plus one, 0 for null; and how many there may be.
    pub tables: Vec<(Vec<u32>, u32)>,
    /// Element segments, likewise.
    pub segments: Vec<Vec<u32>>,
    /// Address of the first byte of linear memory.
    pub memory: *mut u8,
    /// Size of memory in pages.
    pub pages: u32,
    /// Most pages that it may have.
    pub max_pages: u32,
    /// The memory, if it is one that threads share.
    pub shared: Option<SharedMemory>,
}

impl Module {
    /// Compiles the module for the inside of a kernel.
    ///
    /// # Errors
    /// If the compiler refuses it.
    pub fn compile_for_kernel(&self) -> Result<CodeImage, Error> {
        compile_module(self.info(), self.bytes(), &Options::kernel()).map_err(|error| match error {
            CodegenError::Load(error) => Error::Load(error),
            other => Error::Compile(other.to_string()),
        })
    }
}

/// Numbers of functions, as lists of references hold them.
fn numbers(data: &InstanceData, entries: &[u64]) -> Result<Vec<u32>, Error> {
    entries.iter().map(|entry| number(data, *entry)).collect()
}

/// The number of a reference's function plus one, or 0 for null.
fn number(data: &InstanceData, entry: u64) -> Result<u32, Error> {
    if entry == 0 {
        return Ok(0);
    }
    let functions = data.module.info().functions.len() as u64;
    let first = if functions == 0 { 0 } else { data.block.func_ref(FuncIndex(0)).as_ptr() as u64 };
    let distance = entry.wrapping_sub(first);
    let index = distance / size_of::<FuncRef>() as u64;
    let own = distance.is_multiple_of(size_of::<FuncRef>() as u64) && index < functions;
    if own { Ok(index as u32 + 1) } else { Err(Error::Usage("a table holds a foreign function".into())) }
}

impl Instance {
    fn shared_data(&self, store: &impl AsContext) -> &InstanceData {
        assert_store(store.core(), self.store);
        // SAFETY: the store, which is borrowed, owns the instance.
        unsafe { &*self.raw.as_ptr() }
    }

    /// What the instance's code refers to.
    ///
    /// # Errors
    /// If it imports a table, or a memory that is not a guest's with threads, or a table holds what no function of its own is.
    pub fn hand_over(&self, store: &impl AsContext) -> Result<HandedOver, Error> {
        let data = self.shared_data(store);
        let info = data.module.info();
        let shared = self.memory(store).and_then(|memory| memory.shared(store));
        if info.imported_tables != 0 || (info.imported_memories != 0 && shared.is_none()) {
            return Err(Error::Usage("the module imports its memory or a table".into()));
        }
        let globals = (0..info.globals.len() as u32).map(|index| {
            // SAFETY: the cell of a global of the instance, which has room for a vector.
            unsafe { data.block.global(GlobalIndex(index)).as_ptr().cast::<[u64; 2]>().read() }
        });
        // SAFETY: the store's tables live as long as the store.
        let tables = data.tables.iter().map(|table| unsafe { table.as_ref() });
        let limit =
            |ty: &crate::wasm::TableType| ty.limits.max.map_or(u32::MAX, |max| u32::try_from(max).unwrap_or(u32::MAX));
        let tables = tables.map(|table| Ok((numbers(data, table.entries())?, limit(&table.ty))));
        let segments = data.elements.iter().map(|entries| numbers(data, entries));
        let (memory, pages, max_pages) = match data.memory() {
            // SAFETY: as above; nobody changes the descriptor while the store is borrowed.
            Some(memory) => unsafe {
                let desc = &*(*data.vmctx()).memory;
                let limit = (*memory.as_ptr()).memory.limit_pages();
                (desc.base, desc.bytes / PAGE_BYTES, u32::try_from(limit).unwrap_or(u32::MAX))
            },
            None => (std::ptr::null_mut(), 0, 0),
        };
        Ok(HandedOver {
            globals: globals.collect(),
            tables: tables.collect::<Result<_, Error>>()?,
            segments: segments.collect::<Result<_, Error>>()?,
            memory,
            pages: pages as u32,
            max_pages,
            shared,
        })
    }

    /// Replaces the values of own globals by those that the other side has.
    pub fn set_own_globals(&self, store: &mut impl AsContextMut, values: &[[u64; 2]]) {
        let data = self.shared_data(store);
        let info = data.module.info();
        let own = info.imported_globals..info.globals.len() as u32;
        for (index, value) in own.zip(values) {
            // SAFETY: the cell of a global of the instance, which has room for a vector and whose guest does not run.
            unsafe { data.block.global(GlobalIndex(index)).as_ptr().cast::<[u64; 2]>().write(*value) };
        }
    }

    /// Values of own globals, for the other side.
    pub fn own_globals(&self, store: &impl AsContext, values: &mut [[u64; 2]]) {
        let data = self.shared_data(store);
        let info = data.module.info();
        let own = info.imported_globals..info.globals.len() as u32;
        for (index, value) in own.zip(values) {
            // SAFETY: as above.
            *value = unsafe { data.block.global(GlobalIndex(index)).as_ptr().cast::<[u64; 2]>().read() };
        }
    }

    /// Replaces the entries of tables by those that the other side has: function numbers plus one, 0 for null.
    pub fn set_tables(&self, store: &mut impl AsContextMut, tables: &[Vec<u32>]) {
        let data = self.shared_data(store);
        let functions = data.module.info().functions.len() as u32;
        let reference = |number: &u32| match number.checked_sub(1).filter(|index| *index < functions) {
            Some(index) => data.block.func_ref(FuncIndex(index)).as_ptr() as u64,
            None => 0,
        };
        for (table, numbers) in data.tables.iter().zip(tables) {
            // SAFETY: the store's tables live as long as the store, which is borrowed mutably; the guest does not run.
            let table = unsafe { &mut *table.as_ptr() };
            let added = (numbers.len() as u64).saturating_sub(table.entries().len() as u64);
            let _ = table.grow(added, 0);
            table.entries_mut().iter_mut().zip(numbers).for_each(|(entry, number)| *entry = reference(number));
        }
    }

    /// Size of memory.
    pub fn memory_bytes(&self, store: &impl AsContext) -> u64 {
        let data = self.shared_data(store);
        // SAFETY: the descriptor lives as long as the store.
        data.memory().map_or(0, |memory| unsafe { (*memory.as_ptr()).memory.pages() * PAGE_BYTES })
    }

    /// Notes that memory has another size, because the other side has made it larger. Nothing is to be noted of a shared memory, which
    /// grows on this side alone.
    ///
    /// # Safety
    /// As many bytes from the memory's first one are readable and writable.
    pub unsafe fn set_memory_bytes(&self, store: &mut impl AsContextMut, bytes: u64) {
        let data = self.shared_data(store);
        // SAFETY: the store's memories live as long as the store.
        if data.memory().is_some_and(|memory| unsafe { !(*memory.as_ptr()).memory.is_shared() }) {
            // SAFETY: the descriptor lives as long as the store, and the guest does not run.
            unsafe { (*(*data.vmctx()).memory).bytes = bytes };
        }
    }

    /// Calls function number `index` of the module, imported ones first, with arguments in `values`, whose first the result replaces.
    ///
    /// # Errors
    /// The function's trap.
    ///
    /// # Safety
    /// `values` has room for what the function's type says, and its arguments have the right types.
    pub unsafe fn call_number(
        &self,
        store: &mut impl AsContextMut,
        index: u32,
        values: &mut [u64],
    ) -> Result<(), Trap> {
        let data = self.shared_data(store);
        if index as usize >= data.module.info().functions.len() {
            return Err(Trap::host("there is no such function"));
        }
        // SAFETY: the reference is the instance's own; arguments by contract.
        unsafe {
            let func_ref = data.block.func_ref(FuncIndex(index)).as_ptr().read();
            call::invoke(store.store_ptr().core_ptr(), target(&func_ref), values.as_mut_ptr())
        }
    }

    /// Does what a poll of the guest's loops does: what its store was asked for.
    ///
    /// # Errors
    /// The trap that ends the guest.
    pub fn serve_poll(&self, store: &mut impl AsContextMut) -> Result<(), Trap> {
        assert_store(store.core(), self.store);
        // SAFETY: the store is borrowed mutably, and the guest waits on the other side.
        unsafe { super::store::serve_poll(self.raw.as_ptr()) }
    }

    /// Does for the other side what takes segments of data, or other threads: growth of a memory that they share, waiting for them.
    ///
    /// # Errors
    /// The builtin's trap; one for a builtin that is not done here.
    pub fn call_builtin(&self, store: &mut impl AsContextMut, index: u32, values: &[u64]) -> Result<u64, Trap> {
        assert_store(store.core(), self.store);
        // SAFETY: the store, which is borrowed mutably, owns the instance.
        let data = unsafe { &mut *self.raw.as_ptr() };
        let builtin = Builtin::ALL.get(index as usize);
        let outcome = match (builtin, values) {
            (Some(Builtin::memory_init), &[memory, segment, dst, src, len, ..]) => {
                data.memory_init(memory as u32, segment as u32, dst, src as u32, len as u32).map(|()| 0)
            }
            (Some(Builtin::data_drop), &[segment, ..]) => {
                data.data_drop(segment as u32);
                Ok(0)
            }
            (Some(Builtin::memory_grow), &[memory, pages, ..]) => Ok(data.memory_grow(memory as u32, pages)),
            (Some(Builtin::atomic_wait32), &[memory, address, expected, timeout, ..]) => {
                let equal = |word: &AtomicU32| word.load(Ordering::SeqCst) == expected as u32;
                data.atomic_wait(memory as u32, address, equal, timeout as i64)
            }
            (Some(Builtin::atomic_wait64), &[memory, address, expected, timeout, ..]) => {
                let equal = |word: &AtomicU64| word.load(Ordering::SeqCst) == expected;
                data.atomic_wait(memory as u32, address, equal, timeout as i64)
            }
            (Some(Builtin::atomic_notify), &[memory, address, count, ..]) => {
                data.atomic_notify(memory as u32, address, count as u32).map(u64::from)
            }
            _ => Err(TrapCode::Unreachable),
        };
        match outcome {
            // As where the guest runs here: it goes on as if it had been woken.
            Err(TrapCode::Interrupt) => self.serve_poll(store).map(|()| 0),
            other => Ok(other?),
        }
    }

    /// The number of a function of the instance's module, imported ones first.
    pub fn function_number(&self, store: &impl AsContext, func: &Func) -> Option<u32> {
        let number = number(self.shared_data(store), func.raw.as_ptr() as u64).ok()?;
        number.checked_sub(1)
    }
}

impl Trap {
    /// A trap of the other side, with the guest's functions that were running there.
    pub fn elsewhere(code: TrapCode, frames: Vec<Frame>) -> Trap {
        Trap::from(code).with_frames(frames)
    }

    /// The same trap with further frames, unless it is one for which no backtrace is made.
    #[must_use]
    pub fn with_frames(mut self, frames: Vec<Frame>) -> Trap {
        if self.wants_backtrace() {
            self.push_frames(frames);
        }
        self
    }
}
