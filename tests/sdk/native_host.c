/*
 * The host's five functions for a native build of the SDK: mounts with mount(2)
 * (as root) at the directory named by WJ_MOUNTPOINT, reads requests from
 * /dev/fuse, dispatches, and writes replies. One thread, foreground. So the C
 * library is tested against the real kernel without a WebAssembly engine.
 */
#define _GNU_SOURCE
#include "../../fs-host/sdk/c/src/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define REQUEST_SIZE ((1u << 20) + 4096)

static int fuse_fd = -1;
static const char *mountpoint;
static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

/* Flags of mount(2); what is in neither table goes to the filesystem type, or is the host's. */
static const struct {
	const char *name;
	unsigned long flag;
} flags[] = {
	{ "ro", MS_RDONLY }, { "nosuid", MS_NOSUID }, { "nodev", MS_NODEV },
	{ "noexec", MS_NOEXEC }, { "noatime", MS_NOATIME }, { "sync", MS_SYNCHRONOUS },
};

static int starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static void take_wish(const char *opt, char *data, size_t size, unsigned long *mflags,
		      char *type, size_t type_size)
{
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strcmp(opt, flags[i].name) == 0)
			*mflags |= flags[i].flag;
	if (starts(opt, "subtype="))
		snprintf(type, type_size, "fuse.%s", opt + 8);
	if (strcmp(opt, "allow_other") == 0 || strcmp(opt, "default_permissions") == 0 ||
	    starts(opt, "max_read=")) {
		strncat(data, ",", size - strlen(data) - 1);
		strncat(data, opt, size - strlen(data) - 1);
	}
}

int wj_host_mount(const char *opts, uint32_t len)
{
	mountpoint = getenv("WJ_MOUNTPOINT");
	if (!mountpoint)
		return -EINVAL;
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse_fd == -1)
		return -errno;
	char data[512], type[64] = "fuse", list[1024];
	unsigned long mflags = MS_NOSUID * 0;
	snprintf(data, sizeof(data), "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse_fd);
	snprintf(list, sizeof(list), "%.*s", (int)len, opts);
	fprintf(stderr, "host: mount wishes: %s\n", list);
	for (char *save, *opt = strtok_r(list, ",", &save); opt; opt = strtok_r(NULL, ",", &save))
		take_wish(opt, data, sizeof(data), &mflags, type, sizeof(type));
	if (mount("wjtest", mountpoint, type, mflags, data) == -1)
		return -errno;
	return 0;
}

int wj_host_serve(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	while (!stop) {
		char *buf = wasmjit_fuse_buffer(0, REQUEST_SIZE);
		if (!buf)
			return -ENOMEM;
		ssize_t n = read(fuse_fd, buf, REQUEST_SIZE);
		if (n == -1) {
			if (errno == EINTR || errno == EAGAIN || errno == ENOENT)
				continue;
			return errno == ENODEV ? 0 : -errno;
		}
		wasmjit_fuse_dispatch(buf, (uint32_t)n);
	}
	return 0;
}

int wj_host_send(const struct iovec *iov, int n)
{
	return writev(fuse_fd, iov, n) == -1 ? -errno : 0;
}

void wj_host_unmount(void)
{
	umount2(mountpoint, MNT_DETACH);
	close(fuse_fd);
}

void wj_host_exit(void)
{
	stop = 1;
}
