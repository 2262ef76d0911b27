"""Forms of sentences: words as they are, and slots in capitals. Matching, and errors where none matches.

`every acknowledged LOAD.key in OBSERVATION.COLUMN` has two slots; COMPARISON takes all words to the end.
Pure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence

from chaos.explain import did_you_mean, shortened
from driver.claims.claim import Field, Names

_SLOT = re.compile(r"[A-Z]+(?:\.(?:key|COLUMN))?:?")
REST = "COMPARISON"
OPERATION_FIELDS = ("key", "value")
NEAR_WORD = 0.7
NEAR_SHARE = 0.6
"""A sentence with this share of a form's words is meant to have that form."""


def words_of(text: str) -> list[str]:
    """Return the words of a sentence; the first colon ends a word."""
    head, colon, tail = text.partition(":")
    return [*f"{head.rstrip()}{colon}".split(), *tail.split()]


def slots_of(form: str, text: str) -> list[str] | None:
    """Return the words in the slots of a form, in their order; None where the text has another form."""
    shape, words = form.split(), words_of(text)
    if shape[-1] == REST:
        place = len(shape) - 1
        if len(words) <= place:
            return None
        words = [*words[:place], " ".join(words[place:])]
    if len(words) != len(shape):
        return None
    bound = []
    for wanted, found in zip(shape, words, strict=True):
        if not _SLOT.fullmatch(wanted):
            if found.lower() != wanted:
                return None
        elif wanted.endswith(":") and not found.endswith(":"):
            return None
        else:
            bound.append(found.removesuffix(":") if wanted.endswith(":") else found)
    return bound


def nearest_form(text: str, forms: Iterable[str]) -> tuple[str, str]:
    """Return the form that a sentence is meant to have, and the first word of it that differs.

    Both are "" where it has too few of any form's words.
    """
    words = [word.lower() for word in words_of(text)]
    best, best_share = "", 0.0
    for form in forms:
        share = _shared(form, words)
        if share > best_share:
            best, best_share = form, share
    if best_share < NEAR_SHARE:
        return "", ""
    for word in _literals(best):
        if word not in words:
            near = difflib.get_close_matches(word, words, n=1, cutoff=NEAR_WORD)
            return best, f"expected {word!r}{f' where {near[0]!r} is' if near else ''}"
    return best, f"found {shortened(' '.join(words), 200)!r}"


def _literals(form: str) -> list[str]:
    return [word for word in form.split() if not _SLOT.fullmatch(word)]


def _shared(form: str, words: Sequence[str]) -> float:
    literals = _literals(form)
    found = [difflib.get_close_matches(word, words[:40], n=1, cutoff=NEAR_WORD) for word in literals]
    here = sum(
        1.0 if near and near[0] == word else 0.9 for word, near in zip(literals, found, strict=True) if near
    )
    extra = abs(len(words) - len(form.split())) if REST not in form else 0
    return here / (len(literals) + 0.25 * extra)


def load_named(word: str, names: Names | None) -> str:
    """Return the load of that name. Raises ValueError with those that there are."""
    return _one_of(word, "load", names.loads if names else None)


def observation_named(word: str, names: Names | None) -> str:
    """Return the observation of that name. Raises ValueError with those that there are."""
    return _one_of(word, "observation", names.observations if names else None)


def fault_named(word: str, names: Names | None) -> str:
    """Return the id or kind of a fault of the timeline. Raises ValueError with those that there are."""
    return _one_of(word, "fault", names.faults if names else None)


def operation_field(word: str, names: Names | None) -> Field:
    """Return the field of `orders.key` or `orders.value`. Raises ValueError with a sentence."""
    load, dot, name = word.partition(".")
    if not dot or name not in OPERATION_FIELDS:
        raise ValueError(
            f"expected key or value of a load's operations, like {load or 'orders'}.key; found {word!r}"
        )
    return Field(load_named(load, names), name)


def column(word: str, names: Names | None) -> Field:
    """Return the field of `stored.id`. Raises ValueError with the columns that there are."""
    observation, dot, name = word.partition(".")
    if not dot or not name:
        raise ValueError(
            f"expected a column of an observation, like {observation or 'stored'}.id; found {word!r}"
        )
    observation_named(observation, names)
    known = names.observations[observation] if names else None
    if known is not None and name not in known:
        has = f"it has {_listed(known)}" if known else "it is one number"
        raise ValueError(f"{observation} has no column {name!r}: {has}{_hint(name, known)}")
    return Field(observation, name)


def _one_of(word: str, what: str, known: Collection[str] | None) -> str:
    if known is not None and word not in known:
        has = f"it has {_listed(known)}" if known else f"it has no {what}"
        raise ValueError(f"{word!r} is no {what} of this scenario: {has}{_hint(word, known)}")
    return word


def _listed(known: Iterable[str]) -> str:
    return shortened(", ".join(known), 300)


def _hint(word: str, known: Iterable[str]) -> str:
    near = did_you_mean(word, known)
    return f". {near}" if near else ""
