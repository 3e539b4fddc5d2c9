package httplimit_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// left returns a limiter that always admits, with this number remaining.
func left(remaining int64) algorithms.Limiter {
	return fixed{result: algorithms.Result{Allowed: true, Limit: 100, Remaining: remaining, ResetAfter: time.Minute}}
}

var denies = fixed{result: algorithms.Result{Limit: 5, RetryAfter: 7 * time.Second, ResetAfter: 9 * time.Second}}

// opaque hides the optional methods of a ResponseWriter, as many middlewares do.
func opaque(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

func unchanged(next http.Handler) http.Handler { return next }

func timeout(next http.Handler) http.Handler { return http.TimeoutHandler(next, time.Hour, "") }

// TestNested: with nested middlewares the fields are those of the limiter that matters most, and lists have the
// items of both, whatever is between them.
func TestNested(t *testing.T) {
	for _, c := range []struct {
		name         string
		outer, inner algorithms.Limiter
		code         int
		remaining    string // "" for a request that the outer one denies
		lists        string
	}{
		{"the outer has less left", left(3), left(97), 200, "3", `"outer";r=3;t=60, "inner";r=97;t=60`},
		{"the inner has less left", left(97), left(3), 200, "3", `"outer";r=97;t=60, "inner";r=3;t=60`},
		{"the inner denies", left(97), denies, 429, "0", `"outer";r=97;t=60, "inner";r=0;t=7`},
		{"the inner denies what costs more than is left", left(0), fixed{result: algorithms.Result{Limit: 5, Remaining: 2, RetryAfter: time.Second}}, 429, "2", `"outer";r=0;t=60, "inner";r=2;t=1`},
		{"the outer denies", denies, left(97), 429, "0", `"outer";r=0;t=7`},
	} {
		for between, middleware := range map[string]func(http.Handler) http.Handler{"nothing": unchanged, "a wrapper": opaque, "TimeoutHandler": timeout} {
			for style, field := range map[httplimit.HeaderStyle]string{httplimit.XRateLimit: "X-RateLimit-Remaining", httplimit.IETFDraft03: "RateLimit-Remaining", httplimit.IETFDraft11: "RateLimit"} {
				seen := ""
				inner := limitOf(c.inner, httplimit.Name("inner"), httplimit.Headers(style))(http.HandlerFunc(
					func(w http.ResponseWriter, _ *http.Request) { seen = w.Header().Get(field) }))
				w := get(limitOf(c.outer, httplimit.Name("outer"), httplimit.Headers(style))(middleware(inner)), "192.0.2.1")
				want := c.remaining
				if style == httplimit.IETFDraft11 {
					if want = c.lists; between == "TimeoutHandler" {
						continue // TimeoutHandler replaces fields instead of adding to them
					}
				}
				if w.Code != c.code {
					t.Errorf("%s, %s between: status %d, want %d", c.name, between, w.Code, c.code)
				}
				if between != "TimeoutHandler" && w.Code == http.StatusOK && seen != want {
					t.Errorf("%s, %s between: the handler sees %s %q, want %q", c.name, between, field, seen, want)
				}
				t.Run(c.name+", "+between+" between, "+field, func(t *testing.T) { wantFields(t, w, map[string]string{field: want}) })
			}
		}
	}
}

// proxyOf returns a server with a middleware over a limiter, around a ReverseProxy to an upstream.
func proxyOf(t *testing.T, limiter algorithms.Limiter, style httplimit.HeaderStyle, upstream http.HandlerFunc) *httptest.Server {
	t.Helper()
	behind := httptest.NewServer(upstream)
	t.Cleanup(behind.Close)
	proxy := httputil.NewSingleHostReverseProxy(must(url.Parse(behind.URL)))
	server := httptest.NewServer(limitOf(limiter, httplimit.Headers(style), httplimit.Timeout(0))(proxy))
	t.Cleanup(server.Close)
	return server
}

// TestReverseProxy: an upstream with its own limits doesn't double the fields, and one that sends an informational
// response first doesn't remove them.
func TestReverseProxy(t *testing.T) {
	for _, c := range []struct {
		name      string
		remaining string // upstream's; "" for no fields
		early     bool
		code      int
		want      string
	}{
		{"no fields", "", false, 200, "limit 100, remaining 50, reset 60"},
		{"more left", "70", false, 200, "limit 100, remaining 50, reset 60"},
		{"less left", "20", false, 200, "limit 500, remaining 20, reset 4"},
		{"denied", "60", false, 429, "limit 500, remaining 60, reset 4"},
		{"denied without fields", "", false, 429, "limit 100, remaining 50, reset 60"},
		{"no number", "many", false, 200, "limit 100, remaining 50, reset 60"},
		{"early hints, no fields", "", true, 200, "limit 100, remaining 50, reset 60"},
		{"early hints, more left", "70", true, 200, "limit 100, remaining 50, reset 60"},
		{"early hints, less left", "20", true, 200, "limit 500, remaining 20, reset 4"},
	} {
		upstream := func(w http.ResponseWriter, _ *http.Request) {
			if c.early {
				w.Header().Set("Link", "</style.css>; rel=preload")
				w.WriteHeader(http.StatusEarlyHints)
				w.WriteHeader(http.StatusProcessing)
			}
			if c.remaining != "" {
				for _, field := range [][2]string{{"Limit", "500"}, {"Remaining", c.remaining}, {"Reset", "4"}} {
					w.Header().Set("X-RateLimit-"+field[0], field[1])
					w.Header().Set("RateLimit-"+field[0], field[1])
				}
			}
			w.WriteHeader(c.code)
			fmt.Fprint(w, "served")
		}
		for style, prefix := range map[httplimit.HeaderStyle]string{httplimit.XRateLimit: "X-RateLimit-", httplimit.IETFDraft03: "RateLimit-"} {
			server := proxyOf(t, left(50), style, upstream)
			hints := 0
			trace := &httptrace.ClientTrace{Got1xxResponse: func(int, textproto.MIMEHeader) error { hints++; return nil }}
			request := must(http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), http.MethodGet, server.URL, nil))
			status, header, _ := do(t, request)
			values := func(name string) string { return strings.Join(header.Values(prefix+name), " | ") }
			got := fmt.Sprintf("limit %s, remaining %s, reset %s", values("Limit"), values("Remaining"), values("Reset"))
			if got != c.want || status != c.code || (hints == 2) != c.early {
				t.Errorf("%s, %s: status %d after %d hints, %s, want %s", c.name, prefix, status, hints, got, c.want)
			}
		}
	}
}

