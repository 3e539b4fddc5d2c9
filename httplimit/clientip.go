package httplimit

import (
	"fmt"
	"net/http"
	"net/netip"
)

// ClientIP returns the key function of the client's address. That is the address of the other end of the
// connection, unless options say that proxies are between: [TrustedProxies], [TrustedNetworks] or [FromHeader].
//
// The key of an IPv4 address is the address, such as "192.0.2.1", even if it is written as IPv6. The key of an IPv6
// address is its /64, such as "2001:db8::/64", as a client has at least that many addresses. If an IPv6 address holds
// the client's IPv4 address, the key is the IPv4 address. That is so with NAT64 (64:ff9b::/96), 6to4 (2002::/16) and Teredo
// (2001::/32). In a NAT64 network for local use (64:ff9b:1::/48) the whole address is the key, as each stands for one IPv4
// address. Ports and zones are left out. All clients whose address can't be read share one key.
//
// At most the last 8,192 bytes of a proxies' field are read, and only the part that the proxies have written. A longer field
// from a client takes no more time.
//
// New returns an error for an option that is nil or has a value that can't work, and for options that contradict
// each other.
func ClientIP(opts ...IPOption) KeyFunc {
	c := clientIP{v6: 64}
	for _, opt := range opts {
		if opt == nil {
			return wrongKey("ClientIP: an option is nil")
		}
		opt(&c)
	}
	if wrong := c.check(); wrong != "" {
		return wrongKey("ClientIP: %s", wrong)
	}
	return c.key
}

// An IPOption is an option of ClientIP.
type IPOption func(*clientIP)

// TrustedProxies says that n proxies which you run or trust are between the client and this server. Each
// of them adds the address that it was called from to the X-Forwarded-For field. The client's address is then
// the n-th entry from the right. Entries to the left of it can be written by the client, and are never used.
// If there are fewer entries, or if that entry isn't an address, the address is that of the other end of the
// connection.
//
// If the number is too high, or if clients can bypass the proxies, clients can choose their key. If it is
// too low, all clients share one key. If clients can bypass the proxies, use [TrustedNetworks].
func TrustedProxies(n int) IPOption { return func(c *clientIP) { c.proxies = n } }

// TrustedNetworks names the networks of the proxies that you run or trust, such as 10.0.0.0/8. Use it if the number of proxies
// differs from request to request, or if clients can bypass them.
//
// If the other end of the connection is in one of the networks, the X-Forwarded-For field is read from the right.
// The client's address is the first one that is in none of the networks. If all are in them, or if an entry isn't an
// address, it is the last address that was read. If the other end of the connection is in none of the networks, its own
// address is the client's. A Unix socket is in none of the networks.
//
// With [FromHeader] the field is used only if the other end of the connection is in one of the networks. A host in the networks
// can choose the address that it is counted for.
func TrustedNetworks(networks ...netip.Prefix) IPOption {
	return func(c *clientIP) {
		c.networks = make([]netip.Prefix, 0, len(networks))
		for _, network := range networks {
			if !network.IsValid() {
				c.wrong = fmt.Sprintf("the trusted network %v is not valid, want one such as 10.0.0.0/8", network)
			}
			if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
				network = netip.PrefixFrom(addr.Unmap(), network.Bits()-96) // addresses are compared as IPv4
			}
			c.networks = append(c.networks, network)
		}
	}
}

// FromHeader says that the proxy in front writes the client's address into a header field of its own, such as
// Cloudflare's CF-Connecting-IP, nginx' X-Real-IP, True-Client-IP or Fly-Client-IP. If the field has several values,
// the last one counts. If it is missing, or isn't an address, the address is that of the other end of the connection.
//
// The proxy must replace any value that a client has written into the field, or add its own value as the last. Clients that
// can bypass the proxy choose their key, unless [TrustedNetworks] has the proxy's addresses.
func FromHeader(name string) IPOption {
	return func(c *clientIP) {
		if why := wrongField(name); why != "" {
			c.wrong = "FromHeader: " + why
		}
		c.header = http.CanonicalHeaderKey(name)
	}
}

// Forwarded says that the trusted proxies write the Forwarded field of RFC 7239 instead of X-Forwarded-For. Its entries
// are read the same way. An entry that has no address ("unknown", "_hidden") or is malformed doesn't count as an address.
func Forwarded() IPOption { return func(c *clientIP) { c.forwarded = true } }

// IPv6Prefix sets how many bits of an IPv6 address make the key: 1 to 128, and 64 by default. Providers give
// a customer a /64, a /56 or a /48.
func IPv6Prefix(bits int) IPOption { return func(c *clientIP) { c.v6 = bits } }

type clientIP struct {
	proxies   int            // the n-th entry from the right is the client's; 0: not given
	networks  []netip.Prefix // of the proxies; nil: not given
	header    string         // the proxy's own field; "": not given
	forwarded bool
	v6        int
	wrong     string // what is wrong with an option
}

// check returns what is wrong with the options, or "".
func (c *clientIP) check() string {
	switch {
	case c.wrong != "":
		return c.wrong
	case c.proxies < 0:
		return fmt.Sprintf("trusted proxies are %d, want 0 or more", c.proxies)
	case c.v6 < 1 || c.v6 > 128:
		return fmt.Sprintf("the IPv6 prefix is %d, want 1 to 128", c.v6)
	case c.networks != nil && len(c.networks) == 0:
		return "TrustedNetworks names none, want at least one such as 10.0.0.0/8"
	case c.proxies > 0 && c.networks != nil:
		return "want TrustedProxies or TrustedNetworks, not both"
	case c.header != "" && c.proxies > 0:
		return "want FromHeader or TrustedProxies, not both"
	case c.header != "" && c.forwarded:
		return "want FromHeader or Forwarded, not both"
	case c.forwarded && c.proxies == 0 && c.networks == nil:
		return "Forwarded is what proxies write, want TrustedProxies or TrustedNetworks too"
	}
	return ""
}

func (c *clientIP) key(r *http.Request) string {
	peer := addressOf(r.RemoteAddr)
	addr := peer
	if c.networks == nil || c.trusts(peer) {
		addr = c.told(r.Header, peer)
	}
	if !addr.IsValid() {
		return "unknown" // such as the other end of a Unix socket
	}
	return addr.key(c.v6)
}

// told returns the address that the proxies report, or the peer's if they report none.
func (c *clientIP) told(h http.Header, peer address) address {
	switch {
	case c.header != "":
		return orPeer(nth(entriesOf(h[c.header], false), 1), peer)
	case c.proxies > 0:
		return orPeer(nth(c.entries(h), c.proxies), peer)
	case c.networks != nil:
		entries := c.entries(h)
		for known := peer; ; {
			text, _ := entries.next()
			addr := addressOf(text)
			if !addr.IsValid() {
				return known
			}
			if known = addr; !c.trusts(addr) {
				return known
			}
		}
	}
	return peer
}

func orPeer(addr, peer address) address {
	if addr.IsValid() {
		return addr
	}
	return peer
}

// entries returns the entries of the field that the trusted proxies write.
func (c *clientIP) entries(h http.Header) entries {
	if c.forwarded {
		return entriesOf(h["Forwarded"], true)
	}
	return entriesOf(h["X-Forwarded-For"], false)
}

// trusts reports whether the address is in one of the trusted networks.
func (c *clientIP) trusts(addr address) bool {
	plain := addr.Unmap().WithZone("")
	for _, network := range c.networks {
		if network.Contains(plain) {
			return true
		}
	}
	return false
}
