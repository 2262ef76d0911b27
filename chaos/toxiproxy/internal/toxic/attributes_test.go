package toxic_test

import (
	"encoding/json"
	"testing"

	"stormlab/toxiproxy/internal/stage"
	"stormlab/toxiproxy/internal/toxic"
)

// bounds are, for each toxic, attributes at the edge of what it takes, and attributes just beyond.
var bounds = map[string]struct {
	fresh          func() json.Unmarshaler
	taken, refused []string
}{
	"corrupt": {func() json.Unmarshaler { return new(stage.Runner[toxic.Corrupt]) },
		[]string{`{}`, `{"rate_per_byte":0}`, `{"rate_per_byte":1}`, `{"flip":"bit"}`, `{"flip":"byte"}`, `{"flip":"zero"}`},
		[]string{`{"rate_per_byte":-0.001}`, `{"rate_per_byte":1.001}`, `{"flip":"word"}`}},
	"delay": {func() json.Unmarshaler { return new(stage.Runner[toxic.Delay]) },
		[]string{`{}`, `{"mean_ms":0}`, `{"mean_ms":600000}`, `{"jitter_ms":0}`, `{"jitter_ms":600000}`, `{"distribution":"uniform"}`,
			`{"distribution":"normal","jitter_ms":5}`, `{"distribution":"lognormal"}`, `{"distribution":"pareto"}`,
			`{"distribution":"pareto","mean_ms":1,"jitter_ms":5}`},
		[]string{`{"mean_ms":-0.001}`, `{"mean_ms":600000.1}`, `{"jitter_ms":-0.001}`, `{"jitter_ms":600000.1}`,
			`{"distribution":"cauchy"}`, `{"distribution":"lognormal","jitter_ms":0.5}`, `{"distribution":"pareto","jitter_ms":0.5}`}},
	"drop": {func() json.Unmarshaler { return new(stage.Runner[toxic.Drop]) },
		[]string{`{"probability":0}`, `{"probability":1}`}, []string{`{"probability":-0.001}`, `{"probability":1.001}`}},
	"duplicate": {func() json.Unmarshaler { return new(stage.Runner[toxic.Duplicate]) },
		[]string{`{"probability":0}`, `{"probability":1}`}, []string{`{"probability":-0.001}`, `{"probability":1.001}`}},
	"fail_first": {func() json.Unmarshaler { return new(stage.Runner[toxic.FailFirst]) },
		[]string{`{"connections":1}`, `{"connections":1,"how":"fin"}`, `{"connections":1,"how":"rst"}`},
		[]string{`{}`, `{"connections":0}`, `{"connections":1,"how":"cut"}`}},
	"fragment": {func() json.Unmarshaler { return new(stage.Runner[toxic.Fragment]) },
		[]string{`{"size_bytes":1}`, `{"size_bytes":1,"gap_ms":0}`, `{"size_bytes":1,"gap_ms":600000}`},
		[]string{`{}`, `{"size_bytes":0}`, `{"size_bytes":1,"gap_ms":-0.001}`, `{"size_bytes":1,"gap_ms":600000.1}`}},
	"reject": {func() json.Unmarshaler { return new(stage.Runner[toxic.Reject]) },
		[]string{`{}`, `{"status":400}`, `{"status":599}`, `{"retry_after_s":0}`, `{"retry_after_s":1}`},
		[]string{`{"status":399}`, `{"status":600}`, `{"retry_after_s":-1}`}},
	"throttle": {func() json.Unmarshaler { return new(stage.Runner[toxic.Throttle]) },
		[]string{`{"rate_bytes_per_s":1}`, `{"rate_bytes_per_s":1000000000000}`},
		[]string{`{}`, `{"rate_bytes_per_s":0}`, `{"rate_bytes_per_s":1000000000001}`}},
	"truncate": {func() json.Unmarshaler { return new(stage.Runner[toxic.Truncate]) },
		[]string{`{}`, `{"mode":"bytes"}`, `{"mode":"mid_frame"}`, `{"after_bytes":0}`, `{"mode":"bytes","after_bytes":1}`},
		[]string{`{"mode":"frames"}`, `{"after_bytes":-1}`, `{"mode":"mid_frame","after_bytes":1}`}},
	"blackhole": {func() json.Unmarshaler { return new(stage.Runner[toxic.Blackhole]) }, []string{`{}`}, nil},
	"forget":    {func() json.Unmarshaler { return new(stage.Runner[toxic.Forget]) }, []string{`{}`}, nil},
	"hang":      {func() json.Unmarshaler { return new(stage.Runner[toxic.Hang]) }, []string{`{}`}, nil},
	"hold":      {func() json.Unmarshaler { return new(stage.Runner[toxic.Hold]) }, []string{`{}`}, nil},
}

func TestEachToxicTakesItsSettingsUpToTheirBoundsAndRefusesThemBeyond(t *testing.T) {
	if len(bounds) != len(toxic.Catalogue) {
		t.Errorf("%d toxics have settings here, and %d are in the catalogue", len(bounds), len(toxic.Catalogue))
	}
	for name, s := range bounds {
		for _, text := range s.taken {
			if err := json.Unmarshal([]byte(text), s.fresh()); err != nil {
				t.Errorf("%s refuses %s: %v", name, text, err)
			}
		}
		for _, text := range append(s.refused, `{"unknown":1}`, `{"seed":"x"}`, `[]`) {
			if json.Unmarshal([]byte(text), s.fresh()) == nil {
				t.Errorf("%s takes %s", name, text)
			}
		}
	}
}
