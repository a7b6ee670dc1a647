/* The host must know which signals have handlers: both functions tell it, and are Emscripten's otherwise. */
#include_next <signal.h>

#ifndef WASMJIT_SIGNAL_H
#define WASMJIT_SIGNAL_H
#ifndef WASMJIT_OWN_SIGNALS

#ifdef __cplusplus
extern "C" {
#endif

__typeof__(sigaction) sigaction __asm__("wj_sigaction");
__typeof__(signal) signal __asm__("wj_signal");

#ifdef __cplusplus
}
#endif

#endif
#endif
