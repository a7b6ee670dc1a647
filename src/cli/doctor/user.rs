//! Mounting through FUSE, running programs, building guests.

use super::{CAP_SYS_ADMIN, Machine, Section};
use std::fs::OpenOptions;
use std::os::unix::fs::PermissionsExt;

/// The first kernel that speaks the oldest protocol that is served.
const FUSE_SINCE: (u32, u32) = (5, 4);
/// The first kernel with `openat2`.
const OPENAT2_SINCE: (u32, u32) = (5, 6);
/// The first kernel with Landlock as `run` uses it.
const LANDLOCK_SINCE: (u32, u32) = (5, 19);

/// `wasmjit mount`.
pub fn mounting(machine: &Machine) -> Section {
    let mut section = Section::new("wasmjit mount");
    compiler(machine, &mut section);
    let release = &machine.release;
    if machine.version() < FUSE_SINCE {
        section.bad(format!("Linux {release} is too old"), "FUSE 7.31 is needed, which Linux 5.4 and later speak");
    } else {
        section.ok(format!("Linux {release}"));
    }
    device(machine, &mut section);
    if machine.capable(CAP_SYS_ADMIN) {
        section.ok("this user may mount");
    } else {
        by_fusermount(machine, &mut section);
    }
    section
}

fn device(machine: &Machine, section: &mut Section) {
    match OpenOptions::new().read(true).write(true).open(machine.at("dev/fuse")) {
        Ok(_) => section.ok("/dev/fuse can be opened"),
        Err(error) => section.bad(
            format!("/dev/fuse: {error}"),
            "load the kernel's FUSE: sudo modprobe fuse\nin a container, hand it in: --device /dev/fuse --cap-add SYS_ADMIN",
        ),
    }
}

/// Users without the right to mount have a program that does.
fn by_fusermount(machine: &Machine, section: &mut Section) {
    let Some(program) = machine.program("fusermount3") else {
        return section.bad("fusermount3 is not installed", "sudo apt-get install fuse3, or mount as root");
    };
    let setuid = program.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o4000 != 0);
    if !setuid {
        return section.bad(
            format!("{} is not setuid root", program.display()),
            "mount as root, or install it again: sudo apt-get install --reinstall fuse3",
        );
    }
    section.ok(format!("{} mounts for this user", program.display()));
    let configured = machine.read("etc/fuse.conf");
    if !configured.lines().any(|line| line.trim() == "user_allow_other") {
        section.note(
            "allow_other and allow_root are for root only here",
            "a line user_allow_other in /etc/fuse.conf permits them to all users",
        );
    }
}

/// What both kinds of guests need.
fn compiler(machine: &Machine, section: &mut Section) {
    if is_x86_feature_detected!("sse4.1") && is_x86_feature_detected!("sse4.2") {
        section.ok("the processor has SSE 4.2");
    } else {
        section.bad("the processor lacks SSE 4.1 or 4.2", "compiled code needs them");
    }
    let limits = machine.read("proc/self/limits");
    let space = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
    if let Some(most) = space.and_then(|rest| rest.split_whitespace().next()).filter(|most| *most != "unlimited") {
        section.note(
            format!("addresses are limited to {most} bytes"),
            "a guest reserves some GiB of addresses, not of memory: ulimit -v unlimited",
        );
    }
    if machine.version() < OPENAT2_SINCE {
        section.note("--dir does not work", "the kernel cannot confine paths: Linux 5.6 and later have openat2");
    }
}

/// `wasmjit run`.
pub fn running(machine: &Machine) -> Section {
    let mut section = Section::new("wasmjit run");
    compiler(machine, &mut section);
    let modules = machine.read("sys/kernel/security/lsm");
    if machine.version() < LANDLOCK_SINCE || !(modules.is_empty() || modules.contains("landlock")) {
        section.note(
            "the process is not confined by Landlock besides",
            "Linux 5.19 and later have it; where lsm= on the kernel's command line leaves it out, add it",
        );
    }
    if machine.field("Seccomp").is_none() {
        section.note("the process is not confined by seccomp besides", "the kernel was built without it");
    }
    section
}

/// `wasmjit cc`.
pub fn building(machine: &Machine) -> Section {
    let mut section = Section::new("wasmjit cc");
    match machine.program("emcc") {
        Some(path) => section.ok(format!("Emscripten is {}", path.display())),
        None => section.bad("emcc is not on the PATH", "sudo apt-get install emscripten"),
    }
    section
}
