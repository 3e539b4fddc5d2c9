package servers

import (
	"context"
	"crypto/tls"
	"net"
)

// Routes say where the servers that announce an address are reached by clients of this machine:
// those of a container announce addresses inside it. An address that is not there is reached as it
// is. Routes are JSON, for clients in another process.
type Routes map[string]string

// Dial connects to the server that announces addr. It is a go-redis client's Dialer.
func (r Routes) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return r.DialRueidis(ctx, addr, &net.Dialer{}, nil)
}

// DialRueidis is what [Routes.Dial] does, as a rueidis client's DialCtxFn.
func (r Routes) DialRueidis(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", r.to(addr))
}

func (r Routes) to(addr string) string {
	if reachable, ok := r[addr]; ok {
		return reachable
	}
	return addr
}

// routesTo leads to those servers that are not where they say.
func routesTo(all []*Server) Routes {
	r := Routes{}
	for _, s := range all {
		if s.Announced != s.Addr {
			r[s.Announced] = s.Addr
		}
	}
	return r
}

// announced are the addresses that servers announce.
func announced(all []*Server) []string {
	addrs := make([]string, len(all))
	for i, s := range all {
		addrs[i] = s.Announced
	}
	return addrs
}
