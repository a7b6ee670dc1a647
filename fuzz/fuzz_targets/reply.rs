//! Any reply or notification: the validator takes it or refuses it, and what it takes is within what was asked.
//!
//!     cargo fuzz run reply       (needs nightly Rust, or RUSTC_BOOTSTRAP=1)

#![no_main]

use fs_host::AttrOverride;
use fs_host::validate::{Facts, check, check_notification, notification_shape, shape};
use libfuzzer_sys::fuzz_target;

/// Opcodes beyond the largest known one are tried too.
const OPCODES: u32 = 64;
const MAX_STORE: usize = 1 << 20;

fuzz_target!(|input: (u8, u32, u8, i32, bool, Vec<u8>)| {
    let (opcode, asked, kind, error, uncached, body) = input;
    let facts =
        Facts { opcode: u32::from(opcode) % OPCODES, asked: u64::from(asked), kind: u32::from(kind & 0xf) << 12 };
    // Most replies are successes; give them most of the tries.
    let error = if error % 4 == 0 { error / 4 } else { 0 };
    let attr = AttrOverride { uncached, ..AttrOverride::default() };
    if let Ok(copied) = shape(&facts, error, body.len()) {
        assert!(copied <= body.len());
        let mut copy = body[..copied].to_vec();
        if error == 0 && check(&facts, &attr, &mut copy).is_ok() {
            assert_eq!(copy.len(), copied);
            // What was taken once, as it would be written, is taken again.
            check(&facts, &attr, &mut copy).expect("a checked reply passes the rules");
        }
    }
    let code = i32::from(opcode % 10);
    if let Ok(copied) = notification_shape(code, body.len(), MAX_STORE) {
        let _ = check_notification(code, &body[..copied], body.len());
    }
});
