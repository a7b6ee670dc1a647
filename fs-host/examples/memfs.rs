//! Mounts an empty filesystem in memory and serves it in the foreground:
//!
//!     memfs [-o opt,...] [-d] [-s] MOUNTPOINT
//!
//! `-d` prints each message, `-s` statistics at the end; `-o timeout=0` makes the kernel ask for every
//! name and attribute, so that each operation is measured.

use std::sync::Arc;

use fs_host::memfs::MemFs;
use fs_host::{Mount, MountOptions, Server, ServerConfig};

fn main() {
    if let Err(error) = run() {
        eprintln!("memfs: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = MountOptions { subtype: Some("memfs".into()), ..MountOptions::default() };
    let mut config = ServerConfig::default();
    let mut mountpoint = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-o" => options.add(&args.next().ok_or("-o needs options")?)?,
            "-d" => config.trace = Some(Arc::new(|line: &str| eprintln!("{line}"))),
            "-s" => config.stats = true,
            _ => mountpoint = Some(arg),
        }
    }
    let mountpoint = mountpoint.ok_or("usage: memfs [-o opt,...] [-d] [-s] MOUNTPOINT")?;
    let timed = config.stats;
    let mut guest = MemFs::new();
    for option in &options.guest {
        match option.split_once('=') {
            Some(("timeout", seconds)) => guest.valid_seconds = seconds.parse()?,
            _ => return Err(format!("unknown option {option}").into()),
        }
    }
    let mount = Mount::new(mountpoint, &options)?;
    let mut server = Server::new(mount, config)?;
    let end = server.run(&mut guest)?;
    eprintln!("{end:?}");
    if timed {
        eprint!("{}", server.stats());
    }
    server.unmount()?;
    Ok(())
}
