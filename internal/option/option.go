// Package option holds the options of limiters. Each constructor takes one of this package's interfaces, which only the
// options for that constructor implement: an option that a constructor doesn't take doesn't compile.
package option

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-weir/weir/internal/sentinel"
)

// Settings are the result of a list of options.
type Settings struct {
	Prefix  string           // what every key on a server begins with
	Name    string           // the last part of every key, if not ""
	Clock   func() time.Time // nil: the server's clock, or time.Now for a Local
	Aligned bool             // windows begin at whole Periods since the Unix epoch
	MaxKeys int              // how many keys a Local holds at most
}

// DefaultMaxKeys is how many keys a Local holds at most by default.
const DefaultMaxKeys = 1 << 20

// LocalWindow is an option of fixedwindow.NewLocal, which takes all options.
type LocalWindow interface{ apply(*Settings) }

// Window is an option of fixedwindow.New and fixedwindow.NewLocal.
type Window interface {
	LocalWindow
	window()
}

// Local is an option of every NewLocal.
type Local interface {
	LocalWindow
	local()
}

// Any is an option of every New and NewLocal.
type Any interface {
	Window
	Local
	all()
}

type (
	anyOption    func(*Settings)
	localOption  func(*Settings)
	windowOption func(*Settings)
)

func (o anyOption) apply(s *Settings)    { o(s) }
func (o localOption) apply(s *Settings)  { o(s) }
func (o windowOption) apply(s *Settings) { o(s) }

func (anyOption) all()       {}
func (anyOption) local()     {}
func (anyOption) window()    {}
func (localOption) local()   {}
func (windowOption) window() {}

// Prefix sets Settings.Prefix.
func Prefix(prefix string) Any { return anyOption(func(s *Settings) { s.Prefix = prefix }) }

// Name sets Settings.Name.
func Name(name string) Any { return anyOption(func(s *Settings) { s.Name = name }) }

// Clock sets Settings.Clock.
func Clock(now func() time.Time) Any { return anyOption(func(s *Settings) { s.Clock = now }) }

// MaxKeys sets Settings.MaxKeys.
func MaxKeys(n int) Local { return localOption(func(s *Settings) { s.MaxKeys = n }) }

// Aligned sets Settings.Aligned.
func Aligned() Window { return windowOption(func(s *Settings) { s.Aligned = true }) }

// Apply returns the defaults changed by options. Its error wraps [sentinel.ErrInvalidOption].
func Apply[O LocalWindow](opts []O) (Settings, error) {
	s := Settings{Prefix: "weir", MaxKeys: DefaultMaxKeys}
	for _, opt := range opts {
		if IsNil(opt) {
			return s, fmt.Errorf("%w: an option is nil, want one that a function of Weir has returned", sentinel.ErrInvalidOption)
		}
		opt.apply(&s)
	}
	switch {
	case strings.ContainsAny(s.Prefix, "{}"):
		return s, fmt.Errorf("%w: prefix %q holds a brace, want a text without", sentinel.ErrInvalidOption, s.Prefix)
	case strings.Contains(s.Name, "}"):
		return s, fmt.Errorf("%w: name %q holds a closing brace, want a text without", sentinel.ErrInvalidOption, s.Name)
	case s.MaxKeys < 1:
		return s, fmt.Errorf("%w: at most %d keys, want at least 1", sentinel.ErrInvalidOption, s.MaxKeys)
	}
	return s, nil
}

// Simulated reports whether the caller gave a clock.
func (s Settings) Simulated() bool { return s.Clock != nil }

// maxTime is the first time, in µs since the Unix epoch, that limiters can't compute with.
const maxTime = 1 << 52

// Now returns the time in whole microseconds since the Unix epoch: Clock's, or time.Now without one. Its error wraps
// [sentinel.ErrInvalidTime].
func (s Settings) Now() (int64, error) {
	clock := s.Clock
	if clock == nil {
		clock = time.Now
	}
	now := clock()
	// UnixMicro silently overflows for times some 290,000 years away, which the year excludes.
	if us := now.UnixMicro(); us >= 0 && us < maxTime && now.Year() < 2200 {
		return us, nil
	}
	return 0, fmt.Errorf("%w: the clock shows %v, want 1970 to 2112", sentinel.ErrInvalidTime, now)
}

// IsNil reports whether v is nil, or holds a nil pointer, func, map, slice or channel.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan:
		return r.IsNil()
	default:
		return false
	}
}
