package httplimit

import (
	"net/netip"
	"strings"
)

// An address is an IP address and the text that it was read from.
type address struct {
	netip.Addr // the zero Addr if the text isn't an address
	text       string
}

// addressOf reads an address in the form of r.RemoteAddr and of the proxies' fields.
func addressOf(text string) address {
	host := hostOf(strings.TrimSpace(text))
	if len(host) > longestAddress {
		return address{}
	}
	addr, _ := netip.ParseAddr(host)
	return address{addr, host}
}

// longestAddress is the longest text of an address, in bytes. IPv6 takes 45, and a zone may have any length.
const longestAddress = 256

// hostOf takes the port and the brackets off an address.
func hostOf(s string) string {
	if inside, bracketed := strings.CutPrefix(s, "["); bracketed {
		host, _, _ := strings.Cut(inside, "]")
		return host
	}
	if host, port, one := strings.Cut(s, ":"); one && !strings.Contains(port, ":") {
		return host
	}
	return s
}

// key returns the key of the address. Of an IPv6 address only the first bits count.
func (a address) key(bits int) string {
	switch {
	case a.Is4():
		return a.text // an IPv4 address has only one form
	case a.Is4In6():
		return a.Unmap().String()
	}
	addr := a.WithZone("")
	if v4 := inside(addr); v4.IsValid() {
		return v4.String()
	}
	if bits == 128 || localNAT64.Contains(addr) {
		return addr.String()
	}
	prefix, _ := addr.Prefix(bits) // fails for other numbers of bits only
	return prefix.String()
}

// The networks of IPv6 addresses that stand for an IPv4 address.
var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")   // RFC 6052
	localNAT64 = netip.MustParsePrefix("64:ff9b:1::/48") // RFC 8215: the operator chooses where it holds the IPv4 address
	sixToFour  = netip.MustParsePrefix("2002::/16")      // RFC 3056
	teredo     = netip.MustParsePrefix("2001::/32")      // RFC 4380
)

// inside returns the IPv4 address that an IPv6 address holds. It is invalid if there is none.
func inside(addr netip.Addr) netip.Addr {
	b := addr.As16()
	switch {
	case nat64.Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6])) // a site has 65,536 networks of 64 bits
	case teredo.Contains(addr):
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}) // all clients of a server share 64 bits
	}
	return netip.Addr{}
}
