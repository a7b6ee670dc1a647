//! The function convention in terms of registers and stack slots.

use super::regs::{Gpr, R8, R9, RAX, RCX, RDX, RSI, Xmm};
use crate::ir::types::Type;
use crate::wasm::FuncType;
use smallvec::SmallVec;

/// Where an argument or a result travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a general register.
    Int(Gpr),
    /// In a float register.
    Float(Xmm),
    /// In the call's stack area, at 8 times this number; a vector takes two slots.
    Stack(u32),
}

/// Integer arguments after the vmctx.
pub const INT_ARGS: [Gpr; 5] = [RSI, RDX, RCX, R8, R9];
const FLOAT_ARGS: u8 = 8;
const INT_RESULTS: [Gpr; 2] = [RAX, RDX];
const FLOAT_RESULTS: u8 = 2;

fn assign(types: impl Iterator<Item = Type>, ints: &[Gpr], floats: u8) -> (SmallVec<[(Place, Type); 8]>, u32) {
    let (mut int, mut float, mut slots) = (0, 0, 0);
    let mut stack = |ty: Type| {
        slots += ty.cells();
        Place::Stack(slots - ty.cells())
    };
    let places = types.map(|ty| {
        let place = if ty.is_float() && float < floats {
            float += 1;
            Place::Float(Xmm(float - 1))
        } else if !ty.is_float() && int < ints.len() {
            int += 1;
            Place::Int(ints[int - 1])
        } else {
            stack(ty)
        };
        (place, ty)
    });
    let places = places.collect();
    (places, slots)
}

/// How a function of some type is called.
pub struct Signature {
    /// Where each parameter travels.
    pub params: SmallVec<[(Place, Type); 8]>,
    /// Where each result travels.
    pub results: SmallVec<[(Place, Type); 8]>,
    /// Slots of the stack area, which parameters and results share.
    pub slots: u32,
}

impl Signature {
    /// The convention for a function type.
    pub fn new(ty: &FuncType) -> Signature {
        let (params, param_slots) = assign(ty.params.iter().map(|&ty| ty.into()), &INT_ARGS, FLOAT_ARGS);
        let (results, result_slots) = assign(ty.results.iter().map(|&ty| ty.into()), &INT_RESULTS, FLOAT_RESULTS);
        Signature { params, results, slots: param_slots.max(result_slots) }
    }
}
