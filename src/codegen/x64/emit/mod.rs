//! Emission: machine instructions with allocated registers to bytes.
//!
//! Frame, from high to low addresses: caller's stack area (`[rbp+16..]`), return address, caller's `rbp` (`[rbp]`), vmctx
//! (if calls change it), saved registers, spill slots, outgoing stack area (`[rsp..]`).

mod atomic;
mod control;
mod float;
mod int;
mod simd;
mod tail;

use super::asm::{Assembled, Buffer, Label};
use super::encode::{Mem, MemBase, Opcode, Rm};
use super::inst::{Amode, Base, Cc, Cond, Inst, Src};
use super::lower::FrameNeeds;
use super::regs::{CTX, Gpr, MEMORY, RBP, RSP, SAVED, Xmm};
use crate::abi::slots::Slot;
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::offset;
use crate::codegen::options::{CodegenError, Options};
use crate::codegen::vcode::VCode;
use dynasmrt::{DynasmApi, dynasm};
use regalloc2::{Allocation, Block, Edit, Function as _, InstOrEdit, Output, PReg, ProgPoint, RegClass};

/// Frames of leaf functions up to this size need no stack check: callers leave that much below the limit.
pub const UNCHECKED_LEAF_FRAME: i32 = 1024;

/// What a function's selection produced.
pub struct Selected<'a> {
    /// The instructions.
    pub vcode: &'a VCode<Inst>,
    /// The constants.
    pub constants: &'a [[u8; 16]],
    /// What the frame must provide.
    pub frame: FrameNeeds,
    /// Successor numbers of each switch's cases, then of its default.
    pub switches: &'a [Vec<u32>],
    /// Whether float registers are used.
    pub uses_floats: bool,
}

/// The frame's layout: distances below `rbp`, in slots of 8 bytes.
struct Frame {
    saved: Vec<Gpr>,
    /// Slots down to the last spill slot.
    bottom: i32,
    /// Bytes below `rbp`.
    size: i32,
    checked: bool,
}

/// The slow part of a conversion, placed behind the function.
struct ColdConversion {
    inst: Inst,
    regs: (Gpr, Xmm, Gpr, Xmm),
    /// Where the fast part jumps to, one label per reason.
    entries: [Label; 2],
    done: Label,
    loc: u32,
}

/// A call of a function that may leave other pinned registers: another instance's, or any that is called indirectly and is not this one's.
struct ForeignCall {
    entry: Label,
    /// Where the callee's `FuncRef` lies: behind a register.
    func_ref: (Gpr, i32),
    /// Where to go on.
    done: Label,
    landing: Option<Label>,
    /// Registers in which it may return an I32 with something above.
    narrow: u16,
    loc: u32,
}

/// State of a function's emission.
struct Emitter<'a> {
    buf: Buffer,
    code: Selected<'a>,
    output: &'a Output,
    options: Options,
    frame: Frame,
    labels: Vec<Label>,
    pool: Vec<Label>,
    /// Where a jump to each block ends up, after blocks that only jump on.
    targets: Vec<u32>,
    stubs: Vec<(Label, TrapCode, u32)>,
    cold: Vec<ColdConversion>,
    foreign: Vec<ForeignCall>,
    /// Slow parts of polls: entry, where to go on, place in the module.
    polls: Vec<(Label, Label, u32)>,
    loc: u32,
    /// A register whose value the flags tell zero from non-zero, and where in the code.
    tested: Option<(Gpr, bool, u32)>,
    /// Whether the flags are read for zero or not zero only, next.
    wants_zero: bool,
    /// The block that is emitted next.
    next: Option<u32>,
}

/// The allocations of an instruction's operands, taken one after the other.
struct Allocs<'a> {
    allocs: &'a [Allocation],
    bottom: i32,
}

impl Allocs<'_> {
    fn take(&mut self) -> Allocation {
        let (first, rest) = self.allocs.split_first().expect("as many operands as the instruction takes");
        self.allocs = rest;
        *first
    }

    fn gpr(&mut self) -> Gpr {
        Gpr(self.take().as_reg().expect("a register").hw_enc() as u8)
    }

    fn xmm(&mut self) -> Xmm {
        Xmm(self.take().as_reg().expect("a register").hw_enc() as u8)
    }

    /// The number of a register of either kind.
    fn rm_reg(&mut self) -> u8 {
        self.take().as_reg().expect("a register").hw_enc() as u8
    }

    /// A register or a spill slot.
    fn rm(&mut self) -> Rm {
        let alloc = self.take();
        match (alloc.as_reg(), alloc.as_stack()) {
            (Some(reg), _) => Rm::Reg(reg.hw_enc() as u8),
            (None, Some(slot)) => Rm::Mem(slot_at(self.bottom, slot)),
            (None, None) => unreachable!("an operand without place"),
        }
    }
}

