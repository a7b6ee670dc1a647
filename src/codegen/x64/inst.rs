//! Machine instructions before registers are allocated.
//!
//! Each names what it does; its registers are operands in the order that its documentation gives (`->` separates the
//! definitions, which come first). Those of an address come last: base, then index.
//!
//! Invariant: a register that holds an `I32` has zero in its upper half. Every instruction that defines one is a 32-bit
//! operation (which clears the upper half) or copies a register that has the property; spills and moves copy 64 bits.
//! Values that come from outside (results of foreign calls) are cleared explicitly.

use super::sse::Sse;
use crate::abi::builtins::Builtin;
use crate::abi::trap::TrapCode;
use crate::ir::types::Type;
use crate::wasm::FuncIndex;

/// Whether an operation works on 64 bits (or on double floats).
pub type Wide = bool;

/// Base of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// None.
    Zero,
    /// A register operand.
    Reg,
    /// Linear memory: the access may trap.
    Memory,
    /// The vmctx.
    Ctx,
    /// A constant of the function's pool; the displacement is its number.
    Pool,
}

/// An address: base + index << scale + disp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amode {
    /// Base.
    pub base: Base,
    /// Shift of the index register, if there is one.
    pub index: Option<u8>,
    /// Displacement.
    pub disp: i32,
}

/// Right operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Src {
    /// An operand: a register or its spill slot.
    Reg,
    /// Memory.
    Mem(Amode),
    /// An immediate, sign-extended.
    Imm(i32),
}

/// Two-operand integer operations; the number is the opcode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Alu {
    Add = 0,
    Or = 1,
    And = 4,
    Sub = 5,
    Xor = 6,
}

/// Shifts; the number is the opcode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Shift {
    Rol = 0,
    Ror = 1,
    Shl = 4,
    Shr = 5,
    Sar = 7,
}

/// Condition codes; the number is the opcode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Cc {
    O = 0,
    No = 1,
    B = 2,
    Ae = 3,
    E = 4,
    Ne = 5,
    Be = 6,
    A = 7,
    S = 8,
    Ns = 9,
    P = 10,
    Np = 11,
    L = 12,
    Ge = 13,
    Le = 14,
    G = 15,
}

impl Cc {
    const ALL: [Cc; 16] = [
        Cc::O,
        Cc::No,
        Cc::B,
        Cc::Ae,
        Cc::E,
        Cc::Ne,
        Cc::Be,
        Cc::A,
        Cc::S,
        Cc::Ns,
        Cc::P,
        Cc::Np,
        Cc::L,
        Cc::Ge,
        Cc::Le,
        Cc::G,
    ];

    /// The opposite condition.
    pub fn invert(self) -> Cc {
        Cc::ALL[self as usize ^ 1]
    }
}

/// A condition on the flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cond {
    /// One condition code.
    Cc(Cc),
    /// Floats compared equal (zero flag set, parity clear).
    FloatEq,
    /// Floats compared different or unordered.
    FloatNe,
}

impl Cond {
    /// The opposite condition.
    pub fn invert(self) -> Cond {
        match self {
            Cond::Cc(cc) => Cond::Cc(cc.invert()),
            Cond::FloatEq => Cond::FloatNe,
            Cond::FloatNe => Cond::FloatEq,
        }
    }
}

/// Extensions of a narrow value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Ext {
    Zero8,
    Zero16,
    Zero32,
    Sign8,
    Sign16,
    Sign32,
}

/// Bit counting instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Bits {
    Lzcnt,
    Tzcnt,
    Popcnt,
}

/// Scalar float operations with two operands; the number is the opcode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum FloatOp {
    Add = 0x58,
    Mul = 0x59,
    Sub = 0x5c,
    Div = 0x5e,
}

/// Scalar float operations with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatUnary {
    /// Square root.
    Sqrt,
    /// `round` with this immediate.
    Round(u8),
    /// To the other width.
    Convert,
}

/// Bitwise operations on float registers; the number is the opcode's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum FloatBits {
    And = 0x54,
    AndNot = 0x55,
    Or = 0x56,
    Xor = 0x57,
}

/// What is moved between a register and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Store {
    B1,
    B2,
    B4,
    B8,
    Single,
    Double,
    Vector,
}

