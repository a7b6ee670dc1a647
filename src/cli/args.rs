//! The arguments as they are typed. Nothing here looks at the system.

use super::values::{self, Time};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  wasmjit mount memfs /mnt/x                 a filesystem in memory; its code runs as WebAssembly
  wasmjit mount fs.wasm /mnt/x --dir ~/data  a filesystem of yours, which may see ~/data
  wasmjit umount /mnt/x                      unmount it

  wasmjit cc myfs.c -o myfs.wasm             build a libfuse program (needs emscripten)
  wasmjit inspect myfs.wasm                  what it needs, and whether that is there
  wasmjit run prog.wasm arg                  run any program built by Emscripten or for WASI
  wasmjit doctor                             what works on this machine, and what to do about the rest

Exit codes: 0 success, 1 error, 2 wrong usage. `run` exits with the program's own code, or 134 if it trapped.
Messages: -v tells more, -vv and -vvv more yet; RUST_LOG=wasmjit=debug,fs_host=trace selects them by module.";

/// Mount filesystems and run programs written in WebAssembly.
///
/// A WebAssembly guest sees nothing of this machine but what the command line grants: no file, no variable, no network.
#[derive(Debug, Parser)]
#[command(name = "wasmjit", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Wasmjit {
    /// Tell more; repeat for even more
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,

    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mount a filesystem
    Mount(MountArgs),
    /// Unmount a filesystem
    #[command(visible_alias = "unmount")]
    Umount(UmountArgs),
    /// Run a program
    Run(RunArgs),
    /// Show what a module needs and what it is
    Inspect(InspectArgs),
    /// Say what works on this machine, and what to do about what does not
    Doctor(DoctorArgs),
    /// Unpack the SDK for authors of filesystems and show where it is
    Sdk(SdkArgs),
    /// Compile C to WebAssembly with the SDK
    #[command(disable_help_flag = true)]
    Cc(CompileArgs),
    /// Compile C++ to WebAssembly with the SDK
    #[command(name = "c++", disable_help_flag = true)]
    Cxx(CompileArgs),
}

/// Most workers that can be asked for: each has memory of its own, or a stack.
const MAX_WORKERS: i64 = 64;

const MOUNT_EXAMPLES: &str = "\
FS is a .wasm file, or the name of a filesystem that comes with wasmjit: memfs, hello.

Examples:
  wasmjit mount memfs /mnt/x
  wasmjit mount memfs /mnt/x -o default_permissions,allow_other --memory-limit 1G
  wasmjit mount jsonfs.wasm /mnt/j --dir .::/data:ro -- /data/package.json
  wasmjit mount passthrough.wasm /mnt/p --dir /srv::/src -o source=/src
  wasmjit mount -d myfs.wasm /mnt/x          watch every request and reply

Mount options:
  ro, rw, noatime, noexec, nosuid, nodev, sync, dirsync      as for every mount
  allow_other, allow_root        other users may use it (in /etc/fuse.conf: user_allow_other)
  default_permissions            the kernel checks permissions
  uid=N, gid=N, umask=OCTAL      what files seem to have, whatever the filesystem says
  fsname=NAME, subtype=NAME      what the table of mounts shows
  max_read=BYTES, auto_unmount
  All others go to the filesystem: entry_timeout=, attr_timeout=, kernel_cache ...

Signals: SIGINT, SIGTERM and SIGHUP unmount, SIGUSR1 prints the statistics.";

/// Mount a filesystem
///
/// Returns when the filesystem works, and serves it in the background; -f stays in the foreground.
#[derive(Debug, Args)]
#[command(after_help = MOUNT_EXAMPLES)]
pub struct MountArgs {
    /// The filesystem: a .wasm file or a name
    #[arg(value_name = "FS")]
    pub fs: PathBuf,

    /// The directory to mount on
    pub mountpoint: PathBuf,

    /// Arguments for the filesystem
    #[arg(last = true, value_name = "GUEST ARGS")]
    pub guest_args: Vec<OsString>,

    /// Mount options, separated by commas
    #[arg(short, long = "options", value_name = "OPT,...")]
    pub options: Vec<String>,

    /// Stay in the foreground
    #[arg(short, long)]
    pub foreground: bool,

    /// Answer requests inside of the Linux kernel (root, with the kernel module)
    #[arg(long, conflicts_with = "on_trap")]
    pub kernel: bool,

    /// Print each request and reply (stays in the foreground)
    #[arg(short, long)]
    pub debug: bool,

