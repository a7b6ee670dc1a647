//! Memories, tables and globals, and handles to them.

use std::ptr::NonNull;

use super::error::Error;
use super::exceptions::Tag;
use super::func::Func;
use super::store::{AsContext, AsContextMut, CoreAccess, StoreCore, StoreId};
use super::values::Val;
use crate::abi::vmctx::{MemoryDesc, TableDesc};
use crate::memory::{GuestMemory, LinearMemory, SharedMemory};
use crate::wasm::{ExternType, GlobalType, Limits, MemoryType, TableType};

/// Something that modules import and export.
#[derive(Clone, Copy, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
    /// An exception tag.
    Tag(Tag),
}

impl Extern {
    /// Its type. Limits begin with the current size.
    pub fn ty(&self, store: impl AsContext) -> ExternType {
        match self {
            Extern::Func(func) => ExternType::Func(func.ty(store)),
            Extern::Table(table) => ExternType::Table(table.ty(store)),
            Extern::Memory(memory) => ExternType::Memory(memory.ty(store)),
            Extern::Global(global) => ExternType::Global(global.ty()),
            Extern::Tag(tag) => ExternType::Tag(tag.ty(store)),
        }
    }

    pub(crate) fn store(&self) -> StoreId {
        match self {
            Extern::Func(func) => func.store,
            Extern::Table(table) => table.store,
            Extern::Memory(memory) => memory.store,
            Extern::Global(global) => global.store,
            Extern::Tag(tag) => tag.store,
        }
    }
}

macro_rules! extern_from {
    ($($name:ident)*) => {$(
        impl From<$name> for Extern {
            fn from(value: $name) -> Extern { Extern::$name(value) }
        }
    )*};
}
extern_from!(Func Table Memory Global Tag);

/// Panics if a handle is used with a store that it does not belong to.
pub(crate) fn assert_store(core: &StoreCore, store: StoreId) {
    assert!(core.id == store, "a handle was used with another store than its own");
}

/// Where a memory's bytes are.
pub(crate) enum Backing {
    Own(LinearMemory),
    Shared(SharedMemory),
}

impl Backing {
    pub(crate) fn desc(&mut self) -> *mut MemoryDesc {
        match self {
            Backing::Own(memory) => memory.desc(),
            Backing::Shared(memory) => memory.desc(),
        }
    }

    pub(crate) fn grow(&mut self, pages: u64) -> Option<u64> {
        match self {
            Backing::Own(memory) => memory.grow(pages),
            Backing::Shared(memory) => memory.grow(pages),
        }
    }

    /// Most pages that it may have.
    pub(crate) fn limit_pages(&self) -> u64 {
        match self {
            Backing::Own(memory) => memory.limit_pages(),
            Backing::Shared(memory) => memory.limit_pages(),
        }
    }

    pub(crate) fn pages(&self) -> u64 {
        match self {
            Backing::Own(memory) => memory.pages(),
            Backing::Shared(memory) => memory.pages(),
        }
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Backing::Shared(_))
    }
}

/// A memory as the store owns it.
pub(crate) struct MemoryData {
    pub(crate) memory: Backing,
    /// Its type as it was declared.
    ty: MemoryType,
}

impl StoreCore {
    pub(crate) fn new_memory(&mut self, ty: MemoryType) -> Result<Memory, Error> {
        let (limits, most) = (ty.limits, self.page_limit(ty.memory64));
        let limit = limits.max.map_or(most, |max| max.min(most));
        if limits.min > limit {
            let message = format!("the module wants {} pages of memory, and the limit is {limit} pages", limits.min);
            return Err(Error::Limit(message));
        }
        let memory = if ty.shared {
            SharedMemory::with_limit(limits.min, limits.max.unwrap_or(most), limit).map(Backing::Shared)
        } else {
            LinearMemory::new(limits.min, limit).map(Backing::Own)
        };
        let memory = memory.map_err(|error| Error::Limit(format!("no {} pages of memory: {error}", limits.min)))?;
        Ok(self.add_memory(memory, ty))
    }

    fn add_memory(&mut self, memory: Backing, ty: MemoryType) -> Memory {
        let raw = NonNull::from(Box::leak(Box::new(MemoryData { memory, ty })));
        self.memories.push(raw);
        Memory { store: self.id, raw }
    }

    pub(crate) fn new_table(&mut self, ty: TableType, init: u64) -> Result<Table, Error> {
        let most = u64::from(self.table_limit());
        let limit = ty.limits.max.map_or(most, |max| max.min(most));
        if ty.limits.min > limit {
            let message =
                format!("the module wants a table of {} entries, and the limit is {limit} entries", ty.limits.min);
            return Err(Error::Limit(message));
        }
        let mut entries = vec![init; ty.limits.min as usize];
        let desc = TableDesc { base: entries.as_mut_ptr(), len: entries.len() as u64 };
        let raw = NonNull::from(Box::leak(Box::new(TableData { desc, entries, ty, limit })));
        self.tables.push(raw);
        Ok(Table { store: self.id, raw })
    }

