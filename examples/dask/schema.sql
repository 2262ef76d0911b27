CREATE TABLE sums (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL,
    total     bigint NOT NULL,
    worker    text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
