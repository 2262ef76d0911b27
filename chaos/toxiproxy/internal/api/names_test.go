package api

import (
	"testing"
)

func TestTheServerAnswersToAddressesAndToItsNamesInTheLab(t *testing.T) {
	for _, host := range []string{"127.0.0.1:8474", "[::1]:8474", "::1", "192.168.7.1:80", "localhost", "Toxiproxy:8474", "toxiproxy-api:8474"} {
		if !isOwnName(host) {
			t.Error(host)
		}
	}
}

func TestAServerThatWasToldNothingLetsLinksLeadAnywhere(t *testing.T) {
	if p := new(Server).forbids("192.0.2.1:80"); p != nil || len(SplitUpstreams("")) > 0 {
		t.Error(p)
	}
}
