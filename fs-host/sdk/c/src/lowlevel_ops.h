/* The handlers of the opcodes: see lowlevel_name.c and lowlevel_file.c; the table is in lowlevel_ops.c. */
#ifndef WJ_LOWLEVEL_OPS_H
#define WJ_LOWLEVEL_OPS_H

#include "lowlevel.h"
#include "wide_time.h"

#define NOT_IMPLEMENTED(req) fuse_reply_err(req, ENOSYS)

#define FI_INIT ((struct fuse_file_info){ 0 })

#if WJ_API == 3
#define SET_POLL_EVENTS(fi, mask) ((fi)->poll_events = (mask))
#else
#define SET_POLL_EVENTS(fi, mask) ((void)(mask))
#endif

void wj_do_lookup(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_batch_forget(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_getattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_setattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_readlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_symlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_mknod(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_mkdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_unlink(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_rmdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_rename(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_rename2(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_link(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_open(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_create(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_read(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_write(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_statfs(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_release(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_fsync(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_setxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_getxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_listxattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_removexattr(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_flush(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_opendir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_readdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_releasedir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_fsyncdir(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_getlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_setlk(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_setlkw(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_access(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_bmap(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_ioctl(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_poll(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_notify_reply(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_fallocate(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_readdirplus(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_lseek(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);
void wj_do_copy_file_range(fuse_req_t req, uint64_t nodeid, const void *body, size_t len);

#endif
