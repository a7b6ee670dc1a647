//! What goes wrong before a guest runs, or because the embedder asks for something impossible.

use std::fmt;

use super::trap::Trap;
use crate::wasm::{ExternType, FuncType, LoadError, ValType};

/// A module could not be loaded or linked, or a call does not fit.
///
/// Never the guest's doing at run time: that is a [`Trap`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a module, or not one that this engine accepts; says where and why.
    Load(LoadError),
    /// The module is valid but could not be compiled.
    Compile(String),
    /// Imports are missing or have other types.
    Link(LinkError),
    /// A segment or the start function trapped while the module was instantiated.
    Start(Trap),
    /// A limit of the embedder or the system is too low for the module.
    Limit(String),
    /// The embedder asked for something that does not exist or does not fit.
    Usage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Load(error) => error.fmt(f),
            Error::Compile(message) => write!(f, "the module could not be compiled: {message}"),
            Error::Link(error) => error.fmt(f),
            Error::Start(trap) => write!(f, "the module failed while it was instantiated: {trap}"),
            Error::Limit(message) | Error::Usage(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Load(error) => Some(error),
            Error::Link(error) => Some(error),
            Error::Start(trap) => Some(trap),
            _ => None,
        }
    }
}

impl From<LoadError> for Error {
    fn from(error: LoadError) -> Error {
        Error::Load(error)
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Error {
        Error::Link(error)
    }
}

/// Imports that could not be satisfied: all of them, in the module's order.
#[derive(Clone, Debug)]
pub struct LinkError {
    /// The imports.
    pub missing: Vec<MissingImport>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.missing.len() == 1 { "import is" } else { "imports are" };
        write!(f, "{} {plural} not provided:", self.missing.len())?;
        self.missing.iter().try_for_each(|import| write!(f, "\n  {import}"))
    }
}

impl std::error::Error for LinkError {}

/// An import that nothing fits.
#[derive(Clone, Debug)]
pub struct MissingImport {
    /// Module name.
    pub module: String,
    /// Field name.
    pub name: String,
    /// What the module wants.
    pub ty: ExternType,
    /// What is defined under that name instead.
    pub others: Vec<ExternType>,
}

impl fmt::Display for MissingImport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}: {}", self.module, self.name, Described(&self.ty))?;
        if let Some((first, rest)) = self.others.split_first() {
            write!(f, " (incompatible import type: it is provided as {}", Described(first))?;
            rest.iter().try_for_each(|other| write!(f, " or {}", Described(other)))?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

/// Prints a type for messages.
struct Described<'a>(&'a ExternType);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ExternType::Func(ty) => write!(f, "function {}", describe_func(ty)),
            ExternType::Table(ty) => {
                write!(f, "table of {}, {} entries", name(ty.element), limits(ty.limits.min, ty.limits.max))
            }
            ExternType::Memory(ty) => write!(f, "memory, {} pages", limits(ty.min, ty.max)),
            ExternType::SharedMemory(ty) => write!(f, "shared memory, {} pages", limits(ty.min, ty.max)),
            ExternType::Global(ty) => {
                write!(f, "{} global {}", if ty.mutable { "mutable" } else { "constant" }, name(ty.content))
            }
        }
    }
}

fn limits(min: u32, max: Option<u32>) -> String {
    max.map_or(format!("{min} or more"), |max| format!("{min} to {max}"))
}

fn name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "funcref",
        ValType::ExternRef => "externref",
    }
}

/// A function type for messages: `(i32, i64) -> f32`.
pub fn describe_func(ty: &FuncType) -> String {
    let list = |types: &[ValType]| types.iter().map(|ty| name(*ty)).collect::<Vec<_>>().join(", ");
    match ty.results.as_slice() {
        [] => format!("({})", list(&ty.params)),
        [one] => format!("({}) -> {}", list(&ty.params), name(*one)),
        many => format!("({}) -> ({})", list(&ty.params), list(many)),
    }
}
