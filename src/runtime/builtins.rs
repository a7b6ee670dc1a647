//! Bulk operations on memories, tables and segments, and the table of builtins through which compiled code calls them.

use std::mem::offset_of;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::call::{self, Reason};
use super::externs::TableData;
use super::instance::InstanceData;
use super::store::serve_poll;
use crate::abi::builtins::Builtin;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{VmCtx, offset};
use crate::memory::GuestMemory;
use crate::memory::parking::{self, Waited};
use crate::sys::exit_shim;

/// `start..start + len` as indices of something that has `size` elements.
fn range(start: u64, len: u64, size: usize, code: TrapCode) -> Result<std::ops::Range<usize>, TrapCode> {
    let end = start.checked_add(len).ok_or(code)?;
    if end <= size as u64 { Ok(start as usize..end as usize) } else { Err(code) }
}

impl InstanceData {
    fn guest_memory(&mut self, index: u32) -> GuestMemory<'_> {
        match self.memories.get(index as usize) {
            // SAFETY: the store's memories live as long as its instances; `self` stands for the store here.
            Some(memory) => unsafe { GuestMemory::from_desc((*memory.as_ptr()).memory.desc()) },
            None => GuestMemory::empty(),
        }
    }

    /// The host's address of a range of a memory.
    fn memory_range(&mut self, memory: u32, start: u64, len: u64) -> Result<*mut u8, TrapCode> {
        self.guest_memory(memory).check_wide(start, len).ok_or(TrapCode::MemoryOutOfBounds)
    }

    fn table(&self, index: u32) -> Result<*mut TableData, TrapCode> {
        // Validation has made sure that there is one.
        self.tables.get(index as usize).map(|table| table.as_ptr()).ok_or(TrapCode::TableOutOfBounds)
    }

    pub(crate) fn memory_grow(&mut self, memory: u32, pages: u64) -> u64 {
        let memory = self.memories.get(memory as usize);
        // SAFETY: as in `guest_memory`.
        memory.and_then(|memory| unsafe { (*memory.as_ptr()).memory.grow(pages) }).unwrap_or(u64::MAX)
    }

    fn memory_fill(&mut self, memory: u32, dst: u64, value: u32, len: u64) -> Result<(), TrapCode> {
        let dst = self.memory_range(memory, dst, len)?;
        // SAFETY: the range is accessible.
        unsafe { dst.write_bytes(value as u8, len as usize) };
        Ok(())
    }

    fn memory_copy(&mut self, memories: (u32, u32), dst: u64, src: u64, len: u64) -> Result<(), TrapCode> {
        let dst = self.memory_range(memories.0, dst, len)?;
        let src = self.memory_range(memories.1, src, len)?;
        // SAFETY: both ranges are accessible; they may overlap.
        unsafe { std::ptr::copy(src, dst, len as usize) };
        Ok(())
    }

    pub(crate) fn memory_init(
        &mut self,
        memory: u32,
        segment: u32,
        dst: u64,
        src: u32,
        len: u32,
    ) -> Result<(), TrapCode> {
        let module = self.module.clone();
        let dropped = self.dropped_data.get(segment as usize).copied().unwrap_or(true);
        let bytes = if dropped { &[] } else { module.data_segment(segment) };
        let source = range(src.into(), len.into(), bytes.len(), TrapCode::MemoryOutOfBounds)?;
        let bytes = bytes.get(source).unwrap_or_default();
        let dst = self.memory_range(memory, dst, bytes.len() as u64)?;
        // SAFETY: the range is accessible, and the module's bytes are not in it.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), dst, bytes.len()) };
        Ok(())
    }

    pub(crate) fn data_drop(&mut self, segment: u32) {
        if let Some(dropped) = self.dropped_data.get_mut(segment as usize) {
            *dropped = true;
        }
    }

    fn table_grow(&mut self, table: u32, init: u64, delta: u64) -> u64 {
        // SAFETY: the store's tables live as long as its instances; no other reference to it exists.
        self.table(table).ok().and_then(|table| unsafe { (*table).grow(delta, init) }).unwrap_or(u64::MAX)
    }

    fn table_fill(&mut self, table: u32, dst: u64, value: u64, len: u64) -> Result<(), TrapCode> {
        // SAFETY: as in `table_grow`.
        let entries = unsafe { (*self.table(table)?).entries_mut() };
        let range = range(dst, len, entries.len(), TrapCode::TableOutOfBounds)?;
        if let Some(entries) = entries.get_mut(range) {
            entries.fill(value);
        }
        Ok(())
    }

    fn table_copy(&mut self, tables: (u32, u32), dst: u64, src: u64, len: u64) -> Result<(), TrapCode> {
        let (dst_table, src_table) = (self.table(tables.0)?, self.table(tables.1)?);
        // SAFETY: as in `table_grow`; each reference ends before the next begins.
        unsafe {
            let from = range(src, len, (*src_table).entries().len(), TrapCode::TableOutOfBounds)?;
            let to = range(dst, len, (*dst_table).entries().len(), TrapCode::TableOutOfBounds)?;
            let source = (*src_table).entries_mut().as_ptr().add(from.start);
            let target = (*dst_table).entries_mut().as_mut_ptr().add(to.start);
            std::ptr::copy(source, target, len as usize);
        }
        Ok(())
    }

    pub(crate) fn table_init(
        &mut self,
        table: u32,
        segment: u32,
        dst: u64,
        src: u32,
        len: u32,
    ) -> Result<(), TrapCode> {
        let values: &[u64] = self.elements.get(segment as usize).map_or(&[], Vec::as_slice);
        // SAFETY: as in `table_grow`.
        let entries = unsafe { (*self.table(table)?).entries_mut() };
        let from = range(src.into(), len.into(), values.len(), TrapCode::TableOutOfBounds)?;
        let to = range(dst, len.into(), entries.len(), TrapCode::TableOutOfBounds)?;
        if let (Some(entries), Some(values)) = (entries.get_mut(to), values.get(from)) {
            entries.copy_from_slice(values);
        }
        Ok(())
    }

    pub(crate) fn elem_drop(&mut self, segment: u32) {
        if let Some(values) = self.elements.get_mut(segment as usize) {
            *values = Vec::new();
        }
    }
}

