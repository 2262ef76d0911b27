CREATE TABLE shown (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL,
    number    integer NOT NULL,
    display   text NOT NULL,
    shown_at  timestamptz NOT NULL DEFAULT now()
);
