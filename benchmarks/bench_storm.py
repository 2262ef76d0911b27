"""How long a fleet needs to be back after its server was gone for 5 s, beside what the handshakes alone cost.

The outage is a `kill -9` of a real server, which is started again over its store; time counts from the moment
when it listens again until the last session is back, which is when the server answered the first thing that
the session said. All sessions of a fleet live in one process: for ours, the worker's core, shell and sockets
as they ship. So a policy that dials more than one core can is held back by that core, which favours it.

Against:
- N ÷ the rate of back-to-back handshakes (benchmarks/storm/handshakes.py), measured in every round with the
  same coordinator and the same dialling, as fast as the two take them. No session can be back sooner. It
  leaves out that a session then speaks.
- full jitter as its users get it: base 1 s, cap 60 s, as AWS's article and its followers have it; the other
  policies of the catalogue with the same base and cap; and full jitter with what our coordinator advises,
  which shows where the gain comes from. All against the same coordinator, whose door treats them alike.
- the loop `async for … in connect()` of `websockets` over its own bare server, and `nats-py` over
  `nats-server`, killed and started alike, as their users get them. (The bare server runs on uvloop and has
  our backlog of 2,048, without which it would drop most of the storm: both favour it.)

The coordinator has settings for the fleet's size and the rate that was measured:
admission_per_s is SHARE of it. That sets the pace through what is advised, cap = fleet ÷ admission; the door
itself admits resumed sessions RESUME_SPEEDUP times as fast, and hardly binds here. That is fair, since all
contenders meet the same outage, on the same cores, with the same number of sessions, and a baseline has the
settings that its own users have.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.affinity import FIRST, SECOND
from benchmarks.pairs import estimate, ratios
from benchmarks.row import Row, at_least, at_most
from benchmarks.storm import servers
from benchmarks.storm.outage import KEY, Outcome, handshakes_per_s, order, outage
from benchmarks.storm.servers import Server
from wire.policies import POLICIES
from wire.settings import CoordinatorSettings, WorkerSettings

SHARE = 0.9
BASE_MS, CAP_MS = 1_000, 60_000
PEERS: dict[str, Callable[[Path], Server]] = {
    "websockets": servers.websockets_server,
    "nats": servers.nats_server,
}
PEER_NAMES = {
    "websockets": "the loop of `websockets`, its own server",
    "nats": "`nats-py`, `nats-server`",
}
STARTS_PER_S = 800.0
CORES = f"server on core {FIRST}, the whole fleet on core {SECOND}"


@dataclass(frozen=True)
class Size:
    """What is measured: how many sessions, how often, for how long the server is gone and is waited for."""

    sessions: int
    rounds: int
    outage_s: float = 5.0
    bound_s: float = 120.0


QUICK = Size(100, 1, outage_s=1.0, bound_s=4.0)
"""So few are never back as fast as their handshakes: no advice is less than some 0.4 s."""
FULL = (Size(1_000, 3), Size(5_000, 3))


def rows(*, quick: bool) -> list[Row]:
    """Rows for each size; the other policies with the smallest alone."""
    found: list[Row] = []
    for size in (QUICK,) if quick else FULL:
        measured = [_round(size) for _ in range(size.rounds)]
        found += _rows(size, measured)
        found += _others(size, measured, POLICIES if size is FULL[0] else ())
    return found


@dataclass(frozen=True)
class Round:
    """One turn of the contenders that have a must."""

    handshakes_per_s: float
    slotted: Outcome
    full_jitter: Outcome


def _round(size: Size) -> Round:
    rate = handshakes_per_s(size.sessions)
    slotted = ours(size, rate, WorkerSettings())
    return Round(rate, slotted, ours(size, rate, published("full_jitter")))


def published(policy: str) -> WorkerSettings:
    """A policy as its users get it."""
    return WorkerSettings(policy=policy, base_ms=BASE_MS, cap_ms=CAP_MS)


def ours(size: Size, handshakes: float, worker: WorkerSettings) -> Outcome:
    """An outage of the coordinator for workers with these settings."""
    settings = CoordinatorSettings(fleet=size.sessions, admission_per_s=SHARE * handshakes)
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        server = servers.coordinator(Path(name), KEY, settings)
        fleet = order(
            "workers", size.sessions, server, Path(name), bound_s=size.bound_s, worker=worker,
            starts_per_s=min(STARTS_PER_S, SHARE * handshakes / 2),
        )  # fmt: skip
        return outage(fleet, server, size.outage_s)


def peer(size: Size, kind: str) -> Outcome:
    """An outage of a peer's server for as many of its clients."""
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        server = PEERS[kind](Path(name))
        fleet = order(
            kind, size.sessions, server, Path(name), bound_s=size.bound_s, starts_per_s=STARTS_PER_S
        )
        return outage(fleet, server, size.outage_s)


