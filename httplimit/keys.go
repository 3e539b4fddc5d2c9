package httplimit

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// A KeyFunc says whom a request counts for. "" means that the limiter does not apply to it.
//
// What a client writes into a request it can write anew for each: a key of a header field, a parameter or
// a user name limits nobody until something has checked it. Keys become part of key names on the server:
// see [Hashed] for those that are secret.
//
// The functions that make a KeyFunc panic, as New does, when they are given what cannot work.
type KeyFunc func(*http.Request) string

// Header returns the key function of a header field's first value.
func Header(name string) KeyFunc {
	name = http.CanonicalHeaderKey(name)
	return func(r *http.Request) string {
		if values := r.Header[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
}

// Query returns the key function of a parameter's first value in the URL.
func Query(name string) KeyFunc {
	return func(r *http.Request) string {
		if r.URL.RawQuery == "" {
			return ""
		}
		return r.URL.Query().Get(name)
	}
}

// Authorization returns the key function of what follows the scheme in the Authorization field: for
// "Api-Key" and the field "Authorization: Api-Key 7d3f" it is "7d3f". Case does not matter in the scheme.
func Authorization(scheme string) KeyFunc {
	return func(r *http.Request) string {
		given, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(given, scheme) {
			return ""
		}
		return strings.TrimSpace(credentials)
	}
}

// BasicAuthUser returns the key function of the user name of HTTP Basic authentication. The password is
// not looked at.
func BasicAuthUser() KeyFunc {
	return func(r *http.Request) string {
		user, _, _ := r.BasicAuth()
		return user
	}
}

// ContextValue returns the key function of a value in the request's context, where a middleware further
// out has put it: a string, an integer, or a fmt.Stringer. Anything else is no key.
func ContextValue(key any) KeyFunc {
	return func(r *http.Request) string {
		switch value := r.Context().Value(key).(type) {
		case nil:
			return ""
		case string:
			return value
		case fmt.Stringer:
			return value.String()
		default:
			return textOf(reflect.ValueOf(value))
		}
	}
}

// textOf returns a value of any string or integer type as text.
func textOf(value reflect.Value) string {
	switch {
	case value.Kind() == reflect.String:
		return value.String()
	case value.CanInt():
		return strconv.FormatInt(value.Int(), 10)
	case value.CanUint():
		return strconv.FormatUint(value.Uint(), 10)
	}
	return ""
}

// Path returns the key function of the URL's path, such as "/users/7".
func Path() KeyFunc { return func(r *http.Request) string { return r.URL.Path } }

// Pattern returns the key function of the pattern by which http.ServeMux chose the handler, such as
// "GET /users/{id}". The middleware must be inside the ServeMux, around the handler; outside there is none.
func Pattern() KeyFunc { return func(r *http.Request) string { return r.Pattern } }

// Scope returns the key function of a constant: all requests share one allowance. Joined with another it
// is one allowance for each of those, over all handlers that name the same scope.
func Scope(name string) KeyFunc {
	if name == "" {
		panic(invalid("Scope: the name is empty"))
	}
	return func(*http.Request) string { return name }
}

var joint = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// Join returns the key function of all the keys together, such as a user and an endpoint; "" if one is "".
// Different keys never give the same: "a" and "b" are "a|b", where "a|b" alone would be `a\|b`.
func Join(f ...KeyFunc) KeyFunc {
	mustBeKeyFuncs("Join", f)
	return func(r *http.Request) string {
		parts := make([]string, len(f))
		for i := range f {
			key := f[i](r)
			if key == "" {
				return ""
			}
			parts[i] = joint.Replace(key)
		}
		return strings.Join(parts, "|")
	}
}

// First returns the key function of the first key that isn't "": an API key if there is one, else the
// address. The key begins with the number of the function that it is from, "0:" for the first, so that
// nobody can pass for another kind of client.
func First(f ...KeyFunc) KeyFunc {
	mustBeKeyFuncs("First", f)
	return func(r *http.Request) string {
		for i := range f {
			if key := f[i](r); key != "" {
				return strconv.Itoa(i) + ":" + key
			}
		}
		return ""
	}
}

// Hashed returns the key function of the key's SHA-256, cut to 128 bits, as 22 characters of base64url: for
// keys that are secret, such as API keys, and would else stand in key names, where whoever can look into
// the server or its logs reads them. It also makes long keys short.
func Hashed(f KeyFunc) KeyFunc {
	mustBeKeyFuncs("Hashed", []KeyFunc{f})
	return func(r *http.Request) string {
		key := f(r)
		if key == "" {
			return ""
		}
		sum := sha256.Sum256([]byte(key))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
}

func mustBeKeyFuncs(of string, f []KeyFunc) {
	if len(f) == 0 {
		panic(invalid("%s: no key function", of))
	}
	for _, one := range f {
		if one == nil {
			panic(invalid("%s: a key function is nil", of))
		}
	}
}
