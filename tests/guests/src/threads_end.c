// The ways in which a program with threads ends; the first argument says which.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *spin(void *arg) {
  volatile int *go = arg;
  while (!*go) {}
  return 0;
}
static void *sleeper(void *arg) {
  (void)arg;
  sleep(100);
  return 0;
}
static void *reader(void *arg) {
  char c;
  read(*(int *)arg, &c, 1);
  return 0;
}
static void *end(void *arg) {
  char *how = arg;
  usleep(20000);
  printf("in a thread");
  if (!strcmp(how, "exit")) exit(4);
  if (!strcmp(how, "_exit")) fflush(stdout), _exit(5);
  if (!strcmp(how, "abort")) fflush(stdout), abort();
  if (!strcmp(how, "trap")) fflush(stdout), __builtin_trap();
  return 0;
}
static void *grow(void *arg) {
  char *block = malloc(60 << 20);
  memset(block, 'g', 60 << 20);
  *(char **)arg = block;
  return 0;
}
int main(int argc, char **argv) {
  pthread_t t;
  static int never, fds[2];
  if (argc < 2) return 1;
  setvbuf(stdout, 0, _IOFBF, 1024);
  if (!strcmp(argv[1], "grow")) {
    char *block = 0;
    pthread_create(&t, 0, grow, &block);
    pthread_join(t, 0);
    printf("grown %c\n", block ? block[59 << 20] : '-');
    return 0;
  }
  if (!strcmp(argv[1], "many")) {
    int started = 0, error;
    while (!(error = pthread_create(&t, 0, sleeper, 0)) && started < 100) started++;
    printf("%d, then %s\n", started, strerror(error));
    return 0;
  }
  pipe(fds);
  pthread_create(&t, 0, spin, &never);
  pthread_create(&t, 0, sleeper, 0);
  pthread_create(&t, 0, reader, fds);
  pthread_create(&t, 0, end, argv[1]);
  if (!strcmp(argv[1], "main")) {
    usleep(60000);
    return 6;
  }
  if (!strcmp(argv[1], "read")) reader(fds);
  pthread_join(t, 0);
  pause();
  return 0;
}