/// The place of a spill slot. Slots rise in memory, so that a vector's two begin at the first.
fn slot_at(bottom: i32, slot: regalloc2::SpillSlot) -> Mem {
    Mem::at(RBP, -8 * (bottom - slot.index() as i32))
}

/// Returns, as the options want it.
pub(super) fn ret(buf: &mut Buffer, options: &Options, params: u32) {
    match params {
        0 if options.thunks => buf.jump_slot(Slot::Return),
        0 => dynasm!(buf ; .arch x64 ; ret),
        // The slot takes nothing but the return address off: that goes where the last argument was. `r11` holds no result.
        params if options.thunks => {
            dynasm!(buf ; .arch x64 ; pop r11 ; add rsp, 8 * params as i32 ; push r11);
            buf.jump_slot(Slot::Return);
        }
        // Validation allows a thousand parameters.
        params => dynasm!(buf ; .arch x64 ; ret 8 * params as i16),
    }
}

/// Makes float registers usable unless they are. Keeps all registers.
pub(super) fn announce_floats(buf: &mut Buffer) {
    let usable = buf.label();
    dynasm!(buf ; .arch x64 ; cmp DWORD [r15 + offset::FLOATS], 0);
    buf.jump(Some(Cc::Ne as u8), usable);
    buf.call_slot(Slot::Floats);
    buf.bind(usable);
}

/// Emits a function.
pub fn emit(code: Selected<'_>, output: &Output, options: Options) -> Result<Assembled, CodegenError> {
    let frame = frame(&code, output)?;
    let mut buf = Buffer::default();
    let labels = code.vcode.blocks.iter().map(|_| buf.label()).collect();
    let pool: Vec<Label> = code.constants.iter().map(|_| buf.label()).collect();
    let targets = targets(code.vcode, output);
    let mut emitter = Emitter {
        buf,
        code,
        output,
        options,
        frame,
        labels,
        pool,
        targets,
        stubs: Vec::new(),
        cold: Vec::new(),
        foreign: Vec::new(),
        polls: Vec::new(),
        loc: 0,
        tested: None,
        wants_zero: false,
        next: None,
    };
    emitter.prologue();
    emitter.blocks();
    emitter.cold_parts();
    let constants: Vec<_> = emitter.pool.iter().copied().zip(emitter.code.constants.iter().copied()).collect();
    emitter.buf.finish(&constants)
}

/// Whether an instruction looks at nothing but the zero flag.
fn reads_zero_flag_only(inst: &Inst) -> bool {
    let zero = |cc: Cc| matches!(cc, Cc::E | Cc::Ne);
    match *inst {
        Inst::Branch(Cond::Cc(cc)) | Inst::CMov { cond: Cond::Cc(cc), .. } | Inst::FloatSelect(Cond::Cc(cc)) => {
            zero(cc)
        }
        Inst::Set(cc) | Inst::TrapIf(cc, _) => zero(cc),
        _ => false,
    }
}

/// Decides the frame's layout.
fn frame(code: &Selected<'_>, output: &Output) -> Result<Frame, CodegenError> {
    let mut used = [false; SAVED.len()];
    let mut note = |reg: Option<PReg>| {
        if let Some(at) = SAVED.iter().position(|saved| Some(saved.preg()) == reg) {
            used[at] = true;
        }
    };
    output.allocs.iter().for_each(|alloc| note(alloc.as_reg()));
    for (_, Edit::Move { to, .. }) in &output.edits {
        note(to.as_reg());
    }
    let lands = code.frame.lands;
    let saved: Vec<Gpr> = SAVED.iter().zip(used).filter(|(_, used)| *used || lands).map(|(&reg, _)| reg).collect();
    let top = saved.len() + code.frame.keeps_ctx as usize;
    let mut bottom = top + output.num_spillslots;
    if code.vcode.wide_floats {
        // Vectors are aligned to 16 bytes, as `rbp` is.
        bottom = bottom.next_multiple_of(2);
    }
    let slots = bottom + code.frame.outgoing as usize;
    let size = i32::try_from(8 * slots.next_multiple_of(2)).ok().filter(|&size| size < 1 << 30);
    let size = size.ok_or(CodegenError::TooLarge("the stack frame of one function"))?;
    let checked = code.frame.calls || size > UNCHECKED_LEAF_FRAME;
    Ok(Frame { saved, bottom: bottom as i32, size, checked })
}

