//! What guests import: Emscripten's and WASI's host functions, over a sandbox that sees only what was granted.
//!
//! | file | what it owns |
//! |---|---|
//! | `policy` | what a guest may see, as data and as command line options |
//! | `path`, `resolve`, `walk` | from a guest's path to a descriptor of the host, confined by the kernel |
//! | `devices` | the devices that every program expects |
//! | `fd`, `dir` | the guest's descriptors; reading directories |
//! | `threads`, `pins` | the threads of a guest; what a host call holds of what they share |
//! | `state`, `ctx` | one guest's state; what a host call works on |
//! | `errno`, `layout` | tables: error numbers; structures and constants by Emscripten version |
//! | `ops` | file operations, once for both ABIs |
//! | `net`, `socket` | the rules of the network; sockets and their addresses, once for both ABIs |
//! | `signals` | timers and signals, and their delivery between host calls |
//! | `dynlink` | modules that a program needs or opens at run time |
//! | `iov`, `maps` | scatter/gather lists; files mapped into guests |
//! | `rows` | the table form of host functions: binding, types and documentation from one row each |
//! | `emscripten`, `wasi` | the rows and the functions behind them |
//! | `provided`, `advice` | what `inspect` lists; what to do about an import that is missing |
//! | `start` | running a program from its start to its exit status |
//! | `sys` | the host's system calls: the only `unsafe` here |
//!
//! Invariants: no path reaches the host but through `resolve`; no descriptor of the host's process is visible unless
//! it is in the table; a guest's numbers are checked where they are read; an answer's error is an [`Errno`], a guest's
//! end is a [`Trap`](crate::runtime::Trap), and neither is ever a panic.

mod advice;
mod ctx;
mod devices;
mod dir;
mod dynlink;
pub mod emscripten;
mod errno;
mod fd;
mod iov;
mod layout;
mod maps;
mod net;
mod ops;
mod path;
mod pins;
mod policy;
mod provided;
mod resolve;
mod rights;
mod rows;
mod signals;
mod socket;
mod start;
mod state;
mod sys;
mod threads;
mod walk;
pub mod wasi;

pub use advice::explain_missing;
pub use ctx::Ctx;
pub use devices::standard_devices;
pub use errno::Errno;
pub use fd::{FdTable, File, Kind};
pub use layout::{Evidence, Layout, sdk_value};
pub use net::{Net, NetPolicy};
pub use policy::{DEFAULT_MAX_FILES, DEFAULT_MAX_THREADS, DirGrant, Policy, PolicyError};
pub use provided::{configure, detect_layout, link, provided, provides};
pub use resolve::{Grant, Namespace};
pub use rows::{Role, Row};
pub use signals::Signals;
pub use start::{ExitCode, instantiate, run_main, run_main_by};
pub use state::{AT_FDCWD, HasHost, Host, Stream, Waiter, take_file_limit, take_umask};
pub use threads::{Program, ThreadImports};
