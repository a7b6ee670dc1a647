//! Why a module was not accepted.

use std::fmt;

/// A module that cannot be loaded, with the place and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The bytes are not a valid module.
    Invalid {
        /// Byte offset in the module.
        offset: u64,
        /// What is wrong there.
        message: String,
    },
    /// The module is valid but needs a feature that this engine does not have.
    Unsupported {
        /// Byte offset of the first use.
        offset: u64,
        /// Name of the feature.
        feature: &'static str,
    },
    /// The bytes are not WebAssembly at all; says what they look like.
    NotWasm(&'static str),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LoadError::Invalid { offset, message } => {
                write!(f, "invalid module: {message} (at offset {offset:#x})")
            }
            LoadError::Unsupported { offset, feature } => write!(
                f,
                "the module needs {feature}, which this engine does not support (first used at offset {offset:#x})"
            ),
            LoadError::NotWasm(looks) => write!(f, "not a WebAssembly module: {looks}"),
        }
    }
}

impl std::error::Error for LoadError {}
