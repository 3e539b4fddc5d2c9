// Package resptest has a connection to a Redis server for tests. It sends any command, runs scripts
// as a scripts.Runner, and reads the stored keys. The packages of the root module are tested
// with it, as none of them may depend on a client.
package resptest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/scripts"
)

// A Conn is a connection. It is safe for concurrent use; calls go one after the other.
type Conn struct {
	mu     sync.Mutex
	conn   net.Conn
	reader *bufio.Reader
}

// An Error is a server's answer that something was wrong, such as "WRONGTYPE Operation against …".
type Error string

func (e Error) Error() string { return string(e) }

// Miniredis starts an embedded server for a test and connects to it.
func Miniredis(tb testing.TB) (*miniredis.Miniredis, *Conn) {
	tb.Helper()
	server := miniredis.RunT(tb)
	return server, Dial(tb, server.Addr())
}

// Dial connects to the server at addr until the test ends.
func Dial(tb testing.TB, addr string) *Conn {
	tb.Helper()
	conn, err := Connect(context.Background(), addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Connect connects to the server at addr, for callers without a test. The context's deadline holds for
// every use of the connection, and not only for the dial, as a server that accepts connections may
// never answer.
func Connect(ctx context.Context, addr string) (*Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline() // the zero time means no deadline, also below
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &Conn{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Do sends a command and returns its reply: nil, a string, an int64, or a []any of these. An error
// reply is an [Error].
func (c *Conn) Do(args ...string) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(args))
	for _, arg := range args {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(arg), arg)
	}
	if _, err := io.WriteString(c.conn, command.String()); err != nil {
		return nil, err
	}
	return c.read()
}

// maxLength is the longest string or array that is accepted: 512 MB, the default of proto-max-bulk-len.
const maxLength = 512 << 20

func (c *Conn) read() (any, error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return nil, err
	}
	kind, rest := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch kind {
	case '+':
		return rest, nil
	case '-':
		return nil, Error(rest)
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	switch {
	case err != nil || n > maxLength && kind != ':':
		return nil, fmt.Errorf("not a reply: %q", line)
	case kind == ':':
		return n, nil
	case n < 0:
		return nil, nil
	case kind == '$':
		text := make([]byte, n+2)
		if _, err := io.ReadFull(c.reader, text); err != nil {
			return nil, err
		}
		return string(text[:n]), nil
	case kind == '*':
		items := make([]any, n)
		for i := range items {
			if items[i], err = c.read(); err != nil {
				return nil, err
			}
		}
		return items, nil
	}
	return nil, fmt.Errorf("not a reply: %q", line)
}

// Place implements scripts.Placer: all keys are on one server.
func (c *Conn) Place(context.Context, string) (scripts.Place, bool) { return scripts.Place{}, true }

// Run implements scripts.Runner.
func (c *Conn) Run(_ context.Context, s *scripts.Script, keys, args []string) ([]int64, error) {
	call := append([]string{"EVALSHA", s.SHA1(), strconv.Itoa(len(keys))}, keys...)
	call = append(call, args...)
	reply, err := c.Do(call...)
	if e, ok := err.(Error); ok && strings.HasPrefix(string(e), "NOSCRIPT") { //nolint:errorlint // Do's own
		call[0], call[1] = "EVAL", s.Source()
		reply, err = c.Do(call...)
	}
	if err != nil {
		return nil, err
	}
	return integers(reply)
}

func integers(reply any) ([]int64, error) {
	switch r := reply.(type) {
	case int64:
		return []int64{r}, nil
	case []any:
		ns := make([]int64, len(r))
		for i, item := range r {
			n, ok := item.(int64)
			if !ok {
				return nil, fmt.Errorf("item %d of the reply is no integer: %v", i, item)
			}
			ns[i] = n
		}
		return ns, nil
	}
	return nil, fmt.Errorf("reply is no array of integers: %v", reply)
}

// Dump returns every key that starts with prefix, with the text that DUMP gives for its value.
func (c *Conn) Dump(_ context.Context, prefix string) (map[string]string, error) {
	dump := map[string]string{}
	keys, err := c.Do("KEYS", globEscape(prefix)+"*")
	if err != nil {
		return nil, err
	}
	for _, key := range keys.([]any) {
		value, err := c.dump(key.(string))
		if err != nil {
			return nil, err
		}
		if value != nil {
			dump[key.(string)] = fmt.Sprint(value)
		}
	}
	return dump, nil
}

// dump returns DUMP's text, or the elements of a list if the server can't dump it.
func (c *Conn) dump(key string) (any, error) {
	kind, err := c.Do("TYPE", key)
	if err != nil {
		return nil, err
	}
	value, err := c.Do("DUMP", key)
	if kind == "list" && (err != nil || value == nil) {
		return c.Do("LRANGE", key, "0", "-1")
	}
	return value, err
}

// TTL returns a key's time to live; below 0 if it has none or does not exist.
func (c *Conn) TTL(_ context.Context, key string) (time.Duration, error) {
	ms, err := c.Do("PTTL", key)
	if err != nil {
		return 0, err
	}
	return time.Duration(ms.(int64)) * time.Millisecond, nil
}

// globEscape escapes a text for use in a pattern.
func globEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(s)
}
