package grpclimit

import (
	"net/http"

	"google.golang.org/grpc"
)

// metered is a stream whose messages are charged.
type metered struct {
	grpc.ServerStream
	interceptor *Interceptor
	call        *http.Request
	begun       bool // the first message has come, which the charge for the stream covers
}

// RecvMsg implements grpc.ServerStream.
func (m *metered) RecvMsg(message any) error {
	if err := m.ServerStream.RecvMsg(message); err != nil {
		return err
	}
	if !m.begun {
		m.begun = true
		return nil
	}
	return m.interceptor.admit(m.call, false)
}
