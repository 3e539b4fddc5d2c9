package httplimit

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// A Responder writes the answer to a refused request: v.Status, and a body. The header fields about the
// limits, and Retry-After, are already set.
type Responder func(w http.ResponseWriter, r *http.Request, v Verdict)

// Detail is a Responder that writes the form of Django REST framework:
//
//	{"detail":"Request was throttled. Expected available in 16 seconds."}
func Detail(w http.ResponseWriter, r *http.Request, v Verdict) {
	respond(w, r, v.Status, "application/json", struct {
		Detail string `json:"detail"`
	}{v.detail()})
}

// Problem is a Responder that writes problem details (RFC 9457). The type of a denial, and its member
// violated-policies, which names the limiters, are those of draft-ietf-httpapi-ratelimit-headers-11.
func Problem(w http.ResponseWriter, r *http.Request, v Verdict) {
	problem := struct {
		Type     string   `json:"type"`
		Title    string   `json:"title"`
		Status   int      `json:"status"`
		Detail   string   `json:"detail"`
		Violated []string `json:"violated-policies,omitempty"`
	}{"about:blank", http.StatusText(v.Status), v.Status, v.detail(), v.Denied}
	if v.Status == http.StatusTooManyRequests {
		problem.Type = "https://iana.org/assignments/http-problem-types#quota-exceeded"
		problem.Title = "Request cannot be satisfied as assigned quota has been exceeded"
	}
	respond(w, r, v.Status, "application/problem+json", problem)
}

func (v Verdict) detail() string {
	if v.Status != http.StatusTooManyRequests {
		return "Service temporarily unavailable, try again later."
	}
	switch s := seconds(v.RetryAfter); s {
	case 0:
		return "Request was throttled."
	case 1:
		return "Request was throttled. Expected available in 1 second."
	default:
		return "Request was throttled. Expected available in " + strconv.FormatInt(s, 10) + " seconds."
	}
}

func respond(w http.ResponseWriter, r *http.Request, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // impossible for strings and integers
	}
	_, _ = w.Write(text) // an error means that the client has gone
}
