package emission_test

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/emission"
	"github.com/go-weir/weir/internal/rule"
)

// rat returns a span as a rational number of µs.
func rat(t emission.Interval, s emission.Span) *big.Rat {
	return new(big.Rat).Add(new(big.Rat).SetInt64(s.Us), big.NewRat(s.Part, t.Den()))
}

func span(t *rapid.T, of emission.Interval, name string) emission.Span {
	return emission.Span{
		Us:   rapid.Int64Range(0, 1<<52).Draw(t, name+" us"),
		Part: rapid.Int64Range(0, of.Den()-1).Draw(t, name+" part"),
	}
}

// TestArithmetic compares each operation with rational numbers, over every limit that is valid.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := algorithms.Limit{
			Rate:   rapid.Int64Range(1, 1<<51).Draw(t, "rate"),
			Period: time.Duration(rapid.Int64Range(1, 1<<51).Draw(t, "period")) * time.Microsecond,
			Burst:  rapid.Int64Range(0, 1<<51).Draw(t, "burst"),
		}
		if limit.Validate() != nil {
			limit.Burst = 1 // which is valid for any rate and period
		}
		of := emission.Of(rule.Limit{Rate: limit.Rate, Period: limit.Period.Microseconds(), Burst: limit.Burst})
		interval := big.NewRat(limit.Period.Microseconds(), limit.Rate)
		for _, n := range []int64{1, limit.BurstOrRate(), limit.BurstOrRate() + 1} {
			if want := new(big.Rat).Mul(interval, new(big.Rat).SetInt64(n)); rat(of, of.Times(n)).Cmp(want) != 0 {
				t.Fatalf("%v: %d intervals are %v, want %v", limit, n, of.Times(n), want)
			}
			if got := of.Fit(of.Times(n)); got != n {
				t.Fatalf("%v: %d of %d intervals fit in themselves", limit, got, n)
			}
		}
		a, b := span(t, of, "a"), span(t, of, "b")
		if got, want := rat(of, of.Plus(a, b)), new(big.Rat).Add(rat(of, a), rat(of, b)); got.Cmp(want) != 0 {
			t.Fatalf("%v + %v = %v, want %v", a, b, got, want)
		}
		difference := new(big.Rat).Sub(rat(of, a), rat(of, b))
		if a.AtMost(b) != (difference.Sign() <= 0) {
			t.Fatalf("%v at most %v: %v", a, b, a.AtMost(b))
		}
		if difference.Sign() < 0 {
			difference.SetInt64(0)
		}
		if got := rat(of, of.Minus(a, b)); got.Cmp(difference) != 0 {
			t.Fatalf("%v - %v = %v, want %v", a, b, got, difference)
		}
		up := new(big.Rat).SetInt64(a.RoundUp())
		if short := new(big.Rat).Sub(up, rat(of, a)); short.Sign() < 0 || short.Cmp(big.NewRat(1, 1)) >= 0 {
			t.Fatalf("%v rounds up to %v", a, a.RoundUp())
		}
	})
}
