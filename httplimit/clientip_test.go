package httplimit_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-weir/weir/httplimit"
)

func TestClientIP(t *testing.T) {
	behind := httplimit.TrustedProxies
	both := func(n int) []httplimit.IPOption { return []httplimit.IPOption{behind(n), httplimit.Forwarded()} }
	for _, c := range []struct {
		name   string
		opts   []httplimit.IPOption
		remote string
		header []string // X-Forwarded-For, or Forwarded if opts say so
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
		{"v4 behind NAT64", nil, "[64:ff9b::192.0.2.1]:4711", nil, "192.0.2.1"},
		{"v4 behind NAT64, and a zone", []httplimit.IPOption{httplimit.IPv6Prefix(48)}, "[64:ff9b::c000:201%eth0]:4711", nil, "192.0.2.1"},
		{"v4 behind a NAT64 of local use", nil, "[64:ff9b:1::192.0.2.1]:4711", nil, "64:ff9b:1::c000:201"},
		{"another v4 behind it", nil, "[64:ff9b:1::192.0.2.2]:4711", nil, "64:ff9b:1::c000:202"},
		{"next to NAT64", nil, "[64:ff9b::1:0:0]:4711", nil, "64:ff9b::/64"},
		{"6to4", nil, "[2002:c000:201:77::1]:4711", nil, "192.0.2.1"},
		{"Teredo", nil, "[2001:0:4136:e378:8000:63bf:3fff:fdfe]:4711", nil, "192.0.2.1"}, // RFC 4380 has the bits inverted
		{"v4 behind NAT64 in XFF", []httplimit.IPOption{behind(1)}, "10.0.0.1:1", []string{"64:ff9b::198.51.100.7"}, "198.51.100.7"},
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
		{"a quotation mark left open", both(1), "10.0.0.1:1", []string{`for=1.1.1.1, for=", for=198.51.100.7`}, "198.51.100.7"},
		{"a quotation mark left open before another", both(2), "10.0.0.1:1", []string{`for=1.1.1.1, for=", for=198.51.100.7, for="[2001:db8::2]"`}, "198.51.100.7"},
		{"unknown", both(1), "10.0.0.1:1", []string{"for=unknown"}, "10.0.0.1"},
		{"hidden", both(1), "10.0.0.1:1", []string{`for="_hidden:_port"`}, "10.0.0.1"},
		{"no for", both(2), "10.0.0.1:1", []string{"for=1.1.1.1, by=198.51.100.7, for=10.0.0.2"}, "10.0.0.1"},
		{"two forwarded lines", both(2), "10.0.0.1:1", []string{"for=1.1.1.1, for=198.51.100.7", "for=10.0.0.2"}, "198.51.100.7"},
		{"fewer entries", both(3), "10.0.0.1:1", []string{"for=198.51.100.7, for=10.0.0.2"}, "10.0.0.1"},
		{"quoted with a quotation mark in it", both(1), "10.0.0.1:1", []string{`for=1.1.1.1, for=198.51.100.7;by="a\"b\\"`}, "198.51.100.7"},
		{"further away than is read", both(2), "10.0.0.1:1", []string{"for=198.51.100.7, for=10.0.0.2;by=" + strings.Repeat("x", 8200)}, "10.0.0.1"},
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
		r.Header.Set(other, "for=1.2.3.4") // must be ignored
		if got := httplimit.ClientIP(c.opts...)(r); got != c.want {
			t.Errorf("%s: key %q, want %q", c.name, got, c.want)
		}
	}
}

