//! Runs compiled code with the least that it needs: a memory reservation, a vmctx, a signal handler.
//!
//! A small stand-in for the runtime, so that the back end can be tested alone.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::collections::HashMap;
use std::ptr::null_mut;
use std::sync::atomic::AtomicU32;
use std::sync::{LazyLock, Mutex, Once};
use wasmjit::abi::builtins::Builtin;
use wasmjit::abi::slots::{CALL_BYTES, Slot};
use wasmjit::abi::trap::TrapCode;
use wasmjit::abi::vmctx::{FuncRef, MemoryDesc, TableDesc, VmCtx, VmLayout};
use wasmjit::codegen::{CodeImage, MemoryPolicy, Options, compile_module};
use wasmjit::ir::types::Type;
use wasmjit::wasm::{
    self, ConstExpr, ConstOp, ExportKind, FuncIndex, FuncType, GlobalIndex, Module, SegmentMode, ValType,
};

const GIB: usize = 1 << 30;
const PAGE: usize = 65536;

core::arch::global_asm!(
    ".global wasmjit_test_enter",
    ".global wasmjit_test_recover",
    // (save, trampoline, ctx, code, values) -> whether it trapped
    "wasmjit_test_enter:",
    "push rbp",
    "mov rbp, rsp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "sub rsp, 8",
    "mov [rdi], rsp",
    "mov [rdi + 8], rbp",
    "mov rax, rsi",
    "mov rdi, rdx",
    "mov rsi, rcx",
    "mov rdx, r8",
    "call rax",
    "xor eax, eax",
    "jmp 1f",
    "wasmjit_test_recover:",
    "mov rsp, [rdi]",
    "mov rbp, [rdi + 8]",
    "mov eax, 1",
    "1:",
    "add rsp, 8",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
);

unsafe extern "C" {
    fn wasmjit_test_enter(
        save: *mut u64,
        trampoline: *const u8,
        ctx: *mut u8,
        code: *const u8,
        values: *mut u64,
    ) -> u32;
    fn wasmjit_test_recover(save: *const u64) -> !;
}

/// A call in progress.
struct Activation {
    save: [u64; 2],
    code: Vec<(usize, *const CodeImage)>,
}

thread_local! {
    static CURRENT: Cell<*mut Activation> = const { Cell::new(null_mut()) };
    static TRAP: Cell<u8> = const { Cell::new(0) };
    static TRAP_LOC: Cell<u32> = const { Cell::new(0) };
}

/// Stops the running guest.
fn raise(code: TrapCode) -> ! {
    TRAP.set(code as u8);
    // SAFETY: builtins run inside of an activation, whose frame is still there.
    unsafe { wasmjit_test_recover((*CURRENT.get()).save.as_ptr()) }
}

extern "C" fn on_signal(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a valid context; the activation lives while guest code runs.
    unsafe {
        let context = &mut *(context as *mut libc::ucontext_t);
        let regs = &mut context.uc_mcontext.gregs;
        let pc = regs[libc::REG_RIP as usize] as usize;
        if let Some(activation) = CURRENT.get().as_ref() {
            for &(base, image) in &activation.code {
                let mut pc = pc;
                let in_slot = |slot: &&Slot| slot.faults_for_caller() && pc == base + slot.offset();
                if (*image).options().thunks && Slot::ALL.iter().find(in_slot).is_some() {
                    // The fault is the call's whose return address is on top of the stack.
                    pc = *(regs[libc::REG_RSP as usize] as *const usize) - CALL_BYTES;
                }
                if let Some(site) = pc.checked_sub(base).and_then(|at| (*image).trap_at(u32::try_from(at).ok()?)) {
                    TRAP.set(site.code as u8);
                    TRAP_LOC.set(site.loc);
                    regs[libc::REG_RIP as usize] = wasmjit_test_recover as *const () as i64;
                    regs[libc::REG_RDI as usize] = activation.save.as_ptr() as i64;
                    return;
                }
            }
        }
        libc::signal(signal, libc::SIG_DFL);
    }
}

