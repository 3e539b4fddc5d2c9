package httplimit_test

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-weir/weir/httplimit"
)

// TestSettleResponse: the function of Settle gets a correct Response, however the handler writes its answer, on a real
// server.
func TestSettleResponse(t *testing.T) {
	controller := http.NewResponseController
	for _, c := range []struct {
		name    string
		handler func(w http.ResponseWriter, r *http.Request)
		want    httplimit.Response
	}{
		{"nothing", func(http.ResponseWriter, *http.Request) {}, httplimit.Response{Status: 200}},
		{"a body", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("four"))
			_, _ = io.WriteString(w, "seven..")
		}, httplimit.Response{Status: 200, Written: 11}},
		{"a status", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }, httplimit.Response{Status: 401, Written: 3}},
		{"two statuses", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusCreated)
			w.WriteHeader(http.StatusTeapot)
		}, httplimit.Response{Status: 201}},
		{"early hints", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusNotFound)
		}, httplimit.Response{Status: 404}},
		{"a copy", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.Copy(w, strings.NewReader(strings.Repeat("x", 100_000)))
			w.WriteHeader(http.StatusTeapot)
		}, httplimit.Response{Status: 200, Written: 100_000}},
		{"a copy by ReadFrom", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(struct{ io.Reader }{strings.NewReader("file")})
			w.WriteHeader(http.StatusTeapot)
		}, httplimit.Response{Status: 200, Written: 4}},
		{"an empty copy", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader(""))
			w.WriteHeader(http.StatusTeapot)
		}, httplimit.Response{Status: 418}},
		{"a flush", func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(http.StatusTeapot)
		}, httplimit.Response{Status: 200}},
		{"a flush by controller", func(w http.ResponseWriter, _ *http.Request) {
			if err := controller(w).Flush(); err != nil {
				t.Error(err)
			}
		}, httplimit.Response{Status: 200}},
		{"a deadline by controller", func(w http.ResponseWriter, _ *http.Request) {
			if err := controller(w).SetWriteDeadline(time.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			_, _ = w.Write([]byte("four"))
		}, httplimit.Response{Status: 200, Written: 4}},
		{"past the writer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(interface{ Unwrap() http.ResponseWriter }).Unwrap().Write([]byte("four"))
		}, httplimit.Response{Hijacked: true}},
		{"a hijack", func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := w.(http.Hijacker).Hijack()
			answerHijacked(t, conn, buffered, err)
		}, httplimit.Response{Hijacked: true}},
		{"a hijack by controller", func(w http.ResponseWriter, _ *http.Request) {
			conn, buffered, err := controller(w).Hijack()
			answerHijacked(t, conn, buffered, err)
		}, httplimit.Response{Hijacked: true}},
		{"an upgrade", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusSwitchingProtocols)
			conn, buffered, err := controller(w).Hijack()
			answerHijacked(t, conn, buffered, err)
		}, httplimit.Response{Status: 101, Hijacked: true}},
		{"an abort", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("four"))
			panic(http.ErrAbortHandler)
		}, httplimit.Response{Status: 200, Written: 4, Panicked: true}},
		{"an abort at once", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, httplimit.Response{Panicked: true}},
		{"the goroutine's end", func(http.ResponseWriter, *http.Request) { runtime.Goexit() }, httplimit.Response{Panicked: true}},
	} {
		for way, around := range map[string]func(http.Handler) http.Handler{"nothing": unchanged, "a wrapper": unwraps} {
			for _, style := range []httplimit.HeaderStyle{httplimit.NoHeaders, httplimit.XRateLimit, httplimit.IETFDraft11} {
				t.Run(fmt.Sprintf("%s, %s around, style %v", c.name, way, style), func(t *testing.T) {
					want := c.want
					if way == "a wrapper" {
						switch c.name {
						case "a flush", "a hijack":
							return // the wrapper has no methods Flush and Hijack
						case "a flush by controller":
							want = httplimit.Response{Hijacked: true} // it may be, as the controller unwraps the writer
						}
					}
					got := make(chan httplimit.Response, 1)
					ledger := newLedger()
					limit := limitOf(ledger, ofOneKey, costs4, httplimit.Headers(style), httplimit.Settle(func(r *http.Request, response httplimit.Response) int64 {
						if r.URL.Path != "/path" {
							t.Errorf("the function was called for %v", r.URL)
						}
						got <- response
						return 1
					}))
					server := httptest.NewUnstartedServer(around(limit(http.HandlerFunc(c.handler))))
					server.Config.ErrorLog = log.New(io.Discard, "", 0)
					server.Start()
					defer server.Close()
					client := server.Client()
					client.Timeout = time.Minute
					if response, err := client.Get(server.URL + "/path"); err == nil {
						_, _ = io.Copy(io.Discard, response.Body)
						_ = response.Body.Close()
					}
					if response := <-got; response != want {
						t.Errorf("the function got %+v, want %+v", response, want)
					}
					server.Close() // waits until the handler has returned
					if want.Hijacked || want.Panicked {
						ledger.is(t, 4)
					} else {
						ledger.is(t, 1, 1)
					}
				})
			}
		}
	}
}

// unwraps hides the optional methods of a ResponseWriter, except from http.ResponseController.
func unwraps(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(unwrapper{w}, r) })
}

type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

func answerHijacked(t *testing.T, conn io.Closer, buffered *bufio.ReadWriter, err error) {
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = buffered.WriteString("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	_ = buffered.Flush()
	_ = conn.Close()
}
