// Threads as POSIX has them. What it prints does not depend on who is first.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define N 6
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_key_t key;
static _Thread_local int mine = 7;
static atomic_int destroyed, detached, cleaned;
static long counter;
static int pipes[2];

static void *count(void *arg) {
  mine += (int)(long)arg;
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return (void *)(long)mine;
}
static void destroy(void *value) { destroyed += (int)(long)value; }
static void *with_key(void *arg) {
  pthread_setspecific(key, arg);
  pthread_exit((void *)5);
}
static void *leave(void *arg) {
  (void)arg;
  detached++;
  return 0;
}
static void clean(void *arg) { cleaned += (int)(long)arg; }
static void unlock(void *arg) { pthread_mutex_unlock(arg); }
static void *wait_for_ever(void *arg) {
  (void)arg;
  pthread_mutex_lock(&mutex);
  pthread_cleanup_push(unlock, &mutex);
  pthread_cleanup_push(clean, (void *)3);
  for (;;) pthread_cond_wait(&cond, &mutex);
  pthread_cleanup_pop(1);
  pthread_cleanup_pop(1);
  return 0;
}
static void *spin(void *arg) {
  volatile int *stop = arg;
  while (!*stop) pthread_testcancel();
  return 0;
}
static void *read_pipe(void *arg) {
  (void)arg;
  char text[16] = {0};
  ssize_t n = read(pipes[0], text, sizeof text - 1);
  printf("read %d %s\n", (int)n, text);
  n = read(pipes[0], text, sizeof text);
  printf("end %d\n", (int)n);
  return 0;
}
static sem_t sem;
static pthread_barrier_t barrier;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static atomic_int onces, serial, order;
static void init_once(void) { onces++; }
static void *meet(void *arg) {
  (void)arg;
  pthread_once(&once, init_once);
  pthread_rwlock_rdlock(&rwlock);
  order++;
  pthread_rwlock_unlock(&rwlock);
  if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) serial++;
  sem_post(&sem);
  return 0;
}
static void *files(void *arg) {
  // Descriptors, the directory and the mask are the process's.
  if (chdir((char *)arg)) perror("chdir");
  umask(027);
  return (void *)(long)open("made", O_CREAT | O_RDWR, 0666);
}
static void *allocate(void *arg) {
  long sum = 0;
  for (int i = 0; i < 300; i++) {
    size_t n = 1000 + (size_t)i * 37 * (1 + (long)arg);
    char *p = malloc(n);
    memset(p, i, n);
    sum += p[n / 2];
    free(p);
  }
  return (void *)sum;
}
static void *nested(void *arg) {
  pthread_t t;
  void *r;
  if ((long)arg == 0) return 0;
  pthread_create(&t, 0, nested, (void *)((long)arg - 1));
  pthread_join(t, &r);
  return (void *)((long)r + 1);
}

int main(int argc, char **argv) {
  pthread_t t[N];
  void *r;
  for (long i = 0; i < N; i++) pthread_create(t + i, 0, count, (void *)i);
  long sum = 0;
  for (int i = 0; i < N; i++) pthread_join(t[i], &r), sum += (long)r;
  printf("count %ld, own %ld, mine %d\n", counter, sum, mine);

  pthread_key_create(&key, destroy);
  for (long i = 0; i < N; i++) pthread_create(t + i, 0, with_key, (void *)(i + 1));
  for (int i = sum = 0; i < N; i++) pthread_join(t[i], &r), sum += (long)r;
  printf("exit %ld, destroyed %d\n", sum, destroyed);

  for (int i = 0; i < 40; i++) {
    pthread_t d;
    while (pthread_create(&d, 0, leave, 0)) usleep(1000);
    pthread_detach(d);
  }
  while (detached < 40) usleep(1000);
  puts("detached");

  pthread_create(t, 0, wait_for_ever, 0);
  usleep(20000);
  pthread_cancel(t[0]);
  pthread_join(t[0], &r);
  printf("cancelled %d, cleaned %d\n", r == PTHREAD_CANCELED, cleaned);
  int stop = 0;
  pthread_create(t, 0, spin, &stop);
  pthread_cancel(t[0]);
  pthread_join(t[0], &r);
  printf("cancelled %d\n", r == PTHREAD_CANCELED);

  struct timespec soon;
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 30000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_nsec -= 1000000000, soon.tv_sec++;
  pthread_mutex_lock(&mutex);
  printf("timed out %d\n", pthread_cond_timedwait(&cond, &mutex, &soon) == ETIMEDOUT);
  pthread_mutex_unlock(&mutex);

  if (pipe(pipes)) return 1;
  pthread_create(t, 0, read_pipe, 0);
  usleep(10000);
  write(pipes[1], "hello", 5);
  usleep(10000);
  close(pipes[1]);
  pthread_join(t[0], 0);

  sem_init(&sem, 0, 0);
  pthread_barrier_init(&barrier, 0, N);
  pthread_rwlock_wrlock(&rwlock);
  for (long i = 0; i < N; i++) pthread_create(t + i, 0, meet, 0);
  usleep(10000);
  printf("locked out %d\n", order == 0);
  pthread_rwlock_unlock(&rwlock);
  for (int i = 0; i < N; i++) sem_wait(&sem);
  for (int i = 0; i < N; i++) pthread_join(t[i], 0);
  printf("met %d, once %d, serial %d\n", order, onces, serial);

  if (argc > 1) {
    pthread_create(t, 0, files, argv[1]);
    pthread_join(t[0], &r);
    struct stat st = {0};
    int fd = (int)(long)r;
    printf("wrote %d", (int)write(fd, "x", 1));
    fstat(fd, &st);
    printf(", size %d, %d\n", (int)st.st_size, access("made", R_OK));
    unlink("made");
  }
  for (long i = 0; i < N; i++) pthread_create(t + i, 0, allocate, (void *)i);
  for (int i = sum = 0; i < N; i++) pthread_join(t[i], &r), sum += (long)r;
  printf("allocated %ld\n", sum);
  pthread_create(t, 0, nested, (void *)5);
  pthread_join(t[0], &r);
  printf("nested %ld\n", (long)r);
  return 0;
}
