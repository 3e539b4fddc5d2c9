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

// A KeyFunc returns the key that a request is counted for. If it returns "", the limiter doesn't apply to the request. For such
// requests use [First] with a key of another kind, or also limit addresses by [Also].
//
// A client can leave out a header field, a parameter or a user name, or send a different one with each request. A key that is
// made of them limits a client only if a middleware further out has checked them. Keys become part of key names on the
// server: use [Hashed] for secret ones.
//
// Key functions read a request in time that is proportional to its size, which http.Server bounds (MaxHeaderBytes).
//
// The functions that make a KeyFunc have no error to return. If their arguments can't work, New and NewDecider return the
// error for the KeyFunc.
type KeyFunc func(*http.Request) string

// Header returns the key function of a header field's first value.
//
// New returns an error for a name that no request has: one that isn't a token, and Host, Transfer-Encoding and Trailer,
// which net/http removes from the header.
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

// wrongField returns the reason why no request has a header field of that name, or "".
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

// Query returns the key function of a parameter's first value in the URL. New returns an error for an empty name.
func Query(name string) KeyFunc {
	if name == "" {
		return wrongKey("Query: the name is empty, want that of a parameter")
	}
	return func(r *http.Request) string { return parameter(r.URL.RawQuery, name) }
}

// parameter returns a parameter's first value, as url.ParseQuery does. It allocates nothing for the other parameters, as there
// may be a million.
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
// New returns an error for a scheme that isn't a token, such as "" or one with a space.
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
// context: a string, an integer, or a fmt.Stringer. For any other value, and for a nil pointer, the key is "".
//
// New returns an error for a key that no context can have: nil, or one that can't be compared.
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

// Path returns the key function of the URL's path, such as "/users/7". Paths that are the same for http.ServeMux have the same
// key, such as "//users/./7". A slash at the end doesn't matter, and neither does how characters are escaped. An empty
// path is "/". Upper and lower case are different keys.
//
// A client can write a different path into each request. If a handler serves paths of any form, join [Pattern] with the
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
// "GET /users/{id}". The middleware must be inside the ServeMux, around the handler. Outside of the ServeMux a request
// has no pattern, and isn't limited.
func Pattern() KeyFunc { return func(r *http.Request) string { return r.Pattern } }

// Scope returns the key function of a constant: all requests share one allowance. Join it with another key function to give
// each of its keys one allowance over all handlers that use the same scope.
//
// New returns an error for an empty name.
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
// New returns an error if there is no key function, or one is nil.
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
// New returns an error if there is no key function, or one is nil.
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
// for secret keys, such as API keys, which could otherwise be read in the server's key names and logs. It also
// makes long keys short.
//
// New returns an error for a key function that is nil.
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
