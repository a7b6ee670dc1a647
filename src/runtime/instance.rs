//! Instances: the vmctx block of a running module and what belongs to it.

use std::alloc::Layout;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::OnceLock;

use super::error::Error;
use super::exceptions::Tag;
use super::externs::{Extern, Global, Memory, MemoryData, Table, TableData, assert_store};
use super::func::{Func, TypedFunc, WasmParams, WasmResults};
use super::host::HostCtx;
use super::module::Module;
use super::store::{AsContext, CoreAccess, StoreCore, StoreId};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{FuncRef, MemoryDesc, VmCtx, VmLayout};
use crate::sys::mapping::{Reservation, page_size};
use crate::wasm::{ConstExpr, ConstOp, ExportKind, FuncIndex, GlobalIndex, ValType};

/// What the store owns of an instance. Builtins find it through the vmctx.
#[repr(C)]
pub(crate) struct InstanceData {
    /// The guest's frame that called a builtin; written by the builtin's shim.
    pub(crate) exit_fp: usize,
    pub(crate) exit_pc: usize,
    pub(crate) core: *mut StoreCore,
    pub(crate) module: Module,
    pub(crate) block: VmBlock,
    pub(crate) memories: Vec<NonNull<MemoryData>>,
    pub(crate) tables: Vec<NonNull<TableData>>,
    pub(crate) tags: Vec<Tag>,
    /// Where host functions look for exports that this one does not have: the first module of a dynamically linked program.
    pub(crate) fallback: Option<Instance>,
    /// One for each imported host function; the vmctx points to them.
    pub(crate) host_ctxs: Box<[HostCtx]>,
    /// References of element segments; empty once dropped.
    pub(crate) elements: Vec<Vec<u64>>,
    /// Which data segments have been dropped.
    pub(crate) dropped_data: Vec<bool>,
}

/// The allocation of a vmctx.
pub(crate) struct VmBlock {
    base: NonNull<u8>,
    layout: VmLayout,
}

impl VmBlock {
    /// A block of zeros.
    pub(crate) fn new(layout: VmLayout) -> Option<VmBlock> {
        let memory = Self::memory_layout(layout)?;
        // SAFETY: the header alone makes the size greater than zero.
        let base = NonNull::new(unsafe { std::alloc::alloc_zeroed(memory) })?;
        Some(VmBlock { base, layout })
    }

    fn memory_layout(layout: VmLayout) -> Option<Layout> {
        // Offsets in the block are 32-bit displacements.
        i32::try_from(layout.size()).ok()?;
        Layout::from_size_align(layout.size(), 16).ok()
    }

    pub(crate) fn header(&self) -> *mut VmCtx {
        self.base.as_ptr().cast()
    }

    fn at<V>(&self, offset: i32) -> *mut V {
        debug_assert!(usize::try_from(offset).is_ok_and(|offset| offset + size_of::<V>() <= self.layout.size()));
        self.base.as_ptr().wrapping_add(offset as usize).cast()
    }

    pub(crate) fn func_ref(&self, func: FuncIndex) -> NonNull<FuncRef> {
        let pointer = self.at(self.layout.func_ref(func.0));
        // SAFETY: a pointer into the block is not null.
        unsafe { NonNull::new_unchecked(pointer) }
    }

    /// Slot of a table's descriptor.
    pub(crate) fn table(&self, index: u32) -> *mut *mut TableData {
        self.at(self.layout.table(index))
    }

    /// Slot of a memory's descriptor.
    pub(crate) fn memory(&self, index: u32) -> *mut *mut MemoryDesc {
        self.at(self.layout.memory(index))
    }

    /// Slot of a tag's identity.
    pub(crate) fn tag(&self, index: u32) -> *mut *const c_void {
        self.at(self.layout.tag(index))
    }

    /// Slot of an imported global's cell.
    pub(crate) fn imported_global(&self, index: u32) -> *mut *mut u64 {
        self.at(self.layout.imported_global(index))
    }

    /// The cell of a global, imported or own.
    pub(crate) fn global(&self, index: GlobalIndex) -> NonNull<u64> {
        let cell = if index.0 < self.layout.imported_globals {
            // SAFETY: slots of imported globals were filled when the instance was made.
            unsafe { *self.imported_global(index.0) }
        } else {
            self.at(self.layout.own_global(index.0))
        };
        NonNull::new(cell).unwrap_or(NonNull::dangling())
    }
}

impl Drop for VmBlock {
    fn drop(&mut self) {
        if let Some(layout) = Self::memory_layout(self.layout) {
            // SAFETY: allocated with the same layout.
            unsafe { std::alloc::dealloc(self.base.as_ptr(), layout) };
        }
    }
}

