// Package rule defines what the limiters of package algorithms need of an algorithm: how it decides under one limit, on a server
// and in this process. It uses integers only, with times in microseconds.
package rule

import (
	"errors"
	"strconv"

	"github.com/go-weir/weir/scripts"
)

// A Limit is an algorithms.Limit that is valid.
type Limit struct {
	Rate   int64
	Period int64 // µs
	Burst  int64 // 0 if none was given
}

// A Standing is a limiter's answer to a request, as a Result in integers.
type Standing struct {
	Allowed    bool
	Remaining  int64
	RetryAfter int64 // µs
	ResetAfter int64 // µs
}

// A Charge is what a settlement needs to know about the request that it settles. Each rule uses some of the times.
type Charge struct {
	N            int64 // the cost that was charged
	At           int64 // when, in µs since the Unix epoch
	End, EndPart int64 // when the charge would have passed by itself: GCRA's TAT after it, or the window's end

	// How much had been given back to the key by then, in the count that began at Began.
	Began, Given, GivenPart int64
}

// A Rule is an algorithm under one limit.
type Rule interface {
	// Identity is the part of a key that says what its state means: ALGORITHM:LIMIT. Rules of different
	// identities never read each other's states.
	Identity() string

	// Capacity is the largest cost.
	Capacity() int64

	// Args returns the arguments of the algorithm's scripts for a request of cost n at now, in microseconds since the
	// Unix epoch, or "" for the server's clock.
	Args(n int64, now string) []string

	// Standing reads a script's reply to a request of cost n. sensible is false if no correct script replies so.
	Standing(n int64, reply []int64) (standing Standing, sensible bool)

	Settling
}

// Settling is the part of a Rule for AllowAtMost and for reservations.
type Settling interface {
	// MostArgs returns the arguments of the script that admits as many of n events as fit.
	MostArgs(n int64, now string) []string

	// Most reads that script's reply. sensible is false if no correct script replies so.
	Most(n int64, reply []int64) (admitted int64, standing Standing, sensible bool)

	// ReserveArgs returns the arguments of the script that charges n events until they are settled.
	ReserveArgs(n int64, now string) []string

	// Reserved reads that script's reply. sensible is false if no correct script replies so.
	Reserved(n int64, reply []int64) (standing Standing, charge Charge, sensible bool)

	// MostDebt is how much more than the reserved cost a settlement can charge.
	MostDebt() int64

	// SettleArgs returns the arguments of the script that makes used the cost of a charge.
	SettleArgs(charge Charge, used int64, now string) []string
}

// An Algorithm makes the rules of limits.
type Algorithm struct {
	Decide, Peek          *scripts.Script
	Most, Reserve, Settle *scripts.Script

	// CountsGiven means that Reserve and Settle have a second key, in which settlements count what they give back.
	CountsGiven bool

	// Of returns the rule of a limit. Its error says why the algorithm can't use the limit.
	Of func(limit Limit, aligned bool) (Rule, error)

	// NewStore returns an empty store of at most maxKeys states. Under simulated time, which may go back, states are kept
	// for some time after they are over.
	NewStore func(maxKeys int, simulated bool) Store
}

// A Store keeps the states of keys in this process, each under the identity of a rule.
type Store interface {
	// Decide decides on a request of cost n at the time that clock shows. If commit is false it changes nothing. If clock
	// fails, it returns its error and decides nothing.
	Decide(r Rule, key string, clock func() (int64, error), n int64, commit bool) (Standing, error)

	// Most admits as many of n events as fit. If none fits, the standing is that of a request of cost 1.
	Most(r Rule, key string, clock func() (int64, error), n int64) (admitted int64, standing Standing, err error)

	// Reserve decides on a request of cost n, and returns its charge if it was admitted.
	Reserve(r Rule, key string, clock func() (int64, error), n int64) (Standing, Charge, error)

	// Settle makes used the cost of a charge.
	Settle(r Rule, key string, clock func() (int64, error), charge Charge, used int64) error

	// Forget removes the key's state under the identity of a rule.
	Forget(identity, key string)
}

// errBurst is the error of a limit that has a burst under a rule that takes none.
var errBurst = errors.New("fixedwindow and slidinglog take no burst, want a limit without one: they admit Rate at once")

// NoBurst returns an error for a limit that has a burst.
func NoBurst(limit Limit) error {
	if limit.Burst != 0 {
		return errBurst
	}
	return nil
}

// units are the units of a period's text, largest first.
var units = []struct {
	name string
	us   int64
}{
	{"d", 86_400_000_000}, {"h", 3_600_000_000}, {"m", 60_000_000}, {"s", 1_000_000}, {"ms", 1000}, {"us", 1},
}

// PeriodText writes a period as a whole number of the largest unit that divides it.
func PeriodText(us int64) string {
	for _, unit := range units {
		if us%unit.us == 0 {
			return strconv.FormatInt(us/unit.us, 10) + unit.name
		}
	}
	return "" // not reached: 1 divides everything
}

// RateText writes a limit as RATE/PERIOD, or as RATE/PERIOD/BURST if the burst isn't the rate.
func RateText(limit Limit) string {
	text := strconv.FormatInt(limit.Rate, 10) + "/" + PeriodText(limit.Period)
	if limit.Burst != 0 && limit.Burst != limit.Rate {
		text += "/" + strconv.FormatInt(limit.Burst, 10)
	}
	return text
}
