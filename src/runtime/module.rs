//! Compiled modules.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use super::cache::{self, Cache, Key, LARGE_MODULE};
use super::engine::Engine;
use super::error::Error;
use super::trap::Frame;
use crate::abi::slots::Slot;
use crate::codegen::image::abi_hash;
use crate::codegen::{CodeImage, CodegenError, Options, TrapSite, compile_module};
use crate::sys::activation;
use crate::sys::mapping::{CodeMapping, FileMapping};
use crate::sys::registry::{self, CodeRange, FAULTS_FOR_CALLER, FaultSite, Registration};
use crate::wasm::{self, ExportKind, ExternType, FuncIndex, Import, TypeIndex};

/// A compiled module. Cheap to clone; clones are the same module.
#[derive(Clone)]
pub struct Module(Arc<ModuleInner>);

struct ModuleInner {
    engine: Engine,
    info: wasm::Module,
    /// The module's bytes, into which its description has ranges.
    bytes: Vec<u8>,
    exports: HashMap<String, ExportKind>,
    /// Engine-wide number of each type.
    type_ids: Box<[u32]>,
    /// Address of the trampoline of each engine-wide type.
    trampolines: HashMap<u32, usize>,
    code: Arc<LoadedCode>,
}

/// A call in the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    /// Offset of the instruction behind it, in the code.
    pub(crate) pc: u32,
    /// Offset in the module's bytes.
    pub(crate) module: u32,
}

/// What the compiler makes of a module.
pub(crate) struct CodeParts<'a> {
    pub(crate) code: &'a [u8],
    /// The file that the code is the end of.
    pub(crate) file: Option<Arc<FileMapping>>,
    /// Offset of each own function in the code, ascending.
    pub(crate) functions: Vec<u32>,
    /// Where the last function ends.
    pub(crate) functions_end: u32,
    /// Offset of the trampoline of each type that a function has.
    pub(crate) trampolines: Vec<Option<u32>>,
    /// Instructions that may fault, sorted by offset.
    pub(crate) traps: Vec<FaultSite>,
    /// Calls, sorted by `pc`.
    pub(crate) calls: Vec<Location>,
    /// Offsets of calls' return addresses, sorted, and of where exceptions that leave them arrive.
    pub(crate) landings: Vec<(u32, u32)>,
}

/// Code in executable memory.
pub(crate) struct LoadedCode {
    /// Before the mapping, so that it is dropped first.
    _registration: Registration,
    mapping: CodeMapping,
    functions: Vec<u32>,
    functions_end: u32,
    calls: Vec<Location>,
}

impl LoadedCode {
    fn new(engine: &Engine, parts: CodeParts<'_>) -> Result<Arc<LoadedCode>, Error> {
        let mapping = match parts.file {
            // Profilers look into maps for what no file holds.
            Some(file) if engine.config().perf_map.is_none() => {
                let start = file.as_ref().as_ref().len() - parts.code.len();
                CodeMapping::of_file(file, start)
            }
            _ => CodeMapping::new(parts.code),
        };
        let mapping = mapping.map_err(|error| Error::Limit(format!("no memory for code: {error}")))?;
        let start = mapping.base() as usize;
        let addresses = start..start + mapping.len();
        Ok(Arc::new_cyclic(|this| LoadedCode {
            _registration: registry::register(CodeRange {
                addresses,
                sites: parts.traps,
                landings: parts.landings,
                tag: this.as_ptr() as u64,
            }),
            mapping,
            functions: parts.functions,
            functions_end: parts.functions_end,
            calls: parts.calls,
        }))
    }

    /// Its number in the registry.
    pub(crate) fn tag(&self) -> u64 {
        std::ptr::from_ref(self) as u64
    }

    /// Addresses of own functions, in order.
    pub(crate) fn functions(&self) -> impl Iterator<Item = *const u8> + '_ {
        self.functions.iter().map(|offset| self.mapping.base().wrapping_add(*offset as usize))
    }

    /// Where in the module the call stands that returns to this offset.
    pub(crate) fn call_before(&self, pc: u32) -> Option<u32> {
        let at = self.calls.binary_search_by_key(&pc, |location| location.pc).ok()?;
        self.calls.get(at).map(|location| location.module)
    }
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("functions", &self.info().functions.len()).finish_non_exhaustive()
    }
}

impl Module {
    /// Validates and compiles a module, or takes its image from the engine's cache.
    ///
    /// # Errors
    /// If the bytes are not a valid module, need a feature that is not supported, or compile to too much.
    pub fn new(engine: &Engine, bytes: &[u8]) -> Result<Module, Error> {
        Module::new_if(engine, bytes.into(), |_| Ok(()))
    }

