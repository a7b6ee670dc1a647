//! The printed form, for people and for golden tests.

use super::func::*;
use super::ops::Op;
use std::fmt;

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "func {} {{", self.index.0)?;
        for block in &self.order {
            let data = self.block(*block);
            let params: Vec<String> = data.params.iter().map(|v| format!("{v:?}: {}", self.ty(*v).name())).collect();
            writeln!(f, "{block:?}({}):", params.join(", "))?;
            for inst in &data.insts {
                writeln!(f, "    {}", self.inst_text(*inst))?;
            }
            writeln!(f, "    {}", term_text(&data.term))?;
        }
        writeln!(f, "}}")
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(|v| format!("{v:?}")).collect::<Vec<_>>().join(", ")
}

fn call_text(call: &BlockCall) -> String {
    format!("{:?}({})", call.block, list(&call.args))
}

fn term_text(term: &Terminator) -> String {
    match term {
        Terminator::Jump(to) => format!("jump {}", call_text(to)),
        Terminator::Branch { cond, then, otherwise } => {
            format!("branch {cond:?}, {}, {}", call_text(then), call_text(otherwise))
        }
        Terminator::Switch { index, targets, default } => {
            let targets: Vec<String> = targets.iter().map(call_text).collect();
            format!("switch {index:?}, [{}], {}", targets.join(", "), call_text(default))
        }
        Terminator::Return(values) => format!("return {}", list(values)),
        Terminator::Trap(code) => format!("trap {code}"),
    }
}

impl Function {
    fn inst_text(&self, inst: Inst) -> String {
        let data = self.inst(inst);
        let results = if data.results.is_empty() { String::new() } else { format!("{} = ", list(&data.results)) };
        let args = if data.args.is_empty() { String::new() } else { format!(" {}", list(&data.args)) };
        format!("{results}{}{args}", op_text(data.op))
    }
}

fn op_text(op: Op) -> String {
    match op {
        Op::Const(ty, bits) => format!("{}.const {bits:#x}", ty.name()),
        Op::Unary(ty, kind) => format!("{}.{}", ty.name(), kind.name()),
        Op::Binary(ty, kind) => format!("{}.{}", ty.name(), kind.name()),
        Op::Compare(ty, kind) => format!("{}.{}", ty.name(), kind.name()),
        Op::Convert(kind) => kind.name().to_string(),
        Op::Select(ty) => format!("{}.select", ty.name()),
        Op::Vector(op) => op.name().to_string(),
        Op::Load(kind, offset) => format!("{}+{offset:#x}", kind.name()),
        Op::Store(kind, offset) => format!("{}+{offset:#x}", kind.name()),
        other => format!("{other:?}"),
    }
}
