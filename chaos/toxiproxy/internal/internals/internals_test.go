package internals

import (
	"reflect"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
)

func TestAModuleWithoutAFieldOrWithAnotherTypeIsRefused(t *testing.T) {
	if err := Check(); err != nil {
		t.Error(err)
	}
	defer func(before []expected) { fields = before }(fields)
	for _, wrong := range []expected{
		{reflect.TypeFor[toxiproxy.Proxy](), "listener", reflect.TypeFor[int]()},
		{reflect.TypeFor[toxiproxy.Proxy](), "absent", reflect.TypeFor[int]()},
	} {
		fields = []expected{wrong}
		if Check() == nil {
			t.Errorf("%s as %s was accepted", wrong.name, wrong.want)
		}
	}
}
