//! Emission of integer instructions.

use super::{Allocs, Emitter};
use crate::abi::trap::TrapCode;
use crate::codegen::x64::encode::{Map, Mem, MemBase, Opcode, Rm};
use crate::codegen::x64::inst::{Alu, Amode, Base, Bits, Cc, Cond, Ext, Inst, Shift, Src, Store};
use crate::codegen::x64::regs::{Gpr, RAX, RDX};
use dynasmrt::{DynasmApi, dynasm};

/// `cmp` among the arithmetic opcodes.
const CMP: u8 = 7;

impl Emitter<'_> {
    /// Moves, reads and writes.
    pub(super) fn int_move(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::Imm(bits) => {
                let d = allocs.gpr();
                self.imm(d, bits);
            }
            Inst::Mov(wide) => {
                let d = allocs.gpr();
                let s = allocs.rm();
                // A narrow move of a register onto itself clears its upper half.
                if !wide || s != Rm::Reg(d.0) {
                    self.buf.op(Opcode::one(0x8b).wide(wide), d.0, s);
                }
            }
            Inst::Ext { ext, wide, src } => {
                let d = allocs.gpr();
                let src = self.src(src, allocs);
                self.extend(ext, wide, d, src);
            }
            Inst::Load { ext, wide, am } => {
                let d = allocs.gpr();
                let mem = Rm::Mem(self.mem(am, allocs));
                self.extend(ext, wide, d, mem);
            }
            Inst::Load64(am) => {
                let d = allocs.gpr();
                let mem = Rm::Mem(self.mem(am, allocs));
                self.buf.op(Opcode::one(0x8b).wide(true), d.0, mem);
            }
            Inst::Lea { wide, am } => self.lea(wide, am, allocs),
            Inst::Store { store, am, imm } => self.store(store, am, imm, allocs),
            _ => unreachable!("{inst:?} moves no integer"),
        }
    }

    /// Arithmetic.
    pub(super) fn int(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::Alu { op, wide, src } => {
                let (d, _) = (allocs.gpr(), allocs.gpr());
                self.alu(op as u8, wide, d, src, allocs);
                self.tested = Some((d, wide, self.buf.here()));
            }
            Inst::AluMem { op, store, am, imm } => self.alu_mem(op as u8, store, am, imm, allocs),
            Inst::Mul { wide, src } => {
                let (d, _) = (allocs.gpr(), allocs.gpr());
                let src = self.src(src, allocs);
                self.buf.op(Opcode::two(0xaf).wide(wide), d.0, src);
            }
            Inst::MulImm { wide, src, imm } => {
                let d = allocs.gpr();
                let src = self.src(src, allocs);
                self.mul_imm(wide, d, src, imm);
            }
            Inst::MulHigh { wide, signed } => {
                let (_, _) = (allocs.gpr(), allocs.gpr());
                let b = allocs.rm();
                self.buf.op(Opcode::one(0xf7).wide(wide), 4 + signed as u8, b);
            }
            Inst::Div { wide, signed, rem, safe } => {
                let (_, _) = (allocs.gpr(), allocs.gpr());
                let b = allocs.gpr();
                self.divide(b, wide, signed, rem, safe);
            }
            Inst::Shift { .. } | Inst::ShiftX { .. } | Inst::RorX { .. } => self.shift(inst, allocs),
            Inst::Neg(wide) => {
                let d = allocs.gpr();
                self.buf.op(Opcode::one(0xf7).wide(wide), 3, Rm::Reg(d.0));
            }
            Inst::Not(wide) => {
                let d = allocs.gpr();
                self.buf.op(Opcode::one(0xf7).wide(wide), 2, Rm::Reg(d.0));
            }
            Inst::Bits { op, wide, src } => {
                let d = allocs.gpr();
                let src = self.src(src, allocs);
                let code = match op {
                    Bits::Popcnt => 0xb8,
                    Bits::Tzcnt => 0xbc,
                    Bits::Lzcnt => 0xbd,
                };
                self.buf.op(Opcode::two(code).prefix(0xf3).wide(wide), d.0, src);
            }
            Inst::ClzSlow(wide) | Inst::CtzSlow(wide) => {
                let (d, t, s) = (allocs.gpr(), allocs.gpr(), allocs.gpr());
                self.count_slowly(matches!(inst, Inst::ClzSlow(_)), wide, (d, t, s));
            }
            _ => unreachable!("{inst:?} is no integer arithmetic"),
        }
    }

    /// What sets or reads the flags.
    pub(super) fn flags(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        match inst {
            Inst::Cmp { width, test, src } => {
                let a = allocs.gpr();
                self.compare(width, test, a, src, allocs);
            }
            Inst::CmpMem { width, am, imm } => {
                let b = imm.is_none().then(|| allocs.gpr());
                let mem = Rm::Mem(self.mem(am, allocs));
                self.compare_mem(width, mem, b, imm);
            }
            Inst::Set(cc) => {
                let d = allocs.gpr();
                self.buf.op(Opcode::two(0x90 | cc as u8).bytes(false, true), 0, Rm::Reg(d.0));
                self.extend(Ext::Zero8, false, d, Rm::Reg(d.0));
            }
            Inst::CMov { cond, wide } => {
                let (d, _) = (allocs.gpr(), allocs.gpr());
                let t = allocs.rm();
                let ccs: &[Cc] = match &cond {
                    Cond::Cc(cc) => std::slice::from_ref(cc),
                    Cond::FloatNe => &[Cc::Ne, Cc::P],
                    Cond::FloatEq => unreachable!("selection exchanges the operands"),
                };
                for &cc in ccs {
                    self.buf.op(Opcode::two(0x40 | cc as u8).wide(wide), d.0, t);
                }
            }
            _ => unreachable!("{inst:?} has nothing to do with flags"),
        }
    }

    fn mul_imm(&mut self, wide: bool, d: Gpr, src: Rm, imm: i32) {
        match i8::try_from(imm) {
            Ok(imm) => {
                self.buf.op(Opcode::one(0x6b).wide(wide).imm(1), d.0, src);
                self.buf.push_i8(imm);
            }
            Err(_) => {
                self.buf.op(Opcode::one(0x69).wide(wide).imm(4), d.0, src);
                self.buf.push_i32(imm);
            }
        }
    }

    /// Puts a constant in a register. Changes the flags.
    pub(super) fn imm(&mut self, d: Gpr, bits: u64) {
        if bits == 0 {
            self.buf.op(Opcode::one(0x31), d.0, Rm::Reg(d.0));
        } else if let Ok(imm) = u32::try_from(bits) {
            if d.0 >= 8 {
                self.buf.push(0x41);
            }
            self.buf.push(0xb8 | (d.0 & 7));
            self.buf.push_u32(imm);
        } else if let Ok(imm) = i32::try_from(bits as i64) {
            self.buf.op(Opcode::one(0xc7).wide(true).imm(4), 0, Rm::Reg(d.0));
            self.buf.push_i32(imm);
        } else {
            self.buf.push(0x48 | d.0 >> 3);
            self.buf.push(0xb8 | (d.0 & 7));
            self.buf.push_u64(bits);
        }
    }

    /// Extends a register or reads and extends memory. Zero extensions need no wide form: the upper half is cleared.
    pub(super) fn extend(&mut self, ext: Ext, wide: bool, d: Gpr, src: Rm) {
        let op = match ext {
            Ext::Zero8 => Opcode::two(0xb6).bytes(false, true),
            Ext::Zero16 => Opcode::two(0xb7),
            Ext::Zero32 => Opcode::one(0x8b),
            Ext::Sign8 => Opcode::two(0xbe).bytes(false, true).wide(wide),
            Ext::Sign16 => Opcode::two(0xbf).wide(wide),
            Ext::Sign32 => Opcode::one(0x63).wide(wide),
        };
        self.buf.op(op, d.0, src);
    }

    fn lea(&mut self, wide: bool, am: Amode, allocs: &mut Allocs<'_>) {
        let d = allocs.gpr();
        let mem = self.mem(am, allocs);
        match (mem.base, mem.index, mem.disp) {
            (MemBase::Reg(base), None, 0) if am.base == Base::Reg => {
                if base != d || !wide {
                    self.buf.op(Opcode::one(0x8b).wide(wide), d.0, Rm::Reg(base.0));
                }
            }
            (MemBase::Reg(base), None, disp) if base == d => {
                self.alu_imm(Alu::Add as u8, wide, Rm::Reg(d.0), disp);
                self.tested = Some((d, wide, self.buf.here()));
            }
            (MemBase::Reg(base), Some((index, 0)), 0) if base == d => {
                self.buf.op(Opcode::one(0x03).wide(wide), d.0, Rm::Reg(index.0));
            }
            (MemBase::Reg(base), Some((index, 0)), 0) if index == d => {
                self.buf.op(Opcode::one(0x03).wide(wide), d.0, Rm::Reg(base.0));
            }
            // rbp and r13 as a base cost a displacement that the other order saves.
            (MemBase::Reg(base), Some((index, 0)), 0) if base.0 & 7 == 5 && index.0 & 7 != 5 => {
                let mem = Mem { base: MemBase::Reg(index), index: Some((base, 0)), disp: 0 };
                self.buf.op(Opcode::one(0x8d).wide(wide), d.0, Rm::Mem(mem));
            }
            _ => self.buf.op(Opcode::one(0x8d).wide(wide), d.0, Rm::Mem(mem)),
        }
    }

    fn alu(&mut self, op: u8, wide: bool, d: Gpr, src: Src, allocs: &mut Allocs<'_>) {
        if let Src::Imm(imm) = src {
            return self.alu_imm(op, wide, Rm::Reg(d.0), imm);
        }
        let src = self.src(src, allocs);
        self.buf.op(Opcode::one(op << 3 | 3).wide(wide), d.0, src);
    }

    fn alu_imm(&mut self, op: u8, wide: bool, rm: Rm, imm: i32) {
        match i8::try_from(imm) {
            Ok(imm) => {
                self.buf.op(Opcode::one(0x83).wide(wide).imm(1), op, rm);
                self.buf.push_i8(imm);
            }
            // Subtracting -128 is shorter than adding 128.
            Err(_) if imm == 128 && op == Alu::Add as u8 => self.alu_imm(Alu::Sub as u8, wide, rm, -128),
            Err(_) => {
                self.buf.op(Opcode::one(0x81).wide(wide).imm(4), op, rm);
                self.buf.push_i32(imm);
            }
        }
    }

    fn alu_mem(&mut self, op: u8, store: Store, am: Amode, imm: Option<i32>, allocs: &mut Allocs<'_>) {
        let wide = store == Store::B8;
        let value = imm.is_none().then(|| allocs.gpr());
        let mem = Rm::Mem(self.mem(am, allocs));
        match (value, imm) {
            (Some(value), _) => self.buf.op(Opcode::one(op << 3 | 1).wide(wide), value.0, mem),
            (None, imm) => self.alu_imm(op, wide, mem, imm.unwrap_or(0)),
        }
    }

    fn store(&mut self, store: Store, am: Amode, imm: Option<i32>, allocs: &mut Allocs<'_>) {
        let value = imm.is_none().then(|| allocs.take());
        let mem = Rm::Mem(self.mem(am, allocs));
        let Some(value) = value else { return self.store_imm(store, mem, imm.unwrap_or(0)) };
        let value = value.as_reg().expect("a register").hw_enc() as u8;
        let op = match store {
            Store::B1 => Opcode::one(0x88).bytes(true, false),
            Store::B2 => Opcode::one(0x89).prefix(0x66),
            Store::B4 => Opcode::one(0x89),
            Store::B8 => Opcode::one(0x89).wide(true),
            Store::Single => Opcode::two(0x11).prefix(0xf3),
            Store::Double => Opcode::two(0x11).prefix(0xf2),
            Store::Vector => Opcode::two(0x11),
        };
        self.buf.op(op, value, mem);
    }

    fn store_imm(&mut self, store: Store, mem: Rm, imm: i32) {
        match store {
            Store::B1 => {
                self.buf.op(Opcode::one(0xc6).imm(1), 0, mem);
                self.buf.push(imm as u8);
            }
            Store::B2 => {
                self.buf.op(Opcode::one(0xc7).prefix(0x66).imm(2), 0, mem);
                self.buf.push_u16(imm as u16);
            }
            _ => {
                self.buf.op(Opcode::one(0xc7).wide(store == Store::B8).imm(4), 0, mem);
                self.buf.push_i32(imm);
            }
        }
    }

    /// The dividend is in `rax`. The machine's own divide fault is the trap where only one reason is left.
    fn divide(&mut self, b: Gpr, wide: bool, signed: bool, rem: bool, safe: bool) {
        if !signed {
            dynasm!(self.buf ; .arch x64 ; xor edx, edx);
            if !safe {
                if self.options.thunks {
                    self.buf.op(Opcode::one(0x85).wide(wide), b.0, Rm::Reg(b.0));
                    let stub = self.stub(TrapCode::IntegerDivideByZero);
                    self.buf.jump(Some(Cc::E as u8), stub);
                } else {
                    self.buf.trap_site(TrapCode::IntegerDivideByZero, self.loc);
                }
            }
            return self.buf.op(Opcode::one(0xf7).wide(wide), 6, Rm::Reg(b.0));
        }
        let done = self.buf.label();
        if !safe {
            self.buf.op(Opcode::one(0x85).wide(wide), b.0, Rm::Reg(b.0));
            let stub = self.stub(TrapCode::IntegerDivideByZero);
            self.buf.jump(Some(Cc::E as u8), stub);
        }
        if rem && !safe {
            // The remainder by -1 is 0, where the machine would fault on the smallest dividend.
            let divide = self.buf.label();
            self.alu_imm(CMP, wide, Rm::Reg(b.0), -1);
            self.buf.jump(Some(Cc::Ne as u8), divide);
            self.imm(RDX, 0);
            self.buf.jump(None, done);
            self.buf.bind(divide);
        }
        if !rem && !safe && self.options.thunks {
            // No fault may happen: the quotient by -1 is the negated dividend, which overflows for the smallest.
            let divide = self.buf.label();
            self.alu_imm(CMP, wide, Rm::Reg(b.0), -1);
            self.buf.jump(Some(Cc::Ne as u8), divide);
            self.buf.op(Opcode::one(0xf7).wide(wide), 3, Rm::Reg(RAX.0));
            let stub = self.stub(TrapCode::IntegerOverflow);
            self.buf.jump(Some(Cc::O as u8), stub);
            self.buf.jump(None, done);
            self.buf.bind(divide);
        }
        if wide {
            dynasm!(self.buf ; .arch x64 ; cqo);
        } else {
            dynasm!(self.buf ; .arch x64 ; cdq);
        }
        if !rem && !safe && !self.options.thunks {
            self.buf.trap_site(TrapCode::IntegerOverflow, self.loc);
        }
        self.buf.op(Opcode::one(0xf7).wide(wide), 7, Rm::Reg(b.0));
        self.buf.bind(done);
    }

    fn shift(&mut self, inst: Inst, allocs: &mut Allocs<'_>) {
        let d = allocs.gpr();
        match inst {
            Inst::Shift { op, wide, count } => match count {
                // A shift by nothing clears the upper half of a narrow register that may not be clear.
                Some(0) if wide => {}
                Some(0) => self.buf.op(Opcode::one(0x8b), d.0, Rm::Reg(d.0)),
                Some(1) => self.buf.op(Opcode::one(0xd1).wide(wide), op as u8, Rm::Reg(d.0)),
                Some(count) => {
                    self.buf.op(Opcode::one(0xc1).wide(wide).imm(1), op as u8, Rm::Reg(d.0));
                    self.buf.push(count);
                }
                None => self.buf.op(Opcode::one(0xd3).wide(wide), op as u8, Rm::Reg(d.0)),
            },
            Inst::ShiftX { op, wide, src } => {
                let count = allocs.gpr();
                let src = self.src(src, allocs);
                let prefix = match op {
                    Shift::Shl => 0x66,
                    Shift::Sar => 0xf3,
                    _ => 0xf2,
                };
                self.buf.vex(Opcode::one(0xf7).map(Map::Three8).prefix(prefix).wide(wide), d.0, count.0, src);
            }
            Inst::RorX { wide, src, count } => {
                let src = self.src(src, allocs);
                let op = Opcode::one(0xf0).map(Map::ThreeA).prefix(0xf2).wide(wide).imm(1);
                self.buf.vex(op, d.0, 0, src);
                self.buf.push(count);
            }
            _ => unreachable!("{inst:?} is no shift"),
        }
    }

    /// `bsr` and `bsf` leave their result open for zero, which the zero flag tells.
    fn count_slowly(&mut self, leading: bool, wide: bool, (d, t, s): (Gpr, Gpr, Gpr)) {
        let width: u64 = if wide { 64 } else { 32 };
        let code = if leading { 0xbd } else { 0xbc };
        self.buf.op(Opcode::two(code).wide(wide), d.0, Rm::Reg(s.0));
        // Exchanged with width - 1 this gives the width.
        self.imm(t, if leading { 2 * width - 1 } else { width });
        self.buf.op(Opcode::two(0x40 | Cc::E as u8), d.0, Rm::Reg(t.0));
        if leading {
            self.alu_imm(Alu::Xor as u8, false, Rm::Reg(d.0), width as i32 - 1);
        }
    }

    fn compare(&mut self, width: Store, test: bool, a: Gpr, src: Src, allocs: &mut Allocs<'_>) {
        let wide = width == Store::B8;
        match (src, test) {
            (Src::Imm(imm), false) => self.alu_imm(CMP, wide, Rm::Reg(a.0), imm),
            (Src::Imm(imm), true) => {
                if (0..=127).contains(&imm) || (!wide && (128..=255).contains(&imm)) {
                    self.buf.op(Opcode::one(0xf6).bytes(false, true).imm(1), 0, Rm::Reg(a.0));
                    self.buf.push(imm as u8);
                } else {
                    self.buf.op(Opcode::one(0xf7).wide(wide).imm(4), 0, Rm::Reg(a.0));
                    self.buf.push_i32(imm);
                }
            }
            (_, test) => {
                let src = self.src(src, allocs);
                let known = self.tested == Some((a, wide, self.buf.here()));
                if test && src == Rm::Reg(a.0) && known && self.wants_zero {
                    return;
                }
                self.buf.op(Opcode::one(if test { 0x85 } else { CMP << 3 | 3 }).wide(wide), a.0, src);
            }
        }
    }

    fn compare_mem(&mut self, width: Store, mem: Rm, b: Option<Gpr>, imm: Option<i32>) {
        let wide = width == Store::B8;
        match (b, imm) {
            (Some(b), _) => self.buf.op(Opcode::one(CMP << 3 | 1).wide(wide), b.0, mem),
            (None, imm) if width == Store::B1 => {
                self.buf.op(Opcode::one(0x80).imm(1), CMP, mem);
                self.buf.push(imm.unwrap_or(0) as u8);
            }
            (None, imm) => self.alu_imm(CMP, wide, mem, imm.unwrap_or(0)),
        }
    }
}
