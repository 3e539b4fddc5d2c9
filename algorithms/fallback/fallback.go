// Package fallback asks a second limiter while the server of the first one is away: while it fails, or doesn't answer in time.
//
// The package has a circuit breaker of its own, as general ones judge a call by its error alone. Here a failed call counts only
// if the server has answered nothing since the call began. So a process that floods its own connections doesn't take the server
// to be away. A probe can also end without a verdict, for example because its caller has left.
package fallback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/internal/ask"
	"github.com/go-weir/weir/internal/breaker"
	"github.com/go-weir/weir/internal/option"
	"github.com/go-weir/weir/internal/outage"
)

var (
	// ErrAway is wrapped by errors which say that the primary was not asked, because its server is away. They wrap its last
	// failure too.
	ErrAway = breaker.ErrAway

	// ErrHung is wrapped by errors which say that the primary was not asked, because 1,024 earlier calls have been given up
	// and have not returned yet.
	ErrHung = ask.ErrHung
)

// A Limiter asks a primary limiter, and a secondary one if that fails. [New] returns one. It is safe for concurrent use.
type Limiter struct {
	primary, secondary algorithms.Limiter
	settings           *settings
	server             *server // shared with the limiters that With returns
}

var _ algorithms.Limiter = (*Limiter)(nil)

// A server holds the state of the primary's server, as far as this process knows it.
type server struct {
	asker   ask.Asker
	breaker *breaker.Breaker
	outage  outage.Log
	panics  outage.Log
}

// New returns a limiter that asks primary, for at most 250 ms or the [Timeout], and asks secondary if primary fails. The
// secondary is most often a limiter of the same limit in this process, which the primary's method Local returns. A key then
// gets at most its limit from the primary's server, and once more from each process.
//
// # What counts as a failure
//
// Every error of the primary is a failure, and so is no answer within the Timeout. The exceptions are these errors, which are
// returned to the caller without asking the secondary:
//
//   - errors of the arguments: algorithms.ErrInvalidCost, ErrCostExceedsLimit, ErrInvalidLimit, ErrInvalidTime;
//   - the end of the caller's context, or of its deadline.
//
// If the primary ignores its context, its call goes on in a goroutine of its own. A late answer is dropped, and the request
// may have been charged. While 1,024 calls hang like that, the primary isn't asked ([ErrHung]). A panic of the primary is
// passed on to the caller's goroutine.
//
// # The breaker
//
// After five failures in a row, during which the server has answered nothing, the breaker opens: the primary isn't asked any
// more. After a wait one request at a time asks it, as a probe, and all others ask the secondary at once. An answer closes
// the breaker. Each failed probe doubles the wait, from 250 ms to 8 s, or as [Backoff] sets. Each wait is shortened by a random
// part, of at most a half, so that processes don't probe together.
//
// Errors that tell nothing about the server don't count: the exceptions above, ErrHung, and the error of a request that found
// no free place in this process (coalesce.ErrQueueFull, go-redis' pool timeout). An error that concerns a single key
// (WRONGTYPE, WEIRSTATE, MOVED, ASK, TRYAGAIN, CROSSSLOT) shows that the server answers. [CountsIf] decides about errors of
// your own.
//
// Failures are logged, as [Logger] says.
//
// The errors of New wrap algorithms.ErrNilLimiter or algorithms.ErrInvalidOption.
func New(primary, secondary algorithms.Limiter, opts ...Option) (*Limiter, error) {
	for name, limiter := range map[string]algorithms.Limiter{"primary": primary, "secondary": secondary} {
		if option.IsNil(limiter) {
			return nil, fmt.Errorf("%w: the %s is nil, want a limiter to ask", algorithms.ErrNilLimiter, name)
		}
	}
	s, err := settingsOf(opts)
	if err != nil {
		return nil, err
	}
	l := &Limiter{primary: primary, secondary: secondary, settings: s, server: &server{}}
	l.server.breaker = breaker.New(breaker.Settings{Now: s.clock, First: s.first, Most: s.longest, OnChange: s.onChange})
	l.server.outage = outage.Log{Message: "rate limiter fails", Logger: s.logger, Now: s.clock}
	l.server.panics = outage.Log{Message: "rate limiter panicked", Logger: s.logger, Now: s.clock}
	l.server.asker.OnLate = func(_ any, err error) { l.tell(&l.server.panics, err) }
	return l, nil
}

// Allow asks for one event.
func (l *Limiter) Allow(ctx context.Context, key string) (algorithms.Result, error) {
	return l.AllowN(ctx, key, 1)
}

// AllowN asks for n events at once, all or nothing. If both limiters fail, the error wraps those of both. If n fits into the
// primary's limit but never into the secondary's, the request may succeed when the primary is back: the error then wraps only
// the primary's, and not algorithms.ErrCostExceedsLimit.
func (l *Limiter) AllowN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	question := l.question(key)
	question.Cost = n
	result, failure, err := l.askPrimary(ctx, question)
	if failure == nil {
		return result, err
	}
	result, err = l.secondary.AllowN(ctx, key, n)
	return result, l.joined(failure, err, n)
}

// Peek is PeekN with n = 1.
func (l *Limiter) Peek(ctx context.Context, key string) (algorithms.Result, error) {
	return l.PeekN(ctx, key, 1)
}

