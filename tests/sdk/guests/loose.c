/* Callbacks as programs of the last century declare them: called with more arguments than they have, and another result. */
#include <stdio.h>

static int calls;

static int init()
{
	return ++calls;
}

static void finish(void)
{
	calls += 10;
}

int main(void)
{
	void *(*volatile with_argument)(void *, long) = (void *(*)(void *, long))(void *)init;
	int (*volatile with_result)(int) = (int (*)(int))(void *)finish;
	with_argument(&calls, 2);
	with_result(1);
	/* Not a whole line: it must be written at exit all the same. */
	printf("calls=%d", calls);
	return 0;
}
