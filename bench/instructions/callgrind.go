package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/go-weir/weir/bench/internal/servers"
)

// counter is a server under callgrind. It counts the instructions with which the server reads requests and executes them. It
// doesn't count the server's timer, which runs more often during a call if the machine is slower. Each time the server is
// about to execute ECHO, callgrind writes the count and begins again from 0.
type counter struct {
	server *servers.Server
	client *redis.Client
	dir    string // the folder that callgrind writes to
	counts int    // how many counts it has written
	ping   float64
}

// startCounter starts a server of a kind and counts the instructions of a PING.
func startCounter(ctx context.Context, kind servers.Kind) (*counter, error) {
	dir, err := os.MkdirTemp("", "weir-instructions-")
	if err != nil {
		return nil, err
	}
	c := &counter{dir: dir}
	tool := []string{"valgrind", "--tool=callgrind", "--callgrind-out-file=" + c.output(), "--dump-before=echoCommand", "--toggle-collect=readQueryFromClient"}
	c.server, err = servers.RunUnder(ctx, kind, tool, "--hz", "1")
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	c.client = redis.NewClient(&redis.Options{
		Addr: c.server.Addr, MaxRetries: -1, ReadTimeout: time.Minute, PoolSize: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	c.ping, err = c.count(ctx, each(func(ctx context.Context, _ int) error { return c.client.Ping(ctx).Err() }))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// close stops the server and removes what callgrind has written.
func (c *counter) close() error {
	var errs []error
	if c.client != nil {
		errs = append(errs, c.client.Close())
	}
	if c.server != nil {
		errs = append(errs, c.server.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(c.dir))...)
}

func (c *counter) output() string { return filepath.Join(c.dir, "count") }

// empty removes all keys and scripts from the server. The more scripts are loaded, the more work Lua's garbage collector
// has.
func (c *counter) empty(ctx context.Context) error {
	if err := c.client.Do(ctx, "SCRIPT", "FLUSH", "SYNC").Err(); err != nil {
		return err
	}
	return c.client.Do(ctx, "FLUSHALL", "SYNC").Err()
}

// Calls are counted in stretches. The server runs a step of Lua's garbage collection every 50 calls, so each stretch
// includes one.
const (
	warmup    = 50
	stretch   = 50
	stretches = 4
)

// count returns how many instructions of the server a call costs, minus those of a PING. do makes n calls, one at a time.
// The figure is that of the cheapest stretch, because during others a table may have grown.
func (c *counter) count(ctx context.Context, do func(ctx context.Context, n int) error) (float64, error) {
	if err := do(ctx, warmup); err != nil {
		return 0, err
	}
	var counts []float64
	for range stretches {
		if _, err := c.sinceLast(ctx); err != nil {
			return 0, err
		}
		if err := do(ctx, stretch); err != nil {
			return 0, err
		}
		n, err := c.sinceLast(ctx)
		if err != nil {
			return 0, err
		}
		counts = append(counts, float64(n)/stretch)
	}
	return slices.Min(counts) - c.ping, nil
}

// each returns a function that makes n calls. It numbers the calls on from those that it has made before.
func each(call func(ctx context.Context, i int) error) func(ctx context.Context, n int) error {
	i := 0
	return func(ctx context.Context, n int) error {
		for range n {
			i++
			if err := call(ctx, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// sinceLast returns how many instructions the server has executed since the previous call of sinceLast.
func (c *counter) sinceLast(ctx context.Context) (int64, error) {
	if err := c.client.Echo(ctx, "").Err(); err != nil {
		return 0, err
	}
	c.counts++
	name := c.output() + "." + strconv.Itoa(c.counts)
	file, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("callgrind has not seen the server execute ECHO: %w", err)
	}
	defer file.Close()
	n, err := total(file)
	return n, errors.Join(err, os.Remove(name))
}

// total returns the number of instructions in the output of callgrind, which is on a line like "totals: 1524921".
func total(written io.Reader) (int64, error) {
	lines := bufio.NewScanner(written)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if text, found := strings.CutPrefix(lines.Text(), "totals:"); found {
			return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		}
	}
	return 0, errors.Join(errors.New("callgrind has written no totals"), lines.Err())
}

// installValgrind installs the package valgrind if the machine has none.
func installValgrind(ctx context.Context) error {
	if _, err := exec.LookPath("valgrind"); err == nil {
		return nil
	}
	const install = "apt-get install -y -q valgrind || { apt-get update -q && apt-get install -y -q valgrind; }"
	if out, err := exec.CommandContext(ctx, "sh", "-c", install).CombinedOutput(); err != nil {
		return fmt.Errorf("valgrind is not installed and can't be: install the package valgrind: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