// PeekN tells whether n events would be admitted now, and charges nothing. It asks the limiter that AllowN would ask.
func (l *Limiter) PeekN(ctx context.Context, key string, n int64) (algorithms.Result, error) {
	question := l.question(key)
	question.Cost, question.Peek = n, true
	result, failure, err := l.askPrimary(ctx, question)
	if failure == nil {
		return result, err
	}
	result, err = l.secondary.PeekN(ctx, key, n)
	return result, l.joined(failure, err, n)
}

// Reset forgets the key in both limiters, even while the breaker is open. Its error wraps those of both.
func (l *Limiter) Reset(ctx context.Context, key string) error {
	question := l.question(key)
	question.Reset = true
	_, err := l.server.asker.Ask(ctx, question)
	return errors.Join(err, l.secondary.Reset(ctx, key))
}

// Limit returns the limit of the primary, or the zero Limit if that has no method Limit.
func (l *Limiter) Limit() algorithms.Limit {
	if primary, ok := l.primary.(interface{ Limit() algorithms.Limit }); ok {
		return primary.Limit()
	}
	return algorithms.Limit{}
}

// Local returns the Local of the primary. The error wraps algorithms.ErrNoLocal if that has no method Local.
func (l *Limiter) Local() (algorithms.Limiter, error) {
	if primary, ok := l.primary.(interface {
		Local() (algorithms.Limiter, error)
	}); ok {
		return primary.Local()
	}
	return nil, fmt.Errorf("%w: %T has no method Local", algorithms.ErrNoLocal, l.primary)
}

// With returns a limiter with the same options, whose primary and secondary both have another limit. The two limiters share
// one breaker, as their primaries are on one server. The primary and the secondary must be *algorithms.Remote,
// *algorithms.Local or *Limiter: for others the error wraps algorithms.ErrInvalidOption. For a limit that can't be used it
// wraps algorithms.ErrInvalidLimit.
func (l *Limiter) With(limit algorithms.Limit) (*Limiter, error) {
	primary, err := with(l.primary, limit)
	if err != nil {
		return nil, err
	}
	secondary, err := with(l.secondary, limit)
	if err != nil {
		return nil, err
	}
	return &Limiter{primary, secondary, l.settings, l.server}, nil
}

func with(limiter algorithms.Limiter, limit algorithms.Limit) (algorithms.Limiter, error) {
	switch limiter := limiter.(type) {
	case *algorithms.Remote:
		return limiter.With(limit)
	case *algorithms.Local:
		return limiter.With(limit)
	case *Limiter:
		return limiter.With(limit)
	}
	return nil, fmt.Errorf("%w: a %T can't be given another limit, want an *algorithms.Remote or an *algorithms.Local", algorithms.ErrInvalidOption, limiter)
}

// question returns a question to the primary about the key.
func (l *Limiter) question(key string) ask.Question {
	_, inProcess := l.primary.(*algorithms.Local)
	return ask.Question{Limiter: l.primary, Key: key, Timeout: l.settings.timeout, InProcess: inProcess}
}

// askPrimary asks the primary the question. It returns a failure if the secondary is to be asked.
func (l *Limiter) askPrimary(ctx context.Context, question ask.Question) (result algorithms.Result, failure, err error) {
	ticket, failure := l.server.breaker.Enter()
	if failure != nil {
		if end := ask.Ended(ctx); end != nil {
			return result, nil, fmt.Errorf("weir: no limiter was asked: %w", end)
		}
		l.tell(&l.server.outage, failure)
		return result, failure, nil
	}
	verdict := ask.Unknown
	defer func() { l.server.breaker.Leave(ticket, verdict, err) }() // also if the primary panics
	question.Patient = ticket.Probe
	result, err = l.server.asker.Ask(ctx, question)
	if err == nil {
		verdict = ask.Answered
		l.server.outage.Answered(noAttributes)
		return result, nil, nil
	}
	verdict = l.judge(err)
	if ask.HasEnded(err) || ask.IsOfArguments(err) {
		return algorithms.Result{}, nil, err
	}
	l.tell(&l.server.outage, err)
	return algorithms.Result{}, err, err
}

// judge returns what an error tells about the server.
func (l *Limiter) judge(err error) ask.Verdict {
	verdict := ask.Judge(err)
	if l.settings.countsIf == nil || ask.HasEnded(err) || ask.IsOfArguments(err) {
		return verdict
	}
	if l.settings.countsIf(err) {
		return ask.Failed
	}
	return ask.Unknown
}

// tell reports a failure of the primary, to OnError or to a log.
func (l *Limiter) tell(log *outage.Log, err error) {
	if l.settings.onError != nil {
		l.settings.onError(err)
	}
	if l.settings.onError == nil || l.settings.logger != nil {
		log.Failed(err, noAttributes)
	}
}

func noAttributes() []any { return []any{"policy", "fall back"} }

// joined returns the error of a question of cost n: failure is the primary's error, and err the secondary's. It returns nil
// if the secondary has answered.
func (l *Limiter) joined(failure, err error, n int64) error {
	switch {
	case err == nil || errors.Is(err, algorithms.ErrInvalidCost):
		return err
	case errors.Is(err, algorithms.ErrCostExceedsLimit):
		if limit := l.Limit(); limit != (algorithms.Limit{}) && n > cmp.Or(limit.Burst, limit.Rate) {
			return err
		}
		return fmt.Errorf("%w; the secondary can't decide either: %v", failure, err) //nolint:errorlint // errors.Is must not find it
	}
	return fmt.Errorf("weir: both limiters fail: %w; %w", failure, err)
}

// defaultTimeout is how long to wait for the primary.
const defaultTimeout = 250 * time.Millisecond