fn prepare_thread() {
    static HANDLER: Once = Once::new();
    thread_local! { static STACK: Vec<u8> = vec![0; 1 << 16]; }
    // SAFETY: plain libc calls with live buffers; the alternate stack lives as long as the thread.
    unsafe {
        HANDLER.call_once(|| {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = on_signal as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE] {
                libc::sigaction(signal, &action, null_mut());
            }
        });
        STACK.with(|stack| {
            let stack = libc::stack_t { ss_sp: stack.as_ptr() as *mut _, ss_flags: 0, ss_size: stack.len() };
            libc::sigaltstack(&stack, null_mut());
        });
    }
}

static TYPES: LazyLock<Mutex<HashMap<FuncType, u32>>> = LazyLock::new(Mutex::default);

/// The id of a function type, the same in every guest.
pub fn type_id(ty: &FuncType) -> u32 {
    let mut types = TYPES.lock().unwrap();
    let next = types.len() as u32 + 1000;
    *types.entry(ty.clone()).or_insert(next)
}

/// Cells of 8 bytes that values of these types take.
pub fn cells(types: &[ValType]) -> usize {
    types.iter().map(|ty| Type::from(*ty).cells() as usize).sum()
}

/// What a call gave, in cells.
pub type Outcome = Result<Vec<u64>, TrapCode>;

/// A running module.
pub struct Guest {
    pub module: Module,
    pub image: Box<CodeImage>,
    code: *mut u8,
    ctx: Vec<u128>,
    pub memory: *mut u8,
    reservation: *mut u8,
    desc: Box<MemoryDesc>,
    tables: Vec<(Box<TableDesc>, Vec<u64>)>,
    type_ids: Vec<u32>,
    builtins: Vec<*const u8>,
    pub interrupt: Box<AtomicU32>,
    bytes: Vec<u8>,
    dropped_data: Vec<bool>,
    dropped_elems: Vec<bool>,
    max_pages: u64,
    layout: VmLayout,
}

impl Drop for Guest {
    fn drop(&mut self) {
        // SAFETY: both were mapped by `new` with these sizes.
        unsafe {
            libc::munmap(self.reservation.cast(), 9 * GIB);
            libc::munmap(self.code.cast(), self.image.code().len().max(1));
        }
    }
}

