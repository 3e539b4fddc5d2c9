package proxy

import (
	"bufio"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-weir/weir/bench/internal/servers"
)

func TestMain(m *testing.M) { servers.Main(m) }

// An echo is a server that answers each line with several copies of it, and counts the lines.
type echo struct {
	net.Listener
	lines atomic.Int64
}

func newEcho(t *testing.T, times int) *echo {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &echo{Listener: listener}
	t.Cleanup(func() { _ = e.Close() })
	go func() {
		for {
			conn, err := e.Accept()
			if err != nil {
				return
			}
			go e.serve(conn, times)
		}
	}()
	return e
}

func (e *echo) serve(conn net.Conn, times int) {
	defer conn.Close()
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		e.lines.Add(1)
		for range times {
			if _, err := io.WriteString(conn, line); err != nil {
				return
			}
		}
	}
}

// start starts a proxy of e. The test fails if goroutines of the proxy are left at its end.
func start(t *testing.T, e *echo) *Proxy {
	t.Helper()
	p, err := Start(t.Context(), e.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		eventually(t, "goroutines of the proxy have ended", func() bool { return running() == "" })
	})
	return p
}

// running returns the stacks of the goroutines of proxies.
func running() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	var of []string
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "toxiproxy/v2") || strings.Contains(stack, "proxy.(*Proxy).accept") {
			of = append(of, stack)
		}
	}
	return strings.Join(of, "\n\n")
}

// hung is the time after which a test gives up waiting.
const hung = 2 * time.Minute

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(hung)
	for !is() {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			t.Fatalf("not so after %v: %s\n%s", hung, what, running())
		}
	}
}

// A client sends lines and reads answers.
type client struct {
	net.Conn
	*bufio.Reader
}

func (c client) Read(p []byte) (int, error) { return c.Reader.Read(p) }

func dial(p *Proxy) (client, error) {
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return client{}, err
	}
	_ = conn.SetDeadline(time.Now().Add(hung))
	return client{conn, bufio.NewReader(conn)}, nil
}

func connect(t *testing.T, p *Proxy) client {
	t.Helper()
	c, err := dial(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// ask sends a line and returns the answer.
func (c client) ask(line string) (string, error) {
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return "", err
	}
	answer, err := c.ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}

func answers(t *testing.T, c client) {
	t.Helper()
	if got, err := c.ask("hello"); got != "hello" || err != nil {
		t.Errorf("the answer to hello is %q, %v", got, err)
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
