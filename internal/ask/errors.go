package ask

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/algorithms/allof"
	"github.com/go-weir/weir/scripts/coalesce"
)

// An EndedError means that the caller's context ended before there was an answer.
type EndedError struct{ end, cause error }

// Error implements error.
func (e *EndedError) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("weir: the request has ended: %v", e.end)
	}
	return fmt.Sprintf("weir: the request has ended: %v: %v", e.end, e.cause)
}

// Unwrap returns the context's error, and the limiter's if there is one.
func (e *EndedError) Unwrap() []error { return both(e.end, e.cause) }

// HasEnded reports whether an error of Ask is due to the caller's context.
func HasEnded(err error) bool {
	var ended *EndedError
	return errors.As(err, &ended)
}

// A timeoutError means that a question had no answer in time.
type timeoutError struct {
	timeout time.Duration
	cause   error  // nil if it isn't known
	link    string // the text before the cause; "" for a colon
}

func (e *timeoutError) Error() string {
	text := fmt.Sprintf("weir: no answer within %v", e.timeout)
	switch {
	case e.cause == nil:
		return text + ": " + context.DeadlineExceeded.Error()
	case e.link == "":
		return text + ": " + e.cause.Error()
	}
	return text + e.link + e.cause.Error()
}

func (e *timeoutError) Unwrap() []error { return both(context.DeadlineExceeded, e.cause) }

func both(err, cause error) []error {
	if cause == nil {
		return []error{err}
	}
	return []error{err, cause}
}

// A panicError is the value of a panic.
type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprint(e.value) }

func (e panicError) Unwrap() error {
	err, _ := e.value.(error)
	return err
}

// mistakes are the errors of wrong limits, costs and options. The program is at fault, and no server has failed.
var mistakes = []error{
	algorithms.ErrInvalidCost, algorithms.ErrInvalidLimit, algorithms.ErrInvalidOption, algorithms.ErrInvalidTime,
	algorithms.ErrNilLimiter, algorithms.ErrNilRunner, algorithms.ErrNoReserve,
}

// IsMistake reports whether an error is a mistake of the program.
func IsMistake(err error) bool {
	for _, mistake := range mistakes {
		if errors.Is(err, mistake) {
			return true
		}
	}
	return false
}

// IsOfArguments reports whether an error means that the limiter can't answer such a question, whatever the server does.
func IsOfArguments(err error) bool {
	return errors.Is(err, algorithms.ErrCostExceedsLimit) || errors.Is(err, allof.ErrNotTogether) || IsMistake(err)
}

// A Verdict says what an answer, or the lack of one, tells about the server.
type Verdict int

// The verdicts.
const (
	Answered Verdict = iota // the server answers, possibly with an error about a single key
	Failed                  // the server doesn't answer, or answers that it can't decide
	Unknown                 // the error tells nothing about the server: its cause is in this process
)

// Judge returns the verdict on an error of Ask.
func Judge(err error) Verdict {
	switch {
	case err == nil:
		return Answered
	case IsOfArguments(err), HasEnded(err), errors.Is(err, ErrHung), isFull(err):
		return Unknown
	case isOfOneKey(err):
		return Answered
	}
	return Failed
}

// isFull reports whether a call found no free place in this process. The library does not import go-redis, so it compares
// with the texts of go-redis' errors.
func isFull(err error) bool {
	return errors.Is(err, coalesce.ErrQueueFull) || errors.Is(err, coalesce.ErrClosed) ||
		anyText(err, func(text string) bool {
			return strings.HasPrefix(text, "redis: connection pool timeout") || strings.HasPrefix(text, "redis: connection pool exhausted")
		})
}

// isOfOneKey reports whether a server has answered that it can't decide on this key.
func isOfOneKey(err error) bool {
	return anyText(err, func(text string) bool {
		word, _, _ := strings.Cut(text, " ")
		switch word {
		case "WRONGTYPE", "WEIRSTATE", "MOVED", "ASK", "TRYAGAIN", "CROSSSLOT":
			return true
		}
		return false
	})
}

// anyText reports whether is returns true for the text of an error, or for that of one that it wraps.
func anyText(err error, is func(text string) bool) bool {
	if err == nil {
		return false
	}
	if is(err.Error()) {
		return true
	}
	switch wrapping := err.(type) { //nolint:errorlint // it is the walk over what is wrapped
	case interface{ Unwrap() error }:
		return anyText(wrapping.Unwrap(), is)
	case interface{ Unwrap() []error }:
		for _, wrapped := range wrapping.Unwrap() {
			if anyText(wrapped, is) {
				return true
			}
		}
	}
	return false
}
