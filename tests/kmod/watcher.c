// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program as those do who watch its system calls:
 *
 *     watcher trace PROGRAM...      by ptrace, from its start
 *     watcher attach PID            by ptrace, for two seconds of its life
 *     watcher audit PROGRAM...      by a rule of audit, as the audit daemon
 *     watcher filter PROGRAM...     by a seccomp filter: writes of 4096 bytes fail with EXDEV
 *     watcher terminal PROGRAM...   on a terminal of its own, where ^C is typed once it says "ready"
 *
 * The first three end with a line on stderr, "saw N reads and N writes": calls that moved 4096 bytes. All but the second end as the
 * program does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIECE 4096
#define SECONDS 2
#define MESSAGE 8970

static unsigned int reads, writes;

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static void start(char **program)
{
	execvp(program[0], program);
	die(program[0]);
}

static int ended_with(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void count(long number, long result)
{
	if (result != PIECE)
		return;
	reads += number == SYS_read || number == SYS_readv;
	writes += number == SYS_write || number == SYS_writev;
}

static void tell(void)
{
	fprintf(stderr, "saw %u reads and %u writes\n", reads, writes);
}

/* A stop of a traced thread: what has to be delivered to it. */
static int look_at(pid_t thread, int status)
{
	struct user_regs_struct regs;
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80)) {
		/* At a call's entry the result is ENOSYS. */
		if (!ptrace(PTRACE_GETREGS, thread, 0, &regs))
			count(regs.orig_rax, regs.rax);
		return 0;
	}
	/* What the tracer itself has brought about, and the first stop of a new thread. */
	if (status >> 16 || signal == SIGSTOP || signal == SIGTRAP)
		return 0;
	return signal;
}

#define OPTIONS (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)

static int trace(char **program)
{
	pid_t child = fork(), thread;
	int status, end = 99;

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		start(program);
	}
	if (waitpid(child, &status, 0) != child || ptrace(PTRACE_SETOPTIONS, child, 0, OPTIONS | PTRACE_O_EXITKILL))
		die("tracing");
	ptrace(PTRACE_SYSCALL, child, 0, 0);
	while ((thread = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_SYSCALL, thread, 0, look_at(thread, status));
		else if (thread == child)
			end = ended_with(status);
	}
	tell();
	return end;
}

static volatile sig_atomic_t over;

static void on_alarm(int signal)
{
	over = 1;
}

static int attach(pid_t pid)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int status;

	sigaction(SIGALRM, &action, NULL);
	if (ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		die("attaching");
	alarm(SECONDS);
	for (;;) {
		if (waitpid(pid, &status, __WALL) < 0) {
			/* The alarm finds a call that takes long. */
			ptrace(PTRACE_INTERRUPT, pid, 0, 0);
		} else if (!WIFSTOPPED(status)) {
			fprintf(stderr, "%d has ended\n", pid);
			return 1;
		} else if (over) {
			break;
		} else {
			ptrace(PTRACE_SYSCALL, pid, 0, look_at(pid, status));
		}
	}
	ptrace(PTRACE_DETACH, pid, 0, 0);
	tell();
	return 0;
}

/* A message of audit. */
struct message {
	struct nlmsghdr head;
	char body[MESSAGE];
};

/* A number behind a name in a record. */
static long field(const char *record, const char *name)
{
	const char *at = strstr(record, name);

	return at ? atol(at + strlen(name)) : -1;
}

/* Reads one message; false if none comes in time. Sets *error where it is the answer to a request. */
static int hear(int audit, int milliseconds, int *error)
{
	struct pollfd wait = { audit, POLLIN, 0 };
	struct message message;
	ssize_t bytes;

	if (poll(&wait, 1, milliseconds) <= 0)
		return 0;
	bytes = recv(audit, &message, sizeof(message) - 1, 0);
	if (bytes < 0 && errno != ENOBUFS)
		die("hearing of audit");
	if (bytes < (ssize_t)sizeof(message.head))
		return 1;
	((char *)&message)[bytes] = 0;
	if (message.head.nlmsg_type == NLMSG_ERROR)
		*error = *(int *)message.body;
	else if (message.head.nlmsg_type == AUDIT_SYSCALL)
		count(field(message.body, " syscall="), field(message.body, " exit="));
	return 1;
}

