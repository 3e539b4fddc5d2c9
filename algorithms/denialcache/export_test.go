package denialcache

import "time"

// HeldBy returns the keys that a cache holds denials of, live or not.
func HeldBy(c *Limiter) (keys []string) {
	for i := range c.denials.slots {
		if d := c.denials.slots[i].Load(); d != nil {
			keys = append(keys, d.key)
		}
	}
	return keys
}

// SlotsOf returns how many denials there is room for in a cache.
func SlotsOf(c *Limiter) int { return len(c.denials.slots) }

// HeldOf returns the denial of a key in a cache with WithClock: its cost, and the time from which on requests are denied.
func HeldOf(c *Limiter, key string) (cost int64, from time.Time) {
	if d := c.denials.find(c.denials.hash(key), key); d != nil {
		return d.cost, time.UnixMicro(d.from / 1000)
	}
	return 0, time.Time{}
}

// OnNanoseconds sets the clock that a cache uses without WithClock, in nanoseconds.
func OnNanoseconds(c *Limiter, now func() int64) {
	c.onNanoseconds(func() (int64, error) { return now(), nil })
}

// Rename renames a held key, as if both names had the same hash.
func Rename(c *Limiter, key, other string) {
	slots, _ := c.denials.at(c.denials.hash(key))
	for i := range slots {
		if d := slots[i].Load(); d != nil && d.key == key {
			renamed := *d
			renamed.key = other
			slots[i].Store(&renamed)
		}
	}
}
