// Package joint gives package allof access to the parts of the limiters that it combines.
package joint

import (
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// A Part is the content of a Remote or a Local of package algorithms.
type Part struct {
	Rule     rule.Rule
	Settings option.Settings
	Check    func(n int64) error // returns the limiter's error if no request can have the cost n

	// For a Remote:
	Script *scripts.Script // the script that decides; nil for a Local
	Caller remote.Caller

	// For a Local:
	Store rule.Store
}

// Of returns the Part of a limiter of package algorithms, and false for any other limiter. Package algorithms sets it.
var Of = func(limiter any) (Part, bool) { return Part{}, false }
