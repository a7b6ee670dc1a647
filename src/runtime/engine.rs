//! The engine: options and the function types that all of its modules share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    types: Mutex<Types>,
}

#[derive(Debug, Default)]
struct Types {
    ids: HashMap<Arc<FuncType>, u32>,
    list: Vec<Arc<FuncType>>,
    thunks: HashMap<u32, Arc<CodeMapping>>,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new(&Config::default())
    }
}

impl Engine {
    /// An engine with these options.
    pub fn new(config: &Config) -> Engine {
        crate::sys::signal::install(crate::sys::signal::MemoryWindow {
            below: crate::memory::GUARD_BYTES as usize,
            above: (crate::memory::RESERVED_BYTES + crate::memory::GUARD_BYTES) as usize,
            code: crate::abi::trap::TrapCode::MemoryOutOfBounds as u8,
        });
        Engine(Arc::new(EngineInner { config: config.clone(), types: Mutex::default() }))
    }

    /// The engine's options.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Whether both are the same engine.
    pub fn same(&self, other: &Engine) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn types(&self) -> std::sync::MutexGuard<'_, Types> {
        self.0.types.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine-wide number of a function type.
    pub(crate) fn type_id(&self, ty: &FuncType) -> u32 {
        let mut types = self.types();
        if let Some(id) = types.ids.get(ty) {
            return *id;
        }
        let id = types.list.len() as u32;
        let ty = Arc::new(ty.clone());
        types.list.push(ty.clone());
        types.ids.insert(ty, id);
        id
    }

    /// The function type with that number.
    pub(crate) fn func_type(&self, id: u32) -> Arc<FuncType> {
        self.types().list.get(id as usize).cloned().unwrap_or_default()
    }

    /// Code that lets guests call dynamically typed host functions of a type.
    pub(crate) fn host_thunk(&self, ty: &FuncType) -> std::io::Result<Arc<CodeMapping>> {
        let id = self.type_id(ty);
        let mut types = self.types();
        if let Some(thunk) = types.thunks.get(&id) {
            return Ok(thunk.clone());
        }
        let thunk = Arc::new(CodeMapping::new(&host::assemble_thunk(ty))?);
        types.thunks.insert(id, thunk.clone());
        Ok(thunk)
    }
}
