package main

import (
	"bytes"
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// wire counts the bytes and commands on the connections that it opens.
type wire struct {
	sent, received atomic.Int64

	census   atomic.Bool // whether commands are counted by name
	mu       sync.Mutex
	commands map[string]int64
}

// dial opens a connection whose traffic is counted.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wiredConn{Conn: conn, wire: w}, nil
}

// count starts or stops the counting of commands, and returns the previous counts.
func (w *wire) count(on bool) map[string]int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	counted := w.commands
	w.commands = map[string]int64{}
	w.census.Store(on)
	return counted
}

type wiredConn struct {
	net.Conn
	wire *wire
}

func (c *wiredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.received.Add(int64(n))
	return n, err
}

func (c *wiredConn) Write(p []byte) (int, error) {
	if c.wire.census.Load() {
		c.wire.mu.Lock()
		countCommands(p, c.wire.commands)
		c.wire.mu.Unlock()
	}
	n, err := c.Conn.Write(p)
	c.wire.sent.Add(int64(n))
	return n, err
}

// countCommands counts the commands in p by name. Clients write whole commands, so p doesn't end within one.
func countCommands(p []byte, commands map[string]int64) {
	for len(p) > 0 {
		words, rest, ok := header(p, '*')
		for i := 0; ok && i < words; i++ {
			var size int
			if size, rest, ok = header(rest, '$'); ok && len(rest) >= size+2 {
				if i == 0 {
					commands[strings.ToLower(string(rest[:size]))]++
				}
				rest = rest[size+2:]
			} else {
				ok = false
			}
		}
		if !ok {
			return
		}
		p = rest
	}
}

// header parses the number in "*3\r\n" or "$10\r\n".
func header(p []byte, kind byte) (n int, rest []byte, ok bool) {
	end := bytes.Index(p, []byte("\r\n"))
	if end < 2 || p[0] != kind {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(p[1:end]))
	return n, p[end+2:], err == nil
}
