"""Makes the tables of docs/protocol.md from the types they describe."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import get_args

import msgspec

from wire.errors import CloseCode, FrameFault, RefusalReason
from wire.messages import UNNUMBERED, ToCoordinator, ToWorker
from worker.session import TRANSITIONS

PAGE = Path(__file__).with_name("protocol.md")


def messages() -> str:
    """One table for each direction: name, fields, what it says."""
    parts = []
    for title, kinds in (("Coordinator → worker", ToWorker), ("Worker → coordinator", ToCoordinator)):
        parts += [f"### {title}\n", "| message | numbered | fields | what it says |", "|---|---|---|---|"]
        for kind in get_args(kinds):
            fields = ", ".join(f"`{field.name}`" for field in msgspec.structs.fields(kind))
            numbered = "no" if kind in UNNUMBERED else "yes"
            parts.append(f"| `{kind.__struct_config__.tag}` | {numbered} | {fields} | {_says(kind)} |")
        parts.append("")
    return "\n".join(parts)


def _says(kind: type) -> str:
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return re.sub(r"^(Coordinator → worker|Worker → coordinator)[:,]? ?", "", text).replace("|", "\\|")


def states() -> str:
    """The worker's session as a diagram, drawn from its table."""
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> idle"]
    for state, row in TRANSITIONS.items():
        lines += [f"    {state} --> {target}: {happening}" for happening, target in row.items()]
    return "\n".join([*lines, "    stopped --> [*]", "```", ""])


def refusals() -> str:
    """Why a handshake is refused, how a connection is closed, and what a bad frame is counted as."""
    parts = ["| handshake refused | HTTP | the worker |", "|---|---|---|"]
    for reason in RefusalReason:
        then = "stops and says so" if reason.terminal else "tries again"
        parts.append(f"| `{reason.label}` | {reason.status} | {then} |")
    parts += ["", "| closed with | code |", "|---|---|"]
    parts += [f"| `{code.name}` | {code.value} |" for code in CloseCode]
    faults = ", ".join(f"`{fault}`" for fault in FrameFault)
    return "\n".join([*parts, "", f"A bad frame is counted as one of {faults}.", ""])


def page() -> str:
    """Return the page with its tables as the code has them now."""
    whole = PAGE.read_text()
    tables = {
        "messages": messages(),
        "states": states(),
        "refusals": refusals(),
    }
    for name, table in tables.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end -->)"
        place = re.search(pattern, whole, flags=re.S)
        assert place is not None, f"the page has no place for {name}"
        whole = whole[: place.end(1)] + table + whole[place.start(2) :]
    return whole
