//! The table form of host functions: a row each, from which come their binding, their types, and the list that users
//! see.
//!
//! A row names the function, its parameters with their roles, how its answer is passed (a *kind*), and the Rust
//! function behind it:
//!
//! | kind | Rust function | what the guest gets |
//! |---|---|---|
//! | `sys` | `fn(&mut Ctx, ...) -> Result<i32, Errno>` | the value, or the negated error number |
//! | `wasi` | `fn(&mut Ctx, ...) -> Result<(), Errno>` | 0 or the error number |
//! | `libc` | `fn(&mut Ctx, ...) -> Result<i32, Errno>` | the value, or -1 with the guest's `errno` set |
//! | `get R` | `fn(&mut Ctx, ...) -> R` | the value |
//! | `must R` | `fn(&mut Ctx, ...) -> Result<R, Trap>` | the value, or the guest ends with the trap |
//! | `call R` | `fn(&mut Caller<T>, ...) -> Result<R, Trap>` | the value, or the guest ends with the trap |
//!
//! An `off` parameter is a 64-bit number; such a row is bound twice, once with two 32-bit halves in its place, as
//! Emscripten up to 4.x passes it.

use crate::wasm::{ExternType, FuncType, ValType};

/// What a parameter means. Only the type matters to the machine; the rest is for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A file descriptor, or the directory that a path is relative to.
    Fd,
    /// The address of a NUL-terminated string.
    Str,
    /// An address that is read or written.
    Ptr,
    /// A number of bytes or elements.
    Len,
    /// A number.
    Int,
    /// A 64-bit number, which may come in two halves.
    Off,
    /// A 64-bit number that is never split.
    Wide,
    /// A floating-point number.
    Float,
}

impl Role {
    /// Pushes the parameter's types.
    fn types(self, split: bool, out: &mut Vec<ValType>) {
        match self {
            Role::Fd | Role::Str | Role::Ptr | Role::Len | Role::Int => out.push(ValType::I32),
            Role::Off if split => out.extend([ValType::I32, ValType::I32]),
            Role::Off | Role::Wide => out.push(ValType::I64),
            Role::Float => out.push(ValType::F64),
        }
    }
}

/// One host function.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Module name of the import.
    pub module: &'static str,
    /// Field name of the import.
    pub name: &'static str,
    /// Names and roles of the parameters.
    pub params: &'static [(&'static str, Role)],
    /// Type of the result.
    pub result: Option<ValType>,
    /// What it does, in a line.
    pub doc: &'static str,
}

impl Row {
    /// Whether the row has a 64-bit parameter that may come in two halves.
    pub fn splits(&self) -> bool {
        self.params.iter().any(|(_, role)| *role == Role::Off)
    }

    /// The function type, with 64-bit parameters whole or split.
    pub fn ty(&self, split: bool) -> FuncType {
        let mut params = Vec::new();
        self.params.iter().for_each(|(_, role)| role.types(split, &mut params));
        FuncType { params, results: self.result.into_iter().collect() }
    }

    /// Every type under which the function is bound.
    pub fn types(&self) -> Vec<FuncType> {
        let mut types = vec![self.ty(false)];
        if self.splits() {
            types.push(self.ty(true));
        }
        types
    }

    /// Whether an import of this type binds to the row.
    pub fn accepts(&self, module: &str, name: &str, ty: &ExternType) -> bool {
        let ExternType::Func(ty) = ty else { return false };
        self.module == module && self.name == name && self.types().contains(ty)
    }
}

/// Puts the halves of a split 64-bit number together.
#[inline]
pub(super) fn join_halves(low: i32, high: i32) -> i64 {
    (i64::from(high) << 32) | i64::from(low as u32)
}

