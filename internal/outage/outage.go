// Package outage logs the failures of a limiter: the first one at once, then a line every ten seconds, and the end.
package outage

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Every is the least time between two lines about failures.
const Every = 10 * time.Second

// A Log logs the failures of one limiter.
type Log struct {
	Message string           // of lines about failures
	Logger  *slog.Logger     // nil: slog.Default, when a line is written
	Now     func() time.Time // nil: time.Now

	down atomic.Bool

	mu        sync.Mutex
	announced bool      // the log has a line about this outage
	since     time.Time // when it began
	total     int       // failures in it
	unwritten int       // failures since the last line, including those of earlier outages
	next      time.Time // when a line may be written again
}

// Failed records a failure. attrs returns the attributes of the log line, and is called only if a line is written.
func (l *Log) Failed(err error, attrs func() []any) {
	now := l.now()
	l.mu.Lock()
	if !l.down.Load() {
		l.down.Store(true)
		l.announced, l.since, l.total = false, now, 0
	}
	l.total++
	l.unwritten++
	write, count := !now.Before(l.next), l.unwritten
	if write {
		l.announced, l.unwritten, l.next = true, 0, now.Add(Every)
	}
	l.mu.Unlock()
	if write {
		l.logger().Error(l.Message, append(attrs(), "failures", count, "error", err)...)
	}
}

// Answered records an answer. The first one after failures ends the outage.
func (l *Log) Answered(attrs func() []any) {
	if !l.down.Load() {
		return
	}
	now := l.now()
	l.mu.Lock()
	write := l.down.Swap(false) && l.announced
	since, total := l.since, l.total
	if write {
		l.unwritten = 0
	}
	l.mu.Unlock()
	if write {
		l.logger().Info("rate limiter answers again", append(attrs(), "failures", total, "after", now.Sub(since))...)
	}
}

func (l *Log) now() time.Time {
	if l.Now == nil {
		return time.Now()
	}
	return l.Now()
}

func (l *Log) logger() *slog.Logger {
	if l.Logger == nil {
		return slog.Default()
	}
	return l.Logger
}
