package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"
)

// keyPrefix begins every API key, so that scanners recognize leaked keys: they look for
// weir_[0-9a-f]{64}.
const keyPrefix = "weir_"

// newAPIKey returns a key of 256 random bits.
func newAPIKey() string {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return keyPrefix + hex.EncodeToString(random)
}

// hashAPIKey returns the hash of a key. The service stores only this hash.
//
// A single SHA-256 suffices. A slow hash such as bcrypt protects passwords that can be guessed, but 256 random bits can't be
// guessed, and every request pays for the hash. It needs no salt, because no two keys are equal. So the hash can be an index of
// the database. The time of the lookup depends on the hash only, which a client can't choose, so it reveals nothing about a key.
func hashAPIKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// hintOf returns the part of a key that the service shows later: enough to recognize the key, too little to guess it.
func hintOf(key string) string {
	return key[:len(keyPrefix)+4] + "..." + key[len(key)-4:]
}

// Bounds of a password in bytes; bcrypt looks at 72.
const minPassword, maxPassword = 8, 72

// passwords hashes passwords, and compares them.
type passwords struct {
	cost  int
	dummy []byte // the hash of a random password
}

// newPasswords returns passwords that are hashed with this bcrypt cost.
func newPasswords(cost int) (passwords, error) {
	dummy, err := bcrypt.GenerateFromPassword([]byte(rand.Text()), cost)
	return passwords{cost, dummy}, err
}

func (p passwords) hash(password string) ([]byte, error) {
	return bcrypt.GenerateFromPassword([]byte(password), p.cost)
}

// match reports whether the hash is the password's. A nil hash matches no password, but takes the same time, so that the time
// doesn't reveal which accounts exist.
//
// bcrypt treats some different passwords as equal: it reads only the first 72 bytes, and it repeats a shorter password, with a
// NUL after it, until it has 72 bytes. So "x\x00x" equals "x". The service refuses both kinds of passwords.
func (p passwords) match(hash []byte, password string) bool {
	if hash == nil {
		hash = p.dummy
	}
	err := bcrypt.CompareHashAndPassword(hash, []byte(password))
	return err == nil && len(password) <= maxPassword && !strings.Contains(password, "\x00")
}

// tokens issues access tokens, and reads them.
type tokens struct {
	secret []byte
	life   time.Duration
	now    func() time.Time
}

const issuer = "weir-apikeys"

var errInvalidToken = errors.New("invalid token")

// issue returns a token for the user.
func (t tokens) issue(userID string) (string, error) {
	now := t.now()
	return jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer:    issuer,
		Subject:   userID,
		IssuedAt:  jwt.NewNumericDate(now),
		ExpiresAt: jwt.NewNumericDate(now.Add(t.life)),
	}).SignedString(t.secret)
}

// userID returns the ID of the user for whom the token was issued. Its error wraps errInvalidToken.
func (t tokens) userID(token string) (string, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return t.secret, nil },
		// The client chooses the token's header, so the header must not choose the method, such as "none".
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithIssuer(issuer), jwt.WithTimeFunc(t.now))
	if err != nil {
		return "", fmt.Errorf("%w: %w", errInvalidToken, err)
	}
	return claims.Subject, nil
}
