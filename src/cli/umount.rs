//! `wasmjit umount`.

use super::args::UmountArgs;
use super::failure::{OK, Outcome};
use fs_host::Unmount;

/// Unmounts whatever FUSE filesystem is mounted there.
pub fn main(args: UmountArgs) -> Outcome {
    let how = if args.lazy { Unmount::Lazy } else { Unmount::Strict };
    fs_host::unmount(&args.mountpoint, how)?;
    Ok(OK)
}
