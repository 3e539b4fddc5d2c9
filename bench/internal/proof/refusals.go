package proof

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// refusals are the cases of a server that answers, but refuses to write.
func refusals() []Case {
	refuse := func(name, fault string, begin, end []any) Case {
		return Case{
			Name: name, Fault: fault + " for 50 ms, every other 50 ms", Promise: "a call that fails has changed nothing",
			Load: patient(withoutResets(faultLoad())), Felt: unlucky, Kept: nothingRan,
			during: func(ctx context.Context, s *stage) error {
				const lasts = 50 * time.Millisecond
				if err := s.admin.Do(ctx, begin...).Err(); err != nil {
					return err
				}
				restErr := rest(ctx, lasts)
				return errors.Join(s.admin.Do(context.WithoutCancel(ctx), end...).Err(), restErr, rest(ctx, lasts))
			},
		}
	}
	return []Case{
		refuse("READONLY", "the server becomes the replica of a server that isn't there",
			[]any{"REPLICAOF", "127.0.0.1", "1"}, []any{"REPLICAOF", "NO", "ONE"}),
		refuse("NOPERM", "the clients' user may not write",
			[]any{"ACL", "SETUSER", "default", "-@write"}, []any{"ACL", "SETUSER", "default", "+@all"}),
	}
}

func nothingRan(row Row) error {
	if row.RanUnseen > 0 {
		return fmt.Errorf("%d calls that failed ran", row.RanUnseen)
	}
	return nil
}
