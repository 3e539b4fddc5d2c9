package main

import (
	"context"
	"database/sql"
	_ "embed" // the schema
	"errors"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver: SQLite in Go, without C
)

//go:embed schema.sql
var schema string

// A store keeps users and books. It is safe for concurrent use, even by several processes on one file.
type store struct{ db *sql.DB }

var (
	errNotFound = errors.New("there is none")
	errExists   = errors.New("there is one already")
)

// openStore opens the database in a file, and creates it if there is none. A statement waits for at most busy while others use the
// database.
func openStore(ctx context.Context, file string, busy time.Duration) (*store, error) {
	// These are settings of each connection. The journal mode is the default. The mode WAL sometimes fails, in spite of
	// busy_timeout, if several processes create the database at the same time.
	options := url.Values{"_pragma": {fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()), "foreign_keys(1)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	db.SetMaxIdleConns(8)
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("database %q: %w", file, err)
	}
	return &store{db}, nil
}

func (s *store) close() error { return s.db.Close() }

// A user is a row of the table of users. The store has only the hash of the key.
type user struct {
	id           string
	name         string
	passwordHash []byte
	keyHint      string
	keyCreatedAt time.Time
}

const selectUser = `SELECT id, username, password_hash, key_hint, key_created_at FROM users WHERE `

// addUser adds a user who owns a key, or returns errExists for a name that is taken.
func (s *store) addUser(ctx context.Context, u user, keyHash []byte) error {
	return s.changeOne(ctx, errExists,
		`INSERT INTO users (id, username, password_hash, key_hash, key_hint, key_created_at) VALUES (?, ?, ?, ?, ?, ?)
		 ON CONFLICT (username) DO NOTHING`,
		u.id, u.name, u.passwordHash, keyHash, u.keyHint, u.keyCreatedAt.Unix())
}

func (s *store) userByID(ctx context.Context, id string) (user, error) {
	return s.user(ctx, selectUser+`id = ?`, id)
}

func (s *store) userByName(ctx context.Context, name string) (user, error) {
	return s.user(ctx, selectUser+`username = ?`, name)
}

func (s *store) userByKey(ctx context.Context, keyHash []byte) (user, error) {
	return s.user(ctx, selectUser+`key_hash = ?`, keyHash)
}

// user returns the user that the query finds, or errNotFound.
func (s *store) user(ctx context.Context, query string, arg any) (user, error) {
	var u user
	var created int64
	err := s.db.QueryRowContext(ctx, query, arg).Scan(&u.id, &u.name, &u.passwordHash, &u.keyHint, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return user{}, errNotFound
	}
	u.keyCreatedAt = time.Unix(created, 0).UTC()
	return u, err
}

// replaceKey gives a user another key. The old key doesn't find a user any more.
func (s *store) replaceKey(ctx context.Context, userID string, keyHash []byte, hint string, at time.Time) error {
	return s.changeOne(ctx, errNotFound,
		`UPDATE users SET key_hash = ?, key_hint = ?, key_created_at = ? WHERE id = ?`, keyHash, hint, at.Unix(), userID)
}

// changeOne executes a statement that changes one row. If it changes no row, it returns the given error.
func (s *store) changeOne(ctx context.Context, none error, statement string, args ...any) error {
	result, err := s.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}

// A book belongs to a user.
type book struct {
	ID        int64     `json:"id"`
	Title     string    `json:"title"`
	Author    string    `json:"author"`
	CreatedAt time.Time `json:"created_at"`
}

// addBook adds a book to the owner's books and returns it with its ID, or returns errExists.
func (s *store) addBook(ctx context.Context, owner string, b book) (book, error) {
	err := s.db.QueryRowContext(ctx,
		`INSERT INTO books (owner, title, author, created_at) VALUES (?, ?, ?, ?)
		 ON CONFLICT (owner, title, author) DO NOTHING RETURNING id`,
		owner, b.Title, b.Author, b.CreatedAt.Unix()).Scan(&b.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return book{}, errExists
	}
	return b, err
}

// booksOf returns the first n of the owner's books whose IDs are above after, in the order of their IDs.
func (s *store) booksOf(ctx context.Context, owner string, after int64, n int) (books []book, err error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, title, author, created_at FROM books WHERE owner = ? AND id > ? ORDER BY id LIMIT ?`, owner, after, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	books = []book{} // JSON's [], not null
	for rows.Next() {
		var b book
		var created int64
		if err := rows.Scan(&b.ID, &b.Title, &b.Author, &created); err != nil {
			return nil, err
		}
		b.CreatedAt = time.Unix(created, 0).UTC()
		books = append(books, b)
	}
	return books, rows.Err()
}
