package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// How long an engine or a registry may take to show that it is there. Where neither is, every test
// binary waits that long once.
const answerTimeout = 5 * time.Second

// engine is the Docker engine that containers run on.
type engine struct {
	*testcontainers.DockerClient
	version string
	apart   atomic.Bool // its network is not this machine's
	broken  atomic.Bool // it answers, but can't make images or start containers

	mu     sync.Mutex
	images map[string]string // by the image asked for before, the one that there is, or ""
}

// errRemote says that an engine's containers are not reached on this machine's loopback interface.
var errRemote = errors.New("the engine runs on another machine")

// connect finds the engine, once in a process. An engine whose containers can't be reached on the loopback interface is not used.
var connect = sync.OnceValues(func() (*engine, error) {
	// The library tells at length what it does, on the standard error of every test binary.
	tclog.SetDefault(tclog.NewNoopLogger())
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerTimeout)
	defer cancel()
	if err := checkEnv(ctx); err != nil {
		return nil, err
	}
	cli, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	info, err := cli.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, err
	}
	if !onLoopback(cli.DaemonHost(), info.Info.Name) {
		return nil, errRemote
	}
	e := &engine{DockerClient: cli, version: info.Info.ServerVersion, images: map[string]string{}}
	// What killed test runs left behind. That there may be some must not keep a test from running.
	_ = e.sweep(ctx, "")
	return e, nil
})

// errEngine says that an engine which answers could not do its work.
var errEngine = errors.New("the Docker engine fails")

// usable returns the engine, unless there is none or it was seen to fail: then servers are programs.
func usable() *engine {
	e, _ := connect()
	if e == nil || e.broken.Load() {
		return nil
	}
	return e
}

// reaperImage is the image of testcontainers' reaper, which no other name of its API tells.
//
//lint:ignore SA1019 deprecated without a successor
var reaperImage = testcontainers.ReaperDefaultImage //nolint:staticcheck // deprecated without a successor

// checkEnv prepares the settings of testcontainers, which reads them once at its first use.
//
// It takes DOCKER_HOST at its word: testcontainers goes on to the usual socket if that host does
// not answer. And it turns off testcontainers' reaper, a container that removes the others, where
// its image is neither present nor to be had; sweep does its work then.
func checkEnv(ctx context.Context) error {
	cli, err := client.New(client.FromEnv)
	if err != nil {
		return err
	}
	defer cli.Close()
	if _, err := cli.Ping(ctx, client.PingOptions{}); err != nil {
		if os.Getenv("DOCKER_HOST") != "" {
			return err
		}
		return nil // testcontainers knows of more places to look
	}
	if _, set := os.LookupEnv("TESTCONTAINERS_RYUK_DISABLED"); set {
		return nil
	}
	if present(ctx, cli, reaperImage) || answers(ctx, cli, reaperImage) {
		return nil
	}
	return os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
}

// onLoopback tells whether the engine's published ports are found on this machine's loopback
// interface, and makes testcontainers look there for its reaper's.
//
// Left alone, it takes it that an engine is outside where this machine itself looks like a
// container, and looks for ports at the default gateway. But the engine runs here if it has this
// machine's name.
func onLoopback(daemon, engineName string) bool {
	const override = "TESTCONTAINERS_HOST_OVERRIDE"
	if host, set := os.LookupEnv(override); set {
		return host == "127.0.0.1" || host == "localhost"
	}
	if strings.HasPrefix(daemon, "tcp:") || strings.HasPrefix(daemon, "http") {
		return false
	}
	if _, err := os.Stat("/.dockerenv"); err == nil {
		if name, err := os.Hostname(); err != nil || name != engineName {
			return false
		}
	}
	return os.Setenv(override, "127.0.0.1") == nil
}

// imageAPI has the methods of a client that present and answers need.
type imageAPI interface {
	ImageInspect(context.Context, string, ...client.ImageInspectOption) (client.ImageInspectResult, error)
	DistributionInspect(context.Context, string, client.DistributionInspectOptions) (client.DistributionInspectResult, error)
}

// present tells whether the engine has an image.
func present(ctx context.Context, cli imageAPI, image string) bool {
	_, err := cli.ImageInspect(ctx, image)
	return err == nil
}

// answers tells whether the image's registry does, in a short time. A pull alone does not show
// that: where nothing answers it may take minutes to fail, and where something does, to succeed.
func answers(ctx context.Context, cli imageAPI, image string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := cli.DistributionInspect(ctx, image, client.DistributionInspectOptions{})
	// Asked without credentials; the pull has them.
	return err == nil || errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err)
}

// errNoImage says that an image is neither present nor to be pulled.
var errNoImage = errors.New("not present, and no registry has it")

// obtain makes sure that the engine has an image, by pulling it if need be.
func (e *engine) obtain(ctx context.Context, image string) (pulled bool, err error) {
	if present(ctx, e, image) {
		return false, nil
	}
	if !answers(ctx, e, image) {
		return false, fmt.Errorf("image %s: %w", image, errNoImage)
	}
	provider, err := testcontainers.NewDockerProvider()
	if err != nil {
		return false, err
	}
	defer provider.Close()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := provider.PullImage(ctx, image); err != nil {
		return false, err
	}
	if !present(ctx, e, image) { // a pull that breaks off half-way reports no error
		return false, fmt.Errorf("the pull of %s did not succeed", image)
	}
	return true, nil
}

// imageOf returns the image that servers of a kind are run from: the kind's own if it is present, else the
// one that Prepare has built in its place, else the kind's own again if it can be pulled. Without any of
// them it is "". It asks once, not for each test.
func (e *engine) imageOf(k Kind) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	image, asked := e.images[k.Image]
	if asked {
		return image
	}
	ctx := context.Background()
	if image = k.Image; !present(ctx, e, image) {
		if e.hasBuilt(ctx, k) {
			image = k.builtImage()
		} else if _, err := e.obtain(ctx, image); err != nil {
			image = ""
		}
	}
	e.images[k.Image] = image
	return image
}

// size says how large an image is.
func (e *engine) size(ctx context.Context, image string) string {
	found, err := e.ImageInspect(ctx, image)
	if err != nil {
		return err.Error()
	}
	return megabytes(found.Size)
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }
