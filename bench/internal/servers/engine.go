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

// answerTimeout is the timeout for an engine or a registry to answer. If neither exists, each test binary waits that long
// once.
const answerTimeout = 5 * time.Second

// engine is the Docker engine that containers run on.
type engine struct {
	*testcontainers.DockerClient
	version string
	apart   atomic.Bool // whether its network is not this machine's
	broken  atomic.Bool // whether it has failed to make an image or to start a container

	mu     sync.Mutex
	images map[string]string // the image to use, or "", by the image of a kind
}

// errRemote is the error of an engine whose containers can't be reached on this machine's loopback interface.
var errRemote = errors.New("the engine runs on another machine")

// connect finds the engine, once in a process. An engine whose containers can't be reached on the loopback interface is not used.
var connect = sync.OnceValues(func() (*engine, error) {
	// By default, the library logs much to the standard error of each test binary.
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
	// This removes the containers of killed test runs. Tests can run even if it fails.
	_ = e.sweep(ctx, "")
	return e, nil
})

// errEngine is the error of an engine that answers, but can't make an image or start a container.
var errEngine = errors.New("the Docker engine fails")

// usable returns the engine, or nil if there is none or it has failed. Without an engine, servers are programs.
func usable() *engine {
	e, _ := connect()
	if e == nil || e.broken.Load() {
		return nil
	}
	return e
}

// reaperImage is the image of testcontainers' reaper. The API has no other name for it.
//
//lint:ignore SA1019 deprecated without a successor
var reaperImage = testcontainers.ReaperDefaultImage //nolint:staticcheck // deprecated without a successor

// checkEnv prepares the settings of testcontainers, which reads them once at its first use.
//
// It returns an error if the host in DOCKER_HOST doesn't answer, while testcontainers would go on to the usual socket. And it
// turns off testcontainers' reaper, a container that removes the others, if its image isn't available. Then sweep removes
// containers instead.
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
		return nil // testcontainers looks in more places
	}
	if _, set := os.LookupEnv("TESTCONTAINERS_RYUK_DISABLED"); set {
		return nil
	}
	if present(ctx, cli, reaperImage) || answers(ctx, cli, reaperImage) {
		return nil
	}
	return os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
}

// onLoopback reports whether the engine's published ports are on this machine's loopback interface. If so, it makes
// testcontainers connect to its reaper there.
//
// By default, testcontainers assumes that the engine is outside if this machine looks like a container, and connects to the
// default gateway. But the engine runs on this machine if it reports this machine's name.
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

// An imageAPI is a client with the methods that present and answers need.
type imageAPI interface {
	ImageInspect(context.Context, string, ...client.ImageInspectOption) (client.ImageInspectResult, error)
	DistributionInspect(context.Context, string, client.DistributionInspectOptions) (client.DistributionInspectResult, error)
}

// present reports whether the engine has an image.
func present(ctx context.Context, cli imageAPI, image string) bool {
	_, err := cli.ImageInspect(ctx, image)
	return err == nil
}

// answers reports whether the image's registry answers within a short time. A pull can't show that, because both a failing
// and a successful one may take minutes.
func answers(ctx context.Context, cli imageAPI, image string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := cli.DistributionInspect(ctx, image, client.DistributionInspectOptions{})
	// This request has no credentials, unlike the pull, so a refusal is an answer too.
	return err == nil || errdefs.IsUnauthorized(err) || errdefs.IsPermissionDenied(err)
}

// errNoImage is the error of an image that is not present and can't be pulled.
var errNoImage = errors.New("not present, and no registry has it")

// obtain pulls an image if the engine doesn't have it.
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
	if !present(ctx, e, image) { // an interrupted pull reports no error
		return false, fmt.Errorf("the pull of %s did not succeed", image)
	}
	return true, nil
}

// imageOf returns the image for servers of a kind: the kind's own image if it is present, or else the one that Prepare has
// built, or else the kind's own if it can be pulled, or else "". It asks the engine only once for each kind.
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

// size returns the size of an image as text.
func (e *engine) size(ctx context.Context, image string) string {
	found, err := e.ImageInspect(ctx, image)
	if err != nil {
		return err.Error()
	}
	return megabytes(found.Size)
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", (n+500_000)/1_000_000) }