/// Waiting threads.
impl InstanceData {
    /// The host address of an aligned word.
    fn atomic_word(&mut self, memory: u32, address: u64, bytes: u64) -> Result<*mut u8, TrapCode> {
        if !address.is_multiple_of(bytes) {
            return Err(TrapCode::UnalignedAtomic);
        }
        self.memory_range(memory, address, bytes)
    }

    fn is_memory_shared(&self, memory: u32) -> bool {
        let memory = self.memories.get(memory as usize);
        // SAFETY: as in `guest_memory`.
        memory.is_some_and(|memory| unsafe { (*memory.as_ptr()).memory.is_shared() })
    }

    /// `W` is the atomic type of the word that is waited at.
    pub(crate) fn atomic_wait<W>(
        &mut self,
        memory: u32,
        address: u64,
        expected: impl FnOnce(&W) -> bool,
        timeout: i64,
    ) -> Result<u64, TrapCode> {
        let word = self.atomic_word(memory, address, size_of::<W>() as u64)?;
        if !self.is_memory_shared(memory) {
            return Err(TrapCode::ExpectedSharedMemory);
        }
        let timeout = u64::try_from(timeout).ok().map(Duration::from_nanos);
        // SAFETY: the store lives while its guest runs; the word is aligned and accessible, and shared memories do not shrink.
        let outcome = unsafe {
            let core = &*self.core;
            let interrupt = core.engine.config().interruptible.then_some(&*core.interrupt);
            parking::wait(word, || expected(&*word.cast::<W>()), timeout, interrupt)
        };
        if outcome == Waited::Interrupted { Err(TrapCode::Interrupt) } else { Ok(outcome as u64) }
    }

    pub(crate) fn atomic_notify(&mut self, memory: u32, address: u64, count: u32) -> Result<u32, TrapCode> {
        let word = self.atomic_word(memory, address, 4)?;
        Ok(if self.is_memory_shared(memory) { parking::notify(word, count) } else { 0 })
    }
}

