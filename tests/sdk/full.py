#!/usr/bin/env python3
"""Fill a small filesystem to its cap again and again: full.py DIRECTORY

Errors must be ENOSPC, what was written must stay readable, and what is removed must become free again."""

import errno
import os
import random
import shutil
import sys

ROUNDS = 6


def free(directory):
    st = os.statvfs(directory)
    return st.f_bavail * st.f_frsize


def until_full(make):
    for i in range(10_000_000):
        try:
            make(i)
        except OSError as error:
            assert error.errno == errno.ENOSPC, error
            return i
    raise AssertionError("it never fills")


def main():
    top = sys.argv[1]
    rng = random.Random(5)
    before = free(top)
    assert before < 256 << 20, "this test wants a small filesystem"
    for round_ in range(ROUNDS):
        work = os.path.join(top, "full")
        os.mkdir(work)
        written = {}

        def data_file(i):
            size = rng.choice([0, 1, 4096, 4097, 50_000, 300_000, 2_000_000])
            path = os.path.join(work, f"{i}")
            content = bytes([i % 251]) * size
            fd = os.open(path, os.O_CREAT | os.O_WRONLY)
            try:
                done = 0
                while done < size:
                    done += os.write(fd, content[done:])
                written[path] = content
            finally:
                os.close(fd)

        def small_things(i):
            name = os.path.join(work, f"{'n' * rng.randrange(1, 200)}{i}")
            kind = i % 4
            if kind == 0:
                os.mkdir(name)
            elif kind == 1:
                os.symlink("t" * rng.randrange(1, 3000), name)
            elif kind == 2:
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            else:
                os.mkfifo(name)

        count = until_full(small_things if round_ % 3 == 2 else data_file)
        for path, content in written.items():
            with open(path, "rb") as f:
                assert f.read() == content, path
        shutil.rmtree(work)
        after = free(top)
        assert after >= before - (256 << 10), f"{before - after} bytes did not come back"
        print(f"full: round {round_}: {count} files, {before - after} bytes still used")
    print("full: ok")


main()
