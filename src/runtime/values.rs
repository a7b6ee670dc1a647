//! Values that cross the boundary between host and guest.

use super::func::Func;
use super::store::{AsContext, AsContextMut, CoreAccess, StoreId};
use crate::abi::vmctx::FuncRef;
use crate::wasm::ValType;
use std::any::Any;
use std::ptr::NonNull;

/// A value of any type. Floats are given by their bits, so that NaNs stay what they are.
#[derive(Clone, Copy, Debug)]
pub enum Val {
    /// 32-bit integer.
    I32(i32),
    /// 64-bit integer.
    I64(i64),
    /// Bits of a 32-bit float.
    F32(u32),
    /// Bits of a 64-bit float.
    F64(u64),
    /// Bits of a vector, lane 0 lowest.
    V128(u128),
    /// Reference to a function.
    FuncRef(Option<Func>),
    /// Reference to a value of the host.
    ExternRef(Option<ExternRef>),
    /// Reference to an exception of the guest. The host can see that there is one, and cannot hand it back.
    ExnRef(Option<ExnRef>),
}

/// An exception reference as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExnRef(());

impl Val {
    /// The value's type.
    pub fn ty(&self) -> ValType {
        match self {
            Val::I32(_) => ValType::I32,
            Val::I64(_) => ValType::I64,
            Val::F32(_) => ValType::F32,
            Val::F64(_) => ValType::F64,
            Val::V128(_) => ValType::V128,
            Val::FuncRef(_) => ValType::FuncRef,
            Val::ExternRef(_) => ValType::ExternRef,
            Val::ExnRef(_) => ValType::ExnRef,
        }
    }

    /// Zero or null.
    pub fn default_of(ty: ValType) -> Val {
        match ty {
            ValType::I32 => Val::I32(0),
            ValType::I64 => Val::I64(0),
            ValType::F32 => Val::F32(0),
            ValType::F64 => Val::F64(0),
            ValType::V128 => Val::V128(0),
            ValType::FuncRef => Val::FuncRef(None),
            ValType::ExternRef => Val::ExternRef(None),
            ValType::ExnRef => Val::ExnRef(None),
        }
    }

