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

// A KeyFunc returns the key that a request is counted for. If it returns "", the limiter doesn't apply to
// the request.
//
// A client can write another header field, parameter or user name into each request. A key that is made of
// them limits a client only if they have been checked before. Keys become part of key names on the server:
// use [Hashed] for those that are secret.
//
// The functions that make a KeyFunc have no error to return. If their arguments can't work, New and NewDecider return the
// error of the KeyFunc that they are given.
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

// Authorization returns the key function of the credentials in the Authorization field: for the scheme
// "Api-Key" and the field "Authorization: Api-Key 7d3f" the key is "7d3f". Case does not matter in the scheme.
func Authorization(scheme string) KeyFunc {
	return func(r *http.Request) string {
		given, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(given, scheme) {
			return ""
		}
		return strings.TrimSpace(credentials)
	}
}

// BasicAuthUser returns the key function of the user name of HTTP Basic authentication. The password isn't
// checked.
func BasicAuthUser() KeyFunc {
	return func(r *http.Request) string {
		user, _, _ := r.BasicAuth()
		return user
	}
}

// ContextValue returns the key function of a value that a middleware further out has put into the request's
// context: a string, an integer, or a fmt.Stringer. Any other value is no key.
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
// "GET /users/{id}". The middleware must be inside the ServeMux, around the handler: outside of it a request
// has no pattern.
func Pattern() KeyFunc { return func(r *http.Request) string { return r.Pattern } }

// Scope returns the key function of a constant: all requests share one allowance. If it is joined with
// another key function, each key of that has one allowance over all handlers that name the same scope.
//
// An empty name is an error of New.
func Scope(name string) KeyFunc {
	if name == "" {
		return wrongKey("Scope: the name is empty, want any text")
	}
	return func(*http.Request) string { return name }
}

var joint = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// Join returns the key function of all the keys together, such as a user and an endpoint. The key is "" if
// one of them is. Different keys never give the same key: "a" and "b" give "a|b", and "a|b" alone gives
// `a\|b`.
//
// No key function, or one that is nil, is an error of New.
func Join(f ...KeyFunc) KeyFunc {
	if wrong := wrongOf("Join", f); wrong != nil {
		return wrong
	}
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

// First returns the key function of the first key that isn't "", such as an API key if there is one, and
// the address otherwise. The key begins with the number of its function, "0:" for the first, so that a client
// of one kind can't use the key of a client of another kind.
//
// No key function, or one that is nil, is an error of New.
func First(f ...KeyFunc) KeyFunc {
	if wrong := wrongOf("First", f); wrong != nil {
		return wrong
	}
	return func(r *http.Request) string {
		for i := range f {
			if key := f[i](r); key != "" {
				return strconv.Itoa(i) + ":" + key
			}
		}
		return ""
	}
}

// Hashed returns the key function of the key's SHA-256, cut to 128 bits, as 22 characters of base64url. It is
// for secret keys, such as API keys, which could be read in the server's key names and logs otherwise. It also
// makes long keys short.
//
// A key function that is nil is an error of New.
func Hashed(f KeyFunc) KeyFunc {
	if wrong := wrongOf("Hashed", []KeyFunc{f}); wrong != nil {
		return wrong
	}
	return func(r *http.Request) string {
		key := f(r)
		if key == "" {
			return ""
		}
		sum := sha256.Sum256([]byte(key))
		return base64.RawURLEncoding.EncodeToString(sum[:16])
	}
}
