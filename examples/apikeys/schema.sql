CREATE TABLE IF NOT EXISTS users (
    id             TEXT    PRIMARY KEY, -- random, so that nobody inherits another's allowance in Redis
    username       TEXT    NOT NULL UNIQUE,
    password_hash  BLOB    NOT NULL,
    key_hash       BLOB    NOT NULL UNIQUE, -- SHA-256 of the API key
    key_hint       TEXT    NOT NULL,
    key_created_at INTEGER NOT NULL -- Unix time, as all times here
) STRICT;

CREATE TABLE IF NOT EXISTS books (
    id         INTEGER PRIMARY KEY,
    owner      TEXT    NOT NULL REFERENCES users (id),
    title      TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (owner, title, author)
) STRICT;

CREATE INDEX IF NOT EXISTS books_of_owner ON books (owner, id);
