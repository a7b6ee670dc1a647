//! x86-64.
//!
//! - [`inst`]: machine instructions; [`regs`], [`abi`]: registers and the function convention;
//! - [`sse`]: vector instructions;
//! - [`lower`]: selection; [`emit`]: emission through [`asm`] (buffer, labels) and [`encode`] (instruction formats);
//! - [`trampoline`]: how the runtime enters compiled code.

pub mod abi;
pub mod asm;
pub mod emit;
pub mod encode;
pub mod inst;
pub mod lower;
pub mod regs;
pub mod sse;
pub mod trampoline;

use super::isel::{Order, finish, select};
use super::options::{CodegenError, Options};
use super::vcode::VCode;
use crate::ir::func::Function;
use crate::ir::types::Type;
use crate::wasm::Module;
use regalloc2::{Algorithm, RegallocOptions};

/// A function's code before it has a place in an image.
#[derive(Debug, Default)]
pub struct CompiledFunction {
    /// Code and side tables, relative to the function's start.
    pub code: asm::Assembled,
    /// Whether float registers are used.
    pub uses_floats: bool,
}

/// Memory that compilations on one thread use one after the other.
#[derive(Default)]
pub struct Scratch {
    ctx: regalloc2::Ctx,
}

/// Compiles a function.
pub fn compile(
    module: &Module,
    func: &Function,
    options: &Options,
    scratch: &mut Scratch,
) -> Result<CompiledFunction, CodegenError> {
    if !options.features.sse41 {
        return Err(CodegenError::MissingCpuFeature("SSE4.1"));
    }
    let vectors = func.values.iter().any(|value| value.ty == Type::V128);
    if vectors && !options.features.sse42 {
        return Err(CodegenError::MissingCpuFeature("SSE4.2 (for vector instructions)"));
    }
    let order = Order::new(func)?;
    let env = lower::Env { module, layout: module.vm_layout(), options: *options };
    let mut lower = lower::Lower::new(env, func);
    let blocks = select(&mut lower, func, &order)?;
    let lower::Lower { s, pool, frame, switches, .. } = lower;
    let mut vcode = finish(s, blocks);
    vcode.wide_floats = vectors;
    allocate(&vcode, func, options, scratch)?;
    let uses_floats = vcode.operands.iter().any(|operand| operand.class() == regalloc2::RegClass::Float);
    let selected =
        emit::Selected { vcode: &vcode, constants: &pool.constants, frame, switches: &switches, uses_floats };
    let code = emit::emit(selected, &scratch.ctx.output, *options)?;
    Ok(CompiledFunction { code, uses_floats })
}

/// Allocates registers; the answer is left in the scratch memory.
fn allocate(
    vcode: &VCode<inst::Inst>,
    func: &Function,
    options: &Options,
    scratch: &mut Scratch,
) -> Result<(), CodegenError> {
    let env = regs::machine_env();
    let how = RegallocOptions { verbose_log: false, validate_ssa: options.check_allocation, algorithm: Algorithm::Ion };
    let fail = |text: String| CodegenError::Internal(format!("function {}: {text}", func.index.0));
    regalloc2::run_with_ctx(vcode, &env, &how, &mut scratch.ctx)
        .map_err(|error| fail(format!("register allocation: {error:?}")))?;
    if options.check_allocation {
        let mut checker = regalloc2::checker::Checker::new(vcode, &env);
        checker.prepare(&scratch.ctx.output);
        checker.run().map_err(|errors| fail(format!("allocation check: {errors:?}")))?;
    }
    Ok(())
}
