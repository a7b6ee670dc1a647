#!/usr/bin/env python3
"""Random file operations against a model in memory: fsx.py DIRECTORY [SEED [COUNT]]

Writes, truncates, punches holes, zeroes and reserves ranges, copies, maps, and compares reads, sizes and
holes with what a plain byte array says. Prints the operation that went wrong and exits 1."""

import ctypes
import errno
import mmap
import os
import random
import sys

LIMIT = 400_000
KEEP, PUNCH, ZERO = 1, 2, 16
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]


def fallocate(fd, mode, off, length):
    if libc.fallocate(fd, mode, off, length) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Fsx:
    def __init__(self, directory, seed):
        self.random = random.Random(seed)
        self.path = os.path.join(directory, f"fsx.{seed}")
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self.model = bytearray()
        self.missing = set()

    def span(self):
        off = self.random.randrange(LIMIT)
        length = self.random.choice([1, 17, 4095, 4096, 4097, 70_000])
        return off, 1 + self.random.randrange(min(length, LIMIT - off))

    def grow(self, size):
        if size > len(self.model):
            self.model.extend(bytes(size - len(self.model)))

    def write(self):
        off, n = self.span()
        data = self.random.randbytes(n)
        assert os.pwrite(self.fd, data, off) == n
        self.grow(off + n)
        self.model[off:off + n] = data
        return off, n

    def append(self):
        data = self.random.randbytes(self.random.randrange(1, 5000))
        if len(self.model) + len(data) > LIMIT:
            return ()
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        assert os.write(fd, data) == len(data)
        os.close(fd)
        self.model.extend(data)
        return (len(data),)

    def truncate(self):
        size = self.random.randrange(LIMIT)
        os.ftruncate(self.fd, size)
        del self.model[size:]
        self.grow(size)
        return (size,)

    def read(self):
        off, n = self.span()
        got = os.pread(self.fd, n, off)
        assert got == bytes(self.model[off:off + n]), f"{len(got)} bytes"
        return off, n

    def mapped_write(self):
        if len(self.model) < 2:
            return ()
        off = self.random.randrange(len(self.model))
        n = min(1 + self.random.randrange(9000), len(self.model) - off)
        data = self.random.randbytes(n)
        with mmap.mmap(self.fd, len(self.model)) as m:
            m[off:off + n] = data
            m.flush()
        self.model[off:off + n] = data
        return off, n

    def fallocate(self):
        mode = self.random.choice([0, KEEP, PUNCH | KEEP, ZERO, ZERO | KEEP])
        off, n = self.span()
        try:
            fallocate(self.fd, mode, off, n)
        except OSError as error:
            if error.errno != errno.EOPNOTSUPP:
                raise
            self.missing.add(mode)
            return ()
        end = min(off + n, len(self.model))
        if mode & (PUNCH | ZERO) and off < end:
            self.model[off:end] = bytes(end - off)
        if not mode & KEEP:
            self.grow(off + n)
        return mode, off, n

    def copy(self):
        if not self.model:
            return ()
        src, n = self.span()
        dst = self.random.randrange(LIMIT)
        n = min(n, LIMIT - dst, len(self.model) - src)
        if n <= 0 or abs(src - dst) < n:
            return ()
        done = os.copy_file_range(self.fd, self.fd, n, src, dst)
        self.grow(dst + done)
        self.model[dst:dst + done] = self.model[src:src + done]
        return src, dst, n, done

    def holes(self):
        size = len(self.model)
        off = 0
        while off < size:
            try:
                data = os.lseek(self.fd, off, os.SEEK_DATA)
            except OSError as error:
                assert error.errno == errno.ENXIO
                data = size
            assert off <= data <= size
            assert not any(self.model[off:data]), "data in a hole"
            if data == size:
                break
            off = os.lseek(self.fd, data, os.SEEK_HOLE)
            assert data < off <= size
        return ()

    def reopen(self):
        os.close(self.fd)
        self.fd = os.open(self.path, os.O_RDWR)
        return ()

    def step(self):
        operation = self.random.choice([
            self.write, self.write, self.append, self.truncate, self.read, self.read, self.mapped_write,
            self.fallocate, self.fallocate, self.copy, self.holes, self.reopen])
        what = operation()
        size = os.fstat(self.fd).st_size
        assert size == len(self.model), f"size {size}, not {len(self.model)}"
        return operation.__name__, what

    def check(self):
        with open(self.path, "rb") as f:
            assert f.read() == bytes(self.model), "contents"


def main():
    directory = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    fsx = Fsx(directory, seed)
    last = []
    try:
        for i in range(count):
            last = last[-9:] + [fsx.step()]
            if i % 50 == 0:
                fsx.check()
        fsx.check()
    except AssertionError as error:
        print(f"fsx: FAILED after {last}: {error}")
        return 1
    os.close(fsx.fd)
    os.unlink(fsx.path)
    print("fsx: ok" + (f" (without fallocate modes {sorted(fsx.missing)})" if fsx.missing else ""))
    return 0


sys.exit(main())
