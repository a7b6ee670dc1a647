//! The command line. One file per subcommand; `args` holds what was typed, the others what it means.
//!
//! | file | what it owns |
//! |---|---|
//! | `args`, `joined`, `values` | raw arguments, and how rules, sizes and times are written |
//! | `failure` | messages and exit codes |
//! | `logging`, `daemon` | where messages go, and going to the background |
//! | `source` | where a module's bytes come from |
//! | `harden` | confining this process before a program runs |
//! | `mount`, `umount`, `run`, `inspect`, `doctor`, `sdk` | the subcommands |

mod args;
mod daemon;
mod doctor;
mod embedded;
mod engine;
mod failure;
mod guest;
mod harden;
mod inspect;
mod joined;
mod logging;
mod mount;
mod run;
mod sdk;
mod serve;
mod source;
mod umount;
mod values;

use args::{Command, Wasmjit};
use clap::Parser;
use failure::Outcome;
use std::process::ExitCode;

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let parsed = match Wasmjit::try_parse_from(joined::join_rules(std::env::args_os())) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are no failures; clap prints those to the standard output.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { failure::OK });
        }
    };
    logging::start(parsed.verbose);
    let outcome: Outcome = match parsed.command {
        Command::Mount(args) => mount::main(args),
        Command::Umount(args) => umount::main(args),
        Command::Run(args) => run::main(args),
        Command::Inspect(args) => inspect::main(args),
        Command::Doctor(args) => doctor::main(args),
        Command::Sdk(args) => sdk::main(args),
        Command::Cc(args) => sdk::compile("wasmjit-cc", args),
        Command::Cxx(args) => sdk::compile("wasmjit-c++", args),
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            logging::print(&format!("wasmjit: {}", failure.message));
            ExitCode::from(failure.code)
        }
    }
}
