//! `examples/selfpipe` natively and under `wasmjit run`, by turns: bytes through a pipe in pieces of 4 KiB, so two system calls a piece
//! and next to nothing else. The programs take the time themselves, so loading and compiling are not in it.
//!
//! Arguments: the number of MiB of one run (512), and of rounds (15). In each round every program runs once; the table has the medians
//! of the times, and the median of the ratios to the native program in the same round. `confined` is what `run` does by default: with
//! seccomp, the kernel does more for every system call, which is no work of the guest's or the host's; `filtered` is the native program
//! behind a filter that permits everything. Says nothing about programs that wait.
#![allow(missing_docs, unsafe_code)]

mod common;

use common::median;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Nanoseconds a piece, as the program says.
fn time(command: &mut Command) -> f64 {
    let output = command.output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.iter().position(|word| *word == "ns").and_then(|at| words[at - 1].parse().ok()) {
        Some(nanos) => nanos,
        None => panic!("{command:?}: {text}{}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// Puts a filter that permits everything in front of a program's system calls.
fn filtered(command: &mut Command) -> &mut Command {
    let install = || {
        let mut permit = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
        let program = libc::sock_fprog { len: 1, filter: &raw mut permit };
        // SAFETY: both calls take numbers and a filter program that outlives them.
        let done = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: what runs between fork and exec makes two system calls and allocates nothing.
    unsafe { command.pre_exec(install) }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|arg| arg.parse::<u64>().ok());
    let (mib, rounds) = (numbers.next().unwrap_or(512).to_string(), numbers.next().unwrap_or(15));
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/selfpipe");
    let temp = tempfile::tempdir().expect("a directory");
    let native = temp.path().join("selfpipe");
    let built = Command::new("cc").arg("-O2").arg(example.join("selfpipe.c")).arg("-o").arg(&native).status();
    assert!(built.is_ok_and(|status| status.success()), "cc is needed");
    let wasm = example.join("selfpipe.wasm");
    let program = |filter: bool| {
        let mut command = Command::new(&native);
        command.arg(&mib);
        if filter {
            filtered(&mut command);
        }
        command
    };
    let guest = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmjit"));
        command.arg("run").args(options).arg(&wasm).arg(&mib);
        command
    };
    let names = ["native", "guest, --no-harden", "native, filtered", "guest, confined"];
    let mut commands = [program(false), guest(&["--no-harden"]), program(true), guest(&[])];
    let mut times: [Vec<f64>; 4] = Default::default();
    for round in 0..=rounds {
        let mut row: Vec<(usize, f64)> = Vec::new();
        let mut order: Vec<usize> = (0..names.len()).collect();
        // None always goes first.
        order.rotate_left((round % names.len() as u64) as usize);
        for at in order {
            row.push((at, time(&mut commands[at])));
        }
        // The first round fills caches.
        if round > 0 {
            row.into_iter().for_each(|(at, nanos)| times[at].push(nanos));
        }
    }
    println!("{:<20} {:>12} {:>10} {:>12}", "", "ns a piece", "to native", "to filtered");
    for (name, own) in names.iter().zip(&times) {
        let to = |base: &[f64]| median(own.iter().zip(base).map(|(own, base)| own / base).collect());
        println!("{name:<20} {:>12.1} {:>10.3} {:>12.3}", median(own.clone()), to(&times[0]), to(&times[2]));
    }
}
