//! Dynamic linking as Emscripten has it: `-sMAIN_MODULE` programs, and the side modules that they need or open.
//!
//! All modules of a program share one memory, one table and one stack pointer. A module's data and functions lie where a base tells it;
//! addresses that cross modules stand in globals (`GOT.mem.X`, `GOT.func.X`), one per name for the whole program. Functions that
//! no module has yet are bound when they are first called. See the convention's description in WebAssembly's `tool-conventions`
//! (`DynamicLinking.md`).
//!
//! Side modules are files of the guest: found by the paths that it may see, by its rights.

use super::errno::Errno;
use super::ops;
use super::path::GuestPath;
use super::state::{AT_FDCWD, HasHost, Host};
use super::sys;
use crate::memory::PAGE_BYTES;
use crate::runtime::{AsContextMut, Caller, Engine, Error, Extern, Func, Global, Instance, Linker, Memory, Module};
use crate::runtime::{Store, Table, Tag, Trap, Val, data_mut};
use crate::wasm::{ExternType, FuncType, GlobalType, Import, TableType, ValType};
use std::collections::HashMap;

/// Where the first module's data begins: what lies below stays free, so that null is no address of it.
const FIRST_DATA: u32 = 1024;

/// Bytes of stack that a program gets if its memory has room for more than four times as much, else a quarter of it.
const STACK: u32 = 5 << 20;

/// Largest file that is taken for a module.
const MAX_MODULE: i64 = 512 << 20;

/// Most modules of a program.
const MAX_MODULES: usize = 256;

/// Numbers of the parts of `dylink.0` that matter here.
const MEM_INFO: u64 = 1;
const NEEDED: u64 = 2;

/// What a module's section `dylink.0` says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    memory: u32,
    /// Powers of two.
    memory_align: u32,
    table: u32,
    table_align: u32,
    modules: Vec<Vec<u8>>,
}

/// A reader of LEB128 numbers.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn word(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

impl Needs {
    /// The needs of a module; `None` where it is not dynamically linked, or the section is damaged.
    fn of(module: &Module) -> Option<Needs> {
        Needs::parse(module.custom_sections("dylink.0").next()?)
    }

    fn parse(section: &[u8]) -> Option<Needs> {
        let mut bytes = Bytes(section);
        let mut needs = Needs::default();
        while !bytes.0.is_empty() {
            let (kind, len) = (bytes.number()?, bytes.number()?);
            let mut part = Bytes(bytes.take(len)?);
            match kind {
                MEM_INFO => {
                    (needs.memory, needs.memory_align) = (part.word()?, part.word()?);
                    (needs.table, needs.table_align) = (part.word()?, part.word()?);
                }
                NEEDED => {
                    for _ in 0..part.number()? {
                        let len = part.number()?;
                        needs.modules.push(part.take(len)?.to_vec());
                    }
                }
                _ => {}
            }
        }
        // A larger alignment than a page of memory is a mistake.
        (needs.memory_align <= 16 && needs.table_align <= 16).then_some(needs)
    }
}

/// One module of a program.
#[derive(Debug)]
struct Loaded {
    /// What the guest calls it by: the address of its `struct dso`; 0 for those that nobody has opened.
    handle: u32,
    name: Vec<u8>,
    instance: Instance,
    /// Where its data begins.
    base: u32,
    /// Whether modules that are loaded later see its symbols.
    global: bool,
}

/// What the modules of a program share.
#[derive(Debug)]
pub struct Dynlink {
    engine: Engine,
    memory: Memory,
    table: Table,
    stack_pointer: Option<Global>,
    /// Addresses by kind (`GOT.mem`, `GOT.func`) and name.
    got: HashMap<(bool, String), Global>,
    tags: HashMap<String, Tag>,
    modules: Vec<Loaded>,
    /// Functions that have a place in the table, by name.
    places: HashMap<String, u32>,
    /// Constructors of modules that were loaded before the program began.
    late: Vec<Instance>,
    running: bool,
}

