package scripts

import (
	"context"
	"crypto/sha1" //nolint:gosec // Redis names a script by the SHA1 of its source; nothing is secured by it.
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Script is a Lua source with its SHA1, by which a server caches it, and the names of its arguments and of the integers that
// it replies with.
type Script struct {
	name   string
	source string
	sha1   string
	args   []string
	reply  []string

	lengths []int // how many integers a reply may have
	many    *Script
}

// New returns a script of your own, for use with a [Runner]. You choose its arguments and its reply. Those of the scripts in
// this package are fixed by the contract at the top of each file.
func New(name, source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return &Script{name: name, source: source, sha1: hex.EncodeToString(sum[:])}
}

// Many returns the script that makes the decisions of s for many requests in one call, or nil if there is none. The header of
// its file is its contract.
func (s *Script) Many() *Script { return s.many }

// WithMany makes many the script that s uses for many requests, and returns s. The header of gcra_many.lua says which arguments
// such a script takes and what it replies. WithMany changes s: call it before s is used.
func (s *Script) WithMany(many *Script) *Script {
	s.many = many
	return s
}

// Name returns the script's file name without its extension, such as "gcra".
func (s *Script) Name() string { return s.name }

// Source returns the Lua text, byte for byte as the server hashes it.
func (s *Script) Source() string { return s.source }

// SHA1 returns the lower-case hexadecimal SHA1 of Source, as EVALSHA takes it.
func (s *Script) SHA1() string { return s.sha1 }

// Args returns the names of ARGV[1], ARGV[2], … in order. It returns nil for a script made by [New].
func (s *Script) Args() []string { return s.args }

// Reply returns the names of the integers in the reply, in order. It returns nil for a script made by [New]. A script may leave
// out the last of them if its contract says so.
func (s *Script) Reply() []string { return s.reply }

// A Runner sends scripts to a server. It is all that Weir needs of a Redis client. goredisrunner and rueidisrunner implement it,
// and you can implement it over any other client. A Runner that also implements [Placer] says which keys are on one server. A
// Runner that wraps another one should have a method Unwrap() Runner: see [PlacerOf].
type Runner interface {
	// Run executes s once, atomically, on the server that holds keys, and returns the integers of
	// its reply. It sends EVALSHA first, and EVAL only after the server has answered NOSCRIPT.
	//
	// If the outcome of a call is unknown, Run never sends it again: a lost reply is an error, not a second charge. Run
	// doesn't change keys and args, which callers may use again. errors.Is and errors.As find the client's and the server's
	// errors in its error.
	Run(ctx context.Context, s *Script, keys []string, args []string) ([]int64, error)
}

// A Bounded is a [Runner] whose Run returns as soon as its context ends, whatever the client and the server do. The runners
// of Weir are Bounded. Package coalesce makes a call over a Bounded in the goroutine of its caller. Over any other Runner it
// needs one goroutine more.
type Bounded interface {
	Runner

	// Bounded does nothing. A Runner that has it promises what the type says. A wrapper should have it only if the Runner that it
	// wraps is Bounded.
	Bounded()
}

// ErrReply is wrapped by the error for a reply that isn't in the form of the script's contract. Either the server has run
// another script, or something between client and server has answered.
var ErrReply = errors.New("weir: unexpected reply")

// CheckReply returns nil if the reply has a number of integers that the contract of s allows. Otherwise it returns an error that
// wraps [ErrReply].
func (s *Script) CheckReply(reply []int64) error {
	if slices.Contains(s.lengths, len(reply)) {
		return nil
	}
	return fmt.Errorf("%w: script %s replied with %d integers, want %s", ErrReply, s.name, len(reply),
		strings.Trim(strings.ReplaceAll(fmt.Sprint(s.lengths), " ", " or "), "[]"))
}
