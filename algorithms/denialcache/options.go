package denialcache

import (
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/option"
)

const (
	maxAge  = (1 << 51) * time.Microsecond // 71 years
	maxKeys = 1 << 26
)

type settings struct {
	age   time.Duration
	keys  int
	clock func() time.Time
}

// An Option changes how [New] makes a limiter. [MaxAge], [MaxKeys] and [WithClock] return one.
type Option interface{ apply(*settings) }

type optionFunc func(*settings)

func (f optionFunc) apply(s *settings) { f(s) }

// MaxAge sets how long a denial is repeated at most before the limiter behind is asked again, even if the wait is longer:
// above 0, up to 2^51 µs (71 years), counted from the beginning of the call that was denied. A Reset of the key in
// another process can go unnoticed for that long.
//
// The default is a second. A key that is denied a thousand times in a second has then asked the server once, so a longer
// time saves little more. Over long times clocks differ: one that is 100 parts per million slower than the server's is late
// by a third of a second after an hour.
func MaxAge(longest time.Duration) Option {
	return optionFunc(func(s *settings) { s.age = longest })
}

// MaxKeys sets how many keys are remembered at most: 1 to 2^26 (67 million), 65,536 by default. Memory grows in proportion. As
// a key can be in eight places only, some keys are dropped before the cache is full: about one in twenty if half as many keys
// as this are denied in turn, and hardly any if a quarter are.
func MaxKeys(most int) Option {
	return optionFunc(func(s *settings) { s.keys = most })
}

// WithClock makes now the clock, instead of the process' monotonic one. A nil now changes nothing. If the limiter behind has a
// clock set by algorithms.WithClock, the cache needs the same one.
func WithClock(now func() time.Time) Option {
	return optionFunc(func(s *settings) { s.clock = now })
}

func settingsOf(opts []Option) (settings, error) {
	s := settings{age: time.Second, keys: 1 << 16}
	for _, opt := range opts {
		if option.IsNil(opt) {
			return s, fmt.Errorf("%w: an option is nil, want one that a function of denialcache has returned", algorithms.ErrInvalidOption)
		}
		opt.apply(&s)
	}
	switch {
	case s.age <= 0 || s.age > maxAge:
		return s, fmt.Errorf("%w: MaxAge is %v, want above 0 to %v", algorithms.ErrInvalidOption, s.age, maxAge)
	case s.keys < 1 || s.keys > maxKeys:
		return s, fmt.Errorf("%w: MaxKeys is %d, want 1 to %d", algorithms.ErrInvalidOption, s.keys, maxKeys)
	}
	return s, nil
}
