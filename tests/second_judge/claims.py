"""Every claim by what docs/checks.md says that it means, from raw lines: passed, failed or unknown, and of a
failure how much is wrong. Slow and plain; it shares no line with driver/claims/.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

Raw = dict[str, Any]
Answer = tuple[str, float | None]
UNKNOWN: Answer = ("unknown", None)
S = 10**9
END_OF_TIME = 10**30
TAKES_OUT = ("read", "get", "head", "dequeue", "receive", "pop", "consume")
READING, WRITING = ("read", "get"), ("write", "set", "put", "post")
TAKING, GIVING = ("dequeue", "receive", "pop", "consume"), ("enqueue", "send", "push", "publish")


class UnknownError(Exception):
    """The history does not determine the answer."""


def judge(sentence: str, lines: Sequence[Raw]) -> Answer:
    """The answer to a sentence."""
    for pattern, answer in SENTENCES:
        if match := re.fullmatch(pattern, sentence):
            try:
                return answer(lines, *match.groups())
            except UnknownError:
                return UNKNOWN
    raise AssertionError(f"no sentence: {sentence}")


def wrong(count: float) -> Answer:
    """Failed by a count, or passed."""
    return ("failed", count) if count else ("passed", 0)


# -- cells -----------------------------------------------------------------------------------------


def text(cell: Any) -> str | None:
    """A cell as a key."""
    if cell is None:
        return None
    if cell is True or cell is False:
        return str(cell).lower()
    if isinstance(cell, float) and cell - cell == 0 and cell % 1 == 0:
        return format(cell, ".0f")
    return str(cell)


def number(cell: Any) -> Fraction | None:
    """A cell as a number."""
    if cell is None or cell is True or cell is False:
        return None
    try:
        return Fraction(str(cell)) if "/" not in str(cell) and "_" not in str(cell) else None
    except ValueError:
        return None


# -- lines -----------------------------------------------------------------------------------------


def operations(lines: Sequence[Raw], load: str | None) -> list[Raw]:
    """A load's operations; None: of all loads."""
    return [one for one in lines if one["event"] == "operation" and load in (None, one["load"])]


def senders(lines: Sequence[Raw], load: str | None) -> list[Raw]:
    """The operations that put something there."""
    return [one for one in operations(lines, load) if one["op"].lower() not in TAKES_OUT]


def readings(lines: Sequence[Raw], name: str) -> list[list[Raw]]:
    """The readings of an observation by when they were asked for, each as its parts."""
    own = [one for one in lines if one["event"] == "reading" and one["name"] == name]
    asked = sorted({(one["asked_ns"], one["moment"]) for one in own})
    found = [[one for one in own if (one["asked_ns"], one["moment"]) == each] for each in asked]
    tables = [parts for parts in found if whole(parts) and parts[0]["number"] is None]
    shapes = {tuple(parts[0]["columns"]) for parts in tables if not empty_json(parts)}
    shapes = shapes or {tuple(parts[0]["columns"]) for parts in tables}
    if len(shapes) == 1 and len(next(iter(shapes))) == 1:
        return [_with_rows(parts, list(next(iter(shapes)))) for parts in found]
    return found


def _with_rows(parts: list[Raw], columns: list[str]) -> list[Raw]:
    """A number as the only row of a table."""
    value = parts[0]["number"]
    if value is None or not whole(parts):
        return parts
    if abs(value) >= 2**53:
        return [{**parts[0], "number": None, "unknown": "not exact"}]
    return [{**parts[0], "number": None, "columns": columns, "rows": [[value]]}]


def empty_json(parts: list[Raw]) -> bool:
    """Whether a known reading is an answer of JSON without rows, whose columns nothing names."""
    return (
        whole(parts)
        and parts[0]["number"] is None
        and parts[0]["columns"] == ["value"]
        and not any(one["rows"] for one in parts)
    )


