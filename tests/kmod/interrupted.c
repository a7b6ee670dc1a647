/*
 * A guest that SIGINT meets, at what its argument says: "compute", "read", "poll" or "sleep". It has a handler, ends with 7, and
 * tells how the wait ended.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_interrupt(int signal)
{
	caught++;
}

static int is(const char *word, const char *other)
{
	return strcmp(word, other) == 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	struct sigaction action = { .sa_handler = on_interrupt };
	struct pollfd input = { 0, POLLIN, 0 };
	volatile unsigned int rounds = 0;
	char byte;
	int result = 0;

	errno = 0;
	sigaction(SIGINT, &action, NULL);
	puts("ready");
	fflush(stdout);
	if (is(how, "compute"))
		while (!caught)
			rounds++;
	else if (is(how, "read"))
		result = (int)read(0, &byte, 1);
	else if (is(how, "poll"))
		result = poll(&input, 1, -1);
	else if (is(how, "sleep"))
		result = sleep(1000) != 0;
	printf("%d: %s\n", result, strerror(errno));
	/* It goes on. */
	while (rounds++ % 4096)
		;
	printf("caught %d\n", (int)caught);
	return 7;
}
