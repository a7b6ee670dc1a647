//! The C SDK as authors use it: its compiler, its interfaces of libfuse 2 and 3, its pkg-config files.
//!
//! Needs root and /dev/fuse for what is mounted, and Emscripten.

mod common;

use common::*;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Whether guests can be compiled here.
fn can_compile() -> bool {
    has("emcc")
}

/// Compiles one of the guests in `tests/sdk/guests` with the SDK.
fn compile(name: &str, options: &[&str], into: &Path) -> PathBuf {
    let source = root().join("tests/sdk/guests").join(name).with_extension("c");
    let wasm = into.join(name).with_extension("wasm");
    let compiler = root().join("fs-host/sdk/bin/wasmjit-cc");
    run(Command::new(compiler).arg("-O2").args(options).arg(source).arg("-o").arg(&wasm), 300);
    wasm
}

/// The same with threads.
fn compile_threaded(name: &str, into: &Path) -> String {
    let source = root().join("tests/sdk/guests").join(name).with_extension("c");
    let wasm = into.join(name).with_extension("wasm");
    let mut compiler = Command::new(root().join("fs-host/sdk/bin/wasmjit-cc"));
    compiler.env("WASMJIT_PTHREADS", "1").args(["-O2", "-pthread"]).arg(source).arg("-o").arg(&wasm);
    run(&mut compiler, 300);
    wasm.to_str().unwrap().to_string()
}

/// The error of looking at a file.
fn stat_error(path: &Path) -> i32 {
    let output = run(Command::new("python3").arg("-c").arg(STAT).arg(path), 30);
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// In a process of its own, which can be stopped if it hangs.
const STAT: &str = "
import os, sys
try:
    os.stat(sys.argv[1])
    print(0)
except OSError as error:
    print(error.errno)";

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
    let wasm = compile("passthrough2", &[], &temp.0);
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

/// Replies after the callback, interrupts, every notification, and what else the low-level and the path interface promise.
#[test]
fn the_interfaces_keep_their_promises_on_a_mount() {
    if !(can_mount() && can_compile() && has("python3")) {
        return;
    }
    let temp = TempDir::new("sdk-behave");
    for guest in ["async", "modes"] {
        let wasm = compile(guest, &[], &temp.0);
        let mounted = Mounted::start(&temp.dir(guest), wasm.to_str().unwrap(), &["-o", "allow_other"], &[]);
        let script = root().join("tests/sdk/behave.py");
        run(Command::new("python3").arg(script).arg(guest).arg(&mounted.dir), 120);
    }
}

#[test]
fn what_follows_a_trap_is_the_users_choice() {
    if !(can_mount() && can_compile() && has("python3")) {
        return;
    }
    let temp = TempDir::new("sdk-trap");
    let wasm = compile("crash", &["--wasmjit-restartable"], &temp.0);
    // What the second look finds; -1 stands for an error.
    for (policy, next) in [("continue", 2), ("restart", 1), ("poison", -1)] {
        for failure in ["trap", "loop"] {
            let log = temp.0.join(format!("{policy}-{failure}"));
            let args = ["--on-trap", policy, "--timeout", "1s", "--log", log.to_str().unwrap()];
            let dir = temp.dir(&format!("mnt-{policy}-{failure}"));
            let mut mounted = Mounted::start(&dir, wasm.to_str().unwrap(), &args, &[]);
            let count = || std::fs::metadata(dir.join("count")).map_or(-1, |meta| meta.len() as i64);
            assert_eq!(count(), 1);
            assert_eq!(stat_error(&dir.join(failure)), libc::EIO, "{policy} {failure}");
            assert_eq!(count(), next, "{policy} {failure}");
            if policy == "restart" {
                // Not only once.
                assert_eq!(count(), 2);
                assert_eq!(stat_error(&dir.join(failure)), libc::EIO);
                assert_eq!(count(), 1);
            }
            if (policy, failure) == ("continue", "trap") {
                (0..30).for_each(|_| assert_eq!(stat_error(&dir.join(failure)), libc::EIO));
                assert_eq!(count(), next + 1, "the guest's stack was not restored");
            }
            let said = std::fs::read_to_string(&log).unwrap();
            assert!(said.contains("op_lookup"), "the log has no backtrace: {said}");
            run(Command::new("umount").arg(&dir), 20);
            assert!(mounted.wait(Duration::from_secs(10)).is_some_and(|status| status.success() || policy == "poison"));
        }
    }
}

/// Reads files of `copies.c` at the same time, and gives how long that took.
fn read_together(dir: &Path, files: u8) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for file in b'0'..b'0' + files {
            scope.spawn(move || {
                let text = std::fs::read(dir.join((file as char).to_string())).unwrap();
                assert_eq!(text, vec![file; 1024]);
            });
        }
    });
    start.elapsed()
}

