extern int side_counter;
extern int side_add(int, int);
int second(void) { return side_add(100, 200) + side_counter; }
