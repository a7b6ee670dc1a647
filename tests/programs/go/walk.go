// Files: makes a tree in the directory that is named, changes it, walks it, and says what it finds.
package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func make_(root string) {
	for i := range 5 {
		dir := filepath.Join(root, fmt.Sprintf("d%d", i), "below")
		check(os.MkdirAll(dir, 0o755))
		for j := range 20 {
			name := filepath.Join(dir, fmt.Sprintf("f%02d", j))
			check(os.WriteFile(name, []byte(fmt.Sprintf("%d %d\n", i, j)), 0o644))
		}
	}
}

func change(root string) {
	first := filepath.Join(root, "d0", "below")
	check(os.Rename(filepath.Join(first, "f00"), filepath.Join(first, "renamed")))
	check(os.Remove(filepath.Join(first, "f01")))
	check(os.RemoveAll(filepath.Join(root, "d1")))
	check(os.Symlink("renamed", filepath.Join(first, "link")))
	check(os.Truncate(filepath.Join(first, "f02"), 1))
	when := time.Unix(1_000_000_000, 0)
	check(os.Chtimes(filepath.Join(first, "f03"), when, when))
	file, err := os.OpenFile(filepath.Join(first, "f04"), os.O_RDWR|os.O_APPEND, 0)
	check(err)
	_, err = file.WriteString("more\n")
	check(err)
	_, err = file.Seek(2, 0)
	check(err)
	part := make([]byte, 3)
	_, err = file.Read(part)
	check(err)
	check(file.Close())
	fmt.Printf("part %q\n", part)
}

func main() {
	root := os.Args[1]
	make_(root)
	change(root)
	sum := sha256.New()
	check(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		check(err)
		info, err := entry.Info()
		check(err)
		name, _ := filepath.Rel(root, path)
		fmt.Fprintln(sum, name, info.Mode().Type())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			check(err)
			fmt.Fprintln(sum, len(data), string(data))
		}
		return nil
	}))
	fmt.Printf("sum %x\n", sum.Sum(nil))
	info, err := os.Stat(filepath.Join(root, "d0", "below", "f03"))
	check(err)
	fmt.Println("time", info.ModTime().UTC())
	target, err := os.Readlink(filepath.Join(root, "d0", "below", "link"))
	check(err)
	fmt.Println("link", target)
	_, err = os.Stat(filepath.Join(root, "nothing"))
	fmt.Println("missing", errors.Is(err, fs.ErrNotExist))
	err = os.Mkdir(filepath.Join(root, "d0"), 0o755)
	fmt.Println("there", errors.Is(err, fs.ErrExist))
	check(os.RemoveAll(filepath.Join(root, "d0")))
	left, err := os.ReadDir(root)
	check(err)
	fmt.Println("left", len(left))
}