// TestReverseProxyLists: the lists have the items of the upstream too, and stay after an informational response.
func TestReverseProxyLists(t *testing.T) {
	for _, early := range []bool{false, true} {
		server := proxyOf(t, left(50), httplimit.IETFDraft11, func(w http.ResponseWriter, _ *http.Request) {
			if early {
				w.WriteHeader(http.StatusEarlyHints)
			}
			w.Header().Set("RateLimit-Policy", `"upstream";q=7`)
			w.Header().Set("RateLimit", `"upstream";r=6;t=1`)
		})
		_, header, _ := do(t, must(http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil)))
		for name, want := range map[string]string{
			"RateLimit-Policy": `"default";q=100, "upstream";q=7`, "RateLimit": `"default";r=50;t=60, "upstream";r=6;t=1`,
		} {
			if got := strings.Join(header.Values(name), ", "); got != want {
				t.Errorf("early %v: %s is %q, want %q", early, name, got, want)
			}
		}
	}
}

// TestHandlersOwnFields: if a handler removes the fields, they aren't sent. If it sets them, the fields of the tightest
// limiter are sent.
func TestHandlersOwnFields(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler func(http.Header)
		want    string
	}{
		{"removed", func(h http.Header) { clear(h) }, ""},
		{"one removed", func(h http.Header) { h.Del("X-RateLimit-Remaining") }, ""},
		{"less", func(h http.Header) { h.Set("X-RateLimit-Remaining", "4") }, "4"},
		{"more", func(h http.Header) { h.Set("X-RateLimit-Remaining", "400") }, "50"},
	} {
		for how, write := range map[string]func(http.ResponseWriter){
			"Write":       func(w http.ResponseWriter) { _, _ = w.Write(nil) },
			"WriteString": func(w http.ResponseWriter) { _, _ = io.WriteString(w, "") },
			"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) },
			"ReadFrom":    func(w http.ResponseWriter) { _, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("a")) },
			"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
			"controller":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
			"nothing":     func(http.ResponseWriter) {},
		} {
			h := limitOf(left(50))(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c.handler(w.Header())
				write(w)
			}))
			if got := get(h, "192.0.2.1").Result().Header.Get("X-RateLimit-Remaining"); got != c.want {
				t.Errorf("%s, then %s: %q remaining, want %q", c.name, how, got, c.want)
			}
		}
	}
}

