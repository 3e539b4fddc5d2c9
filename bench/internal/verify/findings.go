package verify

import (
	"cmp"
	"fmt"
	"time"
)

// Findings are the results of a check, summed over keys.
type Findings struct {
	Decisions int64 // scripts that the server has run, and answers that it has forgotten
	Admitted  int64 // of them
	Denied    int64
	Errors    int64  // calls that ended with an error
	Error     string // of one of them
	RanUnseen int64  // of them, those that the server has run
	Cached    int64  // refusals that no server was asked for
	Lost      int64  // admissions and settlements that callers were told of and the server has forgotten

	Settled       int64 // settlements of reservations that the server has run
	Debts         int64 // of them, those of more than was reserved
	SettledUnseen int64 // of them, those whose callers got an error

	Largest   int64         // the largest count that callers were admitted
	Bound     int64         // of it, by the algorithm's definition
	OverBound int64         // keys whose largest count is above what is still right after what was forgotten
	StepsBack int64         // decisions at an earlier time than the one before
	Longest   time.Duration // the longest time without an admission, by the machine's clock

	Twice           int64 // calls that the server has run more than once
	WronglyAdmitted int64 // by the definition, given what the server remembered and what was settled by then
	WronglyRefused  int64 // the same; not counted where charges are settled, as more may be outstanding than by the definition
	Diverging       int64 // decisions that the algorithm's Local makes otherwise, in any field
	Garbled         int64 // answers that are not what the server has decided
	Forgotten       int64 // keys that were gone while they still meant something
	NoTTL           int64 // keys that would stay for ever

	Complaints []string // the first few of each, in words
}

// Add adds another check's findings.
func (f *Findings) Add(other Findings) {
	f.Decisions += other.Decisions
	f.Admitted += other.Admitted
	f.Denied += other.Denied
	f.Errors += other.Errors
	f.Error = cmp.Or(f.Error, other.Error)
	f.RanUnseen += other.RanUnseen
	f.Cached += other.Cached
	f.Lost += other.Lost
	f.Settled += other.Settled
	f.Debts += other.Debts
	f.SettledUnseen += other.SettledUnseen
	f.Largest = max(f.Largest, other.Largest)
	f.Bound = max(f.Bound, other.Bound)
	f.OverBound += other.OverBound
	f.StepsBack += other.StepsBack
	f.Longest = max(f.Longest, other.Longest)
	f.Twice += other.Twice
	f.WronglyAdmitted += other.WronglyAdmitted
	f.WronglyRefused += other.WronglyRefused
	f.Diverging += other.Diverging
	f.Garbled += other.Garbled
	f.Forgotten += other.Forgotten
	f.NoTTL += other.NoTTL
	f.Complaints = append(f.Complaints, other.Complaints...)
	f.Complaints = f.Complaints[:min(len(f.Complaints), 8)]
}

func (f *Findings) complain(format string, args ...any) {
	if len(f.Complaints) < 8 {
		f.Complaints = append(f.Complaints, fmt.Sprintf(format, args...))
	}
}
