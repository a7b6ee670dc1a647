//! What the build put into the program.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