/// Gives a builtin's result back, or leaves the guest.
///
/// # Safety
/// Compiled code called the running builtin with this vmctx.
unsafe fn settle<V: Default>(vmctx: *mut VmCtx, result: Result<V, TrapCode>) -> V {
    match result {
        Ok(value) => value,
        // A thread that waits for another was asked to call the host: it goes on as if it had been woken, as every C library expects.
        // SAFETY: compiled code called the builtin, which has finished with the instance.
        Err(TrapCode::Interrupt) => match unsafe { serve_poll((*vmctx).owner.cast()) } {
            Ok(()) => V::default(),
            // SAFETY: as below.
            Err(trap) => unsafe {
                let owner = (*vmctx).owner.cast::<InstanceData>();
                call::leave(Reason::Trap(trap), ((*owner).exit_fp, (*owner).exit_pc))
            },
        },
        // SAFETY: the shim noted the frame in the owner; the builtins' frames hold nothing that must be dropped.
        Err(code) => unsafe {
            let owner = (*vmctx).owner.cast::<InstanceData>();
            call::leave(Reason::Trap(code.into()), ((*owner).exit_fp, (*owner).exit_pc))
        },
    }
}

macro_rules! entries {
    ($($name:ident($this:ident $(, $arg:ident: $ty:ty)*) $(-> $ret:ty)? $body:block)*) => {
        /// Native entry of a builtin.
        fn entry(builtin: Builtin) -> *const u8 {
            match builtin {
                $(Builtin::$name => {
                    #[unsafe(naked)]
                    unsafe extern "C" fn shim() {
                        exit_shim!(
                            through offset::OWNER, offset_of!(InstanceData, exit_fp), offset_of!(InstanceData, exit_pc),
                            native
                        )
                    }
                    unsafe extern "C" fn native(vmctx: *mut VmCtx $(, $arg: $ty)*) $(-> $ret)? {
                        // SAFETY: compiled code passes its own vmctx, whose owner is its instance; nobody
                        // else uses the instance while the builtin runs.
                        unsafe {
                            let result = {
                                let $this = &mut *(*vmctx).owner.cast::<InstanceData>();
                                $body
                            };
                            settle(vmctx, result)
                        }
                    }
                    shim as *const u8
                })*
            }
        }
    };
}

entries! {
    memory_grow(this, memory: u32, pages: u64) -> u64 { Ok(this.memory_grow(memory, pages)) }
    memory_fill(this, memory: u32, dst: u64, value: u32, len: u64) { this.memory_fill(memory, dst, value, len) }
    memory_copy(this, dst_memory: u32, src_memory: u32, dst: u64, src: u64, len: u64) {
        this.memory_copy((dst_memory, src_memory), dst, src, len)
    }
    memory_init(this, memory: u32, segment: u32, dst: u64, src: u32, len: u32) {
        this.memory_init(memory, segment, dst, src, len)
    }
    data_drop(this, segment: u32) { this.data_drop(segment); Ok(()) }
    table_grow(this, table: u32, init: u64, delta: u64) -> u64 { Ok(this.table_grow(table, init, delta)) }
    table_fill(this, table: u32, dst: u64, value: u64, len: u64) { this.table_fill(table, dst, value, len) }
    table_copy(this, dst_table: u32, src_table: u32, dst: u64, src: u64, len: u64) {
        this.table_copy((dst_table, src_table), dst, src, len)
    }
    table_init(this, table: u32, segment: u32, dst: u64, src: u32, len: u32) {
        this.table_init(table, segment, dst, src, len)
    }
    elem_drop(this, segment: u32) { this.elem_drop(segment); Ok(()) }
    exception_new(this, tag: u32) -> u64 { this.exception_new(tag) }
    throw(this, exception: u64) { this.throw(exception) }
    atomic_wait32(this, memory: u32, address: u64, expected: u32, timeout: i64) -> u64 {
        this.atomic_wait::<AtomicU32>(memory, address, |word| word.load(Ordering::SeqCst) == expected, timeout)
    }
    atomic_wait64(this, memory: u32, address: u64, expected: u64, timeout: i64) -> u64 {
        this.atomic_wait::<AtomicU64>(memory, address, |word| word.load(Ordering::SeqCst) == expected, timeout)
    }
    atomic_notify(this, memory: u32, address: u64, count: u32) -> u64 { this.atomic_notify(memory, address, count).map(u64::from) }
}

/// The table that vmctx headers point to.
pub(crate) fn table() -> *const *const u8 {
    struct Table(Vec<*const u8>);
    // SAFETY: addresses of functions.
    unsafe impl Send for Table {}
    // SAFETY: as above; never changed.
    unsafe impl Sync for Table {}
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| Table(Builtin::ALL.iter().map(|builtin| entry(*builtin)).collect())).0.as_ptr()
}
