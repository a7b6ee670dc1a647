//! The engine as the command line configures it.

use super::args::GuestArgs;
use super::failure::{Failure, Outcome};
use super::source::Source;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use wasmjit::host::Policy;
use wasmjit::{Config, Engine, Module};

/// Memory that a filesystem may have unless the user says otherwise, in bytes.
pub const FILESYSTEM_MEMORY: u64 = 1 << 30;

/// The same for a program, which ends before long: all that 32-bit addresses reach.
pub const PROGRAM_MEMORY: u64 = 4 << 30;

/// An engine for one guest.
pub fn engine(guest: &GuestArgs, memory: u64) -> Outcome<Engine> {
    let mut config = Config::new();
    config.interruptible(true).memory_limit(Some(guest.memory_limit.unwrap_or(memory)));
    config.cache_dir(if guest.no_cache { None } else { cache_dir() });
    config.perf_map(if guest.perf_map { Some(perf_map()?) } else { None });
    Ok(Engine::new(&config))
}

/// The file in which `perf report` looks for the names of this process's functions, made anew.
fn perf_map() -> Outcome<File> {
    let path = format!("/tmp/perf-{}.map", std::process::id());
    // Anybody may write there, so what stands under the name is removed, never followed; of somebody else's it cannot be.
    let removed = std::fs::remove_file(&path).or_else(|error| match error.kind() {
        ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    });
    let open = || File::options().append(true).create_new(true).mode(0o600).open(&path);
    removed.and_then(|()| open()).map_err(|error| Failure::new(format!("--perf-map: {path}: {error}")))
}

/// Where compiled images are kept: below the user's cache directory, if there is one.
fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("wasmjit"))
}

/// Loads and compiles a module, or takes its image from the cache. Fails with advice, before it compiles, if the module imports
/// what is not provided, unless the user takes the risk. The source's bytes become the module's.
pub fn load(engine: &Engine, source: &mut Source, guest: &GuestArgs) -> Outcome<Module> {
    let bytes = std::mem::take(&mut source.bytes);
    let accept = |info: &wasmjit::wasm::Module| match super::guest::explain(info, &super::guest::provided(info)) {
        Some(advice) if !guest.stub_missing => Err(Refusal(advice)),
        _ => Ok(()),
    };
    let module = Module::new_if(engine, bytes, accept);
    module.map_err(|Refusal(error)| Failure::new(format!("{}: {error}", source.name)))
}

/// Why a module does not run: an error of the engine, or advice.
struct Refusal(String);

impl From<wasmjit::Error> for Refusal {
    fn from(error: wasmjit::Error) -> Refusal {
        Refusal(error.to_string())
    }
}

/// What the command line grants.
pub fn policy(guest: &GuestArgs) -> Outcome<Policy> {
    // The guest's own mask alone decides on the modes of its files.
    wasmjit::host::take_umask();
    let mut policy = Policy::new();
    let usage = |error: wasmjit::host::PolicyError| Failure::usage(error.to_string());
    for dir in &guest.dir {
        policy.dir_spec(dir).map_err(usage)?;
    }
    for variable in &guest.env {
        policy.env_spec(variable).map_err(usage)?;
    }
    for rule in &guest.net {
        policy.net_spec(rule).map_err(usage)?;
    }
    if guest.inherit_env {
        policy.inherit_env();
    }
    policy.tty(guest.tty).standard_devices(true);
    policy.max_threads(guest.max_threads);
    if let Some(version) = &guest.abi {
        policy.abi(version).map_err(usage)?;
    }
    if guest.allow_all {
        policy.allow_all().map_err(usage)?;
    }
    Ok(policy)
}