// FuzzClientIP: whatever a client has written on the left, in separate lines or in the proxies' line, the key is the address
// that the proxies have added on the right.
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
		for _, inner := range []string{"for=10.0.0.2", `for="[2001:db8::2]:4711"`, `for=10.0.0.2;by="a\"b"`, `for=10.0.0.2;by=",\\"`} {
			r.Header["Forwarded"] = header(", ", "for=198.51.100.7", inner)
			if got := httplimit.ClientIP(httplimit.TrustedProxies(2), httplimit.Forwarded())(r); got != "198.51.100.7" {
				t.Fatalf("%q: key %q, want what the outer proxy saw", r.Header["Forwarded"], got)
			}
		}
		networks := httplimit.TrustedNetworks(netip.MustParsePrefix("10.0.0.0/8"))
		if got := httplimit.ClientIP(networks)(r); got != "198.51.100.7" {
			t.Fatalf("%q: key %q, want what the outer proxy saw", r.Header["X-Forwarded-For"], got)
		}
		if got := httplimit.ClientIP(networks, httplimit.Forwarded())(r); got != "198.51.100.7" {
			t.Fatalf("%q: key %q, want what the outer proxy saw", r.Header["Forwarded"], got)
		}
		// If there is only the client's text, the key must be that of an address, or "unknown".
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