const ADDRESS: GlobalType = GlobalType { content: ValType::I32, mutable: true };
const BASE: GlobalType = GlobalType { content: ValType::I32, mutable: false };

/// Whether a module is to be linked dynamically.
pub(super) fn is_main(module: &Module) -> bool {
    module.custom_sections("dylink.0").next().is_some()
}

/// Makes the first module's instance.
pub(super) fn instantiate<T: HasHost + 'static>(
    linker: &Linker<T>,
    store: &mut Store<T>,
    module: &Module,
) -> Result<Instance, Error> {
    let needs = Needs::of(module).ok_or_else(|| Error::Usage("its section dylink.0 is damaged".into()))?;
    let import = |name: &str| module.imports().iter().find(|i| i.module == "env" && i.name == name).map(|i| &i.ty);
    let relocatable = import("__memory_base").is_some();
    let first_function = 1;
    let memory = match import("memory") {
        Some(ExternType::Memory(ty)) if ty.shared => {
            let message =
                "it is linked dynamically and has threads, which do not go together; link it without -pthread";
            return Err(Error::Usage(message.into()));
        }
        Some(ExternType::Memory(ty)) => Some(Memory::new(&mut *store, *ty)?),
        _ => None,
    };
    let table = match import("__indirect_function_table") {
        Some(ExternType::Table(ty)) => {
            let least = u64::from(first_function + needs.table);
            let mut limits = ty.limits;
            limits.min = limits.min.max(least);
            Some(Table::new(&mut *store, TableType { limits, ..*ty }, Val::FuncRef(None))?)
        }
        _ => None,
    };
    let data_end = (FIRST_DATA + needs.memory).next_multiple_of(16);
    let room = memory.map_or(0, |memory| (memory.pages(&*store) * PAGE_BYTES).min(u64::from(u32::MAX)) as u32);
    let stack = STACK.min(room.saturating_sub(data_end) / 4).next_multiple_of(16);
    let heap = data_end.saturating_add(stack);
    let mut scope = Scope::new(store.engine().clone());
    if relocatable {
        let pointer = Global::new(&mut *store, ADDRESS, Val::I32(heap as i32))?;
        scope.stack_pointer = Some(pointer);
    }
    (scope.memory, scope.table) = (memory, table);
    let (base, table_base) = if relocatable { (FIRST_DATA, first_function) } else { (0, 0) };
    let items = scope.items(store, linker, module, (base, table_base))?;
    let mut items = items.into_iter();
    let instance = linker.instantiate_filled(&mut *store, module, &mut |_| items.next().flatten())?;
    let found = |item: Option<Extern>, what: &str| {
        item.ok_or_else(|| Error::Usage(format!("it is linked dynamically and has no {what}")))
    };
    let memory = found(memory.or_else(|| instance.memory(&*store)).map(Extern::Memory), "memory")?;
    let exported = || instance.get_table(&*store, "__indirect_function_table");
    let table = found(table.or_else(exported).map(Extern::Table), "table")?;
    let (Extern::Memory(memory), Extern::Table(table)) = (memory, table) else {
        return Err(Error::Usage("it is linked dynamically in an unknown way".into()));
    };
    let pointer = scope.stack_pointer.or_else(|| instance.get_global(&*store, "__stack_pointer"));
    let mut dynlink = Dynlink {
        engine: scope.engine,
        memory,
        table,
        stack_pointer: pointer,
        got: scope.got,
        tags: scope.tags,
        modules: Vec::new(),
        places: HashMap::new(),
        late: Vec::new(),
        running: false,
    };
    for (name, value) in [("__heap_base", heap), ("__stack_high", heap), ("__stack_low", data_end)] {
        dynlink.set_address(store, name, value)?;
    }
    let loaded = Loaded { handle: 0, name: b"__main__".to_vec(), instance, base, global: true };
    dynlink.enter(store, loaded)?;
    store.data_mut().host().dynlink = Some(Box::new(dynlink));
    for name in needs.modules {
        load(store, &name, 0, true).map_err(Error::Usage)?;
    }
    fill_got(store)?;
    relocate(store, &instance).map_err(Error::Start)?;
    Ok(instance)
}

