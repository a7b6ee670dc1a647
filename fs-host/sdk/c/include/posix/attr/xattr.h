/* The old home of <sys/xattr.h>. */
#include <sys/xattr.h>
#ifndef ENOATTR
#define ENOATTR ENODATA
#endif
