"""Resolved Compose configs for the tests, as `docker compose config --format json` prints them."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from typing import Any

from driver.systems.compose_config import ResolvedConfig, parse, system_of
from driver.systems.compose_yaml import Removed, Replaced
from driver.systems.door_compose import DoorOptions, DoorPlan, networks_needed, plan_doors

PROJECT = "doors-shop-1a2b3c"
JOURNALS = f"/state/systems/{PROJECT}/journals"
OPTIONS = DoorOptions("stormlab/toxiproxy:test", PROJECT, journals=JOURNALS)
DB: dict[str, Any] = {"image": "postgres", "expose": ["5432"]}
API: dict[str, Any] = {"image": "api", "ports": [{"mode": "ingress", "target": 8000, "published": "80"}]}


def config_of(services: Mapping[str, Mapping[str, Any]], **more: object) -> ResolvedConfig:
    """The config of these services; each is on the network `default` unless it says otherwise."""
    written = {
        name: service if "network_mode" in service else {"networks": {"default": None}, **service}
        for name, service in services.items()
    }
    document = {"networks": {"default": {"name": "shop_default", "ipam": {}}}, **more}
    return parse(json.dumps({"name": "shop", "services": written, **document}).encode(), "compose.yaml")


def planned(
    config: ResolvedConfig,
    options: DoorOptions = OPTIONS,
    listening: Mapping[str, set[int]] | None = None,
) -> DoorPlan:
    """The plan of a config on the first subnets of the pool."""
    system = system_of(config, listening or {})
    names = networks_needed(system, config, options)
    subnets = list(ipaddress.IPv4Network("10.236.0.0/14").subnets(new_prefix=22))[: len(names)]
    return plan_doors(system, config, dict(zip(names, subnets, strict=True)), options)


def merged(value: Any) -> Any:
    """A generated value without Compose's tags; a removed key is gone."""
    if isinstance(value, Replaced):
        return merged(value.value)
    if isinstance(value, Mapping):
        return {key: merged(one) for key, one in value.items() if not isinstance(one, Removed)}
    return value


def services_of(plan: DoorPlan) -> dict[str, Any]:
    """The services of a plan's document."""
    return dict(merged(plan.document["services"]))
