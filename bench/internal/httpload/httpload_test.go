package httpload

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/command"
	"github.com/go-weir/weir/internal/resptest"
)

// do runs the command and returns what it printed.
func do(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = command.Run(ctx, append([]string{"http"}, args...), nil, &out, &err, Command())
	return code, out.String(), err.String()
}

// serve starts a server.
func serve(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// succeed sends a load, and returns what was printed and the document that was written.
func succeed(t *testing.T, args ...string) (string, report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "load.json")
	code, stdout, stderr := do(t.Context(), append(args, "-json", path)...)
	if code != 0 || stderr != "" {
		t.Fatalf("http %q: exit code %d, stderr %q", args, code, stderr)
	}
	return stdout, readReport(t, path)
}

func readReport(t *testing.T, path string) (r report) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestEvenly: the command sends the given number of requests, with the given method and header, and counts all responses.
func TestEvenly(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if r.Method != http.MethodPut || r.Host != "example" || !reflect.DeepEqual(r.Header["X-List"], []string{"a, b", "c"}) || r.Header.Get("X-Vegeta-Seq") != "" {
			t.Errorf("the request is %s to %s with %v", r.Method, r.Host, r.Header)
		}
		switch {
		case n <= 10:
			w.WriteHeader(http.StatusNoContent)
		case n <= 15:
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case n == 16:
			w.Header().Set("Retry-After", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 17:
			w.Header().Set("Retry-After", "soon")
			w.WriteHeader(http.StatusServiceUnavailable)
		case n == 18:
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("Retry-After", []string{"7", "12"}[n%2])
			w.WriteHeader(http.StatusTooManyRequests)
		}
	})
	stdout, r := succeed(t, url, "-n", "40", "-d", "80ms", "-method", "PUT", "-H", "X-List: a, b", "-H", "X-List: c", "-H", "Host: example")
	if want := map[int]int{204: 10, 302: 5, 503: 2, 429: 22}; r.Requests != 40 || r.Answered != 39 || !reflect.DeepEqual(r.Statuses, want) {
		t.Errorf("%d requests, %d answered: %v, want %v", r.Requests, r.Answered, r.Statuses, want)
	}
	if want := map[string]int{"the connection was closed": 1}; !reflect.DeepEqual(r.Errors, want) {
		t.Errorf("errors are %v, want %v", r.Errors, want)
	}
	if want := (retryAfter{Answers: 23, Min: 0, Max: 12}); *r.RetryAfter != want {
		t.Errorf("Retry-After is %+v, want %+v", *r.RetryAfter, want)
	}
	if l := r.Latency; l.Min < 1 || l.P50 < l.Min || l.P99 < l.P50 || l.Max < l.P99 || r.Rate <= 0 {
		t.Errorf("latency is %+v, %v a second", l, r.Rate)
	}
	for _, want := range []string{
		"PUT " + url + ": 40 requests over 80ms\n", "\n204 No Content ", "\n429 Too Many Requests ", " 22  55.0\n",
		"\nnone: the connection was closed ", "39 of 40 requests answered in ", "Latency of the answered: p50 ", "Retry-After, in 23 answers: 0s to 12s.\n",
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("there is no %q in\n%s", want, stdout)
		}
	}
}

// TestNotWaiting: requests are sent at their times, even if none is answered before all are sent.
func TestNotWaiting(t *testing.T) {
	const all = 20
	var come atomic.Int64
	enough := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		if come.Add(1) == all {
			close(enough)
		}
		<-enough
	})
	if _, r := succeed(t, url, "-n", "20", "-d", "20ms"); r.Statuses[200] != all {
		t.Errorf("answers are %v, want %d", r.Statuses, all)
	}
}

// TestConnections: the given number of connections send requests at the same time, and never more.
func TestConnections(t *testing.T) {
	const all = 8
	var come, now, most atomic.Int64
	enough := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		if come.Add(1) == all {
			close(enough)
		}
		<-enough
	})
	stdout, r := succeed(t, "-c", "8", "-d", "300ms", url)
	if most.Load() != all || r.Requests < all || r.Requests != r.Statuses[200] {
		t.Errorf("%d requests at once, %d in all, answers %v", most.Load(), r.Requests, r.Statuses)
	}
	if !strings.Contains(stdout, ": 8 connections for 300ms\n") {
		t.Errorf("printed is\n%s", stdout)
	}
}

