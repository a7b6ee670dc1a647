// An HTTP server on the listener that was passed in as descriptor 3.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		fmt.Println("no listener:", err)
		os.Exit(1)
	}
	mux := http.NewServeMux()
	done := make(chan struct{})
	mux.HandleFunc("GET /hello/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello %s\n", r.PathValue("name"))
	})
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		fmt.Fprintln(w, "slow")
	})
	mux.HandleFunc("GET /large", func(w http.ResponseWriter, r *http.Request) {
		line := []byte("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n")
		for range 64 * 1024 {
			w.Write(line)
		}
	})
	mux.HandleFunc("POST /count", func(w http.ResponseWriter, r *http.Request) {
		bytes, err := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, bytes, err)
	})
	mux.HandleFunc("POST /quit", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "bye")
		close(done)
	})
	server := &http.Server{Handler: mux}
	go func() {
		<-done
		time.Sleep(50 * time.Millisecond)
		server.Close()
	}()
	fmt.Println("ready")
	if err := server.Serve(listener); err != http.ErrServerClosed {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("closed")
}
