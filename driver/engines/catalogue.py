"""All kinds of engines, as the modules of driver/engines/kinds/ declare them; the choice of one for a lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from driver.engines.engine_kind import EngineKind
from driver.errors import UsageError
from wire.declarations import attribute, declarations, named


def kinds_of(package: str) -> dict[str, EngineKind]:
    """Return name → kind, as the modules of a package declare them, by rank. Raises DeclarationError."""
    found = declarations(
        package, attribute("ENGINE", EngineKind), "`ENGINE = EngineKind(…)`", rank=lambda kind: kind.rank
    )
    return named(found, lambda kind: [(kind.name, kind)])


KINDS: Mapping[str, EngineKind] = kinds_of("driver.engines.kinds")
"""All kinds by their names, in the order of their ranks."""


def default_kind(kinds: Sequence[EngineKind]) -> EngineKind:
    """Return the first that can start a lab on this machine; the first of all where none can."""
    assert kinds, "there is a kind of engine"
    if len(kinds) == 1:
        return kinds[0]
    return next((kind for kind in kinds if not kind.unavailable()), kinds[0])


def kind_of_lab(
    kinds: Sequence[EngineKind], project: str, chosen: str | None, to_start: bool = False
) -> EngineKind:
    """Return the kind that a command about one lab uses: the one that is `chosen`; else the one that holds
    the lab; else one that may hold it and does not answer, unless the lab is `to_start`; else the default.

    Raises UsageError where another one than the chosen holds the lab.
    """
    if chosen is None:
        held = [kind for kind in kinds if kind.holds(project)] if len(kinds) > 1 else []
        silent = [] if held or to_start or len(kinds) == 1 else [kind for kind in kinds if kind.is_silent()]
        return next(iter((*held, *silent)), None) or default_kind(kinds)
    (asked,) = [kind for kind in kinds if kind.name == chosen]
    holders = [kind.name for kind in kinds if kind is not asked and kind.holds(project)]
    if holders and not asked.holds(project):
        raise UsageError(
            f"The lab {project!r} is held by the engine {holders[0]}, and not by {chosen}.",
            f"Leave --engine (STORMLAB_ENGINE) out, or name {holders[0]}; --project NAME starts another lab.",
        )
    return asked


def able_to(kinds: Sequence[EngineKind], ability: str) -> list[str]:
    """Return the names of the kinds that have an ability on this machine."""
    return [kind.name for kind in kinds if ability in kind.abilities().by]
