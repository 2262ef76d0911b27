"""Histories of registers and queues under concurrent clients, drawn by a seed; most are then broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from driver.histories.system_events import Cell
from tests.driver.claims.system_past import SystemPast

AS_IT_WAS = "as it was"
_OUTCOMES = ("ok",) * 12 + ("unknown", "unknown", "fail")


class _Planned:
    """One operation before it is written: its effect is at an instant between its call and its answer."""

    def __init__(self, chance: Random, client: int, at_s: float) -> None:
        self.client, self.at_s = client, at_s
        self.took_s = chance.choice([0.05, 0.3, 1.0, 2.5])
        self.effect_s = at_s + self.took_s * chance.random()
        self.outcome = chance.choice(_OUTCOMES)
        self.has_effect = self.outcome == "ok" or (self.outcome == "unknown" and chance.random() < 0.5)
        self.key, self.op, self.value = "", "", _nothing()


def _nothing() -> Cell:
    return None


def _plan(chance: Random, clients: int, each: int) -> list[_Planned]:
    planned = []
    for client in range(clients):
        at_s = 1.0 + chance.random()
        for _ in range(each):
            one = _Planned(chance, client, at_s)
            planned.append(one)
            at_s += one.took_s + chance.choice([0.0, 0.1, 0.6])
    return sorted(planned, key=lambda one: one.effect_s)


def register(seed: int, kind: str) -> SystemPast:
    """Clients that read and write two keys; `kind` says what is broken."""
    chance = Random(f"register {seed}")
    planned = _plan(chance, chance.choice([2, 3, 5]), chance.choice([3, 6, 10]))
    state: dict[str, Cell] = {}
    for number, one in enumerate(planned):
        one.key = chance.choice("xy")
        one.op = chance.choice(["read", "write"])
        if one.op == "write":
            one.value = chance.choice([number, number % 3])
            if one.has_effect:
                state[one.key] = one.value
        else:
            one.value = state.get(one.key)
    BROKEN_REGISTERS[kind](planned, chance)
    return _written(planned, "kv")


def queue(seed: int, kind: str) -> SystemPast:
    """Producers and consumers of one queue, which is drained; `kind` says what is broken."""
    chance = Random(f"queue {seed}")
    planned = _plan(chance, chance.choice([2, 4]), chance.choice([2, 5, 8]))
    waiting: list[str] = []
    for number, one in enumerate(planned):
        one.op, one.key = "enqueue", f"m{number}"
        if chance.random() < 0.4 and waiting:
            one.op, one.key = "dequeue", waiting[0]
            if one.has_effect:
                waiting.pop(0)
        elif one.has_effect:
            waiting.append(one.key)
    end_s = max(one.at_s + one.took_s for one in planned) + 1.0
    for place, key in enumerate([*waiting, ""]):
        last = _Planned(chance, 0, end_s + place * 3.0)
        last.op, last.key, last.outcome = "dequeue", key, "ok"
        planned.append(last)
    BROKEN_QUEUES[kind](planned, chance)
    return _written(planned, "jobs")


def _written(planned: list[_Planned], load: str) -> SystemPast:
    past = SystemPast()
    for one in planned:
        past.operation(
            one.key, one.outcome, one.at_s, load=load, op=one.op, value=one.value, took_s=one.took_s,
            process=one.client,
        )  # fmt: skip
    return past


# -- what is broken
# ---------------------------------------------------------------------------------------------------

Break = Callable[[list[_Planned], Random], None]


def _nothing_broken(planned: list[_Planned], chance: Random) -> None:
    """Leave it as it was."""


def _one_of(planned: list[_Planned], op: str, chance: Random) -> _Planned | None:
    found = [one for one in planned if one.op == op and one.outcome == "ok" and (one.key or op == "read")]
    return chance.choice(found) if found else None


def _older_read(planned: list[_Planned], chance: Random) -> None:
    read = _one_of(planned, "read", chance)
    older = [one.value for one in planned if read and one.op == "write" and one.key == read.key]
    if read and older:
        read.value = chance.choice(older)


def _invented_read(planned: list[_Planned], chance: Random) -> None:
    if read := _one_of(planned, "read", chance):
        read.value = chance.choice([-1, None])


def _lost_write(planned: list[_Planned], chance: Random) -> None:
    """A write that was read is said to have been refused."""
    if write := _one_of(planned, "write", chance):
        write.outcome = "fail"


def _swapped_reads(planned: list[_Planned], chance: Random) -> None:
    one, other = _one_of(planned, "read", chance), _one_of(planned, "read", chance)
    if one and other:
        one.value, other.value = other.value, one.value


def _moved(planned: list[_Planned], chance: Random) -> None:
    """An operation is said to have been over earlier."""
    one = chance.choice(planned)
    one.at_s = max(0.1, one.at_s - chance.choice([0.5, 3.0]))
    one.took_s = 0.05


def _lost_message(planned: list[_Planned], chance: Random) -> None:
    if taken := _one_of(planned, "dequeue", chance):
        planned.remove(taken)


def _doubled_message(planned: list[_Planned], chance: Random) -> None:
    one, other = _one_of(planned, "dequeue", chance), _one_of(planned, "dequeue", chance)
    if one and other:
        one.key = other.key


def _invented_message(planned: list[_Planned], chance: Random) -> None:
    if taken := _one_of(planned, "dequeue", chance):
        taken.key = "alien"


def _refused_message(planned: list[_Planned], chance: Random) -> None:
    if sent := _one_of(planned, "enqueue", chance):
        sent.outcome = "fail"


def _lost_answer(planned: list[_Planned], chance: Random) -> None:
    one = chance.choice([one for one in planned if one.key])
    one.outcome = "unknown"


BROKEN_REGISTERS: dict[str, Break] = {
    AS_IT_WAS: _nothing_broken,
    "older value read": _older_read,
    "invented value read": _invented_read,
    "write refused": _lost_write,
    "reads swapped": _swapped_reads,
    "answer lost": _lost_answer,
    "moved": _moved,
}
BROKEN_QUEUES: dict[str, Break] = {
    AS_IT_WAS: _nothing_broken,
    "message lost": _lost_message,
    "message delivered twice": _doubled_message,
    "message invented": _invented_message,
    "message refused": _refused_message,
    "answer lost": _lost_answer,
    "moved": _moved,
}


def drawn(count: int, first: int = 0) -> Iterator[tuple[str, str, SystemPast]]:
    """Seeds of registers and of queues in turn, each kind after the other: object, kind and history."""
    for seed in range(first, first + count):
        kinds = [("register", kind) for kind in BROKEN_REGISTERS] + [
            ("queue", kind) for kind in BROKEN_QUEUES
        ]
        what, kind = kinds[seed % len(kinds)]
        yield what, kind, (register if what == "register" else queue)(seed, kind)
