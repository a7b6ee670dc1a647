//! How a command fails: a message that says what to do, and an exit code.

use std::fmt::Display;
use std::path::Path;

/// It worked.
pub const OK: u8 = 0;
/// It did not.
pub const ERROR: u8 = 1;
/// The command line does not make sense.
pub const USAGE: u8 = 2;
/// A program was stopped by a trap; shells show the same for a program that aborted.
pub const TRAP: u8 = 134;

/// Why a command did not work.
#[derive(Debug)]
pub struct Failure {
    /// The process's exit code.
    pub code: u8,
    /// One or more lines for the user.
    pub message: String,
}

/// A command's exit code, or its failure.
pub type Outcome<T = u8> = Result<T, Failure>;

impl Failure {
    /// An error.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { code: ERROR, message: message.into() }
    }

    /// A command line that does not make sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: USAGE, message: message.into() }
    }

    /// An error about a file.
    pub fn file(path: &Path, error: impl Display) -> Failure {
        Failure::new(format!("{}: {error}", path.display()))
    }
}

impl From<fs_host::Error> for Failure {
    fn from(error: fs_host::Error) -> Failure {
        Failure::new(error.to_string())
    }
}
