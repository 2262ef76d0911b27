package api

import (
	"bytes"
	"errors"
	"net"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

func TestConnectionsThatAreNotCarriedDoNotFillTheLog(t *testing.T) {
	var log bytes.Buffer
	logger := zerolog.New(&log)
	s := NewServer(&toxiproxy.ApiServer{Logger: &logger})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for range 100 {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		s.refuse(c.(*net.TCPConn), "a", errors.New("refused"))
	}
	// The hundred may fall into two seconds.
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines < 1 || lines > 2*refusalsLogged {
		t.Errorf("%d lines", lines)
	}
}