    pub(crate) fn new_global(&mut self, ty: GlobalType, bits: [u64; 2]) -> Global {
        let cell: &mut [u64; 2] = Box::leak(Box::new(bits));
        let cell = NonNull::from(cell).cast();
        self.globals.push(cell);
        Global { store: self.id, cell, ty }
    }
}

/// A handle to a linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    pub(crate) store: StoreId,
    pub(crate) raw: NonNull<MemoryData>,
}

// SAFETY: the pointer is followed only with a borrow of its store.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Makes a memory; limits are in pages of 64 KiB.
    ///
    /// # Errors
    /// If the store's limit forbids it or address space is short.
    pub fn new(mut store: impl AsContextMut, ty: impl Into<MemoryType>) -> Result<Memory, Error> {
        store.core_mut().new_memory(ty.into())
    }

    /// Puts a memory that threads share into a store; modules import it as a shared memory.
    pub fn from_shared(mut store: impl AsContextMut, memory: &SharedMemory) -> Memory {
        let limits = Limits { min: memory.pages(), max: Some(memory.max()) };
        let ty = MemoryType { shared: true, ..limits.into() };
        store.core_mut().add_memory(Backing::Shared(memory.clone()), ty)
    }

    /// The memory for other threads' stores, if it is shared.
    pub fn shared(&self, store: impl AsContext) -> Option<SharedMemory> {
        assert_store(store.core(), self.store);
        // SAFETY: the store, which is borrowed, owns the memory.
        match unsafe { &self.raw.as_ref().memory } {
            Backing::Own(_) => None,
            Backing::Shared(memory) => Some(memory.clone()),
        }
    }

    /// Its type, with the current size as the minimum.
    pub fn ty(&self, store: impl AsContext) -> MemoryType {
        assert_store(store.core(), self.store);
        // SAFETY: the store, which is borrowed, owns the memory.
        let data = unsafe { self.raw.as_ref() };
        MemoryType { limits: Limits { min: data.memory.pages(), ..data.ty.limits }, ..data.ty }
    }

    /// Size in pages.
    pub fn pages(&self, store: impl AsContext) -> u64 {
        self.ty(store).limits.min
    }

    /// Adds pages; returns the previous size, or `None` if a limit forbids it.
    pub fn grow(&self, mut store: impl AsContextMut, pages: u64) -> Option<u64> {
        assert_store(store.core_mut(), self.store);
        // SAFETY: the store, which is borrowed mutably, owns the memory.
        unsafe { (*self.raw.as_ptr()).memory.grow(pages) }
    }

    /// Checked access to the bytes.
    pub fn view<'a, S: AsContextMut>(&self, store: &'a mut S) -> GuestMemory<'a> {
        assert_store(store.core_mut(), self.store);
        // SAFETY: the store, which is borrowed mutably during 'a, owns the memory.
        unsafe { GuestMemory::from_desc((*self.raw.as_ptr()).memory.desc()) }
    }
}

/// A table as the store owns it. Compiled code reads the descriptor.
#[repr(C)]
pub(crate) struct TableData {
    pub(crate) desc: TableDesc,
    entries: Vec<u64>,
    pub(crate) ty: TableType,
    limit: u64,
}

impl TableData {
    pub(crate) fn entries(&self) -> &[u64] {
        &self.entries
    }

    pub(crate) fn entries_mut(&mut self) -> &mut [u64] {
        &mut self.entries
    }

    /// Adds entries; returns the previous size.
    pub(crate) fn grow(&mut self, delta: u64, init: u64) -> Option<u64> {
        let old = self.entries.len() as u64;
        let new = old.checked_add(delta).filter(|new| *new <= self.limit)?;
        self.entries.try_reserve(delta as usize).ok()?;
        self.entries.resize(new as usize, init);
        self.desc = TableDesc { base: self.entries.as_mut_ptr(), len: new };
        Some(old)
    }
}

/// A handle to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    pub(crate) store: StoreId,
    pub(crate) raw: NonNull<TableData>,
}

