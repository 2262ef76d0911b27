"""The programme of a trial: which fault hits which pair or service, in which order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from chaos.units import format_seconds
from driver.errors import LabError, UsageError
from driver.nouns import counted
from driver.systems.system import OUTSIDE

PAIR, SERVICE, ALL_REPLICAS = "pair", "service", "all replicas"
_CONTAINER_S = 4.0
"""How long the engine may take to stop and start a container."""


class NothingToHitError(LabError):
    """Nothing that a step hits is there now."""


class TrialKind(msgspec.Struct, frozen=True):
    """A fault of the programme, with its parameters as in a scenario.

    `for_s` is how long it lasts, or how long an instantaneous one is watched for before it counts as healed.
    `shows_waits`: it lasts longer than the usual time limits, so a client that does nothing else meanwhile
    has none.
    """

    fault: str
    scope: str
    for_s: float = 0.0
    params: Mapping[str, str] = {}
    lasting: bool = True
    shows_waits: bool = False


KINDS = (
    TrialKind("cut", PAIR, lasting=False),
    TrialKind("kill", SERVICE, 4.0),
    TrialKind("kill", ALL_REPLICAS, 4.0),
    TrialKind("refuse", PAIR, 5.0),
    TrialKind("pause", SERVICE, 5.0),
    TrialKind("stall", PAIR, 18.0, shows_waits=True),
    TrialKind("restart", SERVICE, params={"grace": "3s"}, lasting=False),
    TrialKind("reset", PAIR, lasting=False),
    TrialKind("stall", PAIR, 3.0),
    TrialKind("latency", PAIR, 5.0, {"mean": "500ms"}),
)
"""In the order of their worth, by which each round of a programme goes through them.

A stall of 18 s is longer than the usual time limits of clients (5, 10, 15 s), one of 3 s is shorter.
Where one replica is killed the others stand in; where all are, none does.
"""


class TrialStep(msgspec.Struct, frozen=True):
    """One step: a fault on the links of a pair (`api->db:5432`), a container (`api[1]`), or all (`api`)."""

    kind: TrialKind
    target: str

    @property
    def name(self) -> str:
        """The step as a person writes it: `stall worker->db:5432 for 18s`."""
        words = [self.kind.fault, self.target, *(f"{key} {value}" for key, value in self.params.items())]
        if self.kind.lasting and self.kind.for_s:
            words.append(f"for {format_seconds(self.kind.for_s)}")
        return " ".join(words)

    @property
    def params(self) -> Mapping[str, str]:
        return self.kind.params

    @property
    def hits_links(self) -> bool:
        """Whether it hits links, and no container."""
        return self.kind.scope == PAIR


def programme(
    pairs: Sequence[str], containers: Sequence[str], services: Sequence[str] = ()
) -> list[TrialStep]:
    """Return the steps on these pairs and containers, in rounds: each has every kind once, on the target that
    was hit least before, so that each kind and each target comes early.

    All containers of each of `services` are hit together. Connections from outside are not ended alone: the
    client that would connect again is the trial's own, and `refuse` ends them too.
    """
    targets = {PAIR: pairs, SERVICE: containers, ALL_REPLICAS: services}
    left = [
        (kind, [one for one in targets[kind.scope] if kind.lasting or not one.startswith(f"{OUTSIDE}->")])
        for kind in KINDS
    ]
    hits = dict.fromkeys((*pairs, *containers, *services), 0)
    steps = []
    while any(names for _, names in left):
        for kind, names in left:
            if names:
                target = min(names, key=hits.__getitem__)
                names.remove(target)
                hits[target] += 1
                steps.append(TrialStep(kind, target))
    return steps


def selected(steps: Sequence[TrialStep], only: Sequence[str]) -> list[TrialStep]:
    """Return the steps with a name of `only`, or with a name that contains a text of it; all without one.

    Raises UsageError for a text that no step contains.
    """
    for text in only:
        if not any(text in step.name for step in steps):
            shown = "".join(f"\n  {step.name}" for step in steps[:40])
            raise UsageError(
                f"--only {text!r}: no step of this trial contains it. The steps are:{shown}\n",
                "Give a step, or a part of one: --only 'cut api->db'",
            )
    names = {step.name for step in steps}
    return [
        step
        for step in steps
        if not only or any(text == step.name if text in names else text in step.name for text in only)
    ]


def least_s(step: TrialStep, settle_s: float) -> float:
    """Return how long a step takes when all comes back at once; `settle_s` is the wait that sees it."""
    return step.kind.for_s + settle_s + (0.0 if step.hits_links else _CONTAINER_S)


def refuse_unknown_words(only: Sequence[str], services: Sequence[str]) -> None:
    """Raise UsageError for a text of `only` with a word that no step of a system of these services can have.

    Ports may be found later, so a word with a digit passes.
    """
    known = {part for kind in KINDS for part in TrialStep(kind, OUTSIDE).name.split()}
    for text in only:
        for word in text.split():
            ends = [one.partition(":")[0].partition("[")[0] for one in word.split("->")]
            fine = all(any(end in name for name in (*services, *known)) for end in ends if end)
            if not fine and not any(letter.isdigit() for letter in word):
                kinds = ", ".join(dict.fromkeys(kind.fault for kind in KINDS))
                raise UsageError(
                    f"--only {text!r}: no step can contain {word!r}. Faults: {kinds}. "
                    f"Services: {', '.join(services)}.",
                    "Give a step, or a part of one: --only 'cut api->db'",
                )


def estimate(steps: Sequence[TrialStep], settle_s: float, left_s: float) -> str:
    """Return a sentence on how long the steps take where all comes back at once, and how many of them fit
    into `left_s`.
    """
    total_s, fit = 0.0, 0
    for one in steps:
        total_s += least_s(one, settle_s)
        fit += total_s <= left_s
    says = (
        f"{counted(len(steps), 'step')} {'takes' if len(steps) == 1 else 'take'} "
        f"{_length(total_s)} or longer; {_length(max(0.0, left_s))} are left"
    )
    if fit == len(steps):
        return f"{says}."
    first = f", from {steps[fit].name!r} on" if fit < len(steps) else ""
    return (
        f"{says}: at most {fit} fit, and the others will not be tried{first}. Give more --budget, or --only."
    )


def _length(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def shape(steps: Sequence[TrialStep]) -> list[str]:
    """Return one line for each kind of the programme: the fault, and on how many targets."""
    lines: dict[str, list[str]] = {}
    for step in steps:
        words = step.name.split(" ")
        lines.setdefault(" ".join([words[0], *words[2:]]), []).append(step.target)
    return [f"{kind}: {', '.join(targets)}" for kind, targets in lines.items()]
