#!/bin/sh
# Test the C SDK and the C examples against the kernel: as root, with gcc.
#   tests/sdk/run.sh                 the library built natively, over tests/sdk/native_host.c
#   tests/sdk/run.sh --libfuse       the same programs on the system's libfuse3, to compare
#   tests/sdk/run.sh --wasm WASMJIT  built by wasmjit-cc, mounted by that wasmjit
# Uses pjdfstest if it is in PATH or $PJDFSTEST names it. Works below a new directory in $TMPDIR.
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(dirname -- "$(dirname -- "$here")")
sdk=$root/fs-host/sdk
kind=${1:---native}
wasmjit=${2:-wasmjit}
work=$(mktemp -d)
mnt=$work/mnt
mkdir "$mnt" "$work/src" "$work/obj" "$work/bin"
server=
failed=0

stop() {
	[ -n "$server" ] || return 0
	umount "$mnt" 2>/dev/null || umount -l "$mnt" 2>/dev/null || :
	wait "$server" || :
	server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# ---- building ----

build_library() { # interface
	mkdir -p "$work/obj/$1"
	for c in "$sdk"/c/src/*.c; do
		case ${c##*/} in
		posix_shim.c | marker.c) continue ;;
		*3.c | conn_opts.c) [ "$1" = 3 ] || continue ;;
		*2.c) [ "$1" = 2 ] || continue ;;
		esac
		gcc -DWJ_API="$1" -O2 -Wall -Wextra -Werror -c "$c" -o "$work/obj/$1/$(basename "$c" .c).o"
	done
}

build() { # name interface sources...
	name=$1 api=$2
	shift 2
	flavour=fuse3
	[ "$api" = 3 ] || flavour=fuse
	case $kind in
	--native) gcc -O2 -Wall -D_FILE_OFFSET_BITS=64 -I"$sdk/c/include/$flavour" "$@" "$here/native_host.c" "$work/obj/$api"/*.o -o "$work/bin/$name" ;;
	--libfuse) gcc -O2 -Wall "$@" $(pkg-config --cflags --libs $flavour) -o "$work/bin/$name" ;;
	--wasm) "$sdk/bin/wasmjit-cc" -O2 -I"$sdk/c/include/$flavour" "$@" -o "$work/bin/$name.wasm" ;;
	esac
}

serve() { # name, "options of wasmjit", options of the filesystem
	name=$1 host_options=$2
	shift 2
	case $kind in
	--native) WJ_MOUNTPOINT=$mnt "$work/bin/$name" -f "$@" "$mnt" 2>"$work/log" & ;;
	--libfuse) "$work/bin/$name" -f -s "$@" "$mnt" 2>"$work/log" & ;;
	# shellcheck disable=SC2086 # words
	--wasm) "$wasmjit" mount -f $host_options "$work/bin/$name.wasm" "$mnt" "$@" 2>"$work/log" & ;;
	esac
	server=$!
	for _ in $(seq 100); do
		if mountpoint -q "$mnt"; then return 0; fi
		sleep 0.05
	done
	cat "$work/log" >&2
	exit 1
}

check() { # what, command...
	echo "== $*"
	shift
	if ! "$@"; then
		failed=1
		echo "== FAILED: $*"
		cat "$work/log"
	fi
}

# Functions of the two interfaces must not be confused when a program links.
check_names() {
	for api in 2 3; do
		nm "$work/obj/$api"/*.o | awk '$2 ~ /[TDBRC]/ { print $3 }' | sort -u >"$work/names$api"
	done
	shared=$(comm -12 "$work/names2" "$work/names3" | grep -vE '^(fuse_(buf|opt|log|set_log)|wasmjit_fuse_|wj_errno_)' || :)
	[ -z "$shared" ] || { echo "defined by both interfaces: $shared"; return 1; }
}

run_pjdfstest() {
	pjd=${PJDFSTEST:-$(command -v pjdfstest || :)}
	[ -n "$pjd" ] || { echo "pjdfstest is not here: skipped"; return 0; }
	chmod 755 "$work" "$mnt"
	"$pjd" -c "$here/pjdfstest.toml" -p "$mnt" >"$work/pjd" 2>&1 || :
	grep Summary "$work/pjd"
	! grep 'FAILED$' "$work/pjd"
}

hello_is_right() {
	[ "$(ls "$mnt")" = hello ] && [ "$(cat "$mnt/hello")" = "Hello, world!" ] &&
		! cat "$mnt/nothing" 2>/dev/null && ! touch "$mnt/hello" 2>/dev/null
}

archive_is_right() {
	diff -r --no-dereference "$work/tree" "$mnt" &&
		(cd "$work/tree" && find . ! -type d -printf '%y %m %n %s %T@ %l %p\n' | sort) >"$work/a" &&
		(cd "$mnt" && find . ! -type d -printf '%y %m %n %s %T@ %l %p\n' | sort) >"$work/b" &&
		cmp "$work/a" "$work/b"
}

# ---- what is tested ----

if [ "$kind" = --native ]; then
	build_library 3
	build_library 2
	check names check_names
fi
for e in hello memfs passthrough archive; do build $e 3 "$root/examples/$e"/*.c; done
for g in async modes; do build $g 3 "$here/guests/$g.c"; done
if [ "$kind" != --libfuse ]; then build passthrough2 2 "$here/guests/passthrough2.c"; fi

serve hello ''
check hello hello_is_right
stop

serve memfs '' -o allow_other,default_permissions
check "memfs pjdfstest" run_pjdfstest
check "memfs workload" "$here/workload.sh" "$mnt" "$work/scratch"
for seed in 1 2 3; do check "memfs fsx" "$here/fsx.py" "$mnt" $seed; done
stop
serve memfs '' -o allow_other,default_permissions,size=48m
check "memfs full" "$here/full.py" "$mnt"
stop

chmod 755 "$work" "$work/src"
serve passthrough "--dir $work/src" -o "allow_other,default_permissions,source=$work/src"
# devices, and times after 2038 with a 32-bit time_t, are not to be had in a sandbox
if [ "$kind" != --wasm ]; then check "passthrough pjdfstest" run_pjdfstest; fi
check "passthrough workload" "$here/workload.sh" "$mnt" "$work/scratch"
check "passthrough fsx" "$here/fsx.py" "$mnt"
stop

if [ "$kind" != --libfuse ]; then
	SOURCE=$work/src
	export SOURCE
	serve passthrough2 "--dir $work/src --env SOURCE=$work/src" -o allow_other,use_ino
	check "passthrough2 workload" "$here/workload.sh" "$mnt" "$work/scratch" quick
	stop
fi

mkdir -p "$work/tree/d/$(printf 'x%.0s' $(seq 1 200))"
echo one >"$work/tree/d/f"
ln "$work/tree/d/f" "$work/tree/d/g"
ln -s ../d/f "$work/tree/d/s"
head -c 3000000 /dev/urandom >"$work/tree/big"
for i in $(seq 1 300); do echo "$i" >"$work/tree/d/$i"; done
tar --format=pax -C "$work/tree" -cf "$work/tree.tar" .
serve archive "--dir $work/tree.tar:ro" -o "source=$work/tree.tar"
check archive archive_is_right
stop

for g in async modes; do
	serve $g '' -o allow_other
	check "behaviour: $g" "$here/behave.py" $g "$mnt"
	stop
done

[ "$failed" -eq 0 ] && echo "all ok" || echo "FAILED"
exit "$failed"