# -- rows --------------------------------------------------


def _rows(size: Size, measured: list[Round]) -> list[Row]:
    what = f"outage of {size.outage_s:g} s, {size.sessions:,} sessions"
    backs_s = [one.slotted.back_s for one in measured]
    ideals_s = [size.sessions / one.handshakes_per_s for one in measured]
    fulls_s = [one.full_jitter.back_s for one in measured]
    rate = median(one.handshakes_per_s for one in measured)
    attempts = [one.slotted.attempts for one in measured]
    return [
        Row(
            measure=f"{what}: all back, `slotted`", baseline="N ÷ the rate of back-to-back handshakes",
            unit="s", ours=estimate(backs_s), theirs=estimate(ideals_s), figure=ratios(backs_s, ideals_s),
            must=None if size is QUICK else at_most(1.5), aim=at_most(1.25), cores=CORES, rounds=size.rounds,
            remark=f"{rate:,.0f} handshakes/s; fleet {size.sessions:,}, admission_per_s {SHARE:g} of that",
        ),
        Row(
            measure=f"{what}: all back, how much faster `slotted` is", baseline="full jitter, 1 s … 60 s",
            unit="s", ours=estimate(backs_s), theirs=estimate(fulls_s), figure=ratios(fulls_s, backs_s),
            must=None if size is QUICK else at_least(3), aim=at_least(5), cores=CORES, rounds=size.rounds,
            remark=_late([one.full_jitter for one in measured], size),
        ),
        Row(
            measure=f"{what}: attempts a worker after the coordinator is back, `slotted`",
            baseline="1 is the least", unit="attempts", ours=estimate(attempts), theirs=estimate([1.0]),
            figure=estimate(attempts), figure_unit="", must=at_most(1.5), aim=at_most(1.2), cores=CORES,
            rounds=size.rounds,
        ),
    ]  # fmt: skip


def _others(size: Size, measured: list[Round], policies: Iterable[str]) -> list[Row]:
    """Once each: they only show how `slotted` compares."""
    slotted_s = [one.slotted.back_s for one in measured]
    rate = median(one.handshakes_per_s for one in measured)
    contenders: dict[str, Outcome] = {
        f"`{policy}`{'' if policy in OWN_PACE else ', 1 s … 60 s'}": ours(size, rate, published(policy))
        for policy in policies
        if policy not in ("slotted", "full_jitter")
    }
    contenders["full jitter with what our coordinator advises"] = ours(
        size, rate, WorkerSettings(policy="full_jitter")
    )
    contenders |= {name: peer(size, kind) for kind, name in PEER_NAMES.items()}
    return [_other(size, name, outcome, slotted_s) for name, outcome in contenders.items()]


OWN_PACE = ("none", "websockets", "seed")
"""Policies that have their own constants."""


def _other(size: Size, name: str, found: Outcome, slotted_s: list[float]) -> Row:
    is_ours = name not in PEER_NAMES.values()
    tried = f"{found.attempts:.1f} attempts a session since the server is back" if is_ours else ""
    return Row(
        measure=f"outage of {size.outage_s:g} s, {size.sessions:,} sessions: all back, how much faster "
        "`slotted` is",
        baseline=name, unit="s", ours=estimate(slotted_s), theirs=estimate([found.back_s]),
        figure=estimate([found.back_s / one for one in slotted_s]), cores=CORES, rounds=1,
        remark="; ".join(filter(None, (_late([found], size), tried))),
    )  # fmt: skip


def _late(found: list[Outcome], size: Size) -> str:
    late = sum(not one.is_whole for one in found)
    return f"≥: not all were back within {size.bound_s:g} s in {late} of {len(found)} rounds" if late else ""
