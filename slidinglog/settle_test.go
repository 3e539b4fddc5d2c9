package slidinglog_test

import (
	"testing"

	"github.com/go-weir/weir/internal/algorithmtest"
)

func TestSettlements(t *testing.T) { algorithm.Settlements(t, 50_000, algorithmtest.LogModel) }
