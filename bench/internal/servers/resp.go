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

// replyTimeout is the timeout for a reply. A healthy server takes that long only on a severely overloaded machine.
const replyTimeout = 2 * time.Minute

// ask sends one command over a new connection, without retries, and returns its reply: nil, a string, an int64, or a []any of
// these. Its only timeout is replyTimeout.
func ask(ctx context.Context, addr string, command ...string) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, replyTimeout)
	defer cancel()
	logging.Disable() // go-redis would log failed dials to standard error
	client := redis.NewClient(&redis.Options{
		Addr: addr, Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true, DialerRetries: 1, MaxRetries: -1,
		DialTimeout: replyTimeout, ReadTimeout: -1,
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

// call is like ask, for a command whose reply is a status or a string.
func call(ctx context.Context, addr string, command ...string) (string, error) {
	reply, err := ask(ctx, addr, command...)
	if err != nil {
		return "", err
	}
	text, ok := reply.(string)
	if !ok {
		return "", fmt.Errorf("%s: the reply is %v, want a string", command[0], reply)
	}
	return text, nil
}

// await returns once the server answers PING. An accepted connection isn't enough, as a published port accepts connections
// before the server listens. await calls alive after each failure, and gives up if it returns an error.
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
			return nil //nolint:nilerr // ends the poll; the error is returned below
		}
		return fmt.Errorf("no answer on %s: %w", addr, err)
	})
	return errors.Join(dead, err)
}

// poll calls holds until it returns no error or the context ends. In the latter case, poll returns the last error from before
// the end of the context.
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

// info returns the fields of a section of a server's INFO.
func info(ctx context.Context, addr, section string) (map[string]string, error) {
	text, err := call(ctx, addr, "INFO", section)
	if err != nil {
		return nil, err
	}
	return fields(text), nil
}

// fields parses lines of the form "key:value".
func fields(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			m[key] = value
		}
	}
	return m
}

// identify asks a server for its name and version. It looks at Valkey's fields first, because a Valkey server also reports
// redis_version 7.2.4 for old clients.
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