#[test]
fn copies_of_a_read_only_filesystem_serve_in_parallel() {
    if !(can_mount() && can_compile() && has("diff") && has("tar")) {
        return;
    }
    let temp = TempDir::new("sdk-copies");
    let wasm = compile("copies", &["--wasmjit-readonly", "--wasmjit-restartable"], &temp.0);
    let wasm = wasm.to_str().unwrap();
    // Each read takes half a second, and is followed by one that finds the end.
    let mounted = Mounted::start(&temp.dir("one"), wasm, &[], &[]);
    assert!(read_together(&mounted.dir, 4) >= Duration::from_millis(4000));
    let args = ["--workers", "4", "--on-trap", "restart"];
    let mut mounted = Mounted::start(&temp.dir("four"), wasm, &args, &[]);
    // The copies start while the first serves already.
    std::thread::sleep(Duration::from_secs(2));
    for _ in 0..2 {
        let took = read_together(&mounted.dir, 4);
        assert!(took < Duration::from_millis(3000), "{took:?}");
        let error = std::fs::read(mounted.dir.join("trap")).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        read_together(&mounted.dir, 8);
        std::thread::sleep(Duration::from_secs(1));
    }
    run(Command::new("umount").arg(&mounted.dir), 20);
    assert!(mounted.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));

    let tree = root().join("examples");
    run(Command::new("tar").arg("-C").arg(&tree).arg("-cf").arg(temp.0.join("a.tar")).arg("."), 60);
    let grant = format!("{}::/data:ro", temp.0.display());
    let wasm = root().join("examples/archive/archive.wasm");
    let args = ["--workers", "3", "--dir", &grant];
    let mounted = Mounted::start(&temp.dir("archive"), wasm.to_str().unwrap(), &args, &["--", "/data/a.tar"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| run(Command::new("diff").arg("-r").arg(&tree).arg(&mounted.dir), 60));
        }
    });
}

#[test]
fn threads_of_a_filesystem_serve_in_parallel() {
    if !(can_mount() && can_compile() && has("python3")) {
        return;
    }
    let temp = TempDir::new("sdk-threads");
    let wasm = compile_threaded("threads", &temp.0);
    // Four reads of 200 ms each.
    let read_slowly = |dir: &Path| -> Duration {
        for n in 0..4 {
            std::fs::write(dir.join(format!("slow-{n}")), []).unwrap();
        }
        let start = Instant::now();
        std::thread::scope(|scope| {
            for n in 0..4 {
                scope.spawn(move || std::fs::read(dir.join(format!("slow-{n}"))).unwrap());
            }
        });
        start.elapsed()
    };
    let single = Mounted::start(&temp.dir("one"), &wasm, &["--workers", "4"], &["--", "-s"]);
    assert!(read_slowly(&single.dir) >= Duration::from_millis(800));
    let mut mounted = Mounted::start(&temp.dir("four"), &wasm, &["--workers", "4"], &[]);
    let took = read_slowly(&mounted.dir);
    assert!(took < Duration::from_millis(700), "{took:?}");
    let most: u32 = std::fs::read_to_string(mounted.dir.join("slow-0")).unwrap().trim().parse().unwrap();
    assert!((2..=4).contains(&most), "{most} at a time");

    // Paths stay right while a callback has them.
    let output = run(Command::new("python3").arg("-c").arg(RENAMES).arg(&mounted.dir), 60);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "reads and renames: ok");

    // What one thread makes memory larger by, others can use at once.
    std::thread::scope(|scope| {
        for n in 0..4 {
            let file = mounted.dir.join(format!("grow-{n}"));
            scope.spawn(move || {
                std::fs::write(&file, []).unwrap();
                (0..16).for_each(|_| assert!(!std::fs::read(&file).unwrap().is_empty()));
            });
        }
    });

    // One thread's crash is everybody's, and nobody's who unmounts.
    std::fs::write(mounted.dir.join("crash"), []).unwrap();
    assert_eq!(std::fs::remove_file(mounted.dir.join("crash")).unwrap_err().raw_os_error(), Some(libc::EIO));
    run(Command::new("umount").arg(&mounted.dir), 20);
    assert!(mounted.wait(Duration::from_secs(10)).is_some());
}

/// Renames files and reads them, in threads.
const RENAMES: &str = "
import errno, os, random, sys, threading, time
top = sys.argv[1]
end = time.time() + 3
found = []
counts = [0, 0]
def work(n):
    names = [os.path.join(top, f'a{n}'), os.path.join(top, f'b{n}')]
    open(names[0], 'w').close()
    while time.time() < end and not found:
        try:
            os.rename(*names)
            names.reverse()
            counts[0] += 1
            for _ in range(4):
                path = os.path.join(top, random.choice('ab') + str(random.randrange(4)))
                try:
                    with open(path) as file:
                        file.read()
                    counts[1] += 1
                except FileNotFoundError:
                    pass
        except OSError as error:
            found.append(error)
threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(found or min(counts) < 20 and counts or 'reads and renames: ok')";

#[test]
fn any_thread_of_a_filesystem_may_reply() {
    if !(can_mount() && can_compile()) {
        return;
    }
    let temp = TempDir::new("sdk-replies");
    let wasm = compile_threaded("replies", &temp.0);
    let mut mounted = Mounted::start(&temp.dir("mnt"), &wasm, &[], &[]);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                assert_eq!(std::fs::read_to_string(mounted.dir.join("file")).unwrap(), "from a thread\n");
            });
        }
    });
    // Each is two or three replies of 100 ms; there is one worker.
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
    run(Command::new("umount").arg(&mounted.dir), 20);
    assert!(mounted.wait(Duration::from_secs(10)).is_some_and(|status| status.success()));
}

#[test]
fn a_filesystem_that_may_change_is_not_copied() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("sdk-changes");
    let output = wasmjit().args(["mount", "--workers", "2", "memfs"]).arg(&temp.0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("never change"), "{output:?}");
}

#[test]
fn a_panic_in_rust_is_an_error_for_the_caller_and_a_message_for_the_user() {
    let rustc = "/usr/bin/rustc";
    if !(can_mount() && has("python3") && require(Path::new(rustc).exists(), "Debian's rustc")) {
        return;
    }
    let temp = TempDir::new("sdk-panic");
    let flags = ["--edition", "2021", "--target", "wasm32-wasi", "-Cpanic=abort", "-Copt-level=1"];
    let library = temp.0.join("libwasmjit_fs.rlib");
    let mut build = Command::new(rustc);
    build.args(flags).args(["--cfg", "feature=\"std\"", "--crate-type=rlib", "--crate-name=wasmjit_fs"]);
    run(build.arg(root().join("fs-host/sdk/rust/src/lib.rs")).arg("-o").arg(&library), 300);
    let wasm = temp.0.join("panic.wasm");
    let mut build = Command::new(rustc);
    build.args(flags).arg("-Clink-arg=--export=__wasm_call_ctors").arg("--extern");
    build.arg(format!("wasmjit_fs={}", library.display())).arg(root().join("tests/sdk/guests/panic.rs"));
    run(build.arg("-o").arg(&wasm), 300);
    let log = temp.0.join("log");
    let args = ["--on-trap", "continue", "--log", log.to_str().unwrap()];
    let mounted = Mounted::start(&temp.dir("mnt"), wasm.to_str().unwrap(), &args, &[]);
    assert_eq!(stat_error(&mounted.dir.join("panic")), libc::EIO);
    assert_eq!(stat_error(&mounted.dir.join("other")), libc::ENOENT);
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("no such thing as \"panic\""), "{said}");
}

#[test]
fn callbacks_of_other_types_trap_unless_they_are_wanted() {
    if !can_compile() {
        return;
    }
    let temp = TempDir::new("sdk-loose");
    let strict = compile("loose", &["-w"], &temp.dir("strict"));
    let output = wasmjit().arg("run").arg(strict).output().unwrap();
    assert_eq!(output.status.code(), Some(134));
    assert!(String::from_utf8_lossy(&output.stderr).contains("indirect call"), "{output:?}");
    let loose = compile("loose", &["-w", "--wasmjit-loose-calls"], &temp.dir("loose"));
    let output = run(wasmjit().arg("run").arg(loose), 60);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "calls=11");
}

#[test]
fn memory_functions_agree_with_plain_loops() {
    if !can_compile() {
        return;
    }
    let temp = TempDir::new("sdk-strings");
    // Otherwise the compiler would compute them itself.
    let wasm = compile("strings", &["-fno-builtin"], &temp.0);
    let output = run(wasmjit().arg("run").arg(wasm), 60);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "strings: ok");
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
        command.arg("-euc").arg(script).current_dir(&temp.0).env("PKG_CONFIG_LIBDIR", &packages);
        run(&mut command, 300);
        let report = run(wasmjit().arg("inspect").arg(temp.0.join(package).with_extension("wasm")), 30);
        let text = String::from_utf8_lossy(&report.stdout).into_owned();
        assert!(text.contains("filesystem") && text.contains("all there"), "{text}");
    }
}

