//! Exceptions of guests: tags, throwing, and who owns what was thrown.
//!
//! The store owns exceptions; guests hold their addresses in locals, globals, tables and other exceptions. Nothing counts these: when the
//! number of exceptions has doubled, the ones that can still be reached are found by looking at everything that may hold
//! an address (the thread's stack conservatively, word by word), and the others are freed. What stays is bounded by [`MAX_ALIVE`] and [`MAX_BYTES`].
//!
//! A throw walks the guest's frames up to the innermost activation. If none of them handles the exception, the activation ends with
//! a [`Trap`] that holds it. A host function that passes this trap on throws the exception anew in its caller.

use std::cell::UnsafeCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

use super::call::{self, Exit, Reason};
use super::error::describe_func;
use super::instance::InstanceData;
use super::store::{AsContextMut, CoreAccess, StoreCore, StoreId};
use super::trap::Trap;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{EXCEPTION_CELL_BYTES, ExceptionDesc, VmCtx};
use crate::sys::activation::{self, MAX_FRAMES};
use crate::sys::registry;
use crate::sys::unwind;
use crate::wasm::{FuncType, ValType};

/// Most exceptions that a store keeps.
pub const MAX_ALIVE: usize = 1 << 18;

/// Most bytes of values in the exceptions that a store keeps.
pub const MAX_BYTES: usize = 64 << 20;

/// How many exceptions there are before it is first asked which can be reached.
const FIRST_COLLECTION: usize = 1024;

/// A tag. Its identity is its address.
#[derive(Debug)]
pub(crate) struct TagData {
    pub(crate) ty: FuncType,
    /// How it is named in messages.
    label: String,
}

impl TagData {
    pub(crate) fn new(ty: FuncType, label: String) -> Arc<TagData> {
        Arc::new(TagData { ty, label })
    }
}

/// A handle to an exception tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

impl Tag {
    /// Makes a tag whose exceptions have values of the type's parameters; `label` names it in messages.
    pub fn new(mut store: impl AsContextMut, ty: FuncType, label: &str) -> Tag {
        store.core_mut().add_tag(TagData::new(ty, label.to_owned()))
    }

    /// The types of its values, as parameters.
    pub fn ty(&self, store: impl super::AsContext) -> FuncType {
        store.core().tag(*self).ty.clone()
    }
}

impl StoreCore {
    pub(crate) fn add_tag(&mut self, tag: Arc<TagData>) -> Tag {
        let known = self.tags.iter().position(|other| Arc::ptr_eq(other, &tag));
        let index = known.unwrap_or_else(|| {
            self.tags.push(tag);
            self.tags.len() - 1
        });
        Tag { store: self.id, index: index as u32 }
    }

    /// The tag of a handle, which belongs to the store.
    pub(crate) fn tag(&self, tag: Tag) -> &Arc<TagData> {
        super::externs::assert_store(self, tag.store);
        &self.tags[tag.index as usize]
    }
}

type Cell = UnsafeCell<[u8; EXCEPTION_CELL_BYTES]>;

/// An exception. Its descriptor comes first, so that a reference is its address.
#[repr(C)]
pub(crate) struct ExceptionData {
    desc: ExceptionDesc,
    tag: Arc<TagData>,
    values: Box<[Cell]>,
    /// Return addresses of the frames that it has left, innermost first.
    left: UnsafeCell<Vec<usize>>,
}

// SAFETY: the pointers are to what the exception owns; cells are used by the thread that uses the store only.
unsafe impl Send for ExceptionData {}
// SAFETY: as above.
unsafe impl Sync for ExceptionData {}

impl ExceptionData {
    fn new(tag: Arc<TagData>) -> Arc<ExceptionData> {
        let values: Box<[Cell]> = tag.ty.params.iter().map(|_| Cell::default()).collect();
        let desc =
            ExceptionDesc { tag: Arc::as_ptr(&tag).cast::<c_void>(), values: values.as_ptr().cast_mut().cast::<u8>() };
        Arc::new(ExceptionData { desc, tag, values, left: UnsafeCell::default() })
    }

    fn address(this: &Arc<ExceptionData>) -> u64 {
        Arc::as_ptr(this) as u64
    }

    fn value(&self, at: usize) -> [u8; EXCEPTION_CELL_BYTES] {
        // SAFETY: nobody writes the cells while the host looks at them.
        self.values.get(at).map_or([0; EXCEPTION_CELL_BYTES], |cell| unsafe { *cell.get() })
    }
}

/// An exception that no function of the guest caught: what [`super::TrapKind::Exception`] holds.
#[derive(Clone)]
pub struct Exception {
    store: StoreId,
    data: Arc<ExceptionData>,
}

