//! Making an instance: imports, own memory, tables and globals, segments, start function, in the order of the spec.

use std::ptr::NonNull;
use std::sync::Arc;

use super::builtins;
use super::error::Error;
use super::exceptions::{self, Tag, TagData};
use super::externs::{Extern, MemoryData, TableData};
use super::func::{Func, HOST_MARK};
use super::host::{HostCtx, HostFunc};
use super::instance::{Instance, InstanceData, VmBlock, no_memory};
use super::module::Module;
use super::store::StoreCore;
use super::trap::Trap;
use crate::abi::vmctx::{FuncRef, MemoryDesc, VmCtx};
use crate::wasm::{ExportKind, FuncIndex, GlobalIndex, SegmentMode, TagIndex};

/// What an import is satisfied with; its type has been compared.
pub(crate) enum Resolved {
    Extern(Extern),
    Host(Arc<HostFunc>),
    Tag(Arc<TagData>),
}

/// Makes an instance and runs its start function.
///
/// # Safety
/// `core` points to a store that nobody else uses meanwhile. The imports have the types that the module wants, one for
/// each, and belong to the store.
pub(crate) unsafe fn instantiate(
    core: *mut StoreCore,
    module: &Module,
    imports: &[Resolved],
) -> Result<Instance, Error> {
    // SAFETY: exclusive by contract; the reference ends before guest code runs.
    let raw = unsafe { Builder::new(core, module, imports)?.build(imports)? };
    // SAFETY: the store owns the instance, and no guest runs.
    let (instance, start) = unsafe {
        let data = &mut *raw.as_ptr();
        fill_tables(data).map_err(Error::Start)?;
        fill_memory(data).map_err(Error::Start)?;
        let instance = Instance { store: (*core).id, raw };
        (instance, module.info().start.map(|start| Func { store: instance.store, raw: data.block.func_ref(start) }))
    };
    if let Some(start) = start {
        // SAFETY: nobody holds a reference into the store any more; the function takes and returns nothing.
        unsafe { start.invoke_start(core).map_err(Error::Start)? };
    }
    Ok(instance)
}

struct Builder<'a> {
    core: &'a mut StoreCore,
    core_ptr: *mut StoreCore,
    data: Box<InstanceData>,
}

