//! What guests import, by module name, field name and type.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{Error, LinkError, MissingImport};
use super::exceptions::TagData;
use super::externs::{Extern, assert_store};
use super::host::{Caller, HostFunc, IntoHostFunc};
use super::instance::Instance;
use super::instantiate::{Resolved, instantiate};
use super::module::Module;
use super::store::{AsContext, AsContextMut, CoreAccess};
use super::trap::Trap;
use super::values::Val;
use crate::wasm::{ExternType, FuncType, Import, Limits};

/// Definitions that imports are looked up in. One name may be bound to several functions of different types: Emscripten's
/// versions give one name different signatures.
pub struct Linker<T: 'static> {
    modules: HashMap<String, HashMap<String, Vec<Definition>>>,
    allow_shadowing: bool,
    trap_on_missing: bool,
    _data: std::marker::PhantomData<fn(T)>,
}

#[derive(Clone)]
enum Definition {
    Host(Arc<HostFunc>),
    Tag(Arc<TagData>),
    Extern(Extern),
}

impl<T: 'static> Default for Linker<T> {
    fn default() -> Linker<T> {
        Linker::new()
    }
}

impl<T: 'static> Clone for Linker<T> {
    fn clone(&self) -> Linker<T> {
        Linker { modules: self.modules.clone(), ..*self }
    }
}

impl<T: 'static> std::fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Linker").field("modules", &self.modules.keys()).finish_non_exhaustive()
    }
}

