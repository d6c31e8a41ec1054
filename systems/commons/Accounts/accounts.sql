-- Accounts and their sessions, all of an account in one bucket. E-mail and phone are unique over all databases by reservation
-- (UniqueValues), and these indexes find the row.

CREATE TABLE accounts (
    bucket_id     integer     NOT NULL,                          -- in the id
    id            bigint      NOT NULL,
    email         text        CHECK (length(email) BETWEEN 3 AND 254),
    phone         text        CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
    name          text        NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    role          text        NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'merchant', 'admin')),
    acts_for      bigint,                                        -- what a merchant's account is staff of
    password_hash text        NOT NULL,
    is_active     boolean     NOT NULL DEFAULT true,
    version       integer     NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket_id, id),
    CHECK (email IS NOT NULL OR phone IS NOT NULL),
    CHECK ((role = 'merchant') = (acts_for IS NOT NULL))
);
CREATE UNIQUE INDEX accounts_email ON accounts (bucket_id, email) WHERE email IS NOT NULL;
CREATE UNIQUE INDEX accounts_phone ON accounts (bucket_id, phone) WHERE phone IS NOT NULL;
CREATE INDEX accounts_newest ON accounts (id DESC);              -- of all buckets: asked of every database

-- The truth about a session; what each request asks is cached (cache policy 'sessions').
CREATE TABLE sessions (
    bucket_id     integer     NOT NULL,                          -- of the account, and so in the id
    id            bigint      NOT NULL,
    user_id       bigint      NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('browser', 'app')),
    token_hash    bytea       NOT NULL,                          -- SHA-256 of the cookie or the newest access token
    token_expires_at timestamptz NOT NULL,                       -- of that token
    expires_at    timestamptz NOT NULL,                          -- of the session: of the cookie or the newest refresh token
    address       text        NOT NULL,
    agent         text        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    used_at       timestamptz NOT NULL DEFAULT now(),            -- to some minutes
    ended_at      timestamptz,
    PRIMARY KEY (bucket_id, id)
);
CREATE INDEX sessions_user ON sessions (bucket_id, user_id, id DESC);
CREATE INDEX sessions_old ON sessions (expires_at);              -- for the cleaner, of every database

-- A family of refresh tokens is a session of an app: each is used once, and one that comes again ends the session.
CREATE TABLE refresh_tokens (
    bucket_id     integer     NOT NULL,                          -- of the session
    session_id    bigint      NOT NULL,
    hash          bytea       NOT NULL,                          -- SHA-256
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    PRIMARY KEY (bucket_id, session_id, hash),
    FOREIGN KEY (bucket_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
