//! Real programs on the example filesystems, every operation running in compiled wasm.
//!
//! Needs root and /dev/fuse, and the programs that each test names.

mod common;

use common::*;
use std::path::Path;
use std::process::Command;

const MEMFS_OPTIONS: &[&str] = &["-o", "default_permissions,allow_other", "--memory-limit", "1G"];

/// Runs `test` on a fresh memfs and on a passthrough of a fresh directory.
fn on_both(name: &str, test: impl Fn(&Path)) {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new(name);
    {
        let memfs = Mounted::start(&temp.dir("memfs"), "memfs", MEMFS_OPTIONS, &[]);
        test(&memfs.dir);
    }
    let source = temp.dir("source");
    let wasm = root().join("examples/passthrough/passthrough.wasm");
    let grant = format!("{}::/src", source.display());
    let passthrough =
        Mounted::start(&temp.dir("passthrough"), wasm.to_str().unwrap(), &["--dir", &grant, "-o", "source=/src"], &[]);
    test(&passthrough.dir);
}

#[test]
fn pjdfstest_on_memfs() {
    if !can_mount() {
        return;
    }
    let Some(program) = pjdfstest() else { return };
    let temp = TempDir::new("pjd");
    let memfs = Mounted::start(&temp.dir("mnt"), "memfs", MEMFS_OPTIONS, &[]);
    let config = root().join("tests/pjdfstest.toml");
    let mut suite = Command::new(&program);
    suite.arg("-c").arg(&config).arg("-p").arg(&memfs.dir).current_dir(&temp.0);
    let output = suite.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let summary = text.lines().find(|l| l.starts_with("Summary")).unwrap_or("no summary").to_string();
    println!("{summary}");
    let failed: Vec<&str> =
        text.lines().filter(|l| l.contains("FAILED")).filter_map(|l| l.split_whitespace().next()).collect();
    assert!(failed.is_empty(), "{failed:?} failed\n{summary}");
    let passed: u32 = summary.split(", ").find_map(|p| p.strip_suffix(" passed")?.parse().ok()).unwrap();
    assert!(passed >= 382, "{summary}");
}

/// The kernel must find out that a program runs before it has the file truncated: where O_TRUNC is left to the filesystem's open,
/// it does not.
#[test]
fn a_running_program_is_not_truncated() {
    if !can_mount() {
        return;
    }
    let temp = TempDir::new("busy");
    let memfs = Mounted::start(&temp.dir("mnt"), "memfs", MEMFS_OPTIONS, &[]);
    let script = r#"
        import errno, os, shutil, subprocess
        size = os.stat("/bin/sleep").st_size
        for flags in [os.O_RDONLY, os.O_WRONLY, os.O_RDWR]:
            shutil.copy("/bin/sleep", "program")
            os.chmod("program", 0o755)
            process = subprocess.Popen(["./program", "60"])
            try:
                os.open("program", flags | os.O_TRUNC)
                raise SystemExit("it was opened")
            except OSError as error:
                assert error.errno == errno.ETXTBSY, error
            assert os.stat("program").st_size == size
            assert process.poll() is None
            process.kill()
            process.wait()
            os.close(os.open("program", flags | os.O_TRUNC))
            assert os.stat("program").st_size == 0"#;
    let script = script.replace("\n        ", "\n");
    run(Command::new("python3").arg("-c").arg(script).current_dir(&memfs.dir), 60);
}

/// The program, from the path or from where `.ci/run` puts it.
fn pjdfstest() -> Option<std::path::PathBuf> {
    let installed = root().join("target/tools/bin/pjdfstest");
    if installed.exists() {
        return Some(installed);
    }
    has("pjdfstest").then(|| "pjdfstest".into())
}

#[test]
fn fio_verifies_what_it_wrote() {
    if !has("fio") {
        return;
    }
    on_both("fio", |dir| {
        // One block size per job: with a range of them fio finds fault even with tmpfs, where its blocks overlap.
        for job in ["--rw=randwrite --bs=4k", "--rw=randwrite --bs=64k", "--rw=write --bs=128k", "--rw=randrw --bs=16k"]
        {
            let script = format!(
                "fio --name=verify --directory=. --size=24M {job} --verify=crc32c --verify_fatal=1 --do_verify=1 \
                 --ioengine=psync --numjobs=2 --randseed=3 --fallocate=none --output-format=terse && rm verify*"
            );
            shell(dir, &script, 120);
        }
    });
}

