/*
 * What a POSIX program expects of signals, sockets and events, printed line by
 * line: the same natively and as a guest. The argument is a directory to work in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <unistd.h>

static volatile sig_atomic_t caught, count;
static void handler(int sig) { caught = sig; count++; }

static void arm(int micros, int interval)
{
	struct itimerval it = { { 0, interval }, { 0, micros } };
	setitimer(ITIMER_REAL, &it, NULL);
}

static void install(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };
	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

static void signals(void)
{
	int p[2], r;
	char c = 0;
	pipe(p);
	install(SIGALRM, 0);
	arm(30000, 0);
	r = read(p[0], &c, 1);
	printf("read %d %s, signal %d\n", r, strerror(errno), caught);
	arm(30000, 0);
	r = pause();
	printf("pause %d %s\n", r, strerror(errno));
	arm(30000, 0);
	r = usleep(10000000);
	printf("usleep %d %s\n", r, strerror(errno));
	struct pollfd pf = { p[0], POLLIN, 0 };
	arm(30000, 0);
	r = poll(&pf, 1, -1);
	printf("poll %d %s\n", r, strerror(errno));
	count = 0;
	arm(5000, 5000);
	while (count < 5)
		pause();
	arm(0, 0);
	printf("interval ok\n");
	signal(SIGPIPE, SIG_IGN);
	int q[2];
	pipe(q);
	close(q[0]);
	r = write(q[1], "x", 1);
	printf("ignored SIGPIPE: %d %s\n", r, strerror(errno));
	install(SIGPIPE, 0);
	r = write(q[1], "x", 1);
	printf("caught SIGPIPE: %d %s, signal %d\n", r, strerror(errno), caught);
	install(SIGUSR1, 0);
	kill(getpid(), SIGUSR1);
	printf("kill: %d\n", caught);
	sigset_t set, none;
	sigemptyset(&set);
	sigemptyset(&none);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	caught = 0;
	raise(SIGALRM);
	printf("blocked: %d\n", caught);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	printf("unblocked: %d\n", caught);
	alarm(100);
	printf("alarm left %d\n", alarm(0));
}

/* A call that begins again: the handler makes the data. */
static int ends[2];
static void feeder(int sig) { (void)sig; write(ends[1], "f", 1); }

static void restart(void)
{
	char c = 0;
	pipe(ends);
	signal(SIGALRM, feeder);
	arm(30000, 0);
	int r = read(ends[0], &c, 1);
	printf("restarted read %d %c\n", r, c);
}

static void unix_sockets(const char *dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }, b;
	socklen_t len = sizeof(b);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), d;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/s", dir);
	printf("bind %d\n", bind(s, (void *)&a, sizeof(a)));
	printf("listen %d\n", listen(s, 4));
	printf("connect %d\n", connect(c, (void *)&a, sizeof(a)));
	d = accept(s, NULL, NULL);
	getpeername(c, (void *)&b, &len);
	printf("peer %d\n", !strcmp(b.sun_path, a.sun_path));
	int sv[2], p[2];
	printf("pair %d\n", socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	pipe2(p, O_CLOEXEC);
	char data[] = "fd", control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { data, 2 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET, h->cmsg_type = SCM_RIGHTS, h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &p[1], sizeof(int));
	printf("sendmsg %zd\n", sendmsg(sv[0], &m, 0));
	memset(control, 0, sizeof(control));
	m.msg_controllen = sizeof(control);
	printf("recvmsg %zd flags %d\n", recvmsg(sv[1], &m, 0), m.msg_flags);
	h = CMSG_FIRSTHDR(&m);
	int got = -1;
	if (h && h->cmsg_type == SCM_RIGHTS)
		memcpy(&got, CMSG_DATA(h), sizeof(int));
	write(got, "via", 3);
	char buf[8] = "";
	read(p[0], buf, 3);
	printf("passed %s\n", buf);
	send(c, "stream", 6, 0);
	printf("recv %zd\n", recv(d, buf, 6, MSG_WAITALL));
	shutdown(c, SHUT_WR);
	printf("eof %zd\n", recv(d, buf, 6, 0));
	close(d);
	signal(SIGPIPE, SIG_IGN);
	ssize_t r = send(c, "x", 1, MSG_NOSIGNAL);
	printf("epipe %zd %d\n", r, errno == EPIPE);
}