/// The [`Role`] that a row's word stands for.
macro_rules! role {
    (fd) => {
        $crate::host::rows::Role::Fd
    };
    (str) => {
        $crate::host::rows::Role::Str
    };
    (ptr) => {
        $crate::host::rows::Role::Ptr
    };
    (len) => {
        $crate::host::rows::Role::Len
    };
    (int) => {
        $crate::host::rows::Role::Int
    };
    (off) => {
        $crate::host::rows::Role::Off
    };
    (wide) => {
        $crate::host::rows::Role::Wide
    };
    (float) => {
        $crate::host::rows::Role::Float
    };
}

/// The result type that a row's kind and result word stand for.
macro_rules! result_type {
    (get void) => {
        None
    };
    (must void) => {
        None
    };
    (call void) => {
        None
    };
    ($kind:ident f64) => {
        Some($crate::wasm::ValType::F64)
    };
    ($kind:ident i64) => {
        Some($crate::wasm::ValType::I64)
    };
    ($kind:ident $($result:ident)?) => {
        Some($crate::wasm::ValType::I32)
    };
}

/// Runs what is seldom run, away from the code around it.
#[cold]
#[inline(never)]
pub(super) fn seldom<R>(run: impl FnOnce() -> R) -> R {
    run()
}

/// Runs a row's function once: its answer, whether a signal ended it, and whether signals are due behind it.
macro_rules! once {
    ($caller:ident $function:path, ($($arg:expr),*) $ctx:ident, $result:ident => $answer:expr) => {{
        let (mem, data) = $caller.memory_and_data();
        let mut $ctx = $crate::host::ctx::Ctx { mem, host: data.host() };
        let $result: ::std::result::Result<_, $crate::host::errno::Errno> = $function(&mut $ctx, $($arg),*);
        $ctx.host.end_call();
        let interrupted = $result.as_ref().is_err_and(|errno| *errno == $crate::host::errno::Errno::EINTR);
        ($answer, interrupted, $ctx.host.signals.due())
    }};
}

/// Runs a row's function; where signals are due behind it, delivers them, and begins it again where such a signal has ended it.
macro_rules! with_signals {
    ($caller:ident $name:literal $function:path, $args:tt $ctx:ident, $result:ident => $answer:expr) => {{
        let (mut answer, mut interrupted, mut due) =
            $crate::host::rows::once!($caller $function, $args $ctx, $result => $answer);
        if due {
            answer = $crate::host::rows::seldom(|| {
                while due && $crate::host::signals::deliver(&mut $caller, $name, interrupted)? {
                    (answer, interrupted, due) =
                        $crate::host::rows::once!($caller $function, $args $ctx, $result => $answer);
                }
                ::std::result::Result::<_, $crate::runtime::Trap>::Ok(answer)
            })?;
        }
        answer
    }};
}

/// Calls a row's function with the context that its kind asks for.
macro_rules! invoke_row {
    (sys $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let answer: i32 = $crate::host::rows::with_signals!($caller $name $function, ($($arg),*) ctx, result => match result {
            Ok(value) => value,
            Err(errno) => errno.negated(),
        });
        ::std::result::Result::<i32, $crate::runtime::Trap>::Ok(answer)
    }};
    (wasi $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let answer: i32 = $crate::host::rows::with_signals!($caller $name $function, ($($arg),*) ctx, result => match result {
            Ok(()) => 0i32,
            Err(errno) => i32::from($crate::host::wasi::number(ctx.host, errno)),
        });
        ::std::result::Result::<i32, $crate::runtime::Trap>::Ok(answer)
    }};
    (libc $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let result: ::std::result::Result<i32, $crate::host::errno::Errno> =
            $crate::host::rows::with_signals!($caller $name $function, ($($arg),*) ctx, result => result);
        $crate::host::emscripten::libc_result(&mut $caller, result)
    }};
    (must $result:ident $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let (mem, data) = $caller.memory_and_data();
        let mut ctx = $crate::host::ctx::Ctx { mem, host: data.host() };
        let answer = $function(&mut ctx, $($arg),*);
        ctx.host.end_call();
        answer
    }};
    (get $result:ident $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let (mem, data) = $caller.memory_and_data();
        let mut ctx = $crate::host::ctx::Ctx { mem, host: data.host() };
        let answer = $function(&mut ctx, $($arg),*);
        ctx.host.end_call();
        answer
    }};
    (call $result:ident $caller:ident $name:literal $function:path, $($arg:expr),*) => {{
        let answer = $function(&mut $caller, $($arg),*);
        $crate::host::HasHost::host($caller.data_mut()).end_call();
        answer
    }};
}

