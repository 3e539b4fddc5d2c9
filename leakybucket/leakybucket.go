package leakybucket

import (
	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/local"
	"github.com/go-weir/weir/internal/rule"
	"github.com/go-weir/weir/scripts"
)

// New returns a meter that keeps its state on run's server. A request of cost n adds n to the key's
// level, which drains by limit.Rate each limit.Period. It is denied if the level would rise above
// limit.Burst. A Burst of 0 means Rate.
//
// Limiters of equal limits, such as those of two routes of a service, share the count of a key on one server. Give them
// different names (algorithms.WithName) if they must count separately.
//
// Its errors wrap algorithms.ErrInvalidLimit, ErrInvalidOption or ErrNilRunner. New sends nothing.
func New(run scripts.Runner, limit algorithms.Limit, opts ...algorithms.Option) (*algorithms.Remote, error) {
	return algorithms.NewRemote(&algorithm, run, limit, opts)
}

// NewLocal returns a meter that keeps its state in this process and makes the same decisions as a meter from New.
//
// Its errors wrap algorithms.ErrInvalidLimit or ErrInvalidOption.
func NewLocal(limit algorithms.Limit, opts ...algorithms.LocalOption) (*algorithms.Local, error) {
	return algorithms.NewLocal(&algorithm, limit, opts)
}

// The meter makes the decisions of GCRA (see the package's documentation), so it uses the same scripts.
var algorithm = rule.Algorithm{
	Decide:      scripts.GCRA,
	Peek:        scripts.GCRAPeek,
	Most:        scripts.GCRAMost,
	Reserve:     scripts.GCRAReserve,
	Settle:      scripts.GCRASettle,
	CountsGiven: true,
	Of: func(limit rule.Limit, _ bool) (rule.Rule, error) {
		return emission.NewBucket("leakybucket", limit), nil
	},
	NewStore: local.Of[emission.State],
}
