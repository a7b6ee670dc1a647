#!/bin/bash
# Mount an ext4 image by fuse2fs.wasm, fill it, and have e2fsck judge what was written:
#
#   examples/fuse2fs/try.sh          copies a tree there and back; afterwards the image is clean, and holds the tree
#   examples/fuse2fs/try.sh bench    times the same beside Debian's fuse2fs (package fuse2fs), which is native
#
# Needs root or fusermount3, and e2fsprogs. Environment: WASMJIT (target/release/wasmjit), FUSE2FS_TARGET, TREE (src), ROUNDS (5).
set -eu

here=$(dirname -- "$(readlink -f -- "$0")")
root=$(readlink -f -- "$here/../..")
target=$(readlink -f -- "${FUSE2FS_TARGET:-$root/target/fuse2fs}")
wasmjit=${WASMJIT:-$root/target/release/wasmjit}
tree=$(readlink -f -- "${TREE:-$root/src}")
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
place=$work/mnt
mkdir "$place"
release() {
	! mountpoint -q "$place" || "$wasmjit" umount "$place" || umount -l "$place"
	rm -rf "$work"
}
trap release EXIT
die() { echo "try.sh: $*" >&2; exit 1; }

new_image() {
	rm -f "$work/$1"
	truncate -s 128M "$work/$1"
	mkfs.ext4 -q -F "$work/$1"
}

# The guest sees this one directory, and in it the image. Both say that they write no journal.
mount_wasm() { "$wasmjit" mount "$target/fuse2fs.wasm" "$place" --dir "$work::/images" --log "$work/log" -- "/images/$1" >/dev/null; }
mount_native() { fuse2fs "$work/$1" "$place" >/dev/null 2>&1; }
unmount() {
	umount "$place"
	# The server writes what it still has, and lets go of the image.
	local n=0
	while fuser -s "$work/$1" 2>/dev/null; do
		n=$((n + 1))
		[ $n -lt 200 ] || die "the image is still in use"
		sleep 0.05
	done
}
clean() { e2fsck -fn "$work/$1" >"$work/fsck" 2>&1 || { cat "$work/fsck" "$work/log" >&2; die "the image is not clean"; }; }

check() {
	new_image a
	mount_wasm a || { cat "$work/log" >&2; die "it did not mount"; }
	cp -a "$tree" "$place/tree"
	ln -s tree/a "$place/link"
	ln "$(find "$place/tree" -type f | head -1)" "$place/hard"
	head -c 20M /dev/urandom >"$work/big"
	cp "$work/big" "$place/big"
	truncate -s 5M "$place/big"
	mkdir "$place/many"
	for n in $(seq 300); do echo "$n" >"$place/many/$n"; done
	rm "$place"/many/1*
	mv "$place/many" "$place/few"
	unmount a
	clean a
	mount_wasm a
	diff -r "$tree" "$place/tree"
	cmp -n 5242880 "$work/big" "$place/big"
	[ "$(stat -c %s "$place/big")" = 5242880 ] || die "truncate"
	[ "$(find "$place/few" -type f | wc -l)" = 189 ] || die "a directory after rm"
	[ "$(readlink "$place/link")" = tree/a ] || die "a symbolic link"
	[ "$(stat -c %h "$place/hard")" = 2 ] || die "a hard link"
	unmount a
	clean a
	# An image from a stranger: damaged at random, it may be refused or be wrong, but ends nothing but its own mount.
	local n
	for n in 1 2 3 4 5 6 7 8; do
		cp --sparse=always "$work/a" "$work/b"
		for _ in $(seq 64); do
			printf '%b' "\\x$(printf %02x $((RANDOM % 256)))" |
				dd of="$work/b" bs=1 seek=$((RANDOM * 128 + RANDOM % 128)) conv=notrunc status=none
		done
		mount_wasm b || continue
		timeout 60 find "$place" -type f -exec cat {} + >/dev/null 2>&1 || :
		unmount b
	done
	echo "fuse2fs.wasm: ok"
}

now() { date +%s%N; }
# Seconds that a copy there, a comparison and a removal take: HOW
once() {
	new_image c
	"mount_$1" c
	local start
	start=$(now)
	cp -a "$tree" "$place/tree"
	diff -r "$tree" "$place/tree"
	rm -r "$place/tree"
	echo $((($(now) - start) / 1000))
	unmount c
}
bench() {
	command -v fuse2fs >/dev/null || die "install the package fuse2fs, which is what this is compared with"
	local n
	for n in $(seq "${ROUNDS:-5}"); do
		echo "$(once native) $(once wasm)"
	done | awk '{ print; r[NR] = $2 / $1 } END {
		for (i = 1; i <= NR; i++) for (j = i + 1; j <= NR; j++) if (r[j] < r[i]) { t = r[i]; r[i] = r[j]; r[j] = t }
		printf "microseconds natively and as wasm; median of the ratios %.3f\n", r[int((NR + 1) / 2)] }'
}

case ${1:-check} in
check | bench) "${1:-check}" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
