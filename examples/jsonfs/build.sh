#!/bin/bash
# Builds jsonfs.wasm into OUTDIR (default: beside this script), byte for byte the same wherever it runs.
# Needs Debian's compiler: apt-get install rustc libstd-rust-dev-wasm32 lld-14
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "${1:-$here}" && cd "${1:-$here}" && pwd)
sdk=$here/../../fs-host/sdk/rust
rustc=${WASMJIT_RUSTC:-/usr/bin/rustc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags=(--edition 2021 --target wasm32-wasi -C opt-level=3 -C panic=abort -C codegen-units=1
    -C metadata=jsonfs --remap-path-prefix "$here=." --remap-path-prefix "$(cd "$sdk" && pwd)=sdk"
    --remap-path-prefix "$work=work")
"$rustc" "${flags[@]}" --cfg 'feature="std"' --crate-type rlib --crate-name wasmjit_fs \
    -o "$work/libwasmjit_fs.rlib" "$(cd "$sdk" && pwd)/src/lib.rs"
# Names of functions stay, for backtraces; debug information goes. This toolchain's `_start` leaves the constructors to
# the host, else the linker would run them for each request.
"$rustc" "${flags[@]}" -C lto=fat -C strip=debuginfo -C link-arg=--export=__wasm_call_ctors \
    --extern wasmjit_fs="$work/libwasmjit_fs.rlib" --crate-name jsonfs -o "$work/jsonfs.wasm" "$here/src/main.rs"
mv "$work/jsonfs.wasm" "$out/jsonfs.wasm"
