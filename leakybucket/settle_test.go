package leakybucket_test

import (
	"testing"

	"github.com/go-weir/weir/internal/algorithmtest"
)

func TestSettlements(t *testing.T) { algorithm.SettlesAlike(t) }

func TestSettlementHistories(t *testing.T) {
	algorithm.Settles(t, algorithm.Local, 10_000, algorithmtest.BucketModel)
}