    /// Take times, and print a table per operation at the end and on SIGUSR1
    #[arg(long)]
    pub stats: bool,

    /// Largest request: one write is never larger than this
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub max_request: Option<u64>,

    /// Answer up to N requests in parallel: in threads of a filesystem that has them (built with -pthread; by default as
    /// many as there are CPUs, but 2 to 10), in copies of one that declares itself read-only (by default one)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=MAX_WORKERS))]
    pub workers: Option<u8>,

    /// What to do after the filesystem trapped; the request is answered with EIO in any case
    #[arg(long, value_enum, value_name = "POLICY")]
    pub on_trap: Option<OnTrap>,

    /// Append messages to a file (a background mount otherwise sends them to syslog)
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    #[command(flatten)]
    pub guest: GuestArgs,
}

/// What a guest may see and use.
#[derive(Debug, Args)]
#[command(next_help_heading = "What the guest may see and use")]
pub struct GuestArgs {
    /// Show it a directory or a file, under the same path or under GUEST; `:ro` for reading only
    #[arg(long, value_name = "HOST[::GUEST][:ro]")]
    pub dir: Vec<OsString>,

    /// Set a variable, or hand on the one that is set here
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub env: Vec<OsString>,

    /// Hand on every variable that is set here
    #[arg(long)]
    pub inherit_env: bool,

    /// Let it use the network: all of it, or what a rule permits: connect=HOST:PORT, listen=ADDR:PORT, resolve=NAME
    #[arg(long, value_name = "RULE", require_equals = true, num_args = 0..=1, default_missing_value = "all")]
    pub net: Vec<OsString>,

    /// Let it change the settings of the terminal
    #[arg(long)]
    pub tty: bool,

    /// Grant everything: all files, the environment, the network, the terminal. For programs that you trust
    #[arg(short = 'A', long)]
    pub allow_all: bool,

    /// Most memory that it may have: 512M, 8G; if not given, 1G to mount and 4G to run
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    pub memory_limit: Option<u64>,

    /// Most threads that it may have at a time
    #[arg(long, value_name = "N", default_value_t = wasmjit::host::DEFAULT_MAX_THREADS)]
    pub max_threads: usize,

    /// Longest time for a request (mount; 60s if not given) or for the whole program (run): 500ms, 30s, 2m, none
    #[arg(long, value_name = "TIME", value_parser = values::duration)]
    pub timeout: Option<Time>,

    /// Take its C library's structures for those of this version of Emscripten, instead of what `inspect` shows
    #[arg(long, value_name = "VERSION")]
    pub abi: Option<String>,

    /// Let imports that are missing trap when they are called, instead of refusing the module
    #[arg(long)]
    pub stub_missing: bool,

    /// Compile anew, and keep nothing in the cache (wasmjit in $XDG_CACHE_HOME or ~/.cache, at most 1 GiB)
    #[arg(long)]
    pub no_cache: bool,

    /// Name the guest's functions for `perf report`, in /tmp/perf-PID.map
    #[arg(long)]
    pub perf_map: bool,
}

/// What follows a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnTrap {
    /// Go on with the same instance, whatever state it is in
    Continue,
    /// Answer everything with EIO until it is unmounted
    Poison,
    /// Start the filesystem again; open files are lost, and so is what it held in memory
    Restart,
}

/// Unmount a filesystem
#[derive(Debug, Args)]
pub struct UmountArgs {
    /// Where it is mounted
    pub mountpoint: PathBuf,

    /// Detach it now, serve open files until they are closed
    #[arg(short, long)]
    pub lazy: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  wasmjit run hello.wasm
  wasmjit run --dir . --env HOME sqlite3.wasm test.db
  wasmjit run --net connect=example.org:80 --net listen=127.0.0.1:* proxy.wasm
  wasmjit run --listen 127.0.0.1:8080 --dir www server.wasm

Exit code: the program's own; 134 if it trapped, 1 if it could not be started.";

/// Run a program
#[derive(Debug, Args)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    pub guest: GuestArgs,

    /// Listen on an address, and give it the socket: descriptor 3, the next ones 4, 5 ...
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Vec<String>,

    /// Run it inside of the Linux kernel, where its system calls are function calls (root, with the kernel module)
    #[arg(long)]
    pub kernel: bool,

    /// Do not confine this process itself to what the program was granted
    #[arg(long)]
    pub no_harden: bool,

    /// The program, a .wasm file, and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROG", "ARGS"], help_heading = "Arguments")]
    pub command: Vec<OsString>,
}