/// What imports are looked up in while a module is linked.
struct Scope {
    engine: Engine,
    memory: Option<Memory>,
    table: Option<Table>,
    stack_pointer: Option<Global>,
    got: HashMap<(bool, String), Global>,
    tags: HashMap<String, Tag>,
    /// Instances whose functions the module sees.
    visible: Vec<Instance>,
}

impl Scope {
    fn new(engine: Engine) -> Scope {
        Scope {
            engine,
            memory: None,
            table: None,
            stack_pointer: None,
            got: HashMap::new(),
            tags: HashMap::new(),
            visible: Vec::new(),
        }
    }

    /// What each import of a module is, as far as it is not the linker's.
    fn items<T: HasHost + 'static, S: AsContextMut<Data = T>>(
        &mut self,
        store: &mut S,
        linker: &Linker<T>,
        module: &Module,
        (base, table_base): (u32, u32),
    ) -> Result<Vec<Option<Extern>>, Error> {
        let missing = linker.missing(module);
        let is_missing = |import: &Import| missing.iter().any(|m| m.module == import.module && m.name == import.name);
        let mut items = Vec::with_capacity(module.imports().len());
        for import in module.imports() {
            let name = import.name.as_str();
            items.push(match (import.module.as_str(), &import.ty) {
                (kind @ ("GOT.mem" | "GOT.func"), ExternType::Global(_)) => {
                    Some(self.address(store, kind == "GOT.func", name)?.into())
                }
                ("env", ExternType::Global(_)) => match name {
                    "__stack_pointer" => self.stack_pointer.map(Extern::Global),
                    "__memory_base" => Some(Global::new(&mut *store, BASE, Val::I32(base as i32))?.into()),
                    "__table_base" => Some(Global::new(&mut *store, BASE, Val::I32(table_base as i32))?.into()),
                    _ => None,
                },
                ("env", ExternType::Memory(_)) => self.memory.map(Extern::Memory),
                ("env", ExternType::Table(_)) => self.table.map(Extern::Table),
                ("env", ExternType::Tag(ty)) => {
                    let tag = self.tags.get(name).copied();
                    let tag = tag.unwrap_or_else(|| Tag::new(&mut *store, ty.clone(), name));
                    self.tags.insert(name.to_owned(), tag);
                    Some(Extern::Tag(tag))
                }
                ("env", ExternType::Func(ty)) => match self.function(store, name, ty) {
                    Some(func) => Some(Extern::Func(func)),
                    None if is_missing(import) => Some(Extern::Func(late_bound(store, name, ty)?)),
                    None => None,
                },
                _ => None,
            });
        }
        Ok(items)
    }

    fn function<S: AsContextMut>(&self, store: &mut S, name: &str, ty: &FuncType) -> Option<Func> {
        let exports = self.visible.iter().filter_map(|instance| instance.get_func(&*store, name));
        exports.into_iter().find(|func| func.ty(&*store) == *ty)
    }

    /// The global that holds an address.
    fn address<S: AsContextMut>(&mut self, store: &mut S, func: bool, name: &str) -> Result<Global, Error> {
        if let Some(global) = self.got.get(&(func, name.to_owned())) {
            return Ok(*global);
        }
        let global = Global::new(&mut *store, ADDRESS, Val::I32(0))?;
        self.got.insert((func, name.to_owned()), global);
        Ok(global)
    }
}

