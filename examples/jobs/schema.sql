CREATE TABLE results (
    job_id      uuid PRIMARY KEY,
    reference   text,
    words       integer NOT NULL,
    longest     text NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX results_finished_at ON results (finished_at);
