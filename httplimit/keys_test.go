package httplimit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-weir/weir/httplimit"
)

type (
	contextKey struct{}
	userID     int64
	userName   string
	account    struct{ id string }
)

func (a account) String() string { return a.id }

func TestKeys(t *testing.T) {
	request := func(change func(*http.Request)) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/items/7?key=7d3f&key=other&empty=", nil)
		change(r)
		return r
	}
	with := func(name string, values ...string) *http.Request {
		return request(func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values })
	}
	valued := func(value any) *http.Request {
		return request(func(*http.Request) {}).WithContext(context.WithValue(context.Background(), contextKey{}, value))
	}
	plain := request(func(*http.Request) {})
	for _, c := range []struct {
		name string
		key  httplimit.KeyFunc
		r    *http.Request
		want string
	}{
		{"header", httplimit.Header("x-api-key"), with("X-API-Key", "a", "b"), "a"},
		{"no header", httplimit.Header("x-api-key"), plain, ""},
		{"query", httplimit.Query("key"), plain, "7d3f"},
		{"empty query", httplimit.Query("empty"), plain, ""},
		{"no query", httplimit.Query("key"), httptest.NewRequest(http.MethodGet, "/", nil), ""},
		{"escaped query", httplimit.Query("a+b"), httptest.NewRequest(http.MethodGet, "/?a%2bb=%37d+3f", nil), "7d 3f"},
		{"malformed query", httplimit.Query("key"), httptest.NewRequest(http.MethodGet, "/?key=%zz&%zz=1&key;=2&key=7d3f", nil), "7d3f"},
		{"authorization", httplimit.Authorization("Api-Key"), with("Authorization", "api-key  7d3f "), "7d3f"},
		{"authorization after a tab", httplimit.Authorization("Api-Key"), with("Authorization", "Api-Key\t7d3f"), "7d3f"},
		{"another scheme", httplimit.Authorization("Api-Key"), with("Authorization", "Bearer 7d3f"), ""},
		{"a longer scheme", httplimit.Authorization("Api"), with("Authorization", "Api-Key 7d3f"), ""},
		{"a scheme alone", httplimit.Authorization("Api-Key"), with("Authorization", "Api-Key"), ""},
		{"no authorization", httplimit.Authorization("Api-Key"), plain, ""},
		{"basic", httplimit.BasicAuthUser(), request(func(r *http.Request) { r.SetBasicAuth("alice", "secret") }), "alice"},
		{"no basic", httplimit.BasicAuthUser(), plain, ""},
		{"context string", httplimit.ContextValue(contextKey{}), valued("alice"), "alice"},
		{"context named string", httplimit.ContextValue(contextKey{}), valued(userName("alice")), "alice"},
		{"context integer", httplimit.ContextValue(contextKey{}), valued(-7), "-7"},
		{"context named integer", httplimit.ContextValue(contextKey{}), valued(userID(7)), "7"},
		{"context unsigned", httplimit.ContextValue(contextKey{}), valued(uint8(7)), "7"},
		{"context Stringer", httplimit.ContextValue(contextKey{}), valued(account{"a7"}), "a7"},
		{"context nil Stringer", httplimit.ContextValue(contextKey{}), valued((*account)(nil)), ""},
		{"context of no use", httplimit.ContextValue(contextKey{}), valued(1.5), ""},
		{"no context", httplimit.ContextValue(contextKey{}), plain, ""},
		{"path", httplimit.Path(), plain, "/items/7"},
		{"pattern", httplimit.Pattern(), request(func(r *http.Request) { r.Pattern = "GET /items/{id}" }), "GET /items/{id}"},
		{"no pattern", httplimit.Pattern(), plain, ""},
		{"no path", httplimit.Path(), &http.Request{URL: &url.URL{Host: "example.com"}}, "/"}, // GET http://example.com
		{"path of OPTIONS", httplimit.Path(), &http.Request{URL: &url.URL{Path: "*"}}, "/*"},
		{"scope", httplimit.Scope("uploads"), plain, "uploads"},
		{"join", httplimit.Join(httplimit.Scope("uploads"), httplimit.Query("key")), plain, "uploads|7d3f"},
		{"join of one that is none", httplimit.Join(httplimit.Scope("uploads"), httplimit.Header("Absent")), plain, ""},
		{"join escapes", httplimit.Join(httplimit.Scope(`a|b`), httplimit.Scope(`c\`)), plain, `a\|b|c\\`},
		{"first", httplimit.First(httplimit.Query("key"), httplimit.ClientIP()), plain, "0:7d3f"},
		{"the second is the first", httplimit.First(httplimit.Header("Absent"), httplimit.ClientIP()), plain, "1:192.0.2.1"},
		{"none is the first", httplimit.First(httplimit.Header("Absent")), plain, ""},
		{"hashed", httplimit.Hashed(httplimit.Scope("abc")), plain, "ungWv48Bz-pBQUDeXa4iIw"}, // FIPS 180-4's example
		{"nothing hashed", httplimit.Hashed(httplimit.Header("Absent")), plain, ""},
	} {
		if got := c.key(c.r); got != c.want {
			t.Errorf("%s: key %q, want %q", c.name, got, c.want)
		}
	}
}

// TestPathAsWritten: a client gets no separate allowance by writing the same path in another way.
func TestPathAsWritten(t *testing.T) {
	for _, written := range []string{"/a/b", "//a/b", "/a//b", "/a/b/", "/a/./b", "/x/../a/b", "/%61/b", "/a%2fb", "/../a/b?x", "/a/b//#x"} {
		target, err := url.Parse(written)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(written, "//") { // in a request's first line this isn't a host
			target = &url.URL{Path: written}
		}
		if got := httplimit.Path()(&http.Request{URL: target}); got != "/a/b" {
			t.Errorf("%q: key %q, want /a/b", written, got)
		}
	}
}

// TestHugeQuery: Query allocates memory only for the key, however many other parameters there are.
func TestHugeQuery(t *testing.T) {
	r := &http.Request{URL: &url.URL{RawQuery: strings.Repeat("a=%41&k+y&%zz&%4&;&", 100_000) + "key=%37d3f"}}
	key := httplimit.Query("key")
	if got := key(r); got != "7d3f" {
		t.Errorf("key %q, want 7d3f", got)
	}
	if n := testing.AllocsPerRun(10, func() { key(r) }); n > 1 {
		t.Errorf("%v allocations, want that of the value", n)
	}
}

// FuzzQuery: Query returns the same value of a parameter as net/url, however the query is written.
func FuzzQuery(f *testing.F) {
	f.Add("key=1&key=2", "key")
	f.Add("%6bey=%31;&%zz&=&k%65y=+%31&key", "key")
	f.Fuzz(func(t *testing.T, query, name string) {
		if name == "" || strings.Count(query, "&") > 1000 {
			return
		}
		values, _ := url.ParseQuery(query) // malformed parameters are left out
		if got, want := httplimit.Query(name)(&http.Request{URL: &url.URL{RawQuery: query}}), values.Get(name); got != want {
			t.Fatalf("%q of %q is %q, want %q", name, query, got, want)
		}
	})
}

// TestPatternInsideMux: the pattern is known to a middleware inside the ServeMux.
func TestPatternInsideMux(t *testing.T) {
	var key string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(_ http.ResponseWriter, r *http.Request) { key = httplimit.Pattern()(r) })
	if get := httptest.NewRequest(http.MethodGet, "/items/7", nil); serve(mux, get).Code != 200 || key != "GET /items/{id}" {
		t.Errorf("key %q", key)
	}
}

// FuzzJoin: different lists of keys are never joined to the same key.
func FuzzJoin(f *testing.F) {
	f.Add("a|b", "c", "a", "b|c")
	f.Add(`a\`, `|b`, `a\|`, "b")
	f.Add(`a\`, "b", "c", "a|b")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		joined := map[string][]string{}
		for _, parts := range [][]string{{a, b}, {c, d}, {a}, {d}, {a, b, c}, {a, b, c, d}, {b, a}, {a + b, c}, {a, b + c}} {
			if slices.Contains(parts, "") {
				continue
			}
			var keys []httplimit.KeyFunc
			for _, part := range parts {
				keys = append(keys, httplimit.Scope(part))
			}
			key := httplimit.Join(keys...)(nil)
			if other, known := joined[key]; known && !slices.Equal(other, parts) {
				t.Fatalf("%q and %q are both %q", other, parts, key)
			}
			joined[key] = parts
		}
	})
}