/// A function that looks up what it stands for when it is called.
fn late_bound<T: HasHost + 'static, S: AsContextMut<Data = T>>(
    store: &mut S,
    name: &str,
    ty: &FuncType,
) -> Result<Func, Error> {
    let (wanted, results_ty) = (name.to_owned(), ty.clone());
    Func::new(store, ty.clone(), move |mut caller: Caller<'_, T>, params, results| {
        let dynlink = caller.data_mut().host().dynlink.take();
        let found = dynlink.as_ref().and_then(|dynlink| dynlink.find(&mut caller, &wanted));
        caller.data_mut().host().dynlink = dynlink;
        let Some(func) = found.filter(|func| func.ty(&caller) == results_ty) else {
            return Err(Trap::host(format!(
                "{wanted} is in none of the program's modules; export it from the main module \
                 (-sMAIN_MODULE=1, or -sEXPORTED_FUNCTIONS=_{wanted})"
            )));
        };
        for (slot, value) in results.iter_mut().zip(func.call(&mut caller, params)?) {
            *slot = value;
        }
        Ok(())
    })
}

impl Dynlink {
    /// A function by its name, in the modules whose symbols all see.
    fn find<S: AsContextMut>(&self, store: &mut S, name: &str) -> Option<Func> {
        self.modules.iter().filter(|m| m.global).find_map(|m| m.instance.get_func(&*store, name))
    }

    fn set_address<S: AsContextMut>(&mut self, store: &mut S, name: &str, value: u32) -> Result<(), Error> {
        match self.got.get(&(false, name.to_owned())) {
            Some(global) => global.set(&mut *store, Val::I32(value as i32)),
            None => Ok(()),
        }
    }

    /// Enters a module, and the addresses of what it exports where nobody else has these names.
    fn enter<S: AsContextMut>(&mut self, store: &mut S, loaded: Loaded) -> Result<(), Error> {
        let (instance, base) = (loaded.instance, loaded.base);
        if let Some(main) = self.modules.first() {
            instance.fall_back(&mut *store, main.instance);
        }
        let global = loaded.global || self.modules.is_empty();
        self.modules.push(Loaded { global, ..loaded });
        for (name, item) in instance.exports(&*store) {
            let kind = matches!(item, Extern::Func(_));
            let Some(place) = self.got.get(&(kind, name.clone())).copied() else { continue };
            if place.get(&*store).i32() != Some(0) {
                continue;
            }
            let address = match item {
                Extern::Func(_) => self.function_address(store, &name, instance)?,
                Extern::Global(global) => data_address(store, global, base),
                _ => None,
            };
            if let Some(address) = address {
                place.set(&mut *store, Val::I32(address as i32))?;
            }
        }
        Ok(())
    }

    /// The place in the table of a function that a module exports; it gets one where it has none.
    fn function_address<S: AsContextMut>(
        &mut self,
        store: &mut S,
        name: &str,
        instance: Instance,
    ) -> Result<Option<u32>, Error> {
        // What crosses the boundary to JavaScript in two halves is called whole by other modules.
        let func = instance.get_func(&*store, &format!("orig${name}")).or_else(|| instance.get_func(&*store, name));
        let Some(func) = func else { return Ok(None) };
        let mut place = self.places.get(name).copied();
        if place.is_none_or(|place| self.function_at(store, place) != Some(func)) {
            place = (1..self.table.size(&*store)).find(|place| self.function_at(store, *place) == Some(func));
        }
        let place = match place {
            Some(place) => place,
            None => {
                let grown = self.table.grow(&mut *store, 1, Val::FuncRef(Some(func)))?;
                grown.ok_or_else(|| Error::Limit("the table of functions is full".into()))?
            }
        };
        self.places.insert(name.to_owned(), place);
        Ok(Some(place))
    }

    fn function_at<S: AsContextMut>(&self, store: &mut S, place: u32) -> Option<Func> {
        match self.table.get(&*store, place) {
            Some(Val::FuncRef(func)) => func,
            _ => None,
        }
    }

    fn by_handle(&self, handle: u32) -> Option<&Loaded> {
        self.modules.iter().find(|module| module.handle == handle)
    }
}

/// The address that an exported global stands for: constants count from the module's base.
fn data_address<S: AsContextMut>(store: &mut S, global: Global, base: u32) -> Option<u32> {
    let value = global.get(&*store).i32()? as u32;
    Some(if global.ty().mutable { value } else { value.wrapping_add(base) })
}

