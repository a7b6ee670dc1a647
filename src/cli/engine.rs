//! The engine as the command line configures it.

use super::args::GuestArgs;
use super::failure::{Failure, Outcome};
use super::source::Source;
use std::path::PathBuf;
use wasmjit::host::Policy;
use wasmjit::{Config, Engine, Module};

/// Memory that a guest may have unless the user says otherwise, in bytes.
const DEFAULT_MEMORY: u64 = 1 << 30;

/// An engine for one guest.
pub fn engine(guest: &GuestArgs) -> Engine {
    let mut config = Config::new();
    config.interruptible(true).memory_limit(Some(guest.memory_limit.unwrap_or(DEFAULT_MEMORY)));
    config.cache_dir(if guest.no_cache { None } else { cache_dir() });
    Engine::new(&config)
}

/// Where compiled images are kept: below the user's cache directory, if there is one.
fn cache_dir() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(base.join("wasmjit"))
}

/// Loads and compiles a module, or takes its image from the cache.
pub fn load(engine: &Engine, source: &Source) -> Outcome<Module> {
    Module::new(engine, &source.bytes).map_err(|error| Failure::new(format!("{}: {error}", source.name)))
}

/// Fails with advice if the module imports what is not provided, unless the user takes the risk.
pub fn check_imports(module: &Module, guest: &GuestArgs, name: &str) -> Outcome<()> {
    if guest.stub_missing {
        return Ok(());
    }
    let provided = super::guest::provided(module.info());
    match super::guest::explain(module.info(), &provided) {
        Some(advice) => Err(Failure::new(format!("{name}: {advice}"))),
        None => Ok(()),
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
    policy.tty(guest.tty);
    policy.max_threads(guest.max_threads);
    if guest.allow_all {
        policy.allow_all().map_err(usage)?;
    }
    Ok(policy)
}