impl<T: 'static> Linker<T> {
    /// A linker without definitions.
    pub fn new() -> Linker<T> {
        Linker {
            modules: HashMap::new(),
            allow_shadowing: false,
            trap_on_missing: false,
            _data: std::marker::PhantomData,
        }
    }

    /// Whether a later definition may replace an earlier one. Otherwise that is an error.
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.allow_shadowing = allow;
        self
    }

    /// Whether a function that nothing provides becomes one that traps when it is called. Otherwise instantiation fails.
    pub fn trap_on_missing(&mut self, enabled: bool) -> &mut Self {
        self.trap_on_missing = enabled;
        self
    }

    /// Defines a host function from a closure with native types; see [`IntoHostFunc`].
    ///
    /// # Errors
    /// If the name is bound to a function of that type already.
    pub fn func_wrap<Params, R>(
        &mut self,
        module: &str,
        name: &str,
        closure: impl IntoHostFunc<T, Params, R>,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Host(Arc::new(HostFunc::wrap(closure))))
    }

    /// Has calls of a function that was defined by [`Linker::func_wrap`] begin with a shortcut.
    pub(crate) fn shorten<S: super::host::Shortcut<T>>(&mut self, module: &str, name: &str) {
        let list = self.modules.get_mut(module).and_then(|names| names.get_mut(name));
        for definition in list.into_iter().flatten() {
            if let Definition::Host(host) = definition
                && let Some(host) = Arc::get_mut(host)
            {
                host.shorten::<T, S>();
            }
        }
    }

    /// Defines a host function whose type is known at run time only. The results that it writes must have the type's types.
    ///
    /// # Errors
    /// If the name is bound to a function of that type already, or the type has vectors.
    pub fn func_new(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        closure: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Trap> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        super::host::refuse_vectors(&ty)?;
        self.insert(module, name, Definition::Host(Arc::new(HostFunc::dynamic(ty, closure))))
    }

    /// Defines an exception tag whose exceptions have values of the type's parameters. It is one tag for all modules that the linker
    /// links.
    ///
    /// # Errors
    /// If the name is bound already.
    pub fn tag(&mut self, module: &str, name: &str, ty: FuncType) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Tag(TagData::new(ty, format!("{module}.{name}"))))
    }

    /// Defines a function, table, memory, global or tag of a store.
    ///
    /// # Errors
    /// If the name is bound already.
    pub fn define(&mut self, module: &str, name: &str, item: impl Into<Extern>) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Extern(item.into()))
    }

    /// Defines all exports of an instance under a module name.
    ///
    /// # Errors
    /// If one of the names is bound already.
    pub fn instance(&mut self, store: impl AsContext, module: &str, instance: Instance) -> Result<&mut Self, Error> {
        for (name, item) in instance.exports(store) {
            self.insert(module, &name, Definition::Extern(item))?;
        }
        Ok(self)
    }

    fn insert(&mut self, module: &str, name: &str, definition: Definition) -> Result<&mut Self, Error> {
        let allow = self.allow_shadowing;
        let list = self.modules.entry(module.to_owned()).or_default().entry(name.to_owned()).or_default();
        let same = list.iter().position(|other| match (other, &definition) {
            (Definition::Host(a), Definition::Host(b)) => a.ty == b.ty,
            _ => true,
        });
        match same {
            Some(_) if !allow => Err(Error::Usage(format!("{module}.{name} is defined twice"))),
            Some(at) => {
                list[at] = definition;
                Ok(self)
            }
            None => {
                list.push(definition);
                Ok(self)
            }
        }
    }

    /// Host functions that are defined: module, name, type; sorted.
    pub fn host_functions(&self) -> Vec<(&str, &str, &FuncType)> {
        let mut all = Vec::new();
        for (module, names) in &self.modules {
            for (name, list) in names {
                all.extend(list.iter().filter_map(|definition| match definition {
                    Definition::Host(host) => Some((module.as_str(), name.as_str(), &host.ty)),
                    Definition::Extern(_) | Definition::Tag(_) => None,
                }));
            }
        }
        all.sort_by_key(|(module, name, ty)| (*module, *name, ty.params.len()));
        all
    }

    /// Imports of a module that host functions and the linker's tags do not satisfy. Nothing else is looked at.
    pub fn missing(&self, module: &Module) -> Vec<MissingImport> {
        let imports = module.imports().iter();
        imports.filter_map(|import| self.find_provided(import).err().map(|missing| *missing)).collect()
    }

    fn definitions(&self, import: &Import) -> &[Definition] {
        self.modules.get(&import.module).and_then(|names| names.get(&import.name)).map_or(&[], Vec::as_slice)
    }

    fn find_provided(&self, import: &Import) -> Result<Resolved, Box<MissingImport>> {
        let mut others = Vec::new();
        for definition in self.definitions(import) {
            match (definition, &import.ty) {
                (Definition::Host(host), ExternType::Func(ty)) if *ty == host.ty => {
                    return Ok(Resolved::Host(host.clone()));
                }
                (Definition::Tag(tag), ExternType::Tag(ty)) if *ty == tag.ty => return Ok(Resolved::Tag(tag.clone())),
                (Definition::Host(host), _) => others.push(ExternType::Func(host.ty.clone())),
                (Definition::Tag(tag), _) => others.push(ExternType::Tag(tag.ty.clone())),
                (Definition::Extern(_), _) => {}
            }
        }
        Err(missing(import, others))
    }

    fn resolve(&self, store: &impl AsContext, import: &Import) -> Result<Resolved, Box<MissingImport>> {
        let mut others = match self.find_provided(import) {
            Ok(provided) => return Ok(provided),
            Err(missing) => missing.others,
        };
        for definition in self.definitions(import) {
            let Definition::Extern(item) = definition else { continue };
            assert_store(store.core(), item.store());
            let ty = item.ty(store);
            if matches(&import.ty, &ty) {
                return Ok(Resolved::Extern(*item));
            }
            others.push(ty);
        }
        match &import.ty {
            ExternType::Func(ty) if self.trap_on_missing => Ok(Resolved::Host(Arc::new(trapping::<T>(import, ty)))),
            _ => Err(missing(import, others)),
        }
    }

    /// Makes an instance and runs its start function.
    ///
    /// # Errors
    /// [`Error::Link`] with all imports that nothing satisfies; [`Error::Limit`]; [`Error::Start`] if a segment does not fit
    /// or the start function traps.
    pub fn instantiate(&self, store: impl AsContextMut<Data = T>, module: &Module) -> Result<Instance, Error> {
        self.instantiate_filled(store, module, &mut |_| None)
    }

    /// As [`Linker::instantiate`]; what `fill` gives for an import is taken first.
    ///
    /// # Errors
    /// As [`Linker::instantiate`].
    pub fn instantiate_filled(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
        fill: &mut dyn FnMut(&Import) -> Option<Extern>,
    ) -> Result<Instance, Error> {
        let mut resolved = Vec::with_capacity(module.imports().len());
        let mut missing = Vec::new();
        for import in module.imports() {
            let found = match fill(import) {
                Some(item) => given(&store, import, item),
                None => self.resolve(&store, import),
            };
            match found {
                Ok(item) => resolved.push(item),
                Err(import) => missing.push(*import),
            }
        }
        if !missing.is_empty() {
            return Err(LinkError { missing }.into());
        }
        instantiate_checked(&mut store, module, &resolved)
    }
}

