//! Prints `kmod/wj_abi.h`: the tables of this crate as C.

use super::natives::Native;
use super::uapi;
use crate::abi::builtins::{Arg, Builtin};
use crate::abi::slots::{SLOT_BYTES, SLOTS_BYTES, Slot};
use crate::abi::trap::TrapCode;
use crate::abi::vmctx::{FuncRef, VmCtx, offset};
use crate::codegen::image::abi_hash;
use std::fmt::Write;

/// The error numbers of WASI that the kernel side gives.
const WASI_ERRNO: &[(&str, u16)] =
    &[("EAGAIN", 6), ("EFAULT", 21), ("EINVAL", 28), ("ENODEV", 43), ("ENOENT", 44), ("ENOSYS", 52)];

fn define(out: &mut String, name: &str, value: impl std::fmt::Display) {
    writeln!(out, "#define {name} {value}").expect("strings take everything");
}

/// A field as C declares it.
fn field(name: &str, ty: &str) -> String {
    match ty.trim_matches(|c| c == '[' || c == ']').split_once(';') {
        Some((ty, len)) => format!("__{} {name}[{}]", ty.trim(), len.trim()),
        None if ty == "TrapInfo" => format!("struct wj_trap {name}"),
        None => format!("__{ty} {name}"),
    }
}

/// The number of parameters and the form of the result, as the first word of a signature.
fn builtin_signature(builtin: Builtin) -> u32 {
    let wide = matches!(builtin.result(), Some(Arg::I64 | Arg::F64));
    builtin.args().len() as u32 | (wide as u32) << 17
}

fn builtin_native(builtin: Builtin) -> u32 {
    Native::ALL.iter().find(|native| native.name() == builtin.name()).map_or(0, |&native| native as u32)
}

fn structures(out: &mut String) {
    for (name, fields, size) in uapi::structs() {
        writeln!(out, "\nstruct {name} {{").expect("strings take everything");
        for (name, ty) in fields {
            writeln!(out, "\t{};", field(name, ty)).expect("strings take everything");
        }
        writeln!(out, "}};\nstatic_assert(sizeof(struct {name}) == {size});").expect("strings take everything");
    }
}

/// What `/sys/module/wasmjit/version` says where the loaded module fits this crate.
pub fn module_version() -> String {
    format!("{:#018x}ULL", abi_hash())
}

/// The header's text.
pub fn text() -> String {
    let mut out = String::from(
        "/* SPDX-License-Identifier: GPL-2.0 */\n/* Made from the tables of the Rust sources by tests/kernel.rs: do not edit. */\n\
         #ifndef WJ_ABI_H\n#define WJ_ABI_H\n\n",
    );
    define(&mut out, "WJ_ABI_HASH", module_version());
    define(&mut out, "WJ_SLOT_BYTES", SLOT_BYTES);
    define(&mut out, "WJ_SLOTS_BYTES", SLOTS_BYTES);
    for slot in Slot::ALL {
        define(&mut out, &format!("WJ_SLOT_{}", slot.name()), *slot as u8);
    }
    let offsets = [
        ("MEMORY_BASE", offset::MEMORY_BASE),
        ("STACK_LIMIT", offset::STACK_LIMIT),
        ("OWNER", offset::OWNER),
        ("FLOATS", offset::FLOATS),
    ];
    for (name, at) in offsets {
        define(&mut out, &format!("WJ_CTX_{name}"), at);
    }
    define(&mut out, "WJ_CTX_BYTES", size_of::<VmCtx>());
    define(&mut out, "WJ_FUNC_REF_BYTES", size_of::<FuncRef>());
    for code in TrapCode::ALL {
        define(&mut out, &format!("WJ_TRAP_{code:?}"), *code as u8);
    }
    define(&mut out, "WJ_TRAP_OF_SITE", "0xffffffffU");
    define(&mut out, "WJ_TRAP_NONE", "0xfffffffeU");
    define(&mut out, "WJ_MAX_VALUES", uapi::MAX_VALUES);
    define(&mut out, "WJ_MAX_FRAMES", uapi::MAX_FRAMES);
    let events = [
        ("NONE", uapi::EVENT_NONE),
        ("ANSWER", uapi::EVENT_ANSWER),
        ("HOST_CALL", uapi::EVENT_HOST_CALL),
        ("BUILTIN", uapi::EVENT_BUILTIN),
        ("FINISHED", uapi::EVENT_FINISHED),
        ("TRAPPED", uapi::EVENT_TRAPPED),
        ("UNMOUNT", uapi::EVENT_UNMOUNT),
        ("START", uapi::EVENT_START),
        ("SIGNAL", uapi::EVENT_SIGNAL),
    ];
    for (name, value) in events {
        define(&mut out, &format!("WJ_EVENT_{name}"), value);
    }
    let words = [
        ("MAY_READ", uapi::MAY_READ),
        ("MAY_WRITE", uapi::MAY_WRITE),
        ("MAY_STAT", uapi::MAY_STAT),
        ("MAY_POLL", uapi::MAY_POLL),
        ("CREATE_COROUTINE", uapi::CREATE_COROUTINE),
        ("STAT_FIELDS", uapi::STAT_FIELDS as u32),
    ];
    for (name, value) in words {
        define(&mut out, &format!("WJ_{name}"), value);
    }
    define(&mut out, "WJ_OWN_MEMORY", format!("{:#x}U", uapi::OWN_MEMORY));
    define(&mut out, "WJ_NOTE_OFFSET", format!("{:#x}ULL", uapi::NOTE_OFFSET));
    let calls = [
        ("CREATE", uapi::CREATE),
        ("CALL", uapi::CALL),
        ("SERVE", uapi::SERVE),
        ("STATE", uapi::STATE),
        ("RUN", uapi::RUN),
        ("NOTIFY", uapi::NOTIFY),
        ("HOLD", uapi::HOLD),
        ("STOP", uapi::STOP),
        ("MEMORY", uapi::MEMORY),
        ("GROW", uapi::GROW),
        ("JOIN", uapi::JOIN),
        ("SEND", uapi::SEND),
        ("WATCH", uapi::WATCH),
    ];
    for (name, value) in calls {
        define(&mut out, &format!("WJ_{name}"), format!("{value:#x}U"));
    }
    for native in Native::ALL {
        define(&mut out, &format!("WJ_NATIVE_{}", native.name()), *native as u32);
    }
    let list = |value: fn(Builtin) -> u32| {
        let items: Vec<String> = Builtin::ALL.iter().map(|&builtin| format!("{:#x}", value(builtin))).collect();
        format!("{{ {} }}", items.join(", "))
    };
    define(&mut out, "WJ_BUILTIN_PARAMS", list(builtin_signature));
    define(&mut out, "WJ_BUILTIN_NATIVES", list(builtin_native));
    for (name, number) in WASI_ERRNO {
        define(&mut out, &format!("WJ_WASI_{name}"), number);
    }
    out.push_str(&super::rules::text());
    out.push_str("\n#ifndef __ASSEMBLY__\n#include <linux/types.h>\n#include <linux/build_bug.h>\n");
    structures(&mut out);
    out.push_str("#endif\n#endif\n");
    out
}
