package servers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-weir/weir/internal/resptest"
)

// call sends one command and returns its reply, if that is a status or a string. It is all that
// this package has to ask of a server, so it needs no client library, nor the choice of one.
func call(ctx context.Context, addr string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := resptest.Connect(ctx, addr)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	reply, err := conn.Do(command...)
	if err != nil {
		return "", err
	}
	text, ok := reply.(string)
	if !ok {
		return "", fmt.Errorf("%s: reply %v, want a text", command[0], reply)
	}
	return text, nil
}

// await returns once the server answers PING, which is later than when it accepts connections: a
// published port does that before there is a server behind it. It gives up early if alive, asked
// after each failure, says that there is no server to wait for.
func await(ctx context.Context, addr string, alive func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := call(ctx, addr, "PING")
		if err == nil {
			return nil
		}
		if dead := alive(); dead != nil {
			return dead
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer on %s: %w", addr, err)
		case <-tick.C:
		}
	}
}

// info asks a server for the section of its INFO that says what it is.
func info(ctx context.Context, addr string) (map[string]string, error) {
	text, err := call(ctx, addr, "INFO", "server")
	if err != nil {
		return nil, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			fields[key] = value
		}
	}
	return fields, nil
}

// identify asks a server for its name and version. A Valkey server calls itself Redis 7.2.4 where
// older clients look, so its own fields count first.
func identify(ctx context.Context, addr string) (name, version string, err error) {
	fields, err := info(ctx, addr)
	if err != nil {
		return "", "", err
	}
	name = fields["server_name"]
	if name == "" {
		name = "redis"
	}
	version = fields[name+"_version"]
	if version == "" {
		version = fields["redis_version"]
	}
	return strings.ToUpper(name[:1]) + name[1:], version, nil
}
