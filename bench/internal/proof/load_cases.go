package proof

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/verify"
)

// The limits of the loads. Their emission intervals are not whole numbers of microseconds, and their periods end often.
var (
	hot    = algorithms.Per(7, 150*time.Millisecond).WithBurst(4) // for a key that all calls use
	dozens = algorithms.Per(9, 2*time.Second).WithBurst(6)        // for each of some dozens of keys
	rare   = algorithms.Per(3, 5*time.Second).WithBurst(3)        // for each of some hundreds of keys
)

// The limits of reservations. They admit enough requests that many are settled.
var (
	oneReserved    = algorithms.Per(31, 150*time.Millisecond).WithBurst(20) // for a key that all calls use
	dozensReserved = algorithms.Per(9, 700*time.Millisecond).WithBurst(6)   // for each of some dozens of keys
)

// under returns all subjects that can be reset, under one limit.
func under(limit algorithms.Limit) []load.Asked {
	kinds := append(slices.Clone(subject.All), subject.Several[0])
	all := make([]load.Asked, len(kinds))
	for i, kind := range kinds {
		all[i] = load.Asked{Kind: kind.Name, Limit: limit}
	}
	return all
}

// withTenants adds limits of tenants and their users, which can't be reset.
func withTenants(asked []load.Asked) []load.Asked {
	return append(slices.Clone(asked), load.Asked{Kind: subject.Several[1].Name, Limit: asked[0].Limit})
}

// keys returns n keys. The first ones contain unusual characters.
func keys(n int) []string {
	all := []string{"one key", "", "}x", "{}", "a{b}c", "x}y", "\x00", "\xff", "ключ", strings.Repeat("long", 300)}
	for i := len(all); i < n; i++ {
		all = append(all, fmt.Sprintf("key %d", i))
	}
	return all[:n]
}

// loads are the cases without a fault.
func loads() []Case {
	var cases []Case
	for _, processes := range []int{2, 6, 12} {
		for _, many := range []struct {
			keys  int
			limit algorithms.Limit
		}{{1, hot}, {200, rare}} {
			for _, cost := range []int64{1, 5} {
				costs := "costs 1"
				if cost > 1 {
					costs = "random costs"
				}
				noun := "keys"
				if many.keys == 1 {
					noun = "key"
				}
				cases = append(cases, Case{
					Name:    fmt.Sprintf("load: %d processes, %d %s, %s", processes, many.keys, noun, costs),
					Fault:   "none",
					Promise: "no call fails",
					Load: patient(Load{
						Processes: processes, Goroutines: 8, Keys: keys(many.keys), MostCost: cost,
						Asked: withTenants(under(many.limit)), Peeks: 0.05, AtMosts: 0.1,
					}),
					Kept: noErrors,
				})
			}
		}
	}
	for _, many := range []struct {
		name  string
		keys  int
		limit algorithms.Limit
	}{{"1 key", 1, hot}, {"24 keys", 24, dozens}} {
		cases = append(cases, Case{
			Name:    fmt.Sprintf("load: 6 processes that remember denials, %s, random costs", many.name),
			Fault:   "none",
			Promise: "no call fails, and the server would have refused each request that a process refuses from memory",
			Load: patient(Load{
				Processes: 6, Goroutines: 8, Keys: keys(many.keys), MostCost: 5,
				Asked: under(many.limit), Peeks: 0.05, Cached: true,
			}),
			Felt: func(f verify.Findings) bool { return f.Cached > 0 },
			Kept: noErrors,
		})
	}
	return append(cases, severalLimits()...)
}

// severalLimits are cases in which the same keys have several limits at once. That is so with two endpoints, with two plans,
// and with the old and new replicas of a service while a limit is changed.
func severalLimits() (cases []Case) {
	apart := append(append(under(hot), under(dozens)...), under(hot.WithBurst(3))[3:]...) // [3:]: only kinds with a burst
	var together []load.Asked
	for _, rate := range []int64{7, 3, 11} {
		together = append(together, under(algorithms.Per(rate, hot.Period))[:3]...)
	}
	for _, several := range []struct {
		name, promise string
		asked         []load.Asked
		processes     int
		cached        bool
	}{
		{"several limits, 1 process", "each limit admits what it alone would", apart, 1, false},
		{"several limits, 6 processes", "each limit admits what it alone would", apart, 6, false},
		{"several limits, 6 processes that remember denials", "each limit admits what it alone would", apart, 6, true},
		{"several Rates, 6 processes", "none admits more than its Rate of what all have admitted", together, 6, false},
	} {
		for _, keyed := range []struct {
			name string
			keys int
		}{{"1 key", 1}, {"24 keys", 24}} {
			cases = append(cases, Case{
				Name:    "load: " + several.name + ", " + keyed.name,
				Fault:   "none",
				Promise: "no call fails, and " + several.promise,
				Load: patient(Load{
					Processes: several.processes, Goroutines: 8, Keys: keys(keyed.keys), MostCost: 3,
					Asked: several.asked, Peeks: 0.05, AtMosts: 0.1, Cached: several.cached,
				}),
				Kept: noErrors,
			})
		}
	}
	return cases
}

// patient returns l with calls that wait as long as necessary, for cases in which no call may fail, even on a busy machine.
func patient(l Load) Load {
	l.Timeout, l.Patience = 0, 2*time.Minute
	return l
}

func noErrors(row Row) error {
	if row.Errors > 0 {
		return fmt.Errorf("%d calls failed, one of them: %s", row.Errors, row.Error)
	}
	return nil
}
