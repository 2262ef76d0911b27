package journal

import (
	"bytes"
	"strings"
	"testing"
)

// asPythonWrites is what wire/journal_chain.py appends for these lines to a file that ends in a torn line, in two writes.
const (
	torn           = "torn"
	asPythonWrites = "\n" +
		`{"event":"a"}` + "\n" +
		`{"event":"b","n":3,"h":"dc46c021b7182910"}` + "\n" +
		`{"event":"c","n":4,"h":"cd3f7c973a61460d"}` + "\n"
)

func lines(texts ...string) [][]byte {
	found := [][]byte{}
	for _, text := range texts {
		found = append(found, []byte(text+"\n"))
	}
	return found
}

func resumed(t *testing.T, file string) *chain {
	t.Helper()
	c, err := resume(strings.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSealsAreThoseOfThePythonWriter(t *testing.T) {
	c := resumed(t, torn)
	got := append(c.seal(lines(`{"event":"a"}`, `{"event":"b"}`)), c.seal(lines(`{"event":"c"}`))...)
	if string(got) != asPythonWrites {
		t.Errorf("%q", got)
	}
}

func TestANewLifeContinuesTheChain(t *testing.T) {
	whole := resumed(t, torn)
	first := append([]byte(torn), whole.seal(lines(`{"event":"a"}`, `{"event":"b"}`))...)
	if got := append(first, resumed(t, string(first)).seal(lines(`{"event":"c"}`))...); string(got) != torn+asPythonWrites {
		t.Errorf("%q", got)
	}
}

func TestTheLastSealIsFoundBehindALongTail(t *testing.T) {
	c := resumed(t, "")
	sealed := c.seal(lines(`{"event":"a"}`))
	tail := bytes.Repeat([]byte("x\n"), 3*firstLook)
	file := string(append(sealed, tail...))
	if c := resumed(t, file); c.lines != int64(1+3*firstLook) {
		t.Errorf("the next line is number %d", c.lines+1)
	}
}
