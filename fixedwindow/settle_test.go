package fixedwindow_test

import (
	"testing"

	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/algorithmtest"
)

func TestSettlements(t *testing.T) { algorithm.Settlements(t, algorithmtest.WindowModel) }

func TestAlignedSettlements(t *testing.T) {
	algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned()).Settlements(t, algorithmtest.AlignedModel)
}
