/*
 * Which public interface a library source is compiled for: WJ_API 3 (libfuse 3)
 * or 2 (libfuse 2.9). The sources are the same; what differs is in here, in
 * api2_names.h and behind `#if WJ_API == 2`.
 */
#ifndef WJ_API_H
#define WJ_API_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef WJ_API
#define WJ_API 3
#endif

#if WJ_API == 2
#define FUSE_USE_VERSION 29
#include "names2.h"
#include "../include/fuse/fuse.h"
#include "../include/fuse/fuse_lowlevel.h"
#else
#define FUSE_USE_VERSION 314
#include "../include/fuse3/fuse.h"
#include "../include/fuse3/fuse_lowlevel.h"
#endif

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/fuse3/fuse_log.h"

#endif
