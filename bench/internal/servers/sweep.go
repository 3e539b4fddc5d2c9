package servers

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Labels that tell whose a container is.
const (
	labelHost = "weir.test.host"
	labelPid  = "weir.test.pid"
	labelRun  = "weir.test.run"
)

// runEnv names the variable through which the test command tells test binaries which run they are
// part of.
const runEnv = "WEIR_TEST_RUN"

// owner returns the labels of this process.
func owner() map[string]string {
	host, _ := os.Hostname()
	return map[string]string{
		labelHost: host,
		labelPid:  strconv.Itoa(os.Getpid()),
		labelRun:  os.Getenv(runEnv),
	}
}

// sweep removes containers whose process has ended without removing them, and all those of a run
// if one is named.
func (e *engine) sweep(ctx context.Context, run string) error {
	all, err := e.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: client.Filters{}.Add("label", labelPid),
	})
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	var errs []error
	for _, c := range all.Items {
		ofRun := run != "" && c.Labels[labelRun] == run
		if !ofRun && (c.Labels[labelHost] != host || alive(c.Labels[labelPid])) {
			continue
		}
		_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		// Gone, or going: the owner or the reaper has come first.
		if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// alive tells whether a process is there. When in doubt it is, for else its containers are removed.
func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return true
	}
	// Inside a container nobody may ever collect what has ended, so that its id stays taken.
	if stat, err := os.ReadFile("/proc/" + pid + "/stat"); err == nil {
		state := stat[bytes.LastIndexByte(stat, ')')+1:]
		return !bytes.HasPrefix(state, []byte(" Z"))
	}
	p, err := os.FindProcess(n)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	err = p.Signal(syscall.Signal(0))
	return !errors.Is(err, os.ErrProcessDone) && !errors.Is(err, syscall.ESRCH)
}
