"""The classes of a module, among which a catalogue finds what the module declares."""

from __future__ import annotations

from inspect import isabstract
from types import ModuleType


def own_classes(module: ModuleType) -> list[type]:
    """Return the classes that a module defines itself, and that have all their methods."""
    mine = (value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
    return [one for one in mine if isinstance(one, type) and not isabstract(one)]
