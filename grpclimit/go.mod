module github.com/go-weir/weir/grpclimit

go 1.23.0

require (
	github.com/go-weir/weir v0.1.0
	google.golang.org/genproto/googleapis/rpc v0.0.0-20250414145226-207652e42e2e
	google.golang.org/grpc v1.63.2
	google.golang.org/protobuf v1.36.6
)

require (
	golang.org/x/net v0.21.0 // indirect
	golang.org/x/sys v0.17.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)

replace github.com/go-weir/weir => ..
