#!/bin/sh
# Real work on a mounted filesystem: workload.sh MOUNTPOINT SCRATCH_DIR [quick]
# Ends with "workload: ok", or stops at the first thing that differs.
set -eu
m=$1 scratch=$2 quick=${3:-}
fail() { echo "workload: FAILED: $*" >&2; exit 1; }

mkdir -p "$scratch"
src=$(dirname -- "$(dirname -- "$(dirname -- "$(readlink -f -- "$0")")")")

# a source tree, there and back
tar -C "$src" --exclude=target --exclude=.git -cf "$scratch/tree.tar" .
mkdir "$m/tree" && tar -C "$m/tree" -xf "$scratch/tree.tar"
mkdir -p "$scratch/tree" && tar -C "$scratch/tree" -xf "$scratch/tree.tar"
diff -r "$scratch/tree" "$m/tree" || fail "the tree differs"
(cd "$m/tree" && find . -printf '%y %m %s %T@ %l %p\n' | sort) >"$scratch/list.m"
(cd "$scratch/tree" && find . -printf '%y %m %s %T@ %l %p\n' | sort) >"$scratch/list.s"
grep -v '^d' "$scratch/list.m" >"$scratch/a"; grep -v '^d' "$scratch/list.s" >"$scratch/b"
cmp "$scratch/a" "$scratch/b" || fail "attributes differ"
rm -rf "$m/tree" "$scratch/tree"
[ ! -e "$m/tree" ] || fail "rm -r left something"

# a repository
if command -v git >/dev/null; then
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
	git clone -q --no-hardlinks "$src" "$m/repo" || fail "git clone"
	git -C "$m/repo" fsck --full >/dev/null 2>&1 || fail "git fsck"
	[ -z "$(git -C "$m/repo" status --porcelain)" ] || fail "git status"
	rm -rf "$m/repo"
fi

# many names, read while they go
mkdir "$m/many"
i=0
(cd "$m/many" && seq 1 5000 | xargs touch)
[ "$(ls -f "$m/many" | wc -l)" -eq 5002 ] || fail "5000 files are not 5000"
find "$m/many" -name '*7' -delete
[ "$(ls "$m/many" | wc -l)" -eq 4500 ] || fail "deleting while reading"
rm -r "$m/many"

# removed while open
echo kept >"$m/open"
exec 3<"$m/open"
rm "$m/open"
[ ! -e "$m/open" ] || fail "removed file is there"
[ "$(cat <&3)" = kept ] || fail "data of a removed file"
exec 3<&-
sleep 0.1
[ -z "$(ls -A "$m" | grep fuse_hidden || :)" ] || fail "a hidden file stayed"

# data, checked by its writer
if [ -z "$quick" ] && command -v fio >/dev/null; then
	for engine in psync mmap; do
		fio --name=v --directory="$m" --size=24m --bsrange=1k-200k --rw=randrw --verify=crc32c \
			--ioengine=$engine --minimal >"$scratch/fio" 2>&1 || { tail -5 "$scratch/fio"; fail "fio $engine"; }
		rm -f "$m"/v.*
	done
fi
echo "workload: ok"
