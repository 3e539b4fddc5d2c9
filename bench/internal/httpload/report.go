package httpload

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A report is the result of a load. bench/README.md documents its fields in JSON. Later versions may add fields.
type report struct {
	Method      string  `json:"method"`
	URL         string  `json:"url"`
	Load        string  `json:"load"`
	Interrupted bool    `json:"interrupted"`
	Requests    int     `json:"requests"`
	Answered    int     `json:"answered"`
	Took        float64 `json:"took_s"`
	Rate        float64 `json:"answered_per_second"`

	Statuses   map[int]int    `json:"statuses"`
	Errors     map[string]int `json:"errors"`
	Latency    *latency       `json:"latency_us,omitempty"`
	RetryAfter *retryAfter    `json:"retry_after,omitempty"`

	metrics vegeta.Metrics // of the requests with a response
}

// latency sums up how long responses took, in µs.
type latency struct {
	Min  int64 `json:"min"`
	Mean int64 `json:"mean"`
	P50  int64 `json:"p50"`
	P90  int64 `json:"p90"`
	P95  int64 `json:"p95"`
	P99  int64 `json:"p99"`
	Max  int64 `json:"max"`
}

// retryAfter sums up the Retry-After fields of the responses.
type retryAfter struct {
	Answers int   `json:"answers"`
	Min     int64 `json:"min_s"`
	Max     int64 `json:"max_s"`
}

func newReport(l Load) *report {
	return &report{
		Method: l.Method, URL: l.URL.Redacted(), Load: l.String(),
		Statuses: map[int]int{}, Errors: map[string]int{},
	}
}

// add adds the result of a request.
func (r *report) add(result *Result) {
	r.Requests++
	if result.Code == 0 {
		r.Errors[why(result)]++
		return
	}
	r.Answered++
	r.Statuses[int(result.Code)]++
	r.metrics.Add(result)
	if wait, ok := parseRetryAfter(result); ok {
		if r.RetryAfter == nil {
			r.RetryAfter = &retryAfter{Min: wait, Max: wait}
		}
		r.RetryAfter.Answers++
		r.RetryAfter.Min, r.RetryAfter.Max = min(r.RetryAfter.Min, wait), max(r.RetryAfter.Max, wait)
	}
}

// why returns the reason why there was no response, without the method and the URL, which http.Client puts before it.
func why(result *Result) string {
	if _, cause, ok := strings.Cut(result.Error, `": `); ok {
		return cause
	}
	return result.Error
}

// parseRetryAfter returns the number of seconds in a response's Retry-After field, or the number of seconds until the date
// in it.
func parseRetryAfter(result *Result) (seconds int64, ok bool) {
	value := result.Headers.Get("Retry-After")
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return int64(seconds), true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return max(int64(at.Sub(result.End()).Round(time.Second).Seconds()), 0), true
}

// finish computes the totals.
func (r *report) finish() {
	if r.Answered == 0 {
		return
	}
	r.metrics.Close()
	took := r.metrics.End.Sub(r.metrics.Earliest)
	r.Took = took.Seconds()
	if took > 0 {
		r.Rate = float64(r.Answered) / r.Took
	}
	l := r.metrics.Latencies
	r.Latency = &latency{
		l.Min.Microseconds(), l.Mean.Microseconds(), l.P50.Microseconds(), l.P90.Microseconds(),
		l.P95.Microseconds(), l.P99.Microseconds(), l.Max.Microseconds(),
	}
}
