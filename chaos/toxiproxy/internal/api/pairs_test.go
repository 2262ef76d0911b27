package api_test

import (
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stormlab/toxiproxy/internal/api"
	"stormlab/toxiproxy/internal/labtest"
	"stormlab/toxiproxy/internal/link"
	"stormlab/toxiproxy/internal/problem"
)

const (
	pairName = "api->db:5432"
	first    = "127.0.0.2"
	second   = "127.0.0.3"
)

// A pairHarness is a server with one pair in front of the upstream server.
type pairHarness struct {
	*labtest.Harness
	listen string
}

func newPair(t *testing.T, upstream string) *pairHarness {
	t.Helper()
	h := labtest.New(t)
	if upstream == "" {
		upstream = h.Upstream
	}
	h.Must(h.Server.OpenPairs([]link.Spec{{Name: pairName, Listen: "127.0.0.4:0", Upstream: upstream}}))
	var v api.PairsView
	h.Call("GET", "/lab/pairs", nil, http.StatusOK, &v)
	return &pairHarness{h, v.Pairs[0].Listen}
}

func linkOf(peer string) string { return pairName + "@" + peer }

// dialFrom connects to the pair from one of the addresses that loopback has.
func (h *pairHarness) dialFrom(peer string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: labtest.Timeout, LocalAddr: &net.TCPAddr{IP: net.ParseIP(peer)}}
	return dialer.Dial("tcp", h.listen)
}

// endFrom returns how a new connection ends that is not carried: on loopback its connect may already fail.
func (h *pairHarness) endFrom(peer string) error {
	h.Helper()
	c, err := h.dialFrom(peer)
	if err == nil {
		_, err = h.Peer(c).Rest()
	}
	return err
}

// connectFrom returns both ends of a new connection, when a byte has passed it.
func (h *pairHarness) connectFrom(peer string) (client, server *labtest.Peer) {
	h.Helper()
	c, err := h.dialFrom(peer)
	h.Must(err)
	client, server = h.Peer(c), h.Arrival()
	client.Send([]byte("?"))
	server.Expect([]byte("?"))
	return client, server
}

// ensure makes the links of some addresses, and returns their names.
func (h *pairHarness) ensure(peers ...string) []string {
	h.Helper()
	r := api.PeersRequest{}
	for _, peer := range peers {
		r.Peers = append(r.Peers, api.PeerSpec{Pair: pairName, Address: peer})
	}
	var made api.PeersAnswer
	h.Call("PUT", "/lab/peers", r, http.StatusOK, &made)
	return made.Links
}

func passes(client, server *labtest.Peer) {
	client.Send([]byte("ping"))
	server.Expect([]byte("ping"))
	server.Send([]byte("pong"))
	client.Expect([]byte("pong"))
}

func TestEachAddressThatConnectsToAPairHasALinkOfItsOwn(t *testing.T) {
	h := newPair(t, "")
	client, server := h.connectFrom(first)
	h.connectFrom(second)
	h.connectFrom(second)
	passes(client, server)
	if l := h.Link(linkOf(first)); l.Accepted != 1 || l.BytesUpstream != 5 || l.BytesDownstream != 4 {
		t.Errorf("the link is %+v", l)
	}
	if l := h.Link(linkOf(second)); l.Accepted != 2 || l.Connections != 2 {
		t.Errorf("the link is %+v", l)
	}
}

func TestACutOfOneAddressLeavesTheOthersConnections(t *testing.T) {
	h := newPair(t, "")
	client, server := h.connectFrom(first)
	other, otherServer := h.connectFrom(second)
	if v := h.Inject("f", []string{linkOf(first)}, "cut"); v.Links[0].ConnectionsHit != 1 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	for _, e := range []*labtest.Peer{client, server} {
		e.ExpectEnd(nil)
	}
	passes(other, otherServer)
	passes(h.connectFrom(first))
}

func TestARefusalOfOneAddressResetsItsNewConnectionsBeforeTheServerSeesThem(t *testing.T) {
	h := newPair(t, "")
	h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "refuse")
	if err := h.endFrom(first); !errors.Is(err, syscall.ECONNRESET) {
		t.Error("expected RST, got", err)
	}
	passes(h.connectFrom(second))
	h.End("f")
	passes(h.connectFrom(first))
}

func TestBlockingNewConnectionsOfOneAddressKeepsItsLiveOnesAndResetsNewOnes(t *testing.T) {
	h := newPair(t, "")
	client, server := h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "block_new")
	if err := h.endFrom(first); !errors.Is(err, syscall.ECONNRESET) {
		t.Error("expected RST, got", err)
	}
	passes(client, server)
	passes(h.connectFrom(second))
	h.End("f")
	passes(h.connectFrom(first))
}

func TestAConnectionToALinkThatIsLockedForAMomentIsCarriedOnceItIsNot(t *testing.T) {
	h := newPair(t, "")
	l := h.Server.Links.Get(h.ensure(first)[0])
	l.Proxy.Lock()
	unlock := sync.OnceFunc(l.Proxy.Unlock)
	defer unlock()
	c, err := h.dialFrom(first)
	h.Must(err)
	client, server := h.Peer(c), h.Arrival()
	server.Silent(100 * time.Millisecond)
	unlock()
	passes(client, server)
}

