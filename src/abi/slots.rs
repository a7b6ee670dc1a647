//! Slots: short pieces of code at the start of an image, through which compiled code leaves it.
//!
//! Images that are compiled with [`crate::codegen::Options::thunks`] begin with one slot of [`SLOT_BYTES`] for each row and reach them
//! by relative calls and jumps. In user space the linker fills them with small local stubs. In the kernel the image lies behind
//! slots that the kernel's own loader has filled in and patched: its return thunk, its retpoline, its helpers.

/// Bytes of a slot.
pub const SLOT_BYTES: usize = 16;

/// Bytes of the instruction that calls a slot: a return address minus this is the call.
pub const CALL_BYTES: usize = 5;

macro_rules! slots {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $stub:expr;)*) => {
        /// What a slot does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Slot { $($(#[$doc])* $name = $number,)* }

        impl Slot {
            /// Every slot, in order.
            pub const ALL: &'static [Slot] = &[$(Slot::$name,)*];

            /// Name, for listings.
            pub fn name(self) -> &'static str {
                match self { $(Slot::$name => stringify!($name),)* }
            }

            /// The x86-64 code that stands there in user space.
            pub fn stub(self) -> &'static [u8] {
                match self { $(Slot::$name => &$stub,)* }
            }

            /// Offset from the image's start.
            pub fn offset(self) -> usize { self as usize * SLOT_BYTES }
        }
    };
}

slots! {
    /// Jumped to: returns.
    Return = 0, [0xc3];
    /// Called or jumped to: goes on at the address in `rax`.
    Indirect = 1, [0xff, 0xe0];
    /// Called: ends the guest with the trap of the site that calls. Does not return.
    Trap = 2, [0x0f, 0x0b];
    /// Called when the interrupt word is set: returns with all registers as they were, or ends the guest.
    Poll = 3, [0x0f, 0x0b];
    /// Called by functions that use float registers while `vmctx.floats` is 0: makes them usable. Keeps all registers.
    Floats = 4, [0xc3];
}

/// Bytes of all slots.
pub const SLOTS_BYTES: usize = SLOT_BYTES * Slot::ALL.len();

impl Slot {
    /// Whether the user-space stub faults for its caller: the fault's place is the call.
    pub fn faults_for_caller(self) -> bool {
        matches!(self, Slot::Trap | Slot::Poll)
    }
}