static void inet(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1, v = 0;
	socklen_t vl = sizeof(v);
	printf("reuse %d\n", setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	printf("bind %d\n", bind(s, (void *)&a, len));
	printf("listen %d\n", listen(s, 8));
	getsockname(s, (void *)&a, &len);
	int none = accept4(s, NULL, NULL, 0);
	printf("nobody %d %d\n", none, errno == EAGAIN);
	int c = socket(AF_INET, SOCK_STREAM, 0);
	printf("connect %d\n", connect(c, (void *)&a, sizeof(a)));
	struct pollfd pf = { s, POLLIN, 0 };
	printf("poll %d\n", poll(&pf, 1, 1000));
	struct sockaddr_in from;
	len = sizeof(from);
	int d = accept4(s, (void *)&from, &len, SOCK_CLOEXEC);
	printf("from %s\n", inet_ntoa(from.sin_addr));
	setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	getsockopt(c, IPPROTO_TCP, TCP_NODELAY, &v, &vl);
	printf("nodelay %d\n", v);
	struct timeval tv = { 0, 20000 };
	setsockopt(d, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	char buf[16] = "";
	ssize_t r = recv(d, buf, 1, 0);
	printf("timeout %zd %d\n", r, errno == EAGAIN);
	struct iovec iov[2] = { { "scat", 4 }, { "ter", 3 } };
	printf("writev %zd\n", writev(c, iov, 2));
	int waiting = 0;
	usleep(20000);
	ioctl(d, FIONREAD, &waiting);
	printf("waiting %d\n", waiting);
	printf("recv %zd %s\n", recv(d, buf, sizeof(buf), 0), buf);
	int u = socket(AF_INET, SOCK_DGRAM, 0), w = socket(AF_INET, SOCK_DGRAM, 0);
	a.sin_port = 0;
	bind(u, (void *)&a, sizeof(a));
	len = sizeof(a);
	getsockname(u, (void *)&a, &len);
	printf("sendto %zd\n", sendto(w, "datagram", 8, 0, (void *)&a, sizeof(a)));
	memset(buf, 0, sizeof(buf));
	printf("recvfrom %zd %s\n", recvfrom(u, buf, sizeof(buf), 0, (void *)&from, &len), buf);
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *res = NULL;
	int e = getaddrinfo("127.0.0.1", "80", &hints, &res);
	printf("getaddrinfo %d\n", e);
	if (!e) {
		char host[64], serv[32];
		getnameinfo(res->ai_addr, res->ai_addrlen, host, sizeof(host), serv, sizeof(serv),
			    NI_NUMERICHOST | NI_NUMERICSERV);
		printf("%s %s\n", host, serv);
		freeaddrinfo(res);
	}
}

static void events(const char *dir)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), ev = eventfd(0, EFD_NONBLOCK), tf = timerfd_create(CLOCK_MONOTONIC, 0);
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 0x123456789abcULL }, out[4];
	epoll_ctl(ep, EPOLL_CTL_ADD, ev, &e);
	e.data.u64 = 7;
	epoll_ctl(ep, EPOLL_CTL_ADD, tf, &e);
	printf("epoll %d\n", epoll_wait(ep, out, 4, 0));
	eventfd_write(ev, 3);
	int n = epoll_wait(ep, out, 4, -1);
	printf("epoll %d %d\n", n, out[0].data.u64 == 0x123456789abcULL);
	eventfd_t value;
	eventfd_read(ev, &value);
	printf("eventfd %d\n", (int)value);
	struct itimerspec its = { { 0, 0 }, { 0, 10000000 } };
	timerfd_settime(tf, 0, &its, NULL);
	n = epoll_wait(ep, out, 4, 5000);
	printf("timer %d %d\n", n, (int)out[0].data.u64);
	int in = inotify_init1(IN_NONBLOCK);
	printf("watch %d\n", inotify_add_watch(in, dir, IN_CREATE));
	char path[128], buf[512];
	snprintf(path, sizeof(path), "%s/made", dir);
	int f = open(path, O_CREAT | O_RDWR, 0600);
	write(f, "file content", 12);
	read(in, buf, sizeof(buf));
	printf("inotify %s\n", ((struct inotify_event *)buf)->name);
	int p[2];
	pipe(p);
	off_t off = 5;
	printf("sendfile %zd\n", sendfile(p[1], f, &off, 7));
	memset(buf, 0, sizeof(buf));
	read(p[0], buf, 7);
	printf("%s %d\n", buf, (int)off);
	char *map = mmap(NULL, 12, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
	memcpy(map, "FILE", 4);
	msync(map, 12, MS_SYNC);
	pread(f, buf, 4, 0);
	printf("%.4s\n", buf);
	munmap(map, 12);
	char name[16] = "";
	prctl(PR_SET_NAME, "a-name");
	prctl(PR_GET_NAME, name);
	printf("%s\n", name);
	struct rusage ru;
	printf("rusage %d\n", getrusage(RUSAGE_SELF, &ru));
	int w = wait4(-1, NULL, 0, NULL);
	printf("wait4 %d %d\n", w, errno == ECHILD);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/tmp";
	setvbuf(stdout, NULL, _IOLBF, 0);
	signals();
	restart();
	unix_sockets(dir);
	inet();
	events(dir);
	return 0;
}