impl<'a> Builder<'a> {
    /// # Safety
    /// See [`instantiate`]; the builder is the only user of the store while it lives.
    unsafe fn new(core_ptr: *mut StoreCore, module: &Module, imports: &[Resolved]) -> Result<Builder<'a>, Error> {
        let info = module.info();
        let block = VmBlock::new(info.vm_layout());
        let block = block.ok_or_else(|| Error::Limit("the module has too many functions or globals".into()))?;
        let hosts = imports.iter().filter(|import| matches!(import, Resolved::Host(_))).count();
        let data = Box::new(InstanceData {
            exit_fp: 0,
            exit_pc: 0,
            core: core_ptr,
            module: module.clone(),
            block,
            memories: Vec::with_capacity(info.memories.len()),
            tables: Vec::with_capacity(info.tables.len()),
            tags: Vec::with_capacity(info.tags.len()),
            fallback: None,
            host_ctxs: Vec::with_capacity(hosts).into_boxed_slice(),
            elements: Vec::with_capacity(info.elements.len()),
            dropped_data: vec![false; info.data.len()],
        });
        // SAFETY: exclusive by contract.
        let core = unsafe { &mut *core_ptr };
        Ok(Builder { core, core_ptr, data })
    }

    /// Makes everything that the vmctx refers to, and hands the instance to the store.
    fn build(mut self, imports: &[Resolved]) -> Result<NonNull<InstanceData>, Error> {
        self.link_others(imports);
        self.own_memories()?;
        self.link_functions(imports)?;
        self.own_functions();
        self.own_tags();
        self.header();
        self.own_tables()?;
        self.own_globals();
        self.elements();
        let raw = NonNull::from(Box::leak(self.data));
        self.core.instances.push(raw);
        Ok(raw)
    }

    fn link_others(&mut self, imports: &[Resolved]) {
        let mut globals = 0;
        for import in imports {
            match import {
                Resolved::Extern(Extern::Table(table)) => self.add_table(table.raw),
                Resolved::Extern(Extern::Memory(memory)) => self.add_memory(memory.raw),
                Resolved::Extern(Extern::Global(global)) => {
                    // SAFETY: the slot is in the block, which nobody else uses yet.
                    unsafe { *self.data.block.imported_global(globals) = global.cell.as_ptr() };
                    globals += 1;
                }
                Resolved::Extern(Extern::Tag(tag)) => self.add_tag(*tag),
                Resolved::Tag(tag) => {
                    let tag = self.core.add_tag(tag.clone());
                    self.add_tag(tag);
                }
                Resolved::Extern(Extern::Func(_)) | Resolved::Host(_) => {}
            }
        }
    }

    fn add_table(&mut self, table: NonNull<TableData>) {
        // The descriptor is the first field of a table.
        // SAFETY: the slot is in the block.
        unsafe { *self.data.block.table(self.data.tables.len() as u32) = table.as_ptr() };
        self.data.tables.push(table);
    }

    fn add_tag(&mut self, tag: Tag) {
        let identity = exceptions::identity(self.core.tag(tag));
        // SAFETY: the slot is in the block.
        unsafe { *self.data.block.tag(self.data.tags.len() as u32) = identity.as_ptr() };
        self.data.tags.push(tag);
    }

    fn own_tags(&mut self) {
        let module = self.data.module.clone();
        let info = module.info();
        for index in info.imported_tags..info.tags.len() as u32 {
            let index = TagIndex(index);
            let exported = info.exports.iter().find(|(_, kind)| *kind == ExportKind::Tag(index));
            let label = exported.map_or_else(|| index.0.to_string(), |(name, _)| name.clone());
            let tag = self.core.add_tag(TagData::new(info.tag_type(index).clone(), label));
            self.add_tag(tag);
        }
    }

    fn add_memory(&mut self, memory: NonNull<MemoryData>) {
        // SAFETY: the store's memories live as long as the store; the slot is in the block.
        unsafe { *self.data.block.memory(self.data.memories.len() as u32) = (*memory.as_ptr()).memory.desc() };
        self.data.memories.push(memory);
    }

    fn own_memories(&mut self) -> Result<(), Error> {
        let module = self.data.module.clone();
        let info = module.info();
        for ty in info.memories.iter().skip(info.imported_memories as usize) {
            let memory = self.core.new_memory(*ty)?;
            self.add_memory(memory.raw);
        }
        Ok(())
    }

    fn memory_desc(&mut self) -> *mut MemoryDesc {
        // SAFETY: the store's memories live as long as the store.
        self.data.memory().map_or(std::ptr::null_mut(), |memory| unsafe { (*memory.as_ptr()).memory.desc() })
    }

    fn shares_memory(&mut self) -> bool {
        let desc = self.memory_desc();
        // SAFETY: descriptors live as long as the store; what this one says does not change.
        !desc.is_null() && unsafe { (*desc).shared }
    }

    fn link_functions(&mut self, imports: &[Resolved]) -> Result<(), Error> {
        let desc = self.memory_desc();
        let desc: *const MemoryDesc = if desc.is_null() { no_memory() } else { desc };
        let instance: *mut InstanceData = &mut *self.data;
        let hosts = imports.iter().filter_map(|import| match import {
            Resolved::Host(host) => Some(host.context(self.core_ptr, instance, desc)),
            Resolved::Extern(_) | Resolved::Tag(_) => None,
        });
        self.data.host_ctxs = hosts.collect();
        let mut contexts = 0;
        let mut index = 0;
        for import in imports {
            let func_ref = match import {
                Resolved::Extern(Extern::Func(func)) => {
                    // SAFETY: the function belongs to the store.
                    unsafe { func.raw.as_ptr().read() }
                }
                Resolved::Host(host) => {
                    contexts += 1;
                    self.host_func(host, index, contexts - 1)?
                }
                Resolved::Extern(_) | Resolved::Tag(_) => continue,
            };
            // SAFETY: the slot is in the block.
            unsafe { self.data.block.func_ref(FuncIndex(index)).as_ptr().write(func_ref) };
            index += 1;
        }
        Ok(())
    }

    fn host_func(&mut self, host: &Arc<HostFunc>, index: u32, context: usize) -> Result<FuncRef, Error> {
        let shared = self.shares_memory();
        let native = host.native_code(&self.core.engine, shared)?;
        self.core.kept.push(host.clone());
        self.core.kept.extend(native.mapping.map(|mapping| mapping as Arc<_>));
        let ctx: *mut HostCtx = self.data.host_ctxs.as_mut_ptr().wrapping_add(context);
        let type_id = self.data.module.type_id_of(FuncIndex(index));
        Ok(FuncRef { code: native.address, ctx: ctx.cast(), type_id, reserved: HOST_MARK })
    }

    fn own_functions(&mut self) {
        let data = &mut *self.data;
        let info = data.module.info();
        for (body, code) in data.module.code().functions().enumerate() {
            let func = info.defined(body);
            let type_id = data.module.type_id_of(func);
            let func_ref = FuncRef { code, ctx: data.vmctx(), type_id, reserved: 0 };
            // SAFETY: the slot is in the block.
            unsafe { data.block.func_ref(func).as_ptr().write(func_ref) };
        }
    }

    fn header(&mut self) {
        let memory = self.memory_desc();
        // SAFETY: descriptors live as long as the store.
        let memory_base = unsafe { (*if memory.is_null() { no_memory() } else { memory.cast_const() }).base };
        let header = VmCtx {
            memory_base,
            memory,
            stack_limit: self.core.stack_limit(),
            interrupt: std::sync::Arc::as_ptr(&self.core.interrupt),
            builtins: builtins::table(),
            floats: 1,
            type_ids: self.data.module.type_ids().as_ptr(),
            owner: self.data.owner_pointer(),
            exception: std::ptr::null_mut(),
        };
        // SAFETY: the header is the block's beginning.
        unsafe { self.data.vmctx().write(header) };
    }

    fn own_tables(&mut self) -> Result<(), Error> {
        let module = self.data.module.clone();
        let info = module.info();
        let own = info.tables.iter().skip(info.imported_tables as usize);
        for (ty, init) in own.zip(&info.table_inits) {
            let init = self.data.eval(init);
            let table = self.core.new_table(*ty, init)?;
            self.add_table(table.raw);
        }
        Ok(())
    }

    fn own_globals(&mut self) {
        let info = self.data.module.info();
        for (index, init) in info.global_inits.iter().enumerate() {
            let index = GlobalIndex(info.imported_globals + index as u32);
            let value = self.data.eval_cell(init);
            // SAFETY: the cell is in the block and has 16 bytes.
            unsafe { self.data.block.global(index).as_ptr().cast::<[u64; 2]>().write(value) };
        }
    }

    fn elements(&mut self) {
        let module = self.data.module.clone();
        for segment in &module.info().elements {
            let values = match segment.mode {
                SegmentMode::Declared => Vec::new(),
                _ => segment.items.iter().map(|item| self.data.eval(item)).collect(),
            };
            self.data.elements.push(values);
        }
    }
}

/// Copies active element segments into their tables.
fn fill_tables(data: &mut InstanceData) -> Result<(), Trap> {
    let module = data.module.clone();
    for (index, segment) in module.info().elements.iter().enumerate() {
        let SegmentMode::Active(table, offset) = &segment.mode else { continue };
        let offset = data.eval(offset);
        data.table_init(table.0, index as u32, offset, 0, segment.items.len() as u32)?;
        data.elem_drop(index as u32);
    }
    Ok(())
}

/// Copies active data segments into their memories.
fn fill_memory(data: &mut InstanceData) -> Result<(), Trap> {
    let module = data.module.clone();
    for (index, segment) in module.info().data.iter().enumerate() {
        let SegmentMode::Active(memory, offset) = &segment.mode else { continue };
        let offset = data.eval(offset);
        data.memory_init(memory.0, index as u32, offset, 0, segment.bytes.len() as u32)?;
        data.data_drop(index as u32);
    }
    Ok(())
}
