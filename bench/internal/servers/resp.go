package servers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// replyTimeout is how long a server may take to reply. One that is well takes that long only on a machine that has far
// more to do than it can.
const replyTimeout = 10 * time.Second

// ask sends one command over a connection of its own, once, and returns its reply: nil, a string, an int64, or a
// []any of these.
func ask(ctx context.Context, addr string, command ...string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	logging.Disable() // it tells of failed dials on stderr
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true, DialerRetries: 1, MaxRetries: -1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	defer client.Close()
	args := make([]any, len(command))
	for i := range command {
		args[i] = command[i]
	}
	reply, err := client.Do(ctx, args...).Result()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return reply, err
}

// call does that for a command whose reply is a status or a string.
func call(ctx context.Context, addr string, command ...string) (string, error) {
	reply, err := ask(ctx, addr, command...)
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
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	var dead error
	err := poll(ctx, func(ctx context.Context) error {
		_, err := call(ctx, addr, "PING")
		if err == nil {
			return nil
		}
		dead = alive()
		if dead != nil {
			return nil //nolint:nilerr // it ends the poll; dead is returned below
		}
		return fmt.Errorf("no answer on %s: %w", addr, err)
	})
	return errors.Join(dead, err)
}

// poll asks until there is no error, or the context ends. Then it returns the last error from before
// that, and not what came of asking too late.
func poll(ctx context.Context, holds func(context.Context) error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline, limited := ctx.Deadline()
	var last error
	for {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		late := ctx.Err() != nil || limited && !time.Now().Before(deadline)
		if last == nil || !late {
			last = err
		}
		select {
		case <-ctx.Done():
			return last
		case <-tick.C:
		}
	}
}

// info asks a server for a section of its INFO.
func info(ctx context.Context, addr, section string) (map[string]string, error) {
	text, err := call(ctx, addr, "INFO", section)
	if err != nil {
		return nil, err
	}
	return fields(text), nil
}

// fields reads lines of the form "key:value".
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[key] = value
		}
	}
	return m
}

// identify asks a server for its name and version. A Valkey server calls itself Redis 7.2.4 where
// older clients look, so its own fields count first.
func identify(ctx context.Context, addr string) (name, version string, err error) {
	fields, err := info(ctx, addr, "server")
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
