"""Each key of a load is a linearizable register."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from driver.checks.finding import Finding, passed, unknown, violated
from driver.claims.cells import key_of, listed, shown
from driver.claims.evidence import evidence_of, fault_clause
from driver.claims.linearizability import RegisterOperation, linearizable
from driver.claims.operations import READS, WRITES, is_ok, is_open, op_of
from driver.claims.reads_and_writes import ReadsAndWrites
from driver.histories.history import History
from driver.histories.intervals import FOREVER_NS
from driver.histories.system_events import Operation
from driver.nouns import counted


@dataclass(frozen=True)
class Register(ReadsAndWrites):
    """The reads and writes of each key have an order that one register allows."""

    name: ClassVar = "register"
    forms: ClassVar = ("register LOAD linearizable",)
    example: ClassVar = "register kv linearizable"
    means: ClassVar = (
        "For each key there is one order of its operations, each at an instant between its call and its "
        "answer, in which every read returns the newest write; before the first write it returns nothing "
        "(null). An unknown write may take effect at any time after its call, or never; an unknown read says "
        "nothing. Where no write, or no acknowledged read, has a value the finding is unknown."
    )
    fails: ClassVar = "a key has no such order"
    rank: ClassVar = 70
    broken_by: ClassVar = ("operation_claimed",)

    def judge_keys(self, history: History, by_key: Mapping[str, list[Operation]]) -> Finding:
        tested = {key: ones for key, ones in by_key.items() if _is_tested(ones)}
        if not tested:
            return unknown(
                self.text, f"no key of {self.load} has an acknowledged read and a write: nothing was tested"
            )
        answers = {key: linearizable(register_operations(ones)) for key, ones in tested.items()}
        broken = [key for key, answer in answers.items() if answer is False]
        if broken:
            return self._broken(history, tested, broken)
        undecided = [key for key, answer in answers.items() if answer is None]
        if undecided:
            because = (
                f"{counted(len(undecided), 'key')} of {len(tested):,} have too many operations at once to be "
                f"decided: {listed(undecided)}"
            )
            return unknown(self.text, because)
        because = f"the operations of each of {counted(len(tested), 'key')} have an order"
        return passed(self.text, because, measured=0, threshold=0, margin=0)

    def _broken(self, history: History, by_key: Mapping[str, list[Operation]], broken: list[str]) -> Finding:
        shortest = min(broken, key=lambda key: len(by_key[key]))
        last = first_impossible(by_key[shortest])
        because = (
            f"the operations of {len(broken):,} of {counted(len(by_key), 'key')} have no order: "
            f"{listed(broken)}; of {shown(shortest)} none fits once {op_of(last)} "
            f"{shown(key_of(last.value))} was answered, called {fault_clause(history, last)}"
        )
        writes = [one for one in by_key[shortest] if op_of(one) in WRITES and one.call_ns < last.return_ns]
        return violated(self.text, because, len(broken), evidence_of(history, [last, *writes[-1:]]))


def register_operations(
    operations: Sequence[Operation], until_ns: int = FOREVER_NS
) -> list[RegisterOperation]:
    """Return one key's operations as far as they say something, up to an instant: what has no answer by then
    is unknown.
    """
    found = []
    for one in operations:
        is_write = op_of(one) in WRITES
        is_known = is_ok(one) and one.return_ns <= until_ns
        if one.call_ns <= until_ns and (is_known or (is_write and (is_ok(one) or is_open(one)))):
            end_ns = one.return_ns if is_known else FOREVER_NS
            found.append(RegisterOperation(is_write, key_of(one.value), one.call_ns, end_ns))
    return found


def first_impossible(operations: Sequence[Operation]) -> Operation:
    """Return the operation with whose answer a key's history stops having an order."""
    answered = sorted((one for one in operations if is_ok(one)), key=lambda one: one.return_ns)
    low, high = 0, len(answered) - 1
    while low < high:
        middle = (low + high) // 2
        if linearizable(register_operations(operations, answered[middle].return_ns)) is False:
            high = middle
        else:
            low = middle + 1
    return answered[low]


def _is_tested(operations: Sequence[Operation]) -> bool:
    """Whether a key has an acknowledged read, and a write or what it read."""
    reads = [one for one in operations if is_ok(one) and op_of(one) in READS]
    has_value = any(one.value is not None for one in reads)
    return bool(reads) and (has_value or any(op_of(one) in WRITES for one in operations))
