// Signals while the program computes, and while it waits for another thread.
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>
static volatile sig_atomic_t ticks;
static volatile double work = 1;
static void tick(int signal) {
  (void)signal;
  ticks++;
  for (int i = 0; i < 1000; i++) work = sqrt(work + i);
}
static double sum(double a[8], long n) {
  double s = 0;
  for (long i = 0; i < n; i++) s += a[i & 7] * (double)(i % 3), a[i & 7] += 0.5;
  return s;
}
#ifdef THREADS
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *holder(void *arg) {
  pthread_mutex_lock(&mutex);
  *(volatile int *)arg = 1;
  while (ticks < 8) {}
  pthread_mutex_unlock(&mutex);
  return 0;
}
#endif
int main(int argc, char **argv) {
  double a[8] = {1, 2, 3, 4, 5, 6, 7, 8}, b[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  double quiet = sum(a, 3000000);
  signal(SIGALRM, argc > 1 && !strcmp(argv[1], "default") ? SIG_DFL : tick);
  struct itimerval every = {{0, 5000}, {0, 5000}};
  setitimer(ITIMER_REAL, &every, 0);
  double noisy = sum(b, 3000000);
  while (ticks < 4) {}
  puts(quiet == noisy ? "same" : "different");
#ifdef THREADS
  pthread_t t;
  int held = 0;
  pthread_create(&t, 0, holder, &held);
  while (!*(volatile int *)&held) {}
  pthread_mutex_lock(&mutex);
  pthread_join(t, 0);
  puts("joined");
#endif
  puts(ticks >= 4 ? "ticked" : "silent");
  return 0;
}
