// Package frameworks shows how to put a limit in front of the handlers of web frameworks. Each has an Example here.
//
//   - chi takes a middleware of httplimit unchanged: router.Use(limit).
//   - httputil.ReverseProxy is an http.Handler, so limit(proxy) is one too.
//   - Echo wraps it: e.Use(echo.WrapMiddleware(limit)).
//   - Gin needs the function [Gin]: router.Use(frameworks.Gin(limit)). Its own gin.WrapH doesn't fit. It serves an
//     http.Handler and then calls the handlers that follow in any case, after a 429 too.
//   - Fiber isn't built on net/http. It needs the function [Fiber], which calls an httplimit.Decider.
//   - gRPC has the module grpclimit.
//
// Copy the function that you need: the package is an example, and is not meant to be imported.
package frameworks