/// Runs what gives a module's data its addresses.
fn relocate<S: AsContextMut>(store: &mut S, instance: &Instance) -> Result<(), Trap> {
    for name in ["__wasm_apply_data_relocs", "__wasm_apply_global_relocs"] {
        call(store, instance, name)?;
    }
    Ok(())
}

fn call<S: AsContextMut>(store: &mut S, instance: &Instance, name: &str) -> Result<bool, Trap> {
    match instance.get_func(&*store, name).map(|func| func.typed::<(), ()>(&*store)) {
        Some(Ok(func)) => func.call(store, ()).map(|()| true),
        Some(Err(_)) | None => Ok(false),
    }
}

fn construct<S: AsContextMut>(store: &mut S, instance: &Instance) -> Result<(), Trap> {
    if !call(store, instance, "__wasm_call_ctors")? {
        call(store, instance, "__post_instantiate")?;
    }
    Ok(())
}

/// Runs the constructors of modules that the program needs from its beginning.
pub(super) fn begin<T: HasHost + 'static>(store: &mut Store<T>) -> Result<(), Trap> {
    let Some(dynlink) = &mut store.data_mut().host().dynlink else { return Ok(()) };
    dynlink.running = true;
    for instance in std::mem::take(&mut dynlink.late) {
        construct(store, &instance)?;
    }
    Ok(())
}

/// Gives addresses their values where they have none yet.
fn fill_got<T: HasHost + 'static, S: AsContextMut<Data = T>>(store: &mut S) -> Result<(), Error> {
    let Some(mut dynlink) = data_mut(store).host().dynlink.take() else { return Ok(()) };
    let result = fill_addresses(&mut dynlink, store);
    data_mut(store).host().dynlink = Some(dynlink);
    result
}

fn fill_addresses<S: AsContextMut>(dynlink: &mut Dynlink, store: &mut S) -> Result<(), Error> {
    let open: Vec<_> =
        dynlink.got.iter().filter(|(_, g)| g.get(&*store).i32() == Some(0)).map(|(k, g)| (k.clone(), *g)).collect();
    for ((func, name), place) in open {
        let modules: Vec<_> = dynlink.modules.iter().filter(|m| m.global).map(|m| (m.instance, m.base)).collect();
        for (instance, base) in modules {
            let address = match instance.get_export(&*store, &name) {
                Some(Extern::Func(_)) if func => dynlink.function_address(store, &name, instance)?,
                Some(Extern::Global(global)) if !func => data_address(store, global, base),
                _ => None,
            };
            if let Some(address) = address {
                place.set(&mut *store, Val::I32(address as i32))?;
                break;
            }
        }
    }
    Ok(())
}

