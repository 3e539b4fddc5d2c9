package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// Gin converts a net/http middleware to a middleware of Gin. If the middleware answers the request itself, the handlers that
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

// A writer is a gin.ResponseWriter that writes to the writer of the middleware, which may change the header first.
type writer struct {
	gin.ResponseWriter
	of http.ResponseWriter
}

func (w writer) WriteHeader(status int) { w.of.WriteHeader(status) }

func (w writer) Write(b []byte) (int, error) { return w.of.Write(b) }

func (w writer) WriteString(s string) (int, error) { return w.of.Write([]byte(s)) }

func (w writer) Flush() { _ = http.NewResponseController(w.of).Flush() }
