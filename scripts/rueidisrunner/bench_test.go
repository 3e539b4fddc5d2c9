package rueidisrunner_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/rueidisrunner"
)

// The shape of a decision: one key, four arguments, five integers back.
var (
	shape     = scripts.New("shape", `return {1, 1000, 999, 123456, 1795363671}`)
	shapeKeys = []string{"weir:{user:1}:gcra"}
	shapeArgs = []string{"1000", "60000000", "10", "1"}
)

// The server is in this process, so its time and its allocations, by far the most, are counted too.
func BenchmarkRun(b *testing.B) {
	client := connect(b, 0, rueidis.ClientOption{InitAddress: []string{miniredis.RunT(b).Addr()}, ForceSingleClient: true})
	bench(b, client)
	b.Run("parallel", func(b *testing.B) {
		run := rueidisrunner.New(client)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := run.Run(context.Background(), shape, shapeKeys, shapeArgs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// No server at all: what the runner and rueidis themselves cost.
func BenchmarkRunAlone(b *testing.B) {
	bench(b, connect(b, time.Hour, rueidis.ClientOption{
		InitAddress: []string{"nowhere:6379"}, ForceSingleClient: true, AlwaysRESP2: true,
		DialCtxFn: func(context.Context, string, *net.Dialer, *tls.Config) (net.Conn, error) { return &canned{}, nil },
	}))
}

// bench compares the runner with a plain Do, which leaves the reply to be taken apart. The context
// cannot be cancelled: one that can sends even a lone command through rueidis' queue.
func bench(b *testing.B, client rueidis.Client) {
	run := rueidisrunner.New(client)
	if _, err := run.Run(context.Background(), shape, shapeKeys, shapeArgs); err != nil {
		b.Fatal(err)
	}
	b.Run("runner", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := run.Run(context.Background(), shape, shapeKeys, shapeArgs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			cmd := client.B().Evalsha().Sha1(shape.SHA1()).Numkeys(1).Key(shapeKeys...).Arg(shapeArgs...).Build()
			if err := client.Do(context.Background(), cmd).Error(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// canned is a connection to a server that has one answer to EVALSHA and knows nothing else.
type canned struct {
	net.Conn
	answer []byte
}

var decision = []byte("*5\r\n:1\r\n:1000\r\n:999\r\n:123456\r\n:1795363671\r\n")

func (c *canned) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("EVALSHA")) {
		c.answer = decision
	} else {
		c.answer = bytes.Repeat([]byte("-ERR unknown command 'HELLO'\r\n"), bytes.Count(p, []byte("*")))
	}
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	if len(c.answer) == 0 {
		return 0, net.ErrClosed // only when the client closes: else it reads after it has written
	}
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

func (*canned) Close() error                { return nil }
func (*canned) SetDeadline(time.Time) error { return nil }
