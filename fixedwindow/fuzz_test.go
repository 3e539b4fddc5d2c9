package fixedwindow_test

import (
	"testing"

	"github.com/go-weir/weir/fixedwindow"
	"github.com/go-weir/weir/internal/algorithmtest"
)

var aligned = algorithmtest.Of(fixedwindow.New, fixedwindow.NewLocal, fixedwindow.Aligned())

func FuzzDecisions(f *testing.F) { algorithm.FuzzDecisions(f) }

func FuzzKey(f *testing.F) { algorithm.FuzzKey(f) }

func FuzzCalls(f *testing.F) { algorithm.FuzzCalls(f) }

// FuzzAlignedCalls is FuzzCalls over windows that begin at whole periods since the Unix epoch.
func FuzzAlignedCalls(f *testing.F) { aligned.FuzzCalls(f) }
