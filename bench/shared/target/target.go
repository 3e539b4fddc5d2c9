// Package target is where the program's limiters keep their state: a server that the user names, a
// server inside this process, or this process itself.
//
// It is not internal, as the workers of the command measure, bench/peers, are a module of their own.
package target

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/alicebob/miniredis/v2"

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
	client := Place{Network: "tcp", Addrs: []string{server.Addr()}}.Admin()
	run, err := goredisrunner.New(client)
	if err != nil {
		return nil, err
	}
	return &Target{
		Name:   strings.TrimSpace("embedded miniredis " + versionOf("github.com/alicebob/miniredis/v2")),
		Runner: run,
		close: func() {
			_ = client.Close()
			server.Close()
		},
	}, nil
}

// compareRights are what running Weir's scripts takes of a user.
const compareRights = "~weir-bench* +ping +@scripting +@read +@write"

// Dial connects to the server at a URL, or to the cluster or what the sentinels at several watch over:
// see [Parse]. Its errors are one line and hold no password.
func Dial(ctx context.Context, urls string) (*Target, error) {
	place, err := Parse(urls)
	if err != nil {
		return nil, err
	}
	if place, err = place.Discover(ctx); err != nil {
		return nil, err
	}
	client := place.Admin()
	run, err := goredisrunner.New(client)
	if err != nil {
		return nil, err
	}
	t := &Target{
		Runner: &runner{run, place},
		close:  func() { _ = client.Close() },
	}
	if err := client.Ping(ctx).Err(); err != nil {
		t.Close()
		return nil, Explain(place, compareRights, err)
	}
	// A user that may not ask for it, or a server that doesn't tell, is no reason to stop.
	info, _ := client.Info(ctx, "server").Result()
	t.Name = Describe(info) + " at " + place.Address()
	return t, nil
}

// Describe returns the server's name and version, as far as its INFO tells.
func Describe(info string) string {
	fields := ParseInfo(info)
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
