package scripts_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/go-weir/weir/internal/resptest"
	"github.com/go-weir/weir/scripts"
)

func TestErrorCode(t *testing.T) {
	moved := resptest.Error("MOVED 3999 127.0.0.1:6381")
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{moved, "MOVED"},
		{fmt.Errorf("goredisrunner: gcra: %w", moved), "MOVED"},
		{fmt.Errorf("GET after all: %w", fmt.Errorf("metrics: %w", moved)), "MOVED"},
		{errors.Join(io.EOF, fmt.Errorf("a: %w: %w", errors.New("first"), moved)), "MOVED"},
		{errors.New("gcra: " + moved.Error()), ""}, // the text says MOVED, but it isn't a server's error
		{io.EOF, ""},
		{resptest.Error("Error running script"), ""}, // rueidis leaves ERR out
		{errors.New(""), ""},
		{errors.New(" MOVED"), ""},
	} {
		if got := scripts.ErrorCode(test.err); got != test.want {
			t.Errorf("%v: %q, want %q", test.err, got, test.want)
		}
	}
}