type (
	plain     struct{ http.ResponseWriter }
	flushes   struct{ flushed *int }
	hijacks   struct{}
	pushes    struct{}
	deadlined struct{ plain }
)

func (f flushes) Flush() { *f.flushed++ }

func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errHijacked }

func (pushes) Push(target string, _ *http.PushOptions) error { return errors.New("pushed " + target) }

func (deadlined) SetWriteDeadline(time.Time) error { return errDown }

var errHijacked = errors.New("hijacked")

// TestResponseWriters: the next handler's ResponseWriter can do what the server's can, and nothing else.
func TestResponseWriters(t *testing.T) {
	flushed := 0
	f := flushes{&flushed}
	p := func() plain { return plain{httptest.NewRecorder()} }
	for _, w := range []http.ResponseWriter{
		p(), deadlined{p()},
		struct {
			plain
			flushes
		}{p(), f},
		struct {
			plain
			hijacks
		}{p(), hijacks{}},
		struct {
			plain
			pushes
		}{p(), pushes{}},
		struct {
			plain
			flushes
			hijacks
		}{p(), f, hijacks{}},
		struct {
			plain
			flushes
			pushes
		}{p(), f, pushes{}},
		struct {
			plain
			hijacks
			pushes
		}{p(), hijacks{}, pushes{}},
		struct {
			plain
			flushes
			hijacks
			pushes
		}{p(), f, hijacks{}, pushes{}},
	} {
		limitOf(left(50))(http.HandlerFunc(func(inner http.ResponseWriter, _ *http.Request) {
			_, before := w.(http.Flusher)
			if flusher, after := inner.(http.Flusher); before != after {
				t.Errorf("%T: Flusher %v, was %v", w, after, before)
			} else if after {
				flushed = 0
				if flusher.Flush(); flushed != 1 {
					t.Errorf("%T: flushed %d times", w, flushed)
				}
			}
			_, before = w.(http.Hijacker)
			if hijacker, after := inner.(http.Hijacker); before != after {
				t.Errorf("%T: Hijacker %v, was %v", w, after, before)
			} else if after {
				if _, _, err := hijacker.Hijack(); !errors.Is(err, errHijacked) {
					t.Errorf("%T: %v", w, err)
				}
			}
			_, before = w.(http.Pusher)
			if pusher, after := inner.(http.Pusher); before != after {
				t.Errorf("%T: Pusher %v, was %v", w, after, before)
			} else if after {
				if err := pusher.Push("/a", nil); err == nil || err.Error() != "pushed /a" {
					t.Errorf("%T: %v", w, err)
				}
			}
			_, deadline := w.(deadlined)
			if err := http.NewResponseController(inner).SetWriteDeadline(time.Time{}); errors.Is(err, errDown) != deadline {
				t.Errorf("%T: SetWriteDeadline: %v", w, err)
			}
		})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	}
}

// TestServesFiles: a file is sent whole, and in parts if a client asks for ranges.
func TestServesFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(limitOf(left(50))(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })))
	defer server.Close()
	for requested, want := range map[string]int{"": 100_000, "bytes=99990-": 10} {
		request := must(http.NewRequestWithContext(context.Background(), http.MethodGet, server.URL, nil))
		if requested != "" {
			request.Header.Set("Range", requested)
		}
		_, header, body := do(t, request)
		if len(body) != want || header.Get("X-RateLimit-Remaining") != "50" {
			t.Errorf("%q: %d bytes, header %v, want %d bytes", requested, len(body), header, want)
		}
	}
}
