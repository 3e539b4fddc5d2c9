package httplimit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-weir/weir/internal/option"
)

// A KeyFunc returns the key that a request is counted for. If it returns "", the limiter doesn't apply to
// the request: give it a key of another kind by [First], or limit by address too by [Also].
//
// A client can leave out a header field, a parameter or a user name, or write another into each request. A key that is
// made of them limits a client only if a middleware further out has checked them. Keys become part of key names on the
// server: use [Hashed] for those that are secret.
//
// Key functions read a request in time that is proportional to its size, which http.Server bounds (MaxHeaderBytes).
//
// The functions that make a KeyFunc have no error to return. If their arguments can't work, New and NewDecider return the
// error of the KeyFunc that they are given.
type KeyFunc func(*http.Request) string

// Header returns the key function of a header field's first value.
//
// A name that no request has is an error of New: one that is no token, and Host, Transfer-Encoding and Trailer, which
// net/http takes out of the header.
func Header(name string) KeyFunc {
	if why := wrongField(name); why != "" {
		return wrongKey("Header: %s", why)
	}
	name = http.CanonicalHeaderKey(name)
	return func(r *http.Request) string {
		if values := r.Header[name]; len(values) > 0 {
			return values[0]
		}
		return ""
	}
}

// wrongField returns why no request has a header field of that name, or "".
func wrongField(name string) string {
	canonical := http.CanonicalHeaderKey(name)
	switch {
	case !isToken(name):
		return fmt.Sprintf("no header field has the name %q, want one such as X-Real-IP", name)
	case canonical == "Host":
		return "net/http moves the field Host to Request.Host, want a function that returns that"
	case canonical == "Transfer-Encoding" || canonical == "Trailer":
		return fmt.Sprintf("net/http takes the field %s out of requests, want another", canonical)
	}
	return ""
}

// Query returns the key function of a parameter's first value in the URL. An empty name is an error of New.
func Query(name string) KeyFunc {
	if name == "" {
		return wrongKey("Query: the name is empty, want that of a parameter")
	}
	return func(r *http.Request) string { return parameter(r.URL.RawQuery, name) }
}

// parameter returns what url.ParseQuery has as the first value of a parameter. It allocates nothing for the others, of
// which there may be a million.
func parameter(query, name string) string {
	for query != "" {
		var pair string
		if pair, query, _ = strings.Cut(query, "&"); len(pair) < len(name) {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if !isEscaped(key, name) || strings.Contains(pair, ";") {
			continue
		}
		if text, err := url.QueryUnescape(value); err == nil {
			return text
		}
	}
	return ""
}

// isEscaped reports whether s is text, escaped as in a query.
func isEscaped(s, text string) bool {
	for ; s != "" && text != ""; text = text[1:] {
		c, length := s[0], 1
		switch c {
		case '+':
			c = ' '
		case '%':
			var b [1]byte
			if n, _ := hex.Decode(b[:], []byte(s[1:min(3, len(s))])); n != 1 {
				return false
			}
			c, length = b[0], 3
		}
		if c != text[0] {
			return false
		}
		s = s[length:]
	}
	return s == "" && text == ""
}

// Authorization returns the key function of the credentials in the Authorization field: for the scheme
// "Api-Key" and the field "Authorization: Api-Key 7d3f" the key is "7d3f". Case does not matter in the scheme.
//
// A scheme that is no token, such as "" or one with a space, is an error of New.
func Authorization(scheme string) KeyFunc {
	if !isToken(scheme) {
		return wrongKey("Authorization: no field has the scheme %q, want one such as Bearer", scheme)
	}
	return func(r *http.Request) string {
		field := r.Header.Get("Authorization")
		end := strings.IndexAny(field, " \t")
		if end < 0 || !strings.EqualFold(field[:end], scheme) {
			return ""
		}
		return strings.TrimSpace(field[end:])
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
// context: a string, an integer, or a fmt.Stringer. Any other value is no key, and neither is a nil pointer.
//
// A key that no context can have, nil or one that can't be compared, is an error of New.
func ContextValue(key any) KeyFunc {
	if key == nil || !reflect.ValueOf(key).Comparable() {
		return wrongKey("ContextValue: no context has a value of the key %v, want one that isn't nil and can be compared", key)
	}
	return func(r *http.Request) string {
		switch value := r.Context().Value(key).(type) {
		case nil:
			return ""
		case string:
			return value
		case fmt.Stringer:
			if option.IsNil(value) {
				return ""
			}
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

// Path returns the key function of the URL's path, such as "/users/7". What http.ServeMux takes for the same path has the
// same key: "//users/./7" too. A slash at the end doesn't matter, and neither does how characters are escaped. An empty
// path is "/". Upper and lower case are different keys.
//
// A client can write another path into each request. Where a handler serves paths of any form, join [Pattern] with the
// client's key instead.
func Path() KeyFunc {
	return func(r *http.Request) string {
		if strings.HasPrefix(r.URL.Path, "/") {
			return path.Clean(r.URL.Path)
		}
		return path.Clean("/" + r.URL.Path)
	}
}

// Pattern returns the key function of the pattern by which http.ServeMux chose the handler, such as
// "GET /users/{id}". The middleware must be inside the ServeMux, around the handler: outside of it a request
// has no pattern, and isn't limited.
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