def whole(parts: list[Raw]) -> bool:
    """Whether a reading is known."""
    numbers = sorted(one["part"] for one in parts)
    widths = {len(row) for one in parts for row in one["rows"]}
    is_number = parts[0]["number"] is not None
    return (
        not any(one["unknown"] for one in parts)
        and numbers == list(range(1, parts[0]["parts"] + 1))
        and len({(tuple(one["columns"]), one["parts"]) for one in parts}) == 1
        and (is_number or bool(parts[0]["columns"]))
        and not (is_number and parts[0]["number"] != parts[0]["number"])
        and widths <= {len(parts[0]["columns"])}
    )


def at_moment(lines: Sequence[Raw], name: str, moment: str) -> list[Raw]:
    """The parts of the first reading before, or of the last one after."""
    found = [parts for parts in readings(lines, name) if parts[0]["moment"] == moment]
    if not found:
        raise UnknownError
    return found[0] if moment == "before" else found[-1]


def cells(parts: list[Raw], column: str) -> list[Any]:
    """A column of a known reading."""
    columns = parts[0]["columns"]
    if empty_json(parts):
        return []
    if not whole(parts) or parts[0]["number"] is not None or columns.count(column) != 1:
        raise UnknownError
    place = columns.index(column)
    return [row[place] for one in sorted(parts, key=lambda one: one["part"]) for row in one["rows"]]


def before(lines: Sequence[Raw], name: str, column: str) -> set[str]:
    """The keys that were there before."""
    try:
        return {
            str(text(cell)) for cell in cells(at_moment(lines, name, "before"), column) if cell is not None
        }
    except UnknownError:
        return set()


def stored(lines: Sequence[Raw], name: str, column: str) -> list[str]:
    """The keys that are there at the end, each as often as it is."""
    found = [text(cell) for cell in cells(at_moment(lines, name, "after"), column)]
    return [key for key in found if key is not None]


def asked_ns(lines: Sequence[Raw], name: str) -> int:
    """When the final reading was asked for."""
    return int(at_moment(lines, name, "after")[0]["asked_ns"])


def none_was_there(lines: Sequence[Raw], sent: list[Raw], field: str, name: str, column: str) -> None:
    """Raise UnknownError where a key was there before it was sent and acknowledged."""
    old = before(lines, name, column)
    for one in sent if old else []:
        was_read = max(part["at_ns"] for part in at_moment(lines, name, "before"))
        if one["outcome"] == "ok" and one["call_ns"] >= was_read and text(one[field]) in old:
            raise UnknownError


def values_are_there(all_of_it: list[Raw]) -> None:
    """Raise UnknownError where all writes, or all acknowledged reads, are without a value."""
    written = {one["value"] is None for one in all_of_it if one["op"].lower() in WRITING}
    read = {
        one["value"] is None for one in all_of_it
        if one["op"].lower() in READING and one["outcome"] == "ok"
    }  # fmt: skip
    if written == {True} or read == {True}:
        raise UnknownError


def unique(keys: Sequence[str | None]) -> None:
    """Raise UnknownError where two are one."""
    real = [key for key in keys if key is not None]
    if any(real.count(key) > 1 for key in real):
        raise UnknownError


# -- keys ------------------------------------------------------------------------------------------


def every_acknowledged(lines: Sequence[Raw], load: str, field: str, name: str, column: str) -> Answer:
    there = stored(lines, name, column)
    sent = senders(lines, load)
    unique([text(one[field]) for one in sent])
    sure = [
        text(one[field])
        for one in sent
        if one["outcome"] == "ok" and one["return_ns"] <= asked_ns(lines, name) and one[field] is not None
    ]
    if not sure:
        raise UnknownError
    lost = len([key for key in sure if key not in there])
    if not lost:
        none_was_there(lines, sent, field, name, column)
    return wrong(lost)


def no_twice(lines: Sequence[Raw], name: str, column: str) -> Answer:
    there = stored(lines, name, column)
    if not there:
        raise UnknownError
    return wrong(len({key for key in there if there.count(key) > 1}))


