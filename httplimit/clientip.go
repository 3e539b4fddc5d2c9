package httplimit

import (
	"net/http"
	"net/netip"
	"strings"
)

// ClientIP returns the key function of the client's address. That is the address of the other end of the
// connection, unless [TrustedProxies] says that there are proxies. The key of an IPv4 address is the address,
// "192.0.2.1", also if it is written as IPv6. The key of an IPv6 address is its /64, "2001:db8::/64", as a
// client has at least that many addresses. Ports and zones are left out. All clients whose address can't be
// read share one key.
//
// An option that is nil, or has a value that can't work, is an error of New.
func ClientIP(opts ...IPOption) KeyFunc {
	c := clientIP{v6: 64}
	for _, opt := range opts {
		if opt == nil {
			return wrongKey("ClientIP: an option is nil")
		}
		opt(&c)
	}
	switch {
	case c.proxies < 0:
		return wrongKey("ClientIP: trusted proxies are %d, want 0 or more", c.proxies)
	case c.v6 < 1 || c.v6 > 128:
		return wrongKey("ClientIP: the IPv6 prefix is %d, want 1 to 128", c.v6)
	case c.forwarded && c.proxies == 0:
		return wrongKey("ClientIP: Forwarded is what proxies write, want TrustedProxies too")
	}
	return c.key
}

// An IPOption is an option of ClientIP.
type IPOption func(*clientIP)

// TrustedProxies says how many proxies that you run, or trust, are between the client and this server. Each
// of them adds the address that it was called from to the X-Forwarded-For field. The client's address is then
// the n-th entry from the right. Entries to the left of it can be written by the client, and are never used.
// If there are fewer entries, or that one is no address, the address is that of the other end of the
// connection.
//
// If the number is too high, or if clients can go around the proxies, clients can choose their key. If it is
// too low, all clients share one key.
func TrustedProxies(n int) IPOption { return func(c *clientIP) { c.proxies = n } }

// Forwarded says that the trusted proxies write the Forwarded field of RFC 7239 instead. Its entries are
// counted the same way. An entry without an address ("unknown", "_hidden") is no address, and neither is any
// entry of a malformed line.
func Forwarded() IPOption { return func(c *clientIP) { c.forwarded = true } }

// IPv6Prefix sets how many bits of an IPv6 address make the key: 1 to 128, and 64 by default. Providers give
// a customer a /64, a /56 or a /48.
func IPv6Prefix(bits int) IPOption { return func(c *clientIP) { c.v6 = bits } }

type clientIP struct {
	proxies   int
	forwarded bool
	v6        int
}

func (c clientIP) key(r *http.Request) string {
	if c.proxies > 0 {
		var entry string
		if c.forwarded {
			entry = nthForwarded(r.Header["Forwarded"], c.proxies)
		} else {
			entry = nthFromRight(r.Header["X-Forwarded-For"], c.proxies)
		}
		if key := c.keyOf(entry); key != "" {
			return key
		}
	}
	if key := c.keyOf(r.RemoteAddr); key != "" {
		return key
	}
	return "unknown" // such as the other end of a Unix socket
}

// keyOf returns the key of an address as it stands in r.RemoteAddr and in the proxies' fields, or "".
func (c clientIP) keyOf(text string) string {
	host := hostOf(strings.TrimSpace(text))
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return ""
	case addr.Is4():
		return host // there is but one way to write it
	case addr.Is4In6():
		return addr.Unmap().String()
	case c.v6 == 128:
		return addr.WithZone("").String()
	}
	prefix, _ := addr.WithZone("").Prefix(c.v6) // fails for other numbers of bits only
	return prefix.String()
}

// hostOf takes the port and the brackets off an address.
func hostOf(s string) string {
	if inside, bracketed := strings.CutPrefix(s, "["); bracketed {
		host, _, _ := strings.Cut(inside, "]")
		return host
	}
	if strings.Count(s, ":") == 1 {
		host, _, _ := strings.Cut(s, ":")
		return host
	}
	return s
}

// nthFromRight returns the n-th entry from the right of lists that are separated by commas, or "".
func nthFromRight(lines []string, n int) string {
	for i := len(lines) - 1; i >= 0; i-- {
		rest, more := lines[i], true
		for more {
			comma := strings.LastIndexByte(rest, ',')
			entry := rest[comma+1:]
			if n--; n == 0 {
				return entry
			}
			if more = comma >= 0; more {
				rest = rest[:comma]
			}
		}
	}
	return ""
}
