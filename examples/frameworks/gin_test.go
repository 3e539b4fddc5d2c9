package frameworks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/examples/frameworks"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/httplimit"
)

// routerOf returns a router with a limit of two an hour in front of a handler.
func routerOf(t *testing.T, handler gin.HandlerFunc) *gin.Engine {
	t.Helper()
	gin.SetMode(gin.TestMode)
	limiter, err := gcra.NewLocal(algorithms.PerHour(2), algorithms.WithClock(noon))
	if err != nil {
		t.Fatal(err)
	}
	limit, err := httplimit.New(limiter)
	if err != nil {
		t.Fatal(err)
	}
	router := gin.New()
	router.Use(frameworks.Gin(limit))
	router.GET("/", handler)
	return router
}

// TestGin: no handler runs after a 429.
func TestGin(t *testing.T) {
	handled := 0
	router := routerOf(t, func(c *gin.Context) {
		handled++
		c.String(http.StatusAccepted, "served")
	})
	for i, want := range []string{"202 served 1", "202 served 0", `429 {"detail":"Request was throttled. Expected available in 1800 seconds."} 0`} {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if got := fmt.Sprint(w.Code, " ", w.Body, " ", w.Header().Get("X-RateLimit-Remaining")); got != want {
			t.Errorf("request %d: %s, want %s", i+1, got, want)
		}
	}
	if handled != 2 {
		t.Errorf("%d requests handled, want 2", handled)
	}
}

// TestGinReverseProxy: the fields of an upstream aren't added to the middleware's.
func TestGinReverseProxy(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("X-RateLimit-Remaining", "70")
		_, _ = io.WriteString(w, "served")
	}))
	defer upstream.Close()
	to, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	server := httptest.NewServer(routerOf(t, func(c *gin.Context) { proxy.ServeHTTP(c.Writer, c.Request) }))
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Values("X-RateLimit-Remaining"); len(got) != 1 || got[0] != "1" {
		t.Errorf("remaining %q, want 1, once", got)
	}
}
