//! The code buffer: bytes, labels, jumps that become short where they can, side tables.
//!
//! `dynasm!` writes to it for fixed sequences, the encoder (see [`super::encode`]) for everything with allocated registers.

use crate::abi::slots::Slot;
use crate::abi::trap::TrapCode;
use crate::codegen::options::{CallSite, CodegenError, HandlerSite, TrapSite};
use crate::wasm::FuncIndex;
use dynasmrt::{AssemblyOffset, DynasmApi};

/// A place in the code, bound once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(pub u32);

const UNBOUND: u32 = u32::MAX;

/// A jump in its long form: `e9 rel32` or `0f 8x rel32`.
struct Jump {
    at: u32,
    cc: Option<u8>,
    to: Label,
    short: bool,
}

impl Jump {
    fn long(&self) -> u32 {
        if self.cc.is_some() { 6 } else { 5 }
    }

    fn saved(&self) -> u32 {
        if self.short { self.long() - 2 } else { 0 }
    }

    fn encode(&self, distance: i64, out: &mut Vec<u8>) {
        match (self.short, self.cc) {
            (true, Some(cc)) => out.extend([0x70 | cc, distance as i8 as u8]),
            (true, None) => out.extend([0xeb, distance as i8 as u8]),
            (false, Some(cc)) => out.extend([0x0f, 0x80 | cc]),
            (false, None) => out.push(0xe9),
        }
        if !self.short {
            out.extend((distance as i32).to_le_bytes());
        }
    }
}

/// A 32-bit displacement relative to the instruction pointer, to be filled in.
struct Fixup {
    at: u32,
    to: Label,
    /// Distance from the displacement's place to the next instruction.
    tail: u8,
}

/// A table of 32-bit offsets from its own address.
struct Table {
    label: Label,
    targets: Vec<Label>,
}

/// Code under construction.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    labels: Vec<u32>,
    jumps: Vec<Jump>,
    fixups: Vec<Fixup>,
    tables: Vec<Table>,
    calls: Vec<(u32, FuncIndex)>,
    slots: Vec<(u32, Slot)>,
    traps: Vec<TrapSite>,
    call_sites: Vec<CallSite>,
    handlers: Vec<(u32, Label)>,
}

/// A function's finished code.
#[derive(Debug, Default)]
pub struct Assembled {
    /// Code, constants and tables.
    pub bytes: Vec<u8>,
    /// Trap sites, by rising address.
    pub traps: Vec<TrapSite>,
    /// Call sites, by rising address.
    pub call_sites: Vec<CallSite>,
    /// Where calls that exceptions may leave return to, by rising address, and where the exceptions arrive.
    pub handlers: Vec<HandlerSite>,
    /// Places of 32-bit displacements of direct calls and tail calls, and whom they call.
    pub calls: Vec<(u32, FuncIndex)>,
    /// Places of 32-bit displacements to slots.
    pub slots: Vec<(u32, Slot)>,
}

impl Extend<u8> for Buffer {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, iter: T) {
        self.bytes.extend(iter);
    }
}

impl<'a> Extend<&'a u8> for Buffer {
    fn extend<T: IntoIterator<Item = &'a u8>>(&mut self, iter: T) {
        self.bytes.extend(iter);
    }
}

impl DynasmApi for Buffer {
    fn offset(&self) -> AssemblyOffset {
        AssemblyOffset(self.bytes.len())
    }

