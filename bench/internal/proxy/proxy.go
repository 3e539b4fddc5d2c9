// Package proxy is a proxy that injects faults between a client and a server: replies that are late, lost or cut off,
// connections that are reset, and a server that is down.
//
// It uses the links and toxics of toxiproxy inside this process, but its own listener. Toxiproxy's listener gives no access
// to its connections. Its reset_peer ends them with a FIN, and only once data is sent. If a client closes its connection
// while a reply is in transit, that listener leaks goroutines.
package proxy

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/rs/zerolog"
)

// A Proxy forwards connections to Addr to one server. Its methods are safe for concurrent use. After Close, all other methods
// return [net.ErrClosed].
type Proxy struct {
	addr, upstream string

	api  *toxiproxy.ApiServer
	base *toxiproxy.Proxy // owns the links; it is never started

	trouble sync.Mutex // held while toxics change
	closed  bool       // written with both locks held

	mu       sync.Mutex
	listener net.Listener // nil while down
	conns    map[*connection]bool
	made     int            // connections so far
	running  sync.WaitGroup // goroutines that accept, and two for each connection

	dialing context.Context
	stop    context.CancelFunc
}

// A connection is a client's connection and the corresponding one to the server.
type connection struct{ client, server *net.TCPConn }

func (c *connection) close() {
	_ = c.client.Close()
	_ = c.server.Close()
}

// Start starts a proxy of the server at upstream. The proxy stops when ctx ends or Close is called.
func Start(ctx context.Context, upstream string) (*Proxy, error) {
	listener, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	p := &Proxy{
		addr: listener.Addr().String(), upstream: upstream,
		api:   toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop()),
		conns: map[*connection]bool{},
	}
	p.base = toxiproxy.NewProxy(p.api, "proxy", p.addr, upstream)
	p.dialing, p.stop = context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accept(listener)
	context.AfterFunc(p.dialing, func() { _ = p.Close() })
	return p, nil
}

// listen listens on a port below the range for outgoing connections. So no other program gets the port while the proxy is
// down.
func listen(ctx context.Context) (listener net.Listener, err error) {
	for range 100 {
		port := 15_000 + rand.IntN(15_000) //nolint:gosec // any port will do
		listener, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			break
		}
	}
	return listener, err
}

// Addr returns the address for clients. It is the same again after Down and Up.
func (p *Proxy) Addr() string { return p.addr }

// Up accepts connections again after Down.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return net.ErrClosed
	case p.listener != nil:
		return nil
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.accept(listener)
	return nil
}

// Down closes all connections and refuses new ones.
func (p *Proxy) Down() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	return p.down()
}

func (p *Proxy) down() (err error) {
	if p.listener != nil {
		err = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		c.close()
	}
	return err
}

// Reset resets all connections at both ends, as a firewall does after it has lost its state. Data that was not yet delivered is
// lost. New connections are forwarded.
func (p *Proxy) Reset() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	var errs []error
	for c := range p.conns {
		for _, conn := range []*net.TCPConn{c.client, c.server} {
			// A connection may be closed already, but not yet removed from conns.
			if err := conn.SetLinger(0); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		c.close()
	}
	return errors.Join(errs...)
}

// Close stops the proxy, closes its connections and waits for their goroutines. It may be called several times.
func (p *Proxy) Close() error {
	p.stop()
	p.trouble.Lock()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.base.Toxics.ResetToxics(context.Background()) // so that no reply is still delayed
	p.trouble.Unlock()

	p.mu.Lock()
	err := p.down()
	p.mu.Unlock()
	p.running.Wait()
	return err
}

// accept starts to forward the listener's connections, until the listener is closed. The caller must hold the lock.
func (p *Proxy) accept(listener net.Listener) {
	p.listener = listener
	p.running.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.pass(listener, client.(*net.TCPConn)) })
		}
	})
}

// pass forwards a client's connection from the listener to the server.
func (p *Proxy) pass(listener net.Listener, client *net.TCPConn) {
	server, err := new(net.Dialer).DialContext(p.dialing, "tcp", p.upstream)
	if err != nil {
		_ = client.SetLinger(0) // a reset is the closest to a refusal
		_ = client.Close()
		return
	}
	c := &connection{client, server.(*net.TCPConn)}
	name, ok := p.keep(c, listener)
	if !ok { // the proxy is down by now
		c.close()
		return
	}
	p.base.Toxics.StartLink(p.api, "to server "+name, c.client, &end{p, c, c.server}, stream.Upstream)
	p.base.Toxics.StartLink(p.api, "to client "+name, c.server, &end{p, c, c.client}, stream.Downstream)
}

// keep adds a connection from the listener to conns, and returns a name for its two links.
func (p *Proxy) keep(c *connection, listener net.Listener) (name string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		return "", false
	}
	p.conns[c] = true
	p.made++
	p.running.Add(2)
	return strconv.Itoa(p.made), true
}

// forget removes a connection from conns after one of its ends was closed.
func (p *Proxy) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// An end is the destination of a link.
type end struct {
	proxy *Proxy
	of    *connection
	conn  *net.TCPConn
}

// Write always succeeds, even if the peer has closed the connection. A link that fails to write would stop, and block the
// goroutines that pass data to it forever.
func (e *end) Write(data []byte) (int, error) {
	if _, err := e.conn.Write(data); err != nil {
		e.of.close()
	}
	return len(data), nil
}

// Close closes the connection. A link calls it last.
func (e *end) Close() error {
	defer e.proxy.running.Done()
	e.proxy.forget(e.of)
	return e.conn.Close()
}
