package proof

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/bench/internal/servers"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/verify"
)

// faultLoad returns a load of six processes, half of them with each client, and 24 keys.
func faultLoad() Load {
	return Load{
		Processes: 6, Goroutines: 6, Keys: keys(24), MostCost: 3, Asked: under(dozens), Peeks: 0.05, Resets: 0.002, AtMosts: 0.1,
		Timeout: 5 * time.Second,
	}
}

// impatience is the timeout of calls that may never get an answer.
const impatience = 300 * time.Millisecond

// impatient returns l with calls that give up soon.
func impatient(l Load) Load {
	l.Timeout = impatience
	return l
}

func unlucky(f verify.Findings) bool   { return f.Errors > 0 }
func ranUnseen(f verify.Findings) bool { return f.RanUnseen > 0 }

// faults are the cases of one server with a fault.
func faults() []Case {
	return []Case{
		{
			Name: "SCRIPT FLUSH", Fault: "SCRIPT FLUSH every 2 ms", Promise: "no call fails",
			Load: patient(faultLoad()), Kept: noErrors,
			during: func(ctx context.Context, s *stage) error {
				return errors.Join(s.admin.ScriptFlush(ctx).Err(), rest(ctx, 2*time.Millisecond))
			},
		},
		{
			Name: "CLIENT KILL", Fault: "CLIENT KILL of all connections every 30 ms", Promise: "a call that fails ran once or not at all",
			Load: faultLoad(), Felt: unlucky,
			during: func(ctx context.Context, s *stage) error {
				return errors.Join(s.admin.ClientKillByFilter(ctx, "TYPE", "normal").Err(), rest(ctx, 30*time.Millisecond))
			},
		},
		{
			Name: "replies delayed", Fault: "a proxy that delays by 5 ± 5 ms", Promise: "no call fails",
			Load: patient(faultLoad()), Kept: noErrors,
			stage: proxied(func(p *proxy.Proxy) error { return p.Delay(5*time.Millisecond, 5*time.Millisecond) }),
		},
		{
			Name: "connections cut", Fault: "a proxy that resets all connections every 50 ms", Promise: "a call that fails ran once or not at all",
			Load: faultLoad(), Felt: unlucky, stage: proxied(),
			during: through(func(p *proxy.Proxy) error { return p.Reset() }, 50*time.Millisecond),
		},
		{
			Name: "replies cut", Fault: "a proxy that cuts connections in the middle of a reply", Promise: "a call that fails ran once or not at all",
			Load: faultLoad(), Felt: ranUnseen, stage: proxied(),
			during: through(func(p *proxy.Proxy) error { return p.CutReplies(700) }, 200*time.Millisecond),
		},
		{
			Name: "replies lost", Fault: "a proxy that drops replies after the server has run the script", Promise: "a call that fails ran once or not at all",
			Load: impatient(faultLoad()), Felt: ranUnseen, stage: proxied(),
			during: through(func(p *proxy.Proxy) error { return p.LoseReplies() }, impatience),
		},
		{
			Name: "SCRIPT KILL", Fault: "an endless script of another client, ended by SCRIPT KILL after 200 ms; BUSY is answered from 10 ms on",
			Promise: "a call that fails ran once or not at all", Load: faultLoad(), Felt: unlucky,
			stage: single("--lua-time-limit", "10"), during: busy,
		},
		{
			Name: "out of memory, noeviction", Fault: "maxmemory is half of the memory in use, every other 100 ms",
			Promise: "a call that fails with OOM has changed nothing", Load: faultLoad(), Felt: unlucky,
			stage: single("--maxmemory-policy", "noeviction"), during: outOfMemory,
		},
		{
			Name: "out of memory, allkeys-lru", Fault: "another client fills maxmemory, and keys are evicted",
			Promise: "for each time that its key is evicted, a limiter admits at most its limit once more",
			Load:    patient(apart(withoutResets(faultLoad()))), Forgets: true, Unjournaled: true, Felt: func(f verify.Findings) bool { return f.Forgotten > 0 },
			stage: single("--maxmemory-policy", "allkeys-lru"), during: evict,
		},
	}
}

// withoutResets returns l without Resets, which make any bound meaningless. Instead, it adds the kind of subject that can't
// be reset.
func withoutResets(l Load) Load {
	l.Resets = 0
	l.Asked = withTenants(l.Asked)
	return l
}