/// What a call calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A function of this image.
    Direct(FuncIndex),
    /// An imported function: the vmctx displacement of its `FuncRef`.
    Import(i32),
    /// Operand: the address of the `FuncRef`, fixed in `r11`.
    Indirect,
    /// A function of the runtime.
    Builtin(Builtin),
}

/// A call and what must be put right behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calling {
    /// Who is called.
    pub callee: Callee,
    /// Whether the callee may take stack arguments off the stack.
    pub pops: bool,
    /// Whether the callee may leave other pinned registers.
    pub foreign: bool,
    /// Whether a callee that leaves them as they are (one of the same instance if the call is indirect, one of the host if it is of an import) is
    /// told from others; then the set of registers in which others return an I32, whose upper halves are cleared.
    pub steady_first: Option<u16>,
}

/// A tail call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Who is called.
    pub callee: Callee,
    /// Slots of its stack arguments.
    pub params: u32,
    /// Slots of its stack results.
    pub results: u32,
}

/// A machine instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Inst {
    /// `-> param...` fixed: the function's register parameters.
    Args,
    /// `-> d`: a stack parameter.
    StackParam(u32, Type),
    /// `-> d`: a constant.
    Imm(u64),
    /// `-> d`: a float constant of the pool, or zero.
    FloatImm { pool: Option<u32>, wide: Wide },
    /// `-> d; s`: copies a float.
    FloatMov,
    /// `-> d; s`: copy; a narrow one clears the upper half.
    Mov(Wide),
    /// `-> d; src`: extension to 32 or 64 bits.
    Ext { ext: Ext, wide: Wide, src: Src },
    /// `-> d; address`: computes an address.
    Lea { wide: Wide, am: Amode },
    /// `-> d = a; a, src`
    Alu { op: Alu, wide: Wide, src: Src },
    /// `[v]; address`: operation on memory, with an immediate or a register.
    AluMem { op: Alu, store: Store, am: Amode, imm: Option<i32> },
    /// `-> d = a; a, src`
    Mul { wide: Wide, src: Src },
    /// `-> d; src`
    MulImm { wide: Wide, src: Src, imm: i32 },
    /// `-> d (rdx); a (rax), b`: upper half of the product.
    MulHigh { wide: Wide, signed: bool },
    /// `-> d (rax or rdx); a (rax), b`: quotient or remainder. `safe`: the divisor is neither 0 nor -1.
    Div { wide: Wide, signed: bool, rem: bool, safe: bool },
    /// `-> d = a; a, [count (rcx)]`
    Shift { op: Shift, wide: Wide, count: Option<u8> },
    /// `-> d; count, src`
    ShiftX { op: Shift, wide: Wide, src: Src },
    /// `-> d; src`
    RorX { wide: Wide, src: Src, count: u8 },
    /// `-> d = a; a`
    Neg(Wide),
    /// `-> d = a; a`
    Not(Wide),
    /// `-> d; src`
    Bits { op: Bits, wide: Wide, src: Src },
    /// `-> d, t; s`: leading zeros without `lzcnt`.
    ClzSlow(Wide),
    /// `-> d, t; s`: trailing zeros without `tzcnt`.
    CtzSlow(Wide),
    /// `a, src`: sets the flags; `test` instead of `cmp` if asked. Narrow stores name the width.
    Cmp { width: Store, test: bool, src: Src },
    /// `[b]; address`: compares memory with an immediate or a register.
    CmpMem { width: Store, am: Amode, imm: Option<i32> },
    /// `-> d`: 1 if the condition holds, else 0.
    Set(Cc),
    /// `-> d = f; f, t`: `t` if the condition holds, else `f`.
    CMov { cond: Cond, wide: Wide },
    /// `-> d = f; f, t`: the same on floats, with a jump.
    FloatSelect(Cond),
    /// `-> d; address`
    Load { ext: Ext, wide: Wide, am: Amode },
    /// `-> d; address`: 64 bits.
    Load64(Amode),
    /// `-> d; address`
    FloatLoad { wide: Wide, am: Amode },
    /// `[v]; address`
    Store { store: Store, am: Amode, imm: Option<i32> },
    /// `-> d = a; a, src` (without AVX) or `-> d; a, src`
    Float { op: FloatOp, wide: Wide, src: Src },
    /// `-> d; src`
    FloatUnary { op: FloatUnary, wide: Wide, src: Src },
    /// `-> d = a; a, [b]`: bitwise, with a register or a constant of the pool (16 bytes).
    FloatBits { op: FloatBits, pool: Option<u32> },
    /// `-> d = a; a, b`
    FloatMinMax { max: bool, wide: Wide },
    /// `a, src`: sets the flags.
    FloatCmp { wide: Wide, src: Src },
    /// `-> d, t (float); a, b`: 1 if equal (or, inverted, if not), else 0.
    FloatSetEq { wide: Wide, ne: bool },
    /// `-> d; src`: signed integer to float.
    IntToFloat { int_wide: Wide, wide: Wide, src: Src },
    /// `-> d, t, u; s`: unsigned 64-bit integer to float.
    U64ToFloat(Wide),
    /// `-> d, t (float), u; s`
    FloatToInt { wide: Wide, int_wide: Wide, signed: bool, saturate: bool },
    /// `-> d = a; a, src` (without AVX) or `-> d; a, src`; the source may be a general register.
    Sse2 { op: Sse, src: Src },
    /// `-> d; src`; the source may be a general register.
    Sse1 { op: Sse, src: Src },
    /// `-> d = a; a` (without AVX) or `-> d; a`: shifts by the instruction's immediate.
    SseShift { op: Sse, digit: u8 },
    /// `a, b`: sets the flags.
    SseFlags(Sse),
    /// `-> d (general); s`
    SseToInt(Sse),
    /// `-> d (general); s`: the destination stands in the other field of the encoding.
    SseExtract(Sse),
    /// `-> d = v; v, address`: exchanges, or adds and gives the old value; narrow results are not extended.
    AtomicSwap { add: bool, width: Store, am: Amode },
    /// `v; address`
    AtomicAlu { op: Alu, width: Store, am: Amode },
    /// `-> d (rax); expected (rax), v, address`; narrow results are not extended.
    AtomicCas { width: Store, am: Amode },
    /// `-> d (rax, early), t (early); v, address (late)`: the old value, extended with zeros.
    AtomicLoop { op: Alu, width: Store, am: Amode },
    /// Orders all accesses before against all behind.
    Fence,
    /// `v; address`
    SseStore { op: Sse, am: Amode },
    /// `-> d; s`: same bits.
    ToFloat(Wide),
    /// `-> d; s`: same bits.
    ToInt(Wide),
    /// Traps if the condition holds.
    TrapIf(Cc, TrapCode),
    /// Traps. Ends a block.
    Trap(TrapCode),
    /// `-> result...; arg...` fixed.
    Call(Calling),
    /// As [`Inst::Call`], and ends a block: to the first successor after a return, to the second after a throw.
    GuardedCall(Calling),
    /// `arg...` fixed: leaves the function by a call; stack arguments lie in the outgoing area. Ends a block.
    TailCall(Tail),
    /// Where a throw arrives: puts the stack pointer and the pinned registers right. Needs the frame pointer only.
    Landing,
    /// `v`: passes a stack argument.
    StackArg(u32, Type),
    /// `-> d`: takes a stack result.
    StackResult(u32, Type),
    /// `v`: gives a stack result back.
    ReturnSlot(u32, Type),
    /// `-> t`
    Poll,
    /// `-> t, u; index`: traps unless index + end <= memory size.
    BoundsCheck { end: u64 },
    /// `; expected, func`: compares a type's id with that of a `FuncRef`; null faults, which is the trap.
    CmpTypeId,
    /// `index`: stops the guest if the upper half is not zero.
    CheckIndex,
    /// To the only successor. Ends a block.
    Jump,
    /// To the first successor if the condition holds, else to the second. Ends a block.
    Branch(Cond),
    /// `-> t, u; index`: by table number. Ends a block.
    Switch(u32),
    /// `value...` fixed. Ends a block.
    Return,
}

impl Amode {
    /// An address behind a register operand.
    pub fn reg(disp: i32) -> Amode {
        Amode { base: Base::Reg, index: None, disp }
    }

    /// A place in the vmctx.
    pub fn ctx(disp: i32) -> Amode {
        Amode { base: Base::Ctx, index: None, disp }
    }

    /// A constant of the pool.
    pub fn pool(number: u32) -> Amode {
        Amode { base: Base::Pool, index: None, disp: number as i32 }
    }
}
