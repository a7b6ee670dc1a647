#!/usr/bin/env python3
"""Runs the preview 1 modules of the official wasi-testsuite (branch prod/testsuite-base) with wasmjit.

    tests/wasi/run.py CHECKOUT [WASMJIT]

Exits with 0 if every module passes that tests/wasi/exceptions.txt does not name, and every one fails that it names.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(wasmjit, module, work):
    """Why a module fails, or None."""
    spec = module.with_suffix(".json")
    spec = json.loads(spec.read_text()) if spec.exists() else {}
    command = [wasmjit, "run", "--timeout", "30"]
    root = spec.get("root") or next(iter(spec.get("dirs", [])), None)
    if root:
        copy = work / "root"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(module.parent / root, copy, symlinks=True)
        command += ["--dir", f"{copy}::/"]
    for key, value in spec.get("env", {}).items():
        command += ["--env", f"{key}={value}"]
    command += [str(module)] + spec.get("args", [])
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return "it did not end"
    wanted = spec.get("exit_code", 0)
    if done.returncode != wanted:
        return f"status {done.returncode} instead of {wanted}: {done.stderr.decode(errors='replace').strip()}"
    for stream in ("stdout", "stderr"):
        text = getattr(done, stream).decode(errors="replace")
        if stream in spec and text != spec[stream]:
            return f"{stream} is {text!r} instead of {spec[stream]!r}"
    return None


def main():
    here = pathlib.Path(__file__).resolve().parent
    checkout = pathlib.Path(sys.argv[1])
    wasmjit = sys.argv[2] if len(sys.argv) > 2 else str(here.parents[1] / "target/release/wasmjit")
    named = {line.split()[0] for line in (here / "exceptions.txt").read_text().splitlines() if line and line[0] != "#"}
    modules = sorted(checkout.glob("tests/*/testsuite/wasm32-wasip1/*.wasm"))
    if not modules:
        sys.exit(f"{checkout} has no tests/*/testsuite/wasm32-wasip1/*.wasm")
    wrong = 0
    with tempfile.TemporaryDirectory() as work:
        for module in modules:
            failure = run(wasmjit, module, pathlib.Path(work))
            if (failure is not None) != (module.stem in named):
                wrong += 1
                print(f"{module.stem}: {failure or 'passes, and is named as an exception'}")
    print(f"{len(modules)} modules, {len(named)} exceptions, {wrong} not as expected")
    sys.exit(1 if wrong else 0)


main()
