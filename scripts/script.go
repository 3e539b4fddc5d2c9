package scripts

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names a script by the SHA1 of its source; nothing is secured by it.
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// A Script is one Lua source, with what a caller must know to send it: its SHA1, which is the name
// the server caches it under, and the names of its arguments and of the integers it replies with.
type Script struct {
	name   string
	source string
	sha1   string
	args   []string
	reply  []string

	oneString  bool
	leastReply int // how many integers a reply has that leaves out what may be left out
}

// New returns a script of the caller's own, for use with a [Runner]. The arguments and replies of
// the scripts in this package are fixed by the contract at the top of each file; those of a script
// made here are the caller's business.
func New(name, source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return &Script{name: name, source: source, sha1: hex.EncodeToString(sum[:])}
}

// OneString says of a script of the caller's own that its state is one string at KEYS[1], and that it
// touches the server in no other words than redis.call('TIME'), redis.call('GET', KEYS[1]) and
// redis.call('SET', KEYS[1], value, 'PX', milliseconds) or redis.call('SET', KEYS[1], value, 'KEEPTTL').
// Where many calls of it are sent together (see [Coalesce]), a key is then read and written once for all of
// them. A value given to SET as a number is a number for the next GET. It returns s, and is called before s is used.
func (s *Script) OneString() *Script {
	s.oneString = true
	return s
}

// Name returns the script's file name without its extension, such as "gcra".
func (s *Script) Name() string { return s.name }

// Source returns the Lua text, exactly as the server hashes it.
func (s *Script) Source() string { return s.source }

// SHA1 returns the lower-case hexadecimal SHA1 of Source, as EVALSHA takes it.
func (s *Script) SHA1() string { return s.sha1 }

// Args returns the names of ARGV[1], ARGV[2], … in order; nil for a script made by [New].
func (s *Script) Args() []string { return s.args }

// Reply returns the names of the integers in the reply, in order, of which the last may be left out where
// the contract says so; nil for a script made by [New].
func (s *Script) Reply() []string { return s.reply }

// A Runner sends scripts to a server. It is the one seam between Weir and a Redis client:
// goredisrunner and rueidisrunner implement it, and any other client can.
type Runner interface {
	// Run executes s once, atomically, on the server that holds keys, and returns the integers of
	// its reply. It sends EVALSHA first, and EVAL only after the server has answered NOSCRIPT.
	//
	// Run never resends a call whose outcome is unknown: a lost reply is an error, not a second
	// charge. It does not change keys and args, which callers may use again. Errors of the client and of the server stay reachable through errors.Is and errors.As.
	Run(ctx context.Context, s *Script, keys []string, args []string) ([]int64, error)
}

// ErrReply is wrapped by the error for a reply that isn't what the script's contract says: the
// server ran some other script, or something between stood in for it.
var ErrReply = errors.New("weir: unexpected reply")

// CheckReply returns nil for a reply of as many integers as s replies with, or as few as it may, else
// an error that wraps [ErrReply].
func (s *Script) CheckReply(reply []int64) error {
	if len(reply) == s.leastReply || len(reply) == len(s.reply) {
		return nil
	}
	want := strconv.Itoa(len(s.reply))
	if s.leastReply < len(s.reply) {
		want = fmt.Sprintf("%d or %d", s.leastReply, len(s.reply))
	}
	return fmt.Errorf("%w: script %s gave %d integers, want %s", ErrReply, s.name, len(reply), want)
}
