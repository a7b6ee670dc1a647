//! What the compiler is asked to do: policies, CPU features, errors.

use crate::abi::trap::TrapCode;
use std::fmt;

/// How accesses to linear memory are kept inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryPolicy {
    /// The memory is a reservation of 4 GiB with at least 2 GiB and a page of inaccessible space on both sides: accesses
    /// with an offset below 2^31 carry no check, a fault at a trap site is the trap.
    Guard,
    /// Every access is compared with the memory's current size first; the base may move when the memory grows, so that
    /// it is reloaded after every call.
    Explicit,
}

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $cpuid:tt;)*) => {
        /// Features of the CPU that generated code may use.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub struct CpuFeatures { $($(#[$doc])* pub $name: bool,)* }

        impl CpuFeatures {
            /// As a bit set, for images and cache keys.
            pub fn bits(self) -> u32 {
                0 $(| (self.$name as u32) << $bit)*
            }

            /// From a bit set; `None` if a bit is unknown.
            pub fn from_bits(bits: u32) -> Option<CpuFeatures> {
                let known = 0 $(| 1u32 << $bit)*;
                (bits & !known == 0).then_some(CpuFeatures { $($name: bits & 1 << $bit != 0,)* })
            }

            /// The features of the CPU that runs this program.
            #[cfg(target_arch = "x86_64")]
            pub fn host() -> CpuFeatures {
                CpuFeatures { $($name: std::arch::is_x86_feature_detected!($cpuid),)* }
            }
        }
    };
}

features! {
    /// Rounding instructions.
    sse41 = 0, "sse4.1";
    /// `popcnt`.
    popcnt = 1, "popcnt";
    /// `lzcnt`.
    lzcnt = 2, "lzcnt";
    /// `tzcnt`.
    bmi1 = 3, "bmi1";
    /// Shifts by a register that leave the flags alone.
    bmi2 = 4, "bmi2";
    /// Three-operand float instructions.
    avx = 5, "avx";
    /// Comparisons of 64-bit lanes; modules with vectors need it.
    sse42 = 6, "sse4.2";
}

impl CpuFeatures {
    /// The least that the back end works with.
    pub fn baseline() -> CpuFeatures {
        CpuFeatures { sse41: true, sse42: true, ..CpuFeatures::default() }
    }

    /// Whether code made for `self` runs on a CPU that has `available`.
    pub fn runs_on(self, available: CpuFeatures) -> bool {
        self.bits() & !available.bits() == 0
    }
}

/// Options of a compilation. Two compilations of one module with equal options give equal images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the code may use.
    pub features: CpuFeatures,
    /// How memory accesses are kept inside.
    pub memory: MemoryPolicy,
    /// Whether loops poll the interrupt flag.
    pub poll: bool,
    /// Whether functions and jump-table targets begin with ENDBR64 and indirect jumps are tracked.
    pub endbr: bool,
    /// Whether returns, indirect calls, traps and polls go through the slots at the image's start (see [`crate::abi::slots`]),
    /// there are no jump tables, and functions announce that they use float registers.
    pub thunks: bool,
    /// Emits checks of the compiler's own invariants into the code (an index whose upper half is not zero stops the
    /// guest). For tests; it costs time.
    pub paranoid: bool,
    /// Runs the register allocator's checker on its result.
    pub check_allocation: bool,
}

impl Options {
    /// Options for running on this machine in user space.
    pub fn host() -> Options {
        Options {
            features: CpuFeatures::host(),
            memory: MemoryPolicy::Guard,
            poll: false,
            endbr: false,
            thunks: false,
            paranoid: false,
            check_allocation: cfg!(debug_assertions),
        }
    }

    /// Options for running inside the kernel of this machine: nothing relies on signal handlers or guard pages.
    pub fn kernel() -> Options {
        Options { memory: MemoryPolicy::Explicit, poll: true, endbr: true, thunks: true, ..Options::host() }
    }

    /// The options as a number, for images and cache keys.
    pub fn bits(&self) -> u64 {
        let flags = (self.memory == MemoryPolicy::Explicit) as u64
            | (self.poll as u64) << 1
            | (self.endbr as u64) << 2
            | (self.paranoid as u64) << 3
            | (self.thunks as u64) << 4;
        flags | (self.features.bits() as u64) << 32
    }

    /// The inverse of [`Options::bits`]; `None` if a bit is unknown.
    pub fn from_bits(bits: u64) -> Option<Options> {
        let flags = bits as u32;
        let memory = if flags & 1 != 0 { MemoryPolicy::Explicit } else { MemoryPolicy::Guard };
        (flags >> 5 == 0).then_some(())?;
        Some(Options {
            features: CpuFeatures::from_bits((bits >> 32) as u32)?,
            memory,
            poll: flags & 2 != 0,
            endbr: flags & 4 != 0,
            paranoid: flags & 8 != 0,
            thunks: flags & 16 != 0,
            check_allocation: false,
        })
    }
}

/// Why a module could not be compiled.
#[derive(Debug)]
pub enum CodegenError {
    /// The module is not acceptable; found while its bodies were translated.
    Load(crate::wasm::LoadError),
    /// The CPU lacks a feature without which nothing can be compiled.
    MissingCpuFeature(&'static str),
    /// A limit of the back end was reached.
    TooLarge(&'static str),
    /// A defect of the compiler; the text says which function and what.
    Internal(String),
}

impl fmt::Display for CodegenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodegenError::Load(error) => error.fmt(f),
            CodegenError::MissingCpuFeature(name) => write!(f, "this CPU lacks {name}, which compiled code needs"),
            CodegenError::TooLarge(what) => write!(f, "the module is too large to compile: {what}"),
            CodegenError::Internal(text) => write!(f, "defect in the compiler: {text}"),
        }
    }
}

impl std::error::Error for CodegenError {}

impl From<crate::wasm::LoadError> for CodegenError {
    fn from(error: crate::wasm::LoadError) -> Self {
        CodegenError::Load(error)
    }
}

/// A place in a function's code that may trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrapSite {
    /// Offset of the instruction that faults.
    pub pc: u32,
    /// What the fault means.
    pub code: TrapCode,
    /// Where in the module.
    pub loc: u32,
}

/// A call in a function's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallSite {
    /// Offset of the instruction after the call.
    pub pc: u32,
    /// Where in the module.
    pub loc: u32,
}

/// A call whose exceptions the calling function handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlerSite {
    /// Offset of the instruction after the call.
    pub pc: u32,
    /// Offset of the code where exceptions arrive.
    pub landing: u32,
}
