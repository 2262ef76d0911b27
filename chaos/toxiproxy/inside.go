package main

import (
	"fmt"
	"net"
	"reflect"
	"unsafe"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	tomb "gopkg.in/tomb.v1"
)

// This file alone reaches into what Toxiproxy does not export: a proxy's sockets, the tomb of its accept loop, and its
// chains. go.mod pins the version that has these fields, and checkInside refuses to start with any other.

var insideFields = []struct {
	of   reflect.Type
	name string
	want reflect.Type
}{
	{reflect.TypeFor[toxiproxy.Proxy](), "connections", reflect.TypeFor[toxiproxy.ConnectionList]()},
	{reflect.TypeFor[toxiproxy.ConnectionList](), "list", reflect.TypeFor[map[string]net.Conn]()},
	{reflect.TypeFor[toxiproxy.Proxy](), "listener", reflect.TypeFor[net.Listener]()},
	{reflect.TypeFor[toxiproxy.Proxy](), "tomb", reflect.TypeFor[tomb.Tomb]()},
	{reflect.TypeFor[toxiproxy.ToxicCollection](), "chain", reflect.TypeFor[[][]*toxics.ToxicWrapper]()},
	{reflect.TypeFor[toxiproxy.ToxicCollection](), "links", reflect.TypeFor[map[string]*toxiproxy.ToxicLink]()},
	{reflect.TypeFor[toxiproxy.ToxicLink](), "stubs", reflect.TypeFor[[]*toxics.ToxicStub]()},
	{reflect.TypeFor[toxiproxy.ToxicLink](), "direction", reflect.TypeFor[stream.Direction]()},
	{reflect.TypeFor[toxiproxy.ToxicLink](), "output", reflect.TypeFor[*stream.ChanReader]()},
	{reflect.TypeFor[stream.ChanReader](), "input", reflect.TypeFor[<-chan *stream.StreamChunk]()},
}

func checkInside() error {
	for _, f := range insideFields {
		field, found := f.of.FieldByName(f.name)
		if !found || field.Type != f.want {
			return fmt.Errorf("this Toxiproxy module has no field %s.%s of type %s: go.mod must ask for the version that "+
				"inside.go was written for", f.of, f.name, f.want)
		}
	}
	return nil
}

// inside gives the address of a field that checkInside has vouched for.
func inside[F, T any](whole *T, name string) *F {
	field := reflect.ValueOf(whole).Elem().FieldByName(name)
	return (*F)(unsafe.Pointer(field.UnsafeAddr()))
}

// sockets copies a proxy's sockets, by the client's address and the stream each of them receives.
func sockets(proxy *toxiproxy.Proxy) map[string]net.Conn {
	connections := inside[toxiproxy.ConnectionList](proxy, "connections")
	connections.Lock()
	defer connections.Unlock()
	list := *inside[map[string]net.Conn](connections, "list")
	copied := make(map[string]net.Conn, len(list))
	for name, socket := range list {
		copied[name] = socket
	}
	return copied
}

func tombOf(proxy *toxiproxy.Proxy) *tomb.Tomb { return inside[tomb.Tomb](proxy, "tomb") }

func listenerOf(proxy *toxiproxy.Proxy) net.Listener { return *inside[net.Listener](proxy, "listener") }

// The next four want the collection's lock held by the caller, except outputOf, whose field never changes.

func chainOf(c *toxiproxy.ToxicCollection, d stream.Direction) []*toxics.ToxicWrapper {
	return (*inside[[][]*toxics.ToxicWrapper](c, "chain"))[d]
}

func pipelinesOf(c *toxiproxy.ToxicCollection) map[string]*toxiproxy.ToxicLink {
	return *inside[map[string]*toxiproxy.ToxicLink](c, "links")
}

func stubsOf(p *toxiproxy.ToxicLink) []*toxics.ToxicStub {
	return *inside[[]*toxics.ToxicStub](p, "stubs")
}

func outputOf(p *toxiproxy.ToxicLink) <-chan *stream.StreamChunk {
	return *inside[<-chan *stream.StreamChunk](*inside[*stream.ChanReader](p, "output"), "input")
}

func directionOf(p *toxiproxy.ToxicLink) stream.Direction {
	return *inside[stream.Direction](p, "direction")
}
