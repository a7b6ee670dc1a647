//! Why a guest stopped.

use std::fmt;

use super::exceptions::Exception;
use crate::abi::trap::TrapCode;
use crate::memory::MemoryFault;

/// Why a guest stopped, and where it was.
pub struct Trap(Box<Inner>);

struct Inner {
    kind: TrapKind,
    frames: Vec<Frame>,
    quiet: bool,
    /// The number of the guest's thread, if it was not the first.
    thread: Option<u32>,
}

/// The kinds of [`Trap`].
#[derive(Debug)]
#[non_exhaustive]
pub enum TrapKind {
    /// The guest did what WebAssembly answers with a trap, or was interrupted.
    Code(TrapCode),
    /// The guest asked to end with this status. Not a failure of its own.
    Exit(i32),
    /// An exception of the guest that none of its functions caught. A host function that returns this trap throws it on.
    Exception(Exception),
    /// A host function failed.
    Host(Box<dyn std::error::Error + Send + Sync>),
}

/// A function of the guest that was running, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Index of the function in its module.
    pub func: u32,
    /// Its name from the name section.
    pub name: Option<String>,
    /// Offset of the instruction in the module's bytes, as far as it is known.
    pub offset: Option<u32>,
}

impl Trap {
    fn from_kind(kind: TrapKind) -> Trap {
        Trap(Box::new(Inner { kind, frames: Vec::new(), quiet: false, thread: None }))
    }

    /// A host function's error.
    pub fn host(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Trap {
        Trap::from_kind(TrapKind::Host(error.into()))
    }

    /// The guest asks to end with a status.
    pub fn exit(status: i32) -> Trap {
        Trap::from_kind(TrapKind::Exit(status)).without_backtrace()
    }

    /// An exception that leaves the guest. Its frames are noted while it is thrown.
    pub(crate) fn exception(exception: Exception) -> Trap {
        Trap::from_kind(TrapKind::Exception(exception)).without_backtrace()
    }

    /// The exception, if it is one.
    pub fn as_exception(&self) -> Option<&Exception> {
        match &self.0.kind {
            TrapKind::Exception(exception) => Some(exception),
            _ => None,
        }
    }

    /// The same trap, for which no backtrace is made: for traps that are control flow (exceptions, `longjmp`).
    #[must_use]
    pub fn without_backtrace(mut self) -> Trap {
        self.0.quiet = true;
        self
    }

    /// The same trap, of another thread of the guest than the first.
    #[must_use]
    pub(crate) fn in_thread(mut self, number: u32) -> Trap {
        self.0.thread = Some(number);
        self
    }

    /// The number of the guest's thread that it happened on, if that was not the first.
    pub fn thread(&self) -> Option<u32> {
        self.0.thread
    }

    /// What kind of trap it is.
    pub fn kind(&self) -> &TrapKind {
        &self.0.kind
    }

    /// Takes the kind out.
    pub fn into_kind(self) -> TrapKind {
        self.0.kind
    }

    /// The trap code, if WebAssembly defines the trap or the guest was interrupted.
    pub fn code(&self) -> Option<TrapCode> {
        match self.0.kind {
            TrapKind::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The status that the guest asked to end with, if it did.
    pub fn exit_status(&self) -> Option<i32> {
        match self.0.kind {
            TrapKind::Exit(status) => Some(status),
            _ => None,
        }
    }

    /// The host function's error, if it is of this type.
    pub fn downcast_ref<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match &self.0.kind {
            TrapKind::Host(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// Takes the host function's error out, if it is of this type.
    ///
    /// # Errors
    /// The unchanged trap, if it is something else.
    pub fn downcast<E: std::error::Error + 'static>(self) -> Result<E, Trap> {
        let Inner { kind, frames, quiet, thread } = *self.0;
        let kind = match kind {
            TrapKind::Host(error) => match error.downcast() {
                Ok(error) => return Ok(*error),
                Err(error) => TrapKind::Host(error),
            },
            other => other,
        };
        Err(Trap(Box::new(Inner { kind, frames, quiet, thread })))
    }

    /// The guest's functions that were running, innermost first; a host function's frames are left out.
    pub fn frames(&self) -> &[Frame] {
        &self.0.frames
    }

    pub(crate) fn wants_backtrace(&self) -> bool {
        !self.0.quiet
    }

    pub(crate) fn push_frames(&mut self, frames: impl IntoIterator<Item = Frame>) {
        self.0.frames.extend(frames);
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(thread) = self.0.thread {
            write!(f, "thread {thread}: ")?;
        }
        match &self.0.kind {
            TrapKind::Code(code) => write!(f, "trap: {code}")?,
            TrapKind::Exit(status) => write!(f, "exit with status {status}")?,
            TrapKind::Exception(exception) => write!(f, "trap: {exception}")?,
            TrapKind::Host(error) => write!(f, "trap: {error}")?,
        }
        for (depth, frame) in self.0.frames.iter().enumerate() {
            write!(f, "\n  {depth}: {frame}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name)?,
            None => write!(f, "function {}", self.func)?,
        }
        match self.offset {
            Some(offset) => write!(f, " @ {offset:#x}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trap").field("kind", &self.0.kind).field("frames", &self.0.frames).finish()
    }
}

impl std::error::Error for Trap {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            TrapKind::Host(error) => Some(&**error),
            _ => None,
        }
    }
}

impl From<TrapCode> for Trap {
    fn from(code: TrapCode) -> Trap {
        Trap::from_kind(TrapKind::Code(code))
    }
}

impl From<MemoryFault> for Trap {
    fn from(_: MemoryFault) -> Trap {
        TrapCode::MemoryOutOfBounds.into()
    }
}

impl From<super::Error> for Trap {
    fn from(error: super::Error) -> Trap {
        match error {
            super::Error::Start(trap) => trap,
            other => Trap::host(other),
        }
    }
}
