package stage

import (
	"bytes"
	"encoding/json"
	"fmt"

	"stormlab/toxiproxy/internal/problem"
)

// Attributes are a toxic's settings and its seed in one JSON object. What is wrong or unknown is refused while the stock API or
// ours still reads the request, so before anything is changed; what is left out keeps its value, which makes PATCH work.

func (r *Runner[S]) settings() S {
	if set := r.attributes.Load(); set != nil {
		return *set
	}
	var none S
	return none
}

// UnmarshalJSON reads attributes, and refuses what is wrong or unknown.
func (r *Runner[S]) UnmarshalJSON(text []byte) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	seed := r.seed.Load()
	if raw, given := fields["seed"]; given {
		if err := json.Unmarshal(raw, &seed); err != nil {
			return fmt.Errorf("attributes: seed must be a whole number, not %s", raw)
		}
		delete(fields, "seed")
	}
	rest, err := json.Marshal(fields)
	if err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	set := r.settings()
	decoder := json.NewDecoder(bytes.NewReader(rest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&set); err != nil {
		return fmt.Errorf("attributes: %s", problem.OfJSON(err))
	}
	if set, err = set.Checked(); err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	r.attributes.Store(&set)
	r.seed.Store(seed)
	return nil
}

// MarshalJSON writes the attributes, the seed among them.
func (r *Runner[S]) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(r.settings())
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["seed"] = json.RawMessage(fmt.Sprint(r.seed.Load()))
	return json.Marshal(fields)
}
