// Package joint lets package allof see the parts of the limiters that it decides together.
package joint

import (
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/remote"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// A Part is what a Remote or a Local of package algorithms is made of.
type Part struct {
	Rule     rule.Rule
	Settings option.Settings
	Check    func(n int64) error // returns the limiter's error for a cost that no request can have

	// Of a Remote.
	Script *scripts.Script // that decides; nil for a Local
	Caller remote.Caller

	// Of a Local.
	Store rule.Store
}

// Of returns the part that a limiter of package algorithms is, which sets this function. It returns false for another.
var Of = func(limiter any) (Part, bool) { return Part{}, false }
