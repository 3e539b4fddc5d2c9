package target

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/go-weir/weir/scripts"
)

// runner is a scripts.Runner whose errors name the server and say what to do.
type runner struct {
	scripts.Runner
	place Place
}

// Run implements scripts.Runner.
func (r *runner) Run(ctx context.Context, s *scripts.Script, keys []string, args []string) ([]int64, error) {
	reply, err := r.Runner.Run(ctx, s, keys, args)
	if err != nil {
		err = Explain(r.place, compareRights, err)
	}
	return reply, err
}

// Unwrap returns the wrapped runner.
func (r *runner) Unwrap() scripts.Runner { return r.Runner }

// Explain returns err, an error of the server at a place, with an explanation in one line. If the user lacks rights, the
// explanation names the given rights.
func Explain(p Place, rights string, err error) error {
	address := p.Address()
	var answer redis.Error
	if !errors.As(err, &answer) {
		return fmt.Errorf("can't reach the server at %s: %w", address, err)
	}
	what := "the server at %s answered: %w"
	switch {
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"), redis.HasErrorPrefix(err, "ERR AUTH"):
		what = "the server at %s wants another user name or password: %w"
	case redis.HasErrorPrefix(err, "NOPERM"), strings.Contains(answer.Error(), "user executing the script"), strings.Contains(answer.Error(), "ACL failure in script"):
		what = "the user may not run these scripts on the server at %s, want the rights " + rights + ": %w"
	case redis.HasErrorPrefix(err, "MOVED"):
		what = "the server at %s belongs to a cluster, want the URLs of the cluster, or a server outside it: %w"
	}
	return fmt.Errorf(what, address, answer)
}
