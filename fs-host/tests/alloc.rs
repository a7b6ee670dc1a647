//! The way of a request from the channel to the guest and of its reply back allocates nothing.
#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::{Kernel, Script, attr_out};
use fs_host::wire::{self, Wire};
use fs_host::{GuestFault, ServerConfig};

/// Counts the allocations of threads that ask for it.
struct Counting;

static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

fn count() {
    if COUNTED.try_with(Cell::get).unwrap_or(false) {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: passed on.
        unsafe { System.realloc(ptr, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn the_hot_path_does_not_allocate() {
    let data = vec![1u8; 128 << 10];
    let mut listing = Vec::new();
    for i in 0..20u64 {
        let head = wire::Dirent { ino: i + 2, off: i + 1, namelen: 8, kind: 8 };
        listing.extend_from_slice(wire::EntryOut::default().bytes());
        listing.extend_from_slice(head.bytes());
        listing.extend_from_slice(b"somename");
    }
    let guest = Script::new(move |header, _, replies| {
        // From the guest's first request on, the whole worker thread is watched.
        COUNTED.set(true);
        let sent = match header.opcode {
            wire::READ => replies.data(header.unique, &data),
            wire::READDIRPLUS => replies.data(header.unique, &listing),
            wire::FORGET => Ok(()),
            _ => replies.data(header.unique, attr_out().bytes()),
        };
        sent.map_err(|e| GuestFault::trap(e.to_string()))
    });
    let config = ServerConfig { stats: true, ..ServerConfig::default() };
    let (mut kernel, serving) = Kernel::serving(config, guest);
    let read = wire::ReadIn { size: 128 << 10, ..Default::default() };
    let mut round = |n: usize| {
        for _ in 0..n {
            assert!(kernel.getattr().is_ok());
            assert_eq!(kernel.call(wire::READ, 2, read.bytes()).unwrap().len(), 128 << 10);
            assert!(kernel.call(wire::READDIRPLUS, 1, read.bytes()).is_ok());
            kernel.send(wire::FORGET, 2, &1u64.to_le_bytes());
        }
    };
    // Buffers grow to their size.
    round(5);
    // The control thread falls asleep and is woken, which must be free as well.
    std::thread::sleep(Duration::from_millis(1500));
    let before = COUNT.load(Ordering::Relaxed);
    round(500);
    assert_eq!(COUNT.load(Ordering::Relaxed) - before, 0);
    serving.unmount(kernel);
}