/// The SDK as it is unpacked for users, in the environment of a build.
fn in_sdk(temp: &TempDir, script: &str) {
    let sdk = |what: &str| {
        let output = run(wasmjit().args(["sdk", what]).env("XDG_DATA_HOME", &temp.0), 60);
        String::from_utf8(output.stdout).unwrap().trim().to_string()
    };
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("bash");
    command.arg("-euc").arg(script).current_dir(&temp.0);
    command.env("PATH", format!("{}/bin:{path}", sdk("--path"))).env("PKG_CONFIG_LIBDIR", sdk("--pkg-config"));
    run(command.env("CC", "wasmjit-cc").env("WASMJIT", env!("CARGO_BIN_EXE_wasmjit")), 400);
}

/// Mounts what a build made.
fn says_hello(temp: &TempDir, wasm: &str) {
    let wasm = temp.0.join(wasm);
    let mounted = Mounted::start(&temp.dir("mnt"), wasm.to_str().unwrap(), &[], &[]);
    assert_eq!(std::fs::read_to_string(mounted.dir.join("hello")).unwrap(), "Hello, world!\n");
}

#[test]
fn a_meson_project_builds() {
    if !(can_mount() && can_compile() && has("pkg-config") && has("meson") && has("ninja")) {
        return;
    }
    let temp = TempDir::new("sdk-meson");
    std::fs::copy(root().join("examples/hello/hello.c"), temp.0.join("hello.c")).unwrap();
    let script = r#"
        echo 'int part(void) { return 1; }' > part.c
        cat > meson.build <<'END'
project('hello', 'c', default_options : ['buildtype=release'])
cc = meson.get_compiler('c')
assert(cc.sizeof('long') == 4)
assert(cc.has_header('sys/xattr.h'))
assert(cc.has_function('pipe2'))
assert(cc.run('int main(void) { return 7; }', name : 'runs').returncode() == 7)
part = static_library('part', 'part.c')
executable('hello', 'hello.c', dependencies : [dependency('fuse3', version : '>= 3.10'), dependency('threads')],
           link_with : part, link_args : '-Wl,-u,part')
END
        # With the system's ar, which makes thin archives that have no index of WebAssembly objects.
        AR=ar meson setup build
        ninja -C build"#;
    in_sdk(&temp, script);
    says_hello(&temp, "build/hello");
}

#[test]
fn an_autoconf_project_builds() {
    if !(can_mount() && can_compile() && has("pkg-config") && has("autoreconf") && has("make")) {
        return;
    }
    let temp = TempDir::new("sdk-autoconf");
    std::fs::copy(root().join("examples/hello/hello.c"), temp.0.join("hello.c")).unwrap();
    let script = r#"
        cat > configure.ac <<'END'
AC_INIT([hello], [1])
AM_INIT_AUTOMAKE([foreign])
AC_CONFIG_HEADERS([config.h])
AC_PROG_CC
PKG_CHECK_MODULES([FUSE], [fuse3 >= 3.10])
AC_CHECK_SIZEOF([long])
AC_CHECK_FUNCS([pipe2 no_such_function])
AC_RUN_IFELSE([AC_LANG_PROGRAM([], [return 7;])], [AC_MSG_ERROR([it runs anything])])
AC_CONFIG_FILES([Makefile])
AC_OUTPUT
END
        cat > Makefile.am <<'END'
bin_PROGRAMS = hello
hello_SOURCES = hello.c
hello_CFLAGS = $(FUSE_CFLAGS)
hello_LDADD = $(FUSE_LIBS)
END
        autoreconf -i
        ./configure
        make
        grep -q 'SIZEOF_LONG 4' config.h
        grep -q 'HAVE_PIPE2 1' config.h
        ! grep -q 'HAVE_NO_SUCH_FUNCTION 1' config.h"#;
    in_sdk(&temp, script);
    says_hello(&temp, "hello");
}

#[test]
fn a_feature_test_links_and_runs_with_nothing_but_its_call() {
    if !can_compile() {
        return;
    }
    let temp = TempDir::new("sdk-feature");
    // Each of these takes part of the JavaScript library along, which wants functions of the C library.
    let script = r#"
        cat > test.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <grp.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
int main(int argc, char **argv)
{
    off_t offset = 0;
    if (argc > 1)
        return initgroups(argv[1], 0);
    void *own = dlopen(NULL, RTLD_NOW), *module = dlopen("module.so", RTLD_NOW);
    if (!own || module || !dlerror() || dlerror() || dlsym(own, "main") || dlclose(own))
        return 2;
    return accept4(-1, 0, 0, SOCK_NONBLOCK) == -1 && sendfile(-1, -1, &offset, 1) == -1 ? 7 : 1;
}
END
        wasmjit-cc test.c -o autotest
        status=0
        ./autotest < /dev/null || status=$?
        [ "$status" = 7 ]"#;
    in_sdk(&temp, script);
}