/// Follows blocks that do nothing but jump on.
fn targets(vcode: &VCode<Inst>, output: &Output) -> Vec<u32> {
    let moves = |block: usize| {
        let insts = &vcode.blocks[block].insts;
        let first = ProgPoint::before(regalloc2::Inst::new(insts.start as usize));
        let last = ProgPoint::after(regalloc2::Inst::new(insts.end as usize - 1));
        let from = output.edits.partition_point(|(at, _)| *at < first);
        output.edits[from..].iter().take_while(|(at, _)| *at <= last).any(|(_, Edit::Move { from, to })| from != to)
    };
    let jump_on = |block: usize| -> Option<u32> {
        let data = &vcode.blocks[block];
        let only_jump = data.insts.len() == 1 && vcode.insts[data.insts.start as usize] == Inst::Jump;
        (block != 0 && only_jump && !moves(block)).then(|| data.succs[0].index() as u32)
    };
    const UNKNOWN: u32 = u32::MAX;
    let mut targets = vec![UNKNOWN; vcode.blocks.len()];
    let mut path = Vec::new();
    for block in 0..vcode.blocks.len() {
        let mut at = block as u32;
        while targets[at as usize] == UNKNOWN {
            // In a circle of such blocks, the one that was reached first stays.
            targets[at as usize] = at;
            let Some(next) = jump_on(at as usize) else { break };
            path.push(at);
            at = next;
        }
        let end = targets[at as usize];
        path.drain(..).filter(|&passed| passed != end).for_each(|passed| targets[passed as usize] = end);
    }
    targets
}

