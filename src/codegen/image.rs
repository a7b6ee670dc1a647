//! A compiled module: position-independent code and the tables beside it.
//!
//! Nothing in an image is an absolute address; it may be mapped anywhere, 16-byte aligned, and shared. What it refers to
//! outside of itself it reaches through the vmctx, whose layout its [`abi_hash`] names.

mod serial;

use super::options::{CallSite, CodegenError, HandlerSite, Options, TrapSite};
use super::x64::{self, CompiledFunction};
use crate::abi::builtins::Builtin;
use crate::abi::slots::{SLOT_BYTES, Slot};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{FuncRef, VmCtx, offset};
use crate::wasm::{FuncIndex, FuncType, Module, TypeIndex};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Alignment of functions.
const ALIGN: usize = 16;

/// Changes whenever the function convention or the meaning of a table changes.
const CONVENTION_VERSION: u64 = 5;

/// No trampoline.
const NONE: u32 = u32::MAX;

/// A compiled module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeImage {
    code: Code,
    /// Offset and length of each own function.
    functions: Vec<(u32, u32)>,
    imported_functions: u32,
    /// Offset of each type's trampoline.
    trampolines: Vec<u32>,
    traps: Vec<TrapSite>,
    calls: Vec<CallSite>,
    handlers: Vec<HandlerSite>,
    options: Options,
    uses_floats: bool,
}

/// Bytes that an image was read from, and keeps.
pub type Source = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The code.
#[derive(Clone)]
enum Code {
    Own(Vec<u8>),
    /// The rest of what the image was read from, from an offset on.
    Rest(Source, usize),
}

impl std::ops::Deref for Code {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Code::Own(bytes) => bytes,
            Code::Rest(source, start) => source.as_ref().as_ref().get(*start..).unwrap_or_default(),
        }
    }
}

impl Code {
    /// The code as it is made; what was read is copied.
    fn own(&mut self) -> &mut Vec<u8> {
        if let Code::Rest(..) = self {
            *self = Code::Own(self.to_vec());
        }
        match self {
            Code::Own(bytes) => bytes,
            Code::Rest(..) => unreachable!("it was just copied"),
        }
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Code) -> bool {
        **self == **other
    }
}

impl Eq for Code {}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// Tables of an image, each by rising offset: traps, calls, handlers.
pub type Tables = (Vec<TrapSite>, Vec<CallSite>, Vec<HandlerSite>);

/// A number that changes with everything that compiled code knows of the runtime.
pub fn abi_hash() -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.add(&CONVENTION_VERSION.to_le_bytes());
    let offsets = [
        offset::MEMORY_BASE,
        offset::MEMORY,
        offset::STACK_LIMIT,
        offset::INTERRUPT,
        offset::BUILTINS,
        offset::TYPE_IDS,
        offset::MEMORY_START,
        offset::MEMORY_BYTES,
        offset::FLOATS,
        offset::TABLE_BASE,
        offset::TABLE_LEN,
        offset::FUNC_CODE,
        offset::FUNC_CTX,
        offset::FUNC_TYPE_ID,
        offset::FUNC_RESERVED,
        offset::EXCEPTION,
        offset::EXCEPTION_TAG,
        offset::EXCEPTION_VALUES,
        crate::abi::vmctx::EXCEPTION_CELL_BYTES as i32,
        size_of::<VmCtx>() as i32,
        size_of::<FuncRef>() as i32,
        crate::abi::vmctx::GLOBAL_CELL_BYTES as i32,
    ];
    offsets.iter().for_each(|offset| hash.add(&offset.to_le_bytes()));
    for builtin in Builtin::ALL {
        hash.add(builtin.name().as_bytes());
        hash.add(format!("{:?}{:?}", builtin.args(), builtin.result()).as_bytes());
    }
    for slot in Slot::ALL {
        hash.add(slot.name().as_bytes());
    }
    for code in TrapCode::ALL {
        hash.add(format!("{code:?}{}", *code as u8).as_bytes());
    }
    hash.0
}

