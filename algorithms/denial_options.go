package algorithms

import "time"

// denialCache is what options of CacheDenials are known by.
const denialCache = "CacheDenials"

const (
	defaultCacheTime = time.Second
	defaultCacheKeys = 1 << 16
	maxCacheKeys     = 1 << 26
)

// WithCacheTime sets the longest that [CacheDenials] repeats a denial before the limiter behind is asked
// again, however much longer the wait is: above 0, up to 2^51 µs (71 years), counted from the beginning of
// the call that was denied. That long can it go unnoticed that elsewhere a key was reset or a limit raised.
//
// The default is a second. A key that is refused a thousand times in it has then asked the server once:
// there is little left for longer times to save, and a user whose limit was raised elsewhere hardly notices.
// Over long times clocks differ: one that is 100 millionths slower than the server's is late by a third of a
// second in an hour.
func WithCacheTime(longest time.Duration) Option {
	return OptionOf(denialCache, func(s *Settings) { s.CacheTime = longest })
}

// WithCacheKeys sets of how many keys at most [CacheDenials] remembers denials: 1 to 2^26 (67 million),
// 65,536 by default. Memory is in proportion. Each key has its place among eight, so that some are asked for
// more often than need be before all is full: about one in twenty where half as many keys as this are denied
// in turn, next to none where it is a quarter.
func WithCacheKeys(most int) Option {
	return OptionOf(denialCache, func(s *Settings) { s.CacheKeys = most })
}
