package servers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// Program is an image of a program that tests run. This process makes and removes it. If the process is killed, the next test
// run removes the image, as it does with containers.
type Program struct {
	engine *engine
	id     string
}

// ImportProgram makes an image from a tar archive of a root directory. The settings are lines of a Dockerfile, such as
// "USER 65532". It fails if there is no engine; then no server is Contained either.
func ImportProgram(ctx context.Context, root io.Reader, settings ...string) (*Program, error) {
	e, err := connect()
	if err != nil {
		return nil, fmt.Errorf("no Docker engine: %w", err)
	}
	id, err := e.importLabelled(ctx, root, "", owner(), settings)
	if err != nil {
		return nil, fmt.Errorf("can't make an image: %w", err)
	}
	return &Program{e, id}, nil
}

// Close removes the image. Its containers must be closed first.
func (p *Program) Close() error {
	_, err := p.engine.ImageRemove(context.Background(), p.id, client.ImageRemoveOptions{Force: true})
	return err
}

// importLabelled makes an image, with a name unless that is "", and returns its id.
func (e *engine) importLabelled(ctx context.Context, root io.Reader, name string, labels map[string]string, settings []string) (id string, err error) {
	settings = slices.Clip(settings)
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		settings = append(settings, fmt.Sprintf("LABEL %s=%q", name, labels[name]))
	}
	reply, err := e.ImageImport(ctx, client.ImageImportSource{Source: root, SourceName: "-"}, name,
		client.ImageImportOptions{Changes: settings})
	if err != nil {
		return "", err
	}
	defer reply.Close()
	// The reply is a sequence of JSON values about the progress. The last one has the id or an error.
	for lines := json.NewDecoder(reply); ; {
		var line struct{ Status, Error string }
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return id, nil
		case err != nil:
			return "", err
		case line.Error != "":
			return "", errors.New(line.Error)
		}
		id = line.Status
	}
}

// Running is a running program: a [Container] or a [Process].
type Running interface {
	Log(ctx context.Context) string // its output
	Close() error                   // ends it
}

// Container is a running container of a [Program].
type Container struct {
	Listens []string // the matches of the groups of Run's expression listens
	ctr     testcontainers.Container
}

// Run runs the image's program in a container that shares this machine's network, and returns once listens matches its log.
// The field Listens then holds the matches of the expression's groups, such as an address.
func (p *Program) Run(ctx context.Context, listens *regexp.Regexp, env map[string]string, args ...string) (*Container, error) {
	ctr, err := testcontainers.Run(ctx, p.id,
		testcontainers.WithCmd(args...),
		testcontainers.WithEnv(env),
		testcontainers.WithHostConfigModifier(shareNetwork),
		testcontainers.WithLabels(owner()),
		testcontainers.WithWaitStrategy(wait.ForLog(listens.String()).AsRegexp()),
	)
	c := &Container{ctr: ctr}
	if err != nil {
		if ctr != nil {
			err = fmt.Errorf("%w\n%s", err, c.Log(ctx))
		}
		return nil, errors.Join(err, c.Close())
	}
	c.Listens = listens.FindStringSubmatch(c.Log(ctx))[1:]
	return c, nil
}

// Log returns the program's output.
func (c *Container) Log(ctx context.Context) string { return logs(ctx, c.ctr) }

// Close ends the program and removes the container.
func (c *Container) Close() error {
	return testcontainers.TerminateContainer(c.ctr, testcontainers.StopTimeout(0))
}
