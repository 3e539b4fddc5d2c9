package httpconformance_test

import (
	"context"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/dunglas/httpsfv"
	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/httplimit"
	"github.com/go-weir/weir/internal/errtest"
)

// A teller is a limiter that returns given results.
type teller struct {
	name   string
	result algorithms.Result
	limit  algorithms.Limit
}

func (l teller) AllowN(context.Context, string, int64) (algorithms.Result, error) {
	return l.result, nil
}

func (l teller) Allow(context.Context, string) (algorithms.Result, error) { return l.result, nil }

func (l teller) Peek(context.Context, string) (algorithms.Result, error) { return l.result, nil }

func (l teller) PeekN(context.Context, string, int64) (algorithms.Result, error) {
	return l.result, nil
}

func (l teller) Reset(context.Context, string) error { return nil }

func (l teller) Limit() algorithms.Limit { return l.limit }

var (
	names  = rapid.OneOf(rapid.StringN(1, -1, -1), rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, -1), func(b []byte) string { return string(b) }))
	spans  = rapid.Map(rapid.Int64(), func(n int64) time.Duration { return time.Duration(n) })
	limits = rapid.Custom(func(t *rapid.T) algorithms.Limit {
		return algorithms.Limit{Rate: rapid.Int64().Draw(t, "rate"), Period: spans.Draw(t, "period")}
	})
	tellers = rapid.Custom(func(t *rapid.T) teller {
		return teller{names.Draw(t, "name"), algorithms.Result{
			Allowed: rapid.Bool().Draw(t, "allowed"), Limit: rapid.Int64().Draw(t, "limit"), Remaining: rapid.Int64().Draw(t, "remaining"),
			RetryAfter: spans.Draw(t, "retry"), ResetAfter: spans.Draw(t, "reset"),
		}, limits.Draw(t, "of")}
	})
)

// answerOf returns the response of a middleware with all of the limiters.
func answerOf(limiters []teller, style httplimit.HeaderStyle) *httptest.ResponseRecorder {
	opts := []httplimit.Option{httplimit.Headers(style), httplimit.ChargeEach(), httplimit.Name(limiters[0].name), httplimit.Timeout(0), httplimit.OnFailure(httplimit.Refuse)}
	for _, l := range limiters[1:] {
		opts = append(opts, httplimit.Also(l, httplimit.Name(l.name), httplimit.Timeout(0), httplimit.OnFailure(httplimit.Refuse)))
	}
	w := httptest.NewRecorder()
	errtest.Must(httplimit.New(limiters[0], opts...))(served).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

func someTellers(t *rapid.T) []teller {
	return rapid.SliceOfNDistinct(tellers, 1, 6, func(l teller) string { return l.name }).Draw(t, "limiters")
}

// TestIETFFields: for any names of limiters and any numbers, an independent library parses both fields. It finds each name,
// and each number limited to the range of the field.
func TestIETFFields(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limiters := someTellers(t)
		w := answerOf(limiters, httplimit.IETFDraft11)
		policies, lefts := readItems(t, w.Header(), "RateLimit-Policy"), readItems(t, w.Header(), "RateLimit")
		if len(policies) != len(limiters) || len(lefts) != len(limiters) {
			t.Fatalf("%d and %d items, want %d", len(policies), len(lefts), len(limiters))
		}
		for i, l := range limiters {
			policy, left := policies[i], lefts[i]
			if policy.name != l.name || left.name != l.name {
				t.Fatalf("names %q and %q, want %q", policy.name, left.name, l.name)
			}
			if policy.numbers["q"] != inRange(l.result.Limit) || left.numbers["r"] != inRange(l.result.Remaining) {
				t.Fatalf("q=%d, r=%d of %+v", policy.numbers["q"], left.numbers["r"], l.result)
			}
			wait := l.result.ResetAfter
			if !l.result.Allowed {
				wait = l.result.RetryAfter
			}
			if seconds, told := left.numbers["t"]; !told || !isRoundedUp(seconds, wait) {
				t.Fatalf("t=%d for %v", seconds, wait)
			}
			if seconds, told := policy.numbers["w"]; told && !isWindow(seconds, l) {
				t.Fatalf("w=%d of %+v", seconds, l)
			}
			if known := len(policy.numbers) + len(left.numbers); known != 3 && (known != 4 || policy.numbers["w"] == 0) {
				t.Fatalf("parameters %v and %v", policy.numbers, left.numbers)
			}
		}
	})
}