impl Emitter<'_> {
    fn prologue(&mut self) {
        if self.options.endbr {
            self.buf.landing_pad();
        }
        dynasm!(self.buf ; .arch x64 ; push rbp ; mov rbp, rsp);
        let Frame { size, checked, .. } = self.frame;
        if size != 0 {
            self.reserve(size);
        }
        if checked {
            self.loc = self.code.vcode.locs.first().copied().unwrap_or(0);
            // cmp rsp, [r15 + stack_limit]
            self.buf.op(Opcode::one(0x3b).wide(true), RSP.0, Rm::Mem(Mem::at(CTX, offset::STACK_LIMIT)));
            let stub = self.stub(TrapCode::StackOverflow);
            self.buf.jump(Some(2), stub);
        }
        if self.code.frame.keeps_ctx {
            dynasm!(self.buf ; .arch x64 ; mov [rbp - 8], r15);
        }
        for at in 0..self.frame.saved.len() {
            let (reg, mem) = self.saved(at);
            self.buf.op(Opcode::one(0x89).wide(true), reg.0, Rm::Mem(mem));
        }
        if self.options.thunks && self.code.uses_floats {
            announce_floats(&mut self.buf);
        }
    }

    /// A saved register and its place.
    fn saved(&self, at: usize) -> (Gpr, Mem) {
        let first = 1 + self.code.frame.keeps_ctx as i32;
        (self.frame.saved[at], Mem::at(RBP, -8 * (first + at as i32)))
    }

    fn restore_saved(&mut self) {
        for at in 0..self.frame.saved.len() {
            let (reg, mem) = self.saved(at);
            self.buf.op(Opcode::one(0x8b).wide(true), reg.0, Rm::Mem(mem));
        }
    }

    fn epilogue(&mut self) {
        self.restore_saved();
        if self.frame.size != 0 {
            dynasm!(self.buf ; .arch x64 ; leave);
        } else {
            dynasm!(self.buf ; .arch x64 ; pop rbp);
        }
        ret(&mut self.buf, &self.options, self.code.frame.params);
    }

    /// The trap of a site, here.
    fn trap(&mut self, code: TrapCode, loc: u32) {
        self.buf.trap_site(code, loc);
        if self.options.thunks {
            self.buf.call_slot(Slot::Trap);
        } else {
            dynasm!(self.buf ; .arch x64 ; ud2);
        }
    }

    fn reserve(&mut self, size: i32) {
        match i8::try_from(size) {
            Ok(size) => dynasm!(self.buf ; .arch x64 ; sub rsp, BYTE size),
            Err(_) => dynasm!(self.buf ; .arch x64 ; sub rsp, DWORD size),
        }
    }

    /// Emits the blocks: the warm ones in order, then the cold ones.
    fn blocks(&mut self) {
        let vcode = self.code.vcode;
        let kept = |cold: bool| {
            let targets = &self.targets;
            (0..vcode.blocks.len() as u32)
                .filter(move |&block| targets[block as usize] == block && vcode.blocks[block as usize].cold == cold)
        };
        let order: Vec<u32> = kept(false).chain(kept(true)).collect();
        for (at, &block) in order.iter().enumerate() {
            self.next = order.get(at + 1).copied();
            self.buf.bind(self.labels[block as usize]);
            if self.options.endbr && vcode.insts[vcode.blocks[block as usize].insts.start as usize] == Inst::Landing {
                self.buf.landing_pad();
            }
            self.block(block);
        }
        // Labels of skipped blocks are not used, but every label has a place.
        for block in 0..vcode.blocks.len() {
            if self.targets[block] != block as u32 {
                self.buf.bind(self.labels[block]);
            }
        }
    }

    fn block(&mut self, block: u32) {
        let output = self.output;
        self.tested = None;
        for item in output.block_insts_and_edits(self.code.vcode, Block::new(block as usize)) {
            match item {
                InstOrEdit::Edit(Edit::Move { from, to }) => self.allocated_move(*from, *to),
                InstOrEdit::Inst(inst) => {
                    self.loc = self.code.vcode.locs[inst.index()];
                    let mut allocs = Allocs { allocs: output.inst_allocs(inst), bottom: self.frame.bottom };
                    debug_assert_eq!(allocs.allocs.len(), self.code.vcode.inst_operands(inst).len());
                    let insts = &self.code.vcode.insts;
                    self.wants_zero = insts.get(inst.index() + 1).is_some_and(reads_zero_flag_only);
                    self.inst(insts[inst.index()], &mut allocs, block);
                }
            }
        }
    }

    /// A move that the allocator asks for; spills and reloads of integers are 64 bits wide; all leave the flags alone.
    fn allocated_move(&mut self, from: Allocation, to: Allocation) {
        if from == to {
            return;
        }
        let bottom = self.frame.bottom;
        // Floats are spilled whole where vectors are among them.
        let float = if self.code.vcode.wide_floats { 0 } else { 0xf2 };
        match (from.as_reg(), to.as_reg()) {
            (Some(from), Some(to)) if from.class() == RegClass::Int => {
                self.buf.op(Opcode::one(0x8b).wide(true), to.hw_enc() as u8, Rm::Reg(from.hw_enc() as u8));
            }
            (Some(from), Some(to)) => self.move_float(Xmm(to.hw_enc() as u8), Xmm(from.hw_enc() as u8)),
            (Some(reg), None) => {
                let slot = Rm::Mem(slot_at(bottom, to.as_stack().expect("a spill slot")));
                match reg.class() {
                    RegClass::Int => self.buf.op(Opcode::one(0x89).wide(true), reg.hw_enc() as u8, slot),
                    _ => self.buf.op(Opcode::two(0x11).prefix(float), reg.hw_enc() as u8, slot),
                }
            }
            (None, Some(reg)) => {
                let slot = Rm::Mem(slot_at(bottom, from.as_stack().expect("a spill slot")));
                match reg.class() {
                    RegClass::Int => self.buf.op(Opcode::one(0x8b).wide(true), reg.hw_enc() as u8, slot),
                    _ => self.buf.op(Opcode::two(0x10).prefix(float), reg.hw_enc() as u8, slot),
                }
            }
            (None, None) => unreachable!("the allocator moves no slot to a slot"),
        }
    }

    fn move_float(&mut self, to: Xmm, from: Xmm) {
        if to != from {
            self.buf.op(Opcode::two(0x28), to.0, Rm::Reg(from.0));
        }
    }

    /// The label of a stub that traps.
    fn stub(&mut self, code: TrapCode) -> Label {
        match self.stubs.last() {
            Some(&(label, last, loc)) if (last, loc) == (code, self.loc) => label,
            _ => {
                let label = self.buf.label();
                self.stubs.push((label, code, self.loc));
                label
            }
        }
    }

    /// Emits what was put off: slow parts of conversions and calls, then trap stubs.
    fn cold_parts(&mut self) {
        for cold in std::mem::take(&mut self.cold) {
            self.loc = cold.loc;
            self.cold_conversion(&cold);
        }
        for call in std::mem::take(&mut self.foreign) {
            self.foreign_call(call);
        }
        for (label, code, loc) in std::mem::take(&mut self.stubs) {
            self.buf.bind(label);
            self.trap(code, loc);
        }
        for (entry, done, loc) in std::mem::take(&mut self.polls) {
            self.buf.bind(entry);
            self.buf.trap_site(TrapCode::Interrupt, loc);
            if self.options.thunks {
                self.buf.call_slot(Slot::Poll);
            } else {
                // Ends the guest, or goes on behind it (`sys::signal`).
                dynasm!(self.buf ; .arch x64 ; ud2);
            }
            self.buf.jump(None, done);
        }
    }

    /// A memory operand; takes the address's registers. Accesses to linear memory are noted as trap sites: the
    /// instruction must be emitted next.
    fn mem(&mut self, am: Amode, allocs: &mut Allocs<'_>) -> Mem {
        let base = match am.base {
            Base::Zero => MemBase::Zero,
            Base::Reg => MemBase::Reg(allocs.gpr()),
            Base::Memory => {
                self.buf.trap_site(TrapCode::MemoryOutOfBounds, self.loc);
                MemBase::Reg(MEMORY)
            }
            Base::Ctx => MemBase::Reg(CTX),
            Base::Pool => return Mem::label(self.pool[am.disp as usize]),
        };
        let index = am.index.map(|shift| (allocs.gpr(), shift));
        Mem { base, index, disp: am.disp }
    }

    /// A right operand that is no immediate.
    fn src(&mut self, src: Src, allocs: &mut Allocs<'_>) -> Rm {
        match src {
            Src::Reg => allocs.rm(),
            Src::Mem(am) => Rm::Mem(self.mem(am, allocs)),
            Src::Imm(_) => unreachable!("no place for an immediate"),
        }
    }

    fn inst(&mut self, inst: Inst, allocs: &mut Allocs<'_>, block: u32) {
        match inst {
            Inst::Imm(_)
            | Inst::Mov(_)
            | Inst::Ext { .. }
            | Inst::Lea { .. }
            | Inst::Load { .. }
            | Inst::Load64(_)
            | Inst::Store { .. } => self.int_move(inst, allocs),
            Inst::Alu { .. }
            | Inst::AluMem { .. }
            | Inst::Mul { .. }
            | Inst::MulImm { .. }
            | Inst::MulHigh { .. }
            | Inst::Div { .. }
            | Inst::Shift { .. }
            | Inst::ShiftX { .. }
            | Inst::RorX { .. }
            | Inst::Neg(_)
            | Inst::Not(_)
            | Inst::Bits { .. }
            | Inst::ClzSlow(_)
            | Inst::CtzSlow(_) => self.int(inst, allocs),
            Inst::Cmp { .. } | Inst::CmpMem { .. } | Inst::Set(_) | Inst::CMov { .. } => self.flags(inst, allocs),
            Inst::FloatSelect(_)
            | Inst::Float { .. }
            | Inst::FloatUnary { .. }
            | Inst::FloatBits { .. }
            | Inst::FloatMinMax { .. }
            | Inst::FloatCmp { .. }
            | Inst::FloatSetEq { .. } => self.float(inst, allocs),
            Inst::AtomicSwap { .. }
            | Inst::AtomicAlu { .. }
            | Inst::AtomicCas { .. }
            | Inst::AtomicLoop { .. }
            | Inst::Fence => self.atomic(inst, allocs),
            Inst::Sse1 { .. }
            | Inst::Sse2 { .. }
            | Inst::SseShift { .. }
            | Inst::SseFlags(_)
            | Inst::SseToInt(_)
            | Inst::SseExtract(_)
            | Inst::SseStore { .. } => self.simd(inst, allocs),
            Inst::FloatImm { .. }
            | Inst::FloatMov
            | Inst::FloatLoad { .. }
            | Inst::IntToFloat { .. }
            | Inst::U64ToFloat(_)
            | Inst::FloatToInt { .. }
            | Inst::ToFloat(_)
            | Inst::ToInt(_) => self.float_move(inst, allocs),
            _ => self.control(inst, allocs, block),
        }
    }
}
