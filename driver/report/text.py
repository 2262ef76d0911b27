"""Escapes text of other processes (names, outputs, errors) for Markdown, HTML and XML. Pure."""

from __future__ import annotations

import re
import unicodedata

_MARKUP = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|[\\`*\[\]~|<&@]|:(?=//)|(?<=www)\.", re.IGNORECASE)
_BLOCK = re.compile(r"^(\d+)([.)])(?=\s|$)|^()([#>+=-])")
_ENTITIES = {"<": "&lt;", "&": "&amp;", "@": "&#64;", ":": "&#58;", ".": "&#46;"}


def printable(text: str) -> str:
    """Return text in one line, with invisible characters (control, direction, …) replaced."""
    return "".join(_visible(character) for character in text)


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows literally: without markup, HTML, link or mention, in one table cell."""
    marked = _MARKUP.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), printable(text).strip())
    return _BLOCK.sub(r"\1\3\\\2\4", marked)


def code(text: str) -> str:
    """Return text as a code span that is valid in a table too."""
    return "`" + (printable(text).replace("`", "'").replace("|", "\\|") or " ") + "`"


def _visible(character: str) -> str:
    if character in " \n\t\u00a0":
        return " "
    return "\ufffd" if unicodedata.category(character).startswith(("C", "Z")) else character
