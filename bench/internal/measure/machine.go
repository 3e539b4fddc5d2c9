package measure

import (
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/go-weir/weir/bench/internal/results"
	"github.com/go-weir/weir/bench/shared/target"
)

// machine is the one this runs on, as far as it tells.
func machine() results.Machine {
	m := results.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if infos, err := cpu.Info(); err == nil && len(infos) > 0 {
		m.CPU = infos[0].ModelName
	}
	return m
}

// loadAverage is that of the last minute, or 0 where it isn't known.
func loadAverage() float64 {
	if average, err := load.Avg(); err == nil {
		return average.Load1
	}
	return 0
}

// A watch sees how much of the processors' time others use than this process, its workers, and a server on this
// machine.
type watch struct {
	own   []*process.Process
	local bool // the server is on this machine
}

// watching returns a watch of this process and those of the pids.
func watching(pids []int, local bool) (*watch, error) {
	w := &watch{local: local}
	for _, pid := range append(pids, os.Getpid()) {
		p, err := process.NewProcess(int32(pid))
		if err != nil {
			return nil, err
		}
		w.own = append(w.own, p)
	}
	return w, nil
}

// spent is processor time since some moment of the past.
type spent struct {
	known            bool
	busy, whole, own float64 // seconds: of the machine, its processors' whole time, and of own processes
}

// now tells what was spent until now. server is the time of the server's processes.
func (w *watch) now(ctx context.Context, server time.Duration) (s spent) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return spent{}
	}
	t := times[0]
	// Time in interrupts belongs to no process, and much of it is the clients' own.
	s.busy = t.User + t.System + t.Nice + t.Steal
	s.whole = s.busy + t.Idle + t.Iowait + t.Irq + t.Softirq
	for _, p := range w.own {
		one, err := p.TimesWithContext(ctx)
		if err != nil {
			return spent{}
		}
		s.own += one.User + one.System
	}
	if w.local {
		s.own += server.Seconds()
	}
	s.known = true
	return s
}

// others is the share of the processors' time, in percent, that others used between two moments.
func others(before, after spent) (percent float64, known bool) {
	whole := after.whole - before.whole
	if !before.known || !after.known || whole <= 0 {
		return 0, false
	}
	used := (after.busy - before.busy) - (after.own - before.own)
	return 100 * min(1, max(0, used/whole)), true
}

// onThisMachine says whether all addresses of a place are of this machine.
func onThisMachine(place target.Place) bool {
	if place.Network == "unix" {
		return true
	}
	own, _ := net.InterfaceAddrs()
	return !slices.ContainsFunc(place.Addrs, func(addr string) bool {
		host, _, _ := net.SplitHostPort(addr)
		if host == "localhost" {
			return false
		}
		ip, err := netip.ParseAddr(host)
		return err != nil || !ip.IsLoopback() && !slices.ContainsFunc(own, func(a net.Addr) bool {
			prefix, err := netip.ParsePrefix(a.String())
			return err == nil && prefix.Addr() == ip
		})
	})
}
