package grpclimit

import (
	"context"
	"net/http"
	"net/url"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// viewOf returns a call as an *http.Request, as the package's documentation describes it.
func viewOf(ctx context.Context, fullMethod string) *http.Request {
	r := http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: fullMethod}, RequestURI: fullMethod, Pattern: fullMethod,
		Proto: "HTTP/2.0", ProtoMajor: 2,
		Body: http.NoBody,
	}
	header, ok := metadata.FromIncomingContext(ctx) // a copy, so that its keys can be changed
	if !ok {
		header = metadata.MD{}
	}
	for name, values := range header {
		if canonical := http.CanonicalHeaderKey(name); canonical != name {
			delete(header, name)
			header[canonical] = values
		}
	}
	r.Header = http.Header(header)
	if authority := r.Header[":authority"]; len(authority) > 0 {
		r.Host = authority[0]
		delete(r.Header, ":authority") // as net/http does with Host
	}
	if from, ok := peer.FromContext(ctx); ok {
		if from.Addr != nil {
			r.RemoteAddr = from.Addr.String()
		}
		if secure, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			state := secure.State // allocated only here
			r.TLS = &state
		}
	}
	return r.WithContext(ctx)
}