/// Show what a module needs and what it is
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A .wasm file, or the name of a filesystem that comes with wasmjit
    pub file: PathBuf,
}

/// Say what works on this machine, and what to do about what does not
///
/// Exits with 1 if mounting or running does not work.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Exit with 1 if mounting inside of the kernel does not work either
    #[arg(long)]
    pub kernel: bool,
}

/// Unpack the SDK for authors of filesystems and show where it is
///
/// The SDK is part of this program. It is unpacked once per version, below $XDG_DATA_HOME or ~/.local/share.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  CC=\"$(wasmjit sdk)/bin/wasmjit-cc\" PKG_CONFIG_LIBDIR=$(wasmjit sdk --pkg-config) ./configure"
)]
pub struct SdkArgs {
    #[command(flatten)]
    pub what: SdkWhat,
}

/// Which of the SDK's places to show.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SdkWhat {
    /// The SDK's directory (the default)
    #[arg(long)]
    pub path: bool,

    /// The directory of fuse3.pc and fuse.pc, for PKG_CONFIG_LIBDIR: instead of this machine's packages
    #[arg(long)]
    pub pkg_config: bool,

    /// The compiler flags that find <fuse.h>
    #[arg(long)]
    pub cflags: bool,

    /// The crate for filesystems in Rust
    #[arg(long)]
    pub rust: bool,
}

/// Arguments of a compiler.
#[derive(Debug, Args)]
pub struct CompileArgs {
    /// Handed to emcc as they are
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub args: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn mount(line: &str) -> MountArgs {
        match Wasmjit::try_parse_from(line.split(' ')).unwrap().command {
            Command::Mount(args) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Wasmjit::command().debug_assert();
    }

    #[test]
    fn options_stand_anywhere() {
        let args =
            mount("wasmjit mount -f -o ro,a=1 x.wasm /m -o rw --dir /a --dir /b::/c:ro --timeout 2s -- -o guest --dir");
        assert_eq!((args.fs.to_str(), args.mountpoint.to_str()), (Some("x.wasm"), Some("/m")));
        assert_eq!(args.options, ["ro,a=1", "rw"]);
        assert_eq!(args.guest.dir, ["/a", "/b::/c:ro"]);
        assert_eq!(args.guest_args, ["-o", "guest", "--dir"]);
        assert!(args.foreground && !args.debug);
        assert_eq!(args.guest.timeout, values::duration("2s").ok());
    }

    #[test]
    fn a_program_gets_its_own_options() {
        let parsed = Wasmjit::try_parse_from("wasmjit run --dir /a p.wasm --dir x -v -- y".split(' ')).unwrap();
        let Command::Run(args) = parsed.command else { panic!("{parsed:?}") };
        assert_eq!(args.guest.dir, ["/a"]);
        assert_eq!(args.command, ["p.wasm", "--dir", "x", "-v", "--", "y"]);
        assert_eq!(parsed.verbose, 0);
    }

    #[test]
    fn a_network_rule_may_stand_apart_and_may_be_missing() {
        let parse = |line: &str| {
            let line = super::super::joined::join_rules(line.split(' ').map(OsString::from));
            match Wasmjit::try_parse_from(line).unwrap().command {
                Command::Run(args) => (args.guest.net, args.command),
                Command::Mount(args) => (args.guest.net, args.guest_args),
                other => panic!("{other:?}"),
            }
        };
        let os = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(parse("wasmjit run --net p.wasm --net x"), (os(&["all"]), os(&["p.wasm", "--net", "x"])));
        let (net, command) = parse("wasmjit run --net connect=a:1 --dir /x --net=listen=b:2 p.wasm --net connect=c:3");
        assert_eq!((net, command), (os(&["connect=a:1", "listen=b:2"]), os(&["p.wasm", "--net", "connect=c:3"])));
        let (net, rest) = parse("wasmjit mount x.wasm /m --net resolve=a -- --net resolve=b");
        assert_eq!((net, rest), (os(&["resolve=a"]), os(&["--net", "resolve=b"])));
        assert_eq!(parse("wasmjit run --net all -- p.wasm").0, os(&["all"]));
    }

    #[test]
    fn a_compiler_gets_every_option() {
        let parsed = Wasmjit::try_parse_from("wasmjit cc --help -v -O2 x.c -o x.wasm".split(' ')).unwrap();
        let Command::Cc(args) = parsed.command else { panic!("{parsed:?}") };
        assert_eq!(args.args, ["--help", "-v", "-O2", "x.c", "-o", "x.wasm"]);
    }
}
