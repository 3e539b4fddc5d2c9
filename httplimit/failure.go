package httplimit

import (
	"net/http"

	"github.com/go-weir/weir/internal/ask"
	"github.com/go-weir/weir/internal/breaker"
	"github.com/go-weir/weir/internal/outage"
)

// ErrHung is the error of a request for which a limiter was not asked, because 1,024 earlier questions to it
// were given up at their [Timeout] and still have no answer. The function of [OnError] is told, and the policy
// decides.
var ErrHung = ask.ErrHung

// ErrAway is wrapped by the error of a request for which a limiter was not asked, because the server behind it has failed
// to answer five questions in a row, and nothing else. The error wraps the last of their errors too. The function of
// [OnError] is told, and the policy decides. After a wait one request at a time asks the limiter again.
var ErrAway = breaker.ErrAway

// A Failure is a question that a limiter didn't answer, with the policy that was applied.
type Failure struct {
	Limiter string // its Name
	Err     error
	Policy  Policy // what was done; LetPass where the request passes whatever the policy, as with ErrNotSettled
}

// tell tells of a failure, by OnError or by a log.
func (d *Decider) tell(r *http.Request, log *outage.Log, f Failure) {
	if d.onError != nil {
		d.onError(r, f)
	}
	if d.onError != nil && d.logger == nil || isDenial(f.Err) {
		return
	}
	log.Failed(f.Err, func() []any { return []any{"limiter", f.Limiter, "policy", f.Policy.String()} })
}

// tellAnswer tells that a limiter has answered.
func (d *Decider) tellAnswer(rule *rule) {
	rule.outage.Answered(func() []any { return []any{"limiter", rule.name} })
}
