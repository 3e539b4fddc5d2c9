package httplimit

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
	"github.com/go-weir/weir/internal/breaker"
	"github.com/go-weir/weir/internal/option"
)

// A target is a limiter with what is known about it.
type target struct {
	limiter algorithms.Limiter
	server  *server // nil for a limiter in this process
	local   *target // the limiter that the policy Local asks; nil if there is none
	noLocal error   // why there is none
}

// A server is what is known about the server behind limiters.
type server struct {
	asker   ask.Asker
	breaker *breaker.Breaker
}

func (r *rule) newServer() *server {
	return &server{
		asker:   ask.Asker{OnLate: r.late},
		breaker: breaker.New(breaker.Settings{Now: r.decider.now}),
	}
}

// late reports the panic of a limiter whose call was given up.
func (r *rule) late(tag any, err error) {
	request, _ := tag.(*http.Request)
	r.decider.tell(request, &r.panics, Failure{r.name, err, r.onFailure})
}

// newTarget returns the target of a limiter on that server.
func (r *rule) newTarget(limiter algorithms.Limiter, s *server) *target {
	t := &target{limiter: limiter}
	if _, ok := limiter.(*algorithms.Local); !ok {
		t.server = s
	}
	if r.onFailure.action != local {
		return t
	}
	inProcess, err := localOf(limiter)
	if err != nil {
		t.noLocal = err
		return t
	}
	t.local = &target{limiter: inProcess}
	return t
}

// localOf returns the limiter of the same limit in this process. Its error wraps algorithms.ErrNoLocal.
func localOf(limiter algorithms.Limiter) (algorithms.Limiter, error) {
	has, ok := limiter.(localer)
	if !ok {
		return nil, fmt.Errorf("%w: %T has no method Local", algorithms.ErrNoLocal, limiter)
	}
	inProcess, err := has.Local()
	if err == nil && option.IsNil(inProcess) {
		err = fmt.Errorf("%w: the method Local of a %T returned nil", algorithms.ErrNoLocal, limiter)
	}
	return inProcess, err
}

type localer interface {
	Local() (algorithms.Limiter, error)
}

// ask asks the limiter the question, or finds the answer in another request's denial. answered is true if the limiter itself has
// answered.
func (t *target) ask(ctx context.Context, q ask.Question, salt uint64) (result algorithms.Result, answered bool, err error) {
	return t.askBy(ctx, q, func(q ask.Question) (algorithms.Result, bool, error) { return t.takeTurn(ctx, q, salt) })
}

// askBy is ask with a function that asks the limiter when it is the request's turn.
func (t *target) askBy(ctx context.Context, q ask.Question, takeTurn func(ask.Question) (algorithms.Result, bool, error)) (
	result algorithms.Result, answered bool, err error,
) {
	if q.InProcess = t.server == nil; q.InProcess {
		result, err = inProcess.Ask(ctx, q)
		return result, err == nil, err
	}
	ticket, err := t.server.breaker.Enter()
	if err != nil {
		return algorithms.Result{}, false, err
	}
	verdict := ask.Unknown
	defer func() { t.server.breaker.Leave(ticket, verdict, err) }() // even if the limiter panics
	if ticket.Probe {
		q.Patient = true
		result, err = t.server.asker.Ask(ctx, q)
		answered = true
	} else {
		result, answered, err = takeTurn(q)
	}
	if answered {
		verdict = ask.Judge(err)
	}
	return result, answered && err == nil, err
}

// inProcess asks limiters in this process.
var inProcess ask.Asker

// maxTargets is how many targets are kept.
const maxTargets = 1024

// targets keeps the targets that were made for each K.
type targets[K comparable] struct {
	mu   sync.RWMutex
	made map[K]*target
}

// of returns the target of k. It makes one if it has none.
func (t *targets[K]) of(k K, newTarget func() (*target, error)) (*target, error) {
	t.mu.RLock()
	known, ok := t.made[k]
	t.mu.RUnlock()
	if ok {
		return known, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if known, ok := t.made[k]; ok {
		return known, nil // another request made it meanwhile
	}
	made, err := newTarget()
	if err != nil {
		return nil, err
	}
	if t.made == nil {
		t.made = map[K]*target{}
	}
	if len(t.made) >= maxTargets {
		for other := range t.made {
			delete(t.made, other)
			break
		}
	}
	t.made[k] = made
	return made, nil
}

// isComparable reports whether a limiter can be the key of a map.
func isComparable(limiter algorithms.Limiter) bool { return reflect.ValueOf(limiter).Comparable() }
