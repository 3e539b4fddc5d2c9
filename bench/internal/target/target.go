// Package target is where the program's limiters keep their state: a server that the user names, a
// server inside this process, or this process itself.
package target

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"strings"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/go-weir/weir/scripts"
	"github.com/go-weir/weir/scripts/goredisrunner"
)

// A Target is a place for limiters' state.
type Target struct {
	// Name says what it is: "Redis 7.0.15 at 127.0.0.1:6379".
	Name string

	// Runner sends scripts to it; nil for this process, where there are none to send.
	Runner scripts.Runner

	close func()
}

// Close ends the connections, and the server if it is inside this process.
func (t *Target) Close() { t.close() }

// Local returns the target of limiters that keep their state in this process, without any Redis.
func Local() *Target {
	return &Target{Name: "the limiters of this process, without Redis", close: func() {}}
}

// Miniredis starts a miniredis server in this process.
func Miniredis() (*Target, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("starting the embedded miniredis: %w", err)
	}
	client := newClient(&redis.Options{Addr: server.Addr()})
	return &Target{
		Name:   strings.TrimSpace("embedded miniredis " + versionOf("github.com/alicebob/miniredis/v2")),
		Runner: goredisrunner.New(client),
		close: func() {
			_ = client.Close()
			server.Close()
		},
	}, nil
}

// Dial connects to the server at a URL: redis://, rediss:// or unix://, as go-redis' ParseURL reads
// it. Its errors are one line and hold no password.
func Dial(ctx context.Context, address string) (*Target, error) {
	options, err := redis.ParseURL(address)
	if err != nil {
		// What can't be parsed may have a password anywhere in it, so no part of it is repeated.
		var parse *url.Error
		if errors.As(err, &parse) {
			err = errors.New("it is no URL")
		}
		return nil, fmt.Errorf("the URL of the server can't be used: %w; want redis://USER:PASSWORD@HOST:PORT/DB, rediss://… or unix://USER:PASSWORD@/PATH", err)
	}
	client := newClient(options)
	t := &Target{
		Runner: runner{goredisrunner.New(client), options.Addr},
		close:  func() { _ = client.Close() },
	}
	if err := client.Ping(ctx).Err(); err != nil {
		t.Close()
		return nil, explain(options.Addr, err)
	}
	// A user that may not ask for it, or a server that doesn't tell, is no reason to stop.
	info, _ := client.Info(ctx, "server").Result()
	t.Name = describe(info) + " at " + options.Addr
	return t, nil
}

// newClient returns a client that fails at once, and in silence, where it would try again.
func newClient(options *redis.Options) *redis.Client {
	logging.Disable() // go-redis tells of failed dials on stderr
	options.ContextTimeoutEnabled = true
	options.DialerRetries = 1
	options.MaxRetries = -1
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(options)
}

// describe returns the server's name and version, as far as its INFO tells.
func describe(info string) string {
	fields := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), ":"); found {
			fields[name] = value
		}
	}
	switch {
	case fields["valkey_version"] != "":
		return "Valkey " + fields["valkey_version"]
	case fields["dragonfly_version"] != "":
		return "Dragonfly " + fields["dragonfly_version"]
	case fields["redis_version"] != "":
		return "Redis " + fields["redis_version"]
	}
	return "a server of unknown version"
}

// versionOf returns the version of a module that this program was built with, without its v; "" where
// the build doesn't tell.
func versionOf(module string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if dep.Path == module {
			return strings.TrimPrefix(dep.Version, "v")
		}
	}
	return ""
}