    /// As [`Module::new`], but shows the module's description to `accept` before it is compiled, which may take long, or
    /// loaded from the cache.
    ///
    /// # Errors
    /// As for [`Module::new`], and those of `accept`.
    pub fn new_if<E: From<Error>>(
        engine: &Engine,
        bytes: Cow<'_, [u8]>,
        accept: impl FnOnce(&wasm::Module) -> Result<(), E>,
    ) -> Result<Module, E> {
        let options = match engine.config().kernel_code {
            true => Options::kernel(),
            false => Options { poll: engine.config().interruptible, ..Options::host() },
        };
        let cache = engine.config().cache_dir.as_deref().and_then(Cache::open);
        let mut key = None;
        if let Some(cache) = &cache {
            let (known, found) = cached(cache, &bytes, &options);
            if let Some(Cached { info, image, file }) = found {
                accept(&info)?;
                return Ok(Module::load(engine, info, bytes, image, Some(file))?);
            }
            key = Some(known);
        }
        let info = wasm::parse(&bytes).map_err(Error::from)?;
        accept(&info)?;
        let image = compile(&info, &bytes, &options)?;
        if let (Some(key), Some(cache)) = (&key, &cache) {
            cache.store(key, &image.serialize());
        }
        Ok(Module::load(engine, info, bytes, image, None)?)
    }

    /// Makes a module of its image, which may be the end of a file.
    fn load(
        engine: &Engine,
        info: wasm::Module,
        bytes: Cow<'_, [u8]>,
        mut image: CodeImage,
        file: Option<Arc<FileMapping>>,
    ) -> Result<Module, Error> {
        // Tables are turned into others where they are.
        let (traps, calls, handlers) = image.take_tables();
        let site = |site: TrapSite| FaultSite { offset: site.pc, location: site.loc, code: site.code as u8 };
        let mut traps: Vec<FaultSite> = traps.into_iter().map(site).collect();
        traps.splice(0..0, slot_sites(&image));
        let own =
            (info.imported_functions..info.functions.len() as u32).filter_map(|index| image.function(FuncIndex(index)));
        let ranges: Vec<_> = own.collect();
        let types = 0..info.types.len() as u32;
        let parts = CodeParts {
            code: image.code(),
            file,
            functions: ranges.iter().map(|range| range.start as u32).collect(),
            functions_end: ranges.last().map_or(0, |range| range.end as u32),
            trampolines: types.map(|ty| image.trampoline(TypeIndex(ty)).map(|offset| offset as u32)).collect(),
            traps,
            calls: calls.into_iter().map(|call| Location { pc: call.pc, module: call.loc }).collect(),
            landings: handlers.into_iter().map(|site| (site.pc, site.landing)).collect(),
        };
        Module::assemble(engine, info, bytes, parts)
    }

    pub(crate) fn assemble(
        engine: &Engine,
        info: wasm::Module,
        bytes: Cow<'_, [u8]>,
        parts: CodeParts<'_>,
    ) -> Result<Module, Error> {
        let trampolines = parts.trampolines.clone();
        let code = LoadedCode::new(engine, parts)?;
        let type_ids: Box<[u32]> = info.types.iter().map(|ty| engine.type_id(ty)).collect();
        let base = code.mapping.base() as usize;
        let known = type_ids.iter().zip(trampolines);
        let trampolines = known.filter_map(|(id, offset)| Some((*id, base + offset? as usize))).collect();
        let exports = info.exports.iter().cloned().collect();
        let inner = ModuleInner {
            engine: engine.clone(),
            info,
            bytes: bytes.into_owned(),
            exports,
            type_ids,
            trampolines,
            code,
        };
        let module = Module(Arc::new(inner));
        if let Some(mut file) = engine.config().perf_map.as_deref() {
            let written = file.write_all(module.perf_map().as_bytes());
            written.map_err(|error| Error::Limit(format!("the map for perf: {error}")))?;
        }
        Ok(module)
    }

    /// Lines `START SIZE NAME` with the addresses of the functions and of what stands behind them.
    fn perf_map(&self) -> String {
        let code = &self.0.code;
        let base = code.mapping.base() as usize;
        let ends = code.functions.iter().skip(1).chain([&code.functions_end]);
        let mut lines = String::new();
        for (body, (&start, &end)) in code.functions.iter().zip(ends).enumerate() {
            let func = self.0.info.defined(body);
            let name = self.func_name(func).map(printable);
            let name = name.unwrap_or_else(|| format!("wasm-function[{}]", func.0));
            let _ = writeln!(lines, "{:x} {:x} {name}", base + start as usize, end.saturating_sub(start));
        }
        let end = code.functions_end as usize;
        let _ = writeln!(lines, "{:x} {:x} [stubs]", base + end, code.mapping.len().saturating_sub(end));
        lines
    }

    /// The engine that compiled it.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// The module's description.
    pub fn info(&self) -> &wasm::Module {
        &self.0.info
    }

    /// The bytes that it was read from.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// What the module imports, in order.
    pub fn imports(&self) -> &[Import] {
        &self.0.info.imports
    }

    /// What the module exports, in order, with types.
    pub fn exports(&self) -> impl Iterator<Item = (&str, ExternType)> {
        self.0.info.exports.iter().filter_map(|(name, kind)| Some((name.as_str(), self.export_type(*kind)?)))
    }

    /// The type of the export of that name.
    pub fn get_export(&self, name: &str) -> Option<ExternType> {
        self.export_type(self.export(name)?)
    }

