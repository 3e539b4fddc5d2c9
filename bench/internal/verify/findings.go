package verify

import (
	"cmp"
	"fmt"
)

// Findings are the results of a check, summed over keys.
type Findings struct {
	Decisions int64 // decisions that the server has recorded, and those that only callers know of
	Admitted  int64 // of them
	Denied    int64
	Errors    int64  // calls that ended with an error
	Error     string // of one of them
	RanUnseen int64  // of them, those that the server has run
	Cached    int64  // denials that a process made from memory
	Lost      int64  // admissions and settlements that callers know of and the server has forgotten

	Settled       int64 // settlements of reservations that the server has run
	Debts         int64 // of them, those of more than was reserved
	SettledUnseen int64 // of them, those whose callers got an error

	Largest   int64 // the largest count of events that callers were admitted
	Bound     int64 // the largest count that the algorithm's definition allows
	OverBound int64 // keys whose largest count is too high; each loss of a key's state allows the bound once more
	StepsBack int64 // decisions at an earlier time than the one before

	Twice           int64 // calls that the server has run more than once
	WronglyAdmitted int64 // by the definition, given what the server remembered and what was settled by then
	WronglyRefused  int64 // likewise; not counted if charges are settled, because a limiter may then deny more
	Diverging       int64 // decisions that differ from those of the algorithm's Local in any field
	Garbled         int64 // answers that differ from the server's decision
	Forgotten       int64 // keys that were gone before their state expired
	NoTTL           int64 // keys that never expire

	Complaints []string // descriptions of the first few errors
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