/// What a caller gives for an import, if it fits.
fn given(store: &impl AsContext, import: &Import, item: Extern) -> Result<Resolved, Box<MissingImport>> {
    assert_store(store.core(), item.store());
    let ty = item.ty(store);
    if matches(&import.ty, &ty) { Ok(Resolved::Extern(item)) } else { Err(missing(import, vec![ty])) }
}

fn missing(import: &Import, others: Vec<ExternType>) -> Box<MissingImport> {
    Box::new(MissingImport { module: import.module.clone(), name: import.name.clone(), ty: import.ty.clone(), others })
}

fn instantiate_checked(
    store: &mut impl AsContextMut,
    module: &Module,
    imports: &[Resolved],
) -> Result<Instance, Error> {
    if !store.core().engine.same(module.engine()) {
        return Err(Error::Usage("the module was compiled by another engine than the store's".into()));
    }
    // SAFETY: the store is borrowed mutably; the imports have been compared, and belong to it.
    unsafe { instantiate(store.store_ptr().core_ptr(), module, imports) }
}

impl Instance {
    /// Makes an instance from one item for each import, in order, and runs its start function.
    ///
    /// # Errors
    /// As [`Linker::instantiate`].
    pub fn new(mut store: impl AsContextMut, module: &Module, imports: &[Extern]) -> Result<Instance, Error> {
        let wanted = module.imports();
        if wanted.len() != imports.len() {
            let message = format!("the module has {} imports, and {} are given", wanted.len(), imports.len());
            return Err(Error::Usage(message));
        }
        let mut unfit = Vec::new();
        for (import, item) in wanted.iter().zip(imports) {
            assert_store(store.core(), item.store());
            let ty = item.ty(&store);
            if !matches(&import.ty, &ty) {
                unfit.push(*missing(import, vec![ty]));
            }
        }
        if !unfit.is_empty() {
            return Err(LinkError { missing: unfit }.into());
        }
        let resolved: Vec<_> = imports.iter().map(|item| Resolved::Extern(*item)).collect();
        instantiate_checked(&mut store, module, &resolved)
    }
}

/// A function that traps and says what is missing.
fn trapping<T: 'static>(import: &Import, ty: &FuncType) -> HostFunc {
    let message = format!("the guest called {}.{}, which is not provided", import.module, import.name);
    HostFunc::dynamic(ty.clone(), move |_: Caller<'_, T>, _: &[Val], _: &mut [Val]| Err(Trap::host(message.clone())))
}

/// Whether something of type `given` can be imported as `wanted`.
///
/// See <https://webassembly.github.io/spec/core/valid/types.html#import-subtyping>.
fn matches(wanted: &ExternType, given: &ExternType) -> bool {
    match (wanted, given) {
        (ExternType::Func(wanted), ExternType::Func(given)) => wanted == given,
        (ExternType::Table(wanted), ExternType::Table(given)) => {
            wanted.element == given.element
                && wanted.table64 == given.table64
                && limits_match(wanted.limits, given.limits)
        }
        (ExternType::Memory(wanted), ExternType::Memory(given)) => {
            wanted.memory64 == given.memory64
                && wanted.shared == given.shared
                && limits_match(wanted.limits, given.limits)
        }
        (ExternType::Global(wanted), ExternType::Global(given)) => wanted == given,
        (ExternType::Tag(wanted), ExternType::Tag(given)) => wanted == given,
        _ => false,
    }
}

fn limits_match(wanted: Limits, given: Limits) -> bool {
    given.min >= wanted.min
        && match (wanted.max, given.max) {
            (None, _) => true,
            (Some(wanted), Some(given)) => given <= wanted,
            (Some(_), None) => false,
        }
}
