#!/bin/sh
# Build fuse2fs, e2fsprogs' driver for ext2, ext3 and ext4, to WebAssembly: examples/fuse2fs/build.sh puts
# fuse2fs.wasm into target/fuse2fs. The source is Debian's, unpatched; it is fetched at first use.
# Needs make, a C compiler, and Emscripten (any that wasmjit-cc knows). Takes some minutes, most of them in configure.
# Environment: FUSE2FS_SOURCE (an archive that is there already), FUSE2FS_TARGET (instead of target/fuse2fs),
# WASMJIT (target/release/wasmjit): runs the programs that tell configure what works.
set -eu

case ${1:-} in
-*)
	sed -n '2,6s/^# //p' "$0" >&2
	exit 2
	;;
esac
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(readlink -f -- "$here/../..")
version=1.47.0
archive=e2fsprogs_$version.orig.tar.gz
sum=6667afde56eef0c6af26684974400e4d2288ea49e9441bf5e6229195d51a3578

mkdir -p "${FUSE2FS_TARGET:=$root/target/fuse2fs}"
target=$(readlink -f -- "$FUSE2FS_TARGET")
[ -n "${FUSE2FS_SOURCE:-}" ] || "$root/examples/debian-source" e2fsprogs $archive $sum "$target"
source=${FUSE2FS_SOURCE:-$target/$archive}

rm -rf "$target/tree"
mkdir "$target/tree"
tar xf "$source" -C "$target/tree" --strip-components=1
cd "$target/tree"
WASMJIT=${WASMJIT:-$root/target/release/wasmjit}
PATH=$root/fs-host/sdk/bin:$PATH
export WASMJIT PATH

# Its own libuuid and libblkid, since this machine's are no WebAssembly. The programs that the build runs are made by BUILD_CC, whatever
# configure makes of it, which depends on whether the programs that it tries run.
BUILD_CC=${BUILD_CC:-cc}
./configure CC=wasmjit-cc CFLAGS=-O2 --enable-fuse2fs --enable-libuuid --enable-libblkid --disable-nls \
	--disable-uuidd --disable-tdb --disable-debugfs --disable-imager --disable-resizer --disable-defrag --disable-e2initrd-helper
make -j"$(nproc)" BUILD_CC="$BUILD_CC" libs
make -C misc BUILD_CC="$BUILD_CC" fuse2fs
cp misc/fuse2fs "$target/fuse2fs.wasm"
echo "$target/fuse2fs.wasm"
