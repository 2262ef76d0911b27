package main

import (
	"strings"
	"testing"
)

const good = `
{"history": "h"}
{"op": "submit", "task": "t", "call": 0, "return": 20}
{"op": "held", "task": "t", "call": 10, "return": 10}
{"op": "give", "task": "t", "token": 1, "call": 30, "return": 30}
{"op": "complete", "task": "t", "token": 1, "call": 40, "return": 60, "came_back": "acknowledged"}
{"op": "told", "task": "t", "token": 1, "outcome": "completed", "call": 50, "return": 50}
{"op": "end", "task": "t", "call": 99, "return": 99, "came_back": "drained"}`

func verdict(t *testing.T, history string) string {
	t.Helper()
	var out strings.Builder
	if _, err := run(strings.NewReader(strings.TrimSpace(history)), &out); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{linearizable, broken, undecided} {
		if strings.Contains(out.String(), word) {
			return word
		}
	}
	t.Fatalf("no verdict in %q", out.String())
	return ""
}

func TestAHistoryInOrderIsLinearizable(t *testing.T) {
	if found := verdict(t, good); found != linearizable {
		t.Fatal(found)
	}
}

func TestWhatMustNotHappenIsBroken(t *testing.T) {
	tell := `{"op": "told", "task": "t", "token": 1, "outcome": "completed", "call": 50, "return": 50}`
	later := `{"op": "give", "task": "t", "token": 2, "call": 45, "return": 45}` + "\n"
	for name, history := range map[string]string{
		"lost":                      strings.Replace(strings.Replace(good, tell, "", 1), "acknowledged", "", 1),
		"acknowledged and vanished": strings.Replace(strings.Replace(good, tell, "", 1), "drained", "", 1),
		"told twice":                good + "\n" + strings.Replace(tell, "50", "55", 2),
		"told with another token":   good + "\n" + strings.Replace(tell, `"token": 1`, `"token": 2`, 1),
		"a stale token counts":      strings.Replace(good, tell, later+tell, 1),
		"given out when done":       good + "\n" + strings.Replace(later, "45", "70", 2),
		"nobody handed it in":       strings.Replace(good, `"call": 0`, `"call": 15`, 1),
		"a token that shrinks":      strings.Replace(good, "\n{\"op\": \"give\"", "\n"+`{"op": "give", "task": "t", "token": 5, "call": 25, "return": 25}`+"\n{\"op\": \"give\"", 1),
		"a stale checkpoint":        good + "\n" + `{"op": "checkpoint", "task": "t", "token": 3, "call": 48, "return": 48}`,
		"completed by nobody":       strings.Replace(good, `"op": "complete", "task": "t", "token": 1, "call": 40`, `"op": "complete", "task": "t", "token": 1, "call": 52`, 1),
	} {
		if found := verdict(t, history); found != broken {
			t.Errorf("%s: %s", name, found)
		}
	}
}

func TestWhatMayHappenIsLinearizable(t *testing.T) {
	again := `{"op": "told", "task": "t", "token": 1, "outcome": "completed", "call": 70, "return": 70}`
	born := `{"op": "restart", "call": 65, "return": 65}`
	for name, history := range map[string]string{
		"told again after a restart":     good + "\n" + born + "\n" + again,
		"a submission without an answer": strings.Replace(good, `"call": 0, "return": 20`, `"call": 0, "return": null`, 1),
		"an older attempt that nobody heard of again": strings.NewReplacer(`"token": 1`, `"token": 2`, "{\"op\": \"give\"",
			`{"op": "give", "task": "t", "token": 1, "call": 25, "return": 25}`+"\n{\"op\": \"give\"").Replace(good),
		"a stale result that was refused": good + "\n" +
			`{"op": "complete", "task": "t", "token": 0, "call": 26, "return": null, "came_back": "refused"}`,
		"a task that failed": `{"history": "h"}
{"op": "submit", "task": "t", "call": 0, "return": 20}
{"op": "give", "task": "t", "token": 1, "call": 30, "return": 30}
{"op": "told", "task": "t", "token": 1, "outcome": "failed", "call": 50, "return": 50}
{"op": "end", "task": "t", "call": 99, "return": 99, "came_back": "drained"}`,
	} {
		if found := verdict(t, history); found != linearizable {
			t.Errorf("%s: %s", name, found)
		}
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for _, input := range []string{"{", `{"op": "give"}`, "{\"history\": \"h\"}\n{\"op\": \"dance\"}"} {
		if _, err := run(strings.NewReader(input), &strings.Builder{}); err == nil {
			t.Errorf("%s was taken", input)
		}
	}
}

func TestARegisterReturnsItsNewestValue(t *testing.T) {
	history := `{"history": "h", "model": "register"}
{"op": "read", "task": "x", "value": null, "call": 0, "return": 1}
{"op": "write", "task": "x", "value": "1", "call": 2, "return": 3}
{"op": "write", "task": "x", "value": "2", "call": 4, "return": null}
{"op": "read", "task": "x", "value": "1", "call": 5, "return": 6}
{"op": "read", "task": "x", "value": "2", "call": 7, "return": 8}`
	if found := verdict(t, history); found != linearizable {
		t.Fatal(found)
	}
	back := history + "\n" + `{"op": "read", "task": "x", "value": "1", "call": 9, "return": 10}`
	if found := verdict(t, back); found != broken {
		t.Fatal(found)
	}
}

func TestAQueueDeliversAsOftenAsItMay(t *testing.T) {
	sent := `
{"op": "enqueue", "task": "m", "call": 0, "return": 1}`
	taken := `
{"op": "dequeue", "task": "m", "call": 2, "return": 3}`
	again := `
{"op": "dequeue", "task": "m", "call": 4, "return": 5}`
	end := `
{"op": "end", "task": "m", "call": 9, "return": 9, "came_back": "acknowledged"}`
	for model, wanted := range map[string][4]string{
		"at least once": {linearizable, broken, linearizable, broken},
		"at most once":  {linearizable, linearizable, broken, broken},
		"exactly once":  {linearizable, broken, broken, broken},
	} {
		head := `{"history": "h", "model": "` + model + `"}`
		for at, history := range []string{sent + taken + end, sent + end, sent + taken + again + end, taken + end} {
			if found := verdict(t, head+history); found != wanted[at] {
				t.Errorf("%s, %s: %s", model, history, found)
			}
		}
	}
}

func TestAModelThatIsNotThereIsAnError(t *testing.T) {
	if _, err := run(strings.NewReader(`{"history": "h", "model": "stack"}`), &strings.Builder{}); err == nil {
		t.Fatal("it was taken")
	}
}
