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

// A Script is one Lua source with what is needed to send it: its SHA1, which is the name that the server caches it
// under, and the names of its arguments and of the integers that it replies with.
type Script struct {
	name   string
	source string
	sha1   string
	args   []string
	reply  []string

	lengths []int // how many integers a reply may have
	many    *Script
}

// New returns a script of the caller's own, for use with a [Runner]. Its arguments and its reply are up
// to the caller; those of the scripts in this package are fixed by the contract at the top of each file.
func New(name, source string) *Script {
	sum := sha1.Sum([]byte(source)) //nolint:gosec // see the import
	return &Script{name: name, source: source, sha1: hex.EncodeToString(sum[:])}
}

// Many returns the script that decides on many requests as s decides on one, or nil if there is none. The header of its
// file is its contract.
func (s *Script) Many() *Script { return s.many }

// WithMany makes many the script for many requests of s, and returns s. The header of gcra_many.lua says what such a script
// takes and replies. WithMany changes s: call it before s is used.
func (s *Script) WithMany(many *Script) *Script {
	s.many = many
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

// Reply returns the names of the integers in the reply, in order; nil for a script made by [New]. The last
// of them may be left out if the contract says so.
func (s *Script) Reply() []string { return s.reply }

// A Runner sends scripts to a server. It is all that Weir needs of a Redis client: goredisrunner and
// rueidisrunner implement it, and it can be implemented over any other client. A Runner that also implements
// [Placer] says which keys are together. A Runner that wraps another one should have a method Unwrap() Runner: see [PlacerOf].
type Runner interface {
	// Run executes s once, atomically, on the server that holds keys, and returns the integers of
	// its reply. It sends EVALSHA first, and EVAL only after the server has answered NOSCRIPT.
	//
	// Run never sends a call again whose outcome is unknown: a lost reply is an error, not a second
	// charge. It doesn't change keys and args, which callers may use again. errors.Is and errors.As
	// find the errors of the client and of the server in its error.
	Run(ctx context.Context, s *Script, keys []string, args []string) ([]int64, error)
}

// ErrReply is wrapped by the error for a reply that isn't in the form of the script's contract: the server
// has run another script, or something between client and server has answered.
var ErrReply = errors.New("weir: unexpected reply")

// CheckReply returns nil if the reply has as many integers as the contract of s says that it may have. Else it returns an
// error that wraps [ErrReply].
func (s *Script) CheckReply(reply []int64) error {
	if slices.Contains(s.lengths, len(reply)) {
		return nil
	}
	return fmt.Errorf("%w: script %s gave %d integers, want %s", ErrReply, s.name, len(reply),
		strings.Trim(strings.ReplaceAll(fmt.Sprint(s.lengths), " ", " or "), "[]"))
}
