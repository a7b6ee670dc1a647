#!/bin/sh
# Build nginx 1.22 to WebAssembly: examples/nginx/build.sh puts nginx.wasm into target/nginx.
# examples/nginx/build.sh native builds the same source with the same options for this machine:
# target/nginx/nginx. The source is Debian's, as it is; it is fetched at first use.
# Needs make, a C compiler, and Emscripten (any that wasmjit-cc knows) for the first.
# Environment: NGINX_SOURCE (an archive that is there already), NGINX_TARGET (instead of target/nginx),
# WASMJIT (target/release/wasmjit): runs the programs that tell configure what works.
set -eu

here=$(dirname -- "$(readlink -f -- "$0")")
root=$here/../..
target=${NGINX_TARGET:-$root/target/nginx}
version=1.22.1
archive=nginx_$version.orig.tar.gz
sum=9ebb333a9e82b952acd3e2b4aeb1d4ff6406f72491bab6cd9fe69f0dea737f31

kind=${1:-wasm}
case $kind in
# musl's CMSG_NXTHDR compares numbers of different signs, and nginx makes errors of warnings
wasm) cc=$root/fs-host/sdk/bin/wasmjit-cc output=nginx.wasm warnings=-Wno-sign-compare ;;
native) cc=${CC:-cc} output=nginx warnings= ;;
*)
	sed -n '2,7s/^# //p' "$0" >&2
	exit 2
	;;
esac

mkdir -p "$target"
target=$(readlink -f -- "$target")
[ -n "${NGINX_SOURCE:-}" ] || "$root/examples/debian-source" nginx $archive $sum "$target"
source=${NGINX_SOURCE:-$target/$archive}

tree=$target/$kind
rm -rf "$tree"
mkdir "$tree"
tar xf "$source" -C "$tree" --strip-components=1
cd "$tree"
WASMJIT=${WASMJIT:-$(readlink -f -- "$root/target/release/wasmjit")}
export WASMJIT

# The modules left out would need pcre and zlib.
./configure --with-cc="$(readlink -f -- "$(command -v "$cc")")" --with-cc-opt="-O2 $warnings" --prefix=. \
	--without-http_rewrite_module --without-http_gzip_module --with-poll_module
make
cp objs/nginx "$target/$output"
echo "$target/$output"
