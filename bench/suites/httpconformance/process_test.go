package httpconformance_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
)

// siteEnv is the environment variable that makes a process a web server. It holds the site.
const siteEnv = "WEIR_HTTP_SITE"

// A site is what a web server's process serves. The limiter of each path is the one that path describes.
type site struct {
	Client string            // load.GoRedis or load.Rueidis
	Redis  map[string]string // addresses by name
	Rates  []int64           // of the limits, each per year
	Prefix string            // of all keys
}

// path returns the path under which a web server uses that algorithm on that Redis, with that rate.
func path(redis, algorithm string, rate int64) string {
	return fmt.Sprintf("/%s/%s/%d", redis, algorithm, rate)
}

// options returns options with which the limiters of each rate have keys of their own.
func (s site) options(rate int64) []algorithms.Option {
	return []algorithms.Option{algorithms.WithPrefix(s.Prefix), algorithms.WithName(strconv.FormatInt(rate, 10))}
}

// serveAsProcess serves a site until standard input ends, and then ends the process, if the process is a web server.
// Otherwise it returns.
func serveAsProcess() {
	text := os.Getenv(siteEnv)
	if text == "" {
		return
	}
	if err := serveSite(text); err != nil {
		fmt.Fprintln(os.Stderr, "web server:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serveSite(text string) error {
	var s site
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return err
	}
	handler, err := s.handler()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := http.Server{Handler: handler}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s site) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	for name, addr := range s.Redis {
		run, _, err := load.Place{Addrs: []string{addr}, Patience: 2 * time.Minute}.Connect(context.Background(), s.Client)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			for _, rate := range s.Rates {
				limiter, err := a.Over(run)(yearly(rate), s.options(rate)...)
				if err != nil {
					return nil, err
				}
				mux.Handle(path(name, a.name, rate), strict(limiter)(served))
			}
		}
	}
	return mux, nil
}

// start starts a process that serves the site until the test ends, and returns its URL.
func (s site) start(t *testing.T) (url string) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.Command(self)
	// By default, the race detector delays the end of the process by a second.
	process.Env = append(os.Environ(), siteEnv+"="+string(text), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	var stderr strings.Builder
	process.Stderr = &stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := process.Wait(); err != nil || stderr.Len() > 0 {
			t.Errorf("a web server ended with %v and said %q", err, stderr.String())
		}
	})
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("a web server did not start: %v", err)
	}
	return "http://" + strings.TrimSpace(addr)
}