/// The descriptor of a memory without bytes, whose base is inaccessible.
pub(crate) fn no_memory() -> *const MemoryDesc {
    struct Nothing(MemoryDesc);
    // SAFETY: the descriptor is constant, and its page is inaccessible.
    unsafe impl Send for Nothing {}
    // SAFETY: as above.
    unsafe impl Sync for Nothing {}
    static NOTHING: OnceLock<Nothing> = OnceLock::new();
    let nothing = NOTHING.get_or_init(|| {
        let base = match Reservation::new(page_size()) {
            Ok(page) => {
                let base = page.base();
                std::mem::forget(page);
                base
            }
            // Without a page, the lowest address serves: it is inaccessible, too.
            Err(_) => NonNull::dangling(),
        };
        Nothing(MemoryDesc { base: base.as_ptr(), bytes: 0, shared: false })
    });
    &nothing.0
}

impl InstanceData {
    pub(crate) fn vmctx(&self) -> *mut VmCtx {
        self.block.header()
    }

    pub(crate) fn set_stack_limit(&mut self, limit: usize) {
        // SAFETY: the block lives as long as the instance; the guest is not running.
        unsafe { (*self.vmctx()).stack_limit = limit };
    }

    /// Memory 0.
    pub(crate) fn memory(&self) -> Option<NonNull<MemoryData>> {
        self.memories.first().copied()
    }

    pub(crate) fn owner_pointer(&mut self) -> *mut c_void {
        std::ptr::from_mut(self).cast()
    }

    /// Calls `f` with the contents of own globals' cells.
    pub(crate) fn own_global_words(&self, f: &mut dyn FnMut(u64)) {
        let layout = self.module.info().vm_layout();
        for index in layout.imported_globals..layout.globals {
            // SAFETY: the cell is in the block.
            f(unsafe { self.block.global(GlobalIndex(index)).as_ptr().read() });
        }
    }

    /// The function in entry `index` of table 0.
    pub(crate) fn table_func(&self, index: u32) -> Result<NonNull<FuncRef>, TrapCode> {
        let table = self.tables.first().ok_or(TrapCode::UndefinedElement)?;
        // SAFETY: the store's tables live as long as its instances.
        let table = unsafe { table.as_ref() };
        if table.ty.element != ValType::FuncRef {
            return Err(TrapCode::UndefinedElement);
        }
        let entry = *table.entries().get(index as usize).ok_or(TrapCode::UndefinedElement)?;
        NonNull::new(entry as *mut FuncRef).ok_or(TrapCode::UninitializedElement)
    }

    /// The value of a constant expression. Globals that it reads have their values already.
    pub(crate) fn eval(&self, expr: &ConstExpr) -> u64 {
        if let [op] = expr.0.as_slice() {
            return self.constant(op);
        }
        let mut stack: Vec<u64> = Vec::with_capacity(4);
        for op in &expr.0 {
            let Some(binary) = binary(op) else {
                stack.push(self.constant(op));
                continue;
            };
            // Validation has made sure that there are two operands.
            let (right, left) = (stack.pop().unwrap_or(0), stack.pop().unwrap_or(0));
            stack.push(binary(left, right));
        }
        stack.pop().unwrap_or(0)
    }

    /// The cell of a global that is initialized so.
    pub(crate) fn eval_cell(&self, expr: &ConstExpr) -> [u64; 2] {
        match expr.0.as_slice() {
            [ConstOp::V128(bits)] => [*bits as u64, (*bits >> 64) as u64],
            // SAFETY: the cell belongs to this or another instance of the store and has 16 bytes.
            [ConstOp::GlobalGet(index)] => unsafe { self.block.global(*index).as_ptr().cast::<[u64; 2]>().read() },
            _ => [self.eval(expr), 0],
        }
    }

    fn constant(&self, op: &ConstOp) -> u64 {
        match *op {
            ConstOp::I32(value) => u64::from(value as u32),
            ConstOp::I64(value) => value as u64,
            ConstOp::F32(bits) => u64::from(bits),
            ConstOp::F64(bits) => bits,
            ConstOp::V128(bits) => bits as u64,
            // SAFETY: the cell belongs to this or another instance of the store.
            ConstOp::GlobalGet(index) => unsafe { self.block.global(index).as_ptr().read() },
            ConstOp::RefFunc(index) => self.block.func_ref(index).as_ptr() as u64,
            ConstOp::RefNull
            | ConstOp::I32Add
            | ConstOp::I32Sub
            | ConstOp::I32Mul
            | ConstOp::I64Add
            | ConstOp::I64Sub
            | ConstOp::I64Mul => 0,
        }
    }
}

