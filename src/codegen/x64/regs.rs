//! Registers: numbers, roles, sets.

use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

/// A general register by its hardware number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gpr(pub u8);

/// A float register by its hardware number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Xmm(pub u8);

macro_rules! gprs {
    ($($name:ident = $number:literal),*) => { $(#[allow(missing_docs)] pub const $name: Gpr = Gpr($number);)* };
}

gprs!(RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7);
gprs!(R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15);

/// Holds the base of linear memory.
pub const MEMORY: Gpr = R14;
/// Holds the vmctx.
pub const CTX: Gpr = R15;

/// Preserved by callees and used for values.
pub const SAVED: [Gpr; 3] = [RBX, R12, R13];

const SCRATCH: [Gpr; 9] = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11];

impl Gpr {
    /// As the allocator names it.
    pub const fn preg(self) -> PReg {
        PReg::new(self.0 as usize, RegClass::Int)
    }
}

impl Xmm {
    /// As the allocator names it.
    pub const fn preg(self) -> PReg {
        PReg::new(self.0 as usize, RegClass::Float)
    }
}

/// What a call may change.
pub fn clobbered_by_calls() -> PRegSet {
    let mut set: PRegSet = SCRATCH.iter().map(|reg| reg.preg()).collect();
    (0..16).for_each(|number| set.add(Xmm(number).preg()));
    set
}

/// What a call may change for a handler in the calling function: the throw does not restore what callees preserve.
pub fn clobbered_by_throws() -> PRegSet {
    let mut set = clobbered_by_calls();
    SAVED.iter().for_each(|reg| set.add(reg.preg()));
    set
}

/// The registers that the allocator may use. `r14` and `r15` are pinned, `rsp` and `rbp` frame the stack.
pub fn machine_env() -> MachineEnv {
    let floats: PRegSet = (0..16).map(|number| Xmm(number).preg()).collect();
    MachineEnv {
        preferred_regs_by_class: [SCRATCH.iter().map(|reg| reg.preg()).collect(), floats, PRegSet::empty()],
        non_preferred_regs_by_class: [SAVED.iter().map(|reg| reg.preg()).collect(), PRegSet::empty(), PRegSet::empty()],
        scratch_by_class: [None, None, None],
        fixed_stack_slots: Vec::new(),
    }
}
