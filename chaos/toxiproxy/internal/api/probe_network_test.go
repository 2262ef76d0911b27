package api

import (
	"net"
	"strings"
	"testing"
)

// accepted returns both ends of a new connection on loopback.
func accepted(t *testing.T) (near, client *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func TestAPeerThatIsNotOnTheProbeEntrysNetworkIsRefused(t *testing.T) {
	_, network, _ := net.ParseCIDR("10.236.0.0/22")
	_, client := accepted(t)
	_, err := (&probeEntry{network: network}).named(client)
	if err == nil || !strings.Contains(err.Error(), "not on the probe entry's network 10.236.0.0/22") {
		t.Error(err)
	}
}

func TestAFirstLineIsReadToItsNewlineAndHas512BytesAtMost(t *testing.T) {
	near, client := accepted(t)
	longest := strings.Repeat("x", 511)
	if _, err := near.Write([]byte(longest + "\n" + longest + "xx\n")); err != nil {
		t.Fatal(err)
	}
	if line, err := firstLine(client); line != longest || err != nil {
		t.Errorf("read %q, %v", line, err)
	}
	if _, err := firstLine(client); err == nil || !strings.Contains(err.Error(), "longer than 512 bytes") {
		t.Error(err)
	}
}
