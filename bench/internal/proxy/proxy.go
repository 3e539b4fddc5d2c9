// Package proxy puts trouble between a client and a server: replies that come late, never or in
// part, connections that are reset, a server that is gone.
//
// The trouble is that of toxiproxy, whose links and toxics run inside this process. Only listening
// is done here. Toxiproxy's own listener keeps its connections to itself, and its reset_peer ends
// those that are there with a FIN, and only once something is sent; a client that goes while a reply
// is on its way leaves goroutines behind there.
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

// A Proxy passes the connections that clients make to Addr on to one server. All methods are safe
// for concurrent use while traffic flows; after Close they return [net.ErrClosed].
type Proxy struct {
	addr, upstream string

	api  *toxiproxy.ApiServer
	base *toxiproxy.Proxy // what the links belong to; it is never started

	trouble sync.Mutex // one change of toxics at a time
	closed  bool       // changed under both locks

	mu       sync.Mutex
	listener net.Listener // nil while down
	conns    map[*connection]bool
	made     int            // connections so far
	running  sync.WaitGroup // accepting, and both directions of each connection

	dialing context.Context
	stop    context.CancelFunc
}

// A connection is a client's connection and the one to the server that belongs to it.
type connection struct{ client, server *net.TCPConn }

func (c *connection) close() {
	_ = c.client.Close()
	_ = c.server.Close()
}

// Start starts a proxy of the server at upstream. It ends with the context, or by Close.
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

// listen listens on a port below those that systems give to outgoing connections, so that it stays
// free while the proxy is down.
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

// Addr returns the address that clients connect to. It stays the same from Down to Up.
func (p *Proxy) Addr() string { return p.addr }

// Up undoes Down.
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

// Down refuses connections from now on and ends those that there are.
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

// Reset resets the connections that there are, both ends, as a firewall does that forgot them: what
// was not yet delivered is lost. New connections are passed on.
func (p *Proxy) Reset() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return net.ErrClosed
	}
	var errs []error
	for c := range p.conns {
		for _, conn := range []*net.TCPConn{c.client, c.server} {
			// One that has been closed, but is not yet forgotten, needs no reset.
			if err := conn.SetLinger(0); err != nil && !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
		c.close()
	}
	return errors.Join(errs...)
}

// Close ends the proxy and its connections, and waits until they have ended. It may be called again.
func (p *Proxy) Close() error {
	p.stop()
	p.trouble.Lock()
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.base.Toxics.ResetToxics(context.Background()) // so that no reply waits for its time
	p.trouble.Unlock()

	p.mu.Lock()
	err := p.down()
	p.mu.Unlock()
	p.running.Wait()
	return err
}

// accept passes on what connects to the listener, until that is closed. It is called under the lock.
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

// pass connects a client that came through the listener to the server.
func (p *Proxy) pass(listener net.Listener, client *net.TCPConn) {
	server, err := new(net.Dialer).DialContext(p.dialing, "tcp", p.upstream)
	if err != nil {
		_ = client.SetLinger(0) // the nearest to a refusal
		_ = client.Close()
		return
	}
	c := &connection{client, server.(*net.TCPConn)}
	name, ok := p.keep(c, listener)
	if !ok { // down by now
		c.close()
		return
	}
	p.base.Toxics.StartLink(p.api, "to server "+name, c.client, &end{p, c, c.server}, stream.Upstream)
	p.base.Toxics.StartLink(p.api, "to client "+name, c.server, &end{p, c, c.client}, stream.Downstream)
}

// keep notes a connection that came through the listener, and that it will have two links.
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

// forget is for a connection of which an end has ended.
func (p *Proxy) forget(c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// An end is where a link writes to.
type end struct {
	proxy *Proxy
	of    *connection
	conn  *net.TCPConn
}

// Write always takes all: a link that failed to write would stop, and leave those who pass it data
// waiting for ever. Who has gone needs no more.
func (e *end) Write(data []byte) (int, error) {
	if _, err := e.conn.Write(data); err != nil {
		e.of.close()
	}
	return len(data), nil
}

// Close is the last call of a link.
func (e *end) Close() error {
	defer e.proxy.running.Done()
	e.proxy.forget(e.of)
	return e.conn.Close()
}
