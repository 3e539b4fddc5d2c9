package target

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// runner is a scripts.Runner whose errors say which server it was, and what to do about it.
type runner struct {
	scripts.Runner
	address string
}

// Run implements scripts.Runner.
func (r runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	reply, err := r.Runner.Run(ctx, s, keys, args)
	if err != nil {
		err = explain(r.address, err)
	}
	return reply, err
}

// explain says in one line what err of the server at address means.
func explain(address string, err error) error {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return fmt.Errorf("can't reach the server at %s: %w", address, err)
	}
	what := "the server at %s answered: %w"
	switch {
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"), redis.HasErrorPrefix(err, "ERR AUTH"):
		what = "the server at %s wants another user name or password: %w"
	case redis.HasErrorPrefix(err, "NOPERM"), strings.Contains(answer.Error(), "user executing the script"), strings.Contains(answer.Error(), "ACL failure in script"):
		what = "the user may not run these scripts on the server at %s, want the rights ~weir-bench* +ping +@scripting +@read +@write: %w"
	case redis.HasErrorPrefix(err, "MOVED"):
		what = "the server at %s is one of a cluster, want a server of its own: %w"
	}
	return fmt.Errorf(what, address, answer)
}
