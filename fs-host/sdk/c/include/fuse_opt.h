#include "fuse3/fuse_opt.h"
