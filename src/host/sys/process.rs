//! What belongs to the host's process as a whole.

use super::{Result, check, zeroed};

/// Sets the process's file mode creation mask to zero and gives the old one.
pub fn take_umask() -> u32 {
    // SAFETY: takes an integer and cannot fail.
    unsafe { libc::umask(0) }
}

/// Raises the soft limit of open descriptors to the hard one, but to no more than `most`, and gives what it is now.
pub fn raise_file_limit(most: u64) -> Result<u64> {
    let mut limit: libc::rlimit64 = zeroed();
    call!(getrlimit64(libc::RLIMIT_NOFILE, &raw mut limit))?;
    let wanted = limit.rlim_max.min(most);
    if wanted > limit.rlim_cur {
        limit.rlim_cur = wanted;
        call!(setrlimit64(libc::RLIMIT_NOFILE, &raw const limit))?;
    }
    Ok(limit.rlim_cur)
}
