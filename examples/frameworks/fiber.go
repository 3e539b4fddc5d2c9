package frameworks

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gofiber/fiber/v3"

	"github.com/go-weir/weir/httplimit"
)

// Fiber returns a middleware of Fiber that calls the decider. It answers a denied request with 429 and Retry-After, and doesn't
// call the handlers that follow. If there is no decision, it answers 503. Fiber's error handler writes the body of both.
//
// The key functions of httplimit get a copy of the request's line, header and address. Fiber is built on fasthttp, which reuses the
// memory of a request after the response, but limiters keep keys for longer. Fiber's own adaptor for net/http doesn't copy, and
// leaves out repeated header fields, such as a second X-Forwarded-For.
//
// For httplimit.ContextValue an earlier handler sets the verified user with c.SetContext.
func Fiber(decider *httplimit.Decider) fiber.Handler {
	return func(c fiber.Ctx) error {
		decision := decider.Decide(requestOf(c))
		if decision.Outcome == httplimit.Pass {
			return c.Next()
		}
		if wait := decision.RetryAfter; wait > 0 { // in whole seconds, rounded up
			c.Set(fiber.HeaderRetryAfter, strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		}
		if decision.Outcome == httplimit.Denied {
			return fiber.ErrTooManyRequests
		}
		return fiber.ErrServiceUnavailable
	}
}

// requestOf returns a copy of a request without its body, for key functions.
func requestOf(c fiber.Ctx) *http.Request {
	header := http.Header{}
	for name, value := range c.Request().Header.All() {
		header.Add(string(name), string(value))
	}
	uri := string(c.Request().RequestURI())
	target, err := url.ParseRequestURI(uri)
	if err != nil {
		target = &url.URL{Path: uri}
	}
	r := &http.Request{
		Method:     string(c.Request().Header.Method()),
		URL:        target,
		RequestURI: uri,
		Host:       string(c.Request().Host()),
		Header:     header,
		RemoteAddr: c.RequestCtx().RemoteAddr().String(),
		TLS:        c.RequestCtx().TLSConnectionState(),
	}
	return r.WithContext(c.Context())
}
