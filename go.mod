module github.com/go-weir/weir

go 1.23.0

require (
	github.com/alicebob/miniredis/v2 v2.40.0
	pgregory.net/rapid v1.3.0
)

require github.com/yuin/gopher-lua v1.1.1 // indirect
