"""What decoding raises when bytes are not what they should be."""

from __future__ import annotations

import msgspec

UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""msgspec has errors of its own for most of it; text that is no UTF-8 and arrays nested without end come
through as Python's.
"""