/// Builds the closure of one row, parameter by parameter, and defines it in the linker.
macro_rules! bind_row {
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*]) => {
        $linker.func_wrap($module, $name, |mut caller: $crate::runtime::Caller<'_, T>, $($args)*| {
            $crate::host::rows::invoke_row!($($kind)+ caller $name $function, $($calls),*)
        })?;
    };
    (split $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident off $($rest:tt)*) => {
        $crate::host::rows::bind_row!(split $linker $module $name [$($kind)+] $function;
            [$($args)* low: i32, high: i32,]
            [$($calls,)* $crate::host::rows::join_halves(low, high),] $($rest)*)
    };
    (whole $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident off $($rest:tt)*) => {
        $crate::host::rows::bind_row!(whole $linker $module $name [$($kind)+] $function;
            [$($args)* $param: i64,] [$($calls,)* $param,] $($rest)*)
    };
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident wide $($rest:tt)*) => {
        $crate::host::rows::bind_row!($split $linker $module $name [$($kind)+] $function;
            [$($args)* $param: i64,] [$($calls,)* $param,] $($rest)*)
    };
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident float $($rest:tt)*) => {
        $crate::host::rows::bind_row!($split $linker $module $name [$($kind)+] $function;
            [$($args)* $param: f64,] [$($calls,)* $param,] $($rest)*)
    };
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident fd $($rest:tt)*) => {
        $crate::host::rows::bind_row!($split $linker $module $name [$($kind)+] $function;
            [$($args)* $param: i32,] [$($calls,)* $param,] $($rest)*)
    };
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident int $($rest:tt)*) => {
        $crate::host::rows::bind_row!($split $linker $module $name [$($kind)+] $function;
            [$($args)* $param: i32,] [$($calls,)* $param,] $($rest)*)
    };
    ($split:tt $linker:ident $module:literal $name:literal [$($kind:ident)+] $function:path;
     [$($args:tt)*] [$($calls:expr,)*] $param:ident $role:ident $($rest:tt)*) => {
        $crate::host::rows::bind_row!($split $linker $module $name [$($kind)+] $function;
            [$($args)* $param: u32,] [$($calls,)* $param,] $($rest)*)
    };
}

/// Expands rows into their list, `ROWS`, and the function `link` that defines them.
macro_rules! rows {
    ($module:literal; $($(#[doc = $doc:literal])+ $name:literal ($($param:ident : $role:ident),* $(,)?)
        $kind:ident $($result:ident)? = $function:path;)*) => {
        /// The rows of this file.
        pub const ROWS: &[$crate::host::rows::Row] = &[$($crate::host::rows::Row {
            module: $module,
            name: $name,
            params: &[$((stringify!($param), $crate::host::rows::role!($role))),*],
            result: $crate::host::rows::result_type!($kind $($result)?),
            doc: concat!($($doc),+),
        }),*];

        /// Defines the rows of this file.
        pub fn link<T: $crate::host::HasHost + 'static>(
            linker: &mut $crate::runtime::Linker<T>,
        ) -> ::std::result::Result<(), $crate::runtime::Error> {
            let mut rows = ROWS.iter();
            $(
                $crate::host::rows::bind_row!(
                    whole linker $module $name [$kind $($result)?] $function; [] [] $($param $role)*);
                if rows.next().is_some_and($crate::host::rows::Row::splits) {
                    $crate::host::rows::bind_row!(
                        split linker $module $name [$kind $($result)?] $function; [] [] $($param $role)*);
                }
            )*
            ::std::result::Result::Ok(())
        }
    };
}

pub(super) use {bind_row, invoke_row, once, result_type, role, rows, with_signals};
