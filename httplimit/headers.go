package httplimit

import (
	"net/http"
	"strconv"
	"time"
)

// A HeaderStyle says which header fields tell a client how much of its limit is left. They are set before the next
// handler is called, and on refused requests too. All times are in whole seconds, rounded up.
//
// The next handler may contain a middleware that sets the same fields, or be an httputil.ReverseProxy whose upstream does. The
// client then gets each field once, from the limiter that matters most, and the lists of IETFDraft11 with the items of all. To
// that end the next handler gets a ResponseWriter that adjusts the fields when the header is written. It is a Flusher, a Hijacker
// and a Pusher if the server's is, and http.ResponseController works with it. It has two restrictions:
//
//   - If ReverseProxy passes on a response 101 Switching Protocols, the fields of both are sent.
//   - An http.MaxBytesReader inside the middleware doesn't close the connection of a client that sends too much: put
//     http.MaxBytesHandler around the middleware.
//
// With NoHeaders and without [Settle] the next handler gets the server's own ResponseWriter.
type HeaderStyle int

// The styles. All but IETFDraft11 report one limiter: of those that deny the one with the longest wait,
// or the one with the least left if none denies.
const (
	// XRateLimit is X-RateLimit-Limit, -Remaining and -Reset: the most that can be admitted at once, how
	// much would be admitted now, and the seconds until the client has all of it again.
	XRateLimit HeaderStyle = iota

	// XRateLimitUnix is the same, except that -Reset is a Unix time of this process' clock.
	XRateLimitUnix

	// IETFDraft11 is RateLimit-Policy and RateLimit as in draft-ietf-httpapi-ratelimit-headers-11, with
	// an item for each limiter that was asked:
	//
	//	RateLimit-Policy: "burst";q=100;w=60, "daily";q=1000;w=86400
	//	RateLimit: "burst";r=0;t=24, "daily";r=712;t=50122
	//
	// q is the most that can be admitted at once, and w the seconds in which that much comes back. w is left
	// out if it isn't whole, or if the limiter has no method Limit. r is how much is left. If the request was denied, t is
	// the seconds until it fits; otherwise it is the seconds until the client has all of q again.
	IETFDraft11

	// IETFDraft03 is RateLimit-Limit, -Remaining and -Reset of earlier versions of that draft, with the values q, r and t.
	IETFDraft03

	// NoHeaders sets no field except Retry-After on refused requests.
	NoHeaders
)

func (m *middleware) setHeaders(h http.Header, parts []part) {
	switch m.style {
	case NoHeaders:
		return
	case IETFDraft11:
		m.setIETF(h, parts)
		return
	}
	p := tightest(parts)
	if p == nil {
		return
	}
	var buf [64]byte
	limit := strconv.AppendInt(buf[:0], max(p.result.Limit, 0), 10)
	remaining := strconv.AppendInt(limit, left(p), 10)
	var reset []byte
	switch m.style {
	case XRateLimitUnix:
		reset = strconv.AppendInt(remaining, unixAfter(time.Now(), p.result.ResetAfter), 10)
	case IETFDraft03:
		reset = strconv.AppendInt(remaining, seconds(untilMore(p)), 10)
	default:
		reset = strconv.AppendInt(remaining, seconds(p.result.ResetAfter), 10)
	}
	// One string and one slice hold all three values, as each allocation here is made for each request.
	text := string(reset)
	own := [3]string{text[:len(limit)], text[len(limit):len(remaining)], text[len(remaining):]}
	names := m.style.names()
	if p.state != denied && len(h[names[1]]) > 0 && outranks(told(h, names), own) {
		return // a middleware further out has reported a limiter that has less left
	}
	values := own[:]
	for i, name := range names {
		h[name] = values[i : i+1 : i+1]
	}
}

// names returns the names of the style's fields, in the form of http.Header's keys. The styles that aren't lists have three: the
// limit, how much remains, and the reset.
func (s HeaderStyle) names() []string {
	switch s {
	case XRateLimit, XRateLimitUnix:
		return xRateLimit[:]
	case IETFDraft03:
		return rateLimit[:]
	case IETFDraft11:
		return lists[:]
	}
	return nil
}

var (
	xRateLimit = [3]string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset"}
	rateLimit  = [3]string{"Ratelimit-Limit", "Ratelimit-Remaining", "Ratelimit-Reset"}
	lists      = [2]string{"Ratelimit-Policy", "Ratelimit"}
)

// told returns the values of the fields that were set last. If a field has several values, only the fields that have several
// count.
func told(h http.Header, names []string) (fields [3]string) {
	most := 0
	for _, name := range names {
		most = max(most, len(h[name]))
	}
	for i, name := range names {
		if values := h[name]; len(values) > 0 && (len(values) > 1 || most == 1) {
			fields[i] = values[len(values)-1]
		}
	}
	return fields
}

// outranks reports whether fields report less than others: less remains, or as much remains but it takes longer until all of it
// is back. Fields that aren't numbers never do.
func outranks(fields, others [3]string) bool {
	if fields[1] == "" {
		return false
	}
	var n [4]int64
	for i, text := range []string{fields[1], others[1], fields[2], others[2]} {
		var err error
		if n[i], err = strconv.ParseInt(text, 10, 64); err != nil && i < 2 {
			return false
		}
	}
	return n[0] < n[1] || n[0] == n[1] && n[2] > n[3]
}

// setRetryAfter sets the seconds of a wait above 0.
func setRetryAfter(h http.Header, wait time.Duration) {
	h["Retry-After"] = []string{strconv.FormatInt(seconds(wait), 10)}
}

// tightest returns the part that matters most. Of those that deny it is the one with the longest wait. If none denies, it is the
// one with the least left, and of equal ones the one with the longest ResetAfter. It is nil if no limiter has answered.
func tightest(parts []part) *part {
	var best *part
	for i := range parts {
		if p := &parts[i]; hasResult(p) && (best == nil || tighter(p, best)) {
			best = p
		}
	}
	return best
}

func tighter(p, than *part) bool {
	denies, thanDenies := p.state == denied, than.state == denied
	switch {
	case denies != thanDenies:
		return denies
	case denies && p.result.RetryAfter != than.result.RetryAfter:
		return p.result.RetryAfter > than.result.RetryAfter
	case left(p) != left(than):
		return left(p) < left(than)
	}
	return p.result.ResetAfter > than.result.ResetAfter
}

// hasResult reports whether p has a Result.
func hasResult(p *part) bool {
	return p.state == peeked || p.state == admitted || p.state == denied
}

// left returns how much would be admitted now.
func left(p *part) int64 { return max(p.result.Remaining, 0) }

// untilMore returns the time after which a client can count on more.
func untilMore(p *part) time.Duration {
	if p.state == denied {
		return p.result.RetryAfter
	}
	return p.result.ResetAfter
}

// seconds returns d in whole seconds, rounded up, or 0 if d is negative.
func seconds(d time.Duration) int64 {
	s := d / time.Second
	if d%time.Second > 0 {
		s++
	}
	return max(int64(s), 0)
}

// unixAfter returns the Unix time in seconds at which d has passed since now, rounded up, and no earlier than now.
func unixAfter(now time.Time, d time.Duration) int64 {
	at := now.Add(max(d, 0))
	if at.Nanosecond() > 0 {
		return at.Unix() + 1
	}
	return at.Unix()
}