    fn export_type(&self, kind: ExportKind) -> Option<ExternType> {
        let info = self.info();
        Some(match kind {
            ExportKind::Func(index) => ExternType::Func(info.func_type(index).clone()),
            ExportKind::Table(index) => ExternType::Table(*info.tables.get(index.index())?),
            ExportKind::Memory(index) => ExternType::Memory(*info.memories.get(index.index())?),
            ExportKind::Tag(index) => ExternType::Tag(info.types.get(info.tags.get(index.index())?.index())?.clone()),
            ExportKind::Global(index) => ExternType::Global(*info.globals.get(index.index())?),
        })
    }

    /// Contents of the custom sections of that name.
    pub fn custom_sections<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let sections = self.0.info.custom.iter().filter(move |(section, _)| section == name);
        sections.filter_map(|(_, range)| self.0.bytes.get(range.clone()))
    }

    /// Name of a function from the name section.
    pub fn func_name(&self, func: FuncIndex) -> Option<&str> {
        self.0.info.func_name(func)
    }

    /// Bytes of machine code.
    pub fn code_size(&self) -> usize {
        self.0.code.mapping.len()
    }

    pub(crate) fn export(&self, name: &str) -> Option<ExportKind> {
        self.0.exports.get(name).copied()
    }

    pub(crate) fn code(&self) -> &Arc<LoadedCode> {
        &self.0.code
    }

    pub(crate) fn type_ids(&self) -> &[u32] {
        &self.0.type_ids
    }

    /// Engine-wide number of a function's type.
    pub(crate) fn type_id_of(&self, func: FuncIndex) -> u32 {
        let ty = self.0.info.functions.get(func.index());
        ty.and_then(|ty| self.0.type_ids.get(ty.index())).copied().unwrap_or(u32::MAX)
    }

    /// Contents of a data segment.
    pub(crate) fn data_segment(&self, index: u32) -> &[u8] {
        let segment = self.0.info.data.get(index as usize);
        segment.and_then(|segment| self.0.bytes.get(segment.bytes.clone())).unwrap_or_default()
    }

    /// Code that calls functions of a type with an array of values.
    pub(crate) fn trampoline(&self, type_id: u32) -> *const u8 {
        match self.0.trampolines.get(&type_id) {
            Some(address) => *address as *const u8,
            // The module defines no function of a type that it does not have.
            None => no_trampoline as *const u8,
        }
    }

    /// The frame of the function whose code holds the offset.
    pub(crate) fn frame(&self, offset: u32, location: Option<u32>) -> Option<Frame> {
        let code = &self.0.code;
        let body = code.functions.partition_point(|start| *start <= offset).checked_sub(1)?;
        if offset >= code.functions_end {
            return None;
        }
        let func = self.0.info.defined(body);
        Some(Frame { func: func.0, name: self.func_name(func).map(str::to_owned), offset: location })
    }
}

/// A guest's name for a line of its own, on anybody's terminal.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// The slots that fault on behalf of their callers.
fn slot_sites(image: &CodeImage) -> impl Iterator<Item = FaultSite> {
    let slots = Slot::ALL.iter().filter(|slot| image.options().thunks && slot.faults_for_caller());
    slots.map(|slot| FaultSite { offset: slot.offset() as u32, location: 0, code: FAULTS_FOR_CALLER })
}

unsafe extern "C" fn no_trampoline() {
    // SAFETY: the caller entered through an activation, and this frame holds nothing.
    unsafe { activation::leave(None) }
}

fn compile(info: &wasm::Module, bytes: &[u8], options: &Options) -> Result<CodeImage, Error> {
    compile_module(info, bytes, options).map_err(|error| match error {
        CodegenError::Load(error) => Error::Load(error),
        other => Error::Compile(other.to_string()),
    })
}

/// What the cache has of a module.
struct Cached {
    info: wasm::Module,
    image: CodeImage,
    /// What the image was read from.
    file: Arc<FileMapping>,
}

/// The key of a module, and the module with its image if the cache has one that fits.
fn cached(cache: &Cache, bytes: &[u8], options: &Options) -> (Key, Option<Cached>) {
    let parse = || wasm::parse_validated(bytes).ok();
    let look_up = || {
        let key = Key::new(bytes, abi_hash(), options.bits());
        let image = cache.load(&key).and_then(|file| {
            let file = Arc::new(file);
            Some((CodeImage::deserialize_from(file.clone(), cache::HEADER)?, file))
        });
        (key, image)
    };
    let (info, (key, image)) = match bytes.len() {
        LARGE_MODULE.. => std::thread::scope(|scope| {
            let parsing = scope.spawn(parse);
            let found = look_up();
            (parsing.join().unwrap_or_default(), found)
        }),
        _ => match look_up() {
            (key, None) => return (key, None),
            found => (parse(), found),
        },
    };
    let found = info.zip(image).map(|(info, (image, file))| Cached { info, image, file });
    let fits = |found: &Cached| found.image.options().bits() == options.bits() && found.image.fits(&found.info);
    (key, found.filter(fits))
}