// TestTimeout: requests without a response in time are errors of one kind. If all are, the command fails.
func TestTimeout(t *testing.T) {
	release := make(chan struct{})
	url := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	code, stdout, stderr := do(t.Context(), url, "-n", "3", "-d", "1ms", "-timeout", "30ms")
	if code != command.Failed || stderr != "bench: no request was answered: no answer within 30ms\n" || !strings.Contains(stdout, "none: no answer within 30ms         3  100.0\n") {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestInterrupted: the results so far are printed and written, and requests in progress are abandoned.
func TestInterrupted(t *testing.T) {
	for name, load := range map[string][]string{"evenly": {"-n", "100", "-d", "24h"}, "connections": {"-c", "1", "-d", "24h"}} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			release := make(chan struct{})
			defer close(release)
			var asked atomic.Int64
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked.Add(1) > 1 {
					<-release
					return
				}
				conn, rest, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
				_, _ = rest.ReadByte() // the client closes the connection after it has read the response
				interrupt()
			})
			path := filepath.Join(t.TempDir(), "load.json")
			code, stdout, stderr := do(ctx, append(load, url, "-timeout", "24h", "-json", path)...)
			if code != command.Interrupted || stderr != "bench: interrupted\n" || !strings.Contains(stdout, "1 of 1 request answered") || !strings.Contains(stdout, "Interrupted: ") {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
			}
			if r := readReport(t, path); !r.Interrupted || r.Requests != 1 || r.Statuses[200] != 1 {
				t.Errorf("what is kept is %+v", r)
			}
		})
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("there is a request") })
	if code, stdout, stderr := do(ctx, url); code != command.Interrupted || stdout != "" || stderr != "bench: interrupted\n" {
		t.Errorf("interrupted at once: exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// TestFailures: with an unusable server or invalid arguments, the command writes one line to stderr and prints nothing.
func TestFailures(t *testing.T) {
	closed := resptest.Refusing(t)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"http://" + closed}, command.Failed, "can't reach the server at " + closed},
		{[]string{"https://no-such-host.invalid/"}, command.Failed, "can't reach the server at no-such-host.invalid:https"},
		{[]string{"http://127.0.0.1", "-json", "/no/such/dir/x.json"}, command.Failed, "can't write /no/such/dir/x.json: no such file"},
		{nil, command.Misused, "want one URL"},
		{[]string{"http://a", "http://b"}, command.Misused, "want one URL"},
		{[]string{"localhost:80"}, command.Misused, "want http://HOST"},
		{[]string{"ftp://localhost"}, command.Misused, "want http://HOST"},
		{[]string{"http:///path"}, command.Misused, "want http://HOST"},
		{[]string{"http://me:secret@[::1"}, command.Misused, "want http://HOST"},
		{[]string{"http://a", "-n", "0"}, command.Misused, "-n: 0, want 1 to 1000000"},
		{[]string{"http://a", "-n", "x"}, command.Misused, "x"},
		{[]string{"http://a", "-d", "0s"}, command.Misused, "-d: 0s, want 1ms to 24h"},
		{[]string{"http://a", "-d", "25h"}, command.Misused, "want 1ms to 24h"},
		{[]string{"http://a", "-timeout", "0s"}, command.Misused, "-timeout: 0s, want 1ms to 24h"},
		{[]string{"http://a", "-c", "0"}, command.Misused, "-c: 0, want 1 to 10000"},
		{[]string{"http://a", "-c", "1", "-n", "1"}, command.Misused, "want only one of -n and -c"},
		{[]string{"http://a", "-H", "no field"}, command.Misused, `"no field" is not a header field, want NAME: VALUE`},
		{[]string{"http://a", "-H", "A b: c"}, command.Misused, "want NAME: VALUE"},
		{[]string{"http://a", "-method", "GE T"}, command.Misused, "-method: "},
	} {
		code, stdout, stderr := do(t.Context(), test.args...)
		if code != test.code || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) || strings.Contains(stderr, "secret") {
			t.Errorf("http %q: exit code %d, stdout %q, stderr %q, want %d and %q in it", test.args, code, stdout, stderr, test.code, test.want)
		}
	}
}

// TestManyErrors: of very many kinds of errors only the most frequent ones are printed, but all are counted.
func TestManyErrors(t *testing.T) {
	u, _ := url.Parse("http://me:secret@127.0.0.1/")
	r := newReport(Load{Method: "GET", URL: u, Requests: 100, Over: time.Second})
	for i := range 30 {
		for range i + 1 {
			r.add(&Result{Error: `Get "http://127.0.0.1/": reason ` + strconv.Itoa(i)})
		}
	}
	r.finish()
	text := r.text()
	for _, want := range []string{"none: reason 29 ", "none: reason 20 ", "none: other reasons       210 ", "0 of 465 requests answered.\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "reason 19 ") || strings.Contains(text, "secret") {
		t.Errorf("printed is\n%s", text)
	}
}
