CREATE TABLE readings (
    number    bigint PRIMARY KEY,
    reference text,
    stored_at timestamptz NOT NULL DEFAULT now()
);
