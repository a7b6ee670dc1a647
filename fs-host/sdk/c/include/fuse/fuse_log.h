#include "../fuse3/fuse_log.h"
