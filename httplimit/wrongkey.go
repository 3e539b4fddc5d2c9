package httplimit

import (
	"net/http"
	"reflect"
)

// wrongKey returns a key function that carries the error of wrong arguments, for New to return. If one of the user's
// functions calls it anyway, it panics, so that no request passes a limiter because of it.
//
//go:noinline
func wrongKey(format string, args ...any) KeyFunc {
	err := invalid(format, args...)
	return func(*http.Request) string { panic(err) }
}

// wrongCode is the code address of the key functions of wrongKey. It distinguishes them from all others. All of them have the
// same code, as wrongKey is never inlined.
var wrongCode = reflect.ValueOf(wrongKey("")).Pointer()

// err returns the error of a key function of wrongKey, or nil for any other.
func (f KeyFunc) err() (err error) {
	if reflect.ValueOf(f).Pointer() != wrongCode {
		return nil
	}
	defer func() { err, _ = recover().(error) }()
	f(nil)
	return nil
}

// wrongOf returns a key function with an error if f is empty or has one that can't work, and nil otherwise.
func wrongOf(name string, f []KeyFunc) KeyFunc {
	if len(f) == 0 {
		return wrongKey("%s has no key function, want at least one", name)
	}
	for _, one := range f {
		if one == nil {
			return wrongKey("a key function of %s is nil", name)
		}
		if one.err() != nil {
			return one
		}
	}
	return nil
}