impl Exception {
    /// The tag's name in messages: its import's or export's.
    pub fn tag(&self) -> &str {
        &self.data.tag.label
    }

    /// The types of the values.
    pub fn types(&self) -> &[ValType] {
        &self.data.tag.ty.params
    }

    /// The low 64 bits of the values.
    pub fn values(&self) -> Vec<u64> {
        let cells = 0..self.types().len();
        cells.map(|at| u64::from_le_bytes(self.data.value(at)[..8].try_into().unwrap_or_default())).collect()
    }

    /// Takes the return addresses that have been noted.
    pub(crate) fn take_left(&self) -> Vec<usize> {
        // SAFETY: only the thread that uses the store comes here, and no throw is under way.
        unsafe { std::mem::take(&mut *self.data.left.get()) }
    }
}

impl std::fmt::Debug for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exception").field("tag", &self.tag()).field("values", &self.values()).finish()
    }
}

impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "uncaught exception: tag {} {}", self.tag(), describe_func(&self.data.tag.ty))?;
        match self.values().as_slice() {
            [] => Ok(()),
            values => {
                f.write_str(" with")?;
                values.iter().try_for_each(|value| write!(f, " {value:#x}"))
            }
        }
    }
}

/// The exceptions of a store.
#[derive(Default)]
pub(crate) struct Exceptions {
    alive: Vec<Arc<ExceptionData>>,
    bytes: usize,
    /// How many there may be before the next collection.
    threshold: usize,
}

impl Exceptions {
    /// Frees what `mark` does not reach and nobody holds. `mark` is called with a function that it calls for each word
    /// that may be an exception's address.
    fn collect(&mut self, mark: impl FnOnce(&mut dyn FnMut(u64))) {
        let places = self.alive.iter().enumerate().map(|(at, exception)| (ExceptionData::address(exception), at));
        let places: HashMap<u64, usize> = places.collect();
        // What a trap holds in the host stays, too.
        let mut reached: Vec<bool> = self.alive.iter().map(|exception| Arc::strong_count(exception) > 1).collect();
        let mut work: Vec<usize> = (0..reached.len()).filter(|&at| reached[at]).collect();
        mark(&mut |word| {
            if let Some(&at) = places.get(&word)
                && !std::mem::replace(&mut reached[at], true)
            {
                work.push(at);
            }
        });
        while let Some(at) = work.pop() {
            let exception = &self.alive[at];
            for (number, ty) in exception.tag.ty.params.iter().enumerate() {
                let word = u64::from_le_bytes(exception.value(number)[..8].try_into().unwrap_or_default());
                if *ty == ValType::ExnRef
                    && let Some(&inner) = places.get(&word)
                    && !std::mem::replace(&mut reached[inner], true)
                {
                    work.push(inner);
                }
            }
        }
        let mut flags = reached.into_iter();
        self.alive.retain(|_| flags.next().unwrap_or(true));
        self.bytes = self.alive.iter().map(|exception| size_of_val(&*exception.values)).sum();
        self.threshold = (2 * self.alive.len()).max(FIRST_COLLECTION);
    }

    fn add(&mut self, exception: Arc<ExceptionData>) -> Result<u64, TrapCode> {
        let bytes = self.bytes + size_of_val(&*exception.values);
        if self.alive.len() >= MAX_ALIVE || bytes > MAX_BYTES {
            return Err(TrapCode::TooManyExceptions);
        }
        self.bytes = bytes;
        let address = ExceptionData::address(&exception);
        self.alive.push(exception);
        Ok(address)
    }

    fn get(&self, address: u64) -> Option<&Arc<ExceptionData>> {
        // The one thrown is nearly always one of the latest.
        self.alive.iter().rev().find(|exception| ExceptionData::address(exception) == address)
    }
}

impl StoreCore {
    /// Calls `mark` for each word outside of exceptions that may be an exception's address.
    ///
    /// # Safety
    /// The guest's frames lie between here and the outermost activation of this thread.
    unsafe fn mark_exceptions(&self, mark: &mut dyn FnMut(u64)) {
        // SAFETY: by contract; what the store owns lives, and no guest runs beside this thread.
        unsafe {
            unwind::scan_stack(mark);
            for table in self.tables.iter().map(|table| table.as_ref()) {
                if table.ty.element == ValType::ExnRef {
                    table.entries().iter().for_each(|word| mark(*word));
                }
            }
            self.globals.iter().for_each(|cell| mark(cell.as_ptr().read()));
            for instance in self.instances.iter().map(|instance| instance.as_ref()) {
                instance.own_global_words(mark);
                instance.elements.iter().flatten().for_each(|word| mark(*word));
            }
        }
    }
}

