package goredisrunner_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// The shape of a decision: one key, four arguments, five integers back.
var (
	shape     = scripts.New("shape", `return {1, 1000, 999, 123456, 1795363671}`)
	shapeKeys = []string{"weir:{user:1}:gcra"}
	shapeArgs = []string{"1000", "60000000", "10", "1"}
)

// The server is in this process, so its time and its allocations, by far the most, are counted too.
func BenchmarkRun(b *testing.B) {
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(b).Addr()})
	bench(b, client)
	b.Run("parallel", func(b *testing.B) {
		run := goredisrunner.New(client)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := run.Run(b.Context(), shape, shapeKeys, shapeArgs); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// No server at all: what the runner and go-redis themselves cost.
func BenchmarkRunAlone(b *testing.B) {
	bench(b, redis.NewClient(&redis.Options{
		Dialer: func(context.Context, string, string) (net.Conn, error) { return &canned{}, nil },
	}))
}

// bench compares the runner with go-redis' own EvalSha, which leaves the reply to be taken apart.
func bench(b *testing.B, client *redis.Client) {
	b.Cleanup(func() { _ = client.Close() })
	run := goredisrunner.New(client)
	if _, err := run.Run(b.Context(), shape, shapeKeys, shapeArgs); err != nil {
		b.Fatal(err)
	}
	b.Run("runner", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := run.Run(b.Context(), shape, shapeKeys, shapeArgs); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		a := shapeArgs
		b.ReportAllocs()
		for b.Loop() {
			if err := client.EvalSha(b.Context(), shape.SHA1(), shapeKeys, a[0], a[1], a[2], a[3]).Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// canned is a connection to a server that has one answer to EVALSHA and an error for all else.
type canned struct {
	net.Conn
	answer []byte
}

var decision = []byte("*5\r\n:1\r\n:1000\r\n:999\r\n:123456\r\n:1795363671\r\n")

func (c *canned) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("evalsha")) {
		c.answer = decision
	} else {
		c.answer = bytes.Repeat([]byte("-ERR no\r\n"), bytes.Count(p, []byte("*")))
	}
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	n := copy(p, c.answer)
	c.answer = c.answer[n:]
	return n, nil
}

func (*canned) Close() error                     { return nil }
func (*canned) SetDeadline(time.Time) error      { return nil }
func (*canned) SetReadDeadline(time.Time) error  { return nil }
func (*canned) SetWriteDeadline(time.Time) error { return nil }
func (*canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
