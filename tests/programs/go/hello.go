// Arguments, environment, standard input, exit status.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
)

func main() {
	fmt.Println("hello from go:", strings.Join(os.Args[1:], " "))
	env := os.Environ()
	sort.Strings(env)
	for _, variable := range env {
		if strings.HasPrefix(variable, "PROGRAM_") {
			fmt.Println(variable)
		}
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println("read", strings.ToUpper(lines.Text()))
	}
	fmt.Fprintln(os.Stderr, "bye")
	os.Exit(len(os.Args))
}
