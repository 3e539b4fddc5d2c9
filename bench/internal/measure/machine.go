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

// machine describes this machine.
func machine() results.Machine {
	m := results.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	if infos, err := cpu.Info(); err == nil && len(infos) > 0 {
		m.CPU = infos[0].ModelName
	}
	return m
}

// loadAverage returns the load average of the last minute, or 0 if it isn't known.
func loadAverage() float64 {
	if average, err := load.Avg(); err == nil {
		return average.Load1
	}
	return 0
}

// A watch measures the processor time of this machine, and that of its own processes: this one, the workers, and the server
// if it runs on this machine. The difference is the time that other programs use.
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

// spent is processor time since a fixed moment in the past.
type spent struct {
	known            bool
	busy, whole, own float64 // in seconds: used on the machine, used and idle, and used by the watch's own processes
}

// now returns the time spent until now. server is the processor time of the server.
func (w *watch) now(ctx context.Context, server time.Duration) (s spent) {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return spent{}
	}
	t := times[0]
	// Time in interrupts counts as idle: it belongs to no process, and the clients cause much of it.
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

// others returns the percentage of the processors' time that other programs used between two moments.
func others(before, after spent) (percent float64, known bool) {
	whole := after.whole - before.whole
	if !before.known || !after.known || whole <= 0 {
		return 0, false
	}
	used := (after.busy - before.busy) - (after.own - before.own)
	return 100 * min(1, max(0, used/whole)), true
}

// onThisMachine reports whether all addresses of a place belong to this machine.
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
