//! Threads of WASI programs (`wasi-threads`).

use crate::host::rows::rows;
use crate::host::state::HasHost;
use crate::host::threads::Entry;
use crate::runtime::{Caller, Trap};

rows! { "wasi";
    /// Starts a thread, which calls `wasi_thread_start` with its number and the argument; the number, or a negative one.
    "thread-spawn"(arg: int) call i32 = spawn;
}

fn spawn<T: HasHost + 'static>(caller: &mut Caller<'_, T>, arg: i32) -> Result<i32, Trap> {
    let host = caller.data_mut().host();
    let Some(threads) = host.threads.clone() else { return Ok(-1) };
    Ok(threads.spawn(host, Entry::Wasi { arg }).map_or(-1, |number| number as i32))
}
