"""Text from outside, harmless to whatever shows it: control and format characters become `\\x1b`. Pure."""

from __future__ import annotations

import re
import unicodedata

_SUSPECT = re.compile(r"[^\x20-\x7e\n\t]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (directions, invisible ones), lone surrogates, private and unassigned, line separators."""


def visible(text: str) -> str:
    """`text` without what a terminal, a browser or an editor would obey; line ends and tabs stay."""
    return _SUSPECT.sub(lambda found: _shown(found[0]), text)


def one_line(text: str) -> str:
    """The same in one line: a line end cannot begin a line that looks like another's."""
    return visible(" ".join(text.split()))


def _shown(one: str) -> str:
    if unicodedata.category(one) not in _HIDDEN:
        return one
    code = ord(one)
    return f"\\x{code:02x}" if code < 0x10000 else f"\\U{code:08x}"


def visible_json(text: str) -> str:
    """The same for JSON text: escaped so that a reader decodes the very same strings."""
    return _SUSPECT.sub(lambda found: _escaped(found[0]), text)


def _escaped(one: str) -> str:
    if unicodedata.category(one) not in _HIDDEN:
        return one
    # Above the basic plane JSON has pairs of surrogates.
    units = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n]:02x}{units[n + 1]:02x}" for n in range(0, len(units), 2))
