package httplimit

import "time"

// WithClock sets the clock of breakers and logs.
func WithClock(now func() time.Time) DeciderOption {
	return deciderOption(func(m *middleware) { m.now = now })
}

// Patient gives each limiter that has the default Timeout one of an hour. It must be the last option.
func Patient() DeciderOption {
	return deciderOption(func(m *middleware) {
		for _, r := range m.rules {
			if r.timeout == defaultTimeout {
				r.timeout = time.Hour
			}
		}
	})
}

// Waiting returns how many requests wait for a denial or their turn.
func Waiting() (n int) {
	for i := range slots {
		s := &slots[i]
		s.mu.Lock()
		if s.waiting != nil {
			n += s.waiting.Len()
		}
		s.mu.Unlock()
	}
	return n
}
