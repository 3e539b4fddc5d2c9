package measure

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/go-weir/weir/bench/internal/results"
)

// machine is the one this runs on, as far as it tells.
func machine() results.Machine {
	m := results.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
	m.CPU = procField("/proc/cpuinfo", "model name")
	if kilobytes, _, found := strings.Cut(procField("/proc/meminfo", "MemTotal"), " kB"); found {
		n, _ := strconv.ParseInt(kilobytes, 10, 64)
		m.Memory = n << 10
	}
	return m
}

// procField returns the first value of a name in a file of /proc, or "" where there is none.
func procField(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