    fn push(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn align(&mut self, alignment: usize, with: u8) {
        self.bytes.resize(self.bytes.len().next_multiple_of(alignment), with);
    }
}

impl Buffer {
    /// Offset of the next byte.
    pub fn here(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// A label that is not bound yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    /// Binds a label to the next byte.
    pub fn bind(&mut self, label: Label) {
        debug_assert_eq!(self.labels[label.0 as usize], UNBOUND);
        self.labels[label.0 as usize] = self.here();
    }

    /// A jump, conditional if a condition code is given.
    pub fn jump(&mut self, cc: Option<u8>, to: Label) {
        let jump = Jump { at: self.here(), cc, to, short: false };
        self.bytes.resize(self.bytes.len() + jump.long() as usize, 0);
        self.jumps.push(jump);
    }

    /// A displacement to a label; `tail` bytes of the instruction follow it.
    pub fn relative(&mut self, to: Label, tail: u8) {
        self.fixups.push(Fixup { at: self.here(), to, tail: tail + 4 });
        self.extend([0; 4]);
    }

    /// A place that indirect calls may reach (`endbr64`).
    pub fn landing_pad(&mut self) {
        self.extend([0xf3, 0x0f, 0x1e, 0xfa]);
    }

    /// A direct call.
    pub fn call(&mut self, func: FuncIndex) {
        self.push(0xe8);
        self.calls.push((self.here(), func));
        self.extend([0; 4]);
    }

    /// A jump to a function.
    pub fn tail_call(&mut self, func: FuncIndex) {
        self.push(0xe9);
        self.calls.push((self.here(), func));
        self.extend([0; 4]);
    }

    /// A call of a slot.
    pub fn call_slot(&mut self, slot: Slot) {
        self.push(0xe8);
        self.slot_reference(slot);
    }

    /// A jump to a slot.
    pub fn jump_slot(&mut self, slot: Slot) {
        self.push(0xe9);
        self.slot_reference(slot);
    }

    fn slot_reference(&mut self, slot: Slot) {
        self.slots.push((self.here(), slot));
        self.extend([0; 4]);
    }

    /// The next instruction may trap.
    pub fn trap_site(&mut self, code: TrapCode, loc: u32) {
        self.traps.push(TrapSite { pc: self.here(), code, loc });
    }

    /// The instruction before was a call.
    pub fn call_site(&mut self, loc: u32) {
        self.call_sites.push(CallSite { pc: self.here(), loc });
    }

    /// Exceptions that leave the call before arrive at the label.
    pub fn handler(&mut self, landing: Label) {
        self.handlers.push((self.here(), landing));
    }

    /// A table of offsets relative to its own start, placed behind the code.
    pub fn table(&mut self, targets: Vec<Label>) -> Label {
        let label = self.label();
        self.tables.push(Table { label, targets });
        label
    }

    /// Shortens jumps, places the tables and `constants` (16 bytes each, with their labels), fills everything in.
    pub fn finish(mut self, constants: &[(Label, [u8; 16])]) -> Result<Assembled, CodegenError> {
        self.shorten();
        let map = Shift::new(&self.jumps);
        let mut labels: Vec<u32> = self.labels.iter().map(|&at| if at == UNBOUND { at } else { map.of(at) }).collect();
        let mut bytes = self.compact(&map, &labels)?;
        for (label, constant) in constants {
            bytes.resize(bytes.len().next_multiple_of(16), 0xcc);
            labels[label.0 as usize] = bytes.len() as u32;
            bytes.extend(constant);
        }
        for table in &self.tables {
            bytes.resize(bytes.len().next_multiple_of(4), 0xcc);
            let start = bytes.len() as i64;
            labels[table.label.0 as usize] = start as u32;
            for target in &table.targets {
                let offset = labels[target.0 as usize] as i64 - start;
                bytes.extend((offset as i32).to_le_bytes());
            }
        }
        for fixup in &self.fixups {
            let at = map.of(fixup.at) as usize;
            let distance = labels[fixup.to.0 as usize] as i64 - (at as i64 + fixup.tail as i64);
            bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        if bytes.len() > i32::MAX as usize / 2 {
            return Err(CodegenError::TooLarge("the code of one function"));
        }
        debug_assert!(labels.iter().all(|&at| at != UNBOUND));
        self.traps.iter_mut().for_each(|site| site.pc = map.of(site.pc));
        self.call_sites.iter_mut().for_each(|site| site.pc = map.of(site.pc));
        self.calls.iter_mut().for_each(|(at, _)| *at = map.of(*at));
        self.slots.iter_mut().for_each(|(at, _)| *at = map.of(*at));
        let site = |&(pc, to): &(u32, Label)| HandlerSite { pc: map.of(pc), landing: labels[to.0 as usize] };
        let handlers = self.handlers.iter().map(site).collect();
        let Buffer { traps, call_sites, calls, slots, .. } = self;
        Ok(Assembled { bytes, traps, call_sites, handlers, calls, slots })
    }

    /// Decides which jumps are short. Shortening only brings places closer, so that a decision is never undone; a few
    /// rounds find nearly all.
    fn shorten(&mut self) {
        for _ in 0..3 {
            let map = Shift::new(&self.jumps);
            let mut changed = false;
            for jump in self.jumps.iter_mut().filter(|jump| !jump.short) {
                let end = map.of(jump.at) as i64 + jump.long() as i64;
                let distance = map.of(self.labels[jump.to.0 as usize]) as i64 - end;
                jump.short = (-128..=127).contains(&distance);
                changed |= jump.short;
            }
            if !changed {
                break;
            }
        }
    }

    /// Copies the code with each jump in its final form.
    fn compact(&self, map: &Shift, labels: &[u32]) -> Result<Vec<u8>, CodegenError> {
        let mut out = Vec::with_capacity(self.bytes.len() + 64);
        let mut from = 0;
        for jump in &self.jumps {
            out.extend(&self.bytes[from..jump.at as usize]);
            from = (jump.at + jump.long()) as usize;
            let end = map.of(jump.at) as i64 + (jump.long() - jump.saved()) as i64;
            let target = labels[jump.to.0 as usize];
            if target == UNBOUND {
                return Err(CodegenError::Internal("a jump to an unbound label".into()));
            }
            jump.encode(target as i64 - end, &mut out);
        }
        out.extend(&self.bytes[from..]);
        Ok(out)
    }
}

/// Where places move to when jumps become short.
struct Shift {
    ats: Vec<u32>,
    /// Bytes saved by the first `n` jumps.
    saved: Vec<u32>,
}

impl Shift {
    fn new(jumps: &[Jump]) -> Shift {
        let mut total = 0;
        let mut saved = vec![0];
        for jump in jumps {
            total += jump.saved();
            saved.push(total);
        }
        Shift { ats: jumps.iter().map(|jump| jump.at).collect(), saved }
    }

    fn of(&self, at: u32) -> u32 {
        at - self.saved[self.ats.partition_point(|&jump| jump < at)]
    }
}
