package rueidisrunner

import "time"

// Budget is a budget of renewals.
type Budget struct{ budget }

// Take is take.
func (b *Budget) Take(now time.Time) bool { return b.take(now) }
