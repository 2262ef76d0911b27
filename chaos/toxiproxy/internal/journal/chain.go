package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
)

// A chain seals the lines of a file, as wire/journal_chain.py does and describes: the last line of every write ends with its number
// and a hash over the hash before it and all bytes since. A new life of the process continues the chain of the one before.
type chain struct {
	digest hash.Hash
	lines  int64
	first  []byte // A newline, where an earlier life left its last line unfinished.
}

var seal = regexp.MustCompile(`,"n":(\d{1,18}),"h":"([0-9a-f]{16})"\}\n`)

// firstLook is how much of a file's end is searched for its last seal at first.
const firstLook = 64 << 10

// resume returns the chain that continues a file of so many bytes.
func resume(file io.ReaderAt, size int64) (*chain, error) {
	rest, found := []byte{}, [][]int(nil)
	for at, step := size, int64(firstLook); at > 0 && found == nil; {
		step = min(2*step, at)
		at -= step
		more := make([]byte, step)
		if _, err := file.ReadAt(more, at); err != nil {
			return nil, err
		}
		rest = append(more, rest...)
		found = seal.FindAllSubmatchIndex(rest, -1)
	}
	c := &chain{digest: sha256.New()}
	if len(found) > 0 {
		last := found[len(found)-1]
		c.lines, _ = strconv.ParseInt(string(rest[last[2]:last[3]]), 10, 64) // At most 18 digits.
		c.digest.Write(rest[last[4]:last[5]])
		rest = rest[last[1]:]
	}
	c.digest.Write(rest)
	c.lines += int64(bytes.Count(rest, []byte("\n")))
	if len(rest) > 0 && rest[len(rest)-1] != '\n' {
		c.first = []byte("\n")
	}
	return c, nil
}

// seal returns the bytes to append to the file for some lines, each of which is a JSON object and a newline.
func (c *chain) seal(lines [][]byte) []byte {
	c.lines += int64(len(lines) + len(c.first))
	last := len(lines) - 1
	body := bytes.Join(slices.Concat([][]byte{c.first}, lines[:last], [][]byte{lines[last][:len(lines[last])-2]}), nil)
	body = fmt.Appendf(body, `,"n":%d`, c.lines)
	c.first = nil
	c.digest.Write(body)
	head := []byte(hex.EncodeToString(c.digest.Sum(nil))[:16])
	c.digest.Reset()
	c.digest.Write(head)
	return fmt.Appendf(body, `,"h":"%s"}`+"\n", head)
}
