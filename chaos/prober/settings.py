"""Settings of the prober: the links that it observes, and its limits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chaos.prober.probe_rate import ProbeRate

LINKS_FILE = "prober.links"
"""File in the prober's journal folder with the links to observe, in place of those of its settings."""
TOXIPROXY = "toxiproxy"


class ProbedLink(msgspec.Struct, frozen=True):
    """A link: its name in journals, and the address at which its connections are made.

    `preamble`: the first line of each of its connections, where the address serves several links; the answer
    is then awaited before anything else is sent. "" where the address belongs to the link alone.
    """

    name: str
    host: str
    port: int
    preamble: str = ""


class ProberSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """STORMLAB_PROBER: the links, the usual rate, and the limits of all links together.

    Where the number of links times a rate exceeds a limit, each link gets an equal part of the limit.
    `far_end_port`: where the prober itself serves the far end of its connections; 0 where another process
    does.
    """

    links: tuple[ProbedLink, ...] = ()
    usual: ProbeRate = ProbeRate()
    probes_per_s: float = 400.0
    connects_per_s: float = 100.0
    volume_bytes_per_s: int = 2_000_000
    seed: int = 0
    far_end_port: int = 0

    def limited(self, rate: ProbeRate, links: int) -> ProbeRate:
        """Return a rate within the limits, where that number of links is probed at it."""
        links = max(1, links)
        return ProbeRate(
            probes_per_s=min(rate.probes_per_s, self.probes_per_s / links),
            connects_per_s=min(rate.connects_per_s, self.connects_per_s / links),
            volume_bytes_per_s=min(rate.volume_bytes_per_s, self.volume_bytes_per_s // links),
            burst_bytes=rate.burst_bytes,
            burst_every_s=rate.burst_every_s,
            patient=rate.patient,
        )


def read_links(data: bytes) -> tuple[ProbedLink, ...]:
    """Return the links in a file's bytes, each name once. Raises ValueError."""
    try:
        links = msgspec.json.decode(data, type=tuple[ProbedLink, ...])
    except msgspec.MsgspecError as error:
        raise ValueError(f"links to probe: {error}") from None
    if len({link.name for link in links}) < len(links):
        raise ValueError("links to probe: a name is there twice")
    return links


def write_links(links: Sequence[ProbedLink]) -> bytes:
    """Return a file's bytes."""
    return msgspec.json.encode(links)
