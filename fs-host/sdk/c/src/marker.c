/*
 * The custom section by which a host knows what it is given: lines of key=value.
 * WJ_SDK_VERSION and the rest come from wasmjit-cc.
 */
#define STR2(x) #x
#define STR(x) STR2(x)

#ifndef WJ_DECLARED
#define WJ_DECLARED ""
#endif

__asm__(".section .custom_section.wasmjit.sdk,\"\",@\n"
	".ascii \"abi=1\\n\"\n"
	".ascii \"sdk=" STR(WJ_SDK_VERSION) "\\n\"\n"
	".ascii \"emscripten=" STR(__EMSCRIPTEN_major__) "." STR(__EMSCRIPTEN_minor__) "."
	STR(__EMSCRIPTEN_tiny__) "\\n\"\n"
	".ascii \"" WJ_DECLARED "\"\n"
	".text\n");