/// Reads a file of the guest.
fn read_file(host: &Host, path: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut path = GuestPath::new(path)?;
    let base = host.base_for(AT_FDCWD, &mut path)?;
    let file = ops::open(host, base, &mut path, libc::O_RDONLY, 0)?;
    let (fd, stat) = (file.fd()?, sys::fstat(file.fd()?)?);
    if stat.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Err(Errno::EISDIR);
    }
    if stat.st_size > MAX_MODULE {
        return Err(Errno::EFBIG);
    }
    let mut bytes = vec![0; stat.st_size as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match sys::pread(fd, &mut bytes[filled..], filled as i64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Finds a module: under its path, else in the directories of `LD_LIBRARY_PATH`.
fn find_file(host: &Host, name: &[u8]) -> Result<Vec<u8>, Errno> {
    let first = match read_file(host, name) {
        Err(errno @ (Errno::ENOENT | Errno::ENOTDIR)) => errno,
        other => return other,
    };
    let variable = b"LD_LIBRARY_PATH=";
    let paths = host.env.iter().find_map(|variable_| variable_.strip_prefix(&variable[..])).unwrap_or_default();
    for dir in paths.split(|byte| *byte == b':').filter(|dir| !dir.is_empty()) {
        if let Ok(bytes) = read_file(host, &[dir, b"/", name].concat()) {
            return Ok(bytes);
        }
    }
    Err(first)
}

/// Loads a module and those that it needs. The error is for the guest.
fn load<T: HasHost + 'static, S: AsContextMut<Data = T>>(
    store: &mut S,
    name: &[u8],
    handle: u32,
    global: bool,
) -> Result<(), String> {
    let host = data_mut(store).host();
    let Some(dynlink) = &mut host.dynlink else { return Err("the program is not linked dynamically".into()) };
    if let Some(known) = dynlink.modules.iter_mut().find(|module| module.name == name) {
        known.handle = if handle == 0 { known.handle } else { handle };
        known.global |= global;
        return Ok(());
    }
    if dynlink.modules.len() >= MAX_MODULES {
        return Err(format!("a program cannot have more than {MAX_MODULES} modules"));
    }
    let engine = dynlink.engine.clone();
    let bytes = find_file(host, name).map_err(|errno| errno.to_string())?;
    let module = Module::new(&engine, &bytes).map_err(|error| error.to_string())?;
    let needs = Needs::of(&module).ok_or("it is no side module; link it with -sSIDE_MODULE")?;
    for needed in &needs.modules {
        load(store, needed, 0, true).map_err(|error| format!("{}: {error}", String::from_utf8_lossy(needed)))?;
    }
    let base = allocate(store, &needs).map_err(|trap| trap.to_string())?;
    let Some(mut dynlink) = data_mut(store).host().dynlink.take() else { return Err("linking went wrong".into()) };
    let linked = link(&mut dynlink, store, &module, (&needs, base));
    let outcome = linked.and_then(|instance| {
        dynlink.enter(store, Loaded { handle, name: name.to_vec(), instance, base, global })?;
        fill_addresses(&mut dynlink, store)?;
        Ok(instance)
    });
    let running = dynlink.running;
    if let (Ok(instance), false) = (&outcome, running) {
        dynlink.late.push(*instance);
    }
    data_mut(store).host().dynlink = Some(dynlink);
    let instance = outcome.map_err(|error| error.to_string())?;
    let done = relocate(store, &instance).and_then(|()| if running { construct(store, &instance) } else { Ok(()) });
    done.map_err(|trap| trap.to_string())
}

/// Makes a side module's instance.
fn link<T: HasHost + 'static, S: AsContextMut<Data = T>>(
    dynlink: &mut Dynlink,
    store: &mut S,
    module: &Module,
    (needs, base): (&Needs, u32),
) -> Result<Instance, Error> {
    let mut linker = Linker::<T>::new();
    super::link(&mut linker, module)?;
    let align = 1 << needs.table_align;
    let table_base = dynlink.table.size(&*store).next_multiple_of(align);
    let grow = table_base - dynlink.table.size(&*store) + needs.table;
    if dynlink.table.grow(&mut *store, grow, Val::FuncRef(None))?.is_none() {
        return Err(Error::Limit(format!("the table of functions cannot take {} more", needs.table)));
    }
    let mut scope = Scope {
        memory: Some(dynlink.memory),
        table: Some(dynlink.table),
        stack_pointer: dynlink.stack_pointer,
        got: std::mem::take(&mut dynlink.got),
        tags: std::mem::take(&mut dynlink.tags),
        visible: dynlink.modules.iter().filter(|module| module.global).map(|module| module.instance).collect(),
        ..Scope::new(dynlink.engine.clone())
    };
    let items = scope.items(store, &linker, module, (base, table_base));
    (dynlink.got, dynlink.tags) = (scope.got, scope.tags);
    // The start function may use them already.
    fill_addresses(dynlink, store)?;
    let mut items = items?.into_iter();
    linker.instantiate_filled(&mut *store, module, &mut |_| items.next().flatten())
}