struct Fnv(u64);

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ byte as u64).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl CodeImage {
    /// Puts a module's compiled functions together.
    pub fn link(
        module: &Module,
        functions: Vec<CompiledFunction>,
        options: &Options,
    ) -> Result<CodeImage, CodegenError> {
        let code = Vec::with_capacity(functions.iter().map(|function| function.code.bytes.len() + ALIGN).sum());
        let mut image = CodeImage {
            code: Code::Own(code),
            functions: Vec::with_capacity(functions.len()),
            imported_functions: module.imported_functions,
            trampolines: vec![NONE; module.types.len()],
            traps: Vec::with_capacity(functions.iter().map(|function| function.code.traps.len()).sum()),
            calls: Vec::with_capacity(functions.iter().map(|function| function.code.call_sites.len()).sum()),
            handlers: Vec::new(),
            options: Options { check_allocation: false, ..*options },
            uses_floats: functions.iter().any(|function| function.uses_floats),
        };
        if options.thunks {
            for slot in Slot::ALL {
                image.code.own().resize(slot.offset(), 0xcc);
                image.code.own().extend(slot.stub());
            }
            image.code.own().resize(Slot::ALL.len() * SLOT_BYTES, 0xcc);
        }
        for function in &functions {
            let start = image.append(&function.code.bytes)?;
            image.relocate_slots(start, &function.code.slots);
            image.functions.push((start, function.code.bytes.len() as u32));
            image.traps.extend(function.code.traps.iter().map(|site| TrapSite { pc: site.pc + start, ..*site }));
            let site = |site: &HandlerSite| HandlerSite { pc: site.pc + start, landing: site.landing + start };
            image.handlers.extend(function.code.handlers.iter().map(site));
            image.calls.extend(function.code.call_sites.iter().map(|site| CallSite { pc: site.pc + start, ..*site }));
        }
        for (at, function) in functions.iter().enumerate() {
            for &(place, callee) in &function.code.calls {
                image.relocate(image.functions[at].0 + place, callee)?;
            }
        }
        image.add_trampolines(module, options)?;
        Ok(image)
    }

    /// Appends code at the next aligned offset.
    fn append(&mut self, bytes: &[u8]) -> Result<u32, CodegenError> {
        let code = self.code.own();
        code.resize(code.len().next_multiple_of(ALIGN), 0xcc);
        let start = code.len();
        code.extend_from_slice(bytes);
        // Displacements within the image are signed 32-bit numbers.
        if code.len() > i32::MAX as usize {
            return Err(CodegenError::TooLarge("more than 2 GiB of code"));
        }
        Ok(start as u32)
    }

    /// Fills in the displacement of a direct call.
    fn relocate(&mut self, place: u32, callee: FuncIndex) -> Result<(), CodegenError> {
        let target = callee
            .0
            .checked_sub(self.imported_functions)
            .and_then(|at| self.functions.get(at as usize))
            .ok_or_else(|| CodegenError::Internal(format!("a direct call of function {}", callee.0)))?;
        let distance = target.0 as i64 - (place as i64 + 4);
        self.code.own()[place as usize..place as usize + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        Ok(())
    }

    /// Fills in displacements to slots; `start` is where the code was put.
    fn relocate_slots(&mut self, start: u32, places: &[(u32, Slot)]) {
        for (place, slot) in places {
            let at = (start + place) as usize;
            let distance = slot.offset() as i64 - (at as i64 + 4);
            self.code.own()[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
    }

    /// One trampoline per type that some function has; equal types share one.
    fn add_trampolines(&mut self, module: &Module, options: &Options) -> Result<(), CodegenError> {
        let mut known: HashMap<&FuncType, u32> = HashMap::new();
        for &ty in &module.functions {
            if self.trampolines[ty.index()] != NONE {
                continue;
            }
            let func_type = &module.types[ty.index()];
            let start = match known.get(func_type) {
                Some(&start) => start,
                None => {
                    let assembled = x64::trampoline::emit(func_type, options)?;
                    let start = self.append(&assembled.bytes)?;
                    self.relocate_slots(start, &assembled.slots);
                    self.calls
                        .extend(assembled.call_sites.iter().map(|call| CallSite { pc: call.pc + start, ..*call }));
                    known.insert(func_type, start);
                    start
                }
            };
            self.trampolines[ty.index()] = start;
        }
        Ok(())
    }

    /// The code, to be mapped executable at an address aligned to 16.
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Offsets of an own function's code; `None` for imported functions.
    pub fn function(&self, func: FuncIndex) -> Option<Range<usize>> {
        let at = func.0.checked_sub(self.imported_functions)?;
        let &(start, len) = self.functions.get(at as usize)?;
        Some(start as usize..start as usize + len as usize)
    }

    /// The function whose code holds this offset.
    pub fn function_at(&self, pc: u32) -> Option<FuncIndex> {
        let at = self.functions.partition_point(|&(start, _)| start <= pc).checked_sub(1)?;
        let (start, len) = self.functions[at];
        (pc - start < len).then_some(FuncIndex(self.imported_functions + at as u32))
    }

    /// Offset of the entry trampoline for functions of a type; every type that a function of the module has, has one.
    pub fn trampoline(&self, ty: TypeIndex) -> Option<usize> {
        self.trampolines.get(ty.index()).filter(|&&start| start != NONE).map(|&start| start as usize)
    }

    /// What a fault at this offset means.
    pub fn trap_at(&self, pc: u32) -> Option<TrapSite> {
        let at = self.traps.binary_search_by_key(&pc, |site| site.pc).ok()?;
        Some(self.traps[at])
    }

    /// Where in the module the call stands that returns to this offset.
    pub fn call_at(&self, return_pc: u32) -> Option<CallSite> {
        let at = self.calls.binary_search_by_key(&return_pc, |site| site.pc).ok()?;
        Some(self.calls[at])
    }

    /// Takes the tables out, which leaves the image without.
    pub fn take_tables(&mut self) -> Tables {
        (std::mem::take(&mut self.traps), std::mem::take(&mut self.calls), std::mem::take(&mut self.handlers))
    }

    /// All calls, by rising offset.
    pub fn calls(&self) -> &[CallSite] {
        &self.calls
    }

    /// All calls with handlers, by rising offset.
    pub fn handlers(&self) -> &[HandlerSite] {
        &self.handlers
    }

    /// All trap sites, by rising offset.
    pub fn traps(&self) -> &[TrapSite] {
        &self.traps
    }

    /// The options that the code was compiled with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether any function uses float registers.
    pub fn uses_floats(&self) -> bool {
        self.uses_floats
    }

    /// Whether the image has the shape of this module's: as many functions and types. The cache's key says whether it
    /// is the module's own.
    pub fn fits(&self, module: &Module) -> bool {
        self.functions.len() == module.bodies.len()
            && self.imported_functions == module.imported_functions
            && self.trampolines.len() == module.types.len()
            && module.functions.iter().all(|&ty| self.trampoline(ty).is_some())
    }
}