// SAFETY: the pointer is followed only with a borrow of its store.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    /// Makes a table whose entries are all `init`.
    ///
    /// # Errors
    /// If `init` does not fit, or the store's limit forbids the size.
    pub fn new(mut store: impl AsContextMut, ty: TableType, init: Val) -> Result<Table, Error> {
        let core = store.core_mut();
        let bits = reference_bits(core, ty, init)?;
        core.new_table(ty, bits)
    }

    /// Its type, with the current size as the minimum.
    pub fn ty(&self, store: impl AsContext) -> TableType {
        let data = self.data(store.core());
        TableType { limits: Limits { min: data.entries.len() as u64, ..data.ty.limits }, ..data.ty }
    }

    /// Number of entries.
    pub fn size(&self, store: impl AsContext) -> u32 {
        self.data(store.core()).entries.len() as u32
    }

    /// The entry, or `None` beyond the table.
    pub fn get(&self, store: impl AsContext, index: u32) -> Option<Val> {
        let core = store.core();
        let data = self.data(core);
        let bits = *data.entries.get(index as usize)?;
        // SAFETY: the table's entries have its element type.
        Some(unsafe { Val::from_bits(data.ty.element, bits, core.id) })
    }

    /// Replaces an entry.
    ///
    /// # Errors
    /// If the index or the value does not fit.
    pub fn set(&self, mut store: impl AsContextMut, index: u32, value: Val) -> Result<(), Error> {
        let core = store.core_mut();
        let ty = self.data(core).ty;
        let bits = reference_bits(core, ty, value)?;
        // SAFETY: the store, which is borrowed mutably, owns the table.
        let entries = unsafe { &mut (*self.raw.as_ptr()).entries };
        let slot = entries.get_mut(index as usize);
        *slot.ok_or_else(|| Error::Usage(format!("the table has no entry {index}")))? = bits;
        Ok(())
    }

    /// Adds entries; returns the previous size, or `None` if a limit forbids it.
    ///
    /// # Errors
    /// If `init` does not fit.
    pub fn grow(&self, mut store: impl AsContextMut, delta: u32, init: Val) -> Result<Option<u32>, Error> {
        let core = store.core_mut();
        let ty = self.data(core).ty;
        let bits = reference_bits(core, ty, init)?;
        // SAFETY: the store, which is borrowed mutably, owns the table.
        let old = unsafe { (*self.raw.as_ptr()).grow(u64::from(delta), bits) };
        // The store's limit has 32 bits.
        Ok(old.map(|old| old as u32))
    }

    fn data<'a>(&self, core: &'a StoreCore) -> &'a TableData {
        assert_store(core, self.store);
        // SAFETY: the store, which is borrowed during 'a, owns the table.
        unsafe { &*self.raw.as_ptr() }
    }
}

fn reference_bits(core: &StoreCore, ty: TableType, value: Val) -> Result<u64, Error> {
    let bits = (value.ty() == ty.element).then(|| value.to_bits(core.id)).flatten();
    bits.ok_or_else(|| Error::Usage(format!("a table of {:?} cannot hold {value:?}", ty.element)))
}

/// A handle to a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Global {
    pub(crate) store: StoreId,
    pub(crate) cell: NonNull<u64>,
    pub(crate) ty: GlobalType,
}

// SAFETY: the pointer is followed only with a borrow of its store.
unsafe impl Send for Global {}
// SAFETY: as above.
unsafe impl Sync for Global {}

impl Global {
    /// Makes a global.
    ///
    /// # Errors
    /// If the value's type is another.
    pub fn new(mut store: impl AsContextMut, ty: GlobalType, value: Val) -> Result<Global, Error> {
        let core = store.core_mut();
        let bits = global_bits(core, ty, value)?;
        Ok(core.new_global(ty, bits))
    }

    /// Its type.
    pub fn ty(&self) -> GlobalType {
        self.ty
    }

    /// The value.
    pub fn get(&self, store: impl AsContext) -> Val {
        let core = store.core();
        assert_store(core, self.store);
        // SAFETY: the store, which is borrowed, owns the cell of 16 bytes, which holds a value of the global's type.
        unsafe { Val::from_cell(self.ty.content, self.cell.as_ptr().cast::<[u64; 2]>().read(), core.id) }
    }

    /// Changes the value.
    ///
    /// # Errors
    /// If the global is constant or the value's type is another.
    pub fn set(&self, mut store: impl AsContextMut, value: Val) -> Result<(), Error> {
        let core = store.core_mut();
        assert_store(core, self.store);
        if !self.ty.mutable {
            return Err(Error::Usage("the global is constant".into()));
        }
        let bits = global_bits(core, self.ty, value)?;
        // SAFETY: the store, which is borrowed mutably, owns the cell of 16 bytes.
        unsafe { self.cell.as_ptr().cast::<[u64; 2]>().write(bits) };
        Ok(())
    }
}

fn global_bits(core: &StoreCore, ty: GlobalType, value: Val) -> Result<[u64; 2], Error> {
    let bits = (value.ty() == ty.content).then(|| value.to_cell(core.id)).flatten();
    bits.ok_or_else(|| Error::Usage(format!("a global of {:?} cannot hold {value:?}", ty.content)))
}
