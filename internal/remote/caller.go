// Package remote calls the scripts of a limiter on the keys of one limit.
package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/sentinel"
	"github.com/go-weir/weir/scripts"
)

// A Caller runs scripts on the keys of one limit.
type Caller struct {
	run      scripts.Runner
	settings option.Settings
	suffix   string // the part of a key after KEY
}

// New returns a caller for the limit of that identity. It returns an error only for a nil runner.
func New(run scripts.Runner, settings option.Settings, identity string) (Caller, error) {
	if option.IsNil(run) {
		return Caller{}, fmt.Errorf("%w: want one of goredisrunner.New, rueidisrunner.New or your own", sentinel.ErrNilRunner)
	}
	return Caller{run: run, settings: settings}.For(identity), nil
}

// For returns the caller for the limit of another identity.
func (c Caller) For(identity string) Caller {
	c.suffix = "}:" + identity
	if c.settings.Name != "" {
		c.suffix += ":" + c.settings.Name
	}
	return c
}

// Settings returns what the caller was made with.
func (c Caller) Settings() option.Settings { return c.settings }

// Runner returns what runs the scripts.
func (c Caller) Runner() scripts.Runner { return c.run }

// Now returns a script's argument now_us: the time in microseconds, or "" for the server's clock.
func (c Caller) Now() (string, error) {
	if !c.settings.Simulated() {
		return "", nil
	}
	now, err := c.settings.Now()
	return strconv.FormatInt(now, 10), err
}

// Call runs a script on the key, unless the context has ended, and checks its reply's form.
func (c Caller) Call(ctx context.Context, script *scripts.Script, key string, args []string) ([]int64, error) {
	return c.call(ctx, script, []string{c.Key(key)}, args)
}

// given is appended to a limiter's key to name the count of what settlements have given back. The result is never a
// limiter's key, as no identity and no name ends with a closing brace.
const given = ":{given}"

// CallGiven is like Call, with the key of what settlements have given back as a second key.
func (c Caller) CallGiven(ctx context.Context, script *scripts.Script, key string, args []string) ([]int64, error) {
	own := c.Key(key)
	return c.call(ctx, script, []string{own, own + given}, args)
}

func (c Caller) call(ctx context.Context, script *scripts.Script, keys, args []string) ([]int64, error) {
	reply, err := c.CallAll(ctx, script, keys, args)
	if err != nil {
		return nil, err
	}
	return reply, script.CheckReply(reply)
}

// CallAll runs a script on keys of the server, unless the context has ended. It doesn't check the reply.
func (c Caller) CallAll(ctx context.Context, script *scripts.Script, keys, args []string) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("weir: nothing was sent: %w", err)
	}
	return c.run.Run(ctx, script, keys, args) // the runner's error names the runner and the script
}

// Reset removes the key.
func (c Caller) Reset(ctx context.Context, key string) error {
	_, err := c.Call(ctx, scripts.Reset, key, nil)
	return err
}

// longestKey is the longest KEY, in bytes, that is written as it is.
const longestKey = 256

// Key returns the key on the server: PREFIX:{KEY}:IDENTITY or PREFIX:{KEY}:IDENTITY:NAME. Different arguments never give
// the same key, and the keys of all limits of one KEY share a cluster slot.
//
// Redis Cluster hashes the text between the first opening brace and the next closing one, or the whole key if there is no such
// text. So a KEY that is empty or begins with a closing brace is written PREFIX:-{-KEY}, and a long one PREFIX:-#-{HASH}. As no
// prefix has a brace, the text before the first brace tells the three forms apart.
func (c Caller) Key(key string) string {
	open := ":{"
	switch {
	case key == "" || key[0] == '}':
		open = ":-{-"
	case len(key) > longestKey:
		sum := sha256.Sum256([]byte(key))
		open, key = ":-#-{", hex.EncodeToString(sum[:])
	}
	return c.settings.Prefix + open + key + c.suffix
}
