//! The boundary of the module: imports from the host, exports for it. On other targets than WebAssembly the imports
//! answer `ENOSYS`; there [`testing`](crate::testing) takes the host's place.

use crate::session::Sender;
use crate::Errno;
use alloc::boxed::Box;
use core::fmt::{self, Write};
use core::ptr::addr_of_mut;

/// Whatever answers requests.
pub(crate) trait Serve {
    /// Handles one request.
    fn dispatch(&mut self, message: &[u8]);
    /// The filesystem was unmounted.
    fn finish(&mut self);
}

/// Room for [`wasmjit_panic_message`].
pub const PANIC_MESSAGE_SIZE: usize = 1024;

/// The message of the panic that trapped, ended by NUL; the host reads it after the trap.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static mut wasmjit_panic_message: [u8; PANIC_MESSAGE_SIZE] = [0; PANIC_MESSAGE_SIZE];

/// Writes as much as there is room for.
struct MessageWriter(usize);

impl Write for MessageWriter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = PANIC_MESSAGE_SIZE - 1 - self.0;
        let count = text.len().min(room);
        // SAFETY: the range lies within the static, which nothing else in the module refers to.
        unsafe {
            let target = (addr_of_mut!(wasmjit_panic_message) as *mut u8).add(self.0);
            core::ptr::copy_nonoverlapping(text.as_ptr(), target, count);
            *target.add(count) = 0;
        }
        self.0 += count;
        Ok(())
    }
}

/// Leaves a message for the host to print if the module traps next. For the panic handler of a program without the
/// standard library; with it, [`mount`](crate::mount) arranges that.
pub fn set_panic_message(message: &dyn fmt::Display) {
    let _ = write!(MessageWriter(0), "{}", message);
}

#[cfg(target_family = "wasm")]
mod wasm {
    use super::*;
    use crate::session::{Transport, MAX_PARTS};
    use alloc::vec::Vec;
    use core::time::Duration;