def was_sent(lines: Sequence[Raw], name: str, column: str, load: str | None = None) -> Answer:
    there = set(stored(lines, name, column))
    sent = senders(lines, load)
    if not sent:
        raise UnknownError
    keys = {one["key"] for one in sent}
    good = {one["key"] for one in sent if one["outcome"] != "fail"}
    judged = {key for key in there if key in keys or key not in before(lines, name, column)}
    if not judged:
        raise UnknownError
    return wrong(len(judged - good))


def in_order(lines: Sequence[Raw], name: str, place: str, other: str, key: str) -> Answer:
    assert name == other
    parts = at_moment(lines, name, "after")
    rows = [(at, text(of)) for at, of in zip(cells(parts, place), cells(parts, key), strict=True)]
    rows = [row for row in rows if row[1] is not None]
    for one in {of for _, of in rows}:
        sorts = {(number(at) is not None, isinstance(at, str)) for at, of in rows if of == one}
        if not all(is_number for is_number, _ in sorts) and sorts != {(False, True)}:
            raise UnknownError
    values: list[Any] = [at if number(at) is None else number(at) for at, _ in rows]
    steps = falls = 0
    for index in range(len(rows)):
        earlier = [at for at in range(index) if rows[at][1] == rows[index][1]]
        if earlier:
            steps += 1
            falls += values[index] < values[earlier[-1]]
    if not steps:
        raise UnknownError
    return wrong(falls)


def own_writes(lines: Sequence[Raw], load: str) -> Answer:
    all_of_it = [one for one in operations(lines, load) if one["op"].lower() != "head"]
    if any(one["op"].lower() not in READING + WRITING for one in all_of_it):
        raise UnknownError
    values_are_there(all_of_it)
    judged = bad = 0
    for read in all_of_it:
        if read["op"].lower() not in READING or read["outcome"] != "ok":
            continue
        writes = [
            one for one in all_of_it
            if one["op"].lower() in WRITING and one["key"] == read["key"] and one["outcome"] != "fail"
        ]  # fmt: skip
        own = [
            one["call_ns"] for one in writes
            if one["process"] == read["process"] and one["outcome"] == "ok"
            and one["return_ns"] <= read["call_ns"]
        ]  # fmt: skip
        if not own:
            continue
        judged += 1
        possible = []
        for one in writes:
            is_older = one["outcome"] == "ok" and one["return_ns"] <= max(own) and one["call_ns"] < max(own)
            is_later = one["call_ns"] > read["return_ns"]
            if not is_older and not is_later:
                possible.append(text(one["value"]))
        bad += text(read["value"]) not in possible
    if not judged:
        raise UnknownError
    return wrong(bad)


def counter(lines: Sequence[Raw], name: str, column: str | None = None, load: str | None = None) -> Answer:
    first, last = at_moment(lines, name, "before"), at_moment(lines, name, "after")
    grown = _total(last, column) - _total(first, column)
    first_end, last_end = (max(one["at_ns"] for one in parts) for parts in (first, last))
    low = high = Fraction(0)
    sure = 0
    for one in senders(lines, load):
        amount = number(one["value"])
        amount = Fraction(1) if amount is None else amount
        is_ok = one["outcome"] == "ok"
        if one["outcome"] == "fail" or one["call_ns"] >= last_end:
            continue
        if is_ok and one["return_ns"] <= first[0]["asked_ns"]:
            continue
        if is_ok and one["call_ns"] >= first_end and one["return_ns"] <= last[0]["asked_ns"]:
            sure += 1
            low, high = low + amount, high + amount
        elif amount > 0:
            high += amount
        else:
            low += amount
    if not sure:
        raise UnknownError
    totals = [_total(last, column), _total(first, column)]
    floats = [one["value"] for one in senders(lines, load)]
    for parts in (first, last):
        floats += cells(parts, column) if column else [parts[0]["number"]]
    is_rounded = any(isinstance(one, float) and one % 1 != 0 for one in floats)
    slack = max(*map(abs, totals), Fraction(1)) / 2**40 if is_rounded else 0
    if low - slack <= grown <= high + slack:
        return "passed", float(grown)
    return "failed", float(grown)


