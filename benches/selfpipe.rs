//! `examples/selfpipe` natively and under `wasmjit run`, by turns: bytes through a pipe in pieces of 4 KiB, so two system calls a piece
//! and next to nothing else. The programs take the time themselves, so loading and compiling are not in it.
//!
//! The argument is the number of MiB of one run (1024). `confined` has what `run` does by default: with seccomp, the kernel does more for
//! every system call, which is no work of the guest's or the host's. Says nothing about programs that wait.
#![allow(missing_docs)]

use std::path::Path;
use std::process::Command;

/// Runs of each, of which the best counts.
const REPEATS: usize = 7;

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

fn main() {
    let mib = std::env::args().nth(1).filter(|arg| arg.parse::<u64>().is_ok()).unwrap_or_else(|| "1024".to_string());
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/selfpipe");
    let temp = tempfile::tempdir().expect("a directory");
    let native = temp.path().join("selfpipe");
    let built = Command::new("cc").arg("-O2").arg(example.join("selfpipe.c")).arg("-o").arg(&native).status();
    assert!(built.is_ok_and(|status| status.success()), "cc is needed");
    let wasm = example.join("selfpipe.wasm");
    let guest = |options: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmjit"));
        command.arg("run").args(options).arg(&wasm).arg(&mib);
        command
    };
    let mut commands =
        [("native", Command::new(&native)), ("guest", guest(&["--no-harden"])), ("confined", guest(&[]))];
    commands[0].1.arg(&mib);
    let mut best = [f64::INFINITY; 3];
    for _ in 0..REPEATS {
        for (best, (_, command)) in best.iter_mut().zip(&mut commands) {
            *best = best.min(time(command));
        }
    }
    println!("{:<10} {:>12} {:>10}", "", "ns a piece", "to native");
    for ((name, _), nanos) in commands.iter().zip(best) {
        println!("{name:<10} {nanos:>12.1} {:>10.3}", nanos / best[0]);
    }
}