    /// A part of a message, as the host reads it.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Part {
        ptr: *const u8,
        len: u32,
    }

    #[link(wasm_import_module = "wasmjit_fuse")]
    extern "C" {
        #[link_name = "mount"]
        fn host_mount(options: *const u8, len: u32) -> i32;
        #[link_name = "serve"]
        fn host_serve() -> i32;
        #[link_name = "send"]
        fn host_send(parts: *const Part, count: i32) -> i32;
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        #[link_name = "clock_time_get"]
        fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> i32;
    }

    /// What is being served. The module has one thread.
    static mut SERVED: Option<Box<dyn Serve>> = None;
    /// Where the host puts requests, per worker; 8-byte units keep them aligned.
    static mut BUFFERS: Vec<Vec<u64>> = Vec::new();
    /// More workers than any host starts.
    const MAX_WORKERS: usize = 256;

    struct Host;

    impl Transport for Host {
        fn send(&self, parts: &[&[u8]]) -> Result<(), Errno> {
            let mut raw = [Part { ptr: core::ptr::null(), len: 0 }; MAX_PARTS];
            for (raw, part) in raw.iter_mut().zip(parts) {
                *raw = Part { ptr: part.as_ptr(), len: part.len() as u32 };
            }
            // SAFETY: the parts outlive the call, and the host only reads them.
            check(unsafe { host_send(raw.as_ptr(), parts.len() as i32) })
        }
    }

    fn check(answer: i32) -> Result<(), Errno> {
        if answer < 0 {
            Err(Errno::from_wasi(-answer))
        } else {
            Ok(())
        }
    }

    pub(crate) fn sender() -> Sender {
        Sender(&Host)
    }

    pub(crate) fn mount(wishes: &str) -> Result<(), Errno> {
        report_panics();
        // SAFETY: the text outlives the call, and the host only reads it.
        check(unsafe { host_mount(wishes.as_ptr(), wishes.len() as u32) })
    }

    /// Where the standard library has no error output, a panic would be silent.
    fn report_panics() {
        #[cfg(feature = "std")]
        {
            let previous = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                set_panic_message(info);
                previous(info);
            }));
        }
    }

    pub(crate) fn serve(served: Box<dyn Serve>) -> Result<(), Errno> {
        // SAFETY: the module has one thread.
        if unsafe { (*addr_of_mut!(SERVED)).is_some() } {
            // A request is being handled, by the one that is there.
            return Err(Errno::EBUSY);
        }
        // SAFETY: the module has one thread, and no request is being handled before `host_serve`.
        unsafe { *addr_of_mut!(SERVED) = Some(served) };
        // SAFETY: no reference to a static of this module is held here.
        let answer = unsafe { host_serve() };
        // SAFETY: as above; the host handles no request any more.
        if let Some(mut served) = unsafe { (*addr_of_mut!(SERVED)).take() } {
            served.finish();
        }
        check(answer)
    }

    /// Where the host may put a request of up to `size` bytes; 0 if there is no memory.
    #[no_mangle]
    pub extern "C" fn wasmjit_fuse_buffer(worker: i32, size: i32) -> *mut u8 {
        let worker = worker as usize;
        let units = (size.max(0) as usize + 7) / 8;
        if worker >= MAX_WORKERS {
            return core::ptr::null_mut();
        }
        // SAFETY: the module has one thread, and no request is in this worker's buffer when the host asks for one.
        let buffers = unsafe { &mut *addr_of_mut!(BUFFERS) };
        if buffers.len() <= worker {
            buffers.resize_with(worker + 1, Vec::new);
        }
        let buffer = &mut buffers[worker];
        if buffer.len() < units {
            *buffer = Vec::new();
            if buffer.try_reserve_exact(units).is_err() {
                return core::ptr::null_mut();
            }
            buffer.resize(units, 0);
        }
        buffer.as_mut_ptr() as *mut u8
    }

    /// Handles the request of `len` bytes at `request`.
    ///
    /// # Safety
    /// The host has put a request there, and leaves it alone until this returns. It calls this while it serves only, and
    /// not before an earlier call has returned or trapped.
    #[no_mangle]
    pub unsafe extern "C" fn wasmjit_fuse_dispatch(request: *const u8, len: i32) {
        let message = core::slice::from_raw_parts(request, len.max(0) as usize);
        // It stays where it is, so that it is still there after a panic, which is a trap, if the user wants to go on.
        if let Some(served) = (*addr_of_mut!(SERVED)).as_mut() {
            served.dispatch(message);
        }
    }

    /// The present. Works where `SystemTime::now` does not (`wasm32-unknown-unknown`).
    pub fn now() -> crate::SystemTime {
        let mut nanos = 0;
        // SAFETY: the host writes the time and nothing else.
        unsafe { clock_time_get(0, 1, &mut nanos) };
        let time = Duration::from_nanos(nanos);
        crate::platform::time_from_parts(time.as_secs() as i64, time.subsec_nanos())
    }
}

#[cfg(target_family = "wasm")]
pub use wasm::now;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{mount, sender, serve};

#[cfg(not(target_family = "wasm"))]
mod native {
    use super::*;
    use crate::session::Transport;

    struct Nowhere;

    impl Transport for Nowhere {
        fn send(&self, _parts: &[&[u8]]) -> Result<(), Errno> {
            Err(Errno::ENOSYS)
        }
    }

    pub(crate) fn sender() -> Sender {
        Sender(&Nowhere)
    }

    pub(crate) fn mount(_wishes: &str) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    pub(crate) fn serve(_served: Box<dyn Serve>) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{mount, sender, serve};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_messages_are_cut_to_their_room() {
        let long = "x".repeat(3 * PANIC_MESSAGE_SIZE);
        set_panic_message(&long);
        // SAFETY: no other test touches the message.
        let bytes = unsafe { *core::ptr::addr_of!(wasmjit_panic_message) };
        assert_eq!(bytes[PANIC_MESSAGE_SIZE - 2], b'x');
        assert_eq!(bytes[PANIC_MESSAGE_SIZE - 1], 0);
        set_panic_message(&"short");
        // SAFETY: as above.
        let bytes = unsafe { *core::ptr::addr_of!(wasmjit_panic_message) };
        assert_eq!(&bytes[..6], b"short\0");
    }
}
