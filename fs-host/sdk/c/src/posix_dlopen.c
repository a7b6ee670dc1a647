/*
 * Loading of modules, for programs that are linked without -sMAIN_MODULE: it
 * fails and says why, and the program itself has no names to look up. Weak, for
 * a program that takes the C library's own part along.
 */
#ifdef __EMSCRIPTEN__

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stddef.h>

#define WEAK __attribute__((weak))

static char own_handle;
/* The C library's, which keeps the message for dlerror(). */
void __dl_seterr(const char *format, ...);

WEAK void *dlopen(const char *file, int mode)
{
	(void)mode;
	if (!file)
		return &own_handle;
	__dl_seterr("the program was linked without modules to load at run time");
	return NULL;
}

WEAK int dlclose(void *handle)
{
	if (handle == &own_handle)
		return 0;
	__dl_seterr("no such handle");
	return -1;
}

WEAK void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle, (void)name;
	__dl_seterr("the program was linked without names to find at run time");
	return NULL;
}

WEAK int dladdr(const void *address, Dl_info *info)
{
	(void)address, (void)info;
	return 0;
}

#endif
