"""Fetches the packages of packages.txt, checks their sums and unpacks them."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent


class Missing(Exception):
    """A package that could not be fetched."""


def listed():
    """Package name -> (registry, version, sum)."""
    rows = [line.split() for line in (HERE / "packages.txt").read_text().splitlines() if line and line[0] != "#"]
    return {name: (registry, version, digest) for registry, name, version, digest in rows}


def sum_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def download(registry, name, version, folder):
    """Lets the registry's own client fetch an archive into an empty folder."""
    if registry == "npm":
        command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{name}@{version}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", str(folder), f"{name}=={version}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=600, text=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{name} {version}: {error}") from error
    archives = list(folder.iterdir())
    if done.returncode or len(archives) != 1:
        raise Missing(f"{name} {version}: {done.stderr.strip() or 'nothing came'}")
    return archives[0]


def unpack(archive, folder):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")


def package(name, store):
    """The folder with a package's files, fetched if it is not there."""
    registry, version, digest = listed()[name]
    folder = store / f"{name.replace('/', '-').lstrip('@')}-{version}"
    if (folder / ".complete").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    fresh = folder.with_suffix(".download")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    archive = download(registry, name, version, fresh)
    found = sum_of(archive)
    if found != digest:
        sys.exit(f"{name} {version} has the sum {found} instead of {digest}: it is not what it was")
    unpack(archive, folder)
    shutil.rmtree(fresh)
    (folder / ".complete").touch()
    return folder
