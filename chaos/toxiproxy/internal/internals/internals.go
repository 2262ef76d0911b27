// Package internals alone reaches into what Toxiproxy does not export: a proxy's sockets, the tomb of its accept loop, and its
// chains of toxics. go.mod pins the version that has these fields, and Check refuses any other.
package internals

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

// An expected field of a type of Toxiproxy, and the field's type.
type expected struct {
	of   reflect.Type
	name string
	want reflect.Type
}

var fields = []expected{
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

// Check returns an error where the Toxiproxy module does not have the fields that this package reads.
func Check() error {
	for _, f := range fields {
		got, found := f.of.FieldByName(f.name)
		if !found || got.Type != f.want {
			return fmt.Errorf("this Toxiproxy module has no field %s.%s of type %s: go.mod must ask for the version that "+
				"package internals was written for", f.of, f.name, f.want)
		}
	}
	return nil
}

// field returns the address of a field that Check has verified.
func field[F, T any](whole *T, name string) *F {
	f := reflect.ValueOf(whole).Elem().FieldByName(name)
	return (*F)(unsafe.Pointer(f.UnsafeAddr()))
}

// Sockets copies a proxy's sockets; a key is the client's address and the stream that the socket receives.
func Sockets(proxy *toxiproxy.Proxy) map[string]net.Conn {
	connections := field[toxiproxy.ConnectionList](proxy, "connections")
	connections.Lock()
	defer connections.Unlock()
	list := *field[map[string]net.Conn](connections, "list")
	copied := make(map[string]net.Conn, len(list))
	for name, socket := range list {
		copied[name] = socket
	}
	return copied
}

// AddSockets puts a connection on a proxy's list, as its accept loop does.
func AddSockets(proxy *toxiproxy.Proxy, client string, downstream, upstream net.Conn) {
	connections := field[toxiproxy.ConnectionList](proxy, "connections")
	connections.Lock()
	defer connections.Unlock()
	list := *field[map[string]net.Conn](connections, "list")
	list[client+stream.Upstream.String()] = upstream
	list[client+stream.Downstream.String()] = downstream
}

// Tomb returns the tomb of a proxy's accept loop.
func Tomb(proxy *toxiproxy.Proxy) *tomb.Tomb { return field[tomb.Tomb](proxy, "tomb") }

// Listener returns a proxy's listener.
func Listener(proxy *toxiproxy.Proxy) net.Listener { return *field[net.Listener](proxy, "listener") }

// Chain returns a stream's toxics in order. The caller holds the collection's lock.
func Chain(c *toxiproxy.ToxicCollection, d stream.Direction) []*toxics.ToxicWrapper {
	return (*field[[][]*toxics.ToxicWrapper](c, "chain"))[d]
}

// Pipelines returns the pipelines by name: the client's address and the stream. The caller holds the collection's lock.
func Pipelines(c *toxiproxy.ToxicCollection) map[string]*toxiproxy.ToxicLink {
	return *field[map[string]*toxiproxy.ToxicLink](c, "links")
}

// Stubs returns a pipeline's stages in order. The caller holds the collection's lock.
func Stubs(p *toxiproxy.ToxicLink) []*toxics.ToxicStub {
	return *field[[]*toxics.ToxicStub](p, "stubs")
}

// Output returns the channel from which a pipeline's receiver reads. That field does not change.
func Output(p *toxiproxy.ToxicLink) <-chan *stream.StreamChunk {
	return *field[<-chan *stream.StreamChunk](*field[*stream.ChanReader](p, "output"), "input")
}

// Direction returns the stream of a pipeline. The caller holds the collection's lock.
func Direction(p *toxiproxy.ToxicLink) stream.Direction {
	return *field[stream.Direction](p, "direction")
}
