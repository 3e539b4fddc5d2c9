package slidinglog_test

import "testing"

func BenchmarkAllow(b *testing.B) { algorithm.Benchmark(b) }