// TestTrustedNetworks: proxies are recognized by their networks. Fields from other hosts are ignored.
func TestTrustedNetworks(t *testing.T) {
	networks := func(texts ...string) httplimit.IPOption {
		var all []netip.Prefix
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return httplimit.TrustedNetworks(all...)
	}
	inside := networks("10.0.0.0/8", "2001:db8:1::/48")
	for _, c := range []struct {
		name, remote string
		lines        []string
		want         string
	}{
		{"no proxy", "198.51.100.7:1", nil, "198.51.100.7"},
		{"no proxy, spoofed", "198.51.100.7:1", []string{"1.1.1.1"}, "198.51.100.7"},
		{"one proxy", "10.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"one proxy, spoofed", "10.0.0.1:1", []string{"1.1.1.1, 10.0.0.9,198.51.100.7"}, "198.51.100.7"},
		{"three proxies", "10.0.0.1:1", []string{"1.1.1.1, 198.51.100.7 , [2001:db8:1::2]:4711", "10.0.0.3"}, "198.51.100.7"},
		{"a v6 client", "10.0.0.1:1", []string{"2001:db8:2:3::1, 10.0.0.2"}, "2001:db8:2:3::/64"},
		{"a proxy that writes v4 as v6", "[::ffff:10.0.0.1]:1", []string{"198.51.100.7, ::ffff:10.2.3.4"}, "198.51.100.7"},
		{"a proxy with a zone", "[2001:db8:1::1%eth0]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"the client is inside too", "10.0.0.1:1", []string{"10.0.0.7, 10.0.0.2"}, "10.0.0.7"},
		{"an entry that is no address", "10.0.0.1:1", []string{"198.51.100.7, unknown, 10.0.0.2"}, "10.0.0.2"},
		{"an empty entry", "10.0.0.1:1", []string{"198.51.100.7,,10.0.0.2"}, "10.0.0.2"},
		{"an empty line", "10.0.0.1:1", []string{"198.51.100.7", ""}, "10.0.0.1"},
		{"no field", "10.0.0.1:1", nil, "10.0.0.1"},
		{"a Unix socket", "@", []string{"198.51.100.7"}, "unknown"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.lines
		if got := httplimit.ClientIP(inside)(r); got != c.want {
			t.Errorf("%s: key %q, want %q", c.name, got, c.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "10.0.0.1:1"
	r.Header["X-Forwarded-For"] = []string{"198.51.100.7"}
	if got := httplimit.ClientIP(networks("::ffff:10.0.0.0/104"))(r); got != "198.51.100.7" {
		t.Errorf("a network of IPv4 written as IPv6: key %q, want what the proxy saw", got)
	}
	r.Header["Forwarded"] = []string{`for=203.0.113.9, for="[2001:db8:1::2]"`}
	if got := httplimit.ClientIP(inside, httplimit.Forwarded())(r); got != "203.0.113.9" {
		t.Errorf("Forwarded: key %q, want what the proxy saw", got)
	}
}

// TestFromHeader: the address is that in the field of the proxy, and the usual rules for addresses apply to it. If networks
// are given, the field counts only in requests from these networks.
func TestFromHeader(t *testing.T) {
	header := httplimit.FromHeader("cf-connecting-ip")
	trusted := httplimit.TrustedNetworks(netip.MustParsePrefix("192.0.2.0/24"))
	for _, c := range []struct {
		name, remote string
		opts         []httplimit.IPOption
		lines        []string
		want         string
	}{
		{"v4", "192.0.2.1:1", nil, []string{"198.51.100.7"}, "198.51.100.7"},
		{"v6", "192.0.2.1:1", nil, []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2::/64"},
		{"v6 for a /56", "192.0.2.1:1", []httplimit.IPOption{httplimit.IPv6Prefix(56)}, []string{"2001:db8:1:2ff::1"}, "2001:db8:1:200::/56"},
		{"NAT64", "192.0.2.1:1", nil, []string{"64:ff9b::198.51.100.7"}, "198.51.100.7"},
		{"with a port", "192.0.2.1:1", nil, []string{" [2001:db8::1]:4711 "}, "2001:db8::/64"},
		{"the proxy adds a line", "192.0.2.1:1", nil, []string{"1.1.1.1", "198.51.100.7"}, "198.51.100.7"},
		{"the proxy adds to the line", "192.0.2.1:1", nil, []string{"1.1.1.1, 198.51.100.7"}, "198.51.100.7"},
		{"no address", "192.0.2.1:1", nil, []string{"alice"}, "192.0.2.1"},
		{"nothing", "192.0.2.1:1", nil, []string{""}, "192.0.2.1"},
		{"no field", "192.0.2.1:1", nil, nil, "192.0.2.1"},
		{"over a Unix socket", "@", nil, []string{"198.51.100.7"}, "198.51.100.7"},
		{"from the proxy", "192.0.2.1:1", []httplimit.IPOption{trusted}, []string{"198.51.100.7"}, "198.51.100.7"},
		{"past the proxy", "203.0.113.9:1", []httplimit.IPOption{trusted}, []string{"198.51.100.7"}, "203.0.113.9"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["Cf-Connecting-Ip"] = c.remote, c.lines
		r.Header.Set("X-Forwarded-For", "1.2.3.4")
		if got := httplimit.ClientIP(append(c.opts, header)...)(r); got != c.want {
			t.Errorf("%s: key %q, want %q", c.name, got, c.want)
		}
	}
}

// TestHugeFields: if a client writes a megabyte into a proxies' field, ClientIP still returns an address with few
// allocations.
func TestHugeFields(t *testing.T) {
	for _, part := range []string{"for=1.1.1.1, ", `for="`, `\`, `"\`, ",", ";", "x", "1.1.1.1,", "for=10.0.0.1,", "10.0.0.1,"} {
		spoofed := strings.Repeat(part, 1<<20/len(part))
		for _, forwarded := range []bool{false, true} {
			name, added, opts := "X-Forwarded-For", "198.51.100.7", []httplimit.IPOption(nil)
			if forwarded {
				name, added, opts = "Forwarded", "for=198.51.100.7", []httplimit.IPOption{httplimit.Forwarded()}
			}
			for _, trust := range []httplimit.IPOption{httplimit.TrustedProxies(1), httplimit.TrustedProxies(1 << 40), httplimit.TrustedNetworks(netip.MustParsePrefix("10.0.0.0/8"))} {
				key := httplimit.ClientIP(append(opts, trust)...)
				r := httptest.NewRequest(http.MethodGet, "/", nil)
				r.RemoteAddr = "10.0.0.1:4711"
				for _, lines := range [][]string{{spoofed + ", " + added}, {spoofed, added}, {spoofed}} {
					r.Header[name] = lines
					got := key(r)
					if got != "198.51.100.7" && got != "10.0.0.1" && got != "1.1.1.1" {
						t.Errorf("%.20q…: key %q", spoofed, got)
					}
					if n := testing.AllocsPerRun(5, func() { key(r) }); n > 16 {
						t.Errorf("%s: %.20q…: %v allocations", name, spoofed, n)
					}
				}
			}
		}
	}
}
