// Package algorithms is the vocabulary that every rate limiter of Weir shares: the [Limit] it is
// given, the [Result] it answers with, the [Limiter] interface, the options and the errors.
//
// The algorithms themselves live in packages of their own; import the one you want:
//
//   - fixedwindow counts requests in windows: cheapest to explain, up to twice the rate at an edge.
//   - slidinglog remembers each admitted request: exact in any span, memory grows with the rate.
//   - gcra keeps one number a key: smooth, with a burst of your choice. When in doubt, take this.
//   - leakybucket has a meter, which decides as gcra does, and a queue, which delays instead of
//     refusing.
//
// Each has New, over Redis or Valkey, and NewLocal, which makes the same decisions inside this
// process. All of them are [Limiter]s, so code that takes the interface works with any.
//
// [CacheDenials] goes around any of them, and spares the server the callers who are denied anyway.
package algorithms
