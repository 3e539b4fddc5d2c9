module github.com/go-weir/weir/scripts/rueidisrunner

go 1.23.0

require (
	github.com/alicebob/miniredis/v2 v2.36.1
	github.com/go-weir/weir v0.1.0
	github.com/redis/rueidis v1.0.69
)

require (
	github.com/yuin/gopher-lua v1.1.1 // indirect
	golang.org/x/sys v0.31.0 // indirect
)

replace github.com/go-weir/weir => ../..
