"""Host header check against DNS rebinding.

A foreign page can point a name of its own at this machine; the browser then sends that name as Host (RFC
9110, section 7.2). An address in its place cannot be rebound.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection


def is_own_host(host: str, names: Collection[str] = ()) -> bool:
    """Return whether a Host header is an IP address, `localhost`, or one of `names` (lower case), with any
    port.
    """
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name.lower() in ("localhost", *names)
    return True
