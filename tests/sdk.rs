//! The C SDK as authors use it: its compiler, its interfaces of libfuse 2 and 3, its pkg-config files.
//!
//! Needs root and /dev/fuse for what is mounted, and Emscripten.

mod common;

use common::*;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether guests can be compiled here.
fn can_compile() -> bool {
    has("emcc")
}

/// Compiles one C file with the SDK.
fn compile(source: &Path, into: &Path) -> PathBuf {
    let wasm = into.join(source.file_stem().unwrap()).with_extension("wasm");
    let compiler = root().join("fs-host/sdk/bin/wasmjit-cc");
    run(Command::new(compiler).arg("-O2").arg(source).arg("-o").arg(&wasm), 300);
    wasm
}

/// Runs `tests/sdk/workload.sh` on a mount.
fn workload(mounted: &Mounted, scratch: &Path) {
    let script = root().join("tests/sdk/workload.sh");
    let output = run(Command::new("sh").arg(script).arg(&mounted.dir).arg(scratch).arg("quick"), 240);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("workload: ok"), "{text}");
}

#[test]
fn the_workload_on_a_low_level_filesystem() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("sdk-low");
    let mounted = Mounted::start(&temp.dir("mnt"), "memfs", &["-o", "default_permissions"], &[]);
    workload(&mounted, &temp.0.join("scratch"));
}

#[test]
fn the_workload_on_a_path_filesystem() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("sdk-path");
    let source = temp.dir("source");
    let grant = format!("{}::/src", source.display());
    let wasm = root().join("examples/passthrough/passthrough.wasm");
    let args = ["--dir", &grant, "-o", "source=/src"];
    let mounted = Mounted::start(&temp.dir("mnt"), wasm.to_str().unwrap(), &args, &[]);
    workload(&mounted, &temp.0.join("scratch"));
    drop(mounted);
    assert_eq!(std::fs::read_dir(&source).unwrap().count(), 0, "hidden files were left behind");
}

#[test]
fn the_workload_on_a_libfuse_2_filesystem() {
    if !(can_mount() && can_compile()) {
        return;
    }
    let temp = TempDir::new("sdk-two");
    let wasm = compile(&root().join("tests/sdk/guests/passthrough2.c"), &temp.0);
    let grant = format!("{}::/src", temp.dir("source").display());
    let args = ["--dir", &grant, "--env", "SOURCE=/src"];
    let mounted = Mounted::start(&temp.dir("mnt"), wasm.to_str().unwrap(), &args, &[]);
    workload(&mounted, &temp.0.join("scratch"));
}

#[test]
fn an_archive_shows_what_tar_packed() {
    if !(can_mount() && has("tar") && has("diff")) {
        return;
    }
    let temp = TempDir::new("sdk-archive");
    let tree = root().join("examples");
    let data = temp.dir("data");
    run(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(data.join("a.tar")).arg("."), 60);
    let wasm = root().join("examples/archive/archive.wasm");
    let grant = format!("{}::/data:ro", data.display());
    let mounted = Mounted::start(&temp.dir("mnt"), wasm.to_str().unwrap(), &["--dir", &grant], &["--", "/data/a.tar"]);
    run(Command::new("diff").arg("-r").arg(&tree).arg(&mounted.dir), 60);
    assert!(std::fs::write(mounted.dir.join("new"), "x").is_err(), "an archive is read-only");
}

#[test]
fn pkg_config_and_configure_scripts_find_fuse() {
    if !(can_compile() && has("pkg-config")) {
        return;
    }
    let temp = TempDir::new("sdk-pkg");
    let sdk = |what: &str| {
        let output = run(wasmjit().args(["sdk", what]).env("XDG_DATA_HOME", &temp.0), 60);
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let (path, packages) = (sdk("--path"), sdk("--pkg-config"));
    // What a configure script does: asks for flags, compiles a program that needs the library, looks at the exit status.
    for (package, version) in [("fuse3", 31), ("fuse", 26)] {
        let script = format!(
            r#"flags=$(pkg-config --cflags --libs {package})
               printf '#define FUSE_USE_VERSION {version}\n#include <fuse.h>\nint main(int c, char **v) {{ static struct fuse_operations o; return fuse_main(c, v, &o, NULL); }}\n' > {package}.c
               {path}/bin/wasmjit-cc -O2 {package}.c $flags -o {package}.wasm
               {path}/bin/wasmjit-cc -E {package}.c $flags > /dev/null
               echo 'int no_such_function(void); int main(void) {{ return no_such_function(); }}' > no.c
               if {path}/bin/wasmjit-cc no.c -o no.wasm 2> /dev/null; then exit 9; fi"#
        );
        let mut command = Command::new("bash");
        command.arg("-euc").arg(script).current_dir(&temp.0).env("PKG_CONFIG_PATH", &packages);
        run(&mut command, 300);
        let report = run(wasmjit().arg("inspect").arg(temp.0.join(package).with_extension("wasm")), 30);
        let text = String::from_utf8_lossy(&report.stdout).into_owned();
        assert!(text.contains("filesystem") && text.contains("all there"), "{text}");
    }
}
