"""Escapes control and format characters in text from outside (`\\x1b`), before it is shown. Pure."""

from __future__ import annotations

import re
import unicodedata

_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (directions, invisible ones), lone surrogates, private and unassigned, line separators."""


def visible(text: str) -> str:
    """Return `text` with control and format characters escaped; line ends and tabs stay."""
    return _SUSPECT.sub(lambda found: _shown(found[0]), text)


def one_line(text: str) -> str:
    """Return `text` escaped and on one line, so that it cannot forge a further line."""
    return visible(" ".join(text.split()))


def _shown(one: str) -> str:
    if unicodedata.category(one) not in _HIDDEN:
        return one
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x10000 else f"\\U{code:08x}"


def visible_json(text: str) -> str:
    """Return JSON text with such characters as JSON escapes: it decodes to the same strings."""
    return _SUSPECT.sub(lambda found: _escaped(found[0]), text)


def _escaped(one: str) -> str:
    if unicodedata.category(one) not in _HIDDEN:
        return one
    # Beyond the basic plane a JSON escape is a pair of surrogates (RFC 8259, 7).
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
