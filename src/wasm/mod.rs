//! Bytes to a validated module: everything that is known of a module except its functions' meaning.
//!
//! Owns [`Module`] and its index newtypes. Function bodies are kept as ranges of the input and are translated by
//! [`crate::ir`]. Errors name the byte offset.

mod error;
mod features;
mod parse;
mod types;

pub use error::LoadError;
pub(crate) use parse::val_type;
pub use parse::{MAX_MODULE_BYTES, parse, parse_validated};
pub use types::*;
