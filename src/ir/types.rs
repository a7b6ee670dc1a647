//! Types of IR values.

use crate::wasm::ValType;

/// Type of an IR value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// 32-bit integer; the upper half of the register that holds it is not defined.
    I32,
    /// 64-bit integer.
    I64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// A reference: 64 bits, 0 is null.
    Ref,
    /// A vector of 128 bits.
    V128,
}

impl Type {
    /// Whether the value lives in a float register (vectors do).
    pub fn is_float(self) -> bool {
        matches!(self, Type::F32 | Type::F64 | Type::V128)
    }

    /// Cells of 8 bytes that the value takes in stack areas and argument arrays.
    pub fn cells(self) -> u32 {
        if self == Type::V128 { 2 } else { 1 }
    }

    /// Whether the value takes 64 bits.
    pub fn is_64(self) -> bool {
        matches!(self, Type::I64 | Type::F64 | Type::Ref)
    }

    /// Name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Ref => "ref",
            Type::V128 => "v128",
        }
    }
}

impl From<ValType> for Type {
    fn from(ty: ValType) -> Type {
        match ty {
            ValType::I32 => Type::I32,
            ValType::I64 => Type::I64,
            ValType::F32 => Type::F32,
            ValType::F64 => Type::F64,
            ValType::V128 => Type::V128,
            ValType::FuncRef | ValType::ExternRef => Type::Ref,
        }
    }
}
