package httplimit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
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
		{"authorization", httplimit.Authorization("Api-Key"), with("Authorization", "api-key  7d3f "), "7d3f"},
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
		{"context of no use", httplimit.ContextValue(contextKey{}), valued(1.5), ""},
		{"no context", httplimit.ContextValue(contextKey{}), plain, ""},
		{"path", httplimit.Path(), plain, "/items/7"},
		{"pattern", httplimit.Pattern(), request(func(r *http.Request) { r.Pattern = "GET /items/{id}" }), "GET /items/{id}"},
		{"no pattern", httplimit.Pattern(), plain, ""},
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

// TestPatternInsideMux: the pattern is known to a middleware inside the ServeMux.
func TestPatternInsideMux(t *testing.T) {
	var key string
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(_ http.ResponseWriter, r *http.Request) { key = httplimit.Pattern()(r) })
	if get := httptest.NewRequest(http.MethodGet, "/items/7", nil); serve(mux, get).Code != 200 || key != "GET /items/{id}" {
		t.Errorf("key %q", key)
	}
}

func TestClientIP(t *testing.T) {
	behind := httplimit.TrustedProxies
	both := func(n int) []httplimit.IPOption { return []httplimit.IPOption{behind(n), httplimit.Forwarded()} }
	for _, c := range []struct {
		name   string
		opts   []httplimit.IPOption
		remote string
		header []string // X-Forwarded-For, or Forwarded where opts say so
		want   string
	}{
		{"peer", nil, "192.0.2.1:4711", nil, "192.0.2.1"},
		{"peer without a port", nil, "192.0.2.1", nil, "192.0.2.1"},
		{"peer is believed alone", nil, "192.0.2.1:4711", []string{"198.51.100.7"}, "192.0.2.1"},
		{"v6", nil, "[2001:db8:1:2:3:4:5:6]:4711", nil, "2001:db8:1:2::/64"},
		{"v6 with a zone", nil, "[fe80::1%eth0]:4711", nil, "fe80::/64"},
		{"v6 for a /56", []httplimit.IPOption{httplimit.IPv6Prefix(56)}, "[2001:db8:1:2ff::1]:4711", nil, "2001:db8:1:200::/56"},
		{"v6 for itself", []httplimit.IPOption{httplimit.IPv6Prefix(128)}, "[2001:DB8::0001%eth0]:4711", nil, "2001:db8::1"},
		{"v4 as v6", nil, "[::ffff:192.0.2.1]:4711", nil, "192.0.2.1"},
		{"v4 as v6 in hexadecimal", nil, "[::ffff:c000:201%1]:4711", nil, "192.0.2.1"},
		{"a Unix socket", nil, "@", nil, "unknown"},
		{"nothing", nil, "", nil, "unknown"},

		{"one proxy", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"one proxy, spoofed", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"one proxy, spoofed in another line", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		{"two proxies", []httplimit.IPOption{behind(2)}, "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7, 10.0.0.2"}, "198.51.100.7"},
		{"two proxies in two lines", []httplimit.IPOption{behind(2)}, "10.0.0.1:1", []string{"1.1.1.1,198.51.100.7", "10.0.0.2"}, "198.51.100.7"},
		{"fewer than trusted", []httplimit.IPOption{behind(3)}, "10.0.0.1:1", []string{"198.51.100.7, 10.0.0.2"}, "10.0.0.1"},
		{"none at all", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", nil, "10.0.0.1"},
		{"no address", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"an empty entry is one", []httplimit.IPOption{behind(2)}, "10.0.0.1:1", []string{"198.51.100.7,,10.0.0.2"}, "10.0.0.1"},
		{"with a port", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		{"v6 in XFF", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"2001:db8::1"}, "2001:db8::/64"},
		{"v6 with a port in XFF", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{" [2001:db8::1]:4711 "}, "2001:db8::/64"},
		{"zeros in front", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"198.051.100.007"}, "10.0.0.1"},

		{"forwarded", both(1), "10.0.0.1:1", []string{"for=198.51.100.7;proto=http;by=203.0.113.43"}, "198.51.100.7"},
		{"any case and order", both(1), "10.0.0.1:1", []string{"proto=https; FOR=198.51.100.7"}, "198.51.100.7"},
		{"quoted v6", both(1), "10.0.0.1:1", []string{`for="[2001:db8:cafe::17]:4711"`}, "2001:db8:cafe::/64"},
		{"quoted v4 with a port", both(1), "10.0.0.1:1", []string{`for="198.51.100.7:80"`}, "198.51.100.7"},
		{"a port without quotation marks", both(1), "10.0.0.1:1", []string{`for=198.51.100.7:80`}, "198.51.100.7"},
		{"quoted pairs", both(1), "10.0.0.1:1", []string{`for="198.51.\100.7"`}, "198.51.100.7"},
		{"a comma inside quotation marks", both(2), "10.0.0.1:1", []string{`for=198.51.100.7;by="a,b;for=1.1.1.1", for=10.0.0.2`}, "198.51.100.7"},
		{"spoofed on the left", both(1), "10.0.0.1:1", []string{"for=1.1.1.1, for=198.51.100.7"}, "198.51.100.7"},
		{"spoofed in another line", both(1), "10.0.0.1:1", []string{`for="1.1.1.1`, "for=198.51.100.7"}, "198.51.100.7"},
		{"a quotation mark left open", both(1), "10.0.0.1:1", []string{`for=1.1.1.1, for=", for=198.51.100.7`}, "10.0.0.1"},
		{"a quotation mark left open before another", both(2), "10.0.0.1:1", []string{`for=1.1.1.1, for=", for=198.51.100.7, for="[2001:db8::2]"`}, "10.0.0.1"},
		{"unknown", both(1), "10.0.0.1:1", []string{"for=unknown"}, "10.0.0.1"},
		{"hidden", both(1), "10.0.0.1:1", []string{`for="_hidden:_port"`}, "10.0.0.1"},
		{"no for", both(2), "10.0.0.1:1", []string{"for=1.1.1.1, by=198.51.100.7, for=10.0.0.2"}, "10.0.0.1"},
		{"two forwarded lines", both(2), "10.0.0.1:1", []string{"for=1.1.1.1, for=198.51.100.7", "for=10.0.0.2"}, "198.51.100.7"},
		{"fewer entries", both(3), "10.0.0.1:1", []string{"for=198.51.100.7, for=10.0.0.2"}, "10.0.0.1"},
		{"malformed", both(1), "10.0.0.1:1", []string{"for = 198.51.100.7"}, "10.0.0.1"},
		{"no Forwarded", both(1), "10.0.0.1:1", nil, "10.0.0.1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		name, other := "X-Forwarded-For", "Forwarded"
		if len(c.opts) > 1 {
			name, other = other, name
		}
		r.Header[name] = c.header
		r.Header.Set(other, "for=1.2.3.4") // the field that isn't asked for is not looked at
		if got := httplimit.ClientIP(c.opts...)(r); got != c.want {
			t.Errorf("%s: key %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzClientIP: whatever a client has written on the left, in lines of its own or in the proxies', the key is what the
// proxies have added on the right; or the peer, if the client's part makes a line malformed.
func FuzzClientIP(f *testing.F) {
	for _, seed := range []string{"", "1.1.1.1", "1.1.1.1, ", `for="`, `for=1.1.1.1;by="\`, `for=1.1.1.1, for="`, "for=[::1]", ",,;;", `"for=1.1.1.1`, "for=\x00"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, spoofed string, ownLine bool) {
		header := func(comma string, added ...string) []string {
			trusted := strings.Join(added, comma)
			if ownLine {
				return []string{spoofed, trusted}
			}
			return []string{spoofed + comma + trusted}
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = "10.0.0.1:4711"
		r.Header["X-Forwarded-For"] = header(", ", "198.51.100.7", "10.0.0.2")
		if got := httplimit.ClientIP(httplimit.TrustedProxies(2))(r); got != "198.51.100.7" {
			t.Fatalf("%q: key %q, want what the outer proxy saw", r.Header["X-Forwarded-For"], got)
		}
		for _, inner := range []string{"for=10.0.0.2", `for="[2001:db8::2]:4711"`, `for=10.0.0.2;by="a\"b"`} {
			r.Header["Forwarded"] = header(", ", "for=198.51.100.7", inner)
			got := httplimit.ClientIP(httplimit.TrustedProxies(2), httplimit.Forwarded())(r)
			if got != "198.51.100.7" && (ownLine || got != "10.0.0.1") {
				t.Fatalf("%q: key %q, want what the outer proxy saw", r.Header["Forwarded"], got)
			}
		}
		// Alone, it may be anything, but is an address or none.
		for _, key := range []httplimit.KeyFunc{httplimit.ClientIP(), httplimit.ClientIP(httplimit.TrustedProxies(1)), httplimit.ClientIP(httplimit.TrustedProxies(1), httplimit.Forwarded())} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = spoofed
			r.Header["X-Forwarded-For"], r.Header["Forwarded"] = []string{spoofed}, []string{spoofed}
			if got := key(r); got != "unknown" && !isKeyOfAddress(got) {
				t.Fatalf("%q: key %q is no address", spoofed, got)
			}
		}
	})
}

// FuzzJoin: different lists of keys are never joined to the same.
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
