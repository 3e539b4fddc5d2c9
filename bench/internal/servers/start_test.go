package servers

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/moby/moby/client"
)

// TestPortTaken: if another program or server has the port of a server, the start fails with errTaken, so that it is tried on
// another port.
func TestPortTaken(t *testing.T) {
	kind := All()[0]
	start, err := find(kind)
	if err != nil {
		t.Fatal(err)
	}
	held, err := hold(1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.release() }()
	stranger, err := net.Listen("tcp", loopback(held.numbers[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	go func() { // closes connections without an answer
		for conn, err := stranger.Accept(); err == nil; conn, err = stranger.Accept() {
			_ = conn.Close()
		}
	}()
	if _, err := start(t.Context(), []order{{port: held.numbers[0]}}); !errors.Is(err, errTaken) {
		t.Errorf("on a stranger's port: %v", err)
	}

	other := Start(t, kind)
	_, text, _ := net.SplitHostPort(other.Addr)
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := start(t.Context(), []order{{port: port}}); !errors.Is(err, errTaken) {
		t.Errorf("on another server's port: %v", err)
	}

	times := 0
	g, err := startOnFree(t.Context(), func(ctx context.Context, orders []order) (*group, error) {
		if times++; times < 3 {
			return nil, errTaken
		}
		return start(ctx, orders)
	}, []order{{}, {}})
	if err != nil || times != 3 {
		t.Fatalf("on the third ports: %v, tried %d times", err, times)
	}
	for _, s := range g.servers {
		if _, err := call(t.Context(), s.Addr, "PING"); err != nil {
			t.Error(err)
		}
	}
	if err := g.stop(); err != nil {
		t.Error(err)
	}
}

// TestHold: all held ports are different, and released ports can be held again.
func TestHold(t *testing.T) {
	seen := map[int]bool{}
	for range 50 {
		p, err := hold(4)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = p.release() }()
		for _, port := range p.numbers {
			if seen[port] || port+toBus > 65535 {
				t.Errorf("port %d, of which %v are held", port, seen)
			}
			seen[port] = true
		}
	}
	port := 0
	for port = range seen {
		break
	}
	if l, err := listen(port + toHolder); err == nil {
		_ = l.Close()
		t.Errorf("no listener holds port %d", port)
	}
}

// TestApart: start detects an engine whose network is not the machine's. Then clusters and sentinels work over published ports.
func TestApart(t *testing.T) {
	e, err := connect()
	if err != nil {
		t.Log("no containers without an engine:", err)
		return
	}
	kind := All()[0]
	image := e.imageOf(kind)
	// No listener holds this port, as in the network of a virtual machine.
	if _, err := e.startIn(t.Context(), kind, image, []order{{port: 65535 - toHolder}}, true); !errors.Is(err, errApart) {
		t.Errorf("without a listener that holds the port: %v", err)
	}

	before := e.apart.Swap(true)
	defer e.apart.Store(before)
	s := Start(t, kind)
	if s.Contained {
		t.Errorf("%s is Contained, but doesn't share the machine's network", s)
	}
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := call(t.Context(), s.Addr, "PING"); err == nil {
		t.Errorf("%s answers, although it was killed", s)
	}
	if err := s.Revive(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, clients := range [][]user{clusterClients(t, StartCluster(t, kind, 3, 1)), sentinelClients(t, StartSentinel(t, kind))} {
		if err := clients[0].set(t.Context(), "key", "kept"); err != nil {
			t.Fatal(err)
		}
		recovers(t, clients, "key", "kept")
	}
}

// TestBuiltImage: a built image has a name that no official image has. It is used if the official one is missing, and is built
// again if its recipe changes.
func TestBuiltImage(t *testing.T) {
	e, err := connect()
	if err != nil {
		t.Log("no images without an engine:", err)
		return
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	kind := Kind{Name: "redis-0.0", Image: "redis:0.0", program: "redis", version: "0.0"}
	suites["redis 0.0"] = "none"
	defer delete(suites, "redis 0.0")
	old, err := e.importLabelled(t.Context(), tarOf(t, "file", "old"), kind.builtImage(), map[string]string{labelRecipe: "another"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.hasBuilt(t.Context(), kind) {
		t.Error("an image with another recipe counts as built")
	}
	if err := os.MkdirAll(filepath.Join(rootDir(kind), "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := e.importRoot(t.Context(), kind); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if _, err := e.ImageRemove(t.Context(), kind.builtImage(), client.ImageRemoveOptions{}); err != nil {
			t.Error(err)
		}
	}()
	if present(t.Context(), e, old) || present(t.Context(), e, kind.Image) {
		t.Error("the former image was not removed, or an official one was made")
	}
	if image := e.imageOf(kind); image != "weir.test/redis:0.0-none" {
		t.Errorf("the image to use is %q", image)
	}
	elsewhere := kind
	elsewhere.Image = "somewhere:5000/redis:0.0"
	if e.hasBuilt(t.Context(), elsewhere) {
		t.Error("the built image replaces that of another registry")
	}
}
