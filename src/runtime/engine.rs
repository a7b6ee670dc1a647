//! The engine: options and the function types that all of its modules share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::config::Config;
use super::host;
use crate::sys::mapping::CodeMapping;
use crate::wasm::FuncType;

/// Compiles modules and gives equal function types equal numbers. Cheap to clone; clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine(Arc<EngineInner>);

#[derive(Debug)]
struct EngineInner {
    config: Config,
    types: TypeList,
    ids: Mutex<Ids>,
}

#[derive(Debug, Default)]
struct Ids {
    ids: HashMap<FuncType, u32>,
    thunks: HashMap<u32, Arc<CodeMapping>>,
}

/// Function types by number. It only grows, and is read without a lock: chunk `k` holds the `2^k` types from `2^k - 1` on.
#[derive(Debug, Default)]
struct TypeList {
    chunks: [OnceLock<Box<[OnceLock<FuncType>]>>; 32],
}

impl TypeList {
    fn place(id: u32) -> (usize, usize) {
        let position = u64::from(id) + 1;
        let chunk = position.ilog2();
        (chunk as usize, (position - (1 << chunk)) as usize)
    }

    fn get(&self, id: u32) -> Option<&FuncType> {
        let (chunk, index) = Self::place(id);
        self.chunks.get(chunk)?.get()?.get(index)?.get()
    }

    /// Adds the type with the next number; called under the lock of the numbers.
    fn add(&self, id: u32, ty: FuncType) {
        let (chunk, index) = Self::place(id);
        let Some(slot) = self.chunks.get(chunk) else { return };
        let slots = slot.get_or_init(|| (0..1_usize << chunk).map(|_| OnceLock::new()).collect());
        if let Some(slot) = slots.get(index) {
            slot.get_or_init(|| ty);
        }
    }
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(&Config::default())
    }
}

impl Engine {
    /// Bytes of stack for threads that run guests: what guests may use, and what host functions need besides.
    pub(crate) fn stack_for_threads(&self) -> usize {
        self.config().stack_size + super::store::HOST_STACK + (64 << 10)
    }

    /// An engine with these options.
    pub fn new(config: &Config) -> Engine {
        crate::sys::signal::on_poll(super::store::polled);
        crate::sys::signal::install(crate::sys::signal::MemoryWindow {
            below: crate::memory::GUARD_BYTES as usize,
            above: (crate::memory::RESERVED_BYTES + crate::memory::GUARD_BYTES) as usize,
            code: crate::abi::trap::TrapCode::MemoryOutOfBounds as u8,
        });
        Engine(Arc::new(EngineInner { config: config.clone(), types: TypeList::default(), ids: Mutex::default() }))
    }

    /// The engine's options.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether both are the same engine.
    pub fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Gives memory that compiling has left idle in this process's allocator back to the system, for a program that
    /// compiles once and then runs for long. Takes about a millisecond.
    pub fn release_idle_memory(&self) {
        crate::sys::mapping::release_idle_heap();
    }

    /// Reads a file that may be large, of which `expected` bytes are: into large pages, where the system has them.
    ///
    /// # Errors
    /// As for reading a file in any other way.
    pub fn read_file(file: &mut std::fs::File, expected: usize) -> std::io::Result<Vec<u8>> {
        crate::sys::mapping::read_file(file, expected)
    }

    fn ids(&self) -> std::sync::MutexGuard<'_, Ids> {
        self.0.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine-wide number of a function type.
    pub(crate) fn type_id(&self, ty: &FuncType) -> u32 {
        let mut ids = self.ids();
        if let Some(id) = ids.ids.get(ty) {
            return *id;
        }
        let id = ids.ids.len() as u32;
        self.0.types.add(id, ty.clone());
        ids.ids.insert(ty.clone(), id);
        id
    }

    /// The function type with that number.
    pub(crate) fn func_type(&self, id: u32) -> &FuncType {
        static NONE: FuncType = FuncType { params: Vec::new(), results: Vec::new() };
        // Numbers come from `type_id` only.
        self.0.types.get(id).unwrap_or(&NONE)
    }

    /// Code that lets guests call dynamically typed host functions of a type.
    pub(crate) fn host_thunk(&self, ty: &FuncType) -> std::io::Result<Arc<CodeMapping>> {
        let id = self.type_id(ty);
        let mut ids = self.ids();
        if let Some(thunk) = ids.thunks.get(&id) {
            return Ok(thunk.clone());
        }
        let thunk = Arc::new(CodeMapping::new(&host::assemble_thunk(ty))?);
        ids.thunks.insert(id, thunk.clone());
        Ok(thunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wasm::ValType;

    #[test]
    fn numbers_and_types_belong_together() {
        let engine = Engine::default();
        let ty = |len: usize| FuncType { params: vec![ValType::I32; len], results: Vec::new() };
        for len in 0..200 {
            assert_eq!(engine.type_id(&ty(len)), len as u32);
        }
        for len in 0..200 {
            assert_eq!(engine.type_id(&ty(len)), len as u32);
            assert_eq!(engine.func_type(len as u32), &ty(len));
        }
        assert_eq!(TypeList::place(u32::MAX), (32, 0));
    }
}
