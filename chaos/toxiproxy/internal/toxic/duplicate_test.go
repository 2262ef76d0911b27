package toxic_test

import (
	"testing"

	"stormlab/toxiproxy/internal/toxic"
)

func TestADuplicateSharesNoBytesWithItsOriginal(t *testing.T) {
	pieces := toxic.Duplicate{1}.Decide(newState(0, 0), moment, []byte("ab")).Pieces
	pieces[0].Data[0] = 'z'
	if string(pieces[1].Data) != "ab" {
		t.Error("damaging one damaged the other")
	}
}
