"""Claims about what cannot pass a door: it is found, named by its key, and refused unless it is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from driver.errors import UsageError
from driver.systems.door_bypass import bypasses, refuse_bypasses
from tests.driver.systems.compose_files import DB, config_of

FOUND: dict[str, tuple[dict[str, Any], str]] = {
    "a published UDP port": (
        {"ports": [{"target": 8125, "protocol": "udp"}]},
        "ports[0] has the UDP port 8125",
    ),
    "an exposed UDP port": ({"expose": ["80", "8125/udp"]}, "expose has the UDP port 8125"),
    "the host's network": ({"network_mode": "host"}, "network_mode is 'host'"),
    "another container's network": ({"network_mode": "container:x"}, "network_mode is 'container:x'"),
    "another service's network": ({"network_mode": "service:db"}, "network_mode is 'service:db'"),
    "the default bridge": ({"network_mode": "bridge"}, "network_mode is 'bridge'"),
    "privileged": ({"privileged": True}, "privileged is true"),
    "NET_ADMIN": ({"cap_add": ["CHOWN", "NET_ADMIN"]}, "cap_add[1] is NET_ADMIN"),
    "all capabilities": ({"cap_add": ["all"]}, "cap_add[0] is all"),
    "the engine's socket": (
        {"volumes": [{"type": "bind", "source": "/var/run/docker.sock", "target": "/s"}]},
        "volumes[0] is /var/run/docker.sock",
    ),
    "volumes of a container outside": ({"volumes_from": ["container:x"]}, "volumes_from[0] is 'container:x'"),
    "a physical network": ({"networks": {"lan": None}}, "networks.lan has the driver macvlan"),
}
IN_A_NETWORK = ", in a network that the lab replaces"
NUMERIC: dict[str, tuple[dict[str, Any], str]] = {
    "an address in the environment": (
        {"environment": {"DB": "tcp://10.9.0.7:1"}},
        "environment.DB has 10.9.0.7",
    ),
    "an address in the command": ({"command": ["-h", "10.9.0.7"]}, "command[1] has 10.9.0.7"),
    "an address in the entrypoint": ({"entrypoint": ["x=10.9.0.7,"]}, "entrypoint[0] has 10.9.0.7"),
    "an address of a host": ({"extra_hosts": ["db=10.9.0.7"]}, "extra_hosts[0] has 10.9.0.7"),
    "a service's fixed address": (
        {"command": ["10.8.0.3"], "networks": {"default": {"ipv4_address": "10.8.0.3"}}},
        "command[0] has 10.8.0.3",
    ),
    "an IPv6 address": ({"environment": {"DB": "host=fd00:9::7"}}, "environment.DB has fd00:9::7"),
    "an IPv6 address in brackets": ({"command": ["tcp://[fd00:9::7]:1"]}, "command[0] has fd00:9::7"),
    "a service's fixed IPv6 address": (
        {"command": ["fd00:8:0::3"], "networks": {"default": {"ipv6_address": "fd00:8::3"}}},
        "command[0] has fd00:8:0::3",
    ),
}
PASSES: dict[str, dict[str, Any]] = {
    "a TCP port": {"ports": [{"target": 80, "protocol": "tcp"}]},
    "DNS": {"ports": [{"target": 53, "protocol": "udp"}], "expose": ["53/udp"]},
    "no network at all": {"network_mode": "none"},
    "an address elsewhere": {"environment": {"PEER": "192.0.2.1", "EMPTY": None}},
    "an IPv6 address elsewhere": {"command": ["[2001:db8::1]:80", "::1", "12:30:15", "a::b::c"]},
    "a longer number": {"command": ["1.10.9.0.7", "10.9.0.7.1", "310.9.0.999"]},
    "another capability": {"cap_add": ["SYS_PTRACE"]},
    "a bind mount": {"volumes": [{"type": "bind", "source": "/src", "target": "/app"}]},
}
LOST = {
    **{name: (service, f"{says}{IN_A_NETWORK}") for name, (service, says) in NUMERIC.items()},
    "a link to a container outside": ({"external_links": ["x:y"]}, "external_links[0] leads to 'x'"),
}
NETWORKS = {
    "default": {
        "name": "shop_default",
        "ipam": {"config": [{"subnet": "10.9.0.0/24"}, {"subnet": "fd00:9::/64"}]},
    },
    "lan": {"name": "shop_lan", "driver": "macvlan", "ipam": {}},
}


@pytest.mark.parametrize(("service", "says"), FOUND.values(), ids=FOUND)
def test_what_cannot_pass_a_door_is_refused_with_its_key(service: dict[str, Any], says: str) -> None:
    config = config_of({"db": DB, "odd": {"image": "o", **service}}, networks=NETWORKS)
    with pytest.raises(UsageError) as refused:
        refuse_bypasses(config, ())
    assert f"services.odd.{says}" in refused.value.sentence
    assert "--bypass odd" in refused.value.hint


@pytest.mark.parametrize(("service", "says"), LOST.values(), ids=LOST)
def test_what_cannot_work_in_the_lab_cannot_be_allowed(service: dict[str, Any], says: str) -> None:
    config = config_of({"db": DB, "odd": {"image": "o", **service}}, networks=NETWORKS)
    with pytest.raises(UsageError) as refused:
        refuse_bypasses(config, {"odd"})
    assert f"services.odd.{says}" in refused.value.sentence
    assert "--bypass" not in refused.value.hint


@pytest.mark.parametrize("service", PASSES.values(), ids=PASSES)
def test_what_passes_a_door_is_not_refused(service: dict[str, Any]) -> None:
    config = config_of({"odd": {"image": "o", **service}}, networks=NETWORKS)
    assert refuse_bypasses(config, ()) == []


def test_what_is_allowed_is_returned_for_the_report() -> None:
    config = config_of({"odd": {"image": "o", "privileged": True}})
    assert [str(one) for one in refuse_bypasses(config, {"odd"})] == [
        "services.odd.privileged is true: the service could change its own network."
    ]


def test_leave_for_one_service_is_none_for_another() -> None:
    config = config_of({name: {"image": "o", "privileged": True} for name in ("odd", "even")})
    with pytest.raises(UsageError, match=r"1 key of .* a door:\n  services\.even\.privileged"):
        refuse_bypasses(config, {"odd"})


@pytest.mark.parametrize(
    ("name", "says"), [("db", "everything of it passes a door"), ("x", "there is no such service")]
)
def test_leave_that_is_not_needed_is_refused(name: str, says: str) -> None:
    with pytest.raises(UsageError, match=f"--bypass {name}: {says}"):
        refuse_bypasses(config_of({"db": DB}), {name})


def test_one_refusal_names_the_first_of_many() -> None:
    config = config_of({"odd": {"image": "o", "expose": [f"{port}/udp" for port in range(100, 120)]}})
    assert len(bypasses(config)) == 20
    with pytest.raises(UsageError, match=r"20 keys of 'shop' cannot pass a door \(and 8 more\)"):
        refuse_bypasses(config, ())
