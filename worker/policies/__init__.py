"""The catalogue of reconnection policies: a new one is a small file and a line here."""

from __future__ import annotations

from worker.policies.decorrelated import Decorrelated
from worker.policies.equal_jitter import EqualJitter
from worker.policies.exponential import Exponential
from worker.policies.fixed import Fixed
from worker.policies.full_jitter import FullJitter
from worker.policies.none import NoWait
from worker.policies.policy import Advice, Policy
from worker.policies.seed import Seed
from worker.policies.slotted import Slotted
from worker.policies.websockets_library import WebsocketsLibrary

POLICIES: dict[str, Policy] = {
    "none": NoWait(),
    "fixed": Fixed(),
    "exponential": Exponential(),
    "equal_jitter": EqualJitter(),
    "full_jitter": FullJitter(),
    "decorrelated": Decorrelated(),
    "websockets": WebsocketsLibrary(),
    "seed": Seed(),
    "slotted": Slotted(),
}

__all__ = ["POLICIES", "Advice", "Policy", "policy_named"]


def policy_named(name: str) -> Policy:
    """The policy of that name. Raises ValueError that names those there are."""
    try:
        return POLICIES[name]
    except KeyError:
        raise ValueError(
            f"policy: expected one of {', '.join(POLICIES)}; found {name!r} (STORMLAB_WORKER)"
        ) from None
