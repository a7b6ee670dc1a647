//! Carrying out a mount plan.

use super::args::OnTrap;
use super::engine;
use super::failure::{Failure, Outcome};
use super::logging;
use super::mount::Plan;
use fs_host::ServerConfig;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use wasmjit::fs::{self, MountPlan};

/// Mounts, calls `ready` once the kernel accepted the filesystem, and serves until it is unmounted.
pub fn serve(mut plan: Plan, ready: impl FnOnce() + Send + 'static) -> Outcome {
    let engine = engine::engine(&plan.guest, engine::FILESYSTEM_MEMORY)?;
    let module = engine::load(&engine, &mut plan.source, &plan.guest)?;
    fs::check_filesystem(&module).map_err(|error| Failure::new(format!("{}: {error}", plan.source.name)))?;
    let mut policy = engine::policy(&plan.guest)?;
    policy.max_files(wasmjit::host::take_file_limit());
    let mount = MountPlan {
        workers: plan.workers,
        server: server_config(&plan, Box::new(ready)),
        mountpoint: plan.mountpoint,
        options: plan.options,
        name: plan.source.name,
        policy,
        stub_missing: plan.guest.stub_missing,
        kernel: plan.kernel,
        args: plan.argv.into_iter().map(OsStringExt::into_vec).collect(),
    };
    match fs::run(&engine, &module, mount) {
        Ok(status) => Ok(status as u8),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}

fn server_config(plan: &Plan, ready: Box<dyn FnOnce() + Send>) -> ServerConfig {
    let mut config = ServerConfig {
        stats: plan.stats,
        on_ready: Some(ready),
        // To wherever messages go: the terminal, the log file, or syslog.
        report: Some(Arc::new(|table: &str| log::warn!("operations:\n{table}"))),
        ..ServerConfig::default()
    };
    if let Some(time) = plan.guest.timeout {
        config.timeout = time.0;
    }
    if let Some(policy) = plan.on_trap {
        config.on_trap = match policy {
            OnTrap::Continue => fs_host::OnTrap::Continue,
            OnTrap::Poison => fs_host::OnTrap::Poison,
            OnTrap::Restart => fs_host::OnTrap::Restart,
        };
    }
    if let Some(size) = plan.max_request {
        config.max_request = size;
    }
    if plan.debug {
        config.trace = Some(Arc::new(logging::print));
    }
    config
}
