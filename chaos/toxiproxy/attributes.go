package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Attributes are a toxic's settings and its seed in one JSON object. What is wrong or unknown is refused while the stock API or
// ours still reads the request, so before anything is touched; what is left out keeps its value, which makes PATCH work.

func (t *toxic[S]) settings() S {
	if set := t.attributes.Load(); set != nil {
		return *set
	}
	var none S
	return none
}

func (t *toxic[S]) UnmarshalJSON(text []byte) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	seed := t.seed.Load()
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
	set := t.settings()
	decoder := json.NewDecoder(bytes.NewReader(rest))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&set); err != nil {
		return fmt.Errorf("attributes: %s", readable(err))
	}
	if set, err = set.checked(); err != nil {
		return fmt.Errorf("attributes: %w", err)
	}
	t.attributes.Store(&set)
	t.seed.Store(seed)
	return nil
}

func (t *toxic[S]) MarshalJSON() ([]byte, error) {
	text, err := json.Marshal(t.settings())
	if err != nil {
		return nil, err
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["seed"] = json.RawMessage(fmt.Sprint(t.seed.Load()))
	return json.Marshal(fields)
}

// readable says in the reader's words what was wrong with a JSON text.
func readable(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Sprintf("%s must be of type %s, not %s", wrong.Field, wrong.Type, wrong.Value)
	}
	return err.Error()
}