fn map_code(code: &[u8]) -> *mut u8 {
    // SAFETY: a fresh mapping, written before it is made executable.
    unsafe {
        let len = code.len().max(1);
        let at = libc::mmap(
            null_mut(),
            len,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        assert_ne!(at, libc::MAP_FAILED);
        std::ptr::copy_nonoverlapping(code.as_ptr(), at.cast(), code.len());
        assert_eq!(libc::mprotect(at, len, libc::PROT_READ | libc::PROT_EXEC), 0);
        at.cast()
    }
}

impl Guest {
    /// Compiles and instantiates a module in text form.
    pub fn wat(text: &str, options: &Options) -> Box<Guest> {
        Guest::new(&wat::parse_str(text).unwrap(), options, &[])
    }

    /// Compiles and instantiates a module; `imports` are its imported functions.
    pub fn new(bytes: &[u8], options: &Options, imports: &[FuncRef]) -> Box<Guest> {
        Guest::try_new(bytes, options, imports).unwrap()
    }

    /// As [`Guest::new`]; an initialization that traps is an error.
    pub fn try_new(bytes: &[u8], options: &Options, imports: &[FuncRef]) -> Result<Box<Guest>, TrapCode> {
        prepare_thread();
        let module = wasm::parse(bytes).unwrap();
        let image = Box::new(compile_module(&module, bytes, options).unwrap());
        let image = Box::new(CodeImage::deserialize(&image.serialize()).expect("an image survives serialization"));
        assert!(image.fits(&module));
        let code = map_code(image.code());
        let layout = module.vm_layout();
        // SAFETY: a fresh inaccessible reservation.
        let reservation = unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            libc::mmap(null_mut(), 9 * GIB, libc::PROT_NONE, flags, -1, 0) as *mut u8
        };
        assert_ne!(reservation.cast(), libc::MAP_FAILED);
        if options.memory == MemoryPolicy::Explicit {
            // Nothing faults, so that a check that is missing is not made up for.
            // SAFETY: the mapping is ours.
            assert_eq!(unsafe { libc::mprotect(reservation.cast(), 9 * GIB, libc::PROT_READ | libc::PROT_WRITE) }, 0);
        }
        // SAFETY: within the reservation.
        let memory = unsafe { reservation.add(2 * GIB) };
        let limits = module.memories.first().map(|ty| ty.limits);
        let max_pages = limits.map_or(0, |limits| limits.max.unwrap_or(65536).min(1024));
        let mut guest = Box::new(Guest {
            code,
            ctx: vec![0; layout.size().div_ceil(16) + 1],
            memory,
            reservation,
            desc: Box::new(MemoryDesc { base: memory, bytes: 0, shared: false }),
            tables: Vec::new(),
            type_ids: module.types.iter().map(type_id).collect(),
            builtins: builtins(),
            interrupt: Box::new(AtomicU32::new(0)),
            bytes: bytes.to_vec(),
            dropped_data: vec![false; module.data.len()],
            dropped_elems: vec![false; module.elements.len()],
            max_pages,
            layout,
            module,
            image,
        });
        if let Some(limits) = limits {
            assert_eq!(guest.grow(limits.min), 0);
        }
        guest.fill_ctx(imports);
        guest.initialize()?;
        Ok(guest)
    }

    fn ctx(&self) -> *mut u8 {
        self.ctx.as_ptr() as *mut u8
    }

    fn put<T>(&self, offset: i32, value: T) {
        assert!(offset as usize + size_of::<T>() <= self.ctx.len() * 16);
        // SAFETY: inside of the vmctx.
        unsafe { self.ctx().add(offset as usize).cast::<T>().write_unaligned(value) }
    }

    fn get<T>(&self, offset: i32) -> T {
        // SAFETY: inside of the vmctx, which is initialized to zero.
        unsafe { self.ctx().add(offset as usize).cast::<T>().read_unaligned() }
    }

    fn fill_ctx(&mut self, imports: &[FuncRef]) {
        let header = VmCtx {
            memory_base: self.memory,
            memory: &mut *self.desc,
            stack_limit: 0,
            interrupt: &*self.interrupt,
            builtins: self.builtins.as_ptr(),
            type_ids: self.type_ids.as_ptr(),
            owner: (self as *mut Guest).cast(),
            exception: null_mut(),
            floats: 1,
        };
        self.put(0, header);
        for (index, func) in imports.iter().enumerate() {
            self.put(self.layout.func_ref(index as u32), *func);
        }
        assert_eq!(imports.len(), self.module.imported_functions as usize);
        for body in 0..self.module.bodies.len() {
            let func = self.module.defined(body);
            let range = self.image.function(func).unwrap();
            let reference = FuncRef {
                code: self.code.wrapping_add(range.start),
                ctx: self.ctx().cast(),
                type_id: type_id(self.module.func_type(func)),
                reserved: 0,
            };
            self.put(self.layout.func_ref(func.0), reference);
        }
        for (index, table) in self.module.tables.iter().enumerate() {
            let mut entries = vec![0u64; table.limits.min as usize];
            let mut desc = Box::new(TableDesc { base: entries.as_mut_ptr(), len: entries.len() as u64 });
            let at: *mut TableDesc = &mut *desc;
            self.tables.push((desc, entries));
            self.put(self.layout.table(index as u32), at);
        }
        if !self.module.memories.is_empty() {
            let desc: *mut MemoryDesc = &mut *self.desc;
            self.put(self.layout.memory(0), desc);
        }
    }

    fn initialize(&mut self) -> Result<(), TrapCode> {
        for (index, init) in self.module.global_inits.iter().enumerate() {
            let at = self.layout.own_global(self.module.imported_globals + index as u32);
            match init.0[..] {
                [ConstOp::V128(bits)] => self.put(at, bits),
                [ConstOp::GlobalGet(GlobalIndex(other))] => {
                    self.put(at, self.get::<u128>(self.layout.own_global(other)))
                }
                _ => self.put(at, self.evaluate(init)),
            }
        }
        for (index, init) in self.module.table_inits.clone().iter().enumerate() {
            let value = self.evaluate(init);
            self.tables[index].1.fill(value);
        }
        for index in 0..self.module.elements.len() {
            let segment = &self.module.elements[index];
            if let SegmentMode::Active(table, offset) = &segment.mode {
                let (table, at, len) = (table.0, self.evaluate(offset) as u32, segment.items.len() as u32);
                if !self.init_table(table, index as u32, at, 0, len) {
                    return Err(TrapCode::TableOutOfBounds);
                }
            }
            if !matches!(self.module.elements[index].mode, SegmentMode::Passive) {
                self.dropped_elems[index] = true;
            }
        }
        for index in 0..self.module.data.len() {
            let segment = &self.module.data[index];
            if let SegmentMode::Active(_, offset) = &segment.mode {
                let (at, len) = (self.evaluate(offset) as u32, segment.bytes.len() as u32);
                if !self.init_memory(index as u32, at, 0, len) {
                    return Err(TrapCode::MemoryOutOfBounds);
                }
                self.dropped_data[index] = true;
            }
        }
        match self.module.start {
            Some(start) => self.call_index(start, &[]).map(|_| ()),
            None => Ok(()),
        }
    }

    fn func_address(&self, func: FuncIndex) -> u64 {
        self.ctx() as u64 + self.layout.func_ref(func.0) as u64
    }

    fn evaluate(&self, expr: &ConstExpr) -> u64 {
        let mut stack = Vec::new();
        for op in &expr.0 {
            let value = match *op {
                ConstOp::I32(value) => value as u32 as u64,
                ConstOp::I64(value) => value as u64,
                ConstOp::F32(bits) => bits as u64,
                ConstOp::F64(bits) => bits,
                ConstOp::V128(bits) => bits as u64,
                ConstOp::GlobalGet(GlobalIndex(index)) => self.get(self.layout.own_global(index)),
                ConstOp::RefFunc(func) => self.func_address(func),
                ConstOp::RefNull => 0,
                _ => {
                    let (b, a): (u64, u64) = (stack.pop().unwrap(), stack.pop().unwrap());
                    match op {
                        ConstOp::I32Add => (a as u32).wrapping_add(b as u32) as u64,
                        ConstOp::I32Sub => (a as u32).wrapping_sub(b as u32) as u64,
                        ConstOp::I32Mul => (a as u32).wrapping_mul(b as u32) as u64,
                        ConstOp::I64Add => a.wrapping_add(b),
                        ConstOp::I64Sub => a.wrapping_sub(b),
                        _ => a.wrapping_mul(b),
                    }
                }
            };
            stack.push(value);
        }
        stack.pop().unwrap()
    }

    /// Calls an export.
    pub fn call(&self, name: &str, args: &[u64]) -> Result<Vec<u64>, TrapCode> {
        match self.module.export(name) {
            Some(ExportKind::Func(func)) => self.call_index(func, args),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Calls an own function.
    pub fn call_index(&self, func: FuncIndex, args: &[u64]) -> Result<Vec<u64>, TrapCode> {
        let ty = self.module.func_type(func);
        assert_eq!(args.len(), cells(&ty.params));
        let mut values = args.to_vec();
        values.resize(args.len().max(cells(&ty.results)).max(1), 0);
        let trampoline = self.image.trampoline(self.module.functions[func.index()]).unwrap();
        let reference: FuncRef = self.get(self.layout.func_ref(func.0));
        let mut activation = Activation { save: [0; 2], code: vec![(self.code as usize, &*self.image)] };
        let limit = (&raw const activation) as usize - 400 * 1024;
        self.put(wasmjit::abi::vmctx::offset::STACK_LIMIT, limit);
        let before = CURRENT.replace(&mut activation);
        // SAFETY: the code was compiled for this vmctx, and the values have room for arguments and results.
        let trapped = unsafe {
            wasmjit_test_enter(
                activation.save.as_mut_ptr(),
                self.code.add(trampoline),
                reference.ctx.cast(),
                reference.code,
                values.as_mut_ptr(),
            )
        };
        CURRENT.set(before);
        if trapped != 0 {
            return Err(TrapCode::from_u8(TRAP.get()).unwrap());
        }
        values.truncate(cells(&ty.results));
        Ok(values)
    }

    /// Where the last trap stood in the module.
    pub fn trap_loc() -> u32 {
        TRAP_LOC.get()
    }

    /// The reference to a function, for other guests' imports.
    pub fn func_ref(&self, name: &str) -> FuncRef {
        match self.module.export(name) {
            Some(ExportKind::Func(func)) => self.get(self.layout.func_ref(func.0)),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// A global's bits.
    pub fn global(&self, index: u32) -> u128 {
        self.get(self.layout.own_global(index))
    }

    /// Sets a table's entry.
    pub fn set_entry(&mut self, table: usize, index: usize, value: u64) {
        self.tables[table].1[index] = value;
    }

    /// The memory's contents. Compiled code shares the bytes anyway; tests use one view at a time.
    #[allow(clippy::mut_from_ref)]
    pub fn contents(&self) -> &mut [u8] {
        // SAFETY: that much is accessible.
        unsafe { std::slice::from_raw_parts_mut(self.memory, self.desc.bytes as usize) }
    }

    fn grow(&mut self, pages: u64) -> u32 {
        let old = self.desc.bytes / PAGE as u64;
        if self.module.memories.is_empty() || old + pages > self.max_pages {
            return u32::MAX;
        }
        self.desc.bytes = (old + pages) * PAGE as u64;
        // SAFETY: inside of the reservation.
        unsafe { libc::mprotect(self.memory.cast(), self.desc.bytes as usize, libc::PROT_READ | libc::PROT_WRITE) };
        old as u32
    }

    fn init_memory(&mut self, segment: u32, dst: u32, src: u32, len: u32) -> bool {
        let range = self.module.data[segment as usize].bytes.clone();
        let data = if self.dropped_data[segment as usize] { &[] } else { &self.bytes[range] };
        let (dst, src, len) = (dst as usize, src as usize, len as usize);
        let Some(data) = data.get(src..src + len) else { return false };
        let Some(to) = self.contents().get_mut(dst..dst + len) else { return false };
        to.copy_from_slice(data);
        true
    }

    fn init_table(&mut self, table: u32, segment: u32, dst: u32, src: u32, len: u32) -> bool {
        let items = if self.dropped_elems[segment as usize] {
            Vec::new()
        } else {
            self.module.elements[segment as usize].items.clone()
        };
        let (dst, src, len) = (dst as usize, src as usize, len as usize);
        let Some(items) = items.get(src..src + len) else { return false };
        let values: Vec<u64> = items.iter().map(|item| self.evaluate(item)).collect();
        let Some(to) = self.tables[table as usize].1.get_mut(dst..dst + len) else { return false };
        to.copy_from_slice(&values);
        true
    }
}

/// The guest that a builtin was called by.
fn owner<'a>(ctx: *mut VmCtx) -> &'a mut Guest {
    // SAFETY: `fill_ctx` put it there, and the guest lives while its code runs.
    unsafe { &mut *(*ctx).owner.cast() }
}

fn check(ok: bool, code: TrapCode) {
    if !ok {
        raise(code);
    }
}

extern "C" fn memory_grow(ctx: *mut VmCtx, _: u32, pages: u64) -> u64 {
    // Of a 32-bit memory, the upper half means nothing.
    owner(ctx).grow(pages) as u64 & 0xffff_ffff | 0xdead_beef << 32
}

extern "C" fn memory_fill(ctx: *mut VmCtx, _: u32, dst: u64, value: u32, len: u64) {
    let to = owner(ctx).contents().get_mut(dst as usize..dst as usize + len as usize);
    check(to.is_some(), TrapCode::MemoryOutOfBounds);
    to.unwrap().fill(value as u8);
}

extern "C" fn memory_copy(ctx: *mut VmCtx, _: u32, _: u32, dst: u64, src: u64, len: u64) {
    let (dst, src, len) = (dst as usize, src as usize, len as usize);
    let memory = owner(ctx).contents();
    check(dst.max(src) + len <= memory.len(), TrapCode::MemoryOutOfBounds);
    memory.copy_within(src..src + len, dst);
}

extern "C" fn memory_init(ctx: *mut VmCtx, _: u32, segment: u32, dst: u64, src: u32, len: u32) {
    let ok = owner(ctx).init_memory(segment, dst as u32, src, len);
    check(ok, TrapCode::MemoryOutOfBounds);
}

extern "C" fn data_drop(ctx: *mut VmCtx, segment: u32) {
    owner(ctx).dropped_data[segment as usize] = true;
}

extern "C" fn table_grow(ctx: *mut VmCtx, table: u32, init: u64, delta: u64) -> u64 {
    let guest = owner(ctx);
    let max = guest.module.tables[table as usize].limits.max.unwrap_or(100_000);
    let (desc, entries) = &mut guest.tables[table as usize];
    let old = entries.len();
    if old as u64 + delta > max {
        return u32::MAX as u64 | 7 << 32;
    }
    entries.resize(old + delta as usize, init);
    **desc = TableDesc { base: entries.as_mut_ptr(), len: entries.len() as u64 };
    old as u64 | 0xdead_beef << 32
}

extern "C" fn table_fill(ctx: *mut VmCtx, table: u32, dst: u64, value: u64, len: u64) {
    let to = owner(ctx).tables[table as usize].1.get_mut(dst as usize..dst as usize + len as usize);
    check(to.is_some(), TrapCode::TableOutOfBounds);
    to.unwrap().fill(value);
}

extern "C" fn table_copy(ctx: *mut VmCtx, to: u32, from: u32, dst: u64, src: u64, len: u64) {
    let guest = owner(ctx);
    let (dst, src, len) = (dst as usize, src as usize, len as usize);
    let ok = src + len <= guest.tables[from as usize].1.len() && dst + len <= guest.tables[to as usize].1.len();
    check(ok, TrapCode::TableOutOfBounds);
    let values = guest.tables[from as usize].1[src..src + len].to_vec();
    guest.tables[to as usize].1[dst..dst + len].copy_from_slice(&values);
}

extern "C" fn table_init(ctx: *mut VmCtx, table: u32, segment: u32, dst: u64, src: u32, len: u32) {
    let ok = owner(ctx).init_table(table, segment, dst as u32, src, len);
    check(ok, TrapCode::TableOutOfBounds);
}

extern "C" fn elem_drop(ctx: *mut VmCtx, segment: u32) {
    owner(ctx).dropped_elems[segment as usize] = true;
}

extern "C" fn no_exceptions(_: *mut VmCtx) {
    raise(TrapCode::Unreachable);
}

/// Nobody else is there: a wait ends at once, and its result shows the arguments.
extern "C" fn atomic_wait32(_: *mut VmCtx, _: u32, address: u64, expected: u32, timeout: u64) -> u64 {
    (address + u64::from(expected) + timeout) & 0xffff_ffff | 0xdead_beef << 32
}

extern "C" fn atomic_wait64(_: *mut VmCtx, _: u32, address: u64, expected: u64, timeout: u64) -> u64 {
    address + expected + timeout
}

extern "C" fn atomic_notify(_: *mut VmCtx, _: u32, address: u64, count: u32) -> u64 {
    (address >> 4) + u64::from(count)
}

fn builtins() -> Vec<*const u8> {
    let address = |builtin: &Builtin| match builtin {
        Builtin::memory_grow => memory_grow as *const u8,
        Builtin::memory_fill => memory_fill as *const u8,
        Builtin::memory_copy => memory_copy as *const u8,
        Builtin::memory_init => memory_init as *const u8,
        Builtin::data_drop => data_drop as *const u8,
        Builtin::table_grow => table_grow as *const u8,
        Builtin::table_fill => table_fill as *const u8,
        Builtin::table_copy => table_copy as *const u8,
        Builtin::table_init => table_init as *const u8,
        Builtin::elem_drop => elem_drop as *const u8,
        // Exceptions are the runtime's; its own tests have them.
        Builtin::exception_new | Builtin::throw => no_exceptions as *const u8,
        Builtin::atomic_wait32 => atomic_wait32 as *const u8,
        Builtin::atomic_wait64 => atomic_wait64 as *const u8,
        Builtin::atomic_notify => atomic_notify as *const u8,
    };
    Builtin::ALL.iter().map(address).collect()
}

/// A host function as an import; its context is a word that holds an address that may be read.
pub fn host(code: *const u8, ty: &FuncType) -> FuncRef {
    static CONTEXT: u64 = 0;
    FuncRef { code, ctx: (&raw const CONTEXT) as *mut VmCtx, type_id: type_id(ty), reserved: 0 }
}

/// Every set of options that code must be right with.
pub fn all_options() -> Vec<Options> {
    let base = Options { paranoid: true, check_allocation: true, ..Options::host() };
    let baseline = Options { features: wasmjit::codegen::CpuFeatures::baseline(), ..base };
    vec![
        base,
        Options { memory: MemoryPolicy::Explicit, ..base },
        baseline,
        Options { endbr: true, poll: true, paranoid: false, memory: MemoryPolicy::Explicit, ..baseline },
        Options { paranoid: true, check_allocation: true, ..Options::kernel() },
    ]
}
