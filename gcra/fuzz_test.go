package gcra_test

import "testing"

func FuzzDecisions(f *testing.F) { algorithm.FuzzDecisions(f) }

func FuzzKey(f *testing.F) { algorithm.FuzzKey(f) }

func FuzzCalls(f *testing.F) { algorithm.FuzzCalls(f) }
