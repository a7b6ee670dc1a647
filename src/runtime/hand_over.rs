//! Handing a running instance over to somebody else who runs the same module on the same memory (the kernel), and taking it back.

use super::call;
use super::error::Error;
use super::func::target;
use super::host::Caller;
use super::instance::InstanceData;
use super::module::Module;
use super::store::AsContext;
use super::trap::Trap;
use crate::abi::vmctx::FuncRef;
use crate::codegen::{CodeImage, CodegenError, Options, compile_module};
use crate::memory::PAGE_BYTES;
use crate::wasm::{FuncIndex, GlobalIndex};

/// What an instance's code refers to, without addresses.
#[derive(Debug)]
pub struct HandedOver {
    /// Values of all globals, imported ones first.
    pub globals: Vec<[u64; 2]>,
    /// Entries of all tables: function numbers plus one, 0 for null.
    pub tables: Vec<Vec<u32>>,
    /// Address of the first byte of linear memory.
    pub memory: *mut u8,
    /// Size of memory in pages.
    pub pages: u32,
    /// Most pages that it may have.
    pub max_pages: u32,
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

impl<T: 'static> Caller<'_, T> {
    fn owner(&self) -> Result<&InstanceData, Error> {
        let instance = self.instance().ok_or_else(|| Error::Usage("no instance calls".into()))?;
        // SAFETY: the store, which `self` borrows, owns the instance.
        Ok(unsafe { &*instance.raw.as_ptr() })
    }

    /// The module of the calling instance.
    ///
    /// # Errors
    /// If no instance calls.
    pub fn module(&self) -> Result<&Module, Error> {
        Ok(&self.owner()?.module)
    }

    /// What the calling instance's code refers to.
    ///
    /// # Errors
    /// If it shares tables or memory with others, or a table holds what no function of its own is.
    pub fn hand_over(&self) -> Result<HandedOver, Error> {
        let data = self.owner()?;
        let info = data.module.info();
        if info.imported_tables != 0 || info.imported_memories != 0 {
            return Err(Error::Usage("the module imports its memory or a table".into()));
        }
        let globals = (0..info.globals.len() as u32).map(|index| {
            // SAFETY: the cell of a global of the instance.
            let value = unsafe { data.block.global(GlobalIndex(index)).as_ptr().read() };
            [value, 0]
        });
        let first = if info.functions.is_empty() { 0 } else { data.block.func_ref(FuncIndex(0)).as_ptr() as u64 };
        let number = |entry: &u64| -> Result<u32, Error> {
            if *entry == 0 {
                return Ok(0);
            }
            let distance = entry.wrapping_sub(first);
            let index = distance / size_of::<FuncRef>() as u64;
            let own = distance.is_multiple_of(size_of::<FuncRef>() as u64) && index < info.functions.len() as u64;
            if own { Ok(index as u32 + 1) } else { Err(Error::Usage("a table holds a foreign function".into())) }
        };
        // SAFETY: the store's tables and memories live as long as the store.
        let tables = data.tables.iter().map(|table| unsafe { table.as_ref() }.entries().iter().map(number).collect());
        // SAFETY: as above; nobody changes the descriptor while `self` is borrowed.
        let desc = unsafe { &*(*data.vmctx()).memory };
        let limit = self.memory_handle().map_or(0, |memory| memory.limit_pages());
        Ok(HandedOver {
            globals: globals.collect(),
            tables: tables.collect::<Result<_, Error>>()?,
            memory: desc.base,
            pages: (desc.bytes / PAGE_BYTES) as u32,
            max_pages: u32::try_from(limit).unwrap_or(u32::MAX),
        })
    }

    /// Replaces the values of own globals by those that the other side has.
    ///
    /// # Errors
    /// If no instance calls.
    pub fn set_own_globals(&mut self, values: &[[u64; 2]]) -> Result<(), Error> {
        let data = self.owner()?;
        let info = data.module.info();
        let own = info.imported_globals..info.globals.len() as u32;
        for (index, value) in own.zip(values) {
            // SAFETY: the cell of a global of the instance, whose guest does not run.
            unsafe { data.block.global(GlobalIndex(index)).as_ptr().write(value[0]) };
        }
        Ok(())
    }

    /// Values of own globals, for the other side.
    ///
    /// # Errors
    /// If no instance calls.
    pub fn own_globals(&self, values: &mut [[u64; 2]]) -> Result<(), Error> {
        let data = self.owner()?;
        let info = data.module.info();
        let own = info.imported_globals..info.globals.len() as u32;
        for (index, value) in own.zip(values) {
            // SAFETY: as above.
            *value = [unsafe { data.block.global(GlobalIndex(index)).as_ptr().read() }, 0];
        }
        Ok(())
    }

    /// Notes that memory has another size, because the other side has made it larger.
    ///
    /// # Safety
    /// As many bytes from the memory's first one are readable and writable.
    pub unsafe fn set_memory_bytes(&mut self, bytes: u64) {
        if let Ok(data) = self.owner() {
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
    pub unsafe fn call_number(&mut self, index: u32, values: &mut [u64]) -> Result<(), Trap> {
        let data = self.owner()?;
        if index as usize >= data.module.info().functions.len() {
            return Err(Trap::host("there is no such function"));
        }
        // SAFETY: the reference is the instance's own; arguments by contract.
        unsafe {
            let func_ref = data.block.func_ref(FuncIndex(index)).as_ptr().read();
            call::invoke(self.store_ptr().core_ptr(), target(&func_ref), values.as_mut_ptr())
        }
    }
}