    /// The number, if it is an i32.
    pub fn i32(&self) -> Option<i32> {
        match self {
            Val::I32(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is an i64.
    pub fn i64(&self) -> Option<i64> {
        match self {
            Val::I64(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is an f32.
    pub fn f32(&self) -> Option<f32> {
        match self {
            Val::F32(bits) => Some(f32::from_bits(*bits)),
            _ => None,
        }
    }

    /// The number, if it is an f64.
    pub fn f64(&self) -> Option<f64> {
        match self {
            Val::F64(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    /// The vector, if it is one.
    pub fn v128(&self) -> Option<u128> {
        match self {
            Val::V128(bits) => Some(*bits),
            _ => None,
        }
    }

    /// The contents of a global's cell for the value, or `None` if it belongs to another store.
    pub(crate) fn to_cell(self, store: StoreId) -> Option<[u64; 2]> {
        match self {
            Val::V128(bits) => Some([bits as u64, (bits >> 64) as u64]),
            other => Some([other.to_bits(store)?, 0]),
        }
    }

    /// The value that a global's cell holds.
    ///
    /// # Safety
    /// As of [`Val::from_bits`].
    pub(crate) unsafe fn from_cell(ty: ValType, cell: [u64; 2], store: StoreId) -> Val {
        match ty {
            ValType::V128 => Val::V128(u128::from(cell[0]) | u128::from(cell[1]) << 64),
            // SAFETY: by contract.
            _ => unsafe { Val::from_bits(ty, cell[0], store) },
        }
    }

    /// The cell's contents for the value (of a vector, the low half), or `None` if it belongs to another store or cannot be
    /// handed back.
    pub(crate) fn to_bits(self, store: StoreId) -> Option<u64> {
        Some(match self {
            Val::I32(value) => u64::from(value as u32),
            Val::I64(value) => value as u64,
            Val::F32(bits) => u64::from(bits),
            Val::F64(bits) => bits,
            Val::V128(bits) => bits as u64,
            Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => 0,
            Val::FuncRef(Some(func)) if func.store == store => func.raw.as_ptr() as u64,
            Val::ExternRef(Some(value)) if value.store == store => u64::from(value.index) + 1,
            Val::FuncRef(Some(_)) | Val::ExternRef(Some(_)) | Val::ExnRef(Some(_)) => return None,
        })
    }

    /// The value that a cell of that type holds.
    ///
    /// # Safety
    /// The bits come from a cell of that type of that store.
    pub(crate) unsafe fn from_bits(ty: ValType, bits: u64, store: StoreId) -> Val {
        match ty {
            ValType::I32 => Val::I32(bits as i32),
            ValType::I64 => Val::I64(bits as i64),
            ValType::F32 => Val::F32(bits as u32),
            ValType::F64 => Val::F64(bits),
            ValType::V128 => Val::V128(bits.into()),
            ValType::FuncRef => Val::FuncRef(NonNull::new(bits as *mut FuncRef).map(|raw| Func { store, raw })),
            ValType::ExnRef => Val::ExnRef((bits != 0).then_some(ExnRef(()))),
            ValType::ExternRef => {
                let index = bits.checked_sub(1).and_then(|index| u32::try_from(index).ok());
                Val::ExternRef(index.map(|index| ExternRef { store, index }))
            }
        }
    }
}

macro_rules! val_from {
    ($($ty:ty, $value:ident => $make:expr;)*) => {$(
        impl From<$ty> for Val {
            fn from($value: $ty) -> Val { $make }
        }
    )*};
}
val_from! {
    i32, value => Val::I32(value);
    u32, value => Val::I32(value as i32);
    i64, value => Val::I64(value);
    u64, value => Val::I64(value as i64);
    f32, value => Val::F32(value.to_bits());
    f64, value => Val::F64(value.to_bits());
    u128, value => Val::V128(value);
}

/// A reference to a value of the host, which lives as long as the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternRef {
    pub(crate) store: StoreId,
    pub(crate) index: u32,
}

impl ExternRef {
    /// Puts a value into the store.
    pub fn new(mut store: impl AsContextMut, value: impl Any + Send + Sync) -> ExternRef {
        let core = store.core_mut();
        core.extern_values.push(Box::new(value));
        ExternRef { store: core.id, index: (core.extern_values.len() - 1) as u32 }
    }

    /// The value, or `None` if the reference belongs to another store.
    pub fn data<'a, S: AsContext>(&self, store: &'a S) -> Option<&'a (dyn Any + Send + Sync)> {
        let core = store.core();
        (core.id == self.store).then(|| core.extern_values.get(self.index as usize).map(|value| &**value))?
    }
}

/// Rust types that stand for one WebAssembly number. Unsigned types are the same bits as signed ones.
///
/// Implemented for `i32`, `u32`, `i64`, `u64`, `f32` and `f64`.
pub trait WasmTy: Copy + sealed::Sealed + 'static {
    /// The WebAssembly type.
    const TYPE: ValType;
    /// The type in which a host function returns it: integers are extended with zeros.
    #[doc(hidden)]
    type Returned;
    #[doc(hidden)]
    fn returned(self) -> Self::Returned;
    #[doc(hidden)]
    fn returned_to_cell(value: Self::Returned) -> u64;
    #[doc(hidden)]
    fn to_cell(self) -> u64;
    #[doc(hidden)]
    fn from_cell(cell: u64) -> Self;
}

pub(crate) mod sealed {
    /// Closes a trait to implementations elsewhere.
    pub trait Sealed {}
}

macro_rules! wasm_ty {
    ($($ty:ty = $name:ident, $returned:ty, $value:ident => $to_returned:expr, $of_returned:expr, $to_cell:expr, $cell:ident => $from:expr;)*) => {$(
        impl sealed::Sealed for $ty {}
        impl WasmTy for $ty {
            const TYPE: ValType = ValType::$name;
            type Returned = $returned;
            #[inline]
            fn returned(self) -> $returned { let $value = self; $to_returned }
            #[inline]
            fn returned_to_cell($value: $returned) -> u64 { $of_returned }
            #[inline]
            fn to_cell(self) -> u64 { let $value = self; $to_cell }
            #[inline]
            fn from_cell($cell: u64) -> Self { $from }
        }
    )*};
}
wasm_ty! {
    i32 = I32, u64, v => u64::from(v as u32), v, u64::from(v as u32), cell => cell as i32;
    u32 = I32, u64, v => u64::from(v), v, u64::from(v), cell => cell as u32;
    i64 = I64, u64, v => v as u64, v, v as u64, cell => cell as i64;
    u64 = I64, u64, v => v, v, v, cell => cell;
    f32 = F32, f32, v => v, u64::from(v.to_bits()), u64::from(v.to_bits()), cell => f32::from_bits(cell as u32);
    f64 = F64, f64, v => v, v.to_bits(), v.to_bits(), cell => f64::from_bits(cell);
}
