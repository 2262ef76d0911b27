"""What a lab has in place of volumes and networks that a file shares with others. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from driver.systems.compose_config import ComposeNetwork, ComposeVolume, ResolvedConfig


def differences(config: ResolvedConfig) -> list[str]:
    """Return one line for each external or named volume and network, and each network with IPv6.

    A volume or network of another project is not touched, whatever the file calls it.
    """
    return [*_volumes(config), *_networks(config)]


def _volumes(config: ResolvedConfig) -> Iterator[str]:
    for key, volume in sorted(config.volumes.items()):
        if origin := _origin(config, key, volume):
            yield f"fresh and empty: volume {key} ({origin})"


def _networks(config: ResolvedConfig) -> Iterator[str]:
    for key, network in sorted(config.networks.items()):
        if origin := _origin(config, key, network):
            yield f"not joined: network {key} ({origin})"
        if network.enable_ipv6:
            yield f"IPv4 only: network {key} (enable_ipv6)"


def _origin(config: ResolvedConfig, key: str, one: ComposeVolume | ComposeNetwork) -> str:
    """How a resource is shared with others; "" where it is this project's own."""
    if one.external:
        return f"external {one.name}" if one.name != key else "external"
    return f"named {one.name}" if one.name not in ("", f"{config.name}_{key}") else ""
