#!/usr/bin/env python3
"""Runs a session in a shell and draws it: docs/record.py > docs/session.svg

Needs target/release/wasmjit, root or fusermount3, and emscripten."""

import os
import subprocess
import sys
import tempfile
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = [
    "ls",
    "wasmjit cc -O2 greet.c -o greet.wasm",
    "wasmjit inspect greet.wasm | head -n 5",
    "wasmjit mount greet.wasm mnt",
    "cat mnt/world mnt/you",
    "wasmjit umount mnt",
    "wasmjit mount memfs mnt --stats -o default_permissions",
    "git clone -q ~/project mnt/project && git -C mnt/project status",
    "findmnt -no SOURCE,FSTYPE,OPTIONS mnt",
    "wasmjit umount mnt",
]

WIDTH, LINE, SIZE, MARGIN, TOP = 860, 19, 13, 18, 46


def prepare(home):
    """A home with the filesystem from README, a mountpoint and a repository."""
    readme = (ROOT / "README.md").read_text()
    work = home / "work"
    (work / "mnt").mkdir(parents=True)
    (work / "greet.c").write_text(readme.split("```c\n")[1].split("```")[0])
    project = home / "project"
    project.mkdir()
    (project / "main.c").write_text("int main(void) { return 0; }\n")
    git = ["git", "-C", str(project), "-c", "user.name=me", "-c", "user.email=me@example.org"]
    for args in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *args], check=True)
    return work


def session(home):
    """Runs the commands; gives pairs of a command and its output's lines."""
    work = prepare(home)
    path = f"{ROOT / 'target/release'}:{os.environ['PATH']}"
    env = os.environ | {"HOME": str(home), "PATH": path, "XDG_CACHE_HOME": str(home / ".cache"), "LC_ALL": "C"}
    env |= {"XDG_DATA_HOME": str(home / ".local/share"), "COLUMNS": "100"}
    for command in COMMANDS:
        done = subprocess.run(
            ["bash", "-c", command], cwd=work, env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600, check=False,
        )
        if done.returncode:
            sys.exit(f"{command}: {done.returncode}\n{done.stdout}")
        yield command, done.stdout.rstrip("\n").splitlines()


def draw(steps):
    """The picture of a terminal."""
    rows = []
    for command, output in steps:
        rows.append(f'<tspan class="p">$</tspan> <tspan class="c">{escape(command)}</tspan>')
        rows.extend(escape(line.expandtabs()[:108]) for line in output)
    height = TOP + LINE * len(rows) + MARGIN
    lights = "".join(
        f'<circle cx="{20 + 20 * at}" cy="19" r="6" fill="{colour}"/>'
        for at, colour in enumerate(["#ff5f57", "#febc2e", "#28c840"])
    )
    text = "\n".join(
        f'<text x="{MARGIN}" y="{TOP + LINE * at + SIZE}">{row}</text>' for at, row in enumerate(rows)
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">
<style>
text {{ font: {SIZE}px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre }}
.p {{ fill: #7ee787 }}
.c {{ fill: #ffffff; font-weight: 600 }}
</style>
<rect width="{WIDTH}" height="{height}" rx="10" fill="#0d1117"/>
{lights}
{text}
</svg>"""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(draw(list(session(Path(folder)))))
