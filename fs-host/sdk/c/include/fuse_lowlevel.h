/* Without pkg-config's -I: the interface that FUSE_USE_VERSION asks for. */
#if defined(FUSE_USE_VERSION) && FUSE_USE_VERSION < 30
#include "fuse/fuse_lowlevel.h"
#else
#include "fuse3/fuse_lowlevel.h"
#endif