func TestAFaultCanBeOnALinkBeforeItsFirstConnection(t *testing.T) {
	h := newPair(t, "")
	links := h.ensure(first)
	if len(links) != 1 || links[0] != linkOf(first) {
		t.Fatalf("answered %+v", links)
	}
	h.Inject("f", links, "none", labtest.Toxic("hold", "both", nil))
	c, err := h.dialFrom(first)
	h.Must(err)
	client, server := h.Peer(c), h.Arrival()
	client.Send([]byte("held"))
	server.Silent(50 * time.Millisecond)
	passes(h.connectFrom(second))
	h.End("f")
	server.Expect([]byte("held"))
}

func TestAConnectionThatTheServerRefusesEndsWithARst(t *testing.T) {
	h := newPair(t, "127.0.0.1:1")
	if err := h.endFrom(first); !errors.Is(err, syscall.ECONNRESET) {
		t.Error("expected RST, got", err)
	}
}

func TestPairsAreListedWithTheirUpstreams(t *testing.T) {
	h := newPair(t, "")
	var v api.PairsView
	h.Call("GET", "/lab/pairs", nil, http.StatusOK, &v)
	if len(v.Pairs) != 1 || v.Pairs[0].Name != pairName || v.Pairs[0].Upstream != h.Upstream {
		t.Errorf("answered %+v", v)
	}
}

func TestAPeerOfNoPairOrWithoutAnAddressIsRefused(t *testing.T) {
	h := newPair(t, "")
	var answer problem.Details
	h.Call("PUT", "/lab/peers", api.PeersRequest{Peers: []api.PeerSpec{{Pair: "api->mq:5672", Address: first}}}, http.StatusNotFound, &answer)
	if !strings.Contains(answer.Message, `no pair "api->mq:5672"`) {
		t.Error(answer.Message)
	}
	h.Call("PUT", "/lab/peers", api.PeersRequest{Peers: []api.PeerSpec{{Pair: pairName, Address: "api-1"}}}, http.StatusBadRequest, &answer)
	if !strings.Contains(answer.Message, "must be an IP address") {
		t.Error(answer.Message)
	}
}

func TestLinksOfPeersAreMadeAllOrNoneAndOnce(t *testing.T) {
	h := newPair(t, "")
	var answer problem.Details
	h.Call("PUT", "/lab/peers", api.PeersRequest{Peers: []api.PeerSpec{{Pair: pairName, Address: first}, {Pair: pairName, Address: "api-1"}}},
		http.StatusBadRequest, &answer)
	if !strings.Contains(answer.Message, "peers[1].address") || h.Server.Links.Get(linkOf(first)) != nil {
		t.Errorf("answered %+v with the link %v", answer, h.Server.Links.Get(linkOf(first)))
	}
	client, server := h.connectFrom(first)
	if links := h.ensure(first, second, second); len(links) != 3 || links[2] != linkOf(second) {
		t.Errorf("answered %v", links)
	}
	passes(client, server)
}

func TestAPairLeadsWhereUpstreamsAllowAlone(t *testing.T) {
	h := labtest.NewRestricted(t, func(string) []string { return []string{"10.0.0.9:1"} })
	err := h.Server.OpenPairs([]link.Spec{{Name: "a", Listen: "127.0.0.1:0", Upstream: "10.0.0.8:1"}})
	if err == nil || !strings.Contains(err.Error(), "10.0.0.9:1") {
		t.Error(err)
	}
}

func TestAFileOfPairsThatIsWrongIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.json")
	for text, says := range map[string]string{
		"{":                           "must be a list of pairs",
		`[{"name": "a"}]`:             "listen of a must be an address",
		`[{"listen": "127.0.0.1:1"}]`: "name is missing",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := api.ReadPairs(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestConnectionsThatWaitForThoseBeforeThemAreAllCarried(t *testing.T) {
	const many = 20
	h := newPair(t, "")
	l := h.Server.Links.Get(h.ensure(first)[0])
	l.Proxy.Toxics.Lock()
	unlock := sync.OnceFunc(l.Proxy.Toxics.Unlock)
	defer unlock()
	clients := make([]*labtest.Peer, many)
	for i := range clients {
		c, err := h.dialFrom(first)
		h.Must(err)
		clients[i] = h.Peer(c)
		h.Arrival()
	}
	time.Sleep(2 * link.LockTimeout)
	unlock()
	for i, client := range clients {
		client.Send([]byte("?"))
		h.Must(client.SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
		if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("connection %d ended with %v", i, err)
		}
	}
}

func TestAClientThatComesBackFromTheSamePortHasAConnectionOfItsOwn(t *testing.T) {
	h := newPair(t, "")
	former, _ := h.connectFrom(first)
	h.Inject("f", []string{linkOf(first)}, "rst_client")
	former.ExpectEnd(syscall.ECONNRESET)
	former.Close()
	client := h.DialAgain(former, h.listen)
	server := h.Arrival()
	passes(client, server)
	h.End("f")
	l := h.Server.Links.Get(linkOf(first))
	h.Until("the former connection is forgotten", func() bool { return len(l.Live()) == 1 })
	passes(client, server)
	if v := h.Inject("g", []string{linkOf(first)}, "reset"); v.Links[0].ConnectionsHit != 1 {
		t.Errorf("%d connections hit", v.Links[0].ConnectionsHit)
	}
	client.ExpectEnd(syscall.ECONNRESET)
}