/// Memory for a module's data: the guest's allocator's, or what the heap will not have where that does not run yet.
fn allocate<T: HasHost + 'static, S: AsContextMut<Data = T>>(store: &mut S, needs: &Needs) -> Result<u32, Trap> {
    let align = 1u32 << needs.memory_align.max(4);
    let size = needs.memory.checked_add(align).ok_or_else(|| Trap::host("its data is too large"))?;
    let Some(dynlink) = &data_mut(store).host().dynlink else { return Ok(0) };
    let main = dynlink.modules.first().map(|main| main.instance);
    let (Some(main), running) = (main, dynlink.running) else { return Ok(0) };
    if !running {
        let heap = dynlink.got.get(&(false, "__heap_base".to_owned())).copied();
        let heap = heap.ok_or_else(|| Trap::host("the main module does not tell where its heap begins"))?;
        let base = (heap.get(&*store).i32().unwrap_or(0) as u32).next_multiple_of(align);
        heap.set(&mut *store, Val::I32(base.wrapping_add(needs.memory).next_multiple_of(16) as i32))?;
        return Ok(base);
    }
    let got = if let Some(calloc) = main.get_func(&*store, "calloc") {
        calloc.typed::<(i32, i32), i32>(&*store)?.call(&mut *store, (1, size as i32))?
    } else {
        let malloc = main.get_func(&*store, "malloc").ok_or_else(|| Trap::host("the main module exports no malloc"))?;
        malloc.typed::<(i32,), i32>(&*store)?.call(&mut *store, (size as i32,))?
    };
    if got == 0 {
        return Err(Trap::host("there is no memory for its data"));
    }
    if let Some(memory) = main.memory(&*store) {
        memory.view(store).fill(got as u32, size, 0)?;
    }
    Ok((got as u32).next_multiple_of(align))
}

/// Opens a module for the guest; `Err` says what its `dlerror` is to say.
pub(super) fn open<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    name: &[u8],
    handle: u32,
    global: bool,
) -> Result<(), String> {
    if name == b"__main__" {
        // The first module opens itself, so that it has a handle.
        let Some(dynlink) = &mut caller.data_mut().host().dynlink else { return Ok(()) };
        dynlink.running = true;
        dynlink.modules.iter_mut().take(1).for_each(|main| main.handle = handle);
        return Ok(());
    }
    load(caller, name, handle, global)
}

/// The address of a symbol, in one module or in all.
pub(super) fn symbol<T: HasHost + 'static>(
    caller: &mut Caller<'_, T>,
    handle: Option<u32>,
    name: &str,
) -> Result<Option<u32>, Trap> {
    let Some(mut dynlink) = caller.data_mut().host().dynlink.take() else { return Ok(None) };
    let modules: Vec<_> = match handle {
        Some(handle) => dynlink.by_handle(handle).map(|m| (m.instance, m.base)).into_iter().collect(),
        None => dynlink.modules.iter().filter(|m| m.global).map(|m| (m.instance, m.base)).collect(),
    };
    let mut found = Ok(None);
    for (instance, base) in modules {
        found = match instance.get_export(&*caller, name) {
            Some(Extern::Func(_)) => dynlink.function_address(caller, name, instance),
            Some(Extern::Global(global)) => Ok(data_address(caller, global, base)),
            _ => continue,
        };
        break;
    }
    caller.data_mut().host().dynlink = Some(dynlink);
    Ok(found?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_are_read_and_damage_is_seen() {
        let section = [1, 5, 0xa0, 0x15, 4, 6, 0, 9, 1, 0, 2, 3, 1, 1, b'x'];
        let needs = Needs { memory: 2720, memory_align: 4, table: 6, table_align: 0, modules: vec![b"x".to_vec()] };
        assert_eq!(Needs::parse(&section), Some(needs));
        assert_eq!(Needs::parse(&[]), Some(Needs::default()));
        for len in [1, 3, 6, 8, 11, 13, 14] {
            assert_eq!(Needs::parse(&section[..len]), None, "{len}");
        }
        assert_eq!(Needs::parse(&[1, 4, 0, 17, 0, 0]), None);
        assert_eq!(Needs::parse(&[2, 2, 0xff, 0x7f]), None);
    }
}
