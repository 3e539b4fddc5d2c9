package httpload

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// client returns the client that sends the requests of a load until ctx ends. It uses no proxy. It uses HTTP/1.1, so that
// each request in progress has its own connection. It doesn't follow redirects, which count as responses.
func (l Load) client(ctx context.Context) *http.Client {
	http1 := new(http.Protocols)
	http1.SetHTTP1(true)
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &sender{ctx, l.Timeout, &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
			Protocols:           http1,
			DisableCompression:  true,
			DisableKeepAlives:   l.Fresh,
			MaxConnsPerHost:     l.Connections,
			MaxIdleConnsPerHost: max(l.Connections, l.Requests),
		}},
	}
}

// sender sends requests under its own context and timeout, and reads each response to its end.
type sender struct {
	ctx     context.Context
	timeout time.Duration
	*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (s *sender) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	request = request.Clone(ctx)
	request.Header.Del("X-Vegeta-Seq") // vegeta adds this field
	answer, err := s.Transport.RoundTrip(request)
	if err != nil {
		return nil, s.explain(err)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	answer.Body = http.NoBody
	if err != nil {
		return nil, s.explain(err)
	}
	return answer, nil
}

// explain returns an error without details that differ between requests, such as port numbers.
func (s *sender) explain(err error) error {
	var (
		errno       syscall.Errno
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %v", s.timeout)
	case errors.As(err, &errno):
		return errno
	case errors.As(err, &name):
		return errors.New(name.Err)
	case errors.As(err, &certificate):
		return certificate
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the connection was closed")
	}
	return err
}
