CREATE TABLE charges (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference  text NOT NULL UNIQUE,
    charged_at timestamptz NOT NULL DEFAULT now()
);
