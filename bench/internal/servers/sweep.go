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

// Labels that identify the process and the run that made a container or an image.
const (
	labelHost = "weir.test.host"
	labelPid  = "weir.test.pid"
	labelRun  = "weir.test.run"
)

// runEnv is the environment variable with which the command bench/test passes the name of the run to test binaries.
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

// sweep removes the containers and images of processes that have ended. If run isn't "", it also removes all those of the run.
func (e *engine) sweep(ctx context.Context, run string) error {
	ours := client.Filters{}.Add("label", labelPid)
	containers, err := e.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range containers.Items {
		if abandoned(c.Labels, run) {
			_, err := e.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			errs = append(errs, unlessGone(err))
		}
	}
	images, err := e.ImageList(ctx, client.ImageListOptions{Filters: ours})
	errs = append(errs, err)
	for _, i := range images.Items {
		if abandoned(i.Labels, run) {
			_, err := e.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true})
			errs = append(errs, unlessGone(err))
		}
	}
	return errors.Join(errs...)
}

// abandoned reports whether the labels are those of a process that has ended, or of the run.
func abandoned(labels map[string]string, run string) bool {
	if run != "" && labels[labelRun] == run {
		return true
	}
	host, _ := os.Hostname()
	return labels[labelHost] == host && !alive(labels[labelPid])
}

// unlessGone returns err, or nil if err says that the owner or the reaper has removed or is removing the object.
func unlessGone(err error) error {
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return err
}

// alive reports whether a process runs. If that isn't known, it returns true, so that no container in use is removed.
func alive(pid string) bool {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return true
	}
	// Inside a container, processes that have ended may stay as zombies.
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
