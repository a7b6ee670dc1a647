/* Option parsing: the same in both interfaces. */
#include "../fuse3/fuse_opt.h"
