package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// binary is a server program of this machine.
type binary struct {
	path    string
	command []string // what starts it: the path, or an ld.so with libraries of its own before it
	version string
}

// findBinary returns a program that is a server of this kind, or nil: the one that the machine has
// installed, else one that Prepare has unpacked.
func findBinary(k Kind) *binary {
	if path, err := exec.LookPath(k.program + "-server"); err == nil {
		if b := newBinary(k, path, path); b != nil {
			return b
		}
	}
	return unpacked(k)
}

// unpacked returns the program of a root directory that rootfs.sh has made, or nil. It is of another
// release of the distribution than the machine, so it runs with that release's libraries.
func unpacked(k Kind) *binary {
	root := rootDir(k)
	loaders, err := filepath.Glob(filepath.Join(root, "lib*", "ld-linux*.so.*"))
	if err != nil || len(loaders) == 0 {
		return nil
	}
	path := filepath.Join(root, "usr", "bin", k.program+"-server")
	return newBinary(k, path, loaders[0], "--library-path", filepath.Join(root, "lib"), path)
}

// rootDir is where Prepare unpacks the server of a kind.
func rootDir(k Kind) string { return filepath.Join(cacheDir(), k.program+"-"+k.version) }

// cacheDir is where unpacked servers are kept. To have them made anew, delete it.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil { // no home directory
		dir = filepath.Join(os.TempDir(), "cache-"+strconv.Itoa(os.Getuid()))
	}
	return filepath.Join(dir, "weir", "servers")
}

// "Redis server v=7.0.15 sha=00000000:0 ..."; Valkey's, under whatever name it is installed, begins
// with "Valkey server".
var versionLine = regexp.MustCompile(`^(\w+) server v=(\S+)`)

// newBinary asks a program for its name and version. It returns nil if that is not what k wants.
func newBinary(k Kind, path string, command ...string) *binary {
	out, err := exec.Command(command[0], append(command[1:], "--version")...).Output()
	if err != nil {
		return nil
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil || strings.ToLower(m[1]) != k.program || !k.matches(m[2]) {
		return nil
	}
	return &binary{path: path, command: command, version: m[2]}
}

// untilEOF runs a command until that ends or standard input does, and then removes a directory. As
// the test process holds the other end of the input, the server never outlives it, however it ends.
// Ctrl-C reaches this shell too, and must not keep it from tidying up.
const untilEOF = `
dir=$1
shift
trap "" INT
exec 3<&0
"$@" 3<&- &
server=$!
echo "$server" >"$dir/pid"
{ read -r _ <&3; kill "$server"; } >/dev/null 2>&1 &
wait "$server"
status=$?
kill $! 2>/dev/null
rm -rf "$dir"
exit $status`

// errTaken says that the port which was free is taken by the time that the server binds it.
var errTaken = errors.New("port taken")

// start runs the program on a free port and waits until it answers.
func (b *binary) start(ctx context.Context, args []string) (*Server, error) {
	for range 4 {
		if s, err := b.try(ctx, args); !errors.Is(err, errTaken) {
			return s, err
		}
	}
	return b.try(ctx, args)
}

// try does that on one port.
func (b *binary) try(ctx context.Context, args []string) (*Server, error) {
	addr, port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "weir-server-")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	defer log.Close()

	argv := append([]string{"-c", untilEOF, "sh", dir}, b.command...)
	argv = append(argv, "--bind", "127.0.0.1", "--port", port, "--dir", dir)
	cmd := exec.Command("/bin/sh", append(argv, args...)...)
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	stop := func() error {
		_ = input.Close()
		<-ended
		return os.RemoveAll(dir) // for a shell that was killed
	}

	running := func() error {
		select {
		case <-ended:
			return fmt.Errorf("%s ended: %v", b.path, cmd.ProcessState)
		default:
			return nil
		}
	}
	err = await(ctx, addr, running)
	if err == nil {
		err = checkPid(ctx, addr, filepath.Join(dir, "pid"))
	}
	if err != nil {
		_, _ = log.Seek(0, io.SeekStart) // by its name it may be gone
		text, _ := io.ReadAll(log)
		if strings.Contains(string(text), "Address already in use") {
			err = errors.Join(err, errTaken)
		}
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, text), stop())
	}
	return &Server{Addr: addr, How: "binary " + b.path, stop: stop}, nil
}

// checkPid makes sure that it is the server just started that answers, and not one that somebody
// else has started on the same port.
func checkPid(ctx context.Context, addr, file string) error {
	fields, err := info(ctx, addr)
	if err != nil {
		return err
	}
	pid, err := os.ReadFile(file)
	if err != nil || strings.TrimSpace(string(pid)) != fields["process_id"] {
		return errTaken
	}
	return nil
}

// freePort finds a port of the loopback interface that nobody uses.
func freePort() (addr, port string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	addr = l.Addr().String()
	_, port, err = net.SplitHostPort(addr)
	return addr, port, errors.Join(err, l.Close())
}
