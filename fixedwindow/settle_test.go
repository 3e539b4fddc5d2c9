package fixedwindow_test

import (
	"testing"

	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/algorithmtest"
)

func TestSettlements(t *testing.T) { algorithm.Settlements(t, 20_000, algorithmtest.WindowModel) }

func TestAlignedSettlements(t *testing.T) {
	algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()).Settlements(t, 20_000, algorithmtest.AlignedModel)
}
