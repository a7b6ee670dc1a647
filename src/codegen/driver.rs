//! Compiles whole modules, functions in parallel.

use super::image::CodeImage;
use super::options::{CodegenError, Options};
use super::x64::{self, CompiledFunction, Scratch};
use crate::ir;
use crate::ir::build::Small;
use crate::wasm::Module;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Functions that a thread takes at a time.
const BATCH: usize = 8;

/// Translates, optimizes and compiles the body of one own function (`body` counts own functions only).
pub fn compile_function(
    module: &Module,
    bytes: &[u8],
    body: usize,
    small: &Small,
    options: &Options,
    scratch: &mut Scratch,
) -> Result<CompiledFunction, CodegenError> {
    let mut func = ir::build::build(module, bytes, body, options.poll, small)?;
    ir::passes::optimize(&mut func);
    if options.check_allocation {
        let fail = |text| CodegenError::Internal(format!("function {}: after the passes: {text}", func.index.0));
        ir::verify::verify(module, &func).map_err(fail)?;
    }
    x64::compile(module, &func, options, scratch)
}

/// Compiles a module; `bytes` are those that it was read from.
pub fn compile_module(module: &Module, bytes: &[u8], options: &Options) -> Result<CodeImage, CodegenError> {
    let count = module.bodies.len();
    let available = std::thread::available_parallelism().map_or(1, |threads| threads.get());
    let threads = available.min(count.div_ceil(BATCH)).max(1);
    let small = Small::of(module);
    let next = AtomicUsize::new(0);
    let functions: Mutex<Vec<Option<CompiledFunction>>> = Mutex::new((0..count).map(|_| None).collect());
    let error: Mutex<Option<(usize, CodegenError)>> = Mutex::new(None);
    let work = || {
        let mut scratch = Scratch::default();
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            for body in first..(first + BATCH).min(count) {
                match compile_function(module, bytes, body, &small, options, &mut scratch) {
                    Ok(function) => lock(&functions)[body] = Some(function),
                    Err(found) => {
                        // The error of the first function, however the threads ran.
                        let mut error = lock(&error);
                        if error.as_ref().is_none_or(|(at, _)| body < *at) {
                            *error = Some((body, found));
                        }
                        next.fetch_max(body + 1, Ordering::Relaxed);
                    }
                }
            }
            if first + BATCH >= count || lock(&error).is_some() {
                return;
            }
        }
    };
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    }
    if let Some((_, error)) = error.into_inner().unwrap_or_else(|poison| poison.into_inner()) {
        return Err(error);
    }
    let functions = functions.into_inner().unwrap_or_else(|poison| poison.into_inner());
    let functions = functions.into_iter().collect::<Option<Vec<_>>>();
    CodeImage::link(module, functions.ok_or_else(|| CodegenError::Internal("a function was left out".into()))?, options)
}

/// A panic elsewhere ends the scope anyway.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}
