//! Signals to who waits for a host function that the owner calls: a call that waits ends.

use crate::host::{Host, Waiter};
use crate::kernel::device::Device;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the owner is woken: a wake-up that comes before its call waits is lost.
const KICK: Duration = Duration::from_millis(5);

/// The host function that the owner is calling for the guest in the kernel.
pub(crate) struct Calling {
    /// Number of the call; 0 for none.
    number: Arc<Mutex<u64>>,
    waiter: Waiter,
}

fn lock(number: &Mutex<u64>) -> MutexGuard<'_, u64> {
    number.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Calling {
    /// Watches an instance whose owner is the calling thread, in a thread of its own that ends with the instance.
    pub(crate) fn watch(device: &Device, host: &Host) -> io::Result<Calling> {
        let number = Arc::<Mutex<u64>>::default();
        let waiter = host.waiter().map_err(|errno| io::Error::from_raw_os_error(errno.0))?;
        let (device, watched, interrupted) = (device.try_clone()?, number.clone(), waiter.clone());
        std::thread::Builder::new().name("wasmjit-watch".into()).spawn(move || {
            loop {
                match device.watch() {
                    Ok(call) => interrupt(&watched, call, &interrupted),
                    Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                    Err(_) => return,
                }
            }
        })?;
        Ok(Calling { number, waiter })
    }

    /// Calls a host function, which is call number `call`.
    pub(crate) fn call<R>(&self, call: u64, function: impl FnOnce() -> R) -> R {
        *lock(&self.number) = call;
        let result = function();
        let mut number = lock(&self.number);
        *number = 0;
        self.waiter.go_on();
        result
    }
}

/// Makes the owner come back from a call, if it is still that one.
fn interrupt(number: &Mutex<u64>, call: u64, waiter: &Waiter) {
    loop {
        let now = lock(number);
        if call == 0 || *now != call {
            return;
        }
        waiter.come_back();
        drop(now);
        std::thread::sleep(KICK);
    }
}
