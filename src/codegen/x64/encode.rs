//! The instruction encoder: prefixes, ModRM, SIB, displacement, VEX.

use super::asm::{Buffer, Label};
use super::regs::Gpr;
use dynasmrt::DynasmApi;

/// Base of a memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemBase {
    /// None.
    Zero,
    /// A register.
    Reg(Gpr),
    /// A label; index and displacement do not apply.
    Label(Label),
}

/// A memory operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mem {
    /// Base.
    pub base: MemBase,
    /// Index register and shift.
    pub index: Option<(Gpr, u8)>,
    /// Displacement.
    pub disp: i32,
}

impl Mem {
    /// `[base + disp]`
    pub fn at(base: Gpr, disp: i32) -> Mem {
        Mem { base: MemBase::Reg(base), index: None, disp }
    }

    /// `[label]`
    pub fn label(label: Label) -> Mem {
        Mem { base: MemBase::Label(label), index: None, disp: 0 }
    }
}

/// A register or memory operand; the register's kind is the instruction's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rm {
    /// A register's number.
    Reg(u8),
    /// Memory.
    Mem(Mem),
}

/// Opcode map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Map {
    /// One byte.
    One,
    /// `0f`
    Two,
    /// `0f 38`
    Three8,
    /// `0f 3a`
    ThreeA,
}

/// An opcode with what surrounds it.
#[derive(Clone, Copy, Debug)]
pub struct Opcode {
    /// `66`, `f2`, `f3` or 0.
    pub prefix: u8,
    /// Map.
    pub map: Map,
    /// Opcode byte.
    pub code: u8,
    /// REX.W or VEX.W.
    pub wide: bool,
    /// Whether the register field names a byte register.
    pub byte_reg: bool,
    /// Whether a register in the r/m field is a byte register.
    pub byte_rm: bool,
    /// Bytes of immediate that the caller appends.
    pub imm: u8,
}

impl Opcode {
    /// A one-byte opcode.
    pub const fn one(code: u8) -> Opcode {
        Opcode { prefix: 0, map: Map::One, code, wide: false, byte_reg: false, byte_rm: false, imm: 0 }
    }

    /// An opcode behind `0f`.
    pub const fn two(code: u8) -> Opcode {
        Opcode { map: Map::Two, ..Opcode::one(code) }
    }

    /// With a mandatory prefix.
    pub const fn prefix(self, prefix: u8) -> Opcode {
        Opcode { prefix, ..self }
    }

    /// In a map.
    pub const fn map(self, map: Map) -> Opcode {
        Opcode { map, ..self }
    }

    /// With or without REX.W.
    pub const fn wide(self, wide: bool) -> Opcode {
        Opcode { wide, ..self }
    }

    /// With immediate bytes behind it.
    pub const fn imm(self, imm: u8) -> Opcode {
        Opcode { imm, ..self }
    }

    /// Byte registers: in the register field, in the r/m field.
    pub const fn bytes(self, byte_reg: bool, byte_rm: bool) -> Opcode {
        Opcode { byte_reg, byte_rm, ..self }
    }
}

/// High bits of base and index.
fn extension(rm: &Rm) -> (u8, u8) {
    match rm {
        Rm::Reg(reg) => (reg >> 3, 0),
        Rm::Mem(mem) => {
            let base = if let MemBase::Reg(reg) = mem.base { reg.0 >> 3 } else { 0 };
            (base, mem.index.map_or(0, |(reg, _)| reg.0 >> 3))
        }
    }
}

impl Buffer {
    /// Encodes an instruction with a ModRM byte.
    pub fn op(&mut self, op: Opcode, reg: u8, rm: Rm) {
        if op.prefix != 0 {
            self.push(op.prefix);
        }
        let (b, x) = extension(&rm);
        let rex = (op.wide as u8) << 3 | (reg >> 3) << 2 | x << 1 | b;
        let byte_rm = op.byte_rm && matches!(rm, Rm::Reg(4..8));
        if rex != 0 || (op.byte_reg && (4..8).contains(&reg)) || byte_rm {
            self.push(0x40 | rex);
        }
        match op.map {
            Map::One => {}
            Map::Two => self.push(0x0f),
            Map::Three8 => self.extend([0x0f, 0x38]),
            Map::ThreeA => self.extend([0x0f, 0x3a]),
        }
        self.push(op.code);
        self.modrm(reg & 7, rm, op.imm);
    }

    /// Encodes a VEX instruction; `second` is the additional source.
    pub fn vex(&mut self, op: Opcode, reg: u8, second: u8, rm: Rm) {
        let (b, x) = extension(&rm);
        let pp = match op.prefix {
            0x66 => 1,
            0xf3 => 2,
            0xf2 => 3,
            _ => 0,
        };
        let tail = (!second & 15) << 3 | pp;
        if op.map == Map::Two && b | x == 0 && !op.wide {
            self.extend([0xc5, (reg >> 3 ^ 1) << 7 | tail]);
        } else {
            let map = match op.map {
                Map::Three8 => 2,
                Map::ThreeA => 3,
                Map::One | Map::Two => 1,
            };
            self.extend([0xc4, (reg >> 3 ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map, (op.wide as u8) << 7 | tail]);
        }
        self.push(op.code);
        self.modrm(reg & 7, rm, op.imm);
    }

    fn modrm(&mut self, reg: u8, rm: Rm, imm: u8) {
        match rm {
            Rm::Reg(rm) => self.push(0xc0 | reg << 3 | (rm & 7)),
            Rm::Mem(Mem { base: MemBase::Label(label), .. }) => {
                self.push(reg << 3 | 5);
                self.relative(label, imm);
            }
            Rm::Mem(Mem { base: MemBase::Zero, index, disp }) => {
                self.push(reg << 3 | 4);
                let (index, scale) = index.map_or((4, 0), |(index, scale)| (index.0 & 7, scale));
                self.push(scale << 6 | index << 3 | 5);
                self.push_i32(disp);
            }
            Rm::Mem(Mem { base: MemBase::Reg(base), index, disp }) => {
                let low = base.0 & 7;
                // rbp and r13 as a base always carry a displacement.
                let mode = match disp {
                    0 if low != 5 => 0,
                    -128..=127 => 1,
                    _ => 2,
                };
                match index {
                    None if low != 4 => self.push(mode << 6 | reg << 3 | low),
                    _ => {
                        let (index, scale) = index.map_or((4, 0), |(index, scale)| {
                            debug_assert_ne!(index.0, 4, "rsp as an index");
                            (index.0 & 7, scale)
                        });
                        self.extend([mode << 6 | reg << 3 | 4, scale << 6 | index << 3 | low]);
                    }
                }
                match mode {
                    0 => {}
                    1 => self.push(disp as u8),
                    _ => self.push_i32(disp),
                }
            }
        }
    }
}
