"""The option with the number of workers of the reference lab."""

from __future__ import annotations

import click

from chaos.explain import shortened
from driver.errors import UsageError
from wire.address import MAX_WORKERS


def _workers(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        count = int(text)
    except ValueError:
        raise UsageError(
            f"--workers takes a whole number; found {shortened(repr(text), 60)}.", "Example: --workers 20"
        ) from None
    if not 1 <= count <= MAX_WORKERS:
        raise UsageError(
            f"--workers takes 1 to {MAX_WORKERS}; found {shortened(text, 60)}.",
            "One Toxiproxy carries no more links on one machine." if count > 0 else "Example: --workers 20",
        )
    return count


clients = click.option(
    "--workers",
    "clients",
    default=None,
    callback=_workers,
    metavar="N",
    help=f"How many workers, 1 to {MAX_WORKERS}.",
)
