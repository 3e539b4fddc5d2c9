// Package denialcache measures the cache of package algorithms/denialcache beside a general cache,
// otter, in the same role. It has benchmarks only:
//
//	go test ./bench/internal/denialcache -run '^$' -bench . -benchtime 10000000x
//
// At that length the floods are of ten million keys.
package denialcache