def _total(parts: list[Raw], column: str | None) -> Fraction:
    if column is None:
        value = number(parts[0]["number"])
        if not whole(parts) or value is None or abs(value) >= 2**53:
            raise UnknownError
        return value
    values = [number(cell) for cell in cells(parts, column) if cell is not None]
    if None in values:
        raise UnknownError
    return sum((value for value in values if value is not None), Fraction(0))


def register(lines: Sequence[Raw], load: str) -> Answer:
    all_of_it = [one for one in operations(lines, load) if one["op"].lower() != "head"]
    if any(one["op"].lower() not in READING + WRITING for one in all_of_it):
        raise UnknownError
    values_are_there(all_of_it)
    tested = bad = 0
    for key in {one["key"] for one in all_of_it}:
        own = [one for one in all_of_it if one["key"] == key]
        reads = [one for one in own if one["op"].lower() in READING and one["outcome"] == "ok"]
        writes = [one for one in own if one["op"].lower() in WRITING]
        if not reads or (not writes and all(one["value"] is None for one in reads)):
            continue
        tested += 1
        sure = [one for one in writes if one["outcome"] == "ok"]
        maybe = [one for one in writes if one["outcome"] not in ("ok", "fail")]
        bad += not _has_order(reads + sure, maybe, None)
    if not tested:
        raise UnknownError
    return wrong(bad)


def _has_order(sure: list[Raw], maybe: list[Raw], value: str | None) -> bool:
    """Whether some operation can come first, and the others after it."""
    if not sure:
        return True
    first_end = min(one["return_ns"] for one in sure)
    for one in [*sure, *maybe]:
        if one["call_ns"] > first_end:
            continue
        is_read = one["op"].lower() in READING
        if is_read and text(one["value"]) != value:
            continue
        others = [other for other in sure if other is not one]
        others_maybe = [other for other in maybe if other is not one]
        if _has_order(others, others_maybe, value if is_read else text(one["value"])):
            return True
    return False


def queue(lines: Sequence[Raw], load: str, how: str, name: str | None = None, column: str = "") -> Answer:
    all_of_it = operations(lines, load)
    if name is None and any(one["op"].lower() not in TAKING + GIVING for one in all_of_it):
        raise UnknownError
    sent = senders(lines, load)
    unique([one["key"] for one in sent])
    acknowledged = [one for one in sent if one["outcome"] == "ok"]
    delivered: list[str] = []
    unclear: set[str] = set()
    nameless, is_drained, early = 0, True, set()
    if name is None:
        taken = [one for one in all_of_it if one["op"].lower() in TAKING]
        good = [one for one in taken if one["outcome"] == "ok"]
        delivered = [one["key"] for one in good if one["key"] != ""]
        lost_answers = [one for one in taken if one["outcome"] not in ("ok", "fail")]
        unclear = {one["key"] for one in lost_answers if one["key"] != ""}
        nameless = len([one for one in lost_answers if one["key"] == ""])
        last = max([one["return_ns"] for one in acknowledged], default=0)
        is_drained = any(one["key"] == "" and one["call_ns"] >= last for one in good)
        early = {
            one["key"] for one in good for other in sent
            if one["key"] == other["key"] and one["return_ns"] < other["call_ns"]
        }  # fmt: skip
    else:
        delivered_at_end = stored(lines, name, column)
        none_was_there(lines, sent, "key", name, column)
        old = before(lines, name, column)
        keys = {one["key"] for one in sent}
        delivered = [key for key in delivered_at_end if key in keys or key not in old]
        end = asked_ns(lines, name)
        unclear = {one["key"] for one in acknowledged if one["return_ns"] > end}
    lost = {one["key"] for one in acknowledged} - set(delivered) - unclear
    doubled = {key for key in delivered if delivered.count(key) > 1}
    good_keys = {one["key"] for one in sent if one["outcome"] != "fail"}
    alien = (set(delivered) - good_keys) | early
    if how == "at most once":
        lost = set()
    if how == "at least once":
        doubled = set()
    certain = max(0, len(lost) - nameless) if is_drained else 0
    if certain or doubled or alien:
        return wrong(certain + len(doubled) + len(alien))
    is_untested = all(one["key"] in unclear and one["key"] not in delivered for one in acknowledged)
    if lost or (how == "at most once" and not delivered) or is_untested:
        raise UnknownError
    return wrong(0)


