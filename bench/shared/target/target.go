// Package target connects to the place in which limiters keep their state: a server that the user names, a server inside this
// process, or this process itself.
//
// The package is not internal, because the worker of the command measure, bench/peers, is in a separate module.
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
	// Name describes the target: "Redis 7.0.15 at 127.0.0.1:6379".
	Name string

	// Runner runs scripts on the target. It is nil if limiters keep their state in this process.
	Runner scripts.Runner

	close func()
}

// Close closes the connections, and stops the server if it is inside this process.
func (t *Target) Close() { t.close() }

// Local returns the target for limiters that keep their state in this process, without Redis.
func Local() *Target {
	return &Target{Name: "the limiters of this process, without Redis", close: func() {}}
}

// Miniredis starts a miniredis server in this process.
func Miniredis() (*Target, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("can't start the embedded miniredis: %w", err)
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

// compareRights are the ACL rules that a user needs to run Weir's scripts.
const compareRights = "~weir-bench* +ping +@scripting +@read +@write"

// Dial connects to a server, to a cluster, or to the master that sentinels name. See [Parse] for the URLs. Errors are one
// line and contain no password.
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
	// Dial succeeds without a name if the user has no right to INFO or the server doesn't support it.
	info, _ := client.Info(ctx, "server").Result()
	t.Name = Describe(info) + " at " + place.Address()
	return t, nil
}

// Describe returns the name and version of a server from its reply to INFO.
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

// versionOf returns the version of a module that this program was built with, without the "v", or "" if it isn't known.
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
