// Package frameworks shows how a middleware of httplimit is used with web frameworks that have handlers of their own.
//
//   - chi takes it as it is: router.Use(limit).
//   - Echo wraps it: e.Use(echo.WrapMiddleware(limit)).
//   - Gin needs the function of this package: router.Use(frameworks.Gin(limit)). Its own gin.WrapH doesn't fit. It serves
//     an http.Handler and then calls the handlers that follow in any case, after a 429 too.
//
// Copy the function: the package is an example, and its module has no releases of its own.
package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Gin returns a net/http middleware as one of Gin. If the middleware answers the request by itself, the handlers that
// follow aren't called.
func Gin(middleware func(http.Handler) http.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		called := false
		middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			called = true
			c.Request, c.Writer = r, writer{c.Writer, w}
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		if !called {
			c.Abort()
		}
	}
}

// A writer is Gin's, except that it writes to the middleware's, which may have to change the header before.
type writer struct {
	gin.ResponseWriter
	of http.ResponseWriter
}

func (w writer) WriteHeader(status int) { w.of.WriteHeader(status) }

func (w writer) Write(b []byte) (int, error) { return w.of.Write(b) }

func (w writer) WriteString(s string) (int, error) { return w.of.Write([]byte(s)) }

func (w writer) Flush() { _ = http.NewResponseController(w.of).Flush() }