impl InstanceData {
    /// Makes an exception, and makes it the pending one.
    ///
    /// # Safety
    /// Compiled code of the instance called, and waits.
    pub(crate) unsafe fn exception_new(&mut self, tag: u32) -> Result<u64, TrapCode> {
        // SAFETY: the store outlives its instances, and nobody else refers to these parts of it.
        let core = unsafe { &mut *self.core };
        // Validation has made sure that there is such a tag.
        let tag = self.tags.get(tag as usize).ok_or(TrapCode::Unreachable)?;
        let exception = ExceptionData::new(core.tag(*tag).clone());
        let mut heap = std::mem::take(&mut core.exceptions);
        let full = heap.alive.len() >= heap.threshold.max(FIRST_COLLECTION) || heap.bytes > MAX_BYTES / 2;
        if full {
            // SAFETY: the guest's frames are below the activation that it runs in.
            heap.collect(|mark| unsafe { core.mark_exceptions(mark) });
        }
        let added = heap.add(exception);
        core.exceptions = heap;
        let address = added?;
        // SAFETY: the instance's own vmctx.
        unsafe { (*self.vmctx()).exception = address as *mut ExceptionDesc };
        Ok(address)
    }

    /// Throws an exception from the guest's frame that called.
    ///
    /// # Errors
    /// If the reference is null. Otherwise it does not return.
    ///
    /// # Safety
    /// Compiled code of the instance called, with an exception of this store.
    pub(crate) unsafe fn throw(&mut self, address: u64) -> Result<(), TrapCode> {
        // SAFETY: the store outlives its instances.
        let core = unsafe { &*self.core };
        if address == 0 {
            return Err(TrapCode::NullException);
        }
        let data = core.exceptions.get(address).ok_or(TrapCode::Unreachable)?.clone();
        let exception = Exception { store: core.id, data };
        // SAFETY: by contract; this frame owns nothing but what is passed on.
        unsafe { throw(Trap::exception(exception), (self.exit_fp, self.exit_pc)) }
    }
}

/// Whether the trap is an exception that guests of the store can catch.
pub(crate) fn is_catchable(trap: &Trap, store: StoreId) -> bool {
    trap.as_exception().is_some_and(|exception| exception.store == store)
}

/// Throws the exception of a trap to the guest's frames from `exit` on; leaves the guest if none handles it.
///
/// # Safety
/// Generated code called the running function, `exit` is its frame (or nothing), only frames without destructors lie between,
/// and the trap is [catchable](is_catchable) in the store that runs.
#[cold]
pub(crate) unsafe fn throw(trap: Trap, exit: Exit) -> ! {
    // SAFETY: by contract.
    match unsafe { find_landing(&trap, exit) } {
        // SAFETY: the frame is the guest's, and its vmctx stands in it where the function handles exceptions.
        Some((frame, landing)) => unsafe {
            let vmctx = *((frame - 8) as *const *mut VmCtx);
            let address = trap.as_exception().map_or(0, |exception| ExceptionData::address(&exception.data));
            (*vmctx).exception = address as *mut ExceptionDesc;
            drop(trap);
            unwind::land(frame, landing)
        },
        // SAFETY: by contract.
        None => unsafe { call::leave(Reason::Trap(trap), exit) },
    }
}

/// The innermost frame from `exit` on that handles exceptions where it stands, and where they arrive. Frames that are passed are
/// noted in the exception.
///
/// # Safety
/// See [`throw`].
unsafe fn find_landing(trap: &Trap, exit: Exit) -> Option<(usize, usize)> {
    let exception = trap.as_exception()?;
    let (mut frame, mut pc) = exit;
    // SAFETY: only this thread uses the exception.
    let left = unsafe { &mut *exception.data.left.get() };
    // A frame that throws on stands in the list already, with the call that the exception left.
    let mut known = !left.is_empty();
    let low = std::ptr::from_ref(&low_mark()) as usize;
    let entry = activation::innermost_entry();
    while (low..entry).contains(&frame) && frame.is_multiple_of(8) {
        let landing = registry::with_range(pc, |range| range.landing_at(pc))?;
        if !std::mem::take(&mut known) && left.len() < MAX_FRAMES {
            left.push(pc);
        }
        if let Some(landing) = landing {
            return Some((frame, landing));
        }
        // SAFETY: the frame lies between here and the activation's entry: frame pointer and return address.
        (frame, pc) = unsafe { (*(frame as *const usize), *((frame + 8) as *const usize)) };
    }
    None
}

/// Something on the stack below all of the guest's frames.
fn low_mark() -> u8 {
    0
}

/// References of [`NonNull`] tags, for the vmctx.
pub(crate) fn identity(tag: &Arc<TagData>) -> NonNull<c_void> {
    NonNull::from(&**tag).cast()
}
