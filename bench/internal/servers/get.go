package servers

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Image returns the kind of the servers in an image such as "redis:8.0" or "valkey/valkey:8.1".
func Image(image string) (Kind, error) {
	program := "redis"
	if strings.Contains(image, "valkey") {
		program = "valkey"
	} else if !strings.Contains(image, "redis") {
		return Kind{}, fmt.Errorf("%q is no image of Redis or Valkey, want one such as redis:8.0 or valkey/valkey:8.1", image)
	}
	return parse(program, image), nil
}

// Installed returns the kind of the server that is installed on this machine, if there is one.
func Installed() (Kind, bool) {
	for _, program := range []string{"valkey", "redis"} {
		k := Kind{Name: program, program: program}
		if findBinary(k) != nil {
			return k, true
		}
	}
	return Kind{}, false
}

// Get makes a server of a kind available, as [Prepare] does, and returns where it is from.
func Get(ctx context.Context, k Kind) (how string, err error) {
	how, err = have(ctx, k)
	if errors.Is(err, errMustBuild) {
		how, err = k.offer(ctx, unpack(ctx, k.suite(), []Kind{k}))
	}
	return how, err
}
