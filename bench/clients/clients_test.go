// Package clients_test holds the runners to their promises over what only the newest releases of go-redis and rueidis
// have. The runners' own modules are tested with the oldest releases that they support, which lack it.
package clients_test

import (
	"testing"

	"github.com/go-weir/weir/internal/wiretest"
)

// holds runs a suite whole.
func holds(t *testing.T, suite wiretest.Suite, refusals []wiretest.Refusal) {
	t.Run("EvalOnlyAfterNoScript", suite.EvalOnlyAfterNoScript)
	t.Run("NoScriptInsideAnError", suite.NoScriptInsideAnError)
	t.Run("KeysAndArgs", suite.KeysAndArgs)
	t.Run("ServerErrors", suite.ServerErrors)
	t.Run("LostReplyIsNotResent", suite.LostReplyIsNotResent)
	t.Run("LostReplyAfterRedirect", func(t *testing.T) { suite.LostReplyAfterRedirect(t, refusals) })
	t.Run("Refusals", func(t *testing.T) { suite.Refusals(t, refusals) })
	t.Run("ConcurrentCalls", suite.ConcurrentCalls)
	t.Run("TroubleInACrowd", suite.TroubleInACrowd)
}
