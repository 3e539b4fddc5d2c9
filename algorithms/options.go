package algorithms

import (
	"fmt"
	"strings"
	"time"
)

// An Option changes how a limiter is made; New and NewLocal of every algorithm take them.
type Option struct {
	apply func(*Settings)
	only  string // the one algorithm that has this option; "": all have
}

// OptionOf returns an option that only the named algorithm has: the others' New refuses it. It is
// here for those who implement an algorithm.
func OptionOf(algorithm string, apply func(*Settings)) Option { return Option{apply, algorithm} }

// WithPrefix sets what every key of the limiter begins with in Redis, "weir" by default. It can
// be any text without braces, which Redis Cluster would take for the part of the key to hash.
func WithPrefix(prefix string) Option { return Option{apply: func(s *Settings) { s.Prefix = prefix }} }

// WithName tells limiters of the same algorithm and prefix apart, so that each counts for itself:
// "read" and "write", or "second" and "day". It can be any text without a closing brace; the
// default, "", is a name like any other.
func WithName(name string) Option { return Option{apply: func(s *Settings) { s.Name = name }} }

// WithClock lets now say what time it is instead of the server's clock (for a Local: of time.Now).
// It is for tests and simulations only: the clocks of two clients are never equal, and a limiter
// that trusts them admits too much. Times are cut to whole microseconds. Keys written under such a
// clock live an hour longer on the server than their state, as simulated time may stand still.
func WithClock(now func() time.Time) Option {
	return Option{apply: func(s *Settings) { s.Clock = now }}
}

// Settings is what a list of options comes to. A user has no need of it: it is here for those who
// implement an algorithm.
type Settings struct {
	Algorithm string           // the algorithm's name, as it stands in keys
	Prefix    string           // what every key begins with
	Name      string           // the last part of every key, if not ""
	Clock     func() time.Time // nil: the server's clock
	Aligned   bool             // fixedwindow's: windows begin at whole Periods since the Unix epoch
	CacheTime time.Duration    // CacheDenials': how long a refusal is repeated at most
	CacheKeys int              // CacheDenials': of how many keys at most
}

// NewSettings applies opts to the defaults. Its error wraps [ErrInvalidOption].
func NewSettings(algorithm string, opts ...Option) (Settings, error) {
	s := Settings{Algorithm: algorithm, Prefix: "weir", CacheTime: defaultCacheTime, CacheKeys: defaultCacheKeys}
	for _, opt := range opts {
		if opt.only != "" && opt.only != algorithm {
			return s, fmt.Errorf("%w: an option of %s was given to %s", ErrInvalidOption, opt.only, algorithm)
		}
		if opt.apply != nil {
			opt.apply(&s)
		}
	}
	if strings.ContainsAny(s.Prefix, "{}") {
		return s, fmt.Errorf("%w: prefix %q holds a brace, want a text without", ErrInvalidOption, s.Prefix)
	}
	if strings.Contains(s.Name, "}") {
		return s, fmt.Errorf("%w: name %q holds a closing brace, want a text without", ErrInvalidOption, s.Name)
	}
	return s, nil
}

// Key returns the key under which the algorithm keeps its state of key in Redis:
// PREFIX:{KEY}:ALGORITHM, or PREFIX:{KEY}:ALGORITHM:NAME. Different arguments never give the same
// key, and the keys of all limits of one KEY share a cluster slot.
//
// Redis Cluster hashes what stands between the first brace and the next closing one, but the
// whole key where nothing does. So for a KEY that is empty or begins with a closing brace the
// form is PREFIX:-{-KEY}:ALGORITHM, which no other KEY can have.
func (s Settings) Key(key string) string {
	open := ":{"
	if key == "" || key[0] == '}' {
		open = ":-{-"
	}
	if s.Name == "" {
		return s.Prefix + open + key + "}:" + s.Algorithm
	}
	return s.Prefix + open + key + "}:" + s.Algorithm + ":" + s.Name
}

// maxTime is the first time, in µs since the Unix epoch, that can't be computed with; see maxSpan.
const maxTime = 1 << 52

// Now returns the time that Clock shows, in whole microseconds since the Unix epoch. Its error
// wraps [ErrInvalidTime]. It must not be called where Clock is nil.
func (s Settings) Now() (int64, error) {
	now := s.Clock()
	// UnixMicro overflows, silently, only some 290,000 years away; the year tells.
	if us := now.UnixMicro(); us >= 0 && us < maxTime && now.Year() < 2200 {
		return us, nil
	}
	return 0, fmt.Errorf("%w: the clock shows %v, want 1970 to 2112", ErrInvalidTime, now)
}
