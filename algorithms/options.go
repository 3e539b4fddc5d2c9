package algorithms

import (
	"time"

	"github.com/go-weir/weir/internal/option"
)

// An Option changes how the New or NewLocal of an algorithm makes a limiter. [WithPrefix], [WithName] and [WithClock]
// return one.
type Option interface{ option.Any }

// A LocalOption changes how the NewLocal of an algorithm makes a limiter. [MaxKeys] returns one, and each [Option] is one.
type LocalOption interface{ option.Local }

// WithPrefix sets what every key of the limiter begins with on the server, "weir" by default. It may be any text without
// braces, as braces mark the part of a key that Redis Cluster hashes. It has no effect on a Local.
func WithPrefix(prefix string) Option { return option.Prefix(prefix) }

// WithName sets the last part of every key, "" by default. Limiters with different names, such as "login" and "search", count
// separately where they would otherwise share a key. A name may be any text without a closing brace. It has no effect on a
// Local, which shares its state only with the limiters that its With returns.
func WithName(name string) Option { return option.Name(name) }

// WithClock makes now the limiter's clock, instead of the server's clock or, for a Local, of time.Now. A nil now changes
// nothing. The option is for tests and simulations: the clocks of two clients are never equal, and a limiter that trusts
// them admits too much. Times are rounded down to whole microseconds. On the server, a key that was written under such a
// clock lives an hour longer than its state, as simulated time may stand still.
func WithClock(now func() time.Time) Option { return option.Clock(now) }

// MaxKeys sets how many keys a Local holds at most: at least 1, and 1,048,576 by default. A key takes about 100 bytes
// besides its text. A key of a sliding log takes 16 more for each request that it has admitted in the last Period. [Local]
// says which key is dropped if there is no room for a new one.
func MaxKeys(n int) LocalOption { return option.MaxKeys(n) }
