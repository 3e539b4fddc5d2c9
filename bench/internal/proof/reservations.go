package proof

import (
	"time"

	"github.com/go-weir/weir/algorithms"
	"github.com/go-weir/weir/bench/internal/load"
	"github.com/go-weir/weir/bench/internal/proxy"
	"github.com/go-weir/weir/bench/internal/subject"
	"github.com/go-weir/weir/bench/internal/verify"
)

// given is the end of the key that holds how much settlements have given back. The limiter's key is in front of it.
const given = ":{given}"

// reservers returns all subjects that can reserve, under one limit.
func reservers(limit algorithms.Limit) (asked []load.Asked) {
	for _, kind := range subject.All {
		if kind.Costs {
			asked = append(asked, load.Asked{Kind: kind.Name, Limit: limit})
		}
	}
	return asked
}

// reservations are the cases of requests whose charges are settled later.
func reservations() []Case {
	l := faultLoad()
	l.Asked, l.MostCost, l.Resets, l.Reserves = reservers(dozensReserved), 5, 0, 0.8
	one := l
	one.Keys, one.Asked, one.Pause = keys(1), reservers(oneReserved), 5*time.Millisecond // or all calls end before much is admitted
	remembering := one
	remembering.Cached, remembering.Pause = true, 10*time.Millisecond
	lossy := impatient(l)
	lossy.Pause = 10 * time.Millisecond // or few of the calls whose replies are lost are settlements
	slow := impatient(l)
	slow.Pause = 5 * time.Millisecond
	far := patient(l)
	far.Keys = neighbours()
	moving := impatient(l)
	moving.Keys, moving.Pause = slotKeys, 20*time.Millisecond

	const none, once = "no call fails", "a call that fails ran once or not at all, a settlement too"
	reserve := func(name, fault, promise string, l Load, kept func(Row) error) Case {
		return Case{
			Name: "reservations: " + name, Fault: fault, Load: l, Kept: kept,
			Promise: promise + ", and no request is admitted that a limiter would refuse that was charged the true costs, " +
				"as far as they were settled by then",
		}
	}
	all := []Case{
		reserve("6 processes, 1 key", "none", none, patient(one), noErrors),
		reserve("6 processes, 24 keys", "none", none, patient(l), noErrors),
		reserve("6 processes that remember denials", "none",
			none+", a process refuses by itself only what the server has refused up to a second before", patient(remembering), noErrors),
		reserve("a ring of three shards", "none; the keys are of three slots of a cluster, which a ring takes no notice of", none, far, noErrors),
	}
	all[2].Felt = func(f verify.Findings) bool { return f.Cached > 0 }
	all[3].stage = ring

	cut := reserve("connections cut", "a proxy that resets all connections every 50 ms", once, one, nil)
	cut.Felt, cut.stage = ranUnseen, proxied()
	cut.during = through(func(p *proxy.Proxy) error { return p.Reset() }, 50*time.Millisecond)
	lost := reserve("replies lost", "a proxy that drops replies after the server has run the script", once, lossy, nil)
	lost.Felt, lost.stage = settledUnseen, proxied()
	lost.during = through(func(p *proxy.Proxy) error { return p.LoseReplies() }, impatience)
	kill := reserve("kill -9, appendfsync always", "the server is killed with SIGKILL while it decides, and started again",
		"nothing that a caller was told is forgotten", slow, nil)
	kill.Felt, kill.stage, kill.during, kill.rounds = unlucky, single("--appendonly", "yes", "--appendfsync", "always"), killAndRevive, 2
	slots := reserve("cluster, slots migrate", "slots in use move from one master to another, key by key",
		once+", and what TRYAGAIN was answered to did not run", moving, nil)
	slots.stage, slots.during = cluster, migrate
	return append(all, cut, lost, kill, slots)
}

func settledUnseen(f verify.Findings) bool { return f.SettledUnseen > 0 }
