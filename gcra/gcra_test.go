package gcra_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
)

var algorithm = algorithmtest.Of(gcra.New, gcra.NewLocal)

func TestConformance(t *testing.T) { algorithm.Conformance(t) }

func TestDefinition(t *testing.T) { algorithm.KeepsTo(t, define) }

func TestNoDrift(t *testing.T) { algorithm.Admits(t, algorithmtest.AtARate) }

// definition is the theoretical arrival time (ITU-T I.371) in rational numbers, without the package's integer arithmetic.
type definition struct {
	capacity int64
	interval *big.Rat // T, µs
	tat      *big.Rat
}

func define(limit algorithms.Limit) algorithmtest.Definition {
	return &definition{limit.BurstOrRate(), big.NewRat(limit.Period.Microseconds(), limit.Rate), new(big.Rat)}
}

func (d *definition) Decide(now, n int64) algorithms.Result {
	at := new(big.Rat).SetInt64(now)
	tat := d.tat
	if tat.Cmp(at) < 0 {
		tat = at
	}
	times := func(k int64) *big.Rat { return new(big.Rat).Mul(d.interval, new(big.Rat).SetInt64(k)) }
	after := new(big.Rat).Add(tat, times(n))
	excess := new(big.Rat).Sub(new(big.Rat).Sub(after, at), times(d.capacity))
	r := algorithms.Result{Limit: d.capacity, Allowed: excess.Sign() <= 0}
	if r.Allowed {
		tat, d.tat = after, after
	} else {
		r.RetryAfter = roundUp(excess)
	}
	ahead := new(big.Rat).Sub(tat, at)
	r.ResetAfter = roundUp(ahead)
	free := new(big.Rat).Quo(new(big.Rat).Sub(times(d.capacity), ahead), d.interval)
	r.Remaining = new(big.Int).Div(free.Num(), free.Denom()).Int64()
	return r
}

func roundUp(us *big.Rat) time.Duration {
	negated := new(big.Int).Div(new(big.Int).Neg(us.Num()), us.Denom())
	return time.Duration(-negated.Int64()) * time.Microsecond
}
