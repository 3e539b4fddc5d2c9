// Package denialcache compares the cache of package algorithms/denialcache with a general cache, otter, in the same role. It
// has benchmarks only:
//
//	go test ./bench/internal/denialcache -run '^$' -bench . -benchtime 10000000x
//
// With that number of iterations, BenchmarkFlood has ten million keys.
package denialcache
