package httplimit

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
)

// serve calls the next handler, and settles the charges when that has returned or panicked. The handler finds the fields about
// the limits in the header. They are adjusted when the header is written, as the handler may change them: httputil.ReverseProxy
// adds those of its upstream, and removes all when the upstream sends an informational response such as 103 Early Hints.
func (m *middleware) serve(next http.Handler, w http.ResponseWriter, r *http.Request, charges []charge) {
	names := m.style.names()
	own := writer{ResponseWriter: w, names: names, lists: m.style == IETFDraft11}
	h := w.Header()
	for i, name := range names {
		if values := h[name]; len(values) > 0 {
			own.fields[i] = values[0]
		}
	}
	if own.fields == [3]string{} && charges == nil {
		next.ServeHTTP(w, r) // no field is set, and nothing has to be settled
		return
	}
	wrapped, state := own.wrap()
	if charges != nil {
		response := Response{Panicked: true}
		defer func() {
			response.Status, response.Written, response.Hijacked = state.status, state.written, state.hijacked
			m.settleAll(r, charges, response)
		}()
		next.ServeHTTP(wrapped, r)
		response.Panicked = false
		if state.hijacked = state.tookOver(); state.hijacked && !state.begun {
			state.arrange(http.StatusOK) // the handler may have written nothing at all
			return
		}
	} else {
		next.ServeHTTP(wrapped, r)
	}
	state.begin(http.StatusOK)
}

// A writer is the ResponseWriter of the next handler.
type writer struct {
	http.ResponseWriter
	names  []string
	fields [3]string // the values of these fields, as the middleware has set them
	lists  bool      // the fields are lists, to which others add
	lost   bool      // an informational response was written, before which the fields may have been removed
	begun  bool      // the header was written

	// For the Response of Settle:
	status    int // of the header that was written
	written   int64
	hijacked  bool
	unwrapped bool // bytes may be written past this writer
}

// tookOver reports whether the handler has taken over the connection, or may have done so past this writer, with an
// http.ResponseController.
func (w *writer) tookOver() bool {
	return w.hijacked || w.status == http.StatusSwitchingProtocols || w.unwrapped && !w.begun
}

// Unwrap is for http.ResponseController.
func (w *writer) Unwrap() http.ResponseWriter {
	w.unwrapped = true
	return w.ResponseWriter
}

// WriteHeader implements http.ResponseWriter.
func (w *writer) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.lost = true
	} else {
		w.begin(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writer) Write(b []byte) (int, error) {
	w.begin(http.StatusOK)
	n, err := w.ResponseWriter.Write(b)
	w.written += int64(n)
	return n, err
}

// WriteString implements io.StringWriter.
func (w *writer) WriteString(s string) (int, error) {
	w.begin(http.StatusOK)
	n, err := io.WriteString(w.ResponseWriter, s)
	w.written += int64(n)
	return n, err
}

// ReadFrom implements io.ReaderFrom, by which a server sends files without copying them.
func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.begun {
		w.arrange(http.StatusOK) // without data no header is written, so nothing has begun
	}
	n, err := io.Copy(w.ResponseWriter, r)
	if w.written += n; n > 0 && !w.begun {
		w.begun, w.status = true, http.StatusOK
	}
	return n, err
}

// begin is called before the header is written.
func (w *writer) begin(status int) {
	if !w.begun {
		w.begun, w.status = true, status
		w.arrange(status)
	}
}

// arrange puts the fields in order. Lists are complete. Each other field has one value, from the limiter that matters most.
// Fields that the handler has removed stay away.
func (w *writer) arrange(status int) {
	if w.fields == [3]string{} {
		return
	}
	h := w.Header()
	if w.lists {
		if w.lost {
			for i, name := range w.names {
				if own := w.fields[i]; !slices.ContainsFunc(h[name], func(v string) bool { return strings.Contains(v, own) }) {
					h[name] = append([]string{own}, h[name]...)
				}
			}
		}
		return
	}
	theirs, as := told(h, w.names), w.fields
	if theirs == as && len(h[w.names[1]]) == 1 {
		return
	}
	if status == http.StatusTooManyRequests && theirs[1] != "" || outranks(theirs, as) {
		as = theirs
	}
	for i, name := range w.names {
		switch {
		case as[i] == "":
			delete(h, name)
		case w.lost || len(h[name]) > 0:
			h[name] = []string{as[i]}
		}
	}
}

// wrap returns a ResponseWriter that is a Flusher, a Hijacker and a Pusher if the one below is, and its state. Each type that it
// returns is one pointer, so that only the state is allocated.
func (w writer) wrap() (http.ResponseWriter, *writer) {
	state := &w
	_, canFlush := w.ResponseWriter.(http.Flusher)
	_, canHijack := w.ResponseWriter.(http.Hijacker)
	_, canPush := w.ResponseWriter.(http.Pusher)
	switch {
	case canFlush && canHijack && canPush:
		return flushHijackPusher{flushHijacker{flusher{state}}}, state
	case canFlush && canHijack: // HTTP/1
		return flushHijacker{flusher{state}}, state
	case canFlush && canPush: // HTTP/2
		return flushPusher{flusher{state}}, state
	case canHijack && canPush:
		return hijackPusher{hijacker{state}}, state
	case canFlush:
		return flusher{state}, state
	case canHijack:
		return hijacker{state}, state
	case canPush: // http.TimeoutHandler
		return pusher{state}, state
	}
	return state, state
}

type (
	flusher  struct{ *writer }
	hijacker struct{ *writer }
	pusher   struct{ *writer }

	flushHijacker     struct{ flusher }
	flushPusher       struct{ flusher }
	hijackPusher      struct{ hijacker }
	flushHijackPusher struct{ flushHijacker }
)

// Flush implements http.Flusher.
func (f flusher) Flush() { _ = f.FlushError() }

// FlushError is for http.ResponseController.
func (f flusher) FlushError() error {
	f.begin(http.StatusOK)
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := h.ResponseWriter.(http.Hijacker).Hijack()
	h.hijacked = h.hijacked || err == nil
	return conn, buffered, err
}

// Push implements http.Pusher.
func (p pusher) Push(target string, opts *http.PushOptions) error {
	return p.ResponseWriter.(http.Pusher).Push(target, opts)
}

// Hijack implements http.Hijacker.
func (f flushHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return hijacker(f.flusher).Hijack()
}

// Push implements http.Pusher.
func (f flushPusher) Push(target string, opts *http.PushOptions) error {
	return pusher(f.flusher).Push(target, opts)
}

// Push implements http.Pusher.
func (h hijackPusher) Push(target string, opts *http.PushOptions) error {
	return pusher(h.hijacker).Push(target, opts)
}

// Push implements http.Pusher.
func (f flushHijackPusher) Push(target string, opts *http.PushOptions) error {
	return pusher(f.flusher).Push(target, opts)
}
