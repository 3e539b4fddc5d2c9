module github.com/go-weir/weir/scripts/goredisrunner

go 1.24.0

require (
	github.com/alicebob/miniredis/v2 v2.36.1
	github.com/go-weir/weir v0.1.0
	github.com/redis/go-redis/v9 v9.19.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/yuin/gopher-lua v1.1.1 // indirect
	go.uber.org/atomic v1.11.0 // indirect
)

replace github.com/go-weir/weir => ../..