// TestOtherFields: the numbers in the fields of the other styles are at least 0, and Retry-After is never early.
func TestOtherFields(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limiters := someTellers(t)
		style := rapid.SampledFrom([]httplimit.HeaderStyle{httplimit.XRateLimit, httplimit.XRateLimitUnix, httplimit.IETFDraft03}).Draw(t, "style")
		w := answerOf(limiters, style)
		prefix := "X-RateLimit-"
		if style == httplimit.IETFDraft03 {
			prefix = "RateLimit-"
		}
		for _, field := range []string{"Limit", "Remaining", "Reset"} {
			text := w.Header().Get(prefix + field)
			if n, err := strconv.ParseUint(text, 10, 63); err != nil || strconv.FormatUint(n, 10) != text {
				t.Fatalf("%s%s is %q", prefix, field, text)
			}
		}
		denied, longest := false, time.Duration(0)
		for _, l := range limiters {
			if !l.result.Allowed {
				denied, longest = true, max(longest, l.result.RetryAfter)
			}
		}
		seconds, err := strconv.ParseInt(w.Header().Get("Retry-After"), 10, 64)
		switch {
		case denied != (w.Code == http.StatusTooManyRequests):
			t.Fatalf("status %d of %+v", w.Code, limiters)
		case longest > 0 && (err != nil || !isRoundedUp(seconds, longest)):
			t.Fatalf("Retry-After is %q for %v", w.Header().Get("Retry-After"), longest)
		case longest == 0 && w.Header().Get("Retry-After") != "":
			t.Fatalf("Retry-After is %q where no wait is known", w.Header().Get("Retry-After"))
		}
	})
}

// An item is the part of a field that is about one limiter.
type item struct {
	name    string
	numbers map[string]int64
}

// readItems parses a field as a List of Strings with Integers as parameters.
func readItems(t *rapid.T, h http.Header, field string) (items []item) {
	list, err := httpsfv.UnmarshalList(h.Values(field))
	if err != nil {
		t.Fatalf("%s is %q: %v", field, h.Values(field), err)
	}
	for _, member := range list {
		read, isItem := member.(httpsfv.Item)
		encoded, isString := read.Value.(string)
		name, err := url.PathUnescape(encoded)
		if !isItem || !isString || err != nil {
			t.Fatalf("%s has the member %#v: %v", field, member, err)
		}
		numbers := map[string]int64{}
		for _, parameter := range read.Params.Names() {
			value, _ := read.Params.Get(parameter)
			n, isInteger := value.(int64)
			if !isInteger || n != inRange(n) {
				t.Fatalf("%s has %s=%v", field, parameter, value)
			}
			numbers[parameter] = n
		}
		items = append(items, item{name, numbers})
	}
	return items
}

// inRange returns the number nearest to n that a limiter's field can have.
func inRange(n int64) int64 { return min(max(n, 0), 999_999_999_999_999) }

// isRoundedUp reports whether seconds is d rounded up, or 0 if d is negative.
func isRoundedUp(seconds int64, d time.Duration) bool {
	if d <= 0 {
		return seconds == 0
	}
	return seconds == int64((d-1)/time.Second)+1
}

// isWindow reports whether the whole limit becomes available again in exactly this number of seconds.
func isWindow(seconds int64, l teller) bool {
	product := func(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }
	comesBack := product(l.result.Limit, int64(l.limit.Period))
	inWindow := new(big.Int).Mul(product(seconds, int64(time.Second)), big.NewInt(l.limit.Rate))
	return seconds >= 1 && comesBack.Cmp(inWindow) == 0
}