# -- time ------------------------------------------------------------------------------------------


def faults(lines: Sequence[Raw]) -> list[tuple[str, str, int, int]]:
    """Each fault's id and kind, its begin and its end."""
    found = []
    for one in lines:
        if one["event"] == "fault_begun":
            ends = [
                other["at_ns"] for other in lines
                if other["event"] == "fault_ended" and other["fault"] == one["fault"]
            ]  # fmt: skip
            found.append((one["fault"], one["kind"], one["at_ns"], ends[-1] if ends else END_OF_TIME))
    return found


def always(lines: Sequence[Raw], name: str, sign: str, bound: str) -> Answer:
    return _compared(readings(lines, name), faults(lines), sign, bound)


def outside(lines: Sequence[Raw], name: str, sign: str, bound: str) -> Answer:
    on = faults(lines)
    apart = [
        parts for parts in readings(lines, name)
        if all(_end(parts) <= begin or end <= parts[0]["asked_ns"] for _, _, begin, end in on)
    ]  # fmt: skip
    return _compared(apart, on, sign, bound)


def during(lines: Sequence[Raw], fault: str, name: str, sign: str, bound: str) -> Answer:
    windows = [(begin, end) for one, kind, begin, end in faults(lines) if fault in (one, kind)]
    if not windows:
        raise UnknownError
    inside = [
        [parts for parts in readings(lines, name) if begin <= parts[0]["asked_ns"] and _end(parts) <= end]
        for begin, end in windows
    ]
    numbers = [[_number(parts) for parts in one if _number(parts) is not None] for one in inside]
    bad = [each for one in numbers for each in one if each is not None and not _holds(each, sign, bound)]
    if bad:
        return "failed", None
    if not all(numbers):
        raise UnknownError
    return "passed", None


def _compared(found: list[list[Raw]], on: list[tuple[str, str, int, int]], sign: str, bound: str) -> Answer:
    numbers = [_number(parts) for parts in found]
    if all(one is None for one in numbers):
        raise UnknownError
    if any(one is not None and not _holds(one, sign, bound) for one in numbers):
        return "failed", None
    for parts, one in zip(found, numbers, strict=True):
        touches = any(begin <= _end(parts) and parts[0]["asked_ns"] <= end for _, _, begin, end in on)
        if one is None and not touches:
            raise UnknownError
    return "passed", None


def _number(parts: list[Raw]) -> float | None:
    value = parts[0]["number"]
    return float(value) if whole(parts) and value is not None else None


def _end(parts: list[Raw]) -> int:
    return int(max(one["at_ns"] for one in parts))


def _holds(value: float, sign: str, bound: str) -> bool:
    limit = float(bound)
    return {
        "<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit,
        "==": value == limit,
    }[sign]  # fmt: skip


_COMPARED = r"(\w+) (<=|>=|==|<|>) (\d+)"
SENTENCES: tuple[tuple[str, Callable[..., Answer]], ...] = (
    (r"every acknowledged (\w+)\.(key|value) in (\w+)\.(\w+)", every_acknowledged),
    (r"no (\w+)\.(\w+) twice", no_twice),
    (r"every (\w+)\.(\w+) was sent(?: by (\w+))?", was_sent),
    (r"(\w+)\.(\w+) in order for each (\w+)\.(\w+)", in_order),
    (r"reads of (\w+) see own writes", own_writes),
    (r"counter (\w+)(?:\.(\w+))? between acknowledged and attempted(?: of (\w+))?", counter),
    (r"register (\w+) linearizable", register),
    (r"queue (\w+) (at least once|at most once|exactly once)(?: in (\w+)\.(\w+))?", queue),
    (rf"always: {_COMPARED}", always),
    (rf"outside faults: {_COMPARED}", outside),
    (rf"during (\w+): {_COMPARED}", during),
)
