#!/bin/sh
# Build the C examples to WebAssembly: examples/build.sh DIR puts NAME.wasm there;
# examples/build.sh --check builds them and compares with the ones that are committed beside
# the sources, byte for byte (Emscripten 3.1.6, as Debian 12 has it, made those).
set -eu
here=$(dirname -- "$(readlink -f -- "$0")")
cc=$here/../fs-host/sdk/bin/wasmjit-cc

build() { # into directory
	for dir in "$here"/*/; do
		name=$(basename "$dir")
		ls "$dir"*.c >/dev/null 2>&1 || continue
		# the same nodeids in every instance, and no state: only the archive can say so
		case $name in
		archive) declare="--wasmjit-readonly --wasmjit-restartable" ;;
		*) declare= ;;
		esac
		# shellcheck disable=SC2086 # words
		"$cc" -O2 $declare "$dir"*.c -o "$1/$name.wasm"
	done
}

case ${1:-} in
--check)
	out=$(mktemp -d)
	trap 'rm -rf "$out"' EXIT
	build "$out"
	status=0
	for wasm in "$out"/*.wasm; do
		name=$(basename "$wasm" .wasm)
		if cmp "$wasm" "$here/$name/$name.wasm"; then
			echo "$name: same"
		else
			echo "$name: DIFFERS"
			status=1
		fi
	done
	exit $status
	;;
'' | -*)
	sed -n '2,5s/^# //p' "$0" >&2
	exit 2
	;;
*)
	mkdir -p "$1"
	build "$1"
	;;
esac
