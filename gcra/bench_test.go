package gcra_test

import "testing"

func BenchmarkAllow(b *testing.B) { algorithm.Benchmark(b) }