fn binary(op: &ConstOp) -> Option<fn(u64, u64) -> u64> {
    fn low(value: u64) -> u64 {
        u64::from(value as u32)
    }
    Some(match op {
        ConstOp::I32Add => |a, b| low(a.wrapping_add(b)),
        ConstOp::I32Sub => |a, b| low(a.wrapping_sub(b)),
        ConstOp::I32Mul => |a, b| low(a.wrapping_mul(b)),
        ConstOp::I64Add => u64::wrapping_add,
        ConstOp::I64Sub => u64::wrapping_sub,
        ConstOp::I64Mul => u64::wrapping_mul,
        _ => return None,
    })
}

/// A handle to a running module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instance {
    pub(crate) store: StoreId,
    pub(crate) raw: NonNull<InstanceData>,
}

// SAFETY: the pointer is followed only with a borrow of its store.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    fn data<'a>(&self, core: &'a StoreCore) -> &'a InstanceData {
        assert_store(core, self.store);
        // SAFETY: the store, which is borrowed during 'a, owns the instance.
        unsafe { &*self.raw.as_ptr() }
    }

    /// The module that it is an instance of.
    pub fn module<'a, S: AsContext>(&self, store: &'a S) -> &'a Module {
        &self.data(store.core()).module
    }

    /// The export of that name.
    pub fn get_export(&self, store: impl AsContext, name: &str) -> Option<Extern> {
        let data = self.data(store.core());
        data.module.export(name).and_then(|kind| self.exported(data, kind))
    }

    /// All exports, in the module's order.
    pub fn exports(&self, store: impl AsContext) -> Vec<(String, Extern)> {
        let data = self.data(store.core());
        let exports = data.module.info().exports.iter();
        exports.filter_map(|(name, kind)| Some((name.clone(), self.exported(data, *kind)?))).collect()
    }

    fn exported(&self, data: &InstanceData, kind: ExportKind) -> Option<Extern> {
        let store = self.store;
        Some(match kind {
            ExportKind::Func(index) => Extern::Func(Func { store, raw: data.block.func_ref(index) }),
            ExportKind::Table(index) => Extern::Table(Table { store, raw: *data.tables.get(index.index())? }),
            ExportKind::Memory(index) => Extern::Memory(Memory { store, raw: *data.memories.get(index.index())? }),
            ExportKind::Tag(index) => Extern::Tag(*data.tags.get(index.index())?),
            ExportKind::Global(index) => {
                let ty = *data.module.info().globals.get(index.index())?;
                Extern::Global(Global { store, cell: data.block.global(index), ty })
            }
        })
    }

    /// The exported function of that name.
    pub fn get_func(&self, store: impl AsContext, name: &str) -> Option<Func> {
        match self.get_export(store, name)? {
            Extern::Func(func) => Some(func),
            _ => None,
        }
    }

    /// The exported function of that name, for calls with Rust types.
    ///
    /// # Errors
    /// If there is none, or it has another type.
    pub fn get_typed_func<P: WasmParams, R: WasmResults>(
        &self,
        store: impl AsContext,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let func = self.get_func(&store, name);
        let func = func.ok_or_else(|| Error::Usage(format!("the module exports no function `{name}`")))?;
        func.typed(&store).map_err(|error| Error::Usage(format!("export `{name}`: {error}")))
    }

    /// The exported memory of that name.
    pub fn get_memory(&self, store: impl AsContext, name: &str) -> Option<Memory> {
        match self.get_export(store, name)? {
            Extern::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// The exported table of that name.
    pub fn get_table(&self, store: impl AsContext, name: &str) -> Option<Table> {
        match self.get_export(store, name)? {
            Extern::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The exported global of that name.
    pub fn get_global(&self, store: impl AsContext, name: &str) -> Option<Global> {
        match self.get_export(store, name)? {
            Extern::Global(global) => Some(global),
            _ => None,
        }
    }

    /// The first module of the program that the instance belongs to: itself, unless it was linked dynamically.
    pub fn program(&self, store: impl AsContext) -> Instance {
        self.data(store.core()).fallback.unwrap_or(*self)
    }

    /// Where host functions that this instance imports look for exports that it does not have.
    pub(crate) fn fall_back(&self, mut store: impl super::AsContextMut, other: Instance) {
        assert_store(store.core_mut(), self.store);
        assert_store(store.core_mut(), other.store);
        // SAFETY: the store, which is borrowed mutably, owns the instance.
        unsafe { (*self.raw.as_ptr()).fallback = Some(other) };
    }

    /// The memory (the first one) that the instance's code uses, exported or not.
    pub fn memory(&self, store: impl AsContext) -> Option<Memory> {
        let raw = self.data(store.core()).memory()?;
        Some(Memory { store: self.store, raw })
    }
}
