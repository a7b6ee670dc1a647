"""What Python should print the same everywhere: run with a directory that does not exist yet."""

import bz2
import collections
import contextlib
import decimal
import hashlib
import io
import json
import os
import pathlib
import random
import re
import shutil
import statistics
import struct
import sys
import zlib

root = pathlib.Path(sys.argv[1])
print(sys.stdin.readline().strip(), len(sys.argv))
print(hashlib.sha256(b"text").hexdigest(), hashlib.md5(b"text").hexdigest())
print(json.dumps({"list": [1, 2.5, None, True], "text": "\u00e9"}, sort_keys=True))
print(zlib.crc32(zlib.decompress(zlib.compress(b"abc" * 1000))), len(bz2.compress(b"abc" * 1000)))
print(decimal.Decimal(2) ** 200, 3**200 % 10**9, (0.1).hex(), 1e300 * 1e10)
print(re.sub(r"(\d+)-(\d+)", r"\2-\1", "10-20 30-40"), struct.pack("<hd", -2, 1.5).hex())
generator = random.Random(7)
print([generator.randrange(1000) for _ in range(8)], round(statistics.stdev([1, 2, 4, 8]), 9))
print(collections.Counter("mississippi").most_common())

(root / "a/b").mkdir(parents=True)
for number in range(30):
    (root / f"a/b/f{number:02}").write_text(f"{number}\n" * number)
os.rename(root / "a/b/f00", root / "a/renamed")
os.remove(root / "a/b/f01")
os.symlink("renamed", root / "a/link")
shutil.copy(root / "a/b/f02", root / "copy")
os.utime(root / "copy", (1e9, 1e9))
for folder, folders, files in sorted(os.walk(root)):
    print(os.path.relpath(folder, root), sorted(folders), sorted(files))
print(os.stat(root / "copy").st_mtime, os.stat(root / "a/b/f29").st_size, os.readlink(root / "a/link"))
for what in (lambda: open(root / "nothing"), lambda: os.mkdir(root / "a"), lambda: os.listdir(root / "copy")):
    try:
        what()
    except OSError as error:
        print(type(error).__name__)
with open(root / "big", "w+b") as file:
    file.write(os.urandom(1 << 20))
    file.seek(1 << 19)
    file.truncate()
    print(file.tell(), os.fstat(file.fileno()).st_size)
shutil.rmtree(root / "a")
print(sorted(os.listdir(root)))
output = io.StringIO()
with contextlib.redirect_stdout(output):
    exec("print(sum(i * i for i in range(200_000)))")
print(output.getvalue().strip())
print("to the other stream", file=sys.stderr)
sys.exit(5)
