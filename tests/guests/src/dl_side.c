#include <stdio.h>
#include <stdlib.h>
#include <string.h>
extern int main_value;
extern int main_twice(int);
int side_counter = 30, side_constructed;
static int own = 4;
const char *side_table[] = {"first", "second", "third"};
static int thrice(int x) { return 3 * x + own; }
__attribute__((constructor)) static void construct(void) { side_constructed = main_value + 1; }
int side_add(int a, int b) {
  printf("adding %d\n", main_value);
  return a + b + side_counter++ + main_twice(main_value);
}
int side_apply(int (*f)(int), int x) { return f(x); }
int (*side_get(void))(int) { return thrice; }
long long side_wide(long long x) { return x * 3 + own; }
char *side_text(const char *text) {
  char *copy = malloc(100);
  snprintf(copy, 100, "%s of %d: %s", text, (int)strlen(text), side_table[1]);
  return copy;
}
