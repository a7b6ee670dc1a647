// Opens modules at run time; the one that it needs, it has from its beginning.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main_value = 3;
int main_twice(int x) { return 2 * x; }
int (*main_function)(int) = main_twice;
int main(void) {
  void *h = dlopen("./dl_side.so", RTLD_NOW | RTLD_GLOBAL);
  if (!h) return printf("no module: %s\n", dlerror()), 1;
  int (*add)(int, int) = (int (*)(int, int))dlsym(h, "side_add");
  int *counter = dlsym(h, "side_counter");
  int sum = add(1, 2);
  printf("add %d, counter %d\n", sum, *counter);
  *counter = 40;
  sum = add(1, 2);
  printf("add %d, counter %d\n", sum, *counter);
  main_value = 10;
  printf("add %d\n", add(1, 2));
  int (*apply)(int (*)(int), int) = (int (*)(int (*)(int), int))dlsym(h, "side_apply");
  printf("apply %d\n", apply(main_twice, 21));
  int (*(*get)(void))(int) = (int (*(*)(void))(int))dlsym(h, "side_get");
  printf("get %d, same %d\n", get()(5), get() == get());
  long long (*wide)(long long) = (long long (*)(long long))dlsym(h, "side_wide");
  printf("wide %lld\n", wide(1LL << 40));
  char *text = ((char *(*)(const char *))dlsym(h, "side_text"))("text");
  puts(text);
  free(text);
  printf("constructed %d\n", *(int *)dlsym(h, "side_constructed"));
  printf("table %s %s\n", ((char **)dlsym(h, "side_table"))[0], ((char **)dlsym(h, "side_table"))[2]);
  void *nothing = dlsym(h, "nothing");
  printf("unknown %d, error %d\n", nothing == 0, dlerror() != 0);
  printf("again %d\n", dlopen("./dl_side.so", RTLD_NOW) == h);
  void *missing = dlopen("./dl_none.so", RTLD_NOW);
  printf("missing %d, error %d\n", missing == 0, dlerror() != 0);
  void *second = dlopen("./dl_second.so", RTLD_LAZY);
  if (!second) return printf("no second: %s\n", dlerror()), 1;
  printf("second %d\n", ((int (*)(void))dlsym(second, "second"))());
  printf("close %d %d\n", dlclose(second), dlclose(h));
  return 0;
}
