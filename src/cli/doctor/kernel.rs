//! Mounting inside of the kernel.

use super::{CAP_SYS_ADMIN, CAP_SYS_MODULE, Machine, Section};
use std::fs::OpenOptions;
use wasmjit::kernel::device::PATH;
use wasmjit::kernel::header::module_version;
use wasmjit::kernel::image::module_file;

/// The series of Debian's kernels that the module is written for.
const SERIES: [&str; 2] = ["6.1", "6.12"];

/// `wasmjit mount --kernel`.
pub fn mounting(machine: &Machine) -> Section {
    let mut section = Section::new("wasmjit mount --kernel");
    let (major, minor) = machine.version();
    let series = format!("{major}.{minor}");
    if !SERIES.contains(&series.as_str()) {
        section.bad(
            format!("Linux {} is not supported", machine.release),
            "the kernel module is for Debian's 6.1 and 6.12; everything works without --kernel, more slowly",
        );
        return section;
    }
    section.ok(format!("Linux {}", machine.release));
    rights(machine, &mut section);
    policy(machine, &mut section);
    if machine.exists("sys/module/wasmjit") {
        loaded(machine, &mut section);
    } else if installed(machine, "wasmjit") && installed(machine, "wjimage") {
        section.bad("the module wasmjit is installed and not loaded", "sudo modprobe wasmjit");
    } else {
        buildable(machine, &series, &mut section);
    }
    section
}

fn rights(machine: &Machine, section: &mut Section) {
    let wanted = [(CAP_SYS_MODULE, "CAP_SYS_MODULE"), (CAP_SYS_ADMIN, "CAP_SYS_ADMIN")];
    let missing: Vec<&str> = wanted.iter().filter(|(bit, _)| !machine.capable(*bit)).map(|(_, name)| *name).collect();
    if missing.is_empty() {
        section.ok("this user may load modules and mount");
    } else {
        let who = if machine.is_root() { "this process, though root's," } else { "this user" };
        section.bad(format!("{who} lacks {}", missing.join(" and ")), "compiled code enters the kernel: be root");
    }
}

/// Whether the kernel takes modules that nobody signed, as compiled images are.
fn policy(machine: &Machine, section: &mut Section) {
    let unsigned = "Compiled images are modules that nobody has signed: turn Secure Boot off in the firmware, or mount without --kernel";
    let lockdown = machine.read("sys/kernel/security/lockdown");
    if lockdown.contains("[integrity]") || lockdown.contains("[confidentiality]") {
        section.bad(format!("the kernel is locked down ({lockdown})"), unsigned);
    }
    if machine.read("sys/module/module/parameters/sig_enforce") == "Y" {
        section.bad("the kernel loads signed modules only (module.sig_enforce)", unsigned);
    }
    if machine.read("proc/sys/kernel/modules_disabled") == "1" {
        section.bad("the kernel loads no more modules (modules_disabled)", "this lasts until the next boot");
    }
    let known = machine.read("proc/filesystems");
    if !known.lines().any(|line| line.split_whitespace().next_back() == Some("fuse")) {
        section.note("the kernel's FUSE is not loaded", "modprobe wasmjit loads it");
    }
}

fn loaded(machine: &Machine, section: &mut Section) {
    if machine.read("sys/module/wasmjit/version") != module_version() {
        section.bad(
            "the module wasmjit that is loaded is another version than this program",
            "build and install it anew, then: sudo modprobe -r wasmjit && sudo modprobe wasmjit",
        );
        return;
    }
    section.ok("the module wasmjit is loaded");
    if let Err(error) = OpenOptions::new().read(true).write(true).open(machine.at(PATH)) {
        section.bad(format!("{PATH}: {error}"), "it is for root only");
    }
    if !installed(machine, "wjimage") {
        section.bad("wjimage.ko is not installed, which compiled code is put into", "sudo make -C kmod install");
    }
}

fn installed(machine: &Machine, name: &str) -> bool {
    module_file(&machine.root, &machine.release, name).is_some()
}

/// The module is not there: what is needed to build it?
fn buildable(machine: &Machine, series: &str, section: &mut Section) {
    let release = &machine.release;
    let headers = machine.exists(format!("lib/modules/{release}/build/Makefile"));
    let source = format!("usr/src/linux-source-{series}");
    let fuse = machine.exists(format!("{source}.tar.xz")) || machine.exists(format!("{source}/fs/fuse/fuse_i.h"));
    let tools = machine.program("make").is_some() && machine.program("gcc").is_some();
    let mut packages = Vec::new();
    if headers {
        section.ok("headers of the kernel");
    } else {
        packages.push(format!("linux-headers-{release}"));
    }
    if !fuse {
        packages.push(format!("linux-source-{series}"));
    }
    if !tools {
        packages.push("build-essential".to_owned());
    }
    let install = match packages.is_empty() {
        true => String::new(),
        false => format!("sudo apt-get install {}\n", packages.join(" ")),
    };
    section.bad(
        "the module wasmjit is not installed",
        format!("{install}make -C kmod && sudo make -C kmod install && sudo modprobe wasmjit"),
    );
}