// apart returns l without coalesced calls and without limits that decide as one, for a journal that may be evicted. Without
// the journal, the order of two calls in the same microsecond isn't known. Nor is it known which key of several limits was
// evicted.
func apart(l Load) Load {
	l.Apart = true
	l.Asked = slices.DeleteFunc(slices.Clone(l.Asked), func(a load.Asked) bool {
		return slices.ContainsFunc(subject.Several, func(k subject.Kind) bool { return k.Name == a.Kind })
	})
	return l
}

// rest lets the load go on for a while.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// proxied returns a stage of one server behind a proxy with these faults.
func proxied(faults ...func(*proxy.Proxy) error) func(context.Context, servers.Kind) (*stage, error) {
	return func(ctx context.Context, kind servers.Kind) (*stage, error) {
		server, err := servers.Run(ctx, kind)
		if err != nil {
			return nil, err
		}
		s := stageOf(server)
		p, err := proxy.Start(context.WithoutCancel(ctx), server.Addr)
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.closers = append(s.closers, p.Close)
		s.scenery = p
		s.place.Addrs = []string{p.Addr()}
		for _, fault := range faults {
			if err := fault(p); err != nil {
				return nil, errors.Join(err, s.close())
			}
		}
		return s, nil
	}
}

// through returns a function that starts a fault of the proxy, and after a time heals it for the same time.
func through(fault func(*proxy.Proxy) error, lasts time.Duration) func(context.Context, *stage) error {
	return func(ctx context.Context, s *stage) error {
		p := s.scenery.(*proxy.Proxy)
		if err := fault(p); err != nil {
			return err
		}
		return errors.Join(rest(ctx, lasts), p.Heal(), rest(ctx, lasts))
	}
}

// busy lets another client block the server.
func busy(ctx context.Context, s *stage) error {
	ended := make(chan error, 1)
	go func() { ended <- s.admin.Eval(context.WithoutCancel(ctx), "while true do end", nil).Err() }()
	restErr := rest(ctx, 200*time.Millisecond)
	for {
		// The answer is NOTBUSY if the script has not begun, or has run for less than the server's limit.
		err := s.admin.ScriptKill(context.WithoutCancel(ctx)).Err()
		select {
		case killed := <-ended:
			if killed == nil || !strings.Contains(killed.Error(), "killed") {
				return fmt.Errorf("the endless script ended: %w", killed)
			}
			return errors.Join(restErr, rest(ctx, 200*time.Millisecond))
		case <-time.After(time.Millisecond):
			if err != nil && !redis.HasErrorPrefix(err, "NOTBUSY") && !redis.HasErrorPrefix(err, "BUSY") {
				return err
			}
		}
	}
}

// outOfMemory sets maxmemory to less memory than the server uses, for a while.
func outOfMemory(ctx context.Context, s *stage) error {
	used, err := s.info(ctx, "memory", "used_memory")
	if err != nil {
		return err
	}
	if err := s.admin.ConfigSet(ctx, "maxmemory", strconv.FormatInt(used/2, 10)).Err(); err != nil {
		return err
	}
	restErr := rest(ctx, 100*time.Millisecond)
	if err := s.admin.ConfigSet(context.WithoutCancel(ctx), "maxmemory", "0").Err(); err != nil {
		return err
	}
	return errors.Join(restErr, rest(ctx, 100*time.Millisecond))
}

// evict writes so much data that the server has to evict keys. The first time, it writes until the server does.
func evict(ctx context.Context, s *stage) error {
	first := s.scenery == nil
	if first {
		used, err := s.info(ctx, "memory", "used_memory")
		if err != nil {
			return err
		}
		if err := s.admin.ConfigSet(ctx, "maxmemory", strconv.FormatInt(used+4<<20, 10)).Err(); err != nil {
			return err
		}
		s.scenery = strings.Repeat("filling", 2000)
	}
	for {
		_, err := s.admin.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i := range 20 {
				p.Set(ctx, fmt.Sprint("neighbour ", now(), i), s.scenery, 0)
			}
			return nil
		})
		if err = errors.Join(err, rest(ctx, time.Millisecond)); err != nil || !first {
			return err
		}
		evicted, err := s.info(ctx, "stats", "evicted_keys")
		if err != nil {
			return err
		}
		first = evicted == 0
	}
}

// info returns a number from the server's INFO.
func (s *stage) info(ctx context.Context, section, field string) (int64, error) {
	text, err := s.admin.Info(ctx, section).Result()
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, is := strings.CutPrefix(strings.TrimSpace(line), field+":"); is {
			return strconv.ParseInt(value, 10, 64)
		}
	}
	return 0, fmt.Errorf("INFO %s tells no %s", section, field)
}
