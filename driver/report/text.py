"""Makes what others wrote harmless: names, outputs and errors of workers reach no page as they came."""

from __future__ import annotations

import unicodedata

_MARKDOWN = {character: f"\\{character}" for character in "\\`*_[]~|#!"} | {
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "@": "&#64;",
}


def printable(text: str) -> str:
    """The text in one line, with all that is no visible character (control, direction, …) replaced."""
    return "".join(
        character
        if character == " " or not unicodedata.category(character).startswith(("C", "Z"))
        else "\ufffd"
        for character in text.replace("\n", " ").replace("\t", " ").replace("\u00a0", " ")
    )


def escape_markdown(text: str) -> str:
    """Text that a Markdown renderer shows as it stands: no markup, HTML, mention or table cell of its own."""
    return "".join(_MARKDOWN.get(character, character) for character in printable(text))


def code(text: str) -> str:
    """Text as a code span that also stands in a table."""
    return "`" + printable(text).replace("`", "'").replace("|", "\\|") + "`"
