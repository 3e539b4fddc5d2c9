package main

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-weir/weir/scripts"
)

// A service answers the requests.
type service struct {
	store     *store
	passwords passwords
	tokens    tokens
	now       func() time.Time
	log       *slog.Logger
}

// newHandler returns the whole service.
func newHandler(c config, users *store, run scripts.Runner, log *slog.Logger) (http.Handler, error) {
	hashes, err := newPasswords(c.passwordCost)
	if err != nil {
		return nil, err
	}
	limits, err := newThrottles(c, run)
	if err != nil {
		return nil, err
	}
	s := &service{users, hashes, tokens{c.secret, c.tokenLife, c.now}, c.now, log}

	mux := http.NewServeMux()
	// This limit comes first, because checking a password is expensive.
	mux.Handle("POST /users", limits.addresses(s.answer(s.signUp)))
	// Logins are limited by address and by account: an attacker may try many accounts, or use many addresses.
	mux.Handle("POST /token", limits.addresses(s.withAccount(limits.logins(s.answer(s.logIn)))))
	mux.Handle("GET /apikey", s.withToken(s.answer(s.showKey)))
	mux.Handle("POST /apikey/regenerate", limits.addresses(s.withToken(limits.newKeys(s.answer(s.regenerateKey)))))
	// The limit comes after the lookup of the key, which finds the user.
	mux.Handle("GET /books", s.withKey(limits.books(s.answer(s.listBooks))))
	mux.Handle("POST /books", s.withKey(limits.books(s.answer(s.addBook))))
	return http.MaxBytesHandler(mux, maxBody), nil
}

// maxBody is the most bytes that a request's body may have.
const maxBody = 16 << 10

// An endpoint returns the status and the JSON body of a response. If its error is a refusal, the response is that refusal. Any
// other error is logged and answered with 500.
type endpoint func(r *http.Request) (status int, reply any, err error)

func (s *service) answer(e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, reply, err := e(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.reply(w, status, reply)
	})
}

func (s *service) reply(w http.ResponseWriter, status int, reply any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // responses have keys, tokens and private data
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(reply); err != nil {
		s.log.Debug("a reply was not written", "err", err)
	}
}

// A refusal is the response to an error of the client.
type refusal struct {
	status    int
	detail    string
	challenge string // WWW-Authenticate, with a 401
}

func (r refusal) Error() string { return r.detail }

// fail answers a request with an error.
func (s *service) fail(w http.ResponseWriter, r *http.Request, err error) {
	var why refusal
	switch {
	case errors.As(err, &why):
	case r.Context().Err() != nil:
		why = refusal{status: http.StatusServiceUnavailable} // the client has gone and will not read this
	default:
		s.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err) // the query may hold a key
		why = refusal{status: http.StatusInternalServerError, detail: "Something went wrong here."}
	}
	if why.challenge != "" {
		w.Header().Set("WWW-Authenticate", why.challenge)
	}
	s.reply(w, why.status, struct {
		Detail string `json:"detail"`
	}{why.detail})
}

// decode reads the body of a request into v, as one JSON value without unknown fields.
func decode(r *http.Request, v any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(v)
	if err == nil {
		if _, err = decoder.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err == nil {
			err = errors.New("something follows the value")
		}
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return refusal{status: http.StatusRequestEntityTooLarge, detail: "The body is too large."}
	}
	return refusal{status: http.StatusBadRequest, detail: "The body is not the JSON wanted: " + reason(err) + "."}
}

// reason says what is wrong with a body, in terms of JSON instead of Go.
func reason(err error) string {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return "it is empty"
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return wrongType.Field + " is no " + wrongType.Value
	case wrongType != nil:
		return "it is no " + wrongType.Value
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}
