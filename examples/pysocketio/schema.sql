CREATE TABLE messages (
    reference text PRIMARY KEY,
    stored_at timestamptz NOT NULL DEFAULT now()
);
