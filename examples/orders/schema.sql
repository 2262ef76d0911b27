CREATE TABLE orders (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference text NOT NULL,
    item      text NOT NULL,
    key       text UNIQUE,
    placed_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX orders_reference ON orders (reference);
