/*
 * Runs a program whose system calls are watched, as strace(1), auditd(8) and sandboxes do it.
 *
 *     watch trace COMMAND...     prints how many writes to descriptor 1 a tracer saw
 *     watch filter COMMAND...    a seccomp filter answers ENOSPC to them
 *     watch audit COMMAND...     a rule has them logged
 *
 * Ends as the program does.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int check(long status, const char *what)
{
	if (status < 0) {
		perror(what);
		exit(125);
	}
	return status;
}

static int ended(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int is_write(const struct user_regs_struct *regs)
{
	return (regs->orig_rax == SYS_write || regs->orig_rax == SYS_writev) && regs->rdi == 1;
}

static int trace(pid_t child)
{
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_EXITKILL;
	int status, signal, result = 1, seen = 0;
	struct user_regs_struct regs;
	pid_t one;

	check(waitpid(child, &status, 0), "waitpid");
	check(ptrace(PTRACE_SETOPTIONS, child, 0, options), "PTRACE_SETOPTIONS");
	check(ptrace(PTRACE_SYSCALL, child, 0, 0), "PTRACE_SYSCALL");
	while ((one = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (one == child)
				result = ended(status);
			continue;
		}
		signal = WSTOPSIG(status);
		if (signal == (SIGTRAP | 0x80)) {
			/* Calls stop twice; the first time their result is not there yet. */
			if (ptrace(PTRACE_GETREGS, one, 0, &regs) == 0 && is_write(&regs) && (long)regs.rax == -ENOSYS)
				seen++;
			signal = 0;
		} else if (signal == SIGTRAP || signal == SIGSTOP) {
			signal = 0;
		}
		ptrace(PTRACE_SYSCALL, one, 0, (long)signal);
	}
	fprintf(stderr, "watch: %d writes\n", seen);
	return result;
}

static void filter(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_writev, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(rules) / sizeof(*rules), rules };

	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	check(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "PR_SET_SECCOMP");
}

static void tell_audit(int type, const void *data, size_t bytes)
{
	struct {
		struct nlmsghdr h;
		char data[NLMSG_ALIGN(sizeof(struct audit_rule_data))];
	} message = { .h = { .nlmsg_len = NLMSG_LENGTH(bytes), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	struct { struct nlmsghdr h; struct nlmsgerr e; char rest[1024]; } answer;
	int fd = check(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT), "NETLINK_AUDIT");

	memcpy(message.data, data, bytes);
	check(send(fd, &message, message.h.nlmsg_len, 0), "send");
	check(recv(fd, &answer, sizeof(answer), 0), "recv");
	errno = -answer.e.error;
	check(answer.e.error, "audit");
	close(fd);
}

static void audit(int on)
{
	struct audit_status status = { .mask = AUDIT_STATUS_ENABLED, .enabled = on };
	struct audit_rule_data rule = { .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS, .field_count = 1 };
	int calls[] = { SYS_write, SYS_writev };

	for (unsigned int i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		rule.mask[AUDIT_WORD(calls[i])] |= AUDIT_BIT(calls[i]);
	rule.fields[0] = AUDIT_ARG0;
	rule.values[0] = 1;
	rule.fieldflags[0] = AUDIT_EQUAL;
	tell_audit(AUDIT_SET, &status, sizeof(status));
	tell_audit(on ? AUDIT_ADD_RULE : AUDIT_DEL_RULE, &rule, sizeof(rule));
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";
	int tracing = !strcmp(how, "trace"), auditing = !strcmp(how, "audit"), status;
	pid_t child;

	if (!tracing && !auditing && strcmp(how, "filter")) {
		fputs("usage: watch trace|filter|audit COMMAND...\n", stderr);
		return 125;
	}
	if (auditing)
		audit(1);
	child = check(fork(), "fork");
	if (!child) {
		if (tracing)
			check(ptrace(PTRACE_TRACEME, 0, 0, 0), "PTRACE_TRACEME");
		else if (!auditing)
			filter();
		execvp(argv[2], argv + 2);
		check(-1, argv[2]);
	}
	if (tracing)
		return trace(child);
	check(waitpid(child, &status, 0), "waitpid");
	if (auditing)
		audit(0);
	return ended(status);
}
