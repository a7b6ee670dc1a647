//! `wasmjit mount`: from arguments to a plan, and the plan carried out, here or in the background.

use super::args::{GuestArgs, MountArgs, OnTrap};
use super::daemon::{self, Ready, Side};
use super::failure::{Failure, Outcome};
use super::source::{self, Source};
use super::{logging, serve};
use fs_host::{MountOptions, REQUEST_HEAD};
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Smallest request that a filesystem can be limited to: a page written, and what stands before it.
const MIN_REQUEST: u64 = 4096 + REQUEST_HEAD as u64;

/// Everything that is to be done, resolved from what was typed.
pub struct Plan {
    /// The filesystem.
    pub source: Source,
    /// Where to mount; absolute.
    pub mountpoint: PathBuf,
    /// How to mount.
    pub options: MountOptions,
    /// The filesystem's arguments, its own name first.
    pub argv: Vec<OsString>,
    /// What it may see and use.
    pub guest: GuestArgs,
    /// Largest request in bytes; the server's own default if none.
    pub max_request: Option<usize>,
    /// How many copies of it serve.
    pub workers: Option<usize>,
    /// What follows a trap; the server's own default if none.
    pub on_trap: Option<OnTrap>,
    /// Answer inside of the kernel.
    pub kernel: bool,
    /// Print each message.
    pub debug: bool,
    /// Take times and print the table.
    pub stats: bool,
}

/// Mounts and serves, in the foreground or in the background.
pub fn main(args: MountArgs) -> Outcome {
    let foreground = args.foreground || args.debug;
    let log = args.log.clone();
    let plan = Plan::new(args)?;
    let output = log.as_deref().map(open_log).transpose()?;
    if foreground {
        return serve::serve(plan, || {});
    }
    let side = daemon::split(output).map_err(|error| Failure::new(format!("cannot go to the background: {error}")))?;
    match side {
        Side::Parent(waiting) => waiting.outcome(),
        Side::Child(ready) => in_background(plan, ready),
    }
}

/// Serves in the child process, which tells its parent once: when it works or why it does not.
fn in_background(plan: Plan, ready: Ready) -> Outcome {
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(ready)));
    let take = {
        let slot = slot.clone();
        move || slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    };
    let works = take.clone();
    let outcome = serve::serve(plan, move || {
        if let Some(ready) = works() {
            ready.works();
        }
    });
    match (take(), outcome) {
        // The parent was told that it works; what happens later goes to the log.
        (None, outcome) => outcome,
        (Some(ready), Err(failure)) => {
            ready.fails(&failure);
            std::process::exit(i32::from(failure.code));
        }
        (Some(ready), Ok(code)) => {
            let failure = Failure { code, message: "the filesystem ended before it was mounted".into() };
            ready.fails(&failure);
            std::process::exit(i32::from(code));
        }
    }
}

fn open_log(path: &Path) -> Outcome<File> {
    let fail = |error| Failure::file(path, error);
    logging::to_file(path).map_err(fail)?;
    File::options().append(true).create(true).open(path).map_err(fail)
}

impl Plan {
    /// Resolves the arguments. Nothing is mounted yet, but the file is read.
    pub fn new(args: MountArgs) -> Outcome<Plan> {
        let mut options = MountOptions::default();
        for list in &args.options {
            options.add(list).map_err(|error| Failure::usage(error.to_string()))?;
        }
        let max_request = args.max_request.map(max_request).transpose()?;
        let source = source::read(&args.fs)?;
        // The background process leaves the working directory.
        let mountpoint = std::path::absolute(&args.mountpoint).map_err(|e| Failure::file(&args.mountpoint, e))?;
        options.fsname.get_or_insert_with(|| source.name.clone());
        options.subtype.get_or_insert_with(|| "wasmjit".into());
        Ok(Plan {
            argv: argv(&source.name, &args.guest_args, &mountpoint, &options.guest),
            source,
            mountpoint,
            options,
            guest: args.guest,
            max_request,
            workers: args.workers.map(usize::from),
            on_trap: args.on_trap,
            kernel: args.kernel,
            debug: args.debug,
            stats: args.stats,
        })
    }
}

fn max_request(bytes: u64) -> Outcome<usize> {
    if bytes < MIN_REQUEST {
        return Err(Failure::usage(format!("--max-request {bytes}: must be at least {MIN_REQUEST} bytes (8K)")));
    }
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// The command line that a libfuse program expects: its own arguments, the mountpoint, foreground, mount options.
fn argv(name: &str, own: &[OsString], mountpoint: &Path, options: &[String]) -> Vec<OsString> {
    let mut argv = vec![OsString::from(name)];
    argv.extend_from_slice(own);
    argv.push(mountpoint.as_os_str().to_os_string());
    argv.push("-f".into());
    if !options.is_empty() {
        // Commas and backslashes within an option are escaped again, as they were on our own command line.
        let escaped: Vec<_> = options.iter().map(|o| o.replace('\\', "\\\\").replace(',', "\\,")).collect();
        argv.push("-o".into());
        argv.push(escaped.join(",").into());
    }
    argv
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_get_a_command_line_that_libfuse_reads() {
        let own = [OsString::from("--size=1G"), OsString::from("file")];
        let options = ["kernel_cache".to_string(), "name=a,b".to_string()];
        assert_eq!(
            argv("memfs", &own, Path::new("/mnt/x"), &options),
            ["memfs", "--size=1G", "file", "/mnt/x", "-f", "-o", "kernel_cache,name=a\\,b"]
        );
        assert_eq!(argv("memfs", &[], Path::new("/m"), &[]), ["memfs", "/m", "-f"]);
    }

    #[test]
    fn requests_have_a_smallest_size() {
        assert_eq!(max_request(1 << 20).ok(), Some(1 << 20));
        assert_eq!(max_request(100).err().map(|failure| failure.code), Some(super::super::failure::USAGE));
    }
}
