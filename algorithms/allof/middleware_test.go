package allof_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/scripts"
)

// TestMiddleware: httplimit asks a Limiter, and its Local if the server is away.
func TestMiddleware(t *testing.T) {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	for name, run := range map[string]scripts.Runner{"server": server(t), "away": &answering{err: errors.New("no connection")}} {
		l, err := allof.New(must(gcra.New(run, algorithms.PerHour(5))), must(fixedwindow.New(run, algorithms.PerDay(3))))
		if err != nil {
			t.Fatal(err)
		}
		limit, err := httplimit.New(l, httplimit.Key(func(*http.Request) string { return "k" }), httplimit.Timeout(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		handler := limit(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
		for i, want := range []string{"204 2", "204 1", "204 0", "429 0"} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
			if got := fmt.Sprint(answer.Code, " ", answer.Header().Get("X-RateLimit-Remaining")); got != want {
				t.Errorf("%s, request %d: %s %v, want %s", name, i+1, got, answer.Header(), want)
			}
		}
	}
}
