package runnertest

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/coalesce"
)

// Decision is a script like a limiter's, with one key, four arguments and a reply of five integers.
var (
	Decision     = scripts.New("decision", `return {1, 1000, 999, 123456, 1795363671}`)
	DecisionKeys = []string{"weir:{user:1}:gcra"}
	DecisionArgs = []string{"1000", "60000000", "10", "1"}
)

var decisionReply = []byte("*5\r\n:1\r\n:1000\r\n:999\r\n:123456\r\n:1795363671\r\n")

// Benchmark measures Decision over run, through coalesce with a single caller and, to compare, as the client itself sends
// it, which leaves the reply undecoded. A client may queue even a single command if its context can be canceled. So run and
// the client are measured with a context that can't be canceled, and then with one that can.
func Benchmark(b *testing.B, run scripts.Runner, client func(ctx context.Context) error) {
	runner := func(ctx context.Context) error {
		_, err := run.Run(ctx, Decision, DecisionKeys, DecisionArgs)
		return err
	}
	coalesced, err := coalesce.New(run)
	if err != nil {
		b.Fatal(err)
	}
	alone := func(ctx context.Context) error {
		_, err := coalesced.Run(ctx, Decision, DecisionKeys, DecisionArgs)
		return err
	}
	ctx := context.Background()
	if err := runner(ctx); err != nil { // the server knows the script from here on
		b.Fatal(err)
	}
	for _, way := range []struct {
		name string
		call func(context.Context) error
	}{{"runner", runner}, {"client", client}, {"coalesced", alone}} {
		b.Run(way.name, func(b *testing.B) { repeat(b, ctx, way.call) })
	}
	ending, cancel := context.WithCancel(ctx)
	defer cancel()
	b.Run("runner, context that may end", func(b *testing.B) { repeat(b, ending, runner) })
	b.Run("client, context that may end", func(b *testing.B) { repeat(b, ending, client) })
}

func repeat(b *testing.B, ctx context.Context, call func(context.Context) error) {
	b.ReportAllocs()
	for range b.N {
		if err := call(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParallel runs Decision over run from all processors. It can't use a [Canned] connection,
// which answers one command at a time.
func BenchmarkParallel(b *testing.B, run scripts.Runner) {
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := run.Run(context.Background(), Decision, DecisionKeys, DecisionArgs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// Canned is a connection without a server. It gives the answer of [Decision] to EVALSHA, and an error to
// every other command.
type Canned struct {
	net.Conn
	answer []byte
}

// Write takes whole commands.
func (c *Canned) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("evalsha")) || bytes.Contains(p, []byte("EVALSHA")) {
		c.answer = decisionReply
	} else {
		c.answer = bytes.Repeat([]byte("-ERR unknown command 'HELLO'\r\n"), bytes.Count(p, []byte("*")))
	}
	return len(p), nil
}

func (c *Canned) Read(p []byte) (int, error) {
	if len(c.answer) == 0 {
		return 0, net.ErrClosed // only when the client closes; before that it reads only after it has written
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

// Close does nothing.
func (*Canned) Close() error { return nil }

// SetDeadline does nothing.
func (*Canned) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (*Canned) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (*Canned) SetWriteDeadline(time.Time) error { return nil }

// RemoteAddr returns no address in particular.
func (*Canned) RemoteAddr() net.Addr { return &net.TCPAddr{} }
