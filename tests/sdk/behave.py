#!/usr/bin/env python3
"""Compare how a filesystem program behaves with what the interface promises: behave.py async|modes DIRECTORY

The programs are guests/async.c and guests/modes.c, mounted by whatever is to be tested."""

import errno
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time

top = ""


def path(name):
    return os.path.join(top, name)


def read(name):
    with open(path(name), "rb", buffering=0) as f:
        return f.read(4096)


def write(name, text):
    with open(path(name), "wb", buffering=0) as f:
        f.write(text)


def say(what):
    print(f"  {what}: ok")


def eventually(condition, what):
    for _ in range(100):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(what)


def test_async():
    results = []
    threads = [threading.Thread(target=lambda: results.append(read("slow"))) for _ in range(3)]
    for t in threads:
        t.start()
    time.sleep(0.3)
    assert not results and len(os.listdir(top)) == 6, "others are served meanwhile"
    write("kick", b"now")
    for t in threads:
        t.join()
    assert results == [b"now"] * 3, results
    say("replies after the callback")

    for name in ("slow", "stuck"):
        child = subprocess.Popen([sys.executable, "-c", f"open({path(name)!r}, 'rb', buffering=0).read(10)"],
                                 stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        assert child.wait(5) != 0
    say("interrupting blocked reads")

    first = read("note")
    write("kick", b"x")
    assert read("note") == first, "cached"
    write("ctl", b"inval")
    eventually(lambda: read("ctl") == b"inval: Success" or read("ctl") == b"inval: No error information",
               read("ctl"))
    assert read("note") != first, "not invalidated"
    say("notify_inval_inode")
    write("ctl", b"store generation 777777")
    eventually(lambda: read("ctl").startswith(b"store"), read("ctl"))
    assert read("note") == b"generation 777777", read("note")
    say("notify_store")
    write("ctl", b"retrieve")
    eventually(lambda: read("ctl") == b"retrieved generation 777777", read("ctl"))
    say("notify_retrieve")
    os.stat(path("victim"))
    write("ctl", b"delete")
    eventually(lambda: not os.path.exists(path("victim")), "deleted")
    say("notify_delete")


def test_directories():
    expected = sorted(f"entry{i:05d}" for i in range(10000))
    for name in ("plain", "offsets"):
        got = os.listdir(path(name))
        assert len(got) == 10000 and sorted(got) == expected, f"{name}: {len(got)}"
        assert sorted(os.listdir(path(name))) == expected
    say("readdir with and without offsets")
    with os.scandir(path("plus")) as it:
        entries = {e.name: e for e in it}
    assert len(entries) == 100
    assert os.stat(path("plus/entry00042")).st_size in (42, 4096)
    say("readdir with attributes")


def test_ioctl():
    fd = os.open(path("ioctl"), os.O_RDWR)
    get, set_, swap = 0x80047401, 0x40047402, 0xC0047403
    assert struct.unpack("i", fcntl.ioctl(fd, get, bytes(4)))[0] == 5
    fcntl.ioctl(fd, set_, struct.pack("i", 9))
    buf = bytearray(struct.pack("i", 11))
    assert fcntl.ioctl(fd, swap, buf, True) == 3
    assert struct.unpack("i", buf)[0] == 9
    assert struct.unpack("i", fcntl.ioctl(fd, get, bytes(4)))[0] == 11
    try:
        fcntl.ioctl(fd, 0x80047409, bytes(4))
        raise AssertionError("unknown ioctl")
    except OSError as error:
        assert error.errno == errno.ENOTTY
    os.close(fd)
    say("ioctl")


def test_poll():
    fd = os.open(path("poll"), os.O_RDWR)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    assert poll.poll(100) == []
    timer = threading.Timer(0.3, lambda: write("poll", b"x"))
    timer.start()
    start = time.time()
    assert poll.poll(5000) == [(fd, select.POLLIN)]
    assert time.time() - start < 3
    os.close(fd)
    say("poll and notification")


def test_locks():
    fd = os.open(path("lock"), os.O_RDWR)
    fcntl.lockf(fd, fcntl.LOCK_EX, 10, 5)
    other = subprocess.run([sys.executable, "-c", f"""
import fcntl, os, struct
fd = os.open({path('lock')!r}, os.O_RDWR)
lock = fcntl.fcntl(fd, fcntl.F_GETLK, struct.pack('hhqqi4x', fcntl.F_WRLCK, 0, 0, 100, 0))
print(*struct.unpack('hhqqi4x', lock))"""], capture_output=True, text=True, check=True)
    kind, _, start, length, pid = map(int, other.stdout.split())
    assert (kind, start, length, pid) == (fcntl.F_WRLCK, 5, 10, os.getpid()), other.stdout
    fcntl.lockf(fd, fcntl.LOCK_UN, 10, 5)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.flock(fd, fcntl.LOCK_UN)
    os.close(fd)
    counts = read("counts").split()
    assert int(counts[3]) >= 3 and int(counts[5]) >= 2 and int(counts[7]) >= 1, counts
    say("locks")


def test_paths():
    long = "long" + "".join(f"/{'long' + 'x' * 200}" for _ in range(18))
    assert os.stat(path(long)).st_ino == 1000
    assert not os.path.exists(path("none")) and not os.path.exists(path("none"))
    say("long paths")
    uid, gid, has_pid = map(int, read("who").split())
    assert (uid, gid, has_pid) == (os.getuid(), os.getgid(), 1)
    assert os.access(path("who"), os.R_OK)
    say("fuse_get_context")


def test_modes():
    test_directories()
    test_ioctl()
    test_poll()
    test_locks()
    test_paths()


def main():
    global top
    top = sys.argv[2]
    {"async": test_async, "modes": test_modes}[sys.argv[1]]()
    print(f"behave {sys.argv[1]}: ok")


main()
