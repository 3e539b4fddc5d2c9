package resptest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-weir/weir/internal/resptest"
)

// TestNoReply: if the other side accepts connections but isn't a server that replies, Do returns an error.
func TestNoReply(t *testing.T) {
	for name, test := range map[string]struct {
		serve func(net.Conn)
		want  error // nil: any
	}{
		"closes":   {func(c net.Conn) { _ = c.Close() }, nil},
		"silent":   {func(net.Conn) {}, os.ErrDeadlineExceeded},
		"half":     {func(c net.Conn) { _, _ = io.WriteString(c, "*2\r\n:1\r\n$5\r\nab") }, os.ErrDeadlineExceeded},
		"no RESP":  {func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n") }, nil},
		"too long": {func(c net.Conn) { _, _ = io.WriteString(c, "$9223372036854775807\r\n") }, nil},
		"empty":    {func(c net.Conn) { _, _ = io.WriteString(c, "\r\n\r\n") }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			done := make(chan struct{})
			defer close(done)
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					test.serve(conn)
					go func() {
						<-done // the connection stays open until the test ends
						_ = conn.Close()
					}()
				}
			}()
			conn := connectFor(t, listener.Addr().String())
			defer conn.Close()
			reply, err := conn.Do("PING")
			if err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("Do = %v, %v; want an error, %v", reply, err, test.want)
			}
		})
	}
}

// connectFor connects with a short deadline. It doubles the deadline until the dial succeeds in time.
func connectFor(t *testing.T, addr string) *resptest.Conn {
	t.Helper()
	for within := 50 * time.Millisecond; ; within *= 2 {
		ctx, cancel := context.WithTimeout(context.Background(), within)
		t.Cleanup(cancel)
		conn, err := resptest.Connect(ctx, addr)
		if err == nil {
			return conn
		}
		var failed net.Error
		if !errors.As(err, &failed) || !failed.Timeout() {
			t.Fatal(err)
		}
	}
}