static void request(int audit, int type, const void *body, size_t bytes)
{
	struct message message = { .head = {
		.nlmsg_len = NLMSG_LENGTH(bytes), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	} };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int error = 1;

	memcpy(message.body, body, bytes);
	if (sendto(audit, &message, message.head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		die("asking audit");
	while (error > 0)
		if (!hear(audit, 5000, &error))
			error = -ETIMEDOUT;
	if (error) {
		errno = -error;
		die("audit refuses");
	}
}

static void set_audit(int audit, int on)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_ENABLED | AUDIT_STATUS_PID | AUDIT_STATUS_BACKLOG_LIMIT,
		.enabled = on, .pid = on ? getpid() : 0, .backlog_limit = 8192,
	};

	request(audit, AUDIT_SET, &status, sizeof(status));
}

static int audit(char **program)
{
	struct audit_rule_data rule = { .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS, .field_count = 2 };
	static const int calls[] = { SYS_read, SYS_readv, SYS_write, SYS_writev };
	int socket_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT), room = 8 << 20;
	int begin[2], status, ignored, ended = 0;
	pid_t child;
	size_t i;
	char byte;

	if (socket_fd < 0 || pipe2(begin, O_CLOEXEC))
		die("audit");
	setsockopt(socket_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	/* Tasks that start from now on can be audited. */
	set_audit(socket_fd, 1);
	child = fork();
	if (!child) {
		close(begin[1]);
		if (read(begin[0], &byte, 1))
			die("beginning");
		start(program);
	}
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		rule.mask[AUDIT_WORD(calls[i])] |= AUDIT_BIT(calls[i]);
	rule.fields[0] = AUDIT_PID;
	rule.values[0] = child;
	rule.fields[1] = AUDIT_EXIT;
	rule.values[1] = PIECE;
	rule.fieldflags[0] = rule.fieldflags[1] = AUDIT_EQUAL;
	request(socket_fd, AUDIT_ADD_RULE, &rule, sizeof(rule));
	close(begin[0]);
	close(begin[1]);
	while (hear(socket_fd, 500, &ignored) || !ended)
		if (!ended)
			ended = waitpid(child, &status, WNOHANG) == child;
	request(socket_fd, AUDIT_DEL_RULE, &rule, sizeof(rule));
	set_audit(socket_fd, 0);
	tell();
	return ended_with(status);
}

static void filter(char **program)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PIECE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog whole = { sizeof(steps) / sizeof(steps[0]), steps };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole))
		die("a filter");
	start(program);
}

static int terminal(char **program)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), status, typed = 0;
	char said[4096];
	size_t len = 0;
	ssize_t bytes;
	pid_t child;

	if (master < 0 || grantpt(master) || unlockpt(master))
		die("a terminal");
	child = fork();
	if (!child) {
		int fd;

		setsid();
		fd = open(ptsname(master), O_RDWR);
		if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
			die("the terminal");
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(fd, 2);
		start(program);
	}
	while (len < sizeof(said) - 1 && (bytes = read(master, said + len, sizeof(said) - 1 - len)) > 0) {
		if (write(1, said + len, bytes) != bytes)
			die("writing");
		len += bytes;
		said[len] = 0;
		if (!typed && strstr(said, "ready")) {
			typed = 1;
			sleep(1);
			if (write(master, "\3", 1) != 1)
				die("typing");
		}
	}
	if (waitpid(child, &status, 0) != child)
		die("waiting");
	return ended_with(status);
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	if (!strcmp(how, "trace"))
		return trace(argv + 2);
	if (!strcmp(how, "attach"))
		return attach(atoi(argv[2]));
	if (!strcmp(how, "audit"))
		return audit(argv + 2);
	if (!strcmp(how, "filter"))
		filter(argv + 2);
	if (!strcmp(how, "terminal"))
		return terminal(argv + 2);
	fprintf(stderr, "usage: see the head of watcher.c\n");
	return 2;
}
