package httplimit

import (
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxInteger is the largest Integer of structured fields (RFC 9651).
const maxInteger = 999_999_999_999_999

func (m *middleware) setIETF(h http.Header, parts []part) {
	var array [256]byte
	buf := array[:0]
	for i := range parts {
		if p := &parts[i]; hasResult(p) {
			buf = m.appendName(buf, 0, p)
			buf = appendInteger(buf, ";q=", p.result.Limit)
			if w := window(p); w > 0 {
				buf = appendInteger(buf, ";w=", w)
			}
		}
	}
	if len(buf) == 0 {
		return // structured fields have no empty list
	}
	policy := len(buf)
	for i := range parts {
		if p := &parts[i]; hasResult(p) {
			buf = m.appendName(buf, policy, p)
			buf = appendInteger(buf, ";r=", left(p))
			buf = appendInteger(buf, ";t=", seconds(untilMore(p)))
		}
	}
	text := string(buf)
	values := []string{text[:policy], text[policy:]}
	for i, name := range lists {
		if outer := h[name]; len(outer) > 0 { // a middleware further out has reported its limiters
			values[i] = strings.Join(append(slices.Clone(outer), values[i]), ", ")
		}
		h[name] = values[i : i+1 : i+1]
	}
}

// appendName appends the name of p's rule to the list that begins at start.
func (m *middleware) appendName(buf []byte, start int, p *part) []byte {
	if len(buf) > start {
		buf = append(buf, ", "...)
	}
	return append(buf, m.names[p.rule.index]...)
}

func appendInteger(buf []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(buf, name...), min(max(n, 0), maxInteger), 10)
}

// appendString appends s as a String of structured fields: printable ASCII in quotation marks. Other bytes, and the percent sign,
// are percent-encoded, so that different names stay different.
func appendString(buf []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	buf = append(buf, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~' || c == '%':
			buf = append(buf, '%', hex[c>>4], hex[c&15])
		case c == '"' || c == '\\':
			buf = append(buf, '\\', c)
		default:
			buf = append(buf, c)
		}
	}
	return append(buf, '"')
}

// window returns the seconds in which all that can be admitted at once comes back, or 0 if they are not
// whole, or not known.
func window(p *part) int64 {
	limit := p.limit()
	if limit.Rate < 1 || limit.Period < 1 || p.result.Limit < 1 {
		return 0
	}
	// q·Period / (Rate·1s), in integers of 128 bits.
	hi, lo := bits.Mul64(uint64(p.result.Limit), uint64(limit.Period))
	if hi >= uint64(limit.Rate) {
		return 0
	}
	ns, rest := bits.Div64(hi, lo, uint64(limit.Rate))
	if rest != 0 || ns%uint64(time.Second) != 0 {
		return 0
	}
	return int64(ns / uint64(time.Second))
}
