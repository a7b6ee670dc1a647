//! Trap codes: why a guest was stopped.

/// Expands the table of trap codes into the enum, its decoding and its messages.
macro_rules! trap_codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $message:literal;)*) => {
        /// Why a guest was stopped. The numbers are part of the image format.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum TrapCode { $($(#[$doc])* $name = $value,)* }

        impl TrapCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [TrapCode] = &[$(TrapCode::$name,)*];

            /// Decodes the number that an image's trap table holds.
            pub fn from_u8(value: u8) -> Option<TrapCode> {
                match value { $($value => Some(TrapCode::$name),)* _ => None }
            }

            /// The message that users see; where the spec's tests name one, it is theirs.
            pub fn message(self) -> &'static str {
                match self { $(TrapCode::$name => $message,)* }
            }
        }
    };
}

trap_codes! {
    /// An `unreachable` instruction was executed.
    Unreachable = 0, "unreachable";
    /// A load, store or bulk operation outside linear memory.
    MemoryOutOfBounds = 1, "out of bounds memory access";
    /// A table access outside the table.
    TableOutOfBounds = 2, "out of bounds table access";
    /// An indirect call through an index outside the table.
    UndefinedElement = 3, "undefined element";
    /// An indirect call through a null table entry.
    UninitializedElement = 4, "uninitialized element";
    /// An indirect call whose callee has another type.
    IndirectCallTypeMismatch = 5, "indirect call type mismatch";
    /// Signed division of the smallest number by -1, or a float too large to convert.
    IntegerOverflow = 6, "integer overflow";
    /// Division or remainder by zero.
    IntegerDivideByZero = 7, "integer divide by zero";
    /// A NaN converted to an integer.
    InvalidConversionToInteger = 8, "invalid conversion to integer";
    /// The guest's call depth exceeded its stack.
    StackOverflow = 9, "call stack exhausted";
    /// The embedder asked the guest to stop (time limit, signal).
    Interrupt = 10, "interrupted";
    /// An atomic access whose address is not a multiple of its size.
    UnalignedAtomic = 20, "unaligned atomic";
    /// A wait on a memory that is not shared: nobody could end it.
    ExpectedSharedMemory = 21, "expected shared memory";
}

impl std::fmt::Display for TrapCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}
