#!/bin/sh
# Rebuilds em3.1.6 with the emcc in PATH. With a newer node than 3.1.6 expects: export NODE_PATH=/usr/share/nodejs
set -e
cd "$(dirname "$0")"
out=em3.1.6
for p in hello fileio qs selfpipe selfpipe_sig sjlj timefn grow emasm; do emcc -O2 src/$p.c -o $out/js-$p.js; done
emcc -O2 src/grow.c -sALLOW_MEMORY_GROWTH -o $out/js-growth.js
emcc -O2 src/wj_shim316.c src/fileio.c -o $out/js-shim-fileio.js
for p in hello fileio; do emcc -O2 src/$p.c -sSTANDALONE_WASM -o $out/standalone-$p.wasm; done
emcc -O2 -pthread -sPTHREAD_POOL_SIZE=4 src/pthr.c -o $out/js-pthread.js
emcc -O2 -w -pthread src/threads.c -sEXIT_RUNTIME -sINITIAL_MEMORY=64MB -sDEFAULT_PTHREAD_STACK_SIZE=131072 \
  -o $out/js-threads.js
emcc -O2 -w -pthread src/threads_end.c -sEXIT_RUNTIME -sALLOW_MEMORY_GROWTH -o $out/js-threads_end.js
for p in dl_side dl_second; do emcc -w -O2 -sSIDE_MODULE=1 src/$p.c -o $out/$p.so; done
exports=_main,_main_value,_main_twice,_main_function,_printf,_iprintf,_puts,_snprintf,_malloc,_calloc,_free,_strlen
emcc -w -O2 -sMAIN_MODULE=2 -sEXPORTED_FUNCTIONS=$exports src/dl.c -o $out/js-dl.js
em++ -O2 src/cxxnoexc.cpp -o $out/js-cxxnoexc.js
em++ -O2 -fexceptions src/exc.cpp -o $out/js-excjs.js
em++ -O2 src/exc.cpp -o $out/js-excdefault.js
../../fs-host/sdk/bin/wasmjit-cc -O2 -w src/alarm.c -o $out/sdk-alarm.wasm
emcc -O2 -w -DTHREADS -pthread -sEXIT_RUNTIME -sEXPORTED_FUNCTIONS=_main,_raise -sERROR_ON_UNDEFINED_SYMBOLS=0 \
  src/wj_shim316.c src/alarm.c -o $out/js-alarm-threads.js
../../fs-host/sdk/bin/wasmjit-cc -O2 -w src/posix.c -o $out/sdk-posix.wasm
# what the same source prints natively
cc -O1 -w src/posix.c -o posix-native && ./posix-native "$(mktemp -d)" >src/posix.expected && rm posix-native
cc -O1 -w -pthread src/threads.c -o threads-native && ./threads-native "$(mktemp -d)" >src/threads.expected && rm threads-native
for p in dl_side dl_second; do cc -w -shared -fPIC src/$p.c -o $p.so; done
cc -w -rdynamic src/dl.c -o dl-native -ldl && ./dl-native >src/dl.expected && rm dl-native dl_side.so dl_second.so
rm -f $out/*.js
