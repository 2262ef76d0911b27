"""An operation that was acknowledged was refused, or got no answer."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from driver.claims.operations import is_ok
from driver.controls.control import Altered, Control, growing, replaced, several
from driver.histories.history import History
from driver.histories.system_events import FAIL, UNKNOWN, Operation


def alter(history: History) -> Iterator[Altered]:
    """Refuse operations, then withhold their answers: of more and more of them back from the last."""
    acknowledged = [one for one in reversed(history.of(Operation)) if is_ok(one)]
    for outcome, what in ((FAIL, "refused"), (UNKNOWN, "without an answer")):
        for some in growing(acknowledged):
            pairs = [(one, replace(one, outcome=outcome)) for one in some]
            name = f"{some[0].op} {some[0].key}".strip()
            yield Altered(f"{several(name, len(some))} {what}", replaced(history, pairs))


CONTROL = Control(
    "operation_refused", "An acknowledged operation is refused or gets no answer.", alter, (Operation,),
    rank=360,
)  # fmt: skip
