package fallback_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/fallback"
	"github.com/go-weir/weir/algorithms/limitertest"
	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/gcra"
	"github.com/go-weir/weir/internal/algorithmtest"
	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

var rooms = map[string]algorithmtest.Algorithm{
	"fixedwindow": algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal),
	"gcra":        algorithmtest.Of(gcra.New, gcra.NewLocal),
}

// away is a runner whose server is away.
type away struct{}

func (away) Run(context.Context, *scripts.Script, []string, []string) ([]int64, error) {
	return nil, errDown
}

// forgetful is a limiter whose Reset ignores the error of the primary, because the suite needs a Reset that succeeds.
type forgetful struct{ *fallback.Limiter }

func (f forgetful) Reset(ctx context.Context, key string) error {
	if err := f.Limiter.Reset(ctx, key); !errors.Is(err, errDown) {
		return fmt.Errorf("the error of Reset is %w, want the primary's", err)
	}
	return nil
}

// TestConformance: the limiter decides as the primary if that answers, and as the secondary if the primary fails.
func TestConformance(t *testing.T) {
	_, conn := resptest.Miniredis(t)
	quiet := []fallback.Option{fallback.Timeout(time.Hour), fallback.OnError(func(error) {})}
	for name, room := range rooms {
		over := func(run scripts.Runner) limitertest.Factory {
			return func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
				primary, err := room.Over(run)(limit, opts...)
				if err != nil {
					return nil, err
				}
				secondary, err := primary.(*algorithms.Remote).Local()
				if err != nil {
					return nil, err
				}
				return fallback.New(primary, secondary, quiet...)
			}
		}
		change := func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
			return l.(*fallback.Limiter).With(limit)
		}
		if room.Bursts() { // one algorithm is enough over a server, where the tests take longest
			t.Run(name+", the primary answers", func(t *testing.T) {
				limitertest.Run(t, over(conn), limitertest.StoredIn(conn), limitertest.Against(room.Local), limitertest.Changing(change, room.ChangeLocal), limitertest.Reserving())
			})
		}
		t.Run(name+", the primary fails", func(t *testing.T) {
			failing := func(limit algorithms.Limit, opts ...algorithms.Option) (algorithms.Limiter, error) {
				l, err := over(away{})(limit, opts...)
				if err != nil {
					return nil, err
				}
				return forgetful{l.(*fallback.Limiter)}, nil
			}
			change := func(l algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
				changed, err := l.(forgetful).With(limit)
				return forgetful{changed}, err
			}
			limitertest.Run(t, failing, limitertest.Against(room.Local), limitertest.Changing(change, room.ChangeLocal), limitertest.Reserving())
		})
	}
}
