CREATE TABLE charges (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reference  text NOT NULL,
    charged_at timestamptz NOT NULL DEFAULT now()
);
