// Package embeddedtest starts a server inside the process for the Examples of this module. The module requires no client, so
// the Examples have a Runner from here where a service makes one of its client.
package embeddedtest

import (
	"context"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// Runner returns a Runner over a new server, whose clock stands still at noon of 2026-01-01, and what stops both.
func Runner() (run scripts.Runner, stop func()) {
	server, err := miniredis.Run()
	if err != nil {
		panic(err)
	}
	server.SetTime(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC))
	conn, err := resptest.Connect(context.Background(), server.Addr())
	if err != nil {
		panic(err)
	}
	return conn, func() {
		_ = conn.Close()
		server.Close()
	}
}