#[test]
fn sqlite_with_a_write_ahead_log() {
    if !has("sqlite3") {
        return;
    }
    on_both("sqlite", |dir| {
        let script = r#"
            sqlite3 db "PRAGMA journal_mode=WAL; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
            for i in 1 2 3 4; do
                (for j in $(seq 50); do sqlite3 db "PRAGMA busy_timeout=20000; INSERT INTO t(b) VALUES(hex(randomblob(500)));" >/dev/null; done) &
            done
            wait
            test "$(sqlite3 db 'SELECT count(*) FROM t')" = 200
            test "$(sqlite3 db 'PRAGMA integrity_check')" = ok"#;
        shell(dir, script, 120);
    });
}

#[test]
fn git_clones_and_checks() {
    if !has("git") {
        return;
    }
    on_both("git", |dir| {
        let script = r#"
            export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 HOME=$PWD
            git init -q origin && cd origin
            git config user.name test && git config user.email test@localhost
            for i in $(seq 40); do mkdir -p d$((i % 7)); echo "line $i" > d$((i % 7))/f$i; git add -A; git commit -qm "commit $i"; done
            cd .. && git clone -q origin copy && cd copy
            git fsck --full --strict
            test -z "$(git status --porcelain)"
            git gc -q && git fsck --full && git log --oneline | wc -l | grep -qx 40
            git checkout -q HEAD~20 && git checkout -q - && test -z "$(git status --porcelain)""#;
        shell(dir, script, 180);
    });
}

#[test]
fn a_tree_survives_tar_and_goes_away() {
    if !(has("tar") && has("diff")) {
        return;
    }
    on_both("tar", |dir| {
        let script = r#"
            tar -C "$TREE" -cf - src tests fs-host | tar -xf -
            for d in src tests fs-host; do diff -r "$TREE/$d" $d; done
            cp -a src copy && diff -r src copy
            mv copy moved && find moved -type f | xargs -n 50 sha256sum > sums && sha256sum -c --quiet sums
            rm -r src tests fs-host moved sums
            test -z "$(ls -A)""#;
        let tree = root();
        run(Command::new("bash").arg("-euc").arg(script).env("TREE", tree).current_dir(dir), 120);
    });
}

#[test]
fn clients_hold_more_files_open_than_one_program_may() {
    on_both("files", |dir| {
        let script = r#"
            for client in 1 2 3; do (
                for file in $(seq 600); do exec {fd}> $client.$file; echo $file >&$fd; done
                : > ready.$client
                while [ -e hold ]; do sleep 0.05; done
            ) & done
            until [ -e ready.1 ] && [ -e ready.2 ] && [ -e ready.3 ]; do sleep 0.05; done
            echo while they are held > more && cat more && rm hold && wait
            cat [123].* | sort -n | uniq -c | grep -c "^ *3 ""#;
        let answer = shell(dir, &format!(": > hold; ulimit -n 1000; {script}"), 60);
        assert_eq!(answer, "while they are held\n600\n");
    });
}

#[test]
fn stress_under_a_memory_cap() {
    if !has("stress-ng") {
        return;
    }
    on_both("stress", |dir| {
        // One stressor opens as many files as it may, which are fewer than the guest may hold for all of its clients.
        let script = "ulimit -n 900; stress-ng --temp-path . --timeout 4s --verify --oomable --hdd-bytes 16M --fallocate-bytes 16M \
            --dentry 1 --dir 1 --dirdeep 1 --rename 1 --link 1 --symlink 1 --hdd 1 --fallocate 1 --chmod 1 --open 1 \
            --dirdeep-inodes 2000 --dentries 500 2>&1";
        shell(dir, script, 120);
        // The alarm may end that stressor between its open and its unlink.
        let names = shell(dir, "rm -f stress-open-*; ls -A", 10);
        assert_eq!(names.trim(), "", "stress-ng left files behind");
    });
}
