// Package embeddedtest starts a server inside the process for the Examples of this module. The module requires no Redis
// client, so the Examples get their Runner here. A service makes its Runner from its client.
package embeddedtest

import (
	"context"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

// Runner returns a Runner over a new server, and a function that stops both. The server's clock stands still at noon of
// 2026-01-01.
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
