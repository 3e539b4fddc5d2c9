module github.com/go-weir/weir

go 1.23.0

require (
	github.com/alicebob/miniredis/v2 v2.36.1
	pgregory.net/rapid v1.1.0
)

require github.com/yuin/gopher-lua v1.1.1 // indirect
