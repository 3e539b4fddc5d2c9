package httplimit

import (
	"net/http"
	"reflect"
)

// wrongKey returns what a function that makes key functions returns for arguments that can't work: a key function that
// carries the error, for New to return. If it is called all the same, by a function of the user's around it, it panics:
// so no request gets past a limiter by it.
//
//go:noinline
func wrongKey(format string, args ...any) KeyFunc {
	err := invalid(format, args...)
	return func(*http.Request) string { panic(err) }
}

// wrongCode is the code that the key functions of wrongKey share. It tells them from all others: wrongKey is never
// inlined, which would give each place a copy.
var wrongCode = reflect.ValueOf(wrongKey("")).Pointer()

// err returns the error of a key function of wrongKey, or nil of any other.
func (f KeyFunc) err() (err error) {
	if reflect.ValueOf(f).Pointer() != wrongCode {
		return nil
	}
	defer func() { err, _ = recover().(error) }()
	f(nil)
	return nil
}

// wrongOf returns what a function that combines key functions returns if it has none, or one that can't work; else nil.
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
