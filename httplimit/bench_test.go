package httplimit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
)

// instant is a limiter that takes no time.
type instant struct{}

var instantly = algorithms.Result{Allowed: true, Limit: 100, Remaining: 57, ResetAfter: 25_800 * time.Millisecond}

func (instant) Allow(context.Context, string) (algorithms.Result, error) { return instantly, nil }

func (instant) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return instantly, nil
}

func (instant) Peek(context.Context, string) (algorithms.Result, error) { return instantly, nil }

func (instant) PeekN(context.Context, string, int64) (algorithms.Result, error) {
	return instantly, nil
}

func (instant) Reset(context.Context, string) error { return nil }

func (i instant) Local() (algorithms.Limiter, error) { return i, nil }

func (instant) Limit() algorithms.Limit { return algorithms.PerMinute(100) }

// unwritten is a ResponseWriter that drops what is written, and takes no time.
type unwritten http.Header

func (u unwritten) Header() http.Header         { return http.Header(u) }
func (u unwritten) Write(b []byte) (int, error) { return len(b), nil }
func (u unwritten) WriteHeader(int)             {}

// BenchmarkMiddleware measures the middleware with a limiter that takes no time. The first measurement is the limiter alone.
func BenchmarkMiddleware(b *testing.B) {
	ctx, cancel := context.WithCancel(context.Background()) // a server's requests have a context that can be canceled
	defer cancel()
	request := httptest.NewRequest(http.MethodGet, "/items?key=7d3f", nil).WithContext(ctx)
	b.Run("limiter alone", func(b *testing.B) {
		b.ReportAllocs()
		var limiter algorithms.Limiter = instant{}
		for range b.N {
			if _, err := limiter.AllowN(request.Context(), "192.0.2.1", 1); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, variant := range []struct {
		name string
		opts []httplimit.Option
	}{
		{"default", nil},
		{"no timeout", []httplimit.Option{httplimit.Timeout(0)}},
		{"no headers", []httplimit.Option{httplimit.Headers(httplimit.NoHeaders)}},
		{"IETF headers", []httplimit.Option{httplimit.Headers(httplimit.IETFDraft11)}},
		{"behind a proxy", []httplimit.Option{httplimit.Key(httplimit.ClientIP(httplimit.TrustedProxies(1)))}},
		{"limit per user", []httplimit.Option{httplimit.LimitFunc(
			func(algorithms.Limit) (instant, error) { return instant{}, nil },
			func(*http.Request) algorithms.Limit { return algorithms.PerSecond(7) },
		)}},
		{"two limiters", []httplimit.Option{httplimit.Also(instant{}, httplimit.Name("more"))}},
		{"two limiters, charge each", []httplimit.Option{httplimit.ChargeEach(), httplimit.Also(instant{}, httplimit.Name("more"))}},
	} {
		middleware := must(httplimit.New(instant{}, variant.opts...))
		handler := middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		request := request.Clone(request.Context())
		request.Header.Set("X-Forwarded-For", "198.51.100.7, 203.0.113.9")
		b.Run(variant.name, func(b *testing.B) {
			b.ReportAllocs()
			w := unwritten{}
			for range b.N {
				clear(w)
				handler.ServeHTTP(w, request)
			}
		})
		b.Run(variant.name+", in parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				w := unwritten{}
				for pb.Next() {
					clear(w)
					handler.ServeHTTP(w, request)
				}
			})
		})
	}
}
