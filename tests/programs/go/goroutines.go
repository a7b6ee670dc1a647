// Goroutines, channels, timers, locks and the garbage collector.
package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

type node struct {
	left, right *node
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{tree(depth - 1), tree(depth - 1)}
}

func (n *node) count() int {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func pipeline() int {
	source := make(chan int)
	go func() {
		defer close(source)
		for i := range 10_000 {
			source <- i
		}
	}()
	squares := make(chan int, 16)
	var workers sync.WaitGroup
	for range 8 {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for n := range source {
				squares <- n * n % 1009
			}
		}()
	}
	go func() {
		workers.Wait()
		close(squares)
	}()
	sum := 0
	for n := range squares {
		sum += n
	}
	return sum
}

func recovered() (what string) {
	defer func() { what = fmt.Sprint(recover()) }()
	var list []int
	return fmt.Sprint(list[len(list)])
}

func main() {
	fmt.Println("pipeline", pipeline())
	var lock sync.Mutex
	var all sync.WaitGroup
	total := 0
	for i := range 10_000 {
		all.Add(1)
		go func() {
			defer all.Done()
			runtime.Gosched()
			lock.Lock()
			total += i
			lock.Unlock()
		}()
	}
	all.Wait()
	fmt.Println("total", total)

	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	ticks := 0
	ticker := time.NewTicker(10 * time.Millisecond)
	for done := false; !done; {
		select {
		case <-ticker.C:
			ticks++
		case <-ctx.Done():
			done = true
		}
	}
	took := time.Since(begin)
	fmt.Println("timers", ticks >= 2, took >= 50*time.Millisecond, ctx.Err())

	nodes := 0
	for range 20 {
		nodes += tree(14).count()
	}
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	fmt.Println("nodes", nodes, stats.NumGC > 0)
	fmt.Println("recovered:", recovered())
}
